// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Interval} from "../libraries/Interval.sol";
import {Path, Reason} from "../libraries/Reason.sol";
import {IAuthorizations} from "./IAuthorizations.sol";
import {IClearances} from "./IClearances.sol";
import {IMandates} from "./IMandates.sol";
import {IRestrictedAsset} from "./IRestrictedAsset.sol";

/// @title Bank money, one contract per currency
/// @notice Amounts are minor units of the currency (decimals = ISO 4217 minor units), days are UTC (unix seconds / 86,400).
/// `available = max(0, balance - held - frozen)`. Money stays where it is until it is due: a hold earmarks part of the
/// payer's own balance for one notary, who alone can execute it to a payee or release it. A frozen amount binds what is
/// not held, and whatever comes back.
///
/// Trust. A notary can misdirect only what was entrusted to it, by the payer's own call or signature, and can give back of
/// the day's limit no more than what it released. Holds have no expiry here: notaries own time. Compliance can stop money
/// at once and move it only after the governance delay. The issuer can mint up to its ceiling, within its rate, and up to what the auditors of the reserve
/// attest.
///
/// Rules. What each path asks of payer, payee, caller, amount and limit stands in the library Movements, as a table; a
/// refusal is `Refused` and `check` foretells it. Malformed calls (no reference, a reference or nonce used before, zero
/// where nothing would happen, a bad signature, too little allowance) have errors of their own and are not foretold.
///
/// Replay. All money can be rebuilt from the events of this contract, in order of their log index, with the registry's
/// WalletLinked to know whose wallet it is:
/// - balances and supply: ERC-20 `Transfer`, as everywhere.
/// - `heldFor(notary, wallet)`: + Held, - HoldExecuted, - HoldReleased, - HoldNetted, - HoldCancelledByOrder,
///   - HoldRescued, RedemptionSettled: - for notary = this token; HoldMoved from `lost` to `successor`. `held(wallet)` is their sum.
/// - `frozen(wallet)`: what AmountFrozen or AmountUnfrozen last said; Seized: - frozenReleased of `from`; Recovered: 0 for
///   `lost`, + frozen for `successor`.
/// - the limit: DailyLimitSet; of retail customers (the registry's FlagsChanged) no more than RetailTierSet said last. What is spent of a participant's day: + each Held of a wallet of it; + each Transfer from a
///   wallet of it to a wallet of another participant, unless the event right before it in this contract's log is
///   HoldExecuted, RedemptionSettled, Seized, or Recovered with its HoldMoved, or it is one of the Transfers that a
///   NetExecuted announces; + `charged` of NetSettled; - HoldReleased and HoldNetted whose `day` is the block's day, never
///   below 0. It starts at 0 each day.
/// - an issuer's outstanding: + DepositMinted by it, - RedemptionSettled by it (the transaction's caller), never below 0;
///   of its rate: MintRateSet and DepositMinted at their blocks' times, as in the library MintRates.
/// - references: Paid, PaidByMandate and ReferenceVoided; what is left of a mandate: the last PaidByMandate of it;
///   authorizations: AuthorizationUsed and AuthorizationCanceled; redemptions and notaries: their own events; consents:
///   ConsentCancelled, and the calldata of `hold`.
interface IDepositToken is IAuthorizations, IClearances, IMandates, IRestrictedAsset {
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

    /// @notice What one payer puts into a net under one reference: all of a consent, or of what was held for it. It pays
    /// the sum of its legs.
    struct NetSource {
        address payer; // the wallet that consented or paid
        bytes32 ref;
        uint256 day; // UTC day of the hold (unix seconds / 86,400), as the notary says; 0: by the consent below
        uint256 nonce;
        uint256 deadline;
        bytes signature;
        NetLeg[] legs;
    }

    /// @notice A payment before netting.
    struct NetLeg {
        address to;
        uint256 amount;
    }

