// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {Clearances} from "./Clearances.sol";
import {Flags} from "./Flags.sol";
import {LimitWord} from "./LimitWord.sol";
import {Path, Reason, Standing} from "./Reason.sol";
import {RetailRules} from "./RetailRules.sol";
import {Standings} from "./Standings.sol";
import {TokenRoles} from "./TokenRoles.sol";
import {TokenState} from "./TokenStorage.sol";

/// @notice One movement of money or of its earmarking, from the question to the answer. `make` fills the first members,
/// the others are worked out by the steps that follow.
struct Movement {
    IParticipantRegistry registry;
    Path path;
    uint256 row; // the path's bit in the table of rules
    address caller;
    address from; // becomes the successor of a lost wallet on the paths that follow it
    address to;
    uint256 amount;
    AccountWord payer;
    AccountWord payee;
    bool cleared; // by a clearance that rides along and is not open in Clearances
    uint256 frozen; // of the payer
    address notary; // who holds, on the paths that use a hold
    uint256 heldWord; // what `notary` holds of the payer
    LimitWord limit; // of the payer's participant, once charged; 0 before
    uint256 payerFlags; // Flags of the token's concern, once the parties pass; 0 for a side that is not asked
    uint256 payeeFlags;
    // the answer
    Reason reason;
    address about;
    uint256 has;
    uint256 needs;
}

