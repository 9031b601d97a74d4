"""One statement for many rows: each value lands in its own column, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, update

from pyjpm.sending import Journal
from pyjpm.sending.bulk import Bulk
from pyjpm.sending.operation import AttemptState
from pyjpm.sending.tables import attempt, lane

COLUMNS = (lane.c.wallet, lane.c.next_nonce, lane.c.state, lane.c.lease, lane.c.recover_to)


@pytest.fixture
def journal(journal_url: str | Path) -> Journal:
    return Journal.open(journal_url, genesis_hash="0x" + "11" * 32, chain_id=7)


def test_values_land_in_their_columns_whatever_the_order_of_the_names(journal: Journal) -> None:
    add = Bulk(insert(lane), "recover_to", "state", "wallet", "next_nonce")
    move = Bulk(
        update(lane)
        .where(lane.c.wallet == bindparam("b_wallet"), lane.c.state == AttemptState.SIGNED)
        .values(next_nonce=lane.c.next_nonce + bindparam("b_more"), lease="a constant"),
        "b_wallet",
        "b_more",
    )
    with journal, journal.database.transaction() as connection:
        add.write(connection, [])
        add.write(connection, [(None, "SIGNED", "one", 1), (9, "OTHER", "two", 2), (8, "SIGNED", "three", 3)])
        move.write(connection, [("one", 10), ("two", 10), ("three", 20)])
        assert [tuple(row) for row in connection.execute(select(*COLUMNS).order_by(lane.c.next_nonce))] == [
            ("two", 2, "OTHER", None, 9),
            ("one", 11, "SIGNED", "a constant", None),
            ("three", 23, "SIGNED", "a constant", 8),
        ]


def test_a_parameter_that_is_not_named_is_no_constant(journal: Journal) -> None:
    forgotten = Bulk(update(attempt).where(attempt.c.id == bindparam("b_id")).values(raw=bindparam("b_raw")), "b_id")
    with journal, journal.database.transaction() as connection, pytest.raises(AssertionError):
        forgotten.write(connection, [("one",)])
