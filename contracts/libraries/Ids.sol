// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice EIP-712 struct hash of an order's terms.
type OrderId is bytes32;

/// @notice EIP-712 struct hash of a trade.
type TradeId is bytes32;

/// @notice EIP-712 struct hash of a payment rule.
type RuleId is bytes32;

using {eqOrder as ==} for OrderId global;
using {eqTrade as ==} for TradeId global;

function eqOrder(OrderId a, OrderId b) pure returns (bool) {
    return OrderId.unwrap(a) == OrderId.unwrap(b);
}

// slither-disable-next-line dead-code (an operator of its type: bound by `using`)
function eqTrade(TradeId a, TradeId b) pure returns (bool) {
    return TradeId.unwrap(a) == TradeId.unwrap(b);
}
