// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start naming-convention (as OpenZeppelin writes it)

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {TokenState} from "./TokenStorage.sol";

/// @notice Payment references: a bit each, spent once and for ever. They belong to the participant, so that the lock
/// survives its wallets, their loss, and every retry. Those of one batch share a word where they differ in the last byte.
library References {
    function spend(TokenState storage $, uint32 participant, bytes32 ref) internal {
        if (ref == 0) revert IDepositToken.ReferenceMissing();
        (uint256 word, uint256 bit) = place(ref);
        mapping(uint256 => uint256) storage spent = $.spentReferences[participant];
        uint256 bits = spent[word];
        if (bits & bit != 0) revert IDepositToken.AlreadyPaid(ref);
        spent[word] = bits | bit;
    }

    function void(TokenState storage $, uint32 participant, bytes32 ref) internal {
        spend($, participant, ref);
        (uint256 word, uint256 bit) = place(ref);
        $.voidedReferences[participant][word] |= bit;
    }

    function stateOf(TokenState storage $, uint32 participant, bytes32 ref)
        internal
        view
        returns (IDepositToken.ReferenceState)
    {
        (uint256 word, uint256 bit) = place(ref);
        if ($.spentReferences[participant][word] & bit == 0) return IDepositToken.ReferenceState.UNSPENT;
        bool voided = $.voidedReferences[participant][word] & bit != 0;
        return voided ? IDepositToken.ReferenceState.VOIDED : IDepositToken.ReferenceState.PAID;
    }

    function place(bytes32 ref) internal pure returns (uint256 word, uint256 bit) {
        return (uint256(ref) >> 8, 1 << (uint256(ref) & 0xff));
    }
}

// slither-disable-end naming-convention
