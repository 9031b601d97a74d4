// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Interval} from "../libraries/Interval.sol";
import {Standing} from "../libraries/Reason.sol";

/// @title Who may hold and move bank money
/// @notice A participant is an institution; its wallets are addresses. Limits, KYC and spent references are the
/// institution's. Stopping acts take effect in the same block and have no delay; loosening ones pass the governance
/// delay of the AccessManager. All times are unix seconds.
/// @dev Trust: the onboarder says who an institution is, but cannot link a wallet without its key, nor undo what
/// compliance stopped. Liveness: a recovery calls every registered asset, so governance registers only contracts that
/// answer; one that reverts holds up recoveries until it is upgraded.
interface IParticipantRegistry {
    enum Kind {
        NONE,
        BANK,
        CORPORATE,
        RETAIL, // has Flags.RETAIL, and at most 16 wallets
        SYSTEM
    }

    enum Status {
        NONE,
        ACTIVE,
        SUSPENDED,
        CLOSED
    }

    enum WalletStatus {
        NONE,
        LINKED,
        SUSPENDED,
        UNLINKED, // no longer used; still names its participant and may be linked to it again
        LOST // has a successor, is never linked again
    }

    /// @notice What onboarding establishes. No personal data: hashes are salted.
    struct Profile {
        Kind kind;
        uint16 jurisdiction; // ISO 3166-1 numeric
        uint40 kycExpiry; // unix seconds, the last second in date
        bytes32 identityHash; // of outside identifiers (LEI, BIC, ...), unique
        bytes32 questionnaireHash; // KYC questionnaire
        bytes32 policyHash; // wallet policy
        bytes32 encryptionKey; // X25519, for remittance; may be 0
    }

    struct Participant {
        Kind kind;
        Status status;
        bool frozen;
        uint32 sponsor; // 0: none; see ISponsorships
        uint40 kycExpiry;
        uint16 jurisdiction;
        uint8 flags; // Flags
        uint32 epoch;
        address wallet; // the current one: signs terms, receives payouts
        uint256 nonce; // of ChangeCurrentWallet
        bytes32 identityHash;
        bytes32 questionnaireHash;
        bytes32 policyHash;
        bytes32 encryptionKey;
    }

    event ParticipantRegistered(
        uint32 indexed participant, Kind kind, uint16 jurisdiction, uint40 kycExpiry, bytes32 indexed identityHash
    );
    event KycRenewed(uint32 indexed participant, uint40 kycExpiry, bytes32 questionnaireHash);
    event ProfileUpdated(uint32 indexed participant, bytes32 policyHash, bytes32 encryptionKey);
    event ParticipantFrozen(uint32 indexed participant, bytes32 orderHash);
    event ParticipantUnfrozen(uint32 indexed participant, bytes32 orderHash);
    event ParticipantSuspended(uint32 indexed participant, bytes32 reasonHash);
    event ParticipantReinstated(uint32 indexed participant, bytes32 reasonHash);
    event ParticipantClosed(uint32 indexed participant);
    event WalletLinked(uint32 indexed participant, address indexed wallet);
    event WalletUnlinked(uint32 indexed participant, address indexed wallet);
    event WalletSuspended(uint32 indexed participant, address indexed wallet, bytes32 reasonHash);
    event WalletReinstated(uint32 indexed participant, address indexed wallet, bytes32 reasonHash);
    event WalletRecovered(
        uint32 indexed participant, address indexed lost, address indexed successor, bytes32 orderHash
    );
    event CurrentWalletChanged(uint32 indexed participant, address indexed previous, address indexed current);
    /// @param flags all that the participant has now (Flags); said whenever they change, but for what a sponsor suspends.
    event FlagsChanged(uint32 indexed participant, uint8 flags);
    event PairPermitted(uint16 indexed from, uint16 indexed to);
    event PairForbidden(uint16 indexed from, uint16 indexed to);
    event AssetRegistered(address indexed asset, bool depositToken);

