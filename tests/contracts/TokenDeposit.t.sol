// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Deposits become money once, and money becomes deposits again.
contract TokenDeposit is TokenScenario {
    bytes32 private constant DEPOSIT = keccak256("deposit of the day");
    bytes32 private constant REF = keccak256("redemption 1");

    // ---- minting ----

    function _mint(bytes32 depositRef, address to, uint256 amount) private {
        vm.prank(issuer);
        usd.mint(depositRef, to, amount);
    }

    function test_mint_says_for_which_deposit() public {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.DepositMinted(issuer, bob.wallet, DEPOSIT, 700);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(address(0), bob.wallet, 700);
        _mint(DEPOSIT, bob.wallet, 700);
        assertEq(usd.balanceOf(bob.wallet), 700);
        assertEq(usd.totalSupply(), MONEY + 700);
        assertTrue(usd.mintedFor(DEPOSIT));
        (uint256 ceiling, uint256 outstanding) = usd.mintCeiling(issuer);
        assertEq(ceiling, CEILING);
        assertEq(outstanding, MONEY + 700);
        assertEq(_spent(bob.id), 0);
    }

    function test_a_deposit_mints_once() public {
        _mint(DEPOSIT, bob.wallet, 700);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyMinted.selector, DEPOSIT));
        _mint(DEPOSIT, bob.wallet, 700);
    }

    function test_a_mint_needs_a_reference_and_an_amount() public {
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        _mint(0, bob.wallet, 700);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        _mint(DEPOSIT, bob.wallet, 0);
    }

    // PYUSD, 2025: 300 trillion minted by mistake, no ceiling.
    function test_a_mistyped_mint_meets_the_ceiling() public {
        vm.expectRevert(_refused(Path.MINT, Reason.MINT_CEILING, issuer, CEILING - MONEY, type(uint256).max));
        _mint(DEPOSIT, bob.wallet, type(uint256).max);
    }

    // Paxos: "0 = unlimited".
    function test_an_issuer_without_a_ceiling_mints_nothing() public {
        address second = address(0x3001);
        _grant("ISSUER", second);
        vm.expectRevert(_refused(Path.MINT, Reason.MINT_CEILING, second, 0, 1));
        vm.prank(second);
        usd.mint(DEPOSIT, bob.wallet, 1);
    }

    function test_a_ceiling_is_set_by_governance_and_fits_a_balance() public {
        bytes memory call_ = abi.encodeCall(usd.setMintCeiling, (issuer, uint256(type(uint88).max) + 1));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, uint256(type(uint88).max) + 1));
        _executeDelayed(governor, address(usd), call_);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, uint256(type(uint88).max) + 1));
        _setLimit(usd, alice.id, uint256(type(uint88).max) + 1);
    }

    function test_an_issuer_with_a_delay_announces_its_mints() public {
        address slow = address(0x3002);
        uint64 role = _roleId("ISSUER");
        vm.prank(admin);
        governance.grantRole(role, slow, DELAY);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (slow, 700)));
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (slow, 700, 1 days)));
        bytes memory call_ = abi.encodeCall(usd.mint, (DEPOSIT, bob.wallet, 700));
        assertEq(uint256(usd.check(Path.MINT, slow, address(0), bob.wallet, 700)), uint256(Reason.OK));
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        vm.prank(slow);
        usd.mint(DEPOSIT, bob.wallet, 700);
        _schedule(slow, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.prank(slow);
        usd.mint(DEPOSIT, bob.wallet, 700);
        assertEq(usd.balanceOf(bob.wallet), 700);
    }

    // ---- redemption ----

    function _redeem(uint256 amount) private {
        vm.prank(alice.wallet);
        usd.requestRedemption(amount, REF, "payout");
        lastRedemption[alice.wallet] = REF;
    }

    function _status() private view returns (IDepositToken.RedemptionStatus) {
        return usd.redemptionOf(alice.id, REF).status;
    }

    function test_request_holds_and_charges() public {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Held(address(usd), alice.wallet, REF, 500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.RedemptionRequested(alice.id, alice.wallet, REF, 500, "payout");
        _redeem(500);
        assertEq(usd.heldFor(address(usd), alice.wallet), 500);
        assertEq(_spent(alice.id), 500);
        IDepositToken.Redemption memory redemption = usd.redemptionOf(alice.id, REF);
        assertEq(uint256(redemption.status), uint256(IDepositToken.RedemptionStatus.REQUESTED));
        assertEq(redemption.amount, 500);
        assertEq(redemption.requestedAt, block.timestamp);
        assertEq(redemption.wallet, alice.wallet);
        assertEq(redemption.payoutHash, bytes32("payout"));
    }

    function test_settle_burns_and_makes_room_under_the_ceiling() public {
        _redeem(500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.RedemptionInstructed(alice.id, REF, issuer);
        _instruct(alice.wallet);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.RedemptionSettled(alice.id, REF, alice.wallet, 500, "fiat");
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, address(0), 500);
        vm.prank(issuer);
        usd.settleRedemption(alice.id, REF, "fiat");
        assertEq(usd.totalSupply(), MONEY - 500);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 500);
        assertEq(usd.held(alice.wallet), 0);
        (, uint256 outstanding) = usd.mintCeiling(issuer);
        assertEq(outstanding, MONEY - 500);
        assertEq(uint256(_status()), uint256(IDepositToken.RedemptionStatus.SETTLED));
    }

    function test_settling_what_another_issuer_minted_never_goes_below_zero() public {
        address second = address(0x3001);
        _grant("ISSUER", second);
        _redeem(500);
        vm.startPrank(second);
        usd.instructRedemption(alice.id, REF);
        usd.settleRedemption(alice.id, REF, "fiat");
        vm.stopPrank();
        (, uint256 outstanding) = usd.mintCeiling(second);
        assertEq(outstanding, 0);
        (, outstanding) = usd.mintCeiling(issuer);
        assertEq(outstanding, MONEY);
    }

    function test_return_gives_money_and_limit_back() public {
        _redeem(500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldReleased(address(usd), alice.wallet, REF, 500, _today());
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.RedemptionReturned(alice.id, REF, alice.wallet, 500, 0);
        vm.prank(issuer);
        usd.returnRedemption(alice.id, REF, 0);
        assertEq(usd.available(alice.wallet), MONEY);
        assertEq(_spent(alice.id), 0);
        assertEq(uint256(_status()), uint256(IDepositToken.RedemptionStatus.RETURNED));
    }

    function test_return_on_another_day_gives_no_limit_back() public {
        _redeem(500);
        vm.warp(block.timestamp + 1 days);
        _transfer(alice.wallet, bob.wallet, 40);
        vm.prank(issuer);
        usd.returnRedemption(alice.id, REF, 0);
        assertEq(_spent(alice.id), 40);
    }

    function test_once_instructed_a_return_needs_evidence() public {
        _redeem(500);
        _instruct(alice.wallet);
        vm.startPrank(issuer);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.EvidenceMissing.selector));
        usd.returnRedemption(alice.id, REF, 0);
        usd.returnRedemption(alice.id, REF, "the fiat came back");
        vm.stopPrank();
        assertEq(usd.available(alice.wallet), MONEY);
    }

    function test_a_redemption_goes_its_way_only() public {
        vm.startPrank(issuer);
        _expectNotIn(IDepositToken.RedemptionStatus.REQUESTED, IDepositToken.RedemptionStatus.NONE);
        usd.instructRedemption(alice.id, REF);
        vm.stopPrank();
        _redeem(500);
        vm.startPrank(issuer);
        _expectNotIn(IDepositToken.RedemptionStatus.INSTRUCTED, IDepositToken.RedemptionStatus.REQUESTED);
        usd.settleRedemption(alice.id, REF, "fiat");
        usd.instructRedemption(alice.id, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        usd.settleRedemption(alice.id, REF, 0);
        _expectNotIn(IDepositToken.RedemptionStatus.REQUESTED, IDepositToken.RedemptionStatus.INSTRUCTED);
        usd.instructRedemption(alice.id, REF);
        usd.settleRedemption(alice.id, REF, "fiat");
        _expectNotIn(IDepositToken.RedemptionStatus.INSTRUCTED, IDepositToken.RedemptionStatus.SETTLED);
        usd.settleRedemption(alice.id, REF, "fiat");
        _expectNotIn(IDepositToken.RedemptionStatus.REQUESTED, IDepositToken.RedemptionStatus.SETTLED);
        usd.returnRedemption(alice.id, REF, "evidence");
        vm.stopPrank();
        assertEq(usd.totalSupply(), MONEY - 500, "burnt once");
    }

    function _expectNotIn(IDepositToken.RedemptionStatus expected, IDepositToken.RedemptionStatus actual) private {
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.RedemptionNotIn.selector, expected, actual));
    }

    function test_a_redemption_reference_is_the_participants_and_serves_once() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _transfer(alice.wallet, second.addr, 1000);
        _redeem(500);
        vm.prank(issuer);
        usd.returnRedemption(alice.id, REF, 0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.RedemptionExists.selector, alice.id, REF));
        vm.prank(second.addr);
        usd.requestRedemption(500, REF, "payout");
        assertFalse(usd.paid(alice.id, REF), "apart from references of payments");
    }

    function test_a_request_needs_a_reference_an_amount_and_the_money() public {
        vm.startPrank(alice.wallet);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        usd.requestRedemption(500, 0, "payout");
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        usd.requestRedemption(0, REF, "payout");
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        usd.requestRedemption(500, REF, 0);
        vm.expectRevert(_refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MONEY + 1));
        usd.requestRedemption(MONEY + 1, REF, "payout");
        vm.stopPrank();
    }

    function test_a_redemption_follows_the_successor() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _redeem(500);
        _instruct(alice.wallet);
        _recover(alice.wallet, second.addr);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.RedemptionSettled(alice.id, REF, second.addr, 500, "fiat");
        vm.prank(issuer);
        usd.settleRedemption(alice.id, REF, "fiat");
        assertEq(usd.balanceOf(second.addr), MONEY - 500);
        assertEq(usd.held(second.addr), 0);
    }
}
