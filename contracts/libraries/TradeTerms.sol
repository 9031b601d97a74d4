// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

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
    function id(Trade calldata t) internal pure returns (TradeId) {
        return TradeId.wrap(
            keccak256(
                abi.encode(
                    TRADE_TYPEHASH, _hash(t.legs), t.tradeReference, t.settleAfter, t.expiry, t.agent, t.lots
                )
            )
        );
    }

    /// @dev A calldata leg is laid out exactly as EIP-712 encodes it: six words of value types. Bits beyond a member's
    /// type, which no encoder makes, would only name another trade; whoever reads the member refuses them.
    function _hash(Leg[] calldata legs) private pure returns (bytes32 hash) {
        bytes32 typehash = LEG_TYPEHASH;
        assembly ("memory-safe") {
            let hashes := mload(0x40)
            let size := shl(5, legs.length)
            let scratch := add(hashes, size)
            mstore(scratch, typehash)
            for { let i := 0 } lt(i, size) { i := add(i, 32) } {
                calldatacopy(add(scratch, 32), add(legs.offset, mul(i, 6)), 192)
                mstore(add(hashes, i), keccak256(scratch, 224))
            }
            hash := keccak256(hashes, size)
        }
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
