// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice E6: until a milestone is over, its state depends on the highest seq received in time, not on what came
/// first.
contract EscrowOrderOfArrivalTest is OrderBase {
    uint256 private constant MOST = 5;

    /// @dev What must not depend on the order of arrival. What was paid on the way, and since when, may.
    function _digestOf(Terms memory t) private view returns (bytes32) {
        IOrderBook.MilestoneView memory v = _view(t);
        return keccak256(
            abi.encode(v.state, v.lastSeq, v.lastStatus, v.requiredInTime, v.accepted, v.decided, v.contentDigest)
        );
    }

    function _random(uint256 seed, uint256 salt) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    /// @dev Seqs 1..n with a random status each; a source's partial amounts grow with its seq and stay below the whole.
    function _source(Terms memory t, uint256 seed, uint256 n) private view returns (Attestation[] memory list) {
        list = new Attestation[](n);
        bool partialDelivery = t.milestones[0].partialDelivery;
        uint88 accepted;
        for (uint256 i; i < n; ++i) {
            uint8[4] memory statuses = [SHIPPED, SHIPPED, DAMAGED, PACKED];
            uint8 status = statuses[_random(seed, i) % 4];
            if (partialDelivery) accepted += uint88(_random(seed, 100 + i) % (AMOUNT / (MOST + 1)));
            list[i] = _says(t, uint48(i + 1), status, accepted, false);
        }
    }

    function _shuffle(Attestation[] memory list, uint256 seed) private pure {
        for (uint256 i = list.length - 1; i > 0; --i) {
            uint256 j = _random(seed, 200 + i) % (i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }

    function _check(Terms memory t, uint256 seed) private {
        uint256 n = 2 + seed % (MOST - 1);
        Attestation[] memory list = _source(t, seed, n);
        uint256 id = vm.snapshotState();
        for (uint256 i; i < n; ++i) {
            _attest(t, list[i]);
        }
        bytes32 inOrder = _digestOf(t);
        vm.revertToState(id);
        _shuffle(list, seed);
        for (uint256 i; i < n; ++i) {
            _attest(t, list[i]);
            if (_random(seed, 300 + i) % 3 == 0) _attest(t, list[i]); // repeated, too
        }
        assertEq(_digestOf(t), inOrder, "E6");
    }

    function testFuzz_E6_paid_in_advance(uint256 seed) external {
        _check(_funded(_prefund()), seed);
    }

    function testFuzz_E6_goods_first(uint256 seed) external {
        _check(_opened(_onAttest()), seed);
    }

    function testFuzz_E6_partial_paid_in_advance(uint256 seed) external {
        _check(_funded(_partial(Mode.PREFUND)), seed);
    }

    function testFuzz_E6_partial_goods_first(uint256 seed) external {
        _check(_opened(_partial(Mode.ON_ATTEST)), seed);
    }

    function testFuzz_E6_in_a_partys_dispute(uint256 seed, bool byBuyer) external {
        Terms memory t = _funded(seed % 2 == 0 ? _prefund() : _partial(Mode.PREFUND));
        vm.prank(byBuyer ? buyer.wallet : seller.wallet);
        escrow.dispute(t, 0);
        _check(t, seed);
    }

    /// @dev The same, split by attestEnd: what came in time decides whether the later ones count.
    function testFuzz_E6_across_attest_end(uint256 seed) external {
        Terms memory t = _prefund();
        t.milestones[0].rulingWithin = 100 days;
        _funded(t);
        Attestation[] memory early = new Attestation[](2);
        early[0] = _says(t, 1, SHIPPED);
        early[1] = _says(t, 2, DAMAGED);
        if (seed % 2 == 0) (early[0], early[1]) = (early[1], early[0]);
        _attest(t, early[0]);
        _attest(t, early[1]);
        _assertState(t, IOrderBook.State.Disputed);
        vm.warp(uint256(t.milestones[0].attestBy) + GRACE + 1);
        Attestation memory late = _says(t, 3, SHIPPED);
        late.attestedAt = t.milestones[0].attestBy;
        _attest(t, late);
        _assertState(t, IOrderBook.State.Accepted);
    }

    // ---- and so does who gets the money in the end ----

    /// @dev Random seqs of a partial delivery, the highest one complete, in this order or that, some of them while
    /// seller or token is stopped. No party disputes.
    function _checkMoney(Terms memory t, uint256 seed) private {
        uint256 n = 2 + seed % (MOST - 1);
        Attestation[] memory list = _source(t, seed, n);
        (list[n - 1].status, list[n - 1].complete) = (seed % 3 == 0 ? DAMAGED : SHIPPED, seed % 3 != 0);
        uint256 id = vm.snapshotState();
        for (uint256 i; i < n; ++i) {
            _attest(t, list[i]);
        }
        (uint256 paid, uint256 due, uint256 left) = _inTheEnd(t);
        assertEq(paid + due, list[n - 1].accepted, "what the highest seq accepts");
        vm.revertToState(id);
        _shuffle(list, seed);
        for (uint256 i; i < n; ++i) {
            if (_random(seed, 400) % n == i && seed % 5 > 2) _freeze(seller.id);
            if (_random(seed, 500) % n == i && seed % 5 % 2 == 0) _pause(usd);
            _attest(t, list[i]);
        }
        if (registry.isStopped(seller.id)) _unfreeze(seller.id);
        if (usd.paused()) _unpause(usd);
        (uint256 paidToo, uint256 dueToo, uint256 leftToo) = _inTheEnd(t);
        assertEq(paidToo + dueToo, paid + due, "E6: the seller's");
        assertEq(leftToo - dueToo, left - due, "E6: the payer's");
    }

    /// @dev By strangers; what is due is paid late, if at all.
    function _inTheEnd(Terms memory t) private returns (uint256 paid, uint256 due, uint256 left) {
        vm.warp(t0 + 100 days);
        if (_state(t) == IOrderBook.State.Disputed) escrow.decideByFallback(t, 0);
        if (_state(t) == IOrderBook.State.Funded) escrow.refund(t, 0);
        if (_state(t) == IOrderBook.State.Accepted) escrow.release(t, 0);
        IOrderBook.MilestoneView memory v = _view(t);
        due = v.state == IOrderBook.State.Due ? v.accepted - v.settled : 0;
        return (usd.balanceOf(seller.wallet), due, usd.available(buyer.wallet));
    }

    function testFuzz_E6_who_gets_the_money_of_parts_paid_in_advance(uint256 seed) external {
        _checkMoney(_funded(_partial(Mode.PREFUND)), seed);
    }

    function testFuzz_E6_who_gets_the_money_of_parts_goods_first(uint256 seed) external {
        _checkMoney(_opened(_partial(Mode.ON_ATTEST)), seed);
    }
}
