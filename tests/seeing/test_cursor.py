"""A cursor moves with the effect of what it passed, or not at all; and for one consumer only. On both databases."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import ChainNode, ForkedChain
from seeing_support import CHAIN_ID, GENESIS, VirtualClock
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert, select

from pyjpm.chain import Connection
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.stream import Back, Cursor, EventStream, Step
from pyjpm.errors.effects import CursorMoved
from pyjpm.errors.seeing import ReorgTooDeep
from pyjpm.errors.sending import JournalBusy
from pyjpm.sending.cursor import CursorStore
from pyjpm.sending.database import Database
from pyjpm.sending.tables import cursor as cursor_rows

metadata = MetaData()
# What a consumer makes of events. It has no keys: what is stored twice is there twice.
seen = Table("seen", metadata, Column("block", Integer), Column("value", Integer))


@pytest.fixture
def database(journal_url: str | Path) -> Iterator[Database]:
    with opened(journal_url) as made:
        with made.transaction() as connection:
            metadata.create_all(connection)
        yield made


@contextlib.contextmanager
def opened(journal_url: str | Path) -> Iterator[Database]:
    database = Database(journal_url, genesis_hash=GENESIS, chain_id=CHAIN_ID)
    try:
        yield database
    finally:
        database.close()


class Died(Exception):
    """What takes the place of a crash: nothing after it happens."""


class Ledger:
    """A consumer as a ledger is one: it stores events and its cursor in one transaction."""

    def __init__(self, database: Database, *nodes: ChainNode, depth: int = 8, name: str = "ledger") -> None:
        self.database = database
        self.cursors = CursorStore(name, depth=depth)
        connections = [Connection.open(node, max_retries=0, timeout=0.05) for node in nodes]
        with database.reading() as connection:
            cursor = self.cursors.load(connection)
        self.clock = VirtualClock()
        self.stream = EventStream(
            Nodes(connections, parallel=False, clock=self.clock), cursor, depth=depth, page_blocks=6
        )

    def store(self, steps: list[Step], *, die: str = "") -> None:
        with self.database.transaction() as connection:
            for step in steps:
                if isinstance(step, Back):
                    connection.execute(delete(seen).where(seen.c.block > step.to_block))
                    continue
                for event in step.events:
                    value = int.from_bytes(event.data, "big")
                    connection.execute(insert(seen).values(block=event.block_number, value=value))
            if die == "before the cursor":
                raise Died
            self.cursors.advance(connection, self.stream.cursor, steps)
            if die == "before the commit":
                raise Died
        if die == "after the commit":
            raise Died
        for step in steps:
            self.stream.accept(step)

    def catch_up(self) -> None:
        while steps := self.stream.poll():
            self.store(steps)


def values(database: Database) -> list[int]:
    with database.reading() as connection:
        rows = connection.execute(select(seen).order_by(seen.c.block, seen.c.value))
        return [row.value for row in rows]


def test_who_never_stored_anything_starts_where_it_says(database: Database) -> None:
    with database.reading() as connection:
        assert CursorStore("new").load(connection, first_block=7) == Cursor.before(7)


def test_a_restart_goes_on_where_the_commit_was(database: Database) -> None:
    chain = ForkedChain()
    for i in range(20):
        chain.mine(i, 100 + i)
    ledger = Ledger(database, ChainNode(chain))
    ledger.store(ledger.stream.poll())
    fresh = Ledger(database, ChainNode(chain))
    assert fresh.stream.cursor.place == ledger.stream.cursor.place
    assert fresh.stream.cursor.place.block == 5
    fresh.catch_up()
    assert values(database) == chain.values


@pytest.mark.parametrize("die", ["before the cursor", "before the commit", "after the commit"])
def test_the_effect_and_the_cursor_are_both_stored_or_neither(database: Database, die: str) -> None:
    chain = ForkedChain()
    for i in range(10):
        chain.mine(i)
    ledger = Ledger(database, ChainNode(chain))
    ledger.store(ledger.stream.poll())
    with pytest.raises(Died):
        ledger.store(ledger.stream.poll(), die=die)
    Ledger(database, ChainNode(chain)).catch_up()
    assert values(database) == chain.values


@pytest.mark.parametrize("depth", [1, 4, 8])
def test_blocks_replaced_while_nobody_looked_are_undone_after_the_restart(database: Database, depth: int) -> None:
    chain = ForkedChain()
    for i in range(30):
        chain.mine(i)
    Ledger(database, ChainNode(chain)).catch_up()
    chain.reorganise(depth, *[[100 + i] for i in range(depth + 1)])
    Ledger(database, ChainNode(chain)).catch_up()
    assert values(database) == chain.values


def test_what_was_replaced_deeper_than_is_kept_is_an_error_after_a_restart_too(database: Database) -> None:
    chain = ForkedChain()
    for i in range(30):
        chain.mine(i)
    Ledger(database, ChainNode(chain)).catch_up()
    chain.reorganise(9, *[[100 + i] for i in range(10)])
    with pytest.raises(ReorgTooDeep):
        Ledger(database, ChainNode(chain)).catch_up()
    assert values(database) == list(range(30))


def test_of_two_consumers_of_a_name_one_goes_on(database: Database) -> None:
    chain = ForkedChain()
    chain.mine(1)
    first, second = Ledger(database, ChainNode(chain)), Ledger(database, ChainNode(chain))
    of_both = first.stream.poll(), second.stream.poll()
    first.store(of_both[0])
    with pytest.raises(CursorMoved) as moved:
        second.store(of_both[1])
    assert moved.value.details["name"] == "ledger"
    chain.mine(2)
    first.catch_up()
    with pytest.raises(CursorMoved):
        second.store(second.stream.poll())
    assert values(database) == chain.values
    Ledger(database, ChainNode(chain), name="other").stream.poll()


def test_two_consumers_at_the_same_moment_store_each_event_once(database: Database, journal_url: str | Path) -> None:
    chain = ForkedChain()
    for i in range(40):
        chain.mine(i)
    barrier = threading.Barrier(2)
    moved: list[str] = []
    failures: list[BaseException] = []

    def consume() -> None:
        try:
            with opened(journal_url) as own:
                barrier.wait(10)
                ledger = Ledger(own, ChainNode(chain))
                while steps := ledger.stream.poll():
                    try:
                        ledger.store(steps)
                    except (CursorMoved, JournalBusy) as late:
                        moved.append(late.code)
                        ledger = Ledger(own, ChainNode(chain))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert values(database) == chain.values


def test_names_are_kept_apart_and_bounded(database: Database) -> None:
    chain = ForkedChain()
    for i in range(50):
        chain.mine(i)
    Ledger(database, ChainNode(chain), depth=3).catch_up()
    other = Ledger(database, ChainNode(chain), depth=3, name="other")
    assert other.stream.cursor == Cursor.before(0)
    with database.reading() as connection:
        names = connection.execute(select(cursor_rows.c.name)).scalars().all()
    assert sorted(names) == ["ledger", "ledger#0", "ledger#1", "ledger#2", "ledger#3"]
    for name in ("", "a#b", "x" * 57):
        with pytest.raises(ValueError, match="name"):
            CursorStore(name)


@pytest.mark.parametrize("seed", range(6))
def test_however_often_it_dies_the_ledger_is_what_the_chain_says(database: Database, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    chain = ForkedChain()
    node = ChainNode(chain)
    ledger = Ledger(database, node)
    for value in range(60):
        if chance.random() < 0.7:
            chain.mine(*[value] * chance.randrange(3))
        elif len(chain.blocks) > 8:
            depth = chance.randint(1, 7)
            chain.reorganise(depth, *[[1000 + value] for _ in range(depth + 1)])
        steps = ledger.stream.poll()
        die = chance.choice(["", "", "before the cursor", "before the commit", "after the commit"])
        try:
            ledger.store(steps[: chance.randint(0, len(steps))], die=die)
        except Died:
            ledger = Ledger(database, node)
    ledger.catch_up()
    assert values(database) == sorted_by_block(chain)


def sorted_by_block(chain: ForkedChain) -> list[int]:
    return [value for block in chain.blocks for value in sorted(block.values)]
