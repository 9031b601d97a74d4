// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may do what, and after which delay
/// @notice One AccessManager for all contracts of a platform. Which role calls which function stands in
/// `pyjpm/contracts/roles.json`; deployment reads it. What stops has no execution delay (COMPLIANCE, PAUSER); what loosens
/// or moves has one (RESOLUTION, GOVERNOR, LIMITER, UPGRADER, the admin): it is announced by `schedule`, can be watched,
/// and be cancelled by a guardian before it happens.
/// - The admin has a guardian too, unlike in OpenZeppelin: otherwise nobody but the admins could call off what a stolen
///   admin key has announced.
/// - Nobody calls off their own removal, or a stolen key that may cancel could never be got rid of.
/// - Granting waits, taking away does not have to (`dismiss`).
contract Governance is AccessManager {
    /// @notice May cancel what is scheduled and dismiss whom it guards; can grant, loosen and move nothing. In roles.json.
    uint64 public constant GUARDIAN = 12;

    error RoleNotGuarded(uint64 roleId);
    error NotAMember(uint64 roleId, address account);

    /// @param initialAdmin grants the roles; hands over to governance proper and renounces after deployment.
    constructor(address initialAdmin) AccessManager(initialAdmin) {}

    /// @notice Takes a role away at once: a stolen key must not keep it for as long as governance needs.
    /// @dev By a guardian, and of guarded roles only: not the admin's, without whom nobody could be appointed again, nor
    /// those of the stopping roles, without whom nothing could be stopped. What the account has scheduled is void with it.
    function dismiss(uint64 roleId, address account) external onlyAuthorized {
        if (roleId == ADMIN_ROLE || getRoleGuardian(roleId) != GUARDIAN) revert RoleNotGuarded(roleId);
        if (!_revokeRole(roleId, account)) revert NotAMember(roleId, account);
    }

    /// @notice As in OpenZeppelin, where the admin role has itself for a guardian and no other can be set.
    function getRoleGuardian(uint64 roleId) public view override returns (uint64) {
        return roleId == ADMIN_ROLE ? GUARDIAN : super.getRoleGuardian(roleId);
    }

    /// @notice Version of this contract, for deployment records.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    function _canCancel(address caller, address target, bytes calldata data) internal view override returns (bool) {
        bool removesSender = caller != msg.sender && target == address(this) && data.length >= 0x44
            && bytes4(data) == this.revokeRole.selector && abi.decode(data[0x24:0x44], (address)) == msg.sender;
        return !removesSender && super._canCancel(caller, target, data);
    }
}
