// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {IAuthorizations} from "../../../contracts/interfaces/IAuthorizations.sol";
import {Flags} from "../../../contracts/libraries/Flags.sol";
import {TokenScenario} from "./TokenScenario.sol";
import {Vm} from "./Vm.sol";

/// @notice Authorizations and clearances as their signers make them, hashed here, independently of the contracts.
abstract contract ClearanceBase is TokenScenario {
    string internal constant AUTHORIZATION_MEMBERS =
        "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce,bytes32 ref,bytes32 remittanceHash)";

    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
        bytes32 ref;
        bytes remittance;
    }

    Vm.Wallet internal screener;

    function setUp() public virtual override {
        super.setUp();
        screener = _key("screener");
        _grant("SCREENER", screener.addr);
        _beSwift();
    }

    // ---- flags ----

    function _mustBeCleared(uint32 participant) internal {
        vm.prank(compliance);
        registry.addFlags(participant, Flags.CLEARANCE);
    }

    function _needsNone(uint32 participant) internal {
        _resolve(abi.encodeCall(registry.removeFlags, (participant, Flags.CLEARANCE)));
    }

    // ---- clearances ----

    /// @dev Without asking the token, so that it may come between an expectation and its call.
    function _domainOf(DepositToken token) internal view returns (bytes32) {
        return _domain(address(token) == address(usd) ? "US dollar deposit" : "Euro deposit", address(token));
    }

    function _clearanceDigest(DepositToken token, address payer, bytes32 digest, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256("Clearance(address payer,bytes32 digest,uint256 deadline)");
        return _digest(_domainOf(token), keccak256(abi.encode(typehash, payer, digest, deadline)));
    }

    function _clear(Vm.Wallet memory by, DepositToken token, address payer, bytes32 digest, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(by.addr, _sign(by.privateKey, _clearanceDigest(token, payer, digest, deadline)));
    }

    /// @dev By the screener, for the dollar token, until now.
    function _clear(address payer, bytes32 digest) internal view returns (bytes memory) {
        return _clear(screener, usd, payer, digest, block.timestamp);
    }

    /// @dev By the screener, and sent by the payer.
    function _cleared(address payer, bytes memory call_) internal {
        bytes memory clearance = _clear(payer, keccak256(call_));
        vm.prank(payer);
        usd.cleared(call_, block.timestamp, clearance);
    }

    function _wrap(bytes memory signature, uint256 deadline, bytes memory clearance)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(abi.encode(signature, deadline, clearance), keccak256("pyjpm clearance"));
    }

    /// @dev The signature, with the screener's clearance of that digest until now.
    function _riding(bytes memory signature, address payer, bytes32 digest) internal view returns (bytes memory) {
        return _wrap(signature, block.timestamp, _clear(payer, digest));
    }

    // ---- consents ----

    function _consentDigest(address payer, address notary_, uint256 amount, bytes32 ref, uint256 nonce)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typehash, payer, notary_, amount, ref, nonce, block.timestamp));
        return _digest(_domainOf(usd), structHash);
    }

    // ---- authorizations ----

    /// @dev Used at once, for as long as that.
    function _authorization(address from, address to, uint256 value) internal returns (Authorization memory) {
        bytes32 n = bytes32(_next());
        return Authorization(from, to, value, block.timestamp - 1, block.timestamp + 1, n, keccak256(abi.encode(n)), "");
    }

    function _authorizationDigest(string memory name, Authorization memory a) internal view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(bytes(string.concat(name, AUTHORIZATION_MEMBERS))),
                a.from,
                a.to,
                a.value,
                a.validAfter,
                a.validBefore,
                a.nonce,
                a.ref,
                keccak256(a.remittance)
            )
        );
        return _digest(_domainOf(usd), structHash);
    }

    function _authorize(uint256 key, Authorization memory a) internal view returns (bytes memory) {
        return _sign(key, _authorizationDigest("TransferWithAuthorization", a));
    }

    function _transferCall(Authorization memory a, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IAuthorizations.transferWithAuthorization,
            (a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, a.ref, a.remittance, signature)
        );
    }

    function _receiveCall(Authorization memory a, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IAuthorizations.receiveWithAuthorization,
            (a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, a.ref, a.remittance, signature)
        );
    }

    function _submit(address relayer, Authorization memory a, bytes memory signature) internal {
        _callAs(relayer, _transferCall(a, signature));
    }

    /// @dev Bubbles a revert up, so that an expectation set before meets it.
    function _callAs(address caller, bytes memory call_) internal {
        vm.prank(caller);
        (bool done, bytes memory result) = address(usd).call(call_);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
