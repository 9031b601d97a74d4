// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IAttesterSets} from "./interfaces/IAttesterSets.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IOrderBook} from "./interfaces/IOrderBook.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {AttesterSet} from "./libraries/AttesterSet.sol";
import {Clock} from "./libraries/Clock.sol";
import {Deadlines} from "./libraries/Deadlines.sol";
import {OrderId} from "./libraries/Ids.sol";
import {Interval} from "./libraries/Interval.sol";
import {Live, MilestoneSlots, MilestoneWord, Parts} from "./libraries/MilestoneWord.sol";
import {Milestone, Mode, OrderTerms, Terms} from "./libraries/OrderTerms.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {TermsRules} from "./libraries/TermsRules.sol";

/// @title OrderBook
/// @notice What every act of {OrderEscrow} stands on: the words of a milestone, its clocks, its parties and the two
/// ways its money moves.
/// @dev Decisions that shape the code:
/// - The usual life touches one word per milestone. `mark` and `parts` are written where a milestone stays live after
///   an attestation, is disputed, partial, decided or was delayed; nobody else pays for them.
/// - `since` starts the clock that runs now. attestEnd has run since opening (ON_ATTEST) or funding (PREFUND): once
///   another clock starts, `mark` keeps that time.
/// - A transfer that the token's rules refuse is told apart from one that failed by the error `Refused` alone: an
///   attestation survives the first, and nobody can fake it by starving the call of gas.
abstract contract OrderBook is IOrderBook {
    using MilestoneWord for Live;
    using MilestoneWord for Parts;
    using MilestoneWord for uint256;
    using OrderTerms for Terms;

    /// @dev Whose word about an order counts.
    struct Signers {
        address buyer; // current wallet, 0 where it is not LINKED
        address seller; // likewise
        address vouched; // a wallet of which the token has just held money: it acts itself; 0: none
    }

    // slither-disable-next-line unused-state (one layout for all code that runs in this storage)
    uint256 internal constant NONE = type(uint256).max;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("pyjpm OrderEscrow");
    bytes32 private constant VERSION_HASH = keccak256("1");

    /// @inheritdoc IOrderBook
    address public immutable registry;
    /// @inheritdoc IOrderBook
    address public immutable attesterSets;

    mapping(bytes32 ref => MilestoneSlots) internal _milestones;
    // slither-disable-next-line unused-state (one layout for all code that runs in this storage)
    mapping(bytes32 agreement => bool) internal _usedAgreements;
    // slither-disable-next-line unused-state (one layout for all code that runs in this storage)
    mapping(bytes32 ref => uint256) internal _credited; // minor units paid back after release
    // slither-disable-next-line unused-state (one layout for all code that runs in this storage)
    mapping(bytes32 creditReference => bool) internal _usedCreditNotes;

    constructor(address registry_, address attesterSets_) {
        if (attesterSets_.code.length == 0) revert InvalidTerms("attesterSets"); // it answers without an answer
        registry = registry_;
        attesterSets = attesterSets_;
    }

    // =============================================================== opening

    /// @param who becomes who signs these terms.
    function _requireOpenable(Terms memory terms, OrderId id, Signers memory who) internal view {
        if (_isOpen(id)) revert OrderAlreadyOpen(id);
        uint40 openBy = terms.openBy;
        if (!Deadlines.isOpen(openBy)) {
            if (block.timestamp > openBy) revert OpeningExpired(openBy, block.timestamp);
            revert InvalidTerms("openBy");
        }
        bool cash;
        (who.buyer, who.seller, cash) = IParticipantRegistry(registry).signers(terms.buyer, terms.seller, terms.token);
        if (!cash) revert InvalidTerms("token");
        TermsRules.requireValid(terms, AttesterSet.wrap(IAttesterSets(attesterSets).packedSet(terms.attesterSet)));
    }

    /// @param apart a milestone whose word the caller writes itself in the same call; NONE: none.
    function _writeOpened(Terms memory terms, OrderId id, uint256 apart) internal {
        uint256 word = MilestoneWord.opened(block.timestamp);
        uint256 n = terms.milestones.length;
        for (uint256 i; i < n; ++i) {
            if (i != apart) _milestones[OrderTerms.holdReference(id, i)].word = word;
        }
        emit OrderOpened(id, terms.buyer, terms.seller, terms.token, terms.orderReference, n);
    }

    function _isOpen(OrderId id) internal view returns (bool) {
        return _milestones[OrderTerms.holdReference(id, 0)].word != 0;
    }

    // ================================================================= words

    function _load(Terms calldata source, uint256 index) internal view returns (Terms memory terms, Live memory m) {
        OrderId id;
        (id, terms) = OrderTerms.loader()(source);
        m = _load(terms, id, index);
    }

    function _load(Terms memory terms, OrderId id, uint256 index) internal view returns (Live memory m) {
        _read(m, terms, id, index);
    }

    /// @dev Writes every member of `m`.
    function _read(Live memory m, Terms memory terms, OrderId id, uint256 index) internal view {
        _name(m, terms, id, index);
        m.unpack(_milestones[m.ref].word);
        if (m.state == State.None) revert UnknownOrder(id);
    }

    function _name(Live memory m, Terms memory terms, OrderId id, uint256 index) internal pure {
        if (index >= terms.milestones.length) revert UnknownMilestone(id, index);
        (m.id, m.index, m.ref) = (id, index, OrderTerms.holdReference(id, index));
    }

    /// @dev For a change that has an event of its own.
    function _write(Live memory m) internal {
        _milestones[m.ref].word = m.pack();
    }

    /// @dev Writes and, where the state is another, says so.
    function _save(Live memory m) internal {
        _write(m);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (m.state == m.before) return;
        emit MilestoneStateChanged(m.id, m.index, m.before, m.state);
        m.before = m.state;
    }

    function _parts(Live memory m) internal view returns (Parts memory) {
        return _parts(_milestones[m.ref]);
    }

    function _parts(MilestoneSlots storage slots) internal view returns (Parts memory p) {
        uint256 word = slots.parts;
        p = word.unpackParts();
        if (word.isOwing()) p.owed = slots.owed;
    }

    function _saveParts(Live memory m, Parts memory p) internal {
        _milestones[m.ref].parts = p.pack();
        if (p.owed != 0) _milestones[m.ref].owed = p.owed;
    }

    function _usesParts(Milestone memory ms, Live memory m) internal pure returns (bool) {
        return ms.partialDelivery || m.decided;
    }

    /// @dev When the clock of attestEnd started; for PREFUND also when the money was held.
    function _startedAt(Live memory m) internal view returns (uint256) {
        uint256 marked = _milestones[m.ref].mark.startedAt();
        return marked == 0 ? m.since : marked;
    }

    /// @dev From when all of a PREFUND milestone's money was held; 0 where some of it is older than the order.
    function _heldSince(Live memory m, Parts memory p) internal view returns (uint256) {
        return p.carried ? 0 : _startedAt(m);
    }

    /// @dev Keeps the start of attestEnd before `since` becomes that of another clock.
    function _keepStart(Live memory m) internal {
        MilestoneSlots storage slots = _milestones[m.ref];
        if (slots.mark == 0) slots.mark = MilestoneWord.packMark(0, m.since);
    }

    function _isTerminal(State state) internal pure returns (bool) {
        return state >= State.Released;
    }

    /// @dev A milestone that paid anything ends as Released, whatever ends it.
    function _ended(Parts memory p, State otherwise) internal pure returns (State) {
        return p.settled == 0 ? otherwise : State.Released;
    }

    /// @dev Minor units that nobody has for good: what is held and not owed (PREFUND) or could still become due
    /// (ON_ATTEST).
    function _unpaid(Milestone memory ms, Live memory m, Parts memory p) internal pure returns (uint256) {
        if (_isTerminal(m.state)) return 0;
        bool rest = m.decided || (ms.mode == Mode.PREFUND && ms.partialDelivery && m.state == State.Accepted);
        return (rest ? p.accepted : ms.amount) - p.settled;
    }

    /// @dev Minor units that the seller was paid.
    function _released(Milestone memory ms, Live memory m, Parts memory p) internal pure returns (uint256) {
        return m.state == State.Released && p.settled == 0 ? ms.amount : p.settled - p.owed;
    }

    /// @dev Minor units that are due of an ON_ATTEST milestone, or the seller's claim to what a PREFUND one holds
    /// beside what is owed.
    function _owed(Milestone memory ms, Live memory m, Parts memory p) internal pure returns (uint256) {
        return _usesParts(ms, m) ? p.accepted - p.settled : ms.amount;
    }

    // ================================================================ clocks

    /// @dev Whether `deadline` is over on a clock that has run since `start` and skips the stops of both owners (0:
    /// none) and the token's pauses. Stops can only move a deadline back, so they are not read before it.
    function _isPast(uint256 deadline, uint256 start, uint32 owner, uint32 other, address token)
        internal
        view
        returns (bool)
    {
        if (block.timestamp <= deadline) return false;
        return block.timestamp - _stopped(start, owner, other, 0, token) > deadline;
    }

    function _stopped(uint256 start, uint32 owner, uint32 other, uint32 third, address token)
        internal
        view
        returns (uint256)
    {
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (start == block.timestamp) return 0;
        Interval[][] memory lists = new Interval[][](4);
        lists[0] = IDepositToken(token).pausesSince(uint40(start));
        if (owner != 0) lists[1] = IParticipantRegistry(registry).stopsSince(owner, uint40(start));
        if (other != 0) lists[2] = IParticipantRegistry(registry).stopsSince(other, uint40(start));
        if (third != 0) lists[3] = IParticipantRegistry(registry).stopsSince(third, uint40(start));
        return Clock.stopped(lists, start, block.timestamp);
    }

    function _attestBy(Milestone memory ms, Live memory m) internal view returns (uint256 end) {
        end = ms.attestBy;
        if (m.delayed) end += _parts(m).delayBy;
    }

    function _attestEnd(Terms memory terms, Milestone memory ms, Live memory m) internal view returns (uint256 end) {
        unchecked {
            // of 40 and 32 bits
            end = uint256(ms.attestBy) + terms.submitGrace;
        }
        if (m.delayed) end += _parts(m).delayEnd;
    }

    /// @dev Not asked of an unfunded PREFUND milestone: nothing there depends on it.
    function _attestOver(Terms memory terms, Milestone memory ms, Live memory m) internal view returns (bool) {
        uint256 deadline = _attestEnd(terms, ms, m);
        if (block.timestamp <= deadline) return false;
        return _isPast(deadline, _startedAt(m), terms.seller, 0, terms.token);
    }

    function _inspectionOver(Terms memory terms, Milestone memory ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.inspection, m.since, terms.buyer, 0, terms.token);
    }

    function _payWithinOver(Terms memory terms, Milestone memory ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.payWithin, m.since, terms.buyer, terms.seller, terms.token);
    }

    /// @dev Strictly after rulingWithin and after attestEnd: by then nothing more can be attested, and the arbiter,
    /// there or not, has had its time.
    function _fallbackOpen(Terms memory terms, Milestone memory ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.rulingWithin, m.since, 0, 0, terms.token) && _attestOver(terms, ms, m);
    }

    /// @dev Whether a dispute, by a party or a status, is possible: each live state has its own window. Once decided
    /// there is none, and nobody asks.
    function _isDisputable(Terms memory terms, Milestone memory ms, Live memory m, bool attestInTime)
        internal
        view
        returns (bool)
    {
        if (m.state == State.Accepted) return ms.inspection != 0 && !_inspectionOver(terms, ms, m);
        if (m.state == State.Due) return !_payWithinOver(terms, ms, m);
        if (m.state == State.Funded || (m.state == State.Open && ms.mode == Mode.ON_ATTEST)) return attestInTime;
        return false;
    }

    /// @dev Of what was signed.
    function _requireInTime(uint256 deadline) internal view {
        if (Deadlines.isOpen(deadline)) return;
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        revert SignatureDeadlineTooFar(deadline, Deadlines.latest());
    }

    // =============================================================== parties

    /// @dev The participant of a LINKED wallet, else 0: no word of a suspended or lost wallet counts.
    function _participantOf(address wallet) internal view returns (uint32 participant) {
        IParticipantRegistry.WalletStatus status;
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (participant,, status) = IParticipantRegistry(registry).walletOf(wallet);
        if (status != IParticipantRegistry.WalletStatus.LINKED) participant = 0;
    }

    function _requireParty(Terms memory terms, OrderId id) internal view returns (uint32 participant) {
        participant = _participantOf(msg.sender);
        if (participant == 0 || (participant != terms.buyer && participant != terms.seller)) {
            revert NotParty(id, msg.sender);
        }
    }

    function _requireSeller(Terms memory terms, OrderId id) internal view {
        if (_participantOf(msg.sender) != terms.seller) revert NotParty(id, msg.sender);
    }

    function _signers(Terms memory terms) internal view returns (Signers memory who) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (who.buyer, who.seller,) = IParticipantRegistry(registry).signers(terms.buyer, terms.seller, address(0));
    }

    /// @dev Both current wallets signed `structHash`. The caller needs no signature of its own, nor does a wallet
    /// that the token has vouched for by letting it hold.
    function _requireBothSigned(
        Terms memory terms,
        OrderId id,
        bytes32 structHash,
        Signers memory who,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) internal view {
        bytes32 digest = _digest(structHash);
        if (!_isSigned(who.buyer, who.vouched, digest, buyerSignature)) revert InvalidPartySignature(id, terms.buyer);
        if (!_isSigned(who.seller, who.vouched, digest, sellerSignature)) {
            revert InvalidPartySignature(id, terms.seller);
        }
    }

    function _isSigned(address wallet, address vouched, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        if (signature.length != 0) return Signatures.isValid(wallet, digest, signature);
        return wallet != address(0) && (wallet == vouched || wallet == msg.sender);
    }

    /// @dev EIP-712 over the chain as it is now (a fork changes it) and the escrow, whichever code of it runs.
    function _digest(bytes32 structHash) internal view returns (bytes32 digest) {
        (bytes32 typehash, bytes32 name, bytes32 version) = (DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH);
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            mstore(add(data, 0x20), name)
            mstore(add(data, 0x40), version)
            mstore(add(data, 0x60), chainid())
            mstore(add(data, 0x80), address())
            let domain := keccak256(data, 0xa0)
            mstore(data, hex"1901")
            mstore(add(data, 0x02), domain)
            mstore(add(data, 0x22), structHash)
            digest := keccak256(data, 0x42)
        }
    }

    // ================================================================= money

    /// @dev Pays the seller's current wallet out of what is held of `payer`. Where the token's rules refuse that now,
    /// it reverts as the token does or, for what must not wait for a transfer, answers false.
    // slither-disable-next-line reentrancy-events (deposit tokens call nobody back)
    function _execute(Terms memory terms, Live memory m, address payer, uint256 amount, bool must)
        internal
        returns (bool)
    {
        address to = IParticipantRegistry(registry).currentWallet(terms.seller);
        try IDepositToken(terms.token).execute(payer, to, amount, m.ref) {
            emit MilestoneReleased(m.id, m.index, to, amount);
            return true;
        } catch (bytes memory reason) {
            _passOn(reason, must);
            return false;
        }
    }

    /// @dev Back to the wallet that paid. The rules refuse this only while the token has stopped this notary.
    // slither-disable-next-line reentrancy-events (deposit tokens call nobody back)
    function _giveBack(Terms memory terms, Live memory m, uint256 amount, uint256 heldSince, bool must)
        internal
        returns (bool)
    {
        try IDepositToken(terms.token).release(m.payer, amount, m.ref, heldSince / 1 days) {
            emit MilestoneRefunded(m.id, m.index, m.payer, amount);
            return true;
        } catch (bytes memory reason) {
            _passOn(reason, must);
            return false;
        }
    }

    /// @dev Reverts with `reason`, unless it is a refusal that may be lived with.
    function _passOn(bytes memory reason, bool must) private pure {
        if (!must && bytes4(reason) == IDepositToken.Refused.selector) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}

// slither-disable-end assembly
// slither-disable-end calls-loop
// slither-disable-end timestamp
