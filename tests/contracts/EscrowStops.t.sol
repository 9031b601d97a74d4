// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Attestation, Milestone, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice E7: a stop changes when money moves, never who gets it. Each life of an order is lived undisturbed and then
/// again with every kind of stop, from every step to every later one. What a stop holds up is done once it is loosened;
/// in the end strangers bring everything to its end, and everybody must have what the undisturbed life gave. Buyer and
/// seller are customers of two sponsors, whose stops are theirs.
contract EscrowStopsTest is OrderBase {
    uint256 private constant PACE = 3 days; // between two steps
    uint256 private constant STEPS = 4;

    enum Step {
        Nothing,
        Fund,
        Accept,
        AcceptPart,
        AcceptMore, // cumulative: two parts
        Complete, // two parts, and nothing more
        Damaged,
        Dispute,
        DisputeAsSeller,
        Rule,
        Pay,
        Refund
    }

    enum Stop {
        FreezeBuyer,
        FreezeSeller,
        SuspendBuyer,
        SuspendSeller,
        SuspendBuyersWallet,
        SuspendSellersWallet,
        SuspendBuyersSponsor,
        FreezeSellersSponsor,
        Pause
    }

    struct Outcome {
        uint256 paid; // to the seller
        uint256 due; // to be paid
        uint256 left; // to the buyer
    }

    Party private buyersBank;
    Party private sellersBank;

    function setUp() public override {
        super.setUp();
        buyersBank = _sponsor("the buyer's bank");
        sellersBank = _sponsor("the seller's bank");
        buyer = _customer(buyersBank, "sponsored buyer", IParticipantRegistry.Kind.CORPORATE);
        seller = _customer(sellersBank, "sponsored seller", IParticipantRegistry.Kind.CORPORATE);
        _setLimit(usd, buyer.id, LIMIT);
        _deposit(usd, buyer.wallet, 100 * AMOUNT);
        t0 = block.timestamp;
    }

    /// @dev Terms without much hurry: no step is late by itself.
    function _patient(Mode mode, bool inspected, bool partialDelivery) private returns (Terms memory t) {
        Milestone memory m = _milestone(mode);
        if (inspected) m.inspection = INSPECTION;
        m.partialDelivery = partialDelivery;
        t = _terms(m);
        _open(t);
    }

    // ---- living a life ----

    function _do(Terms memory t, Step step, uint256 index) private returns (bool ok) {
        (address caller, address target) = (address(this), address(escrow));
        bytes memory data;
        if (step == Step.Nothing) return true;
        if (step == Step.Fund || step == Step.Pay) {
            (caller, target) = (buyer.wallet, address(usd));
            data = abi.encode(t, uint256(0), bytes(""), bytes(""));
            data = abi.encodeCall(usd.holdAndCall, (address(escrow), _price(t, step), _ref(t, 0), data));
        } else if (step <= Step.Damaged) {
            Attestation memory a = _statement(t, step, index);
            data = abi.encodeCall(escrow.attestAndRelease, (t, a, _signed(a)));
        } else if (step == Step.Rule) {
            (caller, data) = (arbiter.wallet, abi.encodeCall(escrow.rule, (t, 0, PART)));
        } else {
            caller = step == Step.Dispute ? buyer.wallet : seller.wallet;
            data = step == Step.Refund ? abi.encodeCall(escrow.refund, (t, 0)) : abi.encodeCall(escrow.dispute, (t, 0));
        }
        vm.prank(caller);
        (ok,) = target.call(data);
    }

    function _price(Terms memory t, Step step) private view returns (uint256) {
        if (step == Step.Fund || !t.milestones[0].partialDelivery) return AMOUNT;
        IOrderBook.MilestoneView memory v = _view(t);
        return v.accepted - v.settled;
    }

    /// @dev Signed when the goods moved, whenever it is mined.
    function _statement(Terms memory t, Step step, uint256 index) private view returns (Attestation memory a) {
        a = _says(t, uint48(index + 1), step == Step.Damaged ? DAMAGED : SHIPPED);
        a.attestedAt = uint40(t0 + (index + 1) * PACE);
        a.deadline = uint40(t0 + 365 days);
        if (!t.milestones[0].partialDelivery) return a;
        a.accepted = step == Step.AcceptPart ? PART : 2 * PART;
        a.complete = step == Step.Complete;
    }

    /// @dev Stopped from before step `from` until before step `to`; what is refused meanwhile waits, in order.
    function _live(Terms memory t, Step[STEPS] memory life, Stop stop, uint256 from, uint256 to)
        private
        returns (Outcome memory)
    {
        uint256 next;
        for (uint256 i; i < STEPS; ++i) {
            if (i == to && from < to) _loosen(stop);
            vm.warp(t0 + (i + 1) * PACE);
            if (i == from && from < to) _stop(stop);
            while (next <= i && _do(t, life[next], next)) ++next;
        }
        if (from < to && to == STEPS) _loosen(stop);
        while (next < STEPS) {
            assertTrue(_do(t, life[next], next), "what a stop held up can be done after it");
            ++next;
        }
        return _end(t);
    }

    /// @dev By strangers, after every deadline.
    function _end(Terms memory t) private returns (Outcome memory o) {
        vm.warp(t0 + 100 days);
        if (_state(t) == IOrderBook.State.Open) escrow.cancel(t, 0);
        if (_state(t) == IOrderBook.State.Disputed) escrow.decideByFallback(t, 0);
        if (_state(t) == IOrderBook.State.Funded) escrow.refund(t, 0);
        if (_state(t) == IOrderBook.State.Accepted) escrow.release(t, 0);
        o.paid = usd.balanceOf(seller.wallet);
        o.due = _state(t) == IOrderBook.State.Due ? escrow.unpaidOf(t, 0) : 0;
        o.left = usd.available(buyer.wallet);
    }

    function _stop(Stop stop) private {
        if (stop == Stop.FreezeBuyer) _freeze(buyer.id);
        else if (stop == Stop.FreezeSeller) _freeze(seller.id);
        else if (stop == Stop.SuspendBuyer) _suspend(buyer.id);
        else if (stop == Stop.SuspendSeller) _suspend(seller.id);
        else if (stop == Stop.SuspendBuyersWallet) _suspendWallet(buyer.wallet);
        else if (stop == Stop.SuspendSellersWallet) _suspendWallet(seller.wallet);
        else if (stop == Stop.SuspendBuyersSponsor) _suspend(buyersBank.id);
        else if (stop == Stop.FreezeSellersSponsor) _freeze(sellersBank.id);
        else _pause(usd);
    }

    function _loosen(Stop stop) private {
        if (stop == Stop.FreezeBuyer) _unfreeze(buyer.id);
        else if (stop == Stop.FreezeSeller) _unfreeze(seller.id);
        else if (stop == Stop.SuspendBuyer) _reinstate(buyer.id);
        else if (stop == Stop.SuspendSeller) _reinstate(seller.id);
        else if (stop == Stop.SuspendBuyersWallet) _reinstateWallet(buyer.wallet);
        else if (stop == Stop.SuspendSellersWallet) _reinstateWallet(seller.wallet);
        else if (stop == Stop.SuspendBuyersSponsor) _reinstate(buyersBank.id);
        else if (stop == Stop.FreezeSellersSponsor) _unfreeze(sellersBank.id);
        else _unpause(usd);
    }

    /// @dev Undisturbed the seller must have `paid` and `due`; and so with every stop.
    function _check(Terms memory t, Step[STEPS] memory life, uint256 paid, uint256 due) private {
        uint256 fresh = vm.snapshotState();
        Outcome memory o = _live(t, life, Stop.Pause, 0, 0);
        assertEq(o.paid, paid, "undisturbed: paid");
        assertEq(o.due, due, "undisturbed: due");
        assertEq(o.left, 100 * AMOUNT - paid, "undisturbed: left");
        vm.revertToState(fresh);
        for (uint256 stop; stop <= uint256(Stop.Pause); ++stop) {
            for (uint256 from; from < STEPS; ++from) {
                for (uint256 to = from + 1; to <= STEPS; ++to) {
                    fresh = vm.snapshotState();
                    o = _live(t, life, Stop(stop), from, to);
                    string memory where = string.concat(
                        "stop ", vm.toString(stop), " from ", vm.toString(from), string.concat(" to ", vm.toString(to))
                    );
                    assertEq(o.paid, paid, where);
                    assertEq(o.due, due, where);
                    assertEq(o.left, 100 * AMOUNT - paid, where);
                    vm.revertToState(fresh);
                }
            }
        }
    }

    // ---- pay first ----

    function test_E7_accepted_and_inspected() external {
        Step[STEPS] memory life = [Step.Fund, Step.Accept, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, AMOUNT, 0);
    }

    function test_E7_accepted_and_released_at_once() external {
        Step[STEPS] memory life = [Step.Fund, Step.Nothing, Step.Accept, Step.Nothing];
        _check(_patient(Mode.PREFUND, false, false), life, AMOUNT, 0);
    }

    function test_E7_never_attested() external {
        Step[STEPS] memory life = [Step.Fund, Step.Nothing, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, 0, 0);
    }

    function test_E7_given_back_by_the_seller() external {
        Step[STEPS] memory life = [Step.Fund, Step.Accept, Step.Refund, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, 0, 0);
    }

    function test_E7_disputed_and_ruled() external {
        Step[STEPS] memory life = [Step.Fund, Step.Dispute, Step.Rule, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, PART, 0);
    }

    function test_E7_disputed_under_inspection_and_nobody_rules() external {
        Step[STEPS] memory life = [Step.Fund, Step.Accept, Step.Dispute, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, uint256(AMOUNT) * SPLIT / 10_000, 0);
    }

    function test_E7_disputed_before_acceptance_and_nobody_rules() external {
        Step[STEPS] memory life = [Step.Fund, Step.DisputeAsSeller, Step.Accept, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, uint256(AMOUNT) * SPLIT / 10_000, 0);
    }

    function test_E7_damaged_and_nobody_rules() external {
        Step[STEPS] memory life = [Step.Fund, Step.Accept, Step.Damaged, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, 0, 0);
    }

    function test_E7_damaged_and_made_good() external {
        Step[STEPS] memory life = [Step.Fund, Step.Damaged, Step.Accept, Step.Nothing];
        _check(_patient(Mode.PREFUND, true, false), life, AMOUNT, 0);
    }

    function test_E7_damage_taken_over_by_the_buyer() external {
        Step[STEPS] memory life = [Step.Fund, Step.Damaged, Step.Dispute, Step.Rule];
        _check(_patient(Mode.PREFUND, true, false), life, PART, 0);
    }

    // ---- pay first, in parts ----

    function test_E7_delivered_in_parts() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.AcceptMore, Step.Complete];
        _check(_patient(Mode.PREFUND, false, true), life, 2 * PART, 0);
    }

    function test_E7_a_part_and_then_nothing() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.PREFUND, false, true), life, PART, 0);
    }

    function test_E7_a_part_and_then_damage() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.Damaged, Step.Nothing];
        _check(_patient(Mode.PREFUND, false, true), life, 2 * PART, 0); // the damage report accepts two parts
    }

    function test_E7_a_part_and_then_a_dispute() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.Dispute, Step.Nothing];
        _check(_patient(Mode.PREFUND, false, true), life, PART, 0);
    }

    function test_E7_a_part_and_then_a_ruling() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.Dispute, Step.Rule];
        _check(_patient(Mode.PREFUND, false, true), life, 2 * PART, 0); // a part of the rest, by the ruling
    }

    function test_E7_a_part_and_the_rest_given_back_by_the_seller() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptPart, Step.Refund, Step.Nothing];
        _check(_patient(Mode.PREFUND, false, true), life, PART, 0);
    }

    function test_E7_a_part_a_dispute_and_a_lesser_report() external {
        Step[STEPS] memory life = [Step.Fund, Step.AcceptMore, Step.Dispute, Step.AcceptPart];
        _check(_patient(Mode.PREFUND, false, true), life, 2 * PART, 0); // what was accepted is never taken back
    }

    // ---- goods first ----

    function test_E7_goods_first_and_paid() external {
        Step[STEPS] memory life = [Step.Accept, Step.Nothing, Step.Pay, Step.Nothing];
        _check(_patient(Mode.ON_ATTEST, false, false), life, AMOUNT, 0);
    }

    function test_E7_goods_first_and_not_paid() external {
        Step[STEPS] memory life = [Step.Accept, Step.Nothing, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.ON_ATTEST, false, false), life, 0, AMOUNT);
    }

    function test_E7_goods_first_disputed_and_nobody_rules() external {
        Step[STEPS] memory life = [Step.Accept, Step.Dispute, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.ON_ATTEST, false, false), life, 0, uint256(AMOUNT) * SPLIT / 10_000);
    }

    function test_E7_goods_first_disputed_ruled_and_paid() external {
        Step[STEPS] memory life = [Step.Dispute, Step.Rule, Step.Nothing, Step.Nothing];
        _check(_patient(Mode.ON_ATTEST, false, false), life, 0, PART);
    }

    function test_E7_goods_first_in_parts() external {
        Step[STEPS] memory life = [Step.AcceptPart, Step.Pay, Step.Complete, Step.Pay];
        _check(_patient(Mode.ON_ATTEST, false, true), life, 2 * PART, 0);
    }
}
