// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Attestation, Milestone, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice E1 to E8 by name, and what others got wrong.
contract EscrowScenariosTest is OrderBase {
    function _mixed() private returns (Terms memory t) {
        Milestone[] memory list = new Milestone[](2);
        (list[0], list[1]) = (_milestone(Mode.PREFUND), _milestone(Mode.ON_ATTEST));
        (list[0].amount, list[1].amount) = (PART, AMOUNT - PART);
        return _terms(list);
    }

    function _check(Path path, address to) private view returns (uint256) {
        return uint256(usd.check(path, address(escrow), buyer.wallet, to, AMOUNT));
    }

    // ---- E1, E2 ----

    function test_E1_E2_two_milestones_of_one_order() external {
        Terms memory t = _mixed();
        OrderId id = _open(t);
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, PART);
        escrow.fund(t, 0, consent);
        Attestation memory a = _says(t, 1, SHIPPED);
        a.milestone = 1;
        _attest(t, a);
        assertEq(uint256(escrow.stateOf(id, 0)), uint256(IOrderBook.State.Funded), "the other is untouched");
        consent = _consent(buyer, t, 1, AMOUNT - PART);
        escrow.pay(t, 1, consent);
        a.milestone = 0;
        escrow.attestAndRelease(t, a, _signed(a));
        for (uint256 i; i < 2; ++i) {
            (uint256 funded, uint256 held, uint256 released, uint256 refunded) = escrow.amountsOf(t, i);
            assertEq(funded, t.milestones[i].amount, "funded");
            assertEq(held + refunded, 0, "nothing left");
            assertEq(released, funded, "E1");
        }
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 0, "E2");
        assertEq(usd.balanceOf(seller.wallet), AMOUNT, "all of it");
    }

    function test_E2_follows_a_lost_wallet() external {
        Terms memory t = _prefund();
        t.milestones[0].payer = buyer.id;
        _funded(t);
        Vm.Wallet memory second = _link(buyer, "second");
        _recover(buyer.wallet, second.addr);
        assertEq(usd.heldFor(address(escrow), second.addr), AMOUNT, "the hold moved");
        assertEq(_view(t).payer, buyer.wallet, "the escrow remembers who paid");
        _attest(t, 1, SHIPPED);
        vm.prank(second.addr); // the buyer's wallet of today
        escrow.release(t, 0);
        assertEq(usd.balanceOf(seller.wallet), AMOUNT, "paid out of the successor's");
        assertEq(usd.heldFor(address(escrow), second.addr), 0, "E2");
    }

    // ---- E3; the matrix has every call in every terminal state ----

    function test_E3_a_later_truth_does_not_reopen_what_is_over() external {
        Terms memory released = _funded(_prefundAtOnce());
        Terms memory refunded = _funded(_prefundAtOnce());
        Attestation memory a = _says(released, 1, SHIPPED);
        escrow.attestAndRelease(released, a, _signed(a));
        vm.prank(seller.wallet);
        escrow.refund(refunded, 0);
        _attest(released, 2, DAMAGED); // too late to complain
        _attest(refunded, 1, SHIPPED); // too late to deliver
        assertEq(uint256(_view(released).lastSeq), 1, "nothing recorded");
        assertEq(uint256(_view(refunded).lastSeq), 0, "nothing recorded");
        _assertState(released, IOrderBook.State.Released);
        _assertState(refunded, IOrderBook.State.Refunded);
        assertEq(usd.balanceOf(seller.wallet), AMOUNT, "one of two");
    }

    // ---- E4 ----

    function test_E4_money_comes_out_without_anybodys_help() external {
        Terms memory unattested = _funded(_prefund());
        Terms memory accepted = _funded(_prefund());
        _attest(accepted, 1, SHIPPED);
        Terms memory disputed = _funded(_prefund());
        vm.prank(buyer.wallet);
        escrow.dispute(disputed, 0); // and the arbiter never answers
        vm.warp(t0 + 60 days);
        vm.startPrank(address(0xBEEF));
        escrow.refund(unattested, 0);
        escrow.release(accepted, 0);
        escrow.decideByFallback(disputed, 0);
        vm.stopPrank();
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 0, "nothing is locked");
        assertEq(usd.balanceOf(seller.wallet), AMOUNT, "accepted");
    }

    function test_E4_a_payee_refused_for_good_is_ended_by_order() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED);
        _close(seller.id);
        assertEq(_check(Path.EXECUTE, seller.wallet), uint256(Reason.PAYEE_CLOSED), "check");
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        escrow.release(t, 0);
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    // ---- E5 ----

    function test_E5_money_goes_to_the_seller_or_to_the_wallet_that_paid() external {
        Vm.Wallet memory second = _link(buyer, "second");
        Terms memory t = _funded(_prefund());
        _makeCurrent(buyer, second.addr); // pays another day from another wallet
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        assertEq(usd.balanceOf(buyer.wallet), 100 * AMOUNT, "the wallet that paid");
        assertEq(usd.available(buyer.wallet), 100 * AMOUNT, "and may spend it");
        assertEq(usd.balanceOf(second.addr), 0, "no other");
    }

    // ---- E6; EscrowOrderOfArrival has it for random attestations ----

    function test_E6_damage_before_or_after_the_delivery_it_follows() external {
        Terms[2] memory t = [_funded(_prefund()), _funded(_prefund())];
        _attest(t[0], 1, SHIPPED);
        _attest(t[0], 2, DAMAGED);
        _attest(t[1], 2, DAMAGED);
        _attest(t[1], 1, SHIPPED);
        for (uint256 i; i < 2; ++i) {
            _assertState(t[i], IOrderBook.State.Disputed);
            assertTrue(_view(t[i]).requiredInTime, "delivered in time, whenever that came to be known");
            _attest(t[i], 3, SHIPPED);
            _assertState(t[i], IOrderBook.State.Accepted);
        }
    }

    // ---- E7; EscrowStops has it for whole lives and every stop ----

    function test_E7_a_pause_changes_when_and_not_what() external {
        Terms memory t = _funded(_prefundAtOnce());
        _pause(usd);
        Attestation memory a = _says(t, 1, SHIPPED);
        escrow.attestAndRelease(t, a, _signed(a));
        _assertState(t, IOrderBook.State.Accepted);
        vm.warp(t0 + 500 days);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        escrow.release(t, 0);
        vm.expectPartialRevert(IOrderBook.NotParty.selector);
        escrow.refund(t, 0);
        _govern(address(usd), abi.encodeCall(usd.unpause, ()));
        escrow.release(t, 0);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_E7_a_frozen_payer_delays_what_it_owes_and_keeps_nothing() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED);
        _freeze(buyer.id);
        assertEq(_check(Path.EXECUTE, seller.wallet), uint256(Reason.PAYER_FROZEN), "check");
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        escrow.release(t, 0);
        _unfreeze(buyer.id);
        escrow.release(t, 0);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_E7_a_lapsed_kyc_of_the_payer_stops_nothing() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED);
        vm.prank(onboarder);
        registry.renewKyc(seller.id, uint40(block.timestamp + 3000 days), keccak256("questionnaire"));
        _expireKyc(buyer.id);
        escrow.release(t, 0);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    // ---- E8 ----

    /// @dev Push payments let one party block another: here the frozen seller blocks neither the payer nor itself.
    function test_E8_no_transition_needs_anothers_transfer() external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        Terms memory whole = _funded(_prefundAtOnce());
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, true);
        Attestation memory a = _says(whole, 1, SHIPPED);
        escrow.attestAndRelease(whole, a, _signed(a));
        _agree(whole, _agreement(whole, PART));
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 2 * PART, "only the seller's shares wait");
    }

    // ---- what others got wrong ----

    /// @dev refund-protocol: checked each amount, not the sum, and paid twice.
    function test_nothing_is_paid_twice() external {
        Terms memory t = _funded(_prefundAtOnce());
        Terms memory other = _funded(_prefundAtOnce()); // whose hold could be drained
        _attest(t, 1, SHIPPED);
        escrow.release(t, 0);
        bytes memory reason = _wrongState(t, IOrderBook.State.Released);
        vm.expectRevert(reason);
        escrow.release(t, 0);
        vm.prank(seller.wallet);
        vm.expectRevert(reason);
        escrow.refund(t, 0);
        assertEq(usd.heldFor(address(escrow), buyer.wallet), AMOUNT, "the other's is untouched");
        _assertState(other, IOrderBook.State.Funded);
    }

    /// @dev One party's order must not be payable from another's hold by the same notary.
    function test_one_order_cannot_spend_anothers_hold() external {
        _funded(_prefund());
        Terms memory t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        vm.expectPartialRevert(IOrderBook.WrongState.selector);
        escrow.release(t, 0);
        vm.prank(seller.wallet);
        vm.expectPartialRevert(IOrderBook.WrongState.selector);
        escrow.refund(t, 0);
    }

    /// @dev Paladin Atom: anyone could cancel.
    function test_a_stranger_ends_nothing_early() external {
        Terms memory t = _funded(_prefund());
        Terms memory unfunded = _opened(_prefund());
        vm.startPrank(address(0xBEEF));
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.refund(t, 0);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.cancel(unfunded, 0);
        vm.expectPartialRevert(IOrderBook.NotParty.selector);
        escrow.dispute(t, 0);
        vm.expectPartialRevert(IOrderBook.InvalidPartySignature.selector);
        escrow.cancelTogether(unfunded, 0, uint40(block.timestamp), "", "");
        vm.stopPrank();
    }

    /// @dev A suspended wallet of a party speaks for nobody.
    function test_a_suspended_wallet_neither_releases_nor_refunds_nor_disputes() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _suspendWallet(buyer.wallet);
        _suspendWallet(seller.wallet);
        vm.prank(buyer.wallet);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.release(t, 0);
        vm.prank(buyer.wallet);
        vm.expectPartialRevert(IOrderBook.NotParty.selector);
        escrow.dispute(t, 0);
        vm.prank(seller.wallet);
        vm.expectPartialRevert(IOrderBook.NotParty.selector);
        escrow.refund(t, 0);
    }
}
