// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Lots, TradeRules} from "./TradeRules.sol";
import {Leg, LegKind} from "./TradeTerms.sol";

/// @notice What an account has of one thing before a settlement, and by how much that must change.
struct Balance {
    Leg leg; // the first one that concerns it: names the thing
    address account;
    uint256 before;
    int256 delta;
}

/// @notice Moves assets, and believes no token that it did: whatever a token answers, returns or withholds, afterwards
/// each account must have exactly what the legs say, summed over all of them, or nothing happened.
/// @dev CASH is not counted: it is the platform's own token, which moves exactly what it says or reverts.
library Delivery {
    using SafeERC20 for IERC20;

    /// @notice The present balances of everybody whose assets these lots change, and the changes.
    function expected(Leg[] memory legs, Lots memory lots) internal view returns (Balance[] memory balances) {
        assembly ("memory-safe") {
            balances := mload(0x40) // empty, with room for two entries per leg
            mstore(balances, 0)
            mstore(0x40, add(add(balances, 32), shl(6, mload(legs))))
        }
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            if (leg.kind == LegKind.CASH) continue;
            int256 moved = int256(TradeRules.quantity(leg.amount, lots));
            _add(balances, leg, leg.from, -moved);
            _add(balances, leg, leg.to, moved);
        }
    }

    function _add(Balance[] memory balances, Leg memory leg, address account, int256 change) private view {
        uint256 n = balances.length;
        for (uint256 i; i < n; ++i) {
            Balance memory known = balances[i];
            if (known.account != account || !_same(known.leg, leg)) continue;
            known.delta += change;
            return;
        }
        assembly ("memory-safe") {
            mstore(balances, add(n, 1))
        }
        balances[n] = Balance(leg, account, _balanceOf(leg, account), change);
    }

    function _same(Leg memory a, Leg memory b) private pure returns (bool) {
        return a.token == b.token && a.id == b.id && a.kind == b.kind;
    }

    /// @notice Moves an asset by the allowance that its owner gave this contract.
    /// @dev ERC721 by `transferFrom`: a party has affirmed that it wants the title, whatever its wallet is made of.
    function move(Leg memory leg, uint256 quantity) internal {
        if (leg.kind == LegKind.ERC20) {
            // slither-disable-next-line arbitrary-send-erc20 (the wallet has affirmed this very trade: D3)
            IERC20(leg.token).safeTransferFrom(leg.from, leg.to, quantity);
        } else if (leg.kind == LegKind.ERC721) {
            // slither-disable-next-line arbitrary-send-erc20 (the wallet has affirmed this very trade: D3)
            IERC721(leg.token).transferFrom(leg.from, leg.to, leg.id);
        } else {
            IERC1155(leg.token).safeTransferFrom(leg.from, leg.to, leg.id, quantity, "");
        }
    }

    /// @notice Moves what each account gives in the end to accounts that get it in the end, each in the order of the legs.
    function moveNet(Balance[] memory balances) internal {
        uint256 n = balances.length;
        int256[] memory open = new int256[](n);
        for (uint256 i; i < n; ++i) {
            open[i] = balances[i].delta;
        }
        for (uint256 i; i < n; ++i) {
            Leg memory leg = balances[i].leg;
            for (uint256 k; open[i] < 0; ++k) {
                if (open[k] <= 0 || !_same(leg, balances[k].leg)) continue; // deltas of a thing sum to nothing
                int256 moved = -open[i] < open[k] ? -open[i] : open[k];
                (open[i], open[k]) = (open[i] + moved, open[k] - moved);
                uint256 quantity = uint256(moved);
                move(Leg(leg.kind, leg.token, balances[i].account, balances[k].account, leg.id, quantity), quantity);
            }
        }
    }

    /// @notice Reverts DeliveryMismatch unless every balance changed by exactly its delta.
    function verify(Balance[] memory balances) internal view {
        for (uint256 i; i < balances.length; ++i) {
            Balance memory b = balances[i];
            int256 actual;
            unchecked {
                // wraps only for balances that no honest token has; a lying one fools nobody but those who affirmed it
                actual = int256(_balanceOf(b.leg, b.account) - b.before);
            }
            // slither-disable-next-line incorrect-equality (exact deltas are the point: more is as wrong as less)
            if (actual == b.delta) continue;
            revert ISettlement.DeliveryMismatch(b.leg.token, b.leg.id, b.account, b.delta, actual);
        }
    }

    /// @dev By hand: what is no contract, or no such contract, gets an error of its own, and it costs less.
    function _balanceOf(Leg memory leg, address account) private view returns (uint256 has) {
        (LegKind kind, address token, uint256 id) = (leg.kind, leg.token, leg.id);
        (bytes4 selector, uint256 asked, uint256 size) = (IERC20.balanceOf.selector, uint160(account), 36);
        if (kind == LegKind.ERC1155) (selector, size) = (IERC1155.balanceOf.selector, 68);
        else if (kind == LegKind.ERC721) (selector, asked) = (IERC721.ownerOf.selector, id);
        bool answered;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 4), asked)
            mstore(add(data, 36), id)
            answered := staticcall(gas(), token, data, size, 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 31))
            has := mload(0x00)
        }
        if (!answered) revert ISettlement.BalanceUnknown(token, id, account);
        if (kind == LegKind.ERC721) return has == uint160(account) ? 1 : 0;
    }
}

// slither-disable-end assembly
