// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Leg} from "./TradeTerms.sol";

/// @notice The wallets of a trade. The place of a wallet in this list is its affirmation bit.
library Wallets {
    uint256 internal constant MOST = 32;

    /// @notice Distinct, in order of appearance: by leg, `from` before `to`.
    function distinct(Leg[] calldata legs) internal pure returns (address[] memory wallets) {
        uint256 n = legs.length;
        wallets = new address[](2 * n);
        uint256 count;
        for (uint256 i; i < n; ++i) {
            count = _append(wallets, count, legs[i].from);
            count = _append(wallets, count, legs[i].to);
        }
        if (count > MOST) revert ISettlement.InvalidTrade("wallets");
        assembly ("memory-safe") {
            mstore(wallets, count)
        }
    }

    function _append(address[] memory wallets, uint256 count, address wallet) private pure returns (uint256) {
        for (uint256 i; i < count; ++i) {
            if (wallets[i] == wallet) return count;
        }
        wallets[count] = wallet;
        return count + 1;
    }

    /// @return index of `wallet`; `wallets.length` if it is not among them.
    function indexOf(address[] memory wallets, address wallet) internal pure returns (uint256 index) {
        while (index < wallets.length && wallets[index] != wallet) ++index;
    }

    /// @return bits one for each place in which `wallet` stands: it may have succeeded another wallet of the trade.
    function bitsOf(address[] memory wallets, address wallet) internal pure returns (uint256 bits) {
        for (uint256 i; i < wallets.length; ++i) {
            if (wallets[i] == wallet) bits |= 1 << i;
        }
    }
}
