"""Money is exact, of one currency, and never a float."""

from __future__ import annotations

import copy
import decimal
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.money import (
    AmountNotPositive,
    AmountTooLarge,
    CurrencyMismatch,
    InvalidAmount,
    InvalidShare,
    MoneyError,
    MoneyIsNotFloat,
    TooManyDecimals,
    UnknownCurrency,
)
from pyjpm.money import MAX_MINOR, MINOR_UNITS, Money, minor_units

currencies = st.sampled_from(sorted(MINOR_UNITS))
minors = st.integers(min_value=-MAX_MINOR, max_value=MAX_MINOR)
monies = st.builds(Money.from_minor, minors, currencies)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "USD", 1234),
        (" 440.00 ", "USD", 44000),
        ("440.0000", "USD", 44000),
        ("-0.01", "EUR", -1),
        ("+7", "EUR", 700),
        ("0012", "JPY", 12),
        ("1.234", "BHD", 1234),
        ("0.0001", "CLF", 1),
        (12, "USD", 1200),
        (Decimal("1E+2"), "USD", 10000),
        (Decimal("-0"), "USD", 0),
        (Decimal("0E+999"), "USD", 0),
    ],
)
def test_amounts_become_minor_units(amount: str | int | Decimal, currency: str, minor: int) -> None:
    assert Money(amount, currency).minor == minor


@pytest.mark.parametrize(
    ("amount", "currency", "error"),
    [
        (12.5, "USD", MoneyIsNotFloat),
        (float("nan"), "USD", MoneyIsNotFloat),
        (True, "USD", InvalidAmount),
        (None, "USD", InvalidAmount),
        ("", "USD", InvalidAmount),
        ("1,234.50", "USD", InvalidAmount),
        ("1e3", "USD", InvalidAmount),
        (".5", "USD", InvalidAmount),
        ("$5", "USD", InvalidAmount),
        ("NaN", "USD", InvalidAmount),
        ("inf", "USD", InvalidAmount),
        ("١٢", "USD", InvalidAmount),
        (Decimal("NaN"), "USD", InvalidAmount),
        (Decimal("sNaN"), "USD", InvalidAmount),
        (Decimal("-Infinity"), "USD", InvalidAmount),
        ("0.001", "USD", TooManyDecimals),
        ("0.5", "JPY", TooManyDecimals),
        ("1." + "1" * 6000, "USD", TooManyDecimals),
        (Decimal("1E-999999"), "USD", TooManyDecimals),
        ("9" * 6000, "USD", AmountTooLarge),
        pytest.param(10**6000, "USD", AmountTooLarge, id="integer of 6001 digits"),
        (Decimal("1E+999999"), "USD", AmountTooLarge),
        ("1", "usd", UnknownCurrency),
        ("1", "XXX", UnknownCurrency),
        ("1", "XAU", UnknownCurrency),
        ("1", "DEM", UnknownCurrency),
        ("1", None, UnknownCurrency),
        ("1", ["USD"], UnknownCurrency),
    ],
)
def test_what_is_no_money_is_refused(amount: object, currency: object, error: type[MoneyError]) -> None:
    with pytest.raises(error) as raised:
        Money(amount, currency)  # type: ignore[arg-type]
    assert raised.value.hint
    assert len(str(raised.value)) < 300


def test_a_float_is_a_type_error_too() -> None:
    with pytest.raises(TypeError):
        Money(1.0, "USD")  # type: ignore[arg-type]
    with pytest.raises(MoneyIsNotFloat):
        Money.from_minor(1.0, "USD")  # type: ignore[arg-type]
    with pytest.raises(MoneyIsNotFloat):
        Money("1", "USD") * 1.5  # type: ignore[operator]
    with pytest.raises(MoneyIsNotFloat):
        Money("1", "USD").portion(30.0)  # type: ignore[arg-type]


def test_the_largest_amount_is_uint88() -> None:
    assert Money.from_minor(2**88 - 1, "JPY") == Money(2**88 - 1, "JPY")
    for call in (lambda: Money.from_minor(2**88, "JPY"), lambda: Money.from_minor(MAX_MINOR, "JPY") + Money(1, "JPY")):
        with pytest.raises(AmountTooLarge):
            call()


