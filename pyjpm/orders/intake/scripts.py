"""Order-status scripts: a user's own functions decide what a status does with money.

A script is a Python file::

    from pyjpm import Money
    from pyjpm.orders.intake import Decision, Occasion, hold, on_status, release

    @on_status("DELIVERED")
    def delivered(occasion: Occasion) -> Decision:
        if occasion.event.extra.get("quality") == "rework":
            return hold("the inspector asked for rework")
        return release()

Decisions that govern this module:

* A function is asked once about an event, in effect: its answer is stored before anything follows from it, and it is
  never asked again about that event. A process that dies while a function runs asks it once more; so whatever a
  function does outside itself it does under :meth:`Occasion.key`, the same each time. Then the outbox does it once.
* A function that raises, or answers with anything but a decision, has decided nothing: nothing is attested, the event
  waits, and it is asked again later. No money moves because a ``return`` was forgotten.
* What comes with the package is written the same way (``release_as_agreed``), and held by the same tests.
* A script is the user's own program, run with the rights of the process: it is loaded from where the user says, and
  never from what a source sent.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.intake import ScriptFailed, ScriptInvalid
from pyjpm.money import Money
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.intake.book import BoundOrder

if TYPE_CHECKING:
    from pyjpm.order import Order
    from pyjpm.platform import Platform

ANY_STATUS: Final = "*"
_MARK: Final = "__pyjpm_on_status__"
_KEY_LENGTH: Final = 255


class Verdict(StrEnum):
    """What is to happen with a status."""

    RELEASE = "RELEASE"
    """Attest it, and release at once where the terms allow."""
    ATTEST = "ATTEST"
    """Attest it; releasing is left to somebody. Held where the terms pay parts as they are attested."""
    HOLD = "HOLD"
    """Do not attest it until somebody says so."""
    IGNORE = "IGNORE"
    """It is no business of payments."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and why: the reason is kept with it."""

    verdict: Verdict
    reason: str = ""


def release(reason: str = "") -> Decision:
    """Attest the status, and release at once where the terms allow."""
    return Decision(Verdict.RELEASE, reason)


def attest(reason: str = "") -> Decision:
    """Attest the status; somebody else releases."""
    return Decision(Verdict.ATTEST, reason)


def hold(reason: str) -> Decision:
    """Attest nothing until somebody decides otherwise."""
    return Decision(Verdict.HOLD, reason)


def ignore(reason: str) -> Decision:
    """Attest nothing."""
    return Decision(Verdict.IGNORE, reason)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a function is asked about.

    Attributes:
        event: as the source told it.
        status: what it means by the mapping; ``number`` as the terms have it.
        milestone: the index of the milestone in the order's terms.
        bound: the order with its document and terms.
        platform: acts for the intake's own wallet. Every call of it takes a key: give it one of :meth:`key`.
    """

    event: StatusEvent
    status: str
    number: int
    milestone: int
    bound: BoundOrder
    platform: Platform

    def key(self, name: str) -> str:
        """An idempotency key for something that the function does about this event: the same whenever it is asked.

        Another revision of the same order is another event. What is to happen once for an order needs a key of its own,
        made of ``bound.chain_order``.
        """
        return event_key(self.event, "script", name)

    def order(self) -> Order:
        """The order as the chain has it now."""
        return self.platform.escrow.get(self.bound.document)

    @property
    def amount(self) -> Money:
        """Of the milestone, by the terms."""
        terms = self.bound.terms
        return self.platform.session.money(terms.milestones[self.milestone].amount, terms.token)

    @property
    def accepted(self) -> Money:
        """Accepted so far, cumulative: the whole milestone where the source names no amount."""
        told = self.event.accepted
        return self.amount if told is None else Money.from_minor(told, self.amount.currency)


Trigger = Callable[[Occasion], Decision]
F = TypeVar("F", bound=Trigger)


def on_status(*statuses: str) -> Callable[[F], F]:
    """Marks a function as the one that decides about these statuses of the mapping; ``*`` is every other one.

    The function stays what it was: a test may call it with an :class:`Occasion`.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, statuses)
        return function

    return mark


@on_status(ANY_STATUS)
def release_as_agreed(occasion: Occasion) -> Decision:
    """What happens where no script says otherwise: the status is attested, and released as the terms allow."""
    return release()


