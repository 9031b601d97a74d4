// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {PlatformProxy} from "../../contracts/PlatformProxy.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {RegistryBase} from "./base/RegistryBase.sol";

/// @notice The next version, for the upgrade test: it reads what the first one wrote.
contract ParticipantRegistryNext is ParticipantRegistry {
    bool public constant IS_NEXT = true;

    function version() external pure override returns (string memory) {
        return "1.1.0";
    }
}

/// @notice Names whatever registry it was told.
contract NamingAsset {
    address public registry;

    constructor(address registry_) {
        registry = registry_;
    }
}

contract RegistryGovernanceTest is RegistryBase {
    // ---- delays ----

    function test_what_loosens_waits_and_what_stops_does_not() external {
        Party memory buyer = _onboard("buyer");
        _freeze(buyer.id);
        bytes memory call = abi.encodeCall(registry.unfreeze, (buyer.id, ORDER));
        vm.prank(resolution);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotScheduled.selector);
        registry.unfreeze(buyer.id, ORDER);

        _schedule(resolution, address(registry), call);
        bytes32 operation = governance.hashOperation(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operation));
        _executeDelayed(resolution, address(registry), call);
        assertTrue(registry.isStopped(buyer.id));
        vm.warp(block.timestamp + 1);
        _executeDelayed(resolution, address(registry), call);
        assertFalse(registry.isStopped(buyer.id));
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation));
        _executeDelayed(resolution, address(registry), call);
    }

    /// @dev A delayed act may also be called on the contract itself, which consumes the announcement.
    function test_an_announced_act_may_be_called_directly() external {
        Party memory buyer = _onboard("buyer");
        _freeze(buyer.id);
        _schedule(resolution, address(registry), abi.encodeCall(registry.unfreeze, (buyer.id, ORDER)));
        vm.warp(block.timestamp + DELAY);
        vm.prank(resolution);
        registry.unfreeze(buyer.id, ORDER);
        assertFalse(registry.isStopped(buyer.id));
    }

    // ---- assets ----

    function test_registered_assets_are_listed_in_order() external {
        address token = address(new NamingAsset(address(registry)));
        address asset = address(new NamingAsset(address(registry)));
        bytes memory call = abi.encodeCall(registry.registerAsset, (token, true));
        _schedule(governor, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.AssetRegistered(token, true);
        _executeDelayed(governor, address(registry), call);
        _registerAsset(asset, false);
        assertTrue(registry.isDepositToken(token));
        assertFalse(registry.isDepositToken(asset));
        assertFalse(registry.isDepositToken(address(9)));
        address[] memory all = registry.assets();
        assertEq(all.length, 2);
        assertEq(all[0], token);
        assertEq(all[1], asset);
    }

    /// @dev An asset that obeys another registry, or none, would block every recovery here.
    function test_registerAsset_refuses_what_does_not_name_this_registry() external {
        address asset = address(new NamingAsset(address(registry)));
        _registerAsset(asset, false);
        _expectRefused(asset, abi.encodeWithSelector(IParticipantRegistry.AssetAlreadyRegistered.selector, asset));
        address[3] memory others = [address(9), address(governance), address(new NamingAsset(address(9)))];
        for (uint256 i; i < others.length; ++i) {
            _expectRefused(others[i], abi.encodeWithSelector(IParticipantRegistry.InvalidAsset.selector, others[i]));
        }
    }

    function _expectRefused(address asset, bytes memory reason) private {
        bytes memory call = abi.encodeCall(registry.registerAsset, (asset, false));
        _schedule(governor, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(reason);
        _executeDelayed(governor, address(registry), call);
    }

    // ---- proxy, upgrade, storage ----

    function test_initialized_once_and_never_in_the_implementation() external {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        registry.initialize(address(9));
        ParticipantRegistry implementation = new ParticipantRegistry();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(address(governance));
        vm.expectRevert(ERC1967Proxy.ERC1967ProxyUninitialized.selector);
        new PlatformProxy(address(implementation), "");
    }

    function test_upgrade_waits_for_the_upgrader_and_keeps_everything() external {
        Party memory buyer = _onboard("buyer");
        _freeze(buyer.id);
        address next = address(new ParticipantRegistryNext());
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, governor));
        vm.prank(governor);
        registry.upgradeToAndCall(next, "");
        _delayed(upgrader, address(registry), abi.encodeCall(registry.upgradeToAndCall, (next, "")));
        assertTrue(ParticipantRegistryNext(address(registry)).IS_NEXT());
        assertEq(registry.participantOf(buyer.id).wallet, buyer.wallet);
        assertTrue(registry.isStopped(buyer.id));
        assertEq(registry.authority(), address(governance));
        _unfreeze(buyer.id);
        assertEq(_onboard("seller").id, buyer.id + 1);
    }

    /// @dev The layout that an upgrade must keep: hot word first, at the ERC-7201 slot of its name.
    function test_storage_layout() external {
        Party memory buyer = _onboard("buyer");
        _freeze(buyer.id);
        uint256 name = uint256(keccak256("pyjpm.storage.ParticipantRegistry"));
        bytes32 root = keccak256(abi.encode(name - 1)) & ~bytes32(uint256(0xff));
        bytes32 slot = keccak256(abi.encode(uint256(buyer.id), root));
        uint256 word = uint256(vm.load(address(registry), slot));
        assertEq(uint40(word), registry.participantOf(buyer.id).kycExpiry, "kycExpiry");
        assertEq(uint32(word >> 40), 1, "epoch");
        assertEq(uint8(word >> 72), uint8(IParticipantRegistry.Status.ACTIVE), "status");
        assertEq(uint8(word >> 80), 1, "frozen");
        assertEq(uint8(word >> 88), 0, "flags");
        assertEq(uint32(word >> 96), 0, "sponsor");
        assertEq(uint8(word >> 128), uint8(IParticipantRegistry.Kind.CORPORATE), "kind");
        assertEq(uint16(word >> 136), 276, "jurisdiction");
        assertEq(word >> 152, 0, "nothing else");
        bytes32 second = vm.load(address(registry), bytes32(uint256(slot) + 1));
        assertEq(address(uint160(uint256(second))), buyer.wallet, "current wallet");
        assertEq(vm.load(address(registry), bytes32(uint256(slot) + 2)), buyer.identity, "identity");
        assertEq(uint256(vm.load(address(registry), bytes32(uint256(root) + 5))), 1, "count");
    }

    /// @dev The admin role has the guardians to cancel what it announces; others have whom they are given.
    function test_guardians_of_roles() external view {
        assertEq(governance.getRoleGuardian(governance.ADMIN_ROLE()), _roleId("GUARDIAN"));
        assertEq(governance.getRoleGuardian(uint64(77)), governance.ADMIN_ROLE());
    }

    function test_versions() external view {
        assertEq(registry.version(), "1.0.0");
        assertEq(governance.version(), "1.0.0");
    }
}
