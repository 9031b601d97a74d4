"""``make faults``: kills, histories and mutants, and ``build/faults.json`` (``faults-long.json`` of the long one, which
can be stopped and goes on, whatever short ones run meanwhile); or one history in words (``--seed``).

Fails on a payment made twice or lost, on one without an end or with a wrong "no", on a quarantine without a thief, on a
failpoint that was not killed at, and on a mutant that was not caught.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

SHORT, LONG = 2_000, 100_000


def main() -> int:
    """The command."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets is part of a history.
        os.execve(
            sys.executable, [sys.executable, "-m", "campaign", *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    options = _options()
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
    return _replay(options) if options.seed is not None else _campaign(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__.split("\\n")[0])
    parser.add_argument("--seed", type=int, help="replay one history in words, and nothing else")
    parser.add_argument("--mutant", nargs="+", help="with --seed: the engine's mistake; else: these mistakes only")
    parser.add_argument("--not-planted", action="store_true", help="with --mutant: its disasters, but no mistake")
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} histories instead of {SHORT:,}")
    parser.add_argument("--histories", type=int, help="how many histories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--only", choices=("kills", "histories", "mutants"), help="this part alone; nothing is written")
    return parser.parse_args()


def _replay(options: argparse.Namespace) -> int:
    from campaign.histories import run

    logging.basicConfig(format="          %(message)s", level=logging.INFO, stream=sys.stdout)
    result = run(options.seed, print, mutant=options.mutant and options.mutant[0], planted=not options.not_planted)
    for kind, found in result["findings"].items():
        for each in found:
            print(f"{kind}: {each}")
    if not result["findings"]:
        print(f"all is well: {result['final']} of {result['payments']} payments are final")
    return int(bool(result["findings"]))


def _campaign(options: argparse.Namespace) -> int:
    from campaign.mutants import MUTANTS
    from campaign.report import Campaign, say, write

    logging.disable(logging.CRITICAL)
    count = options.histories or (LONG if options.long else SHORT)
    name = "faults-long" if options.long else "faults"
    keeps = name if options.only is None else None
    campaign = Campaign(jobs=options.jobs, first=options.first, count=count, keeps=keeps, say=say)
    if options.only in (None, "kills"):
        campaign.kills()
    if options.only in (None, "histories"):
        campaign.histories()
    if options.only in (None, "mutants"):
        campaign.mutants(options.mutant or MUTANTS)
    report = campaign.report()
    if options.only is None:
        say(f"written: {write(report, name)}")
    print({name: value for name, value in report.items() if name != "details"})
    why = campaign.failed()
    for reason in why:
        say(f"FAILED: {reason}")
    return int(bool(why))


if __name__ == "__main__":
    sys.exit(main())
