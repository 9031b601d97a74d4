// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IClearances} from "../../contracts/interfaces/IClearances.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {ClearanceBase} from "./base/ClearanceBase.sol";

/// @notice A mandate of a payer with the flag pays what was cleared when it was registered, and nothing otherwise.
contract TokenClearanceMandate is ClearanceBase {
    IMandates.Mandate private _mandate;

    function setUp() public override {
        super.setUp();
        _mandate = IMandates.Mandate({
            payer: alice.wallet,
            notary: address(notary),
            ruleId: keccak256("rent"),
            capPerPayment: 600,
            capPerPeriod: 1000,
            period: 1 days,
            start: block.timestamp,
            end: block.timestamp + 10 days
        });
        _mustBeCleared(alice.id);
    }

    function _use(uint256 amount) private {
        vm.prank(address(notary));
        usd.executeByMandate(_mandate, bob.wallet, amount, bytes32(_next()));
    }

    function _registrationDigest(uint256 nonce) private view returns (bytes32) {
        string memory members =
            "Mandate(address payer,address notary,bytes32 ruleId,uint256 capPerPayment,uint256 capPerPeriod,uint256 period,uint256 start,uint256 end)";
        bytes32 id = keccak256(
            abi.encode(
                keccak256(bytes(members)),
                _mandate.payer,
                _mandate.notary,
                _mandate.ruleId,
                _mandate.capPerPayment,
                _mandate.capPerPeriod,
                _mandate.period,
                _mandate.start,
                _mandate.end
            )
        );
        bytes32 typehash =
            keccak256(abi.encodePacked("RegisterMandate(Mandate mandate,uint256 nonce,uint256 deadline)", members));
        return _digest(_domainOf(usd), keccak256(abi.encode(typehash, id, nonce, block.timestamp)));
    }

    function test_a_mandate_registered_without_pays_nothing() public {
        vm.prank(alice.wallet);
        usd.registerMandate(_mandate);
        vm.expectRevert(_refused(Path.HOLD, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0));
        _use(100);
        _needsNone(alice.id);
        _use(100);
        assertEq(usd.balanceOf(bob.wallet), 100);
    }

    function test_a_mandate_from_before_the_flag_pays_nothing_once_it_is_set() public {
        _needsNone(alice.id);
        vm.prank(alice.wallet);
        usd.registerMandate(_mandate);
        _use(100);
        _mustBeCleared(alice.id);
        vm.expectRevert(_refused(Path.HOLD, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0));
        _use(100);
    }

    function test_a_cleared_mandate_pays_within_its_caps() public {
        _cleared(alice.wallet, abi.encodeCall(usd.registerMandate, (_mandate)));
        _use(600);
        _use(400);
        assertEq(usd.balanceOf(bob.wallet), 1000);
        vm.expectPartialRevert(IMandates.MandateCapPerPeriod.selector);
        _use(1);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0));
        _transfer(alice.wallet, bob.wallet, 1);
        vm.expectPartialRevert(IMandates.MandateExists.selector);
        _cleared(alice.wallet, abi.encodeCall(usd.registerMandate, (_mandate)));
    }

    function test_a_mandate_by_signature_is_cleared_along_with_it() public {
        bytes32 digest = _registrationDigest(1);
        bytes memory wrong = _riding(_sign(alice.key, digest), alice.wallet, _registrationDigest(2));
        vm.expectRevert(abi.encodeWithSelector(IClearances.InvalidClearance.selector, screener.addr));
        usd.registerMandateBySignature(_mandate, 1, block.timestamp, wrong);
        bytes memory forged = _riding(_sign(bob.key, digest), alice.wallet, digest);
        vm.expectRevert(abi.encodeWithSelector(IMandates.InvalidMandateSignature.selector, alice.wallet));
        usd.registerMandateBySignature(_mandate, 1, block.timestamp, forged);
        bytes memory riding = _riding(_sign(alice.key, digest), alice.wallet, digest);
        usd.registerMandateBySignature(_mandate, 1, block.timestamp, riding);
        _use(500);
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    function test_a_mandate_signed_without_pays_nothing() public {
        bytes memory plain = _sign(alice.key, _registrationDigest(1));
        usd.registerMandateBySignature(_mandate, 1, block.timestamp, plain);
        vm.expectRevert(_refused(Path.HOLD, Reason.CLEARANCE_MISSING, alice.wallet, 0, 0));
        _use(100);
    }
}
