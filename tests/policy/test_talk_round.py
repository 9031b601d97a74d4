"""A client that lies: the signer believes the bytes it is to sign, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from eth_utils.crypto import keccak
from policy.house import CHAIN, PAYEE, House, address_of, batch, cancel, pay, transaction

from pyjpm.contracts.codec import codec
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody.policy_messages import message_to_wire
from pyjpm.custody.signer_process import SignerProcess
from pyjpm.errors.policy import PolicyRefusal

TOKEN = codec("DepositToken")
GOVERNANCE = codec("Governance")


def row(fields: dict[str, Any]) -> list[Any]:
    """A transaction as it crosses the socket, with whatever nonsense is in it."""
    return [fields["chainId"], fields["nonce"], fields["gas"], fields.get("to"), fields["value"], fields["data"].hex()]


def asked(process: SignerProcess, house: House, *transactions: dict[str, Any], uid: int = 0, **more: Any) -> str:
    """ "" where the signer signed, else the code of what it said."""
    request = {
        "v": 1,
        "op": "sign_transactions",
        "wallet": house.wallet,
        "transactions": [row(each) for each in transactions],
        **more,
    }
    answer = process.handle(request, uid)
    assert ("ok" in answer) != ("error" in answer)
    return "" if "ok" in answer else str(answer["error"]["code"])


def moved(process: SignerProcess, house: House, currency: str = "EUR") -> int:
    return int(process._judge.status(0)["wallets"][house.wallet]["moved"].get(currency, 0))


def test_what_the_client_says_a_transaction_is_changes_nothing(house: House) -> None:
    process = house.open()
    lie = {"kind": "payments.void", "amount": 1, "approved": True, "policy": "none", "request_sha256": "00" * 32}
    assert asked(process, house, transaction(0, pay(100_001)), **lie) == "AMOUNT_ABOVE_LIMIT"
    assert asked(process, house, transaction(0, pay(50_001)), **lie) == "SIGNING_APPROVAL_MISSING"
    assert asked(process, house, transaction(0, pay(50_000)), **lie) == ""


def test_a_refused_call_leaves_no_count_no_nonce_and_no_signature(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(50_000)), transaction(1, pay(100_001, "2"))) == "AMOUNT_ABOVE_LIMIT"
    assert moved(process, house) == 0
    assert process._judge.highest(house.wallet, CHAIN) == -1
    assert asked(process, house, transaction(0, pay(1, "3"))) == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": address_of("another token")}, "CONTRACT_NOT_ALLOWED"),
        ({"to": address_of("USD")}, "CONTRACT_NOT_ALLOWED"),  # in the record, and not in the policy
        ({"to": address_of("OrderEscrow")}, "CALL_NOT_UNDERSTOOD"),  # another contract, the same selector
        ({"chainId": 1}, "CHAIN_NOT_ALLOWED"),
        ({"value": 1}, "NATIVE_VALUE_NOT_ALLOWED"),
        ({"to": None}, "CREATION_NOT_ALLOWED"),
        ({"data": pay(1) + b"\0"}, "CALL_NOT_UNDERSTOOD"),
        ({"data": pay(1)[:-1]}, "CALL_NOT_UNDERSTOOD"),
        ({"data": b""}, "CALL_NOT_UNDERSTOOD"),
        ({"data": b"\xde\xad\xbe\xef" + bytes(64)}, "CALL_NOT_UNDERSTOOD"),
        ({"data": TOKEN.encode("approve", PAYEE, 1)}, "FUNCTION_NOT_ALLOWED"),
        ({"data": TOKEN.encode("execute", PAYEE, PAYEE, 1, bytes(32))}, "FUNCTION_NOT_ALLOWED"),
        ({"nonce": True}, "SIGNING_REFUSED"),
        ({"nonce": -1}, "SIGNING_REFUSED"),
        ({"nonce": (1 << 64) - 1}, "SIGNING_REFUSED"),
        ({"nonce": 5_000}, "NONCE_TOO_FAR"),
        ({"gas": "1"}, "SIGNING_REFUSED"),
        ({"to": "0x" + "ab" * 19}, "INVALID_ADDRESS"),
    ],
)
def test_one_field_that_lies(house: House, change: dict[str, Any], code: str) -> None:
    process = house.open()
    assert asked(process, house, {**transaction(0, pay(1)), **change}) == code
    assert asked(process, house, transaction(0, pay(1))) == ""


def test_contracts_are_created_where_the_policy_says_so(house: House) -> None:
    house.write_policy(house.default_policy().replace("[policies.treasury]\n", "[policies.treasury]\ncreate = true\n"))
    process = house.open()
    assert asked(process, house, {**transaction(0, b"\x60\x00"), "to": None}) == ""
    assert asked(process, house, {**transaction(1, b"\x60\x00"), "to": None, "value": 1}) == "NATIVE_VALUE_NOT_ALLOWED"


def test_a_payment_in_disguise_is_a_payment(house: House) -> None:
    process = house.open()

    def cleared(inner: bytes) -> bytes:
        return TOKEN.encode("cleared", inner, 1 << 40, b"\1" * 85)

    assert asked(process, house, transaction(0, cleared(pay(100_001)))) == "AMOUNT_ABOVE_LIMIT"
    assert asked(process, house, transaction(0, cleared(pay(60_000)))) == "SIGNING_APPROVAL_MISSING"
    assert asked(process, house, transaction(0, cleared(batch([30_000, 30_000])))) == "SIGNING_APPROVAL_MISSING"
    assert asked(process, house, transaction(0, cleared(TOKEN.encode("approve", PAYEE, 1)))) == "FUNCTION_NOT_ALLOWED"
    assert asked(process, house, transaction(0, cleared(cleared(cleared(cleared(pay(1))))))) == "CALL_NOT_UNDERSTOOD"
    assert asked(process, house, transaction(0, cleared(pay(40_000)))) == ""
    assert moved(process, house) == 40_000
    # the same payment, plain, on another nonce: the reference pays once
    assert asked(process, house, transaction(1, pay(40_000))) == ""
    assert moved(process, house) == 40_000


def test_calls_inside_calls_are_judged_where_they_arrive(house: House) -> None:
    more = """
