// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A contract that signs by its owner's key and needs much gas to say so, as a multisignature wallet does.
contract ThirstyWallet is IERC1271 {
    address public immutable owner;
    uint256 public immutable rounds;

    constructor(address owner_, uint256 rounds_) {
        (owner, rounds) = (owner_, rounds_);
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bytes32 chain = hash;
        for (uint256 i; i < rounds; ++i) {
            chain = keccak256(abi.encode(chain));
        }
        bool signed = chain != 0 && ECDSA.recoverCalldata(hash, signature) == owner;
        return signed ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
