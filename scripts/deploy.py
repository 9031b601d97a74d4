"""Deploy a platform: contracts, roles, notaries; write its deployment record.

    PYJPM_RPC=http://127.0.0.1:8545 python scripts/deploy.py
    brownie run deploy --network NETWORK

Run again it goes on where it stopped, and where a record stands it connects and checks it. Nothing is minted before the
auditors have attested the reserve; on a development chain a key made here does. See pyjpm/workplace.py for
the environment variables.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyjpm.assignments import Assignments
from pyjpm.cli.script import finish
from pyjpm.money import MAX_MINOR, Money
from pyjpm.platform import Platform
from pyjpm.workplace import AUDITOR, BANK, LONGEST, Workplace, arguments, attest_reserve


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--currencies", nargs="+", default=["USD", "EUR"], metavar="CODE", help="ISO 4217 codes")
    parser.add_argument("--governance-delay", type=int, default=0, metavar="SECONDS", help="of loosening acts")
    parser.add_argument("--auditors", nargs="+", default=[], metavar="ADDRESS", help="who attests the reserve")
    parser.add_argument("--auditor-threshold", type=int, default=1, metavar="M", help="how many of them must sign")
    parser.add_argument("--hand-over", type=Path, metavar="FILE", help="give every role away (scripts/hand_over.py)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> dict[str, object]:
        assignments = Assignments.load(chosen.hand_over) if chosen.hand_over else None
        place = Workplace()
        if place.record.exists():
            with place.platform() as platform:
                attest_on_development(place, platform)
                hand_over(platform, assignments)
                return described(place, platform, "found")
        own = place.signer(AUDITOR) if place.development and not chosen.auditors else None
        options = {"audit_cycle": LONGEST} if own else {}
        with Platform.deploy(
            place.connection,
            place.signer(BANK),
            record=place.record,
            journal=place.home / f"{BANK}.journal",
            currencies=chosen.currencies,
            governance_delay=chosen.governance_delay,
            auditors=[own.address] if own else chosen.auditors,
            auditor_threshold=chosen.auditor_threshold,
            progress=lambda step: print(step, file=sys.stderr),
            **options,
        ) as platform:
            attest_on_development(place, platform)
            hand_over(platform, assignments)
            return described(place, platform, "deployed")

    finish(work, as_json=chosen.json)


def hand_over(platform: Platform, assignments: Assignments | None) -> None:
    """From here on the deployer's key is good for nothing."""
    if assignments is not None:
        platform.governance.hand_over(assignments, progress=lambda step: print(step, file=sys.stderr))


def attest_on_development(place: Workplace, platform: Platform) -> None:
    """There the auditor's key is made here, and attests what is not attested yet."""
    if not place.development or not platform.reserve.is_auditor(place.signer(AUDITOR).address):
        return
    stale = [each for each in platform.record.tokens if not platform.reserve.backing(each).fresh]
    attest_reserve(platform, place.signer(AUDITOR), *(Money.from_minor(MAX_MINOR, each) for each in stale))


def described(place: Workplace, platform: Platform, how: str) -> dict[str, object]:
    record = platform.record
    addresses = {name: deployed.address for name, deployed in {**record.contracts, **record.tokens}.items()}
    return {
        "platform": how,
        "chain id": record.chain_id,
        "block": record.block,
        "record": str(place.record),
        "bank": platform.session.wallet,
        **addresses,
    }


if __name__ == "__main__":
    main()
