// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {INetting} from "../../contracts/interfaces/INetting.sol";
import {ISettlement} from "../../contracts/interfaces/ISettlement.sol";
import {TradeId} from "../../contracts/libraries/Ids.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {Leg, Trade} from "../../contracts/libraries/TradeTerms.sol";
import {NetTradeBase} from "./base/NetTradeBase.sol";
import {Vm} from "./base/Vm.sol";

/// @dev settleNet: asked gross, moved net, all or none.
contract SettlementNetTest is NetTradeBase {
    // ---- rings ----

    /// @dev Four parties without a cent, who each owe another: nobody could begin, together they are done.
    function test_a_ring_of_four_without_money() public {
        Trade[] memory ring = _ring(4, usd, 1000);
        vm.recordLogs();
        _settleNet(ring, false);
        assertEq(_count(IERC20.Transfer.selector), 0);
        _assertAll(ring, ISettlement.State.Settled);
        for (uint256 i; i < 4; ++i) {
            assertEq(usd.balanceOf(dealers[i].wallet), 0);
            (, uint256 spent) = usd.dailyLimit(dealers[i].id);
            assertEq(spent, 0);
        }
    }

    /// @dev DvP: units one way round, dollars the other, each trade at its own price.
    function test_a_ring_of_deliveries() public {
        Trade[] memory ring = new Trade[](4);
        for (uint256 i; i < 4; ++i) {
            Party memory to = dealers[(i + 1) % 4];
            ring[i] = _trade(_two(_units(dealers[i], to, 100), _cash(usd, to, dealers[i], 1000 + i)));
        }
        _deposit(usd, dealers[0].wallet, 3);
        vm.recordLogs();
        _settleNet(ring, false);
        assertEq(_count(IERC20.Transfer.selector), 3, "what the prices differ by");
        _assertAll(ring, ISettlement.State.Settled);
        assertEq(usd.balanceOf(dealers[0].wallet), 3 + 1000 - 1003);
        assertEq(usd.balanceOf(dealers[1].wallet) + usd.balanceOf(dealers[2].wallet), 2);
        assertEq(units.balanceOf(dealers[2].wallet), 1e6);
    }

    /// @dev A title that passes from hand to hand moves once; who has it only on paper need not allow anything.
    function test_a_title_through_three_hands_moves_once() public {
        Trade[] memory trades = _titleChain();
        vm.prank(dealers[1].wallet);
        titles.setApprovalForAll(address(settlement), false);
        vm.recordLogs();
        _settleNet(trades, false);
        assertEq(_count(IERC20.Transfer.selector), 1 + 2, "of the title, and of money to each of two");
        assertEq(titles.ownerOf(50), dealers[2].wallet);
        assertEq(usd.balanceOf(dealers[1].wallet), 50, "bought for 900, sold for 950");
    }

    /// @dev Model 2: assets trade by trade, in the order given; cash by its net.
    function test_assets_gross() public {
        Trade[] memory trades = _titleChain();
        vm.recordLogs();
        _settleNet(trades, true);
        assertEq(_count(IERC20.Transfer.selector), 2 + 2);
        assertEq(titles.ownerOf(50), dealers[2].wallet);
        assertEq(usd.balanceOf(dealers[0].wallet), 900 + 10);
    }

    function test_assets_gross_in_the_wrong_order() public {
        Trade[] memory trades = _titleChain();
        (trades[0], trades[1]) = (trades[1], trades[0]);
        INetting.NetTrade[] memory all = _riding(trades);
        vm.expectRevert();
        settlement.settleNet(all, true);
        settlement.settleNet(all, false); // by the nets it has no order
        assertEq(titles.ownerOf(50), dealers[2].wallet);
    }

    /// @dev 0 -> 1 -> 2, and 2 pays 0 ten beside that.
    function _titleChain() private returns (Trade[] memory trades) {
        _issueTitle(dealers[0].wallet, 50);
        _deposit(usd, dealers[2].wallet, 1000);
        trades = _several(
            _trade(_two(_title(dealers[0], dealers[1], 50), _cash(usd, dealers[1], dealers[0], 900))),
            _trade(_two(_title(dealers[1], dealers[2], 50), _cash(usd, dealers[2], dealers[1], 950))),
            _single(_cash(usd, dealers[2], dealers[0], 10), "fee")
        );
    }

    // ---- holds, consents, lots ----

    /// @dev One paid in by itself, the day before; the others send their word along. Two tokens, goods by lot number.
    function test_holds_and_consents_and_two_currencies() public {
        _deposit(usd, dealers[0].wallet, 1000);
        _deposit(eur, dealers[1].wallet, 1000);
        Trade[] memory trades = _several(
            _trade(_two(_cash(usd, dealers[0], dealers[1], 1000), _cash(eur, dealers[1], dealers[0], 900))),
            _trade(_two(_goods(5, dealers[2], dealers[0], 7), _cash(usd, dealers[0], dealers[2], 300))),
            _trade(_two(_goods(5, dealers[0], dealers[1], 4), _cash(usd, dealers[1], dealers[0], 300)))
        );
        _holdCash(trades[0], usd, dealers[0], 1000);
        vm.warp(block.timestamp + 1 days);
        _settleNet(trades, false);
        assertEq(usd.balanceOf(dealers[1].wallet), 700);
        assertEq(usd.balanceOf(dealers[2].wallet), 300);
        assertEq(usd.balanceOf(dealers[0].wallet), 0);
        assertEq(eur.balanceOf(dealers[0].wallet), 900);
        assertEq(goods.balanceOf(dealers[0].wallet, 5), 1e6 + 3);
        assertEq(goods.balanceOf(dealers[1].wallet, 5), 1e6 + 4);
        assertEq(usd.heldFor(address(settlement), dealers[0].wallet), 0);
        (, uint256 spent) = usd.dailyLimit(dealers[0].id);
        assertEq(spent, 0, "the hold was charged on its day, and what came in paid the rest");
        _assertAll(trades, ISettlement.State.Settled);
    }

    function test_a_hold_of_today_gives_back_what_the_net_does_not_need() public {
        _deposit(usd, dealers[0].wallet, 1000);
        Trade[] memory trades = _several(
            _single(_cash(usd, dealers[0], dealers[1], 1000), "there"),
            _single(_cash(usd, dealers[1], dealers[0], 600), "back")
        );
        _holdCash(trades[0], usd, dealers[0], 1000);
        _settleNet(trades, false);
        (, uint256 spent) = usd.dailyLimit(dealers[0].id);
        assertEq(spent, 400);
    }

    /// @dev Of a trade that went by lots the whole rest settles.
    function test_the_rest_of_a_trade_in_lots() public {
        _deposit(usd, dealers[0].wallet, 1000);
        Trade memory lots = _trade(_two(_units(dealers[1], dealers[0], 10), _cash(usd, dealers[0], dealers[1], 1000)));
        (lots.lots, lots.agent) = (3, address(this));
        _affirmAs(dealers[1], lots);
        _holdCash(lots, usd, dealers[0], 1000);
        settlement.settleLots(lots, 0, 1, _nobody(), _noConsents());
        Trade[] memory trades = _several(lots, _single(_cash(usd, dealers[1], dealers[2], 1000), "on"));
        vm.recordLogs();
        _settleNet(trades, false);
        assertEq(usd.balanceOf(dealers[1].wallet), 0, "333 before, 667 now, all passed on");
        assertEq(usd.balanceOf(dealers[2].wallet), 1000);
        assertEq(units.balanceOf(dealers[0].wallet), 1e6 + 10);
        assertEq(settlement.tradeOf(settlement.tradeId(lots)).lotsSettled, 3);
        assertEq(settlement.heldFor(settlement.tradeId(lots), address(usd), dealers[0].wallet), 0);
        assertEq(usd.heldFor(address(settlement), dealers[0].wallet), 0);
    }

    /// @dev The caller affirms by calling; a trade that all affirmed before needs nothing along.
    function test_affirmed_before_and_by_calling() public {
        _deposit(usd, dealers[0].wallet, 500);
        Trade memory before = _single(_cash(usd, dealers[0], dealers[1], 500), "before");
        _holdCash(before, usd, dealers[0], 500);
        _affirmAs(dealers[1], before);
        Trade memory calling = _single(_cash(usd, dealers[1], dealers[2], 500), "calling");
        INetting.NetTrade[] memory all = _riding(_several(before, calling));
        all[0].affirmations = _nobody();
        all[1].affirmations = _nobody();
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAffirmed.selector, _idOf(calling), dealers[2].wallet));
        settlement.settleNet(all, false);
        vm.prank(dealers[2].wallet);
        settlement.settleNet(all, false);
        assertEq(usd.balanceOf(dealers[2].wallet), 500);
    }

    // ---- D1, D7: a blocked party stops all, and all stays as it was ----

    function test_D7_a_frozen_party_whose_net_is_nothing() public {
        Trade[] memory ring = _ring(4, usd, 1000);
        _freeze(dealers[2].id);
        _expectNetReverts(
            ring,
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.EXECUTE, Reason.PAYEE_FROZEN, dealers[2].wallet, 0, 0
            )
        );
        _assertAll(ring, ISettlement.State.None);
        _unfreeze(dealers[2].id); // time passes
        ring = _ring(4, usd, 1000);
        _settleNet(ring, false);
    }

    function test_D7_a_frozen_party_that_only_passes_goods_on() public {
        Trade[] memory trades = _several(
            _single(_goods(5, dealers[0], dealers[1], 7), "in"), _single(_goods(5, dealers[1], dealers[2], 7), "out")
        );
        _freeze(dealers[1].id);
        _expectNetReverts(
            trades,
            abi.encodeWithSelector(
                ISettlement.PartyRefused.selector, _idOf(trades[0]), dealers[1].wallet, uint8(Standing.FROZEN)
            )
        );
    }

    /// @dev The trades that waited are as live as before, their holds too, and each settles alone.
    function test_D7_what_was_affirmed_and_held_stays() public {
        _deposit(usd, dealers[0].wallet, 1000);
        Trade memory held = _single(_cash(usd, dealers[0], dealers[1], 1000), "held");
        _holdCash(held, usd, dealers[0], 1000);
        _affirmAs(dealers[1], held);
        Trade memory other = _single(_cash(usd, dealers[1], dealers[2], 1001), "more than comes in");
        _expectNetReverts(
            _several(held, other),
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, dealers[1].wallet, 1000, 1001
            )
        );
        _assertState(held, ISettlement.State.Affirmed);
        assertEq(settlement.heldFor(settlement.tradeId(held), address(usd), dealers[0].wallet), 1000);
        _settle(held);
        assertEq(usd.balanceOf(dealers[1].wallet), 1000);
    }

    function test_D7_a_paused_token_stops_both_currencies() public {
        Trade[] memory trades = new Trade[](4);
        (trades[0], trades[1]) = (_ring(2, usd, 10)[0], _ring(2, usd, 10)[1]);
        (trades[2], trades[3]) = (_ring(2, eur, 10)[0], _ring(2, eur, 10)[1]);
        _pause(eur);
        _expectNetReverts(
            trades, abi.encodeWithSelector(IDepositToken.Refused.selector, Path.HOLD, Reason.PAUSED, address(eur), 0, 0)
        );
        _assertAll(trades, ISettlement.State.None);
        assertFalse(usd.consentSpent(dealers[0].wallet, 1));
    }

    function test_a_stopped_settlement() public {
        Trade[] memory ring = _ring(3, usd, 10);
        vm.prank(pauser);
        usd.stopNotary(address(settlement));
        _expectNetReverts(
            ring,
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.HOLD, Reason.NOTARY_STOPPED, address(settlement), 0, 0
            )
        );
    }

    /// @dev Its successor affirms a new trade; what it held comes back to that once the old one has expired.
    function test_a_lost_wallet_in_a_net() public {
        _deposit(usd, dealers[0].wallet, 1000);
        Trade memory held = _single(_cash(usd, dealers[0], dealers[1], 1000), "held");
        held.expiry = uint40(block.timestamp + 30 days);
        _holdCash(held, usd, dealers[0], 1000);
        Vm.Wallet memory second = _link(dealers[0], "second");
        _suspendWallet(dealers[0].wallet);
        _recover(dealers[0].wallet, second.addr);
        Trade[] memory trades = _several(held, _single(_cash(usd, dealers[1], dealers[2], 1000), "on"));
        _expectNetReverts(
            trades,
            abi.encodeWithSelector(
                ISettlement.PartyRefused.selector, _idOf(held), dealers[0].wallet, uint8(Standing.WALLET_LOST)
            )
        );
        vm.warp(held.expiry + 1);
        settlement.releaseHold(held, address(usd), dealers[0].wallet);
        assertEq(usd.available(second.addr), 1000);
    }

    // ---- limits ----

    function test_the_limit_just_enough_and_one_short() public {
        _deposit(usd, dealers[0].wallet, 1000);
        _setLimit(usd, dealers[0].id, 100);
        Trade memory there = _single(_cash(usd, dealers[0], dealers[1], 1000), "there");
        _expectNetReverts(
            _several(there, _single(_cash(usd, dealers[1], dealers[0], 899), "back")),
            abi.encodeWithSelector(
                IDepositToken.Refused.selector, Path.HOLD, Reason.DAILY_LIMIT, dealers[0].wallet, 100, 101
            )
        );
        _settleNet(_several(there, _single(_cash(usd, dealers[1], dealers[0], 900), "back")), false);
        assertEq(usd.balanceOf(dealers[1].wallet), 100);
    }

    // ---- D3, D4, D5 ----

    function test_D4_the_same_trade_twice() public {
        Trade memory trade = _single(_cash(usd, buyer, dealers[0], 10), "twice");
        INetting.NetTrade[] memory all = _riding(_several(trade, trade));
        bytes memory over =
            abi.encodeWithSelector(ISettlement.TradeNotLive.selector, _idOf(trade), ISettlement.State.Settled);
        _expectNetReverts(all, over);
        settlement.settle(trade, all[0].affirmations, all[0].consents);
        _expectNetReverts(all, over);
    }

    function test_D3_the_same_consent_twice() public {
        Trade[] memory trades = _ring(2, usd, 10);
        INetting.NetTrade[] memory all = _riding(trades);
        ISettlement.CashConsent memory consent = all[0].consents[0];
        all[0].consents = _consents(consent, consent);
        settlement.settleNet(all, false); // brought twice, used once
        trades = _several(
            _single(_cash(usd, dealers[0], dealers[1], 10), "a"), _single(_cash(usd, dealers[1], dealers[0], 10), "b")
        );
        all = _riding(trades);
        all[0].consents[0].nonce = consent.nonce;
        _expectNetReverts(
            all, abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, dealers[0].wallet, consent.nonce)
        );
    }

    function test_D3_a_consent_to_another_trade() public {
        INetting.NetTrade[] memory all = _riding(_ring(2, usd, 10));
        INetting.NetTrade[] memory others = _riding(_ring(2, usd, 11));
        all[0].consents = others[0].consents;
        _expectNetReverts(all, abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, dealers[0].wallet));
        all[0].consents = _noConsents();
        all[0].affirmations[0].signature = others[0].affirmations[0].signature;
        _expectNetReverts(
            all, abi.encodeWithSelector(ISettlement.InvalidAffirmation.selector, _idOf(all[0].trade), dealers[0].wallet)
        );
    }

    /// @dev All affirmed, nobody paid.
    function test_no_money_at_all() public {
        INetting.NetTrade[] memory all = _riding(_ring(2, usd, 10));
        all[1].consents = _noConsents();
        _expectNetReverts(
            all,
            abi.encodeWithSelector(
                ISettlement.CashNotHeld.selector, _idOf(all[1].trade), address(usd), dealers[1].wallet, 0, 10
            )
        );
    }

    function test_D5_one_that_expired() public {
        _deposit(usd, dealers[0].wallet, 10);
        Trade[] memory ring = _ring(3, usd, 10);
        ring[0].expiry = uint40(block.timestamp + 1 hours);
        _holdCash(ring[0], usd, dealers[0], 10);
        vm.warp(block.timestamp + 1 hours + 1);
        _expectNetReverts(
            ring, abi.encodeWithSelector(ISettlement.TradeExpired.selector, ring[0].expiry, block.timestamp)
        );
        settlement.releaseHold(ring[0], address(usd), dealers[0].wallet);
        assertEq(usd.available(dealers[0].wallet), 10);
    }

    function test_one_before_its_time() public {
        Trade[] memory ring = _ring(3, usd, 10);
        ring[2].settleAfter = uint40(block.timestamp + 1);
        _expectNetReverts(
            ring, abi.encodeWithSelector(ISettlement.SettleTooEarly.selector, ring[2].settleAfter, block.timestamp)
        );
    }

    function test_one_that_was_cancelled() public {
        Trade[] memory ring = _ring(3, usd, 10);
        vm.prank(dealers[1].wallet);
        settlement.cancel(ring[1]);
        _expectNetReverts(
            ring, abi.encodeWithSelector(ISettlement.TradeNotLive.selector, _idOf(ring[1]), ISettlement.State.Cancelled)
        );
    }

    function test_one_that_is_no_trade() public {
        Trade[] memory ring = _ring(3, usd, 10);
        INetting.NetTrade[] memory all = _riding(ring);
        all[1].trade.legs[0].to = all[1].trade.legs[0].from;
        _expectNetReverts(all, abi.encodeWithSelector(ISettlement.InvalidTrade.selector, "to"));
        all[1].trade.legs = new Leg[](0);
        _expectNetReverts(all, abi.encodeWithSelector(ISettlement.InvalidTrade.selector, "legs"));
    }

    // ---- how many ----

    function test_no_trades_and_65() public {
        _expectNetReverts(
            new INetting.NetTrade[](0), abi.encodeWithSelector(INetting.WrongNumberOfTrades.selector, 0, 64)
        );
        _expectNetReverts(
            new INetting.NetTrade[](65), abi.encodeWithSelector(INetting.WrongNumberOfTrades.selector, 65, 64)
        );
    }

    function test_256_legs_and_one_more() public {
        Trade[] memory trades = new Trade[](9);
        for (uint256 i; i < 8; ++i) {
            Leg[] memory legs = new Leg[](32);
            for (uint256 k; k < 32; ++k) {
                legs[k] = _goods(k % 2 + 5, dealers[i], dealers[(i + 1 + k % 7) % 8], 1);
            }
            trades[i] = _trade(legs);
        }
        trades[8] = _single(_cash(usd, dealers[0], dealers[1], 1), "one more");
        _expectNetReverts(trades, abi.encodeWithSelector(INetting.NetTooLarge.selector, 257, 256));
        assembly {
            mstore(trades, 8)
        }
        _settleNet(trades, false);
        _assertAll(trades, ISettlement.State.Settled);
    }

    // ---- the code by itself ----

    /// @dev It is nobody's notary, and has nobody's allowance.
    function test_the_code_called_directly_moves_nothing() public {
        INetting code = INetting(settlement.netting());
        assertLt(address(code).code.length, 24_576);
        INetting.NetTrade[] memory all = _riding(_ring(2, usd, 10));
        vm.expectRevert();
        code.settleNet(all, false);
        assertEq(address(uint160(uint256(vm.load(address(code), bytes32(0))))), address(0), "and keeps nothing");
        settlement.settleNet(all, false);
    }

    // ---- D2, D6: any trades ----

    /// @dev Random trades of three to eight dealers, with holds and consents, two currencies, units, goods of two lots, some
    /// of it by lots: what they come to one by one they come to by their nets, in both models.
    function testFuzz_D6_net_is_gross(uint256 seed) public {
        Trade[] memory trades = _randomTrades(seed);
        INetting.NetTrade[] memory all = _riding(trades);
        uint256 before = vm.snapshotState();
        for (uint256 i; i < all.length; ++i) {
            settlement.settle(all[i].trade, all[i].affirmations, all[i].consents);
        }
        (uint256[] memory gross, uint256[] memory spent) = _positions();
        for (uint256 model; model < 2; ++model) {
            assertTrue(vm.revertToState(before));
            before = vm.snapshotState();
            settlement.settleNet(all, model == 0);
            (uint256[] memory net, uint256[] memory netSpent) = _positions();
            for (uint256 i; i < gross.length; ++i) {
                assertEq(net[i], gross[i]);
            }
            for (uint256 i; i < spent.length; ++i) {
                assertLe(netSpent[i], spent[i], "a net is charged no more");
            }
            _assertAll(trades, ISettlement.State.Settled);
        }
    }

    function _randomTrades(uint256 seed) private returns (Trade[] memory trades) {
        uint256 size = 3 + seed % 6;
        for (uint256 i; i < size; ++i) {
            _deposit(usd, dealers[i].wallet, 1e9);
            _deposit(eur, dealers[i].wallet, 1e9);
        }
        trades = new Trade[](2 + (seed >> 8) % 6);
        for (uint256 t; t < trades.length; ++t) {
            uint256 r = uint256(keccak256(abi.encode(seed, t)));
            Leg[] memory legs = new Leg[](1 + r % 4);
            for (uint256 k; k < legs.length; ++k) {
                legs[k] = _randomLeg(uint256(keccak256(abi.encode(r, k))), size);
            }
            trades[t] = _trade(legs);
            trades[t].tradeReference = bytes32(t + 1);
            trades[t].lots = uint16(1 + (r >> 8) % 3);
            trades[t].agent = address(this);
            if (r >> 16 & 1 == 1) _holdAll(trades[t]);
            if (r >> 17 & 1 == 1 && trades[t].lots > 1) _settleFirstLot(trades[t]);
        }
    }

    function _randomLeg(uint256 r, uint256 size) private view returns (Leg memory) {
        (Party memory from, Party memory to) = (dealers[r % size], dealers[(r + 1 + (r >> 8) % (size - 1)) % size]);
        uint256 amount = 1 + (r >> 16) % 1000;
        uint256 kind = (r >> 32) % 6;
        if (kind < 2) return _cash(usd, from, to, amount * 100);
        if (kind == 2) return _cash(eur, from, to, amount * 100);
        if (kind == 3) return _units(from, to, amount);
        return _goods(kind + 1, from, to, amount);
    }

    function _holdAll(Trade memory trade) private {
        address[] memory wallets = settlement.walletsOf(trade);
        for (uint256 i; i < wallets.length; ++i) {
            Party memory party = Party(0, wallets[i], keyOf[wallets[i]], 0);
            uint256 owed = _owed(trade, usd, wallets[i]);
            if (owed != 0) _holdCash(trade, usd, party, owed);
        }
    }

    function _settleFirstLot(Trade memory trade) private {
        INetting.NetTrade memory t = _riding(trade);
        settlement.settleLots(trade, 0, 1, t.affirmations, t.consents);
    }

    function _positions() private view returns (uint256[] memory all, uint256[] memory spent) {
        all = new uint256[](8 * 7);
        spent = new uint256[](16);
        for (uint256 i; i < 8; ++i) {
            address wallet = dealers[i].wallet;
            all[7 * i] = usd.balanceOf(wallet);
            all[7 * i + 1] = eur.balanceOf(wallet);
            all[7 * i + 2] = units.balanceOf(wallet);
            all[7 * i + 3] = goods.balanceOf(wallet, 5);
            all[7 * i + 4] = goods.balanceOf(wallet, 6);
            all[7 * i + 5] = usd.held(wallet);
            all[7 * i + 6] = eur.held(wallet);
            (, spent[2 * i]) = usd.dailyLimit(dealers[i].id);
            (, spent[2 * i + 1]) = eur.dailyLimit(dealers[i].id);
        }
    }

    function _count(bytes32 topic) private returns (uint256 n) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == topic) ++n;
        }
    }
}
