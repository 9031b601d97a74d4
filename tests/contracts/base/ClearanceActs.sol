// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IMandates} from "../../../contracts/interfaces/IMandates.sol";
import {Flags} from "../../../contracts/libraries/Flags.sol";
import {ClearanceBase} from "./ClearanceBase.sol";
import {Vm} from "./Vm.sol";

/// @notice Three clients, two of whom need clearances from time to time, try to move money on every path: with a good
/// clearance, with none, and with those that are late, of another payer, token, call or signer; what passed is tried again.
/// What passed is counted by what let it pass.
abstract contract ClearanceActs is ClearanceBase {
    uint256 private constant GOOD = 3; // modes below it

    /// @dev What one payer tries: `out` leaves its unheld money, `in_` comes in with the payee.
    struct Attempt {
        Party payer;
        address payee;
        uint256 out;
        uint256 in_;
        bytes call_;
    }

    struct Done {
        address caller;
        bytes call_;
    }

    struct Given {
        IMandates.Mandate mandate;
        bool cleared;
    }

    Party[3] internal _parties;
    mapping(address wallet => uint256) internal _clearedOut; // paid or held with a clearance
    mapping(address wallet => uint256) internal _freeOut; // without, while no flag was set
    mapping(address wallet => uint256) internal _cameIn; // paid to it, or given back
    uint256 internal _slipped; // moved without a good clearance while the flag was set, or by a bad one
    uint256 internal _replayed;
    mapping(bytes4 selector => uint256) internal _passed; // with a clearance

    Done[] private _done;
    Given[] private _given;

    function setUp() public virtual override {
        super.setUp();
        Party memory carol = _party("carol", MONEY);
        _deposit(usd, bob.wallet, MONEY);
        _parties[0] = alice;
        _parties[1] = bob;
        _parties[2] = carol;
        _mustBeCleared(alice.id);
        _mustBeCleared(carol.id);
    }

    // ---- what anybody tries ----

    function own(uint256 who, uint256 kind, uint256 mode, uint256 amount) external {
        (Party memory payer, Party memory payee) = _pair(who);
        Attempt memory a = _ownCall(payer, payee, kind % 5, 1 + amount % 1e4);
        (bytes memory clearance, uint256 deadline) = _clearance(mode % 8, payer.wallet, keccak256(a.call_));
        _count(a, mode % 8 < GOOD, _try(payer.wallet, abi.encodeCall(usd.cleared, (a.call_, deadline, clearance))));
    }

    function word(uint256 who, uint256 kind, uint256 mode, uint256 amount) external {
        (Party memory payer, Party memory payee) = _pair(who);
        mode = mode % 9;
        Attempt memory a = _wordCall(payer, payee, kind % 5, mode, 1 + amount % 1e4);
        bool done = _try(kind % 5 < 3 ? address(notary) : payee.wallet, a.call_);
        if (mode == 8) _countFree(a, done);
        else _count(a, mode < GOOD, done);
    }

    /// @dev Calls as they are, and calls that cannot be cleared although the screener signed.
    function bare(uint256 who, uint256 kind, uint256 amount) external {
        (Party memory payer, Party memory payee) = _pair(who);
        amount = 1 + amount % 1e4;
        kind = kind % 8;
        if (kind < 5) {
            Attempt memory own_ = _ownCall(payer, payee, kind, amount);
            _countFree(own_, _try(payer.wallet, own_.call_));
            return;
        }
        Attempt memory a = Attempt(payer, payee.wallet, amount, amount, "");
        a.call_ = abi.encodeCall(usd.transfer, (payee.wallet, amount));
        if (kind == 5) {
            _countFree(a, _try(payer.wallet, a.call_));
        } else if (kind == 6) {
            vm.prank(payer.wallet);
            usd.approve(payee.wallet, amount);
            a.call_ = abi.encodeCall(usd.transferFrom, (payer.wallet, payee.wallet, amount));
            _countFree(a, _try(payee.wallet, a.call_));
        } else {
            bytes memory clearance = _clear(payer.wallet, keccak256(a.call_));
            if (_try(payer.wallet, abi.encodeCall(usd.cleared, (a.call_, block.timestamp, clearance)))) ++_slipped;
        }
    }

    /// @dev From within the notary's code, while the payer's call is cleared.
    function sneak(uint256 who, uint256 amount) external {
        (Party memory payer, Party memory payee) = _pair(who);
        if (!_isFlagged(payer)) return;
        amount = 1 + amount % 1e4;
        notary.reenterWith(_wordCall(payer, payee, amount % 3, 8, amount).call_);
        bytes memory call_ = abi.encodeCall(usd.holdAndCall, (address(notary), amount, bytes32(_next()), ""));
        bytes memory clearance = _clear(payer.wallet, keccak256(call_));
        if (_try(payer.wallet, abi.encodeCall(usd.cleared, (call_, block.timestamp, clearance)))) ++_slipped;
        notary.reenterWith("");
    }

    function useMandate(uint256 which, uint256 amount) external {
        if (_given.length == 0) return;
        Given memory g = _given[which % _given.length];
        amount = 1 + amount % 1e4;
        Attempt memory a = Attempt(_ofWallet(g.mandate.payer), bob.wallet, amount, amount, "");
        a.call_ = abi.encodeCall(usd.executeByMandate, (g.mandate, bob.wallet, amount, bytes32(_next())));
        bool done = _try(address(notary), a.call_);
        if (g.cleared) _count(a, true, done);
        else _countFree(a, done);
    }

    function again(uint256 which) external {
        if (_done.length == 0) return;
        Done memory d = _done[which % _done.length];
        vm.prank(d.caller);
        (bool done,) = address(usd).call(d.call_);
        if (done) ++_replayed;
    }

    /// @dev What is held goes on, or back, flag or not.
    function proceed(uint256 who, uint256 amount, bool back) external {
        (Party memory payer, Party memory payee) = _pair(who);
        uint256 held = usd.heldFor(address(notary), payer.wallet);
        if (held == 0) return;
        amount = 1 + amount % held;
        vm.prank(address(notary));
        if (back) usd.release(payer.wallet, amount, "ref", 0);
        else usd.execute(payer.wallet, payee.wallet, amount, "ref");
        _cameIn[back ? payer.wallet : payee.wallet] += amount;
    }

    function turn(uint256 who) external {
        Party memory party = _parties[who % 3];
        if (_isFlagged(party)) _needsNone(party.id);
        else _mustBeCleared(party.id);
    }

    // ---- what they call ----

    function _ownCall(Party memory payer, Party memory payee, uint256 kind, uint256 amount)
        private
        returns (Attempt memory a)
    {
        bytes32 ref = bytes32(_next());
        a = Attempt(payer, payee.wallet, amount, 0, "");
        if (kind == 0) {
            a.in_ = amount;
            a.call_ = abi.encodeCall(usd.pay, (payee.wallet, amount, ref, ""));
        } else if (kind == 1) {
            IDepositToken.Payment[] memory batch = new IDepositToken.Payment[](2);
            batch[0] = IDepositToken.Payment(payee.wallet, amount, ref, "");
            batch[1] = IDepositToken.Payment(payee.wallet, 1, bytes32(_next()), "");
            (a.out, a.in_) = (amount + 1, amount + 1);
            a.call_ = abi.encodeCall(usd.payBatch, (batch));
        } else if (kind == 2) {
            a.call_ = abi.encodeCall(usd.holdAndCall, (address(notary), amount, ref, ""));
        } else if (kind == 3) {
            a.call_ = abi.encodeCall(usd.requestRedemption, (amount, ref, "payout"));
        } else {
            IMandates.Mandate memory m = IMandates.Mandate({
                payer: payer.wallet,
                notary: address(notary),
                ruleId: ref,
                capPerPayment: 1e4,
                capPerPeriod: 1e6,
                period: 1 days,
                start: block.timestamp,
                end: block.timestamp + 30 days
            });
            _given.push(Given(m, false));
            a.out = 0;
            a.call_ = abi.encodeCall(usd.registerMandate, (m));
        }
    }

    /// @dev Mode 8: nothing rides along.
    function _wordCall(Party memory payer, Party memory payee, uint256 kind, uint256 mode, uint256 amount)
        private
        returns (Attempt memory attempt)
    {
        attempt = Attempt(payer, payee.wallet, amount, kind == 0 ? 0 : amount, "");
        if (kind > 2) {
            Authorization memory a = _authorization(payer.wallet, payee.wallet, amount);
            a.validBefore = block.timestamp + 1 days;
            string memory name = kind == 3 ? "TransferWithAuthorization" : "ReceiveWithAuthorization";
            bytes memory riding = _ride(payer, mode, _authorizationDigest(name, a));
            attempt.call_ = kind == 3 ? _transferCall(a, riding) : _receiveCall(a, riding);
            return attempt;
        }
        uint256 nonce = _next();
        bytes memory signature = _ride(payer, mode, _consentDigest(payer.wallet, address(notary), amount, "ref", nonce));
        attempt.call_ = _consentCall(payer.wallet, payee.wallet, kind, amount, nonce, signature);
    }

    function _consentCall(
        address payer,
        address payee,
        uint256 kind,
        uint256 amount,
        uint256 nonce,
        bytes memory signature
    ) private view returns (bytes memory) {
        if (kind == 0) {
            return abi.encodeCall(usd.hold, (payer, amount, "ref", nonce, block.timestamp, signature));
        }
        if (kind == 1) {
            return
                abi.encodeCall(usd.executeByConsent, (payer, payee, amount, "ref", nonce, block.timestamp, signature));
        }
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](1);
        IDepositToken.NetLeg[] memory legs = new IDepositToken.NetLeg[](1);
        legs[0] = IDepositToken.NetLeg(payee, amount);
        sources[0] = IDepositToken.NetSource(payer, "ref", 0, nonce, block.timestamp, signature, legs);
        return abi.encodeCall(usd.executeNet, (sources));
    }

    function _ride(Party memory payer, uint256 mode, bytes32 digest) private view returns (bytes memory signature) {
        signature = _sign(payer.key, digest);
        if (mode == 8) return signature;
        (bytes memory clearance, uint256 deadline) = _clearance(mode, payer.wallet, digest);
        return _wrap(signature, deadline, clearance);
    }

    function _clearance(uint256 mode, address payer, bytes32 digest)
        private
        view
        returns (bytes memory clearance, uint256 deadline)
    {
        Vm.Wallet memory by = screener;
        deadline = mode == 3 ? block.timestamp - 1 : block.timestamp + 1 days;
        if (mode == 4) payer = payer == alice.wallet ? bob.wallet : alice.wallet;
        if (mode == 6) (by.addr, by.privateKey) = (bob.wallet, bob.key);
        if (mode == 7) digest = keccak256(abi.encode(digest));
        clearance = _clear(by, mode == 5 ? eur : usd, payer, digest, deadline);
    }

    // ---- what came of it ----

    /// @dev Transfers and bare holds may be repeated; all else happens once.
    function _try(address caller, bytes memory call_) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(usd).call(call_);
        bytes4 selector = bytes4(call_);
        bool repeatable = selector == usd.transfer.selector || selector == usd.transferFrom.selector
            || selector == usd.holdAndCall.selector;
        if (done && !repeatable) _done.push(Done(caller, call_));
    }

    /// @dev Brought with a clearance, which is judged whether it is needed or not.
    function _count(Attempt memory a, bool good, bool done) private {
        if (!done) return;
        if (!good) ++_slipped;
        bytes4 selector = bytes4(a.call_);
        ++_passed[selector];
        _clearedOut[a.payer.wallet] += a.out;
        _cameIn[a.payee] += a.in_;
        if (selector == usd.registerMandate.selector) _given[_given.length - 1].cleared = true;
    }

    function _countFree(Attempt memory a, bool done) private {
        if (!done) return;
        if (a.out != 0 && _isFlagged(a.payer)) ++_slipped;
        _freeOut[a.payer.wallet] += a.out;
        _cameIn[a.payee] += a.in_;
    }

    // ---- small things ----

    function _pair(uint256 seed) private view returns (Party memory payer, Party memory payee) {
        return (_parties[seed % 3], _parties[(seed % 3 + 1 + (seed >> 8) % 2) % 3]);
    }

    function _ofWallet(address wallet) private view returns (Party memory) {
        return _parties[wallet == alice.wallet ? 0 : wallet == bob.wallet ? 1 : 2];
    }

    function _isFlagged(Party memory party) internal view returns (bool) {
        return registry.participantOf(party.id).flags & Flags.CLEARANCE != 0;
    }
}
