"""What is asked of the other side of an effect: to be told something by a reference, and to be asked about it.

Decisions that govern this module:

* An answer is about the reference, never about one call. "Absent" is a promise: the other side has not got it, and
  nothing on its way may still arrive unnoticed. Who cannot promise that answers Unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """The other side has it. ``matches`` is False where it has another content under this reference."""

    detail: str = ""
    matches: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side knows the reference and will never carry it out."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """The other side has nothing under this reference."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told now."""

    detail: str = ""


Answer = Found | Refused | Absent | Unknown


class Outside(Protocol):
    """The other side: a bank's payment system, a SWIFT gateway, an ERP. Whatever either method raises means Unknown."""

    def find(self, reference: str) -> Answer:
        """What it has under this reference. Changes nothing."""

    def send(self, reference: str, content: Any) -> Answer | None:
        """Tell it. None where its answer says nothing; it is asked then."""
