// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {
    AccessManagedUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";

import {CheckedUpgrade} from "./CheckedUpgrade.sol";
import {Sponsorships} from "./Sponsorships.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IRecoverable} from "./interfaces/IRecoverable.sol";
import {ISponsorships} from "./interfaces/ISponsorships.sol";
import {Flags} from "./libraries/Flags.sol";
import {UpgradeCheck} from "./libraries/UpgradeCheck.sol";

/// @title ParticipantRegistry
/// @notice Decisions that shape the code:
/// - A wallet names one participant for ever. So an account that remembers (participant, epoch) can be wrong only about
///   the wallet's own state, and whatever takes a wallet out of use raises the epoch.
/// - A freeze always shows: it comes before CLOSED in a standing, nothing closes or unlinks a stopped participant, and
///   a suspended wallet leaves that state by `reinstateWallet` or recovery only. No onboarding act loosens a stop.
/// - A participant's clocks stand still while it is stopped and while its current wallet is not LINKED, so a bank that
///   suspends the wallet that must sign cannot make a deadline pass. `_syncStop` follows every change of either.
/// - A sponsor's stops are read where its customers are asked for, through their flag: nothing is copied to them, so it is
///   felt by all at once, and lifted for all at once.
contract ParticipantRegistry is Sponsorships, AccessManagedUpgradeable, CheckedUpgrade {
    bytes32 private constant CHANGE_CURRENT_WALLET_TYPEHASH =
        keccak256("ChangeCurrentWallet(uint32 participant,address from,address to,uint256 nonce,uint256 deadline)");

    // ================================================================== life

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param authority the platform's Governance.
    function initialize(address authority) external initializer {
        if (authority.code.length == 0) revert AccessManagedInvalidAuthority(authority);
        __AccessManaged_init(authority);
    }

    /// @inheritdoc IParticipantRegistry
    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }

    // slither-disable-next-line dead-code (called by the upgrade that it inherits)
    function _authorizeUpgrade(address) internal override restricted {}

    function _upgrade(address newImplementation, bytes memory data) internal override {
        UpgradeCheck.upgradeRegistry(newImplementation, data);
    }

    // ============================================================ onboarding

    /// @inheritdoc IParticipantRegistry
    function register(Profile calldata profile, address wallet, uint256 deadline, bytes calldata signature)
        external
        restricted
        returns (uint32 participant)
    {
        return _admit(profile, 0, wallet, deadline, signature);
    }

    /// @inheritdoc IParticipantRegistry
    function renewKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) external restricted {
        _renewKyc(participant, kycExpiry, questionnaireHash);
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
        _close(participant);
    }

    /// @inheritdoc IParticipantRegistry
    function linkWallet(uint32 participant, address wallet, uint256 deadline, bytes calldata signature)
        external
        restricted
    {
        _link(participant, _open(participant), wallet, deadline, signature);
    }

    /// @inheritdoc IParticipantRegistry
    function unlinkWallet(address wallet) external restricted {
        _unlink(wallet);
    }

    /// @inheritdoc ISponsorships
    function setSponsorship(uint32 participant, uint32 quota, uint40 longestKyc, uint16[] calldata jurisdictions)
        external
        restricted
    {
        _setSponsorship(participant, quota, longestKyc, jurisdictions);
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
        _syncStop(participant, r);
        emit ParticipantFrozen(participant, orderHash);
    }

    /// @inheritdoc IParticipantRegistry
    function suspend(uint32 participant, bytes32 reasonHash) external restricted {
        Record storage r = _open(participant);
        if (r.status == Status.SUSPENDED) revert AlreadyStopped(participant);
        r.status = Status.SUSPENDED;
        _syncStop(participant, r);
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
        _syncStop(participant, r);
        emit WalletSuspended(participant, wallet, reasonHash);
    }

    /// @inheritdoc IParticipantRegistry
    function addFlags(uint32 participant, uint8 flags) external restricted {
        Record storage r = _settable(participant, flags);
        r.flags |= flags;
        emit FlagsChanged(participant, r.flags);
    }

    /// @inheritdoc IParticipantRegistry
    function forbidPair(uint16 from, uint16 to) external restricted {
        _setPair(from, to, false);
        emit PairForbidden(from, to);
    }

    // =================================================== loosening and moving

    /// @inheritdoc IParticipantRegistry
    function removeFlags(uint32 participant, uint8 flags) external restricted {
        Record storage r = _settable(participant, flags);
        r.flags &= ~flags;
        emit FlagsChanged(participant, r.flags);
    }

    /// @inheritdoc IParticipantRegistry
    function permitPair(uint16 from, uint16 to) external restricted {
        _setPair(from, to, true);
        emit PairPermitted(from, to);
    }

    /// @inheritdoc IParticipantRegistry
    function unfreeze(uint32 participant, bytes32 orderHash) external restricted {
        Record storage r = _known(participant);
        if (orderHash == 0) revert OrderHashMissing();
        if (!r.frozen) revert NotStopped(participant);
        r.frozen = false;
        _syncStop(participant, r);
        emit ParticipantUnfrozen(participant, orderHash);
    }

    /// @inheritdoc IParticipantRegistry
    function reinstate(uint32 participant, bytes32 reasonHash) external restricted {
        Record storage r = _known(participant);
        if (r.status != Status.SUSPENDED) revert NotStopped(participant);
        r.status = Status.ACTIVE;
        _syncStop(participant, r);
        emit ParticipantReinstated(participant, reasonHash);
    }

    /// @inheritdoc IParticipantRegistry
    function reinstateWallet(address wallet, bytes32 reasonHash) external restricted {
        Wallet storage w = _storage().wallets[wallet];
        if (w.status != WalletStatus.SUSPENDED) revert WalletNotSuspended(wallet, w.status);
        uint32 participant = w.participant;
        w.status = w.resumes;
        w.resumes = WalletStatus.NONE;
        _syncStop(participant, _storage().records[participant]);
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
        _syncStop(participant, r);

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

    function _requireOwn(address wallet, uint32 participant) private view {
        uint32 actual = _linked(wallet).participant;
        if (actual != participant) revert WalletOfOther(wallet, actual, participant);
    }

    function _settable(uint32 participant, uint8 flags) private view returns (Record storage r) {
        r = _open(participant);
        if (flags == 0 || flags & ~Flags.SETTABLE != 0) revert InvalidFlags(flags);
    }

    function _setPair(uint16 from, uint16 to, bool permitted) private {
        if (from == 0 || to == 0) revert InvalidJurisdiction(0);
        _storage().pairs[from][to] = permitted;
    }
}

// slither-disable-end calls-loop
// slither-disable-end naming-convention
// slither-disable-end timestamp
