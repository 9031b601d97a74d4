// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {ISettlement} from "../interfaces/ISettlement.sol";
import {TradeId} from "./Ids.sol";

/// @notice What a leg delivers. CASH is a registered deposit token; it moves out of a hold. Assets move by allowance.
enum LegKind {
    CASH,
    ERC20,
    ERC721,
    ERC1155
}

/// @notice One movement of a trade.
struct Leg {
    LegKind kind;
    address token;
    address from;
    address to; // != from
    uint256 id; // ERC721, ERC1155; else 0
    uint256 amount; // minor units or units; ERC721: 1
}

/// @notice What every party of a trade affirms: all legs or none.
struct Trade {
    Leg[] legs; // 1..32
    bytes32 tradeReference;
    uint40 settleAfter; // first second in which it may settle
    uint40 expiry; // last second in which it may settle, and deadline of the affirming signatures
    address agent; // may settle a part of the lots; 0: nobody
    uint16 lots; // >= 1; lot k delivers floor(amount*(k+1)/lots) - floor(amount*k/lots) of each leg
}

/// @notice EIP-712 struct hashes of everything that is signed about trades. The type strings are final.
library TradeTerms {
    bytes32 internal constant LEG_TYPEHASH =
        keccak256("Leg(uint8 kind,address token,address from,address to,uint256 id,uint256 amount)");
    bytes32 internal constant TRADE_TYPEHASH = keccak256(
        "Trade(Leg[] legs,bytes32 tradeReference,uint40 settleAfter,uint40 expiry,address agent,uint16 lots)Leg(uint8 kind,address token,address from,address to,uint256 id,uint256 amount)"
    );
    bytes32 internal constant CANCEL_TRADE_TYPEHASH = keccak256("CancelTrade(bytes32 tradeId,uint40 deadline)");

    /// @notice The trade's id: the struct hash of its terms, and the reference that a payer's consent names.
    function id(Trade calldata t) internal pure returns (TradeId tradeId) {
        (tradeId,) = load(t);
    }

    /// @notice The id, and the legs, ready to read.
    /// @dev All that settles passes here, so: one pass over the calldata, each leg copied behind its type hash, hashed
    /// where it stands (six words of value types are laid out as EIP-712 encodes them) and read from there ever after.
    function load(Trade calldata t) internal pure returns (TradeId tradeId, Leg[] memory legs) {
        bytes32 hash;
        (legs, hash) = _load(t.legs);
        tradeId = TradeId.wrap(
            keccak256(abi.encode(TRADE_TYPEHASH, hash, t.tradeReference, t.settleAfter, t.expiry, t.agent, t.lots))
        );
    }

    function _load(Leg[] calldata source) private pure returns (Leg[] memory legs, bytes32 hash) {
        bytes32 typehash = LEG_TYPEHASH;
        uint256 dirty; // bits beyond a member's type, which no encoder makes
        assembly ("memory-safe") {
            legs := mload(0x40)
            let n := source.length
            let size := shl(5, n)
            let pointers := add(legs, 32)
            let hashes := add(pointers, size)
            let place := add(hashes, size)
            mstore(legs, n)
            for { let i := 0 } lt(i, size) { i := add(i, 32) } {
                mstore(place, typehash)
                let leg := add(place, 32)
                calldatacopy(leg, add(source.offset, mul(i, 6)), 192)
                mstore(add(pointers, i), leg)
                mstore(add(hashes, i), keccak256(place, 224))
                let addresses := or(mload(add(leg, 32)), or(mload(add(leg, 64)), mload(add(leg, 96))))
                dirty := or(dirty, or(shr(2, mload(leg)), shr(160, addresses)))
                place := add(place, 224)
            }
            hash := keccak256(hashes, size)
            mstore(0x40, place)
        }
        if (dirty != 0) revert ISettlement.InvalidTrade("legs");
    }

    /// @notice The trade in `abi.encode(trade)`, read in place.
    /// @dev An offset that points elsewhere only makes other terms of it: who decodes compares the id with one that was
    /// named by the party.
    function decode(bytes calldata data) internal pure returns (Trade calldata trade) {
        assembly ("memory-safe") {
            trade := add(data.offset, calldataload(data.offset))
        }
    }

    /// @notice Struct hash of the signature by which a party cancels a matched trade.
    function cancelHash(TradeId tradeId, uint40 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCEL_TRADE_TYPEHASH, tradeId, deadline));
    }
}

// slither-disable-end assembly
