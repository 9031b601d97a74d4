// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

/// @title The address that stays while the code behind it changes
/// @notice ERC-1967 proxy of the registry and of every deposit token. Who may change the code is the implementation's
/// business (UUPS, role UPGRADER, delayed); the proxy itself knows no administrator and no function of its own.
contract PlatformProxy is ERC1967Proxy {
    /// @param initialization the call of `initialize`, made in the same transaction; never empty (OpenZeppelin refuses
    /// an uninitialized proxy), so nobody else can be first.
    constructor(address implementation, bytes memory initialization) ERC1967Proxy(implementation, initialization) {}
}
