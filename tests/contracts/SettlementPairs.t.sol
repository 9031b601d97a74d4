// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INetting} from "../../contracts/interfaces/INetting.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {Trade} from "../../contracts/libraries/TradeTerms.sol";
import {NetTradeBase} from "./base/NetTradeBase.sol";

/// @notice Pair rules in trades: of the cash its token asks, of assets that no money between the two answers the settlement.
contract SettlementPairsTest is NetTradeBase {
    uint16 private constant DE = 276;
    uint16 private constant CH = 756;

    Party private swiss; // receives

    function setUp() public override {
        super.setUp();
        IParticipantRegistry.Profile memory profile = _profile("swiss");
        profile.jurisdiction = CH;
        swiss = _register(profile, "swiss");
        _setLimit(usd, swiss.id, LIMIT);
        _deposit(usd, swiss.wallet, PRICE);
        _addFlags(swiss.id, Flags.PAIR_RULES);
    }

    function _refusedPair(Trade memory trade, Party memory payee) private view returns (bytes memory) {
        return abi.encodeWithSelector(
            ISettlement.PartyRefused.selector, settlement.tradeId(trade), payee.wallet, uint8(Standing.PAIR_REFUSED)
        );
    }

    /// @dev The buyer pays the seller, who delivers to the Swiss company.
    function _triangle() private view returns (Trade memory) {
        return _trade(_two(_units(seller, swiss, UNITS), _cash(usd, buyer, seller, PRICE)));
    }

    function test_an_asset_that_no_money_answers_asks_its_own_pair() public {
        Trade memory trade = _triangle();
        _affirmAs(swiss, trade);
        _matched(trade);
        _expectRefused(trade, _refusedPair(trade, swiss));
        _permitPair(CH, DE);
        _expectRefused(trade, _refusedPair(trade, swiss));
        _permitPair(DE, CH);
        _settle(trade);
        assertEq(units.balanceOf(swiss.wallet), UNITS);
    }

    function test_a_pair_forbidden_meanwhile_reverts_the_whole_and_the_trade_stays_live() public {
        _permitPair(DE, CH);
        Trade memory trade = _triangle();
        _affirmAs(swiss, trade);
        _matched(trade);
        _forbidPair(DE, CH);
        _expectRefused(trade, _refusedPair(trade, swiss));
        assertEq(units.balanceOf(swiss.wallet), 0);
        assertEq(usd.heldFor(address(settlement), buyer.wallet), PRICE);
        _assertState(trade, ISettlement.State.Affirmed);
    }

    function test_delivery_versus_payment_is_asked_by_the_cash() public {
        Trade memory trade = _trade(_two(_units(seller, swiss, UNITS), _cash(usd, swiss, seller, PRICE)));
        _affirmAs(seller, trade);
        _holdCash(trade, usd, swiss, PRICE);
        _expectRefused(
            trade,
            abi.encodeWithSignature(
                "Refused(uint8,uint8,address,uint256,uint256)",
                uint8(Path.EXECUTE),
                uint8(Reason.PAIR_REFUSED),
                seller.wallet,
                0,
                0
            )
        );
        _permitPair(CH, DE);
        uint256 before = usd.balanceOf(seller.wallet);
        _settle(trade);
        assertEq(usd.balanceOf(seller.wallet), before + PRICE);
        assertEq(units.balanceOf(swiss.wallet), UNITS);
    }

    function test_a_net_asks_the_assets_of_each_trade() public {
        Trade memory trade = _triangle();
        _affirmAs(swiss, trade);
        _matched(trade);
        INetting.NetTrade[] memory all = new INetting.NetTrade[](1);
        all[0] = INetting.NetTrade(trade, _nobody(), _noConsents());
        _expectNetReverts(all, _refusedPair(trade, swiss));
        _permitPair(DE, CH);
        settlement.settleNet(all, true);
        assertEq(units.balanceOf(swiss.wallet), UNITS);
    }
}
