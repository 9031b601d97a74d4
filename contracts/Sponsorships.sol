// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {Admission} from "./Admission.sol";
import {ISponsorships} from "./interfaces/ISponsorships.sol";
import {Flags} from "./libraries/Flags.sol";

/// @title Sponsorships
/// @notice What partner banks do about their own customers: the acts of Admission within what was granted to them.
abstract contract Sponsorships is Admission {
    uint256 private constant MOST_JURISDICTIONS = 256;

    function _setSponsorship(uint32 participant, uint32 quota, uint40 longestKyc, uint16[] calldata jurisdictions)
        internal
    {
        if (_open(participant).kind != Kind.BANK) revert InvalidSponsor(participant);
        uint256 n = jurisdictions.length;
        if (n > MOST_JURISDICTIONS) revert TooManyJurisdictions(n, MOST_JURISDICTIONS);
        SponsorRecord storage s = _storage().sponsors[participant];
        uint32 grant = ++s.grants;
        s.quota = quota;
        s.longestKyc = longestKyc;
        for (uint256 i; i < n; ++i) {
            if (jurisdictions[i] == 0) revert InvalidJurisdiction(0);
            s.jurisdictions[grant][jurisdictions[i]] = true;
        }
        emit SponsorshipSet(participant, quota, longestKyc, jurisdictions);
    }

    /// @inheritdoc ISponsorships
    function onboardCustomer(Profile calldata profile, address wallet, uint256 deadline, bytes calldata signature)
        external
        returns (uint32 participant)
    {
        uint32 sponsor = _actingSponsor(msg.sender);
        SponsorRecord storage s = _storage().sponsors[sponsor];
        if (s.customers >= s.quota) revert SponsorQuotaReached(sponsor, s.quota);
        if (profile.kind != Kind.CORPORATE && profile.kind != Kind.RETAIL) revert InvalidProfile("kind");
        if (!sponsorsIn(sponsor, profile.jurisdiction)) revert JurisdictionNotAllowed(sponsor, profile.jurisdiction);
        _requireTerm(s, profile.kycExpiry);
        ++s.customers;
        participant = _admit(profile, sponsor, wallet, deadline, signature);
        emit CustomerOnboarded(sponsor, participant);
    }

    /// @inheritdoc ISponsorships
    function linkCustomerWallet(uint32 participant, address wallet, uint256 deadline, bytes calldata signature)
        external
    {
        requireSponsorOf(msg.sender, participant);
        _link(participant, _open(participant), wallet, deadline, signature);
    }

    /// @inheritdoc ISponsorships
    function unlinkCustomerWallet(address wallet) external {
        requireSponsorOf(msg.sender, _linked(wallet).participant);
        _unlink(wallet);
    }

    /// @inheritdoc ISponsorships
    function renewCustomerKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) external {
        uint32 sponsor = requireSponsorOf(msg.sender, participant);
        _requireTerm(_storage().sponsors[sponsor], kycExpiry);
        _renewKyc(participant, kycExpiry, questionnaireHash);
    }

    /// @inheritdoc ISponsorships
    function suspendCustomer(uint32 participant, bytes32 reasonHash) external {
        uint32 sponsor = requireSponsorOf(msg.sender, participant);
        Record storage r = _open(participant);
        if (r.flags & Flags.SUSPENDED_BY_SPONSOR != 0) revert AlreadyStopped(participant);
        r.flags |= Flags.SUSPENDED_BY_SPONSOR;
        _syncStop(participant, r);
        emit CustomerSuspended(sponsor, participant, reasonHash);
    }

    /// @inheritdoc ISponsorships
    function reinstateCustomer(uint32 participant, bytes32 reasonHash) external {
        uint32 sponsor = requireSponsorOf(msg.sender, participant);
        Record storage r = _open(participant);
        if (r.flags & Flags.SUSPENDED_BY_SPONSOR == 0) revert NotStopped(participant);
        r.flags &= ~Flags.SUSPENDED_BY_SPONSOR;
        _syncStop(participant, r);
        emit CustomerReinstated(sponsor, participant, reasonHash);
    }

    /// @inheritdoc ISponsorships
    function closeCustomer(uint32 participant) external {
        requireSponsorOf(msg.sender, participant);
        _close(participant);
    }

    function _requireTerm(SponsorRecord storage s, uint40 kycExpiry) private view {
        uint256 latest = block.timestamp + s.longestKyc;
        if (kycExpiry > latest) revert KycTermTooLong(kycExpiry, latest);
    }
}

// slither-disable-end timestamp
