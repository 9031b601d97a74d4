// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Signatures} from "../../contracts/libraries/Signatures.sol";
import {Test} from "./base/Test.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Whose signature of a key is accepted: exactly those that OpenZeppelin accepts.
contract SignaturesTest is Test {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    bytes32 private constant DIGEST = keccak256("digest");

    Vm.Wallet private signer;
    uint8 private v;
    bytes32 private r;
    bytes32 private s;

    function setUp() external {
        signer = vm.createWallet("signer");
        (v, r, s) = vm.sign(signer.privateKey, DIGEST);
    }

    function isValid(address who, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return Signatures.isValid(who, digest, signature);
    }

    function _isValid(bytes memory signature) private view returns (bool) {
        return this.isValid(signer.addr, DIGEST, signature);
    }

    function test_a_key_signs() external view {
        assertTrue(_isValid(abi.encodePacked(r, s, v)));
        assertFalse(this.isValid(signer.addr, keccak256("another"), abi.encodePacked(r, s, v)), "another digest");
        assertFalse(this.isValid(address(this), DIGEST, abi.encodePacked(r, s, v)), "another signer");
    }

    function test_the_other_form_of_a_signature_is_refused() external view {
        assertFalse(_isValid(abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27))));
    }

    function test_the_boundary_of_s() external view {
        uint256 half = ORDER / 2;
        (address most,,) = ECDSA.tryRecover(DIGEST, v, r, bytes32(half));
        (, ECDSA.RecoverError err,) = ECDSA.tryRecover(DIGEST, v, r, bytes32(half + 1));
        assertTrue(err == ECDSA.RecoverError.InvalidSignatureS, "the greatest s is half of the order");
        assertTrue(this.isValid(most, DIGEST, abi.encodePacked(r, bytes32(half), v)), "at it");
        address beyond = ecrecover(DIGEST, v, r, bytes32(half + 1));
        assertTrue(beyond != address(0), "the curve knows a signer");
        assertFalse(this.isValid(beyond, DIGEST, abi.encodePacked(r, bytes32(half + 1), v)), "beyond");
    }

    function test_no_signer_is_nobody() external view {
        assertFalse(this.isValid(address(0), DIGEST, abi.encodePacked(r, s, v)));
        assertFalse(this.isValid(address(0), DIGEST, abi.encodePacked(bytes32(0), bytes32(0), uint8(27))), "zeros");
        assertFalse(this.isValid(address(0), DIGEST, abi.encodePacked(r, s, uint8(0))), "nothing is recovered");
    }

    function test_lengths() external view {
        bytes memory signature = abi.encodePacked(r, s, v);
        for (uint256 length; length < 65; ++length) {
            bytes memory part = new bytes(length);
            for (uint256 i; i < length; ++i) {
                part[i] = signature[i];
            }
            assertFalse(_isValid(part), "too short");
        }
        assertFalse(_isValid(abi.encodePacked(signature, uint8(0))), "too long");
    }

    function testFuzz_as_openzeppelin_judges(uint256 key, bytes32 digest, uint256 place, uint8 change) external view {
        key = key % (ORDER - 1) + 1;
        (uint8 v_, bytes32 r_, bytes32 s_) = vm.sign(key, digest);
        bytes memory signature = abi.encodePacked(r_, s_, v_);
        signature[place % 65] ^= bytes1(change); // 0: as it was
        address who = vm.addr(key);
        (address recovered, ECDSA.RecoverError err,) = ECDSA.tryRecover(digest, signature);
        bool expected = err == ECDSA.RecoverError.NoError && recovered == who;
        assertEq(this.isValid(who, digest, signature), expected);
        if (err == ECDSA.RecoverError.NoError) assertTrue(this.isValid(recovered, digest, signature), "whose it is");
    }
}
