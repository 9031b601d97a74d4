// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Interval} from "../libraries/Interval.sol";
import {Path, Reason} from "../libraries/Reason.sol";

/// @title Bank money, one contract per currency
/// @notice Amounts are minor units of the currency (decimals = ISO 4217 minor units).
/// `available = max(0, balance - held - frozen)`. Money stays where it is until it is due: a hold earmarks part of the
/// payer's own balance for one notary.
interface IDepositToken {
    enum NotaryStatus {
        NONE,
        ACTIVE,
        RUN_OFF, // execute and release, no new holds
        STOPPED // nothing
    }

    enum ReferenceState {
        UNSPENT,
        PAID,
        VOIDED
    }

    enum RedemptionStatus {
        NONE,
        REQUESTED,
        INSTRUCTED,
        SETTLED,
        RETURNED
    }

    struct Redemption {
        RedemptionStatus status;
        uint88 amount;
        uint40 requestedAt;
        address wallet;
        bytes32 payoutHash;
    }

    struct Payment {
        address to;
        uint256 amount;
        bytes32 ref;
        bytes remittance;
    }

    // Held, HoldReleased, HoldCancelledByOrder change `held`; HoldExecuted, Seized, Recovered and the mint and burn
    // events stand right before their Transfer, which changes the balances.
    event Paid(
        address indexed from, address indexed to, bytes32 indexed ref, uint256 amount, bytes32 remittanceHash
    );
    event ReferenceVoided(uint32 indexed participant, bytes32 indexed ref, address by);
    event Held(address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount);
    event HoldExecuted(
        address indexed notary, address indexed payer, address indexed to, uint256 amount, bytes32 ref
    );
    event HoldReleased(address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount, uint256 day);
    event HoldCancelledByOrder(
        address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount, bytes32 orderHash
    );
    event HoldRescued(address indexed notary, address indexed payer, uint256 amount, bytes32 orderHash);
    event ConsentCancelled(address indexed payer, uint256 nonce);
    event NotaryStatusChanged(address indexed notary, NotaryStatus status);
    event DepositMinted(address indexed issuer, address indexed to, bytes32 indexed depositRef, uint256 amount);
    event MintCeilingSet(address indexed issuer, uint256 ceiling);
    event RedemptionRequested(
        uint32 indexed participant, address indexed wallet, bytes32 indexed ref, uint256 amount, bytes32 payoutHash
    );
    event RedemptionInstructed(uint32 indexed participant, bytes32 indexed ref, address issuer);
    event RedemptionSettled(
        uint32 indexed participant, bytes32 indexed ref, address wallet, uint256 amount, bytes32 fiatReference
    );
    event RedemptionReturned(
        uint32 indexed participant, bytes32 indexed ref, address wallet, uint256 amount, bytes32 evidenceHash
    );
    event AmountFrozen(address indexed wallet, uint256 amount, uint256 frozen, bytes32 orderHash);
    event AmountUnfrozen(address indexed wallet, uint256 amount, uint256 frozen, bytes32 orderHash);
    event Seized(
        address indexed from, address indexed to, uint256 amount, uint256 frozenReleased, bytes32 orderHash
    );
    /// @dev Followed by one HoldMoved per notary with a hold and by a Transfer of the whole balance.
    event Recovered(address indexed lost, address indexed successor, uint256 balance, uint256 frozen, bytes32 orderHash);
    event HoldMoved(address indexed notary, address indexed lost, address indexed successor, uint256 amount);
    event DailyLimitSet(uint32 indexed participant, uint256 limit);
    event Paused(address by);
    event Unpaused(address by);

    /// @notice A movement that the rules refuse. `account` is whom the reason is about; `has` and `needs` are the numbers
    /// behind it (minor units), 0 where there are none.
    error Refused(Path path, Reason reason, address account, uint256 has, uint256 needs);
    error AlreadyPaid(bytes32 ref);
    error AlreadyMinted(bytes32 depositRef);
    error ReferenceMissing();
    error ZeroAmount();
    error BatchTooLong(uint256 length, uint256 most);
    error AmountTooLarge(uint256 amount);
    error ConsentExpired(uint256 deadline, uint256 nowSeconds);
    error ConsentSpent(address payer, uint256 nonce);
    error InvalidConsent(address payer);
    error NotaryRefusedHold(address notary);
    error NotaryAlreadyRegistered(address notary);
    error InvalidNotary(address notary);
    error NotaryNotStopped(address notary);
    error RedemptionExists(uint32 participant, bytes32 ref);
    error RedemptionNotIn(RedemptionStatus expected, RedemptionStatus actual);
    error EvidenceMissing();
    error OrderHashMissing();
    error FrozenTooLittle(uint256 frozen, uint256 amount);
    error NotOwnReference(uint32 participant, address caller);
    error UnknownParticipantOfWallet(address wallet);
    error AlreadyPaused();
    error NotPaused();

