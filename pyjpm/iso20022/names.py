"""Which messages are read and written here, in which versions, and the classes that describe them.

Decisions that govern this module:

* A message is named by its namespace, ``urn:iso:std:iso:20022:tech:xsd:pain.001.001.09``; nothing is guessed from
  element names. Another version may mean something else by the same element.
* What a version allows is said by pyiso20022's classes, which were made from the standard's schemas.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pyjpm.errors.iso20022 import Iso20022ExtraMissing, MessageUnknown

PREFIX: Final = "urn:iso:std:iso:20022:tech:xsd:"

READ: Final = {
    "pain.001": ("03", "04", "05", "06", "07", "08", "09", "10", "11", "12"),
    "pain.002": ("03", "10", "12", "14"),
    "pacs.004": ("09", "10", "11"),
    "pacs.008": ("08", "09", "10", "11", "12"),
    "camt.052": ("02", "04", "06", "08", "09", "10", "11", "12"),
    "camt.053": ("02", "04", "06", "08", "09", "10", "11", "12"),
    "camt.054": ("02", "04", "06", "08", "09", "10", "11", "12"),
    "camt.056": ("08", "09", "10", "11"),
}
"""Versions that are read, by message."""

WRITTEN: Final = {
    "pain.001": "09",
    "pain.002": "12",
    "pacs.004": "11",
    "pacs.008": "08",
    "camt.052": "08",
    "camt.053": "08",
    "camt.054": "08",
    "camt.056": "08",
}
"""The version that is written, by message; of a pain.002 the one that answers a pain.001.001.03 is ``03``."""


@dataclass(frozen=True, slots=True)
class MessageName:
    """A message in a version, such as ``pain.001.001.09``."""

    kind: str
    version: str

    @property
    def namespace(self) -> str:
        """Of its elements."""
        return PREFIX + str(self)

    @property
    def document(self) -> type[Any]:
        """The class of its ``Document``. Raises ``Iso20022ExtraMissing``."""
        return _document(self.kind, self.version)

    def __str__(self) -> str:
        return f"{self.kind}.001.{self.version}"

    @classmethod
    def of(cls, namespace: str | None) -> MessageName:
        """The message that a namespace names.

        Raises:
            MessageUnknown: none that is read here.
        """
        said = (namespace or "").removeprefix(PREFIX)
        family, _, version = said.rpartition(".001.")
        if not (namespace or "").startswith(PREFIX) or version not in READ.get(family, ()):
            supported = [f"{family}.001.{each}" for each in READ[family]] if family in READ else sorted(READ)
            raise MessageUnknown(
                f"{said[:60] or 'No namespace'} names no message that is read here.",
                namespace=(namespace or "")[:120],
                supported=supported,
            )
        return cls(family, version)


def written(kind: str, version: str | None = None) -> MessageName:
    """The name under which a message of this kind is written."""
    return MessageName(kind, version or WRITTEN[kind])


@cache
def _document(kind: str, version: str) -> type[Any]:
    module = f"{kind.replace('.', '_')}_001_{version}"
    try:
        found: type[Any] = importlib.import_module(f"pyiso20022.{kind[:4]}.{module}.{module}").Document
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("pyiso20022 is not installed.", module=str(error.name)) from error
    return found
