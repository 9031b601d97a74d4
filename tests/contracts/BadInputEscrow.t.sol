// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {Attestation, Milestone, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {BadInputOrders} from "./base/BadInputOrders.sol";

/// @notice What is done with orders of OrderEscrow, function by function. Terms that make no sense, field by field:
/// EscrowOpen.t.sol.
contract BadInputEscrow is BadInputOrders {
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
        _refuses(SWIFT, _byOrder(0, t, 0), _unknownOrder(t));
        _refuses(SWIFT, _byOrder(0, known(), MAX), _unknownMilestone(known(), MAX));
        _refuses(
            SWIFT,
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

    function test_setAuthority() external {
        _refuses(
            address(governance),
            abi.encodeCall(escrow.setAuthority, (STRANGER)),
            abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, STRANGER)
        );
    }
}
