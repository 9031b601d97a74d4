"""`make bench-send`: single payments end to end, against raw pre-signed batches and against a plain web3.py loop.

In each round every side runs once on a fresh chain of the same state, for one payer and for a hundred. The figures are
medians of the rounds; a run whose fullest block was above 90 % is void and is made again. All sides of a round begin at
the same distance from the next block, and the rounds spread over a block's second: how many payments are in time for
which block decides up to a second of two. Everything goes to build/bench-send.json; `--update` writes
docs/performance.md from it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine import ACCEPTING, ACCEPTORS, PART, SIGNING, WINDOW
from page import write_page
from runs import Run, run_engine, run_loop, run_raw, run_singly, settle_latencies
from stage import BLOCK_SECONDS, GAS_LIMIT, Stage, make_stage

ROOT = Path(__file__).parents[2]
ROUNDS = 5
SIDES = {"one": 1, "hundred": 100}
COUNT = 10_000  # they fit into one block, which raw throwing may bring nearly all of them into
LOOP_COUNT = 600
SIMULATED_COUNT = 2_000
SINGLY = {1: 60, 100: 1_000}  # threads, and the payments of all of them, which one wallet may have on its way at once
RAW_CONNECTIONS = (2, 3, 4)
TRIES = 4
TARGET = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write docs/performance.md as well")
    parser.add_argument("--count", type=int, default=COUNT, help="payments in each run")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    began = time.monotonic()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="pyjpm-bench-") as folder:
        stage = make_stage(Path(folder), max(SIDES.values()))
        sides = {name: _side(stage, payers, options.count, options.rounds) for name, payers in SIDES.items()}
        singly = {
            str(threads): _singly(stage, threads, payments, options.rounds) for threads, payments in SINGLY.items()
        }
        latencies = sorted(settle_latencies(stage, 25))
    found = _figures(sides, latencies)
    found |= {
        "payments_per_run": options.count,
        "rounds": options.rounds,
        "calls_per_second_by_threads": singly,
        "options": {
            "part": PART,
            "acceptors": ACCEPTORS,
            "accepting": ACCEPTING,
            "signing": SIGNING,
            "window": WINDOW,
            "simulate": False,
            "simulated_payments": SIMULATED_COUNT,
            "loop_payments": LOOP_COUNT,
            "block_seconds": BLOCK_SECONDS,
            "gas_limit": GAS_LIMIT,
        },
        "machine": _machine(load),
        "versions": _versions(),
        "seconds": round(time.monotonic() - began, 1),
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench-send.json").write_text(json.dumps(found, indent=2) + "\n")
    if options.update:
        write_page(ROOT / "docs" / "performance.md", found, time.strftime("%Y-%m-%d"))
    print(json.dumps({name: found[name] for name in ("ratio_to_raw", "ratio_to_loop", "settle_ms", "seconds")}))


def _side(stage: Stage, payers: int, count: int, rounds: int) -> dict[str, list[Run]]:
    """All runs with so many payers, each side after the other within a round."""
    runs: dict[str, list[Run]] = {"raw": [], "engine": [], "simulated": [], "loop": [], "loop_with_receipts": []}
    for number in range(rounds):
        start = (number + 0.5) / rounds * BLOCK_SECONDS
        raws = [_valid(run_raw, stage, payers, count, connections, start=start) for connections in RAW_CONNECTIONS]
        runs["raw"].append(max(raws, key=lambda run: run.rate))
        runs["engine"].append(_valid(run_engine, stage, payers, count, start=start))
        runs["loop"].append(_valid(run_loop, stage, payers, LOOP_COUNT, start=start, wait=False))
        runs["simulated"].append(_valid(run_engine, stage, payers, SIMULATED_COUNT, start=start, simulate=True))
        if number == 0:
            runs["loop_with_receipts"].append(_valid(run_loop, stage, min(payers, 5), 5, start=start, wait=True))
        told = ", ".join(f"{name} {each[-1].rate:,.0f}" for name, each in runs.items())
        print(f"{payers} payers, round {number + 1}, payments a second: {told}", flush=True)
    return runs


def _singly(stage: Stage, threads: int, payments: int, rounds: int) -> float:
    starts = [(number + 0.5) / rounds * BLOCK_SECONDS for number in range(rounds)]
    rates = [run_singly(stage, threads, payments, start=start) for start in starts]
    print(
        f"one call a payment, {threads} threads, calls a second: {', '.join(f'{rate:,.0f}' for rate in rates)}",
        flush=True,
    )
    return round(statistics.median(rates), 1)


def _valid(run: Callable[..., Run], *arguments: Any, **options: Any) -> Run:
    for _ in range(TRIES):
        made = run(*arguments, **options)
        if not made.void:
            return made
        print(f"void: a block was {made.fullest:.0%} full", flush=True)
    raise SystemExit(f"void {TRIES} times")


def _figures(sides: dict[str, dict[str, list[Run]]], latencies: list[float]) -> dict[str, Any]:
    medians = {
        name: {side: round(statistics.median(run.rate for run in runs), 1) for side, runs in by.items()}
        for name, by in sides.items()
    }
    to_raw = {name: round(by["engine"] / by["raw"], 3) for name, by in medians.items()}
    to_loop = {name: round(by["engine"] / by["loop"], 1) for name, by in medians.items()}
    return {
        "ratio_to_raw": {**to_raw, "least": min(to_raw.values())},
        "ratio_to_loop": {**to_loop, "least": min(to_loop.values())},
        "ratio_to_raw_target": TARGET,
        "payments_per_second": medians,
        "runs": {
            name: {side: [asdict(run) for run in runs] for side, runs in by.items()} for name, by in sides.items()
        },
        "fullest_block": round(max(run.fullest for by in sides.values() for runs in by.values() for run in runs), 3),
        "settle_ms": {
            "median": round(statistics.median(latencies), 1),
            "p95": round(latencies[int(0.95 * (len(latencies) - 1))], 1),
            "payments": len(latencies),
        },
    }


def _machine(load: float) -> dict[str, Any]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }


def _versions() -> dict[str, str]:
    anvil = json.loads((ROOT / "node_modules" / "@foundry-rs" / "anvil" / "package.json").read_text())["version"]
    return {
        "python": f"{platform.python_version()} of {sys.base_prefix}",
        "anvil": anvil,
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("web3", "SQLAlchemy", "coincurve", "eth-abi")},
    }


if __name__ == "__main__":
    main()
