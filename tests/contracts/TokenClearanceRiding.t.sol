// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAuthorizations} from "../../contracts/interfaces/IAuthorizations.sol";
import {IClearances} from "../../contracts/interfaces/IClearances.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {ClearanceBase} from "./base/ClearanceBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice The clearance of a consent or an authorization comes along in its `signature`, which notaries pass on unread.
/// ├── with the clearance of that very word → hold, executeByConsent, executeNet, authorizations do their work
/// ├── of another word, payer or token; late; cut short; the payer's own signature bad → typed errors, nothing used up
/// └── a payer without the flag may bring one, and it is judged all the same
contract TokenClearanceRiding is ClearanceBase {
    bytes32 private constant REF = keccak256("invoice 4711");

    function setUp() public override {
        super.setUp();
        _mustBeCleared(alice.id);
    }

    function _consent(uint256 amount, uint256 nonce) private view returns (bytes memory signature, bytes32 digest) {
        digest = _consentDigest(alice.wallet, address(notary), amount, REF, nonce);
        signature = _sign(alice.key, digest);
    }

    function _ridingConsent(uint256 amount, uint256 nonce) private view returns (bytes memory) {
        (bytes memory signature, bytes32 digest) = _consent(amount, nonce);
        return _riding(signature, alice.wallet, digest);
    }

    function _holdBy(uint256 amount, uint256 nonce, bytes memory signature) private {
        vm.prank(address(notary));
        usd.hold(alice.wallet, amount, REF, nonce, block.timestamp, signature);
    }

    function _source(Party memory payer, Party memory payee, uint256 amount, uint256 nonce, bytes memory signature)
        private
        view
        returns (IDepositToken.NetSource memory)
    {
        IDepositToken.NetLeg[] memory legs = new IDepositToken.NetLeg[](1);
        legs[0] = IDepositToken.NetLeg(payee.wallet, amount);
        return IDepositToken.NetSource(payer.wallet, REF, 0, nonce, block.timestamp, signature, legs);
    }

    // ---- consents ----

    function test_a_cleared_consent_holds() public {
        (bytes memory signature, bytes32 digest) = _consent(250, 1);
        bytes memory riding = _riding(signature, alice.wallet, digest);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IClearances.ClearanceUsed(alice.wallet, digest, screener.addr);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Held(address(notary), alice.wallet, REF, 250);
        _holdBy(250, 1, riding);
        assertEq(usd.heldFor(address(notary), alice.wallet), 250);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 1));
        _holdBy(250, 1, riding);
    }

    function test_a_cleared_consent_pays_at_once() public {
        bytes memory riding = _ridingConsent(250, 1);
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 250, REF, 1, block.timestamp, riding);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(_spent(alice.id), 250);
    }

    function test_a_cleared_consent_goes_into_a_net() public {
        _deposit(usd, bob.wallet, 1000);
        _mustBeCleared(bob.id);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        bytes32 digest = _consentDigest(bob.wallet, address(notary), 100, REF, 1);
        sources[0] = _source(alice, bob, 250, 1, _ridingConsent(250, 1));
        sources[1] = _source(bob, alice, 100, 1, _sign(bob.key, digest));
        (Reason reason, address about) = usd.checkNet(address(notary), sources);
        assertEq(uint256(reason), uint256(Reason.CLEARANCE_MISSING));
        assertEq(about, bob.wallet, "each payer needs its own");
        vm.expectRevert(_refused(Path.HOLD, Reason.CLEARANCE_MISSING, bob.wallet, 0, 0));
        vm.prank(address(notary));
        usd.executeNet(sources);

        sources[1].signature = _riding(_sign(bob.key, digest), bob.wallet, digest);
        (reason,) = usd.checkNet(address(notary), sources);
        assertEq(uint256(reason), uint256(Reason.OK));
        vm.prank(address(notary));
        usd.executeNet(sources);
        assertEq(usd.balanceOf(bob.wallet), 1150);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 150);
    }

    function test_a_net_out_of_holds_needs_none_and_a_false_one_does_not_pass() public {
        _holdBy(400, 1, _ridingConsent(400, 1));
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](1);
        sources[0] = _source(alice, bob, 300, 0, "");
        sources[0].day = _today();
        vm.prank(address(notary));
        usd.executeNet(sources);
        assertEq(usd.balanceOf(bob.wallet), 300);

        (bytes memory signature,) = _consent(50, 2);
        sources[0] = _source(alice, bob, 50, 2, _wrap(signature, block.timestamp, new bytes(85)));
        vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, address(0)));
        vm.prank(address(notary));
        usd.executeNet(sources);
    }

    /// @dev The same payer twice in one net, once cleared and once not.
    function test_a_clearance_in_a_net_is_for_its_own_source() public {
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _source(alice, bob, 250, 1, _ridingConsent(250, 1));
        (bytes memory plain,) = _consent(100, 2);
        sources[1] = _source(alice, bob, 100, 2, plain);
        bytes memory refusal = _refused(Path.HOLD, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0);
        vm.expectRevert(refusal);
        vm.prank(address(notary));
        usd.executeNet(sources);
        (sources[0], sources[1]) = (sources[1], sources[0]);
        vm.expectRevert(refusal);
        vm.prank(address(notary));
        usd.executeNet(sources);
    }

    // ---- authorizations ----

    function test_a_cleared_authorization_pays() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        bytes32 digest = _authorizationDigest("TransferWithAuthorization", a);
        bytes memory riding = _riding(_sign(alice.key, digest), alice.wallet, digest);
        _submit(bob.wallet, a, riding);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertTrue(usd.paid(alice.id, a.ref));
        vm.expectPartialRevert(IAuthorizations.AuthorizationSpent.selector);
        _submit(bob.wallet, a, riding);
        Authorization memory next = _authorization(alice.wallet, bob.wallet, 250);
        bytes memory plain = _authorize(alice.key, next);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0));
        _submit(bob.wallet, next, plain);
    }

    function test_a_cleared_authorization_is_received() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        bytes32 digest = _authorizationDigest("ReceiveWithAuthorization", a);
        bytes memory signature = _sign(alice.key, digest);
        bytes32 other = _authorizationDigest("TransferWithAuthorization", a);
        bytes memory wrong = _riding(signature, alice.wallet, other);
        vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr));
        _callAs(bob.wallet, _receiveCall(a, wrong));
        _callAs(bob.wallet, _receiveCall(a, _riding(signature, alice.wallet, digest)));
        assertEq(usd.balanceOf(bob.wallet), 250);
    }

    // ---- of that very word ----

    function test_a_clearance_is_for_one_word() public {
        (bytes memory signature, bytes32 digest) = _consent(250, 1);
        (, bytes32 other) = _consent(250, 2);
        bytes memory refusal = abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr);
        bytes[3] memory bad = [
            _riding(signature, alice.wallet, other),
            _riding(signature, bob.wallet, digest),
            _wrap(signature, block.timestamp, _clear(screener, eur, alice.wallet, digest, block.timestamp))
        ];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(refusal);
            _holdBy(250, 1, bad[i]);
        }
        bytes memory late =
            _wrap(signature, block.timestamp - 1, _clear(screener, usd, alice.wallet, digest, block.timestamp - 1));
        vm.expectRevert(
            abi.encodeWithSelector(IClearances.ClearanceExpired.selector, block.timestamp - 1, block.timestamp)
        );
        _holdBy(250, 1, late);
        assertFalse(usd.consentSpent(alice.wallet, 1));
    }

    function test_the_screener_does_not_speak_for_the_payer() public {
        (, bytes32 digest) = _consent(250, 1);
        bytes memory forged = _riding(_sign(screener.privateKey, digest), alice.wallet, digest);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        _holdBy(250, 1, forged);
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        bytes32 word = _authorizationDigest("TransferWithAuthorization", a);
        forged = _riding(_sign(bob.key, word), alice.wallet, word);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet));
        _submit(bob.wallet, a, forged);
    }

    function test_what_is_malformed_is_no_clearance() public {
        (bytes memory signature, bytes32 digest) = _consent(250, 1);
        bytes32 magic = keccak256("pyjpm clearance");
        bytes memory refusal = abi.encodeWithSelector(IClearances.InvalidClearance.selector, address(0));
        bytes[5] memory bad = [
            abi.encodePacked(uint256(96), block.timestamp, uint256(1e6), magic, magic), // beyond the end
            abi.encodePacked(type(uint256).max, block.timestamp, uint256(96), uint256(0), magic),
            abi.encodePacked(uint256(96), block.timestamp, uint256(96), type(uint256).max, magic),
            abi.encodePacked(uint256(96), block.timestamp, uint256(96), uint256(1), magic),
            _wrap(signature, block.timestamp, "")
        ];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(refusal);
            _holdBy(250, 1, bad[i]);
        }
        // too short to be one at all: the payer's signature, and a bad one
        bytes memory short = abi.encodePacked(bytes32(0), bytes32(0), bytes32(0), magic);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        _holdBy(250, 1, short);
        bytes memory cut = _riding(signature, alice.wallet, digest);
        assembly ("memory-safe") {
            mstore(cut, sub(mload(cut), 1))
        }
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidConsent.selector, alice.wallet));
        _holdBy(250, 1, cut);
    }

    function testFuzz_no_bytes_but_a_clearance_are_one(bytes calldata noise) public {
        bytes memory tail = abi.encodePacked(noise, new bytes(96), keccak256("pyjpm clearance"));
        vm.expectRevert();
        _holdBy(250, 1, tail);
        assertEq(usd.held(alice.wallet), 0);
    }

    // ---- without the flag ----

    function test_who_needs_none_may_bring_one_and_it_is_judged() public {
        _needsNone(alice.id);
        (bytes memory signature, bytes32 digest) = _consent(250, 1);
        _holdBy(250, 1, _riding(signature, alice.wallet, digest));
        (signature, digest) = _consent(250, 2);
        bytes memory wrong = _riding(signature, bob.wallet, digest);
        vm.expectPartialRevert(IClearances.InvalidClearance.selector);
        _holdBy(250, 2, wrong);
        _freezeAmount(usd, alice.wallet, 1); // off the short way
        bytes memory riding = _ridingConsent(250, 3);
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 250, REF, 3, block.timestamp, riding);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertEq(usd.held(alice.wallet), 250);
    }
}
