"""Money: an exact amount in one currency.

Decisions that govern this module:

* An amount is an integer of ISO 4217 minor units (cents, yen, fils); that integer is what the token of the currency
  counts on chain. ``Decimal`` is the face shown to people; ``float`` is refused everywhere.
* Nothing rounds silently. An amount finer than the minor unit is an error; ``portion`` rounds towards zero because its
  name and documentation say so; ``allocate`` loses nothing.
* One operation, one currency. Equality across currencies is ``False``; order and arithmetic across them are errors.
* Any sign, so that differences exist. Where a payment is meant, ask ``require_positive``.
* The result never depends on the caller's ``decimal`` context: all arithmetic is on integers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import total_ordering
from types import MappingProxyType
from typing import Any, Final

from pyjpm.errors.money import (
    AmountNotPositive,
    AmountTooLarge,
    CurrencyMismatch,
    InvalidAmount,
    InvalidShare,
    MoneyIsNotFloat,
    TooManyDecimals,
    UnknownCurrency,
)

MAX_MINOR: Final = 2**88 - 1
"""The largest amount, in minor units: the contracts keep amounts as ``uint88``."""

# ISO 4217 list one as published 2026-01-01, by decimals of the minor unit. Left out: codes without one (gold and other
# metals, XDR, bond units, testing, "no currency"), which are no bank money.
_CODES_BY_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
        "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
        "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
        "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
        "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG "
        "YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

MINOR_UNITS: Final = MappingProxyType(
    {code: decimals for decimals, codes in _CODES_BY_DECIMALS.items() for code in codes.split()}
)
"""Decimals of the minor unit by active ISO 4217 code: ``MINOR_UNITS["JPY"] == 0``."""

_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def minor_units(currency: str) -> int:
    """Decimals of ``currency``'s minor unit.

    Raises:
        UnknownCurrency: no active ISO 4217 code.
    """
    try:
        return MINOR_UNITS[currency]
    except (KeyError, TypeError):
        raise UnknownCurrency(
            f"{_shown(currency)} is no active ISO 4217 currency.", currency=_shown(currency)
        ) from None


@total_ordering
@dataclass(frozen=True, slots=True, init=False)
class Money:
    """An exact amount in one currency; immutable and hashable.

    Args:
        amount: in major units, ``"12.34"``, ``12`` or ``Decimal("12.34")``. A string holds digits and at most one
            decimal point, as a CSV has them; surrounding blanks are ignored. Trailing zeros beyond the minor unit
            are accepted, since they lose nothing.
        currency: active ISO 4217 code, capitals.

    Raises:
        MoneyIsNotFloat, InvalidAmount, TooManyDecimals, AmountTooLarge, UnknownCurrency
    """

    minor: int
    currency: str

    def __init__(self, amount: str | int | Decimal, currency: str) -> None:
        decimals = minor_units(currency)
        minor = _scaled(_exact(amount), decimals)
        if minor is None:
            raise TooManyDecimals(
                f"{_shown(amount)} has more decimals than {currency} allows ({decimals}).",
                currency=currency,
                allowed=decimals,
            )
        self._set(minor, currency)

    def _set(self, minor: int, currency: str) -> None:
        if abs(minor) > MAX_MINOR:
            raise AmountTooLarge(f"The {currency} amount is beyond 2**88 - 1 minor units.", currency=currency)
        object.__setattr__(self, "minor", minor)
        object.__setattr__(self, "currency", currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """Money of ``minor`` minor units: ``Money.from_minor(1234, "USD") == Money("12.34", "USD")``.

        Raises:
            MoneyIsNotFloat, InvalidAmount, AmountTooLarge, UnknownCurrency
        """
        if isinstance(minor, float):
            raise MoneyIsNotFloat(f"{minor!r} is a float.")
        if isinstance(minor, bool) or not isinstance(minor, int):
            raise InvalidAmount(f"{_shown(minor)} is no integer of minor units.")
        minor_units(currency)
        money = object.__new__(cls)
        money._set(minor, currency)
        return money

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in ``currency``: the start of a sum."""
        return cls.from_minor(0, currency)

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read what ``str(money)`` writes: ``"USD 12.34"``.

        Raises:
            InvalidAmount: not a currency, a blank and an amount; else as the constructor.
        """
        currency, _, amount = text.strip().partition(" ")
        if not amount:
            raise InvalidAmount(f"{_shown(text)} is not a currency and an amount such as 'USD 12.34'.")
        return cls(amount, currency)

    @property
    def amount(self) -> Decimal:
        """In major units, with all decimals of the currency: ``Decimal("12.30")``."""
        digits = tuple(int(digit) for digit in str(abs(self.minor)))
        return Decimal((int(self.minor < 0), digits, -MINOR_UNITS[self.currency]))

    def require_positive(self) -> Money:
        """Itself, where a payment is meant.

        Raises:
            AmountNotPositive: zero or negative.
        """
        if self.minor <= 0:
            raise AmountNotPositive(f"{self} is not more than zero.", minor=self.minor, currency=self.currency)
        return self

    def portion(self, percent: Decimal | int | str) -> Money:
        """``percent`` of it, rounded towards zero to the minor unit: 30 % of USD 0.99 is USD 0.29.

        Raises:
            MoneyIsNotFloat, InvalidAmount: no exact number.
            InvalidShare: below 0 or above 100.
        """
        exact = _exact(percent)
        if exact < 0 or exact > 100:
            raise InvalidShare(f"{_shown(percent)} is no percentage from 0 to 100.", percent=_shown(percent))
        numerator, denominator = exact.as_integer_ratio()
        magnitude = abs(self.minor) * numerator // (100 * denominator)
        return Money.from_minor(-magnitude if self.minor < 0 else magnitude, self.currency)

    def allocate(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Share it out by integer weights without losing a minor unit.

        What rounding leaves over goes one minor unit each to the first parts of non-zero weight.

        Raises:
            InvalidShare: no weight, a negative one, none above zero, or a weight that is no integer.
        """
        usable = all(isinstance(weight, int) and not isinstance(weight, bool) and weight >= 0 for weight in weights)
        if not usable or sum(weights) == 0:
            raise InvalidShare("Weights must be non-negative integers, at least one above zero.")
        magnitude, total = abs(self.minor), sum(weights)
        parts = [magnitude * weight // total for weight in weights]
        left = magnitude - sum(parts)
        for index, weight in enumerate(weights):
            if left == 0:
                break
            if weight:
                parts[index] += 1
                left -= 1
        sign = -1 if self.minor < 0 else 1
        return tuple(Money.from_minor(sign * part, self.currency) for part in parts)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: ``{"amount": "12.34", "currency": "USD", "minor": 1234}``."""
        return {"amount": str(self.amount), "currency": self.currency, "minor": self.minor}

    def __str__(self) -> str:
        return f"{self.currency} {self.amount}"

    def __repr__(self) -> str:
        return f"Money('{self.amount}', '{self.currency}')"

    def __add__(self, other: Money) -> Money:
        return self._combined(other, 1)

    def __sub__(self, other: Money) -> Money:
        return self._combined(other, -1)

    def _combined(self, other: Money, sign: int) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same_currency(other)
        return Money.from_minor(self.minor + sign * other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        if isinstance(times, float):
            raise MoneyIsNotFloat(f"{times!r} is a float.")
        if isinstance(times, bool) or not isinstance(times, int):
            return NotImplemented
        return Money.from_minor(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money.from_minor(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money.from_minor(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same_currency(other)
        return self.minor < other.minor

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} meets {other}.", left=self.currency, right=other.currency)


def _exact(number: str | int | Decimal) -> Decimal:
    """The number as a finite Decimal, unrounded."""
    if isinstance(number, float):
        raise MoneyIsNotFloat(f"{number!r} is a float.")
    if isinstance(number, bool) or not isinstance(number, (str, int, Decimal)):
        raise InvalidAmount(f"{_shown(number)} is no amount.")
    if isinstance(number, str) and not _PLAIN_NUMBER.fullmatch(number.strip()):
        raise InvalidAmount(f"{_shown(number)} is no decimal number.")
    try:
        exact = Decimal(number)
    except (InvalidOperation, ValueError):
        raise InvalidAmount("The amount is no decimal number.") from None
    if not exact.is_finite():
        raise InvalidAmount(f"{exact} is no finite amount.")
    if exact and exact.adjusted() > 40:  # far above MAX_MINOR in any currency; keeps the integers below small
        raise AmountTooLarge("The amount is beyond 2**88 - 1 minor units.")
    return exact


def _scaled(exact: Decimal, decimals: int) -> int | None:
    """``exact * 10**decimals`` as an integer, None where it is not whole."""
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)  # finite
    text = "".join(map(str, digits))
    significant = text.rstrip("0")
    if not significant:
        return 0
    shift = exponent + len(text) - len(significant) + decimals
    if shift < 0:
        return None
    magnitude: int = int(significant) * 10**shift
    return -magnitude if sign else magnitude


def _shown(value: object) -> str:
    """Foreign input as an error may quote it: bounded, and safe for integers of any length."""
    if isinstance(value, int) and abs(value) > MAX_MINOR:
        return "an integer beyond 2**88 - 1"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
