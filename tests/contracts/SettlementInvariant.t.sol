// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeActs} from "./base/TradeActs.sol";

/// @notice D1 to D8 of trades that three parties bring about, settle singly, in lots and in nets, and end, while parties
/// are stopped and lose their wallets.
contract SettlementInvariantTest is TradeActs {
    mapping(uint256 trade => uint256 lots) private _seen;
    mapping(uint256 trade => bool) private _over;

    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](36);
        (s[0], s[1], s[2]) = (this.propose.selector, this.propose.selector, this.propose.selector);
        (s[3], s[4], s[5]) = (this.affirm.selector, this.affirm.selector, this.affirm.selector);
        (s[6], s[7], s[8]) = (this.holdCash.selector, this.holdCash.selector, this.holdCash.selector);
        for (uint256 i = 9; i < 18; ++i) {
            s[i] = this.settle.selector;
        }
        (s[18], s[19], s[20]) = (this.net.selector, this.net.selector, this.cancel.selector);
        (s[21], s[22], s[23]) = (this.giveBack.selector, this.pass.selector, this.stop.selector);
        for (uint256 i = 24; i < 29; ++i) {
            s[i] = this.loosen.selector;
        }
        (s[29], s[30], s[31]) = (this.loseWallet.selector, this.net.selector, this.net.selector);
        (s[32], s[33], s[34], s[35]) =
        (this.propose.selector, this.propose.selector, this.affirm.selector, this.settle.selector);
        _target(address(this), s);
    }

    function afterInvariant() external {
        this.end();
        _reportRows();
    }

    function end() external {
        _endAll();
        invariant_D2_nothing_is_made_lost_or_kept();
        invariant_D8_holds_add_up();
    }

    function invariant_D1_all_legs_or_none() public view {
        assertEq(_torn, 0);
    }

    function invariant_D2_nothing_is_made_lost_or_kept() public view {
        uint256 inUnits;
        uint256 inCash;
        for (uint256 p; p < PARTIES; ++p) {
            inUnits += units.balanceOf(_parties[p].wallet);
            inCash += usd.balanceOf(_parties[p].wallet);
        }
        assertEq(inUnits, ALL_UNITS);
        assertEq(inCash, usd.totalSupply());
        assertEq(units.balanceOf(address(settlement)), 0);
        assertEq(usd.balanceOf(address(settlement)), 0);
    }

    function invariant_D3_nothing_leaves_who_has_not_affirmed() public view {
        assertEq(_unaffirmed, 0);
    }

    /// @dev Lots never go back, never beyond the total; what is over stays over.
    function invariant_D4_settles_once() public {
        for (uint256 i; i < _trades.length; ++i) {
            ISettlement.TradeView memory seen = _view(_trades[i]);
            assertGe(seen.lotsSettled, _seen[i], "lots went back");
            assertLe(seen.lotsSettled, _trades[i].lots, "more than all");
            bool over = seen.state == ISettlement.State.Settled || seen.state == ISettlement.State.Cancelled;
            if (_over[i]) assertTrue(over && seen.lotsSettled == _seen[i], "what was over went on");
            if (seen.state == ISettlement.State.Settled) assertEq(seen.lotsSettled, _trades[i].lots);
            (_seen[i], _over[i]) = (seen.lotsSettled, over);
        }
    }

    function invariant_D5_nothing_after_expiry() public view {
        assertEq(_late, 0);
    }

    function invariant_D6_a_net_is_the_gross_for_every_party() public view {
        assertEq(_unlike, 0);
    }

    function invariant_D7_a_blocked_party_stops_the_whole() public view {
        assertEq(_unblocked, 0);
    }

    /// @dev Per wallet, lost ones resolved: the trades' holds are what the token holds for the settlement.
    function invariant_D8_holds_add_up() public view {
        uint256[PARTIES] memory sum;
        for (uint256 i; i < _trades.length; ++i) {
            sum[_indexOf[_trades[i].legs[1].from]] += _heldFor(_trades[i]);
        }
        for (uint256 p; p < PARTIES; ++p) {
            assertEq(sum[p], usd.heldFor(address(settlement), _parties[p].wallet));
        }
    }

    // ---- the handler is worth something ----

    /// @dev Every row of the state table, by the same acts and seeds of their own.
    function test_the_acts_reach_every_row() external {
        vm.pauseGasMetering();
        for (uint256 i; i < 4000; ++i) {
            _step(uint256(keccak256(abi.encode("row", i))));
            if (i % 200 != 199) continue;
            this.end();
            if (bytes(_rowsMissed()).length == 0) return;
        }
        assertEq(_rowsMissed(), "");
    }

    function _step(uint256 seed) private {
        uint256 what = (seed >> 200) % 32;
        if (what < 3) this.propose(seed);
        else if (what < 6) this.affirm(seed);
        else if (what < 9) this.holdCash(seed);
        else if (what < 18) this.settle(seed);
        else if (what < 20) this.net(seed);
        else if (what == 20) this.cancel(seed);
        else if (what == 21) this.giveBack(seed);
        else if (what == 22) this.pass(seed);
        else if (what == 23) this.stop(seed, seed >> 8);
        else if (what < 29) this.loosen(seed);
        else if (what < 31) this.net(seed);
        else this.loseWallet(seed);
    }
}
