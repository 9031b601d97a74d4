"""Proves the properties of tests/halmos by symbolic execution and writes down what came out.

    python tests/verify/halmos_run.py --out FILE [--long]

Needs halmos in ``.venv-halmos`` (``make .venv-halmos/.stamp``). Writes a JSON list of {name, tool, runs, calls, seed,
seconds, result}: ``runs`` are the paths explored, ``calls`` those that ended normally; there is no seed, for nothing is
drawn. A property whose solver ran out of time is not passed. Exits 1 unless all pass.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HALMOS = ROOT / ".venv-halmos/bin/halmos"
TESTS = ROOT / "tests/halmos"


def declared() -> dict[str, str]:
    """Contract and function of every property: what must be in the answer."""
    found = {}
    for source in sorted(TESTS.glob("*.t.sol")):
        text = source.read_text()
        (contract,) = re.findall(r"^contract (\w+)", text, re.MULTILINE)
        for function in re.findall(r"function (check_\w+)\(", text):
            found[f"{contract}.{function}"] = source.name
    return found


def environment() -> dict[str, str]:
    """forge on PATH, and only the proofs compiled, into a folder of their own."""
    (forge,) = list((ROOT / "node_modules/@foundry-rs").glob("forge-*/bin/forge"))[:1]
    folders = {f"FOUNDRY_{key}": "tests/halmos" for key in ("SRC", "TEST", "SCRIPT")}
    outputs = {"FOUNDRY_OUT": "build/halmos", "FOUNDRY_CACHE_PATH": "build/halmos-cache", "FOUNDRY_AST": "true"}
    return {**os.environ, **folders, **outputs, "PATH": f"{forge.parent}{os.pathsep}{os.environ['PATH']}"}


def prove(seconds: int) -> dict[str, Any]:
    """halmos's own answer, by contract; empty where it gave none."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        options = ["--function", "check_", "--loop", "4", "--solver-threads", "1"]
        limits = ["--solver-timeout-assertion", str(seconds * 1000)]
        command = [str(HALMOS), "--forge-build-out", "build/halmos", *options, *limits, "--json-output", str(answer)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=3600, check=False
        )
        if not answer.exists():
            sys.exit(f"halmos gave no answer:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        results: dict[str, Any] = json.loads(answer.read_text())["test_results"]
        return results


def rows(results: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for every property declared, whether halmos spoke of it or not."""
    answers = {
        f"{where.rpartition(':')[2]}.{test['name'].partition('(')[0]}": test
        for where, tests in results.items()
        for test in tests
    }
    return [row(name, answers.get(name)) for name in declared()]


def row(name: str, test: dict[str, Any] | None) -> dict[str, Any]:
    described = {"name": name, "tool": "halmos", "runs": 0, "calls": 0, "seed": None, "seconds": 0.0}
    if test is None:
        return {**described, "result": "not run"}
    paths, normal, _ = test["num_paths"]
    passed = test["exitcode"] == 0 and test["num_bounded_loops"] == 0
    broke = f"exit {test['exitcode']}, bounded loops {test['num_bounded_loops']}, models {test['models']}"
    figures = {"runs": paths, "calls": normal, "seconds": round(test["time"][0], 2)}
    return {**described, **figures, "result": "pass" if passed else broke}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--long", action="store_true", help="600 seconds for the solver per assertion instead of 20")
    options = parser.parse_args()
    proven = rows(prove(600 if options.long else 20))
    options.out.write_text(json.dumps(proven, indent=2) + "\n")
    for each in proven:
        print(f"{each['result'][:60]:10} {each['seconds']:7.2f} s {each['runs']:5} paths  {each['name']}")
    return 0 if all(each["result"] == "pass" for each in proven) else 1


if __name__ == "__main__":
    sys.exit(main())
