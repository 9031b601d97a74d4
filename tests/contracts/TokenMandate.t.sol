// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Standing consents: who gives and revokes them, what each cap lets pass to the cent and to the second, and that
/// a reference is spent whoever pays it.
contract TokenMandate is TokenScenario {
    bytes32 private constant RULE = keccak256("rent");
    bytes32 private constant REF = keccak256("rent, period 1");
    string private constant MANDATE =
        "Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)";

    IMandates.Mandate private _mandate;

    function setUp() public override {
        super.setUp();
        _mandate = IMandates.Mandate({
            payer: alice.wallet,
            notary: address(notary),
            ruleId: RULE,
            capPerPayment: 600,
            capPerPeriod: 1000,
            period: 1 days,
            start: block.timestamp,
            end: block.timestamp + 10 days
        });
    }

    function _register() private returns (bytes32 id) {
        vm.prank(_mandate.payer);
        usd.registerMandate(_mandate);
        return usd.mandateId(_mandate);
    }

    function _use(uint256 amount, bytes32 ref) private {
        vm.prank(address(notary));
        usd.executeByMandate(_mandate, bob.wallet, amount, ref);
    }

    function _left() private view returns (uint256 left) {
        (, left) = usd.mandateState(_mandate);
    }

    function _status() private view returns (IMandates.MandateStatus status) {
        (status,) = usd.mandateState(_mandate);
    }

    function _signRegistration(uint256 key, uint256 nonce, uint256 deadline) private view returns (bytes memory) {
        bytes32 typehash =
            keccak256(abi.encodePacked("RegisterMandate(Mandate mandate,uint256 nonce,uint256 deadline)", MANDATE));
        bytes32 structHash = keccak256(abi.encode(typehash, _hash(), nonce, deadline));
        return _sign(key, _digest(_domain(usd.name(), address(usd)), structHash));
    }

    /// @dev Worked out here, independently of the contract.
    function _hash() private view returns (bytes32) {
        return keccak256(abi.encode(keccak256(bytes(MANDATE)), _mandate));
    }

    // ---- giving one ----

    function test_a_payer_registers_its_mandate() public {
        assertEq(usd.mandateId(_mandate), _hash());
        vm.expectEmit(true, true, true, true, address(usd));
        emit IMandates.MandateRegistered(_hash(), alice.wallet, address(notary), RULE, alice.id);
        _register();
        assertEq(uint256(_status()), uint256(IMandates.MandateStatus.ACTIVE));
        assertEq(_left(), 1000);
    }

    function test_only_the_payer_registers_without_a_signature() public {
        vm.expectRevert(abi.encodeWithSelector(IMandates.NotMandatePayer.selector, bob.wallet, alice.wallet));
        vm.prank(bob.wallet);
        usd.registerMandate(_mandate);
    }

    function test_a_mandate_is_registered_once_and_never_again() public {
        bytes32 id = _register();
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateExists.selector, id, IMandates.MandateStatus.ACTIVE));
        vm.prank(alice.wallet);
        usd.registerMandate(_mandate);
        vm.prank(alice.wallet);
        usd.revokeMandate(id);
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateExists.selector, id, IMandates.MandateStatus.REVOKED));
        vm.prank(alice.wallet);
        usd.registerMandate(_mandate);
    }

    function test_terms_that_cannot_serve_are_refused() public {
        IMandates.Mandate memory good = _mandate;
        _mandate.notary = address(usd);
        _expectInvalid("notary");
        _mandate.notary = address(this);
        _expectInvalid("notary");
        _mandate.notary = address(0);
        _expectInvalid("notary");
        _mandate = good;
        _mandate.ruleId = 0;
        _expectInvalid("ruleId");
        _mandate = good;
        _mandate.capPerPayment = 0;
        _expectInvalid("capPerPayment");
        _mandate.capPerPayment = 1001;
        _expectInvalid("capPerPayment");
        _mandate.capPerPayment = 1;
        _mandate.capPerPeriod = uint256(type(uint88).max) + 1;
        _expectInvalid("capPerPeriod");
        _mandate = good;
        _mandate.capPerPeriod = 0;
        _expectInvalid("capPerPayment");
        _mandate = good;
        _mandate.period = 0;
        _expectInvalid("period");
        _mandate = good;
        _mandate.end = _mandate.start - 1;
        _expectInvalid("start");
        _mandate.start = _mandate.end;
        _expectInvalid("end");
        _mandate.end = uint256(type(uint40).max) + 1;
        _expectInvalid("end");
        _mandate.start = _mandate.end = block.timestamp;
        _mandate.capPerPayment = _mandate.capPerPeriod = type(uint88).max;
        _register();
        assertEq(_left(), type(uint88).max);
    }

    function _expectInvalid(string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IMandates.InvalidMandate.selector, field));
        vm.prank(alice.wallet);
        usd.registerMandate(_mandate);
    }

    function test_a_mandate_for_a_notary_in_run_off_is_refused() public {
        vm.prank(pauser);
        usd.runOffNotary(address(notary));
        _expectInvalid("notary");
    }

    function test_a_payer_that_is_not_good_gives_none() public {
        Standing[6] memory bad = [
            Standing.WALLET_SUSPENDED,
            Standing.WALLET_UNLINKED,
            Standing.CLOSED,
            Standing.FROZEN,
            Standing.SUSPENDED,
            Standing.KYC_EXPIRED
        ];
        for (uint256 i; i < bad.length; ++i) {
            uint256 before = vm.snapshotState();
            (, _mandate.payer) = _standing(bad[i]);
            _expectPayerRefused(bad[i]);
            vm.revertToState(before);
        }
        (, _mandate.payer) = _standing(Standing.UNKNOWN);
        _expectPayerRefused(Standing.UNKNOWN);
    }

    function _expectPayerRefused(Standing standing) private {
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandatePayerRefused.selector, _mandate.payer, uint8(standing)));
        vm.prank(_mandate.payer);
        usd.registerMandate(_mandate);
    }

    // ---- by signature ----

    function test_anyone_brings_a_signed_mandate_once() public {
        bytes memory signature = _signRegistration(alice.key, 7, block.timestamp);
        usd.registerMandateBySignature(_mandate, 7, block.timestamp, signature);
        assertEq(_left(), 1000);
        assertTrue(usd.consentSpent(alice.wallet, 7));
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        usd.registerMandateBySignature(_mandate, 7, block.timestamp, signature);
    }

    function test_a_signed_mandate_serves_until_its_deadline() public {
        uint256 deadline = block.timestamp + 60;
        bytes memory signature = _signRegistration(alice.key, 7, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentExpired.selector, deadline, deadline + 1));
        usd.registerMandateBySignature(_mandate, 7, deadline, signature);
        vm.warp(deadline);
        usd.registerMandateBySignature(_mandate, 7, deadline, signature);
        assertEq(_left(), 1000);
    }

    function test_a_cancelled_nonce_voids_the_signature() public {
        bytes memory signature = _signRegistration(alice.key, 7, block.timestamp);
        vm.prank(alice.wallet);
        usd.cancelConsent(7);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.ConsentSpent.selector, alice.wallet, 7));
        usd.registerMandateBySignature(_mandate, 7, block.timestamp, signature);
    }

    function test_a_signature_is_for_exactly_these_terms() public {
        bytes memory signature = _signRegistration(bob.key, 7, block.timestamp);
        _expectBadSignature(7, signature);
        signature = _signRegistration(alice.key, 8, block.timestamp);
        _expectBadSignature(7, signature);
        signature = _signRegistration(alice.key, 7, block.timestamp);
        _mandate.capPerPayment += 1;
        _expectBadSignature(7, signature);
        _expectBadSignature(7, "");
    }

    function _expectBadSignature(uint256 nonce, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(IMandates.InvalidMandateSignature.selector, alice.wallet));
        usd.registerMandateBySignature(_mandate, nonce, block.timestamp, signature);
    }

    function test_the_signature_of_a_lost_wallet_is_void() public {
        _mandate.end = block.timestamp + 1000 days;
        bytes memory signature = _signRegistration(alice.key, 7, block.timestamp + 100 days);
        uint256 deadline = block.timestamp + 100 days;
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        vm.expectRevert(
            abi.encodeWithSelector(IMandates.MandatePayerRefused.selector, alice.wallet, uint8(Standing.WALLET_LOST))
        );
        usd.registerMandateBySignature(_mandate, 7, deadline, signature);
    }

    // ---- revoking ----

    function test_any_linked_wallet_of_the_payer_revokes_at_once() public {
        bytes32 id = _register();
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        vm.expectEmit(true, true, true, true, address(usd));
        emit IMandates.MandateRevoked(id, second.addr);
        vm.prank(second.addr);
        usd.revokeMandate(id);
        _expectNotActive(id, IMandates.MandateStatus.REVOKED);
        assertEq(_left(), 0);
        vm.expectRevert(
            abi.encodeWithSelector(IMandates.MandateNotActive.selector, id, IMandates.MandateStatus.REVOKED)
        );
        vm.prank(second.addr);
        usd.revokeMandate(id);
    }

    function test_compliance_revokes() public {
        bytes32 id = _register();
        vm.prank(compliance);
        usd.revokeMandate(id);
        _expectNotActive(id, IMandates.MandateStatus.REVOKED);
    }

    function test_revoking_works_while_paused_and_frozen() public {
        bytes32 id = _register();
        _freeze(alice.id);
        _pause(usd);
        vm.prank(alice.wallet);
        usd.revokeMandate(id);
        assertEq(uint256(_status()), uint256(IMandates.MandateStatus.REVOKED));
    }

    function test_nobody_else_revokes() public {
        bytes32 id = _register();
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _unlink(second.addr);
        address[4] memory others = [bob.wallet, second.addr, address(notary), issuer];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMandates.NotMandateOwner.selector, id, others[i]));
            vm.prank(others[i]);
            usd.revokeMandate(id);
        }
    }

    function test_an_unknown_mandate_is_not_revoked() public {
        vm.expectRevert(
            abi.encodeWithSelector(IMandates.MandateNotActive.selector, _hash(), IMandates.MandateStatus.NONE)
        );
        vm.prank(alice.wallet);
        usd.revokeMandate(_hash());
    }

    // ---- using it ----

    function test_a_payment_by_mandate_moves_charges_and_spends_the_reference() public {
        bytes32 id = _register();
        uint256 before = usd.balanceOf(bob.wallet);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IMandates.PaidByMandate(id, REF, 600, 0, 600);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.Held(address(notary), alice.wallet, REF, 600);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.HoldExecuted(address(notary), alice.wallet, bob.wallet, 600, REF);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IERC20.Transfer(alice.wallet, bob.wallet, 600);
        _use(600, REF);
        assertEq(usd.balanceOf(bob.wallet), before + 600);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 600);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(_spent(alice.id), 600);
        assertTrue(usd.paid(alice.id, REF));
        assertEq(_left(), 400);
    }

    /// @dev The long way, on which something is frozen.
    function test_what_is_not_plain_moves_alike() public {
        _register();
        _freezeAmount(usd, alice.wallet, MONEY - 500);
        vm.expectRevert(_refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, 500, 501));
        _use(501, REF);
        _use(500, REF);
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(usd.available(alice.wallet), 0);
        assertEq(usd.held(alice.wallet), 0);
        assertEq(_spent(alice.id), 500);
    }

    function test_a_reference_is_paid_once_by_whatever_way() public {
        _register();
        _use(500, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        _use(500, REF);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        vm.prank(alice.wallet);
        usd.pay(bob.wallet, 1, REF, "");
        IMandates.Mandate memory other = _mandate;
        other.ruleId = "another";
        vm.prank(alice.wallet);
        usd.registerMandate(other);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AlreadyPaid.selector, REF));
        vm.prank(address(notary));
        usd.executeByMandate(other, bob.wallet, 1, REF);
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(_left(), 500, "a refused payment counts for nothing");
    }

    function test_no_reference_and_no_amount_are_refused() public {
        _register();
        vm.expectRevert(IDepositToken.ReferenceMissing.selector);
        _use(500, 0);
        vm.expectRevert(IDepositToken.ZeroAmount.selector);
        _use(0, REF);
    }

    function test_only_the_named_notary_uses_it() public {
        _register();
        address[3] memory others = [alice.wallet, bob.wallet, address(this)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMandates.NotMandateNotary.selector, others[i], address(notary)));
            vm.prank(others[i]);
            usd.executeByMandate(_mandate, bob.wallet, 1, REF);
        }
    }

    function test_terms_that_nobody_registered_pay_nothing() public {
        bytes32 id = _register();
        _mandate.capPerPayment = 1000;
        assertNotEq(id, _hash());
        _expectNotActive(_hash(), IMandates.MandateStatus.NONE);
    }

    function _expectNotActive(bytes32 id, IMandates.MandateStatus status) private {
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateNotActive.selector, id, status));
        _use(1, REF);
    }

    // ---- caps ----

    function test_the_cap_per_payment_holds_to_the_cent() public {
        _register();
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateCapPerPayment.selector, 600, 601));
        _use(601, REF);
        _use(600, REF);
        assertEq(usd.balanceOf(bob.wallet), 600);
    }

    function test_the_cap_per_period_holds_to_the_cent_and_the_second() public {
        _register();
        uint256 start = _mandate.start;
        _use(600, "1");
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateCapPerPeriod.selector, 400, 401));
        _use(401, "2");
        _use(400, "2");
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateCapPerPeriod.selector, 0, 1));
        _use(1, "3");
        vm.warp(start + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateCapPerPeriod.selector, 0, 1));
        _use(1, "3");
        vm.warp(start + 1 days);
        assertEq(_left(), 1000);
        _use(600, "3");
        assertEq(_left(), 400);
        assertEq(usd.balanceOf(bob.wallet), 1600);
    }

    function test_a_mandate_serves_from_start_to_end() public {
        _mandate.start = block.timestamp + 100;
        _register();
        (uint256 start, uint256 end) = (_mandate.start, _mandate.end);
        vm.warp(start - 1);
        assertEq(_left(), 0);
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateNotInForce.selector, start, end, start - 1));
        _use(1, REF);
        vm.warp(start);
        _use(1, "first second");
        vm.warp(end);
        _use(1, "last second");
        vm.warp(end + 1);
        assertEq(_left(), 0);
        vm.expectRevert(abi.encodeWithSelector(IMandates.MandateNotInForce.selector, start, end, end + 1));
        _use(1, REF);
    }

    function testFuzz_no_period_passes_its_cap(uint16[12] memory amounts, uint32[12] memory steps) public {
        _register();
        uint256 period;
        uint256 spent;
        for (uint256 i; i < amounts.length; ++i) {
            vm.warp(block.timestamp + steps[i] % 0.5 days);
            uint256 nowPeriod = (block.timestamp - _mandate.start) / 1 days;
            if (nowPeriod != period) (period, spent) = (nowPeriod, 0);
            uint256 amount = uint256(amounts[i]) % 700 + 1;
            bool passes = amount <= 600 && spent + amount <= 1000;
            vm.prank(address(notary));
            (bool done,) =
                address(usd).call(abi.encodeCall(usd.executeByMandate, (_mandate, bob.wallet, amount, bytes32(i + 1))));
            assertEq(done, passes);
            if (done) spent += amount;
            assertEq(_left(), 1000 - spent);
        }
    }

    // ---- what the rules refuse ----

    function test_hold_and_execute_ask_what_they_always_ask() public {
        _register();
        uint256 before = vm.snapshotState();
        _pause(usd);
        _expectRefused(Path.HOLD, Reason.PAUSED, address(usd));
        vm.revertToState(before);
        _freeze(alice.id);
        _expectRefused(Path.HOLD, Reason.PAYER_FROZEN, alice.wallet);
        vm.revertToState(before);
        _freeze(bob.id);
        _expectRefused(Path.EXECUTE, Reason.PAYEE_FROZEN, bob.wallet);
        vm.revertToState(before);
        vm.prank(pauser);
        usd.runOffNotary(address(notary));
        _expectRefused(Path.HOLD, Reason.NOTARY_RUN_OFF, address(notary));
        vm.revertToState(before);
        _lapse(alice.id);
        _expectRefused(Path.HOLD, Reason.PAYER_KYC_EXPIRED, alice.wallet);
        vm.revertToState(before);
        _setLimit(usd, alice.id, 99);
        vm.expectRevert(_refused(Path.HOLD, Reason.DAILY_LIMIT, alice.wallet, 99, 100));
        _use(100, REF);
        assertFalse(usd.paid(alice.id, REF), "what is refused spends no reference");
        assertEq(_left(), 1000);
    }

    function _expectRefused(Path path, Reason reason, address about) private {
        vm.expectRevert(_refused(path, reason, about, 0, 0));
        _use(100, REF);
    }

    function test_a_recovered_wallet_leaves_its_mandate_dead() public {
        _mandate.end = block.timestamp + 1000 days;
        _register();
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        assertEq(usd.balanceOf(second.addr), MONEY);
        _expectRefused(Path.HOLD, Reason.PAYER_WALLET_LOST, alice.wallet);
    }
}
