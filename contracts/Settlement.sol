// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {SettlementNet} from "./SettlementNet.sol";
import {TradeBook} from "./TradeBook.sol";
import {TradeMatching} from "./TradeMatching.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {INetting} from "./interfaces/INetting.sol";
import {INotary} from "./interfaces/INotary.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISettlementActs} from "./interfaces/ISettlementActs.sol";
import {Cash, CashLegs} from "./libraries/CashLegs.sol";
import {Deadlines} from "./libraries/Deadlines.sol";
import {Balance, Delivery} from "./libraries/Delivery.sol";
import {TradeId} from "./libraries/Ids.sol";
import {Path, Reason} from "./libraries/Reason.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {TradeHolds} from "./libraries/TradeHolds.sol";
import {Lots, TradeRules} from "./libraries/TradeRules.sol";
import {Leg, LegKind, Trade, TradeTerms} from "./libraries/TradeTerms.sol";
import {Wallets} from "./libraries/Wallets.sol";

/// @title Settlement
/// @notice What governs the code below:
/// - One word per trade, written once by a trade that settles in one transaction; callers pass the terms again.
/// - A hold has a word of its own only while it outlives the transaction that made it: cash held by a consent that rides
///   along and is all paid out at once is kept in memory.
/// - Effects first, transfers next, then the balances are counted. Assets are foreign code: every entrance that writes
///   is guarded, so whatever a token or a receiver calls back, it finds this contract closed.
contract Settlement is TradeMatching, ISettlementActs, INetting, INotary, ReentrancyGuardTransient {
    using TradeTerms for Trade;
    using TradeHolds for TradeHolds.Book;
    using Wallets for address[];

    uint256 private constant DAY = 1 days;

    /// @inheritdoc ISettlementActs
    address public immutable netting;

    constructor(address registry_) TradeBook(registry_) {
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        netting = address(new SettlementNet(registry_));
    }

    // ---- affirming ---------------------------------------------------------------------------------------------------

    /// @inheritdoc ISettlementActs
    function affirm(Trade calldata trade) external nonReentrant returns (TradeId) {
        Live memory live = _live(trade);
        _requireGood(live.id, msg.sender);
        _affirmAloud(live, trade.tradeReference, msg.sender);
        return _store(live);
    }

    /// @inheritdoc ISettlementActs
    function affirmBySignature(Trade calldata trade, Affirmation[] calldata affirmations)
        external
        nonReentrant
        returns (TradeId)
    {
        Live memory live = _live(trade);
        if (affirmations.length == 0) revert NotAffirmed(live.id, live.wallets[0]);
        bytes32 digest = _hashTypedDataV4(TradeId.unwrap(live.id));
        for (uint256 i; i < affirmations.length; ++i) {
            Affirmation calldata a = affirmations[i];
            _requireGood(live.id, a.wallet);
            _requireSigned(live.id, digest, a.wallet, a.signature);
            _affirmAloud(live, trade.tradeReference, a.wallet);
        }
        return _store(live);
    }

    /// @inheritdoc INotary
    /// @dev The payer has handed the terms to its token itself, so it affirms by paying; the token has found it good.
    function onHold(address payer, uint256 amount, bytes32 ref, bytes calldata data)
        external
        nonReentrant
        returns (bytes4)
    {
        if (!IParticipantRegistry(registry).isDepositToken(msg.sender)) {
            revert OnlyDepositToken(msg.sender);
        }
        Trade calldata trade = TradeTerms.decode(data);
        Live memory live = _live(trade);
        if (TradeId.unwrap(live.id) != ref) revert UnknownTrade(TradeId.wrap(ref));
        uint256 whole = _cashOf(live, msg.sender, payer);
        if (whole == 0 || amount != whole) revert WrongHold(live.id, msg.sender, payer, amount, whole);
        if (heldFor(live.id, msg.sender, payer) != 0) revert CashAlreadyHeld(live.id, msg.sender, payer);

        _holds.set(live.id, msg.sender, payer, amount, block.timestamp / DAY);
        emit CashHeld(live.id, msg.sender, payer, amount);
        live.word = live.word.withHolds();
        _affirmAloud(live, trade.tradeReference, payer);
        _store(live);
        return INotary.onHold.selector;
    }

    function _affirmAloud(Live memory live, bytes32 tradeReference, address wallet) private {
        if (!_affirm(live, wallet)) return;
        emit TradeAffirmed(live.id, wallet, tradeReference, live.word.isMatched());
    }

    function _store(Live memory live) private returns (TradeId) {
        if (live.word.state() == uint8(State.None)) _requireNoDepositTokens(live.legs);
        _trades[live.id] = live.word.withState(uint8(State.Affirmed));
        return live.id;
    }

    // ---- settling ----------------------------------------------------------------------------------------------------

    /// @inheritdoc ISettlementActs
    function settle(Trade calldata trade, Affirmation[] calldata affirmations, CashConsent[] calldata consents)
        external
        nonReentrant
    {
        Live memory live = _live(trade);
        (uint256 next, uint256 total) = (live.word.lotsSettled(), trade.lots);
        _settle(trade, live, Lots(next, total - next, total), affirmations, consents);
    }

    /// @inheritdoc ISettlementActs
    function settleLots(
        Trade calldata trade,
        uint256 firstLot,
        uint256 count,
        Affirmation[] calldata affirmations,
        CashConsent[] calldata consents
    ) external nonReentrant {
        if (msg.sender != trade.agent) revert NotAgent(msg.sender, trade.agent);
        Live memory live = _live(trade);
        uint256 next = live.word.lotsSettled();
        if (firstLot != next || count == 0 || count > trade.lots - next) {
            revert LotOutOfTurn(firstLot, next, trade.lots);
        }
        _settle(trade, live, Lots(firstLot, count, trade.lots), affirmations, consents);
    }

    // slither-disable-next-line reentrancy-events (every entrance is guarded)
    function _settle(
        Trade calldata trade,
        Live memory live,
        Lots memory lots,
        Affirmation[] calldata affirmations,
        CashConsent[] calldata consents
    ) private {
        _requireDue(trade);
        Cash[] memory cash = CashLegs.collect(live.legs, lots);
        _matchCash(live, cash, consents);
        _requireAffirmed(live, affirmations);
        _requireAllGood(live, lots, cash);

        _keepHolds(live, cash);
        uint256 settled = lots.first + lots.count;
        bool complete = settled == lots.total;
        _trades[live.id] =
            live.word.withState(uint8(complete ? State.Settled : State.Affirmed)).withLotsSettled(settled);

        _deliver(live, lots, cash, consents);
        emit TradeSettled(live.id, trade.tradeReference, lots.first, lots.count, complete);
    }

    /// @dev What stays of each hold after the lots that settle now.
    function _keepHolds(Live memory live, Cash[] memory cash) private {
        for (uint256 i; i < cash.length; ++i) {
            Cash memory c = cash[i];
            if (c.consent != 0) {
                if (c.whole == c.due) continue; // held and paid out in this call: nothing to remember
                (c.held, c.day) = (c.whole, block.timestamp / DAY);
                emit CashHeld(live.id, c.token, c.payer, c.whole);
            }
            if (c.held == 0) revert CashNotHeld(live.id, c.token, c.payer, 0, c.whole);
            _holds.set(live.id, c.token, c.payer, c.held - c.due, c.day);
            live.word = live.word.withHolds();
        }
    }

    /// @dev Every leg takes its turn. A consent is used at its payer's first CASH leg: the money is held and, where that
    /// leg is all of it, paid in the same movement.
    function _deliver(Live memory live, Lots memory lots, Cash[] memory cash, CashConsent[] calldata consents) private {
        Balance[] memory balances = Delivery.expected(live.legs, lots);
        for (uint256 i; i < live.legs.length; ++i) {
            Leg memory leg = live.legs[i];
            uint256 quantity = TradeRules.quantity(leg.amount, lots);
            if (leg.kind != LegKind.CASH) {
                if (quantity != 0) Delivery.move(leg, quantity);
                continue;
            }
            Cash memory c = cash[CashLegs.find(cash, leg.token, leg.from)];
            if (c.consent != 0) {
                CashConsent calldata consent = consents[c.consent - 1];
                if (quantity == c.whole) {
                    _payByConsent(live.id, leg, consent);
                    continue;
                }
                _holdByConsent(live.id, c.whole, consent);
                c.consent = 0;
            }
            if (quantity != 0) IDepositToken(leg.token).execute(leg.from, leg.to, quantity, TradeId.unwrap(live.id));
        }
        Delivery.verify(balances);
    }

    function _payByConsent(TradeId id, Leg memory leg, CashConsent calldata c) private {
        IDepositToken(leg.token)
            .executeByConsent(leg.from, leg.to, leg.amount, TradeId.unwrap(id), c.nonce, c.deadline, c.signature);
    }

    function _holdByConsent(TradeId id, uint256 amount, CashConsent calldata c) private {
        IDepositToken(c.token).hold(c.payer, amount, TradeId.unwrap(id), c.nonce, c.deadline, c.signature);
    }

    /// @inheritdoc INetting
    /// @dev What nets is code of its own, run here in this contract's storage.
    function settleNet(NetTrade[] calldata, bool) external nonReentrant {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        Address.functionDelegateCall(netting, msg.data);
    }

    // ---- ending ------------------------------------------------------------------------------------------------------

    /// @inheritdoc ISettlementActs
    function cancel(Trade calldata trade) external nonReentrant {
        Live memory live = _live(trade);
        if (live.word.isMatched()) revert AlreadyMatched(live.id);
        if (_successors(live.wallets).bitsOf(msg.sender) == 0) revert NotTradeParty(live.id, msg.sender);
        _cancel(live);
    }

    /// @inheritdoc ISettlementActs
    function cancelTogether(Trade calldata trade, uint40 deadline, Affirmation[] calldata cancellations)
        external
        nonReentrant
    {
        Live memory live = _live(trade);
        if (live.word.state() == uint8(State.None)) revert UnknownTrade(live.id);
        if (!live.word.isMatched()) revert NotMatched(live.id);
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        if (!Deadlines.isOpen(deadline)) revert SignatureDeadlineTooFar(deadline, Deadlines.latest());
        _requireCancelledByAll(live, deadline, cancellations);
        _cancel(live);
    }

    /// @dev A lost wallet's word is void; its successor speaks for it.
    function _requireCancelledByAll(Live memory live, uint40 deadline, Affirmation[] calldata cancellations)
        private
        view
    {
        address[] memory signers = _successors(live.wallets);
        uint256 agreed = signers.bitsOf(msg.sender);
        bytes32 digest = cancelDigest(live.id, deadline);
        for (uint256 i; i < cancellations.length; ++i) {
            Affirmation calldata c = cancellations[i];
            uint256 bits = signers.bitsOf(c.wallet);
            if (bits == 0) revert NotTradeParty(live.id, c.wallet);
            if (!Signatures.isValid(c.wallet, digest, c.signature)) revert InvalidCancellation(live.id, c.wallet);
            agreed |= bits;
        }
        for (uint256 i; i < signers.length; ++i) {
            if (agreed & (1 << i) == 0) revert InvalidCancellation(live.id, signers[i]);
        }
    }

    /// @dev Holds go back at once, but a notary that may not release now must not stop the cancelling: `releaseHold`.
    function _cancel(Live memory live) private {
        _trades[live.id] = live.word.withState(uint8(State.Cancelled));
        emit TradeCancelled(live.id, msg.sender);
        if (!live.word.hasHolds()) return;
        Cash[] memory cash = CashLegs.collect(live.legs, Lots(0, 1, 1));
        for (uint256 i; i < cash.length; ++i) {
            (address token, address payer) = (cash[i].token, cash[i].payer);
            uint256 amount = heldFor(live.id, token, payer);
            if (amount == 0) continue;
            Reason reason = IDepositToken(token).check(Path.RELEASE, address(this), payer, payer, amount);
            if (reason == Reason.OK) _release(live.id, token, payer);
        }
    }

    /// @inheritdoc ISettlementActs
    function releaseHold(Trade calldata trade, address token, address payer) external nonReentrant {
        TradeId id = trade.id();
        State state = _stateOf(id, trade.expiry);
        if (state == State.None) revert UnknownTrade(id);
        if (state == State.Affirmed) revert TradeNotExpired(trade.expiry, block.timestamp);
        if (heldFor(id, token, payer) == 0) revert NothingHeld(id, token, payer);
        _release(id, token, payer);
    }

    function _release(TradeId id, address token, address payer) private {
        (uint256 amount, uint256 day) = _holds.get(id, token, payer);
        _holds.set(id, token, payer, 0, 0);
        emit CashReleased(id, token, payer, amount);
        IDepositToken(token).release(payer, amount, TradeId.unwrap(id), day);
    }

    /// @inheritdoc ISettlementActs
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

// slither-disable-end calls-loop
// slither-disable-end timestamp
