"""The register of mistakes: what each is, what it needs to show, and how it is planted.

Decisions that govern this module:

* A mutant replaces a piece of the engine in this process while it is applied; the pieces are named as they stand in
  ``pyjpm.sending``, so a change there that takes a piece away breaks the mutant, not its meaning.
* A mutant names what must go wrong around it for its mistake to show, and its histories have these disasters beside
  those that are drawn. It is caught by the first history in which the judge finds anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from campaign.disasters import Disaster

Replace = Callable[[Any, str, Any], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. ``why`` says what it is, ``needs`` what must happen for it to show."""

    name: str
    why: str
    needs: tuple[Disaster, ...]
    apply: Callable[[Replace], None]


MUTANTS: dict[str, Mutant] = {}


def mutant(*needs: Disaster) -> Callable[[Callable[[Replace], None]], Callable[[Replace], None]]:
    """Enters a mistake under its function's name."""

    def enter(apply: Callable[[Replace], None]) -> Callable[[Replace], None]:
        name = apply.__name__
        MUTANTS[name] = Mutant(name, (apply.__doc__ or "").strip(), needs, apply)
        return apply

    return enter


class PieceMissing(Exception):
    """The engine has no such piece any more: the mistake must be planted elsewhere."""


@contextmanager
def applied(name: str, *, planted: bool = True) -> Iterator[tuple[Disaster, ...]]:
    """The engine with this mistake while inside; what the mistake needs to show.

    Args:
        planted: False leaves the engine as it is: the same history must then end well.
    """
    with ExitStack() as patches:
        if planted:
            try:
                MUTANTS[name].apply(
                    lambda owner, piece, new: patches.enter_context(patch.object(owner, piece, new)) and None
                )
            except AttributeError as missing:
                raise PieceMissing(f"{name}: {missing}") from missing
        yield MUTANTS[name].needs
