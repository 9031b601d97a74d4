"""Clearances and payments by signature on the chain: what is cleared moves once, and nothing else moves."""

from __future__ import annotations

import dataclasses

import pytest
from eth_utils.crypto import keccak

from pyjpm import Document, Flags, LocalSigner, Money, Platform, Remittance, RemittanceKey, Status, open_remittance
from pyjpm.errors.authorizations import AuthorizationSpent, CallerNotPayee
from pyjpm.errors.clearances import CallNotClearable, ClearanceExpired, ClearanceForOther, InvalidClearance
from pyjpm.errors.deployment import InvalidRequest, ReferenceConflict
from pyjpm.errors.documents import MalformedDocument, SignatureMissing, SignatureNotOf
from pyjpm.errors.refusals import CallerRefused, ClearanceMissing
from pyjpm.errors.remittance import NoEncryptionKey, RemittanceNotForThisKey

USD = "USD"
TEN = Money("10.00", USD)


def balance(bank: Platform, who: Platform) -> int:
    """Minor units of USD, read from the chain past every layer of ours."""
    return int(bank.contract(USD).functions.balanceOf(who.session.wallet).call())


@pytest.fixture
def flagged(bank: Platform, buyer: Platform) -> Platform:
    """A company whose money moves with clearances only. The bank holds every role, the screener's too."""
    participant = buyer.session.participant
    assert not buyer.clearances.needed()
    bank.restrictions.add_flags(participant, Flags.CLEARANCE, idempotency_key=f"flag {participant}").wait()
    assert buyer.clearances.needed()
    return buyer


def test_a_cleared_payment_pays_once(bank: Platform, flagged: Platform, seller: Platform) -> None:
    to = seller.session.participant
    with pytest.raises(ClearanceMissing):
        flagged.payments.create(to, TEN, idempotency_key="invoice 1")
    request = flagged.clearances.request(to, TEN, idempotency_key="invoice 1", remittance=b"invoice 1")
    cleared = bank.clearances.sign(Document.from_json(request.to_json()))
    paid = flagged.payments.create(
        to, TEN, idempotency_key="invoice 1", remittance=b"invoice 1", clearance=cleared
    ).wait()
    again = flagged.payments.create(
        to, TEN, idempotency_key="invoice 1", remittance=b"invoice 1", clearance=cleared
    ).wait()
    assert paid.status is Status.FINAL
    assert (paid.id, paid.tx_hash) == (again.id, again.tx_hash)
    assert balance(bank, seller) == 1_000
    assert flagged.payments.reference_state(paid.reference, currency=USD) == "PAID"


def test_a_clearance_is_of_that_payment_alone(bank: Platform, flagged: Platform, seller: Platform) -> None:
    to = seller.session.participant
    cleared = bank.clearances.sign(flagged.clearances.request(to, TEN, idempotency_key="one"))
    for key, amount in (("one", Money("10.01", USD)), ("two", TEN)):
        with pytest.raises(ClearanceForOther):
            flagged.payments.create(to, amount, idempotency_key=key, clearance=cleared)
    stranger = bank.acting(LocalSigner.generate())
    unsigned = flagged.clearances.request(to, TEN, idempotency_key="one")
    with pytest.raises(SignatureMissing):
        flagged.payments.create(to, TEN, idempotency_key="one", clearance=unsigned)
    with pytest.raises(InvalidClearance):
        flagged.payments.create(to, TEN, idempotency_key="one", clearance=stranger.clearances.sign(unsigned))
    late = bank.clearances.sign(flagged.clearances.request(to, TEN, idempotency_key="one", valid_for=-1))
    with pytest.raises(ClearanceExpired):
        flagged.payments.create(to, TEN, idempotency_key="one", clearance=late)
    assert balance(bank, seller) == 0


