// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20Upgradeable} from "@openzeppelin/contracts-upgradeable/token/ERC20/ERC20Upgradeable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20 as SoladyERC20} from "solady/src/tokens/ERC20.sol";

/// @notice OpenZeppelin's ERC-20 as it is: no checks of who holds or moves.
contract PlainToken is ERC20 {
    constructor() ERC20("Plain", "PLAIN") {
        _mint(msg.sender, 1e18);
    }
}

/// @notice OpenZeppelin's proxy as it is.
contract PlainProxy is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}
}

/// @notice OpenZeppelin's ERC-20, to stand behind it.
contract PlainProxiedToken is ERC20Upgradeable {
    function initialize() external initializer {
        __ERC20_init("Plain", "PLAIN");
        _mint(msg.sender, 1e18);
    }
}

/// @notice Solady's ERC-20 as it is.
contract SoladyToken is SoladyERC20 {
    constructor() {
        _mint(msg.sender, 1e18);
    }

    function name() public pure override returns (string memory) {
        return "Solady";
    }

    function symbol() public pure override returns (string memory) {
        return "SOLADY";
    }
}

/// @notice Passes every call on to the token: what a hold costs with the least of notaries around it.
contract ForwardingNotary {
    address private immutable TOKEN;

    constructor(address token) {
        TOKEN = token;
    }

    fallback() external {
        address token = TOKEN;
        assembly {
            calldatacopy(0, 0, calldatasize())
            if iszero(call(gas(), token, 0, 0, calldatasize(), 0, 0)) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
