// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a token or asset contract answers to the registry when a wallet is lost.
// slither-disable-next-line missing-inheritance (its code, run by the contract that has that face)
interface IRecoverable {
    error OnlyRegistry(address caller);

    /// @notice Moves everything that `lost` has here to `successor`. Only the participant registry calls it.
    function recover(address lost, address successor, bytes32 orderHash) external;
}
