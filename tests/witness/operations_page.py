"""``docs/operations.md`` out of the table."""

from __future__ import annotations

from typing import Final

from pyjpm.witnessing.described import Described, Known
from pyjpm.witnessing.table import ALL

_HEAD: Final = """# Operations

Every function of the contracts that changes state, how an operation of it is named on chain, and what a second
execution does. Generated from `pyjpm/witnessing`; a test walks every ABI and fails where a function is missing.

What keeps the name:

* **lock**: the contract, for ever. It refuses a second time, and a witness reads from it what became of the first.
* **event**: only the events. The contract would do it again, so the log is read before anything is sent.
* **state**: nothing needs to. The same call again leaves the same state, or is refused.
* **nothing**: the row says why a repetition does no harm, or why nobody sends it.

An operation kept by lock or event that is found on the chain is taken for done before anything is sent. One kept by
state is sent again: that the state is as wanted proves nothing while others of its kind are on their way.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(artifact) for artifact in dict.fromkeys(each.artifact for each in ALL))


def _section(artifact: str) -> str:
    rows = sorted((each for each in ALL if each.artifact == artifact), key=lambda each: each.face)
    head = f"\n## {artifact}\n\n| function | kept by | operation id | a second execution |\n| --- | --- | --- | --- |\n"
    return head + "".join(_row(each) for each in rows)


def _row(each: Described) -> str:
    face = f"{each.function}({', '.join(each.parameters)})"
    nameless = each.known is Known.NOTHING
    return f"| `{face}` | {each.known.value} | {'-' if nameless else each.name} | {each.again} |\n"
