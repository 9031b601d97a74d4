// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderId} from "../libraries/Ids.sol";

/// @title What an order says of itself: states, events, errors
/// @dev Home of what {IOrderEscrow} and {IOrderExtension} share; both are one contract at one address.
interface IOrderBook {
    enum State {
        None,
        Open,
        Funded,
        Accepted,
        Due,
        Disputed,
        Released,
        Refunded,
        Cancelled
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
        address payer; // the wallet that paid; 0 while nothing is held
        uint88 accepted; // partial or decided: the seller's cumulative claim
        uint88 settled; // partial or decided: paid or released of it
        uint40 delayBy; // seconds by which attestBy was put off before funding
        uint40 delayEnd; // seconds by which attestEnd was put off before funding
        bytes32 contentDigest; // of the last attestation while live (as far as kept)
    }

    /// @notice A payer's signed consent to one hold (IDepositToken.hold).
    struct ConsentSignature {
        address payer;
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    event OrderOpened(
        OrderId indexed orderId,
        uint32 indexed buyer,
        uint32 indexed seller,
        address token,
        bytes32 orderReference,
        uint256 milestones
    );
    event MilestoneFunded(OrderId indexed orderId, uint256 indexed milestone, address indexed payer, uint256 amount);
    /// @dev `counted` false: recorded, changed nothing.
    event StatusAttested(
        OrderId indexed orderId, uint256 indexed milestone, uint8 status, uint48 seq, uint88 accepted, uint40 attestedAt, bytes32 documentHash, bool counted
    );
    event AttestationIgnored(OrderId indexed orderId, uint256 indexed milestone, uint48 seq, uint48 lastSeq);
    event MilestoneAccepted(OrderId indexed orderId, uint256 indexed milestone, uint256 accepted);
    event MilestoneDue(OrderId indexed orderId, uint256 indexed milestone, uint256 amount);
    event MilestoneDisputed(OrderId indexed orderId, uint256 indexed milestone, bool byParty, uint32 participant);
    event MilestoneDecided(
        OrderId indexed orderId, uint256 indexed milestone, uint256 sellerAmount, uint256 payerAmount, Decision how
    );
    /// @dev Every movement to the seller, partial ones too.
    event MilestoneReleased(OrderId indexed orderId, uint256 indexed milestone, address indexed to, uint256 amount);
    /// @dev Every movement back to the payer.
    event MilestoneRefunded(OrderId indexed orderId, uint256 indexed milestone, address indexed to, uint256 amount);
    event MilestoneCancelled(OrderId indexed orderId, uint256 indexed milestone, bytes32 orderHash);
    /// @dev After each change of state.
    event MilestoneStateChanged(OrderId indexed orderId, uint256 indexed milestone, State from, State to);
    event ItemSkipped(OrderId indexed orderId, uint256 indexed milestone, bytes reason);

    enum Decision {
        RULING,
        AGREEMENT,
        FALLBACK
    }

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
    error AgreementUsed(bytes32 agreement);
    error AlreadyDecided(OrderId orderId, uint256 milestone);
    error NotDisputable(OrderId orderId, uint256 milestone);
    error FallbackOpen(OrderId orderId, uint256 milestone);
    error FallbackNotOpen(OrderId orderId, uint256 milestone);
    error NothingOwed(OrderId orderId, uint256 milestone);
    error OrderHashMissing();
    error OnlyDepositToken(address caller);
    error SplitTooLarge(uint256 sellerAmount, uint256 unpaid);
    error ItemFailed(OrderId orderId, uint256 milestone);

    function attesterSets() external view returns (address);
    function registry() external view returns (address);
}
