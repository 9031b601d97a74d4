// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Leg, LegKind, Trade} from "./TradeTerms.sol";

/// @notice The lots [first, first + count) of `total`: what one settlement delivers.
struct Lots {
    uint256 first;
    uint256 count;
    uint256 total;
}

/// @notice What a trade must be like before anybody can affirm it, and what its lots deliver.
library TradeRules {
    uint256 internal constant MOST_LEGS = 32;
    /// @dev A matched trade binds cash until it expires: nobody can bind it for ever. As long as an order's dates.
    uint256 internal constant LONGEST = 1096 days;

    /// @dev Reverts InvalidTrade with the first field that is wrong. Which tokens are cash is the registry's to say.
    function validate(Trade calldata trade, Leg[] memory legs) internal view {
        (uint256 lots, uint256 expiry) = (trade.lots, trade.expiry);
        if (legs.length == 0 || legs.length > MOST_LEGS) revert ISettlement.InvalidTrade("legs");
        if (lots == 0) revert ISettlement.InvalidTrade("lots");
        if (trade.settleAfter > expiry) revert ISettlement.InvalidTrade("settleAfter");
        if (expiry > block.timestamp + LONGEST) revert ISettlement.InvalidTrade("expiry");
        for (uint256 i; i < legs.length; ++i) {
            _validate(legs[i], lots);
        }
    }

    function _validate(Leg memory leg, uint256 lots) private pure {
        (LegKind kind, uint256 amount) = (leg.kind, leg.amount);
        (address from, address to) = (leg.from, leg.to);
        if (leg.token == address(0)) revert ISettlement.InvalidTrade("token");
        if (from == address(0)) revert ISettlement.InvalidTrade("from");
        if (to == address(0) || to == from) revert ISettlement.InvalidTrade("to");
        // a bound for all that keeps lot arithmetic and sums of legs free of overflow
        if (amount == 0 || amount > type(uint128).max) revert ISettlement.InvalidTrade("amount");
        if (kind <= LegKind.ERC20) {
            if (leg.id != 0) revert ISettlement.InvalidTrade("id");
        } else if (kind == LegKind.ERC721) {
            if (amount != 1) revert ISettlement.InvalidTrade("amount");
            if (lots != 1) revert ISettlement.InvalidTrade("lots");
        }
    }

    /// @notice What these lots deliver of `amount`: lot k delivers
    /// floor(amount * (k + 1) / total) - floor(amount * k / total), so that all of them deliver `amount` exactly.
    /// @param amount at most type(uint128).max.
    function quantity(uint256 amount, Lots memory lots) internal pure returns (uint256) {
        if (lots.count == lots.total) return amount;
        return amount * (lots.first + lots.count) / lots.total - amount * lots.first / lots.total;
    }
}

// slither-disable-end timestamp
