// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {OrderBook} from "./OrderBook.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IOrderEscrow} from "./interfaces/IOrderEscrow.sol";
import {IOrderExtension} from "./interfaces/IOrderExtension.sol";
import {OrderId} from "./libraries/Ids.sol";
import {Live, MilestoneSlots, MilestoneWord, Parts} from "./libraries/MilestoneWord.sol";
import {Agreement, Attestation, Cancellation, Milestone, Mode, OrderTerms, Terms} from "./libraries/OrderTerms.sol";
import {TermsRules} from "./libraries/TermsRules.sol";

/// @title OrderExtension
/// @notice {IOrderExtension}: the code of {OrderEscrow} for what is rare. The escrow makes it when it is made itself
/// and runs it by DELEGATECALL, on its own storage; called directly it knows no order and moves nothing.
contract OrderExtension is OrderBook, IOrderExtension {
    using MilestoneWord for uint256;
    using OrderTerms for Agreement;
    using OrderTerms for Cancellation;
    using OrderTerms for Terms;

    constructor(address registry_, address attesterSets_) OrderBook(registry_, attesterSets_) {}

    // ========================================================== many at once

    /// @inheritdoc IOrderExtension
    function attestMany(Terms[] calldata terms, Attestation[] calldata attestations, bytes[][] calldata signatures)
        external
    {
        _requireBatch(terms.length, attestations.length);
        _requireBatch(terms.length, signatures.length);
        for (uint256 i; i < terms.length; ++i) {
            bytes memory call =
                abi.encodeCall(IOrderEscrow.attestAndRelease, (terms[i], attestations[i], signatures[i]));
            _callOrSkip(call, terms[i].id(), attestations[i].milestone);
        }
    }

    /// @inheritdoc IOrderExtension
    function releaseMany(Terms[] calldata terms, uint256[] calldata milestones) external {
        _requireBatch(terms.length, milestones.length);
        for (uint256 i; i < terms.length; ++i) {
            _callOrSkip(abi.encodeCall(IOrderEscrow.release, (terms[i], milestones[i])), terms[i].id(), milestones[i]);
        }
    }

    function _requireBatch(uint256 items, uint256 others) private pure {
        if (items == 0 || items != others) revert WrongBatch(items, others);
    }

    /// @dev Runs one item as its caller would run it (the escrow's own code, the same sender), so that a refusal
    /// undoes that item alone. No data means that the gas ran out: then the whole batch is undone, or a tight gas
    /// limit could skip what is due.
    // slither-disable-next-line reentrancy-events (the code it calls is its own)
    function _callOrSkip(bytes memory call, OrderId id, uint256 milestone) private {
        // slither-disable-next-line low-level-calls (its failure is an answer)
        (bool ok, bytes memory reason) = address(this).delegatecall(call);
        if (ok) return;
        if (reason.length == 0) revert ItemFailed(id, milestone);
        emit ItemSkipped(id, milestone, reason);
    }

    // ============================================================ cancelling

    /// @inheritdoc IOrderExtension
    function cancel(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        if (m.state != State.Open) revert WrongState(m.id, milestone, m.state);
        bool prefund = ms.mode == Mode.PREFUND;
        bool over = prefund ? _isPast(ms.fundBy, m.since, ms.payer, 0, t.token) : _attestOver(t, ms, m);
        if (!over) revert TooEarly(prefund ? ms.fundBy : _attestEnd(t, ms, m), block.timestamp);
        _cancel(m);
    }

    /// @inheritdoc IOrderExtension
    function cancelTogether(
        Terms calldata terms,
        uint256 milestone,
        uint40 deadline,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        if (m.state != State.Open) revert WrongState(m.id, milestone, m.state);
        _requireInTime(deadline);
        bytes32 structHash = Cancellation(m.id, uint8(milestone), deadline).hash();
        _requireBothSigned(t, m.id, structHash, _signers(t), buyerSignature, sellerSignature);
        _cancel(m);
    }

    /// @inheritdoc IOrderExtension
    function writeOff(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        if (m.state != State.Due) revert WrongState(m.id, milestone, m.state);
        _requireSeller(t, m.id);
        _cancel(m);
    }

    /// @dev Of what is not held: Open or Due.
    function _cancel(Live memory m) private {
        m.state = _ended(_parts(m), State.Cancelled);
        _save(m);
        if (m.state == State.Cancelled) emit MilestoneCancelled(m.id, m.index, 0);
    }

    /// @inheritdoc IOrderExtension
    function cancelByOrder(Terms calldata terms, uint256 milestone, bytes32 orderHash) external {
        if (orderHash == 0) revert OrderHashMissing();
        (Terms memory t, Live memory m) = _load(terms, milestone);
        if (_isTerminal(m.state)) revert WrongState(m.id, milestone, m.state);
        Parts memory p = _parts(m);
        uint256 held = m.payer == address(0) ? 0 : _unpaid(t.milestones[milestone], m, p) + p.owed;

        if (p.owed != 0) {
            (p.settled, p.owed) = (p.settled - p.owed, 0);
            _saveParts(m, p);
        }
        m.state = State.Cancelled;
        _save(m);
        emit MilestoneCancelled(m.id, milestone, orderHash);
        if (held == 0) return;
        emit MilestoneRefunded(m.id, milestone, m.payer, held);
        IDepositToken(t.token).cancelByOrder(m.payer, held, m.ref, orderHash);
    }

    /// @inheritdoc IOrderExtension
    function refund(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        if (m.state != State.Funded && m.state != State.Accepted) revert WrongState(m.id, milestone, m.state);
        Parts memory p = _parts(m);
        uint256 back = _unpaid(ms, m, p);
        if (_participantOf(msg.sender) != t.seller) {
            if (m.state == State.Accepted) revert NotParty(m.id, msg.sender);
            if (!p.complete && !_attestOver(t, ms, m)) {
                revert TooEarly(_attestEnd(t, ms, m), block.timestamp);
            }
        }
        if (back == 0) revert WrongState(m.id, milestone, m.state); // all there is waits for the seller
        uint256 heldSince = _heldSince(m, p);
        m.state = p.owed == 0 ? _ended(p, State.Refunded) : State.Accepted;
        if (_usesParts(ms, m)) {
            p.accepted = p.settled;
            _saveParts(m, p);
        }
        _save(m);
        _giveBack(t, m, back, heldSince, true);
    }

    // ============================================================== disputes

    /// @inheritdoc IOrderExtension
    function dispute(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        uint32 participant = _requireParty(t, m.id);
        if (m.decided) revert AlreadyDecided(m.id, milestone);
        if (m.state == State.Disputed) {
            if (m.byParty) revert WrongState(m.id, milestone, m.state);
            if (_fallbackOpen(t, ms, m)) revert FallbackOpen(m.id, milestone);
        } else {
            _requireDisputable(t, ms, m);
        }
        _keepStart(m);
        (m.state, m.byParty, m.since) = (State.Disputed, true, uint32(block.timestamp));
        _save(m);
        emit MilestoneDisputed(m.id, milestone, true, participant);
    }

    function _requireDisputable(Terms memory terms, Milestone memory ms, Live memory m) private view {
        if (_isTerminal(m.state) || (m.state == State.Open && ms.mode == Mode.PREFUND)) {
            revert WrongState(m.id, m.index, m.state);
        }
        bool running = m.state == State.Funded || m.state == State.Open;
        if (_isDisputable(terms, ms, m, running && !_attestOver(terms, ms, m))) return;
        if (running) revert TooLate(_attestEnd(terms, ms, m), block.timestamp);
        if (m.state == State.Due) revert TooLate(uint256(m.since) + ms.payWithin, block.timestamp);
        if (ms.inspection == 0) revert NotDisputable(m.id, m.index);
        revert TooLate(uint256(m.since) + ms.inspection, block.timestamp);
    }

    /// @inheritdoc IOrderExtension
    function rule(Terms calldata terms, uint256 milestone, uint88 sellerAmount) external {
        (Terms memory t, Live memory m) = _loadDisputed(terms, milestone);
        if (t.arbiter == 0 || _participantOf(msg.sender) != t.arbiter) revert NotArbiter(m.id, msg.sender);
        if (_fallbackOpen(t, t.milestones[milestone], m)) revert FallbackOpen(m.id, milestone);
        _decide(t, m, sellerAmount, Decision.RULING);
    }

    /// @inheritdoc IOrderExtension
    function decideByFallback(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _loadDisputed(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        if (!_fallbackOpen(t, ms, m)) revert FallbackNotOpen(m.id, milestone);
        uint256 accepted = m.lastStatus == ms.requiredStatus ? ms.amount : 0;
        if (ms.partialDelivery) accepted = _owed(ms, m, _parts(m));
        if (m.byParty) accepted = (accepted * t.fallbackSplit) / TermsRules.WHOLE;
        _decide(t, m, accepted, Decision.FALLBACK);
    }

    /// @inheritdoc IOrderExtension
    function agree(
        Terms calldata terms,
        Agreement calldata agreement,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external {
        (Terms memory t, Live memory m) = _load(terms, agreement.milestone);
        Milestone memory ms = t.milestones[agreement.milestone];
        if (_isTerminal(m.state) || (m.state == State.Open && ms.mode == Mode.PREFUND)) {
            revert WrongState(m.id, m.index, m.state);
        }
        if (!(agreement.orderId == m.id)) revert UnknownOrder(agreement.orderId);
        _requireInTime(agreement.deadline);
        uint256 unpaid = _unpaid(ms, m, _parts(m));
        if (agreement.unpaid != unpaid) revert WrongAmount(agreement.unpaid, unpaid);
        bytes32 structHash = agreement.hash();
        if (_usedAgreements[structHash]) revert AgreementUsed(structHash);
        _requireBothSigned(t, m.id, structHash, _signers(t), buyerSignature, sellerSignature);

        _usedAgreements[structHash] = true;
        _decide(t, m, agreement.sellerAmount, Decision.AGREEMENT);
    }

    function _loadDisputed(Terms calldata terms, uint256 milestone)
        private
        view
        returns (Terms memory t, Live memory m)
    {
        (t, m) = _load(terms, milestone);
        if (m.state != State.Disputed) revert WrongState(m.id, milestone, m.state);
    }

    /// @dev The payer's share goes back at once, the seller's waits for anyone to release or pay it: no decision needs
    /// a transfer to the seller to succeed.
    function _decide(Terms memory terms, Live memory m, uint256 sellerAmount, Decision how) private {
        Milestone memory ms = terms.milestones[m.index];
        Parts memory p = _parts(m);
        uint256 unpaid = _unpaid(ms, m, p);
        if (sellerAmount > unpaid) revert SplitTooLarge(sellerAmount, unpaid);
        uint256 back = unpaid - sellerAmount;
        uint256 heldSince = _heldSince(m, p);
        bool prefund = ms.mode == Mode.PREFUND;

        _keepStart(m);
        p.accepted = p.settled + sellerAmount;
        _saveParts(m, p);
        (m.decided, m.since) = (true, uint32(block.timestamp));
        if (sellerAmount + p.owed == 0) m.state = _ended(p, prefund ? State.Refunded : State.Cancelled);
        else m.state = prefund ? State.Accepted : State.Due;
        _save(m);
        emit MilestoneDecided(m.id, m.index, sellerAmount, back, how);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (m.state == State.Due) emit MilestoneDue(m.id, m.index, sellerAmount);
        if (prefund && back != 0) _giveBack(terms, m, back, heldSince, true);
    }

    // ================================================================= views

    /// @inheritdoc IOrderExtension
    function agreementDigest(Agreement calldata agreement) external view returns (bytes32) {
        return _digest(agreement.hash());
    }

    /// @inheritdoc IOrderExtension
    function cancellationDigest(OrderId id, uint8 milestone, uint40 deadline) external view returns (bytes32) {
        return _digest(Cancellation(id, milestone, deadline).hash());
    }

    /// @inheritdoc IOrderExtension
    function milestoneOf(OrderId id, uint256 milestone) external view returns (MilestoneView memory v) {
        MilestoneSlots storage slots = _milestones[OrderTerms.holdReference(id, milestone)];
        // slither-disable-next-line uninitialized-local (starts at zero)
        Live memory m;
        MilestoneWord.unpack(m, slots.word);
        Parts memory p = _parts(slots);
        return MilestoneView({
            state: m.state,
            disputedByParty: m.byParty,
            decided: m.decided,
            requiredInTime: m.requiredInTime,
            delayed: m.delayed,
            since: m.since,
            lastSeq: m.lastSeq,
            lastStatus: m.lastStatus,
            payer: m.payer,
            accepted: uint88(p.accepted),
            settled: uint88(p.settled - p.owed),
            delayBy: uint40(p.delayBy),
            delayEnd: uint40(p.delayEnd),
            contentDigest: slots.mark.contentOf()
        });
    }

    /// @inheritdoc IOrderExtension
    function amountsOf(Terms calldata terms, uint256 milestone)
        external
        view
        returns (uint256 funded, uint256 held, uint256 released, uint256 refunded)
    {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        Parts memory p = _parts(m);
        released = _released(ms, m, p);
        if (ms.mode == Mode.ON_ATTEST) return (released, 0, released, 0);
        if (m.payer == address(0)) return (0, 0, 0, 0);
        funded = m.state == State.Amended ? ms.amount - p.accepted : ms.amount;
        held = _unpaid(ms, m, p) + p.owed;
        refunded = funded - held - released;
    }

    /// @inheritdoc IOrderExtension
    function unpaidOf(Terms calldata terms, uint256 milestone) external view returns (uint256) {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        return _unpaid(t.milestones[milestone], m, _parts(m));
    }

    /// @inheritdoc IOrderExtension
    function isOverdue(Terms calldata terms, uint256 milestone) external view returns (bool) {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        return m.state == State.Due && _payWithinOver(t, t.milestones[milestone], m);
    }
}

// slither-disable-end calls-loop
// slither-disable-end timestamp
