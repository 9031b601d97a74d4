// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Calendar, Recurrence} from "../../contracts/libraries/Calendar.sol";
import {Every} from "../../contracts/libraries/Every.sol";
import {Test} from "./base/Test.sol";

/// @notice Dates against a walk through every day, and what returns against dates that people know.
contract CalendarTest is Test {
    uint256 private constant DAY = 1 days;

    // ---- dates ----

    /// @dev Every day of 1970 to 2200, one after the other as a child would count.
    function test_every_day_for_230_years_is_the_day_after_the_one_before() public pure {
        (uint256 year, uint256 month, uint256 day) = (1970, 1, 1);
        uint256 number;
        while (year < 2200) {
            (uint256 y, uint256 m, uint256 d) = Calendar.toDate(number);
            assertTrue(y == year && m == month && d == day);
            assertEq(Calendar.toDay(year, month, day), number);
            ++number;
            if (++day > _length(year, month)) (day, month) = (1, month + 1);
            if (month > 12) (month, year) = (1, year + 1);
        }
    }

    function testFuzz_there_and_back(uint256 number) public pure {
        number = bound(number, 0, 20_000_000); // some 54,000 years
        (uint256 y, uint256 m, uint256 d) = Calendar.toDate(number);
        assertEq(Calendar.toDay(y, m, d), number);
        assertTrue(m >= 1 && m <= 12 && d >= 1 && d <= Calendar.daysIn(y, m));
    }

    function test_leap_years() public pure {
        assertTrue(Calendar.isLeap(2000) && Calendar.isLeap(2024) && Calendar.isLeap(2028) && Calendar.isLeap(2400));
        assertFalse(Calendar.isLeap(1900) || Calendar.isLeap(2023) || Calendar.isLeap(2100) || Calendar.isLeap(2200));
        assertEq(Calendar.daysIn(2100, 2), 28);
        assertEq(Calendar.daysIn(2028, 2), 29);
    }

    function _length(uint256 year, uint256 month) private pure returns (uint256) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (month == 2) return leap ? 29 : 28;
        return (month + month / 8) % 2 == 1 ? 31 : 30; // as counted on the knuckles
    }

    // ---- what returns ----

    function test_the_31st_is_the_last_day_of_a_shorter_month() public pure {
        Recurrence memory r = Recurrence(Every.MONTH, 0, 31, 0, 0);
        uint256 january = (2024 - 1970) * 12;
        uint8[12] memory days_ = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (uint256 i; i < 12; ++i) {
            assertEq(Calendar.dueAt(r, 0, january + i), Calendar.toDay(2024, i + 1, days_[i]) * DAY);
        }
        assertEq(Calendar.dueAt(r, 0, (2100 - 1970) * 12 + 1), 4_107_456_000); // 2100-02-28
        assertEq(Calendar.dueAt(r, 0, (2028 - 1970) * 12 + 1), 1_835_395_200); // 2028-02-29
    }

    function test_a_birthday_on_the_leap_day() public pure {
        Recurrence memory r = Recurrence(Every.YEAR, 2, 29, 3600, 0);
        assertEq(Calendar.dueAt(r, 0, 2024 - 1970), 1_709_168_400); // 2024-02-29T01:00
        assertEq(Calendar.dueAt(r, 0, 2025 - 1970), 1_740_704_400); // 2025-02-28T01:00
        assertEq(Calendar.dueAt(r, 0, 2100 - 1970), 4_107_459_600); // 2100-02-28T01:00
    }

    function test_weeks_begin_on_monday() public pure {
        uint256 monday = Calendar.toDay(2024, 1, 1);
        for (uint8 day = 1; day <= 7; ++day) {
            Recurrence memory r = Recurrence(Every.WEEK, 0, day, 60, 0);
            uint256 week = Calendar.periodAt(r, 0, (monday + day - 1) * DAY);
            assertEq(week, Calendar.periodAt(r, 0, monday * DAY));
            assertEq(Calendar.dueAt(r, 0, week), (monday + day - 1) * DAY + 60);
            assertEq(Calendar.periodAt(r, 0, (monday + 7) * DAY - 1), week);
            assertEq(Calendar.periodAt(r, 0, (monday + 7) * DAY), week + 1);
        }
    }

    function test_quarters() public pure {
        Recurrence memory r = Recurrence(Every.QUARTER, 3, 31, 0, 0); // the last day of each quarter
        uint256 first = Calendar.periodAt(r, 0, Calendar.toDay(2024, 1, 1) * DAY);
        assertEq(Calendar.dueAt(r, 0, first), Calendar.toDay(2024, 3, 31) * DAY);
        assertEq(Calendar.dueAt(r, 0, first + 1), Calendar.toDay(2024, 6, 30) * DAY);
        assertEq(Calendar.dueAt(r, 0, first + 2), Calendar.toDay(2024, 9, 30) * DAY);
        assertEq(Calendar.dueAt(r, 0, first + 3), Calendar.toDay(2024, 12, 31) * DAY);
        assertEq(Calendar.periodAt(r, 0, Calendar.toDay(2024, 4, 1) * DAY - 1), first);
        assertEq(Calendar.periodAt(r, 0, Calendar.toDay(2024, 4, 1) * DAY), first + 1);
    }

    function test_intervals_count_from_their_anchor() public pure {
        Recurrence memory r = Recurrence(Every.INTERVAL, 0, 0, 0, 100);
        assertEq(Calendar.periodAt(r, 1000, 999), 0);
        assertEq(Calendar.periodAt(r, 1000, 1099), 0);
        assertEq(Calendar.periodAt(r, 1000, 1100), 1);
        assertEq(Calendar.dueAt(r, 1000, 3), 1300);
        assertEq(Calendar.firstFrom(r, 1000, 1000), 0);
        assertEq(Calendar.lastUntil(r, 1000, 1299), 2);
    }

    /// @dev Whatever returns, the periods found around a time are those next to it.
    function testFuzz_first_and_last_embrace_the_time(
        uint256 time,
        uint8 every,
        uint8 month,
        uint8 day,
        uint32 second,
        uint40 length
    ) public pure {
        time = bound(time, 30 days, 2 ** 38);
        Recurrence memory r = _some(every, month, day, second, length);
        assertTrue(Calendar.isValid(r));
        uint256 first = Calendar.firstFrom(r, 7 days, time);
        assertGe(Calendar.dueAt(r, 7 days, first), time);
        if (first > Calendar.firstFrom(r, 7 days, 7 days)) assertLt(Calendar.dueAt(r, 7 days, first - 1), time);
        uint256 last = Calendar.lastUntil(r, 7 days, time);
        if (last > Calendar.firstFrom(r, 7 days, 7 days)) assertLe(Calendar.dueAt(r, 7 days, last), time);
        assertGt(Calendar.dueAt(r, 7 days, last + 1), time);
    }

    function _some(uint8 every, uint8 month, uint8 day, uint32 second, uint40 length)
        private
        pure
        returns (Recurrence memory r)
    {
        r.every = every % 6;
        if (r.every == Every.INTERVAL) {
            r.length = length == 0 ? 1 : length;
            return r;
        }
        r.second = second % 1 days;
        if (r.every == Every.WEEK) r.day = day % 7 + 1;
        if (r.every >= Every.MONTH) r.day = day % 31 + 1;
        if (r.every == Every.QUARTER) r.month = month % 3 + 1;
        if (r.every == Every.YEAR) r.month = month % 12 + 1;
    }

    function test_what_does_not_return_is_not_valid() public pure {
        Recurrence[18] memory bad = [
            Recurrence(Every.INTERVAL, 0, 0, 0, 0),
            Recurrence(Every.INTERVAL, 1, 0, 0, 9),
            Recurrence(Every.INTERVAL, 0, 1, 0, 9),
            Recurrence(Every.INTERVAL, 0, 0, 1, 9),
            Recurrence(Every.DAY, 0, 0, 86_400, 0),
            Recurrence(Every.DAY, 0, 0, 0, 9),
            Recurrence(Every.DAY, 0, 1, 0, 0),
            Recurrence(Every.DAY, 1, 0, 0, 0),
            Recurrence(Every.WEEK, 0, 0, 0, 0),
            Recurrence(Every.WEEK, 0, 8, 0, 0),
            Recurrence(Every.WEEK, 1, 1, 0, 0),
            Recurrence(Every.MONTH, 0, 0, 0, 0),
            Recurrence(Every.MONTH, 0, 32, 0, 0),
            Recurrence(Every.MONTH, 1, 1, 0, 0),
            Recurrence(Every.QUARTER, 4, 1, 0, 0),
            Recurrence(Every.QUARTER, 0, 1, 0, 0),
            Recurrence(Every.YEAR, 13, 1, 0, 0),
            Recurrence(6, 1, 1, 0, 0)
        ];
        for (uint256 i; i < bad.length; ++i) {
            assertFalse(Calendar.isValid(bad[i]));
        }
        assertFalse(Calendar.isValid(Recurrence(Every.YEAR, 0, 1, 0, 0)));
        assertTrue(Calendar.isValid(Recurrence(Every.DAY, 0, 0, 86_399, 0)));
    }
}
