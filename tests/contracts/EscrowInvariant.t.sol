// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Agreement, Attestation, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Six orders, one of each kind, pushed about at random by everybody who may push, while parties are frozen,
/// the token is paused and time passes.
contract EscrowInvariantTest is OrderBase {
    uint256 private constant ORDERS = 6;

    bytes[] private _encoded; // terms
    mapping(uint256 => bytes32) private _ended;
    uint256 private _nonce;
    uint48[ORDERS] private _seq;

    function setUp() public override {
        super.setUp();
        _add(_opened(_prefund()));
        _add(_opened(_prefundAtOnce()));
        _add(_opened(_partial(Mode.PREFUND)));
        _add(_opened(_onAttest()));
        _add(_opened(_partial(Mode.ON_ATTEST)));
        _add(_opened(_prefund()));
        for (uint256 i; i < 3; ++i) {
            _holdFor(_order(i), AMOUNT);
        }
        bytes4[] memory selectors = new bytes4[](4);
        (selectors[0], selectors[1]) = (this.push.selector, this.attestSomething.selector);
        (selectors[2], selectors[3]) = (this.pass.selector, this.stopOrLoosen.selector);
        _target(address(this), selectors);
    }

    function _add(Terms memory t) private {
        _encoded.push(abi.encode(t));
    }

    function _order(uint256 i) private view returns (Terms memory) {
        return abi.decode(_encoded[i], (Terms));
    }

    // ---- what happens ----

    function push(uint256 order, uint256 what, uint256 who, uint88 amount) external {
        Terms memory t = _order(order % ORDERS);
        uint256 unpaid = escrow.unpaidOf(t, 0);
        amount = uint88(bound(amount, 0, unpaid));
        if (what % 12 >= 10) {
            IOrderBook.MilestoneView memory v = _view(t);
            uint256 due =
                v.state == IOrderBook.State.Due && (v.decided || v.accepted != 0) ? v.accepted - v.settled : AMOUNT;
            IOrderBook.ConsentSignature memory c = _consent(buyer, t, 0, due);
            _try(
                address(this),
                what % 2 == 0 ? abi.encodeCall(escrow.fund, (t, 0, c)) : abi.encodeCall(escrow.pay, (t, 0, c))
            );
            return;
        }
        address[4] memory callers = [buyer.wallet, seller.wallet, arbiter.wallet, address(0xBEEF)];
        _try(callers[who % 4], _data(t, what % 10, amount));
    }

    function _data(Terms memory t, uint256 what, uint88 amount) private returns (bytes memory) {
        if (what == 0) return abi.encodeCall(escrow.cancel, (t, 0));
        if (what == 1 || what == 2) return abi.encodeCall(escrow.release, (t, 0));
        if (what == 3) return abi.encodeCall(escrow.refund, (t, 0));
        if (what == 4) return abi.encodeCall(escrow.dispute, (t, 0));
        if (what == 5 || what == 6) return abi.encodeCall(escrow.rule, (t, 0, amount));
        if (what == 7) return abi.encodeCall(escrow.decideByFallback, (t, 0));
        if (what == 8) return abi.encodeCall(escrow.writeOff, (t, 0));
        Agreement memory a = _agreement(t, amount);
        a.nonce = ++_nonce;
        bytes32 digest = escrow.agreementDigest(a);
        return abi.encodeCall(escrow.agree, (t, a, _sign(buyer.key, digest), _sign(seller.key, digest)));
    }

    function attestSomething(uint256 order, uint256 what, uint48 seq, uint88 accepted, bool thenRelease) external {
        Terms memory t = _order(order % ORDERS);
        uint48 last = _seq[order % ORDERS];
        Attestation memory a = _says(t, uint48(bound(seq, 1, last + 2)), what % 3 == 0 ? DAMAGED : SHIPPED);
        if (t.milestones[0].partialDelivery) {
            (a.accepted, a.complete) = (uint88(bound(accepted, 0, AMOUNT)), what % 7 == 0);
        }
        if (a.seq > last) _seq[order % ORDERS] = a.seq;
        if (a.attestedAt > t.milestones[0].attestBy) a.attestedAt = t.milestones[0].attestBy;
        bytes[] memory signatures = _signed(a);
        _try(
            address(this),
            thenRelease
                ? abi.encodeCall(escrow.attestAndRelease, (t, a, signatures))
                : abi.encodeCall(escrow.attest, (t, a, signatures))
        );
    }

    function pass(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 0, 3 days));
    }

    function stopOrLoosen(uint256 what) external {
        what %= 8;
        if (what < 2) {
            uint32 id = what == 0 ? buyer.id : seller.id;
            if (registry.isStopped(id)) _unfreeze(id);
            else _freeze(id);
        } else if (what == 2) {
            if (usd.paused()) _unpause(usd);
            else _pause(usd);
        } else if (what == 3) {
            vm.prank(compliance);
            (bool done,) = address(escrow).call(abi.encodeCall(escrow.cancelByOrder, (_order(5), 0, ORDER)));
            done; // a milestone that is over is refused
        }
    }

    /// @dev Refusals are as ordinary as successes here; the invariants say what must hold after either.
    function _try(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool done, bytes memory reason) = address(escrow).call(data);
        assertTrue(done || reason.length >= 4, "a refusal has a reason");
        assertTrue(done || bytes4(reason) != bytes4(keccak256("Panic(uint256)")), "no panic");
    }

    // ---- what must hold ----

    function invariant_E1_funded_is_held_released_or_refunded() external view {
        for (uint256 i; i < ORDERS; ++i) {
            (uint256 funded, uint256 held, uint256 released, uint256 refunded) = escrow.amountsOf(_order(i), 0);
            assertEq(funded, held + released + refunded, "E1");
            assertLe(funded, AMOUNT, "no more than the amount");
        }
    }

    function invariant_E2_what_is_live_is_what_the_token_holds() external view {
        (uint256 held,) = _sums();
        assertEq(usd.heldFor(address(escrow), buyer.wallet), held, "E2");
    }

    function invariant_E3_terminal_states_absorb() external {
        for (uint256 i; i < ORDERS; ++i) {
            IOrderBook.MilestoneView memory v = _view(_order(i));
            bytes32 now_ = keccak256(abi.encode(v));
            if (_ended[i] != 0) assertEq(now_, _ended[i], "E3");
            else if (v.state >= IOrderBook.State.Released) _ended[i] = now_;
        }
    }

    function invariant_E5_money_is_the_sellers_or_where_it_came_from() external view {
        (, uint256 released) = _sums();
        assertEq(usd.balanceOf(seller.wallet), released, "the seller's");
        assertEq(usd.balanceOf(buyer.wallet), 100 * AMOUNT - released, "the payer's");
    }

    function _sums() private view returns (uint256 held, uint256 released) {
        for (uint256 i; i < ORDERS; ++i) {
            (, uint256 h, uint256 r,) = escrow.amountsOf(_order(i), 0);
            held += h;
            released += r;
        }
    }

    /// @dev E4: wherever the run ended, once nobody is stopped strangers bring every held milestone to its end.
    function afterInvariant() external {
        if (registry.isStopped(buyer.id)) _unfreeze(buyer.id);
        if (registry.isStopped(seller.id)) _unfreeze(seller.id);
        if (usd.paused()) _unpause(usd);
        vm.warp(block.timestamp + 400 days);
        _renew(seller.id);
        for (uint256 i; i < ORDERS; ++i) {
            _try(address(0xBEEF), abi.encodeCall(escrow.decideByFallback, (_order(i), 0)));
            _try(address(0xBEEF), abi.encodeCall(escrow.refund, (_order(i), 0)));
            _try(address(0xBEEF), abi.encodeCall(escrow.release, (_order(i), 0)));
        }
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 0, "E4");
    }

    function _renew(uint32 participant) private {
        vm.prank(onboarder);
        registry.renewKyc(participant, uint40(block.timestamp + 1 days), keccak256("questionnaire"));
    }
}
