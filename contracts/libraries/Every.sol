// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a recurrence counts in.
library Every {
    uint8 internal constant INTERVAL = 0; // of so many seconds, from an anchor on
    uint8 internal constant DAY = 1;
    uint8 internal constant WEEK = 2;
    uint8 internal constant MONTH = 3;
    uint8 internal constant QUARTER = 4;
    uint8 internal constant YEAR = 5;
}
