// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../../../contracts/DepositToken.sol";
import {Reserve} from "../../../../contracts/Reserve.sol";
import {IReserve, ReserveAttestation, ReserveLine} from "../../../../contracts/interfaces/IReserve.sol";
import {Path, Reason} from "../../../../contracts/libraries/Reason.sol";
import {Vm} from "../../base/Vm.sol";

/// @notice Bank, auditors, client and time, in any order. It keeps books of its own: what is attested by whom until when,
/// and what an issuer minted when; so a mint that the rules should have refused shows.
contract ReserveHandler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant RATE = 5000;
    uint256 private constant PERIOD = 1 days;

    DepositToken public immutable token;
    Reserve public immutable reserve;
    address public immutable issuer;
    address public immutable compliance;
    address public immutable pauser;
    address public immutable client;
    uint32 public immutable participant;
    Vm.Wallet[] private _auditors;

    // its own books
    uint256 private _attested;
    uint256 private _freshUntil;
    address[] private _signers;
    uint256 private _supply;
    uint256[] private _mintTimes;
    uint256[] private _mintAmounts;
    bytes32[] private _open;
    uint256 private _serial;
    uint64 private _sequence;

    // what happened
    uint256 public mints;
    uint256 public refusals;
    uint256 public attestations;
    uint256 public redemptions;

    // what must not
    uint256 public aboveAttested;
    uint256 public whileStale;
    uint256 public tooFast;
    uint256 public refusedForNothing;
    uint256 public notForetold;
    uint256 public tooFewSigners;
    uint256 public redemptionsStopped;

    constructor(
        DepositToken token_,
        Reserve reserve_,
        address[5] memory who,
        uint32 participant_,
        Vm.Wallet[] memory auditors,
        uint64 sequence
    ) {
        (token, reserve) = (token_, reserve_);
        (issuer, compliance, pauser, client,) = (who[0], who[1], who[2], who[3], who[4]);
        (participant, _sequence) = (participant_, sequence);
        for (uint256 i = 0; i < auditors.length; i++) {
            _auditors.push(auditors[i]);
        }
        _supply = token_.totalSupply();
    }

    // ---- the acts ----

    function mint(uint96 amount_) external {
        uint256 amount = 1 + amount_ % 2000;
        bool foretold = token.check(Path.MINT, issuer, address(0), client, amount) == Reason.OK;
        VM.prank(issuer);
        (bool done,) = address(token).call(abi.encodeCall(token.mint, (bytes32(++_serial), client, amount)));
        if (done != foretold) notForetold++;
        bool within = _supply + amount <= _attested;
        bool slow = _level() + amount * PERIOD <= RATE * PERIOD;
        if (!done) {
            refusals++;
            if (within && slow && fresh() && !token.paused()) refusedForNothing++;
            return;
        }
        mints++;
        if (!within) aboveAttested++;
        if (!slow) tooFast++;
        if (!fresh()) whileStale++;
        _supply += amount;
        _mintTimes.push(block.timestamp);
        _mintAmounts.push(amount);
    }

    /// @dev Two of three sign, now and then only one or a stranger.
    function attest(uint96 amount, uint256 who, uint40 valid, uint40 since) external {
        ReserveAttestation memory a = _statement(amount % 20_000, valid, since);
        (uint256 i, uint256 j) = (who % 3, (who % 3 + 1 + (who >> 8) % 2) % 3);
        if (_auditors[i].addr > _auditors[j].addr) (i, j) = (j, i);
        bytes[] memory signatures = new bytes[](who % 7 == 0 ? 1 : 2);
        signatures[0] = _sign(i, a);
        if (signatures.length == 2) signatures[1] = _sign(j, a);
        (bool done,) = address(reserve).call(abi.encodeCall(reserve.attestReserve, (a, signatures)));
        bool may =
            signatures.length == 2 && reserve.isAuditor(_auditors[i].addr) && reserve.isAuditor(_auditors[j].addr);
        if (done && !may) tooFewSigners++;
        if (!done) return;
        attestations++;
        (_attested, _sequence) = (amount % 20_000, a.sequence);
        uint256 due = uint256(a.asOf) + reserve.cycleOf("USD");
        _freshUntil = a.validUntil < due ? a.validUntil : due;
        delete _signers;
        _signers.push(_auditors[i].addr);
        _signers.push(_auditors[j].addr);
    }

    /// @dev A key goes, another comes; the first of these acts is rare.
    function rotate(uint256 which, uint256 odds) external {
        if (odds % 8 != 0 || _auditors[which % 3].privateKey == 0) return;
        address gone = _auditors[which % 3].addr;
        if (!reserve.isAuditor(gone)) return;
        VM.prank(compliance);
        reserve.removeAuditor(gone);
        Vm.Wallet memory next = VM.createWallet(string.concat("auditor ", VM.toString(++_serial)));
        _auditors[which % 3] = next;
        VM.prank(address(this)); // granted GOVERNOR without a delay by the test
        reserve.addAuditor(next.addr);
    }

    function request(uint96 amount_) external {
        uint256 available = token.available(client);
        if (available == 0 || token.paused()) return;
        bytes32 ref = bytes32(++_serial);
        VM.prank(client);
        token.requestRedemption(1 + amount_ % available, ref, "payout");
        VM.prank(issuer);
        token.instructRedemption(participant, ref);
        _open.push(ref);
    }

    /// @dev Whatever state reserve and pause are in, an instructed redemption ends.
    function end(uint256 which, bool back) external {
        if (_open.length == 0) return;
        which %= _open.length;
        bytes32 ref = _open[which];
        uint256 amount = token.redemptionOf(participant, ref).amount;
        bytes memory call_ = back
            ? abi.encodeCall(token.returnRedemption, (participant, ref, "it came back"))
            : abi.encodeCall(token.settleRedemption, (participant, ref, "fiat"));
        VM.prank(issuer);
        (bool done,) = address(token).call(call_);
        if (!done) redemptionsStopped++;
        if (!back) _supply -= amount;
        redemptions++;
        _open[which] = _open[_open.length - 1];
        _open.pop();
    }

    function pause() external {
        if (token.paused()) {
            token.unpause();
        } else {
            VM.prank(pauser);
            token.pause();
        }
    }

    function wait(uint40 time) external {
        VM.warp(block.timestamp + time % 3 days);
    }

    // ---- the books ----

    /// @dev The bucket, worked out anew from all mints.
    function _level() private view returns (uint256 level) {
        for (uint256 i = 0; i < _mintTimes.length; i++) {
            level += _mintAmounts[i] * PERIOD;
            uint256 until = i + 1 < _mintTimes.length ? _mintTimes[i + 1] : block.timestamp;
            uint256 drained = (until - _mintTimes[i]) * RATE;
            level = drained < level ? level - drained : 0;
        }
    }

    function _statement(uint256 amount, uint40 valid, uint40 since) private view returns (ReserveAttestation memory a) {
        a.lines = new ReserveLine[](1);
        a.lines[0] = ReserveLine("CENTRAL_BANK", "BANKUS33", amount);
        (a.currency, a.documentHash) = ("USD", "report");
        a.asOf = uint40(block.timestamp) - since % 1 days;
        a.validUntil = uint40(block.timestamp) + valid % 10 days;
        (a.sequence, a.deadline) = (_sequence + 1, uint40(block.timestamp));
    }

    function _sign(uint256 which, ReserveAttestation memory a) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(_auditors[which].privateKey, reserve.attestationDigest(a));
        return abi.encodePacked(_auditors[which].addr, r, s, v);
    }

    function supply() external view returns (uint256) {
        return _supply;
    }

    /// @dev What the reserve should say now.
    function fresh() public view returns (bool) {
        bool signed = _signers.length == 2;
        for (uint256 i = 0; i < _signers.length; i++) {
            signed = signed && reserve.isAuditor(_signers[i]);
        }
        return signed && block.timestamp <= _freshUntil;
    }

    function attested() external view returns (uint256) {
        return _attested;
    }
}