    // An event that belongs to a movement of balances stands right before its Transfer: Paid, HoldExecuted, DepositMinted,
    // RedemptionSettled, Seized, Recovered.

    /// @dev Only this says what was paid for a reference; of a mandate, PaidByMandate does.
    event Paid(address indexed from, address indexed to, bytes32 indexed ref, uint256 amount, bytes32 remittanceHash);
    event ReferenceVoided(uint32 indexed participant, bytes32 indexed ref, address by);
    /// @dev For a redemption the notary is the token itself.
    event Held(address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount);
    /// @param payer the wallet that paid, or its successor.
    event HoldExecuted(address indexed notary, address indexed payer, address indexed to, uint256 amount, bytes32 ref);
    /// @param day of the hold, as the notary says.
    event HoldReleased(address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount, uint256 day);
    event HoldCancelledByOrder(
        address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount, bytes32 orderHash
    );
    event HoldRescued(address indexed notary, address indexed payer, uint256 amount, bytes32 orderHash);
    // A net in this order: HoldNetted and LegNetted by source, NetSettled by wallet, NetExecuted and its Transfers.

    /// @notice A hold that went into a net, as HoldReleased.
    event HoldNetted(address indexed notary, address indexed payer, bytes32 indexed ref, uint256 amount, uint256 day);
    /// @notice What was paid for `ref`: balances change by the nets. `payer` as in HoldExecuted.
    event LegNetted(address indexed payer, address indexed to, bytes32 indexed ref, uint256 amount);
    /// @notice A wallet's position, also where it comes to nothing.
    /// @param charged to the limit of its participant for all its wallets; said once, with the first of them.
    event NetSettled(address indexed notary, address indexed wallet, uint256 paid, uint256 received, uint256 charged);
    /// @param transfers how many Transfers that belong to it follow at once.
    event NetExecuted(address indexed notary, uint256 legs, uint256 transfers);
    event ConsentCancelled(address indexed payer, uint256 nonce);
    event NotaryStatusChanged(address indexed notary, NotaryStatus status);
    event DepositMinted(address indexed issuer, address indexed to, bytes32 indexed depositRef, uint256 amount);
    event MintCeilingSet(address indexed issuer, uint256 ceiling);
    /// @param amount minor units in any `period` seconds, and as much at once
    event MintRateSet(address indexed issuer, uint256 amount, uint256 period);
    event ReserveSet(address indexed reserve);
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
    /// @param frozen all that is frozen of the wallet now.
    event AmountFrozen(address indexed wallet, uint256 amount, uint256 frozen, bytes32 orderHash);
    event AmountUnfrozen(address indexed wallet, uint256 amount, uint256 frozen, bytes32 orderHash);
    event Seized(address indexed from, address indexed to, uint256 amount, uint256 frozenReleased, bytes32 orderHash);
    /// @dev Followed by one HoldMoved per notary with a hold and by a Transfer of the whole balance.
    event Recovered(
        address indexed lost, address indexed successor, uint256 balance, uint256 frozen, bytes32 orderHash
    );
    event HoldMoved(address indexed notary, address indexed lost, address indexed successor, uint256 amount);
    event DailyLimitSet(uint32 indexed participant, uint256 limit);
    event SponsorCeilingSet(uint32 indexed sponsor, uint256 ceiling);
    event RetailTierSet(uint256 dailyLimit, uint256 maxBalance);
    // slither-disable-next-line unindexed-event-address (found by its kind, of which there are few)
    event Paused(address by);
    // slither-disable-next-line unindexed-event-address (found by its kind, of which there are few)
    event Unpaused(address by);