def test_the_screener_reads_what_would_be_paid(flagged: Platform, seller: Platform) -> None:
    request = flagged.clearances.request(seller.session.participant, TEN, idempotency_key="read")
    read = flagged.clearances.read(request)
    assert (read.payer, read.what, read.currency) == (flagged.session.wallet, "pay", USD)
    ((to, amount),) = [(each.to, each.amount) for each in read.outflows]
    assert (to, amount) == (seller.session.wallet, TEN)
    other = flagged.clearances.read(
        flagged.clearances.request(seller.session.participant, Money("11.00", USD), idempotency_key="read")
    )
    assert other.movements == read.movements
    assert other.digest != read.digest
    for call in ("0x", request.body["call"] + "00", "0xa9059cbb" + "00" * 64):
        with pytest.raises(MalformedDocument):
            flagged.clearances.read(dataclasses.replace(request, body={**request.body, "call": call}))


def test_a_payment_goes_by_no_other_name(bank: Platform, flagged: Platform, seller: Platform) -> None:
    """Whose kind is another's, no rule about payments sees, and nobody voids."""
    session = flagged.session
    asked = flagged.clearances.request(seller.session.participant, TEN, idempotency_key="one")
    consent = {"payer": session.wallet, "notary": session.address("OrderEscrow"), "amount": 1, "ref": b"\1" * 32}
    consent |= {"nonce": 1, "deadline": session.now() + 60}
    for document in (asked, flagged.clearances.request_word(USD, "Consent", consent)):
        with pytest.raises(InvalidRequest):
            flagged.clearances.send(bank.clearances.sign(document), idempotency_key="one")
    assert balance(bank, seller) == 0


def test_other_calls_are_cleared_and_sent(bank: Platform, flagged: Platform) -> None:
    ref, payout = keccak(text="redemption"), keccak(text="account")
    cleared = bank.clearances.sign(flagged.clearances.request_call(USD, "requestRedemption", 1_000, ref, payout))
    flagged.clearances.send(cleared, idempotency_key="redeem").wait()
    held = bank.contract(USD).functions.held(flagged.session.wallet).call()
    assert held == 1_000
    with pytest.raises(MalformedDocument):
        bank.clearances.sign(flagged.clearances.request_call(USD, "transfer", bank.session.wallet, 1))
    data = flagged.session.codec(USD).encode("transfer", bank.session.wallet, 1)
    with pytest.raises(CallNotClearable):
        flagged.session.call(USD, "cleared", data, 2**40, b"", sender=flagged.session.wallet)


def test_an_authorized_payment_is_submitted_by_another(bank: Platform, buyer: Platform, seller: Platform) -> None:
    document = buyer.payments.authorize(seller.session.participant, TEN, idempotency_key="a", remittance=b"a")
    exchanged = Document.from_json(document.to_json())
    paid = seller.payments.submit_authorization(exchanged, idempotency_key="s").wait()
    assert paid.status is Status.FINAL
    assert paid.amount == TEN
    assert balance(bank, seller) == 1_000
    assert buyer.payments.reference_state(paid.reference, currency=USD) == "PAID"
    again = seller.payments.submit_authorization(exchanged, idempotency_key="again")
    assert (again.status, again.tx_hash) == (Status.FINAL, paid.tx_hash)
    second = buyer.payments.authorize(seller.session.participant, TEN, idempotency_key="a")
    with pytest.raises(ReferenceConflict):
        seller.payments.submit_authorization(second, idempotency_key="second")
    stranger = bank.acting(LocalSigner.generate())
    third = buyer.payments.authorize(seller.session.participant, TEN, idempotency_key="third")
    with pytest.raises(CallerRefused):
        stranger.payments.submit_authorization(third, idempotency_key="stranger")
    assert balance(bank, seller) == 1_000


def test_an_authorization_is_what_was_signed(bank: Platform, buyer: Platform, seller: Platform) -> None:
    document = buyer.payments.authorize(
        seller.session.participant, TEN, idempotency_key="signed", remittance=b"x", receive=True
    )
    message = {**document.body["message"], "value": "1001"}
    with pytest.raises(SignatureNotOf):
        seller.payments.submit_authorization(
            dataclasses.replace(document, body={**document.body, "message": message}), idempotency_key="more"
        )
    with pytest.raises(MalformedDocument):
        seller.payments.submit_authorization(
            dataclasses.replace(document, body={**document.body, "remittance": "0x00"}), idempotency_key="other"
        )
    for change in ({"value": "0x01"}, {"nonce": "1"}, {"from": "1"}, {"to": "0x01"}, {"ref": "0x01" + 32 * "00"}):
        message = {**document.body["message"], **change}
        with pytest.raises(MalformedDocument):
            seller.payments.submit_authorization(
                dataclasses.replace(document, body={**document.body, "message": message}), idempotency_key="no type"
            )
    with pytest.raises(CallerNotPayee):
        buyer.payments.submit_authorization(document, idempotency_key="not the payee")
    seller.payments.submit_authorization(document, idempotency_key="payee").wait()
    assert balance(bank, seller) == 1_000