@on_status(ANY_STATUS)
def hold_for_approval(occasion: Occasion) -> Decision:
    """Everything waits for somebody's word."""
    return hold("every status waits for an operator")


class Triggers:
    """Which function decides about which status; :func:`release_as_agreed` about those that none names.

    Args:
        functions: each marked by :func:`on_status`.
        known: the statuses of the mapping, None for any.

    Raises:
        ScriptInvalid: a function that is not marked, a status that the mapping has not, two functions for one.
    """

    def __init__(self, *functions: Trigger, known: Mapping[str, int] | None = None, path: str = "") -> None:
        self._by_status: dict[str, Trigger] = {}
        for function in functions:
            for status in getattr(function, _MARK, ()) or [None]:
                problem = self._problem(function, status, known)
                if problem:
                    raise ScriptInvalid(f"{problem}.", path=path, problem=problem)
                self._by_status[status] = function

    def decide(self, occasion: Occasion) -> tuple[Decision, str]:
        """What the function for a status says, and its name.

        Raises:
            ScriptFailed: it raised, or answered with no decision.
        """
        function = self._function(occasion.status)
        name = _name(function)
        try:
            said = function(occasion)
        except (Exception, SystemExit) as error:
            # Of an error of ours its code and message; of any other its class only: its text is nobody's business.
            cause = f"{error.code}: {error.message}" if isinstance(error, PyjpmError) else type(error).__name__
            raise ScriptFailed(f"{name} raised {cause}.", script=name, cause=cause) from error
        if not isinstance(said, Decision) or not isinstance(said.verdict, Verdict):
            raise ScriptFailed(
                f"{name} answered with {type(said).__name__}, which is no decision.", script=name, cause="no decision"
            )
        return said, name

    def does_nothing_else(self, status: str) -> bool:
        """Whether what decides about a status comes with the package: it has no effect but its answer."""
        return self._function(status) in BUILT_IN.values()

    def _function(self, status: str) -> Trigger:
        return self._by_status.get(status) or self._by_status.get(ANY_STATUS) or release_as_agreed

    def _problem(self, function: Trigger, status: str | None, known: Mapping[str, int] | None) -> str:
        if status is None:
            return f"{_name(function)} names no status: mark it with @on_status"
        if known is not None and status != ANY_STATUS and status not in known:
            return f"{_name(function)} decides about {status!r}, which the mapping has not"
        if status in self._by_status:
            return f"{_name(function)} and {_name(self._by_status[status])} both decide about {status!r}"
        return ""


def load_script(path: Path) -> tuple[Trigger, ...]:
    """The marked functions of a Python file, in the order in which they stand there.

    Raises:
        ScriptInvalid: it cannot be read or run, or marks no function.
    """
    module = _imported(path)
    found = [each for each in vars(module).values() if callable(each) and hasattr(each, _MARK)]
    own = tuple(dict.fromkeys(each for each in found if getattr(each, "__module__", "") == module.__name__))
    if not own:
        problem = "it marks no function with @on_status"
        raise ScriptInvalid(f"{path}: {problem}.", path=str(path), problem=problem)
    return own


def event_key(event: StatusEvent, *names: str) -> str:
    """An idempotency key that follows from an event and nothing else."""
    parts = [event.source, event.order, event.milestone, str(event.seq), *names]
    # Quoted, so that no two events have one key whatever characters their names have.
    plain = "intake/" + "/".join(quote(part, safe="") for part in parts)
    return plain if len(plain) <= _KEY_LENGTH else "intake/" + hashlib.sha256(plain.encode()).hexdigest()


def _imported(path: Path) -> ModuleType:
    name = "pyjpm_script_" + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        problem = "there is no such Python file"
        raise ScriptInvalid(f"{path}: {problem}.", path=str(path), problem=problem)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses of a script look their module up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        problem = f"{type(error).__name__}: {error}"
        raise ScriptInvalid(f"{path}: {problem}.", path=str(path), problem=problem) from error
    return module


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))[:100]


NO_TRIGGERS: Final = Triggers()
BUILT_IN: Final[Mapping[str, Trigger]] = MappingProxyType(
    {"release-as-agreed": release_as_agreed, "hold-for-approval": hold_for_approval}
)
