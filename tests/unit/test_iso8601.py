"""What is a day and what is a time does not depend on the second in which it was written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjpm.iso8601 import parse_date, parse_datetime


@pytest.mark.parametrize("text", ["2026-11-30", "20261130", "2026-W49-1", "2026W491", "2026W49"])
def test_days(text: str) -> None:
    assert parse_date(text) == date(2026, 11, 30)
    assert parse_datetime(text) == datetime(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-30T04:25:33Z", datetime(2026, 11, 30, 4, 25, 33, tzinfo=UTC)),
        ("2026-11-30 04:25:33.5+01:00", datetime(2026, 11, 30, 4, 25, 33, 500_000, timezone(timedelta(hours=1)))),
        ("2026-11-30T04:25", datetime(2026, 11, 30, 4, 25)),
        ("20261130T042533Z", datetime(2026, 11, 30, 4, 25, 33, tzinfo=UTC)),
        ("2026-11-30T04:25:33,25-0530", datetime(2026, 11, 30, 4, 25, 33, 250_000, timezone(-timedelta(hours=5.5)))),
    ],
)
def test_times(text: str, expected: datetime) -> None:
    assert parse_datetime(text) == expected
    with pytest.raises(ValueError, match=r"is no (day|time) such as"):
        parse_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-11-3", "2026-11-31", "20261130ab", "2026113", "2026-11-30x04:25",
        "2026-11-30T", "2026-11-30T25", "2026-11-30T04:25Z ", " 2026-11-30",
        "٢٠٢٦-11-30", "2026-W54-1", "2026-11-30Z", "2026-11-30T04:25:33+25:00",
    ],
)  # fmt: skip
def test_what_is_neither(text: str) -> None:
    for parse in (parse_date, parse_datetime):
        with pytest.raises(ValueError, match=r"is no (day|time) such as"):
            parse(text)


@given(st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 2**32 * 1000)))
def test_seconds_and_milliseconds_since_1970_are_neither_day_nor_time(number: int) -> None:
    text = str(number)
    if len(text) == 8:
        return
    for parse in (parse_date, parse_datetime):
        with pytest.raises(ValueError, match=r"is no (day|time) such as"):
            parse(text)


@given(st.dates())
def test_every_day_is_read_back(day: date) -> None:
    assert parse_date(day.isoformat()) == day == parse_date(day.strftime("%G").zfill(4) + day.strftime("-W%V-%u"))


@given(st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_every_time_is_read_back(time: datetime) -> None:
    assert parse_datetime(time.isoformat()) == time == parse_datetime(time.isoformat(" "))