def test_minor_units_follow_iso_4217() -> None:
    expected = {"USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "ISK": 0, "BHD": 3, "KWD": 3, "TND": 3, "CLF": 4, "UYW": 4}
    assert {code: minor_units(code) for code in expected} == expected
    assert len(MINOR_UNITS) == 165
    assert not {"HRK", "ANG", "BGN", "ZWL", "CUC", "SLL"} & MINOR_UNITS.keys()  # withdrawn codes


def test_currencies_do_not_mix() -> None:
    dollars, euros = Money("1", "USD"), Money("1", "EUR")
    assert dollars != euros
    for operation in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: dollars >= euros,
    ):
        with pytest.raises(CurrencyMismatch) as raised:
            operation()
        assert raised.value.details == {"left": "USD", "right": "EUR"}
    with pytest.raises(TypeError):
        dollars + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        dollars > 0  # type: ignore[operator]  # noqa: B015


def test_a_payment_is_positive() -> None:
    assert Money("0.01", "USD").require_positive() == Money("0.01", "USD")
    for minor in (0, -1):
        with pytest.raises(AmountNotPositive):
            Money.from_minor(minor, "USD").require_positive()


def test_how_it_shows() -> None:
    money = Money("1234.5", "USD")
    assert str(money) == "USD 1234.50"
    assert repr(money) == "Money('1234.50', 'USD')"
    assert money.to_dict() == {"amount": "1234.50", "currency": "USD", "minor": 123450}
    assert str(Money("-5", "JPY")) == "JPY -5"
    with pytest.raises(InvalidAmount):
        Money.parse("USD")


def test_it_is_frozen_and_survives_copies() -> None:
    money = Money("1.50", "USD")
    with pytest.raises(AttributeError):
        money.minor = 1  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(money)) == copy.deepcopy(money) == money
    assert len({money, Money("1.5", "USD")}) == 1


def test_shares_outside_their_range_are_refused() -> None:
    money = Money("10", "USD")
    for percent in (-1, 101, "100.01"):
        with pytest.raises(InvalidShare):
            money.portion(percent)
    for weights in ([], [0, 0], [1, -1], [True]):
        with pytest.raises(InvalidShare):
            money.allocate(weights)


def test_portions_round_towards_zero() -> None:
    assert Money("0.99", "USD").portion(30) == Money("0.29", "USD")
    assert Money("-0.99", "USD").portion("30") == Money("-0.29", "USD")
    assert Money("1000", "JPY").portion(Decimal("33.35")) == Money(333, "JPY")


def test_results_ignore_the_callers_decimal_context() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        money = Money("123456.78", "USD")
        assert str(money + money) == "USD 246913.56"
        assert money.portion(100) == money


def test_errors_survive_pickling() -> None:
    with pytest.raises(TooManyDecimals) as raised:
        Money("1.234", "USD")
    again = pickle.loads(pickle.dumps(raised.value))
    assert isinstance(again, PyjpmError)
    assert again.to_dict() == raised.value.to_dict()


@given(monies)
def test_every_face_reads_back_to_the_same_money(money: Money) -> None:
    assert Money(money.amount, money.currency) == money
    assert Money(str(money.amount), money.currency) == money
    assert Money.parse(str(money)) == money
    assert eval(repr(money), {"Money": Money}) == money
    assert Fraction(money.amount) == Fraction(money.minor, 10 ** minor_units(money.currency))


@given(minors, minors, currencies)
def test_arithmetic_is_that_of_integers(a: int, b: int, currency: str) -> None:
    left, right = Money.from_minor(a, currency), Money.from_minor(b, currency)
    assert (left < right, left <= right, left == right) == (a < b, a <= b, a == b)
    if abs(a + b) <= MAX_MINOR:
        assert (left + right).minor == a + b
    if abs(a - b) <= MAX_MINOR:
        assert (left - right).minor == a - b
    assert (-left, abs(left), bool(left)) == (
        Money.from_minor(-a, currency),
        Money.from_minor(abs(a), currency),
        a != 0,
    )


@given(monies, st.decimals(min_value=0, max_value=100, places=3))
def test_a_portion_is_the_exact_share_cut_off(money: Money, percent: Decimal) -> None:
    exact = Fraction(money.minor) * Fraction(percent) / 100
    part = money.portion(percent).minor
    assert abs(part) <= abs(exact) < abs(part) + 1
    assert part * money.minor >= 0


@given(monies, st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=20).filter(any))
def test_allocation_loses_nothing(money: Money, weights: list[int]) -> None:
    parts = money.allocate(weights)
    assert sum(part.minor for part in parts) == money.minor
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(abs(money.minor) * weight, sum(weights))
        assert 0 <= abs(part.minor) - exact // 1 <= 1
        assert weight or part.minor == 0


@given(st.text(max_size=30))
def test_any_text_is_money_or_a_money_error(text: str) -> None:
    try:
        money = Money(text, "USD")
    except MoneyError:
        return
    assert Decimal(text.strip()) == money.amount
