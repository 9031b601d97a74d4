// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Partial deliveries: accepted amounts are cumulative and paid, or owed, as they come.
contract EscrowPartialTest is OrderBase {
    function _prefundPart() private returns (Terms memory) {
        return _funded(_partial(Mode.PREFUND));
    }

    function _onAttestPart() private returns (Terms memory) {
        return _opened(_partial(Mode.ON_ATTEST));
    }

    function _end(Terms memory t) private pure returns (uint256) {
        return uint256(t.milestones[0].attestBy) + GRACE;
    }

    function _assertParts(Terms memory t, uint256 accepted, uint256 settled) private view {
        assertEq(_view(t).accepted, accepted, "accepted");
        assertEq(_view(t).settled, settled, "settled");
    }

    // ---- paid in advance ----

    function test_each_part_is_released_at_once_and_all_ends_it() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        _assertState(t, IOrderBook.State.Funded);
        _assertAmounts(t, AMOUNT - PART, PART, 0);
        assertEq(_view(t).since, t0, "attestEnd runs on");
        _attestPart(t, 2, SHIPPED, PART, false);
        _assertAmounts(t, AMOUNT - PART, PART, 0);
        _attestPart(t, 3, SHIPPED, AMOUNT, false);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_complete_returns_the_rest() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, true);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    function test_complete_with_nothing_accepted_refunds() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, 0, true);
        _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    function test_what_was_paid_is_never_taken_back_by_a_correction() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        _attestPart(t, 2, SHIPPED, PART - 1, false);
        _assertParts(t, PART, PART);
        _assertAmounts(t, AMOUNT - PART, PART, 0);
    }

    function test_more_than_the_whole_is_refused() external {
        Terms memory t = _prefundPart();
        Attestation memory a = _says(t, 1, SHIPPED, AMOUNT + 1, false);
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidAttestation.selector, "accepted"));
        escrow.attest(t, a, signatures);
    }

    /// @dev E8: what cannot be released stays held as owed.
    function test_a_refused_payee_is_owed_and_anyone_releases_it_later() external {
        Terms memory t = _prefundPart();
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, false);
        _assertState(t, IOrderBook.State.Funded);
        _assertParts(t, PART, 0);
        _attestPart(t, 2, SHIPPED, PART + 1, false);
        _assertAmounts(t, AMOUNT, 0, 0);
        _unfreeze(seller.id);
        escrow.release(t, 0);
        _assertAmounts(t, AMOUNT - PART - 1, PART + 1, 0);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NothingOwed.selector, escrow.orderId(t), 0);
        vm.expectRevert(reason);
        escrow.release(t, 0);
    }

    function test_a_refused_payee_after_the_last_part() external {
        Terms memory t = _prefundPart();
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, true);
        _assertState(t, IOrderBook.State.Accepted);
        _assertAmounts(t, PART, 0, AMOUNT - PART); // the rest is back already
        _attestPart(t, 2, SHIPPED, AMOUNT, true);
        _attestPart(t, 3, DAMAGED, 0, true);
        _assertAmounts(t, PART, 0, AMOUNT - PART); // nothing more comes, nothing is inspected
        _unfreeze(seller.id);
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    /// @dev A stopped notary moves nothing, back to the payer neither: the attestation stands all the same.
    function test_a_stopped_notary_keeps_no_attestation_out() external {
        Terms memory t = _prefundPart();
        vm.prank(pauser);
        usd.stopNotary(address(escrow));
        _attestPart(t, 1, SHIPPED, PART, true);
        _assertState(t, IOrderBook.State.Funded);
        _assertParts(t, PART, 0);
        _govern(address(usd), abi.encodeCall(DepositToken.resumeNotary, (address(escrow))));
        escrow.refund(t, 0); // complete: by anyone, before attestEnd
        _assertState(t, IOrderBook.State.Accepted);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        escrow.release(t, 0);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    function test_after_attest_end_the_rest_goes_back_and_the_owed_waits() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        Terms memory refused = t;
        vm.warp(_end(t) + 1);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Released); // it paid something
        _assertAmounts(t, 0, PART, AMOUNT - PART);
        refused = _prefundPart();
        _freeze(seller.id);
        _attestPart(refused, 1, SHIPPED, PART, false);
        _unfreeze(seller.id);
        vm.warp(_end(refused) + DELAY + 1); // the seller was stopped for DELAY
        escrow.refund(refused, 0);
        _assertState(refused, IOrderBook.State.Accepted);
        (, uint256 held,, uint256 back) = escrow.amountsOf(refused, 0);
        assertEq(held, PART, "owed");
        assertEq(back, AMOUNT - PART, "back");
        escrow.release(refused, 0);
        _assertState(refused, IOrderBook.State.Released);
    }

    function test_the_seller_gives_everything_unpaid_back() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
        bytes memory reason = _wrongState(t, IOrderBook.State.Released);
        vm.expectRevert(reason);
        escrow.release(t, 0);
    }

    // ---- disputes ----

    function test_a_negative_status_carries_what_is_accepted() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        _attestPart(t, 2, DAMAGED, 2 * PART, false);
        _assertState(t, IOrderBook.State.Disputed);
        _assertParts(t, 2 * PART, PART);
        _assertAmounts(t, AMOUNT - PART, PART, 0); // nothing moves in a dispute
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0); // an attestation disputed: all that is accepted
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, 2 * PART, AMOUNT - 2 * PART);
    }

    function test_fallback_of_a_partys_dispute_shares_the_accepted_and_unpaid() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        _attestPart(t, 2, SHIPPED, 2 * PART, false); // recorded, counts for the fallback
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        uint256 share = uint256(PART) * SPLIT / 10_000;
        _assertAmounts(t, share, PART, AMOUNT - PART - share);
        escrow.release(t, 0);
        _assertAmounts(t, 0, PART + share, AMOUNT - PART - share);
    }

    function test_a_higher_required_status_ends_the_dispute_and_pays() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, DAMAGED, PART, false);
        _assertAmounts(t, AMOUNT, 0, 0);
        _attestPart(t, 2, SHIPPED, PART, false);
        _assertState(t, IOrderBook.State.Funded);
        _assertAmounts(t, AMOUNT - PART, PART, 0);
    }

    function test_ruling_and_agreement_share_what_is_unpaid() external {
        Terms memory t = _prefundPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        vm.prank(arbiter.wallet);
        escrow.rule(t, 0, 7);
        _assertAmounts(t, 7, PART, AMOUNT - PART - 7);
        _agree(t, _agreement(t, 0));
        _assertState(t, IOrderBook.State.Released); // it paid something
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    // ---- goods first ----

    function test_goods_first_part_by_part() external {
        Terms memory t = _onAttestPart();
        vm.warp(t0 + 1 days);
        _attestPart(t, 1, SHIPPED, PART, false);
        _assertState(t, IOrderBook.State.Due);
        vm.warp(t0 + 2 days);
        _attestPart(t, 2, SHIPPED, PART + 5, false);
        assertEq(_view(t).since, t0 + 1 days, "payWithin runs from the oldest unpaid acceptance");
        _holdFor(t, PART + 5);
        _assertState(t, IOrderBook.State.Open);
        _assertAmounts(t, 0, PART + 5, 0);
        vm.warp(t0 + 3 days);
        _attestPart(t, 3, SHIPPED, AMOUNT, false);
        assertEq(_view(t).since, t0 + 3 days, "a new acceptance, a new payWithin");
        _holdFor(t, AMOUNT - PART - 5);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_goods_first_complete_ends_with_the_payment() external {
        Terms memory t = _onAttestPart();
        _attestPart(t, 1, SHIPPED, PART, true);
        _assertState(t, IOrderBook.State.Due);
        _holdFor(t, PART);
        _assertState(t, IOrderBook.State.Released);
        t = _onAttestPart();
        _attestPart(t, 1, SHIPPED, 0, true);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    function test_goods_first_corrected_downwards_before_it_is_paid() external {
        Terms memory t = _onAttestPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        _attestPart(t, 2, SHIPPED, 0, false);
        _assertState(t, IOrderBook.State.Open);
        assertEq(_view(t).since, t0, "attestEnd runs on");
        vm.warp(_end(t) + 1);
        escrow.cancel(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    /// @dev attestEnd runs from the opening through every part that was due in between.
    function test_goods_first_ends_as_released_once_it_paid_anything() external {
        Terms memory t = _onAttestPart();
        vm.warp(t0 + 5 days);
        _attestPart(t, 1, SHIPPED, PART, false);
        _holdFor(t, PART);
        vm.warp(_end(t));
        bytes memory reason = abi.encodeWithSelector(IOrderBook.TooEarly.selector, _end(t), block.timestamp);
        vm.expectRevert(reason);
        escrow.cancel(t, 0);
        vm.warp(_end(t) + 1);
        escrow.cancel(t, 0);
        _assertState(t, IOrderBook.State.Released);
        t = _onAttestPart();
        _attestPart(t, 1, SHIPPED, PART, false);
        _holdFor(t, PART);
        _attestPart(t, 2, SHIPPED, 2 * PART, false);
        vm.prank(seller.wallet);
        escrow.writeOff(t, 0);
        _assertState(t, IOrderBook.State.Released);
        (,, uint256 released,) = escrow.amountsOf(t, 0);
        assertEq(released, PART, "what was paid");
    }

    function test_goods_first_after_attest_end_parts_still_count_while_it_could_be_disputed() external {
        Terms memory t = _onAttestPart();
        Terms memory open = _onAttestPart();
        vm.warp(t.milestones[0].attestBy);
        _attestPart(t, 1, SHIPPED, PART, false);
        vm.warp(_end(t) + 1); // within payWithin
        Attestation memory a = _says(t, 2, SHIPPED, 2 * PART, false);
        a.attestedAt = t.milestones[0].attestBy;
        _attest(t, a);
        assertEq(_view(t).accepted, 2 * PART, "counts");
        a = _says(open, 1, SHIPPED, PART, false);
        a.attestedAt = open.milestones[0].attestBy;
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.TooLate.selector, _end(open), block.timestamp));
        escrow.attest(open, a, signatures);
    }
}
