// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Who may attest
/// @notice A set of attester keys under a fixed minimum size. Additions wait 7 days in the open, removals bite at once
/// and never leave fewer than the minimum. Each change starts a new epoch; the previous one counts for 7 more days,
/// a revoked key never again.
interface IAttesterSets {
    /// @dev One storage word, which AttesterSet unpacks.
    struct SetView {
        uint32 administrator; // participant; never a party of an order that names the set
        uint8 minimumSize;
        uint8 size;
        uint32 epoch;
        uint40 epochSince;
    }

    event AttesterSetCreated(
        uint32 indexed setId, uint32 indexed administrator, uint8 minimumSize, address[] attesters
    );
    event AttesterAnnounced(uint32 indexed setId, address indexed attester, uint40 activeFrom);
    event AttesterAdded(uint32 indexed setId, address indexed attester, uint32 epoch);
    event AttesterRemoved(uint32 indexed setId, address indexed attester, uint32 epoch);

    error UnknownAttesterSet(uint32 setId);
    error NotSetAdministrator(uint32 setId, address caller);
    error SetTooSmall(uint256 size, uint256 minimum);
    error SetTooLarge(uint256 size, uint256 most);
    error InvalidAttester(address attester);
    error AttesterKnown(address attester);
    error AttesterRevoked(address attester);
    error AttesterNotAnnounced(address attester);
    error AnnouncementPending(address attester, uint40 activeFrom);
    error EpochNotAccepted(uint32 setId, uint32 epoch, uint32 current, uint32 floor);
    error NotAnAttester(uint32 setId, address signer);
    error InvalidAttesterSignature(address signer);
    error NotEnoughAttestations(uint256 given, uint256 needed);
    error SignersNotAscending(address previous, address signer);

    /// @notice Any linked wallet of a participant may create a set that the participant administers.
    /// @param minimumSize >= 1, fixed for good; an order's threshold may not exceed it.
    /// @param attesters at least `minimumSize`, at most 64, distinct; keys or ERC-1271 contracts, no registered wallets
    /// needed. They make epoch 1.
    function createSet(uint8 minimumSize, address[] calldata attesters) external returns (uint32 setId);
    /// @notice By the administrator: `attester` may be added 7 days from now.
    function announceAttester(uint32 setId, address attester) external;
    /// @notice By anyone, 7 days after the announcement. Starts an epoch; the attester's word counts from that epoch
    /// on.
    function addAttester(uint32 setId, address attester) external;
    /// @notice By the administrator, at once and for good; takes an announcement back, too. Starts an epoch unless the
    /// attester was only announced. Never below the minimum size: announce a replacement first, or let the orders of
    /// this set end by their fallback.
    function removeAttester(uint32 setId, address attester) external;

    /// @notice Reverts unless at least `threshold` distinct accepted attesters of the set signed `digest`.
    /// @param signatures in ascending order of signers; each is abi.encodePacked(address signer, bytes signature),
    /// where an EOA signature has 65 bytes and anything else is asked of the signer by ERC-1271. Every one given must
    /// be valid, those beyond the threshold too.
    /// @param epoch what the attesters signed: the current one, or for 7 days the one before; never below `floorEpoch`.
    function requireAttested(
        uint32 setId,
        uint32 epoch,
        uint32 floorEpoch,
        uint8 threshold,
        bytes32 digest,
        bytes[] calldata signatures
    ) external view;
    function attesterSet(uint32 setId) external view returns (SetView memory);
    /// @notice The same as one word, as AttesterSet reads it: for whoever asks in every transaction.
    function packedSet(uint32 setId) external view returns (uint256);
    /// @notice Whether the key counts now; false for one that is only announced.
    function isAttester(uint32 setId, address attester) external view returns (bool);
    /// @notice Sets are numbered from 1 to this.
    function attesterSetCount() external view returns (uint32);
    function registry() external view returns (address);
    function version() external pure returns (string memory);
}
