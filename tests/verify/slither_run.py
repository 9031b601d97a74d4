"""slither over all contracts at once: every finding is answered in the file where it stands, or this fails.

    python tests/verify/slither_run.py [--json FILE]

An answer is a comment `// slither-disable-next-line DETECTOR (why)`, or `// slither-disable-start DETECTOR (why)` for a
whole file; one without a reason fails too. Needs slither in ``.venv-audit`` (``make slither`` brings it).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SLITHER = ROOT / ".venv-audit" / "bin" / "slither"
ALL = ROOT / "build" / "slither" / "All.sol"
UNREASONED = re.compile(r"^\s*// slither-disable-(?:next-line|start) [\w,-]+ *$")


def findings(report: Path) -> list[dict[str, Any]]:
    """What slither says of contracts/ that nobody has answered."""
    if not SLITHER.exists():
        sys.exit("slither is not here: run `make slither`, which brings it")
    ALL.parent.mkdir(parents=True, exist_ok=True)
    imports = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "contracts").rglob("*.sol"))
    ALL.write_text("pragma solidity ^0.8.28;\n" + "".join(f'import "{path}";\n' for path in imports))
    report.unlink(missing_ok=True)
    (forge,) = list((ROOT / "node_modules/@foundry-rs").glob("forge-*/bin/forge"))[:1]
    # crytic-compile asks forge for its remappings even where solc is forced
    environment = os.environ | {"PATH": f"{forge.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(SLITHER), str(ALL.relative_to(ROOT)), "--compile-force-framework", "solc", "--solc", "build/solc"]
    command += ["--solc-remaps", "@openzeppelin/=node_modules/@openzeppelin/", "--solc-args", "--evm-version cancun"]
    command += ["--filter-paths", "node_modules|build/", "--json", str(report)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if not report.exists():
        sys.exit(f"slither gave no answer:\n{(done.stdout + done.stderr)[-3000:]}")
    said = json.loads(report.read_text())
    if not said["success"]:
        sys.exit(f"slither failed: {said['error']}")
    found: list[dict[str, Any]] = said["results"].get("detectors", [])
    return found


def unreasoned() -> list[str]:
    """Answers that give no reason."""
    bare = []
    for path in sorted((ROOT / "contracts").rglob("*.sol")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if UNREASONED.match(line):
                bare.append(f"{path.relative_to(ROOT)}:{number}: no reason given")
    return bare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "slither.json")
    found = findings(parser.parse_args().json.resolve())
    for each in found:
        print(f"{each['impact']}: {each['check']}: {each['description'].strip()}")
    bare = unreasoned()
    print("\n".join(bare) or f"{len(found)} unanswered findings")
    return int(bool(found or bare))


if __name__ == "__main__":
    sys.exit(main())
