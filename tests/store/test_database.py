"""Transactions, snapshots, processes, leases and the chain a journal is bound to: on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import Copies
from sqlalchemy import insert, select, update
from store_support import CHAIN, GENESIS, WALLETS, add_lanes, at_once, count, note, noted, opened

from pyjpm.errors.sending import (
    Fenced,
    JournalClosed,
    JournalCollision,
    JournalFailed,
    JournalForked,
    JournalOfOtherChain,
    JournalReadOnly,
)
from pyjpm.sending import binding, lease
from pyjpm.sending.database import Database
from pyjpm.sending.lanes import Lanes
from pyjpm.sending.tables import lane

Where = Path | str


@pytest.fixture
def database(journal_url: Where) -> Iterator[Database]:
    with contextlib.closing(opened(journal_url)) as open_database:
        yield open_database


# --- transactions -----------------------------------------------------------------------------------------------------


def test_what_was_committed_is_there_after_reopening_and_what_failed_is_not(journal_url: Where) -> None:
    database = opened(journal_url)
    with database.transaction() as connection:
        note(connection, "kept")
    with contextlib.suppress(ZeroDivisionError), database.transaction() as connection:
        note(connection, "dropped")
        raise ZeroDivisionError
    database.close()
    with contextlib.closing(opened(journal_url)) as again:
        assert noted(again) == ["kept"]


def test_memory_is_forgotten() -> None:
    with contextlib.closing(opened(None)) as database:
        with pytest.raises(JournalReadOnly), database.reading() as connection:
            note(connection, "secretly")
        with database.transaction() as connection:
            note(connection, "kept")
        assert noted(database) == ["kept"]
    with contextlib.closing(opened(None)) as another:
        assert noted(another) == []


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    with database.transaction() as connection:
        note(connection, "before")
    done = threading.Event()

    def write() -> None:
        with database.transaction() as connection:
            note(connection, "meanwhile")
        done.set()

    with database.reading() as connection:
        query = select(lane.c.wallet)
        assert connection.execute(query).all() == []
        writer = threading.Thread(target=write)
        writer.start()
        assert done.wait(10), "a reader kept a writer waiting"
        targets = connection.exec_driver_sql("SELECT target FROM decision").scalars().all()
        assert targets == ["before"]
    writer.join()
    assert noted(database) == ["before", "meanwhile"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(JournalReadOnly), database.reading() as connection:
        note(connection, "secretly")
    assert noted(database) == []
    with database.transaction() as connection:
        note(connection, "openly")
    assert noted(database) == ["openly"]


def test_a_transaction_within_one_is_a_programming_error(database: Database) -> None:
    with database.transaction(), pytest.raises(AssertionError), database.reading():
        pass
    with database.transaction() as connection:
        note(connection, "after it")
    assert noted(database) == ["after it"]


def test_what_a_transaction_read_still_holds_when_it_commits(database: Database) -> None:
    """Read, then write what follows from it, in many threads: no update is lost."""
    add_lanes(database, WALLETS[0])
    at_once = threading.Barrier(4)

    def count_up() -> None:
        at_once.wait()
        for _ in range(10):
            with database.transaction() as connection:
                row = connection.execute(select(lane.c.next_nonce).with_for_update()).one()
                connection.execute(update(lane).values(next_nonce=row.next_nonce + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert connection.execute(select(lane.c.next_nonce)).scalar_one() == 40


def test_a_name_that_is_taken_says_so_and_nothing_is_stored(database: Database) -> None:
    add_lanes(database, WALLETS[0])
    again = insert(lane).values(wallet=WALLETS[0], next_nonce=5, state="OK")

    def store() -> None:
        with database.transaction() as connection:
            note(connection, "with it")
            connection.execute(again)

    with pytest.raises(JournalCollision) as caught:
        store()
    assert noted(database) == []
    assert WALLETS[0] not in str(caught.value), "what a row holds is nobody's business"


def test_a_row_that_makes_no_sense_is_refused_by_the_database(database: Database) -> None:
    with pytest.raises(JournalFailed) as caught, database.transaction() as connection:
        connection.execute(insert(lane).values(wallet=WALLETS[0], next_nonce=None, state="OK"))
    assert type(caught.value) is JournalFailed
    assert "next_nonce" in caught.value.details["cause"]


def test_closed_is_closed(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(JournalClosed), database.transaction():
        pass
    with pytest.raises(JournalClosed), database.reading():
        pass


def test_a_forked_child_may_not_use_it_and_breaks_nothing(database: Database) -> None:
    with database.transaction() as connection:
        note(connection, "before")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answers = []
        for enter in (database.transaction, database.reading):
            try:
                with enter():
                    answers.append("used")
            except JournalForked:
                answers.append("refused")
        database.close()
        os.write(write, " ".join(answers).encode())
        os._exit(0)
    os.close(write)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(read, 100) == b"refused refused"
    os.close(read)
    with database.transaction() as connection:
        note(connection, "after")
    assert noted(database) == ["before", "after"]


# --- leases -----------------------------------------------------------------------------------------------------------


def taken(database: Database, *wallets: str) -> str:
    token = lease.new_token()
    with database.transaction() as connection:
        assert lease.take(connection, wallets, token) == []
    return token


def test_tokens_are_128_random_bits() -> None:
    tokens = {lease.new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(len(bytes.fromhex(token)) == 16 for token in tokens)


def test_who_took_a_lane_last_writes_to_it_and_the_older_writes_nothing_more(journal_url: Where) -> None:
    with contextlib.closing(opened(journal_url)) as older, contextlib.closing(opened(journal_url)) as newer:
        add_lanes(older, *WALLETS)
        old = taken(older, *WALLETS)
        with older.writing(WALLETS[:2], old) as connection:
            note(connection, "older")
        new = taken(newer, WALLETS[1])
        with older.writing(WALLETS[:1], old) as connection:
            note(connection, "not noticed yet")
        with pytest.raises(Fenced) as caught, older.writing(WALLETS[:2], old) as connection:
            note(connection, "too late")
        assert caught.value.details == {"wallet": WALLETS[1], "path": older.name}
        # Not for a lane that nobody took, and not outside of lanes.
        with pytest.raises(Fenced), older.writing(WALLETS[:1], old):
            pass
        with pytest.raises(Fenced), older.transaction():
            pass
        assert noted(older) == ["older", "not noticed yet"]
        with newer.writing(WALLETS[1:2], new) as connection:
            note(connection, "newer")
        assert noted(older) == ["older", "not noticed yet", "newer"]


def test_a_lane_that_is_not_there_is_held_by_nobody(database: Database) -> None:
    token = lease.new_token()
    with database.transaction() as connection:
        assert lease.take(connection, reversed(WALLETS[:2]), token) == WALLETS[:2]
        connection.execute(insert(lane).values(wallet=WALLETS[0], next_nonce=0, state="OK", lease=token))
    with database.writing([WALLETS[0]], token):
        pass
    with pytest.raises(Fenced), database.writing(WALLETS[:2], token):
        pass


def test_a_lease_nobody_took_is_not_an_empty_token(database: Database) -> None:
    add_lanes(database, WALLETS[0])
    with pytest.raises(Fenced), database.writing([WALLETS[0]], ""):
        pass


def test_a_restored_copy_does_not_give_a_lease_back(journal_url: Where, copies: Copies) -> None:
    """A counter would: the process of before the copy, and the one of after it, would hold the same number."""
    database = opened(journal_url)
    add_lanes(database, WALLETS[0])
    before = taken(database, WALLETS[0])
    copy = copies.copy_of(journal_url)
    between = taken(database, WALLETS[0])
    database.close()
    copies.restore(journal_url, copy)
    with contextlib.closing(opened(journal_url)) as restored:
        after = taken(restored, WALLETS[0])
        assert len({before, between, after}) == 3
        with restored.writing([WALLETS[0]], after) as connection:
            note(connection, "after")
    for token in (before, between):
        with contextlib.closing(opened(journal_url)) as old, pytest.raises(Fenced), old.writing([WALLETS[0]], token):
            pass


def test_a_lane_taken_while_it_is_written_waits_for_the_commit(journal_url: Where) -> None:
    """The fence stands between two transactions, never within one."""
    with contextlib.closing(opened(journal_url)) as older, contextlib.closing(opened(journal_url)) as newer:
        add_lanes(older, WALLETS[0])
        old = taken(older, WALLETS[0])
        order: list[str] = []

        def take() -> None:
            taken(newer, WALLETS[0])
            order.append("taken")

        with older.writing([WALLETS[0]], old) as connection:
            thread = threading.Thread(target=take)
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
            note(connection, "written")
            order.append("written")
        thread.join(30)
        assert order == ["written", "taken"]
        assert noted(newer) == ["written"]
        with pytest.raises(Fenced), older.writing([WALLETS[0]], old):
            pass


def test_a_wallet_that_two_processes_take_for_the_first_time_has_one_row(journal_url: Where) -> None:
    opened(journal_url).close()

    def take() -> None:
        with contextlib.closing(opened(journal_url)) as mine:
            lanes = Lanes(mine, lease.new_token())
            for number in range(40):
                assert lanes.take(f"0x{number:040x}", chain_nonce=number, known_to=number).next_nonce == number

    at_once(take, take, take)
    with contextlib.closing(opened(journal_url)) as after:
        assert [each.next_nonce for each in Lanes(after, "x").all()] == list(range(40))


def test_lanes_in_any_order_never_wait_for_one_another(database: Database) -> None:
    add_lanes(database, *WALLETS)
    token = taken(database, *WALLETS)

    def write(wallets: list[str]) -> None:
        for number in range(25):
            with database.writing(wallets, token) as connection:
                note(connection, str(number))

    threads = [
        threading.Thread(target=write, args=[wallets])
        for wallets in (WALLETS, WALLETS[::-1], WALLETS[2:] + WALLETS[:2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count(database) == 75


# --- processes --------------------------------------------------------------------------------------------------------


def test_processes_that_open_it_at_once_make_it_once_and_all_write(journal_url: Where) -> None:
    def write(process: int) -> None:
        with contextlib.closing(opened(journal_url)) as database:
            for number in range(20):
                with database.transaction() as connection:
                    note(connection, f"{process}-{number}")

    at_once(*(functools.partial(write, process) for process in range(4)))
    with contextlib.closing(opened(journal_url)) as database:
        assert sorted(noted(database)) == sorted(f"{process}-{number}" for process in range(4) for number in range(20))


# --- the chain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "other"), [("genesis_hash", "0x" + "cd" * 32), ("chain_id", CHAIN + 1)])
def test_it_belongs_to_one_chain(journal_url: Where, what: str, other: object) -> None:
    opened(journal_url).close()
    with pytest.raises(JournalOfOtherChain) as caught:
        opened(journal_url, **{what: other})  # type: ignore[arg-type]
    expected = {"genesis_hash": GENESIS, "chain_id": CHAIN}[what]
    assert (caught.value.details["what"], caught.value.details["expected"]) == (what, expected)
    opened(journal_url).close()


def test_a_chain_with_another_block_at_the_checkpoint_is_another_chain(database: Database) -> None:
    blocks = {10: "0xaa", 20: "0xbb"}
    database.expect_checkpoint(blocks.get)  # none yet
    database.checkpoint(20, "0xbb")
    database.checkpoint(10, "0xaa")  # a lower one changes nothing
    database.expect_checkpoint(blocks.get)
    database.expect_checkpoint({}.get)  # a node that is behind proves nothing
    with pytest.raises(JournalOfOtherChain) as caught:
        database.expect_checkpoint({20: "0xother"}.get)
    assert caught.value.details["what"] == "block 20"
    database.checkpoint(30, "0xcc")
    database.expect_checkpoint({20: "0xother", 30: "0xcc"}.get)


def test_the_highest_head_only_rises(database: Database) -> None:
    for number in (5, 3, 9, 9, 1):
        with database.transaction() as connection:
            binding.raise_head(connection, number)
    with database.reading() as connection:
        assert binding.read(connection).highest_head == 9
