// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";
import {Agreement, Attestation, Terms} from "../libraries/OrderTerms.sol";
import {IOrderExtension} from "./IOrderExtension.sol";

/// @title Pays when the order says so
/// @notice Terms are hashed to an id and passed again with each call; the escrow keeps packed words per milestone.
/// "At or before" counts for the entitled, "strictly after" for the other. Every clock skips the time in which its
/// owner was stopped.
interface IOrderEscrow is IOrderExtension {
    // ---- opening and funding ----

    /// @notice Opens every milestone. A signature may be empty where the caller is that party's current wallet.
    function open(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature) external returns (OrderId);
    /// @notice Funds a PREFUND milestone exactly, with the payer's consent over
    /// ref = keccak256(abi.encode(orderId, milestone)). The payer itself may rather call
    /// `token.holdAndCall(escrow, amount, ref, abi.encode(terms, milestone, buyerSignature, sellerSignature))`, which opens
    /// the order first where it is not open (the two signatures are then needed, else empty), and which pays a Due
    /// milestone in the same way.
    function fund(Terms calldata terms, uint256 milestone, ConsentSignature calldata consent) external;
    /// @notice Pays what is due of an ON_ATTEST milestone, also late.
    function pay(Terms calldata terms, uint256 milestone, ConsentSignature calldata consent) external;

    // ---- attesting and paying out ----

    /// @notice By anyone with M signatures (format: IAttesterSets.requireAttested) over the attestation.
    function attest(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures) external;
    /// @notice As `attest`, then releases where the terms allow it at once; leaves Accepted where the payee is refused.
    function attestAndRelease(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures) external;
    function release(Terms calldata terms, uint256 milestone) external;

    // ---- views ----
    function orderId(Terms calldata terms) external pure returns (OrderId);
    /// @notice The EIP-712 digests that parties and attesters sign.
    function termsDigest(Terms calldata terms) external view returns (bytes32);
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32);
    function stateOf(OrderId id, uint256 milestone) external view returns (State);
    /// @notice The contract whose code runs for {IOrderExtension}, by DELEGATECALL.
    function extension() external view returns (address);
    function version() external pure returns (string memory);
}
