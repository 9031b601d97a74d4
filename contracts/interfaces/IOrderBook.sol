// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";

/// @title What an order says of itself: states, events, errors
/// @dev Home of what {IOrderEscrow} and {IOrderExtension} share; both are one contract at one address.
interface IOrderBook {
    /// @notice From Released on a milestone is over: nothing changes it any more.
    enum State {
        None,
        Open,
        Funded, // PREFUND: the whole amount is held; of a partial delivery, what is not paid yet
        Accepted, // PREFUND: held for the seller, whom `release` pays
        Due, // ON_ATTEST: owed to the seller, whom the buyer or payer pays
        Disputed,
        Released, // paid; also every milestone that paid anything, however it ended
        Refunded, // everything went back to the wallet that paid
        Cancelled, // never funded or never paid, or ended by order
        Amended // another order took its place, and its money where it was held
    }

    /// @notice What is known of a milestone without its terms.
    struct MilestoneView {
        State state;
        bool disputedByParty;
        bool decided;
        bool requiredInTime; // the required status was attested in time at least once
        bool delayed; // stops before funding moved the dates (delayBy, delayEnd)
        uint40 since; // start of the running clock: opening, funding, acceptance or dispute
        uint48 lastSeq;
        uint8 lastStatus;
        address payer; // the wallet that funded (its successors are the registry's to name); 0 if nothing was ever held
        uint88 accepted; // partial or decided: the seller's cumulative claim; Amended: what went over
        uint88 settled; // partial or decided: paid or released of it
        uint40 delayBy; // seconds by which attestBy was put off before funding
        uint40 delayEnd; // seconds by which attestEnd was put off before funding
        bytes32 contentDigest; // upper 216 bits of the last recorded content; 0 where that ended the milestone
    }

    /// @notice A payer's signed consent to one hold (IDepositToken.hold).
    struct ConsentSignature {
        address payer;
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    /// @dev Opens milestones 0 to `milestones` - 1: there is no MilestoneStateChanged for that.
    event OrderOpened(
        OrderId indexed orderId,
        uint32 indexed buyer,
        uint32 indexed seller,
        address token,
        bytes32 orderReference,
        uint256 milestones
    );
    /// @dev Money came into place: held (PREFUND), or about to be paid on (ON_ATTEST). Per milestone, the sum of
    /// these is the sum of what is held, of MilestoneReleased, MilestoneRefunded and MilestoneCarried.
    event MilestoneFunded(OrderId indexed orderId, uint256 indexed milestone, address indexed payer, uint256 amount);
    /// @dev `counted` false: recorded, changed nothing.
    event StatusAttested(
        OrderId indexed orderId,
        uint256 indexed milestone,
        uint8 status,
        uint48 seq,
        uint88 accepted,
        uint40 attestedAt,
        bytes32 documentHash,
        bool counted
    );
    /// @dev Changed nothing: a repetition (seq = lastSeq), an older revision (seq < lastSeq), or a milestone that is
    /// over.
    event AttestationIgnored(OrderId indexed orderId, uint256 indexed milestone, uint48 seq, uint48 lastSeq);
    /// @dev `accepted`: the whole amount, or what is accepted so far of a partial delivery. Not emitted where
    /// attestAndRelease releases in the same call.
    event MilestoneAccepted(OrderId indexed orderId, uint256 indexed milestone, uint256 accepted);
    event MilestoneDue(OrderId indexed orderId, uint256 indexed milestone, uint256 amount);
    /// @dev `participant` 0: by an attested negative status.
    event MilestoneDisputed(OrderId indexed orderId, uint256 indexed milestone, bool byParty, uint32 participant);
    /// @dev payerAmount went back (PREFUND) or is no longer owed (ON_ATTEST).
    event MilestoneDecided(
        OrderId indexed orderId, uint256 indexed milestone, uint256 sellerAmount, uint256 payerAmount, Decision how
    );
    /// @dev Every movement to the seller, partial ones too.
    event MilestoneReleased(OrderId indexed orderId, uint256 indexed milestone, address indexed to, uint256 amount);
    /// @dev Every movement back to the payer; `to` is the wallet that paid, of which a successor receives.
    event MilestoneRefunded(OrderId indexed orderId, uint256 indexed milestone, address indexed to, uint256 amount);
    /// @dev orderHash 0: cancelled by time or by the parties; else by compliance.
    event MilestoneCancelled(OrderId indexed orderId, uint256 indexed milestone, bytes32 orderHash);
    /// @dev After each change of state that no other event tells: not for the opening (OrderOpened), Open → Funded
    /// (MilestoneFunded), nor Released of a milestone that is neither partial nor decided (its one MilestoneReleased).
    event MilestoneStateChanged(OrderId indexed orderId, uint256 indexed milestone, State from, State to);
    /// @dev `reason`: the error with which the item alone would have reverted.
    event ItemSkipped(OrderId indexed orderId, uint256 indexed milestone, bytes reason);

    enum Decision {
        RULING,
        AGREEMENT,
        FALLBACK
    }

    // Times in errors are unix seconds. A deadline is that of the terms; the stops that its clock skips come on top.

    error InvalidTerms(string field);
    error OrderAlreadyOpen(OrderId orderId);
    error UnknownOrder(OrderId orderId);
    error UnknownMilestone(OrderId orderId, uint256 milestone);
    error InvalidPartySignature(OrderId orderId, uint32 participant);
    error OpeningExpired(uint40 openBy, uint256 nowSeconds);
    error AttesterSetOfParty(uint32 setId, uint32 administrator);
    error WrongState(OrderId orderId, uint256 milestone, State state);
    error NotParty(OrderId orderId, address caller);
    error NotArbiter(OrderId orderId, address caller);
    error WrongPayer(OrderId orderId, address payer);
    error WrongToken(address token, address expected);
    error WrongAmount(uint256 amount, uint256 expected);
    error WrongReference(bytes32 ref, bytes32 expected);
    error TooEarly(uint256 notBefore, uint256 nowSeconds);
    error TooLate(uint256 notAfter, uint256 nowSeconds);
    error NotFunded(OrderId orderId, uint256 milestone);
    error ConflictingAttestation(OrderId orderId, uint256 milestone, uint48 seq);
    error InvalidAttestation(string field);
    error AttestedTooLate(uint40 attestedAt, uint256 attestBy);
    error SignatureExpired(uint256 deadline, uint256 nowSeconds);
    error SignatureDeadlineTooFar(uint256 deadline, uint256 latest);
    error AgreementUsed(bytes32 agreement);
    error AlreadyDecided(OrderId orderId, uint256 milestone);
    error NotDisputable(OrderId orderId, uint256 milestone);
    error FallbackOpen(OrderId orderId, uint256 milestone);
    error FallbackNotOpen(OrderId orderId, uint256 milestone);
    error NothingOwed(OrderId orderId, uint256 milestone);
    error OrderHashMissing();
    error OnlyDepositToken(address caller);
    error SplitTooLarge(uint256 sellerAmount, uint256 unpaid);
    /// @dev A batch of no items, or lists that are not of one length.
    error WrongBatch(uint256 items, uint256 others);
    error ItemFailed(OrderId orderId, uint256 milestone);

    function attesterSets() external view returns (address);
    function registry() external view returns (address);
}
