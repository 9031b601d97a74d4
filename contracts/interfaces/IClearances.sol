// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Money that moves only with the bank's clearance
/// @notice No money of a participant with Flags.CLEARANCE is paid or held without the word of the bank's screening role
/// (SCREENER of the authority) over exactly that: Clearance(address payer,bytes32 digest,uint256 deadline), EIP-712 domain:
/// the token's name, version "1". So whoever has the key of such a wallet has no money yet.
///
/// What `digest` is:
/// - of a call by the payer itself: keccak256 of its calldata, byte for byte, which then is given to `cleared`. Only calls
///   that happen once can be cleared.
/// - of a consent, an authorization or a mandate (RegisterMandate): its EIP-712 digest. The clearance rides along in `bytes signature`:
///   abi.encode(bytes signature, uint256 deadline, bytes clearance) ++ CLEARANCE_MAGIC, so that notaries pass it on as it is.
///
/// A mandate is cleared when it is registered, once for all that is paid by it; without, nothing is.
///
/// A clearance starts with the 20 bytes of its signer, who is a key or a contract (ERC-1271). What is held was cleared when
/// it was held: execution, release and the bank's own acts ask for none. `transfer` and `transferFrom` cannot be cleared.
/// `check` answers for a payer without a clearance: CLEARANCE_MISSING on HOLD, and on TRANSFER by the payer itself;
/// NOT_CLEARABLE on TRANSFER by another, as by allowance (an authorization without a clearance is CLEARANCE_MISSING).
// slither-disable-next-line missing-inheritance (its code, run by the contract that has that face)
interface IClearances {
    /// @param digest of the call, consent or authorization.
    event ClearanceUsed(address indexed payer, bytes32 indexed digest, address indexed screener);

    error ClearanceExpired(uint256 deadline, uint256 nowSeconds);
    /// @notice `screener` did not sign that, or is no screener. 0: the clearance has not even a signer.
    error InvalidClearance(address screener);
    error ClearanceSpent(address payer, bytes32 digest);
    /// @notice The call could be repeated under one clearance, or is no movement of the payer's money.
    error NotClearable(bytes4 selector);

    /// @notice By the payer: makes one of its own calls (pay, payBatch, holdAndCall, requestRedemption,
    /// registerMandate) with a clearance.
    /// References make the others happen once; a `holdAndCall` is cleared once per payer and calldata.
    /// @param call calldata for this token.
    /// @param deadline of the clearance: the last second in which it may be used.
    /// @param clearance signer and signature.
    function cleared(bytes calldata call, uint256 deadline, bytes calldata clearance) external;
}
