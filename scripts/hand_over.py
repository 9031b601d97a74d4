"""Hand a platform over to those who shall run it. The deployer ends with no role at all.

    PYJPM_RPC=http://127.0.0.1:8545 python scripts/hand_over.py assignments.toml

Which roles go to whom, and with which delays, is in the file (pyjpm/assignments.py has its form). Run again it goes on
where it stopped. Afterwards `scripts/who_can.py` shows what the chain has.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyjpm.assignments import Assignments
from pyjpm.cli.script import finish
from pyjpm.workplace import Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="hand_over", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("assignments", type=Path, help="TOML or JSON: role, members, delay")
    parser.add_argument("--check", action="store_true", help="read the file and send nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> dict[str, object]:
        assignments = Assignments.load(chosen.assignments)
        held = {name: ", ".join(each.members) for name, each in assignments.roles.items()}
        if chosen.check:
            return held
        place = Workplace()
        with place.platform() as platform:
            told = lambda step: print(step, file=sys.stderr)  # noqa: E731
            access = platform.governance.hand_over(assignments, progress=told)
            left = access.roles_of(platform.session.wallet)
        return {**held, "deployer": platform.session.wallet, "deployer's roles": ", ".join(left) or "none"}

    finish(work, as_json=chosen.json)


if __name__ == "__main__":
    main()
