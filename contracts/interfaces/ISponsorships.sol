// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Standing} from "../libraries/Reason.sol";
import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// @title Partner banks and the customers they bring
/// @notice A sponsor is a bank that onboards customers of its own, within what governance granted it. It acts through any
/// linked wallet of its own while it is good. A customer has its sponsor for life, from its registration on.
/// @dev Trust: a sponsor says who its customers are, and may stop them at once; it can lift only what it stopped itself, so
/// it loosens nothing that the bank or compliance decided. Its own suspension or freeze stops all its customers in the
/// same block: they read it, nothing is copied. What it grants them a day is capped in each token (setSponsorCeiling).
/// Replay: a customer's sponsor is what CustomerOnboarded said; Flags.SUSPENDED_BY_SPONSOR follows CustomerSuspended and
/// CustomerReinstated, all other flags FlagsChanged; a sponsor's customers are those onboarded less ParticipantClosed.
interface ISponsorships {
    event SponsorshipSet(uint32 indexed sponsor, uint32 quota, uint40 longestKyc, uint16[] jurisdictions);
    /// @dev Right after its ParticipantRegistered.
    event CustomerOnboarded(uint32 indexed sponsor, uint32 indexed participant);
    event CustomerSuspended(uint32 indexed sponsor, uint32 indexed participant, bytes32 reasonHash);
    event CustomerReinstated(uint32 indexed sponsor, uint32 indexed participant, bytes32 reasonHash);

    /// @notice Only a bank that is not closed sponsors.
    error InvalidSponsor(uint32 participant);
    error TooManyJurisdictions(uint256 length, uint256 most);
    /// @notice The caller's participant was granted no sponsorship (0: it is no wallet of anybody).
    error NotSponsor(address caller, uint32 participant);
    /// @notice The sponsor, or the wallet it acts with, is not good.
    error SponsorNotGood(uint32 sponsor, Standing standing);
    error NotCustomerOf(uint32 participant, uint32 sponsor);
    error SponsorQuotaReached(uint32 sponsor, uint32 quota);
    error JurisdictionNotAllowed(uint32 sponsor, uint16 jurisdiction);
    error KycTermTooLong(uint40 kycExpiry, uint256 latest);
    error SponsorHasCustomers(uint32 sponsor, uint32 customers);

    // ---- what a sponsor may do (governor) ----

    /// @notice Delayed. Grants a bank what it may do as a sponsor, in place of what it was granted before. Customers it has
    /// already stay its own, also beyond a smaller quota. Zero means deny.
    /// @param quota customers that are not closed.
    /// @param longestKyc seconds that a customer's KYC may reach into the future.
    /// @param jurisdictions ISO 3166-1 numeric, in which its customers may be; at most 256.
    function setSponsorship(uint32 participant, uint32 quota, uint40 longestKyc, uint16[] calldata jurisdictions)
        external;

    // ---- the sponsor, about its own customers ----

    /// @notice As `register`, a CORPORATE or RETAIL participant that is the caller's customer.
    function onboardCustomer(
        IParticipantRegistry.Profile calldata profile,
        address wallet,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint32 participant);
    /// @notice As `linkWallet`.
    function linkCustomerWallet(uint32 participant, address wallet, uint256 deadline, bytes calldata signature) external;
    /// @notice As `unlinkWallet`.
    function unlinkCustomerWallet(address wallet) external;
    /// @notice As `renewKyc`, no further than the sponsor's longest term.
    function renewCustomerKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) external;
    /// @notice At once. Counts apart from a suspension by the bank: neither lifts the other.
    function suspendCustomer(uint32 participant, bytes32 reasonHash) external;
    /// @notice Lifts what `suspendCustomer` stopped, and nothing else.
    function reinstateCustomer(uint32 participant, bytes32 reasonHash) external;
    /// @notice As `close`; makes room in the quota.
    function closeCustomer(uint32 participant) external;

    // ---- views ----

    /// @notice As granted; and how many customers it has that are not closed.
    function sponsorshipOf(uint32 sponsor) external view returns (uint32 quota, uint40 longestKyc, uint32 customers);
    /// @notice Whether it may onboard customers there.
    function sponsorsIn(uint32 sponsor, uint16 jurisdiction) external view returns (bool);
    /// @notice Reverts unless `wallet` may act now as the sponsor of `participant`, as every act of a sponsor does.
    /// @return sponsor whose wallet it is.
    function requireSponsorOf(address wallet, uint32 participant) external view returns (uint32 sponsor);
}
