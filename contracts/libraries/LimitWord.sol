// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A participant's daily limit in this currency and what it has spent of it, low bits first:
/// limit uint88 | spent uint88 | day uint32 (UTC day of `spent`, unix seconds / 86,400). A limit of 0 lets nothing pass.
type LimitWord is uint256;

using LimitWords for LimitWord global;

library LimitWords {
    uint256 private constant SPENT_AT = 88;
    uint256 private constant DAY_AT = 176;

    function limit(LimitWord word) internal pure returns (uint256) {
        return LimitWord.unwrap(word) & type(uint88).max;
    }

    function spentOn(LimitWord word, uint256 day) internal pure returns (uint256) {
        if (LimitWord.unwrap(word) >> DAY_AT != day) return 0;
        return (LimitWord.unwrap(word) >> SPENT_AT) & type(uint88).max;
    }

    /// @notice What may still be spent on `day`; 0 where the limit was lowered below what was spent.
    function remainingOn(LimitWord word, uint256 day) internal pure returns (uint256) {
        (uint256 most, uint256 spent) = (word.limit(), word.spentOn(day));
        unchecked {
            return spent < most ? most - spent : 0;
        }
    }

    /// @return passes whether `amount` more may be spent on `day`; then
    /// @return charged the word with it, and
    /// @return remaining what may be spent without it.
    function charge(LimitWord word, uint256 day, uint256 amount)
        internal
        pure
        returns (bool passes, LimitWord charged, uint256 remaining)
    {
        uint256 raw = LimitWord.unwrap(word);
        uint256 most = uint88(raw);
        uint256 spent = raw >> DAY_AT == day ? uint88(raw >> SPENT_AT) : 0;
        unchecked {
            remaining = spent < most ? most - spent : 0;
            if (amount > remaining) return (false, word, remaining);
            return (true, LimitWord.wrap(most | (spent + amount) << SPENT_AT | day << DAY_AT), remaining);
        }
    }

    function withSpent(LimitWord word, uint256 day, uint256 spent) internal pure returns (LimitWord) {
        return LimitWord.wrap(word.limit() | spent << SPENT_AT | day << DAY_AT);
    }

    function withLimit(LimitWord word, uint88 limit_) internal pure returns (LimitWord) {
        return LimitWord.wrap((LimitWord.unwrap(word) & ~uint256(type(uint88).max)) | limit_);
    }
}
