// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IClearances} from "../../contracts/interfaces/IClearances.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {ClearanceBase} from "./base/ClearanceBase.sol";
import {Vm} from "./base/Vm.sol";
import {ContractWallet} from "./mocks/token/ContractWallet.sol";

/// @notice Alice moves no money without the screener's signature over exactly that.
/// without a clearance
/// ├── pay, payBatch, transfer, holdAndCall, redemption, consents, authorizations → CLEARANCE_MISSING
/// ├── transferFrom, with a permit or not → NOT_CLEARABLE
/// └── what is held already, what comes in, and what the bank does → as ever
/// cleared
/// ├── a call that happens once, by its payer, in time, signed by a screener → done, once
/// ├── another call, another payer, another token, late, malformed, by no screener → typed errors
/// └── nothing else moves in its shadow: not from within the notary's code, not after it
contract TokenClearance is ClearanceBase {
    bytes32 private constant REF = keccak256("invoice 4711");

    function setUp() public override {
        super.setUp();
        _mustBeCleared(alice.id);
    }

    function _payCall(uint256 amount, bytes32 ref) private view returns (bytes memory) {
        return abi.encodeCall(usd.pay, (bob.wallet, amount, ref, "remittance"));
    }

    function _missing(Path path) private view returns (bytes memory) {
        return _refused(path, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0);
    }

    // ---- without ----

    function test_nothing_is_paid_without() public {
        vm.expectRevert(_missing(Path.TRANSFER));
        _callAs(alice.wallet, _payCall(250, REF));
        IDepositToken.Payment[] memory batch = new IDepositToken.Payment[](2);
        batch[0] = IDepositToken.Payment(bob.wallet, 1, REF, "");
        batch[1] = IDepositToken.Payment(bob.wallet, 1, keccak256("next"), "");
        vm.expectRevert(_missing(Path.TRANSFER));
        _callAs(alice.wallet, abi.encodeCall(usd.payBatch, (batch)));
        vm.expectRevert(_missing(Path.TRANSFER));
        _transfer(alice.wallet, bob.wallet, 250);
        vm.expectRevert(_missing(Path.TRANSFER));
        _transfer(alice.wallet, alice.wallet, 0);
    }

    function test_nothing_goes_to_a_wallet_of_its_own_either() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        vm.expectRevert(_missing(Path.TRANSFER));
        _transfer(alice.wallet, second.addr, 250);
    }

    function test_nothing_is_held_without() public {
        vm.expectRevert(_missing(Path.HOLD));
        _hold(alice.wallet, 250);
        vm.expectRevert(_missing(Path.HOLD));
        _callAs(alice.wallet, abi.encodeCall(usd.requestRedemption, (250, REF, "payout")));
        bytes memory consent = _signConsent(alice.key, usd, alice.wallet, address(notary), 250, REF, 1, block.timestamp);
        vm.expectRevert(_missing(Path.HOLD));
        vm.prank(address(notary));
        usd.hold(alice.wallet, 250, REF, 1, block.timestamp, consent);
        vm.expectRevert(_missing(Path.HOLD));
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 250, REF, 1, block.timestamp, consent);
        vm.expectRevert(_missing(Path.HOLD));
        vm.prank(address(notary));
        usd.executeNet(_net(250, 1, consent));
    }

    function test_what_is_taken_by_allowance_cannot_be_cleared() public {
        vm.prank(alice.wallet);
        usd.approve(bob.wallet, 250);
        bytes memory call_ = abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, 250));
        bytes memory refusal = _refused(Path.TRANSFER, Reason.NOT_CLEARABLE, alice.wallet, 0, 0);
        vm.expectRevert(refusal);
        _callAs(bob.wallet, call_);
        vm.expectRevert(refusal);
        _callAs(operator, abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, 0)));
    }

    function test_an_authorization_needs_one() public {
        Authorization memory a = _authorization(alice.wallet, bob.wallet, 250);
        bytes memory signature = _authorize(alice.key, a);
        vm.expectRevert(_missing(Path.TRANSFER));
        _submit(bob.wallet, a, signature);
        vm.expectRevert(_missing(Path.TRANSFER));
        _submit(alice.wallet, a, signature);
    }

    function test_check_says_the_same_as_execution() public {
        assertEq(
            uint256(_agree(Path.TRANSFER, alice.wallet, alice.wallet, bob.wallet, 1)), uint256(Reason.CLEARANCE_MISSING)
        );
        assertEq(uint256(_agree(Path.TRANSFER, bob.wallet, alice.wallet, bob.wallet, 1)), uint256(Reason.NOT_CLEARABLE));
        assertEq(
            uint256(_agree(Path.HOLD, address(notary), alice.wallet, address(0), 1)), uint256(Reason.CLEARANCE_MISSING)
        );
        assertFalse(usd.canTransfer(alice.wallet, bob.wallet, 1));
        assertTrue(usd.canSend(alice.wallet));
        (Reason reason, address about) = usd.checkNet(address(notary), _net(250, 1, ""));
        assertEq(uint256(reason), uint256(Reason.CLEARANCE_MISSING));
        assertEq(about, alice.wallet);
    }

    function test_whoever_has_no_flag_needs_none_whatever_the_payees_flag() public {
        _deposit(usd, bob.wallet, 1000);
        _transfer(bob.wallet, alice.wallet, 250);
        assertEq(usd.balanceOf(alice.wallet), MONEY + 250);
        _mustBeCleared(bob.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CLEARANCE_MISSING, bob.wallet, 0, 0));
        _transfer(bob.wallet, alice.wallet, 1);
    }

    function test_what_is_held_was_cleared() public {
        _needsNone(alice.id);
        _hold(alice.wallet, 1000);
        _mustBeCleared(alice.id);
        assertEq(uint256(_agree(Path.EXECUTE, address(notary), alice.wallet, bob.wallet, 300)), uint256(Reason.OK));
        assertEq(uint256(_agree(Path.RELEASE, address(notary), alice.wallet, address(0), 300)), uint256(Reason.OK));
        assertEq(uint256(_agree(Path.SEIZE, seizer, alice.wallet, bob.wallet, 300)), uint256(Reason.OK));
        _deposit(usd, alice.wallet, 10);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 300 - 300 + 10);
    }

    // ---- with ----

    function test_a_cleared_payment_pays_and_says_who_cleared_it() public {
        bytes memory call_ = _payCall(250, REF);
        bytes memory clearance = _clear(alice.wallet, keccak256(call_));
        vm.expectEmit(true, true, true, true, address(usd));
        emit IClearances.ClearanceUsed(alice.wallet, keccak256(call_), screener.addr);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Paid(alice.wallet, bob.wallet, REF, 250, keccak256("remittance"));
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, clearance);
        assertEq(usd.balanceOf(bob.wallet), 250);
        assertTrue(usd.paid(alice.id, REF));
        assertEq(_spent(alice.id), 250);
        vm.expectRevert(_missing(Path.TRANSFER));
        _callAs(alice.wallet, _payCall(250, keccak256("next")));
    }

    function test_a_batch_a_hold_and_a_redemption_are_cleared() public {
        IDepositToken.Payment[] memory batch = new IDepositToken.Payment[](3);
        for (uint256 i; i < 3; ++i) {
            batch[i] = IDepositToken.Payment(bob.wallet, 100 + i, bytes32(uint256(REF) ^ i), "");
        }
        _cleared(alice.wallet, abi.encodeCall(usd.payBatch, (batch)));
        assertEq(usd.balanceOf(bob.wallet), 303);
        _cleared(alice.wallet, abi.encodeCall(usd.holdAndCall, (address(notary), 400, REF, "data")));
        assertEq(usd.heldFor(address(notary), alice.wallet), 400);
        _cleared(alice.wallet, abi.encodeCall(usd.requestRedemption, (500, REF, "payout")));
        assertEq(usd.held(alice.wallet), 900);
    }

    function test_a_contract_screens() public {
        ContractWallet desk = new ContractWallet(screener.addr);
        _grant("SCREENER", address(desk));
        bytes memory call_ = _payCall(250, REF);
        bytes32 digest = _clearanceDigest(usd, alice.wallet, keccak256(call_), block.timestamp);
        bytes memory clearance = abi.encodePacked(address(desk), _sign(screener.privateKey, digest));
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, clearance);
        assertEq(usd.balanceOf(bob.wallet), 250);
    }

    function test_what_was_cleared_is_refused_for_everything_else() public {
        _freeze(bob.id);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_FROZEN, bob.wallet, 0, 0));
        _cleared(alice.wallet, _payCall(250, REF));
        vm.expectRevert(_refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, MONEY, MONEY + 1));
        _cleared(alice.wallet, abi.encodeCall(usd.holdAndCall, (address(notary), MONEY + 1, REF, "")));
    }

    // ---- once ----

    function test_a_payment_a_batch_and_a_redemption_are_done_once() public {
        bytes memory call_ = _payCall(250, REF);
        _cleared(alice.wallet, call_);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _cleared(alice.wallet, call_);
        call_ = abi.encodeCall(usd.requestRedemption, (500, REF, "payout"));
        _cleared(alice.wallet, call_);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.RedemptionExists.selector, alice.id, REF));
        _cleared(alice.wallet, call_);
    }

    function test_a_hold_is_done_once_also_cleared_again() public {
        bytes memory call_ = abi.encodeCall(usd.holdAndCall, (address(notary), 400, REF, "data"));
        bytes32 digest = keccak256(call_);
        bytes memory clearance = _clear(alice.wallet, digest);
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, clearance);
        bytes memory refusal = abi.encodeWithSelector(IClearances.ClearanceSpent.selector, alice.wallet, digest);
        vm.expectRevert(refusal);
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, clearance);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(refusal);
        _cleared(alice.wallet, call_); // a new signature over the same call
        assertEq(usd.heldFor(address(notary), alice.wallet), 400);
    }

    function test_a_refused_hold_does_not_use_its_clearance_up() public {
        bytes memory call_ = abi.encodeCall(usd.holdAndCall, (address(notary), 400, REF, "data"));
        notary.answerWith(0);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.NotaryRefusedHold.selector, address(notary)));
        _cleared(alice.wallet, call_);
        notary.answerWith(notary.onHold.selector);
        _cleared(alice.wallet, call_);
        assertEq(usd.held(alice.wallet), 400);
    }

    // ---- that call, payer, token, time ----

    function test_it_is_for_that_call_alone() public {
        bytes memory clearance = _clear(alice.wallet, keccak256(_payCall(250, REF)));
        bytes[4] memory others = [
            _payCall(251, REF),
            _payCall(250, keccak256("next")),
            abi.encodeCall(usd.pay, (bob.wallet, 250, REF, "")),
            abi.encodePacked(_payCall(250, REF), uint8(0))
        ];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr));
            vm.prank(alice.wallet);
            usd.cleared(others[i], block.timestamp, clearance);
        }
    }

    function test_it_is_for_that_payer_and_token_alone() public {
        bytes memory call_ = _payCall(250, REF);
        bytes memory clearance = _clear(alice.wallet, keccak256(call_));
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _deposit(usd, second.addr, 1000);
        bytes memory refusal = abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr);
        vm.expectRevert(refusal);
        vm.prank(second.addr);
        usd.cleared(call_, block.timestamp, clearance);
        _deposit(eur, alice.wallet, 1000);
        vm.expectRevert(refusal);
        vm.prank(alice.wallet);
        eur.cleared(call_, block.timestamp, clearance);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(refusal);
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, clearance);
    }

    function test_it_serves_until_its_deadline() public {
        bytes memory call_ = _payCall(250, REF);
        uint256 deadline = block.timestamp + 100;
        bytes memory clearance = _clear(screener, usd, alice.wallet, keccak256(call_), deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IClearances.ClearanceExpired.selector, deadline, deadline + 1));
        vm.prank(alice.wallet);
        usd.cleared(call_, deadline, clearance);
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr));
        vm.prank(alice.wallet);
        usd.cleared(call_, deadline + 1, clearance);
        vm.prank(alice.wallet);
        usd.cleared(call_, deadline, clearance);
        assertEq(usd.balanceOf(bob.wallet), 250);
    }

    function test_only_a_screener_clears() public {
        bytes memory call_ = _payCall(250, REF);
        bytes32 digest = keccak256(call_);
        Vm.Wallet memory stranger = _key("stranger");
        bytes memory good = _clear(alice.wallet, digest);
        bytes memory strangers = _clear(stranger, usd, alice.wallet, digest, block.timestamp);
        bytes memory posing = abi.encodePacked(
            screener.addr, _sign(stranger.privateKey, _clearanceDigest(usd, alice.wallet, digest, block.timestamp))
        );
        bytes[5] memory bad = [bytes(""), new bytes(19), abi.encodePacked(screener.addr), strangers, posing];
        address[5] memory who = [address(0), address(0), screener.addr, stranger.addr, screener.addr];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, who[i]));
            vm.prank(alice.wallet);
            usd.cleared(call_, block.timestamp, bad[i]);
        }
        uint64 role = _roleId("SCREENER");
        vm.prank(admin);
        governance.revokeRole(role, screener.addr);
        vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr));
        vm.prank(alice.wallet);
        usd.cleared(call_, block.timestamp, good);
    }

    function test_only_calls_that_happen_once_are_cleared() public {
        bytes memory inner = _payCall(250, REF);
        bytes[7] memory others = [
            bytes(""),
            bytes(hex"010203"),
            abi.encodeCall(usd.transfer, (bob.wallet, 250)),
            abi.encodeCall(usd.transferFrom, (alice.wallet, bob.wallet, 250)),
            abi.encodeCall(usd.approve, (bob.wallet, 250)),
            abi.encodeCall(usd.cleared, (inner, block.timestamp, _clear(alice.wallet, keccak256(inner)))),
            abi.encodeCall(usd.execute, (alice.wallet, bob.wallet, 250, REF))
        ];
        for (uint256 i; i < others.length; ++i) {
            bytes4 selector = others[i].length < 4 ? bytes4(0) : bytes4(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IClearances.NotClearable.selector, selector));
            _cleared(alice.wallet, others[i]);
        }
    }

    // ---- nothing in its shadow ----

    /// @dev The notary is called while the cleared call runs, and tries what Alice has signed without clearance.
    function test_a_notary_moves_nothing_more_from_within() public {
        bytes memory consent = _signConsent(alice.key, usd, alice.wallet, address(notary), 250, REF, 1, block.timestamp);
        bytes[3] memory tries = [
            abi.encodeCall(usd.hold, (alice.wallet, 250, REF, 1, block.timestamp, consent)),
            abi.encodeCall(usd.executeByConsent, (alice.wallet, bob.wallet, 250, REF, 1, block.timestamp, consent)),
            abi.encodeCall(usd.executeNet, (_net(250, 1, consent)))
        ];
        bytes memory call_ = abi.encodeCall(usd.holdAndCall, (address(notary), 400, REF, "data"));
        for (uint256 i; i < tries.length; ++i) {
            notary.reenterWith(tries[i]);
            vm.expectRevert(_missing(Path.HOLD));
            _cleared(alice.wallet, call_);
        }
        Authorization memory a = _authorization(alice.wallet, address(notary), 250);
        notary.reenterWith(_transferCall(a, _authorize(alice.key, a)));
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CALLER_REFUSED, address(notary), 0, 0));
        _cleared(alice.wallet, call_);
    }

    function test_nothing_is_open_afterwards() public {
        _cleared(alice.wallet, _payCall(250, REF));
        assertEq(_open(), 0);
        _cleared(alice.wallet, abi.encodeCall(usd.holdAndCall, (address(notary), 400, REF, "data")));
        assertEq(_open(), 0);
        bytes32 digest = _consentDigest(alice.wallet, address(notary), 250, REF, 1);
        bytes memory riding = _riding(_sign(alice.key, digest), alice.wallet, digest);
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, bob.wallet, 250, REF, 1, block.timestamp, riding);
        assertEq(_open(), 0);
        _needsNone(alice.id);
        digest = _consentDigest(alice.wallet, address(notary), 250, REF, 2);
        riding = _riding(_sign(alice.key, digest), alice.wallet, digest);
        vm.prank(address(notary));
        usd.hold(alice.wallet, 250, REF, 2, block.timestamp, riding);
        _mustBeCleared(alice.id);
        assertEq(_open(), 0);
        vm.expectRevert(_missing(Path.TRANSFER));
        _transfer(alice.wallet, bob.wallet, 1);
    }

    /// @dev All calls of a test are one transaction, so what a call left open would show in `check`.
    function _open() private view returns (uint256) {
        Reason reason = usd.check(Path.TRANSFER, alice.wallet, alice.wallet, bob.wallet, 1);
        bool flagged = registry.participantOf(alice.id).flags & Flags.CLEARANCE != 0;
        return flagged && reason == Reason.OK ? 1 : 0;
    }

    function _net(uint256 amount, uint256 nonce, bytes memory signature)
        private
        view
        returns (IDepositToken.NetSource[] memory sources)
    {
        sources = new IDepositToken.NetSource[](1);
        IDepositToken.NetLeg[] memory legs = new IDepositToken.NetLeg[](1);
        legs[0] = IDepositToken.NetLeg(bob.wallet, amount);
        sources[0] = IDepositToken.NetSource(alice.wallet, REF, 0, nonce, block.timestamp, signature, legs);
    }
}
