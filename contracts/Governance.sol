// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may do what, and after which delay
/// @notice One AccessManager for all contracts of a platform. Which role calls which function stands in
/// `pyjpm/contracts/roles.json`; deployment reads it. Stopping roles (COMPLIANCE, PAUSER) are granted without an
/// execution delay, loosening and moving ones (RESOLUTION, GOVERNOR, UPGRADER) with one: what they do is announced by
/// `schedule` and can be watched, and cancelled by a guardian, before it happens.
contract Governance is AccessManager {
    /// @param initialAdmin grants the roles; hands over to governance proper and renounces after deployment.
    constructor(address initialAdmin) AccessManager(initialAdmin) {}

    /// @notice Version of this contract, for deployment records.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