    // ---- paying (TRANSFER) ----

    /// @notice Pays once per (participant, ref), for ever. `remittance` travels in the calldata, its keccak256 in the event.
    function pay(address to, uint256 amount, bytes32 ref, bytes calldata remittance) external;
    /// @notice All or none, at most 500.
    function payBatch(Payment[] calldata payments) external;
    /// @notice Spends a reference without paying: by a wallet of the participant, or the bank (issuer).
    function voidReference(uint32 participant, bytes32 ref) external;

    // ---- holding (HOLD, EXECUTE, RELEASE) ----

    /// @notice By an ACTIVE notary, with the payer's signed
    /// Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline).
    function hold(
        address payer,
        uint256 amount,
        bytes32 ref,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;
    /// @notice By the payer itself: holds for `notary` and has it account for the hold in the same transaction.
    function holdAndCall(address notary, uint256 amount, bytes32 ref, bytes calldata data) external;
    /// @notice By the notary: pays `to` out of what it holds of `payer` (the wallet that paid; successors are followed).
    function execute(address payer, address to, uint256 amount, bytes32 ref) external;
    /// @notice By the notary: gives back. `day` is the UTC day (unix seconds / 86,400) of the hold; the daily limit is
    /// given back only where that is today.
    function release(address payer, uint256 amount, bytes32 ref, uint256 day) external;
    /// @notice By the notary, on a compliance order it has checked: releases and freezes as much of the payer's money.
    function cancelByOrder(address payer, uint256 amount, bytes32 ref, bytes32 orderHash) external;
    function cancelConsent(uint256 nonce) external;

    // ---- deposits and redemption ----
    function mint(bytes32 depositRef, address to, uint256 amount) external;
    function requestRedemption(uint256 amount, bytes32 ref, bytes32 payoutHash) external;
    function instructRedemption(uint32 participant, bytes32 ref) external;
    function settleRedemption(uint32 participant, bytes32 ref, bytes32 fiatReference) external;
    /// @param evidenceHash required once instructed: that the fiat did not leave, or came back.
    function returnRedemption(uint32 participant, bytes32 ref, bytes32 evidenceHash) external;

    // ---- compliance ----
    function freezeAmount(address wallet, uint256 amount, bytes32 orderHash) external;
    function unfreezeAmount(address wallet, uint256 amount, bytes32 orderHash) external;
    /// @notice Takes up to balance - held whatever is frozen; lowers `frozen` by at most `frozenReleased`.
    function seize(address from, address to, uint256 amount, uint256 frozenReleased, bytes32 orderHash) external;
    function pause() external;
    function unpause() external;

    // ---- governance ----
    function setDailyLimit(uint32 participant, uint256 limit) external;
    function setMintCeiling(address issuer, uint256 ceiling) external;
    function registerNotary(address notary) external;
    function runOffNotary(address notary) external;
    function stopNotary(address notary) external;
    function resumeNotary(address notary) external;
    /// @notice Gives back to the payer what a STOPPED notary holds of it.
    function rescueHold(address notary, address payer, uint256 amount, bytes32 orderHash) external;

    // ---- views ----

    /// @notice What execution would do on this path, for every path. `caller` is who would call the token
    /// (for MINT the issuer; for EXECUTE, RELEASE, CANCEL_BY_ORDER the notary; for HOLD the notary).
    function check(Path path, address caller, address from, address to, uint256 amount) external view returns (Reason);
    function available(address wallet) external view returns (uint256);
    function held(address wallet) external view returns (uint256);
    function heldFor(address notary, address wallet) external view returns (uint256);
    function frozen(address wallet) external view returns (uint256);
    function dailyLimit(uint32 participant) external view returns (uint256 limit, uint256 spentToday);
    function referenceState(uint32 participant, bytes32 ref) external view returns (ReferenceState);
    /// @notice By wallet, lost ones too.
    function referenceState(address wallet, bytes32 ref) external view returns (ReferenceState);
    function paid(uint32 participant, bytes32 ref) external view returns (bool);
    function mintedFor(bytes32 depositRef) external view returns (bool);
    function mintCeiling(address issuer) external view returns (uint256 ceiling, uint256 outstanding);
    function redemptionOf(uint32 participant, bytes32 ref) external view returns (Redemption memory);
    function consentSpent(address payer, uint256 nonce) external view returns (bool);
    function notaryStatus(address notary) external view returns (NotaryStatus);
    function notaries() external view returns (address[] memory);
    function registry() external view returns (address);
    function paused() external view returns (bool);
    /// @notice Times in which the token was paused that end after `from`; ascending and disjoint.
    function pausesSince(uint40 from) external view returns (Interval[] memory);
    function currency() external view returns (string memory);
}
