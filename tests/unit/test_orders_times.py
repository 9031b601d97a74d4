"""Times of logs become whole unix seconds of the zone that the mapping names."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjpm.errors.orders import RowUnusable
from pyjpm.orders.events import RowReason
from pyjpm.orders.times import MAX_TIME, TimeReader, check_format, parse_duration, zone_of

UTC_ISO = TimeReader(UTC, ["iso"])
BERLIN = TimeReader(zone_of("Europe/Berlin"), ["iso"])


def unix(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (UTC_ISO, "1996-07-04", unix(1996, 7, 4)),
        (UTC_ISO, "1996-07-04T12:30:00", unix(1996, 7, 4, 12, 30)),
        (UTC_ISO, "1996-07-04 12:30:00.999999", unix(1996, 7, 4, 12, 30)),
        (UTC_ISO, "1996-07-04T12:30:00Z", unix(1996, 7, 4, 12, 30)),
        (UTC_ISO, "1996-07-04T12:30:00+02:00", unix(1996, 7, 4, 10, 30)),
        (BERLIN, "2024-07-04", unix(2024, 7, 3, 22)),
        (BERLIN, "2024-01-04", unix(2024, 1, 3, 23)),
        (BERLIN, "2024-10-27T02:30:00", unix(2024, 10, 27, 0, 30)),  # ambiguous: the first
        (TimeReader(UTC, ["unix"]), "836438400", unix(1996, 7, 4)),
        # Python's own reader takes its first eight digits for a day of 1796.
        (TimeReader(UTC, ["iso", "unix"]), "1796012767", unix(2026, 11, 30, 4, 26, 7)),
        (TimeReader(UTC, ["iso", "unix"]), "1970010112", unix(2032, 6, 5, 1, 1, 52)),
        (TimeReader(UTC, ["%d.%m.%Y", "iso"]), "04.07.1996", unix(1996, 7, 4)),
        (TimeReader(UTC, ["%d.%m.%Y", "iso"]), "1996-07-04", unix(1996, 7, 4)),
        (TimeReader(UTC, ["%m/%d/%Y %I:%M %p"]), "07/04/1996 01:05 PM", unix(1996, 7, 4, 13, 5)),
    ],
)
def test_times(reader: TimeReader, text: str, expected: int) -> None:
    assert reader.moment(text) == expected


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (UTC_ISO, "1996-08-01", unix(1996, 8, 1, 23, 59, 59)),
        (UTC_ISO, "1996-08-01T23:00:00-05:00", unix(1996, 8, 2, 23, 59, 59)),
        (BERLIN, "2024-03-31", unix(2024, 3, 31, 21, 59, 59)),  # a day of 23 hours
        (BERLIN, "2024-10-27", unix(2024, 10, 27, 22, 59, 59)),  # a day of 25 hours
        (TimeReader(UTC, ["%d.%m.%Y"]), "31.12.1999", unix(1999, 12, 31, 23, 59, 59)),
    ],
)
def test_ends_of_days(reader: TimeReader, text: str, expected: int) -> None:
    assert reader.end_of_day(text) == expected


def test_toml_times_end_with_their_day_or_are_exact() -> None:
    assert UTC_ISO.last_second(date(1998, 6, 30)) == unix(1998, 6, 30, 23, 59, 59)
    assert BERLIN.last_second(datetime(2024, 7, 4, 12)) == unix(2024, 7, 4, 10)
    assert BERLIN.last_second(datetime(2024, 7, 4, 12, tzinfo=UTC)) == unix(2024, 7, 4, 12)


@pytest.mark.parametrize(
    "text", ["", "soon", "1996-02-30", "96-07-04", "1969-12-31", "1970-01-01", "2106-03-01", "0001-01-01", "9999-12-31"]
)
def test_what_is_no_usable_time_is_refused(text: str) -> None:
    for read in (UTC_ISO.moment, UTC_ISO.end_of_day):
        if (text, read) == ("1970-01-01", UTC_ISO.end_of_day):
            continue  # its last second is usable
        with pytest.raises(RowUnusable) as raised:
            read(text)
        assert raised.value.details["reason"] is RowReason.BAD_DATE


def test_durations() -> None:
    assert [parse_duration(text) for text in ("0s", "30d", "1d12h", "2w", "90m")] == [0, 2592000, 129600, 1209600, 5400]
    for text in ("", "30", "d", "-1d", "1.5d", "1 d", "1y"):
        with pytest.raises(ValueError, match="no duration"):
            parse_duration(text)


def test_formats_that_lose_the_day_are_refused() -> None:
    for pattern in ("iso", "unix", "%Y%m%d", "%d/%m/%y %H:%M:%S", "%Y-%j"):
        check_format(pattern)
    for pattern in ("", "ISO", "%H:%M", "%Y-%m", "%d", "%"):
        with pytest.raises(ValueError, match="no time format"):
            check_format(pattern)


@given(st.integers(min_value=1, max_value=MAX_TIME))
def test_every_second_reads_back(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert UTC_ISO.moment(moment.isoformat()) == seconds
    assert UTC_ISO.moment(moment.replace(tzinfo=None).isoformat(" ")) == seconds
    end = seconds - seconds % 86400 + 86399
    if end <= MAX_TIME:
        assert UTC_ISO.end_of_day(moment.isoformat()) == end


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_an_unusable_row(text: str) -> None:
    for reader in (UTC_ISO, BERLIN, TimeReader(UTC, ["unix", "%d.%m.%Y"])):
        with suppress(RowUnusable):
            assert 1 <= reader.moment(text) <= MAX_TIME
