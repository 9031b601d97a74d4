// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A part of what backs a currency.
struct ReserveLine {
    bytes32 assetClass; // text, left-aligned: "CENTRAL_BANK", "TREASURY_BILL"
    bytes32 custodian; // text (BIC or LEI), left-aligned, or a hash
    uint256 amount; // minor units
}

/// @notice What the auditors sign about one currency.
struct ReserveAttestation {
    bytes3 currency; // ISO 4217
    ReserveLine[] lines; // 1..32, strictly ascending by (assetClass, custodian)
    uint40 asOf; // what was counted is what stood there in this second
    uint40 validUntil; // the last second in which it backs a mint
    bytes32 documentHash; // of the auditors' report, not 0
    uint64 sequence; // the auditors' own, higher each time
    uint40 deadline; // the last second in which it may be submitted
}

/// @title What backs the tokens
/// @notice Auditors attest, M of N, what stands behind a currency, by class and custodian. A deposit token asks here before
/// it mints: the supply of all tokens of the currency never passes what is attested and fresh. Redemption does not ask.
///
/// Fresh means: at or before `validUntil`; at or before `nextDue`, which is `asOf` plus the audit cycle; and signed by at
/// least M keys that still are auditors. So a key that is removed takes its word with it at once, and so does a higher M.
/// An attestation in date whose cycle is late is not fresh.
///
/// Trust. The auditors can let the bank mint too much, and nothing else; M of them are needed. Governance names the
/// auditors, M, the cycle and the tokens, announced (GOVERNOR is delayed); COMPLIANCE removes a key at once. Who submits
/// does not matter. Zero denies: no auditors, M = 0, no cycle, nothing attested all mean no minting.
///
/// What was redeemed since `asOf` is not taken off what is attested, nor what was deposited added: the cycle bounds for how
/// long, and the issuers' rates how fast, the two may part.
///
/// Replay. AuditorAdded, AuditorRemoved, ThresholdSet, CycleSet, TokenRegistered and ReserveAttested tell everything.
interface IReserve {
    enum Freshness {
        MISSING, // the token is not registered here
        STALE, // nothing attested, out of date, late, or no longer signed by enough auditors
        FRESH
    }

    struct ClassTotal {
        bytes32 assetClass;
        uint256 amount;
    }

    struct Backing {
        Freshness freshness;
        uint256 attested; // minor units, as last attested, fresh or not
        ClassTotal[] classes; // ascending; they sum to `attested`
        uint256 supply; // of all registered tokens of the currency
        int256 surplus; // attested - supply
        uint256 age; // seconds since `asOf`; 0 where nothing was attested
        uint40 asOf;
        uint40 validUntil;
        uint40 nextDue; // asOf + cycle; 0 where nothing was attested
        uint64 sequence;
        bytes32 documentHash;
    }

    event AuditorAdded(address indexed auditor);
    event AuditorRemoved(address indexed auditor);
    event ThresholdSet(uint8 threshold);
    event CycleSet(bytes3 indexed currency, uint40 cycle);
    event TokenRegistered(address indexed token, bytes3 indexed currency);
    /// @param signers a bit per auditor, by the order in which they were added.
    event ReserveAttested(
        bytes3 indexed currency,
        uint64 indexed sequence,
        uint256 attested,
        uint40 asOf,
        uint40 validUntil,
        bytes32 documentHash,
        uint256 signers,
        ReserveLine[] lines
    );

    error InvalidAuditor(address auditor);
    error AuditorKnown(address auditor);
    error TooManyAuditors(uint256 most);
    error NotAnAuditor(address signer);
    error InvalidAuditorSignature(address signer);
    error SignersNotAscending(address previous, address signer);
    error NotEnoughAttestations(uint256 given, uint256 needed);
    /// @notice Not a deposit token with a currency of three letters.
    error InvalidReserveToken(address token);
    error ReserveTokenKnown(address token);
    error TooManyReserveTokens(bytes3 currency, uint256 most);
    error CycleTooLong(uint256 cycle, uint256 most);
    /// @notice No token of that currency is registered.
    error UnknownReserveCurrency(bytes3 currency);
    error ReserveAttestationExpired(uint256 deadline, uint256 nowSeconds);
    /// @notice `field` is empty or out of its range.
    error InvalidReserveAttestation(string field);
    error ReserveLinesOutOfRange(uint256 lines, uint256 most);
    error ReserveLinesNotAscending(uint256 index);
    /// @notice What stands is as new or newer.
    error ReserveAttestationSuperseded(uint64 sequence, uint64 present, uint40 asOf, uint40 presentAsOf);
    error AmountTooLarge(uint256 amount);

    // ---- governance ----

    /// @notice GOVERNOR: a key or an ERC-1271 contract that counts from now on. One that was removed never returns.
    function addAuditor(address auditor) external;
    /// @notice COMPLIANCE, at once and for good; what the auditor signed counts without it from now on.
    function removeAuditor(address auditor) external;
    /// @notice GOVERNOR: how many auditors must have signed; 0 lets nothing count.
    function setThreshold(uint8 threshold_) external;
    /// @notice GOVERNOR: within how many seconds of the last `asOf` the next attestation is due; 0 lets nothing count. At
    /// most 1,096 days.
    function setCycle(bytes3 currency, uint40 cycle) external;
    /// @notice GOVERNOR: the token's supply counts against its currency's backing, for good. At most 8 for a currency.
    function registerToken(address token) external;

    // ---- attesting ----

    /// @notice By anyone. Takes the place of the attestation before, which must have a lower sequence and no later `asOf`.
    /// @param signatures in ascending order of signers; each is abi.encodePacked(address signer, bytes signature), where a
    /// key's signature has 65 bytes. At least M; every one given must be an auditor's and valid.
    function attestReserve(ReserveAttestation calldata attestation, bytes[] calldata signatures) external;

    // ---- views ----

    /// @notice What a token asks when it mints.
    /// @return freshness MISSING: the other two are 0.
    /// @return attested minor units behind the token's currency.
    /// @return supply minor units of all tokens of that currency.
    function backingOf(address token) external view returns (Freshness freshness, uint256 attested, uint256 supply);
    function backing(bytes3 currency) external view returns (Backing memory);
    /// @notice As last attested.
    function linesOf(bytes3 currency) external view returns (ReserveLine[] memory);
    /// @notice Those with a registered token, in the order of registration.
    function currencies() external view returns (bytes3[] memory);
    function tokensOf(bytes3 currency) external view returns (address[] memory);
    /// @notice 0 where the token is not registered.
    function currencyOf(address token) external view returns (bytes3);
    function cycleOf(bytes3 currency) external view returns (uint40);
    function threshold() external view returns (uint8);
    /// @notice Those that count now, in the order in which they were added.
    function auditors() external view returns (address[] memory);
    function isAuditor(address auditor) external view returns (bool);
    /// @notice What the auditors sign (EIP-712; domain "pyjpm Reserve", version "1").
    function attestationDigest(ReserveAttestation calldata attestation) external view returns (bytes32);
    function version() external pure returns (string memory);
}
