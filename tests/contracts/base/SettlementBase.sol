// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Settlement} from "../../../contracts/Settlement.sol";
import {TitleDocument} from "../../../contracts/assets/TitleDocument.sol";
import {UnitToken} from "../../../contracts/assets/UnitToken.sol";
import {TokenBase} from "./TokenBase.sol";

/// @notice Tokens with the settlement as their notary, and one asset of each kind to deliver.
abstract contract SettlementBase is TokenBase {
    Settlement internal settlement;
    UnitToken internal units;
    TitleDocument internal titles;

    function setUp() public virtual override {
        super.setUp();
        settlement = new Settlement(address(registry));
        vm.label(address(settlement), "Settlement");
        units = new UnitToken(address(registry), address(governance), "Copper warrants", "CU");
        titles = new TitleDocument(address(registry), address(governance), "Bills of lading", "BL");
        _wire("UnitToken", address(units));
        _wire("TitleDocument", address(titles));
        _registerAsset(address(units), false);
        _registerAsset(address(titles), false);
        _registerNotary(usd, address(settlement));
        _registerNotary(eur, address(settlement));
    }

    function _issueUnits(address to, uint256 amount) internal {
        vm.prank(registrar);
        units.issue(to, amount);
    }

    function _issueTitle(address to, uint256 id) internal {
        vm.prank(registrar);
        titles.issue(to, id, keccak256(abi.encode("document", id)));
    }
}
