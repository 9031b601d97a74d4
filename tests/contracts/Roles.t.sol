// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../contracts/DepositToken.sol";
import {Governance} from "../../contracts/Governance.sol";
import {OrderEscrow} from "../../contracts/OrderEscrow.sol";
import {Reserve} from "../../contracts/Reserve.sol";
import {TitleDocument} from "../../contracts/assets/TitleDocument.sol";
import {UnitToken} from "../../contracts/assets/UnitToken.sol";
import {RegistryBase} from "./base/RegistryBase.sol";

/// @notice `roles.json` names the functions that the contracts have: a misspelt signature would leave one to the admin.
contract RolesTest is RegistryBase {
    function test_roles_name_functions_that_exist() external view {
        _expectSelectors(
            "ParticipantRegistry",
            bytes.concat(
                registry.register.selector,
                registry.renewKyc.selector,
                registry.updateProfile.selector,
                registry.close.selector,
                registry.linkWallet.selector,
                registry.unlinkWallet.selector,
                registry.freeze.selector,
                registry.suspend.selector,
                registry.suspendWallet.selector,
                bytes.concat(
                    registry.unfreeze.selector,
                    registry.reinstate.selector,
                    registry.reinstateWallet.selector,
                    registry.recoverWallet.selector,
                    registry.registerAsset.selector,
                    registry.setSponsorship.selector,
                    registry.addFlags.selector,
                    registry.removeFlags.selector,
                    registry.forbidPair.selector,
                    registry.permitPair.selector,
                    registry.upgradeToAndCall.selector
                )
            )
        );
        _expectSelectors(
            "DepositToken",
            bytes.concat(
                DepositToken.mint.selector,
                DepositToken.instructRedemption.selector,
                DepositToken.settleRedemption.selector,
                DepositToken.returnRedemption.selector,
                DepositToken.setDailyLimit.selector,
                DepositToken.decreaseDailyLimit.selector,
                DepositToken.freezeAmount.selector,
                DepositToken.unfreezeAmount.selector,
                DepositToken.seize.selector,
                DepositToken.rescueHold.selector,
                bytes.concat(
                    DepositToken.pause.selector,
                    DepositToken.stopNotary.selector,
                    DepositToken.runOffNotary.selector,
                    DepositToken.unpause.selector,
                    DepositToken.registerNotary.selector,
                    DepositToken.resumeNotary.selector,
                    DepositToken.setMintCeiling.selector,
                    DepositToken.setMintRate.selector,
                    DepositToken.setReserve.selector,
                    DepositToken.setSponsorCeiling.selector,
                    DepositToken.setRetailTier.selector,
                    registry.upgradeToAndCall.selector
                )
            )
        );
        _expectSelectors(
            "Reserve",
            bytes.concat(
                Reserve.removeAuditor.selector,
                Reserve.addAuditor.selector,
                Reserve.setThreshold.selector,
                Reserve.setCycle.selector,
                Reserve.registerToken.selector,
                registry.upgradeToAndCall.selector
            )
        );
        _expectSelectors("Governance", abi.encodePacked(Governance.dismiss.selector));
        _expectSelectors("OrderEscrow", abi.encodePacked(OrderEscrow.cancelByOrder.selector));
        _expectSelectors("UnitToken", abi.encodePacked(UnitToken.issue.selector, UnitToken.retire.selector));
        _expectSelectors("TitleDocument", abi.encodePacked(TitleDocument.issue.selector, TitleDocument.retire.selector));
    }

    /// @dev Exactly the given ones, in any order.
    function _expectSelectors(string memory contractName, bytes memory selectors) private view {
        string[] memory signatures = vm.parseJsonKeys(rolesJson, string.concat(".functions.", contractName));
        assertEq(signatures.length * 4, selectors.length, contractName);
        for (uint256 i; i < signatures.length; ++i) {
            bytes4 wanted = bytes4(keccak256(bytes(signatures[i])));
            bool found;
            for (uint256 j; j < selectors.length; j += 4) {
                bytes4 selector =
                    bytes4(abi.encodePacked(selectors[j], selectors[j + 1], selectors[j + 2], selectors[j + 3]));
                found = found || selector == wanted;
            }
            assertTrue(found, signatures[i]);
        }
    }
}
