"""The campaign that verifies the contracts: every invariant of theirs, each with a seed of its own, by several tools.

Method. Each forge invariant (``tests/contracts/*Invariant.t.sol``) is run alone, so that its calls are its own and its
seed replays it; handlers assert with ``fail_on_revert``. After each run the handlers say how often a successful call
took each row of the state tables (``tests/contracts/base/Rows.sol``); a row taken fewer than ``LEAST_HITS`` times fails
the campaign, so that handlers that return early cannot pass for work. Other tools are runners of their own that write
the same records. The records go to build/verify.json, a readable page of them to docs/verification.md.

    python tests/verify/campaign.py [--long] [--seed N] [--only NAME]

A tool that is not here ends the campaign before it starts; nothing is left out in silence.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from page import write_page

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "verify"
RECORD = ROOT / "build" / "verify.json"
HALMOS = ROOT / ".venv-halmos" / "bin" / "halmos"
LEAST_HITS = 1_000
LEAST_CALLS, LEAST_CALLS_LONG = 2_000_000, 10_000_000
LEAST_PROPERTIES, LEAST_TOOLS = 20, 2
LONG = 2.5  # times as many runs: over ten million calls


@dataclass(frozen=True)
class Contract:
    """A test contract: how many runs of how many handler calls each of its properties gets.

    A fuzz test is called once a run; what it does then is not counted.
    """

    name: str
    runs: int
    depth: int


CONTRACTS = (
    Contract("EscrowInvariant", runs=1_600, depth=100),
    Contract("SettlementInvariant", runs=2_000, depth=80),
    Contract("TokenInvariant", runs=500, depth=250),
    Contract("RegistryInvariant", runs=600, depth=150),
    Contract("ReserveInvariant", runs=120, depth=120),
    Contract("RulesInvariant", runs=160, depth=100),
    Contract("ClearanceInvariant", runs=160, depth=80),
    Contract("EscrowOrderOfArrival", runs=5_000, depth=1),
    Contract("TokenReplay", runs=2_000, depth=1),
    Contract("TokenCheckFuzz", runs=10_000, depth=1),
)


@dataclass(frozen=True)
class Record:
    """What one property's run came to. ``calls`` are handler calls; ``result`` is "pass" or what broke it."""

    name: str
    tool: str
    runs: int
    calls: int
    seed: str | None
    seconds: float
    result: str


def forge() -> str:
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    if not found:
        sys.exit("forge is not here: run `make setup`")
    return str(found[0])


def properties(contract: Contract) -> list[str]:
    """The invariants of a test contract, as its source names them."""
    source = (ROOT / "tests" / "contracts" / f"{contract.name}.t.sol").read_text()
    return re.findall(r"function (invariant_\w+|testFuzz_\w+)\(", source)


def run_forge(contract: Contract, name: str, seed: int, times: float) -> list[Record]:
    """Run one invariant alone."""
    here = WORK / name
    here.mkdir(parents=True, exist_ok=True)
    rows = here / "rows.jsonl"
    rows.unlink(missing_ok=True)
    wanted = round(contract.runs * times)
    environment = os.environ | {
        "FOUNDRY_PROFILE": "verify",
        "FOUNDRY_INVARIANT_RUNS": str(wanted),
        "FOUNDRY_FUZZ_RUNS": str(wanted),
        "FOUNDRY_INVARIANT_DEPTH": str(contract.depth),
        "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(here / "failures"),
        "FOUNDRY_TEST_FAILURES_FILE": str(here / "test-failures"),
        "PYJPM_ROWS": str(rows.relative_to(ROOT)),
    }
    path = f"tests/contracts/{contract.name}.t.sol"
    command = [forge(), "test", "--json", "--threads", "1", "--fuzz-seed", hex(seed)]
    command += ["--match-path", path, "--match-test", f"^{name}\\("]
    started = time.monotonic()
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = round(time.monotonic() - started, 1)
    runs, calls, result = judge(process.stdout, process.stderr)
    if result == "pass" and calls < wanted * contract.depth:
        result = f"only {calls:,} calls of {wanted * contract.depth:,}"
    return [Record(f"{contract.name}.{name}", "forge", runs, calls, hex(seed), seconds, result)]


def judge(output: str, errors: str) -> tuple[int, int, str]:
    """Runs, calls and result of the one test that forge reports as JSON."""
    try:
        (suite,) = json.loads(output).values()
        (test,) = suite["test_results"].values()
        ((kind, figures),) = test["kind"].items()
    except (ValueError, KeyError):
        return 0, 0, f"forge did not run it: {(errors or output).strip()[-400:]}"
    runs, calls = figures["runs"], figures["calls"] if kind == "Invariant" else figures["runs"]
    if test["status"] != "Success":
        return runs, calls, f"{test['reason']}; {json.dumps(test.get('counterexample'))[:2000]}"
    return runs, calls, f"{figures['reverts']} reverts" if figures.get("reverts") else "pass"


def run_halmos(long: bool, _: int) -> list[Record]:
    """The proofs of tests/halmos, for every input there is: nothing is drawn, so there is no seed."""
    return run_beside("halmos", ["--long"] * long, None)


def run_stateful(long: bool, seed: int) -> list[Record]:
    """A Python model of the token beside the real contracts on Anvil."""
    return run_beside("stateful", ["--seed", str(seed), *(["--long"] * long)], hex(seed))


