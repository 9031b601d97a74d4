// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {IRecoverable} from "../../contracts/interfaces/IRecoverable.sol";
import {Standing} from "../../contracts/libraries/Reason.sol";
import {RegistryBase} from "./base/RegistryBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice An asset that records what the registry tells it, and may refuse.
contract RecordingAsset is IRecoverable {
    address public immutable registry;
    address public lost;
    address public successor;
    bytes32 public orderHash;
    bool public refuses;

    constructor(address registry_) {
        registry = registry_;
    }

    function setRefuses(bool value) external {
        refuses = value;
    }

    function recover(address lost_, address successor_, bytes32 orderHash_) external {
        require(!refuses, "refused");
        (lost, successor, orderHash) = (lost_, successor_, orderHash_);
    }
}

contract RegistryWalletsTest is RegistryBase {
    Party internal buyer;

    function setUp() public override {
        super.setUp();
        buyer = _onboard("buyer");
    }

    function _expectState(address wallet, uint32 participant, uint32 epoch, IParticipantRegistry.WalletStatus s)
        private
        view
    {
        (uint32 id, uint32 e, IParticipantRegistry.WalletStatus status) = registry.walletOf(wallet);
        assertEq(id, participant, "participant");
        assertEq(e, epoch, "epoch");
        assertEq(uint8(status), uint8(s), "status");
    }

    function _notLinked(address wallet, IParticipantRegistry.WalletStatus s) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipantRegistry.WalletNotLinked.selector, wallet, s);
    }

    function _named(address wallet, uint32 participant, IParticipantRegistry.WalletStatus s)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IParticipantRegistry.WalletAlreadyNamed.selector, wallet, participant, s);
    }

    // ---- link, unlink ----

    function test_many_wallets_name_one_participant() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _expectState(buyer.wallet, buyer.id, 1, IParticipantRegistry.WalletStatus.LINKED);
        _expectState(second.addr, buyer.id, 1, IParticipantRegistry.WalletStatus.LINKED);
        assertEq(registry.currentWallet(buyer.id), buyer.wallet, "linking does not change the current wallet");
        _expectState(address(99), 0, 0, IParticipantRegistry.WalletStatus.NONE);
    }

    function test_link_refuses_a_wallet_of_another_or_already_linked() external {
        Party memory seller = _onboard("seller");
        bytes memory signature = _signLink(seller.key, buyer.identity, seller.wallet, block.timestamp);
        vm.startPrank(onboarder);
        vm.expectRevert(_named(seller.wallet, seller.id, IParticipantRegistry.WalletStatus.LINKED));
        registry.linkWallet(buyer.id, seller.wallet, block.timestamp, signature);
        vm.expectRevert(_named(buyer.wallet, buyer.id, IParticipantRegistry.WalletStatus.LINKED));
        registry.linkWallet(buyer.id, buyer.wallet, block.timestamp, signature);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 9));
        registry.linkWallet(9, address(9), block.timestamp, signature);
    }

    /// @dev A lost key's successor must be linkable while its participant is stopped; that loosens nothing.
    function test_link_works_while_stopped_and_gives_no_standing() external {
        _freeze(buyer.id);
        Vm.Wallet memory second = _link(buyer, "second");
        (Standing standing,) = registry.standingOf(second.addr);
        assertEq(uint8(standing), uint8(Standing.FROZEN));
    }

    function test_unlink_keeps_the_name_and_raises_the_epoch() external {
        Vm.Wallet memory second = _link(buyer, "second");
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.WalletUnlinked(buyer.id, second.addr);
        _unlink(second.addr);
        _expectState(second.addr, buyer.id, 0, IParticipantRegistry.WalletStatus.UNLINKED);
        _expectState(buyer.wallet, buyer.id, 2, IParticipantRegistry.WalletStatus.LINKED);
    }

    function test_unlink_refuses_the_current_wallet_and_all_that_is_not_linked() external {
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.CurrentWalletMayNotBeUnlinked.selector, buyer.wallet)
        );
        _unlink(buyer.wallet);
        vm.expectRevert(_notLinked(address(9), IParticipantRegistry.WalletStatus.NONE));
        _unlink(address(9));
        Vm.Wallet memory second = _link(buyer, "second");
        _unlink(second.addr);
        vm.expectRevert(_notLinked(second.addr, IParticipantRegistry.WalletStatus.UNLINKED));
        _unlink(second.addr);
    }

    /// @dev Unlinking and linking again would undo compliance's suspension without its delay.
    function test_unlink_refuses_a_suspended_wallet() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(second.addr);
        vm.expectRevert(_notLinked(second.addr, IParticipantRegistry.WalletStatus.SUSPENDED));
        _unlink(second.addr);
        bytes memory signature = _signLink(second.privateKey, buyer.identity, second.addr, block.timestamp + 1);
        vm.expectRevert(_named(second.addr, buyer.id, IParticipantRegistry.WalletStatus.SUSPENDED));
        vm.prank(onboarder);
        registry.linkWallet(buyer.id, second.addr, block.timestamp + 1, signature);
    }

    /// @dev An unlinked wallet's holds execute; unlinking must not be a way out of a freeze.
    function test_unlink_refuses_while_the_participant_is_stopped() external {
        Vm.Wallet memory second = _link(buyer, "second");
        bytes memory stopped = abi.encodeWithSelector(IParticipantRegistry.ParticipantStopped.selector, buyer.id);
        _freeze(buyer.id);
        vm.expectRevert(stopped);
        _unlink(second.addr);
        _unfreeze(buyer.id);
        _suspend(buyer.id);
        vm.expectRevert(stopped);
        _unlink(second.addr);
    }

    function test_relink_only_to_its_own_participant_with_a_new_signature() external {
        Party memory seller = _onboard("seller");
        Vm.Wallet memory second = _key("second");
        uint256 deadline = block.timestamp + 1 hours;
        bytes memory signature = _signLink(second.privateKey, buyer.identity, second.addr, deadline);
        vm.prank(onboarder);
        registry.linkWallet(buyer.id, second.addr, deadline, signature);
        _unlink(second.addr);

        vm.startPrank(onboarder);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.SignatureNotNew.selector, second.addr, deadline, deadline)
        );
        registry.linkWallet(buyer.id, second.addr, deadline, signature);
        bytes memory toSeller = _signLink(second.privateKey, seller.identity, second.addr, deadline + 1);
        vm.expectRevert(_named(second.addr, buyer.id, IParticipantRegistry.WalletStatus.UNLINKED));
        registry.linkWallet(seller.id, second.addr, deadline + 1, toSeller);
        signature = _signLink(second.privateKey, buyer.identity, second.addr, deadline + 1);
        registry.linkWallet(buyer.id, second.addr, deadline + 1, signature);
        vm.stopPrank();
        _expectState(second.addr, buyer.id, 2, IParticipantRegistry.WalletStatus.LINKED);
    }

    // ---- the current wallet ----

    function test_current_wallet_hands_over_with_its_signature_whoever_brings_it() external {
        Vm.Wallet memory second = _link(buyer, "second");
        bytes memory signature = _signHandover(buyer.key, buyer.id, buyer.wallet, second.addr, 0, block.timestamp);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.CurrentWalletChanged(buyer.id, buyer.wallet, second.addr);
        vm.prank(address(99));
        registry.changeCurrentWallet(buyer.id, second.addr, block.timestamp, signature);
        assertEq(registry.currentWallet(buyer.id), second.addr);
        assertEq(registry.participantOf(buyer.id).nonce, 1);
        assertEq(registry.participantOf(buyer.id).epoch, 1, "both wallets are still good");
    }

    function test_handover_is_not_replayed() external {
        Vm.Wallet memory second = _link(buyer, "second");
        bytes memory there = _signHandover(buyer.key, buyer.id, buyer.wallet, second.addr, 0, block.timestamp);
        registry.changeCurrentWallet(buyer.id, second.addr, block.timestamp, there);
        bytes memory back = _signHandover(second.privateKey, buyer.id, second.addr, buyer.wallet, 1, block.timestamp);
        registry.changeCurrentWallet(buyer.id, buyer.wallet, block.timestamp, back);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, buyer.wallet));
        registry.changeCurrentWallet(buyer.id, second.addr, block.timestamp, there);
    }

    function test_handover_refusals() external {
        Party memory seller = _onboard("seller");
        Vm.Wallet memory second = _link(buyer, "second");
        uint256 deadline = block.timestamp;
        bytes memory signature = _signHandover(buyer.key, buyer.id, buyer.wallet, second.addr, 0, deadline);

        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.UnknownParticipant.selector, 9));
        registry.changeCurrentWallet(9, second.addr, deadline, signature);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.SameWallet.selector, buyer.wallet));
        registry.changeCurrentWallet(buyer.id, buyer.wallet, deadline, signature);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipantRegistry.WalletOfOther.selector, seller.wallet, seller.id, buyer.id)
        );
        registry.changeCurrentWallet(buyer.id, seller.wallet, deadline, signature);
        vm.expectRevert(_notLinked(address(9), IParticipantRegistry.WalletStatus.NONE));
        registry.changeCurrentWallet(buyer.id, address(9), deadline, signature);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.SignatureExpired.selector, deadline - 1, deadline));
        registry.changeCurrentWallet(buyer.id, second.addr, deadline - 1, signature);
        bytes memory bySecond = _signHandover(second.privateKey, buyer.id, buyer.wallet, second.addr, 0, deadline);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.InvalidWalletSignature.selector, buyer.wallet));
        registry.changeCurrentWallet(buyer.id, second.addr, deadline, bySecond);
        _suspendWallet(buyer.wallet);
        vm.expectRevert(_notLinked(buyer.wallet, IParticipantRegistry.WalletStatus.SUSPENDED));
        registry.changeCurrentWallet(buyer.id, second.addr, deadline, signature);
    }

    // ---- suspension of a wallet ----

    function test_suspending_a_wallet_raises_the_epoch_and_reinstating_gives_it_back() external {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.WalletSuspended(buyer.id, buyer.wallet, ORDER);
        _suspendWallet(buyer.wallet);
        _expectState(buyer.wallet, buyer.id, 0, IParticipantRegistry.WalletStatus.SUSPENDED);
        assertEq(registry.participantOf(buyer.id).epoch, 2);
        vm.expectRevert(_notLinked(buyer.wallet, IParticipantRegistry.WalletStatus.SUSPENDED));
        _suspendWallet(buyer.wallet);
        _reinstateWallet(buyer.wallet);
        _expectState(buyer.wallet, buyer.id, 2, IParticipantRegistry.WalletStatus.LINKED);
    }

    function test_reinstating_refuses_what_is_not_suspended() external {
        bytes memory call = abi.encodeCall(registry.reinstateWallet, (buyer.wallet, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.WalletNotSuspended.selector, buyer.wallet, IParticipantRegistry.WalletStatus.LINKED
            )
        );
        _executeDelayed(resolution, address(registry), call);
    }

    /// @dev Asking the onboarder to unlink first must not run ahead of a suspension, nor be undone by its end.
    function test_an_unlinked_wallet_can_be_suspended_and_comes_back_unlinked() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _unlink(second.addr);
        _suspendWallet(second.addr);
        (Standing standing, uint32 id) = registry.standingOf(second.addr);
        assertEq(uint8(standing), uint8(Standing.WALLET_SUSPENDED));
        assertEq(id, buyer.id);
        _reinstateWallet(second.addr);
        _expectState(second.addr, buyer.id, 0, IParticipantRegistry.WalletStatus.UNLINKED);
    }

    // ---- who signs ----

    function _expectSigners(address first, address second) private view {
        (address a, address b, bool cash) = registry.signers(buyer.id, buyer.id + 1, address(0));
        assertEq(a, first, "the buyer's");
        assertEq(b, second, "the other's");
        assertFalse(cash, "no token was asked about");
    }

    /// @dev Nobody's word counts while the current wallet is not LINKED, whatever brought that about or ended it.
    function test_signers_are_the_current_wallets_that_are_linked() external {
        _expectSigners(buyer.wallet, address(0));
        Party memory seller = _onboard("seller");
        _expectSigners(buyer.wallet, seller.wallet);
        Vm.Wallet memory second = _link(buyer, "second");
        _suspendWallet(second.addr);
        _expectSigners(buyer.wallet, seller.wallet);
        _reinstateWallet(second.addr);

        _suspendWallet(buyer.wallet);
        _expectSigners(address(0), seller.wallet);
        _freeze(buyer.id);
        _expectSigners(address(0), seller.wallet);
        _unfreeze(buyer.id);
        _expectSigners(address(0), seller.wallet);
        _reinstateWallet(buyer.wallet);
        _expectSigners(buyer.wallet, seller.wallet);

        _makeCurrent(buyer, second.addr);
        _expectSigners(second.addr, seller.wallet);
        _suspendWallet(second.addr);
        _recover(second.addr, buyer.wallet);
        _expectSigners(buyer.wallet, seller.wallet);
        _suspend(seller.id);
        _freeze(buyer.id);
        _expectSigners(buyer.wallet, seller.wallet);
    }

    function test_signers_say_what_is_bank_money() external {
        RecordingAsset money = new RecordingAsset(address(registry));
        RecordingAsset title = new RecordingAsset(address(registry));
        _registerAsset(address(money), true);
        _registerAsset(address(title), false);
        (,, bool cash) = registry.signers(buyer.id, 0, address(money));
        assertTrue(cash, "a deposit token");
        (,, cash) = registry.signers(buyer.id, 0, address(title));
        assertFalse(cash, "another asset");
        (,, cash) = registry.signers(buyer.id, 0, address(this));
        assertFalse(cash, "nothing registered");
    }

    // ---- recovery ----

    function test_recovery_names_the_successor_and_tells_every_asset() external {
        RecordingAsset first = new RecordingAsset(address(registry));
        RecordingAsset other = new RecordingAsset(address(registry));
        _registerAsset(address(first), true);
        _registerAsset(address(other), false);
        Vm.Wallet memory second = _link(buyer, "second");
        bytes memory call = abi.encodeCall(registry.recoverWallet, (buyer.wallet, second.addr, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.WalletRecovered(buyer.id, buyer.wallet, second.addr, ORDER);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.CurrentWalletChanged(buyer.id, buyer.wallet, second.addr);
        _executeDelayed(resolution, address(registry), call);

        _expectState(buyer.wallet, buyer.id, 0, IParticipantRegistry.WalletStatus.LOST);
        _expectState(second.addr, buyer.id, 2, IParticipantRegistry.WalletStatus.LINKED);
        assertEq(registry.currentWallet(buyer.id), second.addr);
        assertEq(registry.successorOf(buyer.wallet), second.addr);
        assertEq(registry.resolve(buyer.wallet), second.addr);
        assertEq(registry.resolve(second.addr), second.addr);
        assertEq(registry.resolve(address(99)), address(99));
        assertEq(first.lost(), buyer.wallet);
        assertEq(first.successor(), second.addr);
        assertEq(first.orderHash(), ORDER);
        assertEq(other.lost(), buyer.wallet);
    }

    function test_recovery_of_another_wallet_leaves_the_current_one() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _recover(second.addr, buyer.wallet);
        assertEq(registry.currentWallet(buyer.id), buyer.wallet);
        assertEq(registry.participantOf(buyer.id).epoch, 2);
    }

    function test_recovery_is_all_or_nothing() external {
        RecordingAsset asset = new RecordingAsset(address(registry));
        _registerAsset(address(asset), false);
        asset.setRefuses(true);
        Vm.Wallet memory second = _link(buyer, "second");
        bytes memory call = abi.encodeCall(registry.recoverWallet, (buyer.wallet, second.addr, ORDER));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(bytes("refused"));
        _executeDelayed(resolution, address(registry), call);
        _expectState(buyer.wallet, buyer.id, 1, IParticipantRegistry.WalletStatus.LINKED);
        asset.setRefuses(false);
        _executeDelayed(resolution, address(registry), call);
        _expectState(buyer.wallet, buyer.id, 0, IParticipantRegistry.WalletStatus.LOST);
    }

    function test_recovery_takes_suspended_and_unlinked_wallets_and_works_while_frozen() external {
        Vm.Wallet memory second = _link(buyer, "second");
        Vm.Wallet memory third = _link(buyer, "third");
        _unlink(second.addr);
        _suspendWallet(buyer.wallet);
        _freeze(buyer.id);
        _recover(second.addr, third.addr);
        _recover(buyer.wallet, third.addr);
        assertEq(registry.resolve(second.addr), third.addr);
        assertEq(registry.resolve(buyer.wallet), third.addr);
        assertEq(registry.currentWallet(buyer.id), third.addr);
        assertTrue(registry.participantOf(buyer.id).frozen, "recovery does not unfreeze");
    }

    function test_successors_chain() external {
        Vm.Wallet memory second = _link(buyer, "second");
        Vm.Wallet memory third = _link(buyer, "third");
        _recover(buyer.wallet, second.addr);
        _recover(second.addr, third.addr);
        assertEq(registry.resolve(buyer.wallet), third.addr);
        assertEq(registry.successorOf(buyer.wallet), second.addr);
    }

    function test_a_lost_wallet_is_never_linked_suspended_or_recovered_again() external {
        Vm.Wallet memory second = _link(buyer, "second");
        _recover(buyer.wallet, second.addr);
        bytes memory signature = _signLink(buyer.key, buyer.identity, buyer.wallet, block.timestamp + 1);
        vm.expectRevert(_named(buyer.wallet, buyer.id, IParticipantRegistry.WalletStatus.LOST));
        vm.prank(onboarder);
        registry.linkWallet(buyer.id, buyer.wallet, block.timestamp + 1, signature);
        vm.expectRevert(_notLinked(buyer.wallet, IParticipantRegistry.WalletStatus.LOST));
        _suspendWallet(buyer.wallet);
        _expectNoRecovery(
            buyer.wallet, second.addr, ORDER, _notLinked(buyer.wallet, IParticipantRegistry.WalletStatus.LOST)
        );
        // nor does its old signature hand anything over
        bytes memory handover = _signHandover(buyer.key, buyer.id, buyer.wallet, second.addr, 0, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IParticipantRegistry.SameWallet.selector, second.addr));
        registry.changeCurrentWallet(buyer.id, second.addr, block.timestamp, handover);
    }

    function test_recovery_refusals() external {
        Party memory seller = _onboard("seller");
        Vm.Wallet memory second = _link(buyer, "second");
        _expectNoRecovery(
            buyer.wallet, second.addr, 0, abi.encodeWithSelector(IParticipantRegistry.OrderHashMissing.selector)
        );
        _expectNoRecovery(
            buyer.wallet,
            buyer.wallet,
            ORDER,
            abi.encodeWithSelector(IParticipantRegistry.SameWallet.selector, buyer.wallet)
        );
        _expectNoRecovery(
            buyer.wallet,
            seller.wallet,
            ORDER,
            abi.encodeWithSelector(IParticipantRegistry.WalletOfOther.selector, seller.wallet, seller.id, buyer.id)
        );
        _expectNoRecovery(
            address(9), second.addr, ORDER, _notLinked(address(9), IParticipantRegistry.WalletStatus.NONE)
        );
        _unlink(second.addr);
        _expectNoRecovery(
            buyer.wallet, second.addr, ORDER, _notLinked(second.addr, IParticipantRegistry.WalletStatus.UNLINKED)
        );
    }

    function _expectNoRecovery(address lost, address successor, bytes32 orderHash, bytes memory reason) private {
        bytes memory call = abi.encodeCall(registry.recoverWallet, (lost, successor, orderHash));
        _schedule(resolution, address(registry), call);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(reason);
        _executeDelayed(resolution, address(registry), call);
    }
}
