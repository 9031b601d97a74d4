// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {AccountWord} from "./AccountWord.sol";
import {Flags} from "./Flags.sol";
import {Standing} from "./Reason.sol";

/// @notice Asks the registry about the participants that two account words remember.
library Standings {
    /// @dev Stands for a side that the registry is not asked about: participant 0, and unlike a word never written.
    AccountWord internal constant NOT_ASKED = AccountWord.wrap(1 << 255);

    uint256 private constant PAIR_RULES = uint256(Flags.PAIR_RULES) << 8;

    /// @notice As IParticipantRegistry.standings: a Standing each, and the Flags above its byte. STALE where the word does
    /// not say whose it is, or no longer rightly.
    function ask(IParticipantRegistry registry, AccountWord a, AccountWord b)
        internal
        view
        returns (uint256 ofA, uint256 ofB)
    {
        (ofA, ofB) = _standings(registry, a, b);
        if (!a.isKnown()) ofA = uint8(Standing.STALE);
        if (!b.isKnown()) ofB = uint8(Standing.STALE);
    }

    /// @notice Whether both are good and neither has a flag that the token acts on.
    function bothGood(IParticipantRegistry registry, AccountWord a, AccountWord b) internal view returns (bool) {
        if (!a.isKnown() || !b.isKnown()) return false;
        (uint256 ofA, uint256 ofB) = _standings(registry, a, b);
        return ofA | ofB == uint8(Standing.GOOD);
    }

    /// @notice Whether both are good and their pair passes, for a movement from `a` to `b`, or of one side alone that asks no
    /// pair. A flag for pair rules says no more then.
    function bothGoodAndPaired(IParticipantRegistry registry, AccountWord a, AccountWord b)
        internal
        view
        returns (bool)
    {
        if (!a.isKnown() || !b.isKnown()) return false;
        (uint256 ofA, uint256 ofB) = _standings(registry, a, b);
        return ofA | ofB == uint8(Standing.GOOD) || (ofA | ofB) & ~PAIR_RULES == uint8(Standing.GOOD);
    }

    /// @dev registry.standings, encoded by hand: on every payment, and the compiler's way costs 500 gas more.
    function _standings(IParticipantRegistry registry, AccountWord a, AccountWord b)
        private
        view
        returns (uint256 ofA, uint256 ofB)
    {
        bytes4 selector = IParticipantRegistry.standings.selector;
        (uint256 wordA, uint256 wordB) = (AccountWord.unwrap(a), AccountWord.unwrap(b));
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), and(shr(176, wordA), 0xffffffff)) // participant
            mstore(add(data, 0x24), and(shr(208, wordA), 0xffffffff)) // epoch
            mstore(add(data, 0x44), and(shr(176, wordB), 0xffffffff))
            mstore(add(data, 0x64), and(shr(208, wordB), 0xffffffff))
            let done := staticcall(gas(), registry, data, 0x84, 0x00, 0x40)
            if iszero(and(done, gt(returndatasize(), 0x3f))) { revert(0x00, 0x00) }
            ofA := mload(0x00)
            ofB := mload(0x20)
        }
    }
}

// slither-disable-end assembly
