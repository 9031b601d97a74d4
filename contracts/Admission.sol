// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";

import {ParticipantBook} from "./ParticipantBook.sol";
import {Deadlines} from "./libraries/Deadlines.sol";
import {Flags} from "./libraries/Flags.sol";
import {Interval} from "./libraries/Interval.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Stops} from "./libraries/Stops.sol";

/// @title Admission
/// @notice How participants and wallets come and go, whoever decides it: the bank (ParticipantRegistry) or a sponsor
/// (Sponsorships). Nothing here asks who calls.
abstract contract Admission is ParticipantBook, EIP712Upgradeable {
    using Stops for Interval[];

    bytes32 private constant LINK_WALLET_TYPEHASH =
        keccak256("LinkWallet(bytes32 identityHash,address wallet,uint256 deadline)");
    /// @dev The token adds up what they hold.
    uint256 private constant MOST_RETAIL_WALLETS = 16;

    // ================================================================== acts

    /// @param sponsor 0: none.
    function _admit(
        Profile calldata profile,
        uint32 sponsor,
        address wallet,
        uint256 deadline,
        bytes calldata signature
    ) internal returns (uint32 participant) {
        RegistryStorage storage $ = _storage();
        if (profile.kind == Kind.NONE) revert InvalidProfile("kind");
        if (profile.jurisdiction == 0) revert InvalidProfile("jurisdiction");
        if (profile.identityHash == 0) revert InvalidProfile("identityHash");
        uint32 known = $.byIdentity[profile.identityHash];
        if (known != 0) revert IdentityAlreadyRegistered(profile.identityHash, known);
        _requireFuture(profile.kycExpiry);

        participant = ++$.count;
        $.byIdentity[profile.identityHash] = participant;
        Record storage r = $.records[participant];
        r.kycExpiry = profile.kycExpiry;
        r.epoch = 1;
        r.status = Status.ACTIVE;
        r.flags = (profile.kind == Kind.RETAIL ? Flags.RETAIL : 0) | (sponsor != 0 ? Flags.SPONSORED : 0);
        r.sponsor = sponsor;
        r.kind = profile.kind;
        r.jurisdiction = profile.jurisdiction;
        r.wallet = wallet;
        r.identityHash = profile.identityHash;
        r.questionnaireHash = profile.questionnaireHash;
        r.policyHash = profile.policyHash;
        r.encryptionKey = profile.encryptionKey;

        emit ParticipantRegistered(
            participant, profile.kind, profile.jurisdiction, profile.kycExpiry, profile.identityHash
        );
        emit ProfileUpdated(participant, profile.policyHash, profile.encryptionKey);
        if (r.flags != 0) emit FlagsChanged(participant, r.flags);
        _link(participant, r, wallet, deadline, signature);
        emit CurrentWalletChanged(participant, address(0), wallet);
    }

    /// @dev A wallet of nobody, or one that this participant unlinked; with the wallet's own, new signature.
    function _link(uint32 participant, Record storage r, address wallet, uint256 deadline, bytes calldata signature)
        internal
    {
        Wallet storage w = _storage().wallets[wallet];
        WalletStatus status = w.status;
        if (status != WalletStatus.NONE && (status != WalletStatus.UNLINKED || w.participant != participant)) {
            revert WalletAlreadyNamed(wallet, w.participant, status);
        }
        _requireInTime(deadline);
        if (deadline <= w.signedUntil) revert SignatureNotNew(wallet, deadline, w.signedUntil);
        bytes32 structHash = keccak256(abi.encode(LINK_WALLET_TYPEHASH, r.identityHash, wallet, deadline));
        _requireSigned(wallet, structHash, signature);

        w.participant = participant;
        w.status = WalletStatus.LINKED;
        w.signedUntil = uint40(deadline);
        if (r.kind == Kind.RETAIL && status == WalletStatus.NONE) _listRetailWallet(participant, wallet);
        emit WalletLinked(participant, wallet);
    }

    function _listRetailWallet(uint32 participant, address wallet) private {
        address[] storage wallets = _storage().retailWallets[participant];
        if (wallets.length == MOST_RETAIL_WALLETS) revert TooManyWallets(participant, MOST_RETAIL_WALLETS);
        wallets.push(wallet);
    }

    function _unlink(address wallet) internal {
        Wallet storage w = _linked(wallet);
        uint32 participant = w.participant;
        Record storage r = _storage().records[participant];
        _requireUnstopped(participant);
        if (wallet == r.wallet) revert CurrentWalletMayNotBeUnlinked(wallet);
        w.status = WalletStatus.UNLINKED;
        ++r.epoch;
        emit WalletUnlinked(participant, wallet);
    }

    function _renewKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) internal {
        Record storage r = _open(participant);
        _requireFuture(kycExpiry);
        r.kycExpiry = kycExpiry;
        r.questionnaireHash = questionnaireHash;
        emit KycRenewed(participant, kycExpiry, questionnaireHash);
    }

    function _close(uint32 participant) internal {
        Record storage r = _open(participant);
        _requireUnstopped(participant);
        RegistryStorage storage $ = _storage();
        uint32 customers = $.sponsors[participant].customers;
        if (customers != 0) revert SponsorHasCustomers(participant, customers);
        if (r.flags & Flags.SPONSORED != 0) --$.sponsors[r.sponsor].customers;
        r.status = Status.CLOSED;
        emit ParticipantClosed(participant);
    }

    /// @dev Follows every change of what stops the participant itself, and of its current wallet. A bank's stops are its
    /// customers' too; the state of its wallets is not.
    function _syncStop(uint32 participant, Record storage r) internal {
        bool stopped = _isStoppedItself(r);
        bool barred = _storage().wallets[r.wallet].status != WalletStatus.LINKED;
        if (r.barred != barred) r.barred = barred;
        if (r.kind == Kind.BANK) _storage().sponsors[participant].stops.sync(stopped);
        r.stops.sync(stopped || barred);
    }

    // ================================================================= checks

    /// @dev Known and not closed.
    function _open(uint32 participant) internal view returns (Record storage r) {
        r = _known(participant);
        if (r.status == Status.CLOSED) revert ParticipantNotActive(participant, Status.CLOSED);
    }

    function _requireUnstopped(uint32 participant) private view {
        if (isStopped(participant)) revert ParticipantStopped(participant);
    }

    function _linked(address wallet) internal view returns (Wallet storage w) {
        w = _storage().wallets[wallet];
        if (w.status != WalletStatus.LINKED) revert WalletNotLinked(wallet, w.status);
    }

    function _requireFuture(uint40 kycExpiry) private view {
        if (block.timestamp > kycExpiry) revert KycExpiryInPast(kycExpiry, block.timestamp);
    }

    function _requireInTime(uint256 deadline) internal view {
        if (Deadlines.isOpen(deadline)) return;
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        revert SignatureDeadlineTooFar(deadline, Deadlines.latest());
    }

    function _requireSigned(address wallet, bytes32 structHash, bytes calldata signature) internal view {
        if (!Signatures.isValid(wallet, _hashTypedDataV4(structHash), signature)) {
            revert InvalidWalletSignature(wallet);
        }
    }

    // ========================================================== signed domain

    // solhint-disable func-name-mixedcase
    /// @dev Constants instead of storage: the domain costs no read, and follows a change of the chain id.
    function _EIP712Name() internal pure override returns (string memory) {
        return "pyjpm ParticipantRegistry";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "1";
    }
    // solhint-enable func-name-mixedcase
}

// slither-disable-end naming-convention
// slither-disable-end timestamp
