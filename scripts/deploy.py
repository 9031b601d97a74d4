"""Deploy a platform: contracts, roles, notaries; write its deployment record.

    PYJPM_RPC=http://127.0.0.1:8545 python scripts/deploy.py
    brownie run deploy --network NETWORK

Run again it goes on where it stopped, and where a record stands it connects and checks it. See pyjpm/workplace.py for
the environment variables.
"""

from __future__ import annotations

import argparse
import sys

from pyjpm.cli.script import finish
from pyjpm.platform import Platform
from pyjpm.workplace import BANK, Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--currencies", nargs="+", default=["USD", "EUR"], metavar="CODE", help="ISO 4217 codes")
    parser.add_argument("--governance-delay", type=int, default=0, metavar="SECONDS", help="of loosening acts")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> dict[str, object]:
        place = Workplace()
        if place.record.exists():
            with place.platform() as platform:
                return described(place, platform, "found")
        with Platform.deploy(
            place.connection,
            place.signer(BANK),
            record=place.record,
            journal=place.home / f"{BANK}.journal",
            currencies=chosen.currencies,
            governance_delay=chosen.governance_delay,
            progress=lambda step: print(step, file=sys.stderr),
        ) as platform:
            return described(place, platform, "deployed")

    finish(work, as_json=chosen.json)


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
