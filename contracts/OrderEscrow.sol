// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {OrderAttesting} from "./OrderAttesting.sol";
import {OrderBook} from "./OrderBook.sol";
import {OrderExtension} from "./OrderExtension.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {INotary} from "./interfaces/INotary.sol";
import {IOrderAmendments} from "./interfaces/IOrderAmendments.sol";
import {IOrderBook} from "./interfaces/IOrderBook.sol";
import {IOrderEscrow} from "./interfaces/IOrderEscrow.sol";
import {IOrderExtension} from "./interfaces/IOrderExtension.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {OrderId} from "./libraries/Ids.sol";
import {Live, MilestoneWord, Parts} from "./libraries/MilestoneWord.sol";
import {Agreement, Attestation, Cancellation, Milestone, Mode, OrderTerms, Terms} from "./libraries/OrderTerms.sol";

/// @title OrderEscrow
/// @notice {IOrderEscrow}
contract OrderEscrow is OrderAttesting, IOrderEscrow, INotary, AccessManaged {
    using MilestoneWord for uint256;
    using OrderTerms for Agreement;
    using OrderTerms for Attestation;
    using OrderTerms for Cancellation;
    using OrderTerms for Terms;

    /// @inheritdoc IOrderEscrow
    address public immutable extension;
    /// @inheritdoc IOrderEscrow
    address public immutable amendments;

    /// @param amendments_ an {OrderAmendments} of the same registry and attester sets. It comes from outside, for a
    /// creation that carried its code too would pass EIP-3860.
    constructor(address registry_, address attesterSets_, address authority, address amendments_)
        OrderBook(registry_, attesterSets_)
        AccessManaged(authority)
    {
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        extension = address(new OrderExtension(registry_, attesterSets_));
        bool fits =
            IOrderBook(amendments_).registry() == registry_ && IOrderBook(amendments_).attesterSets() == attesterSets_;
        if (!fits) revert InvalidTerms("amendments");
        // slither-disable-next-line missing-zero-check (made once; a wrong one shows at the first call)
        amendments = amendments_;
    }

    // =============================================================== opening

    /// @inheritdoc IOrderEscrow
    function open(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature)
        external
        returns (OrderId id)
    {
        Terms memory t;
        (id, t) = OrderTerms.loader()(terms);
        // slither-disable-next-line uninitialized-local (starts at zero)
        Signers memory who;
        _open(t, id, who, buyerSignature, sellerSignature, NONE);
    }

    /// @param apart as of {_writeOpened}.
    function _open(
        Terms memory terms,
        OrderId id,
        Signers memory who,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature,
        uint256 apart
    ) private {
        _requireOpenable(terms, id, who);
        _requireBothSigned(terms, id, OrderId.unwrap(id), who, buyerSignature, sellerSignature);
        _writeOpened(terms, id, apart);
    }

    // ==================================================== funding and paying

    /// @inheritdoc IOrderEscrow
    function fund(Terms calldata terms, uint256 milestone, ConsentSignature calldata c) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        uint256 amount = _fund(t, m, c.payer, _participantOf(c.payer));
        IDepositToken(t.token).hold(c.payer, amount, m.ref, c.nonce, c.deadline, c.signature);
    }

    /// @inheritdoc IOrderEscrow
    function pay(Terms calldata terms, uint256 milestone, ConsentSignature calldata c) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        uint256 amount = _pay(t, m, c.payer, _participantOf(c.payer));
        address to = IParticipantRegistry(registry).currentWallet(t.seller);
        emit MilestoneReleased(m.id, m.index, to, amount);
        IDepositToken(t.token).executeByConsent(c.payer, to, amount, m.ref, c.nonce, c.deadline, c.signature);
    }

    /// @inheritdoc INotary
    function onHold(address payer, uint256 amount, bytes32 ref, bytes calldata data) external returns (bytes4) {
        (OrderId id, Terms memory terms) = OrderTerms.loader()(_decodeTerms(data));
        _requireToken(terms.token);
        (Live memory m, uint32 participant) = _openHeld(terms, id, payer, data);
        if (ref != m.ref) revert WrongReference(ref, m.ref);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        bool due = m.state == State.Due;
        uint256 expected = due ? _pay(terms, m, payer, participant) : _fund(terms, m, payer, participant);
        if (amount != expected) revert WrongAmount(amount, expected);
        if (due) _execute(terms, m, payer, expected, true);
        return INotary.onHold.selector;
    }

    /// @dev The order that `data` names, opened where it is not: then the word of the milestone that is being funded is
    /// left to that. The token vouches for the payer, who thus needs no signature of its own.
    function _openHeld(Terms memory terms, OrderId id, address payer, bytes calldata data)
        private
        returns (Live memory m, uint32 participant)
    {
        uint256 milestone = _decodeWord(data, 32);
        if (_isOpen(id)) return (_load(terms, id, milestone), _participantOf(payer));

        _name(m, terms, id, milestone);
        (m.before, m.state, m.since) = (State.Open, State.Open, uint32(block.timestamp));
        // slither-disable-next-line uninitialized-local (starts at zero)
        Signers memory who;
        who.vouched = payer;
        _open(terms, id, who, _decodeBytes(data, 64), _decodeBytes(data, 96), milestone);
        if (payer == who.buyer) participant = terms.buyer;
        else participant = payer == who.seller ? terms.seller : _participantOf(payer);
    }

    /// @dev Open -> Funded. What stops of payer, seller or token have cost so far is kept, for from here on the clock
    /// of attestEnd is the seller's.
    function _fund(Terms memory terms, Live memory m, address payer, uint32 participant)
        private
        returns (uint256 amount)
    {
        Milestone memory ms = terms.milestones[m.index];
        if (m.state != State.Open || ms.mode != Mode.PREFUND) revert WrongState(m.id, m.index, m.state);
        if (participant != ms.payer) revert WrongPayer(m.id, payer);
        if (_isPast(ms.fundBy, m.since, ms.payer, 0, terms.token)) revert TooLate(ms.fundBy, block.timestamp);

        uint256 delayEnd = _stopped(m.since, ms.payer, terms.seller, 0, terms.token);
        if (delayEnd != 0) {
            m.delayed = true;
            _saveParts(m, Parts(0, 0, 0, _stopped(m.since, ms.payer, 0, 0, terms.token), delayEnd, false, false));
        }
        (m.state, m.payer, m.since) = (State.Funded, payer, uint32(block.timestamp));
        _write(m);
        amount = ms.amount;
        emit MilestoneFunded(m.id, m.index, payer, amount);
    }

    /// @dev Due -> Released, or back to Open while a partial delivery has more to come.
    function _pay(Terms memory terms, Live memory m, address payer, uint32 participant) private returns (uint256 due) {
        Milestone memory ms = terms.milestones[m.index];
        if (m.state != State.Due) revert WrongState(m.id, m.index, m.state);
        if (participant != ms.payer && participant != terms.buyer) revert WrongPayer(m.id, payer);

        Parts memory p = _parts(m);
        due = _owed(ms, m, p);
        m.state = State.Released;
        if (_usesParts(ms, m)) {
            p.settled = p.accepted;
            _saveParts(m, p);
            if (!m.decided && !p.complete) (m.state, m.since) = (State.Open, uint32(_startedAt(m)));
            _save(m);
        } else {
            _write(m);
        }
        emit MilestoneFunded(m.id, m.index, payer, due);
    }

    function _requireToken(address expected) private view {
        if (msg.sender == expected) return;
        if (!IParticipantRegistry(registry).isDepositToken(msg.sender)) revert OnlyDepositToken(msg.sender);
        revert WrongToken(msg.sender, expected);
    }

    // abi.decode(data, (Terms, uint256, bytes, bytes)) without copying. Offsets that lead astray only name other terms,
    // which then hash to an order that nobody signed.

    function _decodeTerms(bytes calldata data) private pure returns (Terms calldata terms) {
        assembly ("memory-safe") {
            terms := add(data.offset, calldataload(data.offset))
        }
    }

    function _decodeWord(bytes calldata data, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, position))
        }
    }

    /// @dev The `bytes` whose offset stands at `position`.
    function _decodeBytes(bytes calldata data, uint256 position) private pure returns (bytes calldata decoded) {
        uint256 offset = _decodeWord(data, position);
        assembly ("memory-safe") {
            let start := add(data.offset, offset)
            // slither-disable-next-line write-after-write (offset and length are two words)
            decoded.offset := add(start, 32)
            decoded.length := calldataload(start)
        }
    }

    // ============================================== attesting and paying out

    /// @inheritdoc IOrderEscrow
    function attest(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures) external {
        _attest(terms, attestation, signatures, false);
    }

    /// @inheritdoc IOrderEscrow
    function attestAndRelease(Terms calldata terms, Attestation calldata attestation, bytes[] calldata signatures)
        external
    {
        _attest(terms, attestation, signatures, true);
    }

    /// @inheritdoc IOrderEscrow
    function release(Terms calldata terms, uint256 milestone) external {
        (Terms memory t, Live memory m) = _load(terms, milestone);
        Milestone memory ms = t.milestones[milestone];
        Parts memory p = _parts(m);
        uint256 owed = p.owed;
        if (m.state == State.Accepted) {
            _requireReleasable(t, ms, m);
            owed += _owed(ms, m, p);
            m.state = State.Released;
            p.settled = p.accepted;
        } else if (owed == 0) {
            if (m.state == State.Funded) revert NothingOwed(m.id, milestone);
            revert WrongState(m.id, milestone, m.state);
        }
        if (_usesParts(ms, m)) {
            p.owed = 0;
            _saveParts(m, p);
            _save(m);
        } else {
            _write(m);
        }
        _execute(t, m, m.payer, owed, true);
    }

    function _requireReleasable(Terms memory terms, Milestone memory ms, Live memory m) private view {
        if (m.decided || ms.inspection == 0 || _inspectionOver(terms, ms, m)) return;
        if (_participantOf(msg.sender) == terms.buyer) return;
        revert TooEarly(uint256(m.since) + ms.inspection, block.timestamp);
    }

    // ============================================================ amendments

    /// @inheritdoc IOrderAmendments
    function amend(Terms calldata, Terms calldata, uint40, bytes calldata, bytes calldata, ConsentSignature[] calldata)
        external
        returns (OrderId)
    {
        _extend(amendments);
    }

    /// @inheritdoc IOrderAmendments
    function refundReleased(Terms calldata, uint256, uint256, bytes32, ConsentSignature calldata) external {
        _extend(amendments);
    }

    /// @inheritdoc IOrderAmendments
    function amendmentDigest(OrderId, OrderId, uint40) external view returns (bytes32) {
        _extendView(amendments);
    }

    /// @inheritdoc IOrderAmendments
    function creditedOf(OrderId, uint256) external view returns (uint256) {
        _extendView(amendments);
    }

    /// @inheritdoc IOrderAmendments
    function creditReference(OrderId, uint256, bytes32) external view returns (bytes32) {
        _extendView(amendments);
    }

    // ============================================================= extension

    /// @inheritdoc IOrderExtension
    function attestMany(Terms[] calldata, Attestation[] calldata, bytes[][] calldata) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function releaseMany(Terms[] calldata, uint256[] calldata) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function cancel(Terms calldata, uint256) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function cancelTogether(Terms calldata, uint256, uint40, bytes calldata, bytes calldata) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function writeOff(Terms calldata, uint256) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function refund(Terms calldata, uint256) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function dispute(Terms calldata, uint256) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function rule(Terms calldata, uint256, uint88) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function decideByFallback(Terms calldata, uint256) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function agree(Terms calldata, Agreement calldata, bytes calldata, bytes calldata) external {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function cancelByOrder(Terms calldata, uint256, bytes32) external restricted {
        _extend(extension);
    }

    /// @inheritdoc IOrderExtension
    function agreementDigest(Agreement calldata) external view returns (bytes32) {
        _extendView(extension);
    }

    /// @inheritdoc IOrderExtension
    function cancellationDigest(OrderId, uint8, uint40) external view returns (bytes32) {
        _extendView(extension);
    }

    /// @inheritdoc IOrderExtension
    function milestoneOf(OrderId, uint256) external view returns (MilestoneView memory) {
        _extendView(extension);
    }

    /// @inheritdoc IOrderExtension
    function amountsOf(Terms calldata, uint256) external view returns (uint256, uint256, uint256, uint256) {
        _extendView(extension);
    }

    /// @inheritdoc IOrderExtension
    function unpaidOf(Terms calldata, uint256) external view returns (uint256) {
        _extendView(extension);
    }

    /// @inheritdoc IOrderExtension
    function isOverdue(Terms calldata, uint256) external view returns (bool) {
        _extendView(extension);
    }

    /// @dev The same call, answered by other code on this contract's storage.
    function _extend(address code) private {
        assembly ("memory-safe") {
            let data := mload(64)
            calldatacopy(data, 0, calldatasize())
            let ok := delegatecall(gas(), code, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(ok) { revert(data, returndatasize()) }
            return(data, returndatasize())
        }
    }

    /// @dev For the views among them. Solidity has no DELEGATECALL that a view may use; what these run writes nothing.
    function _extendView(address code) private view {
        function(address) internal run = _extend;
        function(address) internal view look;
        assembly ("memory-safe") {
            look := run
        }
        look(code);
        assembly ("memory-safe") {
            invalid() // not reached: the answer has been returned
        }
    }

    // ================================================================= views

    /// @inheritdoc IOrderEscrow
    function orderId(Terms calldata terms) external pure returns (OrderId) {
        return terms.id();
    }

    /// @inheritdoc IOrderEscrow
    function termsDigest(Terms calldata terms) external view returns (bytes32) {
        return _digest(OrderId.unwrap(terms.id()));
    }

    /// @inheritdoc IOrderEscrow
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32) {
        return _digest(attestation.hash());
    }

    /// @inheritdoc IOrderEscrow
    function stateOf(OrderId id, uint256 milestone) external view returns (State) {
        return _milestones[OrderTerms.holdReference(id, milestone)].word.stateOf();
    }

    /// @inheritdoc IOrderEscrow
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

// slither-disable-end assembly
// slither-disable-end timestamp
