// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)
// slither-disable-start uninitialized-local (starts at zero)

import {OrderBook} from "./OrderBook.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IOrderAmendments} from "./interfaces/IOrderAmendments.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {OrderId} from "./libraries/Ids.sol";
import {Live, MilestoneWord, Parts} from "./libraries/MilestoneWord.sol";
import {Amendment, Milestone, Mode, OrderTerms, Terms} from "./libraries/OrderTerms.sol";

/// @title OrderAmendments
/// @notice {IOrderAmendments}: more code of {OrderEscrow}, made and run by it as {OrderExtension} is.
/// @dev What goes over is held already, by the token for this escrow and that wallet: carrying it writes words here and
/// moves nothing. It counts as held on an earlier day, so that no daily limit is given back for it.
contract OrderAmendments is OrderBook, IOrderAmendments {
    using MilestoneWord for uint256;
    using OrderTerms for Amendment;
    using OrderTerms for Terms;

    /// @dev An amendment under way.
    struct Change {
        OrderId previous;
        OrderId next;
        uint256 consents; // used so far
        bool live; // a milestone was not over
    }

    constructor(address registry_, address attesterSets_) OrderBook(registry_, attesterSets_) {}

    // ============================================================== amending

    /// @inheritdoc IOrderAmendments
    function amend(
        Terms calldata previous,
        Terms calldata next,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature,
        ConsentSignature[] calldata consents
    ) external returns (OrderId) {
        _requireInTime(deadline);
        Change memory c;
        Terms memory old;
        Terms memory fresh;
        (c.previous, old) = OrderTerms.loader()(previous);
        (c.next, fresh) = OrderTerms.loader()(next);
        _requireAmendable(old, fresh, c, deadline, buyerSignature, sellerSignature);

        _writeOpened(fresh, c.next, NONE);
        emit OrderAmended(c.previous, c.next);
        for (uint256 i; i < old.milestones.length; ++i) {
            _amendOne(old, fresh, c, i, consents);
        }
        if (!c.live) revert NothingToAmend(c.previous);
        if (c.consents != consents.length) revert WrongConsents(consents.length, c.consents);
        return c.next;
    }

    function _requireAmendable(
        Terms memory old,
        Terms memory fresh,
        Change memory c,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) private view {
        if (fresh.buyer != old.buyer) revert InvalidTerms("buyer");
        if (fresh.seller != old.seller) revert InvalidTerms("seller");
        if (fresh.token != old.token) revert InvalidTerms("token");
        if (!_isOpen(c.previous)) revert UnknownOrder(c.previous);
        Signers memory who;
        _requireOpenable(fresh, c.next, who);
        bytes32 structHash = Amendment(c.previous, c.next, deadline).hash();
        _requireBothSigned(old, c.previous, structHash, who, buyerSignature, sellerSignature);
    }

    // slither-disable-next-line reentrancy-events (deposit tokens call nobody back)
    function _amendOne(
        Terms memory previous,
        Terms memory next,
        Change memory c,
        uint256 i,
        ConsentSignature[] calldata consents
    ) private {
        Live memory m = _load(previous, c.previous, i);
        if (_isTerminal(m.state)) return;
        c.live = true;
        Milestone memory ms = previous.milestones[i];
        Parts memory p = _parts(m);
        if ((m.state != State.Open && m.state != State.Funded) || p.owed != 0) revert NotAmendable(m.id, i, m.state);

        uint256 held = m.state == State.Funded ? _unpaid(ms, m, p) : 0;
        uint256 heldSince = _heldSince(m, p);
        p.accepted = held == 0 ? 0 : _goesOver(previous, next, i, held);
        _saveParts(m, p);
        m.state = State.Amended;
        _save(m);
        if (p.accepted != 0) _carry(next, c, i, m.payer, p.accepted, consents);
        if (held != p.accepted) _giveBack(previous, m, held - p.accepted, heldSince, true);
    }

    /// @dev How much of what is held for milestone `i` the new milestone `i` takes over.
    function _goesOver(Terms memory previous, Terms memory next, uint256 i, uint256 held)
        private
        pure
        returns (uint256)
    {
        if (i >= next.milestones.length) return 0;
        Milestone memory ms = next.milestones[i];
        bool theBuyers = previous.milestones[i].payer == previous.buyer && ms.payer == previous.buyer;
        if (ms.mode != Mode.PREFUND || !theBuyers) return 0;
        return held < ms.amount ? held : ms.amount;
    }

    function _carry(
        Terms memory next,
        Change memory c,
        uint256 i,
        address from,
        uint256 carried,
        ConsentSignature[] calldata consents
    ) private {
        Live memory m = _load(next, c.next, i);
        uint256 amount = next.milestones[i].amount;
        address payer = IParticipantRegistry(registry).resolve(from);
        (m.state, m.payer, m.since) = (State.Funded, payer, uint32(block.timestamp));
        _write(m);
        Parts memory p;
        p.carried = true;
        _saveParts(m, p);
        emit MilestoneFunded(m.id, i, payer, amount);
        emit MilestoneCarried(c.previous, c.next, i, payer, carried);
        if (amount == carried) return;

        if (c.consents == consents.length) revert WrongConsents(consents.length, c.consents + 1);
        ConsentSignature calldata s = consents[c.consents++];
        if (s.payer != payer) revert WrongPayer(m.id, s.payer);
        IDepositToken(next.token).hold(payer, amount - carried, m.ref, s.nonce, s.deadline, s.signature);
    }

    // ========================================================== credit notes

    /// @inheritdoc IOrderAmendments
    function refundReleased(
        Terms calldata terms,
        uint256 milestone,
        uint256 amount,
        bytes32 creditNote,
        ConsentSignature calldata c
    ) external {
        if (creditNote == 0) revert CreditNoteMissing();
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        if (_participantOf(c.payer) != t.seller) revert NotParty(m.id, c.payer);
        uint256 most = _released(ms, m, _parts(m)) - _credited[m.ref];
        if (amount == 0 || amount > most) revert WrongCredit(amount, most);
        bytes32 ref = OrderTerms.creditReference(m.ref, creditNote);
        if (_usedCreditNotes[ref]) revert CreditNoteUsed(creditNote);

        _usedCreditNotes[ref] = true;
        _credited[m.ref] += amount;
        IParticipantRegistry book = IParticipantRegistry(registry);
        address to = m.payer == address(0) ? book.currentWallet(ms.payer) : book.resolve(m.payer);
        emit ReleasedRefunded(m.id, milestone, creditNote, to, amount);
        IDepositToken(t.token).executeByConsent(c.payer, to, amount, ref, c.nonce, c.deadline, c.signature);
    }

    // ================================================================= views

    /// @inheritdoc IOrderAmendments
    function amendmentDigest(OrderId previous, OrderId next, uint40 deadline) external view returns (bytes32) {
        return _digest(Amendment(previous, next, deadline).hash());
    }

    /// @inheritdoc IOrderAmendments
    function creditedOf(OrderId id, uint256 milestone) external view returns (uint256) {
        return _credited[OrderTerms.holdReference(id, milestone)];
    }

    /// @inheritdoc IOrderAmendments
    function creditReference(OrderId id, uint256 milestone, bytes32 creditNote) external pure returns (bytes32) {
        return OrderTerms.creditReference(OrderTerms.holdReference(id, milestone), creditNote);
    }
}

// slither-disable-end calls-loop
// slither-disable-end timestamp
// slither-disable-end uninitialized-local
