"""How SQLite goes about questions that are asked at every payment and every look: never through all that ever was."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from pyjpm.errors.outbox import NobodyTakesIt
from pyjpm.sending import Journal

GENESIS = "0x" + "11" * 32
WALLETS = [f"0x{number:040x}" for number in range(1, 101)]
NOW = 1_800_000_000
HISTORY = re.compile(r"(SCAN|SEARCH) (payment|attempt)\b(?!.*\b(state|id|key|attempt|payment|nonce)=\?)")

Question = Callable[[Journal, Sequence[str]], Any]


def free(journal: Journal, wallet: str) -> int:
    journal.lanes.take(wallet, chain_nonce=0, known_to=0)
    return journal.attempts.add_cancels(wallet, [1, 2], because=NobodyTakesIt("Nobody takes it."))


ASKED: dict[str, Question] = {
    "flying": lambda journal, wallets: journal.attempts.flying(wallets),
    "living": lambda journal, wallets: journal.attempts.living(wallets),
    "unsigned": lambda journal, wallets: journal.attempts.unsigned(wallets),
    "wallets_unsigned": lambda journal, wallets: journal.attempts.wallets_unsigned(wallets),
    "load": lambda journal, wallets: journal.attempts.load(["1", "2"]),
    "of": lambda journal, wallets: journal.attempts.of(["1", "2"]),
    "others_of": lambda journal, wallets: journal.attempts.others_of(["1", "2"], ["3"]),
    "add_cancels": lambda journal, wallets: free(journal, wallets[0]),
    "due": lambda journal, wallets: journal.acceptance.due(wallets[0], now=NOW, limit=100),
    "wallets_due": lambda journal, wallets: journal.acceptance.wallets_due(wallets, now=NOW),
    "waiting": lambda journal, wallets: journal.acceptance.waiting(wallets[0]),
    "in_flight_of_a_wallet": lambda journal, wallets: journal.acceptance.in_flight(wallet=wallets[0]),
    "in_flight_of_an_owner": lambda journal, wallets: journal.acceptance.in_flight(owner="participant 1"),
    "of_owner": lambda journal, wallets: journal.lanes.of_owner("participant 1"),
    "unsettled": lambda journal, wallets: journal.outcomes.unsettled(wallets),
    "open_submissions": lambda journal, wallets: journal.open_submissions(),
    "count_open": lambda journal, wallets: journal.count_open(),
    "find": lambda journal, wallets: journal.find(wallets[0], "key"),
}


def lock(journal: Journal, wallets: Sequence[str]) -> None:
    with journal.trail.deciding(wallets):
        pass


OF_WALLETS: dict[str, Question] = {
    "flying": lambda journal, wallets: journal.attempts.flying(wallets),
    "living": lambda journal, wallets: journal.attempts.living(wallets),
    "unsigned": lambda journal, wallets: journal.attempts.unsigned(wallets),
    "wallets_unsigned": lambda journal, wallets: journal.attempts.wallets_unsigned(wallets),
    "others_of": lambda journal, wallets: journal.attempts.others_of(wallets, wallets),
    "wallets_due": lambda journal, wallets: journal.acceptance.wallets_due(wallets, now=NOW),
    "unsettled": lambda journal, wallets: journal.outcomes.unsettled(wallets),
    "read_many": lambda journal, wallets: journal.lanes.read_many(wallets),
    "lock": lock,
}


@pytest.mark.parametrize("wallets", [WALLETS[:1], WALLETS], ids=["one", "hundred"])
@pytest.mark.parametrize("name", ASKED)
def test_what_every_look_asks_is_found_without_the_history(name: str, wallets: Sequence[str], tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    with Journal.open(tmp_path / "journal.sqlite", genesis_hash=GENESIS, chain_id=1) as journal:
        database = journal.acceptance._database
        with database.reading() as connection:
            engine = connection.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert not ASKED[name](journal, wallets)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        with database.reading() as connection:
            plans = [
                str(row[3])
                for statement, parameters in asked
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
    assert plans
    if name == "of_owner":
        # Whether anybody ever sent over a lane is known by the first that is found.
        plans.remove("SEARCH payment USING INDEX payment_wallet_key (wallet=?)")
    assert [step for step in plans if HISTORY.search(step)] == []


@pytest.mark.parametrize("name", sorted(OF_WALLETS))
def test_more_wallets_than_a_statement_takes_are_asked_about_in_parts(name: str, journal_url: str | Path) -> None:
    """PostgreSQL takes 65,535 values in one statement, SQLite 999 to 250,000, as it was built."""
    wallets = [f"0x{number:040x}" for number in range(70_000)]
    with Journal.open(journal_url, genesis_hash=GENESIS, chain_id=1) as journal:
        assert not OF_WALLETS[name](journal, wallets)


def test_the_check_knows_a_plan_through_the_history() -> None:
    for step in (
        "SCAN payment",
        "SEARCH payment USING INDEX payment_wallet_key (wallet=?)",
        "SEARCH attempt USING INDEX sqlite_autoindex_attempt_2 (lane=?)",
        "SEARCH payment USING INDEX sqlite_autoindex_payment_1 (owner=?)",
    ):
        assert HISTORY.search(step), step
    for step in (
        "SEARCH payment USING INDEX payment_state (state=? AND wallet=?)",
        "SEARCH attempt USING INDEX attempt_state (state=? AND lane=?)",
        "SEARCH attempt USING INDEX sqlite_autoindex_attempt_1 (id=?) LEFT-JOIN",
    ):
        assert not HISTORY.search(step), step
