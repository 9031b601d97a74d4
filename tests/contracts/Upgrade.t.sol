// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {DepositToken} from "../../contracts/DepositToken.sol";
import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {Reserve} from "../../contracts/Reserve.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {TokenStorage} from "../../contracts/libraries/TokenStorage.sol";
import {UpgradeCheck} from "../../contracts/libraries/UpgradeCheck.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

contract TokenNext is DepositToken {
    constructor(address registry_) DepositToken(registry_) {}

    function version() external pure override returns (string memory) {
        return "1.0.1";
    }

    /// @dev What an upgrade may do besides: a migration of its own.
    function forgetFreeze(address wallet) external {
        delete TokenStorage.load().frozen[wallet];
    }
}

contract TokenOlder is DepositToken {
    constructor(address registry_) DepositToken(registry_) {}

    function version() external pure override returns (string memory) {
        return "0.65535.4294967295";
    }
}

contract TokenNameless is DepositToken {
    constructor(address registry_) DepositToken(registry_) {}

    function version() external pure override returns (string memory) {
        return "2.0.0-beta";
    }
}

contract RegistryNext is ParticipantRegistry {
    function version() external pure override returns (string memory) {
        return "1.1.0";
    }
}

contract ReserveNext is Reserve {
    function version() external pure override returns (string memory) {
        return "2.0.0";
    }
}

/// @notice Upgradable, newer, and without a memory.
contract Hollow is UUPSUpgradeable {
    function version() external pure returns (string memory) {
        return "9.0.0";
    }

    function _authorizeUpgrade(address) internal pure override {}
}

/// @notice For proxies of another kind.
contract OtherKind {
    function proxiableUUID() external pure returns (bytes32) {
        return "another slot";
    }
}

