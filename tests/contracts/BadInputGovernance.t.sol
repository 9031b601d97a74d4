// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Governance} from "../../contracts/Governance.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {GovernanceBase} from "./base/GovernanceBase.sol";

/// @notice What Governance adds to OpenZeppelin's AccessManager, function by function.
contract BadInputGovernance is GovernanceBase, BadInputTable {
    function setUp() public override {
        super.setUp();
        subject = address(governance);
    }

    function test_dismiss() external {
        uint64[4] memory unguarded = [0, 99, _roleId("COMPLIANCE"), type(uint64).max];
        for (uint256 i; i < 4; ++i) {
            _refuses(
                guardian,
                abi.encodeCall(governance.dismiss, (unguarded[i], issuer)),
                abi.encodeWithSelector(Governance.RoleNotGuarded.selector, unguarded[i])
            );
        }
        uint64 role = _roleId("ISSUER");
        address[2] memory strangers = [address(0), compliance];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                guardian,
                abi.encodeCall(governance.dismiss, (role, strangers[i])),
                abi.encodeWithSelector(Governance.NotAMember.selector, role, strangers[i])
            );
        }
    }
}
