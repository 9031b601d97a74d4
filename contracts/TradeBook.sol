// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)
// slither-disable-start unused-return (what is left out of the answer is not asked for)

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Cash, CashLegs} from "./libraries/CashLegs.sol";
import {TradeId} from "./libraries/Ids.sol";
import {Standing} from "./libraries/Reason.sol";
import {TradeHolds} from "./libraries/TradeHolds.sol";
import {Lots, TradeRules} from "./libraries/TradeRules.sol";
import {Leg, LegKind, Trade, TradeTerms} from "./libraries/TradeTerms.sol";
import {TradeWord} from "./libraries/TradeWord.sol";
import {Wallets} from "./libraries/Wallets.sol";

/// @title TradeBook
/// @notice What is kept of trades, what is asked before one moves, and what a reader may ask. How they move: Settlement.
/// @dev Who may trade is asked when a wallet affirms and again at every settlement; a refusal reverts the whole and changes
/// nothing.
abstract contract TradeBook is ISettlement, EIP712 {
    using TradeTerms for Trade;
    using TradeHolds for TradeHolds.Book;
    using Wallets for address[];

    /// @dev A trade that can still change, as one call sees it.
    struct Live {
        TradeId id;
        TradeWord word;
        Leg[] legs;
        address[] wallets;
    }

    /// @inheritdoc ISettlement
    address public immutable registry;

    mapping(TradeId => TradeWord) internal _trades;
    TradeHolds.Book internal _holds;
    mapping(address token => bool) private _depositTokens;

    constructor(address registry_) EIP712("pyjpm Settlement", "1") {
        registry = registry_;
    }

    // ---- what is asked before anything ----------------------------------------------------------------------------

    /// @dev The trade if it can still change. Its terms are looked at once: later they are known by their id.
    function _live(Trade calldata trade) internal returns (Live memory live) {
        (live.id, live.legs) = trade.load();
        live.word = _trades[live.id];
        uint8 state = live.word.state();
        if (state > uint8(State.Affirmed)) revert TradeNotLive(live.id, State(state));
        if (block.timestamp > trade.expiry) revert TradeExpired(trade.expiry, block.timestamp);
        if (state == uint8(State.None)) {
            TradeRules.validate(trade, live.legs);
            _requireDepositTokens(live.legs);
        }
        live.wallets = Wallets.distinct(live.legs);
    }

    /// @dev What is called CASH moves out of holds and is trusted, so it must be a registered deposit token, which it then
    /// is for ever.
    function _requireDepositTokens(Leg[] memory legs) private {
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            if (leg.kind != LegKind.CASH || _depositTokens[leg.token]) continue;
            if (!IParticipantRegistry(registry).isDepositToken(leg.token)) revert InvalidTrade("kind");
            _depositTokens[leg.token] = true;
        }
    }

    /// @dev Bank money is called CASH. A trade that settles at once is not asked: a deposit token moves for no allowance of
    /// this contract, which has no wallet.
    function _requireNoDepositTokens(Leg[] memory legs) internal view {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].kind == LegKind.CASH) continue;
            if (IParticipantRegistry(registry).isDepositToken(legs[i].token)) revert InvalidTrade("kind");
        }
    }

    function _requireGood(TradeId id, address wallet) internal view {
        (Standing standing,) = IParticipantRegistry(registry).standingOf(wallet);
        if (standing != Standing.GOOD) revert PartyRefused(id, wallet, uint8(standing));
    }

    /// @dev Each wallet is asked for once: by its token where it pays by consent or is paid in this settlement (HOLD asks
    /// the payer, EXECUTE the payee, in full), of the registry otherwise.
    function _requireAllGood(Live memory live, Lots memory lots, Cash[] memory cash) internal view {
        _requirePairs(live, lots);
        address[] memory wallets = live.wallets;
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 asked;
        for (uint256 i; i < cash.length; ++i) {
            if (cash[i].consent != 0) asked |= 1 << wallets.indexOf(cash[i].payer);
        }
        for (uint256 i; i < live.legs.length; ++i) {
            Leg memory leg = live.legs[i];
            if (leg.kind != LegKind.CASH || TradeRules.quantity(leg.amount, lots) == 0) continue;
            asked |= 1 << wallets.indexOf(leg.to);
        }
        if (asked == (1 << wallets.length) - 1) return;
        address[] memory others = wallets.without(asked);
        Standing[] memory each = IParticipantRegistry(registry).standingsOf(others);
        for (uint256 i; i < each.length; ++i) {
            if (each[i] != Standing.GOOD) revert PartyRefused(live.id, others[i], uint8(each[i]));
        }
    }

    /// @dev Pair rules are about money: where money passes between two wallets, their token asks for their pair. What goes
    /// from one to another and no money of theirs answers it, is asked here, as if it were money.
    function _requirePairs(Live memory live, Lots memory lots) private view {
        Leg[] memory legs = live.legs;
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            if (leg.kind == LegKind.CASH || TradeRules.quantity(leg.amount, lots) == 0) continue;
            if (_payEachOther(legs, lots, leg.from, leg.to)) continue;
            (uint32 from,,) = IParticipantRegistry(registry).walletOf(leg.from);
            (uint32 to,,) = IParticipantRegistry(registry).walletOf(leg.to);
            if (!IParticipantRegistry(registry).pairPasses(from, to)) {
                revert PartyRefused(live.id, leg.to, uint8(Standing.PAIR_REFUSED));
            }
        }
    }

    function _payEachOther(Leg[] memory legs, Lots memory lots, address a, address b) private pure returns (bool) {
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            if (leg.kind != LegKind.CASH) continue;
            if ((leg.from != a || leg.to != b) && (leg.from != b || leg.to != a)) continue;
            if (TradeRules.quantity(leg.amount, lots) != 0) return true;
        }
        return false;
    }

    /// @return whole what `payer` must hold in `token`: the sum of its CASH legs; 0: none.
    function _cashOf(Live memory live, address token, address payer) internal pure returns (uint256 whole) {
        Cash[] memory cash = CashLegs.collect(live.legs, Lots(0, 1, 1));
        uint256 index = CashLegs.find(cash, token, payer);
        if (index < cash.length) whole = cash[index].whole;
    }

    function _successors(address[] memory wallets) internal view returns (address[] memory successors) {
        successors = new address[](wallets.length);
        for (uint256 i; i < wallets.length; ++i) {
            successors[i] = IParticipantRegistry(registry).resolve(wallets[i]);
        }
    }

    // ---- views -------------------------------------------------------------------------------------------------------

    /// @inheritdoc ISettlement
    function tradeId(Trade calldata trade) external pure returns (TradeId) {
        return trade.id();
    }

    /// @inheritdoc ISettlement
    function tradeDigest(Trade calldata trade) external view returns (bytes32) {
        return _hashTypedDataV4(TradeId.unwrap(trade.id()));
    }

    /// @inheritdoc ISettlement
    function cancelDigest(TradeId id, uint40 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(TradeTerms.cancelHash(id, deadline));
    }

    /// @inheritdoc ISettlement
    function tradeOf(TradeId id) external view returns (TradeView memory) {
        TradeWord word = _trades[id];
        return TradeView(State(word.state()), word.isMatched(), word.affirmations(), word.lotsSettled());
    }

    /// @inheritdoc ISettlement
    function stateOf(Trade calldata trade) external view returns (State) {
        return _stateOf(trade.id(), trade.expiry);
    }

    function _stateOf(TradeId id, uint40 expiry) internal view returns (State state) {
        state = State(_trades[id].state());
        if (state == State.Affirmed && block.timestamp > expiry) return State.Expired;
    }

    /// @inheritdoc ISettlement
    function heldFor(TradeId id, address token, address payer) public view returns (uint256 amount) {
        (amount,) = _holds.get(id, token, payer);
    }

    /// @inheritdoc ISettlement
    function walletsOf(Trade calldata trade) external pure returns (address[] memory) {
        (, Leg[] memory legs) = trade.load();
        return Wallets.distinct(legs);
    }
}

// slither-disable-end calls-loop
// slither-disable-end timestamp
// slither-disable-end unused-return