    error UnknownParticipant(uint32 participant);
    error ParticipantNotActive(uint32 participant, Status status);
    error IdentityAlreadyRegistered(bytes32 identityHash, uint32 participant);
    error InvalidProfile(string field);
    error KycExpiryInPast(uint40 kycExpiry, uint256 nowSeconds);
    error WalletNotLinked(address wallet, WalletStatus status);
    error WalletAlreadyNamed(address wallet, uint32 participant, WalletStatus status);
    error WalletOfOther(address wallet, uint32 participant, uint32 expected);
    error CurrentWalletMayNotBeUnlinked(address wallet);
    error SameWallet(address wallet);
    error InvalidWalletSignature(address wallet);
    error SignatureExpired(uint256 deadline, uint256 nowSeconds);
    error SignatureDeadlineTooFar(uint256 deadline, uint256 latest);
    error SignatureNotNew(address wallet, uint256 deadline, uint256 previousDeadline);
    error WalletNotSuspended(address wallet, WalletStatus status);
    error AlreadyStopped(uint32 participant);
    error NotStopped(uint32 participant);
    error ParticipantStopped(uint32 participant);
    error OrderHashMissing();
    /// @notice Not among those that can be set, or none.
    error InvalidFlags(uint8 flags);
    error InvalidJurisdiction(uint16 jurisdiction);
    error TooManyWallets(uint32 participant, uint256 most);
    error AssetAlreadyRegistered(address asset);
    error InvalidAsset(address asset);

    // ---- onboarding (onboarder) ----

    /// @notice Admits an institution with its first wallet, which becomes the current one. A wallet names one
    /// participant for ever; an identity is registered once.
    /// @param signature of `wallet` over LinkWallet(bytes32 identityHash,address wallet,uint256 deadline).
    function register(Profile calldata profile, address wallet, uint256 deadline, bytes calldata signature)
        external
        returns (uint32 participant);
    /// @notice Sets the last second in date, also an earlier one, but none that has passed. Works while stopped, and
    /// loosens no stop.
    function renewKyc(uint32 participant, uint40 kycExpiry, bytes32 questionnaireHash) external;
    /// @notice Sets the hash of the wallet policy and the key that remittance to this participant is sealed with.
    function updateProfile(uint32 participant, bytes32 policyHash, bytes32 encryptionKey) external;
    /// @notice For ever. Not while frozen or suspended: what is held for orders of a closed participant still pays out,
    /// and closing must not lift a stop.
    function close(uint32 participant) external;
    /// @notice One more wallet, with its own signature as in `register`; also while stopped, for a lost key needs a
    /// successor. An UNLINKED wallet may come back to its own participant, with a signature of a later deadline.
    function linkWallet(uint32 participant, address wallet, uint256 deadline, bytes calldata signature) external;
    /// @notice Takes a LINKED wallet out of use; not the current one, and not while its participant is stopped.
    function unlinkWallet(address wallet) external;

    // ---- the participant itself ----

    /// @notice The current wallet hands over to another linked wallet of the same participant. Anyone may bring it.
    /// @param signature of the present current wallet over
    /// ChangeCurrentWallet(uint32 participant,address from,address to,uint256 nonce,uint256 deadline).
    function changeCurrentWallet(uint32 participant, address to, uint256 deadline, bytes calldata signature) external;

    // ---- stopping (compliance, no delay) ----

    /// @notice On an order (a court's, an authority's); also a closed participant.
    /// @param orderHash of the order, not 0.
    function freeze(uint32 participant, bytes32 orderHash) external;
    /// @notice On the bank's own decision.
    function suspend(uint32 participant, bytes32 reasonHash) external;
    /// @notice A LINKED or UNLINKED wallet; reinstating gives back which of the two it was.
    function suspendWallet(address wallet, bytes32 reasonHash) external;
    /// @notice Sets Flags.PAIR_RULES or Flags.CLEARANCE, or both; those set already stay.
    function addFlags(uint32 participant, uint8 flags) external;
    /// @notice Money no longer goes from participants of one jurisdiction to those of the other (ISO 3166-1 numeric),
    /// where one of the two has Flags.PAIR_RULES. That is so until a pair is permitted; also within one jurisdiction.
    function forbidPair(uint16 from, uint16 to) external;

    // ---- loosening and moving (delayed) ----

    function unfreeze(uint32 participant, bytes32 orderHash) external;
    function reinstate(uint32 participant, bytes32 reasonHash) external;
    function reinstateWallet(address wallet, bytes32 reasonHash) external;
    /// @notice Takes away Flags.PAIR_RULES or Flags.CLEARANCE, or both.
    function removeFlags(uint32 participant, uint8 flags) external;
    /// @notice In that direction only.
    function permitPair(uint16 from, uint16 to) external;

    /// @notice Marks `lost` LOST with `successor` (linked, same participant) and moves everything of it in every
    /// registered token and asset contract.
    function recoverWallet(address lost, address successor, bytes32 orderHash) external;
    /// @notice Admits a token or asset contract to recoveries; deposit tokens are what notaries take for cash.
    /// @param asset answers `IRecoverable.recover`, and this registry's address to `registry()`.
    function registerAsset(address asset, bool depositToken) external;

