// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

/// @notice Until when a signature may be brought: no later than it says, and not when it says a time out of all reason,
/// as one in milliseconds would.
library Deadlines {
    /// @dev As far as the dates of an order and the expiry of a trade.
    uint256 internal constant MAX_AHEAD = 1096 days;

    /// @dev One comparison for both: what is over is, so counted, further ahead than anything.
    function isOpen(uint256 deadline) internal view returns (bool) {
        unchecked {
            return deadline - block.timestamp <= MAX_AHEAD;
        }
    }

    function latest() internal view returns (uint256) {
        return block.timestamp + MAX_AHEAD;
    }
}

// slither-disable-end timestamp
