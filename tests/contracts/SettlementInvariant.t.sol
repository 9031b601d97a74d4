// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INetting} from "../../contracts/interfaces/INetting.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Leg, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {TradeBase} from "./base/TradeBase.sol";

/// @dev Whatever happens to trades between three parties in any order: D2, D4, D8.
contract SettlementInvariantTest is TradeBase {
    uint256 private constant MOST = 12;
    uint256 private constant ALL_UNITS = 3e6;

    Party[3] private _parties;
    Trade[] private _trades;
    mapping(uint256 trade => uint256 lots) private _seen;
    mapping(uint256 trade => bool) private _over;
    uint256 private _settled;
    uint256 private _netted;

    function setUp() public override {
        super.setUp();
        Party memory third = _client("third", usd, 1e9);
        _deposit(usd, seller.wallet, 1e9);
        _parties[0] = buyer;
        _parties[1] = seller;
        _parties[2] = third;
        for (uint256 i; i < 3; ++i) {
            address wallet = _parties[i].wallet;
            _issueUnits(wallet, 1e6 - units.balanceOf(wallet));
            vm.prank(wallet);
            units.approve(address(settlement), type(uint256).max);
        }
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = this.propose.selector;
        selectors[1] = this.affirmOne.selector;
        selectors[2] = this.holdOne.selector;
        selectors[3] = this.settleSome.selector;
        selectors[4] = this.cancelOne.selector;
        selectors[5] = this.pass.selector;
        selectors[6] = this.netSome.selector;
        _target(address(this), selectors);
    }

    /// @dev The acts below do lead to settlements: the invariants are not about nothing.
    function test_theActsReachASettlement() public {
        this.propose(1, 0, 10, 10, 1);
        this.holdOne(0);
        this.affirmOne(0, true);
        this.settleSome(0, 1, false);
        assertEq(_settled, 1);
        invariant_D8_holdsAddUp();
        invariant_D2_nothingIsMadeLostOrKept();
    }

    /// @dev Neither are they without a net, also of a trade that went by lots.
    function test_theActsReachANet() public {
        this.propose(0, 0, 10, 10, 2);
        this.propose(1, 0, 10, 10, 0);
        this.holdOne(0);
        this.affirmOne(0, true);
        this.settleSome(0, 1, false);
        this.netSome(0, 2, false);
        assertEq(_netted, 2);
        assertEq(usd.held(_parties[0].wallet) + usd.held(_parties[1].wallet) + usd.held(_parties[2].wallet), 0);
        invariant_D8_holdsAddUp();
        invariant_D2_nothingIsMadeLostOrKept();
        invariant_D4_settlesOnce();
    }

    // ---- what may happen ----

    function propose(uint256 a, uint256 b, uint128 quantity, uint64 price, uint16 lots) external {
        if (_trades.length == MOST) return;
        Party memory from = _parties[a % 3];
        Party memory to = _parties[(a % 3 + 1 + b % 2) % 3];
        Leg[] memory legs = _two(_units(from, to, quantity % 1000 + 1), _cash(usd, to, from, price % 1e6 + 1));
        _trades.push();
        Trade storage trade = _trades[_trades.length - 1];
        trade.legs.push(legs[0]);
        trade.legs.push(legs[1]);
        trade.tradeReference = bytes32(_trades.length);
        (trade.settleAfter, trade.expiry) = (uint40(block.timestamp), uint40(block.timestamp + 12 days));
        (trade.agent, trade.lots) = (address(this), lots % 5 + 1);
    }

    function affirmOne(uint256 which, bool giver) external {
        Trade memory trade = _some(which);
        if (!_live(trade)) return;
        vm.prank(giver ? trade.legs[0].from : trade.legs[0].to);
        settlement.affirm(trade);
    }

    function holdOne(uint256 which) external {
        Trade memory trade = _some(which);
        address payer = _payerOf(trade);
        bytes32 ref = TradeId.unwrap(settlement.tradeId(trade));
        if (!_live(trade) || _heldFor(trade) != 0 || settlement.tradeOf(TradeId.wrap(ref)).lotsSettled != 0) return;
        vm.prank(payer);
        usd.holdAndCall(address(settlement), trade.legs[1].amount, ref, abi.encode(trade));
    }

    function settleSome(uint256 which, uint256 count, bool all) external {
        Trade memory trade = _some(which);
        ISettlement.TradeView memory seen = settlement.tradeOf(settlement.tradeId(trade));
        if (!_live(trade) || !seen.matched || _heldFor(trade) == 0) return;
        if (all) {
            settlement.settle(trade, _nobody(), _noConsents());
        } else {
            count = bound(count, 1, trade.lots - seen.lotsSettled);
            settlement.settleLots(trade, seen.lotsSettled, count, _nobody(), _noConsents());
        }
        ++_settled;
    }

    /// @dev Of up to `most` trades from `which` on those that can settle: all that is missing rides along.
    function netSome(uint256 which, uint256 most, bool assetsGross) external {
        _some(which);
        most = bound(most, 1, _trades.length);
        INetting.NetTrade[] memory all = new INetting.NetTrade[](most);
        uint256 n;
        for (uint256 i; i < most; ++i) {
            Trade memory trade = _trades[(which % _trades.length + i) % _trades.length];
            if (_live(trade)) all[n++] = _riding(trade);
        }
        if (n == 0) return;
        assembly ("memory-safe") {
            mstore(all, n)
        }
        settlement.settleNet(all, assetsGross);
        _netted += n;
    }

    function _riding(Trade memory trade) private returns (INetting.NetTrade memory) {
        ISettlement.CashConsent[] memory consents = _noConsents();
        if (_heldFor(trade) == 0) {
            consents = _consents(_consent(trade, usd, _partyOf(_payerOf(trade)), trade.legs[1].amount));
        }
        return INetting.NetTrade(trade, _affirmations(trade, _partyOf(trade.legs[0].from)), consents);
    }

    function _partyOf(address wallet) private view returns (Party memory) {
        uint256 i;
        while (_parties[i].wallet != wallet) ++i;
        return _parties[i];
    }

    function cancelOne(uint256 which) external {
        Trade memory trade = _some(which);
        if (!_live(trade)) {
            if (_heldFor(trade) != 0) settlement.releaseHold(trade, address(usd), _payerOf(trade));
            return;
        }
        if (settlement.tradeOf(settlement.tradeId(trade)).matched) return;
        vm.prank(trade.legs[0].from);
        settlement.cancel(trade);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 1 days);
    }

    // ---- what holds, whatever happened ----

    /// @dev D2: per token what left one came to another, and nothing stays here.
    function invariant_D2_nothingIsMadeLostOrKept() public view {
        uint256 inUnits;
        uint256 inCash;
        for (uint256 i; i < 3; ++i) {
            inUnits += units.balanceOf(_parties[i].wallet);
            inCash += usd.balanceOf(_parties[i].wallet);
        }
        assertEq(inUnits, ALL_UNITS);
        assertEq(inCash, usd.totalSupply());
        assertEq(units.balanceOf(address(settlement)), 0);
        assertEq(usd.balanceOf(address(settlement)), 0);
    }

    /// @dev D4: lots never go back, never beyond the total; what is over stays over.
    function invariant_D4_settlesOnce() public {
        for (uint256 i; i < _trades.length; ++i) {
            ISettlement.TradeView memory seen = settlement.tradeOf(settlement.tradeId(_trades[i]));
            assertGe(seen.lotsSettled, _seen[i], "lots went back");
            assertLe(seen.lotsSettled, _trades[i].lots, "more than all");
            bool over = seen.state == ISettlement.State.Settled || seen.state == ISettlement.State.Cancelled;
            if (_over[i]) assertTrue(over && seen.lotsSettled == _seen[i], "what was over went on");
            if (seen.state == ISettlement.State.Settled) assertEq(seen.lotsSettled, _trades[i].lots);
            (_seen[i], _over[i]) = (seen.lotsSettled, over);
        }
    }

    /// @dev D8: per wallet the trades' holds are what the token holds for the settlement.
    function invariant_D8_holdsAddUp() public view {
        for (uint256 p; p < 3; ++p) {
            uint256 sum;
            for (uint256 i; i < _trades.length; ++i) {
                if (_payerOf(_trades[i]) == _parties[p].wallet) sum += _heldFor(_trades[i]);
            }
            assertEq(sum, usd.heldFor(address(settlement), _parties[p].wallet));
        }
    }

    // ---- helpers ----

    function _some(uint256 which) private returns (Trade memory) {
        if (_trades.length == 0) this.propose(which, which >> 8, uint128(which), uint64(which), uint16(which));
        return _trades[which % _trades.length];
    }

    function _live(Trade memory trade) private view returns (bool) {
        ISettlement.State state = settlement.tradeOf(settlement.tradeId(trade)).state;
        return uint8(state) <= uint8(ISettlement.State.Affirmed) && block.timestamp <= trade.expiry;
    }

    function _payerOf(Trade memory trade) private pure returns (address) {
        return trade.legs[1].from;
    }

    function _heldFor(Trade memory trade) private view returns (uint256) {
        return settlement.heldFor(settlement.tradeId(trade), address(usd), _payerOf(trade));
    }
}
