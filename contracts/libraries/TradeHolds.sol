// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TradeId} from "./Ids.sol";

/// @notice What is held for trades, a word per (trade, token, payer), low bits first: day of the hold (unix seconds /
/// 86,400) uint32 | amount (minor units) uint224. The payer is the wallet that paid, also after its recovery.
library TradeHolds {
    uint256 private constant AMOUNT_AT = 32;

    struct Book {
        mapping(bytes32 key => uint256) words;
    }

    /// @return amount 0: nothing is held.
    function get(Book storage book, TradeId id, address token, address payer)
        internal
        view
        returns (uint256 amount, uint256 day)
    {
        uint256 word = book.words[_key(id, token, payer)];
        return (word >> AMOUNT_AT, word & type(uint32).max);
    }

    function set(Book storage book, TradeId id, address token, address payer, uint256 amount, uint256 day) internal {
        book.words[_key(id, token, payer)] = amount == 0 ? 0 : amount << AMOUNT_AT | day;
    }

    function _key(TradeId id, address token, address payer) private pure returns (bytes32) {
        return keccak256(abi.encode(id, token, payer));
    }
}
