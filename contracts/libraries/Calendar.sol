// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Every} from "./Every.sol";

/// @notice What returns. Of a month that is shorter than `day` the last day counts. All of it is UTC.
struct Recurrence {
    uint8 every; // Every
    uint8 month; // QUARTER: 1..3 of the quarter; YEAR: 1..12; else 0
    uint8 day; // WEEK: 1 (Monday) .. 7; MONTH, QUARTER, YEAR: 1..31; else 0
    uint32 second; // of the day; INTERVAL: 0
    uint40 length; // INTERVAL: seconds; else 0
}

/// @title Dates out of unix seconds, and what returns on them
/// @notice A recurrence counts its periods from 1970 on (INTERVAL: from its anchor): days, weeks from Monday, months,
/// quarters and years. Each period has one second in which it falls due.
/// @dev Days to dates by shifting the year to March, so that the leap day is the last one of it; of the Gregorian calendar,
/// for any day from 1970 on.
library Calendar {
    uint256 private constant DAY = 1 days;
    uint256 private constant DAYS_OF_ERA = 146_097; // 400 years
    uint256 private constant DAYS_TO_1970 = 719_468; // from 0000-03-01

    // ------------------------------------------------------------------------------------------------ dates

    /// @param day since 1970-01-01
    function toDate(uint256 day) internal pure returns (uint256 year, uint256 month, uint256 dayOfMonth) {
        uint256 shifted = day + DAYS_TO_1970;
        uint256 ofEra = shifted % DAYS_OF_ERA;
        // slither-disable-next-line divide-before-multiply (rounds as the calendar does)
        uint256 yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365;
        uint256 ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        // slither-disable-next-line divide-before-multiply (rounds as the calendar does)
        uint256 fromMarch = (5 * ofYear + 2) / 153;
        dayOfMonth = ofYear - (153 * fromMarch + 2) / 5 + 1;
        month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
        // slither-disable-next-line divide-before-multiply (rounds as the calendar does)
        year = yearOfEra + shifted / DAYS_OF_ERA * 400 + (month <= 2 ? 1 : 0);
    }

    /// @return day since 1970-01-01
    function toDay(uint256 year, uint256 month, uint256 dayOfMonth) internal pure returns (uint256 day) {
        if (month <= 2) --year;
        uint256 yearOfEra = year % 400;
        uint256 ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + dayOfMonth - 1;
        uint256 ofEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear;
        // slither-disable-next-line divide-before-multiply (rounds as the calendar does)
        return year / 400 * DAYS_OF_ERA + ofEra - DAYS_TO_1970;
    }

    function isLeap(uint256 year) internal pure returns (bool) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    function daysIn(uint256 year, uint256 month) internal pure returns (uint256) {
        if (month == 2) return isLeap(year) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    // ------------------------------------------------------------------------------------------------ recurrences

    function isValid(Recurrence memory r) internal pure returns (bool) {
        if (r.every == Every.INTERVAL) return r.length != 0 && r.month == 0 && r.day == 0 && r.second == 0;
        if (r.length != 0 || r.second >= DAY) return false;
        if (r.every == Every.DAY) return r.month == 0 && r.day == 0;
        if (r.every == Every.WEEK) return r.month == 0 && r.day >= 1 && r.day <= 7;
        if (r.day < 1 || r.day > 31) return false;
        if (r.every == Every.MONTH) return r.month == 0;
        if (r.every == Every.QUARTER) return r.month >= 1 && r.month <= 3;
        return r.every == Every.YEAR && r.month >= 1 && r.month <= 12;
    }

    /// @return the period in which `time` lies, due or not.
    function periodAt(Recurrence memory r, uint256 anchor, uint256 time) internal pure returns (uint256) {
        if (r.every == Every.INTERVAL) return time < anchor ? 0 : (time - anchor) / r.length;
        uint256 day = time / DAY;
        if (r.every == Every.DAY) return day;
        if (r.every == Every.WEEK) return (day + 3) / 7; // 1970-01-01 was a Thursday
        (uint256 year, uint256 month,) = toDate(day);
        if (r.every == Every.YEAR) return year - 1970;
        uint256 months = (year - 1970) * 12 + month - 1;
        return r.every == Every.MONTH ? months : months / 3;
    }

    /// @return the second in which `period` falls due.
    function dueAt(Recurrence memory r, uint256 anchor, uint256 period) internal pure returns (uint256) {
        if (r.every == Every.INTERVAL) return anchor + period * r.length;
        return _dueDay(r, period) * DAY + r.second;
    }

    function _dueDay(Recurrence memory r, uint256 period) private pure returns (uint256) {
        if (r.every == Every.DAY) return period;
        if (r.every == Every.WEEK) return period * 7 + r.day - 4;
        uint256 months = period;
        if (r.every == Every.QUARTER) months = period * 3 + r.month - 1;
        if (r.every == Every.YEAR) months = period * 12 + r.month - 1;
        (uint256 year, uint256 month) = (1970 + months / 12, months % 12 + 1);
        uint256 last = daysIn(year, month);
        return toDay(year, month, r.day < last ? r.day : last);
    }

    /// @return period the first that falls due at `time` or after it.
    function firstFrom(Recurrence memory r, uint256 anchor, uint256 time) internal pure returns (uint256 period) {
        period = periodAt(r, anchor, time);
        if (dueAt(r, anchor, period) < time) ++period;
    }

    /// @return period the last that falls due at `time` or before it; 0 where none does.
    function lastUntil(Recurrence memory r, uint256 anchor, uint256 time) internal pure returns (uint256 period) {
        period = periodAt(r, anchor, time);
        if (period != 0 && dueAt(r, anchor, period) > time) --period;
    }
}
