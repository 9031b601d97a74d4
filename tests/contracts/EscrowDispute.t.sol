// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Disputes at the last second of each window, and the three ways a decision comes: ruling, agreement,
/// fallback.
contract EscrowDisputeTest is OrderBase {
    function _dispute(Terms memory t, Party memory party) private {
        vm.prank(party.wallet);
        escrow.dispute(t, 0);
    }

    function _refuseDispute(Terms memory t, bytes memory reason) private {
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        escrow.dispute(t, 0);
    }

    function _rule(Terms memory t, uint88 sellerAmount) private {
        vm.prank(arbiter.wallet);
        escrow.rule(t, 0, sellerAmount);
    }

    function _end(Terms memory t) private pure returns (uint256) {
        return uint256(t.milestones[0].attestBy) + GRACE;
    }

    function _tooLate(uint256 notAfter) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.TooLate.selector, notAfter, block.timestamp);
    }

    function _with(bytes4 selector, Terms memory t) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, escrow.orderId(t), 0);
    }

    function _disputed() private returns (Terms memory t) {
        t = _funded(_prefund());
        _dispute(t, buyer);
    }

    // ---- windows ----

    function test_funded_and_goods_first_until_attest_end() external {
        Terms[4] memory list = [_funded(_prefund()), _opened(_onAttest()), _funded(_prefund()), _opened(_onAttest())];
        vm.warp(_end(list[0]));
        for (uint256 i; i < 2; ++i) {
            _dispute(list[i], i == 0 ? buyer : seller);
            _assertState(list[i], IOrderBook.State.Disputed);
            assertTrue(_view(list[i]).disputedByParty);
        }
        vm.warp(_end(list[0]) + 1);
        _refuseDispute(list[2], _tooLate(_end(list[2])));
        _refuseDispute(list[3], _tooLate(_end(list[3])));
    }

    function test_accepted_until_inspection_is_over() external {
        Terms memory t = _funded(_prefund());
        Terms memory late = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _attest(late, 1, SHIPPED);
        vm.warp(t0 + INSPECTION);
        _dispute(t, buyer);
        _assertState(t, IOrderBook.State.Disputed);
        vm.warp(t0 + INSPECTION + 1);
        _refuseDispute(late, _tooLate(t0 + INSPECTION));
    }

    function test_never_what_is_not_inspected() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED);
        _refuseDispute(t, _with(IOrderBook.NotDisputable.selector, t));
    }

    function test_due_until_it_should_be_paid() external {
        Terms memory t = _opened(_onAttest());
        Terms memory late = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        _attest(late, 1, SHIPPED);
        vm.warp(t0 + PAY_WITHIN);
        _dispute(t, seller);
        _assertState(t, IOrderBook.State.Disputed);
        vm.warp(t0 + PAY_WITHIN + 1);
        _refuseDispute(late, _tooLate(t0 + PAY_WITHIN));
    }

    /// @dev A status disputes in the same windows; past them it is recorded.
    function test_a_status_disputes_in_the_same_windows() external {
        Terms memory t = _opened(_onAttest());
        Terms memory late = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        _attest(late, 1, SHIPPED);
        vm.warp(t0 + PAY_WITHIN);
        _attest(t, 2, DAMAGED);
        _assertState(t, IOrderBook.State.Disputed);
        vm.warp(t0 + PAY_WITHIN + 1);
        _attest(late, 2, DAMAGED);
        _assertState(late, IOrderBook.State.Due);
        assertEq(_view(late).lastStatus, DAMAGED, "recorded");
    }

    function test_only_parties_of_the_order() external {
        Terms memory t = _funded(_prefund());
        Party[2] memory others = [arbiter, _client("third")];
        for (uint256 i; i < 2; ++i) {
            bytes memory reason =
                abi.encodeWithSelector(IOrderBook.NotParty.selector, escrow.orderId(t), others[i].wallet);
            vm.prank(others[i].wallet);
            vm.expectRevert(reason);
            escrow.dispute(t, 0);
        }
    }

    function test_a_party_takes_over_a_dispute_of_an_attestation() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, DAMAGED);
        uint256 opens = _end(t); // later than rulingWithin
        vm.warp(opens);
        _dispute(t, seller);
        assertTrue(_view(t).disputedByParty);
        assertEq(_view(t).since, opens, "the arbiter has its full time");
        _refuseDispute(t, _wrongState(t, IOrderBook.State.Disputed));
        Terms memory other = _prefund();
        _funded(other);
        _attest(other, 1, DAMAGED);
        vm.warp(_end(other) + 1);
        _refuseDispute(other, _with(IOrderBook.FallbackOpen.selector, other));
    }

    function test_attestations_are_only_recorded_while_a_partys_dispute_stands() external {
        Terms memory t = _disputed();
        _attest(t, 1, SHIPPED);
        _assertState(t, IOrderBook.State.Disputed);
        assertEq(_view(t).lastStatus, SHIPPED, "recorded");
        _attest(t, 2, DAMAGED);
        _assertState(t, IOrderBook.State.Disputed);
        vm.warp(uint256(t.milestones[0].attestBy) + 1);
        Attestation memory a = _says(t, 3, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(
            abi.encodeWithSelector(IOrderBook.AttestedTooLate.selector, a.attestedAt, uint256(t.milestones[0].attestBy))
        );
        escrow.attest(t, a, signatures);
    }

    /// @dev A required status that first comes after attestEnd must not turn the fallback; one after it was in time
    /// may.
    function test_after_attest_end_both_statuses_count_only_if_the_required_one_came_in_time() external {
        Terms memory t = _disputed();
        Terms memory known = _disputed();
        _attest(known, 1, SHIPPED);
        _attest(known, 2, DAMAGED);
        vm.warp(_end(t) + 1);
        Attestation memory a = _says(t, 3, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        bytes[] memory signatures = _signed(a);
        bytes memory reason = _tooLate(_end(t));
        vm.expectRevert(reason);
        escrow.attest(t, a, signatures);
        a = _says(known, 3, SHIPPED);
        a.attestedAt = known.milestones[0].attestBy;
        _attest(known, a);
        assertEq(_view(known).lastStatus, SHIPPED, "counts for the fallback");
    }

    function test_after_attest_end_a_dispute_of_an_attestation_can_still_be_ended_by_one() external {
        Terms memory t = _prefund();
        t.milestones[0].rulingWithin = 100 days;
        _funded(t);
        _attest(t, 1, SHIPPED);
        _attest(t, 2, DAMAGED);
        vm.warp(_end(t) + 1);
        Attestation memory a = _says(t, 3, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
        _attest(t, 4, DAMAGED); // within the new inspection
        _assertState(t, IOrderBook.State.Disputed);
    }

    // ---- ruling ----

    function test_any_split() external {
        uint88[3] memory splits = [0, PART, AMOUNT];
        IOrderBook.State[3] memory states =
            [IOrderBook.State.Refunded, IOrderBook.State.Accepted, IOrderBook.State.Accepted];
        for (uint256 i; i < 3; ++i) {
            uint256 id = vm.snapshotState();
            Terms memory t = _disputed();
            vm.expectEmit(address(escrow));
            emit IOrderBook.MilestoneDecided(
                escrow.orderId(t), 0, splits[i], AMOUNT - splits[i], IOrderBook.Decision.RULING
            );
            _rule(t, splits[i]);
            _assertState(t, states[i]);
            _assertAmounts(t, splits[i], 0, AMOUNT - splits[i]); // the payer's share is back already
            if (splits[i] != 0) escrow.release(t, 0); // by anyone, at once
            _assertAmounts(t, 0, splits[i], AMOUNT - splits[i]);
            vm.revertToState(id);
        }
    }

    function test_any_split_of_goods_first() external {
        Terms memory t = _opened(_onAttest());
        _dispute(t, seller);
        vm.warp(t0 + 3 days);
        _rule(t, PART);
        _assertState(t, IOrderBook.State.Due);
        assertEq(_view(t).since, t0 + 3 days, "a new payWithin");
        assertEq(escrow.unpaidOf(t, 0), PART, "its share");
        _holdFor(t, PART);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, PART, 0);
        t = _opened(_onAttest());
        _dispute(t, seller);
        _rule(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    function test_ruling_refuses() external {
        Terms memory t = _disputed();
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NotArbiter.selector, escrow.orderId(t), buyer.wallet);
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        escrow.rule(t, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.SplitTooLarge.selector, AMOUNT + 1, AMOUNT));
        _rule(t, AMOUNT + 1);
        Terms memory alone = _prefund();
        alone.arbiter = 0;
        _funded(alone);
        _dispute(alone, buyer);
        reason = abi.encodeWithSelector(IOrderBook.NotArbiter.selector, escrow.orderId(alone), address(this));
        vm.expectRevert(reason);
        escrow.rule(alone, 0, 0);
    }

    /// @dev Until the fallback opens: strictly after rulingWithin and after attestEnd, whichever is later.
    function test_ruling_until_the_fallback_opens() external {
        Terms memory t = _disputed();
        Terms memory late = _disputed();
        vm.warp(_end(t)); // rulingWithin was over long before
        bytes memory reason = _with(IOrderBook.FallbackNotOpen.selector, t);
        vm.expectRevert(reason);
        escrow.decideByFallback(t, 0);
        _rule(t, PART);
        vm.warp(_end(t) + 1);
        reason = _with(IOrderBook.FallbackOpen.selector, late);
        vm.prank(arbiter.wallet);
        vm.expectRevert(reason);
        escrow.rule(late, 0, PART);
        escrow.decideByFallback(late, 0);
        _assertState(late, IOrderBook.State.Refunded);
    }

    function test_ruling_until_ruling_within_where_that_is_later() external {
        Terms memory t = _prefund();
        t.milestones[0].rulingWithin = 100 days;
        _funded(t);
        _dispute(t, buyer);
        vm.warp(t0 + 100 days);
        bytes memory reason = _with(IOrderBook.FallbackNotOpen.selector, t);
        vm.expectRevert(reason);
        escrow.decideByFallback(t, 0);
        vm.warp(t0 + 100 days + 1);
        escrow.decideByFallback(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    // ---- fallback: an arbiter who never answers locks no money ----

    function test_fallback_of_a_partys_dispute_shares_as_agreed_what_was_accepted() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _dispute(t, buyer);
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        uint256 share = uint256(AMOUNT) * SPLIT / 10_000;
        _assertAmounts(t, share, 0, AMOUNT - share);
        escrow.release(t, 0);
        _assertAmounts(t, 0, share, AMOUNT - share);
    }

    function test_fallback_where_nothing_was_accepted_gives_all_back() external {
        Terms memory t = _disputed();
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        _assertAmounts(t, 0, 0, AMOUNT);
        _assertState(t, IOrderBook.State.Refunded);
    }

    function test_fallback_follows_the_highest_seq() external {
        Terms memory t = _disputed();
        _attest(t, 1, SHIPPED);
        _attest(t, 2, DAMAGED);
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
    }

    function test_fallback_of_an_attestations_dispute() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
        _attest(t, 2, DAMAGED);
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    /// @dev The smaller unit of a split goes to the payer: no share is rounded up into money that is not there.
    function testFuzz_fallback_split_sums_up(uint88 amount, uint16 split) external {
        amount = uint88(bound(amount, 1, 90 * AMOUNT));
        split = uint16(bound(split, 0, 10_000));
        Terms memory t = _prefund();
        (t.milestones[0].amount, t.fallbackSplit) = (amount, split);
        _open(t);
        _holdFor(t, amount);
        _attest(t, 1, SHIPPED);
        _dispute(t, buyer);
        vm.warp(_end(t) + 1);
        escrow.decideByFallback(t, 0);
        uint256 share = uint256(amount) * split / 10_000;
        _assertAmounts(t, share, 0, amount - share);
    }

    // ---- once decided ----

    function test_once_decided_never_disputed_again() external {
        Terms memory t = _disputed();
        _rule(t, PART);
        _refuseDispute(t, _with(IOrderBook.AlreadyDecided.selector, t));
        _attest(t, 1, DAMAGED);
        _attest(t, 2, SHIPPED);
        _assertState(t, IOrderBook.State.Accepted);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        t = _opened(_onAttest());
        _dispute(t, buyer);
        _rule(t, PART);
        _refuseDispute(t, _with(IOrderBook.AlreadyDecided.selector, t));
        _attest(t, 1, DAMAGED);
        _assertState(t, IOrderBook.State.Due);
    }

    /// @dev A decision never waits for a transfer: the payer's share goes back although the seller is refused.
    function test_a_frozen_seller_does_not_hold_up_the_payers_share() external {
        Terms memory t = _disputed();
        _freeze(seller.id);
        _rule(t, PART);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        _unfreeze(seller.id);
        escrow.release(t, 0);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    /// @dev What comes back was held another day: today's limit stays spent.
    function test_a_decision_gives_back_the_limit_by_the_day_of_the_hold() external {
        Terms memory t = _disputed();
        Terms memory today = _prefund();
        today.openBy += 1 days;
        vm.warp(t0 + 1 days);
        _funded(today);
        _rule(t, PART);
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, AMOUNT, "yesterday's is no concern of today's");
        _dispute(today, buyer);
        _rule(today, PART);
        (, spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, PART, "today's comes back");
    }

    function test_the_seller_may_give_its_share_back() external {
        Terms memory t = _disputed();
        _rule(t, PART);
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, 0, AMOUNT);
    }
}
