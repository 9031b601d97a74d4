// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttesterSets} from "../../../contracts/AttesterSets.sol";
import {OrderAmendments} from "../../../contracts/OrderAmendments.sol";
import {OrderEscrow} from "../../../contracts/OrderEscrow.sol";
import {TokenBase} from "./TokenBase.sol";

/// @notice Tokens with the order escrow as their notary, and an (empty) register of attester sets.
abstract contract EscrowBase is TokenBase {
    AttesterSets internal attesterSets;
    OrderEscrow internal escrow;

    function setUp() public virtual override {
        super.setUp();
        attesterSets = new AttesterSets(address(registry));
        escrow = _newEscrow();
        _wire("OrderEscrow", address(escrow));
        vm.label(address(attesterSets), "AttesterSets");
        _registerNotary(usd, address(escrow));
        _registerNotary(eur, address(escrow));
    }

    function _newEscrow() internal returns (OrderEscrow) {
        address amendments = address(new OrderAmendments(address(registry), address(attesterSets)));
        return new OrderEscrow(address(registry), address(attesterSets), address(governance), amendments);
    }
}