    /// @notice A movement that the rules refuse. `account` is whom the reason is about; `has` and `needs` are the numbers
    /// behind it (minor units), 0 where there are none.
    error Refused(Path path, Reason reason, address account, uint256 has, uint256 needs);
    error AlreadyPaid(bytes32 ref);
    error AlreadyMinted(bytes32 depositRef);
    error ReferenceMissing();
    /// @notice Nothing to pay, hold, mint, freeze or seize. A plain ERC-20 transfer of zero passes, as the standard wants.
    error ZeroAmount();
    error BatchEmpty();
    /// @notice Beyond what the sponsor may set, or the retail tier allows.
    error LimitAboveCeiling(uint32 participant, uint256 limit, uint256 ceiling);
    /// @notice Compliance lowered it; the sponsor may lower it further.
    error LimitHeldDown(uint32 participant, uint256 limit);
    error BatchTooLong(uint256 length, uint256 most);
    error AmountTooLarge(uint256 amount);
    error ConsentExpired(uint256 deadline, uint256 nowSeconds);
    /// @dev A consent whose deadline is more than 1096 days ahead when it is brought.
    error SignatureDeadlineTooFar(uint256 deadline, uint256 latest);
    error ConsentSpent(address payer, uint256 nonce);
    error InvalidConsent(address payer);
    error NotaryRefusedHold(address notary);
    error NotaryAlreadyRegistered(address notary);
    /// @notice Not a contract, not registered, not in a state to go there from, or the token itself.
    error InvalidNotary(address notary);
    error NotaryNotStopped(address notary);
    error RedemptionExists(uint32 participant, bytes32 ref);
    error RedemptionNotIn(RedemptionStatus expected, RedemptionStatus actual);
    error EvidenceMissing();
    /// @notice Not a contract.
    error InvalidReserve(address reserve);
    error InvalidIssuer(address issuer);
    error InvalidMintPeriod(uint256 period, uint256 most);
    error OrderHashMissing();
    error FrozenTooLittle(uint256 frozen, uint256 amount);
    error LimitNotLower(uint32 participant, uint256 limit, uint256 requested);
    /// @notice The caller is neither a linked wallet of the participant nor an issuer.
    error NotOwnReference(uint32 participant, address caller);
    error UnknownParticipantOfWallet(address wallet);
    error AlreadyPaused();
    error NotPaused();

    // ---- paying (TRANSFER) ----

    /// @notice Pays once per (participant, ref), for ever. `remittance` travels in the calldata, its keccak256 in the event.
    /// @param ref not 0. Payments whose references differ in the last byte only share a storage word and cost less.
    function pay(address to, uint256 amount, bytes32 ref, bytes calldata remittance) external;
    /// @notice All or none, at most 500, each as by `pay`.
    function payBatch(Payment[] calldata payments) external;
    /// @notice Spends a reference without paying: by a wallet of the participant, or the bank (issuer).
    function voidReference(uint32 participant, bytes32 ref) external;

    // ---- holding (HOLD, EXECUTE, RELEASE) ----

