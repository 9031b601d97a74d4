// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {TokenStorage} from "./TokenStorage.sol";

/// @notice The token's EIP-712 domain: its ERC-20 name (EIP-2612 wants that), version "1".
library TokenDomain {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant VERSION = keccak256("1");

    /// @dev Computed each time: a chain that splits must not share signatures.
    function separator() internal view returns (bytes32) {
        bytes32 nameHash = TokenStorage.load().nameHash;
        return keccak256(abi.encode(DOMAIN_TYPE, nameHash, VERSION, block.chainid, address(this)));
    }

    function digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(separator(), structHash);
    }
}
