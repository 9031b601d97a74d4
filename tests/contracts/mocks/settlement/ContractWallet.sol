// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A wallet that is a contract: its owner's key signs for it (ERC-1271), it receives ERC-1155 lots, and it may
/// call back when it does.
contract ContractWallet is ERC1155Holder {
    address public immutable owner;
    address private _target;
    bytes private _data;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recoverCalldata(digest, signature) == owner ? this.isValidSignature.selector : bytes4(0);
    }

    function whenReceiving(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function onERC1155Received(address operator, address from, uint256 id, uint256 value, bytes memory data)
        public
        override
        returns (bytes4)
    {
        if (_target != address(0)) {
            (bool done, bytes memory answer) = _target.call(_data);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
        return super.onERC1155Received(operator, from, id, value, data);
    }
}
