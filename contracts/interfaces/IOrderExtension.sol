// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";
import {Agreement, Attestation, Terms} from "../libraries/OrderTerms.sol";
import {IOrderBook} from "./IOrderBook.sol";

/// @title What of the escrow is not the usual life of an order: batches, cancellations, disputes, decisions
interface IOrderExtension is IOrderBook {
    // ---- many at once ----

    /// @notice Batch forms skip an item that has moved on or whose payee is refused, with ItemSkipped.
    function releaseMany(Terms[] calldata terms, uint256[] calldata milestones) external;
    function attestMany(Terms[] calldata terms, Attestation[] calldata attestations, bytes[][] calldata signatures) external;

    // ---- cancelling and giving back ----

    /// @notice Anyone, once the funding (PREFUND) or attesting (ON_ATTEST) time has passed; either party with the
    /// other's signature (or both signatures) at any time while Open.
    function cancel(Terms calldata terms, uint256 milestone) external;
    function cancelTogether(
        Terms calldata terms,
        uint256 milestone,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external;
    function writeOff(Terms calldata terms, uint256 milestone) external;
    function refund(Terms calldata terms, uint256 milestone) external;

    // ---- disputes ----
    function dispute(Terms calldata terms, uint256 milestone) external;
    /// @param sellerAmount the seller's part of all that is unpaid, minor units.
    function rule(Terms calldata terms, uint256 milestone, uint88 sellerAmount) external;
    function decideByFallback(Terms calldata terms, uint256 milestone) external;
    function agree(
        Terms calldata terms,
        Agreement calldata agreement,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external;
    /// @notice Compliance only: releases the hold and freezes as much of the payer's money in the same call.
    function cancelByOrder(Terms calldata terms, uint256 milestone, bytes32 orderHash) external;

    // ---- views ----
    function agreementDigest(Agreement calldata agreement) external view returns (bytes32);
    function cancellationDigest(OrderId id, uint8 milestone, uint40 deadline) external view returns (bytes32);
    function milestoneOf(OrderId id, uint256 milestone) external view returns (MilestoneView memory);
    /// @notice E1: funded = held + released + refunded, in minor units. For ON_ATTEST funded counts what was paid.
    function amountsOf(Terms calldata terms, uint256 milestone)
        external
        view
        returns (uint256 funded, uint256 held, uint256 released, uint256 refunded);
    function unpaidOf(Terms calldata terms, uint256 milestone) external view returns (uint256);
    /// @notice Derived: Due and past payWithin.
    function isOverdue(Terms calldata terms, uint256 milestone) external view returns (bool);
}
