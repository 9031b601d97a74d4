"""IBAN, BIC and LEI by form and check digits (ISO 13616, 9362 and 17442).

Decisions that govern this module:

* Right in form is not known: no registry of BICs is complete, so whether a bank can be reached is asked of whoever
  keeps the list that counts. A wrong check digit is certain.
* Which written form is kept, and what an error may say, is for whoever asks: the causes here reach no user.
"""

from __future__ import annotations


class NotValid(Exception):
    """No identifier of its kind. Its cause says why, and may quote it."""

    @property
    def name(self) -> str:
        """What is wrong, in a word that quotes nothing."""
        return type(self.__cause__).__name__


def iban(text: str) -> str:
    """The IBAN in its electronic form, without blanks. Raises NotValid; ModuleNotFoundError without schwifty."""
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    try:
        return str(IBAN(text))
    except (SchwiftyException, ValueError) as error:
        raise NotValid(str(error)) from error


def bic(text: str) -> str:
    """The BIC, of 8 or 11 characters as it was given. Raises as :func:`iban`."""
    from schwifty import BIC
    from schwifty.exceptions import SchwiftyException

    try:
        return str(BIC(text))
    except (SchwiftyException, ValueError) as error:
        raise NotValid(str(error)) from error


def lei(text: str) -> str:
    """The LEI, 20 characters. Raises NotValid; ModuleNotFoundError without python-stdnum."""
    from stdnum import lei as numbers
    from stdnum.exceptions import ValidationError

    try:
        return str(numbers.validate(text))
    except ValidationError as error:
        raise NotValid(str(error)) from error
