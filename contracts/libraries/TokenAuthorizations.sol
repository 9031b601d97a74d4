// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAuthorizations} from "../interfaces/IAuthorizations.sol";
import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Clearances} from "./Clearances.sol";
import {Movement, Movements} from "./Movements.sol";
import {PlainMovements} from "./PlainMovements.sol";
import {Path, Reason} from "./Reason.sol";
import {References} from "./References.sol";
import {Signatures} from "./Signatures.sol";
import {TokenClearances} from "./TokenClearances.sol";
import {TokenDomain} from "./TokenDomain.sol";
import {TokenState, TokenStorage} from "./TokenStorage.sol";

/// @title Payments by the payer's signature
/// @dev Runs by DELEGATECALL in the token's storage with the token's calldata, as TokenRare does. The members of
/// `Authorization` lie in the calldata as the token's first seven parameters do.
library TokenAuthorizations {
    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
        bytes32 ref;
    }

    bytes32 private constant TRANSFER_TYPE = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce,bytes32 ref,bytes32 remittanceHash)"
    );
    bytes32 private constant RECEIVE_TYPE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce,bytes32 ref,bytes32 remittanceHash)"
    );
    bytes32 private constant CANCEL_TYPE = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    function transferWithAuthorization(Authorization calldata a, bytes calldata remittance, bytes calldata signature)
        external
    {
        _pay(TRANSFER_TYPE, a, keccak256(remittance), signature);
    }

    function receiveWithAuthorization(Authorization calldata a, bytes calldata remittance, bytes calldata signature)
        external
    {
        if (msg.sender != a.to) revert IAuthorizations.CallerNotPayee(msg.sender, a.to);
        _pay(RECEIVE_TYPE, a, keccak256(remittance), signature);
    }

    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external {
        _spend(TokenStorage.load(), authorizer, nonce);
        if (msg.sender != authorizer) {
            bytes32 digest = TokenDomain.digest(keccak256(abi.encode(CANCEL_TYPE, authorizer, nonce)));
            if (!Signatures.isValid(authorizer, digest, signature)) {
                revert IAuthorizations.InvalidAuthorization(authorizer);
            }
        }
        emit IAuthorizations.AuthorizationCanceled(authorizer, nonce);
    }

    function _pay(bytes32 structType, Authorization calldata a, bytes32 remittanceHash, bytes calldata signature)
        private
    {
        if (a.value == 0) revert IDepositToken.ZeroAmount();
        if (block.timestamp <= a.validAfter) {
            revert IAuthorizations.AuthorizationNotYetValid(a.validAfter, block.timestamp);
        }
        if (block.timestamp >= a.validBefore) {
            revert IAuthorizations.AuthorizationExpired(a.validBefore, block.timestamp);
        }
        TokenState storage $ = TokenStorage.load();
        _spend($, a.from, a.nonce);
        emit IAuthorizations.AuthorizationUsed(a.from, a.nonce);
        bytes32 digest = TokenDomain.digest(keccak256(abi.encode(structType, a, remittanceHash)));
        uint32 participant = _isClearedBySigner(a.from, digest, signature) ? _transferCleared($, a) : _transfer($, a);
        References.spend($, participant, a.ref);
        emit IDepositToken.Paid(a.from, a.to, a.ref, a.value, remittanceHash);
        emit IERC20.Transfer(a.from, a.to, a.value);
    }

    /// @dev Reverts unless the payer signed.
    function _isClearedBySigner(address payer, bytes32 digest, bytes calldata signature) private returns (bool rides) {
        rides = Clearances.rides(signature);
        bool signed =
            rides ? TokenClearances.isSigned(payer, digest, signature) : Signatures.isValid(payer, digest, signature);
        if (!signed) revert IAuthorizations.InvalidAuthorization(payer);
    }

    function _transferCleared(TokenState storage $, Authorization calldata a) private returns (uint32 participant) {
        Clearances.open(a.from);
        participant = _transfer($, a);
        Clearances.close();
    }

    /// @return participant the payer's.
    function _transfer(TokenState storage $, Authorization calldata a) private returns (uint32 participant) {
        IParticipantRegistry registry = IParticipantRegistry(IDepositToken(address(this)).registry());
        participant = PlainMovements.transfer($, registry, a.from, a.to, a.value);
        if (participant != 0) return participant;
        Movement memory m = Movements.make(registry, Path.TRANSFER, msg.sender, a.from, a.to, a.value);
        if (!Movements.begin($, m) || !Movements.assess($, m)) {
            // unlike a transferFrom, it could have been cleared
            if (m.reason == Reason.NOT_CLEARABLE) m.reason = Reason.CLEARANCE_MISSING;
            Movements.refuse(m);
        }
        Movements.carryOut($, m);
        return m.payer.participant();
    }

    function _spend(TokenState storage $, address authorizer, bytes32 nonce) private {
        (uint256 word, uint256 bit) = References.place(nonce);
        mapping(uint256 => uint256) storage spent = $.spentAuthorizations[authorizer];
        uint256 bits = spent[word];
        if (bits & bit != 0) revert IAuthorizations.AuthorizationSpent(authorizer, nonce);
        spent[word] = bits | bit;
    }
}

// slither-disable-end timestamp
