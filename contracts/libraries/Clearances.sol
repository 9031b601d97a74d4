// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

// Marks the bytes of a signature with which a clearance rides along: keccak256("pyjpm clearance").
bytes32 constant CLEARANCE_MAGIC = 0x9ba8f96f647b9cd4f295ee432a70bd8a2dd707e0d06c063298067e6a1144ea34;

/// @notice Whose money is cleared to move right now: one payer at most, in transient storage, opened for one movement or
/// batch and closed before anybody else is called.
/// @dev TokenClearances opens it for a call, the users of Consents for a signed word; Movements asks it. A hold closes it
/// (TokenRare), because the notary's code comes next.
library Clearances {
    /// @dev keccak256(abi.encode(uint256(keccak256("pyjpm.transient.clearance")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant OPEN = 0x83e3398ebda189d68dc2ee41ba750c271a6ff2a344448a1c8136bc27f4f40d00;

    /// @notice Whether a clearance rides along with this signature.
    function rides(bytes calldata signature) internal pure returns (bool) {
        uint256 length = signature.length;
        return length > 128 && bytes32(signature[length - 32:]) == CLEARANCE_MAGIC;
    }

    function open(address payer) internal {
        assembly ("memory-safe") {
            tstore(OPEN, payer)
        }
    }

    function close() internal {
        open(address(0));
    }

    /// @param payer not 0.
    function isOpenFor(address payer) internal view returns (bool) {
        address cleared;
        assembly ("memory-safe") {
            cleared := tload(OPEN)
        }
        return cleared == payer;
    }
}

// slither-disable-end assembly
