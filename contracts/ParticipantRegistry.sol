// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {
    AccessManagedUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";

import {CheckedUpgrade} from "./CheckedUpgrade.sol";
import {ParticipantBook} from "./ParticipantBook.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IRecoverable} from "./interfaces/IRecoverable.sol";
import {Interval} from "./libraries/Interval.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Stops} from "./libraries/Stops.sol";
import {UpgradeCheck} from "./libraries/UpgradeCheck.sol";

/// @title ParticipantRegistry
/// @notice Decisions that shape the code:
/// - A wallet names one participant for ever. So an account that remembers (participant, epoch) can be wrong only about
///   the wallet's own state, and whatever takes a wallet out of use raises the epoch.
/// - A freeze always shows: it comes before CLOSED in a standing, nothing closes or unlinks a stopped participant, and
///   a suspended wallet leaves that state by `reinstateWallet` or recovery only. No onboarding act loosens a stop.
/// - A participant's clocks stand still while it is stopped and while its current wallet is not LINKED, so a bank that
///   suspends the wallet that must sign cannot make a deadline pass. `_syncStop` follows every change of either.
contract ParticipantRegistry is ParticipantBook, AccessManagedUpgradeable, EIP712Upgradeable, CheckedUpgrade {
    using Stops for Interval[];

    bytes32 private constant LINK_WALLET_TYPEHASH =
        keccak256("LinkWallet(bytes32 identityHash,address wallet,uint256 deadline)");
    bytes32 private constant CHANGE_CURRENT_WALLET_TYPEHASH =
        keccak256("ChangeCurrentWallet(uint32 participant,address from,address to,uint256 nonce,uint256 deadline)");

    // ================================================================== life

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param authority the platform's Governance.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    /// @inheritdoc IParticipantRegistry
    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }

    // slither-disable-next-line dead-code (an operator of its type: bound by `using`)
    function _authorizeUpgrade(address) internal override restricted {}

    function _snapshot() internal view override returns (bytes memory) {
        return UpgradeCheck.ofRegistry();
    }

    // ============================================================ onboarding

    /// @inheritdoc IParticipantRegistry
    function register(Profile calldata profile, address wallet, uint256 deadline, bytes calldata signature)
        external
        restricted
        returns (uint32 participant)
    {
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
        _link(participant, profile.identityHash, wallet, deadline, signature);
        emit CurrentWalletChanged(participant, address(0), wallet);
    }

    /// @inheritdoc IParticipantRegistry
    function renewKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) external restricted {
        Record storage r = _open(participant);
        _requireFuture(kycExpiry);
        r.kycExpiry = kycExpiry;
        r.questionnaireHash = questionnaireHash;
        emit KycRenewed(participant, kycExpiry, questionnaireHash);
    }

    /// @inheritdoc IParticipantRegistry
    function updateProfile(uint32 participant, bytes32 policyHash, bytes32 encryptionKey) external restricted {
        Record storage r = _open(participant);
        r.policyHash = policyHash;
        r.encryptionKey = encryptionKey;
        emit ProfileUpdated(participant, policyHash, encryptionKey);
    }

    /// @inheritdoc IParticipantRegistry
    function close(uint32 participant) external restricted {
        Record storage r = _open(participant);
        _requireUnstopped(participant, r);
        r.status = Status.CLOSED;
        emit ParticipantClosed(participant);
    }

    /// @inheritdoc IParticipantRegistry
    function linkWallet(uint32 participant, address wallet, uint256 deadline, bytes calldata signature)
        external
        restricted
    {
        _link(participant, _open(participant).identityHash, wallet, deadline, signature);
    }

    /// @inheritdoc IParticipantRegistry
    function unlinkWallet(address wallet) external restricted {
        Wallet storage w = _linked(wallet);
        uint32 participant = w.participant;
        Record storage r = _storage().records[participant];
        _requireUnstopped(participant, r);
        if (wallet == r.wallet) revert CurrentWalletMayNotBeUnlinked(wallet);
        w.status = WalletStatus.UNLINKED;
        ++r.epoch;
        emit WalletUnlinked(participant, wallet);
    }

    /// @dev A wallet of nobody, or one that this participant unlinked; with the wallet's own, new signature.
    function _link(uint32 participant, bytes32 identityHash, address wallet, uint256 deadline, bytes calldata signature)
        private
    {
        Wallet storage w = _storage().wallets[wallet];
        WalletStatus status = w.status;
        if (status != WalletStatus.NONE && (status != WalletStatus.UNLINKED || w.participant != participant)) {
            revert WalletAlreadyNamed(wallet, w.participant, status);
        }
        _requireInTime(deadline);
        if (deadline > type(uint40).max) revert SignatureDeadlineTooFar(deadline, type(uint40).max);
        if (deadline <= w.signedUntil) revert SignatureNotNew(wallet, deadline, w.signedUntil);
        bytes32 structHash = keccak256(abi.encode(LINK_WALLET_TYPEHASH, identityHash, wallet, deadline));
        _requireSigned(wallet, structHash, signature);

        w.participant = participant;
        w.status = WalletStatus.LINKED;
        w.signedUntil = uint40(deadline);
        emit WalletLinked(participant, wallet);
    }

    // ================================================= the participant itself

    /// @inheritdoc IParticipantRegistry
    function changeCurrentWallet(uint32 participant, address to, uint256 deadline, bytes calldata signature) external {
        Record storage r = _open(participant);
        address from = r.wallet;
        if (to == from) revert SameWallet(to);
        _linked(from);
        _requireOwn(to, participant);
        _requireInTime(deadline);
        bytes32 structHash =
            keccak256(abi.encode(CHANGE_CURRENT_WALLET_TYPEHASH, participant, from, to, r.nonce, deadline));
        _requireSigned(from, structHash, signature);

        ++r.nonce;
        r.wallet = to;
        emit CurrentWalletChanged(participant, from, to);
    }

    // =============================================================== stopping

    /// @inheritdoc IParticipantRegistry
    function freeze(uint32 participant, bytes32 orderHash) external restricted {
        Record storage r = _known(participant);
        if (orderHash == 0) revert OrderHashMissing();
        if (r.frozen) revert AlreadyStopped(participant);
        r.frozen = true;
        _syncStop(r);
        emit ParticipantFrozen(participant, orderHash);
    }

    /// @inheritdoc IParticipantRegistry
    function suspend(uint32 participant, bytes32 reasonHash) external restricted {
        Record storage r = _open(participant);
        if (r.status == Status.SUSPENDED) revert AlreadyStopped(participant);
        r.status = Status.SUSPENDED;
        _syncStop(r);
        emit ParticipantSuspended(participant, reasonHash);
    }

    /// @inheritdoc IParticipantRegistry
    function suspendWallet(address wallet, bytes32 reasonHash) external restricted {
        Wallet storage w = _storage().wallets[wallet];
        WalletStatus status = w.status;
        if (status != WalletStatus.LINKED && status != WalletStatus.UNLINKED) revert WalletNotLinked(wallet, status);
        uint32 participant = w.participant;
        Record storage r = _storage().records[participant];
        w.status = WalletStatus.SUSPENDED;
        w.resumes = status;
        ++r.epoch;
        _syncStop(r);
        emit WalletSuspended(participant, wallet, reasonHash);
    }

    // =================================================== loosening and moving

    /// @inheritdoc IParticipantRegistry
    function unfreeze(uint32 participant, bytes32 orderHash) external restricted {
        Record storage r = _known(participant);
        if (orderHash == 0) revert OrderHashMissing();
        if (!r.frozen) revert NotStopped(participant);
        r.frozen = false;
        _syncStop(r);
        emit ParticipantUnfrozen(participant, orderHash);
    }

    /// @inheritdoc IParticipantRegistry
    function reinstate(uint32 participant, bytes32 reasonHash) external restricted {
        Record storage r = _known(participant);
        if (r.status != Status.SUSPENDED) revert NotStopped(participant);
        r.status = Status.ACTIVE;
        _syncStop(r);
        emit ParticipantReinstated(participant, reasonHash);
    }

    /// @inheritdoc IParticipantRegistry
    function reinstateWallet(address wallet, bytes32 reasonHash) external restricted {
        Wallet storage w = _storage().wallets[wallet];
        if (w.status != WalletStatus.SUSPENDED) revert WalletNotSuspended(wallet, w.status);
        uint32 participant = w.participant;
        w.status = w.resumes;
        w.resumes = WalletStatus.NONE;
        _syncStop(_storage().records[participant]);
        emit WalletReinstated(participant, wallet, reasonHash);
    }

    /// @inheritdoc IParticipantRegistry
    function recoverWallet(address lost, address successor, bytes32 orderHash) external restricted {
        RegistryStorage storage $ = _storage();
        Wallet storage w = $.wallets[lost];
        if (orderHash == 0) revert OrderHashMissing();
        if (w.status == WalletStatus.NONE || w.status == WalletStatus.LOST) revert WalletNotLinked(lost, w.status);
        if (lost == successor) revert SameWallet(lost);
        uint32 participant = w.participant;
        _requireOwn(successor, participant);

        w.status = WalletStatus.LOST;
        w.resumes = WalletStatus.NONE;
        w.successor = successor;
        Record storage r = $.records[participant];
        ++r.epoch;
        emit WalletRecovered(participant, lost, successor, orderHash);
        if (r.wallet == lost) {
            r.wallet = successor;
            emit CurrentWalletChanged(participant, lost, successor);
        }
        _syncStop(r);

        address[] memory all = $.assets;
        for (uint256 i; i < all.length; ++i) {
            IRecoverable(all[i]).recover(lost, successor, orderHash);
        }
    }

    /// @inheritdoc IParticipantRegistry
    function registerAsset(address asset, bool depositToken) external restricted {
        RegistryStorage storage $ = _storage();
        if ($.assetKinds[asset] != AssetKind.NONE) revert AssetAlreadyRegistered(asset);
        if (!_namesThisRegistry(asset)) revert InvalidAsset(asset);
        $.assetKinds[asset] = depositToken ? AssetKind.DEPOSIT_TOKEN : AssetKind.ASSET;
        $.assets.push(asset);
        emit AssetRegistered(asset, depositToken);
    }

    /// @dev An asset that obeys another registry would refuse, and so block, every recovery here.
    function _namesThisRegistry(address asset) private view returns (bool) {
        // slither-disable-next-line low-level-calls (its failure is an answer)
        (bool ok, bytes memory answer) = asset.staticcall(abi.encodeWithSignature("registry()"));
        return ok && answer.length == 32 && abi.decode(answer, (uint256)) == uint160(address(this));
    }

    // ================================================================= checks

    /// @dev Known and not closed.
    function _open(uint32 participant) private view returns (Record storage r) {
        r = _known(participant);
        if (r.status == Status.CLOSED) revert ParticipantNotActive(participant, Status.CLOSED);
    }

    function _requireUnstopped(uint32 participant, Record storage r) private view {
        if (_isStopped(r)) revert ParticipantStopped(participant);
    }

    function _linked(address wallet) private view returns (Wallet storage w) {
        w = _storage().wallets[wallet];
        if (w.status != WalletStatus.LINKED) revert WalletNotLinked(wallet, w.status);
    }

    function _requireOwn(address wallet, uint32 participant) private view {
        uint32 actual = _linked(wallet).participant;
        if (actual != participant) revert WalletOfOther(wallet, actual, participant);
    }

    function _requireFuture(uint40 kycExpiry) private view {
        if (block.timestamp > kycExpiry) revert KycExpiryInPast(kycExpiry, block.timestamp);
    }

    function _requireInTime(uint256 deadline) private view {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
    }

    function _requireSigned(address wallet, bytes32 structHash, bytes calldata signature) private view {
        if (!Signatures.isValid(wallet, _hashTypedDataV4(structHash), signature)) {
            revert InvalidWalletSignature(wallet);
        }
    }

    function _syncStop(Record storage r) private {
        bool stopped = _isStopped(r) || _storage().wallets[r.wallet].status != WalletStatus.LINKED;
        r.stops.sync(stopped);
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

// slither-disable-end calls-loop
// slither-disable-end naming-convention
// slither-disable-end timestamp
