// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IOrderAmendments} from "../../contracts/interfaces/IOrderAmendments.sol";
import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {Milestone, Mode, Terms} from "../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/settlement/ContractWallet.sol";

/// @notice New terms in the place of old ones: what is held goes over, the difference is funded or goes back.
contract EscrowAmendTest is OrderBase {
    IOrderBook.State private constant AMENDED = IOrderBook.State.Amended;
    uint256 private constant WEALTH = 100 * uint256(AMOUNT);

    // ---- how ----

    function _none() private pure returns (IOrderBook.ConsentSignature[] memory) {
        return new IOrderBook.ConsentSignature[](0);
    }

    function _one(IOrderBook.ConsentSignature memory c)
        private
        pure
        returns (IOrderBook.ConsentSignature[] memory list)
    {
        list = new IOrderBook.ConsentSignature[](1);
        list[0] = c;
    }

    function _deadline() private view returns (uint40) {
        return uint40(block.timestamp + 1 days);
    }

    function _signed(Terms memory a, Terms memory b, Party memory party) private view returns (bytes memory) {
        return _sign(party.key, escrow.amendmentDigest(escrow.orderId(a), escrow.orderId(b), _deadline()));
    }

    function _amend(Terms memory a, Terms memory b, IOrderBook.ConsentSignature[] memory consents)
        private
        returns (OrderId)
    {
        return escrow.amend(a, b, _deadline(), _signed(a, b, buyer), _signed(a, b, seller), consents);
    }

    function _expectAmend(Terms memory a, Terms memory b, bytes memory revertData) private {
        (bytes memory one, bytes memory other) = (_signed(a, b, buyer), _signed(a, b, seller));
        uint40 deadline = _deadline();
        IOrderBook.ConsentSignature[] memory consents = _none();
        vm.expectRevert(revertData);
        escrow.amend(a, b, deadline, one, other, consents);
    }

    function _priced(uint88 amount) private returns (Terms memory) {
        Milestone memory m = _milestone(Mode.PREFUND);
        m.amount = amount;
        return _terms(m);
    }

    function _held() private view returns (uint256) {
        return usd.heldFor(address(escrow), buyer.wallet);
    }

    function _assertSplit(Terms memory t, uint256 funded, uint256 held, uint256 released, uint256 refunded)
        private
        view
    {
        (uint256 f, uint256 h, uint256 r, uint256 b) = escrow.amountsOf(t, 0);
        assertEq(f, funded, "funded");
        assertEq(h, held, "held");
        assertEq(r, released, "released");
        assertEq(b, refunded, "refunded");
        assertEq(f, h + r + b, "E1");
    }

    // ---- money goes over ----

    function test_the_same_amount_goes_over_and_no_token_moves() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        bytes32 balances = keccak256(abi.encode(usd.balanceOf(buyer.wallet), _held(), usd.available(buyer.wallet)));
        vm.expectEmit(address(escrow));
        emit IOrderAmendments.MilestoneCarried(escrow.orderId(a), escrow.orderId(b), 0, buyer.wallet, AMOUNT);
        _amend(a, b, _none());
        _assertState(a, AMENDED);
        _assertState(b, IOrderBook.State.Funded);
        _assertSplit(a, 0, 0, 0, 0);
        _assertSplit(b, AMOUNT, AMOUNT, 0, 0);
        assertEq(
            keccak256(abi.encode(usd.balanceOf(buyer.wallet), _held(), usd.available(buyer.wallet))), balances, "held"
        );
    }

    function test_the_new_order_lives_on_and_pays() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        _amend(a, b, _none());
        escrow.attestAndRelease(b, _says(b, 1, SHIPPED), _signed(_says(b, 1, SHIPPED)));
        _assertState(b, IOrderBook.State.Released);
        assertEq(usd.balanceOf(seller.wallet), AMOUNT);
        assertEq(_held(), 0);
    }

    function test_less_goes_back() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(PART);
        vm.expectEmit(address(escrow));
        emit IOrderBook.MilestoneRefunded(escrow.orderId(a), 0, buyer.wallet, AMOUNT - PART);
        _amend(a, b, _none());
        _assertSplit(a, AMOUNT - PART, 0, 0, AMOUNT - PART);
        _assertSplit(b, PART, PART, 0, 0);
        assertEq(_held(), PART);
        assertEq(usd.available(buyer.wallet), WEALTH - PART);
    }

    function test_more_is_held_with_the_buyers_consent() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT + PART);
        _amend(a, b, _one(_consent(buyer, b, 0, PART)));
        _assertSplit(b, AMOUNT + PART, AMOUNT + PART, 0, 0);
        assertEq(_held(), AMOUNT + PART);
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, AMOUNT + PART, "the limit counts the difference once");
    }

    function test_without_a_consent_more_is_refused_and_nothing_happens() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT + PART);
        _expectAmend(a, b, abi.encodeWithSelector(IOrderAmendments.WrongConsents.selector, 0, 1));
        _assertState(a, IOrderBook.State.Funded);
        _assertState(b, IOrderBook.State.None);
    }

    function test_a_consent_that_is_not_needed_is_refused() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        IOrderBook.ConsentSignature[] memory consents = _one(_consent(buyer, b, 0, PART));
        (bytes memory one, bytes memory other) = (_signed(a, b, buyer), _signed(a, b, seller));
        uint40 deadline = _deadline();
        vm.expectRevert(abi.encodeWithSelector(IOrderAmendments.WrongConsents.selector, 1, 0));
        escrow.amend(a, b, deadline, one, other, consents);
    }

    function test_the_difference_comes_from_the_wallet_that_paid() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT + PART);
        Vm.Wallet memory second = _link(buyer, "buyer, second wallet");
        _deposit(usd, second.addr, PART);
        Party memory other = Party(buyer.id, second.addr, second.privateKey, buyer.identity);
        IOrderBook.ConsentSignature[] memory consents = _one(_consent(other, b, 0, PART));
        (bytes memory one, bytes memory two) = (_signed(a, b, buyer), _signed(a, b, seller));
        uint40 deadline = _deadline();
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.WrongPayer.selector, escrow.orderId(b), second.addr));
        escrow.amend(a, b, deadline, one, two, consents);
    }

    /// @dev Held yesterday, given back today: today's limit is not given back for it.
    function test_no_limit_is_given_back_for_what_was_held_before() external {
        Terms memory a = _funded(_prefund());
        vm.warp(block.timestamp + 1 days);
        vm.prank(buyer.wallet);
        usd.transfer(arbiter.wallet, PART);
        (, uint256 before) = usd.dailyLimit(buyer.id);
        assertEq(before, PART);
        Terms memory b = _priced(AMOUNT);
        _amend(a, b, _none());
        vm.prank(seller.wallet);
        escrow.refund(b, 0);
        (, uint256 spent) = usd.dailyLimit(buyer.id);
        assertEq(spent, PART, "still");
        assertEq(_held(), 0);
    }

    function test_the_money_of_a_lost_wallet_goes_over_for_its_successor() external {
        Terms memory a = _funded(_prefund());
        Vm.Wallet memory next = _link(buyer, "successor");
        _recover(buyer.wallet, next.addr);
        (buyer.wallet, buyer.key) = (next.addr, next.privateKey);
        Terms memory b = _priced(AMOUNT + PART);
        _amend(a, b, _one(_consent(buyer, b, 0, PART)));
        assertEq(_held(), AMOUNT + PART);
        assertEq(_view(b).payer, next.addr);
    }

    // ---- what does not go over ----

    function test_a_third_payers_money_goes_back() external {
        Party memory payer = _client("payer", usd, AMOUNT);
        Terms memory a = _prefund();
        a.milestones[0].payer = payer.id;
        _open(a);
        IOrderBook.ConsentSignature memory c = _consent(payer, a, 0, AMOUNT);
        escrow.fund(a, 0, c);
        Terms memory b = _prefund();
        b.milestones[0].payer = payer.id;
        _amend(a, b, _none());
        _assertSplit(a, AMOUNT, 0, 0, AMOUNT);
        _assertState(b, IOrderBook.State.Open);
        assertEq(usd.available(payer.wallet), AMOUNT);
    }

    function test_money_without_a_place_in_the_new_order_goes_back() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _onAttest();
        _amend(a, b, _none());
        _assertSplit(a, AMOUNT, 0, 0, AMOUNT);
        _assertState(b, IOrderBook.State.Open);
        assertEq(_held(), 0);
    }

    /// @dev Two old milestones, one paid in part; the new order has one less and one more.
    function test_milestones_stand_by_their_index() external {
        Milestone[] memory list = new Milestone[](3);
        (list[0], list[1], list[2]) = (_milestone(Mode.PREFUND), _milestone(Mode.PREFUND), _milestone(Mode.ON_ATTEST));
        list[0].partialDelivery = true;
        Terms memory a = _terms(list);
        _open(a);
        escrow.fund(a, 0, _consent(buyer, a, 0, AMOUNT));
        escrow.fund(a, 1, _consent(buyer, a, 1, AMOUNT));
        _attestPart(a, 1, SHIPPED, PART, false);
        Milestone[] memory fewer = new Milestone[](1);
        fewer[0] = _milestone(Mode.PREFUND);
        Terms memory b = _terms(fewer);
        _amend(a, b, _one(_consent(buyer, b, 0, PART)));
        _assertSplit(a, PART, 0, PART, 0);
        (uint256 f, uint256 h, uint256 r, uint256 back) = escrow.amountsOf(a, 1);
        assertEq(f, AMOUNT);
        assertEq(h + r, 0);
        assertEq(back, AMOUNT);
        _assertSplit(b, AMOUNT, AMOUNT, 0, 0);
        assertEq(_held(), AMOUNT, "E2");
        assertEq(usd.balanceOf(seller.wallet), PART);
        for (uint256 i; i < 3; ++i) {
            assertEq(uint256(escrow.stateOf(escrow.orderId(a), i)), uint256(AMENDED));
        }
    }

    function test_an_unfunded_order_is_amended_too() external {
        Terms memory a = _opened(_prefund());
        Terms memory b = _priced(PART);
        _amend(a, b, _none());
        _assertState(a, AMENDED);
        _assertState(b, IOrderBook.State.Open);
    }

    // ---- once, and only what may be ----

    function test_an_order_is_amended_once() external {
        Terms memory a = _funded(_prefund());
        _amend(a, _priced(AMOUNT), _none());
        Terms memory c = _priced(AMOUNT);
        _expectAmend(a, c, abi.encodeWithSelector(IOrderAmendments.NothingToAmend.selector, escrow.orderId(a)));
    }

    function test_the_same_amendment_twice() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        _amend(a, b, _none());
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.OrderAlreadyOpen.selector, escrow.orderId(b)));
    }

    function test_an_order_is_not_its_own_amendment() external {
        Terms memory a = _funded(_prefund());
        _expectAmend(a, a, abi.encodeWithSelector(IOrderBook.OrderAlreadyOpen.selector, escrow.orderId(a)));
    }

    function test_an_order_that_is_not_open() external {
        Terms memory a = _prefund();
        Terms memory b = _prefund();
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, escrow.orderId(a)));
    }

    function test_what_is_accepted_due_disputed_or_owed_is_settled_first() external {
        Terms memory a = _funded(_prefund());
        _attest(a, 1, SHIPPED);
        _expectNotAmendable(a, IOrderBook.State.Accepted);
        Terms memory due = _opened(_onAttest());
        _attest(due, 1, SHIPPED);
        _expectNotAmendable(due, IOrderBook.State.Due);
        Terms memory disputed = _funded(_prefund());
        vm.prank(buyer.wallet);
        escrow.dispute(disputed, 0);
        _expectNotAmendable(disputed, IOrderBook.State.Disputed);
        Terms memory owing = _funded(_partial(Mode.PREFUND));
        _freeze(seller.id);
        _attestPart(owing, 1, SHIPPED, PART, false);
        _unfreeze(seller.id);
        _expectNotAmendable(owing, IOrderBook.State.Funded);
    }

    function _expectNotAmendable(Terms memory a, IOrderBook.State state) private {
        Terms memory b = _prefund();
        bytes memory reason =
            abi.encodeWithSelector(IOrderAmendments.NotAmendable.selector, escrow.orderId(a), 0, state);
        _expectAmend(a, b, reason);
    }

    function test_parties_and_token_stay() external {
        Terms memory a = _funded(_prefund());
        Party memory other = _client("other");
        Terms memory b = _prefund();
        b.seller = other.id;
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "seller"));
        b = _prefund();
        (b.buyer, b.milestones[0].payer) = (other.id, other.id);
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "buyer"));
        b = _prefund();
        b.token = address(eur);
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "token"));
        b = _prefund();
        b.milestones[0].amount = 0;
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "amount"));
        b = _prefund();
        b.milestones = new Milestone[](0);
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.InvalidTerms.selector, "milestones"));
        b = _prefund();
        b.openBy = uint40(block.timestamp - 1);
        _expectAmend(a, b, abi.encodeWithSelector(IOrderBook.OpeningExpired.selector, b.openBy, block.timestamp));
    }

    // ---- signatures ----

    function test_both_sign_this_very_change() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        Terms memory c = _priced(PART);
        uint40 deadline = _deadline();
        bytes memory ofBuyer = _signed(a, b, buyer);
        bytes memory elsewhere = _signed(a, c, seller);
        IOrderBook.ConsentSignature[] memory none = _none();
        bytes memory reason =
            abi.encodeWithSelector(IOrderBook.InvalidPartySignature.selector, escrow.orderId(a), seller.id);
        vm.expectRevert(reason);
        escrow.amend(a, b, deadline, ofBuyer, elsewhere, none);
        bytes memory own = _signTerms(b, seller); // as if it were to open
        vm.expectRevert(reason);
        escrow.amend(a, b, deadline, ofBuyer, own, none);
        vm.expectRevert(reason);
        escrow.amend(a, b, deadline, ofBuyer, "", none);
        bytes memory ofSeller = _signed(a, b, seller);
        vm.expectRevert(reason);
        escrow.amend(a, b, deadline, ofBuyer, _truncated(ofSeller), none);
        vm.expectRevert(reason);
        escrow.amend(a, b, deadline, ofBuyer, _malleated(ofSeller), none);
    }

    function _truncated(bytes memory signature) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(signature, 64)
        }
        return signature;
    }

    /// @dev The other signature of the same key: high s.
    function _malleated(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = (0, 0, 0);
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        return abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function test_the_signatures_are_void_after_their_deadline() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        (bytes memory one, bytes memory other) = (_signed(a, b, buyer), _signed(a, b, seller));
        uint40 deadline = _deadline();
        uint256 fresh = vm.snapshotState();
        vm.warp(deadline);
        escrow.amend(a, b, deadline, one, other, _none());
        vm.revertToState(fresh);
        vm.warp(uint256(deadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.SignatureExpired.selector, deadline, block.timestamp));
        escrow.amend(a, b, deadline, one, other, _none());
    }

    function test_a_party_that_calls_needs_no_signature() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        bytes memory ofBuyer = _signed(a, b, buyer);
        uint40 deadline = _deadline();
        vm.prank(seller.wallet);
        escrow.amend(a, b, deadline, ofBuyer, "", _none());
        _assertState(b, IOrderBook.State.Funded);
    }

    /// @dev ERC-1271, as current wallet of the seller.
    function test_a_contract_wallet_signs() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        Vm.Wallet memory owner = _key("owner of the seller's contract");
        ContractWallet wallet = new ContractWallet(owner.addr);
        bytes memory link = _signLink(owner.privateKey, seller.identity, address(wallet), block.timestamp);
        vm.prank(onboarder);
        registry.linkWallet(seller.id, address(wallet), block.timestamp, link);
        _makeCurrent(seller, address(wallet));
        (seller.wallet, seller.key) = (address(wallet), owner.privateKey);
        _amend(a, b, _none());
        _assertState(b, IOrderBook.State.Funded);
    }

    // ---- stops ----

    function test_what_moves_no_money_goes_while_paused() external {
        Terms memory a = _funded(_prefund());
        _pause(usd);
        Terms memory b = _priced(PART);
        _amend(a, b, _none());
        assertEq(_held(), PART, "less goes back even so");
    }

    function test_more_is_not_held_while_paused() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT + PART);
        IOrderBook.ConsentSignature[] memory consents = _one(_consent(buyer, b, 0, PART));
        (bytes memory one, bytes memory other) = (_signed(a, b, buyer), _signed(a, b, seller));
        uint40 deadline = _deadline();
        _pause(usd);
        vm.expectPartialRevert(IDepositToken.Refused.selector);
        escrow.amend(a, b, deadline, one, other, consents);
        _assertState(a, IOrderBook.State.Funded);
    }

    /// @dev The code that runs by DELEGATECALL knows nothing when called directly.
    function test_the_amendments_alone_know_no_order() external {
        Terms memory a = _funded(_prefund());
        Terms memory b = _priced(AMOUNT);
        IOrderAmendments code = IOrderAmendments(escrow.amendments());
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.UnknownOrder.selector, escrow.orderId(a)));
        code.amend(a, b, _deadline(), "", "", _none());
    }

    // ---- by chance ----

    /// @dev E1, E2 and E5 over any two orders of three milestones, some funded.
    function testFuzz_nothing_is_lost_or_doubled(uint256 seed) external {
        Terms memory a = _random(seed);
        Terms memory b = _random(uint256(keccak256(abi.encode(seed))));
        _open(a);
        uint256 funded;
        for (uint256 i; i < 3; ++i) {
            if (a.milestones[i].mode != Mode.PREFUND || seed >> (200 + i) & 1 == 0) continue;
            IOrderBook.ConsentSignature memory c = _consent(buyer, a, i, a.milestones[i].amount);
            escrow.fund(a, i, c);
            funded += a.milestones[i].amount;
        }
        IOrderBook.ConsentSignature[] memory all = new IOrderBook.ConsentSignature[](3);
        uint256 n;
        uint256 more;
        for (uint256 i; i < 3; ++i) {
            bool was = a.milestones[i].mode == Mode.PREFUND && seed >> (200 + i) & 1 == 1;
            if (!was || b.milestones[i].mode != Mode.PREFUND) continue;
            if (b.milestones[i].amount <= a.milestones[i].amount) continue;
            all[n++] = _consent(buyer, b, i, b.milestones[i].amount - a.milestones[i].amount);
            more += b.milestones[i].amount - a.milestones[i].amount;
        }
        assembly ("memory-safe") {
            mstore(all, n)
        }
        _amend(a, b, all);
        (uint256 held, uint256 back) = (0, 0);
        for (uint256 i; i < 3; ++i) {
            (uint256 f, uint256 h, uint256 r, uint256 g) = escrow.amountsOf(a, i);
            assertEq(f, h + r + g, "E1");
            assertEq(h + r, 0);
            back += g;
            (f, h, r, g) = escrow.amountsOf(b, i);
            assertEq(f, h, "E1");
            assertEq(r + g, 0);
            held += h;
        }
        assertEq(held, funded + more - back, "carried");
        assertEq(_held(), held, "E2");
        assertEq(usd.available(buyer.wallet), WEALTH - held, "E5");
    }

    function _random(uint256 seed) private returns (Terms memory) {
        Milestone[] memory list = new Milestone[](3);
        for (uint256 i; i < 3; ++i) {
            list[i] = _milestone((seed >> i) & 3 == 0 ? Mode.ON_ATTEST : Mode.PREFUND);
            list[i].amount = uint88(1 + (seed >> (16 * (i + 1))) % (3 * AMOUNT));
        }
        return _terms(list);
    }
}
