// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IRecoverable} from "../interfaces/IRecoverable.sol";
import {IUnitToken} from "../interfaces/IUnitToken.sol";

/// @title UnitToken
/// @notice A transfer asks nobody: who may trade is the settlement's question, and a delivery costs what an ERC-20 costs.
contract UnitToken is IUnitToken, ERC20, ERC20Permit, AccessManaged {
    /// @inheritdoc IUnitToken
    address public immutable registry;

    constructor(address registry_, address authority, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
        AccessManaged(authority)
    {
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        registry = registry_;
    }

    /// @inheritdoc IUnitToken
    function issue(address to, uint256 amount) external restricted {
        _requireUnits(amount, type(uint128).max - totalSupply());
        _mint(to, amount);
        emit UnitsIssued(to, amount);
    }

    /// @inheritdoc IUnitToken
    function retire(address from, uint256 amount) external restricted {
        _requireUnits(amount, type(uint256).max);
        if (from != msg.sender) _spendAllowance(from, msg.sender, amount);
        _burn(from, amount);
        emit UnitsRetired(from, amount);
    }

    /// @inheritdoc IRecoverable
    function recover(address lost, address successor, bytes32 orderHash) external {
        if (msg.sender != registry) revert OnlyRegistry(msg.sender);
        uint256 amount = balanceOf(lost);
        if (amount == 0) return;
        emit UnitsRecovered(lost, successor, amount, orderHash);
        _transfer(lost, successor, amount);
    }

    function _requireUnits(uint256 amount, uint256 most) private pure {
        if (amount == 0 || amount > most) revert InvalidUnits(amount, most);
    }

    /// @notice Units are whole: a warrant, a pallet, a share.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @inheritdoc IUnitToken
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