[policies.treasury.allow.Governance]
functions = ["execute", "schedule", "multicall"]
"""
    house.write_policy(house.default_policy(more))
    process = house.open()
    token, governance = address_of("EUR"), address_of("Governance")

    def governed(data: bytes) -> str:
        return asked(process, house, transaction(0, data, governance))

    def execute(to: str, data: bytes) -> bytes:
        return GOVERNANCE.encode("execute", to, data)

    assert governed(execute(token, pay(100_001))) == "AMOUNT_ABOVE_LIMIT"
    assert governed(execute(address_of("USD"), pay(1))) == "CONTRACT_NOT_ALLOWED"
    assert governed(execute(PAYEE, pay(1))) == "CONTRACT_NOT_ALLOWED"
    assert governed(GOVERNANCE.encode("schedule", token, TOKEN.encode("unpause"), 0)) == "FUNCTION_NOT_ALLOWED"
    many = GOVERNANCE.encode("multicall", [execute(token, pay(30_000, str(each))) for each in range(2)])
    assert governed(many) == "SIGNING_APPROVAL_MISSING"
    few = GOVERNANCE.encode("multicall", [execute(token, pay(20_000, str(each))) for each in range(2)])
    assert governed(few) == ""
    assert moved(process, house) == 40_000


def test_a_batch_below_the_limit_of_a_payment_is_held_by_threshold_and_day(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, batch([1_000] * 51))) == "SIGNING_APPROVAL_MISSING"
    for nonce in range(5):
        assert asked(process, house, transaction(nonce, batch([1_000] * 50, f"batch {nonce}"))) == ""
    assert moved(process, house) == 250_000
    assert asked(process, house, transaction(5, pay(1, "one more"))) == "DAY_LIMIT_REACHED"
    assert asked(process, house, transaction(5, batch([1], "one more"))) == "DAY_LIMIT_REACHED"
    house.clock.now += 86_400
    assert asked(process, house, transaction(5, pay(1, "one more"))) == ""


def test_many_small_ones_in_one_call_add_up(house: House) -> None:
    process = house.open()
    many = [transaction(nonce, pay(50_000, str(nonce))) for nonce in range(6)]
    assert asked(process, house, *many) == "DAY_LIMIT_REACHED"
    assert moved(process, house) == 0
    assert asked(process, house, *many[:5]) == ""


def test_the_same_payment_counts_once_and_another_of_its_reference_again(house: House) -> None:
    process = house.open()
    for nonce in range(3):
        assert asked(process, house, transaction(nonce, pay(50_000, "same"))) == ""
    assert moved(process, house) == 50_000
    assert asked(process, house, transaction(3, pay(40_000, "same"))) == ""
    assert moved(process, house) == 90_000
    # a plain transfer has no reference: each is one more, but for the very same transaction
    transfer = TOKEN.encode("transfer", PAYEE, 10_000)
    for nonce in (4, 4, 5):
        assert asked(process, house, transaction(nonce, transfer)) == ""
    assert moved(process, house) == 110_000


def test_no_second_transaction_under_a_nonce_but_a_cancel(house: House) -> None:
    process = house.open()
    first = transaction(0, pay(1, "first"))
    assert asked(process, house, first) == ""
    assert asked(process, house, transaction(0, pay(1, "second"))) == "NONCE_ALREADY_SIGNED"
    assert asked(process, house, {**first, "gas": 199_999}) == "NONCE_ALREADY_SIGNED"
    assert asked(process, house, cancel(0, house.wallet)) == ""
    assert asked(process, house, first) == ""  # the cancel does not forget it
    assert asked(process, house, transaction(0, pay(1, "second"))) == "NONCE_ALREADY_SIGNED"
    # a nonce that a cancel has first is the cancel's
    assert asked(process, house, cancel(1, house.wallet)) == ""
    assert asked(process, house, transaction(1, pay(1, "second"))) == "NONCE_ALREADY_SIGNED"
    # nor two in one call
    pair = [transaction(2, pay(1, "third")), transaction(2, pay(1, "fourth"))]
    assert asked(process, house, *pair) == "NONCE_ALREADY_SIGNED"
    # nor after a restart
    assert asked(house.open(), house, transaction(0, pay(1, "second"))) == "NONCE_ALREADY_SIGNED"


@pytest.mark.parametrize("change", [{"value": 1}, {"gas": 21_001}, {"data": b"\1"}, {"to": PAYEE}])
def test_what_only_looks_like_a_cancel(house: House, change: dict[str, Any]) -> None:
    assert asked(house.open(), house, {**cancel(0, house.wallet), **change}) != ""


def test_nonces_of_which_nothing_is_known_carry_cancels_only(house: House) -> None:
    house.store.marks.restore(house.wallet, {CHAIN: 10})  # signed by whoever had the key before
    process = house.open()
    assert process._judge.highest(house.wallet, CHAIN) == 10
    assert asked(process, house, transaction(10, pay(1))) == "NONCE_ALREADY_SIGNED"
    assert asked(process, house, cancel(10, house.wallet)) == ""
    assert asked(process, house, transaction(11, pay(1))) == ""


def test_nobody_asks_for_anothers_wallet(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(1)), wallet=PAYEE) == "WALLET_NOT_SERVED"
    assert asked(process, house, transaction(0, pay(1)), wallet=None) == "WALLET_NOT_SERVED"
    assert asked(process, house, transaction(0, pay(1)), wallet=["x"]) == "WALLET_NOT_SERVED"
    house.write_policy(house.default_policy().replace("[policies.treasury]\n", "[policies.treasury]\nuids = [4242]\n"))
    process = house.open()
    assert asked(process, house, transaction(0, pay(1)), uid=0) == "CALLER_NOT_ALLOWED"
    assert asked(process, house, transaction(0, pay(1)), uid=4242) == ""
    assert house.wallet not in str(process.handle({"op": "status"}, 0))
    assert house.wallet in str(process.handle({"op": "status"}, 4242))


def test_calldata_that_unfolds_to_much_more_is_not_unfolded_at_length(house: House) -> None:
    process = house.open()
    begin = time.monotonic()
    for size in (1 << 19, 1 << 20):
        # every item of the batch is the same one, with a remittance as long as half of the calldata
        heads = size // 64
        item = 32 * heads
        parts = [b"", (32).to_bytes(32, "big"), heads.to_bytes(32, "big")]
        parts += [item.to_bytes(32, "big")] * heads
        parts += [bytes(32), (1).to_bytes(32, "big"), bytes(32), (128).to_bytes(32, "big")]
        parts += [(size // 2 - 400).to_bytes(32, "big"), bytes(size // 2)]
        data = TOKEN.selector("payBatch") + b"".join(parts)
        assert asked(process, house, transaction(0, data)) == "CALL_NOT_UNDERSTOOD"
    assert time.monotonic() - begin < 20


# --- signed structures ---------------------------------------------------------------------------------------------


def consent(house: House, amount: int, nonce: int = 1, **changes: Any) -> TypedMessage:
    message = {
        "payer": house.wallet,
        "notary": address_of("OrderEscrow"),
        "amount": amount,
        "ref": keccak(text="order"),
        "nonce": nonce,
        "deadline": 1 << 39,
    }
    domain = Domain("Euro", changes.pop("chain_id", CHAIN), changes.pop("contract", address_of("EUR")))
    return TypedMessage(domain, changes.pop("primary_type", "Consent"), {**message, **changes})


def signed(process: SignerProcess, house: House, message: TypedMessage, /, **changes: Any) -> str:
    wire = {**message_to_wire(message), **changes}
    answer = process.handle({"v": 1, "op": "sign_typed_data", "wallet": house.wallet, "message": wire}, 0)
    if "error" in answer:
        return str(answer["error"]["code"])
    signature = bytes.fromhex(answer["ok"][0])
    assert "0x" + recover(message.digest, signature[:64] + bytes([27 + signature[64]])).hex() == house.wallet.lower()
    return ""


def test_a_structure_is_judged_by_what_it_lets_out(house: House) -> None:
    process = house.open()
    assert signed(process, house, consent(house, 40_000)) == ""
    assert signed(process, house, consent(house, 40_000)) == ""
    assert moved(process, house) == 40_000
    assert signed(process, house, consent(house, 40_000, nonce=2)) == ""
    assert moved(process, house) == 80_000
    assert signed(process, house, consent(house, 50_001, nonce=3)) == "SIGNING_APPROVAL_MISSING"
    assert signed(process, house, consent(house, 100_001, nonce=3)) == "AMOUNT_ABOVE_LIMIT"
    assert signed(process, house, consent(house, 1, contract=address_of("USD"))) == "MESSAGE_NOT_ALLOWED"
    assert signed(process, house, consent(house, 1, contract=PAYEE)) == "CONTRACT_NOT_ALLOWED"
    assert signed(process, house, consent(house, 1, chain_id=1)) == "CHAIN_NOT_ALLOWED"
    assert signed(process, house, consent(house, 1), type="Permit") == "MESSAGE_NOT_ALLOWED"
    assert signed(process, house, consent(house, 1), type="Order") == "MESSAGE_NOT_ALLOWED"
    assert signed(process, house, consent(house, 1), message={}) == "MESSAGE_NOT_ALLOWED"
    assert signed(process, house, consent(house, -1)) == "MESSAGE_NOT_ALLOWED"


def test_a_payment_and_its_authorization_count_once(house: House) -> None:
    process = house.open()
    message = {
        "from": house.wallet,
        "to": PAYEE,
        "value": 30_000,
        "validAfter": 0,
        "validBefore": 1 << 39,
        "nonce": bytes(31) + b"\1",
        "ref": keccak(text="1"),
        "remittanceHash": keccak(b""),
    }
    authorization = TypedMessage(Domain("Euro", CHAIN, address_of("EUR")), "TransferWithAuthorization", message)
    assert signed(process, house, authorization) == ""
    assert asked(process, house, transaction(0, pay(30_000))) == ""
    assert moved(process, house) == 30_000


def test_no_bare_digest(house: House) -> None:
    request = {"v": 1, "op": "sign_digest", "wallet": house.wallet, "digest": "00" * 32}
    assert house.open().handle(request, 0)["error"]["code"] == "DIGEST_NOT_SIGNED"


def test_every_refusal_is_one() -> None:
    """What the engine must see as a refusal, to give the nonce to a cancel."""
    from pyjpm.errors import policy
    from pyjpm.errors.custody import SigningRefused

    refusals = [each for each in vars(policy).values() if isinstance(each, type) and issubclass(each, PolicyRefusal)]
    assert len(refusals) > 15
    assert all(issubclass(each, SigningRefused) for each in refusals)
