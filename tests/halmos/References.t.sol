// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {References} from "../../contracts/libraries/References.sol";
import {TokenState} from "../../contracts/libraries/TokenStorage.sol";

contract ReferencesProof {
    TokenState internal state;

    function spend(uint32 participant, bytes32 ref) external {
        References.spend(state, participant, ref);
    }

    function void(uint32 participant, bytes32 ref) external {
        References.void(state, participant, ref);
    }

    /// A reference is spent once: whatever was spent before, the second time reverts.
    function check_reference_is_spent_once(uint32 participant, bytes32 ref, uint256 before) external {
        state.spentReferences[participant][uint256(ref) >> 8] = before;
        (bool first,) = address(this).call(abi.encodeCall(this.spend, (participant, ref)));
        (bool second,) = address(this).call(abi.encodeCall(this.spend, (participant, ref)));
        (bool third,) = address(this).call(abi.encodeCall(this.void, (participant, ref)));
        assert(!second && !third);
        assert(first == (ref != 0 && before & (1 << (uint256(ref) & 0xff)) == 0));
    }

    /// Spending one reference changes the state of no other, of this or another participant.
    function check_spending_marks_no_other(uint32 p, bytes32 ref, uint32 q, bytes32 other, uint256 x, uint256 y)
        external
    {
        if (p == q && ref == other) return;
        state.spentReferences[q][uint256(other) >> 8] = x;
        state.voidedReferences[q][uint256(other) >> 8] = y;
        IDepositToken.ReferenceState before = References.stateOf(state, q, other);
        (bool done,) = address(this).call(abi.encodeCall(this.spend, (p, ref)));
        assert(References.stateOf(state, q, other) == before);
        if (done) assert(References.stateOf(state, p, ref) != IDepositToken.ReferenceState.UNSPENT);
    }

    /// A void reference is neither unspent nor paid.
    function check_void_is_not_paid(uint32 participant, bytes32 ref) external {
        (bool done,) = address(this).call(abi.encodeCall(this.void, (participant, ref)));
        IDepositToken.ReferenceState now_ = References.stateOf(state, participant, ref);
        assert(now_ == (done ? IDepositToken.ReferenceState.VOIDED : IDepositToken.ReferenceState.UNSPENT));
    }
}
