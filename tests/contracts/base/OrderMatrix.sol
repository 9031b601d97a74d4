// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {Agreement, Attestation, Mode, Terms} from "../../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./OrderBase.sol";
import {Vm} from "./Vm.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice Every call of the escrow by everybody, against a table of what each must do: an error's selector, or the
/// state that follows. What is refused changes nothing, and neither does anything once a milestone is over.
abstract contract OrderMatrix is OrderBase {
    uint256 internal constant CALLS = 25;
    uint256 internal constant CALLERS = 6;

    enum Call {
        Open,
        Fund,
        FundFromBuyer, // who is not the milestone's payer
        Hold, // the caller's own hold
        OnHold, // the callback, without the token
        Pay,
        PayFromBuyer,
        PayFromSeller,
        Attest,
        AttestAndRelease,
        AttestMany,
        AttestNegative,
        Release,
        ReleaseMany,
        Cancel,
        CancelTogether,
        CancelAlone, // nobody's signature
        WriteOff,
        Refund,
        Dispute,
        Rule,
        DecideByFallback,
        Agree,
        AgreeAlone, // nobody's signature
        CancelByOrder
    }

    enum Who {
        Buyer,
        Seller,
        Payer,
        Arbiter,
        Stranger,
        Compliance
    }

    bytes4 internal constant WRONG = IOrderBook.WrongState.selector;
    bytes4 internal constant EARLY = IOrderBook.TooEarly.selector;
    bytes4 internal constant LATE = IOrderBook.TooLate.selector;
    bytes4 internal constant NOT_PARTY = IOrderBook.NotParty.selector;
    bytes4 internal constant NOT_ARBITER = IOrderBook.NotArbiter.selector;
    bytes4 internal constant NOT_FUNDED = IOrderBook.NotFunded.selector;
    bytes4 internal constant NOTHING_OWED = IOrderBook.NothingOwed.selector;
    bytes4 internal constant WRONG_PAYER = IOrderBook.WrongPayer.selector;
    bytes4 internal constant UNSIGNED = IOrderBook.InvalidPartySignature.selector;
    bytes4 internal constant DECIDED = IOrderBook.AlreadyDecided.selector;
    bytes4 internal constant FALLBACK = IOrderBook.FallbackOpen.selector;
    bytes4 internal constant NO_FALLBACK = IOrderBook.FallbackNotOpen.selector;
    bytes4 internal constant UNKNOWN = IOrderBook.UnknownOrder.selector;

    string[CALLERS] private _callers = ["buyer", "seller", "payer", "arbiter", "stranger", "compliance"];

    Party internal payer; // a third party that pays for the buyer

    function setUp() public override {
        super.setUp();
        payer = _client("payer", usd, 10 * AMOUNT);
        _deposit(usd, seller.wallet, AMOUNT);
        _setLimit(usd, arbiter.id, LIMIT);
        _deposit(usd, arbiter.wallet, AMOUNT);
        t0 = block.timestamp;
    }

    // ---- states ----

    function _withPayer(Terms memory t) internal view returns (Terms memory) {
        t.milestones[0].payer = payer.id;
        return t;
    }

    function _toPrefund() internal returns (Terms memory) {
        return _withPayer(_prefund());
    }

    function _toFund() internal returns (Terms memory) {
        return _opened(_toPrefund());
    }

    function _paidInAdvance(Terms memory t) internal returns (Terms memory) {
        _open(_withPayer(t));
        IOrderBook.ConsentSignature memory c = _consent(payer, t, 0, AMOUNT);
        escrow.fund(t, 0, c);
        return t;
    }

    function _paidInAdvance() internal returns (Terms memory) {
        return _paidInAdvance(_prefund());
    }

    function _goodsFirst() internal returns (Terms memory) {
        return _opened(_withPayer(_onAttest()));
    }

    function _attested(Terms memory t, uint8 status) internal returns (Terms memory) {
        _attest(t, 1, status);
        return t;
    }

    function _disputed(Terms memory t) internal returns (Terms memory) {
        vm.prank(buyer.wallet);
        escrow.dispute(t, 0);
        return t;
    }

    function _agreed(Terms memory t) internal returns (Terms memory) {
        _agree(t, _agreement(t, AMOUNT));
        return t;
    }

    // ---- expectations ----

    function _to(IOrderBook.State state) internal pure returns (bytes4) {
        return bytes4(uint32(state));
    }

    function _all(bytes4[CALLERS][CALLS] memory x, Call call, bytes4 what) internal pure {
        for (uint256 i; i < CALLERS; ++i) {
            x[uint256(call)][i] = what;
        }
    }

    function _by(bytes4[CALLERS][CALLS] memory x, Call call, Who who, bytes4 what) internal pure {
        x[uint256(call)][uint256(who)] = what;
    }

    function _byParties(bytes4[CALLERS][CALLS] memory x, Call call, bytes4 what) internal pure {
        _by(x, call, Who.Buyer, what);
        _by(x, call, Who.Seller, what);
    }

    /// @dev The required status, however it comes in.
    function _attesting(bytes4[CALLERS][CALLS] memory x, bytes4 what) internal pure {
        _all(x, Call.Attest, what);
        _attestingToRelease(x, what);
    }

    function _attestingToRelease(bytes4[CALLERS][CALLS] memory x, bytes4 what) internal pure {
        _all(x, Call.AttestAndRelease, what);
        _all(x, Call.AttestMany, what);
    }

    function _releasing(bytes4[CALLERS][CALLS] memory x, bytes4 what) internal pure {
        _all(x, Call.Release, what);
        _all(x, Call.ReleaseMany, what);
    }

    /// @dev `otherwise` to every call but what the state has no say in.
    function _refusing(bytes4 otherwise) internal pure returns (bytes4[CALLERS][CALLS] memory x) {
        for (uint256 i; i < CALLS; ++i) {
            _all(x, Call(i), otherwise);
        }
        _all(x, Call.OnHold, IOrderBook.OnlyDepositToken.selector);
        _by(x, Call.Hold, Who.Stranger, IDepositToken.Refused.selector);
        _by(x, Call.Hold, Who.Compliance, IDepositToken.Refused.selector);
        _all(x, Call.CancelByOrder, IAccessManaged.AccessManagedUnauthorized.selector);
        _by(x, Call.CancelByOrder, Who.Compliance, otherwise);
    }

    /// @dev Nothing is allowed yet; of a milestone that is there.
    function _there() internal pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _refusing(WRONG);
        _all(x, Call.Open, IOrderBook.OrderAlreadyOpen.selector);
        _all(x, Call.Dispute, NOT_PARTY);
        _byParties(x, Call.Dispute, WRONG);
    }

    function _live() internal pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _there();
        _by(x, Call.CancelByOrder, Who.Compliance, _to(IOrderBook.State.Cancelled));
    }

    /// @dev Both parties may share out what is unpaid.
    function _sharable(IOrderBook.State afterwards) internal pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _live();
        _all(x, Call.Agree, _to(afterwards));
        _all(x, Call.AgreeAlone, UNSIGNED);
    }

    /// @dev Attestations are answered, and change nothing.
    function _over(IOrderBook.State state) internal pure returns (bytes4[CALLERS][CALLS] memory x) {
        x = _there();
        _attesting(x, _to(state));
        _all(x, Call.AttestNegative, _to(state));
    }

    // ---- calls ----

    function _caller(Who who) private view returns (address) {
        if (who == Who.Buyer) return buyer.wallet;
        if (who == Who.Seller) return seller.wallet;
        if (who == Who.Payer) return payer.wallet;
        if (who == Who.Arbiter) return arbiter.wallet;
        return who == Who.Compliance ? SWIFT : address(0xBEEF);
    }

    function _encode(Call call, Terms memory t) private returns (bytes memory) {
        if (call == Call.Open) return abi.encodeCall(escrow.open, (t, _signTerms(t, buyer), _signTerms(t, seller)));
        if (call == Call.Fund) return abi.encodeCall(escrow.fund, (t, 0, _consent(payer, t, 0, AMOUNT)));
        if (call == Call.FundFromBuyer) return abi.encodeCall(escrow.fund, (t, 0, _consent(buyer, t, 0, AMOUNT)));
        if (call == Call.Pay) return abi.encodeCall(escrow.pay, (t, 0, _consent(payer, t, 0, AMOUNT)));
        if (call == Call.PayFromBuyer) return abi.encodeCall(escrow.pay, (t, 0, _consent(buyer, t, 0, AMOUNT)));
        if (call == Call.PayFromSeller) return abi.encodeCall(escrow.pay, (t, 0, _consent(seller, t, 0, AMOUNT)));
        if (call == Call.Hold || call == Call.OnHold) return _encodeHold(call, t);
        if (call >= Call.Attest && call <= Call.AttestNegative) return _encodeAttestation(call, t);
        if (call == Call.Release) return abi.encodeCall(escrow.release, (t, 0));
        if (call == Call.ReleaseMany) return abi.encodeCall(escrow.releaseMany, (_one(t), new uint256[](1)));
        if (call == Call.Cancel) return abi.encodeCall(escrow.cancel, (t, 0));
        if (call == Call.CancelTogether || call == Call.CancelAlone) return _encodeCancellation(call, t);
        if (call == Call.WriteOff) return abi.encodeCall(escrow.writeOff, (t, 0));
        if (call == Call.Refund) return abi.encodeCall(escrow.refund, (t, 0));
        if (call == Call.Dispute) return abi.encodeCall(escrow.dispute, (t, 0));
        if (call == Call.Rule) return abi.encodeCall(escrow.rule, (t, 0, PART));
        if (call == Call.DecideByFallback) return abi.encodeCall(escrow.decideByFallback, (t, 0));
        if (call == Call.CancelByOrder) return abi.encodeCall(escrow.cancelByOrder, (t, 0, ORDER));
        return _encodeAgreement(call, t);
    }

    function _one(Terms memory t) private pure returns (Terms[] memory list) {
        list = new Terms[](1);
        list[0] = t;
    }

    function _encodeHold(Call call, Terms memory t) private view returns (bytes memory) {
        bytes memory data = abi.encode(t, uint256(0), _signTerms(t, buyer), _signTerms(t, seller));
        if (call == Call.Hold) return abi.encodeCall(usd.holdAndCall, (address(escrow), AMOUNT, _ref(t, 0), data));
        return abi.encodeCall(escrow.onHold, (payer.wallet, AMOUNT, _ref(t, 0), data));
    }

    function _encodeAttestation(Call call, Terms memory t) private view returns (bytes memory) {
        Attestation memory a = _says(t, 9, call == Call.AttestNegative ? DAMAGED : SHIPPED);
        if (a.attestedAt > t.milestones[0].attestBy) a.attestedAt = t.milestones[0].attestBy;
        if (call == Call.AttestMany) {
            Attestation[] memory list = new Attestation[](1);
            bytes[][] memory signatures = new bytes[][](1);
            (list[0], signatures[0]) = (a, _signed(a));
            return abi.encodeCall(escrow.attestMany, (_one(t), list, signatures));
        }
        if (call == Call.AttestAndRelease) return abi.encodeCall(escrow.attestAndRelease, (t, a, _signed(a)));
        return abi.encodeCall(escrow.attest, (t, a, _signed(a)));
    }

    function _encodeCancellation(Call call, Terms memory t) private view returns (bytes memory) {
        uint40 deadline = uint40(block.timestamp);
        if (call == Call.CancelAlone) return abi.encodeCall(escrow.cancelTogether, (t, 0, deadline, "", ""));
        bytes32 digest = escrow.cancellationDigest(escrow.orderId(t), 0, deadline);
        bytes memory buying = _sign(buyer.key, digest);
        return abi.encodeCall(escrow.cancelTogether, (t, 0, deadline, buying, _sign(seller.key, digest)));
    }

    function _encodeAgreement(Call call, Terms memory t) private view returns (bytes memory) {
        bool known = _state(t) != IOrderBook.State.None;
        uint88 unpaid = known ? uint88(escrow.unpaidOf(t, 0)) : AMOUNT;
        Agreement memory a = Agreement(escrow.orderId(t), 0, PART, unpaid, 2, uint40(block.timestamp));
        if (call == Call.AgreeAlone) return abi.encodeCall(escrow.agree, (t, a, "", ""));
        bytes32 digest = escrow.agreementDigest(a);
        return abi.encodeCall(escrow.agree, (t, a, _sign(buyer.key, digest), _sign(seller.key, digest)));
    }

    // ---- checking ----

    /// @dev All three words of the milestone, and all money there is.
    function _everything(Terms memory t) private returns (bytes32 all) {
        vm.record();
        escrow.stateOf(escrow.orderId(t), 0);
        (bytes32[] memory reads,) = vm.accesses(address(escrow));
        for (uint256 i; i < 3; ++i) {
            all = keccak256(abi.encode(all, vm.load(address(escrow), bytes32(uint256(reads[0]) + i))));
        }
        for (uint256 i; i < 4; ++i) {
            address wallet = _caller(Who(i));
            uint256 held = usd.heldFor(address(escrow), wallet);
            all = keccak256(abi.encode(all, usd.balanceOf(wallet), held, usd.frozen(wallet)));
        }
    }

    function _check(Terms memory t, bytes4[CALLERS][CALLS] memory x) internal {
        for (uint256 call; call < CALLS; ++call) {
            for (uint256 who; who < CALLERS; ++who) {
                uint256 fresh = vm.snapshotState();
                _checkOne(t, Call(call), Who(who), x[call][who]);
                vm.revertToState(fresh);
            }
        }
    }

    function _checkOne(Terms memory t, Call call, Who who, bytes4 expected) private {
        string memory where = string.concat("call ", vm.toString(uint256(call)), " by ", _callers[uint256(who)]);
        IOrderBook.State before = _state(t);
        bytes32 everything = _everything(t);
        bytes memory data = _encode(call, t);
        vm.recordLogs();
        vm.prank(_caller(who));
        (bool ok, bytes memory reason) = (call == Call.Hold ? address(usd) : address(escrow)).call(data);

        bytes4 found = ok ? _to(_state(t)) : bytes4(reason);
        if (call == Call.AttestMany || call == Call.ReleaseMany) {
            assertTrue(ok, where);
            found = _skipped(found);
        }
        assertEq(bytes32(found), bytes32(expected), where);
        bool refused = uint32(expected) > uint32(type(IOrderBook.State).max);
        if (refused || before >= IOrderBook.State.Released) assertEq(_everything(t), everything, where);
        else _assertWhole(t, where);
    }

    /// @dev The error with which a batch skipped its only item, if it did.
    function _skipped(bytes4 otherwise) private returns (bytes4) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IOrderBook.ItemSkipped.selector) return bytes4(abi.decode(logs[i].data, (bytes)));
        }
        return otherwise;
    }

    /// @dev What the escrow says of the money is what the token has: held, paid, and nowhere else.
    function _assertWhole(Terms memory t, string memory where) private view {
        (uint256 funded, uint256 held, uint256 released, uint256 refunded) = escrow.amountsOf(t, 0);
        assertEq(funded, held + released + refunded, where);
        assertEq(usd.heldFor(address(escrow), payer.wallet), held, where);
        assertEq(usd.balanceOf(seller.wallet), AMOUNT + released, where);
        uint256 paid = usd.balanceOf(payer.wallet) + usd.balanceOf(buyer.wallet);
        assertEq(paid, 110 * uint256(AMOUNT) - released, where);
        assertEq(t.milestones[0].mode == Mode.ON_ATTEST ? held : 0, 0, where);
    }
}
