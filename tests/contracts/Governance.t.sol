// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {Governance} from "../../contracts/Governance.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice Announced acts, those who may call them off, and those who may not.
contract GovernanceTest is TokenScenario {
    address internal secondGuardian = address(0x200C);
    address internal secondAdmin = address(0x20AD);
    address internal stolen = address(0x5701E);

    function setUp() public override {
        super.setUp();
        vm.startPrank(admin);
        governance.grantRole(governance.GUARDIAN(), secondGuardian, 0);
        governance.grantRole(governance.ADMIN_ROLE(), secondAdmin, DELAY);
        governance.grantRole(governance.ADMIN_ROLE(), stolen, DELAY);
        vm.stopPrank();
    }

    function _unfreeze() private view returns (bytes memory) {
        return abi.encodeCall(usd.unfreezeAmount, (alice.wallet, 1, ORDER));
    }

    function _grantCall(string memory role, address account) private view returns (bytes memory) {
        return abi.encodeCall(governance.grantRole, (_roleId(role), account, 0));
    }

    function _revokeCall(uint64 role, address account) private view returns (bytes memory) {
        return abi.encodeCall(governance.revokeRole, (role, account));
    }

    // ---- when ----

    function test_an_announced_act_happens_at_its_second_and_not_after_a_week() public {
        _freezeAmount(usd, alice.wallet, 2);
        _schedule(resolution, address(usd), _unfreeze());
        uint256 due = block.timestamp + DELAY;
        bytes32 operation = governance.hashOperation(resolution, address(usd), _unfreeze());
        assertEq(uint256(governance.getSchedule(operation)), due);
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operation));
        _executeDelayed(resolution, address(usd), _unfreeze());
        uint256 before = vm.snapshotState();
        vm.warp(due + 7 days - 1);
        _executeDelayed(resolution, address(usd), _unfreeze());
        assertEq(usd.frozen(alice.wallet), 1, "in its last second");
        vm.revertToState(before);
        vm.warp(due + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerExpired.selector, operation));
        _executeDelayed(resolution, address(usd), _unfreeze());
        vm.warp(due);
        _executeDelayed(resolution, address(usd), _unfreeze());
        assertEq(usd.frozen(alice.wallet), 1, "in its first second");
    }

    function test_nothing_is_announced_for_sooner_than_its_delay() public {
        _freezeAmount(usd, alice.wallet, 2);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCall.selector);
        vm.prank(resolution);
        governance.schedule(address(usd), _unfreeze(), uint48(block.timestamp) + DELAY - 1);
    }

    function test_what_stops_happens_in_the_same_block() public {
        vm.prank(compliance);
        registry.freeze(alice.id, ORDER);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        _transfer(alice.wallet, bob.wallet, 1);
        _pause(usd);
        assertTrue(usd.paused());
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        assertEq(uint8(usd.notaryStatus(address(notary))), uint8(IDepositToken.NotaryStatus.STOPPED));
    }

    // ---- guardians ----

    function _expectCancelled(address caller, address target, bytes memory data) private {
        _schedule(caller, target, data);
        vm.prank(guardian);
        governance.cancel(caller, target, data);
        vm.warp(block.timestamp + DELAY);
        bytes32 operation = governance.hashOperation(caller, target, data);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        _executeDelayed(caller, target, data);
    }

    function test_a_guardian_cancels_what_any_delayed_role_has_announced() public {
        _expectCancelled(resolution, address(usd), _unfreeze());
        _expectCancelled(
            resolution, address(usd), abi.encodeCall(usd.seize, (alice.wallet, bob.wallet, MONEY, 0, ORDER))
        );
        _expectCancelled(governor, address(usd), abi.encodeCall(usd.setMintCeiling, (issuer, 1)));
        _expectCancelled(limiter, address(usd), abi.encodeCall(usd.setDailyLimit, (alice.id, LIMIT + 1)));
        _expectCancelled(upgrader, address(usd), abi.encodeCall(usd.upgradeToAndCall, (address(usd), "")));
        _expectCancelled(stolen, address(governance), _grantCall("RESOLUTION", stolen));
        bytes memory rewire = abi.encodeCall(governance.updateAuthority, (address(usd), stolen));
        _expectCancelled(stolen, address(governance), rewire);
        assertEq(usd.authority(), address(governance));
    }

    function test_others_cancel_nothing() public {
        _freezeAmount(usd, alice.wallet, 2);
        _schedule(resolution, address(usd), _unfreeze());
        address[4] memory others = [alice.wallet, compliance, upgrader, pauser];
        for (uint256 i; i < others.length; ++i) {
            vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCancel.selector);
            vm.prank(others[i]);
            governance.cancel(resolution, address(usd), _unfreeze());
        }
        vm.prank(resolution);
        governance.cancel(resolution, address(usd), _unfreeze());
        assertEq(uint256(governance.getSchedule(governance.hashOperation(resolution, address(usd), _unfreeze()))), 0);
    }

    function test_a_stolen_guardian_is_got_rid_of() public {
        uint64 role = governance.GUARDIAN();
        bytes memory removal = _revokeCall(role, guardian);
        _schedule(secondAdmin, address(governance), removal);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCancel.selector);
        vm.prank(guardian);
        governance.cancel(secondAdmin, address(governance), removal);
        vm.warp(block.timestamp + DELAY);
        _executeDelayed(secondAdmin, address(governance), removal);
        (bool still,) = governance.hasRole(role, guardian);
        assertFalse(still);
    }

    function test_a_stolen_admin_is_got_rid_of_and_removes_no_guardians() public {
        bytes memory removal = _revokeCall(0, stolen);
        _schedule(secondAdmin, address(governance), removal);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCancel.selector);
        vm.prank(stolen);
        governance.cancel(secondAdmin, address(governance), removal);

        uint64 role = governance.GUARDIAN();
        _schedule(stolen, address(governance), _revokeCall(role, guardian));
        vm.prank(secondGuardian);
        governance.cancel(stolen, address(governance), _revokeCall(role, guardian));
        _schedule(stolen, address(governance), _revokeCall(role, secondGuardian));
        vm.prank(guardian);
        governance.cancel(stolen, address(governance), _revokeCall(role, secondGuardian));

        vm.warp(block.timestamp + DELAY);
        _executeDelayed(secondAdmin, address(governance), removal);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCall.selector);
        _schedule(stolen, address(governance), _grantCall("UPGRADER", stolen));
    }

    function test_who_announced_their_own_removal_may_call_it_off() public {
        bytes memory removal = _revokeCall(0, stolen);
        _schedule(stolen, address(governance), removal);
        vm.prank(stolen);
        governance.cancel(stolen, address(governance), removal);
        assertEq(uint256(governance.getSchedule(governance.hashOperation(stolen, address(governance), removal))), 0);
    }

    // ---- taking away at once ----

    function test_a_guardian_dismisses_a_stolen_issuer_in_the_same_block() public {
        uint64 role = _roleId("ISSUER");
        vm.expectEmit(address(governance));
        emit IAccessManager.RoleRevoked(role, issuer);
        vm.prank(guardian);
        governance.dismiss(role, issuer);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        vm.prank(issuer);
        usd.mint("stolen", alice.wallet, 1);
    }

    function test_what_a_dismissed_account_has_announced_is_void() public {
        _freezeAmount(usd, alice.wallet, 2);
        _schedule(resolution, address(usd), _unfreeze());
        uint64 role = _roleId("RESOLUTION");
        vm.prank(guardian);
        governance.dismiss(role, resolution);
        vm.warp(block.timestamp + DELAY);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCall.selector);
        _executeDelayed(resolution, address(usd), _unfreeze());
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, resolution));
        vm.prank(resolution);
        usd.unfreezeAmount(alice.wallet, 1, ORDER);
    }

    function test_nobody_is_left_without_those_who_stop_or_appoint() public {
        uint64[4] memory roles = [uint64(0), _roleId("COMPLIANCE"), _roleId("PAUSER"), _roleId("GUARDIAN")];
        address[4] memory members = [secondAdmin, compliance, pauser, secondGuardian];
        for (uint256 i; i < roles.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Governance.RoleNotGuarded.selector, roles[i]));
            vm.prank(guardian);
            governance.dismiss(roles[i], members[i]);
        }
    }

    function test_dismissing_needs_the_guardian_and_a_member() public {
        uint64 role = _roleId("ISSUER");
        address[3] memory others = [alice.wallet, compliance, governor];
        for (uint256 i; i < others.length; ++i) {
            vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedAccount.selector);
            vm.prank(others[i]);
            governance.dismiss(role, issuer);
        }
        vm.expectRevert(abi.encodeWithSelector(Governance.NotAMember.selector, role, alice.wallet));
        vm.prank(guardian);
        governance.dismiss(role, alice.wallet);
    }

    // ---- one key, one kind of act ----

    /// @dev A stolen onboarder's key together with a stolen client's must not empty the client's account in a day.
    function test_the_onboarder_raises_no_limit() public {
        bytes memory raise = abi.encodeCall(usd.setDailyLimit, (alice.id, LIMIT + 1));
        vm.startPrank(onboarder);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, onboarder));
        usd.setDailyLimit(alice.id, LIMIT + 1);
        vm.stopPrank();
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        vm.prank(limiter);
        usd.setDailyLimit(alice.id, LIMIT + 1);
        _delayed(limiter, address(usd), raise);
        (uint256 limit,) = usd.dailyLimit(alice.id);
        assertEq(limit, LIMIT + 1);
    }

    function test_compliance_lowers_a_limit_at_once_and_never_raises_it() public {
        vm.startPrank(compliance);
        vm.expectEmit(address(usd));
        emit IDepositToken.DailyLimitSet(alice.id, LIMIT - 1);
        usd.decreaseDailyLimit(alice.id, LIMIT - 1);
        bytes memory refused =
            abi.encodeWithSelector(IDepositToken.LimitNotLower.selector, alice.id, LIMIT - 1, LIMIT - 1);
        vm.expectRevert(refused);
        usd.decreaseDailyLimit(alice.id, LIMIT - 1);
        vm.expectPartialRevert(IDepositToken.LimitNotLower.selector);
        usd.decreaseDailyLimit(alice.id, type(uint256).max);
        usd.decreaseDailyLimit(alice.id, 0);
        vm.stopPrank();
        (uint256 limit, uint256 spent) = usd.dailyLimit(alice.id);
        assertEq(limit, 0);
        assertEq(spent, 0);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        _transfer(alice.wallet, bob.wallet, 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, onboarder));
        vm.prank(onboarder);
        usd.decreaseDailyLimit(bob.id, 0);
    }

    /// @dev What was spent of it today stays spent.
    function testFuzz_lowering_keeps_what_was_spent(uint88 limit, uint64 amount) public {
        amount = uint64(bound(amount, 1, MONEY));
        limit = uint88(bound(limit, 0, LIMIT - 1));
        _transfer(alice.wallet, bob.wallet, amount);
        vm.prank(compliance);
        usd.decreaseDailyLimit(alice.id, limit);
        (uint256 now_, uint256 spent) = usd.dailyLimit(alice.id);
        assertEq(now_, limit);
        assertEq(spent, amount);
    }
}
