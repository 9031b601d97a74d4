// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {Movements} from "./Movements.sol";
import {Path, Standing} from "./Reason.sol";
import {References} from "./References.sol";
import {Standings} from "./Standings.sol";
import {TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title Up to 500 payments of one payer, all or none
/// @dev Runs by DELEGATECALL in the token's storage with the token's calldata, as TokenRare does. Keeps what the payments
/// share (the payer's money, its limit, one word of references) in memory and asks the registry about two payees at a time.
/// A payment that is not plain (see PlainMovements) goes through Movements, with the shared part put into storage around it.
library TokenBatch {
    uint256 private constant LONGEST = 500;
    uint256 private constant NO_WORD = type(uint256).max; // no reference is in it

    struct Shared {
        IParticipantRegistry registry;
        uint256 participant; // the payer's
        uint256 available; // what is left of that; 0 where the payer is not plain either
        uint256 availableBefore;
        uint256 remaining; // of the day's limit
        uint256 remainingBefore;
        uint256 refWord;
        uint256 refBits;
    }

    function payBatch(IDepositToken.Payment[] calldata payments) external {
        uint256 count = payments.length;
        if (count == 0) revert IDepositToken.BatchEmpty();
        if (count > LONGEST) revert IDepositToken.BatchTooLong(count, LONGEST);
        TokenState storage $ = TokenStorage.load();
        // slither-disable-next-line uninitialized-local (starts at zero)
        Shared memory shared;
        shared.registry = IParticipantRegistry(IDepositToken(address(this)).registry());
        shared.refWord = NO_WORD;
        _take($, shared);
        unchecked {
            for (uint256 i = 1; i < count; i += 2) {
                _payTwo($, shared, payments[i - 1], payments[i]);
            }
        }
        if (count % 2 == 1) _payLast($, shared, payments[count - 1]);
        _put($, shared);
        _putReferences($, shared);
    }

    function _payTwo(
        TokenState storage $,
        Shared memory shared,
        IDepositToken.Payment calldata first,
        IDepositToken.Payment calldata second
    ) private {
        (address to, address then) = (first.to, second.to);
        (AccountWord payee, AccountWord next) = ($.accounts[to], $.accounts[then]);
        (uint256 a, uint256 b) = Standings.ask(shared.registry, payee, next);
        _payOne($, shared, first, to, payee, a == uint8(Standing.GOOD));
        _payOne($, shared, second, then, to == then ? $.accounts[then] : next, b == uint8(Standing.GOOD));
    }

    function _payLast(TokenState storage $, Shared memory shared, IDepositToken.Payment calldata payment) private {
        AccountWord payee = $.accounts[payment.to];
        bool good = Standings.bothGood(shared.registry, payee, Standings.NOT_ASKED);
        _payOne($, shared, payment, payment.to, payee, good);
    }

    function _payOne(
        TokenState storage $,
        Shared memory shared,
        IDepositToken.Payment calldata payment,
        address to,
        AccountWord payee,
        bool payeeIsGood
    ) private {
        (uint256 amount, bytes32 ref) = (payment.amount, payment.ref);
        if (amount == 0) revert IDepositToken.ZeroAmount();
        if (!payeeIsGood || !_payPlainly($, shared, to, payee, amount)) {
            _put($, shared);
            Movements.update($, Movements.make(shared.registry, Path.TRANSFER, msg.sender, msg.sender, to, amount));
            _take($, shared);
        }
        _spend($, shared, ref);
        emit IDepositToken.Paid(msg.sender, to, ref, amount, keccak256(payment.remittance));
        emit IERC20.Transfer(msg.sender, to, amount);
    }

    /// @dev Reads what the payments share.
    function _take(TokenState storage $, Shared memory shared) private view {
        AccountWord payer = $.accounts[msg.sender];
        uint32 participant = payer.participant();
        bool plain = !$.paused && Standings.bothGood(shared.registry, payer, Standings.NOT_ASKED);
        shared.participant = participant;
        shared.available = plain ? Movements.availableOf(payer, payer.hasFrozen() ? $.frozen[msg.sender] : 0) : 0;
        shared.availableBefore = shared.available;
        shared.remaining = $.limits[participant].remainingOn(Movements.today());
        shared.remainingBefore = shared.remaining;
    }

    function _put(TokenState storage $, Shared memory shared) private {
        $.accounts[msg.sender] = $.accounts[msg.sender].debit(shared.availableBefore - shared.available);
        uint256 charged = shared.remainingBefore - shared.remaining;
        if (charged == 0) return;
        uint32 participant = uint32(shared.participant);
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (, $.limits[participant],) = $.limits[participant].charge(Movements.today(), charged);
    }

    function _payPlainly(TokenState storage $, Shared memory shared, address to, AccountWord payee, uint256 amount)
        private
        returns (bool)
    {
        if (to == msg.sender || amount > shared.available) return false;
        unchecked {
            if (payee.participant() != shared.participant) {
                if (amount > shared.remaining) return false;
                shared.remaining -= amount;
            }
            shared.available -= amount;
        }
        $.accounts[to] = payee.credit(amount);
        return true;
    }

    function _spend(TokenState storage $, Shared memory shared, bytes32 ref) private {
        if (ref == 0) revert IDepositToken.ReferenceMissing();
        (uint256 word, uint256 bit) = References.place(ref);
        if (word != shared.refWord) {
            _putReferences($, shared);
            (shared.refWord, shared.refBits) = (word, $.spentReferences[uint32(shared.participant)][word]);
        }
        if (shared.refBits & bit != 0) revert IDepositToken.AlreadyPaid(ref);
        shared.refBits |= bit;
    }

    function _putReferences(TokenState storage $, Shared memory shared) private {
        if (shared.refWord == NO_WORD) return;
        $.spentReferences[uint32(shared.participant)][shared.refWord] = shared.refBits;
    }
}
