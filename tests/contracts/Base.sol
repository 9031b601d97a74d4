// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EscrowBase} from "./base/EscrowBase.sol";
import {SettlementBase} from "./base/SettlementBase.sol";

/// @notice The whole platform. A test that needs less inherits one of `base/` and compiles less.
abstract contract Base is EscrowBase, SettlementBase {
    function setUp() public virtual override(EscrowBase, SettlementBase) {
        super.setUp();
    }
}
