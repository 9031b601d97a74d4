// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderAmendments} from "../../contracts/interfaces/IOrderAmendments.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Money back after it was released: a credit note.
contract EscrowCreditTest is OrderBase {
    bytes32 private constant NOTE = keccak256("credit note 1");
    bytes32 private constant SECOND = keccak256("credit note 2");
    uint256 private constant WEALTH = 100 * uint256(AMOUNT);
    uint256 private _nonce = 1000;

    function _released() private returns (Terms memory t) {
        t = _funded(_prefundAtOnce());
        escrow.attestAndRelease(t, _says(t, 1, SHIPPED), _signed(_says(t, 1, SHIPPED)));
    }

    function _credit(Terms memory t, Party memory party, uint256 amount, bytes32 note)
        private
        returns (IOrderBook.ConsentSignature memory c)
    {
        bytes32 ref = escrow.creditReference(escrow.orderId(t), 0, note);
        (c.payer, c.nonce, c.deadline) = (party.wallet, ++_nonce, block.timestamp + 1 days);
        c.signature = _signConsent(
            party.key, DepositToken(t.token), party.wallet, address(escrow), amount, ref, c.nonce, c.deadline
        );
    }

    function _expect(Terms memory t, uint256 amount, bytes32 note, bytes memory reason) private {
        IOrderBook.ConsentSignature memory c = _credit(t, seller, amount, note);
        vm.expectRevert(reason);
        escrow.refundReleased(t, 0, amount, note, c);
    }

    function test_a_part_goes_back_to_the_wallet_that_paid() external {
        Terms memory t = _released();
        IOrderBook.ConsentSignature memory c = _credit(t, seller, PART, NOTE);
        vm.expectEmit(address(escrow));
        emit IOrderAmendments.ReleasedRefunded(escrow.orderId(t), 0, NOTE, buyer.wallet, PART);
        escrow.refundReleased(t, 0, PART, NOTE, c);
        assertEq(usd.balanceOf(seller.wallet), AMOUNT - PART);
        assertEq(usd.balanceOf(buyer.wallet), WEALTH - AMOUNT + PART);
        assertEq(escrow.creditedOf(escrow.orderId(t), 0), PART);
        (uint256 f, uint256 h, uint256 r, uint256 b) = escrow.amountsOf(t, 0);
        assertEq(f, AMOUNT);
        assertEq(r, AMOUNT, "the order was released in full");
        assertEq(h + b, 0);
        _assertState(t, IOrderBook.State.Released);
    }

    function test_up_to_all_that_was_released() external {
        Terms memory t = _released();
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
        uint256 most = AMOUNT - PART;
        _expect(t, most + 1, SECOND, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, most + 1, most));
        escrow.refundReleased(t, 0, most, SECOND, _credit(t, seller, most, SECOND));
        _expect(t, 1, "third", abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, 1, 0));
        assertEq(usd.balanceOf(buyer.wallet), WEALTH);
    }

    function test_a_credit_note_serves_once() external {
        Terms memory t = _released();
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
        _expect(t, PART, NOTE, abi.encodeWithSelector(IOrderAmendments.CreditNoteUsed.selector, NOTE));
    }

    function test_nothing_no_note_and_too_much() external {
        Terms memory t = _released();
        _expect(t, 0, NOTE, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, 0, AMOUNT));
        _expect(t, PART, 0, abi.encodeWithSelector(IOrderAmendments.CreditNoteMissing.selector));
        uint256 most = type(uint256).max;
        _expect(t, most, NOTE, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, most, AMOUNT));
    }

    function test_nothing_was_released() external {
        Terms memory t = _funded(_prefund());
        _expect(t, 1, NOTE, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, 1, 0));
    }

    function test_only_the_seller_pays_back() external {
        Terms memory t = _released();
        IOrderBook.ConsentSignature memory c = _credit(t, buyer, PART, NOTE);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NotParty.selector, escrow.orderId(t), buyer.wallet));
        escrow.refundReleased(t, 0, PART, NOTE, c);
    }

    /// @dev The seller's consent names order, milestone and note: it serves for nothing else.
    function test_the_consent_is_for_this_note() external {
        Terms memory t = _released();
        IOrderBook.ConsentSignature memory c = _credit(t, seller, PART, SECOND);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, seller.wallet));
        escrow.refundReleased(t, 0, PART, NOTE, c);
        c = _credit(t, seller, PART, NOTE);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, seller.wallet));
        escrow.refundReleased(t, 0, PART - 1, NOTE, c);
    }

    function test_it_follows_the_successor_of_the_wallet_that_paid() external {
        Terms memory t = _released();
        Vm.Wallet memory next = _link(buyer, "successor");
        _recover(buyer.wallet, next.addr);
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
        assertEq(usd.balanceOf(next.addr), WEALTH - AMOUNT + PART);
    }

    function test_of_goods_first_it_goes_to_the_payers_current_wallet() external {
        Terms memory t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        _holdFor(t, AMOUNT);
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
        assertEq(usd.balanceOf(buyer.wallet), WEALTH - AMOUNT + PART);
    }

    function test_of_a_delivery_in_parts_what_is_released_so_far() external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        _attestPart(t, 1, SHIPPED, PART, false);
        _expect(t, PART + 1, NOTE, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, PART + 1, PART));
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
        _assertState(t, IOrderBook.State.Funded);
        assertEq(usd.heldFor(address(escrow), buyer.wallet), AMOUNT - PART);
    }

    function test_what_waits_for_a_stop_was_not_released() external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, false);
        _unfreeze(seller.id);
        _expect(t, 1, NOTE, abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, 1, 0));
    }

    function test_a_stopped_buyer_is_refused_and_nothing_happens() external {
        Terms memory t = _released();
        _freeze(buyer.id);
        IOrderBook.ConsentSignature memory c = _credit(t, seller, PART, NOTE);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        escrow.refundReleased(t, 0, PART, NOTE, c);
        assertEq(escrow.creditedOf(escrow.orderId(t), 0), 0);
        _unfreeze(buyer.id);
        escrow.refundReleased(t, 0, PART, NOTE, _credit(t, seller, PART, NOTE));
    }

    function test_an_unknown_order_and_milestone() external {
        Terms memory t = _prefund();
        _expect(t, 1, NOTE, abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, escrow.orderId(t)));
        t = _released();
        IOrderBook.ConsentSignature memory c = _credit(t, seller, PART, NOTE);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownMilestone.selector, escrow.orderId(t), 1));
        escrow.refundReleased(t, 1, PART, NOTE, c);
    }
}
