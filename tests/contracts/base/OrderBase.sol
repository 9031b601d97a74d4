// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../contracts/DepositToken.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../../contracts/libraries/Ids.sol";
import {Agreement, Attestation, Milestone, Mode, Terms} from "../../../contracts/libraries/OrderTerms.sol";
import {EscrowBase} from "./EscrowBase.sol";
import {Vm} from "./Vm.sol";

/// @notice A buyer with dollars, a seller, an arbiter, and two of three attesters who say what became of the goods.
/// Dates and durations are apart by enough that each test meets only the clock it is about.
abstract contract OrderBase is EscrowBase {
    uint88 internal constant AMOUNT = 1_000_000;
    uint88 internal constant PART = 400_000;
    uint8 internal constant PACKED = 3; // means nothing to the milestone
    uint8 internal constant SHIPPED = 5; // required
    uint8 internal constant DAMAGED = 9; // negative
    uint40 internal constant FUND_IN = 10 days;
    uint40 internal constant ATTEST_IN = 30 days;
    uint32 internal constant GRACE = 2 days;
    uint32 internal constant INSPECTION = 5 days;
    uint32 internal constant PAY_WITHIN = 14 days;
    uint32 internal constant RULING = 20 days;
    uint16 internal constant SPLIT = 6000;

    Party internal buyer;
    Party internal seller;
    Party internal arbiter;
    Party internal notaryPublic; // administers the attester set
    uint32 internal setId;
    Vm.Wallet[3] internal attesters; // ascending
    uint256 internal t0; // when orders are opened
    uint256 private _orders;
    uint256 private _consents;

    function setUp() public virtual override {
        super.setUp();
        buyer = _client("buyer", usd, 100 * AMOUNT);
        seller = _client("seller");
        arbiter = _onboard("arbiter");
        notaryPublic = _onboard("notary public");
        address[] memory keys = new address[](3);
        for (uint256 i; i < 3; ++i) {
            attesters[i] = _key(string.concat("attester ", vm.toString(i)));
        }
        _sortAttesters();
        for (uint256 i; i < 3; ++i) {
            keys[i] = attesters[i].addr;
        }
        vm.prank(notaryPublic.wallet);
        setId = attesterSets.createSet(2, keys);
        t0 = block.timestamp;
    }

    function _sortAttesters() private {
        for (uint256 i; i < 2; ++i) {
            for (uint256 j; j < 2 - i; ++j) {
                if (attesters[j].addr > attesters[j + 1].addr) {
                    Vm.Wallet memory w = attesters[j];
                    attesters[j] = attesters[j + 1];
                    attesters[j + 1] = w;
                }
            }
        }
    }

    // ---- terms ----

    function _milestone(Mode mode) internal view returns (Milestone memory m) {
        m.amount = AMOUNT;
        m.mode = mode;
        m.payer = buyer.id;
        m.requiredStatus = SHIPPED;
        m.fundBy = mode == Mode.PREFUND ? uint40(block.timestamp) + FUND_IN : 0;
        m.attestBy = uint40(block.timestamp) + ATTEST_IN;
        m.payWithin = PAY_WITHIN;
        m.rulingWithin = RULING;
    }

    function _terms(Milestone memory m) internal returns (Terms memory t) {
        Milestone[] memory list = new Milestone[](1);
        list[0] = m;
        return _terms(list);
    }

    function _terms(Milestone[] memory list) internal returns (Terms memory t) {
        t.buyer = buyer.id;
        t.seller = seller.id;
        t.token = address(usd);
        t.orderReference = keccak256(abi.encode("order", ++_orders));
        t.documentRoot = keccak256("documents");
        t.arbiter = arbiter.id;
        t.attesterSet = setId;
        t.floorEpoch = 1;
        t.threshold = 2;
        t.fallbackSplit = SPLIT;
        t.submitGrace = GRACE;
        t.negativeStatuses = 1 << DAMAGED;
        t.openBy = uint40(block.timestamp + 1 days);
        t.milestones = list;
    }

    /// @dev Pay first; accepted goods are inspected.
    function _prefund() internal returns (Terms memory) {
        Milestone memory m = _milestone(Mode.PREFUND);
        m.inspection = INSPECTION;
        return _terms(m);
    }

    /// @dev Pay first; released by anyone once attested.
    function _prefundAtOnce() internal returns (Terms memory) {
        return _terms(_milestone(Mode.PREFUND));
    }

    /// @dev Goods first.
    function _onAttest() internal returns (Terms memory) {
        return _terms(_milestone(Mode.ON_ATTEST));
    }

    function _partial(Mode mode) internal returns (Terms memory) {
        Milestone memory m = _milestone(mode);
        m.partialDelivery = true;
        return _terms(m);
    }

    function _ref(Terms memory t, uint256 milestone) internal view returns (bytes32) {
        return keccak256(abi.encode(escrow.orderId(t), milestone));
    }

    // ---- opening, funding, paying ----

    function _signTerms(Terms memory t, Party memory party) internal view returns (bytes memory) {
        return _sign(party.key, escrow.termsDigest(t));
    }

    function _open(Terms memory t) internal returns (OrderId) {
        return escrow.open(t, _signTerms(t, buyer), _signTerms(t, seller));
    }

    function _opened(Terms memory t) internal returns (Terms memory) {
        _open(t);
        return t;
    }

    function _funded(Terms memory t) internal returns (Terms memory) {
        _open(t);
        _holdFor(t, AMOUNT);
        return t;
    }

    /// @dev The buyer's own hold: funds, or pays what is due.
    function _holdFor(Terms memory t, uint256 amount) internal {
        bytes memory data = abi.encode(t, uint256(0), bytes(""), bytes(""));
        bytes32 ref = _ref(t, 0);
        vm.prank(buyer.wallet);
        usd.holdAndCall(address(escrow), amount, ref, data);
    }

    function _consent(Party memory payer, Terms memory t, uint256 milestone, uint256 amount)
        internal
        returns (IOrderBook.ConsentSignature memory c)
    {
        c.payer = payer.wallet;
        c.nonce = ++_consents;
        c.deadline = block.timestamp + 365 days;
        c.signature = _signConsent(
            payer.key,
            DepositToken(t.token),
            payer.wallet,
            address(escrow),
            amount,
            _ref(t, milestone),
            c.nonce,
            c.deadline
        );
    }

    // ---- attesting ----

    function _says(Terms memory t, uint48 seq, uint8 status) internal view returns (Attestation memory a) {
        a.orderId = escrow.orderId(t);
        a.seq = seq;
        a.status = status;
        a.attestedAt = uint40(block.timestamp);
        a.documentHash = keccak256(abi.encode("document", seq));
        a.setEpoch = 1;
        a.deadline = uint40(block.timestamp + 1 days);
    }

    /// @dev Of a partial delivery.
    function _says(Terms memory t, uint48 seq, uint8 status, uint88 accepted, bool complete)
        internal
        view
        returns (Attestation memory a)
    {
        a = _says(t, seq, status);
        (a.accepted, a.complete) = (accepted, complete);
    }

    function _signed(Attestation memory a) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](2);
        signatures[0] = _signedBy(a, attesters[0]);
        signatures[1] = _signedBy(a, attesters[1]);
    }

    function _signedBy(Attestation memory a, Vm.Wallet memory attester) internal view returns (bytes memory) {
        return abi.encodePacked(attester.addr, _sign(attester.privateKey, escrow.attestationDigest(a)));
    }

    function _attest(Terms memory t, Attestation memory a) internal {
        escrow.attest(t, a, _signed(a));
    }

    function _attest(Terms memory t, uint48 seq, uint8 status) internal {
        _attest(t, _says(t, seq, status));
    }

    function _attestPart(Terms memory t, uint48 seq, uint8 status, uint88 accepted, bool complete) internal {
        _attest(t, _says(t, seq, status, accepted, complete));
    }

    // ---- agreeing ----

    function _agreement(Terms memory t, uint88 sellerAmount) internal view returns (Agreement memory) {
        return Agreement({
            orderId: escrow.orderId(t),
            milestone: 0,
            sellerAmount: sellerAmount,
            unpaid: uint88(escrow.unpaidOf(t, 0)),
            nonce: 1,
            deadline: uint40(block.timestamp + 1 days)
        });
    }

    function _agree(Terms memory t, Agreement memory a) internal {
        bytes32 digest = escrow.agreementDigest(a);
        escrow.agree(t, a, _sign(buyer.key, digest), _sign(seller.key, digest));
    }

    // ---- what is ----

    function _view(Terms memory t) internal view returns (IOrderBook.MilestoneView memory) {
        return escrow.milestoneOf(escrow.orderId(t), 0);
    }

    function _state(Terms memory t) internal view returns (IOrderBook.State) {
        return escrow.stateOf(escrow.orderId(t), 0);
    }

    function _assertState(Terms memory t, IOrderBook.State expected) internal view {
        assertEq(uint256(_state(t)), uint256(expected), "state");
    }

    /// @dev E1 and E2 of this one order: what the escrow says is what the token has.
    function _assertAmounts(Terms memory t, uint256 held, uint256 released, uint256 refunded) internal view {
        (uint256 f, uint256 h, uint256 r, uint256 b) = escrow.amountsOf(t, 0);
        assertEq(h, held, "held");
        assertEq(r, released, "released");
        assertEq(b, refunded, "refunded");
        assertEq(f, h + r + b, "E1");
        assertEq(usd.heldFor(address(escrow), buyer.wallet), held, "E2");
        assertEq(usd.balanceOf(seller.wallet), released, "the seller has it");
        assertEq(usd.balanceOf(buyer.wallet), 100 * AMOUNT - released, "the buyer has the rest");
    }

    function _wrongState(Terms memory t, IOrderBook.State state) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOrderBook.WrongState.selector, escrow.orderId(t), 0, state);
    }
}
