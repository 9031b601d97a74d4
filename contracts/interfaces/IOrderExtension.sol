// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";
import {Agreement, Attestation, Terms} from "../libraries/OrderTerms.sol";
import {IOrderBook} from "./IOrderBook.sol";

/// @title What of the escrow is not the usual life of an order: batches, cancellations, disputes, decisions
interface IOrderExtension is IOrderBook {
    // ---- many at once ----

    /// @notice As `release`, each with the caller's rights. An item that has moved on or is refused is skipped with
    /// ItemSkipped; one that runs out of gas undoes the batch (ItemFailed). Lists of other lengths panic.
    function releaseMany(Terms[] calldata terms, uint256[] calldata milestones) external;
    /// @notice As `attestAndRelease`, and skipping as `releaseMany`.
    function attestMany(Terms[] calldata terms, Attestation[] calldata attestations, bytes[][] calldata signatures)
        external;

    // ---- cancelling and giving back ----

    /// @notice Open → Cancelled: anyone, strictly after fundBy (PREFUND) or attestEnd (ON_ATTEST).
    function cancel(Terms calldata terms, uint256 milestone) external;
    /// @notice Open → Cancelled at any time: both current wallets signed Cancellation(bytes32 orderId,uint8
    /// milestone,uint40 deadline); empty for the one that calls.
    function cancelTogether(
        Terms calldata terms,
        uint256 milestone,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external;
    /// @notice Due → Cancelled, by the seller.
    function writeOff(Terms calldata terms, uint256 milestone) external;
    /// @notice Funded, Accepted → Refunded: all that is unpaid, by the seller. Funded: by anyone, strictly after
    /// attestEnd. What was accepted of a partial delivery, but could not be paid at once, is the seller's for good: it
    /// then waits as Accepted.
    function refund(Terms calldata terms, uint256 milestone) external;

    // ---- disputes ----
    /// @notice By buyer or seller: Funded and Open(ON_ATTEST) until attestEnd, Accepted until inspection is over
    /// (never where there is none), Due until payWithin is. A dispute that an attestation opened becomes the party's,
    /// with its full rulingWithin, until the fallback opens. Never once decided.
    function dispute(Terms calldata terms, uint256 milestone) external;
    /// @notice By the arbiter, until the fallback opens: strictly after rulingWithin and after attestEnd.
    /// @dev Decided by ruling, fallback or agreement: the payer's share goes back at once, the seller's stays held as
    /// Accepted for anyone to release (ON_ATTEST: is Due anew), neither inspected nor disputed again. A share of 0
    /// ends it.
    /// @param sellerAmount the seller's part of all that is unpaid, minor units.
    function rule(Terms calldata terms, uint256 milestone, uint88 sellerAmount) external;
    /// @notice By anyone once the fallback is open. Of what is accepted and unpaid (the whole where the highest seq
    /// says the required status, else nothing; `accepted` of a partial delivery) the seller gets fallbackSplit if a
    /// party disputed, rounded down, all of it if an attestation did; the rest goes back.
    function decideByFallback(Terms calldata terms, uint256 milestone) external;
    /// @notice Both current wallets share out all that is unpaid (`unpaidOf`), in any live state but an unfunded PREFUND. Each
    /// agreement serves once; a signature is empty for the one that calls.
    function agree(
        Terms calldata terms,
        Agreement calldata agreement,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external;
    /// @notice On a compliance order (RESOLUTION, delayed): releases the hold and freezes as much of the payer's money in
    /// the same call. Nothing is lost by the delay: freezing a party, which has none, keeps the hold where it is.
    function cancelByOrder(Terms calldata terms, uint256 milestone, bytes32 orderHash) external;

    // ---- views ----

    /// @notice The EIP-712 digests that both parties sign.
    function agreementDigest(Agreement calldata agreement) external view returns (bytes32);
    function cancellationDigest(OrderId id, uint8 milestone, uint40 deadline) external view returns (bytes32);
    function milestoneOf(OrderId id, uint256 milestone) external view returns (MilestoneView memory);
    /// @notice E1: funded = held + released + refunded, in minor units. For ON_ATTEST funded counts what was paid.
    function amountsOf(Terms calldata terms, uint256 milestone)
        external
        view
        returns (uint256 funded, uint256 held, uint256 released, uint256 refunded);
    /// @notice Minor units that an agreement would share out now: neither paid, nor owed since a stop
    /// held its payment up, nor back.
    function unpaidOf(Terms calldata terms, uint256 milestone) external view returns (uint256);
    /// @notice Derived: Due and past payWithin.
    function isOverdue(Terms calldata terms, uint256 milestone) external view returns (bool);
}
