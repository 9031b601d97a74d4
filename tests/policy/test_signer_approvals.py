"""A checker's word: for one request of one wallet on one chain, until a deadline, and used once."""

from __future__ import annotations

from typing import Any

import pytest
from policy.house import CHAIN, House, address_of, batch, pay, transaction
from policy.test_talk_round import asked, row

from pyjpm.contracts.codec import codec
from pyjpm.custody import LocalSigner
from pyjpm.custody.policy_approval import Approval
from pyjpm.custody.signer_process import SignerProcess
from pyjpm.errors.policy import SigningApprovalInvalid


def approval(house: House, request: tuple[str, str], **changes: Any) -> Approval:
    checker = changes.pop("checker", house.checker)
    purpose, digest = request
    facts = {
        "chain_id": CHAIN,
        "wallet": house.wallet,
        "purpose": purpose,
        "request_sha256": digest,
        "deadline": int(house.clock.now) + 3_600,
    }
    return Approval.sign(checker, **{**facts, **changes})


def handed_in(process: SignerProcess, document: Approval | dict[str, Any]) -> str:
    data = document.to_dict() if isinstance(document, Approval) else document
    answer = process.handle({"v": 1, "op": "approve", "approval": data}, 0)
    return "" if "ok" in answer else str(answer["error"]["code"])


def requests(process: SignerProcess, house: House, fields: dict[str, Any]) -> dict[str, str]:
    """What the signer would have approved, by purpose."""
    answer = process.handle({"v": 1, "op": "describe", "wallet": house.wallet, "transaction": row(fields)}, 0)
    return dict(answer["ok"]["requests"])


BIG = 60_000


@pytest.mark.parametrize("purpose", ["payments.pay", "call"])
def test_above_the_threshold_with_a_checkers_word(house: House, purpose: str) -> None:
    process = house.open()
    big = transaction(0, pay(BIG))
    assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"
    document = approval(house, (purpose, requests(process, house, big)[purpose]))
    assert Approval.from_json(document.to_json()) == document
    assert handed_in(process, document) == ""
    assert handed_in(process, document) == ""
    process = house.open()  # it is kept
    assert asked(process, house, big) == ""
    assert asked(process, house, big) == ""  # the same payment again, such as after a crash
    assert asked(process, house, transaction(1, pay(BIG))) == ""  # on another nonce, after a cancel


def test_the_sdk_stores_a_payment_under_the_same_digest(house: House) -> None:
    from eth_utils.crypto import keccak
    from policy.house import PAYEE

    from pyjpm.sending import request_sha256

    process = house.open()
    content = {"to": PAYEE, "amount": BIG, "currency": "EUR", "remittance_hash": "0x" + keccak(b"invoice").hex()}
    found = requests(process, house, transaction(0, pay(BIG, remittance=b"invoice")))
    assert found["payments.pay"] == request_sha256("payments.pay", content)


def test_one_word_is_for_one_payment(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG, "one"))
    word = approval(house, ("payments.pay", requests(process, house, big)["payments.pay"]))
    assert handed_in(process, word) == ""
    assert asked(process, house, big) == ""
    # the same content under another reference has the same digest, and is another payment
    assert asked(process, house, transaction(1, pay(BIG, "two"))) == "SIGNING_APPROVAL_USED"
    process = house.open()
    assert asked(process, house, transaction(1, pay(BIG, "two"))) == "SIGNING_APPROVAL_USED"
    assert asked(process, house, transaction(1, pay(BIG, "three")), transaction(2, pay(BIG, "four"))) != ""


def test_one_word_in_other_letters_is_not_another(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG, "one"))
    word = approval(house, ("payments.pay", requests(process, house, big)["payments.pay"])).to_dict()
    digits, digest = word["signature"][2:], word["request_sha256"]
    assert handed_in(process, word) == ""
    assert asked(process, house, big) == ""
    for change in (
        {"signature": "0x" + digits.upper()},
        {"signature": "0X" + digits},
        {"signature": digits},
        {"signature": "0x " + digits},
        {"signature": "0x" + digits + "\n"},
        {"request_sha256": digest[:2] + " " + digest[2:]},
    ):
        assert handed_in(process, {**word, **change}) == "SIGNING_APPROVAL_INVALID"
    assert asked(process, house, transaction(1, pay(BIG, "two"))) == "SIGNING_APPROVAL_USED"


