// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {AccountWord} from "./AccountWord.sol";
import {LimitWord} from "./LimitWord.sol";

/// @notice Where a word of a mapping stands. Solidity works that out to read it and once more to write it; a payment, which
/// does both with three words, finds each once.
/// @dev Keys are cut to their types: what assembly sees of a value may have bits beyond.
type WordSlot is bytes32;

using WordSlots for WordSlot global;

library WordSlots {
    function find(mapping(address wallet => AccountWord) storage words, address wallet)
        internal
        pure
        returns (WordSlot slot)
    {
        assembly ("memory-safe") {
            mstore(0x00, shr(96, shl(96, wallet)))
            mstore(0x20, words.slot)
            slot := keccak256(0x00, 0x40)
        }
    }

    function find(mapping(uint32 participant => LimitWord) storage words, uint32 participant)
        internal
        pure
        returns (WordSlot slot)
    {
        assembly ("memory-safe") {
            mstore(0x00, and(participant, 0xffffffff))
            mstore(0x20, words.slot)
            slot := keccak256(0x00, 0x40)
        }
    }

    function find(mapping(address wallet => uint256) storage words, address wallet)
        internal
        pure
        returns (WordSlot slot)
    {
        assembly ("memory-safe") {
            mstore(0x00, shr(96, shl(96, wallet)))
            mstore(0x20, words.slot)
            slot := keccak256(0x00, 0x40)
        }
    }

    function read(WordSlot slot) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    function write(WordSlot slot, uint256 word) internal {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }
}

// slither-disable-end assembly
