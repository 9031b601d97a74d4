// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start naming-convention (as OpenZeppelin writes it)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {LimitWord} from "./LimitWord.sol";
import {Movements} from "./Movements.sol";
import {Standing} from "./Reason.sol";
import {Standings} from "./Standings.sol";
import {NotaryState, TokenState} from "./TokenStorage.sol";
import {WordSlot, WordSlots} from "./WordSlot.sol";

/// @title The short way of nearly every movement
/// @dev Takes a movement only where it is plain: not paused, the notary active, known wallets whose participants are good,
/// nothing frozen or lost, enough money, within the day's limit. Then it does what Movements would do, for some 3,000 gas
/// less. Whatever is not plain it leaves untouched for Movements, which alone knows the other cases and alone refuses.
/// Tests hold both ways to the same outcome.
/// All return whether they did it: true, or the payer's participant, which is never 0.
library PlainMovements {
    /// @return the payer's participant; 0: not done.
    function transfer(TokenState storage $, IParticipantRegistry registry, address from, address to, uint256 amount)
        internal
        returns (uint32)
    {
        if ($.paused) return 0;
        if (msg.sender != from && msg.sender != to) {
            // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
            (Standing standing,) = registry.standingOf(msg.sender);
            if (standing != Standing.GOOD) return 0;
        }
        return _transfer($, registry, from, to, amount, false);
    }

    /// @notice A hold of the calling notary and its execution in one: charged like a hold, to whomever it goes.
    function transferHeld(TokenState storage $, IParticipantRegistry registry, address from, address to, uint256 amount)
        internal
        returns (bool)
    {
        if (msg.sender == from || !_isActive($, msg.sender)) return false;
        return _transfer($, registry, from, to, amount, true) != 0;
    }

    function hold(TokenState storage $, IParticipantRegistry registry, address notary, address from, uint256 amount)
        internal
        returns (bool)
    {
        if (notary == from || !_isActive($, notary)) return false;
        WordSlot account = WordSlots.find($.accounts, from);
        AccountWord payer = AccountWord.wrap(account.read());
        if (payer.hasMarks() || amount > payer.unheld()) return false;
        if (!Standings.bothGoodAndPaired(registry, payer, Standings.NOT_ASKED)) return false;
        if (!_charge($, payer.participant(), amount)) return false;
        account.write(AccountWord.unwrap(payer.earmark(amount)));
        WordSlot held = WordSlots.find($.heldBy[notary], from);
        held.write((held.read() + amount) | Movements.HOLD_USED);
        return true;
    }

    function execute(
        TokenState storage $,
        IParticipantRegistry registry,
        address notary,
        address from,
        address to,
        uint256 amount
    ) internal returns (bool) {
        if (from == to || !_isActive($, notary)) return false;
        (WordSlot account, WordSlot held) = (WordSlots.find($.accounts, from), WordSlots.find($.heldBy[notary], from));
        WordSlot other = WordSlots.find($.accounts, to);
        AccountWord payer = AccountWord.wrap(account.read());
        AccountWord payee = AccountWord.wrap(other.read());
        uint256 heldWord = held.read();
        if (payer.hasMarks() || amount > uint88(heldWord)) return false;
        if (!Standings.bothGoodAndPaired(registry, payer, payee)) return false;
        unchecked {
            held.write(heldWord - amount);
        }
        account.write(AccountWord.unwrap(payer.unearmark(amount).debit(amount)));
        other.write(AccountWord.unwrap(payee.credit(amount)));
        return true;
    }

    /// @dev Nobody is asked, and a pause does not matter.
    function release(TokenState storage $, address notary, address from, uint256 amount, uint256 day)
        internal
        returns (bool)
    {
        AccountWord payer = $.accounts[from];
        uint256 heldWord = $.heldBy[notary][from];
        if (payer.hasMarks() || amount > uint88(heldWord)) return false;
        if ($.notaryStates[notary].status != IDepositToken.NotaryStatus.ACTIVE) return false;
        unchecked {
            $.heldBy[notary][from] = heldWord - amount;
        }
        $.accounts[from] = payer.unearmark(amount);
        Movements.giveBack($, payer.participant(), amount, day);
        return true;
    }

    function _transfer(
        TokenState storage $,
        IParticipantRegistry registry,
        address from,
        address to,
        uint256 amount,
        bool chargesAlways
    ) private returns (uint32 participant) {
        if (amount == 0 || from == to) return 0;
        (WordSlot account, WordSlot other) = (WordSlots.find($.accounts, from), WordSlots.find($.accounts, to));
        AccountWord payer = AccountWord.wrap(account.read());
        AccountWord payee = AccountWord.wrap(other.read());
        if (payer.hasMarks() || amount > payer.unheld()) return 0;
        if (!Standings.bothGoodAndPaired(registry, payer, payee)) return 0;
        participant = payer.participant();
        if (chargesAlways || participant != payee.participant()) {
            if (!_charge($, participant, amount)) return 0;
        }
        account.write(AccountWord.unwrap(payer.debit(amount)));
        other.write(AccountWord.unwrap(payee.credit(amount)));
    }

    /// @dev A pause stands with each notary too, so that this is one word to read.
    function _isActive(TokenState storage $, address notary) private view returns (bool) {
        NotaryState storage state = $.notaryStates[notary];
        uint256 word;
        assembly ("memory-safe") {
            word := sload(state.slot)
        }
        return word == uint8(IDepositToken.NotaryStatus.ACTIVE); // and above it, no pause
    }

    function _charge(TokenState storage $, uint32 participant, uint256 amount) private returns (bool) {
        WordSlot limit = WordSlots.find($.limits, participant);
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (bool passes, LimitWord charged,) = LimitWord.wrap(limit.read()).charge(Movements.today(), amount);
        if (passes) limit.write(LimitWord.unwrap(charged));
        return passes;
    }
}

// slither-disable-end assembly
// slither-disable-end naming-convention
