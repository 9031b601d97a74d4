// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Path, Reason} from "../../../contracts/libraries/Reason.sol";
import {TestNotary} from "../mocks/token/TestNotary.sol";
import {Rows} from "./Rows.sol";
import {TokenScenario} from "./TokenScenario.sol";
import {Vm} from "./Vm.sol";

/// @notice Whatever anybody may do to a token, in any order: three clients, one of two wallets, two notaries, the bank
/// and its officers, and time. Every movement is asked of `check` before it is tried; what the two disagree about, what
/// slips past a stop and what is paid twice is counted.
abstract contract TokenActs is TokenScenario, Rows {
    address[4] internal _alive; // two of Bob
    address[] internal _lost;
    uint32[] internal _participants;
    TestNotary[2] internal _notaries;

    uint256 internal _minted;
    uint256 internal _burnt;
    uint256 internal _disagreed; // `check` and execution
    uint256 internal _slipped; // past a stop, in the same block
    uint256 internal _doubled; // references that paid or minted again
    mapping(uint32 participant => mapping(bytes32 ref => bool)) private _paid;
    bytes32[] private _deposits;

    struct Pending {
        uint32 participant;
        bytes32 ref;
        uint256 amount;
    }

    Pending[] private _redemptions;
    uint256 private _names;

    function setUp() public virtual override {
        super.setUp();
        TestNotary second = new TestNotary(address(usd));
        _registerNotary(usd, address(second));
        _notaries = [notary, second];
        Party memory carol = _party("carol", MONEY);
        Vm.Wallet memory spare = _link(bob, "bob, second wallet");
        keyOf[spare.addr] = spare.privateKey;
        _alive = [alice.wallet, bob.wallet, carol.wallet, spare.addr];
        _participants = [alice.id, bob.id, carol.id];
        _beSwift();
        _nameRows();
    }

    function _nameRows() private {
        _nameTable("hold");
        _row("- > held, by the payer's call");
        _row("- > held, by consent");
        _row("- > executed, by consent");
        _row("held > executed");
        _row("held > executed, notary in run-off");
        _row("held > netted");
        _row("held > netted, notary in run-off");
        _row("- > netted, by consent");
        _row("held > given back, the same day");
        _row("held > given back, a later day");
        _row("held > given back, while paused");
        _row("held > cancelled by order");
        _row("held > rescued from a stopped notary");
        _row("held > held, by the successor of a lost wallet");
        _row("- > requested");
        _row("requested > instructed");
        _row("requested > returned");
        _row("instructed > settled");
        _row("instructed > returned, with evidence");
        _row("instructed > settled, while paused");
    }

    // ---- trying ----

    /// @dev Executes what `check` was asked about and holds the two together.
    function _try(Path path, address caller, address from, address to, uint256 amount, bytes memory call_)
        private
        returns (bool done)
    {
        bool foretold = usd.check(path, _asked(path, caller, from), from, to, amount) == Reason.OK;
        vm.prank(caller);
        bytes memory result;
        (done, result) = address(usd).call(call_);
        bool refused = !done && bytes4(result) == IDepositToken.Refused.selector;
        if (done ? !foretold : (foretold && refused)) ++_disagreed;
    }

    /// @dev A hold by the payer's own call is asked of the notary.
    function _asked(Path path, address caller, address from) private view returns (address) {
        return path == Path.HOLD && caller == from ? address(_notaries[0]) : caller;
    }

    function _plain(address caller, bytes memory call_) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(usd).call(call_);
    }

    function _someWallet(uint256 seed) private view returns (address) {
        return seed % 32 == 31 && _lost.length != 0 ? _lost[(seed >> 5) % _lost.length] : _alive[seed % 4];
    }

    function _someNotary(uint256 seed) private view returns (TestNotary) {
        return _notaries[seed % 2];
    }

    function _participantOf(address wallet) private view returns (uint32 id) {
        (id,,) = registry.walletOf(wallet);
    }

    // ---- money in and out ----

    function mint(uint256 to, uint64 amount, uint256 again) external {
        bytes32 ref = again % 8 == 0 && _deposits.length != 0 ? _deposits[again % _deposits.length] : bytes32(_next());
        bool used = usd.mintedFor(ref);
        address payee = _someWallet(to);
        uint256 amount_ = 1 + uint256(amount) % 1e6;
        if (!_try(Path.MINT, issuer, address(0), payee, amount_, abi.encodeCall(usd.mint, (ref, payee, amount_)))) {
            return;
        }
        if (used) ++_doubled;
        _minted += amount_;
        _deposits.push(ref);
    }

    function request(uint256 from, uint64 amount) external {
        address wallet = _someWallet(from);
        uint256 amount_ = 1 + uint256(amount) % 1e4;
        bytes32 ref = bytes32(_next());
        if (!_plain(wallet, abi.encodeCall(usd.requestRedemption, (amount_, ref, "payout")))) return;
        _took("- > requested");
        _redemptions.push(Pending(_participantOf(wallet), ref, amount_));
    }

    function proceed(uint256 which, uint256 how) public {
        if (_redemptions.length == 0) return;
        Pending memory p = _redemptions[which % _redemptions.length];
        IDepositToken.RedemptionStatus was = usd.redemptionOf(p.participant, p.ref).status;
        if (was == IDepositToken.RedemptionStatus.REQUESTED) {
            if (how % 3 != 0 && _plain(issuer, abi.encodeCall(usd.instructRedemption, (p.participant, p.ref)))) {
                _took("requested > instructed");
            } else if (_plain(issuer, abi.encodeCall(usd.returnRedemption, (p.participant, p.ref, "")))) {
                _took("requested > returned");
            }
        } else if (was == IDepositToken.RedemptionStatus.INSTRUCTED && how % 3 != 0) {
            if (!_plain(issuer, abi.encodeCall(usd.settleRedemption, (p.participant, p.ref, "fiat")))) return;
            _burnt += p.amount;
            _took(usd.paused() ? "instructed > settled, while paused" : "instructed > settled");
        } else if (was == IDepositToken.RedemptionStatus.INSTRUCTED) {
            assertFalse(_plain(issuer, abi.encodeCall(usd.returnRedemption, (p.participant, p.ref, ""))), "no evidence");
            if (_plain(issuer, abi.encodeCall(usd.returnRedemption, (p.participant, p.ref, "evidence")))) {
                _took("instructed > returned, with evidence");
            }
        } else {
            bool again = _plain(issuer, abi.encodeCall(usd.settleRedemption, (p.participant, p.ref, "fiat")));
            if (again || _plain(issuer, abi.encodeCall(usd.returnRedemption, (p.participant, p.ref, "x")))) ++_doubled;
            _redemptions[which % _redemptions.length] = _redemptions[_redemptions.length - 1];
            _redemptions.pop();
        }
    }

    // ---- paying ----

    function transfer(uint256 from, uint256 to, uint64 amount, bool bySpender) external {
        (address payer, address payee) = (_someWallet(from), _someWallet(to));
        uint256 amount_ = uint256(amount) % 1e6;
        if (!bySpender) {
            _try(Path.TRANSFER, payer, payer, payee, amount_, abi.encodeCall(usd.transfer, (payee, amount_)));
            return;
        }
        address spender = from % 3 == 0 ? operator : _someWallet(from >> 8);
        vm.prank(payer);
        usd.approve(spender, amount_);
        _try(Path.TRANSFER, spender, payer, payee, amount_, abi.encodeCall(usd.transferFrom, (payer, payee, amount_)));
    }

    /// @dev References from a small range, so that they are used again, by other wallets of the participant too.
    function pay(uint256 from, uint256 to, uint64 amount, uint8 ref, bool batch) external {
        (address payer, address payee) = (_someWallet(from), _someWallet(to));
        uint256 amount_ = 1 + uint256(amount) % 1e5;
        bytes32 ref_ = bytes32(uint256(1 + ref % 32));
        bytes memory call_ = abi.encodeCall(usd.pay, (payee, amount_, ref_, ""));
        if (batch) {
            IDepositToken.Payment[] memory list = new IDepositToken.Payment[](2);
            list[0] = IDepositToken.Payment(payee, amount_, ref_, "");
            list[1] = IDepositToken.Payment(payee, amount_, bytes32(uint256(1 + from % 32)), "");
            call_ = abi.encodeCall(usd.payBatch, (list));
            if (!_plain(payer, call_)) return;
            _note(_participantOf(payer), list[1].ref);
        } else if (!_try(Path.TRANSFER, payer, payer, payee, amount_, call_)) {
            return;
        }
        _note(_participantOf(payer), ref_);
    }

    function _note(uint32 participant, bytes32 ref) private {
        if (_paid[participant][ref]) ++_doubled;
        _paid[participant][ref] = true;
    }

    function voidOne(uint256 who, uint8 ref) external {
        uint32 participant = _participants[who % 3];
        if (_plain(issuer, abi.encodeCall(usd.voidReference, (participant, bytes32(uint256(1 + ref % 32)))))) {
            _note(participant, bytes32(uint256(1 + ref % 32)));
        }
    }

    // ---- holding ----

    function hold(uint256 from, uint256 to, uint64 amount, uint8 how) external {
        address payer = _someWallet(from);
        TestNotary by = _someNotary(to);
        uint256 amount_ = 1 + uint256(amount) % 1e5;
        if (how % 3 == 0) {
            if (_plain(payer, abi.encodeCall(usd.holdAndCall, (address(by), amount_, "ref", "")))) {
                _took("- > held, by the payer's call");
            }
            return;
        }
        uint256 nonce = _next();
        bytes memory signature =
            _signConsent(keyOf[payer], usd, payer, address(by), amount_, "ref", nonce, block.timestamp);
        if (how % 3 == 1) {
            bytes memory call_ = abi.encodeCall(usd.hold, (payer, amount_, "ref", nonce, block.timestamp, signature));
            if (_try(Path.HOLD, address(by), payer, address(0), amount_, call_)) _took("- > held, by consent");
            if (_plain(address(by), call_)) ++_doubled;
            return;
        }
        address payee = _someWallet(to >> 8);
        if (_plain(
                address(by),
                abi.encodeCall(usd.executeByConsent, (payer, payee, amount_, "ref", nonce, block.timestamp, signature))
            )) _took("- > executed, by consent");
    }

    function execute(uint256 from, uint256 by, uint256 to, uint64 amount) external {
        (address payer, address payee, TestNotary n) = (_someWallet(from), _someWallet(to), _someNotary(by));
        uint256 amount_ = amount % (usd.heldFor(address(n), payer) + 2);
        bool runsOff = usd.notaryStatus(address(n)) == IDepositToken.NotaryStatus.RUN_OFF;
        bytes memory call_ = abi.encodeCall(usd.execute, (payer, payee, amount_, "ref"));
        if (!_try(Path.EXECUTE, address(n), payer, payee, amount_, call_)) return;
        _took(runsOff ? "held > executed, notary in run-off" : "held > executed");
    }

    /// @dev Up to four payments that come to one movement, by consent or out of what one notary holds.
    function net(uint256 by, uint256 how, uint64 amount) external {
        address n = address(_someNotary(by));
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](1 + how % 4);
        bool consents;
        for (uint256 i; i < sources.length; ++i) {
            sources[i] = _netSource(n, uint256(keccak256(abi.encode(how, i))), amount);
            if (sources[i].day == 0) consents = true;
        }
        bool runsOff = usd.notaryStatus(n) == IDepositToken.NotaryStatus.RUN_OFF;
        if (!_tryNet(n, sources)) return;
        if (consents && _plain(n, abi.encodeCall(usd.executeNet, (sources)))) ++_doubled;
        for (uint256 i; i < sources.length; ++i) {
            if (sources[i].day == 0) _took("- > netted, by consent");
            else _took(runsOff ? "held > netted, notary in run-off" : "held > netted");
        }
    }

    function _netSource(address by, uint256 random, uint64 amount)
        private
        returns (IDepositToken.NetSource memory source)
    {
        source.payer = _someWallet(random);
        source.legs = new IDepositToken.NetLeg[](1);
        source.legs[0] = IDepositToken.NetLeg(_someWallet(random >> 16), 1 + uint256(amount) % 1e5);
        bool runsOff = usd.notaryStatus(by) == IDepositToken.NotaryStatus.RUN_OFF;
        for (uint256 i; runsOff && i < 4 && usd.heldFor(by, source.payer) == 0; ++i) {
            source.payer = _alive[i]; // no consents then: somebody with a hold
        }
        uint256 held = usd.heldFor(by, source.payer);
        if (held == 0 || (!runsOff && random >> 32 & 1 == 1)) {
            _consentTo(source, by);
        } else {
            source.day = _today() - (random >> 33 & 1);
            source.legs[0].amount = 1 + uint256(amount) % held;
        }
    }

    function _consentTo(IDepositToken.NetSource memory source, address by) private {
        (source.nonce, source.deadline) = (_next(), block.timestamp);
        (address payer, uint256 amount) = (source.payer, source.legs[0].amount);
        source.signature = _signConsent(keyOf[payer], usd, payer, by, amount, "", source.nonce, source.deadline);
    }

    function _tryNet(address by, IDepositToken.NetSource[] memory sources) private returns (bool done) {
        (Reason reason,) = usd.checkNet(by, sources);
        vm.prank(by);
        bytes memory result;
        (done, result) = address(usd).call(abi.encodeCall(usd.executeNet, (sources)));
        bool refused = !done && bytes4(result) == IDepositToken.Refused.selector;
        if (done ? reason != Reason.OK : (reason == Reason.OK && refused)) ++_disagreed;
    }

    function release(uint256 from, uint256 by, uint64 amount, bool earlier) external {
        (address payer, TestNotary n) = (_someWallet(from), _someNotary(by));
        uint256 amount_ = amount % (usd.heldFor(address(n), payer) + 2);
        uint256 day = earlier ? _today() - 1 : _today();
        bytes memory call_ = abi.encodeCall(usd.release, (payer, amount_, "ref", day));
        if (!_try(Path.RELEASE, address(n), payer, address(0), amount_, call_)) return;
        _took(earlier ? "held > given back, a later day" : "held > given back, the same day");
        if (usd.paused()) _took("held > given back, while paused");
    }

    function cancelByOrder(uint256 from, uint256 by, uint64 amount) external {
        (address payer, TestNotary n) = (_someWallet(from), _someNotary(by));
        uint256 amount_ = amount % (usd.heldFor(address(n), payer) + 2);
        bytes memory call_ = abi.encodeCall(usd.cancelByOrder, (payer, amount_, "ref", ORDER));
        if (_try(Path.CANCEL_BY_ORDER, address(n), payer, address(0), amount_, call_)) {
            _took("held > cancelled by order");
            _unfreezeSome(payer, amount_);
        }
    }

    function rescue(uint256 from, uint256 by, uint64 amount) external {
        (address payer, address n) = (_someWallet(from), address(_notaries[by % 8 == 0 ? 0 : 1]));
        uint256 held = usd.heldFor(n, payer);
        if (held == 0) return;
        bool stopped = usd.notaryStatus(n) == IDepositToken.NotaryStatus.STOPPED;
        bool done = _plain(SWIFT, abi.encodeCall(usd.rescueHold, (n, payer, 1 + amount % held, ORDER)));
        assertTrue(stopped || !done, "only from a stopped one");
        if (done) _took("held > rescued from a stopped notary");
    }

    /// @dev The second notary runs off, stops and comes back.
    function moveNotary(uint256 to) external {
        address second = address(_notaries[1]);
        if (to % 4 == 0) _plain(pauser, abi.encodeCall(usd.runOffNotary, (second)));
        else if (to % 4 == 1) _plain(pauser, abi.encodeCall(usd.stopNotary, (second)));
        else _plain(SWIFT, abi.encodeCall(usd.resumeNotary, (second)));
    }

    // ---- compliance ----

    function freezeSome(uint256 who, uint64 amount) external {
        _plain(compliance, abi.encodeCall(usd.freezeAmount, (_someWallet(who), 1 + uint256(amount) % 1e4, ORDER)));
    }

    function unfreezeSome(uint256 who, uint64 amount) external {
        _unfreezeSome(_someWallet(who), 1 + uint256(amount));
    }

    function _unfreezeSome(address wallet, uint256 amount) private {
        uint256 frozen = usd.frozen(wallet);
        if (frozen != 0) _plain(SWIFT, abi.encodeCall(usd.unfreezeAmount, (wallet, bound(amount, 1, frozen), ORDER)));
    }

    function seize(uint256 from, uint256 to, uint64 amount) external {
        (address payer, address payee) = (_someWallet(from), _someWallet(to));
        uint256 amount_ = 1 + uint256(amount) % 1e4;
        bytes memory call_ = abi.encodeCall(usd.seize, (payer, payee, amount_, amount % 100, ORDER));
        _try(Path.SEIZE, SWIFT, payer, payee, amount_, call_);
    }

    /// @dev Stops one in some way and asks in the same block whether anything of its still moves.
    function stop(uint256 who, uint256 how) external {
        address wallet = _someWallet(who);
        uint32 participant = _participantOf(wallet);
        if (how % 4 == 3) {
            if (!usd.paused()) _pause(usd);
            _probe(wallet);
            for (uint256 i; i < 4; ++i) {
                proceed(who >> i, how >> 2); // what was requested ends all the same
            }
            return;
        }
        IParticipantRegistry.WalletStatus status;
        (,, status) = registry.walletOf(wallet);
        if (registry.isStopped(participant) || status != IParticipantRegistry.WalletStatus.LINKED) return;
        if (how % 4 == 0) _freeze(participant);
        else if (how % 4 == 1) _suspend(participant);
        else _suspendWallet(wallet);
        _probe(wallet);
    }

    function _probe(address wallet) private {
        address other = _someWallet(uint256(uint160(wallet)) >> 7);
        if (_plain(wallet, abi.encodeCall(usd.transfer, (other, 1)))) ++_slipped;
        if (_plain(wallet, abi.encodeCall(usd.pay, (other, 1, bytes32(_next()), "")))) ++_slipped;
        if (_plain(wallet, abi.encodeCall(usd.holdAndCall, (address(notary), 1, "ref", "")))) ++_slipped;
        if (other != wallet && _plain(other, abi.encodeCall(usd.transfer, (wallet, 1)))) ++_slipped;
        if (_netsOut(wallet, other)) ++_slipped;
        vm.prank(wallet);
        usd.approve(operator, 1);
        if (_plain(operator, abi.encodeCall(usd.transferFrom, (wallet, other, 1)))) ++_slipped;
        if (_plain(issuer, abi.encodeCall(usd.mint, (bytes32(_next()), wallet, 1)))) ++_slipped;
    }

    /// @dev There and back: a net of nothing stops for a stop too.
    function _netsOut(address wallet, address other) private returns (bool) {
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        for (uint256 i; i < 2; ++i) {
            (address from, address to) = i == 0 ? (wallet, other) : (other, wallet);
            sources[i].payer = from;
            sources[i].legs = new IDepositToken.NetLeg[](1);
            sources[i].legs[0] = IDepositToken.NetLeg(to, 1);
            _consentTo(sources[i], address(notary));
        }
        return _tryNet(address(notary), sources);
    }

    function loosen(uint256 who) external {
        for (uint256 i; i < 5; ++i) {
            uint256 k = (who % 5 + i) % 5;
            if (k == 4) {
                if (!usd.paused()) continue;
                _unpause(usd);
                return;
            }
            if (_loosenWallet(_someWallet(k))) return;
        }
    }

    function _loosenWallet(address wallet) private returns (bool) {
        (uint32 id,, IParticipantRegistry.WalletStatus status) = registry.walletOf(wallet);
        if (status == IParticipantRegistry.WalletStatus.SUSPENDED) {
            _reinstateWallet(wallet);
            return true;
        }
        if (!registry.isStopped(id)) return false;
        if (registry.participantOf(id).frozen) _unfreeze(id);
        else _reinstate(id);
        return true;
    }

    /// @dev A wallet is lost; a new one takes its money, holds and frozen amount.
    function loseWallet(uint256 which) external {
        address lost = _alive[which % 4];
        (uint32 id,, IParticipantRegistry.WalletStatus status) = registry.walletOf(lost);
        if (status != IParticipantRegistry.WalletStatus.LINKED || registry.isStopped(id)) return;
        Party memory party;
        (party.id, party.identity) = (id, registry.participantOf(id).identityHash);
        Vm.Wallet memory next = _link(party, string.concat("successor ", vm.toString(++_names)));
        keyOf[next.addr] = next.privateKey;
        bool holds = usd.held(lost) != 0;
        _recover(lost, next.addr);
        if (holds) _took("held > held, by the successor of a lost wallet");
        _lost.push(lost);
        _alive[which % 4] = next.addr;
    }

    function limit(uint256 who, uint64 amount) external {
        (, uint256 spent) = usd.dailyLimit(_participants[who % 3]);
        _setLimit(usd, _participants[who % 3], spent + 1e5 + amount % 1e7);
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 4 == 0 ? time % 2 days : time % 2 hours));
    }
}
