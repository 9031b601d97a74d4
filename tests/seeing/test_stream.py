"""Events in order, each at least once, and whatever the chain took back undone: on a chain that forks as it is told."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from forked import ChainNode, ForkedChain
from seeing_support import VirtualClock

from pyjpm.chain import Connection
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.stream import WHOLE, Back, Cursor, EventStream, Forward, Step
from pyjpm.chain.watch import HeadWatch
from pyjpm.errors.seeing import ReorgTooDeep


class Reader:
    """A consumer that keeps what it read by block, and undoes what it is told to."""

    def __init__(self, *nodes: ChainNode, cursor: Cursor | None = None, depth: int = 8, page: int = 5) -> None:
        self.clock = VirtualClock()
        connections = [Connection.open(node, max_retries=0, timeout=0.05) for node in nodes]
        self.nodes = Nodes(connections, parallel=False, clock=self.clock)
        self.watch = HeadWatch(self.nodes, subscribe=False, clock=self.clock)
        self.depth, self.page = depth, page
        self.read: dict[int, list[int]] = {}
        self.backs: list[int] = []
        self.open(cursor or Cursor.before(0))

    def open(self, cursor: Cursor) -> None:
        self.stream = EventStream(self.nodes, cursor, watch=self.watch, depth=self.depth, page_blocks=self.page)

    def apply(self, step: Step) -> None:
        if isinstance(step, Back):
            self.backs.append(step.to_block)
            self.read = {number: values for number, values in self.read.items() if number <= step.to_block}
        else:
            values = [int.from_bytes(event.data, "big") for event in step.events]
            self.read.setdefault(step.block.number, []).extend(values)

    def catch_up(self) -> None:
        while steps := self.stream.poll():
            for step in steps:
                self.apply(step)
                self.stream.accept(step)

    @property
    def values(self) -> list[int]:
        return [value for number in sorted(self.read) for value in self.read[number]]


@pytest.fixture
def chain() -> ForkedChain:
    return ForkedChain()


def test_every_event_comes_once_and_in_order(chain: ForkedChain) -> None:
    reader = Reader(ChainNode(chain))
    for i in range(23):
        chain.mine(*range(10 * i, 10 * i + i % 4))
    reader.catch_up()
    assert reader.values == chain.values
    assert sorted(reader.read) == list(range(24)), "empty blocks are steps too"
    assert reader.stream.poll() == []
    chain.mine(1000)
    reader.catch_up()
    assert reader.values == chain.values
    assert reader.backs == []


def test_it_starts_with_the_block_it_is_told(chain: ForkedChain) -> None:
    for i in range(5):
        chain.mine(i)
    reader = Reader(ChainNode(chain), cursor=Cursor.before(3))
    reader.catch_up()
    assert sorted(reader.read) == [3, 4, 5]


@pytest.mark.parametrize("depth", [1, 3, 8])
@pytest.mark.parametrize("longer", [0, 1, 20])
def test_blocks_taken_back_are_undone_and_their_successors_read(chain: ForkedChain, depth: int, longer: int) -> None:
    reader = Reader(ChainNode(chain))
    for i in range(12):
        chain.mine(i)
    reader.catch_up()
    chain.reorganise(depth, *[[100 + i] for i in range(depth + longer)])
    reader.catch_up()
    assert reader.backs == [12 - depth]
    assert reader.values == chain.values


def test_a_reorganisation_deeper_than_is_remembered_is_an_error(chain: ForkedChain) -> None:
    reader = Reader(ChainNode(chain), depth=4)
    for i in range(12):
        chain.mine(i)
    reader.catch_up()
    chain.reorganise(5, *[[100 + i] for i in range(6)])
    with pytest.raises(ReorgTooDeep) as deep:
        reader.catch_up()
    assert deep.value.details == {"block": 12, "depth": 4}
    assert reader.values == list(range(12)), "nothing is undone on a guess"


def test_back_to_before_the_first_block_read(chain: ForkedChain) -> None:
    for i in range(3):
        chain.mine(i)
    reader = Reader(ChainNode(chain), cursor=Cursor.before(2))
    reader.catch_up()
    chain.reorganise(3, [50], [51], [52], [53])
    reader.catch_up()
    assert reader.backs == [1]
    assert reader.values == [51, 52, 53]


def test_a_chain_that_changes_between_two_pages_and_two_requests(chain: ForkedChain) -> None:
    reader = Reader(ChainNode(chain), page=4)
    for i in range(8):
        chain.mine(i)
    for step in reader.stream.poll():
        reader.apply(step)
        reader.stream.accept(step)
    chain.reorganise(6, *[[100 + i] for i in range(7)])
    reader.catch_up()
    assert reader.values == chain.values


@pytest.mark.parametrize("at", range(1, 12))
@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_a_chain_that_changes_between_any_two_requests(chain: ForkedChain, at: int, before: int, after: int) -> None:
    node = ChainNode(chain)
    reader = Reader(node)
    for i in range(5):
        chain.mine(*[i] * before)
    made = {block.name: block.values for block in chain.blocks}
    count = 0

    def reorganise(method: str) -> None:
        nonlocal count
        count += 1
        if count == at:
            chain.reorganise(4, *[[100 + i] * after for i in range(5)])
            made.update({block.name: block.values for block in chain.blocks})

    node.before = reorganise
    steps = reader.stream.poll()
    blocks = [step.block for step in steps if isinstance(step, Forward)]
    assert all(parent.hash == child.parent_hash for parent, child in pairwise(blocks))
    for step in steps:
        assert isinstance(step, Forward)
        assert [int.from_bytes(event.data, "big") for event in step.events] == made[step.block.hash]
        reader.apply(step)
        reader.stream.accept(step)
    reader.catch_up()
    assert reader.values == chain.values


def test_what_is_not_accepted_comes_again(chain: ForkedChain) -> None:
    reader = Reader(ChainNode(chain))
    chain.mine(1)
    chain.mine(2)
    first = reader.stream.poll()
    assert reader.stream.poll() == first
    reader.stream.accept(first[0])
    assert reader.stream.poll() == first[1:]

    class ConsumerFailed(Exception):
        pass

    seen: list[int] = []
    for attempt in range(2):
        try:
            for step in reader.stream:
                assert isinstance(step, Forward)
                seen.append(step.block.number)
                if step.block.number == 2:
                    if attempt == 0:
                        raise ConsumerFailed
                    reader.stream.stop()
        except ConsumerFailed:
            pass
    assert seen == [1, 2, 2]


def test_a_block_may_be_consumed_in_parts(chain: ForkedChain) -> None:
    node = ChainNode(chain)
    reader = Reader(node)
    chain.mine(1, 2, 3, 4)
    steps = reader.stream.poll()
    reader.stream.accept(steps[0])
    step = steps[1]
    assert isinstance(step, Forward)
    part = step.upto(step.events[1])
    reader.apply(part)
    reader.stream.accept(part)
    reader.open(reader.stream.cursor)
    (rest,) = reader.stream.poll()
    assert isinstance(rest, Forward)
    assert [event.log_index for event in rest.events] == [2, 3]
    assert rest.place.log_index == WHOLE
    chain.reorganise(1, [9])
    (back,) = reader.stream.poll()
    assert isinstance(back, Back)
    reader.apply(back)
    reader.stream.accept(back)
    reader.catch_up()
    assert reader.values == [9]


def test_null_at_an_announced_height_is_waited_out_and_never_an_empty_block(chain: ForkedChain) -> None:
    node = ChainNode(chain)
    reader = Reader(node)
    chain.mine(1)
    reader.catch_up()
    for nulls in (1, 3, 60):
        chain.mine(nulls)
        node.nulls = nulls
        while not reader.stream.poll():
            reader.watch.wait(reader.stream.cursor.place.block)
        reader.catch_up()
    assert reader.values == chain.values
    assert reader.backs == []


def test_a_node_that_went_back_makes_nobody_undo_anything(chain: ForkedChain) -> None:
    ahead, behind = ChainNode(chain), ChainNode(chain)
    reader = Reader(ahead, behind)
    for i in range(6):
        chain.mine(i)
    reader.catch_up()
    ahead.down, behind.lag = True, 3
    assert reader.stream.poll() == []
    assert reader.stream.fault is not None
    assert reader.stream.fault.code == "VIEW_BEHIND"
    chain.mine(6)
    behind.lag = 0
    reader.catch_up()
    assert reader.stream.fault is None
    assert reader.values == chain.values
    assert reader.backs == []
    # Nor after a restart, as the highest head is part of the cursor.
    fresh = Reader(behind, cursor=reader.stream.cursor)
    behind.lag = 1
    assert fresh.stream.poll() == []
    assert fresh.backs == []


def test_nodes_that_are_down_are_waited_for(chain: ForkedChain) -> None:
    node = ChainNode(chain)
    reader = Reader(node)
    chain.mine(1)
    node.down = True
    assert reader.stream.poll() == []
    node.down = False
    reader.clock.sleep(60)
    reader.catch_up()
    assert reader.values == [1]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_chain_and_its_nodes_do_the_end_is_what_the_chain_says(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    chain = ForkedChain()
    nodes = [ChainNode(chain), ChainNode(chain)]
    reader = Reader(*nodes, page=chance.choice([1, 2, 7]))
    for value in range(120):
        act = chance.random()
        if act < 0.55:
            chain.mine(*[value] * chance.randrange(3))
        elif act < 0.65:
            depth = min(chance.randint(1, 6), len(chain.blocks) - 1)
            chain.reorganise(depth, *[[1000 + value + i] for i in range(depth + chance.randrange(3))])
        elif act < 0.75:
            node = chance.choice(nodes)
            node.lag = chance.randrange(min(3, len(chain.blocks)))
        elif act < 0.8:
            chance.choice(nodes).nulls = chance.randrange(4)
        elif act < 0.85:
            chance.choice(nodes).down ^= True
        elif act < 0.9:
            reader.open(reader.stream.cursor)
        left = chance.randrange(30)

        def meanwhile(method: str) -> None:
            nonlocal left
            left -= 1
            if left == 0 and len(chain.blocks) > 4:
                chain.reorganise(2, [2000 + left], [2001], [2002])

        nodes[0].before = nodes[1].before = meanwhile
        for step in reader.stream.poll()[: chance.randrange(4)]:
            reader.apply(step)
            reader.stream.accept(step)
        reader.clock.sleep(chance.random() * 3)
    for node in nodes:
        node.before = lambda method: None
        node.down, node.lag, node.nulls = False, 0, 0
    for _ in range(8):  # above any height that was seen
        chain.mine()
    reader.clock.sleep(60)
    reader.catch_up()
    assert reader.values == chain.values
