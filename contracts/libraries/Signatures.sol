// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice The one judgement of whether `signer` signed: a key or, failing that, a contract (ERC-1271).
/// @dev The key is tried first, for two reasons: nearly every signer is one, so nobody pays for reading whether the
/// signer has code; and an account that has given itself code (EIP-7702) keeps the word of its own key.
library Signatures {
    /// @dev Half of the curve's order: a signature has two forms, of which only the one with the lower s counts.
    uint256 private constant MOST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint256 private constant LENGTH = 65;

    /// @param digest the EIP-712 digest; chain and contract must be in it.
    /// @param signature 65 bytes `r, s, v` with low s, or whatever a contract signer understands.
    /// @return true if `signer` is not 0 and signed `digest`; does not revert on a malformed signature, only where a
    /// contract signer wants more gas to judge it.
    function isValid(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (signer == address(0)) return false;
        if (_recover(digest, signature) == signer) return true;
        return signer.code.length != 0 && _isApproved(signer, digest, signature);
    }

    /// @return signer 0 where `signature` is no signature of a key.
    function _recover(bytes32 digest, bytes calldata signature) private view returns (address signer) {
        if (signature.length != LENGTH) return address(0);
        assembly ("memory-safe") {
            if iszero(gt(calldataload(add(signature.offset, 0x20)), MOST_S)) {
                let data := mload(0x40)
                mstore(data, digest)
                mstore(add(data, 0x20), byte(0, calldataload(add(signature.offset, 0x40)))) // v
                calldatacopy(add(data, 0x40), signature.offset, 0x40) // r, s
                mstore(0x00, 0) // stays where nothing is recovered
                if iszero(staticcall(gas(), 0x01, data, 0x80, 0x00, 0x20)) { revert(0x00, 0x00) } // out of gas
                signer := mload(0x00)
            }
        }
    }

    /// @dev A contract that runs out of gas says no as well, and so does one whose own calls do: each takes 63/64 of
    /// what it is given. So a no that used up half of the gas is no answer: it ends the call without a reason, which
    /// nobody takes for a refusal.
    function _isApproved(address signer, bytes32 digest, bytes calldata signature) private view returns (bool yes) {
        uint256 given = gasleft();
        yes = SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
        if (yes || gasleft() > given / 2) return yes;
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }
}

// slither-disable-end assembly
