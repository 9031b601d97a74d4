"""Remittance: what goes in comes out for each reader, and for nobody else."""

from __future__ import annotations

import copy
import datetime
import pickle
import uuid

import cbor2
import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjpm import Money
from pyjpm.errors.custody import KeyNotExportable
from pyjpm.errors.remittance import (
    InvalidEncryptionKey,
    InvalidRemittance,
    MalformedRemittance,
    NoEncryptionKey,
    RemittanceAltered,
    RemittanceNotForThisKey,
    RemittanceVersionUnknown,
)
from pyjpm.remittance import (
    DocumentKind,
    Remittance,
    RemittanceDocument,
    RemittanceKey,
    key_id,
    open_remittance,
    readers_of,
)

PAYER, PAYEE, BANK, STRANGER = (RemittanceKey(keccak(text=name)) for name in ("payer", "payee", "bank", "stranger"))
INVOICE = RemittanceDocument(
    kind=DocumentKind.INVOICE,
    number="INV-4711",
    amount=Money("1190.00", "USD"),
    tax=Money("190.00", "USD"),
    discount=Money("23.80", "USD"),
    remitted=Money("1166.20", "USD"),
    issued=datetime.date(2026, 2, 28),
)
CREDIT = RemittanceDocument(kind=DocumentKind.CREDIT_NOTE, number="CN-1", amount=Money("66.20", "USD"))
REMITTANCE = Remittance(
    end_to_end_id="PO-2026-17",
    uetr=uuid.UUID("eb6305c9-1f7f-49de-aed0-16487c27b42d"),
    documents=(INVOICE, CREDIT),
    text="Thank you",
)

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=35)
amounts = st.integers(0, 2**87).map(lambda minor: Money.from_minor(minor, "EUR"))
documents = st.builds(
    RemittanceDocument,
    kind=st.sampled_from(DocumentKind),
    number=texts,
    amount=amounts,
    tax=st.none() | amounts,
    discount=st.none() | amounts,
    remitted=st.none() | amounts,
    issued=st.none() | st.dates(),
)
remittances = st.builds(
    Remittance,
    end_to_end_id=texts,
    uetr=st.none() | st.uuids(version=4),
    documents=st.lists(documents, max_size=5).map(tuple),
    text=st.text(st.characters(exclude_categories=("Cs",)), max_size=100),
)


@settings(max_examples=60, deadline=None)
@given(remittance=remittances)
def test_every_reader_opens_what_was_sealed(remittance: Remittance) -> None:
    sealed = remittance.seal([PAYEE.public, PAYER.public])
    for key in (PAYEE, PAYER):
        assert open_remittance(sealed, key, expected_hash=keccak(sealed)) == remittance
    assert Remittance.from_bytes(remittance.to_bytes()) == remittance


def test_nobody_else_opens_it() -> None:
    sealed = REMITTANCE.seal([PAYEE.public, PAYER.public])
    assert readers_of(sealed) == (PAYEE.id, PAYER.id)
    with pytest.raises(RemittanceNotForThisKey) as caught:
        open_remittance(sealed, [BANK, STRANGER])
    assert caught.value.details["held"] == [BANK.id.hex(), STRANGER.id.hex()]
    for secret in (b"INV-4711", b"PO-2026-17", b"Thank you"):
        assert secret not in sealed


def test_a_rotated_key_still_opens_what_was_sealed_to_it() -> None:
    sealed = REMITTANCE.seal([PAYEE.public, BANK.public])
    assert open_remittance(sealed, [RemittanceKey.generate(), PAYEE]) == REMITTANCE
    assert open_remittance(sealed, BANK) == REMITTANCE


def test_any_altered_byte_is_noticed() -> None:
    sealed = REMITTANCE.seal([PAYEE.public])
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises((RemittanceAltered, MalformedRemittance, RemittanceVersionUnknown, RemittanceNotForThisKey)):
            open_remittance(bytes(altered), PAYEE)
        with pytest.raises(RemittanceAltered):
            open_remittance(bytes(altered), PAYEE, expected_hash=keccak(sealed))