def test_a_word_is_not_for_two_payments_of_one_call(house: House) -> None:
    process = house.open()
    pair = [transaction(nonce, pay(BIG, str(nonce))) for nonce in range(2)]
    word = approval(house, ("payments.pay", requests(process, house, pair[0])["payments.pay"]))
    assert handed_in(process, word) == ""
    assert asked(process, house, *pair) == "SIGNING_APPROVAL_MISSING"
    assert asked(process, house, pair[0]) == ""


def test_a_plain_transfer_is_approved_once(house: House) -> None:
    process = house.open()
    data = codec("DepositToken").encode("transfer", address_of("payee"), BIG)
    assert handed_in(process, approval(house, ("call", requests(process, house, transaction(0, data))["call"]))) == ""
    assert asked(process, house, transaction(0, data)) == ""
    assert asked(process, house, transaction(1, data)) == "SIGNING_APPROVAL_USED"


def test_a_word_for_something_else(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG))
    of = requests(process, house, big)
    other = requests(process, house, transaction(0, pay(BIG + 1)))
    in_a_batch = requests(process, house, transaction(0, batch([BIG])))
    assert handed_in(process, approval(house, ("payments.pay", other["payments.pay"]))) == ""
    assert handed_in(process, approval(house, ("payments.batch", in_a_batch["payments.batch"]))) == ""
    assert handed_in(process, approval(house, ("call", of["payments.pay"]))) == ""  # digest and purpose go together
    assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"
    assert handed_in(process, approval(house, ("call", of["call"]), chain_id=1)) == "CHAIN_NOT_ALLOWED"
    assert handed_in(process, approval(house, ("call", of["call"]), wallet=address_of("x"))) == "WALLET_NOT_SERVED"
    assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"


def test_a_word_of_another_wallet_of_the_same_signer(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = House(tmp_path_factory.mktemp("two"), wallets=2)
    try:
        process = house.open()
        big = transaction(0, pay(BIG))
        of = requests(process, house, big)
        assert handed_in(process, approval(house, ("payments.pay", of["payments.pay"]), wallet=house.wallets[1])) == ""
        assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"
        assert asked(process, house, big, wallet=house.wallets[1]) == ""
    finally:
        house.end()


def test_a_word_that_lapsed(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG))
    word = approval(house, ("call", requests(process, house, big)["call"]))
    assert handed_in(process, word) == ""
    house.clock.now += 3_601
    assert asked(process, house, big) == "SIGNING_APPROVAL_EXPIRED"
    assert handed_in(process, word) == "SIGNING_APPROVAL_INVALID"
    house.clock.now += 2 * 86_400
    assert handed_in(process, approval(house, ("call", requests(process, house, big)["call"]))) == ""
    assert asked(process, house, big) == ""


def test_a_word_that_was_used_and_lapsed_stays_so_where_the_clock_goes_back(house: House) -> None:
    process = house.open()
    used_at = house.clock.now
    big = transaction(0, pay(BIG, "one"))
    request = ("payments.pay", requests(process, house, big)["payments.pay"])
    word = approval(house, request)
    assert handed_in(process, word) == ""
    assert asked(process, house, big) == ""
    house.clock.now += 3 * 86_400
    assert asked(process, house, transaction(1, pay(1))) == ""
    assert handed_in(process, approval(house, ("call", "00" * 32))) == ""  # what lapsed long ago is forgotten
    house.clock.now = used_at
    for _ in range(2):
        assert handed_in(process, word) == "SIGNING_APPROVAL_INVALID"
        assert asked(process, house, transaction(2, pay(BIG, "two"))) != ""
        process = house.open()


