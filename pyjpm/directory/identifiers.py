"""The identifiers that payees are known by outside, checked before anything is mapped or asked.

Decisions that govern this module:

* One written form each, so that what is mapped is found: upper case, no spaces, a BIC always of 11 characters (a head
  office ends in XXX). A branch's BIC is not its head office's: that would be a guess.
* Check digits are verified. A BIC has none: its form and its country are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from pyjpm.errors.directory import DirectorySupportMissing, InvalidIdentifier
from pyjpm.identifiers import NotValid, bic, iban, lei

_MOST: Final = 35  # ISO 20022 Max35Text
_SEPARATORS: Final = str.maketrans("", "", " -\u00a0")
_READERS: Final[Mapping[str, Callable[[str], str]]] = {"IBAN": iban, "BIC": bic, "LEI": lei}


class Scheme(StrEnum):
    """What kind of identifier it is; CUSTOMER is the bank's own customer number."""

    IBAN = "IBAN"
    BIC = "BIC"
    LEI = "LEI"
    CUSTOMER = "CUSTOMER"


def scheme_of(name: str) -> Scheme:
    """A scheme by its name in any case; raises InvalidIdentifier."""
    try:
        return Scheme(name.upper())
    except ValueError:
        known = ", ".join(Scheme)
        raise InvalidIdentifier(f"There is no scheme {name!r}, only {known}.", scheme=name, why="scheme") from None


def normal(scheme: Scheme | str, identifier: str) -> str:
    """The one written form of an identifier.

    Raises:
        InvalidIdentifier: it is none of its scheme.
        DirectorySupportMissing: the extra is not installed.
    """
    kind = scheme_of(scheme)
    if kind is Scheme.CUSTOMER:
        return _customer(identifier)
    try:
        found = _READERS[kind](identifier.translate(_SEPARATORS).upper())
    except ModuleNotFoundError as error:
        raise DirectorySupportMissing(
            "The libraries that check identifiers are not installed.", extra="directory"
        ) from error
    except NotValid as error:
        raise _wrong(kind, identifier, str(error)) from None
    return found + "XXX" if kind is Scheme.BIC and len(found) == 8 else found


def _customer(identifier: str) -> str:
    found = identifier.strip()
    if not 0 < len(found) <= _MOST or not found.isprintable():
        raise _wrong(Scheme.CUSTOMER, identifier, f"it has 1 to {_MOST} printable characters")
    return found


def _wrong(scheme: Scheme, identifier: str, why: str) -> InvalidIdentifier:
    why = why.rstrip(".")
    return InvalidIdentifier(
        f"{identifier!r} is no {scheme}: {why}.", scheme=scheme.value, identifier=identifier, why=why
    )
