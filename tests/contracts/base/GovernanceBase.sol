// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Governance} from "../../../contracts/Governance.sol";
import {Test} from "./Test.sol";

/// @notice Governance with one holder per role, wired as `roles.json` says: the file that deployment reads.
/// The delayed roles act through `_delayed`, which schedules, waits and executes as they must on a real chain.
abstract contract GovernanceBase is Test {
    uint32 internal constant DELAY = 2 days;
    uint256 internal constant START = 1_780_000_000; // 2026-05-28 20:26:40 UTC

    string internal rolesJson;
    Governance internal governance;

    address internal admin = address(0xAD);
    address internal issuer = address(0x1001);
    address internal onboarder = address(0x1002);
    address internal compliance = address(0x1003);
    address internal resolution = address(0x1004);
    address internal pauser = address(0x1005);
    address internal governor = address(0x1006);
    address internal upgrader = address(0x1007);
    address internal operator = address(0x1008);
    address internal guardian = address(0x100C);
    address internal limiter = address(0x100D);
    address internal registrar = address(0x100E);
    address internal constant SWIFT = address(0x1009); // RESOLUTION, GOVERNOR and LIMITER without a delay, for fixtures
    bool private _swift;

    function setUp() public virtual {
        vm.warp(START);
        rolesJson = vm.readFile("pyjpm/contracts/roles.json");
        governance = new Governance(admin);
        _grant("ISSUER", issuer);
        _grant("ONBOARDER", onboarder);
        _grant("COMPLIANCE", compliance);
        _grant("RESOLUTION", resolution);
        _grant("PAUSER", pauser);
        _grant("GOVERNOR", governor);
        _grant("UPGRADER", upgrader);
        _grant("OPERATOR", operator);
        _grant("GUARDIAN", guardian);
        _grant("LIMITER", limiter);
        _grant("REGISTRAR", registrar);
        _guard();
        _wire("Governance", address(governance));
        vm.startPrank(admin);
        governance.grantRole(_roleId("RESOLUTION"), SWIFT, 0);
        governance.grantRole(_roleId("GOVERNOR"), SWIFT, 0);
        governance.grantRole(_roleId("LIMITER"), SWIFT, 0);
        vm.stopPrank();
    }

    function _roleId(string memory role) internal view returns (uint64) {
        return uint64(vm.parseJsonUint(rolesJson, string.concat(".roles.", role, ".id")));
    }

    function _grant(string memory role, address account) internal {
        bool delayed = vm.parseJsonBool(rolesJson, string.concat(".roles.", role, ".delayed"));
        vm.prank(admin);
        governance.grantRole(_roleId(role), account, delayed ? DELAY : 0);
        vm.label(account, role);
    }

    /// @dev The guardian's reach as deployment sets it: every role but those that stop.
    function _guard() private {
        string[] memory names = vm.parseJsonKeys(rolesJson, ".roles");
        for (uint256 i; i < names.length; ++i) {
            if (_stops(names[i])) continue;
            vm.prank(admin);
            governance.setRoleGuardian(_roleId(names[i]), _roleId("GUARDIAN"));
        }
    }

    function _stops(string memory role) internal view returns (bool) {
        return vm.keyExistsJson(rolesJson, string.concat(".roles.", role, ".stops"));
    }

    /// @dev Gives every function that `roles.json` lists under `contractName` to its role.
    function _wire(string memory contractName, address target) internal {
        string memory section = string.concat(".functions.", contractName);
        string[] memory signatures = vm.parseJsonKeys(rolesJson, section);
        vm.startPrank(admin);
        for (uint256 i; i < signatures.length; ++i) {
            string memory role = vm.parseJsonString(rolesJson, string.concat(section, "['", signatures[i], "']"));
            bytes4[] memory selectors = new bytes4[](1);
            selectors[0] = bytes4(keccak256(bytes(signatures[i])));
            governance.setTargetFunctionRole(target, selectors, _roleId(role));
        }
        vm.stopPrank();
        vm.label(target, contractName);
    }

    /// @dev From here on what is delayed happens at once, for handlers to whom every loosening would else cost days.
    function _beSwift() internal {
        _swift = true;
    }

    /// @dev A delayed act, announced, waited for and executed. Time passes: DELAY.
    function _delayed(address actor, address target, bytes memory data) internal {
        if (_swift) {
            vm.prank(SWIFT);
            (bool ok,) = target.call(data);
            assertTrue(ok, "a delayed act");
            return;
        }
        _schedule(actor, target, data);
        vm.warp(block.timestamp + DELAY);
        _executeDelayed(actor, target, data);
    }

    function _schedule(address actor, address target, bytes memory data) internal {
        vm.prank(actor);
        governance.schedule(target, data, 0);
    }

    function _executeDelayed(address actor, address target, bytes memory data) internal {
        vm.prank(actor);
        governance.execute(target, data);
    }
}
