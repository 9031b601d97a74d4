// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IAttesterSets} from "./interfaces/IAttesterSets.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {AttesterSet} from "./libraries/AttesterSet.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title AttesterSets
/// @notice {IAttesterSets}
contract AttesterSets is IAttesterSets {
    enum AttesterStatus {
        NONE,
        ANNOUNCED,
        ACTIVE,
        REVOKED // for good
    }

    /// @dev One word, read once per attester in every attestation.
    struct Attester {
        AttesterStatus status;
        uint40 activeFrom; // ANNOUNCED: when it may be added
        uint32 sinceEpoch; // ACTIVE: the first epoch it belongs to; `_requireAttester` knows this offset
    }

    uint256 private constant SINCE_EPOCH_AT = 48; // bits

    /// @notice How long an addition is in the open before it can bite, and how long the epoch before a change still
    /// counts.
    uint256 public constant NOTICE = 7 days;
    /// @notice A set has at most this many attesters.
    uint256 public constant MAX_SIZE = 64;

    /// @inheritdoc IAttesterSets
    address public immutable registry;

    uint32 private _lastSet;
    mapping(uint32 setId => SetView) private _sets;
    mapping(uint32 setId => mapping(address attester => Attester)) private _attesters;

    constructor(address registry_) {
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        registry = registry_;
    }

    /* ---------------------------------------------------------------- making and changing a set */

    /// @inheritdoc IAttesterSets
    function createSet(uint8 minimumSize, address[] calldata attesters) external returns (uint32 setId) {
        uint32 administrator = _participantOf(msg.sender);
        if (administrator == 0) revert NotSetAdministrator(0, msg.sender);
        if (minimumSize == 0 || attesters.length < minimumSize) revert SetTooSmall(attesters.length, minimumSize);
        if (attesters.length > MAX_SIZE) revert SetTooLarge(attesters.length, MAX_SIZE);

        setId = ++_lastSet;
        _sets[setId] = SetView(administrator, minimumSize, uint8(attesters.length), 1, uint40(block.timestamp));
        for (uint256 i; i < attesters.length; ++i) {
            _requireNew(setId, attesters[i]);
            _attesters[setId][attesters[i]] = Attester(AttesterStatus.ACTIVE, 0, 1);
        }
        emit AttesterSetCreated(setId, administrator, minimumSize, attesters);
    }

    /// @inheritdoc IAttesterSets
    function announceAttester(uint32 setId, address attester) external {
        _requireAdministrator(setId);
        _requireNew(setId, attester);

        uint40 activeFrom = uint40(block.timestamp + NOTICE);
        _attesters[setId][attester] = Attester(AttesterStatus.ANNOUNCED, activeFrom, 0);
        emit AttesterAnnounced(setId, attester, activeFrom);
    }

    /// @inheritdoc IAttesterSets
    function addAttester(uint32 setId, address attester) external {
        Attester storage word = _attesters[setId][attester];
        if (word.status != AttesterStatus.ANNOUNCED) revert AttesterNotAnnounced(attester);
        if (block.timestamp < word.activeFrom) revert AnnouncementPending(attester, word.activeFrom);
        SetView storage set = _sets[setId];
        if (set.size == MAX_SIZE) revert SetTooLarge(MAX_SIZE + 1, MAX_SIZE);

        ++set.size;
        uint32 epoch = _nextEpoch(set);
        (word.status, word.activeFrom, word.sinceEpoch) = (AttesterStatus.ACTIVE, 0, epoch);
        emit AttesterAdded(setId, attester, epoch);
    }

    /// @inheritdoc IAttesterSets
    function removeAttester(uint32 setId, address attester) external {
        SetView storage set = _requireAdministrator(setId);
        Attester storage word = _attesters[setId][attester];
        AttesterStatus status = word.status;
        if (status == AttesterStatus.REVOKED) revert AttesterRevoked(attester);
        if (status == AttesterStatus.NONE) revert InvalidAttester(attester);

        word.status = AttesterStatus.REVOKED;
        // an announcement that is taken back never counted: the epoch stays
        if (status == AttesterStatus.ACTIVE) {
            if (set.size == set.minimumSize) revert SetTooSmall(set.size - 1, set.minimumSize);
            --set.size;
            _nextEpoch(set);
        }
        emit AttesterRemoved(setId, attester, set.epoch);
    }

    /* ---------------------------------------------------------------- asking it */

    /// @inheritdoc IAttesterSets
    function requireAttested(
        uint32 setId,
        uint32 epoch,
        uint32 floorEpoch,
        uint8 threshold,
        bytes32 digest,
        bytes[] calldata signatures
    ) external view {
        _requireEpoch(setId, epoch, floorEpoch);
        if (threshold == 0 || signatures.length < threshold) {
            revert NotEnoughAttestations(signatures.length, threshold);
        }
        mapping(address => Attester) storage attesters = _attesters[setId];
        // slither-disable-next-line uninitialized-local (starts at zero)
        address previous;
        for (uint256 i; i < signatures.length; ++i) {
            (address signer, bytes calldata signature) = _split(signatures, i);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            previous = signer;
            _requireAttester(attesters[signer], setId, epoch, signer);
            if (!Signatures.isValid(signer, digest, signature)) revert InvalidAttesterSignature(signer);
        }
    }

    /// @inheritdoc IAttesterSets
    function attesterSet(uint32 setId) external view returns (SetView memory) {
        return _sets[setId];
    }

    /// @inheritdoc IAttesterSets
    function packedSet(uint32 setId) external view returns (uint256 word) {
        word = AttesterSet.unwrap(_load(setId));
    }

    /// @inheritdoc IAttesterSets
    function isAttester(uint32 setId, address attester) external view returns (bool) {
        return _attesters[setId][attester].status == AttesterStatus.ACTIVE;
    }

    /// @inheritdoc IAttesterSets
    function attesterSetCount() external view returns (uint32) {
        return _lastSet;
    }

    /// @inheritdoc IAttesterSets
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /* ---------------------------------------------------------------- inside */

    /// @dev signatures[index] in its two parts. An offset that leads astray only names other signatures.
    function _split(bytes[] calldata signatures, uint256 index)
        private
        pure
        returns (address signer, bytes calldata signature)
    {
        assembly ("memory-safe") {
            let start := add(signatures.offset, calldataload(add(signatures.offset, shl(5, index))))
            signer := shr(96, calldataload(add(start, 0x20)))
            // slither-disable-next-line write-after-write (offset and length are two words)
            signature.offset := add(start, 0x34)
            signature.length := calldataload(start)
        }
        if (signature.length < 20) revert InvalidAttester(address(0));
        assembly ("memory-safe") {
            signature.length := sub(signature.length, 20)
        }
    }

    /// @dev The word is looked at as it is stored, for it is read with each signature.
    function _requireAttester(Attester storage attester, uint32 setId, uint256 epoch, address signer) private view {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(attester.slot)
        }
        uint256 status = uint8(word);
        if (status == uint8(AttesterStatus.ACTIVE) && uint32(word >> SINCE_EPOCH_AT) <= epoch) return;
        if (status == uint8(AttesterStatus.REVOKED)) revert AttesterRevoked(signer);
        revert NotAnAttester(setId, signer);
    }

    function _requireEpoch(uint32 setId, uint32 epoch, uint32 floorEpoch) private view {
        AttesterSet set = _load(setId);
        uint256 current = set.epoch();
        if (current == 0) revert UnknownAttesterSet(setId);
        bool accepted =
            epoch == current || (epoch != 0 && epoch == current - 1 && block.timestamp <= set.epochSince() + NOTICE);
        if (!accepted || epoch < floorEpoch) revert EpochNotAccepted(setId, epoch, uint32(current), floorEpoch);
    }

    function _load(uint32 setId) private view returns (AttesterSet set) {
        SetView storage stored = _sets[setId];
        assembly ("memory-safe") {
            set := sload(stored.slot)
        }
    }

    function _requireAdministrator(uint32 setId) private view returns (SetView storage set) {
        set = _sets[setId];
        if (set.epoch == 0) revert UnknownAttesterSet(setId);
        if (_participantOf(msg.sender) != set.administrator) revert NotSetAdministrator(setId, msg.sender);
    }

    function _requireNew(uint32 setId, address attester) private view {
        if (attester == address(0)) revert InvalidAttester(attester);
        AttesterStatus status = _attesters[setId][attester].status;
        if (status == AttesterStatus.REVOKED) revert AttesterRevoked(attester);
        if (status != AttesterStatus.NONE) revert AttesterKnown(attester);
    }

    function _nextEpoch(SetView storage set) private returns (uint32 epoch) {
        epoch = ++set.epoch;
        set.epochSince = uint40(block.timestamp);
    }

    /// @dev The participant of a LINKED wallet, else 0. A frozen administrator may still remove a stolen key.
    function _participantOf(address wallet) private view returns (uint32 participant) {
        IParticipantRegistry.WalletStatus status;
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (participant,, status) = IParticipantRegistry(registry).walletOf(wallet);
        if (status != IParticipantRegistry.WalletStatus.LINKED) participant = 0;
    }
}

// slither-disable-end timestamp
// slither-disable-end assembly
