"""The directory's hash on a real chain: told once, compared, and not to be had by changing the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from directory.directory_support import CHECKER, IBAN, MAKER, NOON, STAFF, mapped
from sqlalchemy import text

from pyjpm import Platform
from pyjpm.directory import Directory, Entry, anchor_head, verify
from pyjpm.errors.books import BookAltered
from pyjpm.errors.deployment import NotOnboarded


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path / "directory.db", staff=STAFF, now=lambda: NOON) as opened:
        yield opened


def test_the_chain_is_told_once_of_each_revision(bank: Platform, seller: Platform, directory: Directory) -> None:
    assert anchor_head(directory, seller) is None
    mapped(directory, Entry.of("IBAN", IBAN, 7, "Acme", NOON), "one")
    assert verify(directory, bank)["anchored"] == 0
    told = anchor_head(directory, seller, currency="USD")
    assert told is not None
    assert (told.revision, told.participant) == (1, seller.session.participant)
    assert anchor_head(directory, seller) == told
    # Read past every layer of ours: the chain itself has that head, in that block.
    (event,) = bank.contract("USD").events.ReferenceVoided().get_logs(from_block=told.block, to_block=told.block)
    assert "0x" + event["args"]["ref"].hex().removeprefix("0x") == told.head
    assert event["args"]["participant"] == told.participant
    mapped(directory, Entry.of("IBAN", IBAN, 8, "Acme", NOON), "two")
    assert verify(directory, bank) == {"revision": 2, "anchored": 1, "anchors": [told.to_dict()]}
    again = anchor_head(directory, seller, currency="USD")
    assert again is not None
    assert (again.revision, again.head != told.head) == (2, True)
    assert verify(directory, bank)["anchored"] == 2


def test_it_moves_no_money(bank: Platform, buyer: Platform, directory: Directory) -> None:
    before = buyer.deposits.balance(currency="USD")
    mapped(directory, Entry.of("IBAN", IBAN, 7, "Acme", NOON), "one")
    anchor_head(directory, buyer, currency="USD")
    assert buyer.deposits.balance(currency="USD") == before


def test_who_belongs_to_no_participant_cannot_tell_it(bank: Platform, directory: Directory) -> None:
    mapped(directory, Entry.of("IBAN", IBAN, 7, "Acme", NOON), "one")
    with pytest.raises(NotOnboarded):
        anchor_head(directory, bank)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory_change SET name = 'Mallory' WHERE revision = 1",
        "UPDATE directory_change SET decided_why = NULL, revision = NULL, state = 'REJECTED' WHERE revision = 1",
        "DELETE FROM directory_change WHERE revision = 2",
        "UPDATE directory_change SET revision = 4 WHERE revision = 3",
        "UPDATE directory_anchor SET head = (SELECT head FROM directory_change WHERE revision = 1) WHERE revision = 2",
    ],
)
def test_what_was_changed_past_the_program_is_found(
    bank: Platform, seller: Platform, directory: Directory, statement: str
) -> None:
    for place in (1, 2, 3):
        mapped(directory, Entry.of("IBAN", IBAN, place, "Acme", NOON), f"change {place}")
        if place > 1:
            anchor_head(directory, seller)
    with directory.book.writing() as connection:
        connection.execute(text(statement))
    with pytest.raises(BookAltered):
        verify(directory, bank)


def test_a_history_that_was_written_anew_is_found_by_the_chain(
    bank: Platform, seller: Platform, directory: Directory
) -> None:
    """Maker and checker together rewrite what the chain was told: signatures fit, the chain does not."""
    mapped(directory, Entry.of("IBAN", IBAN, 7, "Acme", NOON), "one")
    anchor_head(directory, seller)
    with directory.book.writing() as connection:
        kept = connection.execute(text("SELECT head FROM directory_anchor")).scalar_one()
        connection.execute(text("DELETE FROM directory_change"))
    proposed = directory.propose(
        Entry.of("IBAN", IBAN, 8, "Mallory", NOON), maker=MAKER, reason="contract", idempotency_key="one"
    )
    directory.approve(proposed.id, checker=CHECKER, reason="seen")
    with pytest.raises(BookAltered, match="not what the chain was told"):
        verify(directory, bank)
    with directory.book.writing() as connection:
        (fresh,) = connection.execute(text("SELECT head FROM directory_change")).scalars()
        assert fresh != kept
        connection.execute(text("UPDATE directory_anchor SET head = :head"), {"head": fresh})
    with pytest.raises(BookAltered, match="never told"):
        verify(directory, bank)
