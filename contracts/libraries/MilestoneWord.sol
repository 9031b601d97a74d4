// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {IOrderBook} from "../interfaces/IOrderBook.sol";
import {OrderId} from "./Ids.sol";

/// @notice What the escrow stores of a milestone: one word for the usual life, more for what is rarer.
struct MilestoneSlots {
    uint256 word; // payer 160 | state 4 | flags 4 | since 32 | lastStatus 8 | lastSeq 48
    uint256 mark; // content of the last counted attestation 216 | startedAt 40; once an attestation or a dispute came
    // accepted 88 | settled 88 | delayBy 32 | delayEnd 32 | complete 1 | owing 1 | carried 1; partial, decided,
    // delayed or amended
    uint256 parts;
    uint256 owed; // minor units; says something only while `owing`
}

/// @notice The first word, unpacked, and where it came from.
struct Live {
    OrderId id;
    uint256 index;
    bytes32 ref; // storage key, and the reference of the hold
    IOrderBook.State before; // as stored
    IOrderBook.State state;
    address payer; // the wallet that funded; 0 where nothing was ever held
    bool byParty;
    bool decided;
    bool requiredInTime;
    bool delayed;
    uint32 since;
    uint8 lastStatus;
    uint48 lastSeq;
}

/// @notice The third word, unpacked. Amounts in minor units, delays in seconds.
struct Parts {
    uint256 accepted; // the seller's cumulative claim; where Amended: what went over to the next order
    uint256 settled; // of it, the seller's for good: paid, or accepted while a stop held the payment up
    uint256 owed; // of `settled`, not paid yet: it is the seller's, whatever becomes of the rest
    uint256 delayBy; // of attestBy, before funding
    uint256 delayEnd; // of attestEnd, before funding
    bool complete; // partial: nothing more will come
    bool carried; // held, in part at least, since before the order was opened, for one that it amends
}

/// @notice Packs and unpacks a milestone's words.
library MilestoneWord {
    uint256 private constant STARTED = type(uint40).max;
    uint256 private constant COMPLETE = 1 << 240;
    uint256 private constant OWING = 1 << 241;
    uint256 private constant CARRIED = 1 << 242;

    /// @notice Makes room for a milestone of which every member is written next: without the zeroes that Solidity writes
    /// first, as in {OrderTerms.loader}.
    function maker() internal pure returns (function() internal pure returns (Live memory) typed) {
        function() internal pure returns (uint256) plain = _make;
        assembly ("memory-safe") {
            typed := plain
        }
    }

    function _make() private pure returns (uint256 m) {
        assembly ("memory-safe") {
            m := mload(0x40)
            mstore(0x40, add(m, 0x1a0))
        }
    }

    // By hand, member by member in the order of `Live`: every call unpacks a word and packs it again, and the compiler
    // checks each flag and state anew.

    function unpack(Live memory m, uint256 word) internal pure {
        assembly ("memory-safe") {
            let state := and(shr(160, word), 0xf)
            mstore(add(m, 0x060), state) // before
            mstore(add(m, 0x080), state)
            mstore(add(m, 0x0a0), shr(96, shl(96, word))) // payer
            mstore(add(m, 0x0c0), and(shr(164, word), 1)) // byParty
            mstore(add(m, 0x0e0), and(shr(165, word), 1)) // decided
            mstore(add(m, 0x100), and(shr(166, word), 1)) // requiredInTime
            mstore(add(m, 0x120), and(shr(167, word), 1)) // delayed
            mstore(add(m, 0x140), and(shr(168, word), 0xffffffff)) // since
            mstore(add(m, 0x160), and(shr(200, word), 0xff)) // lastStatus
            mstore(add(m, 0x180), shr(208, word)) // lastSeq
        }
    }

    function pack(Live memory m) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := or(mload(add(m, 0x0a0)), shl(160, mload(add(m, 0x080))))
            word := or(word, or(shl(164, mload(add(m, 0x0c0))), shl(165, mload(add(m, 0x0e0)))))
            word := or(word, or(shl(166, mload(add(m, 0x100))), shl(167, mload(add(m, 0x120)))))
            word := or(word, or(shl(168, mload(add(m, 0x140))), shl(200, mload(add(m, 0x160)))))
            word := or(word, shl(208, mload(add(m, 0x180))))
        }
    }

    /// @notice A milestone that was opened at `since`.
    function opened(uint256 since) internal pure returns (uint256) {
        return (uint256(IOrderBook.State.Open) << 160) | (uint256(uint32(since)) << 168);
    }

    function stateOf(uint256 word) internal pure returns (IOrderBook.State) {
        return IOrderBook.State((word >> 160) & 0xf);
    }

    function packMark(bytes32 content, uint256 start) internal pure returns (uint256) {
        return uint256(contentOf(uint256(content))) | uint40(start);
    }

    /// @notice The upper 216 bits of a content hash, which is what two attestations of one seq are compared by.
    function contentOf(uint256 mark) internal pure returns (bytes32) {
        return bytes32(mark & ~STARTED);
    }

    function startedAt(uint256 mark) internal pure returns (uint256) {
        return mark & STARTED;
    }

    function unpackParts(uint256 parts) internal pure returns (Parts memory p) {
        p.accepted = uint88(parts);
        p.settled = uint88(parts >> 88);
        p.delayBy = uint32(parts >> 176);
        p.delayEnd = uint32(parts >> 208);
        p.complete = parts & COMPLETE != 0;
        p.carried = parts & CARRIED != 0;
    }

    function isOwing(uint256 parts) internal pure returns (bool) {
        return parts & OWING != 0;
    }

    function pack(Parts memory p) internal pure returns (uint256 word) {
        word = p.accepted | (p.settled << 88) | (p.delayBy << 176) | (p.delayEnd << 208);
        if (p.complete) word |= COMPLETE;
        if (p.carried) word |= CARRIED;
        if (p.owed != 0) word |= OWING;
    }
}

// slither-disable-end assembly
