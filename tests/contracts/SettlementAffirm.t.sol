// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Settlement} from "../../contracts/Settlement.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {Leg, LegKind, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/settlement/ContractWallet.sol";

/// @dev None -> Affirmed, and what is not a trade at all.
contract SettlementAffirmTest is TradeBase {
    // ---- by transaction ----

    function test_eachWalletSetsItsBit_theLastMatches() public {
        Trade memory trade = _dvp();
        _assertState(trade, ISettlement.State.None);

        vm.expectEmit(address(settlement));
        emit ISettlement.TradeAffirmed(settlement.tradeId(trade), buyer.wallet, trade.tradeReference, false);
        _affirmAs(buyer, trade);
        _assertTrade(trade, false, 1 << 1); // the seller comes first: it is `from` of the first leg

        vm.expectEmit(address(settlement));
        emit ISettlement.TradeAffirmed(settlement.tradeId(trade), seller.wallet, trade.tradeReference, true);
        _affirmAs(seller, trade);
        _assertTrade(trade, true, 3);
    }

    function test_affirmingAgainChangesNothing() public {
        Trade memory trade = _dvp();
        _affirmAs(buyer, trade);
        vm.recordLogs();
        _affirmAs(buyer, trade);
        assertEq(vm.getRecordedLogs().length, 0);
        _assertTrade(trade, false, 1 << 1);
    }

    function test_aStrangerCannotAffirm() public {
        Trade memory trade = _dvp();
        Party memory stranger = _client("stranger");
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.NotTradeParty.selector, settlement.tradeId(trade), stranger.wallet);
        vm.expectRevert(refusal);
        vm.prank(stranger.wallet);
        settlement.affirm(trade);
    }

    function test_affirmableToTheLastSecond_notOneLater() public {
        Trade memory trade = _dvp();
        vm.warp(trade.expiry);
        _affirmAs(buyer, trade);
        vm.warp(trade.expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.TradeExpired.selector, trade.expiry, trade.expiry + 1));
        vm.prank(seller.wallet);
        settlement.affirm(trade);
        _assertState(trade, ISettlement.State.Expired);
    }

    function test_aBlockedWalletCannotAffirm() public {
        Trade memory trade = _dvp();
        _freeze(buyer.id);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.PartyRefused.selector, settlement.tradeId(trade), buyer.wallet, uint8(Standing.FROZEN)
        );
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer);
        vm.expectRevert(refusal);
        vm.prank(buyer.wallet);
        settlement.affirm(trade);
        vm.expectRevert(refusal);
        settlement.affirmBySignature(trade, affirmations);
    }

    function test_affirmingWhatIsSettledOrCancelledIsRefused() public {
        Trade memory settled = _dvp();
        _settleAtOnce(settled);
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.TradeNotLive.selector, settlement.tradeId(settled), ISettlement.State.Settled
        );
        vm.expectRevert(refusal);
        vm.prank(buyer.wallet);
        settlement.affirm(settled);

        Trade memory cancelled = _dvp();
        cancelled.tradeReference = keccak256("another");
        vm.prank(buyer.wallet);
        settlement.cancel(cancelled);
        refusal = abi.encodeWithSelector(
            ISettlement.TradeNotLive.selector, settlement.tradeId(cancelled), ISettlement.State.Cancelled
        );
        vm.expectRevert(refusal);
        vm.prank(seller.wallet);
        settlement.affirm(cancelled);
    }

    // ---- by signature ----

    function test_anyoneBringsSignatures() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer, seller);
        TradeId id = settlement.affirmBySignature(trade, affirmations);
        assertEq(TradeId.unwrap(id), TradeId.unwrap(settlement.tradeId(trade)));
        _assertTrade(trade, true, 3);
    }

    function test_aSignatureOverOtherTermsIsWorthNothing() public {
        Trade memory signed = _dvp();
        Trade memory trade = _dvp();
        trade.legs[1].amount = PRICE - 1;
        _expectInvalid(trade, _affirmations(signed, buyer));
    }

    function test_aSignatureByAnotherKeyIsWorthNothing() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        affirmations[0].wallet = buyer.wallet;
        _expectInvalid(trade, affirmations);
    }

    function test_aMalleatedSignatureIsWorthNothing() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyer.key, settlement.tradeDigest(trade));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        affirmations[0].signature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expectInvalid(trade, affirmations);
    }

    function test_aSignatureForAnotherContractIsWorthNothing() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer);
        settlement = new Settlement(address(registry));
        _expectInvalid(trade, affirmations);
    }

    function test_aSignatureForAnotherChainIsWorthNothing() public {
        Trade memory trade = _dvp();
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, buyer);
        vm.chainId(block.chainid + 1);
        _expectInvalid(trade, affirmations);
        // a fork's signatures are for the fork: its own chain id is in its domain
        settlement.affirmBySignature(trade, _affirmations(trade, buyer));
    }

    function test_aStrangersSignatureIsRefused() public {
        Trade memory trade = _dvp();
        Party memory stranger = _client("stranger");
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, stranger);
        bytes memory refusal =
            abi.encodeWithSelector(ISettlement.NotTradeParty.selector, settlement.tradeId(trade), stranger.wallet);
        vm.expectRevert(refusal);
        settlement.affirmBySignature(trade, affirmations);
    }

    function test_aContractWalletAffirmsByItsOwnersKey() public {
        Vm.Wallet memory key = _key("signatory");
        Party memory company = _onboard("company");
        address wallet = address(new ContractWallet(key.addr));
        bytes memory link = _signLink(key.privateKey, company.identity, wallet, block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(company.id, wallet, block.timestamp, link);

        Trade memory trade = _trade(_two(_units(seller, buyer, 1), _cash(usd, buyer, seller, 1)));
        trade.legs[0].to = wallet;
        Party memory signatory = Party(company.id, wallet, key.privateKey, company.identity);
        settlement.affirmBySignature(trade, _affirmations(trade, signatory));
        _assertTrade(trade, false, 1 << 1);

        signatory.key = buyer.key;
        trade.tradeReference = keccak256("forged");
        _expectInvalid(trade, _affirmations(trade, signatory));
    }

    function test_theDigestIsEip712() public view {
        Trade memory trade = _dvp();
        bytes32 legType = keccak256("Leg(uint8 kind,address token,address from,address to,uint256 id,uint256 amount)");
        bytes32[] memory legs = new bytes32[](2);
        for (uint256 i; i < 2; ++i) {
            Leg memory l = trade.legs[i];
            legs[i] = keccak256(abi.encode(legType, uint8(l.kind), l.token, l.from, l.to, l.id, l.amount));
        }
        bytes32 tradeType = keccak256(
            "Trade(Leg[] legs,bytes32 tradeReference,uint40 settleAfter,uint40 expiry,address agent,uint16 lots)Leg(uint8 kind,address token,address from,address to,uint256 id,uint256 amount)"
        );
        bytes32 id = keccak256(
            abi.encode(
                tradeType,
                keccak256(abi.encodePacked(legs)),
                trade.tradeReference,
                trade.settleAfter,
                trade.expiry,
                trade.agent,
                trade.lots
            )
        );
        assertEq(TradeId.unwrap(settlement.tradeId(trade)), id);
        bytes32 domain = _domain("pyjpm Settlement", address(settlement));
        assertEq(settlement.tradeDigest(trade), _digest(domain, id));
        bytes32 cancellation =
            keccak256(abi.encode(keccak256("CancelTrade(bytes32 tradeId,uint40 deadline)"), id, uint40(9)));
        assertEq(settlement.cancelDigest(TradeId.wrap(id), 9), _digest(domain, cancellation));
    }

    // ---- helpers ----

    function _assertTrade(Trade memory trade, bool matched, uint256 affirmations) private view {
        ISettlement.TradeView memory seen = settlement.tradeOf(settlement.tradeId(trade));
        assertEq(uint8(seen.state), uint8(ISettlement.State.Affirmed));
        assertEq(seen.matched, matched, "matched");
        assertEq(seen.affirmations, affirmations, "affirmations");
        assertEq(seen.lotsSettled, 0);
    }

    function _expectInvalid(Trade memory trade, ISettlement.Affirmation[] memory affirmations) private {
        bytes memory refusal = abi.encodeWithSelector(
            ISettlement.InvalidAffirmation.selector, settlement.tradeId(trade), affirmations[0].wallet
        );
        vm.expectRevert(refusal);
        settlement.affirmBySignature(trade, affirmations);
    }
}
