// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A contract that holds money in place until its own condition is met.
interface INotary {
    /// @notice The token holds `amount` of `payer` for this notary under `ref` and asks it to account for that.
    /// @dev Must revert unless it records the whole hold; there are no orphan holds.
    /// @param data what the notary needs to know of `ref`.
    /// @return `INotary.onHold.selector`.
    function onHold(address payer, uint256 amount, bytes32 ref, bytes calldata data) external returns (bytes4);
}
