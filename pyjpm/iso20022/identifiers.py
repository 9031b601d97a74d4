"""IBAN, BIC and LEI as messages have them.

Decisions that govern this module:

* A BIC of a head office is written without its XXX.
* An error never quotes the identifier, which is somebody's account.
"""

from __future__ import annotations

from collections.abc import Callable

from pyjpm import identifiers
from pyjpm.errors.iso20022 import InvalidBankIdentifier, Iso20022ExtraMissing

IBAN = "IBAN"
BIC = "BIC"
LEI = "LEI"


def check_iban(text: str) -> str:
    """The IBAN in its electronic form, without blanks. Raises ``InvalidBankIdentifier``, ``Iso20022ExtraMissing``."""
    return _checked(IBAN, identifiers.iban, text)


def check_bic(text: str) -> str:
    """The BIC, 8 or 11 characters, a trailing ``XXX`` left off: the same office. Raises as :func:`check_iban`."""
    found = _checked(BIC, identifiers.bic, text)
    return found.removesuffix("XXX") if len(found) == 11 else found


def check_lei(text: str) -> str:
    """The LEI, 20 characters. Raises as :func:`check_iban`."""
    return _checked(LEI, identifiers.lei, text)


def _checked(scheme: str, read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing(f"{error.name} is not installed.", module=str(error.name)) from error
    except identifiers.NotValid as error:
        raise InvalidBankIdentifier(f"This is no valid {scheme}.", scheme=scheme, reason=error.name) from None
