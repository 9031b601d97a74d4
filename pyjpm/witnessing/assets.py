"""What can be delivered: titles are named for ever, units are not named at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, named, unknown
from pyjpm.witnessing.questions import Plan, View
from pyjpm.witnessing.settings import SAME
from pyjpm.witnessing.subject import Subject
from pyjpm.witnessing.telling import Told, agrees_on, by_event, own, tells

TITLES: Final = "TitleDocument"
UNITS: Final = "UnitToken"

_ISSUED: Final = Told(
    "TitleIssued",
    "id",
    2,
    content=lambda subject: {"to": subject["to"], "documentHash": subject["documentHash"]},
)
_RETIRED: Final = Told("TitleRetired", "id", 2)
_NAMELESS: Final = "as many units again: nothing on chain names it, so whoever lost its journal looks before repeating"


def read_approval(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the allowance is as asked for. Calls of both kinds look alike: what answers, says which it is."""
    spender, value = subject.arguments.values()
    allowed, approved = yield [
        View(subject.address, UNITS, "allowance", (subject.caller, spender)),
        View(subject.address, TITLES, "getApproved", (value,)),
    ]
    if allowed is None and approved is None:
        return unknown("it is neither units nor titles")
    return applied() if (allowed == value if allowed is not None else approved == spender) else absent()


def _never_issued(seen: list[Any]) -> bool:
    return bool(seen[0] == bytes(32))


def _never_retired(seen: list[Any]) -> bool:
    """Never issued, or somebody has it: nobody has what was retired, and asking for its owner is refused."""
    return seen[0] == bytes(32) or seen[1] is not None


def _title(face: str, told: Told, again: str, never: Callable[[list[Any]], bool]) -> Described:
    def views(subject: Subject) -> list[View]:
        return [*own("documentHash", "id")(subject), *own("ownerOf", "id")(subject)]

    return Described(
        TITLES,
        face,
        Known.LOCK,
        "title",
        again,
        by_event(told, views, never),
        tells(told),
        lambda subject: [named(subject.function, subject.address, subject["id"])],
    )


DESCRIBED: Final = (
    _title("issue(to,id,documentHash)", _ISSUED, "AlreadyIssued", _never_issued),
    _title("retire(id)", _RETIRED, "ERC721NonexistentToken", _never_retired),
    Described(
        UNITS,
        "issue(to,amount)",
        Known.NOTHING,
        "none",
        _NAMELESS,
        effect=tells(Told("UnitsIssued", "to", content=agrees_on("amount"))),
    ),
    Described(
        UNITS,
        "retire(from,amount)",
        Known.NOTHING,
        "none",
        _NAMELESS,
        effect=tells(Told("UnitsRetired", "from", content=agrees_on("amount"))),
    ),
    *(
        Described(
            artifact,
            face,
            Known.STATE,
            "owner, who may, and how much or which",
            f"{SAME}; given by the SDK to the settlement contract alone, which moves only what its owner affirmed",
            read_approval,
        )
        for artifact, face in ((UNITS, "approve(spender,value)"), (TITLES, "approve(spender,id)"))
    ),
)
