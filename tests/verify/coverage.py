"""Gates the coverage of contracts/ by the forge tests: every line and function, ``LEAST_BRANCHES`` of the branches.

    python tests/verify/coverage.py [--out FILE]

Runs ``forge coverage`` without the optimizer, which is how it maps code to source; so the tests that say how large a
contract is are left out, and the invariants too, whose seeds differ from run to run: what covers a line is a test that
does so every time. A line that says `not reached:` and why is set aside, and listed as such. Writes build/coverage.json
with the figures and, by file, each line, function and branch that no test reached. Exits 1 below the gate.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LCOV = ROOT / "build" / "lcov.info"
RECORD = ROOT / "build" / "coverage.json"
LEAST_BRANCHES = 0.98
OF_SIZE = "(every_contract_fits|what_it_was_made_with)"


@dataclass
class File:
    """How often each line, function and branch of a file was reached."""

    lines: dict[int, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    branches: dict[tuple[int, int, int], int] = field(default_factory=dict)


def measure() -> None:
    """Run the tests; lcov goes to build/."""
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    if not found:
        sys.exit("forge is not here: run `make setup`")
    environment = os.environ | {
        "FOUNDRY_OUT": "build/coverage",
        "FOUNDRY_CACHE_PATH": "build/coverage-cache",
        "FOUNDRY_DYNAMIC_TEST_LINKING": "false",
    }
    LCOV.unlink(missing_ok=True)
    command = [str(found[0]), "coverage", "--report", "lcov", "--report-file", str(LCOV), "--exclude-tests"]
    command += ["--no-match-contract", "Invariant", "--no-match-test", OF_SIZE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or not LCOV.exists():
        failed = "\n".join(re.findall(r"^.*(?:FAIL|Error).*$", done.stdout + done.stderr, re.MULTILINE)[:20])
        sys.exit(f"no coverage, for the tests fail:\n{failed or (done.stdout + done.stderr)[-2000:]}")


def parse(text: str) -> dict[str, File]:
    """The files of contracts/ in an lcov report."""
    files: dict[str, File] = {}
    file = File()
    for line in text.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            file = files.setdefault(rest, File())
        elif kind == "DA":
            number, hits = rest.split(",")[:2]
            file.lines[int(number)] = file.lines.get(int(number), 0) + int(hits)
        elif kind == "FNDA":
            hits, name = rest.split(",", 1)
            file.functions[name] = file.functions.get(name, 0) + int(hits)
        elif kind == "BRDA":
            number, block, branch, hits = rest.split(",")
            where = (int(number), int(block), int(branch))
            file.branches[where] = file.branches.get(where, 0) + (0 if hits == "-" else int(hits))
    return {name: file for name, file in sorted(files.items()) if name.startswith("contracts/")}


def set_aside(files: dict[str, File]) -> list[str]:
    """Take out the lines that no execution can reach, as they say themselves."""
    found = []
    for name, file in files.items():
        for number, text in enumerate((ROOT / name).read_text().splitlines(), 1):
            if "// not reached:" in text and file.lines.get(number) == 0:
                del file.lines[number]
                found.append(f"{name}:{number}: {text.strip()}")
    return found


def share(of: list[int]) -> dict[str, Any]:
    reached = sum(hits > 0 for hits in of)
    return {"reached": reached, "all": len(of), "share": round(reached / len(of), 5) if of else 1.0}


def missed(file: File) -> dict[str, list[Any]]:
    """What no test reached; a branch by its line, one entry for each way not taken."""
    gaps = {
        "lines": [number for number, hits in sorted(file.lines.items()) if not hits],
        "functions": [name for name, hits in sorted(file.functions.items()) if not hits],
        "branches": [number for (number, _, _), hits in sorted(file.branches.items()) if not hits],
    }
    return {kind: found for kind, found in gaps.items() if found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=RECORD)
    arguments = parser.parse_args()
    started = time.monotonic()
    measure()
    files = parse(LCOV.read_text())
    unreachable = set_aside(files)
    totals = {
        "lines": share([hits for file in files.values() for hits in file.lines.values()]),
        "functions": share([hits for file in files.values() for hits in file.functions.values()]),
        "branches": share([hits for file in files.values() for hits in file.branches.values()]),
    }
    gaps = {name: gap for name, file in files.items() if (gap := missed(file))}
    least = {"lines": 1.0, "functions": 1.0, "branches": LEAST_BRANCHES}
    short = [kind for kind, total in totals.items() if total["reached"] < least[kind] * total["all"]]
    seconds = round(time.monotonic() - started, 1)
    whole = {"seconds": seconds, "least": least, **totals, "short": short, "unreachable": unreachable, "missed": gaps}
    arguments.out.write_text(json.dumps(whole, indent=1) + "\n")
    for name, gap in gaps.items():
        print(f"{name}: " + "; ".join(f"{kind} {', '.join(map(str, found))}" for kind, found in gap.items()))
    for kind, total in totals.items():
        print(f"{kind:9} {total['reached']:5,} of {total['all']:5,} {total['share']:8.2%}, at least {least[kind]:.0%}")
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
