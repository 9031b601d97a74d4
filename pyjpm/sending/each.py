"""Many operations of one wallet that are taken in together, though each is to be answered as if it had come alone.

Decisions that govern this module:

* Only what is plain goes together: never asked for before, not there on the chain, not refused, not doubted. Whoever is
  not says so of itself, and the others go without it: none is held up, and none is told another's answer.
* What is not plain is asked for by itself, in the way of one that comes alone: nothing here decides about it.
* A refusal that was found in company is the one that would have been found alone: each is simulated by itself. Only
  too little money for all of them says nothing of any one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import (
    HeadNotServed,
    HostNotAllowed,
    NodeBadAnswer,
    NodeUnauthorized,
    TransportFault,
    WrongChain,
)
from pyjpm.errors.outbox import InFlightExceedsFunds
from pyjpm.errors.seeing import ViewBehind
from pyjpm.errors.sending import Fenced, JournalFailed
from pyjpm.sending.operation import Operation, Submission
from pyjpm.sending.requests import Batch

Answer = Submission | PyjpmError

NOT_OF_ONE = (
    Fenced,
    JournalFailed,
    TransportFault,
    HeadNotServed,
    HostNotAllowed,
    NodeBadAnswer,
    NodeUnauthorized,
    ViewBehind,
    WrongChain,
)
"""Errors that say nothing of any one operation: a node, the database or the lease has failed all of them."""


class NotPlain(Exception):
    """Not all of what was asked for together is to be sent; nothing of it is stored.

    Attributes:
        keys: of those that the others have to go without, at least one.
        refused: why, of those among them whose answer this is already.
    """

    def __init__(self, keys: Collection[str], refused: Mapping[str, PyjpmError]) -> None:
        super().__init__()
        assert keys, "all of it is plain"
        self.keys = frozenset(keys)
        self.refused = refused


def require_new(known: Iterable[Mapping[str, Submission]]) -> None:
    """Raises NotPlain unless nothing of it was asked for before."""
    keys = {key for found in known for key in found}
    if keys:
        raise NotPlain(keys, {})


def require_plain(batches: Iterable[Batch]) -> None:
    """Raises NotPlain unless all of it, as it was admitted, is to be sent."""
    others = [each for batch in batches for each in batch.requests if not each.is_plain]
    if others:
        refused = {each.operation.key: each.refused for each in others if each.refused is not None}
        alone = {key: error for key, error in refused.items() if not isinstance(error, InFlightExceedsFunds)}
        raise NotPlain([each.operation.key for each in others], alone)


def each_answered(
    operations: Sequence[Operation],
    *,
    together: Callable[[Sequence[Operation]], Sequence[Answer]],
    alone: Callable[[Operation], Submission],
) -> list[Answer]:
    """What ``alone`` would return or raise for each, asked for together as far as that can be.

    Args:
        together: takes in all or nothing; raises NotPlain where some of them keep the others.
        alone: takes in one; nothing of it is stored yet, or all of it may be asked for again.

    Raises NOT_OF_ONE; some of them may be stored then.
    """
    answers: dict[int, Answer] = {}
    rest, apart = list(range(len(operations))), []
    while len(rest) > 1:
        try:
            told = together([operations[place] for place in rest])
        except NotPlain as found:
            apart += [place for place in rest if operations[place].key in found.keys]
            answers.update(
                (place, found.refused[operations[place].key])
                for place in apart
                if operations[place].key in found.refused
            )
            rest = [place for place in rest if operations[place].key not in found.keys]
        except NOT_OF_ONE:
            raise
        except PyjpmError:
            break  # each meets its own reason by itself
        else:
            answers.update(zip(rest, told, strict=True))
            rest = []
    for place in sorted({*apart, *rest} - answers.keys()):
        try:
            answers[place] = alone(operations[place])
        except NOT_OF_ONE:
            raise
        except PyjpmError as error:
            answers[place] = error
    return [answers[place] for place in range(len(operations))]
