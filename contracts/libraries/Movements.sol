// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {LimitWord} from "./LimitWord.sol";
import {Path, Reason, Standing} from "./Reason.sol";
import {MintCeiling, TokenState} from "./TokenStorage.sol";
import {TokenRoles} from "./TokenRoles.sol";

/// @dev IParticipantRegistry.participantOf, read no further than needed: decoding all of it costs as much code as the
/// rest of a rule.
interface IParticipantHead {
    function participantOf(uint32 participant) external view returns (uint8 kind, uint8 status, bool frozen);
}

/// @notice One movement of money or of its earmarking, from the question to the answer. `make` fills the first members,
/// the others are worked out by `begin` and `assess`.
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
    bool payerPassed;
    uint256 frozen; // of the payer
    address notary; // who holds, on the paths that use a hold
    uint256 heldWord; // what `notary` holds of the payer
    LimitWord limit; // of the payer's participant, once charged; 0 before
    // the answer
    Reason reason;
    address about;
    uint256 has;
    uint256 needs;
}

/// @title Which rules each path applies, and the only place where balances and holds change
/// @dev `check` and execution both go through `begin` and `assess`, so they cannot differ. Order in which reasons are
/// found: pause, caller, payer, payee, amount, limit or ceiling. A batch begins once, then assesses and carries out each
/// payment against the payer's word in memory.
library Movements {
    // The table of rules by column; a bit per path.
    uint256 private constant TRANSFER = 1 << uint8(Path.TRANSFER);
    uint256 private constant HOLD = 1 << uint8(Path.HOLD);
    uint256 private constant EXECUTE = 1 << uint8(Path.EXECUTE);
    uint256 private constant RELEASE = 1 << uint8(Path.RELEASE);
    uint256 private constant MINT = 1 << uint8(Path.MINT);
    uint256 private constant INSTRUCT = 1 << uint8(Path.INSTRUCT);
    uint256 private constant SETTLE = 1 << uint8(Path.SETTLE);
    uint256 private constant RETURN = 1 << uint8(Path.RETURN);
    uint256 private constant SEIZE = 1 << uint8(Path.SEIZE);
    uint256 private constant RECOVER = 1 << uint8(Path.RECOVER);
    uint256 private constant CANCEL_BY_ORDER = 1 << uint8(Path.CANCEL_BY_ORDER);

    uint256 private constant WHILE_PAUSED = RELEASE | SETTLE | RETURN | SEIZE | RECOVER | CANCEL_BY_ORDER;
    uint256 private constant BY_NOTARY = HOLD | EXECUTE | RELEASE | CANCEL_BY_ORDER;
    uint256 private constant BY_ISSUER = MINT | INSTRUCT | SETTLE | RETURN;
    uint256 private constant ASKS_PAYER = TRANSFER | HOLD | EXECUTE;
    uint256 private constant ASKS_PAYEE = TRANSFER | EXECUTE | MINT | SEIZE;
    uint256 private constant FROM_AVAILABLE = TRANSFER | HOLD;
    uint256 private constant FROM_HOLD = EXECUTE | RELEASE | INSTRUCT | SETTLE | RETURN | CANCEL_BY_ORDER;
    uint256 private constant FOLLOWS_SUCCESSOR = FROM_HOLD | SEIZE;
    uint256 private constant DEBITS = TRANSFER | EXECUTE | SETTLE | SEIZE;
    uint256 private constant CREDITS = TRANSFER | EXECUTE | MINT | SEIZE;

    uint256 internal constant HOLD_USED = 1 << 255;

    /// @dev Stands for a side that the registry is not asked about: participant 0, and unlike a word never written.
    AccountWord private constant NOT_ASKED = AccountWord.wrap(1 << 255);

    // Standing and Reason list the same causes in the same order.
    uint8 private constant PAYER_REASONS = uint8(Reason.PAYER_UNKNOWN) - uint8(Standing.UNKNOWN);
    uint8 private constant PAYEE_REASONS = uint8(Reason.PAYEE_UNKNOWN) - uint8(Standing.UNKNOWN);

    // ------------------------------------------------------------------------------------------------ in four steps

    function make(
        IParticipantRegistry registry,
        Path path,
        address caller,
        address from,
        address to,
        uint256 amount
    ) internal pure returns (Movement memory m) {
        (m.registry, m.path, m.row, m.caller) = (registry, path, 1 << uint8(path), caller);
        (m.from, m.to, m.amount) = (from, to, amount);
    }

    /// @notice Reads the payer, and asks what does not depend on payee and amount: pause and caller.
    function begin(TokenState storage $, Movement memory m) internal view returns (bool) {
        uint256 row = m.row;
        if (row != MINT) {
            AccountWord payer = $.accounts[m.from];
            if (payer.hasMarks()) payer = _readMarks($, m, payer);
            m.payer = payer;
        }
        if ($.paused && row & WHILE_PAUSED == 0) return _refuse(m, Reason.PAUSED, address(this), 0, 0);
        if (row == TRANSFER) return m.caller == m.from || _spenderPasses(m);
        if (row & BY_NOTARY != 0) return _notaryPasses($, m);
        return _officePasses(m);
    }

    /// @notice Asks the parties, the amount, and the limit or ceiling.
    function assess(TokenState storage $, Movement memory m) internal view returns (bool) {
        uint256 row = m.row;
        if (row & (ASKS_PAYER | ASKS_PAYEE) != 0 && !_partiesPass($, m)) return false;
        if (row & FROM_AVAILABLE != 0) return _availablePasses($, m);
        if (row & FROM_HOLD != 0) return _heldPasses($, m);
        return _issuedOrForcedPasses($, m);
    }

    /// @notice Carries out what was assessed: the payer's word and limit in memory, all else in storage.
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
        m.payer = payer;
        if (row == MINT) $.totalSupply += uint88(amount);
        if (row == SETTLE) $.totalSupply -= uint88(amount);
    }

    /// @notice Stores the payer's word, and its limit where that was charged.
    function finish(TokenState storage $, Movement memory m) internal {
        $.accounts[m.from] = m.payer;
        if (LimitWord.unwrap(m.limit) != 0) $.limits[m.payer.participant()] = m.limit;
    }

    /// @notice All of it, for one movement; reverts `Refused` where the rules do.
    function update(TokenState storage $, Movement memory m) internal {
        if (!begin($, m) || !assess($, m)) refuse(m);
        carryOut($, m);
        if (m.row != MINT) finish($, m);
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

    /// @dev Follows a lost wallet where the path does, and reads what is frozen where something is.
    function _readMarks(TokenState storage $, Movement memory m, AccountWord payer)
        private
        view
        returns (AccountWord)
    {
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
        (Standing standing,) = m.registry.standingOf(m.caller);
        if (standing == Standing.GOOD || standing == Standing.KYC_EXPIRED) return true;
        if (standing == Standing.FROZEN || standing == Standing.SUSPENDED || standing == Standing.WALLET_SUSPENDED) {
            return _refuse(m, Reason.CALLER_STOPPED, m.caller, 0, 0);
        }
        bool mayOperate = standing == Standing.UNKNOWN || standing == Standing.WALLET_UNLINKED;
        if (mayOperate && TokenRoles.isOperator(m.caller)) return true;
        return _refuse(m, Reason.CALLER_REFUSED, m.caller, 0, 0);
    }

    function _notaryPasses(TokenState storage $, Movement memory m) private view returns (bool) {
        address notary = m.caller;
        m.notary = notary;
        IDepositToken.NotaryStatus status = $.notaryStatus[notary];
        bool holds = m.row == HOLD;
        if (status == IDepositToken.NotaryStatus.ACTIVE) {
            return !holds || notary != m.from || _refuse(m, Reason.SAME_ACCOUNT, notary, 0, 0);
        }
        if (status == IDepositToken.NotaryStatus.RUN_OFF) {
            return !holds || _refuse(m, Reason.NOTARY_RUN_OFF, notary, 0, 0);
        }
        bool unknown = status == IDepositToken.NotaryStatus.NONE;
        return _refuse(m, unknown ? Reason.NOT_NOTARY : Reason.NOTARY_STOPPED, notary, 0, 0);
    }

    function _officePasses(Movement memory m) private view returns (bool) {
        m.notary = address(this); // of redemptions
        if (m.row & BY_ISSUER != 0) {
            return TokenRoles.mayCall(m.caller, _selectorOf(m.row)) || _refuse(m, Reason.NOT_ISSUER, m.caller, 0, 0);
        }
        bool permitted = m.row == SEIZE
            ? TokenRoles.mayCall(m.caller, IDepositToken.seize.selector)
            : m.caller == address(m.registry);
        if (!permitted) return _refuse(m, Reason.NOT_COMPLIANCE, m.caller, 0, 0);
        return m.from != m.to || _refuse(m, Reason.SAME_ACCOUNT, m.from, 0, 0);
    }

    function _selectorOf(uint256 row) private pure returns (bytes4) {
        if (row == MINT) return IDepositToken.mint.selector;
        if (row == INSTRUCT) return IDepositToken.instructRedemption.selector;
        if (row == SETTLE) return IDepositToken.settleRedemption.selector;
        return IDepositToken.returnRedemption.selector;
    }

    /// @dev One call to the registry for both sides, by the (participant, epoch) remembered in the account words.
    function _partiesPass(TokenState storage $, Movement memory m) private view returns (bool) {
        AccountWord payer = m.row & ASKS_PAYER == 0 || m.payerPassed ? NOT_ASKED : m.payer;
        AccountWord payee = NOT_ASKED;
        if (m.row & ASKS_PAYEE != 0) {
            payee = m.from == m.to ? m.payer : $.accounts[m.to];
            m.payee = payee;
        }
        (Standing a, Standing b) = _standings(m.registry, payer, payee);
        m.payerPassed = true;
        if (uint8(a) | uint8(b) == uint8(Standing.GOOD) && payer.isKnown() && payee.isKnown()) return true;
        return _lookAgain(m, payer.isKnown() ? a : Standing.STALE, payee.isKnown() ? b : Standing.STALE);
    }
    /// @dev Where a word remembers nothing, or too little, the wallet is read and its participant asked again.
    function _lookAgain(Movement memory m, Standing payer, Standing payee) private view returns (bool) {
        AccountWord again = NOT_ASKED;
        AccountWord payeeAgain = NOT_ASKED;
        if (payer == Standing.STALE) {
            (payer, m.payer) = _readWallet(m.registry, m.from, m.payer);
            if (payer == Standing.GOOD) again = m.payer;
        }
        if (payee == Standing.STALE) {
            (payee, m.payee) = _readWallet(m.registry, m.to, m.payee);
            if (payee == Standing.GOOD) payeeAgain = m.payee;
        }
        (Standing a, Standing b) = _standings(m.registry, again, payeeAgain);
        if (a != Standing.GOOD) payer = a;
        if (b != Standing.GOOD) payee = b;
        if (payer != Standing.GOOD) {
            Reason reason = m.row == EXECUTE ? _stopOf(m, payer) : Reason(uint8(payer) + PAYER_REASONS);
            if (reason != Reason.OK) return _refuse(m, reason, m.from, 0, 0);
        }
        return payee == Standing.GOOD || _refuse(m, Reason(uint8(payee) + PAYEE_REASONS), m.to, 0, 0);
    }

    /// @dev registry.standings, encoded by hand: on every payment, and the compiler's way costs 500 gas more.
    function _standings(IParticipantRegistry registry, AccountWord payer, AccountWord payee)
        private
        view
        returns (Standing a, Standing b)
    {
        bytes4 selector = IParticipantRegistry.standings.selector;
        (uint256 payerId, uint256 payerEpoch) = (payer.participant(), payer.epoch());
        (uint256 payeeId, uint256 payeeEpoch) = (payee.participant(), payee.epoch());
        assembly ("memory-safe") {
            let call_ := mload(0x40)
            mstore(call_, selector)
            mstore(add(call_, 0x04), payerId)
            mstore(add(call_, 0x24), payerEpoch)
            mstore(add(call_, 0x44), payeeId)
            mstore(add(call_, 0x64), payeeEpoch)
            let done := staticcall(gas(), registry, call_, 0x84, 0x00, 0x40)
            if iszero(and(done, gt(returndatasize(), 0x3f))) { revert(0x00, 0x00) }
            a := mload(0x00)
            b := mload(0x20)
        }
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
            if (!m.registry.isStopped(participant)) return Reason.OK;
            (,, bool frozen) = IParticipantHead(address(m.registry)).participantOf(participant);
            return frozen ? Reason.PAYER_FROZEN : Reason.PAYER_SUSPENDED;
        }
        return Reason(uint8(payer) + PAYER_REASONS);
    }

    // ------------------------------------------------------------------------------------------------ how much

    /// @dev Money that stays with its owner is not charged: a transfer between wallets of one participant.
    function _availablePasses(TokenState storage $, Movement memory m) private view returns (bool) {
        uint256 amount = m.amount;
        uint256 available = availableOf(m.payer, m.frozen);
        if (amount > available) return _refuse(m, Reason.INSUFFICIENT_AVAILABLE, m.from, available, amount);
        uint32 participant = m.payer.participant();
        if (m.row == HOLD) m.heldWord = $.heldBy[m.notary][m.from];
        else if (participant == m.payee.participant()) return true;
        if (amount == 0) return true;
        LimitWord limit = m.limit;
        if (LimitWord.unwrap(limit) == 0) limit = $.limits[participant];
        (bool passes, LimitWord charged, uint256 remaining) = limit.charge(today(), amount);
        if (!passes) return _refuse(m, Reason.DAILY_LIMIT, m.from, remaining, amount);
        m.limit = charged;
        return true;
    }

    function _heldPasses(TokenState storage $, Movement memory m) private view returns (bool) {
        m.heldWord = $.heldBy[m.notary][m.from];
        uint256 held = uint88(m.heldWord);
        return m.amount <= held || _refuse(m, Reason.INSUFFICIENT_HELD, m.from, held, m.amount);
    }

    /// @dev A recovery moves whatever there is.
    function _issuedOrForcedPasses(TokenState storage $, Movement memory m) private view returns (bool) {
        if (m.row == MINT) {
            uint256 headroom = headroomOf($, m.caller);
            return m.amount <= headroom || _refuse(m, Reason.MINT_CEILING, m.caller, headroom, m.amount);
        }
        uint256 unheld = m.payer.unheld();
        return m.row != SEIZE || m.amount <= unheld
            || _refuse(m, Reason.INSUFFICIENT_UNHELD, m.from, unheld, m.amount);
    }

    function availableOf(AccountWord word, uint256 frozen) internal pure returns (uint256) {
        uint256 unheld = word.unheld();
        unchecked {
            return frozen < unheld ? unheld - frozen : 0;
        }
    }

    /// @notice What `issuer` may still mint: under its ceiling, and while balances fit their word.
    function headroomOf(TokenState storage $, address issuer) internal view returns (uint256) {
        MintCeiling storage mint = $.ceilings[issuer];
        uint256 underCeiling = mint.outstanding < mint.ceiling ? mint.ceiling - mint.outstanding : 0;
        uint256 representable = type(uint88).max - $.totalSupply;
        return underCeiling < representable ? underCeiling : representable;
    }

    function _refuse(Movement memory m, Reason reason, address about, uint256 has, uint256 needs)
        private
        pure
        returns (bool)
    {
        (m.reason, m.about, m.has, m.needs) = (reason, about, has, needs);
        return false;
    }
}
