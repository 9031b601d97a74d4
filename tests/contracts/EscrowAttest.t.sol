// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice What an attestation must be to count, and what each one does: Funded → Accepted, Open → Due.
contract EscrowAttestTest is OrderBase {
    function _refuse(Terms memory t, Attestation memory a, bytes memory reason) private {
        bytes[] memory signatures = _signed(a);
        vm.expectRevert(reason);
        escrow.attest(t, a, signatures);
    }

    function _invalid(string memory field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.InvalidAttestation.selector, field);
    }

    /// @dev Expects that the attestation changes nothing and says so.
    function _ignored(Terms memory t, Attestation memory a, uint48 lastSeq) private {
        IOrderBook.MilestoneView memory before = _view(t);
        bytes[] memory signatures = _signed(a);
        vm.expectEmit(address(escrow));
        emit IOrderBook.AttestationIgnored(a.orderId, 0, a.seq, lastSeq);
        escrow.attest(t, a, signatures);
        assertEq(keccak256(abi.encode(_view(t))), keccak256(abi.encode(before)), "nothing changed");
    }

    /// @dev Expects that the attestation is an event and, unless it is kept as the last one, nothing else.
    function _reported(Terms memory t, Attestation memory a) private {
        bytes[] memory signatures = _signed(a);
        vm.expectEmit(address(escrow));
        emit IOrderBook.StatusAttested(a.orderId, 0, a.status, a.seq, a.accepted, a.attestedAt, a.documentHash, false);
        escrow.attest(t, a, signatures);
    }

    // ---- authenticity ----

    function test_fields() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(_prefund(), 1, SHIPPED);
        _refuse(t, a, _invalid("orderId"));
        _refuse(t, _says(t, 0, SHIPPED), _invalid("seq"));
        _refuse(t, _says(t, 1, 0), _invalid("status"));
        _refuse(t, _says(t, 1, SHIPPED, 1, false), _invalid("accepted")); // not a partial delivery
        a = _says(t, 1, SHIPPED);
        a.milestone = 1;
        _refuse(t, a, abi.encodeWithSelector(IOrderBook.UnknownMilestone.selector, a.orderId, 1));
    }

    function test_the_deadline_of_the_signatures() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 1, SHIPPED);
        vm.warp(a.deadline + 1);
        _refuse(t, a, abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, a.deadline, block.timestamp));
        vm.warp(a.deadline);
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
    }

    function test_signatures_of_others_or_of_something_else() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        Attestation memory b = _says(t, 1, DAMAGED);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.InvalidAttesterSignature.selector, attesters[0].addr));
        escrow.attest(t, b, signatures);
        bytes[] memory one = new bytes[](1);
        one[0] = signatures[0];
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotEnoughAttestations.selector, 1, 2));
        escrow.attest(t, a, one);
        signatures[1] = _signedBy(a, _key("a stranger"));
        address stranger = address(bytes20(signatures[1]));
        if (stranger < attesters[0].addr) (signatures[0], signatures[1]) = (signatures[1], signatures[0]);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.NotAnAttester.selector, setId, stranger));
        escrow.attest(t, a, signatures);
    }

    function test_a_key_that_was_revoked_in_between() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.prank(notaryPublic.wallet);
        attesterSets.removeAttester(setId, attesters[1].addr);
        vm.expectRevert(abi.encodeWithSelector(IAttesterSets.AttesterRevoked.selector, attesters[1].addr));
        escrow.attest(t, a, signatures);
    }

    // ---- Funded → Accepted, Open(ON_ATTEST) → Due ----

    function test_required_accepts_what_is_funded() external {
        Terms memory t = _funded(_prefund());
        vm.warp(t0 + 3 days);
        _attest(t, 7, SHIPPED);
        _assertState(t, IOrderBook.State.Accepted);
        IOrderBook.MilestoneView memory v = _view(t);
        assertEq(v.since, t0 + 3 days, "inspection runs");
        assertEq(v.lastSeq, 7, "seq");
        assertEq(v.lastStatus, SHIPPED, "status");
        assertTrue(v.requiredInTime, "in time");
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    function test_required_makes_goods_first_due() external {
        Terms memory t = _opened(_onAttest());
        bytes[] memory signatures = _signed(_says(t, 1, SHIPPED));
        Attestation memory a = _says(t, 1, SHIPPED);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneDue(a.orderId, 0, AMOUNT);
        escrow.attestAndRelease(t, a, signatures);
        _assertState(t, IOrderBook.State.Due);
    }

    function test_attest_and_release_pays_at_once_where_nothing_is_inspected() external {
        Terms memory t = _funded(_prefundAtOnce());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneReleased(a.orderId, 0, seller.wallet, AMOUNT);
        escrow.attestAndRelease(t, a, signatures);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    function test_attest_and_release_waits_for_the_inspection() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 1, SHIPPED);
        escrow.attestAndRelease(t, a, _signed(a));
        _assertState(t, IOrderBook.State.Accepted);
        _assertAmounts(t, AMOUNT, 0, 0);
    }

    /// @dev E8: a transfer that is refused keeps no attestation out.
    function test_attest_and_release_leaves_accepted_where_the_payee_is_refused() external {
        Terms memory t = _funded(_prefundAtOnce());
        _freeze(seller.id);
        Attestation memory a = _says(t, 1, SHIPPED);
        escrow.attestAndRelease(t, a, _signed(a));
        _assertState(t, IOrderBook.State.Accepted);
        _assertAmounts(t, AMOUNT, 0, 0);
        _unfreeze(seller.id);
        escrow.release(t, 0);
        _assertState(t, IOrderBook.State.Released);
        _assertAmounts(t, 0, AMOUNT, 0);
    }

    /// @dev The refusal of the rules, and not a call starved of gas, is what leaves Accepted.
    function test_too_little_gas_undoes_the_attestation() external {
        Terms memory t = _funded(_prefundAtOnce());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes memory call = abi.encodeCall(escrow.attestAndRelease, (t, a, _signed(a)));
        uint256 id = vm.snapshotState();
        for (uint256 gas_ = 30_000; gas_ < 150_000; gas_ += 1500) {
            (bool ok,) = address(escrow).call{gas: gas_}(call);
            _assertState(t, ok ? IOrderBook.State.Released : IOrderBook.State.Funded);
            vm.revertToState(id);
            id = vm.snapshotState();
        }
        (bool enough,) = address(escrow).call(call);
        assertTrue(enough, "with gas");
        _assertState(t, IOrderBook.State.Released);
    }

    /// @dev Only a refusal by the rules may be lived with: any other failure of the token undoes the attestation.
    function test_a_failing_token_undoes_the_attestation() external {
        Terms memory t = _funded(_prefundAtOnce());
        Attestation memory a = _says(t, 1, SHIPPED);
        bytes[] memory signatures = _signed(a);
        vm.etch(address(usd), address(new BrokenToken()).code);
        vm.expectRevert(BrokenToken.Broken.selector);
        escrow.attestAndRelease(t, a, signatures);
        _assertState(t, IOrderBook.State.Funded);
    }

    // ---- in time ----

    function test_attested_at_or_before_attest_by() external {
        Terms memory t = _funded(_prefund());
        uint40 attestBy = t.milestones[0].attestBy;
        vm.warp(attestBy + 1);
        Attestation memory a = _says(t, 1, SHIPPED);
        _refuse(t, a, abi.encodeWithSelector(IOrderBook.AttestedTooLate.selector, attestBy + 1, attestBy));
        a.attestedAt = attestBy;
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
    }

    function test_mined_at_or_before_attest_end() external {
        Terms memory t = _funded(_prefund());
        Terms memory late = _funded(_prefund());
        uint256 end = uint256(t.milestones[0].attestBy) + GRACE;
        vm.warp(end);
        Attestation memory a = _says(t, 1, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        _attest(t, a);
        _assertState(t, IOrderBook.State.Accepted);
        vm.warp(end + 1);
        a = _says(late, 1, SHIPPED);
        a.attestedAt = late.milestones[0].attestBy;
        _refuse(late, a, abi.encodeWithSelector(IOrderBook.TooLate.selector, end, end + 1));
    }

    function test_unfunded_is_refused_and_not_recorded() external {
        Terms memory t = _opened(_prefund());
        bytes memory reason = abi.encodeWithSelector(IOrderBook.NotFunded.selector, escrow.orderId(t), 0);
        _refuse(t, _says(t, 5, SHIPPED), reason);
        _refuse(t, _says(t, 5, DAMAGED), reason);
        _refuse(t, _says(t, 5, PACKED), reason);
        _holdFor(t, AMOUNT);
        _attest(t, 1, SHIPPED);
        assertEq(_view(t).lastSeq, 1, "a lower seq counts: the others left no trace");
    }

    // ---- seq ----

    function test_same_seq_and_content_is_done_before() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 5, SHIPPED);
        _attest(t, a);
        a.deadline += 1 days; // other signatures over the same content
        _ignored(t, a, 5);
    }

    function test_same_seq_other_content_conflicts() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 5, SHIPPED);
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.ConflictingAttestation.selector, escrow.orderId(t), 0, 5);
        _refuse(t, _says(t, 5, DAMAGED), reason);
        _refuse(t, _says(t, 5, PACKED), reason);
        Attestation memory a = _says(t, 5, SHIPPED);
        a.documentHash = keccak256("another document");
        _refuse(t, a, reason);
        a = _says(t, 5, SHIPPED);
        a.attestedAt -= 1;
        _refuse(t, a, reason);
    }

    function test_lower_seq_is_ignored() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 5, SHIPPED);
        _ignored(t, _says(t, 4, DAMAGED), 5);
        _ignored(t, _says(t, 1, SHIPPED), 5);
    }

    function test_a_lower_seq_still_tells_that_the_status_came_in_time() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 5, DAMAGED);
        assertFalse(_view(t).requiredInTime, "not yet");
        _attest(t, 4, SHIPPED);
        assertTrue(_view(t).requiredInTime, "now it is known");
        assertEq(_view(t).lastSeq, 5, "and nothing else");
        _assertState(t, IOrderBook.State.Disputed);
    }

    function test_a_lower_seq_after_attest_end_tells_nothing() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 5, DAMAGED);
        vm.warp(uint256(t.milestones[0].attestBy) + GRACE + 1);
        Attestation memory a = _says(t, 4, SHIPPED);
        a.attestedAt = t.milestones[0].attestBy;
        _ignored(t, a, 5);
    }

    function test_higher_seq_of_what_is_accepted_is_recorded() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 5, SHIPPED);
        vm.warp(t0 + 1 days);
        _reported(t, _says(t, 6, SHIPPED));
        assertEq(_view(t).since, t0, "inspection goes on");
        assertEq(_view(t).lastSeq, 6, "recorded");
    }

    // ---- statuses ----

    function test_a_status_that_means_nothing_leaves_no_trace() external {
        Terms memory t = _funded(_prefund());
        bytes32 before = keccak256(abi.encode(_view(t)));
        _reported(t, _says(t, 9, PACKED));
        assertEq(keccak256(abi.encode(_view(t))), before, "no trace");
        _attest(t, 1, SHIPPED);
        _assertState(t, IOrderBook.State.Accepted);
    }

    function test_a_negative_status_disputes() external {
        Terms memory t = _funded(_prefund());
        Attestation memory a = _says(t, 2, DAMAGED);
        bytes[] memory signatures = _signed(a);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneDisputed(a.orderId, 0, false, 0);
        escrow.attest(t, a, signatures);
        _assertState(t, IOrderBook.State.Disputed);
        assertFalse(_view(t).disputedByParty);
        t = _opened(_onAttest());
        _attest(t, 2, DAMAGED);
        _assertState(t, IOrderBook.State.Disputed);
    }

    function test_a_higher_required_status_ends_a_dispute_that_an_attestation_opened() external {
        Terms memory t = _funded(_prefund());
        _attest(t, 2, DAMAGED);
        vm.warp(t0 + 1 days);
        _attest(t, 3, SHIPPED);
        _assertState(t, IOrderBook.State.Accepted);
        assertEq(_view(t).since, t0 + 1 days, "inspection starts");
        t = _opened(_onAttest());
        _attest(t, 2, DAMAGED);
        _attest(t, 3, SHIPPED);
        _assertState(t, IOrderBook.State.Due);
    }

    function test_a_negative_status_outside_its_window_is_recorded() external {
        Terms memory t = _funded(_prefundAtOnce());
        _attest(t, 1, SHIPPED); // nothing to inspect: never disputable
        _reported(t, _says(t, 2, DAMAGED));
        _assertState(t, IOrderBook.State.Accepted);
        assertEq(_view(t).lastStatus, DAMAGED, "recorded");
        t = _funded(_prefund());
        vm.warp(uint256(t.milestones[0].attestBy) + GRACE + 1);
        _reported(t, _says(t, 2, DAMAGED));
        _assertState(t, IOrderBook.State.Funded);
    }

    // ---- terminal states absorb ----

    function test_after_the_end_every_attestation_is_ignored() external {
        Terms memory t = _funded(_prefundAtOnce());
        Attestation memory a = _says(t, 5, SHIPPED);
        escrow.attestAndRelease(t, a, _signed(a));
        _ignored(t, a, 5);
        _ignored(t, _says(t, 5, DAMAGED), 5);
        _ignored(t, _says(t, 6, DAMAGED), 5);
        _ignored(t, _says(t, 6, PACKED), 5);
        vm.warp(uint256(t.milestones[0].attestBy) + GRACE + 1);
        _ignored(t, _says(t, 7, SHIPPED), 5);
    }
}

/// @notice Fails as no rule of a deposit token would.
contract BrokenToken {
    error Broken();

    fallback() external {
        revert Broken();
    }
}
