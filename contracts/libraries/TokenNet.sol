// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start uninitialized-local (starts at zero)

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {Clearances} from "./Clearances.sol";
import {Consents} from "./Consents.sol";
import {Flags} from "./Flags.sol";
import {LimitWord} from "./LimitWord.sol";
import {Movement, Movements} from "./Movements.sol";
import {Path, Reason} from "./Reason.sol";
import {RetailRules} from "./RetailRules.sol";
import {Standings} from "./Standings.sol";
import {TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title Many payments in one movement: who is owed what in the end, moved once
/// @dev Runs by DELEGATECALL in the token's storage with the token's calldata, as TokenRare does. First everything is asked
/// (`_assess`, which writes nothing, and answers for `checkNet` too), then everything is done. Who may pay whom is asked of
/// every gross leg, whatever it comes to in the end; amounts and limits are asked of the nets. Accounts are kept in memory
/// and written once.
library TokenNet {
    uint256 private constant MOST_LEGS = 256;

    /// @notice A wallet in the net. Amounts in minor units.
    struct Account {
        address wallet; // the successor, where a lost wallet pays out of a hold
        AccountWord word;
        uint256 frozen;
        uint256 flags; // of its participant, where it has any
        uint256 received;
        uint256 byConsent; // paid by consents, out of what is available and received
        uint256 fromHolds; // paid out of what the notary holds
        uint256 heldToday; // of that, by holds of today: what its participant was charged today
        uint256 charged; // to the participant's limit for the whole net; stands with the first of its wallets
        LimitWord limit; // the participant's, once charged; there too; 0: as it was
        bool counted; // with its participant
    }

    struct Net {
        IParticipantRegistry registry;
        address notary;
        uint256 legs;
        bool clears; // a clearance rides along with the source that is being asked
        Account[] accounts;
        Movement answer; // what is refused, or the last that was asked
    }

    function executeNet(IDepositToken.NetSource[] calldata sources) external {
        TokenState storage $ = TokenStorage.load();
        Net memory net = _assess($, msg.sender, sources);
        if (net.answer.reason != Reason.OK) Movements.refuse(net.answer);
        _takeSources($, net, sources);
        _writeAccounts($, net);
        _announceTransfers(net);
    }

    function checkNet(address notary, IDepositToken.NetSource[] calldata sources)
        external
        view
        returns (Reason, address)
    {
        Net memory net = _assess(TokenStorage.load(), notary, sources);
        return (net.answer.reason, net.answer.about);
    }

    // ------------------------------------------------------------------------------------------------ asking

    function _assess(TokenState storage $, address notary, IDepositToken.NetSource[] calldata sources)
        private
        view
        returns (Net memory net)
    {
        net.registry = IParticipantRegistry(IDepositToken(address(this)).registry());
        net.notary = notary;
        net.legs = _countLegs(sources);
        net.accounts = _room(sources.length + net.legs);
        for (uint256 i; i < sources.length; ++i) {
            if (!_addSource($, net, sources[i])) return net;
        }
        for (uint256 i; i < net.accounts.length; ++i) {
            if (!_amountsPass($, net, net.accounts[i])) return net;
        }
        for (uint256 i; i < net.accounts.length; ++i) {
            if (!net.accounts[i].counted && !_limitPasses($, net, i)) return net;
        }
        for (uint256 i; i < net.accounts.length; ++i) {
            if (net.accounts[i].flags & Flags.RETAIL != 0 && !_ceilingPasses($, net, net.accounts[i])) return net;
        }
    }

    function _countLegs(IDepositToken.NetSource[] calldata sources) private pure returns (uint256 legs) {
        for (uint256 i; i < sources.length; ++i) {
            uint256 more = sources[i].legs.length;
            if (more == 0) revert IDepositToken.ZeroAmount();
            legs += more;
        }
        if (legs == 0) revert IDepositToken.ZeroAmount();
        if (legs > MOST_LEGS) revert IDepositToken.BatchTooLong(legs, MOST_LEGS);
    }

    /// @dev Empty, with room for `most`.
    function _room(uint256 most) private pure returns (Account[] memory accounts) {
        assembly ("memory-safe") {
            accounts := mload(0x40)
            mstore(accounts, 0)
            mstore(0x40, add(accounts, shl(5, add(most, 1))))
        }
    }

    /// @dev What pays by consent is a hold and its execution (HOLD, EXECUTE), what is held already an execution.
    function _addSource(TokenState storage $, Net memory net, IDepositToken.NetSource calldata source)
        private
        view
        returns (bool)
    {
        bool held = source.day != 0;
        Path path = held ? Path.EXECUTE : Path.HOLD;
        Movement memory m = Movements.make(net.registry, path, net.notary, source.payer, address(0), 0);
        net.answer = m;
        net.clears = Clearances.rides(source.signature);
        if (!Movements.begin($, m)) return false;
        Account memory payer = _account($, net, m.from);
        uint256 total;
        for (uint256 i; i < source.legs.length; ++i) {
            uint256 amount = source.legs[i].amount;
            if (amount == 0) revert IDepositToken.ZeroAmount();
            if (amount > type(uint88).max) revert IDepositToken.AmountTooLarge(amount);
            Account memory payee = _account($, net, source.legs[i].to);
            if (!_partiesPass($, net, held, payer, payee, amount)) return false;
            payee.received += amount;
            total += amount;
        }
        if (!held) payer.byConsent += total;
        else payer.fromHolds += total;
        if (source.day == Movements.today()) payer.heldToday += total;
        return true;
    }

    function _account(TokenState storage $, Net memory net, address wallet) private view returns (Account memory a) {
        Account[] memory accounts = net.accounts;
        uint256 n = accounts.length;
        for (uint256 i; i < n; ++i) {
            if (accounts[i].wallet == wallet) return accounts[i];
        }
        a.wallet = wallet;
        a.word = $.accounts[wallet];
        if (a.word.hasFrozen()) a.frozen = $.frozen[wallet];
        assembly ("memory-safe") {
            mstore(accounts, add(n, 1))
        }
        accounts[n] = a;
    }

    /// @dev Two good parties pass on both paths. All else is for Movements to say, and what it learns is remembered.
    function _partiesPass(
        TokenState storage $,
        Net memory net,
        bool held,
        Account memory payer,
        Account memory payee,
        uint256 amount
    ) private view returns (bool) {
        if (payer.wallet != payee.wallet && Standings.bothGoodAndPaired(net.registry, payer.word, payee.word)) return true;
        if (!held && !_partiesPassOn($, net, Path.HOLD, payer, payer, amount)) return false;
        return _partiesPassOn($, net, Path.EXECUTE, payer, payee, amount);
    }

    function _partiesPassOn(
        TokenState storage $,
        Net memory net,
        Path path,
        Account memory payer,
        Account memory payee,
        uint256 amount
    ) private view returns (bool) {
        Movement memory m = Movements.make(net.registry, path, net.notary, payer.wallet, payee.wallet, amount);
        m.payer = payer.word;
        m.cleared = net.clears; // Consents.use judges it
        net.answer = m;
        if (!Movements.partiesPass($, m)) return false;
        payer.word = payer.word.remember(m.payer.participant(), m.payer.epoch());
        payer.flags |= m.payerFlags;
        payee.flags |= m.payeeFlags;
        if (payer.wallet != payee.wallet) {
            payee.word = payee.word.remember(m.payee.participant(), m.payee.epoch());
        }
        return true;
    }

    /// @dev What comes in fills up what is frozen first, as it would if it came alone; the rest may go on. Where nothing
    /// is frozen, or no more than there is, that asks the net outflow of what is available.
    function _amountsPass(TokenState storage $, Net memory net, Account memory a) private view returns (bool) {
        if (a.fromHolds != 0) {
            uint256 held = uint88($.heldBy[net.notary][a.wallet]);
            if (a.fromHolds > held) {
                return _refused(net, Path.EXECUTE, Reason.INSUFFICIENT_HELD, a.wallet, held, a.fromHolds);
            }
        }
        if (a.byConsent == 0) return true;
        uint256 unheld = a.word.unheld() + a.received;
        uint256 available = a.frozen < unheld ? unheld - a.frozen : 0;
        return a.byConsent <= available
            || _refused(net, Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, a.wallet, available, a.byConsent);
    }

    /// @dev A participant is charged what all its wallets together pay out in the end, but for what holds of earlier days
    /// pay: those were charged on their day. Its holds of today give back what they were charged, and only what is charged
    /// beyond that is asked of the limit: a limit lowered in the meantime stops no hold.
    function _limitPasses(TokenState storage $, Net memory net, uint256 first) private view returns (bool) {
        Account memory a = net.accounts[first];
        uint32 participant = a.word.participant();
        (uint256 charge, uint256 heldToday) = _chargeOf(net.accounts, first, participant);
        if (charge == 0 && heldToday == 0) return true;
        uint256 day = Movements.today();
        LimitWord limit = $.limits[participant];
        uint256 spent = limit.spentOn(day);
        uint256 back = heldToday < spent ? heldToday : spent;
        if (charge > back) {
            uint256 remaining = limit.remainingOn(day);
            if (a.flags & Flags.RETAIL != 0) {
                uint256 left = RetailRules.leftToday($, spent - back);
                if (left < remaining + back) remaining = left < back ? 0 : left - back;
            }
            if (charge - back > remaining) {
                return _refused(net, Path.HOLD, Reason.DAILY_LIMIT, a.wallet, remaining, charge - back);
            }
        }
        (a.charged, a.limit) = (charge, limit.withSpent(day, spent - back + charge));
        return true;
    }

    /// @dev Of the participant, from its first account in the net on.
    function _chargeOf(Account[] memory accounts, uint256 first, uint32 participant)
        private
        pure
        returns (uint256 charge, uint256 heldToday)
    {
        uint256 received;
        for (uint256 i = first; i < accounts.length; ++i) {
            Account memory a = accounts[i];
            if (a.word.participant() != participant) continue;
            a.counted = true;
            charge += a.byConsent + a.heldToday;
            heldToday += a.heldToday;
            received += a.received;
        }
        charge = charge > received ? charge - received : 0;
    }

    /// @dev Of all that the participant's wallets get in the end.
    function _ceilingPasses(TokenState storage $, Net memory net, Account memory a) private view returns (bool) {
        uint32 participant = a.word.participant();
        (uint256 received, uint256 paid) = (0, 0);
        for (uint256 i; i < net.accounts.length; ++i) {
            Account memory each = net.accounts[i];
            if (each.word.participant() != participant) continue;
            received += each.received;
            paid += each.byConsent + each.fromHolds;
        }
        if (received <= paid) return true;
        uint256 room = RetailRules.roomOf($, net.registry, participant);
        return received - paid <= room
            || _refused(net, Path.EXECUTE, Reason.PAYEE_BALANCE_CEILING, a.wallet, room, received - paid);
    }

    function _refused(Net memory net, Path path, Reason reason, address about, uint256 has, uint256 needs)
        private
        pure
        returns (bool)
    {
        net.answer = Movements.make(net.registry, path, net.notary, about, address(0), 0);
        return Movements.refused(net.answer, reason, about, has, needs);
    }

    // ------------------------------------------------------------------------------------------------ doing

    function _takeSources(TokenState storage $, Net memory net, IDepositToken.NetSource[] calldata sources) private {
        for (uint256 i; i < sources.length; ++i) {
            IDepositToken.NetSource calldata source = sources[i];
            uint256 total;
            for (uint256 k; k < source.legs.length; ++k) {
                total += source.legs[k].amount;
            }
            address payer = source.payer;
            if (source.day == 0) {
                // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
                Consents.use($, payer, total, source.ref, source.nonce, source.deadline, source.signature);
            } else {
                payer = Movements.follow($, net.registry, payer);
                _takeHold($, net, payer, total);
                emit IDepositToken.HoldNetted(msg.sender, payer, source.ref, total, source.day);
            }
            for (uint256 k; k < source.legs.length; ++k) {
                emit IDepositToken.LegNetted(payer, source.legs[k].to, source.ref, source.legs[k].amount);
            }
        }
    }

    function _takeHold(TokenState storage $, Net memory net, address payer, uint256 amount) private {
        $.heldBy[msg.sender][payer] -= amount;
        Account memory a = _account($, net, payer);
        a.word = a.word.unearmark(amount);
    }

    function _writeAccounts(TokenState storage $, Net memory net) private {
        for (uint256 i; i < net.accounts.length; ++i) {
            Account memory a = net.accounts[i];
            uint256 paid = a.byConsent + a.fromHolds;
            // by the difference: a sum of what comes in may be more than there is money
            $.accounts[a.wallet] =
                paid < a.received ? a.word.credit(a.received - paid) : a.word.debit(paid - a.received);
            if (LimitWord.unwrap(a.limit) != 0) $.limits[a.word.participant()] = a.limit;
            emit IDepositToken.NetSettled(msg.sender, a.wallet, paid, a.received, a.charged);
        }
    }

    /// @dev The fewest ERC-20 Transfers of which no balance falls below what it has in the end: from one wallet that owes to
    /// one that is owed, each in the order of the legs.
    function _announceTransfers(Net memory net) private {
        (Account[] memory owed, uint256 transfers) = (net.accounts, 0);
        address[] memory from = new address[](owed.length);
        address[] memory to = new address[](owed.length);
        uint256[] memory amounts = new uint256[](owed.length);
        uint256 payee;
        for (uint256 i; i < owed.length; ++i) {
            uint256 owes = _excess(owed[i].byConsent + owed[i].fromHolds, owed[i].received);
            while (owes != 0) {
                Account memory a = owed[payee];
                uint256 due = _excess(a.received, a.byConsent + a.fromHolds);
                if (due == 0) {
                    ++payee;
                    continue;
                }
                uint256 amount = owes < due ? owes : due;
                (from[transfers], to[transfers], amounts[transfers]) = (owed[i].wallet, a.wallet, amount);
                ++transfers;
                a.received -= amount;
                owes -= amount;
            }
        }
        emit IDepositToken.NetExecuted(msg.sender, net.legs, transfers);
        for (uint256 i; i < transfers; ++i) {
            emit IERC20.Transfer(from[i], to[i], amounts[i]);
        }
    }

    function _excess(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}

// slither-disable-end assembly
// slither-disable-end uninitialized-local
