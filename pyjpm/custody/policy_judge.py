"""The judge: whether the policy lets a wallet sign what it is asked to, and the line that says so.

Decisions that govern this module:

* Nothing that the client says about a request is used but the bytes to be signed: what they are, what they move and
  what a checker must have approved is worked out here.
* All of a call is signed or none of it, and the line that says so is on disk before the device is asked.
* A cancel (nothing, to oneself, 21,000 gas) is always signed.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody.eip1559 import encoded, signing_preimage, unsigned_fields
from pyjpm.custody.policy import Policy, Rules
from pyjpm.custody.policy_approval import (
    Approval,
    call_request,
    creation_request,
    message_request,
    payment_request,
)
from pyjpm.custody.policy_book import Book
from pyjpm.custody.policy_calls import Call, calls_in
from pyjpm.custody.policy_effects import flows_of, weight_of
from pyjpm.custody.policy_reckoning import Ask, Reckoning
from pyjpm.custody.policy_state import CANCEL, DAY
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.errors.documents import MalformedDocument
from pyjpm.errors.policy import (
    CallerNotAllowed,
    CallNotUnderstood,
    ChainNotAllowed,
    ContractNotAllowed,
    CreationNotAllowed,
    FunctionNotAllowed,
    MessageNotAllowed,
    NativeValueNotAllowed,
    SigningApprovalInvalid,
    WalletNotServed,
)

_CANCEL_GAS: Final = 21_000
_MOST_DATA: Final = 1 << 19
"""Bytes of calldata: what is crafted to unfold to much more is not unfolded at length."""
_checksummed = functools.lru_cache(maxsize=4_096)(to_checksum_address)
_MOST_APPROVALS: Final = 10_000
_TYPE: Final = {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}


class Judge:
    """Judges for all wallets of a policy. Any number of threads may ask."""

    def __init__(self, policy: Policy, book: Book, clock: Callable[[], float] = time.time) -> None:
        self.policy: Final = policy
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()

    # --- reading what is asked ---

    def rules(self, wallet: Any, uid: int) -> Rules:
        """What a wallet may do. Raises WalletNotServed, CallerNotAllowed."""
        rules = self.policy.wallets.get(wallet) if isinstance(wallet, str) else None
        if rules is None:
            raise WalletNotServed("The policy does not name this wallet.", wallet=str(wallet)[:64])
        if rules.uids is not None and uid not in rules.uids:
            raise CallerNotAllowed(f"User {uid} may not have {wallet} sign.", wallet=wallet, uid=uid)
        return rules

    def read_transaction(self, wallet: str, rules: Rules, transaction: dict[str, Any]) -> Ask:
        """What a transaction is. Raises a refusal."""
        fields = unsigned_fields({**_TYPE, **transaction})
        chain_id, nonce, _, _, gas, to, value, data, _ = fields
        if chain_id != self.policy.chain_id:
            raise ChainNotAllowed(
                f"The signer signs for chain {self.policy.chain_id}.", chain_id=chain_id, allowed=self.policy.chain_id
            )
        if value:
            raise NativeValueNotAllowed("The transaction sends the chain's own coin.", value=value)
        preimage = signing_preimage(encoded(fields))
        digest = keccak(preimage).hex()
        if not to:
            if not rules.create:
                raise CreationNotAllowed(f"{wallet} may not create contracts.", wallet=wallet)
            return Ask("create", preimage, digest, [], lambda: [creation_request(chain_id, wallet, data)], False, nonce)
        address = _checksummed(to)
        if len(data) > _MOST_DATA:
            raise CallNotUnderstood(f"A call has at most {_MOST_DATA} bytes.", contract=address, selector="")
        if address == wallet and not data and gas == _CANCEL_GAS:
            return Ask(CANCEL, preimage, digest, [], list, False, nonce)
        calls = list(calls_in(self.policy.contracts, address, data))
        checked = [self._is_checked(wallet, rules, call) for call in calls]
        flows = [flow for call in calls for flow in flows_of(self.policy.contracts, wallet, call)]
        what = " > ".join(f"{call.contract.name}.{call.function}" for call in calls[:5])
        return Ask(
            what,
            preimage,
            digest,
            flows,
            lambda: _requests(chain_id, wallet, address, calls),
            any(checked),
            nonce,
            again=any((call.contract.artifact, call.function) == ("Governance", "schedule") for call in calls),
        )

    def read_message(self, wallet: str, rules: Rules, message: TypedMessage) -> Ask:
        """What a structured message is. Raises a refusal."""
        domain = message.domain
        if domain.chain_id != self.policy.chain_id:
            raise ChainNotAllowed(
                f"The signer signs for chain {self.policy.chain_id}.",
                chain_id=domain.chain_id,
                allowed=self.policy.chain_id,
            )
        contract = self.policy.contracts.by_address.get(domain.contract)
        if contract is None:
            raise ContractNotAllowed(
                f"No contract that this signer knows stands at {domain.contract}.", contract=domain.contract
            )
        allowed = rules.allowed.get(contract.name)
        if allowed is None or message.primary_type not in allowed.messages:
            raise MessageNotAllowed(
                f"{wallet} may not sign a {message.primary_type} for {contract.name}.",
                primary_type=message.primary_type,
                contract=contract.name,
                problem="not allowed",
            )
        try:
            preimage = message.preimage
            digest = keccak(preimage)
        except MalformedDocument:
            raise MessageNotAllowed(
                f"The {message.primary_type} has a member that is out of its range.",
                primary_type=message.primary_type,
                contract=contract.name,
                problem="out of range",
            ) from None
        return Ask(
            f"{contract.name} {message.primary_type}",
            preimage,
            digest.hex(),
            weight_of(contract, message.primary_type, message.message),
            lambda: [message_request(domain.chain_id, wallet, digest)],
            message.primary_type in allowed.checked,
        )

    def _is_checked(self, wallet: str, rules: Rules, call: Call) -> bool:
        allowed = rules.allowed.get(call.contract.name)
        if allowed is None:
            raise ContractNotAllowed(f"{wallet} may not call {call.contract.name}.", contract=call.contract.address)
        if not {call.function, call.signature} & allowed.functions:
            raise FunctionNotAllowed(
                f"{wallet} may not call {call.function} of {call.contract.name}.",
                wallet=wallet,
                contract=call.contract.name,
                function=call.function,
            )
        return bool({call.function, call.signature} & allowed.checked)

    # --- judging it ---

    def allow(self, wallet: str, rules: Rules, asks: Sequence[Ask], *, uid: int) -> None:
        """Returns once it is on disk that these may be signed. Raises a refusal; SignerBookNotWritten."""
        now = self._clock()
        with self._lock:
            line = Reckoning(self._book.state, self.policy.chain_id, wallet, rules, now).line(asks)
            self._book.write({"at": int(now), "uid": uid, **line}, durably=True)

    def note(self, kind: str, **facts: Any) -> None:
        """Write a line that nothing hangs on. Raises SignerBookNotWritten."""
        with self._lock:
            self._book.write({"at": int(self._clock()), "kind": kind, **facts}, durably=False)

    def note_refusal(self, wallet: object, uid: int, error: PyjpmError) -> None:
        """Write down a refusal."""
        facts = {name: value for name, value in error.details.items() if isinstance(value, (int, str))}
        self.note("refuse", wallet=str(wallet)[:64], uid=uid, code=error.code, facts=facts)

    def take(self, approval: Approval, uid: int) -> None:
        """Keep a checker's word, durably. Raises SigningApprovalInvalid, WalletNotServed, ChainNotAllowed."""
        rules = self.policy.wallets.get(approval.wallet)
        now = self._clock()
        if approval.chain_id != self.policy.chain_id:
            raise ChainNotAllowed(
                f"The approval is for chain {approval.chain_id}.",
                chain_id=approval.chain_id,
                allowed=self.policy.chain_id,
            )
        if rules is None:
            raise WalletNotServed("The policy does not name the approval's wallet.", wallet=approval.wallet)
        problem = ""
        if approval.checker == approval.wallet:
            problem = "the wallet approved itself"
        elif approval.checker not in rules.checkers:
            problem = "the policy does not name its checker"
        with self._lock:
            state = self._book.state
            state.forget_lapsed()
            if not problem and approval.deadline < state.time(now):
                problem = "it has lapsed"
            if not problem and approval.id not in state.approvals:
                if sum(each.approval.deadline >= now for each in state.approvals.values()) >= _MOST_APPROVALS:
                    problem = "there are too many that are not used"
                else:
                    line = {"at": int(now), "uid": uid, "kind": "approve", "approval": approval.to_dict()}
                    self._book.write(line, durably=True)
        if problem:
            raise SigningApprovalInvalid(f"The approval is not taken: {problem}.", problem=problem)

    def begin(self, wallet: str, highest: int | None) -> None:
        """Take a wallet and its mark into the book; ``highest`` None: the mark was lost. Raises
        SignerBookNotWritten."""
        with self._lock:
            line = {"at": int(self._clock()), "kind": "begin", "wallet": wallet, "highest": highest}
            self._book.write(line, durably=True)

    def knows(self, wallet: str) -> bool:
        """Whether the book has the wallet."""
        return wallet in self._book.state.wallets

    def highest(self, wallet: str, chain_id: int) -> int:
        """The highest nonce signed by a wallet, -1 for never. Raises SignerMarkLost, ChainNotAllowed."""
        if chain_id != self.policy.chain_id:
            raise ChainNotAllowed(
                f"The signer signs for chain {self.policy.chain_id}.", chain_id=chain_id, allowed=self.policy.chain_id
            )
        with self._lock:
            highest = self._book.state.wallets[wallet].highest
        if highest is None:
            raise SignerMarkLost(f"The mark of {wallet} was lost.", wallet=wallet, chain_id=chain_id, path="")
        return highest

    def status(self, uid: int) -> dict[str, Any]:
        """What the day has moved and what the wallets have signed, of those wallets that a user may ask for."""
        with self._lock:
            state, today = self._book.state, int(self._clock() // DAY)
            return {
                "chain_id": self.policy.chain_id,
                "day": max(today, state.day),
                "book": {"volume": self._book.volume, "head": self._book.head},
                "wallets": {
                    wallet: {
                        "highest_nonce": state.wallets[wallet].highest,
                        "moved": dict(state.wallets[wallet].totals) if state.day >= today else {},
                    }
                    for wallet, rules in self.policy.wallets.items()
                    if rules.uids is None or uid in rules.uids
                },
                "approvals": sum(1 for each in state.approvals.values() if not each.used_for),
            }


def _requests(chain_id: int, wallet: str, address: str, calls: Sequence[Call]) -> list[tuple[str, str]]:
    requests = [call_request(chain_id, wallet, address, calls[0].data)]
    # A payment that is cleared is the payment that is in it; of several, none is the whole.
    payment = payment_request(calls[-1]) if len(calls) == 1 or _is_cleared(calls) else None
    return requests if payment is None else [*requests, payment]


def _is_cleared(calls: Sequence[Call]) -> bool:
    return len(calls) == 2 and calls[0].contract.artifact == "DepositToken" and calls[0].function == "cleared"
