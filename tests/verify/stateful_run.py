"""Runs the token and its model (tests/stateful) side by side for long and writes down what came out.

    python tests/verify/stateful_run.py --out FILE --seed N [--long]

Writes a JSON list with one record {name, tool, runs, calls, seed, seconds, result}: ``runs`` are those of the state
machine, ``calls`` the transactions sent to Anvil. Exits 1 unless it passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stateful.chain import world
from stateful.machine import TokenMachine

RUNS, RUNS_LONG, STEPS = 400, 4_000, 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=lambda text: int(text, 0), required=True)
    parser.add_argument("--long", action="store_true", help=f"{RUNS_LONG} runs instead of {RUNS}")
    options = parser.parse_args()
    chosen = settings(
        max_examples=RUNS_LONG if options.long else RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    started, result = time.monotonic(), "pass"
    with world() as made:
        TokenMachine.world = made
        try:
            run_state_machine_as_test(seed(options.seed)(TokenMachine), settings=chosen)
        except Exception as broken:
            result = "\n".join([f"{type(broken).__name__}: {broken}", *getattr(broken, "__notes__", [])])
    record = {
        "name": "TokenMachine.the_contracts_do_what_the_model_says_and_log_what_rebuilds_it",
        "tool": "hypothesis",
        "runs": TokenMachine.runs,
        "calls": TokenMachine.calls,
        "seed": hex(options.seed),
        "seconds": round(time.monotonic() - started, 1),
        "result": result,
    }
    options.out.write_text(json.dumps([record], indent=1) + "\n")
    for answer, times in sorted(TokenMachine.answers.items()):
        print(f"{times:7,}  {answer}")
    print(result)
    return int(result != "pass")


if __name__ == "__main__":
    sys.exit(main())
