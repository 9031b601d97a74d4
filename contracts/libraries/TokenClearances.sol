// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IClearances} from "../interfaces/IClearances.sol";
import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IMandates} from "../interfaces/IMandates.sol";
import {Clearances} from "./Clearances.sol";
import {Deadlines} from "./Deadlines.sol";
import {Signatures} from "./Signatures.sol";
import {TokenDomain} from "./TokenDomain.sol";
import {TokenRoles} from "./TokenRoles.sol";
import {TokenStorage} from "./TokenStorage.sol";

/// @title The bank's word that money of a participant may move
/// @dev Runs by DELEGATECALL in the token's storage, as TokenRare does: `cleared` with the token's calldata, the rest typed.
library TokenClearances {
    bytes32 private constant CLEARANCE_TYPE = keccak256("Clearance(address payer,bytes32 digest,uint256 deadline)");

    /// @dev The call comes back to the token itself, from the same payer; while it runs, and only for it, its movements are
    /// cleared.
    function cleared(bytes calldata call, uint256 deadline, bytes calldata clearance) external {
        bytes4 selector = call.length < 4 ? bytes4(0) : bytes4(call[:4]);
        bool once = _happensOnce(selector);
        if (!once && selector != IDepositToken.holdAndCall.selector) revert IClearances.NotClearable(selector);
        bytes32 digest = keccak256(call);
        _require(msg.sender, digest, deadline, clearance);
        if (!once) _spend(msg.sender, digest);
        Clearances.open(msg.sender);
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        Address.functionDelegateCall(address(this), call);
        Clearances.close();
    }

    /// @notice Judges a signature with which a clearance rides along; reverts unless the clearance is good.
    /// @return whether the payer signed.
    function isSigned(address payer, bytes32 digest, bytes calldata signature) external returns (bool) {
        (bytes calldata own, uint256 deadline, bytes calldata clearance) = _unwrap(signature);
        _require(payer, digest, deadline, clearance);
        return Signatures.isValid(payer, digest, own);
    }

    /// @dev References and ids of mandates are used up for ever, so a second time reverts whatever was cleared.
    function _happensOnce(bytes4 selector) private pure returns (bool) {
        return selector == IDepositToken.pay.selector || selector == IDepositToken.payBatch.selector
            || selector == IDepositToken.requestRedemption.selector || selector == IMandates.registerMandate.selector;
    }

    function _spend(address payer, bytes32 digest) private {
        mapping(bytes32 => bool) storage spent = TokenStorage.load().spentClearances[payer];
        if (spent[digest]) revert IClearances.ClearanceSpent(payer, digest);
        spent[digest] = true;
    }

    function _require(address payer, bytes32 digest, uint256 deadline, bytes calldata clearance) private {
        if (block.timestamp > deadline) revert IClearances.ClearanceExpired(deadline, block.timestamp);
        if (!Deadlines.isOpen(deadline)) revert IDepositToken.SignatureDeadlineTooFar(deadline, Deadlines.latest());
        if (clearance.length < 20) revert IClearances.InvalidClearance(address(0));
        address screener = address(bytes20(clearance[:20]));
        bytes32 signed = TokenDomain.digest(keccak256(abi.encode(CLEARANCE_TYPE, payer, digest, deadline)));
        if (!Signatures.isValid(screener, signed, clearance[20:]) || !TokenRoles.isScreener(screener)) {
            revert IClearances.InvalidClearance(screener);
        }
        emit IClearances.ClearanceUsed(payer, digest, screener);
    }

    /// @dev abi.encode(bytes, uint256, bytes) and the magic, left in the calldata.
    function _unwrap(bytes calldata wrapped)
        private
        pure
        returns (bytes calldata signature, uint256 deadline, bytes calldata clearance)
    {
        bytes calldata body = wrapped[:wrapped.length - 32];
        deadline = uint256(bytes32(body[32:64]));
        signature = _at(body, uint256(bytes32(body[:32])));
        clearance = _at(body, uint256(bytes32(body[64:96])));
    }

    function _at(bytes calldata body, uint256 offset) private pure returns (bytes calldata) {
        if (offset > body.length - 32) revert IClearances.InvalidClearance(address(0));
        uint256 length = uint256(bytes32(body[offset:offset + 32]));
        if (length > body.length - 32 - offset) revert IClearances.InvalidClearance(address(0));
        return body[offset + 32:offset + 32 + length];
    }
}

// slither-disable-end timestamp
