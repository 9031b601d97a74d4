// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Each clock skips the stops of its owner and the token's pauses, overlaps once, and nobody else's.
/// Every stop here lasts DELAY, as loosening takes that long.
contract EscrowClocksTest is OrderBase {
    function _stop(Party memory party) private {
        _freeze(party.id);
        _unfreeze(party.id);
    }

    function _stopToken() private {
        _pause(usd);
        _unpause(usd);
    }

    function _end(Terms memory t) private pure returns (uint256) {
        return uint256(t.milestones[0].attestBy) + GRACE;
    }

    /// @dev Anyone may refund strictly after `last`, not at it.
    function _refundableAfter(Terms memory t, uint256 last) private {
        vm.warp(last);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.refund(t, 0);
        vm.warp(last + 1);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    function _releasableAfter(Terms memory t, uint256 last) private {
        vm.warp(last);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.release(t, 0);
        vm.warp(last + 1);
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
    }

    function _cancellableAfter(Terms memory t, uint256 last) private {
        vm.warp(last);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.cancel(t, 0);
        vm.warp(last + 1);
        escrow.cancel(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    function _overdueAfter(Terms memory t, uint256 last) private {
        vm.warp(last);
        assertFalse(escrow.isOverdue(t, 0), "the last second");
        vm.warp(last + 1);
        assertTrue(escrow.isOverdue(t, 0), "one past it");
    }

    // ---- fundBy: the payer's ----

    function test_fund_by_skips_the_payers_stops_and_pauses() external {
        Terms memory t = _opened(_prefund());
        _stop(buyer);
        _stopToken();
        uint256 last = uint256(t.milestones[0].fundBy) + 2 * DELAY;
        vm.warp(last);
        uint256 id = vm.snapshotState();
        _holdFor(t, AMOUNT);
        _assertState(t, IOrderBook.State.Funded);
        vm.revertToState(id);
        _cancellableAfter(t, last);
    }

    function test_fund_by_does_not_skip_the_sellers_stops() external {
        Terms memory t = _opened(_prefund());
        _stop(seller);
        _cancellableAfter(t, t.milestones[0].fundBy);
    }

    function test_fund_by_is_a_third_payers_where_one_is_named() external {
        Party memory third = _client("third");
        Terms memory t = _prefund();
        t.milestones[0].payer = third.id;
        _open(t);
        _stop(buyer);
        _stop(third);
        _cancellableAfter(t, uint256(t.milestones[0].fundBy) + DELAY);
    }

    // ---- attestBy and attestEnd: before funding the payer's too, then the seller's ----

    function test_stops_of_the_payer_before_funding_put_off_both_dates() external {
        Terms memory t = _opened(_prefund());
        _stop(buyer);
        _holdFor(t, AMOUNT);
        assertTrue(_view(t).delayed, "delayed");
        assertEq(_view(t).delayBy, DELAY, "attestBy");
        assertEq(_view(t).delayEnd, DELAY, "attestEnd");
        _stop(buyer); // no longer its clock
        uint256 attestBy = uint256(t.milestones[0].attestBy) + DELAY;
        vm.warp(attestBy + 1);
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.AttestedTooLate.selector, attestBy + 1, attestBy));
        escrow.attest(t, a, signatures);
        uint256 id = vm.snapshotState();
        a.attestedAt = uint40(attestBy);
        vm.warp(_end(t) + DELAY);
        a.deadline = uint40(block.timestamp);
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
        vm.revertToState(id);
        _refundableAfter(t, _end(t) + DELAY);
    }

    function test_stops_of_the_seller_before_funding_put_off_attest_end_only() external {
        Terms memory t = _opened(_prefund());
        _stop(seller);
        _holdFor(t, AMOUNT);
        assertEq(_view(t).delayBy, 0, "attestBy");
        assertEq(_view(t).delayEnd, DELAY, "attestEnd");
        _refundableAfter(t, _end(t) + DELAY);
    }

    function test_attest_end_skips_the_sellers_stops_and_pauses_once_funded() external {
        Terms memory t = _funded(_prefund());
        _stop(seller);
        _stopToken();
        _stop(buyer);
        _refundableAfter(t, _end(t) + 2 * DELAY);
    }

    function test_goods_first_attest_end_skips_the_sellers_stops() external {
        Terms memory t = _opened(_onAttest());
        _stop(buyer);
        _stop(seller);
        _cancellableAfter(t, _end(t) + DELAY);
    }

    /// @dev Freeze and pause overlap by half: one and a half DELAY, not two.
    function test_overlapping_stops_count_once() external {
        Terms memory t = _funded(_prefund());
        _freeze(seller.id);
        vm.warp(t0 + DELAY / 2);
        _pause(usd);
        bytes memory unfreeze = abi.encodeCall(registry.unfreeze, (seller.id, ORDER));
        bytes memory unpause = abi.encodeCall(usd.unpause, ());
        _schedule(resolution, address(registry), unfreeze);
        _schedule(governor, address(usd), unpause);
        vm.warp(t0 + DELAY / 2 + DELAY);
        _executeDelayed(resolution, address(registry), unfreeze);
        _executeDelayed(governor, address(usd), unpause);
        _refundableAfter(t, _end(t) + DELAY + DELAY / 2);
    }

    /// @dev commerce-payments: freeze and deadline together made the seller lose captured money.
    function test_a_stopped_seller_forfeits_nothing_however_long() external {
        Terms memory t = _funded(_prefund());
        _freeze(seller.id);
        vm.warp(t0 + 3 * 365 days);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.refund(t, 0);
        Attestation memory a = _says(t, 1, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
        vm.prank(SWIFT); // a payee refused for good is ended by order
        escrow.cancelByOrder(t, 0, ORDER);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    function test_a_stop_after_the_deadline_brings_nothing_back() external {
        Terms memory t = _funded(_prefund());
        vm.warp(_end(t) + 1);
        _freeze(seller.id);
        vm.warp(_end(t) + 400 days);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    function test_the_clock_stands_while_the_sellers_current_wallet_is_suspended() external {
        Terms memory t = _funded(_prefund());
        _suspendWallet(seller.wallet);
        _reinstateWallet(seller.wallet);
        _refundableAfter(t, _end(t) + DELAY);
    }

    // ---- inspection: the buyer's ----

    function test_inspection_skips_the_buyers_stops_and_pauses() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _stop(buyer);
        _stopToken();
        uint256 last = t0 + INSPECTION + 2 * DELAY;
        vm.warp(last);
        uint256 id = vm.snapshotState();
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        _assertState(t, IOrderBook.State.Disputed);
        vm.revertToState(id);
        _releasableAfter(t, last);
    }

    function test_inspection_does_not_skip_the_sellers_stops() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _stop(seller);
        _releasableAfter(t, t0 + INSPECTION);
    }

    // ---- payWithin: both parties' ----

    function test_pay_within_skips_the_stops_of_both() external {
        Terms memory t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        _stop(buyer);
        _stop(seller);
        _stop(arbiter);
        _overdueAfter(t, t0 + PAY_WITHIN + 2 * DELAY);
    }

    // ---- rulingWithin: pauses only ----

    function test_ruling_within_skips_pauses_only() external {
        Terms memory t = _prefund();
        t.milestones[0].rulingWithin = 100 days;
        _funded(t);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        _stop(buyer);
        _stop(arbiter);
        _stopToken();
        uint256 last = t0 + 100 days + DELAY;
        vm.warp(last);
        vm.expectPartialRevert(IOrderBook.FallbackNotOpen.selector);
        escrow.decideByFallback(t, 0);
        vm.warp(last + 1);
        escrow.decideByFallback(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    /// @dev In a dispute attestEnd still runs from funding: a stop of the seller before the dispute counts.
    function test_attest_end_keeps_its_start_in_a_dispute() external {
        Terms memory t = _funded(_prefund());
        _stop(seller);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        uint256 last = _end(t) + DELAY;
        vm.warp(last);
        vm.expectPartialRevert(IOrderBook.FallbackNotOpen.selector);
        escrow.decideByFallback(t, 0);
        vm.warp(last + 1);
        escrow.decideByFallback(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    // ---- what moves no money works while stopped ----

    function test_transitions_without_money_work_while_paused_and_frozen() external {
        Terms memory t = _funded(_prefund());
        _freeze(seller.id);
        _freeze(buyer.id);
        _pause(usd);
        _attest(t, 1, SHIPPED);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        vm.prank(arbiter.wallet);
        escrow.rule(t, 0, PART); // the payer's share: a release is possible while paused
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        Terms memory goods = _opened(_onAttest());
        _attest(goods, 1, SHIPPED);
        _assertState(goods, IOrderBook.State.Due);
    }
}
