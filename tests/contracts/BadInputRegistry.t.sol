// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {ParticipantRegistry} from "../../contracts/ParticipantRegistry.sol";
import {PlatformProxy} from "../../contracts/PlatformProxy.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice ParticipantRegistry, function by function.
contract BadInputRegistry is RegistryBase, BadInputTable {
    address private constant NOBODY = address(0);
    address private constant NO_CODE = address(0xC0DE);
    uint32[2] private unknown = [0, type(uint32).max];

    Party private alice;
    Party private bob;
    Vm.Wallet private fresh;

    function setUp() public override {
        super.setUp();
        _beSwift();
        vm.startPrank(admin);
        governance.grantRole(_roleId("UPGRADER"), SWIFT, 0);
        vm.stopPrank();
        alice = _onboard("alice");
        bob = _onboard("bob");
        fresh = _key("fresh");
        subject = address(registry);
    }

    function _unknown(uint32 participant) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, participant);
    }

    function _notLinked(address wallet) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IParticipantRegistry.WalletNotLinked.selector, wallet, IParticipantRegistry.WalletStatus.NONE
        );
    }

    // ---- onboarding ----

    function _register(IParticipantRegistry.Profile memory profile, bytes memory refusal) private {
        bytes memory signature = _signLink(fresh.privateKey, profile.identityHash, fresh.addr, block.timestamp);
        _refuses(
            onboarder, abi.encodeCall(registry.register, (profile, fresh.addr, block.timestamp, signature)), refusal
        );
    }

    function _invalid(string memory field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.InvalidProfile.selector, field);
    }

    function test_register_profiles() external {
        IParticipantRegistry.Profile memory profile = _profile("fresh");
        profile.kind = IParticipantRegistry.Kind.NONE;
        _register(profile, _invalid("kind"));
        profile = _profile("fresh");
        profile.jurisdiction = 0;
        _register(profile, _invalid("jurisdiction"));
        profile = _profile("fresh");
        profile.identityHash = 0;
        _register(profile, _invalid("identityHash"));
        profile.identityHash = alice.identity;
        _register(
            profile,
            abi.encodeWithSelector(IParticipantRegistry.IdentityAlreadyRegistered.selector, alice.identity, alice.id)
        );
        profile = _profile("fresh");
        profile.kycExpiry = uint40(block.timestamp - 1);
        _register(
            profile,
            abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, block.timestamp - 1, block.timestamp)
        );
    }

    function test_register_signatures() external {
        _refusesSignatures(keccak256("fresh"), abi.encodeWithSelector(registry.register.selector, _profile("fresh")));
    }

    function test_linkWallet() external {
        bytes memory signature = _signLink(fresh.privateKey, alice.identity, fresh.addr, block.timestamp);
        for (uint256 i; i < 2; ++i) {
            _refuses(
                onboarder,
                abi.encodeCall(registry.linkWallet, (unknown[i], fresh.addr, block.timestamp, signature)),
                _unknown(unknown[i])
            );
        }
        _refuses(
            onboarder,
            abi.encodeCall(registry.linkWallet, (alice.id, bob.wallet, block.timestamp, signature)),
            IParticipantRegistry.WalletAlreadyNamed.selector
        );
        _refusesSignatures(alice.identity, abi.encodePacked(registry.linkWallet.selector));
    }

    /// @dev Of the wallet that is linked, by either function.
    function _refusesSignatures(bytes32 identity, bytes memory which) private {
        uint256 now_ = block.timestamp;
        bytes memory good = _signLink(fresh.privateKey, identity, fresh.addr, now_);
        bytes[5] memory forged = _forgeries(good, _signLink(bob.key, identity, fresh.addr, now_));
        for (uint256 i; i < 5; ++i) {
            _refuses(onboarder, _linkCall(which, fresh.addr, now_, forged[i]), _notSigned(fresh.addr));
        }
        _refuses(onboarder, _linkCall(which, NOBODY, now_, good), _notSigned(NOBODY));
        _refuses(onboarder, _linkCall(which, NO_CODE, now_, good), _notSigned(NO_CODE));
        _refusesDeadline(identity, which, now_ - 1, _expired(now_ - 1));
        uint256[2] memory far = [now_ + 1096 days + 1, type(uint256).max];
        for (uint256 i; i < 2; ++i) {
            _refusesDeadline(identity, which, far[i], _tooFar(far[i]));
        }
    }

    function _refusesDeadline(bytes32 identity, bytes memory which, uint256 deadline, bytes memory refusal) private {
        bytes memory signature = _signLink(fresh.privateKey, identity, fresh.addr, deadline);
        _refuses(onboarder, _linkCall(which, fresh.addr, deadline, signature), refusal);
    }

    function _linkCall(bytes memory which, address wallet, uint256 deadline, bytes memory signature)
        private
        view
        returns (bytes memory)
    {
        if (which.length == 4) return abi.encodeCall(registry.linkWallet, (alice.id, wallet, deadline, signature));
        return abi.encodeCall(registry.register, (_profile("fresh"), wallet, deadline, signature));
    }

    function _notSigned(address wallet) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, wallet);
    }

    function _expired(uint256 deadline) private view returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.SignatureExpired.selector, deadline, block.timestamp);
    }

    function _tooFar(uint256 deadline) private view returns (bytes memory) {
        uint256 latest = block.timestamp + 1096 days;
        return abi.encodeWithSelector(IParticipantRegistry.SignatureDeadlineTooFar.selector, deadline, latest);
    }

    function test_unlinkWallet() external {
        _refuses(onboarder, abi.encodeCall(registry.unlinkWallet, (NOBODY)), _notLinked(NOBODY));
        _refuses(
            onboarder,
            abi.encodeCall(registry.unlinkWallet, (alice.wallet)),
            abi.encodeWithSelector(IParticipantRegistry.CurrentWalletMayNotBeUnlinked.selector, alice.wallet)
        );
    }

    function test_renewKyc() external {
        uint40 soon = uint40(block.timestamp + 1);
        for (uint256 i; i < 2; ++i) {
            _refuses(onboarder, abi.encodeCall(registry.renewKyc, (unknown[i], soon, "")), _unknown(unknown[i]));
        }
        uint40[2] memory past = [0, uint40(block.timestamp - 1)];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                onboarder,
                abi.encodeCall(registry.renewKyc, (alice.id, past[i], "")),
                abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, past[i], block.timestamp)
            );
        }
    }

    function test_updateProfile() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(onboarder, abi.encodeCall(registry.updateProfile, (unknown[i], "", "")), _unknown(unknown[i]));
        }
    }

    function test_close() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(onboarder, abi.encodeCall(registry.close, (unknown[i])), _unknown(unknown[i]));
        }
        _close(alice.id);
        _refuses(
            onboarder,
            abi.encodeCall(registry.close, (alice.id)),
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantNotActive.selector, alice.id, IParticipantRegistry.Status.CLOSED
            )
        );
    }

    function test_changeCurrentWallet() external {
        uint256 now_ = block.timestamp;
        address second = _link(alice, "second").addr;
        bytes memory good = _handover(alice.key, second, now_);
        bytes[5] memory forged = _forgeries(good, _handover(bob.key, second, now_));
        for (uint256 i; i < 5; ++i) {
            _refuses(bob.wallet, _handoverCall(alice.id, second, now_, forged[i]), _notSigned(alice.wallet));
        }
        for (uint256 i; i < 2; ++i) {
            _refuses(bob.wallet, _handoverCall(unknown[i], second, now_, good), _unknown(unknown[i]));
        }
        _refuses(bob.wallet, _handoverCall(alice.id, NOBODY, now_, good), _notLinked(NOBODY));
        _refuses(
            bob.wallet,
            _handoverCall(alice.id, alice.wallet, now_, good),
            abi.encodeWithSelector(IParticipantRegistry.SameWallet.selector, alice.wallet)
        );
        uint256[3] memory bad = [now_ - 1, now_ + 1096 days + 1, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                bob.wallet,
                _handoverCall(alice.id, second, bad[i], _handover(alice.key, second, bad[i])),
                i == 0 ? _expired(bad[i]) : _tooFar(bad[i])
            );
        }
    }

    function _handover(uint256 key, address to, uint256 deadline) private view returns (bytes memory) {
        return _signHandover(key, alice.id, alice.wallet, to, 0, deadline);
    }

    function _handoverCall(uint32 participant, address to, uint256 deadline, bytes memory signature)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(registry.changeCurrentWallet, (participant, to, deadline, signature));
    }

    // ---- stopping, loosening and moving ----

    function test_freeze() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(compliance, abi.encodeCall(registry.freeze, (unknown[i], ORDER)), _unknown(unknown[i]));
        }
        _refuses(
            compliance, abi.encodeCall(registry.freeze, (alice.id, 0)), IParticipantRegistry.OrderHashMissing.selector
        );
        _freeze(alice.id);
        _refuses(compliance, abi.encodeCall(registry.freeze, (alice.id, ORDER)), _alreadyStopped());
    }

    function _alreadyStopped() private view returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.AlreadyStopped.selector, alice.id);
    }

    function _notStopped() private view returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.NotStopped.selector, alice.id);
    }

    function test_suspend() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(compliance, abi.encodeCall(registry.suspend, (unknown[i], ORDER)), _unknown(unknown[i]));
        }
        _suspend(alice.id);
        _refuses(compliance, abi.encodeCall(registry.suspend, (alice.id, ORDER)), _alreadyStopped());
    }

    function test_suspendWallet() external {
        _refuses(compliance, abi.encodeCall(registry.suspendWallet, (NOBODY, ORDER)), _notLinked(NOBODY));
        _refuses(compliance, abi.encodeCall(registry.suspendWallet, (NO_CODE, ORDER)), _notLinked(NO_CODE));
    }

    function test_unfreeze() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(SWIFT, abi.encodeCall(registry.unfreeze, (unknown[i], ORDER)), _unknown(unknown[i]));
        }
        _refuses(SWIFT, abi.encodeCall(registry.unfreeze, (alice.id, ORDER)), _notStopped());
        _freeze(alice.id);
        _refuses(
            SWIFT, abi.encodeCall(registry.unfreeze, (alice.id, 0)), IParticipantRegistry.OrderHashMissing.selector
        );
    }

    function test_reinstate() external {
        for (uint256 i; i < 2; ++i) {
            _refuses(SWIFT, abi.encodeCall(registry.reinstate, (unknown[i], ORDER)), _unknown(unknown[i]));
        }
        _refuses(SWIFT, abi.encodeCall(registry.reinstate, (alice.id, ORDER)), _notStopped());
    }

    function test_reinstateWallet() external {
        address[2] memory wallets = [NOBODY, alice.wallet];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(registry.reinstateWallet, (wallets[i], ORDER)),
                IParticipantRegistry.WalletNotSuspended.selector
            );
        }
    }

    function test_recoverWallet() external {
        address second = _link(alice, "second").addr;
        _refuses(
            SWIFT,
            abi.encodeCall(registry.recoverWallet, (alice.wallet, second, 0)),
            IParticipantRegistry.OrderHashMissing.selector
        );
        _refuses(SWIFT, abi.encodeCall(registry.recoverWallet, (NOBODY, second, ORDER)), _notLinked(NOBODY));
        _refuses(SWIFT, abi.encodeCall(registry.recoverWallet, (alice.wallet, NOBODY, ORDER)), _notLinked(NOBODY));
        _refuses(
            SWIFT,
            abi.encodeCall(registry.recoverWallet, (alice.wallet, alice.wallet, ORDER)),
            abi.encodeWithSelector(IParticipantRegistry.SameWallet.selector, alice.wallet)
        );
        _refuses(
            SWIFT,
            abi.encodeCall(registry.recoverWallet, (alice.wallet, bob.wallet, ORDER)),
            abi.encodeWithSelector(IParticipantRegistry.WalletOfOther.selector, bob.wallet, bob.id, alice.id)
        );
    }

    function test_addFlags() external {
        _refusesFlags(compliance, registry.addFlags.selector);
    }

    function test_removeFlags() external {
        _refusesFlags(SWIFT, registry.removeFlags.selector);
    }

    /// @dev None, and those that follow from something else.
    function _refusesFlags(address caller, bytes4 selector) private {
        uint8[3] memory flags = [0, Flags.SPONSORED, type(uint8).max];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                caller,
                abi.encodeWithSelector(selector, alice.id, flags[i]),
                abi.encodeWithSelector(IParticipantRegistry.InvalidFlags.selector, flags[i])
            );
        }
        for (uint256 i; i < 2; ++i) {
            _refuses(caller, abi.encodeWithSelector(selector, unknown[i], Flags.CLEARANCE), _unknown(unknown[i]));
        }
    }

    function test_forbidPair() external {
        _refusesPairs(compliance, registry.forbidPair.selector);
    }

    function test_permitPair() external {
        _refusesPairs(SWIFT, registry.permitPair.selector);
    }

    function _refusesPairs(address caller, bytes4 selector) private {
        uint16[2][2] memory pairs = [[uint16(0), 276], [uint16(276), 0]];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                caller,
                abi.encodeWithSelector(selector, pairs[i][0], pairs[i][1]),
                abi.encodeWithSelector(IParticipantRegistry.InvalidJurisdiction.selector, 0)
            );
        }
    }

    function test_registerAsset() external {
        address[3] memory none = [NOBODY, NO_CODE, address(governance)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(registry.registerAsset, (none[i], true)),
                abi.encodeWithSelector(IParticipantRegistry.InvalidAsset.selector, none[i])
            );
        }
    }

    // ---- making ----

    function test_initialize() external {
        bytes memory again = abi.encodeCall(registry.initialize, (address(governance)));
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
        address implementation = address(new ParticipantRegistry());
        address[2] memory none = [NOBODY, NO_CODE];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, none[i]));
            new PlatformProxy(implementation, abi.encodeCall(registry.initialize, (none[i])));
        }
        subject = implementation;
        _refuses(admin, again, Initializable.InvalidInitialization.selector);
    }

    function test_setAuthority() external {
        _refuses(
            address(governance),
            abi.encodeCall(registry.setAuthority, (NO_CODE)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, NO_CODE)
        );
    }

    function test_upgradeToAndCall() external {
        address[3] memory none = [NOBODY, NO_CODE, address(governance)];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                SWIFT,
                abi.encodeCall(registry.upgradeToAndCall, (none[i], "")),
                abi.encodeWithSelector(ERC1967Utils.ERC1967InvalidImplementation.selector, none[i])
            );
        }
    }
}
