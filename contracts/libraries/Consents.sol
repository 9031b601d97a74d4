// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {Clearances} from "./Clearances.sol";
import {Deadlines} from "./Deadlines.sol";
import {Signatures} from "./Signatures.sol";
import {TokenClearances} from "./TokenClearances.sol";
import {TokenDomain} from "./TokenDomain.sol";
import {TokenState} from "./TokenStorage.sol";

/// @notice A payer's signed word that one notary may hold one amount of it under one reference: once, and in full.
library Consents {
    bytes32 private constant CONSENT_TYPE =
        keccak256("Consent(address payer,address notary,uint256 amount,bytes32 ref,uint256 nonce,uint256 deadline)");

    /// @notice Uses it up, for the calling notary.
    /// @return clears whether a clearance of it rode along; it is good then.
    function use(
        TokenState storage $,
        address payer,
        uint256 amount,
        bytes32 ref,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) internal returns (bool clears) {
        requireInTime(deadline);
        spend($, payer, nonce);
        bytes32 digest =
            TokenDomain.digest(keccak256(abi.encode(CONSENT_TYPE, payer, msg.sender, amount, ref, nonce, deadline)));
        clears = Clearances.rides(signature);
        bool signed =
            clears ? TokenClearances.isSigned(payer, digest, signature) : Signatures.isValid(payer, digest, signature);
        if (!signed) revert IDepositToken.InvalidConsent(payer);
    }

    /// @notice Of what a payer signed.
    function requireInTime(uint256 deadline) internal view {
        if (Deadlines.isOpen(deadline)) return;
        if (block.timestamp > deadline) revert IDepositToken.ConsentExpired(deadline, block.timestamp);
        revert IDepositToken.SignatureDeadlineTooFar(deadline, Deadlines.latest());
    }

    function spend(TokenState storage $, address payer, uint256 nonce) internal {
        mapping(uint256 => uint256) storage spent = $.spentConsents[payer];
        uint256 bits = spent[nonce >> 8];
        uint256 bit = 1 << (nonce & 0xff);
        if (bits & bit != 0) revert IDepositToken.ConsentSpent(payer, nonce);
        spent[nonce >> 8] = bits | bit;
    }
}

// slither-disable-end naming-convention
// slither-disable-end timestamp
