// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {INotary} from "../../contracts/interfaces/INotary.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Terms} from "../../contracts/libraries/OrderTerms.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Open → Funded: exactly the amount, by the milestone's payer, at or before fundBy.
contract EscrowFundTest is OrderBase {
    function _fundByConsent(Terms memory t, Party memory payer, uint256 amount) private {
        IOrderBook.ConsentSignature memory consent = _consent(payer, t, 0, amount);
        escrow.fund(t, 0, consent);
    }

    function _refuse(Terms memory t, uint256 amount, bytes32 ref, bytes memory reason) private {
        bytes memory data = abi.encode(t, uint256(0), bytes(""), bytes(""));
        vm.prank(buyer.wallet);
        vm.expectRevert(reason);
        usd.holdAndCall(address(escrow), amount, ref, data);
    }

    function _wrongPayer(Terms memory t, address payer) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.WrongPayer.selector, escrow.orderId(t), payer);
    }

    function test_by_consent_that_anyone_brings() external {
        Terms memory t = _opened(_prefund());
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneFunded(escrow.orderId(t), 0, buyer.wallet, AMOUNT);
        escrow.fund(t, 0, consent);
        _assertState(t, IOrderBook.State.Funded);
        assertEq(_view(t).payer, buyer.wallet, "payer");
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    function test_by_the_payers_own_hold() external {
        Terms memory t = _funded(_prefund());
        _assertState(t, IOrderBook.State.Funded);
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    function test_one_call_opens_and_funds() external {
        Terms memory t = _prefund();
        bytes memory data = abi.encode(t, uint256(0), bytes(""), _signTerms(t, seller));
        bytes32 ref = _ref(t, 0);
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(escrow), AMOUNT, ref, data);
        _assertState(t, IOrderBook.State.Funded);
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    function test_one_call_opens_nothing_without_the_sellers_signature() external {
        Terms memory t = _prefund();
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(t), seller.id);
        _refuse(t, AMOUNT, _ref(t, 0), reason);
    }

    /// @dev The token vouches for who pays, not for whom else the payer speaks.
    function test_a_payer_that_is_no_current_wallet_needs_the_buyers_signature() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _deposit(usd, second.addr, AMOUNT);
        Terms memory t = _prefund();
        bytes32 ref = _ref(t, 0);
        bytes memory data = abi.encode(t, uint256(0), bytes(""), _signTerms(t, seller));
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(t), buyer.id);
        vm.prank(second.addr);
        vm.expectRevert(reason);
        usd.holdAndCall(address(escrow), AMOUNT, ref, data);
        data = abi.encode(t, uint256(0), _signTerms(t, buyer), _signTerms(t, seller));
        vm.prank(second.addr);
        usd.holdAndCall(address(escrow), AMOUNT, ref, data);
        assertEq(_view(t).payer, second.addr, "another wallet of the buyer paid");
    }

    function test_at_or_before_fund_by() external {
        Terms memory t = _opened(_prefund());
        Terms memory late = _opened(_prefund());
        vm.warp(t.milestones[0].fundBy);
        _holdFor(t, AMOUNT);
        _assertState(t, IOrderBook.State.Funded);
        vm.warp(t.milestones[0].fundBy + 1);
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.TooLate.selector, late.milestones[0].fundBy, block.timestamp);
        _refuse(late, AMOUNT, _ref(late, 0), reason);
        IOrderBook.ConsentSignature memory consent = _consent(buyer, late, 0, AMOUNT);
        vm.expectRevert(reason);
        escrow.fund(late, 0, consent);
    }

    function test_exactly_the_amount() external {
        Terms memory t = _opened(_prefund());
        _refuse(t, AMOUNT - 1, _ref(t, 0), abi.encodeWithSelector(IOrderBook.WrongAmount.selector, AMOUNT - 1, AMOUNT));
        _refuse(t, AMOUNT + 1, _ref(t, 0), abi.encodeWithSelector(IOrderBook.WrongAmount.selector, AMOUNT + 1, AMOUNT));
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT - 1);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        escrow.fund(t, 0, consent);
    }

    function test_only_the_milestones_payer() external {
        Party memory third = _client("third", usd, AMOUNT);
        Terms memory t = _prefund();
        t.milestones[0].payer = third.id;
        _open(t);
        _refuse(t, AMOUNT, _ref(t, 0), _wrongPayer(t, buyer.wallet));
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT);
        bytes memory reason = _wrongPayer(t, buyer.wallet);
        vm.expectRevert(reason);
        escrow.fund(t, 0, consent);
        _fundByConsent(t, third, AMOUNT); // which signed no terms: this is its word
        assertEq(_view(t).payer, third.wallet, "third");
        assertEq(usd.heldFor(address(escrow), third.wallet), AMOUNT, "its money");
    }

    function test_the_reference_binds_order_and_milestone() external {
        Terms memory t = _opened(_prefund());
        _refuse(
            t, AMOUNT, _ref(t, 1), abi.encodeWithSelector(IOrderBook.WrongReference.selector, _ref(t, 1), _ref(t, 0))
        );
        Terms memory other = _opened(_prefund());
        IOrderBook.ConsentSignature memory consent = _consent(buyer, other, 0, AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        escrow.fund(t, 0, consent);
    }

    function test_a_consent_serves_once() external {
        Terms memory t = _opened(_prefund());
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT);
        escrow.fund(t, 0, consent);
        bytes memory reason = _wrongState(t, IOrderBook.State.Funded);
        vm.expectRevert(reason);
        escrow.fund(t, 0, consent);
    }

    function test_only_the_deposit_token_of_the_order_reports_holds() external {
        Terms memory t = _opened(_prefund());
        bytes memory data = abi.encode(t, uint256(0), bytes(""), bytes(""));
        bytes32 ref = _ref(t, 0);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.OnlyDepositToken.selector, address(this)));
        escrow.onHold(buyer.wallet, AMOUNT, ref, data);
        _deposit(eur, buyer.wallet, AMOUNT);
        vm.prank(buyer.wallet);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongToken.selector, address(eur), address(usd)));
        eur.holdAndCall(address(escrow), AMOUNT, ref, data);
        vm.prank(address(usd));
        bytes4 answer = escrow.onHold(buyer.wallet, AMOUNT, ref, data);
        assertEq(bytes32(answer), bytes32(INotary.onHold.selector), "the token itself is believed");
    }

    function test_does_not_ask_whether_the_seller_is_good() external {
        Terms memory t = _opened(_prefund());
        _freeze(seller.id);
        _holdFor(t, AMOUNT);
        _assertState(t, IOrderBook.State.Funded);
    }

    function test_asks_whether_the_payer_is_good() external {
        Terms memory t = _opened(_prefund());
        _freeze(buyer.id);
        bytes memory reason =
            abi.encodeWithSelector(IDepositToken.Refused.selector, Path.HOLD, Reason.PAYER_FROZEN, buyer.wallet, 0, 0);
        _refuse(t, AMOUNT, _ref(t, 0), reason);
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT);
        vm.expectRevert(reason);
        escrow.fund(t, 0, consent);
    }

    function test_goods_first_is_not_funded() external {
        Terms memory t = _opened(_onAttest());
        _refuse(t, AMOUNT, _ref(t, 0), _wrongState(t, IOrderBook.State.Open));
        IOrderBook.ConsentSignature memory consent = _consent(buyer, t, 0, AMOUNT);
        bytes memory reason = _wrongState(t, IOrderBook.State.Open);
        vm.expectRevert(reason);
        escrow.fund(t, 0, consent);
    }

    function test_what_is_held_counts_against_the_limit_and_comes_back_the_same_day() external {
        Terms memory t = _funded(_prefund());
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, AMOUNT, "charged");
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        (, spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, 0, "given back");
    }
}
