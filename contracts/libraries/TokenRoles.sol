// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

/// @notice What the token asks its authority about others than the caller of a restricted function.
library TokenRoles {
    /// @dev roles.json: may be the caller of transferFrom without a linked wallet.
    uint64 internal constant OPERATOR = 8;
    /// @dev roles.json: clears what participants with Flags.CLEARANCE pay.
    uint64 internal constant SCREENER = 9;

    /// @return whether `caller` may call that function of this contract, at once or with the delay of its role.
    function mayCall(address caller, bytes4 selector) internal view returns (bool) {
        (bool immediate, uint32 delay) = AuthorityUtils.canCallWithDelay(_authority(), caller, address(this), selector);
        return immediate || delay > 0;
    }

    function isOperator(address caller) internal view returns (bool operator) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (operator,) = IAccessManager(_authority()).hasRole(OPERATOR, caller);
    }

    function isScreener(address signer) internal view returns (bool screener) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (screener,) = IAccessManager(_authority()).hasRole(SCREENER, signer);
    }

    /// @dev By a call, so that it is the same from the token and from the libraries that it runs.
    function _authority() private view returns (address) {
        return IAccessManaged(address(this)).authority();
    }
}