/// @title Which rules each path applies, and how balances and holds change by them
/// @dev The paths of payers and notaries are here, those of the bank's offices in Offices: the token itself has no need of
/// the latter. `check` and execution go through the same `begin` and `assess`, so they cannot differ. Order in which
/// reasons are found: pause, caller, payer, payee, clearance, amount, limit or ceiling.
library Movements {
    // The table of rules by column; a bit per path.
    uint256 internal constant TRANSFER = 1 << uint8(Path.TRANSFER);
    uint256 internal constant HOLD = 1 << uint8(Path.HOLD);
    uint256 internal constant EXECUTE = 1 << uint8(Path.EXECUTE);
    uint256 internal constant RELEASE = 1 << uint8(Path.RELEASE);
    uint256 internal constant MINT = 1 << uint8(Path.MINT);
    uint256 internal constant INSTRUCT = 1 << uint8(Path.INSTRUCT);
    uint256 internal constant SETTLE = 1 << uint8(Path.SETTLE);
    uint256 internal constant RETURN = 1 << uint8(Path.RETURN);
    uint256 internal constant SEIZE = 1 << uint8(Path.SEIZE);
    uint256 internal constant RECOVER = 1 << uint8(Path.RECOVER);
    uint256 internal constant CANCEL_BY_ORDER = 1 << uint8(Path.CANCEL_BY_ORDER);

    uint256 internal constant WHILE_PAUSED = RELEASE | SETTLE | RETURN | SEIZE | RECOVER | CANCEL_BY_ORDER;
    uint256 internal constant BY_NOTARY = HOLD | EXECUTE | RELEASE | CANCEL_BY_ORDER;
    uint256 internal constant BY_OFFICE = MINT | INSTRUCT | SETTLE | RETURN | SEIZE | RECOVER;
    uint256 internal constant BY_ISSUER = MINT | INSTRUCT | SETTLE | RETURN;
    uint256 internal constant ASKS_PAYER = TRANSFER | HOLD | EXECUTE;
    uint256 internal constant ASKS_PAYEE = TRANSFER | EXECUTE | MINT | SEIZE;
    uint256 internal constant PAIRED = TRANSFER | EXECUTE;
    uint256 internal constant FROM_AVAILABLE = TRANSFER | HOLD;
    uint256 internal constant FROM_HOLD = EXECUTE | RELEASE | INSTRUCT | SETTLE | RETURN | CANCEL_BY_ORDER;
    uint256 internal constant FOLLOWS_SUCCESSOR = FROM_HOLD | SEIZE;
    uint256 internal constant DEBITS = TRANSFER | EXECUTE | SETTLE | SEIZE;
    uint256 internal constant CREDITS = TRANSFER | EXECUTE | MINT | SEIZE;

    uint256 internal constant HOLD_USED = 1 << 255;

    // Standing and Reason list the same causes in the same order.
    uint8 private constant PAYER_REASONS = uint8(Reason.PAYER_UNKNOWN) - uint8(Standing.UNKNOWN);
    uint8 private constant PAYEE_REASONS = uint8(Reason.PAYEE_UNKNOWN) - uint8(Standing.UNKNOWN);

    // ------------------------------------------------------------------------------------------------ in steps

    function make(IParticipantRegistry registry, Path path, address caller, address from, address to, uint256 amount)
        internal
        pure
        returns (Movement memory m)
    {
        (m.registry, m.path, m.row, m.caller) = (registry, path, 1 << uint8(path), caller);
        (m.from, m.to, m.amount) = (from, to, amount);
    }

    /// @notice Reads the payer, and asks what does not depend on payee and amount: pause and caller.
    function begin(TokenState storage $, Movement memory m) internal view returns (bool) {
        if (!open($, m)) return false;
        return m.row == TRANSFER ? m.caller == m.from || _spenderPasses(m) : _notaryPasses($, m);
    }

    /// @notice Asks the parties, the amount and the limit.
    function assess(TokenState storage $, Movement memory m) internal view returns (bool) {
        if (m.row & ASKS_PAYER != 0 && !partiesPass($, m)) return false;
        if (!(m.row & FROM_AVAILABLE != 0 ? _availablePasses($, m) : heldPasses($, m))) return false;
        return RetailRules.pass($, m);
    }

    /// @notice Carries out what was assessed: the only place where balances and holds change, but for plain payments.
    function carryOut(TokenState storage $, Movement memory m) internal {
        uint256 row = m.row;
        uint256 amount = m.amount;
        AccountWord payer = m.payer;
        if (row & FROM_HOLD != 0) {
            payer = payer.unearmark(amount);
            $.heldBy[m.notary][m.from] = m.heldWord - amount;
        } else if (row == HOLD) {
            payer = payer.earmark(amount);
            $.heldBy[m.notary][m.from] = (m.heldWord + amount) | HOLD_USED;
        }
        if (m.from != m.to) {
            if (row & DEBITS != 0) payer = payer.debit(amount);
            if (row & CREDITS != 0) $.accounts[m.to] = m.payee.credit(amount);
        }
        if (row != MINT) $.accounts[m.from] = payer;
        if (LimitWord.unwrap(m.limit) != 0) $.limits[payer.participant()] = m.limit;
        m.payer = payer;
    }

    /// @notice All of it, for one movement; reverts `Refused` where the rules do.
    function update(TokenState storage $, Movement memory m) internal {
        if (!begin($, m) || !assess($, m)) refuse(m);
        carryOut($, m);
    }

    function refuse(Movement memory m) internal pure {
        revert IDepositToken.Refused(m.path, m.reason, m.about, m.has, m.needs);
    }

    /// @notice Gives back of a day's limit what a hold of that day had charged. Earlier days are past.
    function giveBack(TokenState storage $, uint32 participant, uint256 amount, uint256 day) internal {
        if (day != today()) return;
        LimitWord word = $.limits[participant];
        uint256 spent = word.spentOn(day);
        $.limits[participant] = word.withSpent(day, amount < spent ? spent - amount : 0);
    }

    /// @notice The wallet that has today what `wallet` had, as far as this token moved it.
    function follow(TokenState storage $, IParticipantRegistry registry, address wallet)
        internal
        view
        returns (address)
    {
        return $.accounts[wallet].isRecovered() ? registry.resolve(wallet) : wallet;
    }

    function today() internal view returns (uint256) {
        return block.timestamp / 1 days;
    }

    // ------------------------------------------------------------------------------------------------ who

    /// @notice Reads the payer and asks whether the token is paused.
    function open(TokenState storage $, Movement memory m) internal view returns (bool) {
        if (m.row != MINT) {
            AccountWord payer = $.accounts[m.from];
            if (payer.hasMarks()) payer = _readMarks($, m, payer);
            m.payer = payer;
        }
        return !$.paused || m.row & WHILE_PAUSED != 0 || refused(m, Reason.PAUSED, address(this), 0, 0);
    }

    /// @dev Follows a lost wallet where the path does, and reads what is frozen where something is.
    function _readMarks(TokenState storage $, Movement memory m, AccountWord payer) private view returns (AccountWord) {
        if (payer.isRecovered() && m.row & FOLLOWS_SUCCESSOR != 0) {
            m.from = m.registry.resolve(m.from);
            payer = $.accounts[m.from];
        }
        if (payer.hasFrozen()) m.frozen = $.frozen[m.from];
        return payer;
    }

    /// @dev Whoever moves another's money by allowance must itself be unstopped: a frozen spender is one of the oldest
    /// holes. An operator is a contract or service without a wallet of its own.
    function _spenderPasses(Movement memory m) private view returns (bool) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (Standing standing,) = m.registry.standingOf(m.caller);
        if (standing == Standing.GOOD || standing == Standing.KYC_EXPIRED) return true;
        if (_isStop(standing)) {
            return refused(m, Reason.CALLER_STOPPED, m.caller, 0, 0);
        }
        bool mayOperate = standing == Standing.UNKNOWN || standing == Standing.WALLET_UNLINKED;
        if (mayOperate && TokenRoles.isOperator(m.caller)) return true;
        return refused(m, Reason.CALLER_REFUSED, m.caller, 0, 0);
    }

    function _isStop(Standing standing) private pure returns (bool) {
        return standing == Standing.FROZEN || standing == Standing.SUSPENDED || standing == Standing.WALLET_SUSPENDED
            || standing == Standing.SPONSOR_SUSPENDED;
    }

    function _notaryPasses(TokenState storage $, Movement memory m) private view returns (bool) {
        address notary = m.caller;
        m.notary = notary;
        IDepositToken.NotaryStatus status = $.notaryStates[notary].status;
        bool holds = m.row == HOLD;
        if (status == IDepositToken.NotaryStatus.ACTIVE) {
            return !holds || notary != m.from || refused(m, Reason.SAME_ACCOUNT, notary, 0, 0);
        }
        if (status == IDepositToken.NotaryStatus.RUN_OFF) {
            return !holds || refused(m, Reason.NOTARY_RUN_OFF, notary, 0, 0);
        }
        bool unknown = status == IDepositToken.NotaryStatus.NONE;
        return refused(m, unknown ? Reason.NOT_NOTARY : Reason.NOTARY_STOPPED, notary, 0, 0);
    }

    /// @dev One call to the registry for both sides, by the (participant, epoch) remembered in the account words.
    function partiesPass(TokenState storage $, Movement memory m) internal view returns (bool) {
        AccountWord payer = m.row & ASKS_PAYER == 0 ? Standings.NOT_ASKED : m.payer;
        AccountWord payee = Standings.NOT_ASKED;
        if (m.row & ASKS_PAYEE != 0) {
            payee = m.from == m.to ? m.payer : $.accounts[m.to];
            m.payee = payee;
        }
        (uint256 a, uint256 b) = Standings.ask(m.registry, payer, payee);
        if (a | b == uint8(Standing.GOOD)) return true;
        return _lookAgain(m, a, b) && _clearancePasses(m);
    }

    /// @dev Where a word remembers nothing, or too little, the wallet is read and its participant asked again.
    function _lookAgain(Movement memory m, uint256 ofPayer, uint256 ofPayee) private view returns (bool) {
        (Standing payer, Standing payee) = (Standing(uint8(ofPayer)), Standing(uint8(ofPayee)));
        bool stale = payer == Standing.STALE || payee == Standing.STALE;
        AccountWord again = Standings.NOT_ASKED;
        AccountWord payeeAgain = Standings.NOT_ASKED;
        if (payer == Standing.STALE) {
            (payer, m.payer) = _readWallet(m.registry, m.from, m.payer);
            if (payer == Standing.GOOD) again = m.payer;
        }
        if (payee == Standing.STALE) {
            (payee, m.payee) = _readWallet(m.registry, m.to, m.payee);
            if (payee == Standing.GOOD) payeeAgain = m.payee;
        }
        (uint256 a, uint256 b) = Standings.ask(m.registry, again, payeeAgain);
        if (uint8(a) != uint8(Standing.GOOD)) payer = Standing(uint8(a));
        if (uint8(b) != uint8(Standing.GOOD)) payee = Standing(uint8(b));
        (m.payerFlags, m.payeeFlags) = ((ofPayer | a) >> 8, (ofPayee | b) >> 8); // STALE comes without flags
        if (payer != Standing.GOOD) {
            Reason reason = m.row == EXECUTE ? _stopOf(m, payer) : _reasonOfPayer(payer);
            if (reason != Reason.OK) return refused(m, reason, m.from, 0, 0);
        }
        if (payee == Standing.GOOD && stale && !_pairPasses(m, payer)) payee = Standing.PAIR_REFUSED;
        return payee == Standing.GOOD || refused(m, _reasonOfPayee(payee), m.to, 0, 0);
    }

    /// @dev The registry answers for the pair where it knows both; where one was STALE it is asked again, unless it has said
    /// of both by now that there are no rules.
    function _pairPasses(Movement memory m, Standing payer) private view returns (bool) {
        if (m.row & PAIRED == 0) return true;
        if (payer == Standing.GOOD && (m.payerFlags | m.payeeFlags) & Flags.PAIR_RULES == 0) return true;
        return m.registry.pairPasses(m.payer.participant(), m.payee.participant());
    }

    /// @dev What another takes by allowance can be repeated under one clearance.
    function _clearancePasses(Movement memory m) private view returns (bool) {
        if (m.payerFlags & Flags.CLEARANCE == 0 || m.row & FROM_AVAILABLE == 0) return true;
        if (m.cleared || Clearances.isOpenFor(m.from)) return true;
        bool clearable = m.row == HOLD || m.caller == m.from;
        return refused(m, clearable ? Reason.CLEARANCE_MISSING : Reason.NOT_CLEARABLE, m.from, 0, 0);
    }

    function _readWallet(IParticipantRegistry registry, address wallet, AccountWord word)
        private
        view
        returns (Standing, AccountWord)
    {
        (uint32 participant, uint32 epoch, IParticipantRegistry.WalletStatus status) = registry.walletOf(wallet);
        word = word.remember(participant, epoch);
        if (status == IParticipantRegistry.WalletStatus.LINKED) return (Standing.GOOD, word);
        if (status == IParticipantRegistry.WalletStatus.SUSPENDED) return (Standing.WALLET_SUSPENDED, word);
        if (status == IParticipantRegistry.WalletStatus.UNLINKED) return (Standing.WALLET_UNLINKED, word);
        if (status == IParticipantRegistry.WalletStatus.LOST) return (Standing.WALLET_LOST, word);
        return (Standing.UNKNOWN, word);
    }

    /// @dev Money already held for a purpose goes its way unless the payer is stopped: a lapsed KYC, a closed participant
    /// and an unlinked wallet are no stops. Behind such a wallet the participant may still be stopped.
    function _stopOf(Movement memory m, Standing payer) private view returns (Reason) {
        if (payer == Standing.KYC_EXPIRED || payer == Standing.CLOSED || payer == Standing.UNKNOWN) return Reason.OK;
        if (payer == Standing.WALLET_UNLINKED || payer == Standing.WALLET_LOST) {
            uint32 participant = m.payer.participant();
            payer = m.registry.stopOf(participant);
            if (payer == Standing.GOOD) return Reason.OK;
        }
        return _reasonOfPayer(payer);
    }

    function _reasonOfPayer(Standing standing) private pure returns (Reason) {
        if (standing == Standing.SPONSOR_SUSPENDED) return Reason.PAYER_SPONSOR_SUSPENDED;
        return Reason(uint8(standing) + PAYER_REASONS);
    }

    function _reasonOfPayee(Standing standing) private pure returns (Reason) {
        if (standing == Standing.SPONSOR_SUSPENDED) return Reason.PAYEE_SPONSOR_SUSPENDED;
        if (standing == Standing.PAIR_REFUSED) return Reason.PAIR_REFUSED;
        return Reason(uint8(standing) + PAYEE_REASONS);
    }

    // ------------------------------------------------------------------------------------------------ how much

    /// @dev Money that stays with its owner is not charged: a transfer between wallets of one participant.
    function _availablePasses(TokenState storage $, Movement memory m) private view returns (bool) {
        uint256 amount = m.amount;
        uint256 available = availableOf(m.payer, m.frozen);
        if (amount > available) return refused(m, Reason.INSUFFICIENT_AVAILABLE, m.from, available, amount);
        uint32 participant = m.payer.participant();
        if (m.row == HOLD) m.heldWord = $.heldBy[m.notary][m.from];
        else if (participant == m.payee.participant()) return true;
        if (amount == 0) return true;
        (bool passes, LimitWord charged, uint256 remaining) = $.limits[participant].charge(today(), amount);
        if (!passes) return refused(m, Reason.DAILY_LIMIT, m.from, remaining, amount);
        m.limit = charged;
        return true;
    }

    function heldPasses(TokenState storage $, Movement memory m) internal view returns (bool) {
        m.heldWord = $.heldBy[m.notary][m.from];
        uint256 held = uint88(m.heldWord);
        return m.amount <= held || refused(m, Reason.INSUFFICIENT_HELD, m.from, held, m.amount);
    }

    function availableOf(AccountWord word, uint256 frozen) internal pure returns (uint256) {
        uint256 unheld = word.unheld();
        unchecked {
            return frozen < unheld ? unheld - frozen : 0;
        }
    }

    /// @return false, with the answer in `m`.
    function refused(Movement memory m, Reason reason, address about, uint256 has, uint256 needs)
        internal
        pure
        returns (bool)
    {
        (m.reason, m.about, m.has, m.needs) = (reason, about, has, needs);
        return false;
    }
}

// slither-disable-end naming-convention
// slither-disable-end timestamp
