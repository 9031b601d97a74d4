// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "./Test.sol";
import {Vm} from "./Vm.sol";

/// @notice Rows of bad input: who calls what, and the typed error that answers. A test is named after the function it is
/// about (`test_pay_...`): tests/unit/test_bad_input.py holds that no function is left out.
abstract contract BadInputTable is Test {
    uint256 private constant ORDER_OF_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    address internal subject; // the contract that is called

    /// @param refusal the whole error, or its selector alone where the rest is another's business.
    function _refuses(address caller, bytes memory call_, bytes memory refusal) internal {
        vm.prank(caller);
        (bool done, bytes memory answer) = subject.call(call_);
        assertFalse(done, "bad input passed");
        assertGe(answer.length, 4, "no typed error");
        if (refusal.length == 4) assertEq(bytes32(bytes4(answer)), bytes32(bytes4(refusal)));
        else assertEq(answer, refusal);
    }

    function _refuses(address caller, bytes memory call_, bytes4 refusal) internal {
        _refuses(caller, call_, abi.encodePacked(refusal));
    }

    /// @dev The other signature that the curve allows for the same digest: s in the upper half.
    function _malleated(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        return abi.encodePacked(r, bytes32(ORDER_OF_CURVE - uint256(s)), v ^ 7);
    }

    function _truncated(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s,) = _split(signature);
        return abi.encodePacked(r, s);
    }

    function _split(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    /// @dev Signatures of one digest that no contract may take, and one of another key.
    function _forgeries(bytes memory good, bytes memory byAnother) internal pure returns (bytes[5] memory) {
        return [bytes(""), _malleated(good), _truncated(good), abi.encodePacked(good, uint8(0)), byAnother];
    }
}
