"""What a call or a signed structure can move: amounts by unit, each with the name under which it counts once.

Decisions that govern this module:

* Every state-changing function of every contract is in one of the tables, or no policy can allow it; a test walks the
  ABIs. The same holds for signed structures.
* An amount is what the wallet lets go, or brings about with the bank's power: a payment, a hold, an allowance, a mint.
* What spends a reference or a nonce of the token counts once, however often and in whatever form it is signed: a
  payment alone, in a batch, cleared or as an authorization has one name. All else counts each time under a new nonce.
* A standing mandate counts as the most that it lets out in one UTC day, which may touch one period more than fit into
  it; a policy that wants every mandate looked at says so.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from eth_utils.crypto import keccak

from pyjpm.custody.policy_calls import Call
from pyjpm.custody.policy_deployment import Contract, Contracts
from pyjpm.errors.policy import ContractNotAllowed
from pyjpm.sending.reference import canonical

_DAY: Final = 86_400


class Flow(NamedTuple):
    """One amount.

    Attributes:
        unit: currency or asset.
        amount: minor units, or pieces.
        name: under which it counts once (hexadecimal); None: for what is signed as a whole.
    """

    unit: str
    amount: int
    name: str | None


def name_of(*parts: object) -> str:
    """A short name of content: 32 hexadecimal digits."""
    return hashlib.sha256(canonical([_plain(part) for part in parts]).encode()).hexdigest()[:32]


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def _payment(token: Contract, payer: str, to: str, amount: int, ref: bytes, remittance_hash: bytes) -> Flow:
    # Written out: the only name that is made thousands of times a second.
    digest = hashlib.sha256(f"pay {token.address} {payer} {to} {amount} ".encode() + ref + remittance_hash)
    return Flow(token.unit, amount, digest.hexdigest()[:32])


def _consent(token: Contract, payer: str, nonce: int, amount: int) -> Flow:
    return Flow(token.unit, amount, name_of("consent", token.address, payer, nonce, amount))


def _mandate(token: Contract, mandate: Mapping[str, Any]) -> Flow:
    periods = _periods_in_a_day(mandate["start"], mandate["end"], max(mandate["period"], 1))
    return Flow(token.unit, mandate["capPerPeriod"] * periods, name_of("mandate", token.address, mandate))


def _periods_in_a_day(start: int, end: int, period: int) -> int:
    """How many periods of so many seconds, counted from ``start`` to ``end``, a UTC day touches at most."""
    step = math.gcd(_DAY, period)  # days begin in a period by this far apart
    latest = period - step + -start % step
    return min((latest + _DAY - 1) // period, max(end - start, 0) // period) + 1


def _token(contracts: Contracts, address: str) -> Contract:
    token = contracts.by_address.get(address)
    if token is None or token.artifact != "DepositToken":
        raise ContractNotAllowed(f"{address} is no deposit token that this signer knows.", contract=address)
    return token


Measure = Callable[[Contracts, str, Call], list[Flow]]


def _argument(position: int) -> Measure:
    return lambda contracts, wallet, call: [Flow(call.contract.unit, call.arguments[position], None)]


def _piece(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    return [Flow(call.contract.unit, 1, None)]


def _nothing(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    return []


def _pay(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    to, amount, ref, remittance = call.arguments
    return [_payment(call.contract, wallet, to, amount, ref, keccak(remittance))]


def _pay_batch(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    return [
        _payment(call.contract, wallet, item["to"], item["amount"], item["ref"], keccak(item["remittance"]))
        for item in call.arguments[0]
    ]


def _mint(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    ref, to, amount = call.arguments
    return [Flow(call.contract.unit, amount, name_of("mint", call.contract.address, ref, to, amount))]


def _authorized(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    payer, to, value, _, _, _, ref, remittance, _ = call.arguments
    return [_payment(call.contract, wallet, to, value, ref, keccak(remittance))] if payer == wallet else []


def _registered(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    mandate = call.arguments[0]
    return [_mandate(call.contract, mandate)] if mandate["payer"] == wallet else []


def _milestone(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    terms, milestone, consent = call.arguments
    token = _token(contracts, terms["token"])
    if consent["payer"] != wallet or milestone >= len(terms["milestones"]):
        return []
    return [_consent(token, wallet, consent["nonce"], terms["milestones"][milestone]["amount"])]


def _credit(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    terms, _, amount, _, consent = call.arguments
    token = _token(contracts, terms["token"])
    return [_consent(token, wallet, consent["nonce"], amount)] if consent["payer"] == wallet else []


MEASURED: Final[Mapping[str, Mapping[str, Measure]]] = {
    "DepositToken": {
        "pay": _pay,
        "payBatch": _pay_batch,
        "transfer": _argument(1),
        "transferFrom": _argument(2),
        "approve": _argument(1),
        "holdAndCall": _argument(1),
        "requestRedemption": _argument(0),
        "mint": _mint,
        "seize": _argument(2),
        "rescueHold": _argument(2),
        "transferWithAuthorization": _authorized,
        "receiveWithAuthorization": _authorized,
        "registerMandate": _registered,
        "registerMandateBySignature": _registered,
    },
    "OrderEscrow": {"fund": _milestone, "pay": _milestone, "refundReleased": _credit},
    "UnitToken": {
        "approve": _argument(1),
        "transfer": _argument(1),
        "transferFrom": _argument(2),
        "issue": _argument(1),
        "retire": _argument(1),
    },
    "TitleDocument": {
        "approve": _piece,
        "transferFrom": _piece,
        "safeTransferFrom": _piece,
        "issue": _piece,
        "retire": _piece,
    },
}
"""Functions whose calldata says how much they move."""

UNMEASURED: Final[Mapping[str, str]] = {
    "DepositToken": "cancelAuthorization cancelConsent cleared decreaseDailyLimit freezeAmount instructRedemption "
    "pause permit registerNotary resumeNotary returnRedemption revokeMandate runOffNotary setCustomerLimit "
    "setDailyLimit setMintCeiling setMintRate setRetailTier setSponsorCeiling settleRedemption stopNotary "
    "unfreezeAmount unpause voidReference",
    "ParticipantRegistry": "addFlags changeCurrentWallet close closeCustomer forbidPair freeze linkCustomerWallet "
    "linkWallet onboardCustomer permitPair register registerAsset reinstate reinstateCustomer reinstateWallet "
    "removeFlags renewCustomerKyc renewKyc setSponsorship suspend suspendCustomer suspendWallet unfreeze "
    "unlinkCustomerWallet unlinkWallet updateProfile",
    "OrderEscrow": "agree amend attest attestAndRelease attestMany cancel cancelByOrder cancelTogether "
    "decideByFallback dispute open refund release releaseMany rule writeOff",
    "Settlement": "affirm affirmBySignature cancel cancelTogether releaseHold settle settleLots settleNet",
    "PaymentRules": "approve arm cancel execute pause preview previewPeriod simulate",
    "Reserve": "addAuditor attestReserve registerToken removeAuditor setCycle setThreshold",
    "AttesterSets": "addAttester announceAttester createSet removeAttester",
    "UnitToken": "permit",
    "TitleDocument": "",
    "Governance": "cancel consumeScheduledOp dismiss execute labelRole multicall renounceRole revokeRole schedule",
}
"""Functions that move none of the wallet's money, or only by a structure it signed, or what was counted when held."""

