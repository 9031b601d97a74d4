// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {OrderId} from "../../../contracts/libraries/Ids.sol";
import {Milestone, Mode, Terms} from "../../../contracts/libraries/OrderTerms.sol";
import {OrderBase} from "./OrderBase.sol";
import {Rows} from "./Rows.sol";
import {Vm} from "./Vm.sol";

/// @notice Several orders of several milestones between two sellers and two payers, and books of their money that are
/// kept from the token's events alone, so that what the escrow says of itself can be held against them.
abstract contract OrderLedger is OrderBase, Rows {
    uint256 internal constant WEALTH = 1000 * uint256(AMOUNT); // of each payer at the start

    /// @dev What the token says happened under a milestone's reference.
    struct Book {
        uint256 held;
        uint256 executed;
        uint256 returned;
        address payer; // whose money was held last
    }

    struct Item {
        uint256 order; // in _encoded
        uint256 milestone;
        Mode mode;
        OrderId id;
        bytes32 ref;
    }

    Party internal payer; // pays for the buyer in one of the orders
    Party internal rival; // the other seller
    Item[] internal _items;
    uint256[] internal _live; // of _items, those that are not over
    uint256[] internal _over;
    bytes[] internal _encoded; // terms
    mapping(bytes32 ref => Book) internal _books;
    mapping(bytes32 ref => uint256 indexPlusOne) private _itemOf;
    mapping(bytes32 ref => bytes32) private _ended; // the words of a milestone that is over
    mapping(uint32 participant => uint256) internal _spent;
    mapping(uint32 participant => uint256) internal _received;
    uint256 internal _astray; // movements that E5 forbids

    function setUp() public virtual override {
        super.setUp();
        payer = _client("payer", usd, WEALTH);
        rival = _client("rival");
        _deposit(usd, buyer.wallet, WEALTH - 100 * uint256(AMOUNT));
        t0 = block.timestamp;
    }

    // ---- orders ----

    /// @dev Kind 0: part in advance, part on delivery. 1: the same, delivered in parts. 2: paid by a third party, not
    /// inspected and inspected. 3: three milestones, paid by two, delivered in parts, and no arbiter.
    function _draw(uint256 kind) internal returns (Terms memory t) {
        Milestone[] memory list = new Milestone[](kind == 3 ? 3 : 2);
        for (uint256 i; i < list.length; ++i) {
            list[i] = _milestone(kind == 2 || i == 0 ? Mode.PREFUND : Mode.ON_ATTEST);
            list[i].amount = uint88(AMOUNT + i * PART);
        }
        if (kind == 0) list[0].inspection = INSPECTION;
        if (kind == 1) list[0].partialDelivery = list[1].partialDelivery = true;
        if (kind == 2) (list[0].payer, list[1].payer, list[1].inspection) = (payer.id, payer.id, INSPECTION);
        if (kind == 3) (list[1].payer, list[0].partialDelivery, list[2].partialDelivery) = (payer.id, true, true);
        t = _terms(list);
        if (kind % 2 == 1) t.seller = rival.id;
        if (kind == 3) t.arbiter = 0;
    }

    function _enter(Terms memory t) internal {
        for (uint256 i; i < t.milestones.length; ++i) {
            bytes32 ref = _ref(t, i);
            _items.push(Item(_encoded.length, i, t.milestones[i].mode, escrow.orderId(t), ref));
            _live.push(_items.length - 1);
            _itemOf[ref] = _items.length;
        }
        _encoded.push(abi.encode(t));
    }

    function _termsOf(Item memory item) internal view returns (Terms memory) {
        return abi.decode(_encoded[item.order], (Terms));
    }

    function _stateOf(Item memory item) internal view returns (IOrderBook.State) {
        return escrow.stateOf(item.id, item.milestone);
    }

    function _partyOf(uint32 id) internal view returns (Party memory) {
        if (id == buyer.id) return buyer;
        if (id == seller.id) return seller;
        return id == payer.id ? payer : rival;
    }

    // ---- books ----

    function _keepBooks(Vm.Log[] memory logs) internal {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(usd)) continue;
            bytes32 what = logs[i].topics[0];
            if (what == IDepositToken.Held.selector) _bookHeld(logs[i]);
            if (what == IDepositToken.HoldExecuted.selector) _bookExecuted(logs[i]);
            if (what == IDepositToken.HoldReleased.selector) _bookReturned(logs[i]);
            if (what == IDepositToken.HoldCancelledByOrder.selector) _bookReturned(logs[i]);
        }
    }

    function _address(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }

    function _participant(address wallet) private view returns (uint32 participant) {
        (participant,,) = registry.walletOf(wallet);
    }

    function _bookHeld(Vm.Log memory log) private {
        Book storage book = _books[log.topics[3]];
        book.held += abi.decode(log.data, (uint256));
        book.payer = _address(log.topics[2]);
        if (_itemOf[log.topics[3]] == 0) ++_astray;
    }

    /// @dev E5: to the seller of this order, out of the money of who paid for this milestone.
    function _bookExecuted(Vm.Log memory log) private {
        (uint256 amount, bytes32 ref) = abi.decode(log.data, (uint256, bytes32));
        Book storage book = _books[ref];
        book.executed += amount;
        (address from, address to) = (_address(log.topics[2]), _address(log.topics[3]));
        uint32 payee = _participant(to);
        _spent[_participant(from)] += amount;
        _received[payee] += amount;
        if (payee != _termsOf(_items[_itemOf[ref] - 1]).seller || to != registry.currentWallet(payee)) ++_astray;
        if (from != registry.resolve(book.payer)) ++_astray;
    }

    /// @dev E5: to nobody but the wallet that paid, or its successor.
    function _bookReturned(Vm.Log memory log) private {
        Book storage book = _books[log.topics[3]];
        (uint256 amount,) = abi.decode(log.data, (uint256, uint256)); // the amount, and a day or an order
        book.returned += amount;
        if (_address(log.topics[2]) != registry.resolve(book.payer)) ++_astray;
    }

    // ---- what must hold ----

    function _assertE1() internal view {
        for (uint256 i; i < _items.length; ++i) {
            Item memory item = _items[i];
            Terms memory t = _termsOf(item);
            (uint256 funded, uint256 held, uint256 released, uint256 refunded) = escrow.amountsOf(t, item.milestone);
            Book memory book = _books[item.ref];
            assertEq(funded, book.held, "E1: funded");
            assertEq(released, book.executed, "E1: released");
            assertEq(refunded, book.returned, "E1: refunded");
            assertEq(book.held, held + book.executed + book.returned, "E1");
            assertLe(book.held, t.milestones[item.milestone].amount, "E1: no more than the amount");
        }
    }

    function _assertE2() internal view {
        (uint256 ofBuyer, uint256 ofPayer) = (0, 0);
        for (uint256 i; i < _items.length; ++i) {
            Terms memory t = _termsOf(_items[i]);
            (, uint256 held,,) = escrow.amountsOf(t, _items[i].milestone);
            if (held == 0) continue;
            address paying = escrow.milestoneOf(_items[i].id, _items[i].milestone).payer;
            assertEq(usd.heldFor(address(escrow), paying) >= held, true, "E2: resolved");
            if (registry.resolve(paying) == buyer.wallet) ofBuyer += held;
            else if (registry.resolve(paying) == payer.wallet) ofPayer += held;
            else assertTrue(false, "E2: held of a stranger");
        }
        assertEq(usd.heldFor(address(escrow), buyer.wallet), ofBuyer, "E2: buyer");
        assertEq(usd.heldFor(address(escrow), payer.wallet), ofPayer, "E2: payer");
        assertEq(usd.held(buyer.wallet) + usd.held(payer.wallet), ofBuyer + ofPayer, "E2: no other holds");
    }

    /// @dev To be called after each act: what ended keeps the words it ended with.
    function _noteEnd(Item memory item) internal {
        if (_ended[item.ref] != 0 || _stateOf(item) < IOrderBook.State.Released) return;
        _ended[item.ref] = _words(item);
        uint256 index = _itemOf[item.ref] - 1;
        _over.push(index);
        uint256 i;
        while (_live[i] != index) ++i;
        _live[i] = _live[_live.length - 1];
        _live.pop();
    }

    function _words(Item memory item) private view returns (bytes32) {
        return keccak256(abi.encode(escrow.milestoneOf(item.id, item.milestone)));
    }

    function _assertE3() internal view {
        for (uint256 i; i < _items.length; ++i) {
            bytes32 was = _ended[_items[i].ref];
            bool over = _stateOf(_items[i]) >= IOrderBook.State.Released;
            assertEq(over, was != 0, "E3: over or not");
            if (over) assertEq(_words(_items[i]), was, "E3");
        }
    }

    function _assertE5() internal view {
        assertEq(_astray, 0, "E5: to the seller, or back to the wallet that paid");
        Party[4] memory all = [buyer, payer, seller, rival];
        for (uint256 i; i < 4; ++i) {
            uint256 had = i < 2 ? WEALTH : 0;
            assertEq(usd.balanceOf(all[i].wallet), had + _received[all[i].id] - _spent[all[i].id], "E5");
            assertEq((i < 2 ? _received : _spent)[all[i].id], 0, "E5: the wrong way");
        }
    }
}
