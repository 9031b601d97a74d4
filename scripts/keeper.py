"""Runs standing rules: executes each that is due, once per period.

    python scripts/keeper.py run --rules rules/ --key keeper --rounds 60 --every 60
    python scripts/keeper.py show --rules rules/

Give it the rules' documents, files or folders of them. It may be started again at any time, and several may run at
once: the contract does a period once, and a transaction that was sent before a crash is found again by its key. A rule
that cannot pay now stays due and is tried again in the next round.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyjpm.cli.script import finish
from pyjpm.documents import Document
from pyjpm.errors.base import PyjpmError
from pyjpm.platform import Platform
from pyjpm.workplace import BANK, Workplace, arguments

CATCH_UP = 12
"""Periods of one rule done in one round at most: a rule far behind must not keep the others waiting."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="keeper", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=("run", "show"), default="show")
    parser.add_argument("--rules", type=Path, nargs="*", default=[], metavar="PATH", help="documents, or their folders")
    parser.add_argument("--key", default=BANK, help="name of the key that acts")
    parser.add_argument("--rounds", type=int, default=1, help="how often to look")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two rounds")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> dict[str, object]:
        place = Workplace()
        documents = found(chosen.rules)
        with place.platform(chosen.key) as platform:
            if chosen.step == "show":
                return shown(platform, documents)
            done: list[dict[str, Any]] = []
            waiting: dict[str, str] = {}
            for number in range(chosen.rounds):
                if number:
                    time.sleep(chosen.every)
                waiting = {}
                for document in documents:
                    done += run(platform, document, waiting)
            return {"executed": done, "waiting": waiting}

    finish(work, as_json=chosen.json)


def found(paths: Sequence[Path]) -> list[Document]:
    """The rules' documents in these files and folders, in the order of their names."""
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    return [Document.load(file) for file in files]


def run(platform: Platform, document: Document, waiting: dict[str, str]) -> list[dict[str, Any]]:
    """Executes what is due of one rule; says in ``waiting`` why a due one could not pay, or one could not be read: the
    others shall not wait for it."""
    done: list[dict[str, Any]] = []
    rule = str(document.body.get("ruleReference", ""))
    for _ in range(CATCH_UP):
        try:
            (due,) = platform.rules.due([document])
            if not due.due:
                break
            rule, key = due.id, f"rule {due.id} period {due.period}"
            act = platform.rules.execute(document, due.period, idempotency_key=key).wait()
        except PyjpmError as error:
            waiting[rule] = f"{error.code}: {error}"
            break
        done.append({"rule": due.id, "period": due.period, "transaction": act.tx_hash})
    return done


def shown(platform: Platform, documents: Sequence[Document]) -> dict[str, object]:
    """What each rule would do now."""
    rules = [
        {**platform.rules.get(document).to_dict(), "preview": platform.rules.preview(document).to_dict()}
        for document in documents
    ]
    return {"rules": rules}


if __name__ == "__main__":
    main()