    // ---- views ----

    /// @notice Standing of two participants as remembered by (id, epoch); one call per transfer. Id 0 is GOOD: "not asked".
    /// Each answer is a Standing, with those Flags that the token acts on above its byte (Flags.OF_TOKEN << 8).
    /// Where both are asked, `b` is PAIR_REFUSED where it is good but money may not go to it from `a`.
    /// @dev Where several apply: STALE, FROZEN, SUSPENDED, SPONSOR_SUSPENDED, CLOSED, KYC_EXPIRED, in this order: a stop
    /// shows through a closure. The pair is asked whatever `a` is, as long as it is known by one of the two that there
    /// are rules: a STALE one's flags are not; for it there is `pairPasses`. Ids and epochs are uint32, in words that cost
    /// nothing to decode. Nobody has epoch 0, so an account that remembers it is always told STALE.
    function standings(uint256 a, uint256 aEpoch, uint256 b, uint256 bEpoch) external view returns (uint256, uint256);

    /// @notice Standing of the participant behind a wallet. The wallet's own state comes first: whether the participant
    /// of a wallet that is not LINKED is stopped, `isStopped` says.
    function standingOf(address wallet) external view returns (Standing standing, uint32 participant);

    /// @notice The same for each of several wallets, in their order; one call per settlement.
    function standingsOf(address[] calldata wallets) external view returns (Standing[] memory each);

    /// @notice The wallet's participant, the participant's epoch (0 unless the wallet is LINKED) and the wallet's state.
    function walletOf(address wallet) external view returns (uint32 participant, uint32 epoch, WalletStatus status);

    /// @notice The wallet that holds today what `wallet` held: follows successors of lost wallets.
    function resolve(address wallet) external view returns (address);
    /// @notice The wallet named when `wallet` was lost; 0 where it was not.
    function successorOf(address wallet) external view returns (address);
    /// @notice 0 where the participant is unknown.
    function currentWallet(uint32 participant) external view returns (address);
    /// @notice Current wallets of two participants in one call (0 where unknown).
    function currentWallets(uint32 a, uint32 b) external view returns (address, address);
    /// @notice Whose signatures speak for two participants now: their current wallets, each 0 where the participant is unknown
    /// or that wallet not LINKED. And whether `token` is registered as bank money; false for 0. One call per order.
    function signers(uint32 a, uint32 b, address token) external view returns (address ofA, address ofB, bool cash);
    /// @notice Reverts UnknownParticipant where there is none.
    function participantOf(uint32 participant) external view returns (Participant memory);
    /// @notice 0 where the identity is not registered.
    function participantByIdentity(bytes32 identityHash) external view returns (uint32);
    function participantCount() external view returns (uint32);

    /// @notice Flags; 0 where the participant is unknown.
    function flagsOf(uint32 participant) external view returns (uint8);
    /// @notice All wallets that ever named a participant of kind RETAIL, at most 16; of other kinds none.
    function retailWallets(uint32 participant) external view returns (address[] memory);
    /// @notice Whether money may go from participant `a` to `b`: neither has pair rules, or their pair is permitted, or it
    /// stays with its owner.
    function pairPasses(uint32 a, uint32 b) external view returns (bool);
    /// @notice Whether money may go between these jurisdictions where there are rules. Zero means deny.
    function pairPermitted(uint16 from, uint16 to) external view returns (bool);

    /// @notice What stops the participant now: FROZEN, SUSPENDED or SPONSOR_SUSPENDED; GOOD where nothing does.
    function stopOf(uint32 participant) external view returns (Standing);
    /// @notice Whether the participant is stopped now: frozen or suspended, itself or its sponsor. A lapsed KYC is not a stop.
    function isStopped(uint32 participant) external view returns (bool);

    /// @notice Times [start, end) in which the participant or its sponsor was stopped, or its current wallet not LINKED,
    /// that end after `from`; ascending and disjoint; the last one may last (end 0). What every clock of that participant skips.
    function stopsSince(uint32 participant, uint40 from) external view returns (Interval[] memory);
    /// @notice Whether the token is registered as bank money.
    function isDepositToken(address token) external view returns (bool);
    /// @notice Everything that a recovery moves, in the order of registration.
    function assets() external view returns (address[] memory);

    /// @notice Version of the implementation.
    function version() external pure returns (string memory);
}
