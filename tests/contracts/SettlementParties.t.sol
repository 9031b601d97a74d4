// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev D7: a blocked party reverts the whole, the trade stays live. Each way of being blocked, each role in the trade.
contract SettlementPartiesTest is TradeBase {
    Trade private _kept;

    function setUp() public override {
        super.setUp();
        Trade memory trade = _dvp();
        trade.expiry = uint40(block.timestamp + 30 days);
        _kept.tradeReference = trade.tradeReference;
        (_kept.settleAfter, _kept.expiry, _kept.lots) = (trade.settleAfter, trade.expiry, 1);
        _kept.legs.push(trade.legs[0]);
        _kept.legs.push(trade.legs[1]);
        _matched(_kept);
    }

    // ---- the seller, who is paid: its token refuses it ----

    function test_D7_frozenPayee() public {
        _freeze(seller.id);
        _expectPayeeRefused(Reason.PAYEE_FROZEN);
        _unfreeze(seller.id);
        _settlesNow();
    }

    function test_D7_suspendedPayee() public {
        _suspend(seller.id);
        _expectPayeeRefused(Reason.PAYEE_SUSPENDED);
        _reinstate(seller.id);
        _settlesNow();
    }

    function test_D7_payeesWalletSuspended() public {
        _suspendWallet(seller.wallet);
        _expectPayeeRefused(Reason.PAYEE_WALLET_SUSPENDED);
        _reinstateWallet(seller.wallet);
        _settlesNow();
    }

    function test_D7_payeesKycLapsed() public {
        vm.prank(onboarder);
        registry.renewKyc(seller.id, uint40(block.timestamp + 1 days), keccak256("q"));
        vm.warp(block.timestamp + 1 days);
        uint256 lastSecond = vm.snapshotState();
        _settlesNow();
        vm.revertToState(lastSecond);
        vm.warp(block.timestamp + 1);
        _expectPayeeRefused(Reason.PAYEE_KYC_EXPIRED);
        vm.prank(onboarder);
        registry.renewKyc(seller.id, uint40(block.timestamp + 100 days), keccak256("q"));
        _settlesNow();
    }

    // ---- the buyer, whose cash is held already: the registry is asked ----

    function test_D7_frozenPayer() public {
        _freeze(buyer.id);
        _expectPartyRefused(buyer, Standing.FROZEN);
        _unfreeze(buyer.id);
        _settlesNow();
    }

    function test_D7_suspendedPayer() public {
        _suspend(buyer.id);
        _expectPartyRefused(buyer, Standing.SUSPENDED);
        _reinstate(buyer.id);
        _settlesNow();
    }

    function test_D7_payersWalletSuspended() public {
        _suspendWallet(buyer.wallet);
        _expectPartyRefused(buyer, Standing.WALLET_SUSPENDED);
        _reinstateWallet(buyer.wallet);
        _settlesNow();
    }

    function test_D7_payersKycLapsed() public {
        vm.prank(onboarder);
        registry.renewKyc(buyer.id, uint40(block.timestamp + 1 days), keccak256("q"));
        vm.warp(block.timestamp + 1 days + 1);
        _expectPartyRefused(buyer, Standing.KYC_EXPIRED);
    }

    function test_D7_payersWalletUnlinked() public {
        Vm.Wallet memory next = _link(buyer, "buyer's next");
        _makeCurrent(buyer, next.addr);
        _unlink(buyer.wallet);
        _expectPartyRefused(buyer, Standing.WALLET_UNLINKED);
    }

    function test_D7_payersWalletLost() public {
        Vm.Wallet memory next = _link(buyer, "buyer's next");
        _recover(buyer.wallet, next.addr);
        _expectPartyRefused(buyer, Standing.WALLET_LOST);
    }

    function test_D7_closedPayer() public {
        _close(buyer.id);
        _expectPartyRefused(buyer, Standing.CLOSED);
    }

    // ---- a payer by consent: HOLD asks ----

    function test_D7_frozenPayerByConsent() public {
        Trade memory trade = _dvp();
        trade.tradeReference = keccak256("by consent");
        _affirmAs(seller, trade);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        _freeze(buyer.id);
        vm.expectRevert(
            abi.encodeWithSelector(IDepositToken.Refused.selector, Path.HOLD, Reason.PAYER_FROZEN, buyer.wallet, 0, 0)
        );
        settlement.settle(trade, _nobody(), consents);
        _assertState(trade, ISettlement.State.Affirmed);
    }

    function test_D7_frozenPayeeOfAConsent() public {
        Trade memory trade = _dvp();
        trade.tradeReference = keccak256("by consent");
        _affirmAs(seller, trade);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        _freeze(seller.id);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        settlement.settle(trade, _nobody(), consents);
        assertFalse(usd.consentSpent(buyer.wallet, consents[0].nonce));
        _assertState(trade, ISettlement.State.Affirmed);
        _unfreeze(seller.id);
        settlement.settle(trade, _nobody(), consents);
        _assertState(trade, ISettlement.State.Settled);
    }

    // ---- wallets of asset legs only: the registry is asked ----

    function test_D7_strangersInAssetLegs() public {
        Party memory third = _onboard("third");
        Trade memory trade = _trade(_two(_units(seller, third, 1), _cash(usd, buyer, seller, 1)));
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller, third);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, 1));
        _suspend(third.id);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.PartyRefused.selector, settlement.tradeId(trade), third.wallet, uint8(Standing.SUSPENDED)
        );
        vm.expectRevert(refusal);
        settlement.settle(trade, affirmations, consents);

        // somebody who was never onboarded
        trade.legs[0].to = _key("nobody").addr;
        Party memory nobody = Party(0, trade.legs[0].to, _key("nobody").privateKey, 0);
        affirmations = _affirmations(trade, seller, nobody);
        consents = _consents(_consent(trade, usd, buyer, 1));
        refusal = abi.encodeWithSelector(
            ISettlement.PartyRefused.selector, settlement.tradeId(trade), nobody.wallet, uint8(Standing.UNKNOWN)
        );
        vm.expectRevert(refusal);
        settlement.settle(trade, affirmations, consents);
    }

    // ---- tokens and notaries that stand still ----

    function test_D7_pausedToken() public {
        _pause(usd);
        _expectRefused(
            _kept,
            abi.encodeWithSelector(IDepositToken.Refused.selector, Path.EXECUTE, Reason.PAUSED, address(usd), 0, 0)
        );
        _unpause(usd);
        _settlesNow();
    }

    function test_aNotaryThatRunsOffSettlesWhatItHolds() public {
        Trade memory trade = _dvp();
        trade.tradeReference = keccak256("too late");
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        vm.prank(pauser);
        usd.runOffNotary(address(settlement));
        vm.expectRevert(
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.HOLD, Reason.NOTARY_RUN_OFF, address(settlement), 0, 0
            )
        );
        settlement.settle(trade, affirmations, consents);
        _settlesNow();
    }

    // ---- helpers ----

    function _expectPayeeRefused(Reason reason) private {
        _expectRefused(
            _kept, abi.encodeWithSelector(IDepositToken.Refused.selector, Path.EXECUTE, reason, seller.wallet, 0, 0)
        );
        _assertUntouched();
    }

    function _expectPartyRefused(Party memory party, Standing standing) private {
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.PartyRefused.selector, settlement.tradeId(_kept), party.wallet, uint8(standing)
        );
        _expectRefused(_kept, refusal);
        _assertUntouched();
    }

    function _assertUntouched() private view {
        _assertState(_kept, ISettlement.State.Affirmed);
        TradeId id = settlement.tradeId(_kept);
        assertEq(settlement.heldFor(id, address(usd), buyer.wallet), PRICE);
        assertEq(units.balanceOf(seller.wallet), 10 * UNITS);
    }

    function _settlesNow() private {
        _settle(_kept);
        _assertState(_kept, ISettlement.State.Settled);
        assertEq(usd.balanceOf(seller.wallet), PRICE);
    }
}
