"""A paying process is killed at points drawn from all there are, and pays each key exactly once. In full: make faults.

``PYJPM_SEED`` repeats a draw; the seed is printed.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator

import pytest

from campaign.killer import Kill, Stage, failpoints, staged

KILLS = 30


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as made:
        yield made


def test_what_is_listed_by_one_process_is_reached_by_the_next(stage: Stage) -> None:
    """The first connection of a process passes points of its own; whoever made the process had his long ago."""
    listed = stage.passages("auto")
    with staged() as next_one:
        for name in ("before rollback journal.open", "after rollback journal.open"):
            assert listed[name] == 1
            result = next_one.kill(Kill("auto", name, 1), seed=1)
            assert result["reached"], name
            assert result["findings"] == {}, name


def test_killed_anywhere_it_pays_each_key_once(stage: Stage) -> None:
    seed = int(os.environ.get("PYJPM_SEED", secrets.randbits(32)))
    print(f"PYJPM_SEED={seed}")
    points = failpoints(stage)
    assert len(points) > 300
    assert {"commit", "sql", "signing", "write", "read"} <= {point.name.split()[1] for point in points}
    reached = 0
    for point in random.Random(seed).sample(points, KILLS):
        result = stage.kill(point, seed)
        assert result["findings"] == {}, point
        # Ten payments of the script are good, two are too much.
        assert (result["final"], result["reverted"]) == (10, 2), point
        reached += result["reached"]
    assert reached >= KILLS - 3, "most points are passed in every run"
