// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IAttesterSets} from "./interfaces/IAttesterSets.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IOrderBook} from "./interfaces/IOrderBook.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Clock} from "./libraries/Clock.sol";
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
        registry = registry_;
        attesterSets = attesterSets_;
    }

    // =============================================================== opening

    function _requireOpenable(Terms calldata terms, OrderId id) internal view {
        if (_isOpen(id)) revert OrderAlreadyOpen(id);
        if (block.timestamp > terms.openBy) revert OpeningExpired(terms.openBy, block.timestamp);
        if (!IParticipantRegistry(registry).isDepositToken(terms.token)) revert InvalidTerms("token");
        TermsRules.requireValid(terms, IAttesterSets(attesterSets).attesterSet(terms.attesterSet));
    }

    function _writeOpened(Terms calldata terms, OrderId id) internal {
        uint256 word = MilestoneWord.opened(block.timestamp);
        uint256 n = terms.milestones.length;
        for (uint256 i; i < n; ++i) {
            _milestones[OrderTerms.holdReference(id, i)].word = word;
        }
        emit OrderOpened(id, terms.buyer, terms.seller, terms.token, terms.orderReference, n);
    }

    function _isOpen(OrderId id) internal view returns (bool) {
        return _milestones[OrderTerms.holdReference(id, 0)].word != 0;
    }

    // ================================================================= words

    function _load(Terms calldata terms, uint256 index) internal view returns (Live memory) {
        return _load(terms, terms.id(), index);
    }

    function _load(Terms calldata terms, OrderId id, uint256 index) internal view returns (Live memory m) {
        if (index >= terms.milestones.length) revert UnknownMilestone(id, index);
        m.id = id;
        m.index = index;
        m.ref = OrderTerms.holdReference(m.id, index);
        m.unpack(_milestones[m.ref].word);
        if (m.state == State.None) revert UnknownOrder(m.id);
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

    function _usesParts(Milestone calldata ms, Live memory m) internal pure returns (bool) {
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
    function _unpaid(Milestone calldata ms, Live memory m, Parts memory p) internal pure returns (uint256) {
        if (_isTerminal(m.state)) return 0;
        bool rest = m.decided || (ms.mode == Mode.PREFUND && ms.partialDelivery && m.state == State.Accepted);
        return (rest ? p.accepted : ms.amount) - p.settled;
    }

    /// @dev Minor units that the seller was paid.
    function _released(Milestone calldata ms, Live memory m, Parts memory p) internal pure returns (uint256) {
        return m.state == State.Released && p.settled == 0 ? ms.amount : p.settled - p.owed;
    }

    /// @dev Minor units that are due of an ON_ATTEST milestone, or the seller's claim to what a PREFUND one holds
    /// beside what is owed.
    function _owed(Milestone calldata ms, Live memory m, Parts memory p) internal pure returns (uint256) {
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

    function _attestBy(Milestone calldata ms, Live memory m) internal view returns (uint256) {
        return uint256(ms.attestBy) + (m.delayed ? _parts(m).delayBy : 0);
    }

    function _attestEnd(Terms calldata terms, Milestone calldata ms, Live memory m) internal view returns (uint256) {
        return uint256(ms.attestBy) + terms.submitGrace + (m.delayed ? _parts(m).delayEnd : 0);
    }

    /// @dev Not asked of an unfunded PREFUND milestone: nothing there depends on it.
    function _attestOver(Terms calldata terms, Milestone calldata ms, Live memory m) internal view returns (bool) {
        uint256 deadline = _attestEnd(terms, ms, m);
        if (block.timestamp <= deadline) return false;
        return _isPast(deadline, _startedAt(m), terms.seller, 0, terms.token);
    }

    function _inspectionOver(Terms calldata terms, Milestone calldata ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.inspection, m.since, terms.buyer, 0, terms.token);
    }

    function _payWithinOver(Terms calldata terms, Milestone calldata ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.payWithin, m.since, terms.buyer, terms.seller, terms.token);
    }

    /// @dev Strictly after rulingWithin and after attestEnd: by then nothing more can be attested, and the arbiter,
    /// there or not, has had its time.
    function _fallbackOpen(Terms calldata terms, Milestone calldata ms, Live memory m) internal view returns (bool) {
        return _isPast(uint256(m.since) + ms.rulingWithin, m.since, 0, 0, terms.token) && _attestOver(terms, ms, m);
    }

    /// @dev Whether a dispute, by a party or a status, is possible: each live state has its own window. Once decided
    /// there is none, and nobody asks.
    function _isDisputable(Terms calldata terms, Milestone calldata ms, Live memory m, bool attestInTime)
        internal
        view
        returns (bool)
    {
        if (m.state == State.Accepted) return ms.inspection != 0 && !_inspectionOver(terms, ms, m);
        if (m.state == State.Due) return !_payWithinOver(terms, ms, m);
        if (m.state == State.Funded || (m.state == State.Open && ms.mode == Mode.ON_ATTEST)) return attestInTime;
        return false;
    }

    // =============================================================== parties

    /// @dev The participant of a LINKED wallet, else 0: no word of a suspended or lost wallet counts.
    function _participantOf(address wallet) internal view returns (uint32 participant) {
        IParticipantRegistry.WalletStatus status;
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (participant,, status) = IParticipantRegistry(registry).walletOf(wallet);
        if (status != IParticipantRegistry.WalletStatus.LINKED) participant = 0;
    }

    function _requireParty(Terms calldata terms, OrderId id) internal view returns (uint32 participant) {
        participant = _participantOf(msg.sender);
        if (participant == 0 || (participant != terms.buyer && participant != terms.seller)) {
            revert NotParty(id, msg.sender);
        }
    }

    function _requireSeller(Terms calldata terms, OrderId id) internal view {
        if (_participantOf(msg.sender) != terms.seller) revert NotParty(id, msg.sender);
    }

    /// @dev Both current wallets signed `structHash`. The caller needs no signature of its own, nor does a wallet
    /// that the token has vouched for (0: none) by letting it hold: it is linked, and acts itself.
    /// @return known the party whose current wallet is the vouched one, else 0.
    function _requireBothSigned(
        Terms calldata terms,
        OrderId id,
        bytes32 structHash,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature,
        address vouched
    ) internal view returns (uint32 known) {
        bytes32 digest = _digest(structHash);
        (uint32 buyer, uint32 seller) = (terms.buyer, terms.seller);
        (address buying, address selling) = IParticipantRegistry(registry).currentWallets(buyer, seller);
        if (_requireSigned(id, buyer, buying, digest, buyerSignature, vouched)) known = buyer;
        if (_requireSigned(id, seller, selling, digest, sellerSignature, vouched)) known = seller;
    }

    function _requireSigned(
        OrderId id,
        uint32 participant,
        address wallet,
        bytes32 digest,
        bytes calldata signature,
        address vouched
    ) private view returns (bool known) {
        known = wallet == vouched && wallet != address(0);
        bool signed =
            signature.length == 0 ? known || wallet == msg.sender : Signatures.isValid(wallet, digest, signature);
        if (!signed || (!known && (participant == 0 || _participantOf(wallet) != participant))) {
            revert InvalidPartySignature(id, participant);
        }
    }

    /// @dev EIP-712 over the chain as it is now (a fork changes it) and the escrow, whichever code of it runs.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }

    // ================================================================= money

    /// @dev Pays the seller's current wallet out of what is held of `payer`. Where the token's rules refuse that now,
    /// it reverts as the token does or, for what must not wait for a transfer, answers false.
    // slither-disable-next-line reentrancy-events (deposit tokens call nobody back)
    function _execute(Terms calldata terms, Live memory m, address payer, uint256 amount, bool must)
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
    function _giveBack(Terms calldata terms, Live memory m, uint256 amount, uint256 heldSince, bool must)
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
