"""The identifiers that payees are known by outside, checked before anything is mapped or asked.

Decisions that govern this module:

* One written form each, so that what is mapped is found: upper case, no spaces, a BIC always of 11 characters (a head
  office ends in XXX). A branch's BIC is not its head office's: that would be a guess.
* Check digits are verified (IBAN by ISO 13616, LEI by ISO 17442). A BIC has none: its form and its country are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from pyjpm.errors.directory import DirectorySupportMissing, InvalidIdentifier

_MOST: Final = 35  # ISO 20022 Max35Text
_SEPARATORS: Final = str.maketrans("", "", " -\u00a0")


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
    return _READERS[kind](identifier)


def _iban(identifier: str) -> str:
    try:
        from schwifty import IBAN
        from schwifty.exceptions import SchwiftyException
    except ModuleNotFoundError as error:
        raise _missing() from error
    try:
        return str(IBAN(identifier.translate(_SEPARATORS).upper()).compact)
    except SchwiftyException as error:
        raise _wrong(Scheme.IBAN, identifier, str(error)) from None


def _bic(identifier: str) -> str:
    try:
        from schwifty import BIC
        from schwifty.exceptions import SchwiftyException
    except ModuleNotFoundError as error:
        raise _missing() from error
    try:
        found = str(BIC(identifier.translate(_SEPARATORS).upper()).compact)
    except SchwiftyException as error:
        raise _wrong(Scheme.BIC, identifier, str(error)) from None
    return found if len(found) == 11 else found + "XXX"


def _lei(identifier: str) -> str:
    try:
        from stdnum import lei
        from stdnum.exceptions import ValidationError
    except ModuleNotFoundError as error:
        raise _missing() from error
    try:
        return str(lei.validate(identifier.translate(_SEPARATORS).upper()))
    except ValidationError as error:
        raise _wrong(Scheme.LEI, identifier, str(error)) from None


def _customer(identifier: str) -> str:
    found = identifier.strip()
    if not 0 < len(found) <= _MOST or not found.isprintable():
        raise _wrong(Scheme.CUSTOMER, identifier, f"it has 1 to {_MOST} printable characters")
    return found


_READERS: Final[Mapping[Scheme, Callable[[str], str]]] = {
    Scheme.IBAN: _iban,
    Scheme.BIC: _bic,
    Scheme.LEI: _lei,
    Scheme.CUSTOMER: _customer,
}


def _wrong(scheme: Scheme, identifier: str, why: str) -> InvalidIdentifier:
    why = why.rstrip(".")
    return InvalidIdentifier(
        f"{identifier!r} is no {scheme}: {why}.", scheme=scheme.value, identifier=identifier, why=why
    )


def _missing() -> DirectorySupportMissing:
    return DirectorySupportMissing("The libraries that check identifiers are not installed.", extra="directory")
