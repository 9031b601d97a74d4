// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderAmendments} from "../../contracts/interfaces/IOrderAmendments.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Agreement, Attestation, Milestone, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {OrderBase} from "./base/OrderBase.sol";

/// @notice OrderEscrow, function by function. Terms that make no sense, field by field: EscrowOpen.t.sol.
contract BadInputEscrow is OrderBase, BadInputTable {
    uint256 private constant MAX = type(uint256).max;
    address private constant NOBODY = address(0);
    address private constant STRANGER = address(0xBAD);

    bytes private _known; // a funded order

    function setUp() public override {
        super.setUp();
        subject = address(escrow);
        _known = abi.encode(_funded(_prefund()));
    }

    function known() private view returns (Terms memory) {
        return abi.decode(_known, (Terms));
    }

    // ---- orders and milestones that are not there ----

    function _unknownOrder(Terms memory t) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, escrow.orderId(t));
    }

    function _unknownMilestone(Terms memory t, uint256 milestone) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.UnknownMilestone.selector, escrow.orderId(t), milestone);
    }

    function _refusesStrangers(bytes4 selector, function(bytes4, Terms memory, uint256) returns (bytes memory) call_)
        private
    {
        Terms memory t = _prefund();
        _refuses(buyer.wallet, call_(selector, t, 0), _unknownOrder(t));
        _refuses(buyer.wallet, call_(selector, known(), 1), _unknownMilestone(known(), 1));
        t.milestones = new Milestone[](0);
        _refuses(buyer.wallet, call_(selector, t, 0), _unknownMilestone(t, 0));
    }

    function _plain(bytes4 selector, Terms memory t, uint256 milestone) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, t, milestone);
    }

    function _farMilestone(bytes4 selector) private {
        _refuses(buyer.wallet, _plain(selector, known(), MAX), _unknownMilestone(known(), MAX));
    }

    function test_release() external {
        _refusesStrangers(escrow.release.selector, _plain);
        _farMilestone(escrow.release.selector);
    }

    function test_cancel() external {
        _refusesStrangers(escrow.cancel.selector, _plain);
        _farMilestone(escrow.cancel.selector);
    }

    function test_writeOff() external {
        _refusesStrangers(escrow.writeOff.selector, _plain);
        _farMilestone(escrow.writeOff.selector);
    }

    function test_refund() external {
        _refusesStrangers(escrow.refund.selector, _plain);
        _farMilestone(escrow.refund.selector);
    }

    function test_dispute() external {
        _refusesStrangers(escrow.dispute.selector, _plain);
        _farMilestone(escrow.dispute.selector);
    }

    function test_decideByFallback() external {
        _refusesStrangers(escrow.decideByFallback.selector, _plain);
        _farMilestone(escrow.decideByFallback.selector);
    }

    function _ruling(bytes4, Terms memory t, uint256 milestone) private view returns (bytes memory) {
        return abi.encodeCall(escrow.rule, (t, milestone, 1));
    }

    function test_rule() external {
        _refusesStrangers(escrow.rule.selector, _ruling);
        vm.prank(buyer.wallet);
        escrow.dispute(known(), 0);
        uint88[2] memory shares = [AMOUNT + 1, type(uint88).max];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                arbiter.wallet,
                abi.encodeCall(escrow.rule, (known(), 0, shares[i])),
                abi.encodeWithSelector(IOrderBook.SplitTooLarge.selector, shares[i], AMOUNT)
            );
        }
    }

    function _byOrder(bytes4, Terms memory t, uint256 milestone) private view returns (bytes memory) {
        return abi.encodeCall(escrow.cancelByOrder, (t, milestone, ORDER));
    }

    function test_cancelByOrder() external {
        Terms memory t = _prefund();
        _refuses(compliance, _byOrder(0, t, 0), _unknownOrder(t));
        _refuses(compliance, _byOrder(0, known(), MAX), _unknownMilestone(known(), MAX));
        _refuses(
            compliance,
            abi.encodeCall(escrow.cancelByOrder, (known(), 0, 0)),
            abi.encodePacked(IOrderBook.OrderHashMissing.selector)
        );
    }

    // ---- batches ----

    function _batch(uint256 a, uint256 b) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.WrongBatch.selector, a, b);
    }

    function _list(uint256 size) private view returns (Terms[] memory list) {
        list = new Terms[](size);
        for (uint256 i; i < size; ++i) {
            list[i] = known();
        }
    }

    function test_releaseMany() external {
        uint256[2][3] memory sizes = [[uint256(0), 0], [uint256(0), 1], [uint256(2), 1]];
        for (uint256 i; i < 3; ++i) {
            (uint256 a, uint256 b) = (sizes[i][0], sizes[i][1]);
            _refuses(STRANGER, abi.encodeCall(escrow.releaseMany, (_list(a), new uint256[](b))), _batch(a, b));
        }
    }

    function test_attestMany() external {
        uint256[3][4] memory sizes = [[uint256(0), 0, 0], [uint256(1), 0, 1], [uint256(1), 1, 0], [uint256(1), 1, 2]];
        for (uint256 i; i < 4; ++i) {
            (uint256 a, uint256 b, uint256 c) = (sizes[i][0], sizes[i][1], sizes[i][2]);
            _refuses(
                STRANGER,
                abi.encodeCall(escrow.attestMany, (_list(a), new Attestation[](b), new bytes[][](c))),
                _batch(a, a == b && a != 0 ? c : b)
            );
        }
    }

    // ---- opening ----

    function _refusesOpening(Terms memory t, bytes memory buying, bytes memory selling, uint32 missing) private {
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.open, (t, buying, selling)),
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(t), missing)
        );
    }

    function test_open_signatures() external {
        Terms memory t = _prefund();
        (bytes memory buying, bytes memory selling) = (_signTerms(t, buyer), _signTerms(t, seller));
        bytes[5] memory forged = _forgeries(buying, selling);
        for (uint256 i; i < 5; ++i) {
            _refusesOpening(t, forged[i], selling, buyer.id);
        }
        forged = _forgeries(selling, buying);
        for (uint256 i; i < 5; ++i) {
            _refusesOpening(t, buying, forged[i], seller.id);
        }
    }

    function _refusesTerms(Terms memory t, string memory field) private {
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.open, (t, _signTerms(t, buyer), _signTerms(t, seller))),
            abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, field)
        );
    }

    function test_open_terms() external {
        Terms memory t = _prefund();
        t.milestones = new Milestone[](0);
        _refusesTerms(t, "milestones");
        t.milestones = new Milestone[](17);
        _refusesTerms(t, "milestones");
        address[3] memory none = [NOBODY, address(0xC0DE), address(registry)];
        for (uint256 i; i < 3; ++i) {
            t = _prefund();
            t.token = none[i];
            _refusesTerms(t, "token");
        }
        t = _prefund();
        t.attesterSet = 0;
        _refusesTerms(t, "attesterSet");
        t = _prefund();
        t.threshold = 0;
        _refusesTerms(t, "threshold");
        t = _prefund();
        t.milestones[0].payer = 0;
        _refusesTerms(t, "payer");
        t = _prefund();
        t.milestones[0].amount = 0;
        _refusesTerms(t, "amount");
    }

    function test_open_dates() external {
        Terms memory t = _prefund();
        t.openBy = uint40(block.timestamp) - 1;
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.open, (t, _signTerms(t, buyer), _signTerms(t, seller))),
            abi.encodeWithSelector(IOrderBook.OpeningExpired.selector, t.openBy, block.timestamp)
        );
        uint40[2] memory far = [uint40(block.timestamp) + 1096 days + 1, type(uint40).max];
        for (uint256 i; i < 2; ++i) {
            t = _prefund();
            t.openBy = far[i];
            _refusesTerms(t, "openBy");
            t = _prefund();
            t.milestones[0].attestBy = far[i];
            _refusesTerms(t, "attestBy");
        }
        t = _prefund();
        t.milestones[0].inspection = type(uint32).max;
        _refusesTerms(t, "inspection");
        t = _prefund();
        t.submitGrace = type(uint32).max;
        _refusesTerms(t, "submitGrace");
        t = _prefund();
        t.openBy = uint40(block.timestamp) + 1096 days;
        _open(t);
        _assertState(t, IOrderBook.State.Open);
    }

    // ---- funding and paying ----

    function _funding(bytes4 selector, Terms memory t, uint256 milestone) private returns (bytes memory) {
        return abi.encodeWithSelector(selector, t, milestone, _consent(buyer, t, milestone, AMOUNT));
    }

    function test_fund() external {
        _refusesStrangers(escrow.fund.selector, _funding);
        Terms memory t = _opened(_prefund());
        IOrderBook.ConsentSignature memory c = _consent(buyer, t, 0, AMOUNT);
        c.payer = NOBODY;
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.fund, (t, 0, c)),
            abi.encodeWithSelector(IOrderBook.WrongPayer.selector, escrow.orderId(t), NOBODY)
        );
        _refusesConsents(t, escrow.fund.selector);
    }

    function test_pay() external {
        _refusesStrangers(escrow.pay.selector, _funding);
        Terms memory t = _opened(_onAttest());
        _attest(t, 1, SHIPPED);
        _refusesConsents(t, escrow.pay.selector);
    }

    function _refusesConsents(Terms memory t, bytes4 selector) private {
        IOrderBook.ConsentSignature memory c = _consent(buyer, t, 0, AMOUNT);
        bytes[5] memory forged = _forgeries(c.signature, _consent(seller, t, 0, AMOUNT).signature);
        for (uint256 i; i < 5; ++i) {
            c.signature = forged[i];
            _refuses(
                STRANGER,
                abi.encodeWithSelector(selector, t, 0, c),
                abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, buyer.wallet)
            );
        }
        c.deadline = block.timestamp - 1;
        _refuses(STRANGER, abi.encodeWithSelector(selector, t, 0, c), IDepositToken.ConsentExpired.selector);
        c.deadline = MAX;
        _refuses(STRANGER, abi.encodeWithSelector(selector, t, 0, c), IDepositToken.SignatureDeadlineTooFar.selector);
    }

    function test_onHold() external {
        Terms memory t = _opened(_prefund());
        bytes32 ref = _ref(t, 0);
        bytes memory data = abi.encode(t, uint256(0), bytes(""), bytes(""));
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.onHold, (buyer.wallet, AMOUNT, ref, data)),
            abi.encodeWithSelector(IOrderBook.OnlyDepositToken.selector, STRANGER)
        );
        _refuses(
            address(eur),
            abi.encodeCall(escrow.onHold, (buyer.wallet, AMOUNT, ref, data)),
            abi.encodeWithSelector(IOrderBook.WrongToken.selector, address(eur), address(usd))
        );
        _refuses(
            address(usd),
            abi.encodeCall(escrow.onHold, (buyer.wallet, AMOUNT, 0, data)),
            abi.encodeWithSelector(IOrderBook.WrongReference.selector, 0, ref)
        );
        uint256[3] memory amounts = [0, AMOUNT + 1, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                address(usd),
                abi.encodeCall(escrow.onHold, (buyer.wallet, amounts[i], ref, data)),
                abi.encodeWithSelector(IOrderBook.WrongAmount.selector, amounts[i], AMOUNT)
            );
        }
        _refuses(
            address(usd),
            abi.encodeCall(escrow.onHold, (NOBODY, AMOUNT, ref, data)),
            abi.encodeWithSelector(IOrderBook.WrongPayer.selector, escrow.orderId(t), NOBODY)
        );
        data = abi.encode(t, MAX, bytes(""), bytes(""));
        _refuses(
            address(usd), abi.encodeCall(escrow.onHold, (buyer.wallet, AMOUNT, ref, data)), _unknownMilestone(t, MAX)
        );
    }

    // ---- attesting ----

    function test_attest() external {
        _refusesAttestations(escrow.attest.selector);
    }

    function test_attestAndRelease() external {
        _refusesAttestations(escrow.attestAndRelease.selector);
    }

    function _refusesAttestation(bytes4 selector, Attestation memory a, bytes memory refusal) private {
        _refuses(STRANGER, abi.encodeWithSelector(selector, known(), a, _signed(a)), refusal);
    }

    function _field(string memory name) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.InvalidAttestation.selector, name);
    }

    function _refusesAttestations(bytes4 selector) private {
        Terms memory t = _prefund();
        Attestation memory a = _says(t, 1, SHIPPED);
        _refuses(STRANGER, abi.encodeWithSelector(selector, t, a, _signed(a)), _unknownOrder(t));
        _refusesAttestation(selector, a, _field("orderId"));
        a = _says(known(), 1, SHIPPED);
        a.milestone = type(uint8).max;
        _refusesAttestation(selector, a, _unknownMilestone(known(), type(uint8).max));
        _refusesAttestation(selector, _says(known(), 0, SHIPPED), _field("seq"));
        _refusesAttestation(selector, _says(known(), 1, 0), _field("status"));
        a = _says(known(), 1, SHIPPED);
        a.accepted = type(uint88).max;
        _refusesAttestation(selector, a, _field("accepted"));
        a = _says(known(), 1, SHIPPED);
        a.setEpoch = type(uint32).max;
        _refusesAttestation(
            selector, a, abi.encodeWithSelector(IAttesterSets.EpochNotAccepted.selector, setId, a.setEpoch, 1, 1)
        );
        a = _says(known(), 1, SHIPPED);
        a.attestedAt = type(uint40).max;
        _refusesAttestation(
            selector,
            a,
            abi.encodeWithSelector(IOrderBook.AttestedTooLate.selector, a.attestedAt, known().milestones[0].attestBy)
        );
        _refusesDeadlines(selector);
        _refusesSignatures(selector);
    }

    function _refusesDeadlines(bytes4 selector) private {
        Attestation memory a = _says(known(), 1, SHIPPED);
        a.deadline = uint40(block.timestamp) - 1;
        _refusesAttestation(selector, a, _expired(a.deadline));
        a.deadline = type(uint40).max;
        _refusesAttestation(selector, a, _tooFar(a.deadline));
    }

    function _expired(uint40 deadline) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, deadline, block.timestamp);
    }

    function _tooFar(uint40 deadline) private view returns (bytes memory) {
        uint256 latest = block.timestamp + 1096 days;
        return abi.encodeWithSelector(IOrderBook.SignatureDeadlineTooFar.selector, deadline, latest);
    }

    function _refusesSignatures(bytes4 selector) private {
        Attestation memory a = _says(known(), 1, SHIPPED);
        bytes32 digest = escrow.attestationDigest(a);
        address first = attesters[0].addr;
        bytes[] memory list = new bytes[](0);
        _refusesList(selector, a, list, abi.encodeWithSelector(IAttesterSets.NotEnoughAttestations.selector, 0, 2));
        list = new bytes[](2);
        _refusesList(selector, a, list, abi.encodeWithSelector(IAttesterSets.InvalidAttester.selector, NOBODY));
        (list[0], list[1]) = (_signedBy(a, attesters[0]), _signedBy(a, attesters[0]));
        _refusesList(
            selector, a, list, abi.encodeWithSelector(IAttesterSets.SignersNotAscending.selector, first, first)
        );
        list[1] = _signedBy(a, attesters[1]);
        bytes[5] memory forged =
            _forgeries(_sign(attesters[0].privateKey, digest), _sign(attesters[1].privateKey, digest));
        for (uint256 i; i < 5; ++i) {
            list[0] = abi.encodePacked(first, forged[i]);
            _refusesList(
                selector, a, list, abi.encodeWithSelector(IAttesterSets.InvalidAttesterSignature.selector, first)
            );
        }
    }

    function _refusesList(bytes4 selector, Attestation memory a, bytes[] memory list, bytes memory refusal) private {
        _refuses(STRANGER, abi.encodeWithSelector(selector, known(), a, list), refusal);
    }

    // ---- together ----

    function _refusesSigned(bytes memory call_) private {
        _refuses(
            STRANGER,
            call_,
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(known()), buyer.id)
        );
    }

    function test_agree() external {
        Agreement memory a = _agreement(known(), PART);
        bytes32 digest = escrow.agreementDigest(a);
        (bytes memory buying, bytes memory selling) = (_sign(buyer.key, digest), _sign(seller.key, digest));
        bytes[5] memory forged = _forgeries(buying, selling);
        for (uint256 i; i < 5; ++i) {
            _refusesSigned(abi.encodeCall(escrow.agree, (known(), a, forged[i], selling)));
        }
        a.orderId = escrow.orderId(_prefund());
        _refusesAgreement(a, abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, a.orderId));
        a = _agreement(known(), AMOUNT + 1);
        _refusesAgreement(a, abi.encodeWithSelector(IOrderBook.SplitTooLarge.selector, AMOUNT + 1, AMOUNT));
        a = _agreement(known(), PART);
        a.milestone = type(uint8).max;
        _refusesAgreement(a, _unknownMilestone(known(), type(uint8).max));
        a = _agreement(known(), PART);
        a.unpaid = type(uint88).max;
        _refusesAgreement(a, abi.encodeWithSelector(IOrderBook.WrongAmount.selector, a.unpaid, AMOUNT));
        a = _agreement(known(), PART);
        a.deadline = uint40(block.timestamp) - 1;
        _refusesAgreement(a, _expired(a.deadline));
        a.deadline = type(uint40).max;
        _refusesAgreement(a, _tooFar(a.deadline));
    }

    function _refusesAgreement(Agreement memory a, bytes memory refusal) private {
        bytes32 digest = escrow.agreementDigest(a);
        bytes memory selling = _sign(seller.key, digest);
        _refuses(STRANGER, abi.encodeCall(escrow.agree, (known(), a, _sign(buyer.key, digest), selling)), refusal);
    }

    function test_cancelTogether() external {
        _known = abi.encode(_opened(_onAttest()));
        uint40 now_ = uint40(block.timestamp);
        bytes32 digest = escrow.cancellationDigest(escrow.orderId(known()), 0, now_);
        (bytes memory buying, bytes memory selling) = (_sign(buyer.key, digest), _sign(seller.key, digest));
        bytes[5] memory forged = _forgeries(buying, selling);
        for (uint256 i; i < 5; ++i) {
            _refusesSigned(abi.encodeCall(escrow.cancelTogether, (known(), 0, now_, forged[i], selling)));
        }
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.cancelTogether, (known(), MAX, now_, buying, selling)),
            _unknownMilestone(known(), MAX)
        );
        _refuses(
            STRANGER, abi.encodeCall(escrow.cancelTogether, (known(), 0, now_ - 1, buying, selling)), _expired(now_ - 1)
        );
        uint40 far = type(uint40).max;
        _refuses(STRANGER, abi.encodeCall(escrow.cancelTogether, (known(), 0, far, buying, selling)), _tooFar(far));
    }

    // ---- amendments ----

    function _amending(Terms memory next, uint40 deadline, bytes memory buying) private view returns (bytes memory) {
        bytes memory selling =
            _sign(seller.key, escrow.amendmentDigest(escrow.orderId(known()), escrow.orderId(next), deadline));
        return
            abi.encodeCall(
                escrow.amend, (known(), next, deadline, buying, selling, new IOrderBook.ConsentSignature[](0))
            );
    }

    function _buying(Terms memory next, uint40 deadline) private view returns (bytes memory) {
        return _sign(buyer.key, escrow.amendmentDigest(escrow.orderId(known()), escrow.orderId(next), deadline));
    }

    function _refusesAmendment(Terms memory next, string memory field) private {
        uint40 now_ = uint40(block.timestamp);
        _refuses(
            STRANGER,
            _amending(next, now_, _buying(next, now_)),
            abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, field)
        );
    }

    function test_amend() external {
        Terms memory next = _prefund();
        uint40 now_ = uint40(block.timestamp);
        bytes[5] memory forged = _forgeries(_buying(next, now_), bytes("another's"));
        for (uint256 i; i < 5; ++i) {
            _refusesSigned(_amending(next, now_, forged[i]));
        }
        _refuses(STRANGER, _amending(next, now_ - 1, ""), _expired(now_ - 1));
        _refuses(STRANGER, _amending(next, type(uint40).max, ""), _tooFar(type(uint40).max));
        next.buyer = 0;
        _refusesAmendment(next, "buyer");
        next = _prefund();
        next.seller = 0;
        _refusesAmendment(next, "seller");
        next = _prefund();
        next.token = NOBODY;
        _refusesAmendment(next, "token");
        next = _prefund();
        next.milestones = new Milestone[](17);
        _refusesAmendment(next, "milestones");
        next = _prefund();
        next.milestones[0].amount = type(uint88).max;
        _refuses(
            STRANGER,
            _amending(next, now_, _buying(next, now_)),
            abi.encodeWithSelector(IOrderAmendments.WrongConsents.selector, 0, 1)
        );
        _known = abi.encode(_onAttest());
        _refuses(STRANGER, _amending(next, now_, _buying(next, now_)), _unknownOrder(known()));
    }

    function test_refundReleased() external {
        IOrderBook.ConsentSignature memory c;
        c.payer = seller.wallet;
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.refundReleased, (known(), 0, 1, 0, c)),
            abi.encodePacked(IOrderAmendments.CreditNoteMissing.selector)
        );
        uint256[2] memory amounts = [uint256(0), MAX];
        for (uint256 i; i < 2; ++i) {
            _refuses(
                STRANGER,
                abi.encodeCall(escrow.refundReleased, (known(), 0, amounts[i], "note", c)),
                abi.encodeWithSelector(IOrderAmendments.WrongCredit.selector, amounts[i], 0)
            );
        }
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.refundReleased, (known(), MAX, 1, "note", c)),
            _unknownMilestone(known(), MAX)
        );
        c.payer = NOBODY;
        _refuses(
            STRANGER,
            abi.encodeCall(escrow.refundReleased, (known(), 0, 1, "note", c)),
            abi.encodeWithSelector(IOrderBook.NotParty.selector, escrow.orderId(known()), NOBODY)
        );
    }

    function test_setAuthority() external {
        _refuses(
            address(governance),
            abi.encodeCall(escrow.setAuthority, (STRANGER)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, STRANGER)
        );
    }
}
