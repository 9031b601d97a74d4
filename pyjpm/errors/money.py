"""What can be wrong with an amount of money. Caught together as :class:`MoneyError`."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class MoneyError(PyjpmError):
    """Root of the errors about amounts and currencies."""

    code: ClassVar[str] = "MONEY_ERROR"


class MoneyIsNotFloat(MoneyError, TypeError):
    """A float was given where money or a share of it is meant; binary fractions lose cents."""

    code: ClassVar[str] = "MONEY_IS_NOT_FLOAT"
    hint: ClassVar[str] = "Give a str, an int or a decimal.Decimal."


class InvalidAmount(MoneyError, ValueError):
    """The amount is no finite decimal number."""

    code: ClassVar[str] = "INVALID_AMOUNT"
    hint: ClassVar[str] = (
        "Write digits with at most one decimal point, such as 1234.56: no symbols, groups or exponents."
    )


class TooManyDecimals(MoneyError, ValueError):
    """The amount is finer than the currency's minor unit. Details: ``currency``, ``allowed`` decimals."""

    code: ClassVar[str] = "TOO_MANY_DECIMALS"
    hint: ClassVar[str] = "Round it to the currency's minor unit yourself: nothing here rounds money silently."


class AmountTooLarge(MoneyError, ValueError):
    """The amount does not fit the contracts' 88 bits of minor units."""

    code: ClassVar[str] = "AMOUNT_TOO_LARGE"
    hint: ClassVar[str] = "No single amount may exceed 2**88 - 1 minor units."


class AmountNotPositive(MoneyError, ValueError):
    """Zero or negative where a payment is meant. Details: ``minor``, ``currency``."""

    code: ClassVar[str] = "AMOUNT_NOT_POSITIVE"
    hint: ClassVar[str] = "Payments, mints, holds and milestones are of more than zero."


class UnknownCurrency(MoneyError, ValueError):
    """The code is no active ISO 4217 currency. Details: ``currency``."""

    code: ClassVar[str] = "UNKNOWN_CURRENCY"
    hint: ClassVar[str] = "Use an active ISO 4217 code in capitals, such as USD."


class CurrencyMismatch(MoneyError, ValueError):
    """Amounts of two currencies met in one operation. Details: ``left``, ``right``."""

    code: ClassVar[str] = "CURRENCY_MISMATCH"
    hint: ClassVar[str] = "Convert first, as a trade of its own (PvP)."


class InvalidShare(MoneyError, ValueError):
    """A percentage outside 0..100, or weights that share nothing out."""

    code: ClassVar[str] = "INVALID_SHARE"
    hint: ClassVar[str] = "Percentages run from 0 to 100; weights are non-negative integers, not all zero."
