"""The public face, name by name: a change of it is meant, or it is a mistake.

Renew the snapshot with ``PYJPM_UPDATE_API=1 pytest tests/unit/test_public_api.py`` and say in the commit why.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import pyjpm
from pyjpm.assets import Assets
from pyjpm.attestations import Attestations
from pyjpm.deposits import Deposits
from pyjpm.escrow import Escrow
from pyjpm.governance import Governance
from pyjpm.participants import Participants
from pyjpm.payments import Payments
from pyjpm.reserve import Reserve
from pyjpm.restrictions import Restrictions
from pyjpm.rules import Rules
from pyjpm.settlement import Settlement
from pyjpm.sponsors import Sponsors
from pyjpm.upgrades import Upgrades

SNAPSHOT = Path(__file__).with_name("public_api.txt")
NOUNS = (
    Assets,
    Attestations,
    Deposits,
    Escrow,
    Governance,
    Participants,
    Payments,
    Reserve,
    Restrictions,
    Rules,
    Settlement,
    Sponsors,
    Upgrades,
)


def described(owner: type) -> Iterator[str]:
    if dataclasses.is_dataclass(owner):
        for part in dataclasses.fields(owner):
            yield f"{owner.__name__}.{part.name}: {part.type}"
    for name, member in sorted(vars(owner).items()):
        if name.startswith("_"):
            continue
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if inspect.isfunction(function):
            yield f"{owner.__name__}.{name}{inspect.signature(function)}"
        elif isinstance(member, property):
            yield f"{owner.__name__}.{name} (property)"


def face() -> str:
    lines = []
    for name in sorted(pyjpm.__all__):
        value = getattr(pyjpm, name)
        if inspect.isclass(value):
            lines += [f"class {name}({', '.join(base.__name__ for base in value.__bases__)})", *described(value)]
        elif inspect.isfunction(value):
            lines.append(f"{name}{inspect.signature(value)}")
        else:
            lines.append(name)
    for noun in NOUNS:
        lines += [f"noun {noun.__name__}", *described(noun)]
    return "\n".join(lines) + "\n"


def test_the_public_api_is_as_recorded() -> None:
    if os.environ.get("PYJPM_UPDATE_API"):
        SNAPSHOT.write_text(face(), encoding="utf-8")
    assert face() == SNAPSHOT.read_text(encoding="utf-8")


def test_everything_public_is_documented() -> None:
    for name in pyjpm.__all__:
        value = getattr(pyjpm, name)
        if not inspect.isclass(value):
            continue
        assert value.__doc__, name
    for noun in NOUNS:
        for name, member in vars(noun).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                assert member.__doc__, f"{noun.__name__}.{name}"


def test_importing_the_package_is_cheap() -> None:
    import subprocess
    import sys

    code = "import sys, pyjpm; print(sorted(m for m in sys.modules if m in ('web3', 'solcx', 'sqlalchemy', 'eth_abi')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
