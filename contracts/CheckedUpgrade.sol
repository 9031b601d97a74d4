// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title A contract whose code changes only to code that answers as it did
/// @notice `upgradeToAndCall` tests the new code in the same transaction: of a higher version, and with the same answers to
/// what the old code asks. An upgrade that fails the test never happened.
abstract contract CheckedUpgrade is UUPSUpgradeable {
    /// @inheritdoc UUPSUpgradeable
    function upgradeToAndCall(address newImplementation, bytes memory data) public payable override onlyProxy {
        if (newImplementation.code.length == 0) revert ERC1967Utils.ERC1967InvalidImplementation(newImplementation);
        _authorizeUpgrade(newImplementation);
        _upgrade(newImplementation, data);
    }

    /// @dev By UpgradeCheck, with the questions for this contract.
    function _upgrade(address newImplementation, bytes memory data) internal virtual;
}
