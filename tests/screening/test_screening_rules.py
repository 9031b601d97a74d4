"""Velocity and structuring: to the cent and to the second."""

from __future__ import annotations

import pytest

from pyjpm.money import Money
from pyjpm.screening import Moved, Structuring, Velocity
from pyjpm.screening.rules import version_of

HOUR = 3_600


def moved(minor: int, at: int = 0, payee: int = 2, currency: str = "USD", number: int = 0) -> Moved:
    return Moved(f"{at} {minor} {number}", 1, payee, Money.from_minor(minor, currency), at)


def test_velocity_by_amount_is_to_the_cent() -> None:
    rule = Velocity("daily", "USD", HOUR, most=100_000)
    assert rule.alert(moved(60_000), [moved(40_000)]) is None
    assert rule.alert(moved(60_001), [moved(40_000)]) == "USD 1000.01 in 3600 s are more than USD 1000.00"
    assert rule.alert(moved(60_001), [moved(90_000, currency="EUR")]) is None
    assert rule.alert(moved(900_000, currency="EUR"), [moved(90_000)]) is None
    assert rule.alert(moved(100_001), []) is not None


def test_velocity_by_number() -> None:
    rule = Velocity("often", "USD", HOUR, count=3)
    assert rule.alert(moved(1), [moved(1), moved(1)]) is None
    assert rule.alert(moved(1), [moved(1)] * 3) == "4 payments in 3600 s are more than 3"


def test_amounts_beyond_64_bits_are_added_right() -> None:
    rule = Velocity("daily", "USD", HOUR, most=2**70)
    assert rule.alert(moved(2**69), [moved(2**69)]) is None
    assert rule.alert(moved(2**69), [moved(2**69 + 1)]) is not None


@pytest.mark.parametrize(
    ("amounts", "alerts"),
    [
        ((150_000, 150_000), True),  # together exactly the threshold
        ((150_000, 149_999), False),
        ((299_999, 299_999), True),
        ((300_000, 299_999), False),  # one is at the threshold by itself: it has its travel data
        ((299_999, 300_000), False),
        ((400_000, 1), False),
    ],
)
def test_structuring_is_to_the_cent(amounts: tuple[int, int], alerts: bool) -> None:
    rule = Structuring("split", "USD", HOUR, threshold=300_000)
    before, now = amounts
    assert (rule.alert(moved(now), [moved(before)]) is not None) is alerts


def test_structuring_counts_what_is_near_the_threshold() -> None:
    rule = Structuring("near", "USD", HOUR, threshold=300_000, near=240_000, count=3)
    assert rule.alert(moved(250_000), [moved(250_000)]) is None
    assert rule.alert(moved(250_000), [moved(250_000), moved(239_999)]) is None
    assert rule.alert(moved(250_000), [moved(250_000), moved(240_000)]) is not None


def test_structuring_to_one_payee() -> None:
    rule = Structuring("split", "USD", HOUR, threshold=300_000, same_payee=True)
    assert rule.alert(moved(200_000, payee=2), [moved(200_000, payee=3)]) is None
    assert rule.alert(moved(200_000, payee=2), [moved(200_000, payee=2)]) is not None


def test_other_rules_amounts_and_payees_are_another_version() -> None:
    one, asked = Velocity("daily", "USD", HOUR, most=1), moved(1)
    versions = {
        version_of(rules, asked)
        for rules in ([one], [Velocity("daily", "USD", HOUR, most=2)], [Structuring("daily", "USD", HOUR, 1)], [])
    }
    versions |= {version_of([one], other) for other in (moved(2), moved(1, payee=3), moved(1, currency="EUR"))}
    assert len(versions) == 7
    assert version_of([one], asked) == version_of([Velocity("daily", "USD", HOUR, most=1)], moved(1, at=5))
