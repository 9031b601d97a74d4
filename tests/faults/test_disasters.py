"""Disasters by name, on the in-process chain, judged by the chain's events: what each leaves behind, and without whom.

In each, three companies pay twenty payments and more over a minute, in singles and batches, through two nodes of four
validators; ``campaign`` draws the same disasters by thousands.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from campaign import disasters
from campaign.histories import Script, run
from campaign.world import World

from pyjpm.errors.sending import Fenced

SEEDS = range(2)


def told(seed: int, script: Script) -> tuple[dict[str, Any], list[str]]:
    """What a history comes to, and all that happened in it. ``pytest -s`` shows it."""
    lines: list[str] = []

    def say(line: str) -> None:
        print(line)
        lines.append(line)

    return run(seed, say, script=script), lines


def require_all_paid(result: dict[str, Any]) -> None:
    assert result["findings"] == {}
    assert result["payments"] >= 20
    assert result["final"] == result["payments"]


def happens(lines: list[str], what: str) -> bool:
    return any(what in line for line in lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_minutes_without_a_quorum_under_load_while_nodes_forget(seed: int) -> None:
    """No block for two minutes, a restarted node that takes and forgets, and in the end all pools forgotten."""

    def script(world: World) -> float:
        network, clock = world.network, world.clock
        for validator in (2, 3):
            clock.at(10.0, lambda index=validator: network.restart(index, down=120.0))  # type: ignore[misc]
        clock.at(30.0, lambda: network.restart(0, down=1.0, behind=10.0, forgets=8.0))
        clock.at(70.0, lambda: [network.forget_pool(index) for index in (0, 1)])
        return 140.0

    result, lines = told(seed, script)
    require_all_paid(result)
    assert not happens(lines, "operator")
    first: dict[str, float] = {}
    for line in lines:
        if "hears FINAL" in line:
            first.setdefault(line.split()[-1], float(line.split()[0]))
    assert [key for key, at in first.items() if 15.0 < at < 130.0] == [], "no block, so no answer"
    assert any(at > 130.0 for at in first.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_two_processes_on_one_outbox(seed: int) -> None:
    """A second one is started; clients reach now this one, now that one; the older is never told to stop."""

    def script(world: World) -> float:
        world.clock.at(15.0, lambda: world.launch() and None)
        return 80.0

    result, lines = told(seed, script)
    require_all_paid(result)
    assert happens(lines, Fenced.code)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", ["waiting everywhere", "only at a node that is down"])
def test_a_database_restored_from_an_hour_old_copy(seed: int, where: str) -> None:
    """What was sent since the copy is still pending when the copy is put back, and is mined in the end."""
    hour = 3_600.0

    def script(world: World) -> float:
        network, clock = world.network, world.clock
        # Half is paid before the copy, half an hour later, without blocks.
        for place, request in enumerate(world.clients.requests):
            request.next_at = random.Random(f"{seed}/{place}").uniform(1.0, 20.0) + (hour if place % 2 else 0.0)
            request.asks_after_final = 1
        clock.at(25.0, world.back_up, "copy")
        down = [0, 2] if where.startswith("only") else [2, 3]

        def stop() -> None:
            if where.startswith("only"):
                network.mute(1, 200.0)
            for index in down:
                network.stop(index, saves_pool=True)

        def put_back() -> None:
            living = network.judge_view().living
            assert living, "nothing was pending"
            world.log(f"{len(living)} are pending")
            if where.startswith("only"):
                network.restart(1, down=60.0, saves_pool=True)
                assert all(set(each.nodes) == {1} for each in network.judge_view().living)
            for index in down:
                network.start(index)
            world.restore(world.path.with_name("copy"))

        clock.at(hour - 5.0, stop)
        clock.at(hour + 30.0, put_back)
        return hour + 150.0

    result, lines = told(seed, script)
    require_all_paid(result)
    assert happens(lines, "the database is the older copy now")
    assert happens(lines, "hears FORGOTTEN")


@pytest.mark.parametrize("takes", [False, True], ids=["and mean it", "and take it all the same"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_transaction_that_every_node_refuses(seed: int, takes: bool) -> None:
    """Its lane frees itself, and all that company's payments go on once the nodes take them again."""

    def script(world: World) -> float:
        world.clock.at(5.0, world.refusals.update, {world.companies[1].wallet.lower(): (50.0, takes)})
        return 60.0

    result, lines = told(seed, script)
    assert result["findings"] == {}
    assert not happens(lines, "operator")
    last = [line for line in lines if "  1 hears " in line][-1]
    assert "FINAL" in last
    # Who was told REJECTED pays again by another key, or lets it be; all others are paid.
    assert result["final"] + result["reverted"] == result["payments"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wallet_jammed_by_a_price_is_freed_by_the_operator(seed: int) -> None:
    """Nothing moves on that wallet until an operator frees it; then everything does."""

    def script(world: World) -> float:
        arrange: Callable[..., str] = disasters.jam
        arrange(world, random.Random(seed), 20.0)
        return 100.0

    result, _ = told(seed, script)
    require_all_paid(result)


def test_a_jammed_wallet_is_told_and_freed() -> None:
    """On the sequenced pool of the shipped network it takes the operator."""
    freed = 0
    for seed in range(6):

        def script(world: World, seed: int = seed) -> float:
            disasters.jam(world, random.Random(seed), 20.0)
            return 100.0

        _, lines = told(seed, script)
        freed += happens(lines, "the operator: ['0x")
    assert freed > 0
