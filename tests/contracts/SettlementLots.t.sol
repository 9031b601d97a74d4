// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";

/// @dev Partial quantities: chosen by the agent, in order; the whole rest by anyone.
contract SettlementLotsTest is TradeBase {
    address private _agent = address(0xA6E7);

    function test_theFirstLotHoldsTheWholeCash_laterOnesExecuteFromIt() public {
        Trade memory trade = _lots(4);
        TradeId id = settlement.tradeId(trade);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectEmit(address(settlement));
        emit ISettlement.CashHeld(id, address(usd), buyer.wallet, PRICE);
        vm.expectEmit(address(settlement));
        emit ISettlement.TradeSettled(id, trade.tradeReference, 0, 1, false);
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 1, affirmations, consents);
        _assertDelivered(trade, 1, 4);
        assertEq(settlement.heldFor(id, address(usd), buyer.wallet), PRICE - PRICE / 4);

        vm.prank(_agent);
        settlement.settleLots(trade, 1, 2, _nobody(), _noConsents());
        _assertDelivered(trade, 3, 4);
        _assertState(trade, ISettlement.State.Affirmed);

        vm.expectEmit(address(settlement));
        emit ISettlement.TradeSettled(id, trade.tradeReference, 3, 1, true);
        vm.prank(_agent);
        settlement.settleLots(trade, 3, 1, _nobody(), _noConsents());
        _assertDelivered(trade, 4, 4);
        _assertState(trade, ISettlement.State.Settled);
        assertEq(usd.held(buyer.wallet), 0);
    }

    /// @dev A lot too small for a cent moves none, but all the cash is held from the first lot on.
    function test_aLotThatPaysNothingYetHoldsTheWholeCash() public {
        Trade memory trade = _trade(_two(_units(seller, buyer, 3), _cash(usd, buyer, seller, 1)));
        (trade.lots, trade.agent) = (3, _agent);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, 1));
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 2, affirmations, consents);
        assertEq(units.balanceOf(buyer.wallet), 2);
        assertEq(usd.balanceOf(seller.wallet), 0);
        assertEq(usd.heldFor(address(settlement), buyer.wallet), 1);
        _settle(trade);
        assertEq(usd.balanceOf(seller.wallet), 1);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_theWholeRestByAnyone() public {
        Trade memory trade = _lots(3);
        _matched(trade);
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 1, _nobody(), _noConsents());
        _settle(trade);
        _assertDelivered(trade, 3, 3);
        _assertState(trade, ISettlement.State.Settled);
    }

    function test_onlyTheAgentChooses() public {
        Trade memory trade = _lots(3);
        _matched(trade);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAgent.selector, buyer.wallet, _agent));
        vm.prank(buyer.wallet);
        settlement.settleLots(trade, 0, 1, _nobody(), _noConsents());
        trade.agent = address(0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAgent.selector, buyer.wallet, address(0)));
        vm.prank(buyer.wallet);
        settlement.settleLots(trade, 0, 1, _nobody(), _noConsents());
    }

    function test_anAgentThatIsAPartyAffirmsByCalling() public {
        Trade memory trade = _lots(2);
        trade.agent = seller.wallet;
        _holdCash(trade, usd, buyer, PRICE);
        vm.prank(seller.wallet);
        settlement.settleLots(trade, 0, 1, _nobody(), _noConsents());
        _assertDelivered(trade, 1, 2);
    }

    function test_D4_inOrder_eachOnce_neverMoreThanAll() public {
        Trade memory trade = _lots(3);
        _matched(trade);
        _expectOutOfTurn(trade, 1, 1, 0);
        _expectOutOfTurn(trade, 0, 0, 0);
        _expectOutOfTurn(trade, 0, 4, 0);
        _expectOutOfTurn(trade, 0, type(uint256).max, 0);
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 2, _nobody(), _noConsents());
        _expectOutOfTurn(trade, 0, 1, 2);
        _expectOutOfTurn(trade, 1, 1, 2);
        _expectOutOfTurn(trade, 2, 2, 2);
    }

    function test_D5_whatNoLotTookIsReleasableAfterExpiry() public {
        Trade memory trade = _lots(4);
        _matched(trade);
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 3, _nobody(), _noConsents());
        vm.warp(trade.expiry + 1);
        _assertState(trade, ISettlement.State.Expired);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, trade.expiry + 1));
        vm.prank(_agent);
        settlement.settleLots(trade, 3, 1, _nobody(), _noConsents());
        settlement.releaseHold(trade, address(usd), buyer.wallet);
        assertEq(usd.available(buyer.wallet), 10 * PRICE - PRICE * 3 / 4);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_whatIsLeftMayBeCancelledTogether() public {
        Trade memory trade = _lots(2);
        _matched(trade);
        vm.prank(_agent);
        settlement.settleLots(trade, 0, 1, _nobody(), _noConsents());
        bytes32 digest = settlement.cancelDigest(settlement.tradeId(trade), trade.expiry);
        ISettlement.Affirmation[] memory sellers = new ISettlement.Affirmation[](1);
        sellers[0] = ISettlement.Affirmation(seller.wallet, _sign(seller.key, digest));
        vm.prank(buyer.wallet);
        settlement.cancelTogether(trade, trade.expiry, sellers);
        _assertState(trade, ISettlement.State.Cancelled);
        assertEq(usd.held(buyer.wallet), 0);
        _assertDelivered(trade, 1, 2);
    }

    /// @dev However the lots are cut, what is delivered so far is floor(amount * settled / lots), and all in the end.
    function testFuzz_D4_lotsAddUp(uint128 amount, uint64 price, uint16 lots, uint256 seed) public {
        amount = uint128(bound(amount, 1, type(uint128).max - units.totalSupply()));
        price = uint64(bound(price, 1, 1e12));
        lots = uint16(bound(lots, 1, type(uint16).max));
        _issueUnits(seller.wallet, amount);
        _deposit(usd, buyer.wallet, price);
        uint256 before = usd.balanceOf(buyer.wallet);
        Trade memory trade = _trade(_two(_units(seller, buyer, amount), _cash(usd, buyer, seller, price)));
        (trade.lots, trade.agent) = (lots, _agent);
        _affirmAs(seller, trade);
        _holdCash(trade, usd, buyer, price);
        uint256 settled;
        for (uint256 i; i < 3 && settled < lots; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 count = bound(seed, 1, lots - settled);
            vm.prank(_agent);
            settlement.settleLots(trade, settled, count, _nobody(), _noConsents());
            settled += count;
            uint256 paid = uint256(price) * settled / lots;
            assertEq(units.balanceOf(buyer.wallet), uint256(amount) * settled / lots, "units");
            assertEq(usd.balanceOf(seller.wallet), paid, "cash");
            assertEq(usd.held(buyer.wallet), price - paid, "held");
        }
        if (settled < lots) _settle(trade);
        assertEq(units.balanceOf(buyer.wallet), amount);
        assertEq(usd.balanceOf(buyer.wallet), before - price);
        assertEq(usd.held(buyer.wallet), 0);
        _assertState(trade, ISettlement.State.Settled);
    }

    // ---- helpers ----

    function _lots(uint16 lots) private view returns (Trade memory trade) {
        trade = _dvp();
        (trade.lots, trade.agent) = (lots, _agent);
    }

    function _assertDelivered(Trade memory trade, uint256 settled, uint256 lots) private view {
        assertEq(settlement.tradeOf(settlement.tradeId(trade)).lotsSettled, settled);
        assertEq(units.balanceOf(buyer.wallet), UNITS * settled / lots);
        assertEq(usd.balanceOf(seller.wallet), PRICE * settled / lots);
    }

    function _expectOutOfTurn(Trade memory trade, uint256 first, uint256 count, uint256 next) private {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.LotOutOfTurn.selector, first, next, trade.lots));
        vm.prank(_agent);
        settlement.settleLots(trade, first, count, _nobody(), _noConsents());
    }
}
