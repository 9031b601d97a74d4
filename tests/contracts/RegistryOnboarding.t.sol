// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice A contract wallet: says yes to the digest it was told to approve.
contract ContractWallet is IERC1271 {
    mapping(bytes32 => bool) public approved;

    function approve(bytes32 digest) external {
        approved[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return approved[digest] ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

contract RegistryOnboardingTest is RegistryBase {
    // ---- register ----

    function test_register_admits_an_institution_with_its_current_wallet() external {
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        Vm.Wallet memory w = _key("buyer");
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantRegistered(
            1, profile.kind, profile.jurisdiction, profile.kycExpiry, profile.identityHash
        );
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ProfileUpdated(1, profile.policyHash, profile.encryptionKey);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.WalletLinked(1, w.addr);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.CurrentWalletChanged(1, address(0), w.addr);
        vm.prank(onboarder);
        assertEq(registry.register(profile, w.addr, block.timestamp, signature), 1);

        IParticipantRegistry.Participant memory p = registry.participantOf(1);
        assertEq(uint8(p.kind), uint8(IParticipantRegistry.Kind.CORPORATE));
        assertEq(uint8(p.status), uint8(IParticipantRegistry.Status.ACTIVE));
        assertFalse(p.frozen);
        assertEq(p.kycExpiry, profile.kycExpiry);
        assertEq(p.jurisdiction, 276);
        assertEq(p.epoch, 1);
        assertEq(p.wallet, w.addr);
        assertEq(p.identityHash, profile.identityHash);
        assertEq(p.questionnaireHash, profile.questionnaireHash);
        assertEq(p.policyHash, profile.policyHash);
        assertEq(p.encryptionKey, profile.encryptionKey);
        assertEq(uint256(p.flags) + p.sponsor + p.nonce, 0);
        assertEq(registry.participantByIdentity(profile.identityHash), 1);
        assertEq(registry.participantCount(), 1);
        assertEq(registry.currentWallet(1), w.addr);
    }

    function test_ids_count_from_one() external {
        assertEq(_onboard("a").id, 1);
        assertEq(_onboard("b").id, 2);
        assertEq(registry.participantCount(), 2);
        (address a, address b) = registry.currentWallets(1, 2);
        assertEq(a, _key("a").addr);
        assertEq(b, _key("b").addr);
        (a, b) = registry.currentWallets(2, 3);
        assertEq(b, address(0));
    }

    function test_register_refuses_a_profile_without_kind_jurisdiction_or_identity() external {
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        profile.kind = IParticipantRegistry.Kind.NONE;
        _expectInvalidProfile(profile, "kind");
        profile = _profile("buyer");
        profile.jurisdiction = 0;
        _expectInvalidProfile(profile, "jurisdiction");
        profile = _profile("buyer");
        profile.identityHash = 0;
        _expectInvalidProfile(profile, "identityHash");
    }

    function _expectInvalidProfile(IParticipantRegistry.Profile memory profile, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidProfile.selector, field));
        vm.prank(onboarder);
        registry.register(profile, address(1), block.timestamp, "");
    }

    function test_register_takes_kyc_that_ends_this_second_and_refuses_the_one_before() external {
        Vm.Wallet memory w = _key("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        profile.kycExpiry = uint40(block.timestamp - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, block.timestamp - 1, block.timestamp)
        );
        vm.prank(onboarder);
        registry.register(profile, w.addr, block.timestamp, signature);
        profile.kycExpiry = uint40(block.timestamp);
        vm.prank(onboarder);
        assertEq(registry.register(profile, w.addr, block.timestamp, signature), 1);
    }

    function test_register_refuses_an_identity_twice() external {
        Party memory party = _onboard("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.IdentityAlreadyRegistered.selector, party.identity, party.id)
        );
        vm.prank(onboarder);
        registry.register(profile, address(1), block.timestamp, "");
    }

    function test_register_refuses_a_wallet_that_names_somebody() external {
        Party memory party = _onboard("buyer");
        bytes memory signature = _signLink(party.key, keccak256("seller"), party.wallet, block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.WalletAlreadyNamed.selector,
                party.wallet,
                party.id,
                IParticipantRegistry.WalletStatus.LINKED
            )
        );
        vm.prank(onboarder);
        registry.register(_profile("seller"), party.wallet, block.timestamp, signature);
    }

    function test_register_takes_a_signature_at_its_deadline_and_refuses_it_a_second_later() external {
        Vm.Wallet memory w = _key("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        uint256 deadline = block.timestamp + 60;
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.SignatureExpired.selector, deadline, deadline + 1));
        vm.prank(onboarder);
        registry.register(profile, w.addr, deadline, signature);
        vm.warp(deadline);
        vm.prank(onboarder);
        assertEq(registry.register(profile, w.addr, deadline, signature), 1);
    }

    function test_register_refuses_a_deadline_out_of_all_reason() external {
        Vm.Wallet memory w = _key("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        uint256 latest = block.timestamp + 1096 days;
        uint256 deadline = latest + 1;
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, deadline);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.SignatureDeadlineTooFar.selector, deadline, latest));
        vm.prank(onboarder);
        registry.register(profile, w.addr, deadline, signature);
    }

    function test_register_refuses_what_the_wallet_did_not_sign() external {
        Vm.Wallet memory w = _key("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        uint256 deadline = block.timestamp;
        // another key, another identity, another deadline, another chain, another contract, nothing, the zero address
        _expectUnsigned(profile, w.addr, _signLink(_key("x").privateKey, profile.identityHash, w.addr, deadline));
        _expectUnsigned(profile, w.addr, _signLink(w.privateKey, keccak256("seller"), w.addr, deadline));
        _expectUnsigned(profile, w.addr, _signLink(w.privateKey, profile.identityHash, w.addr, deadline + 1));
        _expectUnsigned(profile, w.addr, "");
        _expectUnsigned(profile, address(0), _signLink(w.privateKey, profile.identityHash, address(0), deadline));
        uint256 chain = block.chainid;
        bytes memory here = _signLink(w.privateKey, profile.identityHash, w.addr, deadline);
        vm.chainId(chain + 1);
        _expectUnsigned(profile, w.addr, here);
        bytes memory there = _signLink(w.privateKey, profile.identityHash, w.addr, deadline);
        vm.prank(onboarder);
        assertEq(registry.register(profile, w.addr, deadline, there), 1, "the domain follows the chain id");
    }

    function _expectUnsigned(IParticipantRegistry.Profile memory profile, address wallet, bytes memory signature)
        private
    {
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, wallet));
        vm.prank(onboarder);
        registry.register(profile, wallet, block.timestamp, signature);
    }

    function test_register_refuses_a_high_s() external {
        Vm.Wallet memory w = _key("buyer");
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        bytes memory signature = _signLink(w.privateKey, profile.identityHash, w.addr, block.timestamp);
        bytes32 r;
        uint256 s;
        assembly {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint8 v = uint8(signature[64]) == 27 ? 28 : 27;
        _expectUnsigned(profile, w.addr, abi.encodePacked(r, order - s, v));
    }

    function test_register_takes_a_contract_wallet_by_erc1271() external {
        ContractWallet wallet = new ContractWallet();
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        _expectUnsigned(profile, address(wallet), "anything");
        bytes32 typehash = keccak256("LinkWallet(bytes32 identityHash,address wallet,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, profile.identityHash, address(wallet), block.timestamp));
        wallet.approve(_digest(_domain("pyjpm ParticipantRegistry", address(registry)), structHash));
        vm.prank(onboarder);
        assertEq(registry.register(profile, address(wallet), block.timestamp, "anything"), 1);
    }

    /// @dev An account that gave itself code (EIP-7702) keeps the word of its key.
    function test_register_takes_the_key_of_an_account_with_code() external {
        Vm.Wallet memory w = _key("buyer");
        vm.etch(w.addr, address(new ContractWallet()).code);
        assertEq(_onboard("buyer").wallet, w.addr);
    }

    /// @dev Code that answers nothing, or not by ERC-1271, has not signed.
    function test_register_refuses_contracts_that_do_not_answer() external {
        IParticipantRegistry.Profile memory profile = _profile("buyer");
        _expectUnsigned(profile, address(governance), "anything");
        _expectUnsigned(profile, address(this), "anything");
    }

    function test_domain_is_published_as_erc5267() external view {
        (, string memory name, string memory version, uint256 chain, address verifier,,) = registry.eip712Domain();
        assertEq(name, "pyjpm ParticipantRegistry");
        assertEq(version, "1");
        assertEq(chain, block.chainid);
        assertEq(verifier, address(registry));
    }

    // ---- KYC, profile ----

    function test_renewKyc_moves_the_expiry_and_keeps_the_questionnaire() external {
        Party memory party = _onboard("buyer");
        uint40 expiry = uint40(block.timestamp + 5000 days);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.KycRenewed(party.id, expiry, "new");
        vm.startPrank(onboarder);
        registry.renewKyc(party.id, expiry, "new");
        assertEq(registry.participantOf(party.id).kycExpiry, expiry);
        assertEq(registry.participantOf(party.id).questionnaireHash, bytes32("new"));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.KycExpiryInPast.selector, block.timestamp - 1, block.timestamp)
        );
        registry.renewKyc(party.id, uint40(block.timestamp - 1), "new");
        registry.renewKyc(party.id, uint40(block.timestamp), "new");
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 9));
        registry.renewKyc(9, expiry, "new");
    }

    function test_updateProfile_changes_policy_and_encryption_key() external {
        Party memory party = _onboard("buyer");
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ProfileUpdated(party.id, "policy 2", "key 2");
        vm.startPrank(onboarder);
        registry.updateProfile(party.id, "policy 2", "key 2");
        assertEq(registry.participantOf(party.id).policyHash, bytes32("policy 2"));
        assertEq(registry.participantOf(party.id).encryptionKey, bytes32("key 2"));
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 0));
        registry.updateProfile(0, "policy 2", "key 2");
    }

    // ---- close ----

    function test_close_is_terminal() external {
        Party memory party = _onboard("buyer");
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantClosed(party.id);
        _close(party.id);
        bytes memory closed = abi.encodeWithSelector(
            IParticipantRegistry.ParticipantNotActive.selector, party.id, IParticipantRegistry.Status.CLOSED
        );
        bytes memory signature = _signLink(_key("second").privateKey, party.identity, _key("second").addr, START);
        vm.startPrank(onboarder);
        vm.expectRevert(closed);
        registry.close(party.id);
        vm.expectRevert(closed);
        registry.renewKyc(party.id, uint40(block.timestamp + 1), "new");
        vm.expectRevert(closed);
        registry.updateProfile(party.id, "policy", "key");
        vm.expectRevert(closed);
        registry.linkWallet(party.id, _key("second").addr, START, signature);
        vm.stopPrank();
        vm.expectRevert(closed);
        vm.prank(compliance);
        registry.suspend(party.id, ORDER);
        vm.expectRevert(closed);
        registry.changeCurrentWallet(party.id, _key("second").addr, START, "");
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 7));
        _close(7);
    }

    /// @dev Closing lets holds execute; a freeze must not be lost by it.
    function test_close_refuses_a_stopped_participant() external {
        Party memory party = _onboard("buyer");
        bytes memory stopped = abi.encodeWithSelector(IParticipantRegistry.ParticipantStopped.selector, party.id);
        _freeze(party.id);
        vm.expectRevert(stopped);
        _close(party.id);
        _unfreeze(party.id);
        _suspend(party.id);
        vm.expectRevert(stopped);
        _close(party.id);
        _reinstate(party.id);
        _close(party.id);
        assertEq(uint8(registry.participantOf(party.id).status), uint8(IParticipantRegistry.Status.CLOSED));
    }

    // ---- who may ----

    function test_only_the_role_of_each_function_may_call_it() external {
        bytes[14] memory calls = [
            abi.encodeCall(registry.register, (_profile("buyer"), address(1), 0, "")),
            abi.encodeCall(registry.renewKyc, (1, 0, 0)),
            abi.encodeCall(registry.updateProfile, (1, 0, 0)),
            abi.encodeCall(registry.close, (1)),
            abi.encodeCall(registry.linkWallet, (1, address(1), 0, "")),
            abi.encodeCall(registry.unlinkWallet, (address(1))),
            abi.encodeCall(registry.freeze, (1, 0)),
            abi.encodeCall(registry.suspend, (1, 0)),
            abi.encodeCall(registry.suspendWallet, (address(1), 0)),
            abi.encodeCall(registry.unfreeze, (1, 0)),
            abi.encodeCall(registry.reinstate, (1, 0)),
            abi.encodeCall(registry.reinstateWallet, (address(1), 0)),
            abi.encodeCall(registry.recoverWallet, (address(1), address(2), 0)),
            abi.encodeCall(registry.registerAsset, (address(1), false))
        ];
        address[7] memory actors = [issuer, onboarder, compliance, resolution, pauser, governor, upgrader];
        for (uint256 i; i < calls.length; ++i) {
            address own = i < 6 ? onboarder : i < 9 ? compliance : i < 13 ? resolution : governor;
            for (uint256 j; j < actors.length; ++j) {
                vm.prank(actors[j]);
                (bool ok, bytes memory answer) = address(registry).call(calls[i]);
                assertFalse(ok);
                bool unauthorized = bytes4(answer) == IAccessManaged.AccessManagedUnauthorized.selector;
                assertEq(unauthorized, actors[j] != own, vm.toString(i * 100 + j));
            }
        }
    }
}
