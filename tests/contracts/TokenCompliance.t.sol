// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IRecoverable} from "../../contracts/interfaces/IRecoverable.sol";
import {Interval} from "../../contracts/libraries/Interval.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";

/// @notice Freezing, seizing, recovering, cancelling by order, pausing.
contract TokenCompliance is TokenScenario {
    // ---- freezing ----

    function test_freeze_binds_what_is_not_held_and_whatever_comes() public {
        _hold(alice.wallet, 300_000);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.AmountFrozen(alice.wallet, 900_000, 900_000, ORDER);
        _freezeAmount(usd, alice.wallet, 900_000);
        assertEq(usd.available(alice.wallet), 0);
        _deposit(usd, alice.wallet, 150_000);
        assertEq(usd.available(alice.wallet), 0);
        _deposit(usd, alice.wallet, 60_000);
        assertEq(usd.available(alice.wallet), 10_000);
    }

    function test_freezes_add_up_and_are_taken_away_by_amount() public {
        _freezeAmount(usd, alice.wallet, 100);
        _freezeAmount(usd, alice.wallet, 50);
        assertEq(usd.frozen(alice.wallet), 150);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.AmountUnfrozen(alice.wallet, 60, 90, ORDER);
        _unfreeze(alice.wallet, 60);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.FrozenTooLittle.selector, 90, 91));
        _unfreeze(alice.wallet, 91);
        _unfreeze(alice.wallet, 90);
        assertEq(usd.available(alice.wallet), MONEY);
    }

    function test_freezing_needs_an_order_and_an_amount() public {
        vm.startPrank(compliance);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.OrderHashMissing.selector));
        usd.freezeAmount(alice.wallet, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        usd.freezeAmount(alice.wallet, 0, ORDER);
        vm.stopPrank();
    }

    function test_stopping_is_at_once_and_loosening_is_delayed() public {
        vm.startPrank(compliance);
        usd.freezeAmount(alice.wallet, 1, ORDER);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, compliance));
        usd.unfreezeAmount(alice.wallet, 1, ORDER);
        vm.stopPrank();
        _delayed(resolution, address(usd), abi.encodeCall(usd.unfreezeAmount, (alice.wallet, 1, ORDER)));
        assertEq(usd.frozen(alice.wallet), 0);
    }

    /// @dev An order that names the lost wallet must bite.
    function test_freezing_a_lost_wallet_freezes_its_successor() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        _freezeAmount(usd, alice.wallet, 70);
        assertEq(usd.frozen(second.addr), 70);
        assertEq(usd.frozen(alice.wallet), 0);
    }

    /// @dev Its money here never moved: the order bites where the money is, not where another token's went.
    function test_what_this_token_did_not_recover_is_frozen_where_it_is() public {
        DepositToken late = _deployToken("Pound deposit", "GBP");
        _wire("DepositToken", address(late));
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        assertEq(registry.resolve(alice.wallet), second.addr);
        _freezeAmount(late, alice.wallet, 70);
        assertEq(late.frozen(alice.wallet), 70);
        assertEq(late.frozen(second.addr), 0);
    }

    function _unfreeze(address wallet, uint256 amount) private {
        vm.prank(seizer);
        usd.unfreezeAmount(wallet, amount, ORDER);
    }

    // ---- seizing ----

    function _seize(address from, address to, uint256 amount, uint256 frozenReleased) private {
        vm.prank(seizer);
        usd.seize(from, to, amount, frozenReleased, ORDER);
    }

    function test_seize_takes_frozen_money_and_lowers_frozen_by_the_order() public {
        _hold(alice.wallet, 300_000);
        _freezeAmount(usd, alice.wallet, 700_000);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Seized(alice.wallet, bob.wallet, 200_000, 50_000, ORDER);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 200_000);
        _seize(alice.wallet, bob.wallet, 200_000, 50_000);
        assertEq(usd.balanceOf(bob.wallet), 200_000);
        assertEq(usd.frozen(alice.wallet), 650_000);
        assertEq(usd.held(alice.wallet), 300_000, "holds are untouched");
        assertEq(_spent(alice.id), 300_000, "no payment of hers");
    }

    function test_seize_releases_no_more_than_it_takes_or_is_frozen() public {
        _freezeAmount(usd, alice.wallet, 100);
        _seize(alice.wallet, bob.wallet, 40, 100);
        assertEq(usd.frozen(alice.wallet), 60);
        _seize(alice.wallet, bob.wallet, 500, 500);
        assertEq(usd.frozen(alice.wallet), 0);
        assertEq(usd.available(alice.wallet), MONEY - 540);
    }

    // OpenZeppelin community, CMTAT: a forced transfer to oneself unfroze.
    function test_seizing_to_the_same_account_unfreezes_nothing() public {
        _freezeAmount(usd, alice.wallet, 100);
        vm.expectRevert(_refused(Path.SEIZE, Reason.SAME_ACCOUNT, alice.wallet, 0, 0));
        _seize(alice.wallet, alice.wallet, 100, 100);
        assertEq(usd.frozen(alice.wallet), 100);
    }

    function test_seizing_from_a_lost_wallet_takes_from_its_successor() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        _seize(alice.wallet, bob.wallet, 100, 0);
        assertEq(usd.balanceOf(second.addr), MONEY - 100);
        vm.expectRevert(_refused(Path.SEIZE, Reason.SAME_ACCOUNT, second.addr, 0, 0));
        _seize(alice.wallet, second.addr, 100, 0);
    }

    function test_seizing_is_announced_and_waits() public {
        bytes memory call_ = abi.encodeCall(usd.seize, (alice.wallet, bob.wallet, 100, 0, ORDER));
        _delayed(resolution, address(usd), call_);
        assertEq(usd.balanceOf(bob.wallet), 100);
    }

    function test_seizing_needs_an_order_and_an_amount() public {
        vm.startPrank(seizer);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.OrderHashMissing.selector));
        usd.seize(alice.wallet, bob.wallet, 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        usd.seize(alice.wallet, bob.wallet, 0, 0, ORDER);
        vm.stopPrank();
    }

    // ---- recovering ----

    function test_recovery_moves_balance_frozen_and_every_hold() public {
        TestNotary other = new TestNotary(address(usd));
        _registerNotary(usd, address(other));
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _transfer(alice.wallet, second.addr, 1000);
        _hold(alice.wallet, 500);
        _hold(second.addr, 30);
        vm.prank(alice.wallet);
        usd.holdAndCall(address(other), 70, "ref", "");
        _freezeAmount(usd, alice.wallet, 400);
        _freezeAmount(usd, second.addr, 5);
        uint256 balance = usd.balanceOf(alice.wallet);
        _delayedRecoveryWithEvents(second.addr, address(other), balance);
        assertEq(usd.balanceOf(alice.wallet), 0);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(usd.frozen(alice.wallet), 0);
        assertEq(usd.balanceOf(second.addr), MONEY);
        assertEq(usd.held(second.addr), 600);
        assertEq(usd.frozen(second.addr), 405);
        assertEq(usd.heldFor(address(notary), second.addr), 530);
        assertEq(usd.heldFor(address(other), second.addr), 70);
        assertEq(usd.available(second.addr), MONEY - 600 - 405);
    }

    function _delayedRecoveryWithEvents(address successor, address other, uint256 balance) private {
        bytes memory call_ = abi.encodeCall(registry.recoverWallet, (alice.wallet, successor, ORDER));
        _schedule(resolution, address(registry), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Recovered(alice.wallet, successor, balance, 400, ORDER);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldMoved(address(notary), alice.wallet, successor, 500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldMoved(other, alice.wallet, successor, 70);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, successor, balance);
        _executeDelayed(resolution, address(registry), call_);
    }

    function test_recovery_to_a_wallet_never_used_here() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _hold(alice.wallet, 500);
        _recover(alice.wallet, second.addr);
        vm.prank(address(notary));
        usd.release(alice.wallet, 500, "ref", 0);
        _transfer(second.addr, bob.wallet, MONEY);
        assertEq(usd.balanceOf(bob.wallet), MONEY);
    }

    function test_recovery_works_while_paused_and_frozen() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _freeze(alice.id);
        _pause(usd);
        _recover(alice.wallet, second.addr);
        assertEq(usd.balanceOf(second.addr), MONEY);
    }

    function test_only_the_registry_recovers() public {
        vm.expectRevert(abi.encodeWithSelector(IRecoverable.OnlyRegistry.selector, resolution));
        vm.prank(resolution);
        usd.recover(alice.wallet, bob.wallet, ORDER);
    }

    function test_an_allowance_of_a_lost_wallet_is_void() public {
        vm.prank(alice.wallet);
        usd.approve(bob.wallet, type(uint256).max);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYER_WALLET_LOST, alice.wallet, 0, 0));
        vm.prank(bob.wallet);
        usd.transferFrom(alice.wallet, bob.wallet, 0);
    }

    // ---- cancelling by order ----

    function test_cancelByOrder_releases_and_freezes_as_much() public {
        _hold(alice.wallet, 500);
        _freezeAmount(usd, alice.wallet, 10);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldCancelledByOrder(address(notary), alice.wallet, "ref", 300, ORDER);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.AmountFrozen(alice.wallet, 300, 310, ORDER);
        vm.prank(address(notary));
        usd.cancelByOrder(alice.wallet, 300, "ref", ORDER);
        assertEq(usd.heldFor(address(notary), alice.wallet), 200);
        assertEq(usd.frozen(alice.wallet), 310);
        assertEq(usd.available(alice.wallet), MONEY - 510);
        assertEq(_spent(alice.id), 500, "a limit is not given back");
    }

    function test_cancelByOrder_needs_an_order() public {
        _hold(alice.wallet, 500);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.OrderHashMissing.selector));
        vm.prank(address(notary));
        usd.cancelByOrder(alice.wallet, 300, "ref", 0);
    }

    // ---- pausing ----

    function _assertPauses(uint256 from, Interval[] memory expected) private view {
        Interval[] memory found = usd.pausesSince(uint40(from));
        assertEq(found.length, expected.length, "pauses");
        for (uint256 i = 0; i < found.length; i++) {
            assertEq(found[i].start, expected[i].start);
            assertEq(found[i].end, expected[i].end);
        }
    }

    function test_pauses_are_remembered_as_intervals() public {
        vm.prank(admin);
        governance.grantRole(6, seizer, 0);
        uint40 t = uint40(block.timestamp);
        _pauseAt(t + 10);
        _unpauseAt(t + 20);
        _pauseAt(t + 30);
        Interval[] memory two = new Interval[](2);
        (two[0], two[1]) = (Interval(t + 10, t + 20), Interval(t + 30, 0));
        _assertPauses(t, two);
        _assertPauses(t + 19, two);
        Interval[] memory one = new Interval[](1);
        one[0] = two[1];
        _assertPauses(t + 20, one);
        _unpauseAt(t + 40);
        one[0].end = t + 40;
        _assertPauses(t + 39, one);
        _assertPauses(t + 40, new Interval[](0));
    }

    function test_pauses_stay_disjoint_and_none_is_empty() public {
        vm.prank(admin);
        governance.grantRole(6, seizer, 0);
        uint40 t = uint40(block.timestamp);
        _pauseAt(t + 10);
        _unpauseAt(t + 10);
        _assertPauses(t, new Interval[](0));
        _pauseAt(t + 20);
        _unpauseAt(t + 30);
        _pauseAt(t + 30);
        _unpauseAt(t + 40);
        Interval[] memory one = new Interval[](1);
        one[0] = Interval(t + 20, t + 40);
        _assertPauses(t, one);
    }

    function _pauseAt(uint40 time) private {
        vm.warp(time);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Paused(pauser);
        _pause(usd);
        assertTrue(usd.paused());
    }

    function _unpauseAt(uint40 time) private {
        vm.warp(time);
        vm.prank(seizer);
        usd.unpause();
        assertFalse(usd.paused());
    }

    function test_pausing_twice_is_an_error() public {
        vm.prank(admin);
        governance.grantRole(6, seizer, 0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.NotPaused.selector));
        vm.prank(seizer);
        usd.unpause();
        _pause(usd);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaused.selector));
        _pause(usd);
    }

    function test_only_the_roles_act() public {
        bytes[] memory calls = new bytes[](9);
        calls[0] = abi.encodeCall(usd.freezeAmount, (alice.wallet, 1, ORDER));
        calls[1] = abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 1, ORDER));
        calls[2] = abi.encodeCall(usd.pause, ());
        calls[3] = abi.encodeCall(usd.setDailyLimit, (alice.id, 1));
        calls[4] = abi.encodeCall(usd.setMintCeiling, (issuer, 1));
        calls[5] = abi.encodeCall(usd.registerNotary, (address(this)));
        calls[6] = abi.encodeCall(usd.runOffNotary, (address(notary)));
        calls[7] = abi.encodeCall(usd.stopNotary, (address(notary)));
        calls[8] = abi.encodeCall(usd.resumeNotary, (address(notary)));
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(alice.wallet);
            (bool done, bytes memory result) = address(usd).call(calls[i]);
            assertFalse(done);
            assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice.wallet));
        }
    }
}