def test_a_cancelled_authorization_leaves_its_reference(bank: Platform, buyer: Platform, seller: Platform) -> None:
    document = buyer.payments.authorize(seller.session.participant, TEN, idempotency_key="late")
    buyer.payments.cancel_authorization(document, idempotency_key="cancel").wait()
    with pytest.raises(AuthorizationSpent):
        seller.payments.submit_authorization(document, idempotency_key="submit")
    buyer.payments.create(seller.session.participant, TEN, idempotency_key="late").wait()
    assert balance(bank, seller) == 1_000


def test_an_authorization_of_a_flagged_payer_needs_its_clearance(
    bank: Platform, flagged: Platform, seller: Platform
) -> None:
    document = flagged.payments.authorize(seller.session.participant, TEN, idempotency_key="word")
    with pytest.raises(ClearanceMissing):
        seller.payments.submit_authorization(document, idempotency_key="without")
    other = flagged.payments.authorize(seller.session.participant, TEN, idempotency_key="other word")
    cleared = [
        bank.clearances.sign(flagged.clearances.request_word(USD, each.body["type"], _message(each), valid_for=600))
        for each in (document, other)
    ]
    with pytest.raises(ClearanceForOther):
        seller.payments.submit_authorization(document, idempotency_key="with", clearance=cleared[1])
    seller.payments.submit_authorization(document, idempotency_key="with", clearance=cleared[0]).wait()
    assert balance(bank, seller) == 1_000


def _message(document: Document) -> dict[str, object]:
    from pyjpm.clearance import from_plain

    return from_plain(document.body["message"])


def publish(bank: Platform, who: Platform, key: RemittanceKey) -> None:
    participant = who.session.participant
    submission = bank.session.submit(
        kind="test.key",
        key=f"key {participant}",
        content={},
        contract="ParticipantRegistry",
        function="updateProfile",
        arguments=(participant, bytes(32), key.public),
    )
    bank.session.sender.wait(submission.id, 60)


def test_remittance_is_for_payer_and_payee_alone(bank: Platform, buyer: Platform, seller: Platform) -> None:
    remittance = Remittance(end_to_end_id="PO-17", text="half of it")
    with pytest.raises(NoEncryptionKey):
        buyer.payments.create(seller.session.participant, TEN, idempotency_key="sealed", remittance=remittance)
    payer, payee, stranger = (RemittanceKey.generate() for _ in range(3))
    publish(bank, buyer, payer)
    publish(bank, seller, payee)
    paid = buyer.payments.create(
        seller.session.participant, TEN, idempotency_key="sealed", remittance=remittance
    ).wait()
    again = buyer.payments.create(
        seller.session.participant, TEN, idempotency_key="sealed", remittance=remittance
    ).wait()
    assert (paid.id, paid.remittance_hash) == (again.id, again.remittance_hash)
    assert balance(bank, seller) == 1_000

    transaction = bank.connection.web3.eth.get_transaction(paid.tx_hash)
    found = buyer.session.codec(USD).decode_input(bytes(transaction["input"]))
    assert found is not None
    sealed = found[1][3]
    (event,) = seller.session.events(USD, "Paid", None, None, bytes.fromhex(paid.reference[2:]))
    on_chain = event.arguments["remittanceHash"]
    assert on_chain == keccak(sealed) == bytes.fromhex(paid.remittance_hash[2:])
    for key in (payer, payee):
        assert open_remittance(sealed, key, expected_hash=on_chain) == remittance
    with pytest.raises(RemittanceNotForThisKey):
        open_remittance(sealed, stranger, expected_hash=on_chain)
