"""What is signed, hashed alike in Solidity, by pyjpm and by eth-account: one definition, the Solidity type strings.

The contracts' own digests are compared on eth-tester; the messages vary by hypothesis (its failing example replays).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyjpm.chain.tester import LocalTester
from pyjpm.contracts.eip712 import TypedMessage, extract_type_strings, recover, signed_types, struct_hash, type_strings
from pyjpm.contracts.sources import gather, project_root
from pyjpm.custody import LocalSigner
from pyjpm.errors.documents import MalformedSignature
from pyjpm.platform import Platform

ADDRESS = "0x" + "11" * 20
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def uint(bits: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 3), st.integers(0, 2**bits - 1), st.just(2**bits - 1))


BYTES32 = st.binary(min_size=32, max_size=32)
BYTES3 = st.binary(min_size=3, max_size=3)
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
PLAIN = {"bool": st.booleans(), "bytes3": BYTES3, "bytes32": BYTES32, "address": ADDRESSES}


def messages(primary: str) -> st.SearchStrategy[dict[str, Any]]:
    """Messages of a structure, from its type string."""
    structs = dict(re.findall(r"(\w+)\(([^()]*)\)", signed_types()[primary]))

    def member(kind: str, label: str) -> st.SearchStrategy[Any]:
        if kind.endswith("[]"):
            return st.lists(member(kind[:-2], label), min_size=0, max_size=3)
        if kind in structs:
            return of(kind)
        if label == "mode":
            return st.integers(0, 1)
        if label == "kind":
            return st.integers(0, 3)
        return PLAIN[kind] if kind in PLAIN else uint(int(kind.removeprefix("uint")))

    def of(name: str) -> st.SearchStrategy[dict[str, Any]]:
        pairs = [member.split(" ") for member in structs[name].split(",")]
        return st.fixed_dictionaries({label: member(kind, label) for kind, label in pairs})

    return of(primary)


def _in_order(message: dict[str, Any], primary: str) -> list[Any]:
    """The members as the structure names them, which is the order of the functions' parameters too."""
    body = re.search(r"\((.*)\)", signed_types()[primary])
    assert body is not None
    return [message[member.split(" ")[1]] for member in body.group(1).split(",")]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with LocalTester() as tester, Platform.deploy(tester.connection(), LocalSigner.generate()) as deployed:
        yield deployed


def typed(platform: Platform, contract: str, primary: str, message: dict[str, Any]) -> TypedMessage:
    return TypedMessage(platform.session.domain(contract), primary, message)


@FEW
@given(message=messages("Terms"))
def test_terms(platform: Platform, message: dict[str, Any]) -> None:
    call = platform.session.call
    assert call("OrderEscrow", "orderId", message) == struct_hash("Terms", message)
    assert call("OrderEscrow", "termsDigest", message) == typed(platform, "OrderEscrow", "Terms", message).digest


