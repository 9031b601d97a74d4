// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {TokenStorage} from "../../contracts/libraries/TokenStorage.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

contract NextDepositToken is DepositToken {
    error SelfTestFailed(uint256 supply);

    constructor(address registry_) DepositToken(registry_) {}

    function version() external pure override returns (string memory) {
        return "1.1.0";
    }

    /// @dev What an upgrade runs in its own transaction: it does not go through on a state it does not understand.
    function selfTest(uint256 supply) external view {
        if (TokenStorage.load().totalSupply != supply) revert SelfTestFailed(TokenStorage.load().totalSupply);
    }
}

/// @notice The code behind a token's address changes by its role only, and money stays where it was.
contract TokenUpgrade is TokenScenario {
    function test_storage_stands_at_its_erc7201_place() public pure {
        bytes32 place =
            keccak256(abi.encode(uint256(keccak256("pyjpm.storage.DepositToken")) - 1)) & ~bytes32(uint256(0xff));
        assertEq(TokenStorage.LOCATION, place);
    }

    /// @dev The words that the hot paths read, by slot: an upgrade must find them there.
    function test_the_layout_of_words_is_what_it_was() public {
        _hold(alice.wallet, 500);
        _freezeAmount(usd, alice.wallet, 1);
        uint256 root = uint256(TokenStorage.LOCATION);
        assertEq(uint256(vm.load(address(usd), bytes32(root))), MONEY | uint256(2) << 96, "supply | paused | decimals");
        uint256 word = uint256(vm.load(address(usd), _slot(bytes32(uint256(uint160(alice.wallet))), root + 1)));
        uint256 epoch = registry.participantOf(alice.id).epoch;
        assertEq(word, MONEY | 500 << 88 | uint256(alice.id) << 176 | epoch << 208 | 1 << 240, "account");
        word = uint256(vm.load(address(usd), _slot(bytes32(uint256(alice.id)), root + 2)));
        assertEq(word, LIMIT | 500 << 88 | _today() << 176, "limit");
        bytes32 ofNotary = _slot(bytes32(uint256(uint160(address(notary)))), root + 5);
        word = uint256(vm.load(address(usd), _slot(bytes32(uint256(uint160(alice.wallet))), uint256(ofNotary))));
        assertEq(word, 500 | 1 << 255, "held");
        vm.prank(address(notary));
        usd.release(alice.wallet, 500, "ref", _today());
        word = uint256(vm.load(address(usd), _slot(bytes32(uint256(uint160(alice.wallet))), uint256(ofNotary))));
        assertEq(word, 1 << 255, "a used word stays, for the next hold");
    }

    function _slot(bytes32 key, uint256 mapping_) private pure returns (bytes32) {
        return keccak256(abi.encode(key, mapping_));
    }

    function test_an_upgrade_tests_itself_and_keeps_the_money() public {
        address next = address(new NextDepositToken(address(registry)));
        bytes memory wrong = abi.encodeCall(NextDepositToken.selfTest, (MONEY + 1));
        bytes memory call_ = abi.encodeCall(usd.upgradeToAndCall, (next, wrong));
        _schedule(upgrader, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(NextDepositToken.SelfTestFailed.selector, MONEY));
        _executeDelayed(upgrader, address(usd), call_);
        bytes memory right = abi.encodeCall(NextDepositToken.selfTest, (MONEY));
        _delayed(upgrader, address(usd), abi.encodeCall(usd.upgradeToAndCall, (next, right)));
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        _transfer(alice.wallet, bob.wallet, 1);
    }

    function test_nobody_else_upgrades() public {
        address next = address(new NextDepositToken(address(registry)));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, governor));
        vm.prank(governor);
        usd.upgradeToAndCall(next, "");
    }

    function test_nobody_initializes_again() public {
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        usd.initialize(alice.wallet, "n", "s", "USD", 2);
        DepositToken implementation = new DepositToken(address(registry));
        vm.expectRevert(abi.encodeWithSelector(Initializable.InvalidInitialization.selector));
        implementation.initialize(alice.wallet, "n", "s", "USD", 2);
    }
}
