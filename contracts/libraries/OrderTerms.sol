// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {OrderId} from "./Ids.sol";

/// @notice When the money of a milestone moves into place.
enum Mode {
    PREFUND, // held before the goods: Open -> Funded -> Accepted -> Released
    ON_ATTEST // owed once the goods are attested: Open -> Due -> Released
}

/// @notice One step of an order. Amounts in minor units, dates in unix seconds, durations in seconds.
struct Milestone {
    uint88 amount; // > 0
    Mode mode;
    uint32 payer; // participant; buyer unless the terms name another
    uint8 requiredStatus; // 1..255, the status that releases
    uint40 fundBy; // PREFUND: last second to fund, <= attestBy; ON_ATTEST: 0
    uint40 attestBy; // last second the required status may carry
    uint32 inspection; // after acceptance; 0: released by anyone from the attesting transaction on
    uint32 payWithin; // ON_ATTEST: after acceptance; > 0
    uint32 rulingWithin; // after a dispute; > 0
    bool partialDelivery; // accepted amounts are cumulative and paid as they come; needs inspection 0
}

/// @notice What buyer and seller sign. Parties are participant ids, never addresses.
struct Terms {
    uint32 buyer;
    uint32 seller;
    address token;
    bytes32 orderReference;
    bytes32 documentRoot;
    uint32 arbiter; // participant, no party; 0: none, disputes end by the fallback
    uint32 attesterSet;
    uint32 floorEpoch; // attestations under an older set epoch never count
    uint8 threshold; // M
    uint16 fallbackSplit; // the seller's part in basis points (0..10,000) where a party disputed and nobody ruled
    uint32 submitGrace; // attestEnd = attestBy + submitGrace
    uint256 negativeStatuses; // bit s set: status s disputes
    uint40 openBy; // deadline of both signatures
    Milestone[] milestones; // 1..16
}

/// @notice What M attesters of the order's set sign about one milestone.
struct Attestation {
    OrderId orderId;
    uint8 milestone;
    uint48 seq; // >= 1, the source's own revision or timestamp
    uint8 status;
    uint88 accepted; // partial deliveries: cumulative minor units; else 0
    bool complete; // partial deliveries: nothing more will come
    uint40 attestedAt; // when the status was reached
    bytes32 documentHash;
    uint32 setEpoch;
    uint40 deadline; // of the signatures
}

/// @notice Both parties share out what is unpaid of a milestone.
struct Agreement {
    OrderId orderId;
    uint8 milestone;
    uint88 sellerAmount; // the seller's part of `unpaid`
    uint88 unpaid; // what the parties believe is unpaid; must be so
    uint256 nonce; // any number; makes two equal agreements distinct
    uint40 deadline;
}

/// @notice Both parties cancel a milestone that is Open.
struct Cancellation {
    OrderId orderId;
    uint8 milestone;
    uint40 deadline;
}

/// @notice Both parties put the order `next` in the place of `previous`.
struct Amendment {
    OrderId previous;
    OrderId next;
    uint40 deadline;
}

