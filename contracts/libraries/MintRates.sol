// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IDepositToken} from "../interfaces/IDepositToken.sol";

/// @notice How much an issuer may mint in how much time: a bucket of `amount` that drains over `period`. Two words.
struct MintRate {
    uint88 amount; // minor units; 0 lets nothing pass
    uint32 period; // seconds
    uint40 since; // when `level` was counted
    uint128 level; // what was minted and has not drained yet, in minor units times `period`
}

/// @title The rate of minting
/// @notice In any time of t seconds an issuer mints at most `amount + amount * t / period`.
/// @dev The level is kept in minor units times seconds, where draining is exact. Only what is free is rounded, down.
library MintRates {
    uint256 internal constant MAX_PERIOD = 366 days;

    /// @return free minor units that may be minted now
    function available(MintRate memory rate) internal view returns (uint256 free) {
        if (rate.period == 0) return 0;
        uint256 full = uint256(rate.amount) * rate.period;
        uint256 level = _level(rate);
        return level < full ? (full - level) / rate.period : 0;
    }

    /// @notice Counts a mint that is within what is free.
    function charge(MintRate storage stored, uint256 amount) internal {
        MintRate memory rate = stored;
        stored.level = uint128(_level(rate) + amount * rate.period);
        stored.since = uint40(block.timestamp);
    }

    /// @notice Another rate. What has not drained yet stays, rounded up: a change gives nothing away.
    function change(MintRate storage stored, uint256 amount, uint256 period) internal {
        if (amount > type(uint88).max) revert IDepositToken.AmountTooLarge(amount);
        if (period == 0 || period > MAX_PERIOD) revert IDepositToken.InvalidMintPeriod(period, MAX_PERIOD);
        MintRate memory rate = stored;
        uint256 minted = rate.period == 0 ? 0 : (_level(rate) + rate.period - 1) / rate.period;
        stored.amount = uint88(amount);
        stored.period = uint32(period);
        stored.since = uint40(block.timestamp);
        // slither-disable-next-line divide-before-multiply (rounded up first: a change gives nothing away)
        stored.level = uint128(minted * period);
    }

    function _level(MintRate memory rate) private view returns (uint256) {
        uint256 drained = (block.timestamp - rate.since) * rate.amount;
        return drained < rate.level ? rate.level - drained : 0;
    }
}

// slither-disable-end timestamp
