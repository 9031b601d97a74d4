// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {UpgradeCheck} from "./libraries/UpgradeCheck.sol";

/// @title A contract whose code changes only to code that answers as it did
/// @notice `upgradeToAndCall` tests the new code in the same transaction: of a higher version, and with the same answers to
/// what the old code asks. An upgrade that fails the test never happened.
abstract contract CheckedUpgrade is UUPSUpgradeable {
    /// @inheritdoc UUPSUpgradeable
    function upgradeToAndCall(address newImplementation, bytes memory data) public payable override {
        if (newImplementation.code.length == 0) revert ERC1967Utils.ERC1967InvalidImplementation(newImplementation);
        bytes memory snapshot = _snapshot();
        super.upgradeToAndCall(newImplementation, data);
        UpgradeCheck.confirm(snapshot);
    }

    /// @dev By UpgradeCheck: what the present code answers.
    function _snapshot() internal view virtual returns (bytes memory);
}
