// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAttesterSets} from "../../contracts/interfaces/IAttesterSets.sol";
import {IOrderAmendments} from "../../contracts/interfaces/IOrderAmendments.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Agreement, Attestation, Milestone, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {BadInputOrders} from "./base/BadInputOrders.sol";

/// @notice What is signed about orders of OrderEscrow, function by function.
contract BadInputEscrowSigned is BadInputOrders {
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
        _remember(_opened(_onAttest()));
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
        _remember(_onAttest());
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
}
