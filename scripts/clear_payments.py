"""The bank's clearing signer: judges requests for clearances by a policy, signs what passes, and says what did not.

    python scripts/clear_payments.py --policy policy.json --in requests/ --out cleared/
    python scripts/clear_payments.py --policy policy.json < request.json > cleared.json

A request is a document of ``platform.clearances.request``. The policy names caps and payees (pyjpm.clearing.Policy);
what it does not name is refused. ``--ledger`` remembers what was signed: run it again as often as you like, each
movement is signed for one content only and counts once. With a folder, what is cleared is written under its own name;
files that are there already are left alone. With ``--screening`` only what screening lets through is cleared: see
docs/screening.md; the policy may then say ``"payees": "screened"``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyjpm.clearing import ClearingDesk, Decision, Policy
from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.errors.base import PyjpmError
from pyjpm.platform import Platform
from pyjpm.screening import Config, ScreeningGate
from pyjpm.workplace import BANK, Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="clear_payments", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key", default=BANK, help="name of the screener's key in the keystore")
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="caps and payees, as JSON")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="what was signed (PYJPM_HOME/clearing.sqlite)")
    parser.add_argument("--screening", type=Path, metavar="FILE", help="how to screen (pyjpm.screening.Config)")
    parser.add_argument("--in", dest="folder", type=Path, metavar="FOLDER", help="requests, *.json; else stdin")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write what is cleared")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())
    if (chosen.folder is None) != (chosen.out is None):
        parser.error("--in and --out go together")

    if chosen.folder is None:
        sys.stdout.write(answered(chosen, sys.stdin.read()))
        return
    finish(lambda: run(chosen), as_json=chosen.json)


@contextmanager
def desk(chosen: argparse.Namespace, place: Workplace, platform: Platform) -> Iterator[ClearingDesk]:
    ledger = chosen.ledger or place.home / "clearing.sqlite"
    with ExitStack() as stack:
        gate = None
        if chosen.screening is not None:
            config = Config.load(chosen.screening)
            screening = stack.enter_context(config.opened())
            gate = ScreeningGate(platform.session, screening, config.read_keys())
        yield ClearingDesk(platform.clearances, Policy.load(chosen.policy), ledger, gate)


def answered(chosen: argparse.Namespace, text: str) -> str:
    """The cleared document of one request; a refusal ends with its error."""
    place = Workplace()
    with place.platform(chosen.key) as platform, desk(chosen, place, platform) as signer:
        return signer.clear(Document.from_json(text)).to_json()


def run(chosen: argparse.Namespace) -> dict[str, object]:
    place = Workplace()
    chosen.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, object] = {}
    with place.platform(chosen.key) as platform, desk(chosen, place, platform) as signer:
        for path in sorted(chosen.folder.glob("*.json")):
            target = chosen.out / path.name
            if target.exists():
                results[path.name] = {"status": "done before", "reason": ""}
                continue
            decision = decided(signer, path)
            if decision.document is not None:
                written(decision.document, target)
            results[path.name] = decision.to_dict()
    return results


def decided(signer: ClearingDesk, path: Path) -> Decision:
    try:
        document = Document.load(path)
    except PyjpmError as error:
        return Decision(None, None, f"{error.code}: {error.message}")
    return signer.decide(document)


def written(document: Document, target: Path) -> None:
    """Whole or not at all."""
    part = target.with_suffix(".part")
    document.save(part)
    os.replace(part, target)


if __name__ == "__main__":
    main()
