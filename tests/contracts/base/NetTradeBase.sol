// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {INetting} from "../../../contracts/interfaces/INetting.sol";
import {ISettlement} from "../../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../../contracts/libraries/Ids.sol";
import {Leg, LegKind, Trade} from "../../../contracts/libraries/TradeTerms.sol";
import {Warehouse1155} from "../mocks/settlement/Warehouse1155.sol";
import {TradeBase} from "./TradeBase.sol";

/// @notice Eight dealers with assets and no money, and what it takes to net trades between them.
abstract contract NetTradeBase is TradeBase {
    Party[] internal dealers;
    Warehouse1155 internal goods;
    mapping(address wallet => uint256 key) internal keyOf;

    function setUp() public virtual override {
        super.setUp();
        goods = new Warehouse1155();
        for (uint256 i; i < 8; ++i) {
            Party memory dealer = _client(string.concat("dealer ", vm.toString(i)));
            dealers.push(dealer);
            keyOf[dealer.wallet] = dealer.key;
            _equip(dealer);
        }
        keyOf[buyer.wallet] = buyer.key;
        keyOf[seller.wallet] = seller.key;
    }

    function _equip(Party memory dealer) private {
        _issueUnits(dealer.wallet, 1e6);
        goods.mint(dealer.wallet, 5, 1e6);
        goods.mint(dealer.wallet, 6, 1e6);
        vm.startPrank(dealer.wallet);
        units.approve(address(settlement), type(uint256).max);
        titles.setApprovalForAll(address(settlement), true);
        goods.setApprovalForAll(address(settlement), true);
        vm.stopPrank();
    }

    // ---- terms ----

    function _single(Leg memory leg, bytes32 ref) internal view returns (Trade memory trade) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = leg;
        trade = _trade(legs);
        trade.tradeReference = ref;
    }

    function _goods(uint256 id, Party memory from, Party memory to, uint256 amount) internal view returns (Leg memory) {
        return Leg(LegKind.ERC1155, address(goods), from.wallet, to.wallet, id, amount);
    }

    /// @dev Each of the first `size` dealers pays the next one, the last the first.
    function _ring(uint256 size, DepositToken token, uint256 amount) internal view returns (Trade[] memory trades) {
        trades = new Trade[](size);
        for (uint256 i; i < size; ++i) {
            trades[i] = _single(_cash(token, dealers[i], dealers[(i + 1) % size], amount), bytes32(i + 1));
        }
    }

    // ---- what rides along ----

    /// @dev Every wallet's word: a consent for each token that it pays in and has not held, or else an affirmation.
    function _riding(Trade memory trade) internal returns (INetting.NetTrade memory t) {
        address[] memory wallets = settlement.walletsOf(trade);
        t.trade = trade;
        t.affirmations = new ISettlement.Affirmation[](wallets.length);
        t.consents = new ISettlement.CashConsent[](2 * wallets.length);
        bytes32 digest = settlement.tradeDigest(trade);
        uint256 n;
        for (uint256 i; i < wallets.length; ++i) {
            Party memory party = Party(0, wallets[i], keyOf[wallets[i]], 0);
            t.affirmations[i] = ISettlement.Affirmation(wallets[i], _sign(party.key, digest));
            DepositToken[2] memory tokens = [usd, eur];
            for (uint256 k; k < 2; ++k) {
                uint256 owed = _owed(trade, tokens[k], wallets[i]);
                bool held = settlement.heldFor(settlement.tradeId(trade), address(tokens[k]), wallets[i]) != 0;
                if (owed != 0 && !held) t.consents[n++] = _consent(trade, tokens[k], party, owed);
            }
        }
        ISettlement.CashConsent[] memory consents = t.consents;
        assembly ("memory-safe") {
            mstore(consents, n)
        }
    }

    function _riding(Trade[] memory trades) internal returns (INetting.NetTrade[] memory all) {
        all = new INetting.NetTrade[](trades.length);
        for (uint256 i; i < trades.length; ++i) {
            all[i] = _riding(trades[i]);
        }
    }

    function _owed(Trade memory trade, DepositToken token, address payer) internal pure returns (uint256 owed) {
        for (uint256 i; i < trade.legs.length; ++i) {
            Leg memory leg = trade.legs[i];
            if (leg.kind == LegKind.CASH && leg.token == address(token) && leg.from == payer) owed += leg.amount;
        }
    }

    function _several(Trade memory a, Trade memory b) internal pure returns (Trade[] memory trades) {
        trades = new Trade[](2);
        (trades[0], trades[1]) = (a, b);
    }

    function _several(Trade memory a, Trade memory b, Trade memory c) internal pure returns (Trade[] memory trades) {
        trades = new Trade[](3);
        (trades[0], trades[1], trades[2]) = (a, b, c);
    }

    // ---- acts ----

    function _settleNet(Trade[] memory trades, bool assetsGross) internal {
        INetting.NetTrade[] memory all = _riding(trades);
        settlement.settleNet(all, assetsGross);
    }

    function _expectNetReverts(Trade[] memory trades, bytes memory data) internal {
        INetting.NetTrade[] memory all = _riding(trades);
        _expectNetReverts(all, data);
    }

    function _expectNetReverts(INetting.NetTrade[] memory all, bytes memory data) internal {
        vm.expectRevert(data);
        settlement.settleNet(all, false);
    }

    function _expectNetRevertsWith(Trade[] memory trades, bytes4 selector) internal {
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectPartialRevert(selector);
        settlement.settleNet(all, false);
    }

    function _assertAll(Trade[] memory trades, ISettlement.State expected) internal view {
        for (uint256 i; i < trades.length; ++i) {
            _assertState(trades[i], expected);
        }
    }

    function _idOf(Trade memory trade) internal view returns (bytes32) {
        return TradeId.unwrap(settlement.tradeId(trade));
    }
}
