// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderMatrix} from "./base/OrderMatrix.sol";

/// @notice The state table of the escrow, row by row: in each state everybody makes every call, before and after the
/// deadlines that the state knows.
contract EscrowMatrixTest is OrderMatrix {
    uint256 private constant LONG = 60 days; // after every deadline

    IOrderBook.State private constant OPEN = IOrderBook.State.Open;
    IOrderBook.State private constant FUNDED = IOrderBook.State.Funded;
    IOrderBook.State private constant ACCEPTED = IOrderBook.State.Accepted;
    IOrderBook.State private constant DUE = IOrderBook.State.Due;
    IOrderBook.State private constant DISPUTED = IOrderBook.State.Disputed;
    IOrderBook.State private constant RELEASED = IOrderBook.State.Released;
    IOrderBook.State private constant REFUNDED = IOrderBook.State.Refunded;
    IOrderBook.State private constant CANCELLED = IOrderBook.State.Cancelled;

    // ---- None ----

    function test_none() external {
        bytes4[CALLERS][CALLS] memory x = _refusing(UNKNOWN);
        _all(x, Call.Open, _to(OPEN));
        _by(x, Call.Hold, Who.Payer, _to(FUNDED));
        _byParties(x, Call.Hold, WRONG_PAYER);
        _by(x, Call.Hold, Who.Arbiter, WRONG_PAYER);
        _check(_toPrefund(), x);
    }

    function test_none_once_the_signatures_are_over() external {
        Terms memory t = _toPrefund();
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _refusing(UNKNOWN);
        _all(x, Call.Open, IOrderBook.OpeningExpired.selector);
        _byParties(x, Call.Hold, IOrderBook.OpeningExpired.selector);
        _by(x, Call.Hold, Who.Payer, IOrderBook.OpeningExpired.selector);
        _by(x, Call.Hold, Who.Arbiter, IOrderBook.OpeningExpired.selector);
        _check(t, x);
    }

    // ---- Open, PREFUND ----

    function _openPrefund(bytes4 funding, bytes4 cancelling) private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _live();
        _all(x, Call.Fund, funding);
        _all(x, Call.FundFromBuyer, WRONG_PAYER);
        _by(x, Call.Hold, Who.Payer, funding);
        _byParties(x, Call.Hold, WRONG_PAYER);
        _by(x, Call.Hold, Who.Arbiter, WRONG_PAYER);
        _attesting(x, NOT_FUNDED);
        _all(x, Call.AttestNegative, NOT_FUNDED);
        _all(x, Call.Cancel, cancelling);
        _all(x, Call.CancelTogether, _to(CANCELLED));
        _all(x, Call.CancelAlone, UNSIGNED);
    }

    function test_open_prefund() external {
        _check(_toFund(), _openPrefund(_to(FUNDED), EARLY));
    }

    function test_open_prefund_after_fund_by() external {
        Terms memory t = _toFund();
        vm.warp(t0 + FUND_IN + 1);
        _check(t, _openPrefund(LATE, _to(CANCELLED)));
    }

    // ---- Open, ON_ATTEST ----

    function _openOnAttest() private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _sharable(DUE);
        _all(x, Call.CancelTogether, _to(CANCELLED));
        _all(x, Call.CancelAlone, UNSIGNED);
    }

    function test_open_on_attest() external {
        bytes4[CALLERS][CALLS] memory x = _openOnAttest();
        _attesting(x, _to(DUE));
        _all(x, Call.AttestNegative, _to(DISPUTED));
        _all(x, Call.Cancel, EARLY);
        _byParties(x, Call.Dispute, _to(DISPUTED));
        _check(_goodsFirst(), x);
    }

    function test_open_on_attest_after_attest_end() external {
        Terms memory t = _goodsFirst();
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _openOnAttest();
        _attesting(x, LATE);
        _all(x, Call.AttestNegative, _to(OPEN));
        _all(x, Call.Cancel, _to(CANCELLED));
        _byParties(x, Call.Dispute, LATE);
        _check(t, x);
    }

    // ---- Funded ----

    function _fundedInTime() private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _sharable(ACCEPTED);
        _attesting(x, _to(ACCEPTED));
        _all(x, Call.AttestNegative, _to(DISPUTED));
        _releasing(x, NOTHING_OWED);
        _all(x, Call.Refund, EARLY);
        _by(x, Call.Refund, Who.Seller, _to(REFUNDED));
        _byParties(x, Call.Dispute, _to(DISPUTED));
    }

    function test_funded() external {
        _check(_paidInAdvance(), _fundedInTime());
    }

    function test_funded_without_inspection() external {
        bytes4[CALLERS][CALLS] memory x = _fundedInTime();
        _attestingToRelease(x, _to(RELEASED));
        _check(_paidInAdvance(_prefundAtOnce()), x);
    }

    function test_funded_after_attest_end() external {
        Terms memory t = _paidInAdvance();
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _sharable(ACCEPTED);
        _attesting(x, LATE);
        _all(x, Call.AttestNegative, _to(FUNDED));
        _releasing(x, NOTHING_OWED);
        _all(x, Call.Refund, _to(REFUNDED));
        _byParties(x, Call.Dispute, LATE);
        _check(t, x);
    }

    // ---- Accepted ----

    function _accepted(bytes4 releasing, bytes4 disputing) private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _sharable(ACCEPTED);
        _attesting(x, _to(ACCEPTED));
        _all(x, Call.AttestNegative, _to(ACCEPTED));
        _releasing(x, releasing);
        _all(x, Call.Refund, NOT_PARTY);
        _by(x, Call.Refund, Who.Seller, _to(REFUNDED));
        _byParties(x, Call.Dispute, disputing);
    }

    function test_accepted_under_inspection() external {
        bytes4[CALLERS][CALLS] memory x = _accepted(EARLY, _to(DISPUTED));
        _all(x, Call.AttestNegative, _to(DISPUTED));
        _by(x, Call.Release, Who.Buyer, _to(RELEASED));
        _by(x, Call.ReleaseMany, Who.Buyer, _to(RELEASED));
        _check(_attested(_paidInAdvance(), SHIPPED), x);
    }

    function test_accepted_after_inspection() external {
        Terms memory t = _attested(_paidInAdvance(), SHIPPED);
        vm.warp(t0 + INSPECTION + 1);
        _check(t, _accepted(_to(RELEASED), LATE));
    }

    function test_accepted_after_attest_end() external {
        Terms memory t = _attested(_paidInAdvance(), SHIPPED);
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _accepted(_to(RELEASED), LATE);
        _attesting(x, LATE);
        _check(t, x);
    }

    function test_accepted_without_inspection() external {
        Terms memory t = _attested(_paidInAdvance(_prefundAtOnce()), SHIPPED);
        _check(t, _accepted(_to(RELEASED), IOrderBook.NotDisputable.selector));
    }

    // ---- Due ----

    function _due() private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _sharable(DUE);
        _all(x, Call.Pay, _to(RELEASED));
        _all(x, Call.PayFromBuyer, _to(RELEASED));
        _all(x, Call.PayFromSeller, WRONG_PAYER);
        _by(x, Call.Hold, Who.Buyer, _to(RELEASED));
        _by(x, Call.Hold, Who.Payer, _to(RELEASED));
        _by(x, Call.Hold, Who.Seller, WRONG_PAYER);
        _by(x, Call.Hold, Who.Arbiter, WRONG_PAYER);
        _attesting(x, _to(DUE));
        _all(x, Call.AttestNegative, _to(DUE));
        _all(x, Call.WriteOff, NOT_PARTY);
        _by(x, Call.WriteOff, Who.Seller, _to(CANCELLED));
    }

    function test_due() external {
        bytes4[CALLERS][CALLS] memory x = _due();
        _all(x, Call.AttestNegative, _to(DISPUTED));
        _byParties(x, Call.Dispute, _to(DISPUTED));
        _check(_attested(_goodsFirst(), SHIPPED), x);
    }

    function test_due_and_overdue() external {
        Terms memory t = _attested(_goodsFirst(), SHIPPED);
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _due();
        _attesting(x, LATE);
        _byParties(x, Call.Dispute, LATE);
        _check(t, x);
    }

    // ---- Disputed ----

    function _inDispute(IOrderBook.State afterwards) private pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _sharable(afterwards);
        _attesting(x, _to(DISPUTED));
        _all(x, Call.AttestNegative, _to(DISPUTED));
        _all(x, Call.Rule, NOT_ARBITER);
        _by(x, Call.Rule, Who.Arbiter, _to(afterwards));
        _all(x, Call.DecideByFallback, NO_FALLBACK);
    }

    function _fallbackIsOpen(IOrderBook.State afterwards, IOrderBook.State fallingBack)
        private
        pure
        returns (bytes4[CALLERS][CALLS] memory x)
    {
        x = _inDispute(afterwards);
        _attesting(x, LATE);
        _by(x, Call.Rule, Who.Arbiter, FALLBACK);
        _all(x, Call.DecideByFallback, _to(fallingBack));
    }

    function test_disputed_by_a_party() external {
        _check(_disputed(_paidInAdvance()), _inDispute(ACCEPTED));
    }

    function test_disputed_by_a_party_goods_first() external {
        _check(_disputed(_goodsFirst()), _inDispute(DUE));
    }

    function test_disputed_by_a_party_once_the_fallback_is_open() external {
        Terms memory t = _disputed(_paidInAdvance());
        vm.warp(t0 + LONG);
        _check(t, _fallbackIsOpen(ACCEPTED, REFUNDED));
    }

    function test_disputed_by_a_party_after_acceptance_once_the_fallback_is_open() external {
        Terms memory t = _disputed(_attested(_paidInAdvance(), SHIPPED));
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _fallbackIsOpen(ACCEPTED, ACCEPTED);
        _attesting(x, _to(DISPUTED)); // the required status came in time before
        _check(t, x);
    }

    function test_disputed_by_a_party_goods_first_once_the_fallback_is_open() external {
        Terms memory t = _disputed(_goodsFirst());
        vm.warp(t0 + LONG);
        _check(t, _fallbackIsOpen(DUE, CANCELLED));
    }

    function test_disputed_by_an_attestation() external {
        bytes4[CALLERS][CALLS] memory x = _inDispute(ACCEPTED);
        _attesting(x, _to(ACCEPTED));
        _byParties(x, Call.Dispute, _to(DISPUTED));
        _check(_attested(_paidInAdvance(), DAMAGED), x);
    }

    function test_disputed_by_an_attestation_goods_first() external {
        bytes4[CALLERS][CALLS] memory x = _inDispute(DUE);
        _attesting(x, _to(DUE));
        _byParties(x, Call.Dispute, _to(DISPUTED));
        _check(_attested(_goodsFirst(), DAMAGED), x);
    }

    function test_disputed_by_an_attestation_once_the_fallback_is_open() external {
        Terms memory t = _attested(_paidInAdvance(), DAMAGED);
        vm.warp(t0 + LONG);
        bytes4[CALLERS][CALLS] memory x = _fallbackIsOpen(ACCEPTED, REFUNDED);
        _byParties(x, Call.Dispute, FALLBACK);
        _check(t, x);
    }

    // ---- decided ----

    function test_decided_in_advance_is_accepted_for_good() external {
        Terms memory t = _agreed(_paidInAdvance());
        _check(t, _accepted(_to(RELEASED), DECIDED));
        vm.warp(t0 + LONG);
        _check(t, _accepted(_to(RELEASED), DECIDED));
    }

    function test_decided_goods_first_is_due_for_good() external {
        Terms memory t = _agreed(_goodsFirst());
        bytes4[CALLERS][CALLS] memory x = _due();
        _byParties(x, Call.Dispute, DECIDED);
        _check(t, x);
        vm.warp(t0 + LONG);
        _check(t, x);
    }

    // ---- over ----

    function _checkOver(Terms memory t, IOrderBook.State state) private {
        _assertState(t, state);
        _check(t, _over(state));
        vm.warp(t0 + LONG);
        _check(t, _over(state));
    }

    function test_released() external {
        Terms memory t = _attested(_paidInAdvance(_prefundAtOnce()), SHIPPED);
        escrow.release(t, 0);
        _checkOver(t, RELEASED);
    }

    function test_released_of_goods_first() external {
        Terms memory t = _attested(_goodsFirst(), SHIPPED);
        IOrderBook.ConsentSignature memory c = _consent(payer, t, 0, AMOUNT);
        escrow.pay(t, 0, c);
        _checkOver(t, RELEASED);
    }

    function test_refunded() external {
        Terms memory t = _paidInAdvance();
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _checkOver(t, REFUNDED);
    }

    function test_cancelled() external {
        Terms memory t = _attested(_goodsFirst(), SHIPPED);
        vm.prank(seller.wallet);
        escrow.writeOff(t, 0);
        _checkOver(t, CANCELLED);
    }

    function test_cancelled_by_order() external {
        Terms memory t = _paidInAdvance();
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _checkOver(t, CANCELLED);
    }

    // ---- a part that waits for the seller ----

    function test_funded_with_a_part_owed() external {
        Terms memory t = _paidInAdvance(_partial(Mode.PREFUND));
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, false);
        _unfreeze(seller.id);
        bytes4[CALLERS][CALLS] memory x = _fundedInTime();
        _attesting(x, _to(FUNDED)); // which accepts nothing more
        _releasing(x, _to(FUNDED));
        _by(x, Call.Refund, Who.Seller, _to(ACCEPTED)); // the rest alone: a part that was accepted stays the seller's
        _check(t, x);
    }
}
