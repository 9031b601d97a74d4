// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Leg, LegKind, Trade} from "./TradeTerms.sol";

/// @notice What a trade must be like before anybody can affirm it, and what follows from its terms alone.
library TradeRules {
    uint256 internal constant MOST_LEGS = 32;
    /// @dev A matched trade binds cash until it expires: nobody can bind it for ever. As long as an order's dates.
    uint256 internal constant LONGEST = 1096 days;

    /// @dev Reverts InvalidTrade with the first field that is wrong. Which tokens are cash is the registry's to say.
    function validate(Trade calldata trade) internal view {
        Leg[] calldata legs = trade.legs;
        uint256 lots = trade.lots;
        uint256 n = legs.length;
        if (n == 0 || n > MOST_LEGS) revert ISettlement.InvalidTrade("legs");
        if (lots == 0) revert ISettlement.InvalidTrade("lots");
        if (trade.settleAfter > trade.expiry) revert ISettlement.InvalidTrade("settleAfter");
        if (trade.expiry > block.timestamp + LONGEST) revert ISettlement.InvalidTrade("expiry");
        for (uint256 i; i < n; ++i) {
            _validate(legs[i], lots);
        }
    }

    function _validate(Leg calldata leg, uint256 lots) private pure {
        (LegKind kind, uint256 amount) = (leg.kind, leg.amount);
        (address from, address to) = (leg.from, leg.to);
        if (leg.token == address(0)) revert ISettlement.InvalidTrade("token");
        if (from == address(0)) revert ISettlement.InvalidTrade("from");
        if (to == address(0) || to == from) revert ISettlement.InvalidTrade("to");
        if (leg.id != 0 && (kind == LegKind.CASH || kind == LegKind.ERC20)) revert ISettlement.InvalidTrade("id");
        // a bound for all that keeps lot arithmetic and sums of legs free of overflow
        if (amount == 0 || amount > type(uint128).max) revert ISettlement.InvalidTrade("amount");
        if (kind != LegKind.ERC721) return;
        if (amount != 1) revert ISettlement.InvalidTrade("amount");
        if (lots != 1) revert ISettlement.InvalidTrade("lots");
    }

    /// @notice What lots [first, first + count) of `lots` deliver of `amount`: lot k delivers
    /// floor(amount * (k + 1) / lots) - floor(amount * k / lots), so that all of them deliver `amount` exactly.
    function quantity(uint256 amount, uint256 first, uint256 count, uint256 lots) internal pure returns (uint256) {
        if (count == lots) return amount;
        return amount * (first + count) / lots - amount * first / lots;
    }

    /// @notice The sum of `payer`'s CASH legs in `token`: what it must hold, in minor units.
    function cashOf(Leg[] calldata legs, address token, address payer) internal pure returns (uint256 sum) {
        for (uint256 i; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            if (leg.kind == LegKind.CASH && leg.token == token && leg.from == payer) sum += leg.amount;
        }
    }
}
