"""IBAN, BIC and LEI, by form and check digits.

Decisions that govern this module:

* Right in form is not known: no registry of BICs is complete, so whether a bank can be reached is asked of whoever
  keeps the list that counts. A wrong check digit is certain, and refused.
* An error never quotes the identifier, which is somebody's account.
"""

from __future__ import annotations

from pyjpm.errors.iso20022 import InvalidBankIdentifier, Iso20022ExtraMissing

IBAN = "IBAN"
BIC = "BIC"
LEI = "LEI"


def check_iban(text: str) -> str:
    """The IBAN in its electronic form, without blanks. Raises ``InvalidBankIdentifier``, ``Iso20022ExtraMissing``."""
    try:
        import schwifty
        from schwifty.exceptions import SchwiftyException
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("schwifty is not installed.", module=str(error.name)) from error
    try:
        return str(schwifty.IBAN(text))
    except (SchwiftyException, ValueError) as error:
        raise InvalidBankIdentifier("This is no valid IBAN.", scheme=IBAN, reason=_reason(error)) from None


def check_bic(text: str) -> str:
    """The BIC, 8 or 11 characters, a trailing ``XXX`` left off: the same office. Raises as :func:`check_iban`."""
    try:
        import schwifty
        from schwifty.exceptions import SchwiftyException
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("schwifty is not installed.", module=str(error.name)) from error
    try:
        return str(schwifty.BIC(text)).removesuffix("XXX") if len(text) == 11 else str(schwifty.BIC(text))
    except (SchwiftyException, ValueError) as error:
        raise InvalidBankIdentifier("This is no valid BIC.", scheme=BIC, reason=_reason(error)) from None


def check_lei(text: str) -> str:
    """The LEI, 20 characters. Raises as :func:`check_iban`."""
    try:
        from stdnum import lei
        from stdnum.exceptions import ValidationError
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("python-stdnum is not installed.", module=str(error.name)) from error
    try:
        return str(lei.validate(text))
    except ValidationError as error:
        raise InvalidBankIdentifier("This is no valid LEI.", scheme=LEI, reason=_reason(error)) from None


def _reason(error: Exception) -> str:
    return type(error).__name__
