// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";
import {TestNotary} from "./mocks/token/TestNotary.sol";

/// @notice Money held in place: by consent and by call, executed, released, rescued; notaries and what they may.
contract TokenHold is TokenScenario {
    bytes32 private constant REF = keccak256("order 1, milestone 0");

    function _consent(uint256 key, address payer, uint256 amount, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        return _signConsent(key, usd, payer, address(notary), amount, REF, nonce, deadline);
    }

    function _holdByConsent(address payer, uint256 amount, uint256 nonce, uint256 deadline, bytes memory signature)
        private
    {
        vm.prank(address(notary));
        usd.hold(payer, amount, REF, nonce, deadline, signature);
    }

    // ---- by consent ----

    function test_hold_by_consent_earmarks_and_charges() public {
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Held(address(notary), alice.wallet, REF, 500);
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
        assertEq(usd.balanceOf(alice.wallet), MONEY, "title stays with the payer");
        assertEq(usd.held(alice.wallet), 500);
        assertEq(usd.heldFor(address(notary), alice.wallet), 500);
        assertEq(usd.available(alice.wallet), MONEY - 500);
        assertEq(_spent(alice.id), 500);
        assertTrue(usd.consentSpent(alice.wallet, 7));
        assertFalse(usd.consentSpent(alice.wallet, 8));
    }

    function test_a_consent_serves_once() public {
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
    }

    function test_a_consent_serves_until_its_deadline() public {
        uint256 deadline = block.timestamp + 60;
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, deadline);
        uint256 before = vm.snapshotState();
        vm.warp(deadline);
        _holdByConsent(alice.wallet, 500, 7, deadline, signature);
        vm.revertToState(before);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, deadline, deadline + 1));
        _holdByConsent(alice.wallet, 500, 7, deadline, signature);
    }

    function test_a_cancelled_consent_does_not_serve() public {
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.ConsentCancelled(alice.wallet, 7);
        vm.prank(alice.wallet);
        usd.cancelConsent(7);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        vm.prank(alice.wallet);
        usd.cancelConsent(7);
    }

    function test_a_consent_is_for_its_payer_notary_amount_and_reference() public {
        bytes memory invalid = abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet);
        bytes memory signature = _consent(bob.key, alice.wallet, 500, 7, block.timestamp);
        vm.expectRevert(invalid);
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
        signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        vm.expectRevert(invalid);
        _holdByConsent(alice.wallet, 501, 7, block.timestamp, signature);
        vm.expectRevert(invalid);
        vm.prank(address(notary));
        usd.hold(alice.wallet, 500, keccak256("another order"), 7, block.timestamp, signature);
        address other = address(new TestNotary(address(usd)));
        vm.expectRevert(invalid);
        vm.prank(other);
        usd.hold(alice.wallet, 500, REF, 7, block.timestamp, signature);
    }

    // SwapVault: signatures without chain or contract in the digest replay.
    function test_a_consent_is_for_one_token_on_one_chain() public {
        _deposit(eur, alice.wallet, 500);
        _registerNotary(eur, address(notary));
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        bytes memory invalid = abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet);
        vm.expectRevert(invalid);
        vm.prank(address(notary));
        eur.hold(alice.wallet, 500, REF, 7, block.timestamp, signature);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(invalid);
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
    }

    function test_a_contract_wallet_consents_by_erc1271() public {
        ContractWallet wallet = new ContractWallet(bob.wallet);
        bytes32 identity = _profile("treasury safe").identityHash;
        bytes memory linking = _signLink(bob.key, identity, address(wallet), block.timestamp);
        vm.prank(onboarder);
        uint32 id = registry.register(_profile("treasury safe"), address(wallet), block.timestamp, linking);
        _setLimit(usd, id, LIMIT);
        _deposit(usd, address(wallet), 500);
        bytes memory signature = _consent(bob.key, address(wallet), 500, 1, block.timestamp);
        _holdByConsent(address(wallet), 500, 1, block.timestamp, signature);
        assertEq(usd.heldFor(address(notary), address(wallet)), 500);
    }

    function test_a_lost_wallets_consent_is_void() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        uint256 deadline = block.timestamp + 30 days;
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, deadline);
        _recover(alice.wallet, second.addr);
        vm.expectRevert(_refused(Path.HOLD, Reason.PAYER_WALLET_LOST, alice.wallet, 0, 0));
        _holdByConsent(alice.wallet, 500, 7, deadline, signature);
    }

    function test_nothing_is_not_held() public {
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        _hold(alice.wallet, 0);
    }

    // ---- by the payer's own call ----

    function test_holdAndCall_has_the_notary_account_for_it() public {
        vm.prank(alice.wallet);
        usd.holdAndCall(address(notary), 500, REF, "terms");
        assertEq(usd.heldFor(address(notary), alice.wallet), 500);
        assertEq(notary.payer(), alice.wallet);
        assertEq(notary.amount(), 500);
        assertEq(notary.ref(), REF);
        assertEq(notary.data(), "terms");
    }

    function test_no_orphan_holds() public {
        notary.answerWith(0xdeadbeef);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.NotaryRefusedHold.selector, address(notary)));
        _hold(alice.wallet, 500);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, address(usd)));
        vm.prank(alice.wallet);
        usd.holdAndCall(address(usd), 500, REF, "");
        assertEq(usd.held(alice.wallet), 0);
    }

    // ---- a notary that calls back ----

    function test_a_notary_may_execute_from_within_the_hold() public {
        notary.reenterWith(abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, 500, REF)));
        _hold(alice.wallet, 500);
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(usd.held(alice.wallet), 0);
    }

    function test_a_notary_takes_no_more_than_its_hold_from_within() public {
        _hold(alice.wallet, 100);
        notary.reenterWith(abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, 601, REF)));
        vm.expectRevert(_refused(Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 600, 601));
        _hold(alice.wallet, 500);
        assertEq(usd.heldFor(address(notary), alice.wallet), 100);
    }

    function test_a_notary_reuses_no_consent_from_within() public {
        bytes memory signature = _consent(alice.key, alice.wallet, 500, 7, block.timestamp);
        _holdByConsent(alice.wallet, 500, 7, block.timestamp, signature);
        notary.reenterWith(abi.encodeCall(usd.hold, (alice.wallet, 500, REF, 7, block.timestamp, signature)));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        _hold(alice.wallet, 1);
    }

    function test_a_notary_spends_no_money_of_the_payer_from_within() public {
        notary.reenterWith(abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, 1)));
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_REFUSED, address(notary), 0, 0));
        _hold(alice.wallet, 1);
    }

    // ---- execution ----

    function test_execute_pays_out_of_the_hold() public {
        _hold(alice.wallet, 500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldExecuted(address(notary), alice.wallet, bob.wallet, 300, REF);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 300);
        vm.prank(address(notary));
        usd.execute(alice.wallet, bob.wallet, 300, REF);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 300);
        assertEq(usd.held(alice.wallet), 200);
        assertEq(usd.balanceOf(bob.wallet), 300);
        assertEq(_spent(alice.id), 500, "charged when it was held");
    }

    function test_execute_to_the_payer_frees_it() public {
        _hold(alice.wallet, 500);
        vm.prank(address(notary));
        usd.execute(alice.wallet, alice.wallet, 500, REF);
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(usd.available(alice.wallet), MONEY);
    }

    function test_notaries_do_not_reach_each_others_holds() public {
        TestNotary other = new TestNotary(address(usd));
        _registerNotary(usd, address(other));
        _hold(alice.wallet, 500);
        vm.expectRevert(_refused(Path.EXECUTE, Reason.INSUFFICIENT_HELD, alice.wallet, 0, 1));
        vm.prank(address(other));
        usd.execute(alice.wallet, bob.wallet, 1, REF);
        vm.prank(alice.wallet);
        usd.holdAndCall(address(other), 70, REF, "");
        assertEq(usd.held(alice.wallet), 570);
        assertEq(usd.heldFor(address(other), alice.wallet), 70);
    }

    function test_frozen_amounts_do_not_bind_what_is_held() public {
        _hold(alice.wallet, 500);
        _freezeAmount(usd, alice.wallet, MONEY);
        assertEq(usd.available(alice.wallet), 0);
        vm.prank(address(notary));
        usd.execute(alice.wallet, bob.wallet, 500, REF);
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    // ---- release and the day's limit ----

    function _release(uint256 amount, uint256 day) private {
        vm.prank(address(notary));
        usd.release(alice.wallet, amount, REF, day);
    }

    function test_release_gives_the_limit_of_today_back() public {
        _hold(alice.wallet, 500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldReleased(address(notary), alice.wallet, REF, 200, _today());
        _release(200, _today());
        assertEq(_spent(alice.id), 300);
        assertEq(usd.held(alice.wallet), 300);
    }

    function test_release_gives_no_limit_of_another_day_back() public {
        uint256 day = _today();
        _hold(alice.wallet, 500);
        vm.warp((day + 1) * 1 days);
        _transfer(alice.wallet, bob.wallet, 40);
        _release(200, day);
        assertEq(_spent(alice.id), 40);
        _release(300, day + 1);
        assertEq(_spent(alice.id), 0, "never below zero");
    }

    function test_what_is_released_meets_what_is_frozen() public {
        _hold(alice.wallet, MONEY);
        _freezeAmount(usd, alice.wallet, 600);
        _release(MONEY, _today());
        assertEq(usd.available(alice.wallet), MONEY - 600);
    }

    function test_execution_and_release_of_nothing_harm_nobody() public {
        vm.startPrank(address(notary));
        usd.execute(alice.wallet, bob.wallet, 0, REF);
        usd.release(alice.wallet, 0, REF, _today());
        vm.stopPrank();
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(usd.held(alice.wallet), 0);
    }

    // ---- successors ----

    function test_holds_follow_the_successor_of_a_lost_wallet() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        Vm.Wallet memory third = _link(alice, "alice, third wallet");
        _hold(alice.wallet, 500);
        _recover(alice.wallet, second.addr);
        _recover(second.addr, third.addr);
        assertEq(usd.heldFor(address(notary), alice.wallet), 500);
        assertEq(usd.heldFor(address(notary), third.addr), 500);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldExecuted(address(notary), third.addr, bob.wallet, 300, REF);
        vm.prank(address(notary));
        usd.execute(alice.wallet, bob.wallet, 300, REF);
        _release(200, 0);
        assertEq(usd.balanceOf(third.addr), MONEY - 300);
        assertEq(usd.held(third.addr), 0);
        assertEq(usd.balanceOf(alice.wallet), 0);
    }

    // ---- notaries ----

    function test_only_a_contract_becomes_a_notary_and_once() public {
        _expectGovernedRevert(
            abi.encodeCall(usd.registerNotary, (alice.wallet)),
            abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, alice.wallet)
        );
        _expectGovernedRevert(
            abi.encodeCall(usd.registerNotary, (address(notary))),
            abi.encodeWithSelector(IDepositToken.NotaryAlreadyRegistered.selector, address(notary))
        );
        address[] memory registered = new address[](2);
        (registered[0], registered[1]) = (address(usd), address(notary));
        assertEq(usd.notaries(), registered);
    }

    function _expectGovernedRevert(bytes memory call_, bytes memory revert_) private {
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(revert_);
        _executeDelayed(governor, address(usd), call_);
    }

    /// @dev Stopping has no delay, so nothing that stops may loosen on the way.
    function test_a_stopped_notary_does_not_run_off() public {
        vm.startPrank(pauser);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.NotaryStatusChanged(address(notary), IDepositToken.NotaryStatus.STOPPED);
        usd.stopNotary(address(notary));
        bytes memory refusal = abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, address(notary));
        vm.expectRevert(refusal);
        usd.runOffNotary(address(notary));
        vm.expectRevert(refusal);
        usd.stopNotary(address(notary));
        vm.stopPrank();
        _govern(address(usd), abi.encodeCall(usd.resumeNotary, (address(notary))));
        assertEq(uint256(usd.notaryStatus(address(notary))), uint256(IDepositToken.NotaryStatus.ACTIVE));
        _hold(alice.wallet, 1);
    }

    function test_a_notary_in_run_off_can_be_stopped_and_resumed() public {
        vm.startPrank(pauser);
        usd.runOffNotary(address(notary));
        assertEq(uint256(usd.notaryStatus(address(notary))), uint256(IDepositToken.NotaryStatus.RUN_OFF));
        usd.stopNotary(address(notary));
        vm.stopPrank();
        _govern(address(usd), abi.encodeCall(usd.resumeNotary, (address(notary))));
        _expectGovernedRevert(
            abi.encodeCall(usd.resumeNotary, (address(notary))),
            abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, address(notary))
        );
    }

    function test_the_token_stays_the_notary_of_its_redemptions() public {
        bytes memory refusal = abi.encodeWithSelector(IDepositToken.InvalidNotary.selector, address(usd));
        vm.startPrank(pauser);
        vm.expectRevert(refusal);
        usd.stopNotary(address(usd));
        vm.expectRevert(refusal);
        usd.runOffNotary(address(usd));
        vm.stopPrank();
    }

    // ---- rescue ----

    function test_a_hold_is_rescued_from_a_stopped_notary_only_and_to_the_payer() public {
        _hold(alice.wallet, 500);
        bytes memory rescue = abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 400, ORDER));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.NotaryNotStopped.selector, address(notary)));
        _rescue(rescue);
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldRescued(address(notary), alice.wallet, 400, ORDER);
        _rescue(rescue);
        assertEq(usd.heldFor(address(notary), alice.wallet), 100);
        assertEq(usd.available(alice.wallet), MONEY - 100);
        vm.expectRevert(_refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, alice.wallet, 100, 400));
        _rescue(rescue);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.OrderHashMissing.selector));
        _rescue(abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 100, 0)));
    }

    function test_all_that_is_held_can_be_rescued_and_no_cent_more() public {
        _hold(alice.wallet, 500);
        vm.prank(pauser);
        usd.stopNotary(address(notary));
        vm.expectRevert(_refused(Path.RELEASE, Reason.INSUFFICIENT_HELD, alice.wallet, 500, 501));
        _rescue(abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 501, ORDER)));
        _rescue(abi.encodeCall(usd.rescueHold, (address(notary), alice.wallet, 500, ORDER)));
        assertEq(usd.heldFor(address(notary), alice.wallet), 0);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(usd.available(alice.wallet), MONEY);
    }

    function _rescue(bytes memory call_) private {
        vm.prank(seizer);
        (bool done, bytes memory result) = address(usd).call(call_);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
