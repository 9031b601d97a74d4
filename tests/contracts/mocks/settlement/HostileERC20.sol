// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice An ERC-20 that anybody may mint.
contract PlainERC20 is ERC20 {
    constructor() ERC20("Plain", "PLN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Says true and moves nothing.
contract LyingERC20 is PlainERC20 {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @notice Says false and moves nothing.
contract FalseERC20 is PlainERC20 {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @notice Keeps one unit of what passes.
contract FeeERC20 is PlainERC20 {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _burn(from, 1);
        return super.transferFrom(from, to, amount - 1);
    }
}

/// @notice Gives the receiver more than was sent, out of nothing.
contract GenerousERC20 is PlainERC20 {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _mint(to, 1);
        return super.transferFrom(from, to, amount);
    }
}

/// @notice Takes more from the sender than it was asked for, and tells nobody.
contract GreedyERC20 is PlainERC20 {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _burn(from, 1);
        return super.transferFrom(from, to, amount);
    }
}

/// @notice Moves and answers nothing at all, as some old tokens do.
contract MuteERC20 {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Calls somebody back in the middle of a transfer, and hands on what that reverts with.
contract ReenteringERC20 is PlainERC20 {
    address private _target;
    bytes private _data;

    function reenter(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        (bool done, bytes memory answer) = _target.call(_data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        return super.transferFrom(from, to, amount);
    }
}

/// @notice Calls somebody back in the middle of a transfer and goes on, whatever the answer.
contract StubbornERC20 is PlainERC20 {
    address private _target;
    bytes private _data;

    function reenter(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        (bool done,) = _target.call(_data);
        return super.transferFrom(from, to, done ? 0 : amount);
    }
}
