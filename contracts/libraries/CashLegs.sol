// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TradeRules} from "./TradeRules.sol";
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
    function collect(Leg[] calldata legs, uint256 first, uint256 count, uint256 lots)
        internal
        pure
        returns (Cash[] memory list)
    {
        uint256 n = legs.length;
        list = new Cash[](n);
        uint256 used;
        for (uint256 i; i < n; ++i) {
            Leg calldata leg = legs[i];
            if (leg.kind != LegKind.CASH) continue;
            (address token, address payer) = (leg.token, leg.from);
            uint256 position = _find(list, used, token, payer);
            Cash memory cash = list[position];
            if (position == used) {
                (cash.token, cash.payer) = (token, payer);
                ++used;
            }
            uint256 amount = leg.amount;
            cash.whole += amount;
            cash.due += TradeRules.quantity(amount, first, count, lots);
        }
        assembly ("memory-safe") {
            mstore(list, used)
        }
    }

    /// @return index of the entry; `list.length` if there is none.
    function find(Cash[] memory list, address token, address payer) internal pure returns (uint256 index) {
        return _find(list, list.length, token, payer);
    }

    function _find(Cash[] memory list, uint256 used, address token, address payer) private pure returns (uint256 i) {
        while (i < used && (list[i].token != token || list[i].payer != payer)) ++i;
    }
}
