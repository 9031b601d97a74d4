// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "./Test.sol";

/// @notice The rows of a state table, and how often successful calls of a handler took each. A campaign that names a
/// file in PYJPM_ROWS is told after each run, so that a handler that gets nothing done cannot pass for work.
abstract contract Rows is Test {
    string private _table;
    string[] private _names;
    mapping(bytes32 name => uint256 indexPlusOne) private _indexOf;
    uint256[] private _taken;

    function _nameTable(string memory table) internal {
        _table = table;
    }

    function _row(string memory name) internal {
        _names.push(name);
        _taken.push();
        _indexOf[keccak256(bytes(name))] = _names.length;
    }

    /// @dev What is no row of the table is not counted.
    function _took(string memory name) internal {
        uint256 index = _indexOf[keccak256(bytes(name))];
        if (index != 0) ++_taken[index - 1];
    }

    function _takenOf(uint256 index) internal view returns (uint256) {
        return _taken[index];
    }

    /// @dev Empty where every row was taken.
    function _rowsMissed() internal view returns (string memory missed) {
        for (uint256 i; i < _names.length; ++i) {
            if (_taken[i] == 0) missed = string.concat(missed, _names[i], "; ");
        }
    }

    function _reportRows() internal {
        string memory file = vm.envOr("PYJPM_ROWS", string(""));
        if (bytes(file).length == 0) return;
        string memory line = string.concat('{"table": "', _table, '", "rows": {');
        for (uint256 i; i < _names.length; ++i) {
            line = string.concat(line, i == 0 ? '"' : ', "', _names[i], '": ', vm.toString(_taken[i]));
        }
        vm.writeLine(file, string.concat(line, "}}"));
    }
}
