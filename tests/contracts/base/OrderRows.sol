// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {Milestone, Mode} from "../../../contracts/libraries/OrderTerms.sol";
import {OrderHandler} from "./OrderHandler.sol";

/// @notice The rows of the escrow's state table, and an act that goes after those a run has not seen yet: chance alone
/// comes by some of them once in thousands of acts.
abstract contract OrderRows is OrderHandler {
    IOrderBook.State private constant OPEN = IOrderBook.State.Open;
    IOrderBook.State private constant FUNDED = IOrderBook.State.Funded;
    IOrderBook.State private constant ACCEPTED = IOrderBook.State.Accepted;
    IOrderBook.State private constant DUE = IOrderBook.State.Due;
    IOrderBook.State private constant DISPUTED = IOrderBook.State.Disputed;
    IOrderBook.State private constant RELEASED = IOrderBook.State.Released;
    IOrderBook.State private constant REFUNDED = IOrderBook.State.Refunded;
    IOrderBook.State private constant CANCELLED = IOrderBook.State.Cancelled;

    struct Row {
        IOrderBook.State from;
        IOrderBook.State to;
        Act act;
    }

    Row[] private _table;

    function setUp() public virtual override {
        super.setUp();
        _nameRows();
    }

    /// @dev Goes after a row that this run has not seen: takes it where some milestone stands at its start, else brings
    /// one nearer. What only time brings about gets time now and then.
    function steer(uint256 seed, uint88 amount) public {
        for (uint256 k; k < _table.length; ++k) {
            uint256 r = (seed % _table.length + k) % _table.length;
            Row memory row = _table[r];
            bool late = row.act == Act.Refund || row.act == Act.Cancel || row.act == Act.Fallback;
            if (_takenOf(r) != 0 || (late && seed >> 240 & 15 != 0)) continue;
            (bool found, Item memory item) = _standingAt(row, seed);
            uint256 part = row.to == FUNDED || row.to == OPEN ? amount % PART : amount;
            Luck memory luck = Luck(seed, uint88(part), row.from == FUNDED && row.to == RELEASED);
            if (!found) return _lead(row, luck);
            if (late) _pass(uint256(ATTEST_IN) + GRACE + RULING);
            _try(row.act, item, _termsOf(item), luck);
            return;
        }
        openAnother(seed);
    }

    /// @dev Brings a milestone to where the row starts, or nearer to it.
    function _lead(Row memory row, Luck memory luck) private {
        bool complains = row.act == Act.Deliver || luck.seed & 3 != 0; // a status ends what a status began
        if (row.from == DISPUTED && (row.to == ACCEPTED || row.to == REFUNDED)) {
            if (_tryAt(Row(FUNDED, ACCEPTED, Act.Deliver), complains ? Act.Complain : Act.DisputeAsSeller, luck)) {
                return;
            }
        } else if (row.from == DISPUTED) {
            if (_offer(complains ? Act.Complain : Act.DisputeAsSeller, luck)) return;
        } else if (row.from == ACCEPTED) {
            if (_tryAt(Row(FUNDED, ACCEPTED, Act.DeliverAndRelease), Act.DeliverAndRelease, luck)) return;
        } else if (row.from == DUE && _offer(Act.Deliver, luck)) {
            return;
        }
        if (row.from != OPEN && row.from != DUE && _offer(Act.FundByHold, luck)) return;
        openAnother(luck.seed);
    }

    /// @dev Tries `act` on a milestone of which `row` can be.
    function _tryAt(Row memory row, Act act, Luck memory luck) private returns (bool) {
        (bool found, Item memory item) = _standingAt(row, luck.seed);
        return found && _try(act, item, _termsOf(item), luck);
    }

    function _standingAt(Row memory row, uint256 seed) private view returns (bool, Item memory item) {
        for (uint256 i; i < _live.length; ++i) {
            item = _items[_live[(seed % _live.length + i) % _live.length]];
            if (_stateOf(item) == row.from && _mayLeadTo(row, item)) return (true, item);
        }
        return (false, item);
    }

    /// @dev Leaves out milestones of which the row cannot be: the other mode, delivered in parts or not, disputed by the
    /// other side, not inspected.
    function _mayLeadTo(Row memory row, Item memory item) private view returns (bool) {
        bool prefund = item.mode == Mode.PREFUND;
        if (row.to == ACCEPTED || row.to == REFUNDED) {
            if (!prefund) return false;
        } else if ((row.to == DUE || row.to == OPEN) && prefund) {
            return false;
        }
        Milestone memory m = _termsOf(item).milestones[item.milestone];
        if (row.from == FUNDED && row.act == Act.Deliver) return m.partialDelivery == (row.to != ACCEPTED);
        if (row.from == FUNDED && row.act == Act.DeliverAndRelease && !m.partialDelivery) {
            return (m.inspection == 0) == (row.to == RELEASED);
        }
        if (row.to == OPEN) return m.partialDelivery;
        if (row.from == ACCEPTED && row.act == Act.DisputeAsBuyer) return m.inspection != 0;
        if (row.from != DISPUTED || (row.act != Act.Deliver && row.act != Act.DisputeAsBuyer)) return true;
        bool byParty = escrow.milestoneOf(item.id, item.milestone).disputedByParty;
        if (row.act == Act.DisputeAsBuyer) return !byParty;
        return byParty == (row.to == DISPUTED) && !(row.to == ACCEPTED && m.partialDelivery);
    }

    function _add(IOrderBook.State from, IOrderBook.State to, Act act) private {
        _table.push(Row(from, to, act));
        _row(_rowOf(from, to, act));
    }

    function _nameRows() private {
        _nameTable("escrow");
        _add(OPEN, FUNDED, Act.FundByConsent);
        _add(OPEN, FUNDED, Act.FundByHold);
        _add(OPEN, CANCELLED, Act.Cancel);
        _add(OPEN, CANCELLED, Act.CancelTogether);
        _add(OPEN, DUE, Act.Deliver);
        _add(OPEN, DISPUTED, Act.Complain);
        _add(FUNDED, ACCEPTED, Act.Deliver);
        _add(FUNDED, FUNDED, Act.Deliver); // a part
        _add(FUNDED, RELEASED, Act.Deliver); // the last part
        _add(FUNDED, RELEASED, Act.DeliverAndRelease);
        _add(FUNDED, ACCEPTED, Act.DeliverAndRelease); // inspected, or the payee is refused
        _add(FUNDED, REFUNDED, Act.RefundAsSeller);
        _add(FUNDED, REFUNDED, Act.Refund);
        _add(FUNDED, DISPUTED, Act.Complain);
        _add(FUNDED, DISPUTED, Act.DisputeAsBuyer);
        _add(FUNDED, DISPUTED, Act.DisputeAsSeller);
        _add(FUNDED, CANCELLED, Act.CancelByOrder);
        _add(ACCEPTED, RELEASED, Act.Release);
        _add(ACCEPTED, RELEASED, Act.ReleaseAsBuyer);
        _add(ACCEPTED, REFUNDED, Act.RefundAsSeller);
        _add(ACCEPTED, DISPUTED, Act.DisputeAsBuyer);
        _add(DUE, RELEASED, Act.PayByConsent);
        _add(DUE, RELEASED, Act.PayByHold);
        _add(DUE, OPEN, Act.PayByConsent); // a part
        _add(DUE, CANCELLED, Act.WriteOff);
        _add(DUE, DISPUTED, Act.DisputeAsBuyer);
        _add(DISPUTED, DISPUTED, Act.DisputeAsBuyer); // takes it over from an attestation
        _add(DISPUTED, DISPUTED, Act.Deliver); // recorded only
        _add(DISPUTED, ACCEPTED, Act.Deliver); // ended by a higher seq
        _add(DISPUTED, DUE, Act.Deliver);
        _add(DISPUTED, ACCEPTED, Act.Rule);
        _add(DISPUTED, DUE, Act.Rule);
        _add(DISPUTED, ACCEPTED, Act.Fallback);
        _add(DISPUTED, REFUNDED, Act.Fallback);
        _add(DISPUTED, ACCEPTED, Act.Agree);
        _add(FUNDED, ACCEPTED, Act.Agree);
        _add(OPEN, DUE, Act.Agree);
    }
}