BOUNDLESS: Final[Mapping[str, str]] = {
    "DepositToken": "recover setAuthority setReserve upgradeToAndCall",
    "ParticipantRegistry": "recoverWallet setAuthority upgradeToAndCall",
    "OrderEscrow": "setAuthority",
    "Reserve": "setAuthority upgradeToAndCall",
    "UnitToken": "recover setAuthority",
    "TitleDocument": "recover setApprovalForAll setAuthority",
    "Governance": "grantRole setGrantDelay setRoleAdmin setRoleGuardian setTargetAdminDelay setTargetClosed "
    "setTargetFunctionRole updateAuthority",
}
"""Functions whose effect no amount bounds: a policy allows them with a checker's signature only."""

NEVER: Final[Mapping[str, str]] = {
    "DepositToken": "cancelByOrder execute executeByConsent executeByMandate executeNet hold initialize release",
    "ParticipantRegistry": "initialize",
    "OrderEscrow": "onHold",
    "Settlement": "onHold",
    "Reserve": "initialize",
}
"""Functions that contracts call, or nobody after the deployment."""


def is_known(artifact: str, function: str) -> bool:
    """Whether a policy may allow the function at all."""
    return function in MEASURED.get(artifact, {}) or _in(UNMEASURED, artifact, function)


def is_boundless(artifact: str, function: str) -> bool:
    """Whether a policy may allow the function with a checker only."""
    return _in(BOUNDLESS, artifact, function)


def flows_of(contracts: Contracts, wallet: str, call: Call) -> list[Flow]:
    """What one call moves, without the calls in it. Raises ContractNotAllowed."""
    return MEASURED.get(call.contract.artifact, {}).get(call.function, _nothing)(contracts, wallet, call)


def _in(table: Mapping[str, str], artifact: str, function: str) -> bool:
    return function in table.get(artifact, "").split()


# --- signed structures ---------------------------------------------------------------------------------------------

Weigh = Callable[[Contract, Mapping[str, Any]], list[Flow]]


def _weigh_consent(token: Contract, message: Mapping[str, Any]) -> list[Flow]:
    return [_consent(token, message["payer"], message["nonce"], message["amount"])]


def _weigh_authorization(token: Contract, message: Mapping[str, Any]) -> list[Flow]:
    parts = [message[part] for part in ("from", "to", "value", "ref", "remittanceHash")]
    return [_payment(token, *parts)]


def _weigh_permit(token: Contract, message: Mapping[str, Any]) -> list[Flow]:
    return [Flow(token.unit, message["value"], None)]


def _weigh_mandate(token: Contract, message: Mapping[str, Any]) -> list[Flow]:
    return [_mandate(token, message["mandate"])]


def _weigh_nothing(contract: Contract, message: Mapping[str, Any]) -> list[Flow]:
    return []


MESSAGES: Final[Mapping[str, Mapping[str, Weigh]]] = {
    "DepositToken": {
        "Consent": _weigh_consent,
        "TransferWithAuthorization": _weigh_authorization,
        "ReceiveWithAuthorization": _weigh_authorization,
        "Permit": _weigh_permit,
        "RegisterMandate": _weigh_mandate,
        "CancelAuthorization": _weigh_nothing,
        "Clearance": _weigh_nothing,
    },
    "ParticipantRegistry": {"LinkWallet": _weigh_nothing, "ChangeCurrentWallet": _weigh_nothing},
    "OrderEscrow": dict.fromkeys(("Terms", "Attestation", "Agreement", "Amendment", "Cancellation"), _weigh_nothing),
    "Settlement": dict.fromkeys(("Trade", "CancelTrade", "Quote"), _weigh_nothing),
    "PaymentRules": {"RuleApproval": _weigh_nothing},
    "Reserve": {"ReserveAttestation": _weigh_nothing},
    "UnitToken": {"Permit": _weigh_permit},
}
"""Structures that are signed, by the contract that reads the signature, or under whose domain they are signed."""


def weight_of(contract: Contract, primary_type: str, message: Mapping[str, Any]) -> list[Flow]:
    """What a signed structure moves."""
    return MESSAGES[contract.artifact][primary_type](contract, message)
