// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "./interfaces/ISponsorships.sol";
import {Flags} from "./libraries/Flags.sol";
import {Interval} from "./libraries/Interval.sol";
import {Standing} from "./libraries/Reason.sol";
import {Stops} from "./libraries/Stops.sol";

/// @title ParticipantBook
/// @notice What the registry remembers, and every view of it. Only `ParticipantRegistry` writes here.
/// What a transfer asks stands in one word per participant (`Record`, slot 0); everything else comes after it.
abstract contract ParticipantBook is IParticipantRegistry, ISponsorships {
    using Stops for Interval[];

    struct Record {
        // slot 0, read by every transfer; `_standing` and `_standingOfWord` know these offsets
        uint40 kycExpiry; // bit 0
        uint32 epoch; // bit 40
        Status status; // bit 72
        bool frozen; // bit 80
        uint8 flags; // bit 88
        uint32 sponsor; // bit 96
        Kind kind;
        uint16 jurisdiction;
        // slot 1
        address wallet;
        uint64 nonce;
        bool barred; // `wallet` is not LINKED now
        // slots 2..6
        bytes32 identityHash;
        bytes32 questionnaireHash;
        bytes32 policyHash;
        bytes32 encryptionKey;
        Interval[] stops;
    }

    /// @dev One word.
    struct Wallet {
        uint32 participant;
        WalletStatus status;
        WalletStatus resumes; // SUSPENDED: what it was, and is again once reinstated
        uint40 signedUntil; // deadline of the last link signature: an earlier or equal one is not new
        address successor; // of a LOST wallet
    }

    /// @dev What a bank may do as a sponsor, and its own stops: those of its customers too.
    struct SponsorRecord {
        uint32 grants; // how often it was granted anything: the last one counts
        uint32 quota;
        uint32 customers; // not closed
        uint40 longestKyc;
        mapping(uint32 grant => mapping(uint16 jurisdiction => bool)) jurisdictions;
        Interval[] stops;
    }

    /// @custom:storage-location erc7201:pyjpm.storage.ParticipantRegistry
    struct RegistryStorage {
        mapping(uint32 => Record) records;
        mapping(address => Wallet) wallets;
        mapping(bytes32 => uint32) byIdentity;
        address[] assets;
        mapping(address => AssetKind) assetKinds;
        uint32 count;
        mapping(uint32 => SponsorRecord) sponsors;
        mapping(uint16 from => mapping(uint16 to => bool)) pairs;
        mapping(uint32 => address[]) retailWallets;
    }

    enum AssetKind {
        NONE,
        ASSET,
        DEPOSIT_TOKEN
    }

    // keccak256(abi.encode(uint256(keccak256("pyjpm.storage.ParticipantRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE = 0x17e2fa8a984741b9a28eb3fef0d2e000bb6a0615fae719b991edb8fc6a005700;

    uint256 private constant PAIR_RULES = uint256(Flags.PAIR_RULES) << 8;

    /// @dev Status ACTIVE and not frozen, above an epoch.
    uint256 private constant GOOD_STATUS = uint256(uint8(Status.ACTIVE)) << 32;

    // ================================================================== views

    /// @inheritdoc IParticipantRegistry
    function standings(uint256 a, uint256 aEpoch, uint256 b, uint256 bEpoch) external view returns (uint256, uint256) {
        (uint256 ofA, uint256 ofB) = (_standing(a, aEpoch), _standing(b, bEpoch));
        if ((ofA | ofB) & PAIR_RULES != 0) {
            bool asked = a != 0 && b != 0 && uint8(ofB) == uint8(Standing.GOOD);
            if (asked && !_pairPasses(uint32(a), uint32(b))) ofB |= uint8(Standing.PAIR_REFUSED);
        }
        return (ofA, ofB);
    }

    /// @inheritdoc IParticipantRegistry
    function pairPasses(uint32 a, uint32 b) external view returns (bool) {
        return _pairPasses(a, b);
    }

    /// @inheritdoc IParticipantRegistry
    function pairPermitted(uint16 from, uint16 to) external view returns (bool) {
        return _storage().pairs[from][to];
    }

    /// @inheritdoc IParticipantRegistry
    function standingOf(address wallet) external view returns (Standing standing, uint32 participant) {
        return _standingOf(wallet);
    }

    /// @inheritdoc IParticipantRegistry
    function standingsOf(address[] calldata wallets) external view returns (Standing[] memory each) {
        each = new Standing[](wallets.length);
        for (uint256 i; i < wallets.length; ++i) {
            (each[i],) = _standingOf(wallets[i]);
        }
    }

    /// @inheritdoc IParticipantRegistry
    function walletOf(address wallet) external view returns (uint32 participant, uint32 epoch, WalletStatus status) {
        Wallet storage w = _storage().wallets[wallet];
        (participant, status) = (w.participant, w.status);
        if (status == WalletStatus.LINKED) epoch = _storage().records[participant].epoch;
    }

    /// @inheritdoc IParticipantRegistry
    function resolve(address wallet) external view returns (address) {
        mapping(address => Wallet) storage wallets = _storage().wallets;
        // ends: a successor was LINKED when it was named, so it was lost later or not at all
        for (address next = wallets[wallet].successor; next != address(0); next = wallets[wallet].successor) {
            wallet = next;
        }
        return wallet;
    }

    /// @inheritdoc IParticipantRegistry
    function successorOf(address wallet) external view returns (address) {
        return _storage().wallets[wallet].successor;
    }

    /// @inheritdoc IParticipantRegistry
    function currentWallet(uint32 participant) external view returns (address) {
        return _storage().records[participant].wallet;
    }

    /// @inheritdoc IParticipantRegistry
    function currentWallets(uint32 a, uint32 b) external view returns (address, address) {
        mapping(uint32 => Record) storage records = _storage().records;
        return (records[a].wallet, records[b].wallet);
    }

    /// @inheritdoc IParticipantRegistry
    function signers(uint32 a, uint32 b, address token) external view returns (address ofA, address ofB, bool cash) {
        RegistryStorage storage $ = _storage();
        (ofA, ofB) = (_signer($.records[a]), _signer($.records[b]));
        cash = token != address(0) && $.assetKinds[token] == AssetKind.DEPOSIT_TOKEN;
    }

    function _signer(Record storage r) private view returns (address) {
        return r.barred ? address(0) : r.wallet;
    }

    /// @inheritdoc IParticipantRegistry
    function participantOf(uint32 participant) external view returns (Participant memory p) {
        Record storage r = _known(participant);
        p.kind = r.kind;
        p.status = r.status;
        p.frozen = r.frozen;
        p.sponsor = r.sponsor;
        p.kycExpiry = r.kycExpiry;
        p.jurisdiction = r.jurisdiction;
        p.flags = r.flags;
        p.epoch = r.epoch;
        p.wallet = r.wallet;
        p.nonce = r.nonce;
        p.identityHash = r.identityHash;
        p.questionnaireHash = r.questionnaireHash;
        p.policyHash = r.policyHash;
        p.encryptionKey = r.encryptionKey;
    }

    /// @inheritdoc IParticipantRegistry
    function participantByIdentity(bytes32 identityHash) external view returns (uint32) {
        return _storage().byIdentity[identityHash];
    }

    /// @inheritdoc IParticipantRegistry
    function participantCount() external view returns (uint32) {
        return _storage().count;
    }

    /// @inheritdoc IParticipantRegistry
    function flagsOf(uint32 participant) external view returns (uint8) {
        return _storage().records[participant].flags;
    }

    /// @inheritdoc IParticipantRegistry
    function retailWallets(uint32 participant) external view returns (address[] memory) {
        return _storage().retailWallets[participant];
    }

    /// @inheritdoc IParticipantRegistry
    function stopOf(uint32 participant) public view returns (Standing) {
        Standing standing = _standingOfWord(_word(participant));
        bool stopped =
            standing == Standing.FROZEN || standing == Standing.SUSPENDED || standing == Standing.SPONSOR_SUSPENDED;
        return stopped ? standing : Standing.GOOD;
    }

    /// @inheritdoc IParticipantRegistry
    function isStopped(uint32 participant) public view returns (bool) {
        return stopOf(participant) != Standing.GOOD;
    }

    /// @inheritdoc IParticipantRegistry
    function stopsSince(uint32 participant, uint40 from) external view returns (Interval[] memory) {
        Record storage r = _storage().records[participant];
        Interval[] memory own = r.stops.since(from);
        if (r.flags & Flags.SPONSORED == 0) return own;
        return Stops.union(own, _storage().sponsors[r.sponsor].stops.since(from));
    }

    /// @inheritdoc ISponsorships
    function sponsorshipOf(uint32 sponsor) external view returns (uint32 quota, uint40 longestKyc, uint32 customers) {
        SponsorRecord storage s = _storage().sponsors[sponsor];
        return (s.quota, s.longestKyc, s.customers);
    }

    /// @inheritdoc ISponsorships
    function sponsorsIn(uint32 sponsor, uint16 jurisdiction) public view returns (bool) {
        SponsorRecord storage s = _storage().sponsors[sponsor];
        return s.jurisdictions[s.grants][jurisdiction];
    }

    /// @inheritdoc ISponsorships
    function requireSponsorOf(address wallet, uint32 participant) public view returns (uint32 sponsor) {
        sponsor = _actingSponsor(wallet);
        if (_storage().records[participant].sponsor != sponsor) revert NotCustomerOf(participant, sponsor);
    }

    /// @inheritdoc IParticipantRegistry
    function isDepositToken(address token) external view returns (bool) {
        return _storage().assetKinds[token] == AssetKind.DEPOSIT_TOKEN;
    }

    /// @inheritdoc IParticipantRegistry
    function assets() external view returns (address[] memory) {
        return _storage().assets;
    }

    // ============================================================== standings

    /// @dev The hot path: one word read per participant, and one comparison where all is well (epoch, status, frozen and
    /// flags are neighbours: the remembered epoch, ACTIVE, not frozen, no flags).
    function _standing(uint256 participant, uint256 epoch) private view returns (uint256) {
        if (participant == 0) return uint8(Standing.GOOD);
        uint256 word = _word(participant);
        if (uint56(word >> 40) == (epoch | GOOD_STATUS) && block.timestamp <= uint40(word)) {
            return uint8(Standing.GOOD);
        }
        if (uint32(word >> 40) != epoch) return uint8(Standing.STALE);
        return uint8(_standingOfWord(word)) | uint256(uint8(word >> 88) & Flags.OF_TOKEN) << 8;
    }

    function _standingOf(address wallet) private view returns (Standing, uint32) {
        Wallet storage w = _storage().wallets[wallet];
        (uint32 participant, WalletStatus status) = (w.participant, w.status);
        if (status != WalletStatus.LINKED) {
            if (status == WalletStatus.NONE) return (Standing.UNKNOWN, 0);
            if (status == WalletStatus.SUSPENDED) return (Standing.WALLET_SUSPENDED, participant);
            if (status == WalletStatus.UNLINKED) return (Standing.WALLET_UNLINKED, participant);
            return (Standing.WALLET_LOST, participant);
        }
        return (_standingOfWord(_word(participant)), participant);
    }

    /// @dev Slot 0 of `_storage().records[participant]`: `records` stands at the root.
    function _word(uint256 participant) private view returns (uint256 word) {
        bytes32 root = STORAGE;
        assembly ("memory-safe") {
            mstore(0x00, participant)
            mstore(0x20, root)
            word := sload(keccak256(0x00, 0x40))
        }
    }

    /// @dev Ordered so that what the caller may not overlook comes first: all that stops shows through a closure.
    function _standingOfWord(uint256 word) private view returns (Standing) {
        if (uint8(word >> 80) != 0) return Standing.FROZEN;
        Status status = Status(uint8(word >> 72));
        if (status == Status.NONE) return Standing.UNKNOWN;
        uint256 flags = uint8(word >> 88);
        if (status == Status.SUSPENDED || flags & Flags.SUSPENDED_BY_SPONSOR != 0) return Standing.SUSPENDED;
        if (flags & Flags.SPONSORED != 0 && _stopsOthers(_word(uint32(word >> 96)))) return Standing.SPONSOR_SUSPENDED;
        if (status == Status.CLOSED) return Standing.CLOSED;
        return block.timestamp > uint40(word) ? Standing.KYC_EXPIRED : Standing.GOOD;
    }

    /// @dev Whether the participant of that word is frozen or suspended, and so are its customers.
    function _stopsOthers(uint256 word) private pure returns (bool) {
        return uint8(word >> 80) != 0 || uint8(word >> 72) == uint8(Status.SUSPENDED);
    }

    /// @dev By its own stops; `isStopped` has its sponsor's too.
    function _isStoppedItself(Record storage r) internal view returns (bool) {
        return r.frozen || r.status == Status.SUSPENDED || r.flags & Flags.SUSPENDED_BY_SPONSOR != 0;
    }

    /// @dev Money that stays with its owner crosses nothing.
    function _pairPasses(uint32 a, uint32 b) private view returns (bool) {
        RegistryStorage storage $ = _storage();
        (Record storage from, Record storage to) = ($.records[a], $.records[b]);
        if (a == b || (from.flags | to.flags) & Flags.PAIR_RULES == 0) return true;
        return $.pairs[from.jurisdiction][to.jurisdiction];
    }

    // ================================================================= checks

    /// @dev Whose wallet that is: a bank that was granted a sponsorship and is good.
    function _actingSponsor(address wallet) internal view returns (uint32 sponsor) {
        Standing standing;
        (standing, sponsor) = _standingOf(wallet);
        if (_storage().sponsors[sponsor].grants == 0) revert NotSponsor(wallet, sponsor);
        if (standing != Standing.GOOD) revert SponsorNotGood(sponsor, standing);
    }

    function _known(uint32 participant) internal view returns (Record storage r) {
        r = _storage().records[participant];
        if (r.status == Status.NONE) revert UnknownParticipant(participant);
    }

    // ================================================================ storage

    function _storage() internal pure returns (RegistryStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}

// slither-disable-end assembly
// slither-disable-end timestamp
