// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../../contracts/libraries/Ids.sol";
import {Leg, LegKind, Trade} from "../../../contracts/libraries/TradeTerms.sol";
import {SettlementBase} from "./SettlementBase.sol";

/// @notice A buyer with dollars, a seller with units and a title, and what it takes to trade between them.
abstract contract TradeBase is SettlementBase {
    uint256 internal constant PRICE = 25_000_000;
    uint256 internal constant UNITS = 500;
    uint256 internal constant TITLE = 7;

    Party internal buyer;
    Party internal seller;
    uint256 private _nonce;

    function setUp() public virtual override {
        super.setUp();
        buyer = _client("buyer", usd, 10 * PRICE);
        seller = _client("seller");
        _issueUnits(seller.wallet, 10 * UNITS);
        _issueTitle(seller.wallet, TITLE);
        vm.startPrank(seller.wallet);
        units.approve(address(settlement), type(uint256).max);
        titles.setApprovalForAll(address(settlement), true);
        vm.stopPrank();
    }

    // ---- terms ----

    function _trade(Leg[] memory legs) internal view returns (Trade memory) {
        return Trade({
            legs: legs,
            tradeReference: keccak256("trade"),
            settleAfter: uint40(block.timestamp),
            expiry: uint40(block.timestamp + 7 days),
            agent: address(0),
            lots: 1
        });
    }

    /// @dev Units against dollars.
    function _dvp() internal view returns (Trade memory) {
        return _trade(_two(_units(seller, buyer, UNITS), _cash(usd, buyer, seller, PRICE)));
    }

    function _two(Leg memory a, Leg memory b) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](2);
        (legs[0], legs[1]) = (a, b);
    }

    function _three(Leg memory a, Leg memory b, Leg memory c) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](3);
        (legs[0], legs[1], legs[2]) = (a, b, c);
    }

    function _cash(DepositToken token, Party memory from, Party memory to, uint256 amount)
        internal
        pure
        returns (Leg memory)
    {
        return Leg(LegKind.CASH, address(token), from.wallet, to.wallet, 0, amount);
    }

    function _units(Party memory from, Party memory to, uint256 amount) internal view returns (Leg memory) {
        return _asset(address(units), from, to, amount);
    }

    /// @dev Any ERC-20.
    function _asset(address token, Party memory from, Party memory to, uint256 amount)
        internal
        pure
        returns (Leg memory)
    {
        return Leg(LegKind.ERC20, token, from.wallet, to.wallet, 0, amount);
    }

    function _title(Party memory from, Party memory to, uint256 id) internal view returns (Leg memory) {
        return Leg(LegKind.ERC721, address(titles), from.wallet, to.wallet, id, 1);
    }

    // ---- signatures ----

    function _affirmation(Trade memory trade, Party memory party)
        internal
        view
        returns (ISettlement.Affirmation memory)
    {
        return ISettlement.Affirmation(party.wallet, _sign(party.key, settlement.tradeDigest(trade)));
    }

    function _affirmations(Trade memory trade, Party memory a)
        internal
        view
        returns (ISettlement.Affirmation[] memory list)
    {
        list = new ISettlement.Affirmation[](1);
        list[0] = _affirmation(trade, a);
    }

    function _affirmations(Trade memory trade, Party memory a, Party memory b)
        internal
        view
        returns (ISettlement.Affirmation[] memory list)
    {
        list = new ISettlement.Affirmation[](2);
        (list[0], list[1]) = (_affirmation(trade, a), _affirmation(trade, b));
    }

    function _affirmations(Trade memory trade, Party memory a, Party memory b, Party memory c)
        internal
        view
        returns (ISettlement.Affirmation[] memory list)
    {
        list = new ISettlement.Affirmation[](3);
        (list[0], list[1], list[2]) = (_affirmation(trade, a), _affirmation(trade, b), _affirmation(trade, c));
    }

    function _nobody() internal pure returns (ISettlement.Affirmation[] memory) {
        return new ISettlement.Affirmation[](0);
    }

    /// @dev The payer's consent to the hold of `amount` for this trade.
    function _consent(Trade memory trade, DepositToken token, Party memory payer, uint256 amount)
        internal
        returns (ISettlement.CashConsent memory)
    {
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        uint256 nonce = ++_nonce;
        uint256 deadline = block.timestamp + 30 days;
        bytes memory signature =
            _signConsent(payer.key, token, payer.wallet, address(settlement), amount, ref, nonce, deadline);
        return ISettlement.CashConsent(payer.wallet, address(token), nonce, deadline, signature);
    }

    function _consents(ISettlement.CashConsent memory a) internal pure returns (ISettlement.CashConsent[] memory list) {
        list = new ISettlement.CashConsent[](1);
        list[0] = a;
    }

    function _consents(ISettlement.CashConsent memory a, ISettlement.CashConsent memory b)
        internal
        pure
        returns (ISettlement.CashConsent[] memory list)
    {
        list = new ISettlement.CashConsent[](2);
        (list[0], list[1]) = (a, b);
    }

    function _noConsents() internal pure returns (ISettlement.CashConsent[] memory) {
        return new ISettlement.CashConsent[](0);
    }

    // ---- acts ----

    function _affirmAs(Party memory party, Trade memory trade) internal {
        vm.prank(party.wallet);
        settlement.affirm(trade);
    }

    function _holdCash(Trade memory trade, DepositToken token, Party memory payer, uint256 amount) internal {
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        vm.prank(payer.wallet);
        token.holdAndCall(address(settlement), amount, ref, abi.encode(trade));
    }

    /// @dev Everything rides along: the seller's signature and the buyer's consent.
    function _settleAtOnce(Trade memory trade) internal {
        ISettlement.Affirmation[] memory affirmations = _affirmations(trade, seller);
        ISettlement.CashConsent[] memory consents = _consents(_consent(trade, usd, buyer, PRICE));
        settlement.settle(trade, affirmations, consents);
    }

    /// @dev Affirmed by both, the cash held by the buyer itself.
    function _matched(Trade memory trade) internal {
        _affirmAs(seller, trade);
        _holdCash(trade, usd, buyer, PRICE);
    }

    function _settle(Trade memory trade) internal {
        settlement.settle(trade, _nobody(), _noConsents());
    }

    function _expectRefused(Trade memory trade, bytes memory revertData) internal {
        vm.expectRevert(revertData);
        settlement.settle(trade, _nobody(), _noConsents());
    }

    function _assertState(Trade memory trade, ISettlement.State expected) internal view {
        assertEq(uint8(settlement.stateOf(trade)), uint8(expected), "state");
    }
}
