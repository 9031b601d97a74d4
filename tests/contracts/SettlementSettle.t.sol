// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {Leg, LegKind, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev Affirmed -> Settled: who, when, with what; D1, D3, D5, D7.
contract SettlementSettleTest is TradeBase {
    // ---- everything at once ----

    function test_settlesAtOnceWithEverythingRidingAlong() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectEmit(address(settlement));
        emit ISettlement.TradeSettled(settlement.tradeId(trade), trade.tradeReference, 0, 1, true);
        settlement.settle(trade, affirmations, consents);

        _assertSettled(trade);
        ISettlement.TradeView memory seen = settlement.tradeOf(settlement.tradeId(trade));
        assertTrue(seen.matched);
        assertEq(seen.affirmations, 3);
        assertEq(seen.lotsSettled, 1);
    }

    function test_aPartysOwnCallAffirms() public {
        Trade memory trade = _dvp();
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.prank(seller.wallet);
        settlement.settle(trade, _nobody(), consents);
        _assertSettled(trade);
    }

    function test_signaturesOfThoseWhoAffirmedAlreadyArePassedOver() public {
        Trade memory trade = _dvp();
        _affirmAs(seller, trade);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer, seller);
        affirmations[1].signature = ""; // not even looked at: the race is lost, the trade is not
        settlement.settle(trade, affirmations, _consents(_consent(trade, usd, buyer, PRICE)));
        _assertSettled(trade);
    }

    function test_anyoneSettlesWhatIsMatchedAndHeld() public {
        Trade memory trade = _dvp();
        _matched(trade);
        _settle(trade);
        _assertSettled(trade);
    }

    function test_paymentVersusPayment() public {
        _deposit(eur, seller.wallet, 900);
        Trade memory trade = _trade(_two(_cash(eur, seller, buyer, 900), _cash(usd, buyer, seller, 1000)));
        ISettlement.CashConsent memory euros = _consent(trade, eur, seller, 900);
        ISettlement.CashConsent memory dollars = _consent(trade, usd, buyer, 1000);
        settlement.settle(trade, _nobody(), _consents(euros, dollars));
        assertEq(eur.balanceOf(buyer.wallet), 900);
        assertEq(usd.balanceOf(seller.wallet), 1000);
        assertEq(eur.held(seller.wallet), 0);
        assertEq(usd.held(buyer.wallet), 0);
    }

    function test_aTitleAgainstCash() public {
        Trade memory trade = _trade(_two(_title(seller, buyer, TITLE), _cash(usd, buyer, seller, PRICE)));
        _settleAtOnce(trade);
        assertEq(titles.ownerOf(TITLE), buyer.wallet);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }

    /// @dev Each gives to the next, one of them money: nobody could go first.
    function test_aRingOfThree() public {
        Party memory carrier = _client("carrier", eur, 40);
        vm.prank(buyer.wallet);
        units.approve(address(settlement), 100);
        _issueUnits(buyer.wallet, 100);
        Trade memory trade =
            _trade(_three(_title(seller, carrier, TITLE), _cash(eur, carrier, buyer, 40), _units(buyer, seller, 100)));
        settlement.settle(
            trade, _affirmations(trade, seller, buyer, carrier), _consents(_consent(trade, eur, carrier, 40))
        );
        assertEq(titles.ownerOf(TITLE), carrier.wallet);
        assertEq(eur.balanceOf(buyer.wallet), 40);
        assertEq(units.balanceOf(seller.wallet), 10 * UNITS + 100);
    }

    /// @dev What passes through a wallet nets to nothing there, title and units alike.
    function test_anAccountInSeveralLegsIsCountedOnce() public {
        Party memory broker = _client("broker", usd, 70);
        vm.startPrank(broker.wallet);
        units.approve(address(settlement), 30);
        titles.setApprovalForAll(address(settlement), true);
        vm.stopPrank();
        Leg[] memory legs = new Leg[](6);
        legs[0] = _units(seller, broker, 30);
        legs[1] = _units(broker, buyer, 30);
        legs[2] = _title(seller, broker, TITLE);
        legs[3] = _title(broker, buyer, TITLE);
        legs[4] = _cash(usd, buyer, broker, 100);
        legs[5] = _cash(usd, broker, seller, 70);
        Trade memory trade = _trade(legs);
        settlement.settle(
            trade,
            _affirmations(trade, seller),
            _consents(_consent(trade, usd, buyer, 100), _consent(trade, usd, broker, 70))
        );
        assertEq(units.balanceOf(broker.wallet), 0);
        assertEq(titles.ownerOf(TITLE), buyer.wallet);
        assertEq(usd.balanceOf(broker.wallet), 100); // 70 of its own, +100, -70
        assertEq(usd.balanceOf(seller.wallet), 70);
    }

    /// @dev One consent serves all the legs of its payer: held whole, then paid leg by leg.
    function test_oneConsentForSeveralPayees() public {
        Party memory broker = _client("broker");
        Trade memory trade =
            _trade(_three(_units(seller, buyer, 3), _cash(usd, buyer, seller, 90), _cash(usd, buyer, broker, 10)));
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller, broker);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, 100));
        settlement.settle(trade, affirmations, consents);
        assertEq(usd.balanceOf(seller.wallet), 90);
        assertEq(usd.balanceOf(broker.wallet), 10);
        assertEq(usd.held(buyer.wallet), 0);
        assertTrue(usd.consentSpent(buyer.wallet, consents[0].nonce));
    }

    // ---- when ----

    function test_settlesFromTheFirstSecondToTheLast() public {
        Trade memory trade = _dvp();
        trade.settleAfter = uint40(block.timestamp + 1 days);
        _matched(trade);

        vm.warp(trade.settleAfter - 1);
        _expectRefused(
            trade, abi.encodeWithSelector(ISettlement.SettleTooEarly.selector, trade.settleAfter, trade.settleAfter - 1)
        );
        vm.warp(trade.expiry + 1);
        _expectRefused(trade, abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, trade.expiry + 1));
        uint256 now_ = vm.snapshotState();
        vm.warp(trade.expiry);
        _settle(trade);
        _assertSettled(trade);
        vm.revertToState(now_);
        vm.warp(trade.settleAfter);
        _settle(trade);
        _assertSettled(trade);
    }

    function test_aConsentDoesNotOutliveItsDeadline() public {
        Trade memory trade = _dvp();
        trade.expiry = uint40(block.timestamp + 40 days);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        _affirmAs(seller, trade);
        vm.warp(consents[0].deadline + 1);
        vm.expectPartialRevert(IDepositToken.ConsentExpired.selector);
        settlement.settle(trade, _nobody(), consents);
        vm.warp(consents[0].deadline);
        settlement.settle(trade, _nobody(), consents);
        _assertSettled(trade);
    }

    function test_D4_settlesOnce() public {
        Trade memory trade = _dvp();
        _settleAtOnce(trade);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller, buyer);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.TradeNotLive.selector, settlement.tradeId(trade), ISettlement.State.Settled
        );
        vm.expectRevert(refusal);
        settlement.settle(trade, affirmations, consents);
    }

    // ---- with whose word: D3 ----

    function test_D3_nothingMovesWithoutEveryWalletsWord() public {
        Trade memory trade = _dvp();
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(_notAffirmed(trade, seller));
        settlement.settle(trade, _nobody(), consents);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        vm.expectRevert(_notAffirmed(trade, buyer));
        settlement.settle(trade, affirmations, _noConsents());
        affirmations[0].signature = _affirmation(trade, buyer).signature;
        bytes memory invalid =
            abi.encodeWithSelector(ISettlement.InvalidAffirmation.selector, settlement.tradeId(trade), seller.wallet);
        vm.expectRevert(invalid);
        settlement.settle(trade, affirmations, consents);
    }

    /// @dev The receiver of a gift, too, must want it.
    function test_D3_alsoOfAWalletThatOnlyReceives() public {
        Party memory third = _client("third");
        Trade memory trade =
            _trade(_three(_units(seller, buyer, 1), _units(seller, third, 1), _cash(usd, buyer, seller, PRICE)));
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.expectRevert(_notAffirmed(trade, third));
        settlement.settle(trade, affirmations, consents);
    }

    /// @dev A consent affirms only if it holds, and it holds only for the trade it names.
    function test_D3_aConsentForAnotherTradeAffirmsNothing() public {
        Trade memory agreed = _dvp();
        Trade memory trade = _dvp();
        trade.legs[0].amount = 1; // less for the same money
        ISettlement.CashConsent[] memory consents = _consents(_consent(agreed, usd, buyer, PRICE));
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        settlement.settle(trade, affirmations, consents);
    }

    function test_D3_aCancelledConsentAffirmsNothing() public {
        Trade memory trade = _dvp();
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        vm.prank(buyer.wallet);
        usd.cancelConsent(consents[0].nonce);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, buyer.wallet, consents[0].nonce));
        settlement.settle(trade, affirmations, consents);
    }

    // ---- with which money ----

    function test_cashMustBeHeldOrConsentedTo() public {
        Trade memory trade = _dvp();
        _affirmAs(buyer, trade);
        _affirmAs(seller, trade);
        _expectRefused(
            trade,
            abi.encodeWithSelector(
                ISettlement.CashNotHeld.selector, settlement.tradeId(trade), usd, buyer.wallet, 0, PRICE
            )
        );
    }

    function test_aConsentOfSomebodyWhoPaysNothingIsRefused() public {
        Trade memory trade = _dvp();
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, seller, PRICE));
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.WrongHold.selector, settlement.tradeId(trade), usd, seller.wallet, 0, 0);
        vm.expectRevert(refusal);
        settlement.settle(trade, _nobody(), consents);
    }

    function test_aConsentToLessThanAllTheCashIsWorthNothing() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE - 1));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet));
        settlement.settle(trade, affirmations, consents);
    }

    // ---- all or none: D1 ----

    function test_D1_noMoneyWithoutTheUnits() public {
        Trade memory trade = _dvp();
        _matched(trade);
        vm.prank(seller.wallet);
        units.approve(address(settlement), 0);
        vm.expectRevert();
        _settle(trade);
        _assertNothingMoved(trade);
        vm.prank(seller.wallet);
        units.approve(address(settlement), UNITS);
        _settle(trade);
        _assertSettled(trade);
    }

    function test_D1_noUnitsWithoutTheMoney() public {
        Trade memory trade = _trade(_two(_units(seller, buyer, UNITS), _cash(usd, buyer, seller, 11 * PRICE)));
        _affirmAs(seller, trade);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, 11 * PRICE));
        vm.expectRevert(
            abi.encodeWithSelector(
                IDepositToken.Refused.selector,
                Path.HOLD,
                Reason.INSUFFICIENT_AVAILABLE,
                buyer.wallet,
                10 * PRICE,
                11 * PRICE
            )
        );
        settlement.settle(trade, _nobody(), consents);
        _assertNothingMoved(trade);
    }

    /// @dev Bank money moves by hold, never by allowance, even where the leg calls it something else.
    function test_moneyInDisguiseDoesNotMove() public {
        Trade memory trade = _dvp();
        trade.legs[1].kind = LegKind.ERC20;
        vm.prank(buyer.wallet);
        usd.approve(address(settlement), PRICE);
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller, buyer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.TRANSFER, Reason.CALLER_REFUSED, address(settlement), 0, 0
            )
        );
        settlement.settle(trade, affirmations, _noConsents());
    }

    // ---- helpers ----

    function _notAffirmed(Trade memory trade, Party memory party) private view returns (bytes memory) {
        return abi.encodeWithSelector(ISettlement.NotAffirmed.selector, settlement.tradeId(trade), party.wallet);
    }

    /// @dev D2: what one gave the other has, and nothing stays here.
    function _assertSettled(Trade memory trade) private view {
        _assertState(trade, ISettlement.State.Settled);
        assertEq(units.balanceOf(buyer.wallet), UNITS);
        assertEq(units.balanceOf(seller.wallet), 9 * UNITS);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
        assertEq(usd.balanceOf(buyer.wallet), 9 * PRICE);
        assertEq(usd.held(buyer.wallet), 0);
        assertEq(settlement.heldFor(settlement.tradeId(trade), address(usd), buyer.wallet), 0);
        assertEq(units.balanceOf(address(settlement)), 0);
        assertEq(usd.balanceOf(address(settlement)), 0);
    }

    function _assertNothingMoved(Trade memory trade) private view {
        _assertState(trade, ISettlement.State.Affirmed);
        assertEq(units.balanceOf(seller.wallet), 10 * UNITS);
        assertEq(usd.balanceOf(buyer.wallet), 10 * PRICE);
    }
}
