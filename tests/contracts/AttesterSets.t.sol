// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttesterSets} from "../../contracts/AttesterSets.sol";
import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {AttesterSet} from "../../contracts/libraries/AttesterSet.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Who may attest, in which epoch, and when a change bites.
contract AttesterSetsTest is RegistryBase {
    bytes32 private constant DIGEST = keccak256("what is attested");
    uint256 private constant NOTICE = 7 days;

    AttesterSets private sets;
    Party private administrator;
    Vm.Wallet[4] private keys; // ascending; the first three make the set
    uint32 private setId;

    function setUp() public override {
        super.setUp();
        sets = new AttesterSets(address(registry));
        administrator = _onboard("administrator");
        for (uint256 i; i < 4; ++i) {
            keys[i] = _key(string.concat("key ", vm.toString(i)));
        }
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3 - i; ++j) {
                if (keys[j].addr < keys[j + 1].addr) continue;
                Vm.Wallet memory w = keys[j];
                keys[j] = keys[j + 1];
                keys[j + 1] = w;
            }
        }
        vm.prank(administrator.wallet);
        setId = sets.createSet(2, _addresses(3));
    }

    function _addresses(uint256 n) private view returns (address[] memory list) {
        list = new address[](n);
        for (uint256 i; i < n; ++i) {
            list[i] = keys[i].addr;
        }
    }

    function _signature(uint256 key) private view returns (bytes memory) {
        return abi.encodePacked(keys[key].addr, _sign(keys[key].privateKey, DIGEST));
    }

    function _by(uint256 a, uint256 b) private view returns (bytes[] memory list) {
        list = new bytes[](2);
        (list[0], list[1]) = (_signature(a), _signature(b));
    }

    function _require(uint32 epoch, bytes[] memory signatures) private view {
        sets.requireAttested(setId, epoch, 1, 2, DIGEST, signatures);
    }

    function _refuse(uint32 epoch, bytes[] memory signatures, bytes memory reason) private {
        vm.expectRevert(reason);
        _require(epoch, signatures);
    }

    function _announce(address attester) private {
        vm.prank(administrator.wallet);
        sets.announceAttester(setId, attester);
    }

    function _remove(address attester) private {
        vm.prank(administrator.wallet);
        sets.removeAttester(setId, attester);
    }

    function _with(bytes4 selector, address attester) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, attester);
    }

    // ---- making a set ----

    function test_create_keeps_what_it_was_given() external view {
        IAttesterSets.SetView memory set = sets.attesterSet(setId);
        assertEq(set.administrator, administrator.id, "administrator");
        assertEq(set.minimumSize, 2, "minimum");
        assertEq(set.size, 3, "size");
        assertEq(set.epoch, 1, "epoch");
        assertEq(sets.attesterSetCount(), 1, "count");
        AttesterSet word = AttesterSet.wrap(sets.packedSet(setId));
        assertEq(word.administrator(), administrator.id, "administrator, packed");
        assertEq(word.minimumSize(), 2, "minimum, packed");
        assertEq(word.epoch(), 1, "epoch, packed");
        assertEq(word.epochSince(), set.epochSince, "since, packed");
        assertEq(sets.packedSet(setId + 1), 0, "no such set");
        assertTrue(sets.isAttester(setId, keys[2].addr));
        assertFalse(sets.isAttester(setId, keys[3].addr));
    }

    function test_create_refuses() external {
        address[] memory three = _addresses(3);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotSetAdministrator.selector, 0, address(this)));
        sets.createSet(1, three);
        vm.startPrank(administrator.wallet);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 3, 4));
        sets.createSet(4, three);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 3, 0));
        sets.createSet(0, three);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.SetTooLarge.selector, 65, 64));
        sets.createSet(1, new address[](65));
        three[2] = three[0];
        vm.expectRevert(_with(IAttesterSets.AttesterKnown.selector, three[0]));
        sets.createSet(1, three);
        three[2] = address(0);
        vm.expectRevert(_with(IAttesterSets.InvalidAttester.selector, address(0)));
        sets.createSet(1, three);
        vm.stopPrank();
    }

    // ---- additions wait in the open ----

    function test_addition_waits_seven_days_to_the_second() external {
        _announce(keys[3].addr);
        uint256 activeFrom = block.timestamp + NOTICE;
        vm.warp(activeFrom - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAttesterSets.AnnouncementPending.selector, keys[3].addr, uint40(activeFrom))
        );
        sets.addAttester(setId, keys[3].addr);
        assertFalse(sets.isAttester(setId, keys[3].addr));
        vm.warp(activeFrom);
        sets.addAttester(setId, keys[3].addr); // by anyone
        assertTrue(sets.isAttester(setId, keys[3].addr));
        assertEq(sets.attesterSet(setId).epoch, 2, "a new epoch");
        _require(2, _by(0, 3));
    }

    function test_announce_and_add_refuse() external {
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotSetAdministrator.selector, setId, address(this)));
        sets.announceAttester(setId, keys[3].addr);
        vm.startPrank(administrator.wallet);
        vm.expectRevert(_with(IAttesterSets.AttesterKnown.selector, keys[0].addr));
        sets.announceAttester(setId, keys[0].addr);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.UnknownAttesterSet.selector, 9));
        sets.announceAttester(9, keys[3].addr);
        vm.expectRevert(_with(IAttesterSets.AttesterNotAnnounced.selector, keys[3].addr));
        sets.addAttester(setId, keys[3].addr);
        vm.stopPrank();
    }

    function test_an_announcement_can_be_taken_back_for_good() external {
        _announce(keys[3].addr);
        _remove(keys[3].addr);
        assertEq(sets.attesterSet(setId).epoch, 1, "it never counted");
        vm.warp(block.timestamp + NOTICE);
        vm.expectRevert(_with(IAttesterSets.AttesterNotAnnounced.selector, keys[3].addr));
        sets.addAttester(setId, keys[3].addr);
        vm.expectRevert(_with(IAttesterSets.AttesterRevoked.selector, keys[3].addr));
        _announce(keys[3].addr);
    }

    function test_a_set_does_not_grow_beyond_its_most() external {
        address[] memory many = new address[](64);
        for (uint256 i; i < 64; ++i) {
            many[i] = address(uint160(i + 1));
        }
        vm.startPrank(administrator.wallet);
        uint32 full = sets.createSet(1, many);
        sets.announceAttester(full, keys[0].addr);
        vm.warp(block.timestamp + NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.SetTooLarge.selector, 65, 64));
        sets.addAttester(full, keys[0].addr);
        vm.stopPrank();
    }

    // ---- removals bite at once ----

    function test_a_revoked_key_never_counts_again() external {
        bytes[] memory signatures = _by(0, 2);
        _require(1, signatures);
        _remove(keys[2].addr);
        _refuse(1, signatures, _with(IAttesterSets.AttesterRevoked.selector, keys[2].addr));
        _refuse(2, signatures, _with(IAttesterSets.AttesterRevoked.selector, keys[2].addr));
        vm.expectRevert(_with(IAttesterSets.AttesterRevoked.selector, keys[2].addr));
        _announce(keys[2].addr);
        vm.expectRevert(_with(IAttesterSets.AttesterRevoked.selector, keys[2].addr));
        _remove(keys[2].addr);
    }

    function test_never_below_the_minimum() external {
        _remove(keys[2].addr);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.SetTooSmall.selector, 1, 2));
        _remove(keys[1].addr);
        vm.expectRevert(_with(IAttesterSets.InvalidAttester.selector, keys[3].addr));
        _remove(keys[3].addr);
    }

    function test_only_a_linked_wallet_of_the_administrator_removes() external {
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotSetAdministrator.selector, setId, address(this)));
        sets.removeAttester(setId, keys[0].addr);
        _suspendWallet(administrator.wallet);
        address wallet = administrator.wallet;
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotSetAdministrator.selector, setId, wallet));
        _remove(keys[0].addr);
    }

    function test_a_frozen_administrator_still_removes_a_stolen_key() external {
        _freeze(administrator.id);
        _remove(keys[0].addr);
        assertFalse(sets.isAttester(setId, keys[0].addr));
    }

    // ---- epochs ----

    function test_the_previous_epoch_counts_for_seven_days_to_the_second() external {
        uint256 changed = block.timestamp + 3 days; // since the change, not since the set was made
        vm.warp(changed);
        _remove(keys[2].addr);
        assertEq(sets.attesterSet(setId).epochSince, changed, "since");
        vm.warp(changed + NOTICE);
        _require(1, _by(0, 1));
        vm.warp(changed + NOTICE + 1);
        _refuse(1, _by(0, 1), _epochRefused(1, 2, 1));
        _require(2, _by(0, 1));
    }

    function test_the_epoch_before_the_previous_never_counts() external {
        _announce(keys[3].addr);
        vm.warp(block.timestamp + NOTICE);
        sets.addAttester(setId, keys[3].addr);
        _remove(keys[2].addr);
        _refuse(1, _by(0, 1), _epochRefused(1, 3, 1));
        _refuse(4, _by(0, 1), _epochRefused(4, 3, 1));
        _refuse(0, _by(0, 1), _epochRefused(0, 3, 1));
        _require(2, _by(0, 1));
    }

    function test_the_floor_binds_the_previous_epoch_too() external {
        _remove(keys[2].addr);
        vm.expectRevert(_epochRefused(1, 2, 2));
        sets.requireAttested(setId, 1, 2, 2, DIGEST, _by(0, 1));
    }

    function test_a_new_key_does_not_count_in_the_epoch_before_it() external {
        _announce(keys[3].addr);
        vm.warp(block.timestamp + NOTICE);
        sets.addAttester(setId, keys[3].addr);
        _refuse(1, _by(0, 3), abi.encodeWithSelector(IAttesterSets.NotAnAttester.selector, setId, keys[3].addr));
    }

    function _epochRefused(uint32 epoch, uint32 current, uint32 floor) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAttesterSets.EpochNotAccepted.selector, setId, epoch, current, floor);
    }

    // ---- signatures ----

    function test_one_key_twice_is_one() external {
        _refuse(
            1, _by(0, 0), abi.encodeWithSelector(IAttesterSets.SignersNotAscending.selector, keys[0].addr, keys[0].addr)
        );
        _refuse(
            1, _by(1, 0), abi.encodeWithSelector(IAttesterSets.SignersNotAscending.selector, keys[1].addr, keys[0].addr)
        );
    }

    function test_too_few() external {
        bytes[] memory one = new bytes[](1);
        one[0] = _signature(0);
        _refuse(1, one, abi.encodeWithSelector(IAttesterSets.NotEnoughAttestations.selector, 1, 2));
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotEnoughAttestations.selector, 1, 0));
        sets.requireAttested(setId, 1, 1, 0, DIGEST, one);
    }

    function test_a_stranger() external {
        _refuse(1, _by(0, 3), abi.encodeWithSelector(IAttesterSets.NotAnAttester.selector, setId, keys[3].addr));
    }

    function test_another_digest_or_no_signature() external {
        bytes[] memory signatures = _by(0, 1);
        vm.expectRevert(_with(IAttesterSets.InvalidAttesterSignature.selector, keys[0].addr));
        sets.requireAttested(setId, 1, 1, 2, keccak256("something else"), signatures);
        signatures[0] = "";
        _refuse(1, signatures, _with(IAttesterSets.InvalidAttester.selector, address(0)));
    }

    /// @dev The mirrored signature of the same key is another byte string: it must not count.
    function test_high_s_is_refused() external {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0].privateKey, DIGEST);
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes[] memory signatures = _by(0, 1);
        signatures[0] = abi.encodePacked(keys[0].addr, r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _refuse(1, signatures, _with(IAttesterSets.InvalidAttesterSignature.selector, keys[0].addr));
    }

    function test_unknown_set() external {
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.UnknownAttesterSet.selector, 9));
        sets.requireAttested(9, 1, 1, 2, DIGEST, _by(0, 1));
    }

    function test_a_contract_attests_by_erc1271() external {
        AttestingContract machine = new AttestingContract(keys[3].addr);
        address[] memory members = new address[](1);
        members[0] = address(machine);
        vm.prank(administrator.wallet);
        uint32 machines = sets.createSet(1, members);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(address(machine), _sign(keys[3].privateKey, DIGEST));
        sets.requireAttested(machines, 1, 1, 1, DIGEST, signatures);
        signatures[0] = abi.encodePacked(address(machine), _sign(keys[2].privateKey, DIGEST));
        vm.expectRevert(_with(IAttesterSets.InvalidAttesterSignature.selector, address(machine)));
        sets.requireAttested(machines, 1, 1, 1, DIGEST, signatures);
    }
}

/// @notice Signs as its owner does.
contract AttestingContract {
    address private immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        bool valid = ecrecover(digest, uint8(signature[64]), r, s) == owner;
        return valid ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}
