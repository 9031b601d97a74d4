// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice The one judgement of whether `signer` signed: a key or, failing that, a contract (ERC-1271).
/// @dev The key is tried first, for two reasons: nearly every signer is one, so nobody pays for reading whether the
/// signer has code; and an account that has given itself code (EIP-7702) keeps the word of its own key.
library Signatures {
    /// @param digest the EIP-712 digest; chain and contract must be in it.
    /// @param signature 65 bytes `r, s, v` with low s, or whatever a contract signer understands.
    /// @return true if `signer` is not 0 and signed `digest`; does not revert on a malformed signature, only where a
    /// contract signer wants more gas to judge it.
    function isValid(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (signer == address(0)) return false;
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (address recovered, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return signer.code.length != 0 && _isApproved(signer, digest, signature);
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
