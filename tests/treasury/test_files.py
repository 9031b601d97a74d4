"""The files of a group and of assumptions: what they may say, and what is told of what they may not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pyjpm import Money
from pyjpm.errors.treasury import AssumptionsInvalid, GroupInvalid, RateMissing
from pyjpm.treasury import Assumptions, load_assumptions, load_group

GROUP = 'name = "Acme"\n[[member]]\nname = "Inc"\nparticipant = 1\n[[member]]\nname = "GmbH"\nparticipant = 2\n'


def test_a_group(tmp_path: Path) -> None:
    path = tmp_path / "group.toml"
    path.write_text(GROUP)
    group = load_group(path)
    assert (group.name, group.participants) == ("Acme", {1, 2})
    assert (group.name_of(2), group.name_of(3)) == ("GmbH", "participant 3")
    for bad, problem in (
        ("name = ", "no group"),
        ('name = "Acme"', "member: is missing"),
        ('name = "Acme"\nmember = []', "member"),
        (GROUP + "mood = 1\n", "member.1.mood"),
        (GROUP.replace("participant = 2", "participant = 1"), "two members have the participant 1"),
        (GROUP.replace("GmbH", "Inc"), "two members have the name Inc"),
        (GROUP.replace("participant = 2", 'participant = "2"'), "member.1.participant"),
        (GROUP.replace("participant = 2", "participant = 0"), "member.1.participant"),
    ):
        path.write_text(bad)
        with pytest.raises(GroupInvalid) as refused:
            load_group(path)
        assert problem in refused.value.message
    with pytest.raises(GroupInvalid):
        load_group(tmp_path / "none.toml")


def test_assumptions_general_and_by_currency(tmp_path: Path) -> None:
    path = tmp_path / "assumptions.toml"
    path.write_text(
        'base = "USD"\nzone = "Europe/Berlin"\nholidays = [2027-03-26]\nsettle = [1, 2]\n[rates]\nEUR = "1.08"\n'
        '[correspondent]\nfee = "20.00"\n[correspondent.EUR]\ndays = 1\n[correspondent.JPY]\nspread_bps = "50"\n'
    )
    said = load_assumptions(path)
    assert [(said.fee(each), said.days(each), said.spread_bps(each)) for each in ("USD", "EUR", "JPY")] == [
        (Decimal("20.00"), 2, Decimal(30)),
        (Decimal("20.00"), 1, Decimal(30)),
        (Decimal("20.00"), 2, Decimal(50)),
    ]
    told = said.to_dict()
    assert told["correspondent"]["others"] == {"fee": "20.00", "days": 2, "spread_bps": "30"}
    assert told["holidays"] == ["2027-03-26"]
    assert said.money(said.in_base(12_345, "EUR")) == Money("133.33", "USD")
    with pytest.raises(RateMissing):
        said.in_base(1, "GBP")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("base = ", "nothing usable"),
        ('base = "XXX"', "base"),
        ('zone = "Mars"', "time zone"),
        ("holidays = [5]", "holidays.0"),
        ('funding_rate = "-1"', "in quotes"),
        ("funding_rate = -5.0", "not below 0"),
        ("day_count = 1", "day_count"),
        ("settle = []", "settle"),
        ("settle = [31]", "settle.0"),
        ('[rates]\nEUR = "0"', "more than 0"),
        ('[rates]\nUSD = "1"', "base currency"),
        ('[rates]\nXXX = "1"', "rates"),
        ("[correspondent]\nspeed = 1", "speed"),
        ("[correspondent.XXX]\ndays = 1", "XXX"),
        ('[correspondent]\nfee = "1.001"', "the fee"),
        ("mood = 1", "mood"),
    ],
)
def test_bad_assumptions_name_their_place(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "assumptions.toml"
    path.write_text(text)
    with pytest.raises(AssumptionsInvalid) as refused:
        load_assumptions(path)
    assert problem in refused.value.message
    with pytest.raises(AssumptionsInvalid):
        load_assumptions(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("day", "hour", "business_days", "after", "before"),
    [
        (1, 10, 0, 0, 0),  # a Monday
        (1, 10, 1, 1, 3),  # Tuesday, and the Friday before
        (5, 10, 1, 3, 1),
        (5, 10, 3, 5, 3),
        (6, 10, 0, 2, 1),  # a Saturday
        (6, 10, 1, 3, 2),
        (25, 10, 1, 4, 1),  # the Thursday before Good Friday, a holiday here
        (31, 23, 1, 1, 1),  # 23:00 in UTC is Thursday in Berlin
    ],
)
def test_days_in_transit_are_business_days_told_in_calendar_days(
    day: int, hour: int, business_days: int, after: int, before: int
) -> None:
    said = Assumptions(holidays=[date(2027, 3, 26)], zone="Europe/Berlin")
    at = int(datetime(2027, 3, day, hour, tzinfo=UTC).timestamp())
    assert said.days_after(at, business_days) == after
    assert said.days_before(at, business_days) == before
