// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)

import {IOrderBook} from "../interfaces/IOrderBook.sol";
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

    // What is read from calldata. Structs of value types lie there exactly as EIP-712 encodes them. So each is copied once, behind its type
    // hash, hashed where it stands and read from there ever after. Bits beyond a member's type, which no encoder makes,
    // are refused there.
    //
    // Solidity fills every struct that a function returns with zeroes first, which costs as much as copying these. So the
    // functions that copy answer where in memory the struct is, and are handed out typed as answering the struct.

    /// @notice Of terms: the order's id (their struct hash; chain and contract are bound by the signatures' domain), and
    /// the terms, ready to read.
    function loader()
        internal
        pure
        returns (function(Terms calldata) internal pure returns (OrderId, Terms memory) typed)
    {
        function(Terms calldata) internal pure returns (OrderId, uint256) plain = _loadTerms;
        assembly ("memory-safe") {
            typed := plain
        }
    }

    function _loadTerms(Terms calldata source) private pure returns (OrderId orderId, uint256 t) {
        Milestone[] calldata milestones = source.milestones;
        (bytes32 typehash, bytes32 milestoneTypehash) = (TERMS_TYPEHASH, MILESTONE_TYPEHASH);
        uint256 dirty;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, typehash)
            t := add(start, 0x20)
            calldatacopy(t, source, 0x1a0) // buyer to openBy: 13 words
            dirty := or(mload(t), mload(add(t, 0x20))) // buyer, seller
            dirty := or(dirty, or(mload(add(t, 0xa0)), mload(add(t, 0xc0)))) // arbiter, attesterSet
            dirty := shr(32, or(dirty, or(mload(add(t, 0xe0)), mload(add(t, 0x140))))) // floorEpoch, submitGrace
            dirty := or(dirty, shr(160, mload(add(t, 0x40)))) // token
            dirty := or(dirty, shr(8, mload(add(t, 0x100)))) // threshold
            dirty := or(dirty, shr(16, mload(add(t, 0x120)))) // fallbackSplit
            dirty := or(dirty, shr(40, mload(add(t, 0x180)))) // openBy

            // the list, its pointers, the hashes, and each milestone behind its type hash
            let list := add(t, 0x1c0)
            let size := shl(5, milestones.length)
            let hashes := add(add(list, 0x20), size)
            let place := add(hashes, size)
            mstore(list, milestones.length)
            for { let at := 0 } lt(at, size) { at := add(at, 0x20) } {
                mstore(place, milestoneTypehash)
                let m := add(place, 0x20)
                calldatacopy(m, add(milestones.offset, mul(at, 10)), 0x140) // 10 words each
                mstore(add(add(list, 0x20), at), m)
                mstore(add(hashes, at), keccak256(place, 0x160))
                dirty := or(dirty, shr(88, mload(m))) // amount
                dirty := or(dirty, shr(1, or(mload(add(m, 0x20)), mload(add(m, 0x120))))) // mode, partialDelivery
                dirty := or(dirty, shr(8, mload(add(m, 0x60)))) // requiredStatus
                dirty := or(dirty, shr(40, or(mload(add(m, 0x80)), mload(add(m, 0xa0))))) // fundBy, attestBy
                let wide := or(mload(add(m, 0x40)), mload(add(m, 0xc0))) // payer, inspection
                dirty := or(dirty, shr(32, or(wide, or(mload(add(m, 0xe0)), mload(add(m, 0x100)))))) // payWithin, rulingWithin
                place := add(place, 0x160)
            }
            mstore(add(t, 0x1a0), keccak256(hashes, size))
            orderId := keccak256(start, 0x1e0)
            mstore(add(t, 0x1a0), list)
            mstore(0x40, place)
        }
        if (dirty != 0) revert IOrderBook.InvalidTerms("encoding");
    }

    /// @notice The order's id alone.
    function id(Terms calldata source) internal pure returns (OrderId orderId) {
        (orderId,) = _loadTerms(source);
    }

    /// @notice Of an attestation: itself, ready to read, and its struct hash.
    function attestationLoader()
        internal
        pure
        returns (function(Attestation calldata) internal pure returns (Attestation memory, bytes32) typed)
    {
        function(Attestation calldata) internal pure returns (uint256, bytes32) plain = _loadAttestation;
        assembly ("memory-safe") {
            typed := plain
        }
    }

    /// @notice Struct hash of an attestation.
    function hash(Attestation calldata source) internal pure returns (bytes32 structHash) {
        (, structHash) = _loadAttestation(source);
    }

    function _loadAttestation(Attestation calldata source) private pure returns (uint256 a, bytes32 structHash) {
        bytes32 typehash = ATTESTATION_TYPEHASH;
        uint256 dirty;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, typehash)
            a := add(start, 0x20)
            calldatacopy(a, source, 0x140)
            structHash := keccak256(start, 0x160)
            mstore(0x40, add(start, 0x160))
            dirty := shr(8, or(mload(add(a, 0x20)), mload(add(a, 0x60)))) // milestone, status
            dirty := or(dirty, shr(48, mload(add(a, 0x40)))) // seq
            dirty := or(dirty, shr(88, mload(add(a, 0x80)))) // accepted
            dirty := or(dirty, shr(1, mload(add(a, 0xa0)))) // complete
            dirty := or(dirty, shr(40, or(mload(add(a, 0xc0)), mload(add(a, 0x120))))) // attestedAt, deadline
            dirty := or(dirty, shr(32, mload(add(a, 0x100)))) // setEpoch
        }
        if (dirty != 0) revert IOrderBook.InvalidAttestation("encoding");
    }

    /// @notice What an attestation says, apart from who signs it until when: two of one seq must agree in this.
    function content(Attestation memory a) internal pure returns (bytes32 said) {
        assembly ("memory-safe") {
            said := keccak256(a, 0x100) // orderId to documentHash: 8 words
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
    /// keccak256(abi.encode(orderId, milestone))
    function holdReference(OrderId orderId, uint256 milestone) internal pure returns (bytes32 ref) {
        assembly ("memory-safe") {
            mstore(0x00, orderId)
            mstore(0x20, milestone)
            ref := keccak256(0x00, 0x40)
        }
    }
}

// slither-disable-end assembly
