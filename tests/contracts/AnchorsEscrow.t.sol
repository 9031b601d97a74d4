// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderEscrow} from "../../contracts/OrderEscrow.sol";
import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Agreement, Attestation, Milestone, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";
import {ThirstyWallet} from "./mocks/escrow/ThirstyWallet.sol";

/// @notice What other escrows got wrong, one test each. Some of it is also in EscrowScenarios and EscrowClocks.
contract AnchorsEscrow is OrderBase {
    // ---- commerce-payments: freeze and deadline together lost captured money ----

    function test_a_freeze_over_the_deadline_loses_no_captured_money() external {
        Terms memory t = _funded(_prefundAtOnce());
        vm.warp(uint256(t.milestones[0].attestBy) + GRACE); // the last second
        _freeze(seller.id);
        vm.warp(block.timestamp + 200 days);
        vm.expectPartialRevert(IOrderBook.TooEarly.selector);
        escrow.refund(t, 0);
        Attestation memory a = _says(t, 1, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        escrow.attestAndRelease(t, a, _signed(a)); // the capture; the money cannot move yet
        _assertAmounts(t, AMOUNT, 0, 0);
        vm.expectPartialRevert(IOrderBook.NotParty.selector);
        escrow.refund(t, 0);
        vm.warp(block.timestamp + 200 days);
        _unfreeze(seller.id);
        escrow.release(t, 0);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_what_was_accepted_of_a_frozen_seller_outlives_the_refund_of_the_rest() external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        _freeze(seller.id);
        _attestPart(t, 1, SHIPPED, PART, false);
        _unfreeze(seller.id);
        vm.warp(t0 + 200 days); // after attestEnd, however long the freeze was
        escrow.refund(t, 0);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        escrow.release(t, 0);
        _assertAmounts(t, 0, PART, AMOUNT - PART);
    }

    // ---- commerce-payments: a frozen receiver blocked the others ----

    function test_a_frozen_payee_blocks_neither_the_payer_nor_other_payees() external {
        Party memory frozen = seller;
        Terms memory a = _funded(_prefund());
        Terms memory b = _funded(_prefundAtOnce());
        seller = _client("another seller");
        Terms memory c = _funded(_prefundAtOnce());
        _freeze(frozen.id);
        _attest(b, 1, SHIPPED);
        _attest(c, 1, SHIPPED);
        Terms[] memory list = new Terms[](3);
        (list[0], list[1], list[2]) = (a, b, c);
        escrow.releaseMany(list, new uint256[](3));
        assertEq(usd.balanceOf(seller.wallet), AMOUNT, "the other payee has its money");
        _assertState(b, IOrderBook.State.Accepted);
        vm.prank(frozen.wallet); // no money to it, so nothing stops it
        escrow.refund(a, 0);
        assertEq(usd.heldFor(address(escrow), buyer.wallet), AMOUNT, "only the frozen seller's share waits");
    }

    // ---- refund-protocol: each withdrawal was checked, not their sum ----

    /// @dev Cumulative amounts of random size and order, with releases in between: the last says what was paid.
    function testFuzz_parts_never_sum_up_to_more_than_was_accepted(uint88[6] memory parts, uint256 stops) external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        uint256 most;
        for (uint256 i; i < parts.length; ++i) {
            uint88 part = uint88(bound(parts[i], 0, AMOUNT - 1));
            if (stops >> i & 1 == 1) _freeze(seller.id);
            _attestPart(t, uint48(i + 1), SHIPPED, part, false);
            if (stops >> i & 1 == 1) _unfreeze(seller.id);
            (bool released,) = address(escrow).call(abi.encodeCall(escrow.release, (t, 0)));
            IOrderBook.MilestoneView memory v = _view(t);
            if (stops >> i & 1 == 0) assertFalse(released, "nothing is owed twice");
            if (part > most) most = part;
            assertEq(v.settled, most, "what was accepted once, and once");
            _assertAmounts(t, AMOUNT - most, most, 0);
        }
    }

    /// @dev Two milestones of one order, one hold: neither is paid out of the other's.
    function test_one_milestone_cannot_withdraw_anothers_money() external {
        Milestone[] memory list = new Milestone[](2);
        (list[0], list[1]) = (_milestone(Mode.PREFUND), _milestone(Mode.PREFUND));
        Terms memory t = _terms(list);
        _open(t);
        _holdFor(t, AMOUNT);
        Attestation memory a = _says(t, 1, SHIPPED);
        a.milestone = 1;
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.NotFunded.selector, a.orderId, 1));
        escrow.attestAndRelease(t, a, signatures);
        vm.prank(seller.wallet);
        vm.expectPartialRevert(IOrderBook.WrongState.selector);
        escrow.refund(t, 1);
        a.milestone = 0;
        escrow.attestAndRelease(t, a, _signed(a));
        escrow.attestAndRelease(t, a, _signed(a)); // again: ignored
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    /// @dev What was paid early is no longer there to be shared out: an agreement names what it shares.
    function test_an_agreement_from_before_a_payment_shares_nothing_twice() external {
        Terms memory t = _funded(_partial(Mode.PREFUND));
        Agreement memory a = _agreement(t, AMOUNT);
        bytes32 digest = escrow.agreementDigest(a);
        (bytes memory buying, bytes memory selling) = (_sign(buyer.key, digest), _sign(seller.key, digest));
        _attestPart(t, 1, SHIPPED, PART, false);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongAmount.selector, AMOUNT, AMOUNT - PART));
        escrow.agree(t, a, buying, selling);
        _assertAmounts(t, AMOUNT - PART, PART, 0);
    }

    // ---- push payments let one party block another ----

    function test_a_payer_that_nobody_can_pay_blocks_no_decision() external {
        Terms memory t = _funded(_prefund());
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        _close(buyer.id);
        _freeze(buyer.id);
        _suspendWallet(buyer.wallet);
        _pause(usd);
        vm.prank(arbiter.wallet);
        escrow.rule(t, 0, PART);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        vm.prank(seller.wallet);
        escrow.refund(t, 0);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    /// @dev The seller's share needs a transfer, and waits for it alone.
    function test_a_seller_that_nobody_can_pay_blocks_no_decision() external {
        Terms memory t = _funded(_prefund());
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        _close(seller.id);
        vm.prank(arbiter.wallet);
        escrow.rule(t, 0, PART);
        _assertAmounts(t, PART, 0, AMOUNT - PART);
        vm.prank(SWIFT);
        escrow.cancelByOrder(t, 0, ORDER);
        _assertAmounts(t, 0, 0, AMOUNT);
    }

    // ---- SwapVault: signatures without chain or contract ----

    function _elsewhere() private returns (OrderEscrow other) {
        other = _newEscrow();
        _registerNotary(usd, address(other));
    }

    function test_terms_signed_for_another_escrow_or_chain_open_nothing() external {
        OrderEscrow other = _elsewhere();
        Terms memory t = _prefund();
        t.openBy = uint40(block.timestamp + 10 days);
        (bytes memory buying, bytes memory selling) = (_signTerms(t, buyer), _signTerms(t, seller));
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(t), buyer.id);
        vm.expectRevert(reason);
        other.open(t, buying, selling);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(reason);
        escrow.open(t, buying, selling);
    }

    function test_an_attestation_for_another_escrow_or_chain_accepts_nothing() external {
        OrderEscrow other = _elsewhere();
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes memory reason = abi.encodeWithSelector(IAttesterSets.InvalidAttesterSignature.selector, attesters[0].addr);
        bytes[] memory signatures = new bytes[](2);
        for (uint256 i; i < 2; ++i) {
            bytes32 digest = other.attestationDigest(a);
            signatures[i] = abi.encodePacked(attesters[i].addr, _sign(attesters[i].privateKey, digest));
        }
        vm.expectRevert(reason);
        escrow.attest(t, a, signatures);
        signatures = _signed(a);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(reason);
        escrow.attest(t, a, signatures);
    }

    function test_an_agreement_or_cancellation_for_another_escrow_or_chain_is_void() external {
        OrderEscrow other = _elsewhere();
        Terms memory t = _opened(_onAttest());
        OrderId id = escrow.orderId(t);
        uint40 deadline = uint40(block.timestamp);
        Agreement memory a = _agreement(t, PART);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, id, buyer.id);
        for (uint256 i; i < 2; ++i) {
            OrderEscrow signedFor = i == 0 ? other : escrow;
            bytes32 agreed = signedFor.agreementDigest(a);
            bytes32 cancelled = signedFor.cancellationDigest(id, 0, deadline);
            if (i == 1) vm.chainId(block.chainid + 1); // and now for this escrow, on another chain
            (bytes memory buying, bytes memory selling) = (_sign(buyer.key, agreed), _sign(seller.key, agreed));
            vm.expectRevert(reason);
            escrow.agree(t, a, buying, selling);
            (buying, selling) = (_sign(buyer.key, cancelled), _sign(seller.key, cancelled));
            vm.expectRevert(reason);
            escrow.cancelTogether(t, 0, deadline, buying, selling);
        }
        _assertState(t, IOrderBook.State.Open);
    }

    /// @dev Nor does one kind of signature pass for another, or one milestone's for another's.
    function test_a_consent_for_another_escrow_funds_nothing() external {
        OrderEscrow other = _elsewhere();
        Terms memory t = _opened(_prefund());
        IOrderBook.ConsentSignature memory c = _consent(buyer, t, 0, AMOUNT);
        c.signature =
            _signConsent(buyer.key, usd, buyer.wallet, address(other), AMOUNT, _ref(t, 0), c.nonce, c.deadline);
        vm.expectPartialRevert(IDepositToken.InvalidConsent.selector);
        escrow.fund(t, 0, c);
        _assertState(t, IOrderBook.State.Open);
    }

    // ---- an arbiter who never answers, or is lost ----

    function _disputed(Terms memory t) private returns (Terms memory) {
        _funded(t);
        _attest(t, 1, SHIPPED);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        return t;
    }

    function _endsByFallback(Terms memory t) private {
        vm.warp(t0 + 60 days);
        uint256 share = uint256(AMOUNT) * SPLIT / 10_000;
        vm.prank(address(0xBEEF));
        escrow.decideByFallback(t, 0);
        escrow.release(t, 0);
        _assertAmounts(t, 0, share, AMOUNT - share);
    }

    function test_an_arbiter_that_never_answers_locks_nothing() external {
        _endsByFallback(_disputed(_prefund()));
    }

    function test_an_arbiter_that_is_lost_locks_nothing() external {
        Terms memory t = _disputed(_prefund());
        _suspendWallet(arbiter.wallet);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NotArbiter.selector, escrow.orderId(t), arbiter.wallet);
        vm.prank(arbiter.wallet);
        vm.expectRevert(reason);
        escrow.rule(t, 0, AMOUNT);
        _freeze(arbiter.id); // stops nobody's clock
        _endsByFallback(t);
    }

    /// @dev Where no arbiter is named, participant 0 is, and every stranger is of participant 0.
    function test_without_an_arbiter_no_stranger_rules() external {
        Terms memory t = _prefund();
        t.arbiter = 0;
        _disputed(t);
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NotArbiter.selector, escrow.orderId(t), address(0xBEEF));
        vm.prank(address(0xBEEF));
        vm.expectRevert(reason);
        escrow.rule(t, 0, AMOUNT);
        _endsByFallback(t);
    }

    // ---- tiny captures rounded to zero ----

    function test_tiny_parts_lose_nothing() external {
        Milestone memory m = _milestone(Mode.PREFUND);
        (m.amount, m.partialDelivery) = (7, true);
        Terms memory t = _terms(m);
        _open(t);
        _holdFor(t, 7);
        for (uint48 i = 1; i <= 7; ++i) {
            _attestPart(t, i, SHIPPED, uint88(i), false);
            assertEq(usd.balanceOf(seller.wallet), i, "a minor unit at a time");
        }
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, 7, 0);
    }

    /// @dev A minor unit cannot be split: it goes to one side, and nothing stays behind.
    function testFuzz_splitting_a_few_minor_units_leaves_no_dust(uint88 amount, uint16 split) external {
        Milestone memory m = _milestone(Mode.PREFUND);
        (m.amount, m.inspection) = (uint88(bound(amount, 1, 5)), INSPECTION);
        Terms memory t = _terms(m);
        t.fallbackSplit = uint16(bound(split, 0, 10_000));
        _open(t);
        _holdFor(t, m.amount);
        _attest(t, 1, SHIPPED);
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        vm.warp(t0 + 60 days);
        escrow.decideByFallback(t, 0);
        uint256 share = uint256(m.amount) * t.fallbackSplit / 10_000;
        if (share != 0) escrow.release(t, 0);
        else _assertState(t, IOrderBook.State.Refunded);
        _assertAmounts(t, 0, share, m.amount - share);
    }

    // ---- permits: who front-runs one makes the user's call revert ----

    /// @dev A consent says everything but who brings it, and serves this milestone alone.
    function test_who_brings_a_consent_first_only_does_the_payers_will() external {
        Terms memory t = _opened(_prefund());
        IOrderBook.ConsentSignature memory c = _consent(buyer, t, 0, AMOUNT);
        bytes32 ref = _ref(t, 0);
        vm.startPrank(address(0xBEEF));
        vm.expectPartialRevert(IDepositToken.InvalidConsent.selector); // it names the escrow, which is not the caller
        usd.hold(c.payer, AMOUNT, ref, c.nonce, c.deadline, c.signature);
        escrow.fund(t, 0, c);
        vm.stopPrank();
        vm.expectRevert(_wrongState(t, IOrderBook.State.Funded));
        escrow.fund(t, 0, c);
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    // ---- batches: a tight gas limit must not skip what is due ----

    /// @dev An attester may be a contract: it then runs on what gas is left, and says no when that is too little.
    function test_want_of_gas_for_an_attesters_contract_is_never_a_skip() external {
        Vm.Wallet memory owner = _key("owner of an attester");
        address[] memory keys = new address[](1);
        keys[0] = address(new ThirstyWallet(owner.addr, 2000));
        Terms[] memory list = new Terms[](1);
        list[0] = _prefundAtOnce();
        vm.prank(notaryPublic.wallet);
        (list[0].attesterSet, list[0].threshold) = (attesterSets.createSet(1, keys), 1);
        _funded(list[0]);
        Attestation[] memory attestations = new Attestation[](1);
        attestations[0] = _says(list[0], 1, SHIPPED);
        bytes[][] memory signatures = new bytes[][](1);
        signatures[0] = new bytes[](1);
        signatures[0][0] = abi.encodePacked(keys[0], _sign(owner.privateKey, escrow.attestationDigest(attestations[0])));
        bytes memory call = abi.encodeCall(escrow.attestMany, (list, attestations, signatures));
        uint256 succeeded;
        for (uint256 gas_ = 300_000; gas_ < 1_400_000; gas_ += 20_000) {
            uint256 id = vm.snapshotState();
            (bool ok,) = address(escrow).call{gas: gas_}(call);
            _assertState(list[0], ok ? IOrderBook.State.Released : IOrderBook.State.Funded);
            if (ok) ++succeeded;
            vm.revertToState(id);
        }
        assertGt(succeeded, 0);
    }
}
