// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev -> Cancelled: alone before the match, together after it.
contract SettlementCancelTest is TradeBase {
    // ---- alone ----

    function test_aPartyCancelsAloneBeforeTheMatch_andItsCashIsFree() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        TradeId id = settlement.tradeId(trade);
        vm.expectEmit(address(settlement));
        emit ISettlement.TradeCancelled(id, seller.wallet);
        vm.expectEmit(address(settlement));
        emit ISettlement.CashReleased(id, address(usd), buyer.wallet, PRICE);
        vm.prank(seller.wallet);
        settlement.cancel(trade);
        _assertState(trade, ISettlement.State.Cancelled);
        assertEq(usd.available(buyer.wallet), 10 * PRICE);
        assertEq(settlement.heldFor(id, address(usd), buyer.wallet), 0);
    }

    /// @dev Of two payers only one has held yet.
    function test_cancellingGivesBackWhatIsHeldAndAsksNothingOfTheRest() public {
        _deposit(eur, seller.wallet, PRICE);
        Trade memory trade = _trade(_two(_cash(eur, seller, buyer, PRICE), _cash(usd, buyer, seller, PRICE)));
        _holdCash(trade, usd, buyer, PRICE);
        vm.prank(seller.wallet);
        settlement.cancel(trade);
        assertEq(usd.available(buyer.wallet), 10 * PRICE);
        assertEq(eur.available(seller.wallet), PRICE);
        _assertState(trade, ISettlement.State.Cancelled);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.NothingHeld.selector, settlement.tradeId(trade), address(eur), seller.wallet
            )
        );
        settlement.releaseHold(trade, address(eur), seller.wallet);
    }

    /// @dev Signatures given out cannot be called back otherwise.
    function test_cancellingBeforeAnythingVoidsTheSignaturesThatAreOut() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller, buyer);
        vm.prank(seller.wallet);
        settlement.cancel(trade);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.TradeNotLive.selector, settlement.tradeId(trade), ISettlement.State.Cancelled
        );
        vm.expectRevert(refusal);
        settlement.affirmBySignature(trade, affirmations);
        vm.expectRevert(refusal);
        vm.prank(seller.wallet);
        settlement.cancel(trade);
    }

    function test_aStrangerCannotCancel() public {
        Trade memory trade = _dvp();
        _affirmAs(buyer, trade);
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.NotTradeParty.selector, settlement.tradeId(trade), address(this));
        vm.expectRevert(refusal);
        settlement.cancel(trade);
    }

    function test_nobodyCancelsAloneAfterTheMatch() public {
        Trade memory trade = _dvp();
        _matched(trade);
        bytes memory refusal = abi.encodeWithSelector(ISettlement.AlreadyMatched.selector, settlement.tradeId(trade));
        vm.expectRevert(refusal);
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
    }

    function test_notWhatHasExpired() public {
        Trade memory trade = _dvp();
        _affirmAs(buyer, trade);
        vm.warp(trade.expiry);
        uint256 lastSecond = vm.snapshotState();
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        vm.revertToState(lastSecond);
        vm.warp(trade.expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, trade.expiry + 1));
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
    }

    /// @dev Freezing changes timing, not who may take back its word.
    function test_aFrozenPartyCancelsAndAPausedTokenGivesBack() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        _freeze(buyer.id);
        _pause(usd);
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_aStoppedNotaryDoesNotStopTheCancelling() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        vm.prank(pauser);
        usd.stopNotary(address(settlement));
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        _assertState(trade, ISettlement.State.Cancelled);
        assertEq(usd.held(buyer.wallet), PRICE);

        _govern(address(usd), abi.encodeCall(usd.resumeNotary, (address(settlement))));
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        assertEq(usd.held(buyer.wallet), 0);
    }

    // ---- a lost wallet ----

    function test_theSuccessorCancels_theLostWalletDoesNot() public {
        Trade memory trade = _dvp();
        _holdCash(trade, usd, buyer, PRICE);
        Vm.Wallet memory next = _link(buyer, "buyer's next");
        _recover(buyer.wallet, next.addr);
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.NotTradeParty.selector, settlement.tradeId(trade), buyer.wallet);
        vm.expectRevert(refusal);
        vm.prank(buyer.wallet);
        settlement.cancel(trade);
        vm.prank(next.addr);
        settlement.cancel(trade);
        assertEq(usd.available(next.addr), 10 * PRICE);
    }

    // ---- together ----

    function test_togetherAfterTheMatch() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp + 1 hours);
        ISettlement.Affirmation[] memory both = _cancellations(trade, deadline, buyer, seller);
        vm.warp(deadline);
        settlement.cancelTogether(trade, deadline, both);
        _assertState(trade, ISettlement.State.Cancelled);
        assertEq(usd.available(buyer.wallet), 10 * PRICE);
    }

    function test_togetherTheCallerNeedsNoSignature() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory sellers = _cancellations(trade, deadline, seller);
        vm.prank(buyer.wallet);
        settlement.cancelTogether(trade, deadline, sellers);
        _assertState(trade, ISettlement.State.Cancelled);
    }

    function test_togetherNobodyMayBeMissing() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp);
        _expectCancellation(
            trade, deadline, _cancellations(trade, deadline, seller), ISettlement.InvalidCancellation.selector, buyer
        );
    }

    function test_togetherEachSignatureCounts() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory both = _cancellations(trade, deadline, buyer, seller);
        // an affirmation is no cancellation
        both[0].signature = _affirmation(trade, buyer).signature;
        _expectCancellation(trade, deadline, both, ISettlement.InvalidCancellation.selector, buyer);
        // nor is a cancellation with another deadline
        both = _cancellations(trade, deadline + 1, buyer, seller);
        _expectCancellation(trade, deadline, both, ISettlement.InvalidCancellation.selector, buyer);
        Party memory stranger = _client("stranger");
        both = _cancellations(trade, deadline, buyer, stranger);
        _expectCancellation(trade, deadline, both, ISettlement.NotTradeParty.selector, stranger);
    }

    function test_togetherNotPastTheDeadline() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory both = _cancellations(trade, deadline, buyer, seller);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SignatureExpired.selector, deadline, deadline + 1));
        settlement.cancelTogether(trade, deadline, both);
    }

    function test_togetherOnlyAfterTheMatch() public {
        Trade memory trade = _dvp();
        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory both = _cancellations(trade, deadline, buyer, seller);
        TradeId id = settlement.tradeId(trade);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.UnknownTrade.selector, id));
        settlement.cancelTogether(trade, deadline, both);
        _affirmAs(buyer, trade);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotMatched.selector, id));
        settlement.cancelTogether(trade, deadline, both);
    }

    /// @dev A matched trade of which one wallet is lost can still be ended before its expiry.
    function test_togetherASuccessorSpeaksForTheLostWallet() public {
        Trade memory trade = _dvp();
        _matched(trade);
        Vm.Wallet memory next = _link(buyer, "buyer's next");
        _recover(buyer.wallet, next.addr);
        uint40 deadline = uint40(block.timestamp);
        ISettlement.Affirmation[] memory both = _cancellations(trade, deadline, buyer, seller);
        _expectCancellation(trade, deadline, both, ISettlement.NotTradeParty.selector, buyer);
        Party memory successor = Party(buyer.id, next.addr, next.privateKey, buyer.identity);
        settlement.cancelTogether(trade, deadline, _cancellations(trade, deadline, successor, seller));
        assertEq(usd.available(next.addr), 10 * PRICE);
    }

    function test_D4_aCancelledTradeNeverSettles() public {
        Trade memory trade = _dvp();
        _matched(trade);
        uint40 deadline = uint40(block.timestamp);
        settlement.cancelTogether(trade, deadline, _cancellations(trade, deadline, buyer, seller));
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.TradeNotLive.selector, settlement.tradeId(trade), ISettlement.State.Cancelled
        );
        _expectRefused(trade, refusal);
    }

    // ---- helpers ----

    function _cancellations(Trade memory trade, uint40 deadline, Party memory a)
        private
        view
        returns (ISettlement.Affirmation[] memory list)
    {
        list = new ISettlement.Affirmation[](1);
        list[0] = _cancellation(trade, deadline, a);
    }

    function _cancellations(Trade memory trade, uint40 deadline, Party memory a, Party memory b)
        private
        view
        returns (ISettlement.Affirmation[] memory list)
    {
        list = new ISettlement.Affirmation[](2);
        (list[0], list[1]) = (_cancellation(trade, deadline, a), _cancellation(trade, deadline, b));
    }

    function _cancellation(Trade memory trade, uint40 deadline, Party memory party)
        private
        view
        returns (ISettlement.Affirmation memory)
    {
        bytes32 digest = settlement.cancelDigest(settlement.tradeId(trade), deadline);
        return ISettlement.Affirmation(party.wallet, _sign(party.key, digest));
    }

    function _expectCancellation(
        Trade memory trade,
        uint40 deadline,
        ISettlement.Affirmation[] memory cancellations,
        bytes4 selector,
        Party memory party
    ) private {
        bytes memory refusal = abi.encodeWithSelector(selector, settlement.tradeId(trade), party.wallet);
        vm.expectRevert(refusal);
        settlement.cancelTogether(trade, deadline, cancellations);
        _assertState(trade, ISettlement.State.Affirmed);
    }
}
