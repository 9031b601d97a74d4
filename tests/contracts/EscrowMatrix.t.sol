// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Agreement, Attestation, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice Every call in every state, by whom the table names, before and after every deadline.
contract EscrowMatrixTest is OrderBase {
    uint256 private constant CALLS = 13;
    bytes4 private constant OK = 0;
    bytes4 private constant WRONG = IOrderBook.WrongState.selector;
    bytes4 private constant EARLY = IOrderBook.TooEarly.selector;
    bytes4 private constant LATE = IOrderBook.TooLate.selector;

    enum Case {
        OpenPrefund,
        OpenOnAttest,
        Funded,
        Accepted,
        Due,
        DisputedByStatus,
        DisputedByParty,
        DecidedAccepted,
        DecidedDue,
        Released,
        Refunded,
        Cancelled
    }

    function _make(Case which) private returns (Terms memory t) {
        if (which == Case.OpenPrefund) return _opened(_prefund());
        if (which == Case.OpenOnAttest) return _opened(_onAttest());
        if (which == Case.Due || which == Case.DecidedDue) {
            t = _opened(_onAttest());
            _attest(t, 1, SHIPPED);
            if (which == Case.DecidedDue) _agree(t, _agreement(t, AMOUNT));
            return t;
        }
        if (which == Case.Cancelled) {
            t = _opened(_onAttest());
            vm.prank(compliance);
            escrow.cancelByOrder(t, 0, ORDER);
            return t;
        }
        t = _funded(_prefund());
        if (which == Case.Accepted || which == Case.Released) _attest(t, 1, SHIPPED);
        if (which == Case.DisputedByStatus) _attest(t, 1, DAMAGED);
        if (which == Case.DecidedAccepted) _agree(t, _agreement(t, AMOUNT));
        if (which == Case.DisputedByParty || which == Case.Released) vm.prank(buyer.wallet);
        if (which == Case.DisputedByParty) escrow.dispute(t, 0);
        if (which == Case.Released) escrow.release(t, 0);
        if (which == Case.Refunded) vm.prank(seller.wallet);
        if (which == Case.Refunded) escrow.refund(t, 0);
    }

    /// @dev The call, and who makes it.
    function _call(uint256 index, Terms memory t, bool late) private returns (address caller, bytes memory data) {
        caller = address(this);
        if (index == 0) return (caller, abi.encodeCall(escrow.fund, (t, 0, _consent(buyer, t, 0, AMOUNT))));
        if (index == 1) return (caller, abi.encodeCall(escrow.pay, (t, 0, _consent(buyer, t, 0, AMOUNT))));
        if (index == 2) return (caller, abi.encodeCall(escrow.cancel, (t, 0)));
        if (index == 3) {
            uint40 deadline = uint40(block.timestamp);
            bytes32 digest = escrow.cancellationDigest(escrow.orderId(t), 0, deadline);
            bytes memory buying = _sign(buyer.key, digest);
            bytes memory selling = _sign(seller.key, digest);
            return (caller, abi.encodeCall(escrow.cancelTogether, (t, 0, deadline, buying, selling)));
        }
        if (index == 4) {
            Attestation memory a = _says(t, 9, SHIPPED);
            if (late) a.attestedAt = t.milestones[0].attestBy;
            return (caller, abi.encodeCall(escrow.attest, (t, a, _signed(a))));
        }
        if (index == 5) return (caller, abi.encodeCall(escrow.release, (t, 0)));
        if (index == 6) return (seller.wallet, abi.encodeCall(escrow.writeOff, (t, 0)));
        if (index == 7) return (late ? caller : seller.wallet, abi.encodeCall(escrow.refund, (t, 0)));
        if (index == 8) return (buyer.wallet, abi.encodeCall(escrow.dispute, (t, 0)));
        if (index == 9) return (arbiter.wallet, abi.encodeCall(escrow.rule, (t, 0, PART)));
        if (index == 10) return (caller, abi.encodeCall(escrow.decideByFallback, (t, 0)));
        if (index == 11) {
            Agreement memory a = _agreement(t, PART);
            a.nonce = 2;
            bytes32 digest = escrow.agreementDigest(a);
            bytes memory buying = _sign(buyer.key, digest);
            bytes memory selling = _sign(seller.key, digest);
            return (caller, abi.encodeCall(escrow.agree, (t, a, buying, selling)));
        }
        return (compliance, abi.encodeCall(escrow.cancelByOrder, (t, 0, ORDER)));
    }

    /// @dev expected[call][state]: OK, or the error's selector.
    function _check(bytes4[12][CALLS] memory expected, bool late) private {
        for (uint256 state; state < 12; ++state) {
            uint256 fresh = vm.snapshotState();
            Terms memory t = _make(Case(state));
            if (late) vm.warp(t0 + 60 days);
            for (uint256 call; call < CALLS; ++call) {
                string memory where = string.concat("state ", vm.toString(state), ", call ", vm.toString(call));
                uint256 made = vm.snapshotState();
                IOrderBook.State before = _state(t);
                (address caller, bytes memory data) = _call(call, t, late);
                vm.prank(caller);
                (bool ok, bytes memory reason) = address(escrow).call(data);
                assertEq(bytes32(ok ? bytes4(0) : bytes4(reason)), bytes32(expected[call][state]), where);
                if (!ok || before >= IOrderBook.State.Released) {
                    assertEq(uint256(_state(t)), uint256(before), where);
                }
                vm.revertToState(made);
            }
            vm.revertToState(fresh);
        }
    }

    function _row(bytes4 otherwise) private pure returns (bytes4[12] memory row) {
        for (uint256 i; i < 12; ++i) {
            row[i] = otherwise;
        }
    }

    function _same(bytes4[12] memory row, uint256 from, uint256 to, bytes4 what) private pure {
        for (uint256 i = from; i <= to; ++i) {
            row[i] = what;
        }
    }

    function test_before_every_deadline() external {
        bytes4[12][CALLS] memory x;
        for (uint256 i; i < CALLS; ++i) {
            x[i] = _row(WRONG);
        }
        x[0][0] = OK; // fund: OpenPrefund
        x[1][4] = x[1][8] = OK; // pay: Due, decided too
        x[2][0] = x[2][1] = EARLY; // cancel
        x[3][0] = x[3][1] = OK; // cancelTogether
        x[4] = _row(OK); // attest: counted, recorded or ignored
        x[4][0] = IOrderBook.NotFunded.selector;
        x[5][2] = IOrderBook.NothingOwed.selector; // release
        (x[5][3], x[5][7]) = (EARLY, OK);
        x[6][4] = x[6][8] = OK; // writeOff
        x[7][2] = x[7][3] = x[7][7] = OK; // refund, by the seller
        _same(x[8], 1, 5, OK); // dispute
        x[8][7] = x[8][8] = IOrderBook.AlreadyDecided.selector;
        x[9][5] = x[9][6] = OK; // rule
        x[10][5] = x[10][6] = IOrderBook.FallbackNotOpen.selector;
        _same(x[11], 1, 8, OK); // agree
        _same(x[12], 0, 8, OK); // cancelByOrder
        _check(x, false);
    }

    function test_after_every_deadline() external {
        bytes4[12][CALLS] memory x;
        for (uint256 i; i < CALLS; ++i) {
            x[i] = _row(WRONG);
        }
        x[0][0] = LATE; // fund
        x[1][4] = x[1][8] = OK; // pay, also late
        x[2][0] = x[2][1] = OK; // cancel, by anyone
        x[3][0] = x[3][1] = OK;
        x[4] = _row(OK); // attest
        x[4][0] = IOrderBook.NotFunded.selector;
        _same(x[4], 1, 6, LATE);
        x[5][2] = IOrderBook.NothingOwed.selector; // release, by anyone
        x[5][3] = x[5][7] = OK;
        x[6][4] = x[6][8] = OK;
        x[7][2] = OK; // refund, by anyone
        x[7][3] = x[7][7] = IOrderBook.NotParty.selector;
        _same(x[8], 1, 4, LATE); // dispute
        x[8][5] = IOrderBook.FallbackOpen.selector;
        x[8][7] = x[8][8] = IOrderBook.AlreadyDecided.selector;
        x[9][5] = x[9][6] = IOrderBook.FallbackOpen.selector;
        x[10][5] = x[10][6] = OK;
        _same(x[11], 1, 8, OK);
        _same(x[12], 0, 8, OK);
        _check(x, true);
    }
}
