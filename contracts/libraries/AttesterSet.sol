// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What is kept of an attester set, in one storage word, low bits first: administrator uint32 | minimumSize uint8 |
/// size uint8 | epoch uint32 | epochSince uint40. 0: there is no such set.
type AttesterSet is uint256;

using AttesterSetWords for AttesterSet global;

library AttesterSetWords {
    /// @notice The participant that changes the set.
    function administrator(AttesterSet set) internal pure returns (uint32) {
        return uint32(AttesterSet.unwrap(set));
    }

    function minimumSize(AttesterSet set) internal pure returns (uint256) {
        return uint8(AttesterSet.unwrap(set) >> 32);
    }

    /// @notice At least 1 where the set exists.
    function epoch(AttesterSet set) internal pure returns (uint256) {
        return uint32(AttesterSet.unwrap(set) >> 48);
    }

    /// @notice Unix seconds.
    function epochSince(AttesterSet set) internal pure returns (uint256) {
        return uint40(AttesterSet.unwrap(set) >> 80);
    }
}