def run_beside(tool: str, options: list[str], seed: str | None) -> list[Record]:
    """A runner of its own, which writes the records of its properties to a file."""
    out = WORK / f"{tool}.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, str(ROOT / f"tests/verify/{tool}_run.py"), "--out", str(out), *options]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not out.exists():
        said = (process.stdout + process.stderr).strip()[-2000:]
        return [Record(tool, tool, 0, 0, seed, 0.0, f"did not run: {said}")]
    return [Record(**each) for each in json.loads(out.read_text())]


def hits() -> dict[str, dict[str, int]]:
    """How often each row of each state table was taken by a successful call, over all runs."""
    tables: dict[str, Counter[str]] = {}
    for file in WORK.glob("*/rows.jsonl"):
        for line in file.read_text().splitlines():
            said = json.loads(line)
            tables.setdefault(said["table"], Counter()).update(said["rows"])
    return {table: dict(rows) for table, rows in sorted(tables.items())}


def contracts() -> tuple[Contract, ...]:
    """Those above, and every other invariant test there is: none is left out because nobody listed it."""
    listed = {contract.name for contract in CONTRACTS}
    found = sorted(path.name.removesuffix(".t.sol") for path in (ROOT / "tests/contracts").glob("*Invariant.t.sol"))
    return CONTRACTS + tuple(Contract(name, runs=200, depth=100) for name in found if name not in listed)


def jobs(only: str | None) -> Iterator[tuple[Contract, str]]:
    """The longest first, so that both cores end together."""
    for contract in contracts():
        for name in properties(contract):
            if only is None or only in f"{contract.name}.{name}":
                yield contract, name


def others(only: str | None) -> list[Callable[[bool, int], list[Record]]]:
    """The tools beside forge; ``--only halmos`` or ``--only stateful`` runs one alone."""
    tools = {"halmos": run_halmos, "stateful": run_stateful}
    return [run for name, run in tools.items() if only is None or only == name]


def tell(done: str, record: Record) -> None:
    figures = f"{record.seconds:7.1f} s {record.calls:9,} calls"
    print(f"{done:>6} {figures}  {record.name}: {record.result[:300]}", flush=True)


def handler_calls(records: list[Record]) -> int:
    """Without the paths of the proofs, which are no calls of a handler."""
    return sum(record.calls for record in records if record.tool != "halmos")


def shortfalls(records: list[Record], tables: dict[str, dict[str, int]], long: bool) -> list[str]:
    """What a whole campaign lacks; nothing where it holds."""
    lacking = [f"{record.name}: {record.result}" for record in records if record.result != "pass"]
    for table, rows in tables.items():
        lacking += [f"{table}: {row}: taken {n} times, not {LEAST_HITS}" for row, n in rows.items() if n < LEAST_HITS]
    lacking += [f"no rows of the {table} table" for table in ("escrow", "hold", "settlement") if table not in tables]
    calls, least = handler_calls(records), LEAST_CALLS_LONG if long else LEAST_CALLS
    if calls < least:
        lacking.append(f"{calls:,} handler calls, not {least:,}")
    if len(records) < LEAST_PROPERTIES or len({record.tool for record in records}) < LEAST_TOOLS:
        lacking.append(f"{len(records)} properties by {len({record.tool for record in records})} tools")
    return lacking


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--long", action="store_true", help=f"{LONG} times the runs")
    parser.add_argument("--seed", type=lambda text: int(text, 0), default=None, help="replays a campaign")
    parser.add_argument("--only", default=None, help="properties whose name contains this; writes no record")
    arguments = parser.parse_args()
    seed = random.SystemRandom().getrandbits(64) if arguments.seed is None else arguments.seed
    drawn = random.Random(seed)
    times = LONG if arguments.long else 1
    print(f"seed {seed:#x}: `make verify SEED={seed:#x}` replays this campaign", flush=True)

    if not HALMOS.exists():
        sys.exit("halmos is not here: run `make verify`, which brings it")
    WORK.mkdir(parents=True, exist_ok=True)
    for stale in WORK.glob("*/rows.jsonl"):
        stale.unlink()
    started, began = time.monotonic(), datetime.now(UTC)
    subprocess.run([forge(), "build"], cwd=ROOT, env=os.environ | {"FOUNDRY_PROFILE": "verify"}, check=True)
    planned = [(contract, name, drawn.getrandbits(64)) for contract, name in jobs(arguments.only)]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        waiting = [pool.submit(run_forge, contract, name, own, times) for contract, name, own in planned]
        waiting += [pool.submit(run, arguments.long, drawn.getrandbits(64)) for run in others(arguments.only)]
        records = []
        for number, job in enumerate(waiting, 1):
            for record in job.result():
                records.append(record)
                tell(f"{number}/{len(waiting)}", record)
    tables = hits()
    if arguments.only is not None:
        return int(any(record.result != "pass" for record in records))

    lacking = shortfalls(records, tables, arguments.long)
    whole: dict[str, Any] = {
        "date": began.isoformat(timespec="seconds"),
        "seed": hex(seed),
        "long": arguments.long,
        "seconds": round(time.monotonic() - started, 1),
        "calls": handler_calls(records),
        "properties": [asdict(record) for record in records],
        "hits": tables,
        "lacking": lacking,
    }
    RECORD.write_text(json.dumps(whole, indent=1) + "\n")
    write_page(ROOT / "docs" / "verification.md", whole)
    print(f"{len(records)} properties, {whole['calls']:,} calls, {whole['seconds']:.0f} s: {RECORD.relative_to(ROOT)}")
    for line in lacking:
        print(f"LACKING {line}")
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main())
