// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {ISettlement} from "../interfaces/ISettlement.sol";
import {TradeRules} from "./TradeRules.sol";
import {Leg, LegKind} from "./TradeTerms.sol";

/// @notice What an account has of one thing before a settlement, and by how much that must change.
struct Balance {
    LegKind kind;
    address token;
    uint256 id;
    address account;
    uint256 before;
    int256 delta;
}

/// @notice Moves assets, and believes no token that it did: whatever a token answers, returns or withholds, afterwards
/// each account must have exactly what the legs say, summed over all of them, or nothing happened.
/// @dev CASH is not counted: it is the platform's own token, which moves exactly what it says or reverts.
library Delivery {
    using SafeERC20 for IERC20;

    /// @notice The present balances of everybody whose assets lots [first, first + count) change, and the changes.
    function expected(Leg[] calldata legs, uint256 first, uint256 count, uint256 lots)
        internal
        view
        returns (Balance[] memory balances)
    {
        uint256 n = legs.length;
        balances = new Balance[](2 * n);
        uint256 used;
        for (uint256 i; i < n; ++i) {
            Leg calldata leg = legs[i];
            if (leg.kind == LegKind.CASH) continue;
            int256 moved = int256(TradeRules.quantity(leg.amount, first, count, lots));
            used = _add(balances, used, leg, leg.from, -moved);
            used = _add(balances, used, leg, leg.to, moved);
        }
        assembly ("memory-safe") {
            mstore(balances, used)
        }
    }

    function _add(Balance[] memory balances, uint256 used, Leg calldata leg, address account, int256 change)
        private
        view
        returns (uint256)
    {
        for (uint256 i; i < used; ++i) {
            Balance memory known = balances[i];
            if (known.account != account || known.token != leg.token || known.id != leg.id) continue;
            if (known.kind != leg.kind) continue;
            known.delta += change;
            return used;
        }
        Balance memory fresh = balances[used];
        (fresh.kind, fresh.token, fresh.id) = (leg.kind, leg.token, leg.id);
        (fresh.account, fresh.delta) = (account, change);
        fresh.before = _balanceOf(fresh);
        return used + 1;
    }

    /// @notice Moves an asset by the allowance that its owner gave this contract.
    /// @dev ERC721 by `transferFrom`: a party has affirmed that it wants the title, whatever its wallet is made of.
    function move(Leg calldata leg, uint256 quantity) internal {
        if (leg.kind == LegKind.ERC20) {
            IERC20(leg.token).safeTransferFrom(leg.from, leg.to, quantity);
        } else if (leg.kind == LegKind.ERC721) {
            IERC721(leg.token).transferFrom(leg.from, leg.to, leg.id);
        } else {
            IERC1155(leg.token).safeTransferFrom(leg.from, leg.to, leg.id, quantity, "");
        }
    }

    /// @notice Reverts DeliveryMismatch unless every balance changed by exactly its delta.
    function verify(Balance[] memory balances) internal view {
        for (uint256 i; i < balances.length; ++i) {
            Balance memory b = balances[i];
            uint256 now_ = _balanceOf(b);
            int256 actual;
            unchecked {
                // wraps only for balances that no honest token has; a lying one fools nobody but those who affirmed it
                actual = int256(now_ - b.before);
            }
            if (actual != b.delta) revert ISettlement.DeliveryMismatch(b.token, b.id, b.account, b.delta, actual);
        }
    }

    function _balanceOf(Balance memory b) private view returns (uint256) {
        if (b.kind == LegKind.ERC721) return IERC721(b.token).ownerOf(b.id) == b.account ? 1 : 0;
        if (b.kind == LegKind.ERC1155) return IERC1155(b.token).balanceOf(b.account, b.id);
        return IERC20(b.token).balanceOf(b.account);
    }
}
