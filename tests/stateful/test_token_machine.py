"""The token and its model, for a few dozen runs: the campaign (`make verify`) has thousands of acts more."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from stateful.chain import world
from stateful.machine import TokenMachine

SHORT = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def test_the_contracts_do_what_the_model_says() -> None:
    drawn = int(os.environ.get("PYJPM_SEED") or str(random.SystemRandom().getrandbits(32)), 0)
    print(f"PYJPM_SEED={drawn:#x} replays this run")
    with world() as made:
        TokenMachine.world = made
        run_state_machine_as_test(seed(drawn)(TokenMachine), settings=SHORT)
    assert TokenMachine.calls > 100
