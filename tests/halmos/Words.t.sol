// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccountWord} from "../../contracts/libraries/AccountWord.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {LimitWord} from "../../contracts/libraries/LimitWord.sol";
import {Live, MilestoneWord, Parts} from "../../contracts/libraries/MilestoneWord.sol";
import {TradeWord} from "../../contracts/libraries/TradeWord.sol";

/// @dev Proven for every word and every amount, not for samples. A precondition is an early return.
contract WordsProof {
    using MilestoneWord for Live;
    using MilestoneWord for Parts;

    uint256 private constant LOW88 = type(uint88).max;

    // ------------------------------------------------------------------------------------------------ AccountWord

    /// A credit that the supply allows adds to the balance and touches no other field.
    function check_credit_adds_and_touches_no_neighbour(uint256 raw, uint88 amount) external pure {
        AccountWord word = AccountWord.wrap(raw);
        if (word.balance() + amount > LOW88) return;
        AccountWord after_ = word.credit(amount);
        assert(after_.balance() == word.balance() + amount);
        assert(AccountWord.unwrap(after_) >> 88 == raw >> 88);
    }

    /// A debit within the balance takes from the balance and touches no other field.
    function check_debit_takes_and_touches_no_neighbour(uint256 raw, uint88 amount) external pure {
        AccountWord word = AccountWord.wrap(raw);
        if (amount > word.balance()) return;
        AccountWord after_ = word.debit(amount);
        assert(after_.balance() == word.balance() - amount);
        assert(AccountWord.unwrap(after_) >> 88 == raw >> 88);
    }

    /// What is earmarked within the unheld stays within the balance, comes back by unearmark, and touches nothing else.
    function check_earmark_and_back_is_the_same_word(uint256 raw, uint88 amount) external pure {
        AccountWord word = AccountWord.wrap(raw);
        if (word.held() > word.balance() || amount > word.unheld()) return;
        AccountWord after_ = word.earmark(amount);
        assert(after_.held() == word.held() + amount);
        assert(after_.held() <= after_.balance());
        assert(after_.balance() == word.balance());
        assert(AccountWord.unwrap(after_) >> 176 == raw >> 176);
        assert(AccountWord.unwrap(after_.unearmark(amount)) == raw);
    }

    /// Remembering writes participant and epoch and leaves balance, held and marks.
    function check_remember_writes_identity_only(uint256 raw, uint32 participant, uint32 epoch) external pure {
        AccountWord word = AccountWord.wrap(raw);
        AccountWord after_ = word.remember(participant, epoch);
        assert(after_.participant() == participant && after_.epoch() == epoch);
        assert(after_.balance() == word.balance() && after_.held() == word.held());
        assert(AccountWord.unwrap(after_) >> 240 == raw >> 240);
    }

    /// The frozen mark is one bit, and a lost wallet's word has no money and no epoch.
    function check_marks_are_single_bits(uint256 raw, bool frozen) external pure {
        AccountWord word = AccountWord.wrap(raw);
        AccountWord after_ = word.withFrozen(frozen);
        assert(after_.hasFrozen() == frozen);
        assert((AccountWord.unwrap(after_) ^ raw) & ~(uint256(1) << 240) == 0);
        AccountWord gone = word.emptied();
        assert(gone.isRecovered() && gone.balance() == 0 && gone.held() == 0 && gone.epoch() == 0);
        assert(gone.participant() == word.participant());
    }

    // ------------------------------------------------------------------------------------------------ LimitWord

    /// A charge that passes never takes the day beyond the limit; one that does not changes nothing.
    function check_charge_never_exceeds_the_limit(uint256 raw, uint32 day, uint256 amount) external pure {
        LimitWord word = LimitWord.wrap(raw);
        (bool passes, LimitWord charged, uint256 remaining) = word.charge(day, amount);
        assert(passes == (amount <= remaining));
        assert(remaining == word.remainingOn(day));
        if (!passes) {
            assert(LimitWord.unwrap(charged) == raw);
            return;
        }
        assert(charged.limit() == word.limit());
        // A lowered limit may lie below what was spent: then only nothing passes.
        assert(charged.spentOn(day) <= charged.limit() || amount == 0);
        assert(charged.spentOn(day) == word.spentOn(day) + amount);
        assert(charged.remainingOn(day) == remaining - amount);
    }

    /// A limit of zero lets nothing pass, whatever the word remembers.
    function check_zero_limit_lets_nothing_pass(uint256 raw, uint32 day, uint256 amount) external pure {
        LimitWord word = LimitWord.wrap(raw).withLimit(0);
        if (amount == 0) return;
        (bool passes,,) = word.charge(day, amount);
        assert(!passes);
    }

    /// A new limit changes neither the day nor what was spent; a new day starts from nothing.
    function check_limit_and_day_are_apart(uint256 raw, uint88 most, uint32 day, uint32 other) external pure {
        LimitWord word = LimitWord.wrap(raw);
        LimitWord after_ = word.withLimit(most);
        assert(after_.limit() == most);
        assert(LimitWord.unwrap(after_) >> 88 == raw >> 88);
        (bool passes, LimitWord charged,) = after_.charge(day, most);
        if (passes && other != day) assert(charged.spentOn(other) == 0);
    }

    // ------------------------------------------------------------------------------------------------ TradeWord

    /// Every setter of a trade writes its own field only.
    function check_trade_setters_touch_no_neighbour(uint256 raw, uint8 state, uint16 lots) external pure {
        TradeWord word = TradeWord.wrap(raw);
        TradeWord a = word.withState(state);
        assert(a.state() == state && TradeWord.unwrap(a) >> 8 == raw >> 8);
        TradeWord b = word.withLotsSettled(lots);
        assert(b.lotsSettled() == lots && (TradeWord.unwrap(b) ^ raw) & ~(uint256(type(uint16).max) << 24) == 0);
        TradeWord c = word.withHolds();
        assert(c.hasHolds() && (TradeWord.unwrap(c) ^ raw) & ~(uint256(1) << 16) == 0);
    }

    /// An affirmation sets the wallet's bit alone, and the trade is matched exactly when all have affirmed.
    function check_matched_exactly_when_all_affirmed(uint256 raw, uint8 index, uint8 wallets) external pure {
        if (wallets == 0 || wallets > 32 || index >= wallets) return;
        // as storage can be: not matched, and no bit of a wallet that is not in the trade
        uint256 all = (uint256(1) << wallets) - 1;
        raw &= ~(uint256(1) << 8) & ((all << 40) | ((uint256(1) << 40) - 1));
        TradeWord word = TradeWord.wrap(raw);
        TradeWord after_ = word.withAffirmation(index, wallets);
        assert(after_.isAffirmed(index));
        assert(after_.affirmations() == word.affirmations() | uint32(uint256(1) << index));
        assert(after_.isMatched() == (after_.affirmations() == uint32(all)));
        assert(uint8(TradeWord.unwrap(after_)) == uint8(raw) && after_.lotsSettled() == word.lotsSettled());
    }

    // ------------------------------------------------------------------------------------------------ MilestoneWord

    /// Packing a milestone and unpacking it gives every field back.
    function check_milestone_round_trip(
        address payer,
        uint8 state,
        uint8 bits,
        uint32 since,
        uint8 lastStatus,
        uint48 lastSeq
    ) external pure {
        if (state > uint8(type(IOrderBook.State).max)) return;
        Live memory m;
        (m.payer, m.state, m.since, m.lastStatus, m.lastSeq) =
            (payer, IOrderBook.State(state), since, lastStatus, lastSeq);
        m.byParty = bits & 1 != 0;
        m.decided = bits & 2 != 0;
        m.requiredInTime = bits & 4 != 0;
        m.delayed = bits & 8 != 0;
        Live memory n;
        n.unpack(m.pack());
        assert(n.payer == m.payer && n.state == m.state && n.before == m.state && n.since == m.since);
        assert(n.lastStatus == m.lastStatus && n.lastSeq == m.lastSeq);
        assert(n.byParty == m.byParty && n.decided == m.decided);
        assert(n.requiredInTime == m.requiredInTime && n.delayed == m.delayed);
        assert(MilestoneWord.stateOf(m.pack()) == m.state);
    }

    /// Packing the parts of a milestone and unpacking them gives every field back; "owing" says whether anything is owed.
    function check_parts_round_trip(
        uint88 accepted,
        uint88 settled,
        uint256 owed,
        uint32 delayBy,
        uint32 delayEnd,
        bool complete,
        bool carried
    ) external pure {
        Parts memory p = Parts(accepted, settled, owed, delayBy, delayEnd, complete, carried);
        uint256 word = p.pack();
        Parts memory q = MilestoneWord.unpackParts(word);
        assert(q.accepted == accepted && q.settled == settled && q.complete == complete);
        assert(q.delayBy == delayBy && q.delayEnd == delayEnd && q.carried == carried);
        assert(MilestoneWord.isOwing(word) == (owed != 0));
    }

    /// The content of an attestation and the start of its clock share a word without touching.
    function check_mark_round_trip(bytes32 content, uint40 start) external pure {
        uint256 mark = MilestoneWord.packMark(content, start);
        assert(MilestoneWord.startedAt(mark) == start);
        assert(uint256(MilestoneWord.contentOf(mark)) >> 40 == uint256(content) >> 40);
    }
}
