// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IRecoverable} from "./IRecoverable.sol";

/// @title Units of something that can be delivered: ERC-20 with permit (EIP-2612), indivisible
interface IUnitToken is IRecoverable {
    /// @dev Each stands beside the Transfer that it explains.
    event UnitsIssued(address indexed to, uint256 amount);
    event UnitsRetired(address indexed from, uint256 amount);
    event UnitsRecovered(address indexed lost, address indexed successor, uint256 amount, bytes32 orderHash);

    /// @notice No units at all, or more than `most`: together never more than a leg of a trade can deliver.
    error InvalidUnits(uint256 amount, uint256 most);

    /// @notice By the registrar: brings units into being.
    function issue(address to, uint256 amount) external;

    /// @notice By the registrar, out of its own units or its allowance from `from`: nobody's units vanish unasked.
    function retire(address from, uint256 amount) external;

    /// @notice The participant registry, which alone may move a lost wallet's units.
    function registry() external view returns (address);
    function version() external pure returns (string memory);
}
