// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Settlement} from "../../contracts/Settlement.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {NetTradeBase} from "./base/NetTradeBase.sol";
import {FalseERC20, LyingERC20, PlainERC20} from "./mocks/settlement/HostileERC20.sol";

/// @notice What other settlements got wrong, one attack each. docs/adversaries.md has the whole list, SettlementHostile
/// every kind of token.
contract AnchorsSettlement is NetTradeBase {
    Party private mallory;

    function setUp() public override {
        super.setUp();
        mallory = _client("mallory");
    }

    function _assertMoney(uint256 paid) private view {
        assertEq(usd.balanceOf(buyer.wallet), 10 * PRICE - paid, "the buyer");
        assertEq(usd.balanceOf(seller.wallet), paid, "the seller");
        assertEq(units.balanceOf(buyer.wallet), paid == 0 ? 0 : UNITS, "the units");
    }

    // ---- UniversalToken: an unchecked return value executed one leg only ----

    /// @dev The token was honest when the trade was affirmed and the cash held; only then its owner changes its code.
    function test_a_token_that_turns_false_after_the_match_gets_no_money() external {
        PlainERC20 token = new PlainERC20();
        token.mint(seller.wallet, UNITS);
        vm.prank(seller.wallet);
        token.approve(address(settlement), UNITS);
        Trade memory trade =
            _trade(_two(_asset(address(token), seller, buyer, UNITS), _cash(usd, buyer, seller, PRICE)));
        _matched(trade);
        address honest = address(new PlainERC20());
        address[2] memory turned = [address(new LyingERC20()), address(new FalseERC20())];
        for (uint256 i; i < 2; ++i) {
            vm.etch(address(token), turned[i].code);
            vm.expectRevert(); // each with its own error: SettlementHostile
            _settle(trade);
            assertEq(usd.balanceOf(seller.wallet), 0, "one leg");
            assertEq(usd.heldFor(address(settlement), buyer.wallet), PRICE, "the buyer's money waits");
        }
        vm.etch(address(token), honest.code);
        _settle(trade);
        assertEq(token.balanceOf(buyer.wallet), UNITS);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    /// @dev Nor in a net, where the money of others would go with it.
    function test_a_false_token_in_a_net_stops_the_money_of_all() external {
        LyingERC20 token = new LyingERC20();
        token.mint(seller.wallet, UNITS);
        Trade memory bad = _trade(_two(_asset(address(token), seller, buyer, UNITS), _cash(usd, buyer, seller, PRICE)));
        Trade memory good = _dvp();
        good.tradeReference = "another";
        _expectNetRevertsWith(_several(good, bad), ISettlement.DeliveryMismatch.selector);
        _assertMoney(0);
        _settleNet(_several(good, _single(_cash(usd, buyer, seller, 1), "fee")), false);
        assertEq(usd.balanceOf(seller.wallet), PRICE + 1);
    }

    // ---- Paladin Atom: anyone could cancel ----

    /// @dev Before anybody affirmed, affirmed by one, matched; alone, and "together" with its own signature.
    function test_a_stranger_cancels_in_no_state() external {
        Trade memory trade = _dvp();
        TradeId id = settlement.tradeId(trade);
        _cancelsNothing(trade);
        _affirmAs(seller, trade);
        _cancelsNothing(trade);
        _holdCash(trade, usd, buyer, PRICE);
        vm.prank(mallory.wallet);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadyMatched.selector, id));
        settlement.cancel(trade);

        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory own = new ISettlement.Affirmation[](1);
        own[0] = ISettlement.Affirmation(mallory.wallet, _sign(mallory.key, settlement.cancelDigest(id, deadline)));
        vm.startPrank(mallory.wallet);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotTradeParty.selector, id, mallory.wallet));
        settlement.cancelTogether(trade, deadline, own);
        own[0].wallet = seller.wallet;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidCancellation.selector, id, seller.wallet));
        settlement.cancelTogether(trade, deadline, own);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeNotExpired.selector, trade.expiry, block.timestamp));
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        vm.stopPrank();
        _settle(trade);
        _assertMoney(PRICE);
    }

    function _cancelsNothing(Trade memory trade) private {
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.NotTradeParty.selector, settlement.tradeId(trade), mallory.wallet);
        vm.prank(mallory.wallet);
        vm.expectRevert(refusal);
        settlement.cancel(trade);
    }

    // ---- SwapVault: signatures without chain or contract ----

    /// @dev Affirmations, consents and cancellations made for this settlement on this chain, brought to another one and
    /// to its fork.
    function test_signatures_settle_and_cancel_nothing_elsewhere() external {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        ISettlement.Affirmation[] memory cancellations = _cancellations(trade);
        Settlement here = settlement;

        settlement = new Settlement(address(registry));
        _registerNotary(usd, address(settlement));
        vm.prank(seller.wallet);
        units.approve(address(settlement), UNITS);
        _assertWorthless(trade, affirmations, consents, cancellations);
        settlement = here;
        vm.chainId(block.chainid + 1);
        _assertWorthless(trade, affirmations, consents, cancellations);
    }

    function _cancellations(Trade memory trade) private view returns (ISettlement.Affirmation[] memory both) {
        bytes32 digest = settlement.cancelDigest(settlement.tradeId(trade), trade.expiry);
        both = new ISettlement.Affirmation[](2);
        both[0] = ISettlement.Affirmation(seller.wallet, _sign(seller.key, digest));
        both[1] = ISettlement.Affirmation(buyer.wallet, _sign(buyer.key, digest));
    }

    function _assertWorthless(
        Trade memory trade,
        ISettlement.Affirmation[] memory affirmations,
        ISettlement.CashConsent[] memory consents,
        ISettlement.Affirmation[] memory cancellations
    ) private {
        TradeId id = settlement.tradeId(trade);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidAffirmation.selector, id, seller.wallet));
        settlement.settle(trade, affirmations, consents);
        vm.prank(seller.wallet); // affirms by calling, so it is the consent that is asked
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        settlement.settle(trade, _nobody(), consents);
        vm.prank(seller.wallet);
        settlement.affirm(trade);
        vm.prank(buyer.wallet);
        settlement.affirm(trade);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidCancellation.selector, id, seller.wallet));
        settlement.cancelTogether(trade, trade.expiry, cancellations);
        _assertState(trade, ISettlement.State.Affirmed);
        _assertMoney(0);
    }

    // ---- push payments let one party block another ----

    /// @dev A payee whom nobody can pay holds up its own trade. The others settle, and its payer has its money back once
    /// the trade is over, by anyone's call.
    function test_a_party_whom_nobody_can_pay_blocks_its_own_trade_only() external {
        Trade memory blocked = _single(_cash(usd, buyer, mallory, PRICE), "blocked");
        Trade memory other = _dvp();
        _affirmAs(mallory, blocked);
        _holdCash(blocked, usd, buyer, PRICE);
        _matched(other);
        _freeze(mallory.id);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        _settle(blocked);
        _settle(other);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
        vm.warp(uint256(blocked.expiry) + 1);
        vm.prank(address(0xBEEF));
        settlement.releaseHold(blocked, address(usd), buyer.wallet);
        assertEq(usd.available(buyer.wallet), 9 * PRICE);
        assertEq(usd.balanceOf(mallory.wallet), 0);
    }
}
