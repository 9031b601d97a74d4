// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {PlatformProxy} from "../../../contracts/PlatformProxy.sol";
import {Reserve} from "../../../contracts/Reserve.sol";
import {IReserve, ReserveAttestation, ReserveLine} from "../../../contracts/interfaces/IReserve.sol";
import {RegistryBase} from "./RegistryBase.sol";
import {Vm} from "./Vm.sol";

/// @notice A registry and two deposit tokens behind their proxies, registered, with a mint ceiling and rate for the issuer,
/// and a reserve behind them whose one auditor has attested more than there can ever be.
abstract contract TokenBase is RegistryBase {
    uint256 internal constant CEILING = 1e18;
    uint256 internal constant LIMIT = 1e17;

    uint256 internal constant RATE = 1e24;
    uint40 internal constant CYCLE = 1096 days;

    Reserve internal reserve;
    Vm.Wallet internal auditor;
    DepositToken internal usd;
    DepositToken internal eur;
    uint256 private _deposits;

    function setUp() public virtual override {
        super.setUp();
        auditor = _key("auditor");
        reserve = _deployReserve(auditor.addr);
        usd = _deployToken("US dollar deposit", "USD");
        eur = _deployToken("Euro deposit", "EUR");
        _admit(usd);
        _admit(eur);
        _attestReserve("USD", type(uint88).max);
        _attestReserve("EUR", type(uint88).max);
    }

    function _deployReserve(address auditor_) private returns (Reserve deployed) {
        address[] memory auditors = new address[](1);
        auditors[0] = auditor_;
        bytes memory initialization = abi.encodeCall(Reserve.initialize, (address(governance), auditors, 1));
        deployed = Reserve(address(new PlatformProxy(address(new Reserve()), initialization)));
        _wire("Reserve", address(deployed));
    }

    function _deployToken(string memory name, string memory currency) internal returns (DepositToken) {
        address implementation = address(new DepositToken(address(registry)));
        bytes memory initialization =
            abi.encodeCall(DepositToken.initialize, (address(governance), name, currency, currency, uint8(2)));
        return DepositToken(address(new PlatformProxy(implementation, initialization)));
    }

    function _admit(DepositToken token) internal {
        _wire("DepositToken", address(token));
        _registerAsset(address(token), true);
        _schedule(governor, address(reserve), abi.encodeCall(reserve.registerToken, (address(token))));
        _schedule(governor, address(token), abi.encodeCall(token.setReserve, (address(reserve))));
        _schedule(governor, address(token), abi.encodeCall(token.setMintRate, (issuer, RATE, 1 days)));
        bytes3 currency = bytes3(bytes(token.currency()));
        _schedule(governor, address(reserve), abi.encodeCall(reserve.setCycle, (currency, CYCLE)));
        _govern(address(token), abi.encodeCall(token.setMintCeiling, (issuer, CEILING)));
        _executeDelayed(governor, address(reserve), abi.encodeCall(reserve.registerToken, (address(token))));
        _executeDelayed(governor, address(token), abi.encodeCall(token.setReserve, (address(reserve))));
        _executeDelayed(governor, address(token), abi.encodeCall(token.setMintRate, (issuer, RATE, 1 days)));
        _executeDelayed(governor, address(reserve), abi.encodeCall(reserve.setCycle, (currency, CYCLE)));
    }

    // ---- the reserve ----

    /// @dev One line of `amount` minor units, as of now, for as long as there may be.
    function _attestReserve(bytes3 currency, uint256 amount) internal {
        ReserveAttestation memory attestation = _statement(currency, amount);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = _signReserve(auditor, attestation);
        reserve.attestReserve(attestation, signatures);
    }

    /// @dev One line of `amount` minor units, next in sequence.
    function _statement(bytes3 currency, uint256 amount) internal view returns (ReserveAttestation memory) {
        ReserveLine[] memory lines = new ReserveLine[](1);
        lines[0] = ReserveLine("CENTRAL_BANK", "BANKUS33", amount);
        return ReserveAttestation({
            currency: currency,
            lines: lines,
            asOf: uint40(block.timestamp),
            validUntil: uint40(block.timestamp) + CYCLE,
            documentHash: keccak256("report"),
            sequence: reserve.backing(currency).sequence + 1,
            deadline: uint40(block.timestamp) + 1 days
        });
    }

    /// @dev As `attest` takes it. Hashed here, independently of the contract.
    function _signReserve(Vm.Wallet memory signer, ReserveAttestation memory a) internal view returns (bytes memory) {
        bytes memory lines;
        for (uint256 i = 0; i < a.lines.length; i++) {
            ReserveLine memory line = a.lines[i];
            lines = bytes.concat(
                lines, keccak256(abi.encode(_reserveLineType(), line.assetClass, line.custodian, line.amount))
            );
        }
        bytes32 typehash = keccak256(
            "ReserveAttestation(bytes3 currency,ReserveLine[] lines,uint40 asOf,uint40 validUntil,bytes32 documentHash,uint64 sequence,uint40 deadline)ReserveLine(bytes32 assetClass,bytes32 custodian,uint256 amount)"
        );
        bytes32 structHash = keccak256(
            abi.encode(
                typehash, a.currency, keccak256(lines), a.asOf, a.validUntil, a.documentHash, a.sequence, a.deadline
            )
        );
        bytes32 digest = _digest(_domain("pyjpm Reserve", address(reserve)), structHash);
        return abi.encodePacked(signer.addr, _sign(signer.privateKey, digest));
    }

    function _reserveLineType() private pure returns (bytes32) {
        return keccak256("ReserveLine(bytes32 assetClass,bytes32 custodian,uint256 amount)");
    }

    /// @dev As GOVERNOR; time passes: DELAY.
    function _govern(address target, bytes memory data) internal {
        _delayed(governor, target, data);
    }

    function _registerNotary(DepositToken token, address notary) internal {
        _govern(address(token), abi.encodeCall(token.registerNotary, (notary)));
    }

    /// @dev A participant with a daily limit in both currencies, and no money.
    function _client(string memory name) internal returns (Party memory party) {
        party = _onboard(name);
        _setLimit(usd, party.id, LIMIT);
        _setLimit(eur, party.id, LIMIT);
    }

    /// @dev The same, with `amount` minor units of `token`.
    function _client(string memory name, DepositToken token, uint256 amount) internal returns (Party memory party) {
        party = _client(name);
        _deposit(token, party.wallet, amount);
    }

    function _setLimit(DepositToken token, uint32 participant, uint256 limit) internal {
        vm.prank(SWIFT);
        token.setDailyLimit(participant, limit);
    }

    /// @dev Years may have passed: the reserve is attested anew where it needs to be.
    function _deposit(DepositToken token, address to, uint256 amount) internal {
        bytes3 currency = bytes3(bytes(token.currency()));
        if (reserve.backing(currency).freshness != IReserve.Freshness.FRESH) {
            _attestReserve(currency, type(uint88).max);
        }
        bytes32 depositRef = keccak256(abi.encode("deposit", ++_deposits));
        vm.prank(issuer);
        token.mint(depositRef, to, amount);
    }

    function _freezeAmount(DepositToken token, address wallet, uint256 amount) internal {
        vm.prank(compliance);
        token.freezeAmount(wallet, amount, ORDER);
    }

    function _pause(DepositToken token) internal {
        vm.prank(pauser);
        token.pause();
    }

    /// @dev Time passes: DELAY.
    function _unpause(DepositToken token) internal {
        _govern(address(token), abi.encodeCall(token.unpause, ()));
    }

    function _signConsent(
        uint256 key,
        DepositToken token,
        address payer,
        address notary,
        uint256 amount,
        bytes32 ref,
        uint256 nonce,
        uint256 deadline
    ) internal view returns (bytes memory) {
        bytes32 typehash = keccak256(
            "Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, payer, notary, amount, ref, nonce, deadline));
        return _sign(key, _digest(_domain(token.name(), address(token)), structHash));
    }
}
