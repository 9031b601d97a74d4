// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Payments that the payer signs and somebody else submits: EIP-3009, with reference and remittance in the digest
/// @notice An authorization is a payment (TRANSFER): it spends the reference of the payer's participant and is announced by
/// `Paid`. Its nonce is another thing: cancelling one spends no reference, so that the payment may still be made otherwise.
/// Whoever submits it must be what the path asks of a caller: an unstopped linked wallet, or an operator.
/// EIP-712 domain: the token's name, version "1". A key signs, or a contract wallet by ERC-1271.
interface IAuthorizations {
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    error AuthorizationNotYetValid(uint256 validAfter, uint256 nowSeconds);
    error AuthorizationExpired(uint256 validBefore, uint256 nowSeconds);
    error AuthorizationSpent(address authorizer, bytes32 nonce);
    /// @notice `authorizer` did not sign that.
    error InvalidAuthorization(address authorizer);
    error CallerNotPayee(address caller, address payee);

    /// @notice Pays as the payer signed: TransferWithAuthorization(address from,address to,uint256 value,
    /// uint256 validAfter,uint256 validBefore,bytes32 nonce,bytes32 ref,bytes32 remittanceHash).
    /// @param value minor units, more than 0.
    /// @param validAfter the last second in which it may not yet be used.
    /// @param validBefore the first second in which it may no longer be used.
    /// @param nonce any not used before. Those that differ in the last byte only share a storage word and cost less.
    /// @param ref as of `pay`.
    /// @param remittance its keccak256 is what is signed.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes32 ref,
        bytes calldata remittance,
        bytes calldata signature
    ) external;

    /// @notice The same by the payee alone, so that nobody can submit it before the payee's own contract does. Signed as
    /// ReceiveWithAuthorization, of the same members.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes32 ref,
        bytes calldata remittance,
        bytes calldata signature
    ) external;

    /// @notice The authorization with this nonce shall not be used.
    /// @param signature of `authorizer` over CancelAuthorization(address authorizer,bytes32 nonce); not looked at where
    /// `authorizer` itself calls.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;

    /// @notice Whether the nonce was used or cancelled.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
}