    /// @notice By an ACTIVE notary, with the payer's signed
    /// Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline), EIP-712 domain: the
    /// token's name, version "1". A key signs, or a contract wallet by ERC-1271.
    /// @param nonce any number not used before; it is spent by the hold, or by `cancelConsent`.
    /// @param deadline the last second in which it may be used.
    function hold(address payer, uint256 amount, bytes32 ref, uint256 nonce, uint256 deadline, bytes calldata signature)
        external;
    /// @notice `hold` and at once `execute` of the whole, in one movement: the same rules, events and consent.
    function executeByConsent(
        address payer,
        address to,
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
    /// @notice By a notary: up to 256 payments by consents and out of holds in one movement, all or none. Every leg asks
    /// its payer, its payee and their pair as if it came alone, also where nothing is left of it; every consent and hold is
    /// used up. Each wallet changes by its net: what it pays by consents must be available or come in, beyond what is
    /// frozen. A participant is charged its net outflow only; its holds of today give back what they were charged.
    function executeNet(NetSource[] calldata sources) external;
    /// @notice By the notary: gives back. `day` is the UTC day (unix seconds / 86,400) of the hold; the daily limit is
    /// given back only where that is today.
    function release(address payer, uint256 amount, bytes32 ref, uint256 day) external;
    /// @notice By the notary, on a compliance order it has checked: releases and freezes as much of the payer's money.
    function cancelByOrder(address payer, uint256 amount, bytes32 ref, bytes32 orderHash) external;
    /// @notice By the payer: the consent with this nonce shall not be used.
    function cancelConsent(uint256 nonce) external;

    // ---- deposits and redemption ----
    /// @notice By an issuer, once per deposit reference, up to its ceiling and rate, and never above what the reserve has
    /// attested and fresh.
    /// @param depositRef of the deposit in the bank's books; not 0.
    function mint(bytes32 depositRef, address to, uint256 amount) external;
    /// @notice Holds the amount for the bank, which then pays out fiat.
    /// @param ref unique per participant, not 0; apart from the references of payments.
    /// @param payoutHash salted hash of where the fiat shall go, not 0.
    function requestRedemption(uint256 amount, bytes32 ref, bytes32 payoutHash) external;
    /// @notice By an issuer: the fiat payout was ordered.
    function instructRedemption(uint32 participant, bytes32 ref) external;
    /// @notice By an issuer: the fiat left; burns.
    /// @param fiatReference of the fiat payment, not 0.
    function settleRedemption(uint32 participant, bytes32 ref, bytes32 fiatReference) external;
    /// @notice By an issuer: gives the money back to the wallet, or its successor.
    /// @param evidenceHash required once instructed: that the fiat did not leave, or came back.
    function returnRedemption(uint32 participant, bytes32 ref, bytes32 evidenceHash) external;

    // ---- compliance ----
    /// @notice Adds to what is frozen, also beyond the balance. A lost wallet stands for its successor.
    function freezeAmount(address wallet, uint256 amount, bytes32 orderHash) external;
    /// @notice Delayed. Takes away from what is frozen.
    function unfreezeAmount(address wallet, uint256 amount, bytes32 orderHash) external;
    /// @notice Takes up to balance - held whatever is frozen; lowers `frozen` by at most `frozenReleased`.
    function seize(address from, address to, uint256 amount, uint256 frozenReleased, bytes32 orderHash) external;
    /// @notice Stops what the rules do not let flow while paused; clocks of notaries stop too.
    function pause() external;
    /// @notice Delayed.
    function unpause() external;

    // ---- governance ----
    /// @notice Delayed: raises a limit, or lowers it. Of a retail customer no more than its tier allows.
    /// @param limit minor units a UTC day; 0 lets nothing pass.
    function setDailyLimit(uint32 participant, uint256 limit) external;
    /// @notice At once, downwards only. Of a customer, its sponsor then raises it no more until `setDailyLimit`.
    function decreaseDailyLimit(uint32 participant, uint256 limit) external;
    /// @notice At once, by the sponsor of that customer (ISponsorships): up or down, up to the sponsor's ceiling, also where the
    /// bank had set another limit, but not above what compliance lowered it to.
    function setCustomerLimit(uint32 participant, uint256 limit) external;
    /// @notice Delayed. The most that a sponsor may set as a customer's daily limit; limits set before stay.
    /// @param ceiling minor units a UTC day; 0 lets nothing pass.
    function setSponsorCeiling(uint32 sponsor, uint256 ceiling) external;
    /// @notice Delayed. What every retail customer may pay out a UTC day and hold at most, over all its wallets. A tier below
    /// a limit set before binds at once; who holds more keeps it, and takes no payment. A seizure asks no ceiling.
    /// @param dailyLimit minor units; 0 lets nothing pass.
    /// @param maxBalance minor units; 0 lets nothing pass.
    // slither-disable-next-line shadowing-local (the function of that name is not called here)
    function setRetailTier(uint256 dailyLimit, uint256 maxBalance) external;
    /// @param ceiling minor units minted and not redeemed; 0 lets nothing pass.
    function setMintCeiling(address issuer, uint256 ceiling) external;
    /// @notice Delayed. An issuer mints at most `amount` at once, and that much again as `period` seconds pass.
    /// @param amount minor units; 0 lets nothing pass.
    /// @param period 1 second to 366 days.
    function setMintRate(address issuer, uint256 amount, uint256 period) external;
    /// @notice Delayed. What backs this token from now on (IReserve); 0 lets nothing be minted.
    function setReserve(address reserve_) external;
    /// @notice Delayed. Admits a contract that may hold money with the payer's word. Never deleted.
    function registerNotary(address notary) external;
    /// @notice At once, from ACTIVE: no new holds, the present ones end as they may.
    function runOffNotary(address notary) external;
    /// @notice At once: the notary may do nothing.
    function stopNotary(address notary) external;
    /// @notice Delayed. Back to ACTIVE.
    function resumeNotary(address notary) external;
    /// @notice Gives back to the payer what a STOPPED notary holds of it.
    function rescueHold(address notary, address payer, uint256 amount, bytes32 orderHash) external;

    // ---- views ----

    /// @notice What execution would do on this path, for every path: OK exactly where it would not revert `Refused` (for
    /// RECOVER: `OnlyRegistry`). `caller` is who would call the token
    /// (for MINT the issuer; for EXECUTE, RELEASE, CANCEL_BY_ORDER the notary; for HOLD the notary).
    function check(Path path, address caller, address from, address to, uint256 amount) external view returns (Reason);
    /// @notice The same of `executeNet` by `notary`: OK exactly where it would not revert `Refused`, and whom the reason is
    /// about. Consents are not looked at.
    function checkNet(address notary, NetSource[] calldata sources) external view returns (Reason, address);
    /// @notice What the wallet may pay now, by amount; minor units.
    function available(address wallet) external view returns (uint256);
    /// @notice By all notaries.
    function held(address wallet) external view returns (uint256);
    /// @notice Follows successors of lost wallets.
    function heldFor(address notary, address wallet) external view returns (uint256);
    /// @notice May be more than the balance.
    function frozen(address wallet) external view returns (uint256);
    /// @notice As it was set; a retail customer's tier may allow less by now.
    function dailyLimit(uint32 participant) external view returns (uint256 limit, uint256 spentToday);
    function sponsorCeiling(uint32 sponsor) external view returns (uint256);
    function retailTier() external view returns (uint256 dailyLimit_, uint256 maxBalance);
    function referenceState(uint32 participant, bytes32 ref) external view returns (ReferenceState);
    /// @notice By wallet, lost ones too.
    function referenceState(address wallet, bytes32 ref) external view returns (ReferenceState);
    /// @notice True only where it was paid, not where it was voided.
    function paid(uint32 participant, bytes32 ref) external view returns (bool);
    function mintedFor(bytes32 depositRef) external view returns (bool);
    function mintCeiling(address issuer) external view returns (uint256 ceiling, uint256 outstanding);
    /// @return amount minor units
    /// @return period seconds in which that much comes back
    /// @return free minor units that the rate lets pass now
    function mintRate(address issuer) external view returns (uint256 amount, uint256 period, uint256 free);
    /// @notice What backs this token; 0: nothing.
    function reserve() external view returns (address);
    function redemptionOf(uint32 participant, bytes32 ref) external view returns (Redemption memory);
    function consentSpent(address payer, uint256 nonce) external view returns (bool);
    function notaryStatus(address notary) external view returns (NotaryStatus);
    /// @notice All that were ever registered; the token itself comes first.
    function notaries() external view returns (address[] memory);
    function registry() external view returns (address);
    function paused() external view returns (bool);
    /// @notice Times in which the token was paused that end after `from`; ascending and disjoint.
    function pausesSince(uint40 from) external view returns (Interval[] memory);
    function currency() external view returns (string memory);
}
