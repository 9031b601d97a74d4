// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A trigger is its nodes in postfix order: children before their parent, the root last.
library NodeKind {
    uint8 internal constant AND = 0; // of the two before it
    uint8 internal constant OR = 1; // of the two before it
    uint8 internal constant NOT = 2; // of the one before it
    uint8 internal constant TIME = 3; // from second `value` on
    uint8 internal constant CALENDAR = 4; // on days of a recurrence, from its second to midnight; `value`: see Triggers
    uint8 internal constant BALANCE_AT_LEAST = 5; // source: deposit token, key: wallet (or its successor), value: minor units
    uint8 internal constant BALANCE_AT_MOST = 6;
    uint8 internal constant AVAILABLE_AT_LEAST = 7; // as before, of balance - held - frozen
    uint8 internal constant AVAILABLE_AT_MOST = 8;
    uint8 internal constant MILESTONE = 9; // source: escrow, key: order, value: milestone | bits of IOrderBook.State << 8
    uint8 internal constant ATTESTED = 10; // source: escrow, key: order, value: milestone | last status << 8 | least seq << 16
}
