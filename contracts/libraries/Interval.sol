// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A time in which somebody, or everybody, was stopped, in unix seconds. `end` 0: it lasts.
struct Interval {
    uint40 start;
    uint40 end;
}