@FEW
@given(message=messages("Attestation"))
def test_attestations(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("OrderEscrow", "attestationDigest", message)
    assert digest == typed(platform, "OrderEscrow", "Attestation", message).digest


@FEW
@given(message=messages("Agreement"))
def test_agreements(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("OrderEscrow", "agreementDigest", message)
    assert digest == typed(platform, "OrderEscrow", "Agreement", message).digest


@FEW
@given(message=messages("Cancellation"))
def test_cancellations(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("OrderEscrow", "cancellationDigest", *_in_order(message, "Cancellation"))
    assert digest == typed(platform, "OrderEscrow", "Cancellation", message).digest


@FEW
@given(message=messages("Trade"))
def test_trades(platform: Platform, message: dict[str, Any]) -> None:
    call = platform.session.call
    assert call("Settlement", "tradeId", message) == struct_hash("Trade", message)
    assert call("Settlement", "tradeDigest", message) == typed(platform, "Settlement", "Trade", message).digest


@FEW
@given(message=messages("CancelTrade"))
def test_trade_cancellations(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("Settlement", "cancelDigest", *_in_order(message, "CancelTrade"))
    assert digest == typed(platform, "Settlement", "CancelTrade", message).digest


@FEW
@given(message=messages("Rule"))
def test_rules(platform: Platform, message: dict[str, Any]) -> None:
    assert platform.session.call("PaymentRules", "ruleId", message) == struct_hash("Rule", message)


@FEW
@given(message=messages("RuleApproval"))
def test_rule_approvals(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("PaymentRules", "approvalDigest", *_in_order(message, "RuleApproval"))
    assert digest == typed(platform, "PaymentRules", "RuleApproval", message).digest


@FEW
@given(message=messages("Mandate"))
def test_mandates(platform: Platform, message: dict[str, Any]) -> None:
    assert platform.session.call("USD", "mandateId", message) == struct_hash("Mandate", message)


@FEW
@given(message=messages("ReserveAttestation"))
def test_reserve_attestations(platform: Platform, message: dict[str, Any]) -> None:
    digest = platform.session.call("Reserve", "attestationDigest", message)
    assert digest == typed(platform, "Reserve", "ReserveAttestation", message).digest


@pytest.mark.parametrize(
    "primary",
    sorted(
        {
            "Consent",
            "LinkWallet",
            "ChangeCurrentWallet",
            "RegisterMandate",
            "ReserveAttestation",
            "Rule",
            "Quote",
            "Terms",
            "Trade",
        }
    ),
)
@FEW
@given(data=st.data())
def test_eth_account_hashes_the_same(platform: Platform, primary: str, data: st.DataObject) -> None:
    message = data.draw(messages(primary))
    contracts = {
        "Consent": "USD",
        "RegisterMandate": "USD",
        "ReserveAttestation": "Reserve",
        "Rule": "PaymentRules",
        "Quote": "Settlement",
        "Terms": "OrderEscrow",
        "Trade": "Settlement",
    }
    contract = contracts.get(primary, "ParticipantRegistry")
    ours = typed(platform, contract, primary, message)
    structs = re.findall(r"(\w+)\(([^()]*)\)", signed_types()[primary])
    theirs = encode_typed_data(
        domain_data={
            "name": ours.domain.name,
            "version": ours.domain.version,
            "chainId": ours.domain.chain_id,
            "verifyingContract": ours.domain.contract,
        },
        message_types={
            name: [dict(zip(("type", "name"), member.split(" "), strict=True)) for member in body.split(",")]
            for name, body in structs
        },
        message_data=message,
    )
    assert keccak(b"\x19\x01" + theirs.header + theirs.body) == ours.digest


def test_signatures_recover_to_their_signer(platform: Platform) -> None:
    signer = LocalSigner.generate()
    message = {"identityHash": bytes(32), "wallet": signer.address, "deadline": 7}
    ours = typed(platform, "ParticipantRegistry", "LinkWallet", message)
    signature = signer.sign_typed_data(ours)
    assert "0x" + recover(ours.digest, signature).hex() == signer.address.lower()
    assert Account._recover_hash(ours.digest, signature=signature) == signer.address
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = signature[:32] + (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big") + signature[64:]
    for bad in (high, signature[:64], signature[:64] + b"\x00", bytes(64) + b"\x1b"):
        with pytest.raises(MalformedSignature):
            recover(ours.digest, bad)


def test_every_type_string_of_the_sources_ships() -> None:
    own = {name: text for name, text in gather(project_root()).items() if name.startswith("contracts/")}
    assert extract_type_strings(own) == type_strings()
    assert {"Agreement", "Attestation", "CancelTrade", "Cancellation", "ChangeCurrentWallet", "Consent"} <= set(
        type_strings()
    )
    assert {"Leg", "LinkWallet", "Milestone", "Terms", "Trade"} <= set(type_strings())
    assert Path(project_root(), "pyjpm").is_dir()