/// @notice The code behind an address changes by its role, after its delay, and only to code that knows what was known.
contract UpgradeTest is TokenScenario {
    address private constant LIAR = address(0x11A4);

    function setUp() public override {
        super.setUp();
        _hold(alice.wallet, 500);
        _freezeAmount(usd, alice.wallet, 7);
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 11, "invoice 1", "");
        vm.prank(alice.wallet);
        usd.voidReference(alice.id, "invoice 2");
        _freeze(bob.id);
    }

    function _root(string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(uint256(keccak256(bytes(name))) - 1)) & ~bytes32(uint256(0xff));
    }

    function _to(address next) private pure returns (bytes memory) {
        return abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (next, ""));
    }

    function _upgrade(address proxy, address next) private {
        _delayed(upgrader, proxy, _to(next));
    }

    function _announced(address proxy, address next) private {
        _schedule(upgrader, proxy, _to(next));
        vm.warp(block.timestamp + DELAY);
    }

    /// @dev `next`, with its storage one slot further on.
    function _shifted(address next, bytes32 root) private returns (address) {
        return _changed(next, abi.encodePacked(root), abi.encodePacked(uint256(root) + 1));
    }

    /// @dev `next` at another address, with other bytes wherever `old` stood.
    function _changed(address next, bytes memory old, bytes memory other) private returns (address) {
        bytes memory code = next.code;
        assertGt(_replace(code, old, other), 0, "what is to be changed is there");
        _replace(code, abi.encodePacked(next), abi.encodePacked(LIAR));
        vm.etch(LIAR, code);
        return LIAR;
    }

    function _replace(bytes memory code, bytes memory old, bytes memory other) private pure returns (uint256 places) {
        bytes32 wanted = keccak256(old);
        uint256 length = old.length;
        for (uint256 i; i + length <= code.length; ++i) {
            bool same;
            assembly ("memory-safe") {
                same := eq(keccak256(add(add(code, 32), i), length), wanted)
            }
            if (!same) continue;
            ++places;
            for (uint256 j; j < length; ++j) {
                code[i + j] = other[j];
            }
        }
    }

    // ---- good ones ----

    function test_a_token_keeps_everything() public {
        _upgrade(address(usd), address(new TokenNext(address(registry))));
        assertEq(usd.version(), "1.0.1");
        assertEq(usd.balanceOf(alice.wallet), MONEY - 11);
        assertEq(usd.held(alice.wallet), 500);
        assertEq(usd.heldFor(address(notary), alice.wallet), 500);
        assertEq(usd.frozen(alice.wallet), 7);
        (uint256 limit,) = usd.dailyLimit(alice.id);
        assertEq(limit, LIMIT);
        assertEq(uint8(usd.referenceState(alice.id, "invoice 1")), uint8(IDepositToken.ReferenceState.PAID));
        assertEq(uint8(usd.referenceState(alice.id, "invoice 2")), uint8(IDepositToken.ReferenceState.VOIDED));
        assertEq(usd.totalSupply(), MONEY);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, bytes32("invoice 1")));
        vm.prank(alice.wallet);
        usd.pay(alice.wallet, 11, "invoice 1", "");
        vm.prank(address(notary));
        usd.release(alice.wallet, 500, "ref", _today());
        assertEq(usd.held(alice.wallet), 0);
        assertEq(eur.version(), "1.0.0");
    }

    /// @dev The words themselves, where the code before put them.
    function test_the_storage_words_stay_as_they_are() public {
        bytes32 root = _root("pyjpm.storage.DepositToken");
        bytes32[4] memory slots = [
            root,
            keccak256(abi.encode(alice.wallet, uint256(root) + 1)),
            keccak256(abi.encode(uint256(alice.id), uint256(root) + 2)),
            keccak256(abi.encode(alice.wallet, keccak256(abi.encode(address(notary), uint256(root) + 5))))
        ];
        bytes32[4] memory before;
        for (uint256 i; i < 4; ++i) {
            before[i] = vm.load(address(usd), slots[i]);
            assertNotEq(before[i], bytes32(0));
        }
        _upgrade(address(usd), address(new TokenNext(address(registry))));
        for (uint256 i; i < 4; ++i) {
            assertEq(vm.load(address(usd), slots[i]), before[i]);
        }
    }

    function test_a_registry_and_a_reserve_keep_everything() public {
        _upgrade(address(registry), address(new RegistryNext()));
        assertEq(registry.version(), "1.1.0");
        assertTrue(registry.isStopped(bob.id));
        assertEq(registry.currentWallet(alice.id), alice.wallet);
        _upgrade(address(reserve), address(new ReserveNext()));
        assertEq(reserve.version(), "2.0.0");
        assertEq(reserve.backing("USD").attested, type(uint88).max);
        _transfer(alice.wallet, _party("carol", 0).wallet, 1);
    }

    function test_two_upgrades_after_each_other() public {
        _upgrade(address(registry), address(new RegistryNext()));
        address next = address(new RegistryNext());
        _announced(address(registry), next);
        vm.expectRevert(abi.encodeWithSelector(UpgradeCheck.UpgradeNotNewer.selector, "1.1.0", "1.1.0"));
        _executeDelayed(upgrader, address(registry), _to(next));
    }

    // ---- bad ones: the new code answers otherwise, and the upgrade never happened ----

    function _expectLie(address proxy, address liar, address still) private {
        _announced(proxy, liar);
        vm.expectPartialRevert(UpgradeCheck.UpgradeChangedAnswer.selector);
        _executeDelayed(upgrader, proxy, _to(liar));
        assertEq(address(uint160(uint256(vm.load(proxy, ERC1967Utils.IMPLEMENTATION_SLOT)))), still);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 11);
    }

    function _implementation(address proxy) private view returns (address) {
        return address(uint160(uint256(vm.load(proxy, ERC1967Utils.IMPLEMENTATION_SLOT))));
    }

    function test_a_token_that_reads_its_storage_a_slot_off_is_refused() public {
        address liar = _shifted(address(new TokenNext(address(registry))), _root("pyjpm.storage.DepositToken"));
        _expectLie(address(usd), liar, _implementation(address(usd)));
    }

    function test_a_registry_that_reads_its_storage_a_slot_off_is_refused() public {
        address liar = _shifted(address(new RegistryNext()), _root("pyjpm.storage.ParticipantRegistry"));
        _expectLie(address(registry), liar, _implementation(address(registry)));
    }

    function test_a_reserve_that_reads_its_storage_a_slot_off_is_refused() public {
        address liar = _shifted(address(new ReserveNext()), _root("pyjpm.storage.Reserve"));
        _expectLie(address(reserve), liar, _implementation(address(reserve)));
    }

    function test_code_that_answers_nothing_is_refused() public {
        address hollow = address(new Hollow());
        _expectLie(address(usd), hollow, _implementation(address(usd)));
    }

    function test_a_token_of_another_registry_is_refused() public {
        address other = address(new TokenNext(address(eur)));
        _announced(address(usd), other);
        bytes memory question = abi.encodeCall(IDepositToken.registry, ());
        bytes memory before = abi.encodePacked(bytes1(0x01), abi.encode(address(registry)));
        bytes memory found = abi.encodePacked(bytes1(0x01), abi.encode(address(eur)));
        vm.expectRevert(abi.encodeWithSelector(UpgradeCheck.UpgradeChangedAnswer.selector, question, before, found));
        _executeDelayed(upgrader, address(usd), _to(other));
    }

    /// @dev A migration runs before the test, which finds what it changed.
    function test_a_migration_that_loses_a_freeze_is_refused() public {
        address next = address(new TokenNext(address(registry)));
        bytes memory migration = abi.encodeCall(TokenNext.forgetFreeze, (alice.wallet));
        bytes memory call_ = abi.encodeCall(usd.upgradeToAndCall, (next, migration));
        _schedule(upgrader, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectPartialRevert(UpgradeCheck.UpgradeChangedAnswer.selector);
        _executeDelayed(upgrader, address(usd), call_);
        assertEq(usd.frozen(alice.wallet), 7);
    }

    function test_no_way_back_and_none_sideways() public {
        address[3] memory all = [
            address(new TokenOlder(address(registry))),
            address(new DepositToken(address(registry))),
            address(new TokenNameless(address(registry)))
        ];
        string[3] memory versions = ["0.65535.4294967295", "1.0.0", "2.0.0-beta"];
        for (uint256 i; i < all.length; ++i) {
            _announced(address(usd), all[i]);
            vm.expectRevert(abi.encodeWithSelector(UpgradeCheck.UpgradeNotNewer.selector, "1.0.0", versions[i]));
            _executeDelayed(upgrader, address(usd), _to(all[i]));
        }
    }

    /// @dev Eighteen letters each, in place of an older version's.
    function test_what_is_no_version_is_not_newer() public {
        string[6] memory versions = [
            "2.0.0/000000000000",
            "2.0.0:000000000000",
            "2.0.0.000000000000",
            "2.0000000000000000",
            "1.4294967296.00000",
            "999999999999999999"
        ];
        address older = address(new TokenOlder(address(registry)));
        for (uint256 i; i < versions.length; ++i) {
            address next = _changed(older, "0.65535.4294967295", bytes(versions[i]));
            _announced(address(usd), next);
            vm.expectRevert(abi.encodeWithSelector(UpgradeCheck.UpgradeNotNewer.selector, "1.0.0", versions[i]));
            _executeDelayed(upgrader, address(usd), _to(next));
            vm.prank(upgrader);
            governance.cancel(upgrader, address(usd), _to(next));
        }
        address newest = _changed(older, "0.65535.4294967295", "1.4294967295.00001");
        _upgrade(address(usd), newest);
        assertEq(usd.version(), "1.4294967295.00001");
    }

    function test_what_is_no_implementation_is_refused() public {
        address[2] memory none = [address(governance), address(0xC0DE1E55)];
        for (uint256 i; i < 2; ++i) {
            _announced(address(usd), none[i]);
            vm.expectRevert(abi.encodeWithSelector(ERC1967Utils.ERC1967InvalidImplementation.selector, none[i]));
            _executeDelayed(upgrader, address(usd), _to(none[i]));
        }
        address other = address(new OtherKind());
        _announced(address(usd), other);
        vm.expectRevert(
            abi.encodeWithSelector(UUPSUpgradeable.UUPSUnsupportedProxiableUUID.selector, bytes32("another slot"))
        );
        _executeDelayed(upgrader, address(usd), _to(other));
        assertEq(usd.version(), "1.0.0");
    }

    // ---- by whom and when ----

    function test_only_the_upgrader_and_only_announced() public {
        address next = address(new TokenNext(address(registry)));
        address[4] memory others = [governor, alice.wallet, admin, guardian];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]));
            vm.prank(others[i]);
            usd.upgradeToAndCall(next, "");
        }
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        vm.prank(upgrader);
        usd.upgradeToAndCall(next, "");
        _schedule(upgrader, address(usd), _to(next));
        vm.warp(block.timestamp + DELAY - 1);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotReady.selector);
        vm.prank(upgrader);
        usd.upgradeToAndCall(next, "");
        vm.warp(block.timestamp + 1);
        vm.prank(upgrader);
        usd.upgradeToAndCall(next, "");
        assertEq(usd.version(), "1.0.1");
    }

    function test_a_guardian_calls_an_upgrade_off() public {
        address next = address(new TokenNext(address(registry)));
        _schedule(upgrader, address(usd), _to(next));
        vm.prank(guardian);
        governance.cancel(upgrader, address(usd), _to(next));
        vm.warp(block.timestamp + DELAY);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        _executeDelayed(upgrader, address(usd), _to(next));
    }

    function test_an_implementation_upgrades_nothing_by_itself() public {
        DepositToken bare = new DepositToken(address(registry));
        address next = address(new TokenNext(address(registry)));
        vm.expectRevert(UUPSUpgradeable.UUPSUnauthorizedCallContext.selector);
        vm.prank(upgrader);
        bare.upgradeToAndCall(next, "");
    }

    function test_nobody_initializes_again_after_an_upgrade() public {
        address next = address(new TokenNext(address(registry)));
        _upgrade(address(usd), next);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        usd.initialize(alice.wallet, "n", "s", "USD", 2);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        DepositToken(next).initialize(alice.wallet, "n", "s", "USD", 2);
        address newRegistry = address(new RegistryNext());
        _upgrade(address(registry), newRegistry);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        registry.initialize(alice.wallet);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        RegistryNext(newRegistry).initialize(alice.wallet);
    }

    // ---- how much is asked ----

    /// @dev Many participants: the first and the last eight are asked about, at a cost that does not grow with the rest.
    function test_what_an_upgrade_costs_is_bounded() public {
        for (uint256 i; i < 20; ++i) {
            _party(string.concat("one of many ", vm.toString(i)), 100);
        }
        address next = address(new TokenNext(address(registry)));
        _announced(address(usd), next);
        _executeDelayed(upgrader, address(usd), _to(next));
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        assertLt(gas, 4_000_000, vm.toString(gas));
        assertEq(usd.totalSupply(), MONEY + 2000);
    }
}
