// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {OrderBook} from "./OrderBook.sol";
import {IAttesterSets} from "./interfaces/IAttesterSets.sol";
import {OrderId} from "./libraries/Ids.sol";
import {Live, MilestoneWord, Parts} from "./libraries/MilestoneWord.sol";
import {Attestation, Milestone, Mode, OrderTerms, Terms} from "./libraries/OrderTerms.sol";

/// @title OrderAttesting
/// @notice What an attestation does to a milestone.
/// @dev Until a milestone is over, its state is that of the highest seq received in time, whatever came first. So a
/// lower seq still tells that the required status was reached in time, a higher one still counts after attestEnd where
/// a dispute could be opened or stands, and a status that means nothing to the milestone leaves no trace in it.
abstract contract OrderAttesting is OrderBook {
    using MilestoneWord for uint256;
    using OrderTerms for Attestation;

    // ============================================================== deciding

    function _attest(
        Terms calldata signedTerms,
        Attestation calldata attestation,
        bytes[] calldata signatures,
        bool thenRelease
    ) internal {
        (Attestation memory a, bytes32 structHash) = OrderTerms.attestationLoader()(attestation);
        (OrderId id, Terms memory terms) = OrderTerms.loader()(signedTerms);
        Live memory m = MilestoneWord.maker()();
        _read(m, terms, id, a.milestone);
        _requireAuthentic(terms, m, a, structHash, signatures);
        _judge(terms, m, a, thenRelease);
    }

    function _judge(Terms memory terms, Live memory m, Attestation memory a, bool thenRelease) private {
        Milestone memory ms = terms.milestones[m.index];
        if (_isTerminal(m.state)) return _ignore(m, a);
        if (m.state == State.Open && ms.mode == Mode.PREFUND) revert NotFunded(m.id, m.index);
        if (a.seq == m.lastSeq) return _repeat(m, a);
        bool required = a.status == ms.requiredStatus;
        if (!required && (terms.negativeStatuses >> a.status) & 1 == 0) return _report(m, a, false);

        bool inTime = !_attestOver(terms, ms, m); // mined by attestEnd
        bool kept = a.attestedAt <= _attestBy(ms, m);
        bool known = m.requiredInTime;
        if (required && kept && inTime) m.requiredInTime = true;
        if (a.seq < m.lastSeq) {
            if (m.requiredInTime != known) _save(m);
            return _ignore(m, a);
        }
        if (required && !kept) revert AttestedTooLate(a.attestedAt, _attestBy(ms, m));
        _count(terms, ms, m, a, required, inTime, thenRelease);
    }

    /// @dev The highest seq so far.
    function _count(
        Terms memory terms,
        Milestone memory ms,
        Live memory m,
        Attestation memory a,
        bool required,
        bool inTime,
        bool thenRelease
    ) private {
        (m.lastSeq, m.lastStatus) = (a.seq, a.status);
        bool disputed = m.state == State.Disputed;
        // nobody asks this of the usual one: the required status, in time
        bool disputable = !(required && inTime) && _isDisputable(terms, ms, m, inTime);
        bool counts = inTime || (m.requiredInTime && (disputed || disputable));
        if (required && !counts && !m.decided) revert TooLate(_attestEnd(terms, ms, m), block.timestamp);

        if (m.decided || (disputed && m.byParty)) return _record(ms, m, a, counts);
        if (required) return _accept(terms, ms, m, a, thenRelease);
        if (disputed || disputable) return _disputeByStatus(ms, m, a, counts);
        _record(ms, m, a, false);
    }

    // ============================================================= recording

    /// @dev While a party's dispute stands the highest seq is kept for the ruling and the fallback, what it accepts
    /// too; once decided, `accepted` is the seller's share and stays.
    function _record(Milestone memory ms, Live memory m, Attestation memory a, bool counts) private {
        if (counts && !m.decided && m.state == State.Disputed) _claim(ms, m, a);
        _mark(m, a);
        _save(m);
        _report(m, a, false);
    }

    function _disputeByStatus(Milestone memory ms, Live memory m, Attestation memory a, bool counts) private {
        bool opens = m.state != State.Disputed;
        _mark(m, a);
        if (counts || opens) _claim(ms, m, a);
        if (opens) (m.state, m.since) = (State.Disputed, uint32(block.timestamp));
        _save(m);
        _report(m, a, opens || ms.partialDelivery);
        if (opens) emit MilestoneDisputed(m.id, m.index, false, 0);
    }

    /// @dev Takes over what a partial delivery's attestation says is accepted: never less than was paid, never more
    /// than is there to be paid.
    function _claim(Milestone memory ms, Live memory m, Attestation memory a) private returns (Parts memory p) {
        if (!ms.partialDelivery) return p;
        p = _parts(m);
        uint256 most = p.settled + _unpaid(ms, m, p);
        uint256 accepted = a.accepted > most ? most : a.accepted;
        p.accepted = accepted < p.settled ? p.settled : accepted;
        _saveParts(m, p);
    }

    function _mark(Live memory m, Attestation memory a) private {
        _milestones[m.ref].mark = MilestoneWord.packMark(a.content(), _startedAt(m));
    }

    // ============================================================= accepting

    function _accept(Terms memory terms, Milestone memory ms, Live memory m, Attestation memory a, bool thenRelease)
        private
    {
        // accepted in whole, or partial and complete: the rest went back
        if (m.state == State.Accepted) return _record(ms, m, a, false);
        if (ms.partialDelivery) {
            return ms.mode == Mode.PREFUND ? _acceptPart(terms, ms, m, a) : _owePart(ms, m, a);
        }
        if (m.state == State.Due) return _record(ms, m, a, false);
        _report(m, a, true);
        if (ms.mode == Mode.PREFUND && thenRelease && ms.inspection == 0) {
            m.state = State.Released;
            _write(m);
            if (_execute(terms, m, m.payer, ms.amount, false)) return;
        }
        _mark(m, a);
        m.since = uint32(block.timestamp);
        m.state = ms.mode == Mode.PREFUND ? State.Accepted : State.Due;
        _save(m);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (m.state == State.Accepted) emit MilestoneAccepted(m.id, m.index, ms.amount);
        else emit MilestoneDue(m.id, m.index, ms.amount);
    }

    /// @dev PREFUND, partial: what is newly accepted is released, and once nothing more will come the rest goes back.
    /// What the token refuses stays held: the seller's as owed, which no later dispute, refund or decision touches,
    /// the rest until `refund`.
    // slither-disable-next-line reentrancy-no-eth,reentrancy-events (deposit tokens call nobody back)
    function _acceptPart(Terms memory terms, Milestone memory ms, Live memory m, Attestation memory a) private {
        _mark(m, a);
        uint256 start = _startedAt(m);
        uint256 unpaid = _unpaid(ms, m, _parts(m));
        Parts memory p = _claim(ms, m, a);
        uint256 owed = p.owed + p.accepted - p.settled;
        p.complete = a.complete || p.accepted == ms.amount;
        uint256 back = p.complete ? unpaid - (p.accepted - p.settled) : 0;

        _report(m, a, true);
        emit MilestoneAccepted(m.id, m.index, p.accepted);
        (m.state, m.since) = (State.Funded, uint32(start));
        (p.settled, p.owed) = (p.accepted, 0);
        _saveParts(m, p);
        _write(m);
        bool paid = owed == 0 || _execute(terms, m, m.payer, owed, false);
        bool returned = back == 0 || _giveBack(terms, m, back, _heldSince(m, p), false);
        if (!paid) p.owed = owed;
        if (p.complete && returned) m.state = paid ? _ended(p, State.Refunded) : State.Accepted;
        _saveParts(m, p);
        _save(m);
    }

    /// @dev ON_ATTEST, partial: what is accepted and unpaid is due. payWithin runs from the oldest of it.
    function _owePart(Milestone memory ms, Live memory m, Attestation memory a) private {
        _mark(m, a);
        Parts memory p = _claim(ms, m, a);
        p.complete = a.complete || p.accepted == ms.amount;
        _saveParts(m, p);
        uint256 due = p.accepted - p.settled;
        if (due == 0) m.since = uint32(_startedAt(m));
        else if (m.state != State.Due) m.since = uint32(block.timestamp);
        m.state = due != 0 ? State.Due : p.complete ? _ended(p, State.Cancelled) : State.Open;
        _report(m, a, true);
        emit MilestoneAccepted(m.id, m.index, p.accepted);
        if (due != 0) emit MilestoneDue(m.id, m.index, due);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (m.state == State.Cancelled) emit MilestoneCancelled(m.id, m.index, 0);
        _save(m);
    }

    // ============================================================== checking

    function _requireAuthentic(
        Terms memory terms,
        Live memory m,
        Attestation memory a,
        bytes32 structHash,
        bytes[] calldata signatures
    ) private view {
        Milestone memory ms = terms.milestones[m.index];
        if (!(a.orderId == m.id)) revert InvalidAttestation("orderId");
        if (a.seq == 0) revert InvalidAttestation("seq");
        if (a.status == 0) revert InvalidAttestation("status");
        if (a.accepted > (ms.partialDelivery ? ms.amount : 0)) revert InvalidAttestation("accepted");
        _requireInTime(a.deadline);
        _requireAttested(terms, a.setEpoch, _digest(structHash), signatures);
    }

    /// @dev IAttesterSets.requireAttested, encoded by hand: the signatures go on as they came, with whatever follows them.
    function _requireAttested(Terms memory terms, uint256 epoch, bytes32 digest, bytes[] calldata signatures)
        private
        view
    {
        (address sets, bytes4 selector) = (attesterSets, IAttesterSets.requireAttested.selector);
        (uint256 setId, uint256 floorEpoch, uint256 threshold) = (terms.attesterSet, terms.floorEpoch, terms.threshold);
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), setId)
            mstore(add(data, 0x24), epoch)
            mstore(add(data, 0x44), floorEpoch)
            mstore(add(data, 0x64), threshold)
            mstore(add(data, 0x84), digest)
            mstore(add(data, 0xa4), 0xc0)
            let start := sub(signatures.offset, 0x20) // of the word that counts them
            let size := sub(calldatasize(), start)
            calldatacopy(add(data, 0xc4), start, size)
            if iszero(staticcall(gas(), sets, data, add(0xc4, size), 0x00, 0x00)) {
                returndatacopy(data, 0x00, returndatasize())
                revert(data, returndatasize())
            }
        }
    }

    /// @dev Same seq, same content: done before. Same seq, other content: the source contradicts itself.
    function _repeat(Live memory m, Attestation memory a) private {
        if (MilestoneWord.contentOf(uint256(a.content())) != _milestones[m.ref].mark.contentOf()) {
            revert ConflictingAttestation(m.id, m.index, a.seq);
        }
        _ignore(m, a);
    }

    function _ignore(Live memory m, Attestation memory a) private {
        emit AttestationIgnored(m.id, m.index, a.seq, m.lastSeq);
    }

    function _report(Live memory m, Attestation memory a, bool counted) private {
        emit StatusAttested(m.id, m.index, a.status, a.seq, a.accepted, a.attestedAt, a.documentHash, counted);
    }
}

// slither-disable-end assembly
// slither-disable-end timestamp
