// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Agreement, OrderTerms, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Any live state but an unfunded PREFUND → decided: both share out all that is unpaid.
contract EscrowAgreeTest is OrderBase {
    function test_both_agree_in_every_live_state() external {
        Terms[5] memory list;
        list[0] = _funded(_prefund());
        list[1] = _funded(_prefund());
        _attest(list[1], 1, SHIPPED);
        list[2] = _funded(_prefund());
        vm.prank(buyer.wallet);
        escrow.dispute(list[2], 0);
        list[3] = _opened(_onAttest());
        list[4] = _opened(_onAttest());
        _attest(list[4], 1, SHIPPED);
        for (uint256 i; i < 5; ++i) {
            bool prefund = i < 3;
            _agree(list[i], _agreement(list[i], PART));
            _assertState(list[i], prefund ? IOrderBook.State.Accepted : IOrderBook.State.Due);
            assertTrue(_view(list[i]).decided, "decided");
            assertEq(escrow.unpaidOf(list[i], 0), PART, "the seller's");
            (, uint256 held,, uint256 refunded) = escrow.amountsOf(list[i], 0);
            assertEq(held, prefund ? PART : 0, "held");
            assertEq(refunded, prefund ? AMOUNT - PART : 0, "back at once");
        }
        Agreement memory again = _agreement(list[0], 1);
        _agree(list[0], again); // of what a decision left, too
        assertEq(escrow.unpaidOf(list[0], 0), 1, "less");
    }

    function test_nothing_to_agree_on_before_it_is_funded() external {
        Terms memory t = _opened(_prefund());
        Agreement memory a = _agreement(t, PART);
        bytes32 digest = escrow.agreementDigest(a);
        bytes memory buying = _sign(buyer.key, digest);
        bytes memory selling = _sign(seller.key, digest);
        bytes memory reason = _wrongState(t, IOrderBook.State.Open);
        vm.expectRevert(reason);
        escrow.agree(t, a, buying, selling);
    }

    function test_agreement_refuses() external {
        Terms memory t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        Agreement memory a = _agreement(t, AMOUNT);
        bytes32 digest = escrow.agreementDigest(a);
        bytes memory buying = _sign(buyer.key, digest);
        bytes memory selling = _sign(seller.key, digest);
        OrderId id = escrow.orderId(t);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, id, seller.id));
        escrow.agree(t, a, buying, "");
        vm.warp(a.deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, a.deadline, a.deadline + 1));
        escrow.agree(t, a, buying, selling);
        vm.warp(a.deadline);
        escrow.agree(t, a, buying, selling);
        // the same amount is unpaid still: without its nonce spent, anyone could renew payWithin for ever
        bytes32 structHash = keccak256(abi.encode(OrderTerms.AGREEMENT_TYPEHASH, a));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.AgreementUsed.selector, structHash));
        escrow.agree(t, a, buying, selling);
        a.unpaid = AMOUNT - 1;
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongAmount.selector, AMOUNT - 1, AMOUNT));
        _agreeRaw(t, a);
        a.orderId = escrow.orderId(_onAttest());
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, a.orderId));
        _agreeRaw(t, a);
        a = _agreement(t, AMOUNT + 1);
        buying = _sign(buyer.key, escrow.agreementDigest(a));
        selling = _sign(seller.key, escrow.agreementDigest(a));
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.SplitTooLarge.selector, AMOUNT + 1, AMOUNT));
        escrow.agree(t, a, buying, selling);
    }

    function _agreeRaw(Terms memory t, Agreement memory a) private {
        escrow.agree(t, a, "", "");
    }
}
