// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccountWord} from "../../contracts/libraries/AccountWord.sol";
import {LimitWord} from "../../contracts/libraries/LimitWord.sol";
import {WordSlot, WordSlots} from "../../contracts/libraries/WordSlot.sol";
import {Test} from "./base/Test.sol";

/// @notice Words are found where Solidity keeps them, whatever stands above a key in its stack word.
contract WordSlotTest is Test {
    uint256 private _before; // so that no mapping stands at slot 0
    mapping(address wallet => AccountWord) private _accounts;
    mapping(uint32 participant => LimitWord) private _limits;
    mapping(address notary => mapping(address wallet => uint256)) private _held;

    function testFuzz_an_account_word(uint256 dirty, uint256 word, uint256 next) external {
        address wallet;
        assembly {
            wallet := dirty
        }
        _accounts[address(uint160(dirty))] = AccountWord.wrap(word);
        WordSlot slot = WordSlots.find(_accounts, wallet);
        assertEq(slot.read(), word, "read");
        slot.write(next);
        assertEq(AccountWord.unwrap(_accounts[address(uint160(dirty))]), next, "written");
    }

    function testFuzz_a_limit_word(uint256 dirty, uint256 word, uint256 next) external {
        uint32 participant;
        assembly {
            participant := dirty
        }
        _limits[uint32(dirty)] = LimitWord.wrap(word);
        WordSlot slot = WordSlots.find(_limits, participant);
        assertEq(slot.read(), word, "read");
        slot.write(next);
        assertEq(LimitWord.unwrap(_limits[uint32(dirty)]), next, "written");
    }

    function testFuzz_what_a_notary_holds(address notary, uint256 dirty, uint256 word, uint256 next) external {
        address wallet;
        assembly {
            wallet := dirty
        }
        _held[notary][address(uint160(dirty))] = word;
        WordSlot slot = WordSlots.find(_held[notary], wallet);
        assertEq(slot.read(), word, "read");
        slot.write(next);
        assertEq(_held[notary][address(uint160(dirty))], next, "written");
    }
}
