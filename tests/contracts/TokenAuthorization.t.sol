// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IAuthorizations} from "../../contracts/interfaces/IAuthorizations.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {ClearanceBase} from "./base/ClearanceBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @notice Payments by the payer's signature (EIP-3009), submitted by somebody else.
/// transferWithAuthorization
/// ├── signed, in its time, by a good relayer → pays, spends nonce and reference, says Paid
/// ├── again, or its reference again → refused, whichever way it comes
/// ├── before or after its time, to the second → refused
/// ├── any member changed, signed by another, high s, cut short → refused
/// └── payer, payee, relayer or amount against the rules → Refused, as `check` foretells
/// receiveWithAuthorization
/// └── the payee alone, and only what was signed for it
/// cancelAuthorization
/// └── by the payer or with its signature; the reference is free still
contract TokenAuthorization is ClearanceBase {
    Party private carol; // a relayer in good standing

    function setUp() public override {
        super.setUp();
        carol = _party("carol", 0);
    }

    function _signed(uint256 value) private returns (Authorization memory a, bytes memory signature) {
        a = _authorization(alice.wallet, bob.wallet, value);
        signature = _authorize(alice.key, a);
    }

    // ---- what it does ----

    function test_it_pays_as_signed_and_says_so() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        a.remittance = "encrypted";
        vm.expectEmit(true, true, true, true, address(usd));
        emit IAuthorizations.AuthorizationUsed(alice.wallet, a.nonce);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Paid(alice.wallet, bob.wallet, a.ref, 250, keccak256("encrypted"));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 250);
        _submit(carol.wallet, a, _authorize(alice.key, a));
        assertEq(usd.balanceOf(alice.wallet), MONEY - 250);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertTrue(usd.paid(alice.id, a.ref));
        assertTrue(usd.authorizationState(alice.wallet, a.nonce));
        assertFalse(usd.authorizationState(bob.wallet, a.nonce));
        assertEq(_spent(alice.id), 250);
    }

    function test_a_contract_wallet_authorizes() public {
        ContractWallet wallet = new ContractWallet(alice.wallet);
        bytes32 link = keccak256(
            abi.encode(
                keccak256("LinkWallet(bytes32 identityHash,address wallet,uint256 deadline)"),
                alice.identity,
                address(wallet),
                block.timestamp
            )
        );
        bytes memory consent = _sign(alice.key, _digest(_domain("pyjpm ParticipantRegistry", address(registry)), link));
        vm.prank(onboarder);
        registry.linkWallet(alice.id, address(wallet), block.timestamp, consent);
        _transfer(alice.wallet, address(wallet), 500);
        Authorization memory a = _authorization(address(wallet), bob.wallet, 500);
        bytes memory signature = _authorize(alice.key, a);
        _submit(carol.wallet, a, signature);
        assertEq(usd.balanceOf(bob.wallet), 500);
        Authorization memory other = _authorization(address(wallet), bob.wallet, 1);
        bytes memory bobs = _authorize(bob.key, other);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, address(wallet)));
        _submit(carol.wallet, other, bobs);
    }

    function test_the_short_way_and_the_long_way_do_the_same() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        uint256 before = vm.snapshotState();
        _submit(carol.wallet, a, signature);
        (uint256 short, uint256 charged) = (usd.balanceOf(bob.wallet), _spent(alice.id));
        assertTrue(vm.revertToState(before));
        _freezeAmount(usd, alice.wallet, 1); // takes it off the short way
        _submit(carol.wallet, a, signature);
        assertEq(usd.balanceOf(bob.wallet), short);
        assertEq(_spent(alice.id), charged);
        assertTrue(usd.paid(alice.id, a.ref));
    }

    // ---- once ----

    function test_it_pays_once() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        _submit(carol.wallet, a, signature);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.AuthorizationSpent.selector, alice.wallet, a.nonce));
        _submit(carol.wallet, a, signature);
    }

    function test_its_reference_pays_once_whichever_way_it_comes() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 1, a.ref, "");
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, a.ref));
        _submit(carol.wallet, a, signature);
        assertFalse(usd.authorizationState(alice.wallet, a.nonce), "a refused one is not used up");

        (Authorization memory b, bytes memory second) = _signed(250);
        _submit(carol.wallet, b, second);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, b.ref));
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 1, b.ref, "");
        Authorization memory c = _authorization(alice.wallet, bob.wallet, 250);
        c.ref = b.ref;
        bytes memory third = _authorize(alice.key, c);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, b.ref));
        _submit(carol.wallet, c, third);
    }

    function test_a_nonce_is_its_wallets_own_and_a_reference_its_participants() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _transfer(alice.wallet, second.addr, 1000);
        (Authorization memory a, bytes memory signature) = _signed(250);
        _submit(carol.wallet, a, signature);
        Authorization memory b = a;
        b.from = second.addr;
        bytes memory other = _authorize(second.privateKey, b);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, a.ref));
        _submit(carol.wallet, b, other);
        b.ref = keccak256("another");
        _submit(carol.wallet, b, _authorize(second.privateKey, b));
    }

    function testFuzz_nonces_do_not_touch_each_other(bytes32 x, bytes32 y) public {
        vm.assume(x != y);
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 1);
        a.nonce = x;
        _submit(carol.wallet, a, _authorize(alice.key, a));
        assertTrue(usd.authorizationState(alice.wallet, x));
        assertFalse(usd.authorizationState(alice.wallet, y));
    }

    function test_a_payment_needs_a_reference_and_an_amount() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        a.ref = 0;
        bytes memory signature = _authorize(alice.key, a);
        vm.expectRevert(IDepositToken.ReferenceMissing.selector);
        _submit(carol.wallet, a, signature);
        (Authorization memory b, bytes memory other) = _signed(0);
        vm.expectRevert(IDepositToken.ZeroAmount.selector);
        _submit(carol.wallet, b, other);
    }

    // ---- in its time ----

    function test_it_serves_strictly_between_its_bounds() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        a.validAfter = block.timestamp;
        a.validBefore = block.timestamp + 3;
        bytes memory signature = _authorize(alice.key, a);
        vm.expectRevert(
            abi.encodeWithSelector(IAuthorizations.AuthorizationNotYetValid.selector, block.timestamp, block.timestamp)
        );
        _submit(carol.wallet, a, signature);
        vm.warp(a.validBefore);
        vm.expectRevert(
            abi.encodeWithSelector(IAuthorizations.AuthorizationExpired.selector, a.validBefore, a.validBefore)
        );
        _submit(carol.wallet, a, signature);
        uint256 before = vm.snapshotState();
        vm.warp(a.validBefore - 1);
        _submit(carol.wallet, a, signature);
        assertTrue(vm.revertToState(before));
        vm.warp(a.validAfter + 1);
        _submit(carol.wallet, a, signature);
        assertEq(usd.balanceOf(bob.wallet), 250);
    }

    function test_bounds_may_be_as_far_as_numbers_go() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        (a.validAfter, a.validBefore) = (0, type(uint256).max);
        _submit(carol.wallet, a, _authorize(alice.key, a));
        assertTrue(usd.paid(alice.id, a.ref));
    }

    // ---- as signed ----

    function test_every_member_is_signed() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        Authorization[8] memory changed;
        for (uint256 i; i < 8; ++i) {
            changed[i] = Authorization(a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, a.ref, a.remittance);
        }
        changed[0].from = bob.wallet;
        changed[1].to = carol.wallet;
        changed[2].value = 251;
        changed[3].validAfter -= 1;
        changed[4].validBefore += 1;
        changed[5].nonce = keccak256("nonce");
        changed[6].ref = keccak256("ref");
        changed[7].remittance = "remittance";
        for (uint256 i; i < 8; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, changed[i].from));
            _submit(carol.wallet, changed[i], signature);
        }
        _submit(carol.wallet, a, signature);
    }

    function test_it_is_for_one_token_and_one_chain() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        _deposit(eur, alice.wallet, 1000);
        bytes memory call_ = _transferCall(a, signature);
        vm.prank(carol.wallet);
        (bool done, bytes memory result) = address(eur).call(call_);
        assertFalse(done);
        assertEq(bytes32(bytes4(result)), bytes32(IAuthorizations.InvalidAuthorization.selector));
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(IAuthorizations.InvalidAuthorization.selector);
        _submit(carol.wallet, a, signature);
    }

    function test_other_signatures_are_none() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        bytes memory refusal = abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, _authorizationDigest("TransferWithAuthorization", a));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes[5] memory bad = [
            bytes(""),
            abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27)), // high s
            abi.encodePacked(r, s),
            abi.encodePacked(signature, uint8(0)),
            _sign(bob.key, _authorizationDigest("TransferWithAuthorization", a))
        ];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(refusal);
            _submit(carol.wallet, a, bad[i]);
        }
        a.from = address(0);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, address(0)));
        _submit(carol.wallet, a, bad[0]);
    }

    // ---- within the rules ----

    // USDC: a blacklisted relayer submits authorizations.
    function test_the_relayer_must_be_unstopped() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_REFUSED, address(0xBEEF), 0, 0));
        _submit(address(0xBEEF), a, signature);
        _freeze(carol.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_STOPPED, carol.wallet, 0, 0));
        _submit(carol.wallet, a, signature);
        _suspendWallet(bob.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_STOPPED, bob.wallet, 0, 0));
        _submit(bob.wallet, a, signature);
        assertFalse(usd.authorizationState(alice.wallet, a.nonce));
    }

    function test_an_operator_and_the_payer_itself_submit() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        _submit(operator, a, signature);
        (Authorization memory b, bytes memory own) = _signed(250);
        _submit(alice.wallet, b, own);
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    function test_the_parties_and_the_amount_are_asked_as_ever() public {
        (Authorization memory a, bytes memory signature) = _signed(MONEY + 1);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MONEY + 1));
        _submit(carol.wallet, a, signature);
        _setLimit(usd, alice.id, 249);
        (a, signature) = _signed(250);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 249, 250));
        _submit(carol.wallet, a, signature);
        (a, signature) = _signed(249);
        _freeze(bob.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_FROZEN, bob.wallet, 0, 0));
        _submit(carol.wallet, a, signature);
        _freeze(alice.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYER_FROZEN, alice.wallet, 0, 0));
        _submit(carol.wallet, a, signature);
        _pause(usd);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAUSED, address(usd), 0, 0));
        _submit(carol.wallet, a, signature);
    }

    function test_the_word_of_a_lost_wallet_is_void() public {
        (Authorization memory a,) = _signed(250);
        a.validBefore = type(uint256).max;
        bytes memory signature = _authorize(alice.key, a);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYER_WALLET_LOST, alice.wallet, 0, 0));
        _submit(carol.wallet, a, signature);
    }

    // ---- receiving ----

    function test_only_the_payee_receives_and_only_what_was_signed_for_that() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        bytes memory signature = _sign(alice.key, _authorizationDigest("ReceiveWithAuthorization", a));
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.CallerNotPayee.selector, carol.wallet, bob.wallet));
        _callAs(carol.wallet, _receiveCall(a, signature));
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet));
        _submit(bob.wallet, a, signature);
        bytes memory forTransfer = _authorize(alice.key, a);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet));
        _callAs(bob.wallet, _receiveCall(a, forTransfer));
        _callAs(bob.wallet, _receiveCall(a, signature));
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertTrue(usd.paid(alice.id, a.ref));
        vm.expectPartialRevert(IAuthorizations.AuthorizationSpent.selector);
        _callAs(bob.wallet, _receiveCall(a, signature));
    }

    // ---- cancelling ----

    function _cancellation(uint256 key, address authorizer, bytes32 nonce) private view returns (bytes memory) {
        bytes32 typehash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        bytes32 structHash = keccak256(abi.encode(typehash, authorizer, nonce));
        return _sign(key, _digest(_domain(usd.name(), address(usd)), structHash));
    }

    function test_a_cancelled_one_does_not_pay_and_its_reference_is_free() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        bytes memory word = _cancellation(alice.key, alice.wallet, a.nonce);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IAuthorizations.AuthorizationCanceled(alice.wallet, a.nonce);
        vm.prank(address(0xBEEF)); // anybody may bring it
        usd.cancelAuthorization(alice.wallet, a.nonce, word);
        vm.expectPartialRevert(IAuthorizations.AuthorizationSpent.selector);
        _submit(carol.wallet, a, signature);
        assertFalse(usd.paid(alice.id, a.ref));
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 250, a.ref, "");
        assertEq(usd.balanceOf(bob.wallet), 250);
    }

    function test_cancelling_takes_the_payers_word() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        bytes memory bobs = _cancellation(bob.key, alice.wallet, a.nonce);
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet));
        usd.cancelAuthorization(alice.wallet, a.nonce, bobs);
        bytes memory ofAnother = _cancellation(alice.key, alice.wallet, bytes32(uint256(a.nonce) ^ 1));
        vm.expectRevert(abi.encodeWithSelector(IAuthorizations.InvalidAuthorization.selector, alice.wallet));
        usd.cancelAuthorization(alice.wallet, a.nonce, ofAnother);
        _submit(carol.wallet, a, signature);
        vm.expectPartialRevert(IAuthorizations.AuthorizationSpent.selector);
        vm.prank(alice.wallet);
        usd.cancelAuthorization(alice.wallet, a.nonce, "");
    }

    function test_the_payer_cancels_by_calling() public {
        (Authorization memory a, bytes memory signature) = _signed(250);
        vm.prank(alice.wallet);
        usd.cancelAuthorization(alice.wallet, a.nonce, "");
        assertTrue(usd.authorizationState(alice.wallet, a.nonce));
        vm.expectPartialRevert(IAuthorizations.AuthorizationSpent.selector);
        _submit(carol.wallet, a, signature);
    }
}