/// @notice EIP-712 struct hashes of everything that is signed about orders. The type strings are final: documents
/// signed under them live for years.
library OrderTerms {
    bytes32 internal constant MILESTONE_TYPEHASH = keccak256(
        "Milestone(uint88 amount,uint8 mode,uint32 payer,uint8 requiredStatus,uint40 fundBy,uint40 attestBy,uint32 inspection,uint32 payWithin,uint32 rulingWithin,bool partialDelivery)"
    );
    bytes32 internal constant TERMS_TYPEHASH = keccak256(
        "Terms(uint32 buyer,uint32 seller,address token,bytes32 orderReference,bytes32 documentRoot,uint32 arbiter,uint32 attesterSet,uint32 floorEpoch,uint8 threshold,uint16 fallbackSplit,uint32 submitGrace,uint256 negativeStatuses,uint40 openBy,Milestone[] milestones)Milestone(uint88 amount,uint8 mode,uint32 payer,uint8 requiredStatus,uint40 fundBy,uint40 attestBy,uint32 inspection,uint32 payWithin,uint32 rulingWithin,bool partialDelivery)"
    );
    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(bytes32 orderId,uint8 milestone,uint48 seq,uint8 status,uint88 accepted,bool complete,uint40 attestedAt,bytes32 documentHash,uint32 setEpoch,uint40 deadline)"
    );
    bytes32 internal constant AGREEMENT_TYPEHASH = keccak256(
        "Agreement(bytes32 orderId,uint8 milestone,uint88 sellerAmount,uint88 unpaid,uint256 nonce,uint40 deadline)"
    );
    bytes32 internal constant CANCELLATION_TYPEHASH =
        keccak256("Cancellation(bytes32 orderId,uint8 milestone,uint40 deadline)");
    bytes32 internal constant AMENDMENT_TYPEHASH =
        keccak256("Amendment(bytes32 previous,bytes32 next,uint40 deadline)");

    // Structs of value types lie in calldata exactly as EIP-712 encodes them, so they are copied and not encoded anew.
    // A word with bits beyond its type hashes to something nobody signed, and reading it as its type reverts.

    /// @notice The order's id: the struct hash of its terms (chain and contract are bound by the signatures' domain).
    function id(Terms calldata t) internal pure returns (OrderId orderId) {
        bytes32 milestones = _hash(t.milestones);
        bytes32 typehash = TERMS_TYPEHASH;
        assembly ("memory-safe") {
            let data := mload(64)
            mstore(data, typehash)
            calldatacopy(add(data, 32), t, 416) // buyer to openBy: 13 words
            mstore(add(data, 448), milestones)
            orderId := keccak256(data, 480)
        }
    }

    function _hash(Milestone[] calldata milestones) private pure returns (bytes32 all) {
        bytes32 typehash = MILESTONE_TYPEHASH;
        assembly ("memory-safe") {
            let hashes := mload(64)
            let size := mul(milestones.length, 32)
            let data := add(hashes, size)
            mstore(data, typehash)
            for { let i := 0 } lt(i, size) { i := add(i, 32) } {
                calldatacopy(add(data, 32), add(milestones.offset, mul(i, 10)), 320) // 10 words each
                mstore(add(hashes, i), keccak256(data, 352))
            }
            all := keccak256(hashes, size)
        }
    }

    /// @notice Struct hash of an attestation.
    function hash(Attestation calldata a) internal pure returns (bytes32 structHash) {
        bytes32 typehash = ATTESTATION_TYPEHASH;
        assembly ("memory-safe") {
            let data := mload(64)
            mstore(data, typehash)
            calldatacopy(add(data, 32), a, 320)
            structHash := keccak256(data, 352)
        }
    }

    /// @notice What an attestation says, apart from who signs it until when: two of one seq must agree in this.
    function content(Attestation calldata a) internal pure returns (bytes32 said) {
        assembly ("memory-safe") {
            let data := mload(64)
            calldatacopy(data, a, 256) // orderId to documentHash: 8 words
            said := keccak256(data, 256)
        }
    }

    /// @notice Struct hash of an agreement.
    function hash(Agreement calldata a) internal pure returns (bytes32) {
        return keccak256(abi.encode(AGREEMENT_TYPEHASH, a));
    }

    /// @notice Struct hash of a cancellation.
    function hash(Cancellation memory c) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCELLATION_TYPEHASH, c));
    }

    /// @notice Struct hash of an amendment.
    function hash(Amendment memory a) internal pure returns (bytes32) {
        return keccak256(abi.encode(AMENDMENT_TYPEHASH, a));
    }

    /// @notice The reference of a payment back on a credit note: what the seller's consent names.
    function creditReference(bytes32 milestoneReference, bytes32 creditNote) internal pure returns (bytes32) {
        return keccak256(abi.encode(milestoneReference, creditNote));
    }

    /// @notice The reference under which a milestone's money is held: what a payer's consent names.
    function holdReference(OrderId orderId, uint256 milestone) internal pure returns (bytes32) {
        return keccak256(abi.encode(orderId, milestone));
    }
}

// slither-disable-end assembly
