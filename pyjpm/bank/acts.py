"""One act on the chain within a longer affair: asked for once under its key, and asked about until it has an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pyjpm.acts import Act
from pyjpm.errors.base import PyjpmError
from pyjpm.iso20022.refusals import REFUSALS
from pyjpm.status import Status, status_of

if TYPE_CHECKING:
    from pyjpm.platform import Platform


class End(Enum):
    """How an act ended, so far."""

    OPEN = "open"
    FINAL = "final"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far an act is. ``submission`` None where nothing of ours is on its way."""

    end: End
    submission: str | None
    code: str = ""
    message: str = ""


def ask(platform: Platform, key: str, act: Callable[[str], Act]) -> Outcome:
    """Ask for an act under an idempotency key.

    What refuses it for good is an outcome. A fault of the way there is raised, unless the act was accepted before it.
    """
    session = platform.session
    try:
        made = act(key)
    except PyjpmError as error:
        # A key here names one step of one affair: what was accepted under it is that step, also where the wallets that
        # a participant has were others then.
        earlier = session.journal.find(session.wallet, key)
        if earlier is not None:
            return Outcome(End.OPEN, earlier.id)
        if isinstance(error, REFUSALS):
            return Outcome(End.REFUSED, None, error.code, error.message)
        raise
    # What was adopted from the chain is not in this journal.
    known = session.journal.find(session.wallet, key)
    return Outcome(End.FINAL if made.status is Status.FINAL else End.OPEN, None if known is None else known.id)


def look(platform: Platform, submission: str) -> Outcome:
    """How far an act is now; one look at the chain."""
    session = platform.session
    session.serve()
    found = session.sender.refresh(submission)
    match status_of(found):
        case Status.FINAL:
            return Outcome(End.FINAL, submission)
        case Status.ACCEPTED | Status.QUARANTINED:
            return Outcome(End.OPEN, submission)
        case ended:
            error = found.error or {}
            code, message = str(error.get("code", ended.value)), str(error.get("message", "It did not happen."))
            return Outcome(End.REFUSED, submission, code, message)
