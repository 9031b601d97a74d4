// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttesterSets} from "../../contracts/AttesterSets.sol";
import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {RegistryBase} from "./base/RegistryBase.sol";

/// @notice AttesterSets, function by function. What is wrong with signatures: AttesterSets.t.sol and BadInputEscrow.t.sol.
contract BadInputAttesterSets is RegistryBase, BadInputTable {
    address private constant NOBODY = address(0);
    address private constant STRANGER = address(0xBAD);

    AttesterSets private sets;
    Party private administrator;
    uint32 private setId;

    function setUp() public override {
        super.setUp();
        sets = new AttesterSets(address(registry));
        subject = address(sets);
        administrator = _onboard("administrator");
        vm.prank(administrator.wallet);
        setId = sets.createSet(2, _keys(2));
    }

    function _keys(uint256 n) private pure returns (address[] memory keys) {
        keys = new address[](n);
        for (uint256 i; i < n; ++i) {
            keys[i] = address(uint160(0x100 + i));
        }
    }

    function _refusesSet(uint8 minimum, address[] memory keys, bytes memory refusal) private {
        _refuses(administrator.wallet, abi.encodeCall(sets.createSet, (minimum, keys)), refusal);
    }

    function test_createSet() external {
        _refusesSet(1, _keys(0), abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 0, 1));
        _refusesSet(0, _keys(1), abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 1, 0));
        _refusesSet(3, _keys(2), abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 2, 3));
        _refusesSet(1, _keys(65), abi.encodeWithSelector(IAttesterSets.SetTooLarge.selector, 65, 64));
        address[] memory keys = _keys(3);
        keys[2] = NOBODY;
        _refusesSet(1, keys, abi.encodeWithSelector(IAttesterSets.InvalidAttester.selector, NOBODY));
        keys[2] = keys[0];
        _refusesSet(1, keys, abi.encodeWithSelector(IAttesterSets.AttesterKnown.selector, keys[0]));
        _refuses(
            STRANGER,
            abi.encodeCall(sets.createSet, (1, _keys(1))),
            abi.encodeWithSelector(IAttesterSets.NotSetAdministrator.selector, 0, STRANGER)
        );
        vm.prank(administrator.wallet);
        assertEq(sets.createSet(64, _keys(64)), setId + 1, "as many as there may be");
    }

    function test_announceAttester() external {
        uint32[2] memory unknown = [0, type(uint32).max];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                administrator.wallet,
                abi.encodeCall(sets.announceAttester, (unknown[i], STRANGER)),
                abi.encodeWithSelector(IAttesterSets.UnknownAttesterSet.selector, unknown[i])
            );
        }
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.announceAttester, (setId, NOBODY)),
            abi.encodeWithSelector(IAttesterSets.InvalidAttester.selector, NOBODY)
        );
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.announceAttester, (setId, address(0x100))),
            abi.encodeWithSelector(IAttesterSets.AttesterKnown.selector, address(0x100))
        );
    }

    function test_addAttester() external {
        address[2] memory never = [NOBODY, STRANGER];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                administrator.wallet,
                abi.encodeCall(sets.addAttester, (setId, never[i])),
                abi.encodeWithSelector(IAttesterSets.AttesterNotAnnounced.selector, never[i])
            );
        }
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.addAttester, (0, STRANGER)),
            abi.encodeWithSelector(IAttesterSets.AttesterNotAnnounced.selector, STRANGER)
        );
    }

    function test_removeAttester() external {
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.removeAttester, (0, STRANGER)),
            abi.encodeWithSelector(IAttesterSets.UnknownAttesterSet.selector, 0)
        );
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.removeAttester, (setId, NOBODY)),
            abi.encodeWithSelector(IAttesterSets.InvalidAttester.selector, NOBODY)
        );
        _refuses(
            administrator.wallet,
            abi.encodeCall(sets.removeAttester, (setId, address(0x100))),
            abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 1, 2)
        );
    }
}
