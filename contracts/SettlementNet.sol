// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start uninitialized-local (starts at zero)

import {TradeBook} from "./TradeBook.sol";
import {TradeMatching} from "./TradeMatching.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {INetting} from "./interfaces/INetting.sol";
import {Cash, CashLegs} from "./libraries/CashLegs.sol";
import {Balance, Delivery} from "./libraries/Delivery.sol";
import {TradeId} from "./libraries/Ids.sol";
import {TradeHolds} from "./libraries/TradeHolds.sol";
import {Lots, TradeRules} from "./libraries/TradeRules.sol";
import {Leg, LegKind, Trade} from "./libraries/TradeTerms.sol";

/// @title SettlementNet
/// @notice {INetting}: the code of {Settlement} for nets. The settlement makes it when it is made itself and runs it by
/// DELEGATECALL, in its own storage and behind its guard; called directly it knows no trade, is no token's notary and has
/// nobody's allowance.
/// @dev Effects first: each trade is taken off the book before the next is looked at, so the same one twice is found
/// settled. Then the money moves, then assets, then balances are counted.
contract SettlementNet is TradeMatching, INetting {
    using TradeHolds for TradeHolds.Book;

    uint256 private constant MOST_TRADES = 64;
    uint256 private constant MOST_LEGS = 256;

    /// @notice A trade that is settled on the book and has yet to be delivered.
    struct Taken {
        TradeId id;
        Leg[] legs; // of what was left of it
        Cash[] cash;
    }

    constructor(address registry_) TradeBook(registry_) {}

    /// @inheritdoc INetting
    function settleNet(NetTrade[] calldata trades, bool assetsGross) external {
        uint256 n = trades.length;
        if (n == 0 || n > MOST_TRADES) revert WrongNumberOfTrades(n, MOST_TRADES);
        Taken[] memory taken = new Taken[](n);
        for (uint256 i; i < n; ++i) {
            taken[i] = _take(trades[i]);
        }
        Leg[] memory legs = _legsOf(taken);
        Balance[] memory balances = Delivery.expected(legs, Lots(0, 1, 1));
        _pay(trades, taken);
        if (assetsGross) _moveEach(legs);
        else Delivery.moveNet(balances);
        Delivery.verify(balances);
    }

    /// @dev Asks of a trade all that `settle` asks, and settles it on the book.
    function _take(NetTrade calldata t) private returns (Taken memory taken) {
        Trade calldata trade = t.trade;
        Live memory live = _live(trade);
        _requireDue(trade);
        uint256 first = live.word.lotsSettled();
        Lots memory lots = Lots(first, trade.lots - first, trade.lots);
        Cash[] memory cash = CashLegs.collect(live.legs, lots);
        _matchCash(live, cash, t.consents);
        _requireAffirmed(live, t.affirmations);
        _requireAllGood(live, lots, cash);

        _useHolds(live.id, cash);
        _trades[live.id] = live.word.withState(uint8(State.Settled)).withLotsSettled(trade.lots);
        emit TradeSettled(live.id, trade.tradeReference, first, lots.count, true);
        _keepDue(live.legs, lots);
        return Taken(live.id, live.legs, cash);
    }

    function _useHolds(TradeId id, Cash[] memory cash) private {
        for (uint256 i; i < cash.length; ++i) {
            Cash memory c = cash[i];
            if (c.consent != 0) continue;
            if (c.held == 0) revert CashNotHeld(id, c.token, c.payer, 0, c.whole);
            _holds.set(id, c.token, c.payer, c.held - c.due, c.day);
        }
    }

    /// @dev The trade is known by its id by now: its legs may say what is left of them.
    function _keepDue(Leg[] memory legs, Lots memory lots) private pure {
        for (uint256 i; i < legs.length; ++i) {
            legs[i].amount = TradeRules.quantity(legs[i].amount, lots);
        }
    }

    function _legsOf(Taken[] memory taken) private pure returns (Leg[] memory legs) {
        uint256 n;
        for (uint256 i; i < taken.length; ++i) {
            n += taken[i].legs.length;
        }
        if (n > MOST_LEGS) revert NetTooLarge(n, MOST_LEGS);
        legs = new Leg[](n);
        n = 0;
        for (uint256 i; i < taken.length; ++i) {
            for (uint256 k; k < taken[i].legs.length; ++k) {
                legs[n++] = taken[i].legs[k];
            }
        }
    }

    function _moveEach(Leg[] memory legs) private {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].kind != LegKind.CASH) Delivery.move(legs[i], legs[i].amount);
        }
    }

    // ---- cash --------------------------------------------------------------------------------------------------------

    /// @dev One call to each token, in the order in which the trades name them.
    function _pay(NetTrade[] calldata trades, Taken[] memory taken) private {
        address[] memory tokens = _tokensOf(taken);
        for (uint256 i; i < tokens.length && tokens[i] != address(0); ++i) {
            IDepositToken(tokens[i]).executeNet(_sourcesIn(tokens[i], trades, taken));
        }
    }

    /// @return tokens distinct, then zeros.
    function _tokensOf(Taken[] memory taken) private pure returns (address[] memory tokens) {
        uint256 most;
        for (uint256 i; i < taken.length; ++i) {
            most += taken[i].cash.length;
        }
        tokens = new address[](most);
        for (uint256 i; i < taken.length; ++i) {
            for (uint256 k; k < taken[i].cash.length; ++k) {
                address token = taken[i].cash[k].token;
                uint256 place;
                while (tokens[place] != address(0) && tokens[place] != token) ++place;
                tokens[place] = token;
            }
        }
    }

    function _sourcesIn(address token, NetTrade[] calldata trades, Taken[] memory taken)
        private
        pure
        returns (IDepositToken.NetSource[] memory sources)
    {
        uint256 n;
        for (uint256 i; i < taken.length; ++i) {
            for (uint256 k; k < taken[i].cash.length; ++k) {
                if (taken[i].cash[k].token == token) ++n;
            }
        }
        sources = new IDepositToken.NetSource[](n);
        n = 0;
        for (uint256 i; i < taken.length; ++i) {
            for (uint256 k; k < taken[i].cash.length; ++k) {
                if (taken[i].cash[k].token == token) sources[n++] = _sourceOf(trades[i], taken[i], taken[i].cash[k]);
            }
        }
    }

    /// @dev The hold, which has a day, or else the consent that was brought.
    function _sourceOf(NetTrade calldata t, Taken memory taken, Cash memory cash)
        private
        pure
        returns (IDepositToken.NetSource memory source)
    {
        (source.payer, source.ref, source.day) = (cash.payer, TradeId.unwrap(taken.id), cash.day);
        if (cash.consent != 0) {
            CashConsent calldata consent = t.consents[cash.consent - 1];
            (source.nonce, source.deadline, source.signature) = (consent.nonce, consent.deadline, consent.signature);
        }
        source.legs = _payments(taken.legs, cash);
    }

    function _payments(Leg[] memory legs, Cash memory cash)
        private
        pure
        returns (IDepositToken.NetLeg[] memory payments)
    {
        uint256 n;
        for (uint256 i; i < legs.length; ++i) {
            if (_isOf(legs[i], cash)) ++n;
        }
        payments = new IDepositToken.NetLeg[](n);
        n = 0;
        for (uint256 i; i < legs.length; ++i) {
            if (_isOf(legs[i], cash)) payments[n++] = IDepositToken.NetLeg(legs[i].to, legs[i].amount);
        }
    }

    function _isOf(Leg memory leg, Cash memory cash) private pure returns (bool) {
        return leg.kind == LegKind.CASH && leg.token == cash.token && leg.from == cash.payer;
    }
}

// slither-disable-end calls-loop
// slither-disable-end uninitialized-local
