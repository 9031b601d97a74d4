// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice All that is kept of a trade, in one storage word, low bits first:
/// state uint8 | matched bool (8 bits) | holds bool (8 bits) | lotsSettled uint16 | affirmations uint32.
type TradeWord is uint256;

using TradeWords for TradeWord global;

library TradeWords {
    uint256 private constant MATCHED = 1 << 8;
    uint256 private constant HOLDS = 1 << 16;
    uint256 private constant LOTS_AT = 24;
    uint256 private constant AFFIRMATIONS_AT = 40;

    /// @notice ISettlement.State, never Expired.
    function state(TradeWord word) internal pure returns (uint8) {
        return uint8(TradeWord.unwrap(word));
    }

    function isMatched(TradeWord word) internal pure returns (bool) {
        return TradeWord.unwrap(word) & MATCHED != 0;
    }

    /// @notice Whether a hold word was ever written: a trade that settles in one transaction does not pay for that read.
    function hasHolds(TradeWord word) internal pure returns (bool) {
        return TradeWord.unwrap(word) & HOLDS != 0;
    }

    function lotsSettled(TradeWord word) internal pure returns (uint16) {
        return uint16(TradeWord.unwrap(word) >> LOTS_AT);
    }

    function affirmations(TradeWord word) internal pure returns (uint32) {
        return uint32(TradeWord.unwrap(word) >> AFFIRMATIONS_AT);
    }

    /// @param index of the wallet, below 32.
    function isAffirmed(TradeWord word, uint256 index) internal pure returns (bool) {
        return TradeWord.unwrap(word) & (1 << (AFFIRMATIONS_AT + index)) != 0;
    }

    function withState(TradeWord word, uint8 state_) internal pure returns (TradeWord) {
        return TradeWord.wrap((TradeWord.unwrap(word) & ~uint256(type(uint8).max)) | state_);
    }

    function withHolds(TradeWord word) internal pure returns (TradeWord) {
        return TradeWord.wrap(TradeWord.unwrap(word) | HOLDS);
    }

    function withLotsSettled(TradeWord word, uint256 lots) internal pure returns (TradeWord) {
        uint256 others = TradeWord.unwrap(word) & ~(uint256(type(uint16).max) << LOTS_AT);
        return TradeWord.wrap(others | (lots << LOTS_AT));
    }

    /// @param index of the wallet that affirms.
    /// @param wallets how many must.
    function withAffirmation(TradeWord word, uint256 index, uint256 wallets) internal pure returns (TradeWord) {
        uint256 raw = TradeWord.unwrap(word) | (1 << (AFFIRMATIONS_AT + index));
        if (uint32(raw >> AFFIRMATIONS_AT) == (1 << wallets) - 1) raw |= MATCHED;
        return TradeWord.wrap(raw);
    }
}
