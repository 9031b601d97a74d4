// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Standing} from "../../../contracts/libraries/Reason.sol";
import {RegistryBase} from "./RegistryBase.sol";
import {Rows} from "./Rows.sol";
import {Vm} from "./Vm.sol";

/// @notice What can happen to participants and their wallets: onboarded, linked, unlinked, suspended, lost, stopped and
/// closed, in any order, while time passes and strangers try the same. Books of their own say how all must stand.
abstract contract RegistryActs is RegistryBase, Rows {
    struct Owner {
        uint32 id;
        bytes32 identity;
        uint40 kyc;
        bool frozen;
        bool suspended;
        bool closed;
        address current;
        uint256 stopped; // seconds
    }

    struct Known {
        address wallet;
        uint256 key;
        uint256 owner; // its index in _owners
        IParticipantRegistry.WalletStatus status;
        IParticipantRegistry.WalletStatus resumes; // what a suspension ends in
        address successor;
    }

    uint256 private constant MOST_OWNERS = 5;
    uint256 private constant MOST_WALLETS = 24;
    address private constant STRANGER = address(0xBAD);

    Owner[] internal _owners;
    Known[] internal _known;
    uint256 private _names;

    uint256 internal _byStrangers;
    uint256 internal _stillGood; // in the block of a stop, or by a remembered epoch that is void

    function setUp() public virtual override {
        super.setUp();
        _beSwift();
        _nameRows();
        for (uint256 i; i < 3; ++i) {
            this.onboard(i);
        }
    }

    function _nameRows() private {
        _nameTable("registry");
        _row("participant: - > active");
        _row("participant: active > frozen");
        _row("participant: frozen > active");
        _row("participant: active > suspended");
        _row("participant: suspended > active");
        _row("participant: active > closed");
        _row("wallet: - > linked");
        _row("wallet: linked > unlinked");
        _row("wallet: unlinked > linked");
        _row("wallet: linked > suspended");
        _row("wallet: suspended > as it was");
        _row("wallet: > lost");
        _row("wallet: linked > current");
    }

    // ---- participants ----

    function onboard(uint256) external {
        if (_owners.length == MOST_OWNERS || _known.length == MOST_WALLETS) return;
        Party memory party = _onboard(_name());
        uint40 kyc = uint40(block.timestamp) + KYC_TERM;
        _owners.push(Owner(party.id, party.identity, kyc, false, false, false, party.wallet, 0));
        _know(party.wallet, party.key, _owners.length - 1);
        _took("participant: - > active");
    }

    function renewKyc(uint256 who, uint32 term) external {
        Owner storage owner = _owners[who % _owners.length];
        uint40 kyc = uint40(block.timestamp + 1 + term % 30 days);
        if (_try(onboarder, abi.encodeCall(registry.renewKyc, (owner.id, kyc, bytes32("questionnaire"))))) {
            owner.kyc = kyc;
        }
    }

    function freeze(uint256 who) external {
        Owner storage owner = _owners[who % _owners.length];
        if (!_try(compliance, abi.encodeCall(registry.freeze, (owner.id, ORDER)))) return;
        owner.frozen = true;
        _took("participant: active > frozen");
        _askAtOnce(owner.current);
    }

    function suspend(uint256 who) external {
        Owner storage owner = _owners[who % _owners.length];
        if (!_try(compliance, abi.encodeCall(registry.suspend, (owner.id, ORDER)))) return;
        owner.suspended = true;
        _took("participant: active > suspended");
        _askAtOnce(owner.current);
    }

    function loosen(uint256 who) external {
        Owner storage owner = _owners[who % _owners.length];
        if (_try(SWIFT, abi.encodeCall(registry.unfreeze, (owner.id, ORDER)))) {
            owner.frozen = false;
            _took("participant: frozen > active");
        } else if (_try(SWIFT, abi.encodeCall(registry.reinstate, (owner.id, ORDER)))) {
            owner.suspended = false;
            _took("participant: suspended > active");
        }
    }

    /// @dev Now and then: it is for ever.
    function close(uint256 who) external {
        Owner storage owner = _owners[who % _owners.length];
        if (_owners.length < MOST_OWNERS || who >> 8 & 3 != 0) return;
        if (!_try(onboarder, abi.encodeCall(registry.close, (owner.id)))) return;
        owner.closed = true;
        _took("participant: active > closed");
    }

    // ---- wallets ----

    function link(uint256 who) external {
        if (_known.length == MOST_WALLETS) return;
        _linkTo(who % _owners.length);
    }

    function _linkTo(uint256 who) private returns (bool done, address wallet) {
        Vm.Wallet memory w = _key(_name());
        bytes memory signature = _signLink(w.privateKey, _owners[who].identity, w.addr, block.timestamp);
        bytes memory call_ = abi.encodeCall(registry.linkWallet, (_owners[who].id, w.addr, block.timestamp, signature));
        done = _try(onboarder, call_);
        if (done) {
            _know(w.addr, w.privateKey, who);
            _took("wallet: - > linked");
        }
        return (done, w.addr);
    }

    /// @dev One that was unlinked comes back to its participant, and to no other; with a new signature.
    function linkAgain(uint256 which, uint256 who) external {
        for (uint256 k; k < _known.length; ++k) {
            Known storage w = _known[(which % _known.length + k) % _known.length];
            if (w.status != IParticipantRegistry.WalletStatus.UNLINKED && who >> 8 & 15 != 0) continue;
            uint256 to = who % 4 == 0 ? (who >> 2) % _owners.length : w.owner;
            uint256 deadline = block.timestamp + (++_names);
            bytes memory signature = _signLink(w.key, _owners[to].identity, w.wallet, deadline);
            bytes memory call_ = abi.encodeCall(registry.linkWallet, (_owners[to].id, w.wallet, deadline, signature));
            if (!_try(onboarder, call_)) return;
            (w.owner, w.status) = (to, IParticipantRegistry.WalletStatus.LINKED);
            _took("wallet: unlinked > linked");
            return;
        }
    }

    function unlink(uint256 which) external {
        Known storage w = _known[which % _known.length];
        (, uint32 epoch,) = registry.walletOf(w.wallet);
        if (!_try(onboarder, abi.encodeCall(registry.unlinkWallet, (w.wallet)))) return;
        w.status = IParticipantRegistry.WalletStatus.UNLINKED;
        _took("wallet: linked > unlinked");
        _askRemembered(w.owner, epoch);
        _askAtOnce(w.wallet);
    }

    function suspendWallet(uint256 which) external {
        Known storage w = _known[which % _known.length];
        (, uint32 epoch,) = registry.walletOf(w.wallet);
        if (!_try(compliance, abi.encodeCall(registry.suspendWallet, (w.wallet, ORDER)))) return;
        _took(
            w.status == IParticipantRegistry.WalletStatus.LINKED
                ? "wallet: linked > suspended"
                : "wallet: unlinked > suspended"
        );
        (w.resumes, w.status) = (w.status, IParticipantRegistry.WalletStatus.SUSPENDED);
        _askRemembered(w.owner, epoch);
        _askAtOnce(w.wallet);
    }

    function reinstateWallet(uint256 which) external {
        for (uint256 k; k < _known.length; ++k) {
            Known storage w = _known[(which % _known.length + k) % _known.length];
            if (w.status != IParticipantRegistry.WalletStatus.SUSPENDED) continue;
            if (_try(SWIFT, abi.encodeCall(registry.reinstateWallet, (w.wallet, ORDER)))) {
                w.status = w.resumes;
                _took("wallet: suspended > as it was");
            }
            return;
        }
    }

    function changeCurrent(uint256 which) external {
        Known storage to = _known[which % _known.length];
        Owner storage owner = _owners[to.owner];
        (, Known storage from) = _find(owner.current);
        uint256 nonce = registry.participantOf(owner.id).nonce;
        bytes memory signature = _signHandover(from.key, owner.id, from.wallet, to.wallet, nonce, block.timestamp);
        bytes memory call_ =
            abi.encodeCall(registry.changeCurrentWallet, (owner.id, to.wallet, block.timestamp, signature));
        if (!_try(STRANGER, call_)) return;
        owner.current = to.wallet;
        _took("wallet: linked > current");
    }

    /// @dev To a new wallet of its own, or to any there is.
    function loseWallet(uint256 which, uint256 to) external {
        uint256 lost = which % _known.length;
        (, uint32 epoch,) = registry.walletOf(_known[lost].wallet);
        address successor = _known[to % _known.length].wallet;
        if (to % 2 == 0 && _known.length < MOST_WALLETS) (, successor) = _linkTo(_known[lost].owner);
        Known storage w = _known[lost];
        if (!_try(SWIFT, abi.encodeCall(registry.recoverWallet, (w.wallet, successor, ORDER)))) return;
        (w.status, w.successor) = (IParticipantRegistry.WalletStatus.LOST, successor);
        _took("wallet: > lost");
        if (_owners[w.owner].current == w.wallet) _owners[w.owner].current = successor;
        _askRemembered(w.owner, epoch);
        _askAtOnce(w.wallet);
    }

    // ---- time and strangers ----

    function pass(uint32 time) external {
        uint256 dt = time % 4 == 0 ? time % 400 days : time % 3 days;
        for (uint256 i; i < _owners.length; ++i) {
            if (_isStopped(i)) _owners[i].stopped += dt;
        }
        vm.warp(block.timestamp + dt);
    }

    /// @dev Whoever holds no role, an office beyond its own, and the same words signed for another.
    function trespass(uint256 who, uint256 what) external {
        uint32 id = _owners[who % _owners.length].id;
        address wallet = _known[who % _known.length].wallet;
        address caller = [STRANGER, issuer, pauser, wallet][(what >> 8) % 4];
        bytes[8] memory calls = [
            abi.encodeCall(registry.freeze, (id, ORDER)),
            abi.encodeCall(registry.unfreeze, (id, ORDER)),
            abi.encodeCall(registry.suspend, (id, ORDER)),
            abi.encodeCall(registry.reinstateWallet, (wallet, ORDER)),
            abi.encodeCall(registry.suspendWallet, (wallet, ORDER)),
            abi.encodeCall(registry.unlinkWallet, (wallet)),
            abi.encodeCall(registry.recoverWallet, (wallet, STRANGER, ORDER)),
            abi.encodeCall(registry.renewKyc, (id, type(uint40).max, bytes32("x")))
        ];
        if (_try(caller, calls[what % 8])) ++_byStrangers;
    }

    // ---- helpers ----

    function _try(address caller, bytes memory call_) private returns (bool done) {
        vm.prank(caller);
        bytes memory answer;
        (done, answer) = address(registry).call(call_);
        if (!done) assertTrue(bytes4(answer) != bytes4(keccak256("Panic(uint256)")), "no panic");
    }

    function _name() private returns (string memory) {
        return string.concat("known ", vm.toString(++_names));
    }

    function _know(address wallet, uint256 key, uint256 owner) private {
        _known.push(
            Known(
                wallet,
                key,
                owner,
                IParticipantRegistry.WalletStatus.LINKED,
                IParticipantRegistry.WalletStatus.NONE,
                address(0)
            )
        );
    }

    function _find(address wallet) internal view returns (uint256 i, Known storage found) {
        while (_known[i].wallet != wallet) ++i;
        found = _known[i];
    }

    function _isStopped(uint256 owner) internal view returns (bool) {
        (, Known storage current) = _find(_owners[owner].current);
        return _owners[owner].frozen || _owners[owner].suspended
            || current.status == IParticipantRegistry.WalletStatus.SUSPENDED;
    }

    /// @dev What was stopped just now is good no more, in the same block.
    function _askAtOnce(address wallet) private {
        (Standing standing,) = registry.standingOf(wallet);
        if (standing == Standing.GOOD) ++_stillGood;
    }

    /// @dev Whoever remembers the wallet as it was must look again.
    function _askRemembered(uint256 owner, uint32 epoch) private {
        (uint256 standing,) = registry.standings(_owners[owner].id, epoch, 0, 0);
        if (uint8(standing) == uint8(Standing.GOOD)) ++_stillGood;
    }

    /// @dev A wallet's own state before its participant's.
    function _expected(Known storage w) internal view returns (Standing) {
        Owner storage owner = _owners[w.owner];
        if (w.status == IParticipantRegistry.WalletStatus.SUSPENDED) return Standing.WALLET_SUSPENDED;
        if (w.status == IParticipantRegistry.WalletStatus.UNLINKED) return Standing.WALLET_UNLINKED;
        if (w.status == IParticipantRegistry.WalletStatus.LOST) return Standing.WALLET_LOST;
        if (owner.frozen) return Standing.FROZEN;
        if (owner.closed) return Standing.CLOSED;
        if (owner.suspended) return Standing.SUSPENDED;
        return block.timestamp > owner.kyc ? Standing.KYC_EXPIRED : Standing.GOOD;
    }
}
