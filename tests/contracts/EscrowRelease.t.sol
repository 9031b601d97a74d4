// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Terms} from "../../contracts/libraries/OrderTerms.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice The ends without a dispute: release, pay, refund, cancel, write off – at the last second and one past it.
contract EscrowReleaseTest is OrderBase {
    function _accepted() private returns (Terms memory t) {
        t = _funded(_prefund());
        _attest(t, 1, SHIPPED);
    }

    function _due() private returns (Terms memory t) {
        t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
    }

    function _end(Terms memory t) private pure returns (uint256) {
        return uint256(t.milestones[0].attestBy) + GRACE;
    }

    function _tooEarly(uint256 notBefore) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.TooEarly.selector, notBefore, block.timestamp);
    }

    function _notParty(Terms memory t, address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.NotParty.selector, escrow.orderId(t), caller);
    }

    // ---- Accepted → Released ----

    function test_the_buyer_releases_at_any_time() external {
        Terms memory t = _accepted();
        vm.prank(buyer.wallet);
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_anyone_releases_strictly_after_inspection() external {
        Terms memory t = _accepted();
        vm.warp(t0 + INSPECTION);
        bytes memory reason = _tooEarly(t0 + INSPECTION);
        vm.expectRevert(reason);
        escrow.release(t, 0);
        vm.prank(seller.wallet);
        vm.expectRevert(reason);
        escrow.release(t, 0);
        vm.warp(t0 + INSPECTION + 1);
        escrow.release(t, 0);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_anyone_releases_at_once_where_nothing_is_inspected() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED);
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
    }

    function test_release_goes_to_the_sellers_wallet_of_today() external {
        Terms memory t = _accepted();
        Vm.Wallet memory second = _link(seller, "second");
        _makeCurrent(seller, second.addr);
        vm.prank(buyer.wallet);
        escrow.release(t, 0);
        assertEq(usd.balanceOf(second.addr), AMOUNT, "the current wallet");
        assertEq(usd.balanceOf(seller.wallet), 0, "not the one that signed");
    }

    function test_release_to_a_refused_payee_reverts_as_the_token_does() external {
        Terms memory t = _accepted();
        _freeze(seller.id);
        assertEq(
            uint256(usd.check(Path.EXECUTE, address(escrow), buyer.wallet, seller.wallet, AMOUNT)),
            uint256(Reason.PAYEE_FROZEN),
            "check"
        );
        vm.prank(buyer.wallet);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.EXECUTE, Reason.PAYEE_FROZEN, seller.wallet, 0, 0
            )
        );
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Accepted);
    }

    // ---- Due → Released ----

    function test_the_buyer_pays_what_is_due_also_late() external {
        Terms memory t = _due();
        uint256 last = t0 + PAY_WITHIN;
        vm.warp(last);
        assertFalse(escrow.isOverdue(t, 0), "the last second");
        vm.warp(last + 1);
        assertTrue(escrow.isOverdue(t, 0), "overdue");
        _holdFor(t, AMOUNT);
        _assertState(t, IOrderBook.State.Released);
        assertFalse(escrow.isOverdue(t, 0), "paid");
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_a_named_payer_or_the_buyer_pays_by_consent() external {
        Party memory third = _client("third", usd, AMOUNT);
        for (uint256 i; i < 2; ++i) {
            Terms memory t = _onAttest();
            t.milestones[0].payer = third.id;
            _open(t);
            _attest(t, 1, SHIPPED);
            IOrderBook.ConsentSignature memory consent = _consent(i == 0 ? third : buyer, t, 0, AMOUNT);
            escrow.pay(t, 0, consent);
            _assertState(t, IOrderBook.State.Released);
        }
        assertEq(usd.balanceOf(third.wallet), 0, "the third party's");
        assertEq(usd.balanceOf(seller.wallet), 2 * AMOUNT, "and the buyer's");
    }

    function test_pay_refuses() external {
        Terms memory t = _due();
        Party memory third = _client("third", usd, AMOUNT);
        IOrderBook.ConsentSignature memory consent = _consent(third, t, 0, AMOUNT);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.WrongPayer.selector, escrow.orderId(t), third.wallet);
        vm.expectRevert(reason);
        escrow.pay(t, 0, consent);
        bytes memory data = abi.encode(t, uint256(0), bytes(""), bytes(""));
        bytes32 ref = _ref(t, 0);
        vm.prank(buyer.wallet);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongAmount.selector, AMOUNT - 1, AMOUNT));
        usd.holdAndCall(address(escrow), AMOUNT - 1, ref, data);
        consent = _consent(buyer, t, 0, AMOUNT);
        _freeze(seller.id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.EXECUTE, Reason.PAYEE_FROZEN, seller.wallet, 0, 0
            )
        );
        escrow.pay(t, 0, consent);
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 0, "nothing stays held for a debt");
    }

    // ---- Due → Cancelled ----

    function test_only_the_seller_writes_off() external {
        Terms memory t = _due();
        bytes memory reason = _notParty(t, buyer.wallet);
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        escrow.writeOff(t, 0);
        vm.prank(seller.wallet);
        escrow.writeOff(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
        _assertAmounts(t, 0, 0, 0);
    }

    // ---- Funded, Accepted → Refunded ----

    function test_the_seller_refunds_what_is_funded_or_accepted() external {
        Terms memory t = _funded(_prefund());
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, 0, AMOUNT);
        t = _accepted();
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    function test_anyone_refunds_strictly_after_attest_end() external {
        Terms memory t = _funded(_prefund());
        vm.warp(_end(t));
        bytes memory reason = _tooEarly(_end(t));
        vm.expectRevert(reason);
        escrow.refund(t, 0);
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        escrow.refund(t, 0);
        vm.warp(_end(t) + 1);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    function test_what_is_accepted_only_the_seller_refunds() external {
        Terms memory t = _accepted();
        vm.warp(_end(t) + 1);
        bytes memory reason = _notParty(t, buyer.wallet);
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        escrow.refund(t, 0);
        _assertState(t, IOrderBook.State.Accepted);
    }

    /// @dev The limit is given back by the day of the hold, not of the acceptance.
    function test_refund_of_another_day_gives_no_limit_back() external {
        Terms memory t = _funded(_prefund());
        vm.warp(t0 + 1 days);
        _attest(t, 1, SHIPPED);
        vm.prank(buyer.wallet);
        usd.pay(seller.wallet, 7, keccak256("spent today"), "");
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, 7, "today's stays spent");
    }

    // ---- Open → Cancelled ----

    function test_anyone_cancels_strictly_after_fund_by() external {
        Terms memory t = _opened(_prefund());
        vm.warp(t.milestones[0].fundBy);
        bytes memory reason = _tooEarly(t.milestones[0].fundBy);
        vm.expectRevert(reason);
        escrow.cancel(t, 0);
        vm.warp(t.milestones[0].fundBy + 1);
        escrow.cancel(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    function test_anyone_cancels_goods_first_strictly_after_attest_end() external {
        Terms memory t = _opened(_onAttest());
        vm.warp(_end(t));
        bytes memory reason = _tooEarly(_end(t));
        vm.expectRevert(reason);
        escrow.cancel(t, 0);
        vm.warp(_end(t) + 1);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneCancelled(escrow.orderId(t), 0, 0);
        escrow.cancel(t, 0);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    function test_both_cancel_at_any_time() external {
        Terms memory t = _opened(_prefund());
        OrderId id = escrow.orderId(t);
        uint40 deadline = uint40(block.timestamp + 1 hours);
        bytes32 digest = escrow.cancellationDigest(id, 0, deadline);
        bytes memory selling = _sign(seller.key, digest);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, id, buyer.id));
        escrow.cancelTogether(t, 0, deadline, "", selling);
        vm.prank(buyer.wallet);
        escrow.cancelTogether(t, 0, deadline, "", selling);
        _assertState(t, IOrderBook.State.Cancelled);

        t = _opened(_onAttest());
        digest = escrow.cancellationDigest(escrow.orderId(t), 0, deadline);
        bytes memory buying = _sign(buyer.key, digest);
        selling = _sign(seller.key, digest);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, deadline, deadline + 1));
        escrow.cancelTogether(t, 0, deadline, buying, selling);
        vm.warp(deadline);
        escrow.cancelTogether(t, 0, deadline, buying, selling);
        _assertState(t, IOrderBook.State.Cancelled);
    }

    // ---- any live → Cancelled, by order ----

    function test_by_order_the_hold_goes_back_and_stays_frozen() external {
        Terms memory t = _accepted();
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _assertState(t, IOrderBook.State.Cancelled);
        _assertAmounts(t, 0, 0, AMOUNT);
        assertEq(usd.frozen(buyer.wallet), AMOUNT, "frozen in the same call");
        assertEq(usd.available(buyer.wallet), 99 * AMOUNT, "not to be spent");
    }

    function test_by_order_what_holds_no_money_too() external {
        Terms memory t = _opened(_prefund());
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _assertState(t, IOrderBook.State.Cancelled);
        t = _due();
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _assertState(t, IOrderBook.State.Cancelled);
        assertEq(usd.frozen(buyer.wallet), 0, "nothing to freeze");
    }

    /// @dev One stolen compliance key must not end every order of the bank's clients. It freezes, and that is enough: the
    /// money stays held until the order has been announced and carried out.
    function test_by_order_is_announced_and_a_freeze_holds_the_money_meanwhile() external {
        Terms memory t = _accepted();
        bytes memory call_ = abi.encodeCall(escrow.cancelByOrder, (t, 0, ORDER));
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", compliance));
        vm.prank(compliance);
        escrow.cancelByOrder(t, 0, ORDER);
        _freeze(seller.id);
        _schedule(resolution, address(escrow), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        vm.prank(buyer.wallet);
        escrow.release(t, 0);
        _executeDelayed(resolution, address(escrow), call_);
        _assertState(t, IOrderBook.State.Cancelled);
        assertEq(usd.frozen(buyer.wallet), AMOUNT);
    }

    function test_by_order_refuses() external {
        Terms memory t = _accepted();
        vm.expectRevert(abi.encodeWithSignature("AccessManagedUnauthorized(address)", address(this)));
        escrow.cancelByOrder(t, 0, ORDER);
        vm.prank(SWIFT);
        vm.expectRevert(IOrderBook.OrderHashMissing.selector);
        escrow.cancelByOrder(t, 0, 0);
    }
}
