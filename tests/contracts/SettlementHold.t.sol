// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INotary} from "../../contracts/interfaces/INotary.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev Cash held by the payer itself, and what becomes of it: D5, D8.
contract SettlementHoldTest is TradeBase {
    function test_holdingAffirms() public {
        Trade memory trade = _dvp();
        TradeId id = settlement.tradeId(trade);
        vm.expectEmit(address(settlement));
        emit ISettlement.CashHeld(id, address(usd), buyer.wallet, PRICE);
        vm.expectEmit(address(settlement));
        emit ISettlement.TradeAffirmed(id, buyer.wallet, trade.tradeReference, false);
        _holdCash(trade, usd, buyer, PRICE);

        _assertHeld(trade, PRICE);
        assertEq(settlement.tradeOf(id).affirmations, 1 << 1);
        vm.expectEmit(address(settlement));
        emit ISettlement.TradeAffirmed(id, seller.wallet, trade.tradeReference, true);
        _affirmAs(seller, trade);
    }

    function test_onlyADepositTokenReportsHolds() public {
        Trade memory trade = _dvp();
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.OnlyDepositToken.selector, buyer.wallet));
        vm.prank(buyer.wallet);
        INotary(address(settlement)).onHold(buyer.wallet, PRICE, ref, abi.encode(trade));
        // nor an asset, registered as it is
        vm.expectRevert(abi.encodeWithSelector(ISettlement.OnlyDepositToken.selector, address(units)));
        vm.prank(address(units));
        INotary(address(settlement)).onHold(buyer.wallet, PRICE, ref, abi.encode(trade));
    }

    function test_exactlyTheSumOfThePayersLegs() public {
        Trade memory trade =
            _trade(_three(_units(seller, buyer, 1), _cash(usd, buyer, seller, 30), _cash(usd, buyer, seller, 12)));
        _expectWrongHold(trade, buyer, 41, 42);
        _expectWrongHold(trade, buyer, 43, 42);
        _holdCash(trade, usd, buyer, 42);
        _assertHeld(trade, 42);
    }

    function test_nothingToHoldForWhoPaysNothing() public {
        _deposit(usd, seller.wallet, PRICE);
        _expectWrongHold(_dvp(), seller, PRICE, 0);
        // nor in another currency
        Trade memory trade = _dvp();
        _deposit(eur, buyer.wallet, PRICE);
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongHold.selector, ref, eur, buyer.wallet, PRICE, 0));
        vm.prank(buyer.wallet);
        eur.holdAndCall(address(settlement), PRICE, ref, abi.encode(trade));
    }

    function test_theReferenceNamesTheseTerms() public {
        Trade memory trade = _dvp();
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        trade.legs[0].amount = 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.UnknownTrade.selector, ref));
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(settlement), PRICE, ref, abi.encode(trade));
        assertEq(usd.held(buyer.wallet), 0);
    }

    /// @dev Whatever the data is, there is no orphan hold.
    function testFuzz_garbageIsNoTrade(bytes calldata data, bytes32 ref) public {
        vm.expectRevert();
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(settlement), PRICE, ref, data);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_once() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CashAlreadyHeld.selector, ref, usd, buyer.wallet));
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(settlement), PRICE, ref, abi.encode(trade));
        _assertHeld(trade, PRICE);
    }

    function test_aConsentForWhatIsHeldStaysUnspent() public {
        Trade memory trade = _dvp();
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        _matched(trade);
        settlement.settle(trade, _nobody(), consents);
        assertFalse(usd.consentSpent(buyer.wallet, consents[0].nonce));
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    function test_notForATradeThatIsOver() public {
        Trade memory trade = _dvp();
        vm.prank(seller.wallet);
        settlement.cancel(trade);
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeNotLive.selector, ref, ISettlement.State.Cancelled));
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(settlement), PRICE, ref, abi.encode(trade));
        trade = _dvp();
        trade.tradeReference = keccak256("expires");
        ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.warp(trade.expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, trade.expiry + 1));
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(settlement), PRICE, ref, abi.encode(trade));
    }

    // ---- D5: nothing after expiry, and its holds are then releasable ----

    function test_D5_releasedByAnyoneOneSecondAfterExpiry() public {
        Trade memory trade = _dvp();
        _matched(trade);
        vm.warp(trade.expiry);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeNotExpired.selector, trade.expiry, trade.expiry));
        settlement.releaseHold(trade, address(usd), buyer.wallet);

        vm.warp(trade.expiry + 1);
        TradeId id = settlement.tradeId(trade);
        vm.expectEmit(address(settlement));
        emit ISettlement.CashReleased(id, address(usd), buyer.wallet, PRICE);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        _assertHeld(trade, 0);
        assertEq(usd.available(buyer.wallet), 10 * PRICE);

        bytes memory nothing = abi.encodeWithSelector(ISettlement.NothingHeld.selector, id, address(usd), buyer.wallet);
        vm.expectRevert(nothing);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
    }

    function test_D5_releaseAsksNobody() public {
        Trade memory trade = _dvp();
        _matched(trade);
        vm.warp(trade.expiry + 1);
        _pause(usd);
        _freeze(buyer.id);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_releaseOfAnUnknownTrade() public {
        Trade memory trade = _dvp();
        bytes memory refusal = abi.encodeWithSelector(ISettlement.UnknownTrade.selector, settlement.tradeId(trade));
        vm.expectRevert(refusal);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
    }

    function test_nothingIsLeftOfASettledTrade() public {
        Trade memory trade = _dvp();
        _matched(trade);
        _settle(trade);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.NothingHeld.selector, settlement.tradeId(trade), address(usd), buyer.wallet
        );
        vm.expectRevert(refusal);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
    }

    // ---- the day's limit ----

    function test_theLimitComesBackOnTheDayOfTheHoldOnly() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, PRICE);
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        (, spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, 0);

        trade.tradeReference = keccak256("over midnight");
        _holdCash(trade, usd, buyer, PRICE);
        vm.warp(block.timestamp + 1 days);
        vm.prank(buyer.wallet);
        usd.pay(seller.wallet, 5, keccak256("today"), "");
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        (, spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, 5);
    }

    // ---- wallets that are lost ----

    /// @dev The hold follows the successor; the trade, which names the lost wallet, waits for its end.
    function test_D8_theSuccessorGetsTheHoldBack() public {
        Trade memory trade = _dvp();
        _matched(trade);
        Vm.Wallet memory next = _link(buyer, "buyer's next");
        _recover(buyer.wallet, next.addr);
        assertEq(usd.heldFor(address(settlement), next.addr), PRICE);
        _assertHeldWord(trade, PRICE);

        vm.warp(trade.expiry + 1);
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        assertEq(usd.available(next.addr), 10 * PRICE);
        assertEq(usd.heldFor(address(settlement), next.addr), 0);
        _assertHeldWord(trade, 0);
    }

    // ---- helpers ----

    /// @dev D8 for one wallet: what the trade says is what the token says.
    function _assertHeld(Trade memory trade, uint256 amount) private view {
        _assertHeldWord(trade, amount);
        assertEq(usd.heldFor(address(settlement), buyer.wallet), amount);
    }

    function _assertHeldWord(Trade memory trade, uint256 amount) private view {
        assertEq(settlement.heldFor(settlement.tradeId(trade), address(usd), buyer.wallet), amount);
    }

    function _expectWrongHold(Trade memory trade, Party memory payer, uint256 amount, uint256 whole) private {
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongHold.selector, ref, usd, payer.wallet, amount, whole));
        vm.prank(payer.wallet);
        usd.holdAndCall(address(settlement), amount, ref, abi.encode(trade));
        assertEq(usd.held(payer.wallet), 0);
    }
}
