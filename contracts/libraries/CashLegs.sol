// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {Lots, TradeRules} from "./TradeRules.sol";
import {Leg, LegKind} from "./TradeTerms.sol";

/// @notice The cash of one payer in one token: what its CASH legs come to (minor units).
struct Cash {
    address token;
    address payer;
    uint256 whole; // of the trade: what must be held before anything is delivered
    uint256 due; // of the lots that settle now
    uint256 held; // for this trade, now; 0: not yet
    uint256 day; // of the hold: unix seconds / 86,400
    uint256 consent; // 1 + index of the consent that serves it in this call; 0: none needed, or none given
}

/// @notice Sums a trade's CASH legs by token and payer.
library CashLegs {
    /// @return list one entry per (token, payer), in the order of the legs.
    function collect(Leg[] memory legs, Lots memory lots) internal pure returns (Cash[] memory list) {
        assembly ("memory-safe") {
            list := mload(0x40) // empty, with room for one entry per leg
            mstore(list, 0)
            mstore(0x40, add(add(list, 32), shl(5, mload(legs))))
        }
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            if (leg.kind != LegKind.CASH) continue;
            uint256 due = TradeRules.quantity(leg.amount, lots);
            uint256 index = find(list, leg.token, leg.from);
            if (index == list.length) {
                _append(list, Cash(leg.token, leg.from, leg.amount, due, 0, 0, 0));
            } else {
                list[index].whole += leg.amount;
                list[index].due += due;
            }
        }
    }

    function _append(Cash[] memory list, Cash memory cash) private pure {
        uint256 n = list.length;
        assembly ("memory-safe") {
            mstore(list, add(n, 1))
        }
        list[n] = cash;
    }

    /// @return index of the entry; `list.length` if there is none.
    function find(Cash[] memory list, address token, address payer) internal pure returns (uint256 index) {
        uint256 n = list.length;
        for (; index < n; ++index) {
            Cash memory cash = list[index];
            if (cash.payer == payer && cash.token == token) break;
        }
    }
}

// slither-disable-end assembly
