// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {PlatformProxy} from "../../../contracts/PlatformProxy.sol";
import {RegistryBase} from "./RegistryBase.sol";

/// @notice A registry and two deposit tokens behind their proxies, registered, with a mint ceiling for the issuer.
abstract contract TokenBase is RegistryBase {
    uint256 internal constant CEILING = 1e18;
    uint256 internal constant LIMIT = 1e17;

    DepositToken internal usd;
    DepositToken internal eur;
    uint256 private _deposits;

    function setUp() public virtual override {
        super.setUp();
        usd = _deployToken("US dollar deposit", "USD");
        eur = _deployToken("Euro deposit", "EUR");
        _admit(usd);
        _admit(eur);
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
        _govern(address(token), abi.encodeCall(token.setMintCeiling, (issuer, CEILING)));
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
        vm.prank(onboarder);
        token.setDailyLimit(participant, limit);
    }

    function _deposit(DepositToken token, address to, uint256 amount) internal {
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