def test_other_bytes_than_those_paid_with_are_not_believed() -> None:
    paid, other = REMITTANCE.seal([PAYEE.public]), REMITTANCE.seal([PAYEE.public])
    assert paid != other
    with pytest.raises(RemittanceAltered):
        open_remittance(other, PAYEE, expected_hash=keccak(paid))


def test_a_wrapped_key_of_another_remittance_does_not_open_this_one() -> None:
    version, _, box = cbor2.loads(REMITTANCE.seal([PAYEE.public]))
    _, wrapped, _ = cbor2.loads(REMITTANCE.seal([PAYEE.public]))
    with pytest.raises(RemittanceAltered):
        open_remittance(cbor2.dumps([version, wrapped, box]), PAYEE)


@pytest.mark.parametrize(
    "sealed", [b"", b"\xff", b"plain text", cbor2.dumps([1, [], 5]), cbor2.dumps([1, 2, b""]), cbor2.dumps({"v": 1})]
)
def test_what_is_no_remittance_is_said_to_be_none(sealed: bytes) -> None:
    with pytest.raises(MalformedRemittance):
        open_remittance(sealed, PAYEE)


def test_a_later_version_is_told_apart() -> None:
    with pytest.raises(RemittanceVersionUnknown) as caught:
        open_remittance(cbor2.dumps([2, [], b""]), PAYEE)
    assert caught.value.details["version"] == 2


@pytest.mark.parametrize("minor", [1.5, "100", True, None])
def test_an_amount_that_is_no_whole_number_of_minor_units_is_refused(minor: object) -> None:
    plain = cbor2.loads(REMITTANCE.to_bytes())
    plain["docs"][0][3][0] = minor
    with pytest.raises(MalformedRemittance):
        Remittance.from_bytes(cbor2.dumps(plain, canonical=True))


def test_unknown_parts_are_not_overlooked() -> None:
    plain = cbor2.loads(REMITTANCE.to_bytes()) | {"more": 1}
    with pytest.raises(MalformedRemittance):
        Remittance.from_bytes(cbor2.dumps(plain, canonical=True))


def test_without_a_published_key_nothing_is_sealed() -> None:
    for readers in ([], [PAYEE.public, bytes(32)]):
        with pytest.raises(NoEncryptionKey):
            REMITTANCE.seal(readers)
    with pytest.raises(InvalidEncryptionKey):
        REMITTANCE.seal([b"short"])
    with pytest.raises(InvalidEncryptionKey):
        RemittanceKey(bytes(32))


def test_the_secret_is_nowhere_to_be_seen() -> None:
    secret = keccak(text="secret")
    key = RemittanceKey(secret)
    assert repr(key) == str(key) == f"RemittanceKey(id={key_id(key.public).hex()})"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(KeyNotExportable):
            leak(key)


def test_the_documents_come_to_what_is_paid() -> None:
    assert REMITTANCE.total == Money("1100.00", "USD")
    assert Remittance(end_to_end_id="x").total is None


def test_what_iso_20022_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidRemittance):
        Remittance(end_to_end_id="")
    with pytest.raises(InvalidRemittance):
        Remittance(end_to_end_id="x" * 36)
    with pytest.raises(InvalidRemittance):
        Remittance(end_to_end_id="x", uetr=uuid.UUID(int=0, version=1))
    with pytest.raises(InvalidRemittance):
        Remittance(end_to_end_id="x", documents=(INVOICE,) * 1_001)
    euro = RemittanceDocument(kind=DocumentKind.INVOICE, number="1", amount=Money("1.00", "EUR"))
    with pytest.raises(InvalidRemittance):
        Remittance(end_to_end_id="x", documents=(INVOICE, euro))
    with pytest.raises(InvalidRemittance):
        RemittanceDocument(kind=DocumentKind.INVOICE, number="1", amount=Money("1.00", "EUR"), tax=Money("1.00", "USD"))
    with pytest.raises(InvalidRemittance):
        RemittanceDocument(kind=DocumentKind.INVOICE, number="", amount=Money("1.00", "EUR"))
