// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice Everything a movement of money needs to know of a wallet, in one storage word, low bits first:
/// balance uint88 | held uint88 | participant uint32 | epoch uint32 | flags uint16.
/// Participant and epoch are what the registry said last; epoch 0 says nothing and makes the token ask again.
type AccountWord is uint256;

using AccountWords for AccountWord global;

/// @dev Amounts are added and taken without a check: the supply never passes type(uint88).max, so a balance cannot carry
/// into its neighbour, and what is taken was assessed against the same word before (Movements).
library AccountWords {
    uint256 private constant HELD_AT = 88;
    uint256 private constant PARTICIPANT_AT = 176;
    uint256 private constant EPOCH_AT = 208;
    uint256 private constant HAS_FROZEN = 1 << 240;
    uint256 private constant RECOVERED = 1 << 241;
    uint256 private constant NOT_ASKED = 1 << 255; // never stored: see Standings
    uint256 private constant KNOWN = uint256(type(uint32).max) << PARTICIPANT_AT | NOT_ASKED;
    uint256 private constant IDENTITY = uint256(type(uint64).max) << PARTICIPANT_AT;

    function balance(AccountWord word) internal pure returns (uint256) {
        return AccountWord.unwrap(word) & type(uint88).max;
    }

    function held(AccountWord word) internal pure returns (uint256) {
        return (AccountWord.unwrap(word) >> HELD_AT) & type(uint88).max;
    }

    /// @notice What no notary holds; frozen or not.
    function unheld(AccountWord word) internal pure returns (uint256) {
        unchecked {
            return word.balance() - word.held();
        }
    }

    /// @notice Whether the registry can be asked about it: a word never written names nobody.
    function isKnown(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & KNOWN != 0;
    }

    function participant(AccountWord word) internal pure returns (uint32) {
        return uint32(AccountWord.unwrap(word) >> PARTICIPANT_AT);
    }

    function epoch(AccountWord word) internal pure returns (uint32) {
        return uint32(AccountWord.unwrap(word) >> EPOCH_AT);
    }

    /// @notice Whether anything of the next two is so: nearly always not, in one look.
    function hasMarks(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) >= HAS_FROZEN;
    }

    /// @notice Whether there is a frozen amount to read: others do not pay for that.
    function hasFrozen(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & HAS_FROZEN != 0;
    }

    /// @notice Whether all this wallet had was moved to a successor.
    function isRecovered(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & RECOVERED != 0;
    }

    function credit(AccountWord word, uint256 amount) internal pure returns (AccountWord) {
        unchecked {
            return AccountWord.wrap(AccountWord.unwrap(word) + amount);
        }
    }

    function debit(AccountWord word, uint256 amount) internal pure returns (AccountWord) {
        unchecked {
            return AccountWord.wrap(AccountWord.unwrap(word) - amount);
        }
    }

    function earmark(AccountWord word, uint256 amount) internal pure returns (AccountWord) {
        unchecked {
            return AccountWord.wrap(AccountWord.unwrap(word) + (amount << HELD_AT));
        }
    }

    function unearmark(AccountWord word, uint256 amount) internal pure returns (AccountWord) {
        unchecked {
            return AccountWord.wrap(AccountWord.unwrap(word) - (amount << HELD_AT));
        }
    }

    function remember(AccountWord word, uint32 participant_, uint32 epoch_) internal pure returns (AccountWord) {
        uint256 identity = uint256(participant_) << PARTICIPANT_AT | uint256(epoch_) << EPOCH_AT;
        return AccountWord.wrap(AccountWord.unwrap(word) & ~IDENTITY | identity);
    }

    function withFrozen(AccountWord word, bool frozen) internal pure returns (AccountWord) {
        uint256 cleared = AccountWord.unwrap(word) & ~HAS_FROZEN;
        return AccountWord.wrap(frozen ? cleared | HAS_FROZEN : cleared);
    }

    /// @notice What stays of a lost wallet: whose it was, and that its money went to its successor.
    function emptied(AccountWord word) internal pure returns (AccountWord) {
        return AccountWord.wrap(RECOVERED).remember(word.participant(), 0);
    }
}
