// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../../contracts/interfaces/IDepositToken.sol";
import {IRecoverable} from "../../../contracts/interfaces/IRecoverable.sol";
import {Path, Reason, Standing} from "../../../contracts/libraries/Reason.sol";
import {TestNotary} from "../mocks/token/TestNotary.sol";
import {TokenBase} from "./TokenBase.sol";
import {Vm} from "./Vm.sol";

/// @notice Alice with money, Bob without, one notary of the dollar token; every path done as its caller would do it, and
/// compared with what `check` foretold.
abstract contract TokenScenario is TokenBase {
    uint256 internal constant MONEY = 1_000_000;

    Party internal alice;
    Party internal bob;
    TestNotary internal notary;
    address internal seizer = address(0x2004); // RESOLUTION without a delay, for one call at a time

    mapping(address wallet => uint256 key) internal keyOf;
    uint256 private _serial;

    function setUp() public virtual override {
        super.setUp();
        notary = new TestNotary(address(usd));
        _registerNotary(usd, address(notary));
        alice = _party("alice", MONEY);
        bob = _party("bob", 0);
        vm.startPrank(admin);
        governance.grantRole(_roleId("RESOLUTION"), seizer, 0);
        vm.stopPrank();
    }

    function _party(string memory name, uint256 amount) internal returns (Party memory party) {
        party = _client(name);
        if (amount > 0) _deposit(usd, party.wallet, amount);
        keyOf[party.wallet] = party.key;
    }

    // ---- doing ----

    function _transfer(address from, address to, uint256 amount) internal {
        vm.prank(from);
        usd.transfer(to, amount);
    }

    function _hold(address payer, uint256 amount) internal {
        vm.prank(payer);
        usd.holdAndCall(address(notary), amount, "ref", "");
    }

    function _today() internal view returns (uint256) {
        return block.timestamp / 1 days;
    }

    function _next() internal returns (uint256) {
        return ++_serial;
    }

    function _spent(uint32 participant) internal view returns (uint256 spent) {
        (, spent) = usd.dailyLimit(participant);
    }

    // ---- check and execution ----

    /// @dev Does what `check` was asked about and holds the two together; returns the reason.
    function _agree(Path path, address caller, address from, address to, uint256 amount)
        internal
        returns (Reason reason)
    {
        if (path == Path.INSTRUCT || path == Path.SETTLE || path == Path.RETURN) {
            return _agreeOnRedemption(path, caller, from, amount);
        }
        bytes memory call_ = _callOf(path, caller, from, to, amount);
        reason = usd.check(path, caller, from, to, amount);
        bool byNotary =
            path == Path.HOLD || path == Path.EXECUTE || path == Path.RELEASE || path == Path.CANCEL_BY_ORDER;
        _compare(path, reason, byNotary || caller != from ? caller : from, call_);
    }

    function _callOf(Path path, address caller, address from, address to, uint256 amount)
        private
        returns (bytes memory)
    {
        if (path == Path.TRANSFER) {
            if (caller == from) return abi.encodeCall(usd.transfer, (to, amount));
            vm.prank(from);
            usd.approve(caller, amount);
            return abi.encodeCall(usd.transferFrom, (from, to, amount));
        }
        if (path == Path.HOLD) {
            uint256 nonce = _next();
            uint256 key = keyOf[from] == 0 ? 1 : keyOf[from];
            if (keyOf[from] == 0) from = vm.addr(key); // unknown, like the one asked about
            bytes memory signature = _signConsent(key, usd, from, caller, amount, "ref", nonce, block.timestamp);
            return abi.encodeCall(usd.hold, (from, amount, "ref", nonce, block.timestamp, signature));
        }
        if (path == Path.EXECUTE) return abi.encodeCall(usd.execute, (from, to, amount, "ref"));
        if (path == Path.RELEASE) return abi.encodeCall(usd.release, (from, amount, "ref", 0));
        if (path == Path.MINT) return abi.encodeCall(usd.mint, (bytes32(_next()), to, amount));
        if (path == Path.SEIZE) return abi.encodeCall(usd.seize, (from, to, amount, 0, ORDER));
        if (path == Path.RECOVER) return abi.encodeCall(usd.recover, (from, to, ORDER));
        return abi.encodeCall(usd.cancelByOrder, (from, amount, "ref", ORDER));
    }

    /// @dev `from` has requested `amount` before; where it is to be settled, that was instructed.
    function _agreeOnRedemption(Path path, address caller, address from, uint256 amount)
        private
        returns (Reason reason)
    {
        (uint32 id,,) = registry.walletOf(from);
        bytes32 ref = lastRedemption[from];
        reason = usd.check(path, caller, from, address(0), amount);
        bytes memory call_ = abi.encodeCall(usd.returnRedemption, (id, ref, "evidence"));
        if (path == Path.INSTRUCT) call_ = abi.encodeCall(usd.instructRedemption, (id, ref));
        if (path == Path.SETTLE) call_ = abi.encodeCall(usd.settleRedemption, (id, ref, "fiat"));
        _compare(path, reason, caller, call_);
    }

    mapping(address wallet => bytes32 ref) internal lastRedemption;

    function _request(address wallet, uint256 amount) internal returns (bytes32 ref) {
        ref = bytes32(_next());
        lastRedemption[wallet] = ref;
        vm.prank(wallet);
        usd.requestRedemption(amount, ref, "payout");
    }

    function _instruct(address wallet) internal {
        (uint32 id,,) = registry.walletOf(wallet);
        vm.prank(issuer);
        usd.instructRedemption(id, lastRedemption[wallet]);
    }

    function _compare(Path path, Reason reason, address caller, bytes memory call_) private {
        vm.prank(caller);
        (bool done, bytes memory result) = address(usd).call(call_);
        string memory which =
            string.concat("path ", vm.toString(uint256(path)), " reason ", vm.toString(uint256(reason)));
        assertEq(done, reason == Reason.OK, which);
        if (done) return;
        if (path == Path.RECOVER && reason == Reason.NOT_COMPLIANCE) {
            assertEq(bytes32(bytes4(result)), bytes32(IRecoverable.OnlyRegistry.selector), which);
            return;
        }
        assertEq(bytes32(bytes4(result)), bytes32(IDepositToken.Refused.selector), which);
        (Path refusedPath, Reason refusedReason,,,) =
            abi.decode(_tail(result), (Path, Reason, address, uint256, uint256));
        assertEq(uint256(refusedPath), uint256(path), which);
        assertEq(uint256(refusedReason), uint256(reason), which);
    }

    function _tail(bytes memory data) internal pure returns (bytes memory tail) {
        tail = new bytes(data.length - 4);
        for (uint256 i = 0; i < tail.length; i++) {
            tail[i] = data[i + 4];
        }
    }

    function _refused(Path path, Reason reason, address about, uint256 has, uint256 needs)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IDepositToken.Refused.selector, path, reason, about, has, needs);
    }

    // ---- somebody in every standing ----

    /// @dev A second wallet of a new participant, with MONEY of which half is held by the notary and a tenth is being
    /// redeemed, then brought into that standing. UNKNOWN: a wallet never linked.
    function _standing(Standing standing) internal returns (Party memory subject, address wallet) {
        if (standing == Standing.UNKNOWN) return (subject, vm.addr(1));
        string memory name = string.concat("subject ", vm.toString(_next()));
        subject = _party(name, 0);
        Vm.Wallet memory second = _link(subject, string.concat(name, ", second wallet"));
        wallet = second.addr;
        keyOf[wallet] = second.privateKey;
        _deposit(usd, wallet, MONEY);
        _hold(wallet, MONEY / 2);
        _request(wallet, MONEY / 10);
        if (standing == Standing.WALLET_SUSPENDED) _suspendWallet(wallet);
        if (standing == Standing.WALLET_UNLINKED) _unlink(wallet);
        if (standing == Standing.WALLET_LOST) _recover(wallet, subject.wallet);
        if (standing == Standing.CLOSED) _close(subject.id);
        if (standing == Standing.FROZEN) _freeze(subject.id);
        if (standing == Standing.SUSPENDED) _suspend(subject.id);
        if (standing == Standing.KYC_EXPIRED) _lapse(subject.id);
    }

    /// @dev Only that participant's KYC.
    function _lapse(uint32 participant) internal {
        vm.prank(onboarder);
        registry.renewKyc(participant, uint40(block.timestamp + 1), "");
        vm.warp(block.timestamp + 2);
    }
}
