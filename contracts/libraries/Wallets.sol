// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Leg} from "./TradeTerms.sol";

/// @notice The wallets of a trade. The place of a wallet in this list is its affirmation bit.
library Wallets {
    uint256 internal constant MOST = 32;

    /// @notice Distinct, in order of appearance: by leg, `from` before `to`.
    function distinct(Leg[] memory legs) internal pure returns (address[] memory wallets) {
        uint256 n = legs.length;
        assembly ("memory-safe") {
            wallets := mload(0x40) // empty, with room for two to a leg
            mstore(wallets, 0)
            mstore(0x40, add(add(wallets, 32), shl(6, n)))
        }
        for (uint256 i; i < n; ++i) {
            Leg memory leg = legs[i];
            _append(wallets, leg.from);
            _append(wallets, leg.to);
        }
        if (wallets.length > MOST) revert ISettlement.InvalidTrade("wallets");
    }

    function _append(address[] memory wallets, address wallet) private pure {
        uint256 n = wallets.length;
        if (indexOf(wallets, wallet) < n) return;
        _setLength(wallets, n + 1);
        wallets[n] = wallet;
    }

    function _setLength(address[] memory wallets, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(wallets, length)
        }
    }

    /// @return index of `wallet`; `wallets.length` if it is not among them.
    /// @dev Asked of every wallet several times a settlement, hence by hand.
    function indexOf(address[] memory wallets, address wallet) internal pure returns (uint256 index) {
        assembly ("memory-safe") {
            let start := add(wallets, 32)
            let end := add(start, shl(5, mload(wallets)))
            let place := start
            for {} lt(place, end) { place := add(place, 32) } {
                if eq(mload(place), wallet) { break }
            }
            index := shr(5, sub(place, start))
        }
    }

    /// @return bits one for each place in which `wallet` stands: it may have succeeded another wallet of the trade.
    function bitsOf(address[] memory wallets, address wallet) internal pure returns (uint256 bits) {
        for (uint256 i; i < wallets.length; ++i) {
            if (wallets[i] == wallet) bits |= 1 << i;
        }
    }

    /// @return others the wallets whose bits are not in `bits`.
    function without(address[] memory wallets, uint256 bits) internal pure returns (address[] memory others) {
        others = new address[](wallets.length);
        _setLength(others, 0);
        for (uint256 i; i < wallets.length; ++i) {
            if (bits & (1 << i) == 0) _append(others, wallets[i]);
        }
    }
}

// slither-disable-end assembly
