// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {Terms} from "../../../contracts/libraries/OrderTerms.sol";
import {BadInputTable} from "./BadInputTable.sol";
import {OrderBase} from "./OrderBase.sol";

/// @notice A funded order, and what is said of orders that are not there.
abstract contract BadInputOrders is OrderBase, BadInputTable {
    uint256 internal constant MAX = type(uint256).max;
    address internal constant NOBODY = address(0);
    address internal constant STRANGER = address(0xBAD);

    bytes private _known; // a funded order

    function setUp() public virtual override {
        super.setUp();
        subject = address(escrow);
        _remember(_funded(_prefund()));
    }

    function known() internal view returns (Terms memory) {
        return abi.decode(_known, (Terms));
    }

    // ---- orders and milestones that are not there ----

    function _unknownOrder(Terms memory t) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, escrow.orderId(t));
    }

    function _unknownMilestone(Terms memory t, uint256 milestone) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.UnknownMilestone.selector, escrow.orderId(t), milestone);
    }

    function _expired(uint40 deadline) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, deadline, block.timestamp);
    }

    function _tooFar(uint40 deadline) internal view returns (bytes memory) {
        uint256 latest = block.timestamp + 1096 days;
        return abi.encodeWithSelector(IOrderBook.SignatureDeadlineTooFar.selector, deadline, latest);
    }

    function _remember(Terms memory t) internal {
        _known = abi.encode(t);
    }
}