def test_the_maker_is_no_checker(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG))
    request = ("call", requests(process, house, big)["call"])
    maker = house.store.load("wallet-0", "open sesame")
    own = process.handle({"op": "approve", "approval": approval(house, request, checker=maker).to_dict()}, 0)
    assert own["error"]["code"] == "SIGNING_APPROVAL_INVALID"
    assert own["error"]["details"]["problem"] == "the wallet approved itself"
    assert handed_in(process, approval(house, request, checker=LocalSigner.generate())) == "SIGNING_APPROVAL_INVALID"
    good = approval(house, request).to_dict()
    for change in (
        {"checker": house.other_checker.address},
        {"deadline": good["deadline"] + 1},
        {"signature": good["signature"][:-2] + "00"},
        {"signature": "0x"},
        {"signature": None},
        {"request_sha256": "zz"},
        {"purpose": ""},
        {"purpose": "x" * 65},
        {"pyjpm_signing_approval": 2},
        {"more": 1},
    ):
        assert handed_in(process, {**good, **change}) == "SIGNING_APPROVAL_INVALID"
    assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"


def test_two_checkers_where_two_are_needed(house: House) -> None:
    house.write_policy(house.default_policy().replace("[policies.treasury]\n", "[policies.treasury]\nneeded = 2\n"))
    process = house.open()
    big = transaction(0, pay(BIG))
    request = ("call", requests(process, house, big)["call"])
    assert handed_in(process, approval(house, request)) == ""
    assert handed_in(process, approval(house, request, deadline=int(house.clock.now) + 99)) == ""  # the same person
    assert asked(process, house, big) == "SIGNING_APPROVAL_MISSING"
    assert handed_in(process, approval(house, request, checker=house.other_checker)) == ""
    assert asked(process, house, big) == ""


def test_a_checker_who_left_the_policy(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(BIG))
    assert handed_in(process, approval(house, ("call", requests(process, house, big)["call"]))) == ""
    house.write_policy(house.default_policy().replace(house.checker.address, LocalSigner.generate().address))
    assert asked(house.open(), house, big) == "SIGNING_APPROVAL_MISSING"


def test_an_approval_that_is_no_json() -> None:
    for text in ("", "[]", "{}", '"x"'):
        with pytest.raises(SigningApprovalInvalid):
            Approval.from_json(text)


def test_functions_that_always_need_a_checker(house: House) -> None:
    more = """
[policies.treasury.allow.ParticipantRegistry]
checked = ["recoverWallet"]
"""
    house.write_policy(house.default_policy(more))
    process = house.open()
    data = codec("ParticipantRegistry").encode("recoverWallet", address_of("a"), address_of("b"), bytes(32))
    recover = transaction(0, data, address_of("ParticipantRegistry"))
    assert asked(process, house, recover) == "SIGNING_APPROVAL_MISSING"
    assert handed_in(process, approval(house, ("call", requests(process, house, recover)["call"]))) == ""
    assert asked(process, house, recover) == ""


def test_a_word_for_what_is_scheduled_schedules_once(house: House) -> None:
    """A mint happens once, but may be scheduled again, and with it whatever stands beside it."""
    more = """
[policies.treasury.allow.Governance]
functions = ["schedule", "multicall"]
checked = ["grantRole"]
"""
    house.write_policy(house.default_policy(more).replace('"transfer"', '"mint"'))
    process = house.open()
    governance, governor = codec("Governance"), address_of("Governance")
    mint = codec("DepositToken").encode("mint", b"\1" * 32, address_of("payee"), 1_000)
    grant = governance.encode("grantRole", 1, address_of("somebody"), 0)
    both = [
        governance.encode("schedule", address_of("EUR"), mint, 0),
        governance.encode("schedule", governor, grant, 0),
    ]
    data = governance.encode("multicall", both)
    word = approval(house, ("call", requests(process, house, transaction(0, data, governor))["call"]))
    assert handed_in(process, word) == ""
    assert asked(process, house, transaction(0, data, governor)) == ""
    assert asked(process, house, transaction(0, data, governor)) == ""
    assert asked(process, house, transaction(1, data, governor)) == "SIGNING_APPROVAL_USED"
