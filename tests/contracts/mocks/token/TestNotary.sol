// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INotary} from "../../../../contracts/interfaces/INotary.sol";

/// @notice A notary that accounts for its holds, or answers wrongly, or calls the token from within `onHold`.
contract TestNotary is INotary {
    address public immutable token;
    bytes4 private _answer = INotary.onHold.selector;
    bytes private _reentry;

    address public payer;
    uint256 public amount;
    bytes32 public ref;
    bytes public data;

    constructor(address token_) {
        token = token_;
    }

    function answerWith(bytes4 answer) external {
        _answer = answer;
    }

    function reenterWith(bytes calldata call_) external {
        _reentry = call_;
    }

    function onHold(address payer_, uint256 amount_, bytes32 ref_, bytes calldata data_) external returns (bytes4) {
        (payer, amount, ref, data) = (payer_, amount_, ref_, data_);
        if (_reentry.length > 0) {
            (bool done, bytes memory result) = token.call(_reentry);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
        return _answer;
    }
}
