// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

/// @title The address that stays while the code behind it changes
/// @notice ERC-1967 proxy of the registry and of every deposit token. Who may change the code is the implementation's
/// business (UUPS, role UPGRADER, delayed); the proxy itself knows no administrator and no function of its own.
contract PlatformProxy is ERC1967Proxy {
    /// @param initialization the call of `initialize`, made in the same transaction; never empty (OpenZeppelin refuses
    /// an uninitialized proxy), so nobody else can be first.
    constructor(address implementation, bytes memory initialization) ERC1967Proxy(implementation, initialization) {}

    // solhint-disable no-complex-fallback
    /// @dev What OpenZeppelin's does, written in one piece: every payment comes through here two times.
    fallback() external payable override {
        bytes32 slot = ERC1967Utils.IMPLEMENTATION_SLOT;
        assembly {
            calldatacopy(0x00, 0x00, calldatasize())
            let ok := delegatecall(gas(), sload(slot), 0x00, calldatasize(), 0x00, 0x00)
            returndatacopy(0x00, 0x00, returndatasize())
            if ok { return(0x00, returndatasize()) }
            revert(0x00, returndatasize())
        }
    }
    // solhint-enable no-complex-fallback
}

// slither-disable-end assembly
