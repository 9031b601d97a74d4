// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)
// slither-disable-start uninitialized-local (starts at zero)

import {
    AccessManagedUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {CheckedUpgrade} from "./CheckedUpgrade.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IReserve, ReserveAttestation, ReserveLine} from "./interfaces/IReserve.sol";
import {ReserveTerms} from "./libraries/ReserveTerms.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {UpgradeCheck} from "./libraries/UpgradeCheck.sol";

/// @title Reserve
/// @notice {IReserve}. Auditors have bits: who signed the standing attestation is compared with who is an auditor now, so
/// that removing a key needs to find and touch no attestation.
contract Reserve is IReserve, AccessManagedUpgradeable, EIP712Upgradeable, CheckedUpgrade {
    enum AuditorStatus {
        NONE,
        ACTIVE,
        REMOVED // for good
    }

    struct Auditor {
        AuditorStatus status;
        uint8 index; // its bit, never given again
    }

    struct Currency {
        // what every mint reads
        uint88 attested; // as balances
        uint40 asOf;
        uint40 validUntil;
        uint40 cycle;
        uint256 signers; // a bit per auditor
        // the rest
        uint64 sequence;
        bytes32 documentHash;
        ReserveLine[] lines;
        address[] tokens;
    }

    /// @custom:storage-location erc7201:pyjpm.storage.Reserve
    struct ReserveState {
        uint256 active; // a bit per auditor
        uint8 threshold;
        address[] known; // auditors by their bits
        mapping(address auditor => Auditor) auditors;
        mapping(bytes3 currency => Currency) currencies;
        mapping(address token => bytes3 currency) currencyOf;
        bytes3[] listed; // currencies with a token
    }

    /// @dev keccak256(abi.encode(uint256(keccak256("pyjpm.storage.Reserve")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LOCATION = 0xcaa08586c371b0b10624aed8e2c6fcf493a65969e7018178022127bc33b28d00;

    /// @notice Auditors, removed ones too: one bit each.
    uint256 public constant MAX_AUDITORS = 256;
    uint256 public constant MAX_TOKENS = 8;
    uint256 public constant MAX_CYCLE = 1096 days;

    // ------------------------------------------------------------------------------------------------ making

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param authority the platform's Governance.
    /// @param auditors_ the first auditors.
    /// @param threshold_ M.
    function initialize(address authority, address[] calldata auditors_, uint8 threshold_) external initializer {
        if (authority.code.length == 0) revert AccessManagedInvalidAuthority(authority);
        __AccessManaged_init(authority);
        for (uint256 i; i < auditors_.length; ++i) {
            _add(auditors_[i]);
        }
        _setThreshold(threshold_);
    }

    /// @inheritdoc IReserve
    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }

    // slither-disable-next-line dead-code (called by the upgrade that it inherits)
    function _authorizeUpgrade(address) internal override restricted {}

    function _upgrade(address newImplementation, bytes memory data) internal override {
        UpgradeCheck.upgradeReserve(newImplementation, data);
    }

    // ------------------------------------------------------------------------------------------------ governance

    /// @inheritdoc IReserve
    function addAuditor(address auditor) external restricted {
        _add(auditor);
    }

    /// @inheritdoc IReserve
    function removeAuditor(address auditor) external restricted {
        ReserveState storage $ = _state();
        Auditor storage word = $.auditors[auditor];
        if (word.status != AuditorStatus.ACTIVE) revert NotAnAuditor(auditor);
        word.status = AuditorStatus.REMOVED;
        $.active &= ~(1 << word.index);
        emit AuditorRemoved(auditor);
    }

    /// @inheritdoc IReserve
    function setThreshold(uint8 threshold_) external restricted {
        _setThreshold(threshold_);
    }

    /// @inheritdoc IReserve
    function setCycle(bytes3 currency, uint40 cycle) external restricted {
        if (cycle > MAX_CYCLE) revert CycleTooLong(cycle, MAX_CYCLE);
        _known(currency).cycle = cycle;
        emit CycleSet(currency, cycle);
    }

    /// @inheritdoc IReserve
    function registerToken(address token) external restricted {
        ReserveState storage $ = _state();
        if ($.currencyOf[token] != 0) revert ReserveTokenKnown(token);
        bytes3 currency = _currencyOf(token);
        address[] storage tokens = $.currencies[currency].tokens;
        if (tokens.length == MAX_TOKENS) revert TooManyReserveTokens(currency, MAX_TOKENS);
        $.currencyOf[token] = currency;
        if (tokens.length == 0) $.listed.push(currency);
        tokens.push(token);
        emit TokenRegistered(token, currency);
    }

    /// @dev What the token itself says. What answers otherwise, or not at all, is none.
    function _currencyOf(address token) private view returns (bytes3) {
        // slither-disable-next-line low-level-calls (its failure is an answer)
        (bool done, bytes memory answer) = token.staticcall(abi.encodeCall(IDepositToken.currency, ()));
        if (!done || answer.length != 96) revert InvalidReserveToken(token);
        (uint256 offset, uint256 length, bytes32 code) = abi.decode(answer, (uint256, uint256, bytes32));
        if (offset != 32 || length != 3) revert InvalidReserveToken(token);
        return bytes3(code);
    }

    function _add(address auditor) private {
        if (auditor == address(0)) revert InvalidAuditor(auditor);
        ReserveState storage $ = _state();
        if ($.auditors[auditor].status != AuditorStatus.NONE) revert AuditorKnown(auditor);
        uint256 index = $.known.length;
        if (index == MAX_AUDITORS) revert TooManyAuditors(MAX_AUDITORS);
        $.known.push(auditor);
        $.auditors[auditor] = Auditor(AuditorStatus.ACTIVE, uint8(index));
        $.active |= 1 << index;
        emit AuditorAdded(auditor);
    }

    function _setThreshold(uint8 threshold_) private {
        _state().threshold = threshold_;
        emit ThresholdSet(threshold_);
    }

    // ------------------------------------------------------------------------------------------------ attesting

    /// @inheritdoc IReserve
    function attestReserve(ReserveAttestation calldata attestation, bytes[] calldata signatures) external {
        Currency storage c = _known(attestation.currency);
        ReserveTerms.requireInDate(attestation);
        if (attestation.sequence <= c.sequence || attestation.asOf < c.asOf) {
            revert ReserveAttestationSuperseded(attestation.sequence, c.sequence, attestation.asOf, c.asOf);
        }
        uint88 attested = ReserveTerms.total(attestation);
        uint256 signers = _signersOf(attestationDigest(attestation), signatures);

        (c.attested, c.asOf, c.validUntil) = (attested, attestation.asOf, attestation.validUntil);
        (c.signers, c.sequence, c.documentHash) = (signers, attestation.sequence, attestation.documentHash);
        delete c.lines;
        for (uint256 i; i < attestation.lines.length; ++i) {
            c.lines.push(attestation.lines[i]);
        }
        _emitAttested(attestation, attested, signers);
    }

    /// @dev Apart, for the stack.
    function _emitAttested(ReserveAttestation calldata a, uint88 attested, uint256 signers) private {
        emit ReserveAttested(a.currency, a.sequence, attested, a.asOf, a.validUntil, a.documentHash, signers, a.lines);
    }

    /// @return signers the bits of those who signed: at least M, all of them auditors.
    function _signersOf(bytes32 digest, bytes[] calldata signatures) private view returns (uint256 signers) {
        ReserveState storage $ = _state();
        uint256 needed = $.threshold;
        if (needed == 0 || signatures.length < needed) revert NotEnoughAttestations(signatures.length, needed);
        address previous;
        for (uint256 i; i < signatures.length; ++i) {
            bytes calldata signature = signatures[i];
            if (signature.length < 20) revert InvalidAuditor(address(0));
            address signer = address(bytes20(signature));
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            previous = signer;
            Auditor storage auditor = $.auditors[signer];
            if (auditor.status != AuditorStatus.ACTIVE) revert NotAnAuditor(signer);
            if (!Signatures.isValid(signer, digest, signature[20:])) revert InvalidAuditorSignature(signer);
            signers |= 1 << auditor.index;
        }
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IReserve
    function backingOf(address token) external view returns (Freshness freshness, uint256 attested, uint256 supply) {
        bytes3 currency = _state().currencyOf[token];
        if (currency == 0) return (Freshness.MISSING, 0, 0);
        Currency storage c = _state().currencies[currency];
        return (_freshness(c), c.attested, _supply(c));
    }

    /// @inheritdoc IReserve
    function backing(bytes3 currency) external view returns (Backing memory b) {
        Currency storage c = _known(currency);
        b.freshness = _freshness(c);
        (b.attested, b.supply) = (c.attested, _supply(c));
        b.classes = _classes(c.lines);
        b.surplus = int256(b.attested) - int256(b.supply);
        (b.asOf, b.validUntil, b.sequence, b.documentHash) = (c.asOf, c.validUntil, c.sequence, c.documentHash);
        if (c.asOf != 0) (b.age, b.nextDue) = (block.timestamp - c.asOf, c.asOf + c.cycle);
    }

    /// @inheritdoc IReserve
    function linesOf(bytes3 currency) external view returns (ReserveLine[] memory) {
        return _known(currency).lines;
    }

    /// @inheritdoc IReserve
    function currencies() external view returns (bytes3[] memory) {
        return _state().listed;
    }

    /// @inheritdoc IReserve
    function tokensOf(bytes3 currency) external view returns (address[] memory) {
        return _state().currencies[currency].tokens;
    }

    /// @inheritdoc IReserve
    function currencyOf(address token) external view returns (bytes3) {
        return _state().currencyOf[token];
    }

    /// @inheritdoc IReserve
    function cycleOf(bytes3 currency) external view returns (uint40) {
        return _state().currencies[currency].cycle;
    }

    /// @inheritdoc IReserve
    function threshold() external view returns (uint8) {
        return _state().threshold;
    }

    /// @inheritdoc IReserve
    function auditors() external view returns (address[] memory active) {
        ReserveState storage $ = _state();
        active = new address[](_count($.active));
        uint256 n;
        for (uint256 i; i < $.known.length; ++i) {
            if (($.active >> i) & 1 != 0) active[n++] = $.known[i];
        }
    }

    /// @inheritdoc IReserve
    function isAuditor(address auditor) external view returns (bool) {
        return _state().auditors[auditor].status == AuditorStatus.ACTIVE;
    }

    /// @inheritdoc IReserve
    function attestationDigest(ReserveAttestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(ReserveTerms.hash(attestation));
    }

    // ------------------------------------------------------------------------------------------------ inside

    function _freshness(Currency storage c) private view returns (Freshness) {
        ReserveState storage $ = _state();
        uint256 asOf = c.asOf;
        bool inDate = asOf != 0 && block.timestamp <= c.validUntil;
        bool inCycle = c.cycle != 0 && block.timestamp <= asOf + c.cycle;
        uint256 needed = $.threshold;
        bool signed = needed != 0 && _count(c.signers & $.active) >= needed;
        return inDate && inCycle && signed ? Freshness.FRESH : Freshness.STALE;
    }

    function _supply(Currency storage c) private view returns (uint256 supply) {
        uint256 n = c.tokens.length;
        for (uint256 i; i < n; ++i) {
            supply += IERC20(c.tokens[i]).totalSupply();
        }
    }

    /// @dev Lines ascend by class, so equal classes stand together.
    function _classes(ReserveLine[] memory lines) private pure returns (ClassTotal[] memory classes) {
        uint256 n;
        for (uint256 i; i < lines.length; ++i) {
            if (i == 0 || lines[i].assetClass != lines[i - 1].assetClass) ++n;
        }
        classes = new ClassTotal[](n);
        n = 0;
        for (uint256 i; i < lines.length; ++i) {
            if (i != 0 && lines[i].assetClass != lines[i - 1].assetClass) ++n;
            classes[n].assetClass = lines[i].assetClass;
            classes[n].amount += lines[i].amount;
        }
    }

    function _count(uint256 bits) private pure returns (uint256 n) {
        for (; bits != 0; bits &= bits - 1) {
            ++n;
        }
    }

    function _known(bytes3 currency) private view returns (Currency storage c) {
        c = _state().currencies[currency];
        if (c.tokens.length == 0) revert UnknownReserveCurrency(currency);
    }

    function _state() private pure returns (ReserveState storage $) {
        assembly ("memory-safe") {
            $.slot := LOCATION
        }
    }

    // solhint-disable func-name-mixedcase
    /// @dev Constants instead of storage: the domain costs no read, and follows a change of the chain id.
    function _EIP712Name() internal pure override returns (string memory) {
        return "pyjpm Reserve";
    }

    function _EIP712Version() internal pure override returns (string memory) {
        return "1";
    }
    // solhint-enable func-name-mixedcase
}

// slither-disable-end assembly
// slither-disable-end calls-loop
// slither-disable-end naming-convention
// slither-disable-end timestamp
// slither-disable-end uninitialized-local
