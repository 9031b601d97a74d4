// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

contract RegistryStandingsTest is RegistryBase {
    Party internal buyer;
    Party internal seller;

    function setUp() public override {
        super.setUp();
        buyer = _onboard("buyer");
        seller = _onboard("seller");
    }

    function _expect(uint32 epoch, Standing expected, string memory when) private view {
        (uint256 a, uint256 b) = registry.standings(buyer.id, epoch, seller.id, 1);
        assertEq(uint8(a), uint8(expected), when);
        assertEq(uint8(b), uint8(Standing.GOOD), "the other is judged apart");
        (b, a) = registry.standings(seller.id, 1, buyer.id, epoch);
        assertEq(uint8(a), uint8(expected), when);
    }

    function _expectWallet(address wallet, Standing expected, uint32 participant) private view {
        (Standing standing, uint32 id) = registry.standingOf(wallet);
        assertEq(uint8(standing), uint8(expected));
        assertEq(id, participant);
        address[] memory wallets = new address[](2);
        (wallets[0], wallets[1]) = (seller.wallet, wallet);
        Standing[] memory each = registry.standingsOf(wallets);
        assertEq(uint8(each[0]), uint8(Standing.GOOD));
        assertEq(uint8(each[1]), uint8(expected));
    }

    function test_good() external view {
        _expect(1, Standing.GOOD, "good");
        _expectWallet(buyer.wallet, Standing.GOOD, buyer.id);
    }

    function test_zero_is_not_asked_and_unknown_is_unknown() external view {
        (uint256 a, uint256 b) = registry.standings(0, 0, 0, 77);
        assertEq(uint8(a), uint8(Standing.GOOD));
        assertEq(uint8(b), uint8(Standing.GOOD));
        (a, b) = registry.standings(9, 0, 9, 1);
        assertEq(uint8(a), uint8(Standing.UNKNOWN), "nobody has epoch 0");
        assertEq(uint8(b), uint8(Standing.STALE));
        _expectWallet(address(9), Standing.UNKNOWN, 0);
    }

    function test_kyc_is_good_in_its_last_second_and_expired_in_the_next() external {
        uint40 expiry = registry.participantOf(buyer.id).kycExpiry;
        vm.prank(onboarder);
        registry.renewKyc(seller.id, expiry + 1, 0);
        vm.warp(expiry);
        _expect(1, Standing.GOOD, "last second");
        vm.warp(uint256(expiry) + 1);
        _expect(1, Standing.KYC_EXPIRED, "next second");
        _expectWallet(buyer.wallet, Standing.KYC_EXPIRED, buyer.id);
        assertFalse(registry.isStopped(buyer.id), "a lapsed KYC is not a stop");
    }

    /// @dev STALE voids everything; a freeze shows through a closure; a stop before a lapsed KYC.
    function test_precedence() external {
        uint40 expiry = registry.participantOf(buyer.id).kycExpiry;
        vm.prank(onboarder);
        registry.renewKyc(seller.id, expiry + 365 days, 0);
        _expect(2, Standing.STALE, "another epoch");
        _suspend(buyer.id);
        _expect(1, Standing.SUSPENDED, "suspended");
        _freeze(buyer.id);
        _expect(1, Standing.FROZEN, "frozen and suspended");
        _expect(2, Standing.STALE, "another epoch, frozen");
        vm.warp(uint256(expiry) + 1);
        _expect(1, Standing.FROZEN, "frozen, suspended, expired");
        _unfreeze(buyer.id);
        _expect(1, Standing.SUSPENDED, "suspended, expired");
        _reinstate(buyer.id);
        _expect(1, Standing.KYC_EXPIRED, "expired");
        _close(buyer.id);
        _expect(1, Standing.CLOSED, "closed, expired");
        _freeze(buyer.id);
        _expect(1, Standing.FROZEN, "closed and frozen");
        assertTrue(registry.isStopped(buyer.id));
        _unfreeze(buyer.id);
        _expect(1, Standing.CLOSED, "closed again");
        assertFalse(registry.isStopped(buyer.id), "a closed payer's holds may execute");
        _expectWallet(buyer.wallet, Standing.CLOSED, buyer.id);
    }

    function test_wallet_state_comes_before_the_participants() external {
        Vm.Wallet memory second = _link(buyer, "second");
        Vm.Wallet memory third = _link(buyer, "third");
        _unlink(second.addr);
        _suspendWallet(third.addr);
        _recover(buyer.wallet, _link(buyer, "fourth").addr);
        _freeze(buyer.id);
        _expectWallet(second.addr, Standing.WALLET_UNLINKED, buyer.id);
        _expectWallet(third.addr, Standing.WALLET_SUSPENDED, buyer.id);
        _expectWallet(buyer.wallet, Standing.WALLET_LOST, buyer.id);
        _expectWallet(_key("fourth").addr, Standing.FROZEN, buyer.id);
    }

    function test_stopping_takes_effect_in_the_same_block_and_names_its_order() external {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantFrozen(buyer.id, ORDER);
        _freeze(buyer.id);
        _expect(1, Standing.FROZEN, "frozen");
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantSuspended(seller.id, ORDER);
        _suspend(seller.id);
        assertTrue(registry.isStopped(seller.id));
    }

    function test_stopping_twice_and_loosening_what_is_not_stopped_is_refused() external {
        bytes memory already = abi.encodeWithSelector(IParticipantRegistry.AlreadyStopped.selector, buyer.id);
        _freeze(buyer.id);
        vm.expectRevert(already);
        _freeze(buyer.id);
        _suspend(buyer.id);
        vm.expectRevert(already);
        _suspend(buyer.id);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 9));
        _freeze(9);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 9));
        _suspend(9);
        bytes memory not = abi.encodeWithSelector(IParticipantRegistry.NotStopped.selector, seller.id);
        _expectRefused(abi.encodeCall(registry.unfreeze, (seller.id, ORDER)), not);
        _expectRefused(abi.encodeCall(registry.reinstate, (seller.id, ORDER)), not);
    }

    function test_freezing_and_unfreezing_need_an_order() external {
        bytes memory missing = abi.encodeWithSelector(IParticipantRegistry.OrderHashMissing.selector);
        vm.expectRevert(missing);
        vm.prank(compliance);
        registry.freeze(buyer.id, 0);
        _freeze(buyer.id);
        _expectRefused(abi.encodeCall(registry.unfreeze, (buyer.id, 0)), missing);
    }

    function _expectRefused(bytes memory call, bytes memory reason) private {
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(reason);
        _executeDelayed(resolution, address(registry), call);
    }

    /// @dev The registry's part of every transfer: two cold words and the proxy. A change must explain itself.
    function test_standings_reads_one_word_per_participant() external {
        vm.record();
        registry.standings(buyer.id, 1, seller.id, 1);
        (bytes32[] memory reads,) = vm.accesses(address(registry));
        assertEq(reads.length, 3, "the implementation's slot and two words");
    }
}
