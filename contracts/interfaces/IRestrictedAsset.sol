// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What others may ask of a restricted asset: the views of ERC-7943 (uRWA)
/// @notice Said with what this token knows: the registry's standings, `check` and `frozen`.
/// @dev The views only, and so not that standard's interface id: its `forcedTransfer` and `setFrozenTokens` carry no order,
/// without which nobody here seizes or freezes. `seize`, `freezeAmount` and `unfreezeAmount` do that.
interface IRestrictedAsset {
    /// @notice Whether a plain transfer by `from` would pass: `check` on TRANSFER.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool);
    /// @notice Whether the account is a linked wallet of a participant in good standing. Whether it may pay so much, now and
    /// without a clearance, `canTransfer` says.
    function canSend(address account) external view returns (bool);
    /// @notice The same: who may pay may be paid.
    function canReceive(address account) external view returns (bool);
    /// @notice Minor units; may be more than the balance.
    function getFrozenTokens(address account) external view returns (uint256);
}
