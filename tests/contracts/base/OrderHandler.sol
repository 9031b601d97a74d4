// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Agreement, Attestation, Milestone, Mode, Terms} from "../../../contracts/libraries/OrderTerms.sol";
import {Path, Reason} from "../../../contracts/libraries/Reason.sol";
import {OrderLedger} from "./OrderLedger.sol";
import {Vm} from "./Vm.sol";

/// @notice What can happen to orders: everybody pushes them on, banks stop and loosen, wallets are lost, time passes.
/// An act is offered to one milestone after the other until one takes it, so most calls do something; the others are
/// refused, for a reason.
abstract contract OrderHandler is OrderLedger {
    enum Act {
        FundByConsent,
        FundByHold,
        Deliver,
        DeliverAndRelease,
        Complain,
        Repeat,
        DisputeAsBuyer,
        DisputeAsSeller,
        Rule,
        Agree,
        Fallback,
        ReleaseAsBuyer,
        Release,
        PayByConsent,
        PayByHold,
        RefundAsSeller,
        Refund,
        Cancel,
        CancelTogether,
        WriteOff,
        CancelByOrder
    }

    /// @dev Chance's part in an act.
    struct Luck {
        uint256 seed;
        uint88 amount;
        bool complete;
    }

    address internal constant STRANGER = address(0xBEEF);
    uint256 private constant LIVE = 16; // milestones that are kept going
    uint256 private constant TRIES = 2;

    mapping(bytes32 ref => uint48) private _seq;
    string[9] private _stateNames =
        ["None", "Open", "Funded", "Accepted", "Due", "Disputed", "Released", "Refunded", "Cancelled"];
    string[21] private _actNames = [
        "fund by consent",
        "fund by hold",
        "attest",
        "attest and release",
        "attest a negative status",
        "attest again",
        "dispute as buyer",
        "dispute as seller",
        "rule",
        "agree",
        "decide by fallback",
        "release as buyer",
        "release",
        "pay by consent",
        "pay by hold",
        "refund as seller",
        "refund",
        "cancel",
        "cancel together",
        "write off",
        "cancel by order"
    ];
    uint256 internal _blocked; // refusals that E8 forbids
    uint256 private _names;
    Vm.Wallet private _spare; // announced or an attester

    function setUp() public virtual override {
        super.setUp();
        _beSwift();
        for (uint256 kind; kind < 4; ++kind) {
            _openOne(kind);
        }
    }

    function _openOne(uint256 kind) internal {
        Terms memory t = _draw(kind);
        escrow.open(t, _signTerms(t, buyer), _signTerms(t, _partyOf(t.seller)));
        _enter(t);
    }

    // ---- what the fuzzer calls ----

    function fund(uint256 seed, bool byHold) public {
        _offer(byHold ? Act.FundByHold : Act.FundByConsent, Luck(seed, 0, false));
    }

    function deliver(uint256 seed, uint88 amount, bool complete, bool thenRelease) public {
        _offer(thenRelease ? Act.DeliverAndRelease : Act.Deliver, Luck(seed, amount, complete));
    }

    function complain(uint256 seed, uint88 amount) public {
        _offer(Act.Complain, Luck(seed, amount, false));
    }

    function repeatSomething(uint256 seed) public {
        _offer(Act.Repeat, Luck(seed, 0, false));
    }

    function dispute(uint256 seed, bool asBuyer) public {
        _offer(asBuyer ? Act.DisputeAsBuyer : Act.DisputeAsSeller, Luck(seed, 0, false));
    }

    function decide(uint256 seed, uint256 how, uint88 amount) public {
        Act[3] memory acts = [Act.Rule, Act.Fallback, Act.Agree];
        _offer(acts[how % 3], Luck(seed, amount, false));
    }

    /// @dev Whichever of the four there is something for, so that money does not lie about.
    function settle(uint256 seed, uint256 how) public {
        Act[4] memory acts = [Act.Release, Act.PayByConsent, Act.ReleaseAsBuyer, Act.PayByHold];
        for (uint256 i; i < 4; ++i) {
            if (_offer(acts[(how % 4 + i) % 4], Luck(seed, 0, false))) return;
        }
    }

    function giveUp(uint256 seed, uint256 how) public {
        Act[6] memory acts =
            [Act.Refund, Act.Cancel, Act.RefundAsSeller, Act.CancelTogether, Act.WriteOff, Act.CancelByOrder];
        _offer(acts[how % 6], Luck(seed, 0, false));
    }

    function openAnother(uint256 kind) public {
        if (_live.length < LIVE && _mayAct(buyer) && _mayAct(seller) && _mayAct(rival)) _openOne(kind % 4);
    }

    function pass(uint256 seconds_) public {
        _pass(seconds_ % 8 == 0 ? bound(seconds_ >> 3, 1, 6 days) : bound(seconds_ >> 3, 1, 1 days));
    }

    function _pass(uint256 time) internal {
        vm.warp(block.timestamp + time);
        Party[4] memory all = [buyer, payer, seller, rival];
        for (uint256 i; i < 4; ++i) {
            vm.prank(onboarder);
            registry.renewKyc(all[i].id, uint40(block.timestamp) + KYC_TERM, keccak256("questionnaire"));
        }
    }

    /// @dev Never both ways at once for one: what is stopped is loosened by `loosen`.
    function stop(uint256 who, uint256 how) public {
        Party memory party = [buyer, payer, seller, rival][who % 4];
        if (how % 5 == 4) {
            if (!usd.paused()) _pause(usd);
            return;
        }
        if (registry.isStopped(party.id) || !_mayAct(party)) return;
        if (how % 5 == 1) _suspend(party.id);
        else if (how % 5 == 2) _suspendWallet(party.wallet);
        else _freeze(party.id);
    }

    /// @dev One that is stopped, where there is any.
    function loosen(uint256 who) public {
        Party[4] memory all = [buyer, payer, seller, rival];
        for (uint256 i; i < 5; ++i) {
            uint256 k = (who % 5 + i) % 5;
            if (k == 4 ? _loosenToken() : _loosenParty(all[k])) return;
        }
    }

    function _loosenToken() private returns (bool stopped) {
        stopped = usd.paused();
        if (stopped) _unpause(usd);
    }

    function _loosenParty(Party memory party) private returns (bool stopped) {
        stopped = registry.isStopped(party.id) || !_mayAct(party);
        if (!_mayAct(party)) _reinstateWallet(party.wallet);
        if (!registry.isStopped(party.id)) return stopped;
        if (registry.participantOf(party.id).frozen) _unfreeze(party.id);
        else _reinstate(party.id);
    }

    function loseWallet(uint256 who) public {
        who %= 4;
        Party storage party = who == 0 ? buyer : who == 1 ? payer : who == 2 ? seller : rival;
        Vm.Wallet memory next = _link(party, string.concat("successor ", vm.toString(++_names)));
        _recover(party.wallet, next.addr);
        (party.wallet, party.key) = (next.addr, next.privateKey);
    }

    /// @dev A spare attester comes, after its announcement, and goes. From then on its word is worth nothing.
    function rotateAttesters(uint256 seed) public {
        vm.startPrank(notaryPublic.wallet);
        if (_spare.addr == address(0)) {
            _spare = _key(string.concat("spare attester ", vm.toString(++_names)));
            attesterSets.announceAttester(setId, _spare.addr);
            vm.stopPrank();
            return;
        }
        if (!attesterSets.isAttester(setId, _spare.addr)) {
            try attesterSets.addAttester(setId, _spare.addr) {} catch {}
            vm.stopPrank();
            return;
        }
        attesterSets.removeAttester(setId, _spare.addr);
        vm.stopPrank();
        _attestWithoutRight(seed);
        delete _spare;
    }

    function _attestWithoutRight(uint256 seed) private {
        if (_live.length == 0) return;
        Item memory item = _items[_live[seed % _live.length]];
        Terms memory t = _termsOf(item);
        Attestation memory a = _says(t, _seq[item.ref] + 1, SHIPPED);
        a.milestone = uint8(item.milestone);
        a.setEpoch = attesterSets.attesterSet(setId).epoch;
        bytes[] memory signatures = new bytes[](2);
        bool first = _spare.addr < attesters[0].addr;
        signatures[first ? 0 : 1] = _signedBy(a, _spare);
        signatures[first ? 1 : 0] = _signedBy(a, attesters[0]);
        (bool ok,) = address(escrow).call(abi.encodeCall(escrow.attest, (t, a, signatures)));
        assertFalse(ok, "an attester that was removed");
    }

    function _mayAct(Party memory party) private view returns (bool) {
        (,, IParticipantRegistry.WalletStatus status) = registry.walletOf(party.wallet);
        return status == IParticipantRegistry.WalletStatus.LINKED;
    }

    // ---- an act ----

    function _offer(Act act, Luck memory luck) internal returns (bool) {
        if (act == Act.Repeat && luck.seed % 4 == 0 && _over.length != 0) {
            Item memory ended = _items[_over[(luck.seed >> 2) % _over.length]];
            return _try(act, ended, _termsOf(ended), luck); // E3
        }
        uint256[] memory apt = new uint256[](_live.length);
        uint256 n;
        for (uint256 i; i < apt.length; ++i) {
            Item memory item = _items[_live[i]];
            if (_isApt(act, _stateOf(item), item.mode, luck)) apt[n++] = _live[i];
        }
        for (uint256 i; i < n && i < TRIES; ++i) {
            Item memory item = _items[apt[(luck.seed % n + i) % n]];
            if (_try(act, item, _termsOf(item), luck)) return true;
        }
        return false;
    }

    /// @dev Leaves out what is hopeless; EscrowMatrix is about that.
    function _isApt(Act act, IOrderBook.State state, Mode mode, Luck memory luck) private pure returns (bool) {
        bool open = state == IOrderBook.State.Open;
        if (act == Act.FundByConsent || act == Act.FundByHold) return open && mode == Mode.PREFUND;
        if (act == Act.Cancel || act == Act.CancelTogether) return open;
        if (act == Act.Repeat) return true;
        if (open && mode == Mode.PREFUND) return false;
        if (act == Act.Rule || act == Act.Fallback) return state == IOrderBook.State.Disputed;
        if (act == Act.WriteOff || act == Act.PayByConsent || act == Act.PayByHold) {
            return state == IOrderBook.State.Due;
        }
        if (act == Act.ReleaseAsBuyer || act == Act.Release || act == Act.RefundAsSeller || act == Act.Refund) {
            return state == IOrderBook.State.Funded || state == IOrderBook.State.Accepted;
        }
        // what is settled or disputed already is attested again now and then only
        bool settled = state == IOrderBook.State.Accepted || state == IOrderBook.State.Disputed;
        return !settled || act > Act.Complain || luck.seed % 4 == 0;
    }

    function _try(Act act, Item memory item, Terms memory t, Luck memory luck) internal returns (bool ok) {
        IOrderBook.State from = _stateOf(item);
        (address caller, bytes memory data) = _encode(act, item, t, luck);
        bool byHold = act == Act.FundByHold || act == Act.PayByHold;
        bytes memory reason;
        vm.recordLogs();
        vm.prank(caller);
        (ok, reason) = (byHold ? address(usd) : address(escrow)).call(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!ok) {
            _judgeRefusal(act, item, t, reason); // and no book: what was undone is among the logs
            return false;
        }
        _keepBooks(logs);
        _took(_rowOf(from, _stateOf(item), act));
        _noteEnd(item);
    }

    /// @dev E8: only what moves money to another may be refused by the token's rules, and then as `check` says.
    function _judgeRefusal(Act act, Item memory item, Terms memory t, bytes memory reason) private {
        assertTrue(reason.length >= 4, "a refusal has a reason");
        assertTrue(bytes4(reason) != bytes4(keccak256("Panic(uint256)")), "no panic");
        if (bytes4(reason) != IDepositToken.Refused.selector) return;
        if (act == Act.Release || act == Act.ReleaseAsBuyer) {
            address paying = escrow.milestoneOf(item.id, item.milestone).payer;
            address to = registry.currentWallet(t.seller);
            Reason why = usd.check(Path.EXECUTE, address(escrow), paying, to, _owed(item, t));
            assertTrue(why != Reason.OK, "refused for what check says");
        } else if (act > Act.FundByHold && act != Act.PayByConsent && act != Act.PayByHold) {
            ++_blocked;
        }
    }

    function _rowOf(IOrderBook.State from, IOrderBook.State to, Act act) internal view returns (string memory) {
        return string.concat(_stateNames[uint256(from)], " > ", _stateNames[uint256(to)], ", ", _actNames[uint256(act)]);
    }

    function _owed(Item memory item, Terms memory t) internal view returns (uint256) {
        Milestone memory m = t.milestones[item.milestone];
        IOrderBook.MilestoneView memory v = escrow.milestoneOf(item.id, item.milestone);
        return m.partialDelivery || v.decided ? v.accepted - v.settled : m.amount;
    }

    // ---- its call ----

    function _encode(Act act, Item memory item, Terms memory t, Luck memory luck)
        private
        returns (address caller, bytes memory data)
    {
        uint256 i = item.milestone;
        caller = STRANGER;
        if (act <= Act.FundByHold || act == Act.PayByConsent || act == Act.PayByHold) {
            return _encodePaying(act, item, t);
        }
        if (act >= Act.Deliver && act <= Act.Repeat) return (caller, _encodeAttesting(act, item, t, luck));
        if (act == Act.DisputeAsBuyer || act == Act.DisputeAsSeller) {
            caller = act == Act.DisputeAsBuyer ? buyer.wallet : _partyOf(t.seller).wallet;
            return (caller, abi.encodeCall(escrow.dispute, (t, i)));
        }
        if (act == Act.Rule) {
            uint88 share = uint88(bound(luck.amount, 0, escrow.unpaidOf(t, i)));
            return (arbiter.wallet, abi.encodeCall(escrow.rule, (t, i, share)));
        }
        if (act == Act.Agree || act == Act.CancelTogether) return (caller, _encodeTogether(act, item, t, luck));
        if (act == Act.Fallback) return (caller, abi.encodeCall(escrow.decideByFallback, (t, i)));
        if (act == Act.Release) return (caller, abi.encodeCall(escrow.release, (t, i)));
        if (act == Act.ReleaseAsBuyer) return (buyer.wallet, abi.encodeCall(escrow.release, (t, i)));
        if (act == Act.Refund) return (caller, abi.encodeCall(escrow.refund, (t, i)));
        if (act == Act.Cancel) return (caller, abi.encodeCall(escrow.cancel, (t, i)));
        if (act == Act.CancelByOrder) return (SWIFT, abi.encodeCall(escrow.cancelByOrder, (t, i, ORDER)));
        caller = _partyOf(t.seller).wallet;
        return act == Act.WriteOff
            ? (caller, abi.encodeCall(escrow.writeOff, (t, i)))
            : (caller, abi.encodeCall(escrow.refund, (t, i)));
    }

    function _encodePaying(Act act, Item memory item, Terms memory t) private returns (address, bytes memory) {
        uint256 i = item.milestone;
        Party memory from = _partyOf(t.milestones[i].payer);
        bool funding = act <= Act.FundByHold;
        uint256 amount = funding ? t.milestones[i].amount : _owed(item, t);
        if (act == Act.FundByHold || act == Act.PayByHold) {
            bytes memory data = abi.encode(t, i, bytes(""), bytes(""));
            return (from.wallet, abi.encodeCall(usd.holdAndCall, (address(escrow), amount, item.ref, data)));
        }
        IOrderBook.ConsentSignature memory c = _consent(from, t, i, amount);
        return (STRANGER, funding ? abi.encodeCall(escrow.fund, (t, i, c)) : abi.encodeCall(escrow.pay, (t, i, c)));
    }

    function _encodeAttesting(Act act, Item memory item, Terms memory t, Luck memory luck)
        private
        returns (bytes memory)
    {
        Milestone memory m = t.milestones[item.milestone];
        uint48 last = _seq[item.ref];
        uint48 seq = act == Act.Repeat ? uint48(bound(luck.seed, 1, last + 1)) : last + 1 + uint48(luck.seed % 3);
        bool negative = act == Act.Complain || (act == Act.Repeat && luck.seed % 2 == 0);
        Attestation memory a = _says(t, seq, negative ? DAMAGED : SHIPPED);
        a.milestone = uint8(item.milestone);
        a.setEpoch = attesterSets.attesterSet(setId).epoch;
        if (a.attestedAt > m.attestBy) a.attestedAt = m.attestBy;
        if (m.partialDelivery) (a.accepted, a.complete) = (uint88(bound(luck.amount, 0, m.amount)), luck.complete);
        if (seq > last) _seq[item.ref] = seq;
        return act == Act.DeliverAndRelease
            ? abi.encodeCall(escrow.attestAndRelease, (t, a, _signed(a)))
            : abi.encodeCall(escrow.attest, (t, a, _signed(a)));
    }

    function _encodeTogether(Act act, Item memory item, Terms memory t, Luck memory luck)
        private
        returns (bytes memory)
    {
        uint8 i = uint8(item.milestone);
        uint40 deadline = uint40(block.timestamp);
        uint256 sellerKey = _partyOf(t.seller).key;
        if (act == Act.CancelTogether) {
            bytes32 d = escrow.cancellationDigest(escrow.orderId(t), i, deadline);
            return abi.encodeCall(escrow.cancelTogether, (t, i, deadline, _sign(buyer.key, d), _sign(sellerKey, d)));
        }
        uint88 unpaid = uint88(escrow.unpaidOf(t, i));
        uint88 share = uint88(bound(luck.amount, 0, unpaid));
        Agreement memory a = Agreement(escrow.orderId(t), i, share, unpaid, ++_names, deadline);
        bytes32 digest = escrow.agreementDigest(a);
        return abi.encodeCall(escrow.agree, (t, a, _sign(buyer.key, digest), _sign(sellerKey, digest)));
    }

    // ---- the end ----

    /// @dev E4: once nobody is stopped and the clocks have run out, strangers bring everything held to its end.
    function _endAll() internal {
        for (uint256 i; i < 5; ++i) {
            loosen(0);
        }
        _pass(6 days);
        vm.warp(block.timestamp + uint256(ATTEST_IN) + GRACE + RULING);
        for (uint256 i; i < _items.length; ++i) {
            Terms memory t = _termsOf(_items[i]);
            Luck memory none;
            if (_stateOf(_items[i]) == IOrderBook.State.Open) _try(Act.Cancel, _items[i], t, none);
            if (_stateOf(_items[i]) == IOrderBook.State.Disputed) _try(Act.Fallback, _items[i], t, none);
            if (_stateOf(_items[i]) == IOrderBook.State.Funded) _try(Act.Refund, _items[i], t, none);
            if (_stateOf(_items[i]) == IOrderBook.State.Accepted) _try(Act.Release, _items[i], t, none);
            IOrderBook.State state = _stateOf(_items[i]);
            assertTrue(state >= IOrderBook.State.Released || state == IOrderBook.State.Due, "E4");
        }
        assertEq(usd.heldFor(address(escrow), buyer.wallet), 0, "E4: buyer");
        assertEq(usd.heldFor(address(escrow), payer.wallet), 0, "E4: payer");
    }
}
