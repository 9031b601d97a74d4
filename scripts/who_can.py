"""Who can do what on a platform: roles, holders, delays, guardians and functions, read from the chain.

    PYJPM_RPC=http://127.0.0.1:8545 python scripts/who_can.py [--json]

Ends with 1 where something is as it should not be: the deployer still has a role, a loosening act needs no
announcement, a function was left to the administrators, an issuer has no ceiling. See pyjpm/workplace.py for the
environment.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta

from pyjpm.access import Access, Holder, RoleAccess
from pyjpm.cli import one_line
from pyjpm.errors.base import PyjpmError
from pyjpm.platform import Platform
from pyjpm.workplace import Workplace, arguments


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="who_can", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments())
    try:
        place = Workplace()
        with Platform.connect(place.connection, place.record) as platform:
            access = platform.governance.who_can()
    except PyjpmError as error:
        print(one_line(error), file=sys.stderr)
        raise SystemExit(1) from None
    if chosen.json:
        print(json.dumps(access.to_dict(), indent=1, sort_keys=True))
    else:
        show(access)
    raise SystemExit(1 if access.anomalies else 0)


def show(access: Access) -> None:
    print(f"at block {access.block}; deployed by {access.deployer}")
    for role in access.roles:
        print(f"\n{role.name} ({role.id}): {role.purpose}")
        print(f"  granted by {role.admin}{granted(role)}; guardian: {guardian(role)}")
        for holder in role.holders:
            print(f"  {holder.account}  {acts(holder)}")
        if not role.holders:
            print("  nobody")
    contract = ""
    for function in sorted(access.functions, key=lambda each: (each.contract, each.role, each.signature)):
        if function.contract != contract:
            contract = function.contract
            print(f"\n{contract}{reopened(access, contract)}")
        print(f"  {function.role:11} {function.signature}")
    print()
    for anomaly in access.anomalies:
        print(f"! {anomaly.code}: {anomaly.message}")
    print(f"{len(access.anomalies)} things are as they should not be" if access.anomalies else "nothing is amiss")


def granted(role: RoleAccess) -> str:
    now = f", in force after {duration(role.grant_delay)}"
    if role.grant_delay_next == role.grant_delay:
        return now
    return f"{now} ({duration(role.grant_delay_next)} from {role.grant_delay_from} on)"


def reopened(access: Access, name: str) -> str:
    found = next((each for each in access.contracts if each.name == name), None)
    if found is None:
        return ""
    later = f" ({duration(found.admin_delay_next)} from {found.admin_delay_from} on)"
    waits = f", opened to others after {duration(found.admin_delay)} at least"
    return waits + (later if found.admin_delay_next != found.admin_delay else "")


def guardian(role: RoleAccess) -> str:
    return "none" if role.guardian == "ADMIN" else role.guardian


def acts(holder: Holder) -> str:
    when = f"announces its acts {duration(holder.delay)} before" if holder.delay else "acts at once"
    return when if holder.active else f"{when}, from {holder.since} on"


def duration(seconds: int) -> str:
    return str(timedelta(seconds=seconds)) if seconds else "no time"


if __name__ == "__main__":
    main()
