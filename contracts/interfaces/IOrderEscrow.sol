// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";
import {Attestation, Terms} from "../libraries/OrderTerms.sol";
import {IOrderAmendments} from "./IOrderAmendments.sol";
import {IOrderExtension} from "./IOrderExtension.sol";

/// @title Pays when the order says so
/// @notice Buyer and seller sign terms; a milestone's money is held (PREFUND) or becomes due (ON_ATTEST) and is
/// released when M of N attesters say that the agreed status was reached in time. Terms are hashed to an id and
/// passed again with each call; the escrow keeps packed words per milestone.
///
/// "At or before" counts for the entitled, "strictly after" for the other. attestEnd = attestBy + submitGrace. Every
/// clock skips the token's pauses and the time in which its owner was frozen, suspended or without a linked current
/// wallet: fundBy the payer's; attestBy and attestEnd, until funded, the payer's too; attestEnd the seller's;
/// inspection the buyer's; payWithin both parties'; rulingWithin nobody's.
///
/// A party is whoever calls from a LINKED wallet of that participant; terms, agreements and cancellations are signed
/// by its current wallet. Nothing that moves no money asks whether anybody is good, so it works while paused or
/// frozen. Trust: the attesters of the set the parties chose; the arbiter within what is unpaid; compliance, which
/// can cancel by order and only back to the payer. Liveness: whatever is held can be brought to its end by anybody's
/// calls once the clocks have run out, unless the seller is refused for good; then compliance ends it.
interface IOrderEscrow is IOrderExtension, IOrderAmendments {
    // ---- opening and funding ----

    /// @notice – → Open, every milestone. By anyone; a signature may be empty where the caller is that party's
    /// current wallet.
    /// @dev Refused (InvalidTerms): 1..16 milestones; amount > 0; buyer, seller and arbiter different; a payer named
    /// and not the seller (one that is not the buyer signs no terms: it consents by funding); PREFUND: now <= fundBy
    /// <= attestBy, ON_ATTEST: fundBy 0 and payWithin > 0; attestEnd not over, attestBy at most 1,096 days ahead;
    /// durations at most 366 days, rulingWithin > 0; a partial delivery has no inspection; requiredStatus not 0 and
    /// not negative; 1 <= threshold <= the set's minimum size; floorEpoch <= its epoch; fallbackSplit <= 10,000.
    function open(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature)
        external
        returns (OrderId);

    /// @notice Open → Funded, at or before fundBy: a PREFUND milestone exactly, with the payer's consent over ref =
    /// keccak256(abi.encode(orderId, milestone)). The payer itself may rather call `token.holdAndCall(escrow, amount,
    /// ref, abi.encode(terms, milestone, buyerSignature, sellerSignature))`, which opens the order first where it is
    /// not open (the two signatures are then needed, else empty), and which pays a Due milestone in the same way.
    function fund(Terms calldata terms, uint256 milestone, ConsentSignature calldata consent) external;

    /// @notice Due → Released (or Open, while a partial delivery has more to come): exactly what is due, also late,
    /// by the buyer or the milestone's payer.
    function pay(Terms calldata terms, uint256 milestone, ConsentSignature calldata consent) external;

    // ---- attesting and paying out ----

    /// @notice Funded → Accepted, Open(ON_ATTEST) → Due, or into and out of a dispute. By anyone with M signatures
    /// (format: IAttesterSets.requireAttested) over the attestation; the required status attested by attestBy and
    /// mined by attestEnd. A milestone that is over answers with AttestationIgnored; an unfunded PREFUND one reverts
    /// NotFunded. Of a partial delivery what is newly accepted is paid at once here too; where the token refuses, it
    /// stays held as owed.
    function attest(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures) external;
    /// @notice As `attest`, then releases where the terms allow it at once; leaves Accepted where the payee is refused.
    function attestAndRelease(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures)
        external;
    /// @notice Accepted → Released: the buyer at any time; anyone after inspection, or at once where there is none or
    /// where it was decided. Of a Funded or Disputed partial delivery: what is owed. To the seller's current wallet; reverts with
    /// the token's `Refused` where that is refused.
    function release(Terms calldata terms, uint256 milestone) external;

    // ---- views ----

    /// @notice The EIP-712 struct hash of the terms.
    function orderId(Terms calldata terms) external pure returns (OrderId);
    /// @notice The EIP-712 digests that parties and attesters sign.
    function termsDigest(Terms calldata terms) external view returns (bytes32);
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32);
    /// @notice None for an order or a milestone that was never opened.
    function stateOf(OrderId id, uint256 milestone) external view returns (State);
    /// @notice The contract whose code runs for {IOrderExtension}, by DELEGATECALL.
    function extension() external view returns (address);
    /// @notice The code for amendments and credit notes, run likewise.
    function amendments() external view returns (address);
    function version() external pure returns (string memory);
}
