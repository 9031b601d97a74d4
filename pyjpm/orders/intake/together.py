"""What is asked for many at once, and by itself where one of them is refused: no answer hangs on another's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pyjpm.errors.base import PyjpmError
from pyjpm.sending.each import NOT_OF_ONE

T = TypeVar("T")
R = TypeVar("R")


def each_answer(
    asked: Sequence[T], *, together: Callable[[Sequence[T]], Sequence[R]], alone: Callable[[T], R]
) -> list[R | PyjpmError]:
    """For each what it is told, or the error that it meets. Raises NOT_OF_ONE."""
    if len(asked) > 1:
        try:
            return [*together(asked)]
        except NOT_OF_ONE:
            raise
        except PyjpmError:
            pass  # each meets its own reason by itself
    return [_alone(each, alone) for each in asked]


def _alone(asked: T, alone: Callable[[T], R]) -> R | PyjpmError:
    try:
        return alone(asked)
    except NOT_OF_ONE:
        raise
    except PyjpmError as error:
        return error
