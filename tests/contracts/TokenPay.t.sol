// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Payments with a reference: once per participant, for ever; one by one and in batches.
contract TokenPay is TokenScenario {
    bytes32 private constant REF = keccak256("invoice 4711");

    function _pay(address from, address to, uint256 amount, bytes32 ref) private {
        vm.prank(from);
        usd.pay(to, amount, ref, "");
    }

    function test_pay_says_what_was_paid() public {
        bytes memory remittance = "encrypted";
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Paid(alice.wallet, bob.wallet, REF, 250, keccak256(remittance));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 250);
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 250, REF, remittance);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertTrue(usd.paid(alice.id, REF));
        assertEq(uint256(usd.referenceState(alice.wallet, REF)), uint256(IDepositToken.ReferenceState.PAID));
        assertFalse(usd.paid(bob.id, REF), "another participant's reference is another");
    }

    // Santander UK, 2021: 75,000 payments sent twice.
    function test_a_reference_pays_once() public {
        _pay(alice.wallet, bob.wallet, 250, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _pay(alice.wallet, bob.wallet, 250, REF);
        _pay(alice.wallet, bob.wallet, 250, bytes32(uint256(REF) ^ 1));
    }

    function test_a_reference_pays_once_whichever_wallet_pays() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _transfer(alice.wallet, second.addr, 1000);
        _pay(alice.wallet, bob.wallet, 250, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _pay(second.addr, bob.wallet, 250, REF);
    }

    function test_a_reference_pays_once_across_a_recovery() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _pay(alice.wallet, bob.wallet, 250, REF);
        _recover(alice.wallet, second.addr);
        assertEq(uint256(usd.referenceState(alice.wallet, REF)), uint256(IDepositToken.ReferenceState.PAID));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _pay(second.addr, bob.wallet, 250, REF);
    }

    function test_a_refused_payment_leaves_its_reference() public {
        _freeze(bob.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_FROZEN, bob.wallet, 0, 0));
        _pay(alice.wallet, bob.wallet, 250, REF);
        assertEq(uint256(usd.referenceState(alice.id, REF)), uint256(IDepositToken.ReferenceState.UNSPENT));
    }

    function test_a_payment_needs_a_reference_and_an_amount() public {
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        _pay(alice.wallet, bob.wallet, 250, 0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        _pay(alice.wallet, bob.wallet, 0, REF);
    }

    function test_a_payment_between_own_wallets_spends_its_reference() public {
        _pay(alice.wallet, alice.wallet, 250, REF);
        assertTrue(usd.paid(alice.id, REF));
        assertEq(usd.balanceOf(alice.wallet), MONEY);
        assertEq(_spent(alice.id), 0);
    }

    function testFuzz_references_do_not_touch_each_other(bytes32 a, bytes32 b) public {
        vm.assume(a != 0 && b != 0 && a != b);
        _pay(alice.wallet, bob.wallet, 1, a);
        assertTrue(usd.paid(alice.id, a));
        assertFalse(usd.paid(alice.id, b));
        _pay(alice.wallet, bob.wallet, 1, b);
        assertTrue(usd.paid(alice.id, b));
    }

    // ---- voiding ----

    function test_void_spends_a_reference_without_paying() public {
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.ReferenceVoided(alice.id, REF, alice.wallet);
        vm.prank(alice.wallet);
        usd.voidReference(alice.id, REF);
        assertEq(uint256(usd.referenceState(alice.id, REF)), uint256(IDepositToken.ReferenceState.VOIDED));
        assertFalse(usd.paid(alice.id, REF));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _pay(alice.wallet, bob.wallet, 1, REF);
    }

    function test_void_does_not_undo_a_payment() public {
        _pay(alice.wallet, bob.wallet, 1, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        vm.prank(alice.wallet);
        usd.voidReference(alice.id, REF);
        assertTrue(usd.paid(alice.id, REF));
    }

    function test_void_is_for_the_participant_and_the_bank() public {
        bytes memory refusal = abi.encodeWithSelector(IDepositToken.NotOwnReference.selector, alice.id, bob.wallet);
        vm.expectRevert(refusal);
        vm.prank(bob.wallet);
        usd.voidReference(alice.id, REF);
        vm.prank(issuer);
        usd.voidReference(alice.id, REF);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _unlink(second.addr);
        vm.expectPartialRevert(IDepositToken.NotOwnReference.selector);
        vm.prank(second.addr);
        usd.voidReference(alice.id, keccak256("other"));
    }

    function test_a_wallet_of_nobody_has_no_references() public {
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.UnknownParticipantOfWallet.selector, address(1)));
        usd.referenceState(address(1), REF);
    }

    // ---- batches ----

    function _batch(uint256 count, address to, uint256 amount)
        private
        pure
        returns (IDepositToken.Payment[] memory batch)
    {
        batch = new IDepositToken.Payment[](count);
        for (uint256 i = 0; i < count; i++) {
            batch[i] = IDepositToken.Payment(to, amount, bytes32(uint256(REF) + i * 3), "remittance");
        }
    }

    function _payBatch(IDepositToken.Payment[] memory batch) private {
        vm.prank(alice.wallet);
        usd.payBatch(batch);
    }

    function test_a_batch_pays_each_as_if_alone() public {
        Party memory carol = _party("carol", 0);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        IDepositToken.Payment[] memory batch = _batch(5, bob.wallet, 100);
        batch[1].to = carol.wallet;
        batch[2].to = alice.wallet; // itself
        batch[3].to = second.addr; // its own other wallet, never used
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Paid(alice.wallet, bob.wallet, batch[0].ref, 100, keccak256("remittance"));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 100);
        _payBatch(batch);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 400);
        assertEq(usd.balanceOf(bob.wallet), 200);
        assertEq(usd.balanceOf(carol.wallet), 100);
        assertEq(usd.balanceOf(second.addr), 100);
        assertEq(_spent(alice.id), 300, "own wallets are not charged");
        for (uint256 i = 0; i < 5; i++) {
            assertTrue(usd.paid(alice.id, batch[i].ref));
        }
    }

    function test_a_batch_takes_all_or_nothing() public {
        IDepositToken.Payment[] memory batch = _batch(4, bob.wallet, 100);
        batch[3].to = address(0xDEAD);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_UNKNOWN, address(0xDEAD), 0, 0));
        _payBatch(batch);
        assertEq(usd.balanceOf(bob.wallet), 0);
        assertFalse(usd.paid(alice.id, batch[0].ref));
    }

    // refund-protocol checked each amount, not the sum.
    function test_a_batch_is_bounded_by_its_sum() public {
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY / 4, MONEY / 4 + 1));
        IDepositToken.Payment[] memory batch = _batch(4, bob.wallet, MONEY / 4);
        batch[3].amount += 1;
        _payBatch(batch);
        batch[3].amount -= 1;
        _payBatch(batch);
        assertEq(usd.balanceOf(bob.wallet), MONEY);
    }

    function test_a_batch_is_bounded_by_the_limit_and_what_is_frozen() public {
        _setLimit(usd, alice.id, 250);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 50, 100));
        _payBatch(_batch(3, bob.wallet, 100));
        _setLimit(usd, alice.id, LIMIT);
        _freezeAmount(usd, alice.wallet, MONEY - 250);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, 50, 100));
        _payBatch(_batch(3, bob.wallet, 100));
        _payBatch(_batch(2, bob.wallet, 100));
        assertEq(usd.available(alice.wallet), 50);
    }

    function test_a_batch_refuses_a_reference_repeated_in_it_or_paid_before() public {
        IDepositToken.Payment[] memory batch = _batch(3, bob.wallet, 100);
        batch[2].ref = batch[0].ref;
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, batch[0].ref));
        _payBatch(batch);
        batch[2].ref = keccak256("far away");
        batch[1].ref = keccak256("further");
        _payBatch(batch);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, batch[0].ref));
        _payBatch(batch);
    }

    function test_a_batch_refuses_references_that_alternate_between_words() public {
        IDepositToken.Payment[] memory batch = _batch(4, bob.wallet, 100);
        batch[1].ref = keccak256("far away");
        batch[3].ref = keccak256("far away");
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, batch[1].ref));
        _payBatch(batch);
    }

    function test_a_batch_needs_references_and_amounts() public {
        IDepositToken.Payment[] memory batch = _batch(3, bob.wallet, 100);
        batch[1].ref = 0;
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ReferenceMissing.selector));
        _payBatch(batch);
        batch[1].ref = keccak256("a reference");
        batch[2].amount = 0;
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ZeroAmount.selector));
        _payBatch(batch);
    }

    function test_small_references_are_references() public {
        IDepositToken.Payment[] memory batch = _batch(2, bob.wallet, 100);
        (batch[0].ref, batch[1].ref) = (bytes32(uint256(1)), bytes32(uint256(255)));
        _payBatch(batch);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, bytes32(uint256(255))));
        _pay(alice.wallet, bob.wallet, 1, bytes32(uint256(255)));
    }

    function test_a_batch_of_500_passes_and_of_501_does_not() public {
        _payBatch(_batch(500, bob.wallet, 1));
        assertEq(usd.balanceOf(bob.wallet), 500);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.BatchTooLong.selector, 501, 500));
        _payBatch(_batch(501, bob.wallet, 1));
    }

    function test_a_batch_of_one_is_a_payment() public {
        _payBatch(_batch(1, bob.wallet, 250));
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertEq(_spent(alice.id), 250);
        assertTrue(usd.paid(alice.id, REF));
    }

    function test_a_batch_stops_with_its_payer_and_the_pause() public {
        _pause(usd);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAUSED, address(usd), 0, 0));
        _payBatch(_batch(2, bob.wallet, 1));
        _unpause(usd);
        _freeze(alice.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYER_FROZEN, alice.wallet, 0, 0));
        _payBatch(_batch(2, bob.wallet, 1));
    }

    /// @dev A changed epoch makes every remembered word stale: payments go the long way once, then the short one.
    function test_a_batch_of_stale_wallets_pays() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        Vm.Wallet memory third = _link(bob, "bob, second wallet");
        _transfer(alice.wallet, bob.wallet, 1);
        _unlink(second.addr);
        _unlink(third.addr);
        _payBatch(_batch(5, bob.wallet, 100));
        assertEq(usd.balanceOf(bob.wallet), 501);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 501);
        assertEq(_spent(alice.id), 501);
    }

    /// @dev In any order, to anybody: a batch is the same as its payments one after the other.
    function testFuzz_a_batch_is_its_payments(uint256 seed, uint8 count) public {
        count = uint8(bound(count, 1, 12));
        address[4] memory payees = [bob.wallet, _party("carol", 0).wallet, alice.wallet, address(0)];
        payees[3] = _link(alice, "alice, second wallet").addr;
        IDepositToken.Payment[] memory batch = _batch(count, bob.wallet, 1);
        for (uint256 i = 0; i < count; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            batch[i].to = payees[random % 4];
            batch[i].amount = 1 + (random >> 8) % 1000;
            batch[i].ref = bytes32(1 + (random >> 32) % (1 << 20));
        }
        uint256 before = vm.snapshotState();
        vm.prank(alice.wallet);
        (bool done,) = address(usd).call(abi.encodeCall(usd.payBatch, (batch)));
        bytes32 together = _books(payees);
        vm.revertToState(before);
        bool allDone = true;
        for (uint256 i = 0; i < count && allDone; i++) {
            vm.prank(alice.wallet);
            (allDone,) = address(usd)
                .call(abi.encodeCall(usd.pay, (batch[i].to, batch[i].amount, batch[i].ref, batch[i].remittance)));
        }
        assertEq(done, allDone);
        if (done) assertEq(together, _books(payees));
    }

    function _books(address[4] memory wallets) private view returns (bytes32 state) {
        state = bytes32(_spent(alice.id));
        for (uint256 i = 0; i < 4; i++) {
            state = keccak256(abi.encode(state, usd.balanceOf(wallets[i])));
        }
    }
}
