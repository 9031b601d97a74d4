// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ParticipantRegistry} from "../../../contracts/ParticipantRegistry.sol";
import {PlatformProxy} from "../../../contracts/PlatformProxy.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {GovernanceBase} from "./GovernanceBase.sol";
import {Vm} from "./Vm.sol";

/// @notice Governance and a registry behind its proxy; participants come by `_onboard(name)`.
abstract contract RegistryBase is GovernanceBase {
    uint40 internal constant KYC_TERM = 1000 days;
    bytes32 internal constant ORDER = keccak256("order of the authority");

    struct Party {
        uint32 id;
        address wallet;
        uint256 key;
        bytes32 identity;
    }

    ParticipantRegistry internal registry;

    function setUp() public virtual override {
        super.setUp();
        address implementation = address(new ParticipantRegistry());
        bytes memory initialization = abi.encodeCall(ParticipantRegistry.initialize, (address(governance)));
        registry = ParticipantRegistry(address(new PlatformProxy(implementation, initialization)));
        _wire("ParticipantRegistry", address(registry));
    }

    // ---- participants and wallets ----

    /// @dev A corporate with one wallet, both called `name`; the same name gives the same key in every test.
    function _onboard(string memory name) internal returns (Party memory party) {
        return _register(_profile(name), name);
    }

    function _profile(string memory name) internal view returns (IParticipantRegistry.Profile memory) {
        return IParticipantRegistry.Profile({
            kind: IParticipantRegistry.Kind.CORPORATE,
            jurisdiction: 276,
            kycExpiry: uint40(block.timestamp) + KYC_TERM,
            identityHash: keccak256(bytes(name)),
            questionnaireHash: keccak256("questionnaire"),
            policyHash: keccak256("policy"),
            encryptionKey: keccak256("encryption key")
        });
    }

    /// @dev A bank that sponsors: up to 1,000 customers in Germany and Austria, KYC up to KYC_TERM. Time passes: DELAY.
    function _sponsor(string memory name) internal returns (Party memory bank) {
        IParticipantRegistry.Profile memory profile = _profile(name);
        profile.kind = IParticipantRegistry.Kind.BANK;
        bank = _register(profile, name);
        uint16[] memory jurisdictions = new uint16[](2);
        (jurisdictions[0], jurisdictions[1]) = (276, 40);
        bytes memory grant = abi.encodeCall(registry.setSponsorship, (bank.id, 1000, KYC_TERM, jurisdictions));
        _delayed(governor, address(registry), grant);
    }

    /// @dev By the sponsor itself.
    function _customer(Party memory bank, string memory name, IParticipantRegistry.Kind kind)
        internal
        returns (Party memory party)
    {
        Vm.Wallet memory w = _key(name);
        IParticipantRegistry.Profile memory profile = _profile(name);
        profile.kind = kind;
        (party.wallet, party.key, party.identity) = (w.addr, w.privateKey, profile.identityHash);
        bytes memory signature = _signLink(w.privateKey, party.identity, w.addr, block.timestamp);
        vm.prank(bank.wallet);
        party.id = registry.onboardCustomer(profile, w.addr, block.timestamp, signature);
    }

    /// @dev By the bank's onboarder.
    function _register(IParticipantRegistry.Profile memory profile, string memory name)
        internal
        returns (Party memory party)
    {
        Vm.Wallet memory w = _key(name);
        (party.wallet, party.key, party.identity) = (w.addr, w.privateKey, profile.identityHash);
        bytes memory signature = _signLink(w.privateKey, party.identity, w.addr, block.timestamp);
        vm.prank(onboarder);
        party.id = registry.register(profile, w.addr, block.timestamp, signature);
    }

    /// @dev Links one more wallet, called `name`, to the participant.
    function _link(Party memory party, string memory name) internal returns (Vm.Wallet memory w) {
        w = _key(name);
        bytes memory signature = _signLink(w.privateKey, party.identity, w.addr, block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(party.id, w.addr, block.timestamp, signature);
    }

    function _makeCurrent(Party memory party, address to) internal {
        uint256 nonce = registry.participantOf(party.id).nonce;
        bytes memory signature = _signHandover(party.key, party.id, party.wallet, to, nonce, block.timestamp);
        registry.changeCurrentWallet(party.id, to, block.timestamp, signature);
    }

    // ---- what stops and what loosens ----

    function _freeze(uint32 participant) internal {
        vm.prank(compliance);
        registry.freeze(participant, ORDER);
    }

    /// @dev Time passes: DELAY, as for all that loosens.
    function _unfreeze(uint32 participant) internal {
        _resolve(abi.encodeCall(registry.unfreeze, (participant, ORDER)));
    }

    function _suspend(uint32 participant) internal {
        vm.prank(compliance);
        registry.suspend(participant, ORDER);
    }

    function _reinstate(uint32 participant) internal {
        _resolve(abi.encodeCall(registry.reinstate, (participant, ORDER)));
    }

    function _suspendWallet(address wallet) internal {
        vm.prank(compliance);
        registry.suspendWallet(wallet, ORDER);
    }

    function _reinstateWallet(address wallet) internal {
        _resolve(abi.encodeCall(registry.reinstateWallet, (wallet, ORDER)));
    }

    function _unlink(address wallet) internal {
        vm.prank(onboarder);
        registry.unlinkWallet(wallet);
    }

    function _close(uint32 participant) internal {
        vm.prank(onboarder);
        registry.close(participant);
    }

    function _recover(address lost, address successor) internal {
        _resolve(abi.encodeCall(registry.recoverWallet, (lost, successor, ORDER)));
    }

    function _addFlags(uint32 participant, uint8 flags) internal {
        vm.prank(compliance);
        registry.addFlags(participant, flags);
    }

    /// @dev Time passes: DELAY.
    function _permitPair(uint16 from, uint16 to) internal {
        _resolve(abi.encodeCall(registry.permitPair, (from, to)));
    }

    function _forbidPair(uint16 from, uint16 to) internal {
        vm.prank(compliance);
        registry.forbidPair(from, to);
    }

    function _expireKyc(uint32 participant) internal {
        vm.warp(uint256(registry.participantOf(participant).kycExpiry) + 1);
    }

    /// @dev As RESOLUTION on the registry; time passes: DELAY.
    function _resolve(bytes memory data) internal {
        _delayed(resolution, address(registry), data);
    }

    function _registerAsset(address asset, bool depositToken) internal {
        _delayed(governor, address(registry), abi.encodeCall(registry.registerAsset, (asset, depositToken)));
    }

    // ---- keys and signatures ----

    function _key(string memory name) internal returns (Vm.Wallet memory) {
        return vm.createWallet(name);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Worked out here, independently of OpenZeppelin: tests hold the contracts to it.
    function _domain(string memory name, address verifyingContract) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }

    function _digest(bytes32 domain, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function _signLink(uint256 key, bytes32 identity, address wallet, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256("LinkWallet(bytes32 identityHash,address wallet,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, identity, wallet, deadline));
        return _sign(key, _digest(_domain("pyjpm ParticipantRegistry", address(registry)), structHash));
    }

    function _signHandover(uint256 key, uint32 participant, address from, address to, uint256 nonce, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typehash =
            keccak256("ChangeCurrentWallet(uint32 participant,address from,address to,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, participant, from, to, nonce, deadline));
        return _sign(key, _digest(_domain("pyjpm ParticipantRegistry", address(registry)), structHash));
    }
}
