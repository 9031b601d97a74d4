// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Flags: set at once, taken away with a delay. Pairs of jurisdictions: forbidden until permitted, in one direction.
contract RegistryFlagsTest is RegistryBase {
    uint16 private constant DE = 276;
    uint16 private constant CH = 756;

    Party internal german;
    Party internal swiss;

    function setUp() public override {
        super.setUp();
        german = _onboard("german");
        IParticipantRegistry.Profile memory profile = _profile("swiss");
        profile.jurisdiction = CH;
        swiss = _register(profile, "swiss");
    }

    // ---- flags ----

    function test_flags_are_set_at_once_and_taken_away_with_a_delay() external {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.FlagsChanged(german.id, Flags.CLEARANCE);
        _addFlags(german.id, Flags.CLEARANCE);
        _addFlags(german.id, Flags.PAIR_RULES | Flags.CLEARANCE);
        assertEq(registry.flagsOf(german.id), Flags.PAIR_RULES | Flags.CLEARANCE);
        (uint256 a,) = registry.standings(german.id, 1, 0, 0);
        assertEq(a, uint256(Flags.PAIR_RULES | Flags.CLEARANCE) << 8, "good, and flagged");
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, compliance));
        vm.prank(compliance);
        registry.removeFlags(german.id, Flags.CLEARANCE);
        _resolve(abi.encodeCall(registry.removeFlags, (german.id, Flags.CLEARANCE)));
        assertEq(registry.flagsOf(german.id), Flags.PAIR_RULES);
        assertEq(registry.flagsOf(99), 0);
    }

    function test_what_a_participant_is_cannot_be_set() external {
        Party memory bank = _sponsor("bank");
        Party memory customer = _customer(bank, "customer", IParticipantRegistry.Kind.RETAIL);
        uint8[5] memory wrong = [0, Flags.SPONSORED, Flags.RETAIL, Flags.SUSPENDED_BY_SPONSOR, 0xff];
        vm.startPrank(compliance);
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidFlags.selector, wrong[i]));
            registry.addFlags(customer.id, wrong[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 0));
        registry.addFlags(0, Flags.CLEARANCE);
        vm.stopPrank();
        bytes memory data = abi.encodeCall(registry.removeFlags, (customer.id, Flags.RETAIL));
        _schedule(resolution, address(registry), data);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidFlags.selector, Flags.RETAIL));
        _executeDelayed(resolution, address(registry), data);
        assertEq(registry.flagsOf(customer.id), Flags.SPONSORED | Flags.RETAIL);
    }

    function test_a_closed_participant_keeps_its_flags() external {
        _close(german.id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantNotActive.selector, german.id, IParticipantRegistry.Status.CLOSED
            )
        );
        _addFlags(german.id, Flags.CLEARANCE);
    }

    // ---- pairs ----

    function _pair(Party memory from, Party memory to) private view returns (bool passes) {
        (uint256 a, uint256 b) = registry.standings(from.id, 1, to.id, 1);
        assertEq(uint8(a), 0, "the payer is not refused for the pair");
        passes = registry.pairPasses(from.id, to.id);
        assertEq(uint8(b), passes ? 0 : uint8(Standing.PAIR_REFUSED));
    }

    function test_without_rules_any_pair_passes() external view {
        assertTrue(_pair(german, swiss) && _pair(swiss, german));
    }

    function test_the_rules_of_either_bind_both_until_the_pair_is_permitted() external {
        Party memory second = _onboard("second german");
        _addFlags(german.id, Flags.PAIR_RULES);
        assertTrue(!_pair(german, swiss) && !_pair(swiss, german) && !_pair(german, second), "zero means deny");
        bytes memory permit = abi.encodeCall(registry.permitPair, (DE, CH));
        _schedule(resolution, address(registry), permit);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.PairPermitted(DE, CH);
        _executeDelayed(resolution, address(registry), permit);
        assertTrue(registry.pairPermitted(DE, CH) && !registry.pairPermitted(CH, DE));
        assertTrue(_pair(german, swiss) && !_pair(swiss, german), "one direction");
        _permitPair(DE, DE);
        assertTrue(_pair(german, second));
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.PairForbidden(DE, CH);
        _forbidPair(DE, CH);
        assertTrue(!_pair(german, swiss));
    }

    function test_what_stays_with_its_owner_crosses_nothing() external {
        _addFlags(german.id, Flags.PAIR_RULES);
        assertTrue(_pair(german, german));
    }

    function test_one_side_alone_asks_no_pair() external {
        _addFlags(german.id, Flags.PAIR_RULES);
        (uint256 a, uint256 b) = registry.standings(german.id, 1, 0, 0);
        assertEq(uint8(a) + b, 0);
        (a, b) = registry.standings(0, 0, german.id, 1);
        assertEq(a + uint8(b), 0);
    }

    function test_a_refused_payee_keeps_its_own_reason() external {
        _addFlags(german.id, Flags.PAIR_RULES);
        _freeze(swiss.id);
        (, uint256 b) = registry.standings(german.id, 1, swiss.id, 1);
        assertEq(uint8(b), uint8(Standing.FROZEN));
        (, b) = registry.standings(german.id, 1, swiss.id, 2);
        assertEq(uint8(b), uint8(Standing.STALE));
    }

    function test_compliance_forbids_and_only_a_delayed_role_permits() external {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, compliance));
        vm.prank(compliance);
        registry.permitPair(DE, CH);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, onboarder));
        vm.prank(onboarder);
        registry.forbidPair(DE, CH);
        vm.startPrank(compliance);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidJurisdiction.selector, 0));
        registry.forbidPair(0, CH);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidJurisdiction.selector, 0));
        registry.forbidPair(DE, 0);
        vm.stopPrank();
    }

    // ---- retail wallets ----

    function test_a_retail_customer_has_at_most_16_wallets_listed_once() external {
        IParticipantRegistry.Profile memory profile = _profile("retail");
        profile.kind = IParticipantRegistry.Kind.RETAIL;
        Party memory retail = _register(profile, "retail");
        for (uint256 i = 1; i < 16; ++i) {
            _link(retail, vm.toString(i));
        }
        address last = _key("15").addr;
        _unlink(last);
        bytes memory again = _signLink(_key("15").privateKey, retail.identity, last, block.timestamp + 1);
        vm.prank(onboarder);
        registry.linkWallet(retail.id, last, block.timestamp + 1, again);
        address[] memory wallets = registry.retailWallets(retail.id);
        assertEq(wallets.length, 16);
        assertEq(wallets[0], retail.wallet);
        assertEq(wallets[15], last);
        Vm.Wallet memory more = _key("16");
        bytes memory signature = _signLink(more.privateKey, retail.identity, more.addr, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.TooManyWallets.selector, retail.id, 16));
        vm.prank(onboarder);
        registry.linkWallet(retail.id, more.addr, block.timestamp, signature);
        assertEq(registry.retailWallets(german.id).length, 0, "of other kinds none");
    }
}
