"""Replace the code behind the registry, the reserve or a currency's token by that of this release.

    python scripts/upgrade.py check USD        does this release's code find what the deployed code has stored?
    python scripts/upgrade.py deploy USD       puts the new code on the chain; nothing changes yet
    python scripts/upgrade.py announce USD     by the upgrader; from here on a guardian can cancel it
    python scripts/upgrade.py execute USD      by the upgrader, once the delay has passed; writes the new record

In the transaction of the last step the old code tests the new one: where the answers differ the upgrade never happened.
See pyjpm/workplace.py for the environment; --key names the key that acts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from pyjpm.cli.script import finish
from pyjpm.platform import Platform
from pyjpm.upgrades import Implementation
from pyjpm.workplace import BANK, Workplace, arguments

Step = Callable[[Workplace, Platform, str], Mapping[str, object]]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="upgrade", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("contract", help="ParticipantRegistry, Reserve or a currency")
    parser.add_argument("--key", default=BANK, help="name of the key that acts")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())

    def work() -> Mapping[str, object]:
        place = Workplace()
        with place.platform(chosen.key) as platform:
            return STEPS[chosen.step](place, platform, chosen.contract)

    finish(work, as_json=chosen.json)


def check(place: Workplace, platform: Platform, contract: str) -> Mapping[str, object]:
    platform.upgrades.check(contract)
    return {"contract": contract, "version": platform.session.call(contract, "version"), "layout": "continued"}


def deploy(place: Workplace, platform: Platform, contract: str) -> Mapping[str, object]:
    new = platform.upgrades.deploy(contract, idempotency_key=f"deploy {contract} of {platform.record.pyjpm}")
    kept(place, contract).write_text(json.dumps(asdict(new), indent=1) + "\n", encoding="utf-8")
    return asdict(new)


def announce(place: Workplace, platform: Platform, contract: str) -> Mapping[str, object]:
    new = deployed(place, contract)
    platform.upgrades.schedule(new, idempotency_key=f"announce {contract} at {new.address}").wait()
    caller = platform.session.wallet
    due = platform.governance.due(caller, contract, "upgradeToAndCall", new.address, b"")
    return {"contract": contract, "implementation": new.address, "version": new.version, "due": due}


def execute(place: Workplace, platform: Platform, contract: str) -> Mapping[str, object]:
    new = deployed(place, contract)
    platform.upgrades.execute(new, idempotency_key=f"execute {contract} at {new.address}").wait()
    path = place.home / f"deployment-{contract}-{new.version}.json"
    platform.upgrades.record(new).save(path)
    return {"contract": contract, "version": platform.session.call(contract, "version"), "record": str(path)}


def kept(place: Workplace, contract: str) -> Path:
    return place.home / f"upgrade-{contract}.json"


def deployed(place: Workplace, contract: str) -> Implementation:
    return Implementation(**json.loads(kept(place, contract).read_text(encoding="utf-8")))


STEPS: Mapping[str, Step] = {"check": check, "deploy": deploy, "announce": announce, "execute": execute}


if __name__ == "__main__":
    main()
