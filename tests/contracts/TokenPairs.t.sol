// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Flags} from "../../contracts/libraries/Flags.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {FlaggedBase} from "./base/FlaggedBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Money goes only between permitted jurisdictions where payer or payee has pair rules, on every path with a payer
/// and a payee; minting and seizing have no such pair.
contract TokenPairsTest is FlaggedBase {
    function setUp() public override {
        super.setUp();
        _hold(alice.wallet, 1000);
    }

    function _expect(Path path, address to, Reason expected, string memory which) private {
        address caller = path == Path.TRANSFER ? alice.wallet : path == Path.EXECUTE ? address(notary) : issuer;
        if (path == Path.SEIZE) caller = seizer;
        address from = path == Path.MINT ? address(0) : alice.wallet;
        assertEq(uint8(_agree(path, caller, from, to, 1)), uint8(expected), which);
    }

    function test_the_payers_rules_bind_it_on_every_path() public {
        _addFlags(alice.id, Flags.PAIR_RULES);
        _expect(Path.TRANSFER, swiss.wallet, Reason.PAIR_REFUSED, "transfer");
        _expect(Path.TRANSFER, bob.wallet, Reason.PAIR_REFUSED, "within a jurisdiction too");
        _expect(Path.EXECUTE, swiss.wallet, Reason.PAIR_REFUSED, "execute");
        _expect(Path.MINT, swiss.wallet, Reason.OK, "mint");
        _expect(Path.SEIZE, swiss.wallet, Reason.OK, "seize");
        assertEq(uint8(_agree(Path.HOLD, address(notary), alice.wallet, address(0), 1)), 0, "a hold goes nowhere yet");
        _permitPair(DE, CH);
        _expect(Path.TRANSFER, swiss.wallet, Reason.OK, "permitted");
        _expect(Path.EXECUTE, swiss.wallet, Reason.OK, "permitted");
        _forbidPair(DE, CH);
        _expect(Path.TRANSFER, swiss.wallet, Reason.PAIR_REFUSED, "in the same block");
        _expect(Path.EXECUTE, swiss.wallet, Reason.PAIR_REFUSED, "in the same block");
    }

    function test_the_payees_rules_bind_too_and_one_direction_is_not_the_other() public {
        _addFlags(swiss.id, Flags.PAIR_RULES);
        _expect(Path.TRANSFER, swiss.wallet, Reason.PAIR_REFUSED, "transfer");
        _expect(Path.EXECUTE, swiss.wallet, Reason.PAIR_REFUSED, "execute");
        _permitPair(DE, CH);
        _expect(Path.TRANSFER, swiss.wallet, Reason.OK, "there");
        Reason back = _agree(Path.TRANSFER, swiss.wallet, swiss.wallet, alice.wallet, 1);
        assertEq(uint8(back), uint8(Reason.PAIR_REFUSED), "not back");
    }

    function test_payments_batches_and_consents_are_bound() public {
        _deposit(usd, swiss.wallet, 1);
        _addFlags(swiss.id, Flags.PAIR_RULES);
        bytes memory no = _refused(Path.TRANSFER, Reason.PAIR_REFUSED, swiss.wallet, 0, 0);
        vm.startPrank(alice.wallet);
        vm.expectRevert(no);
        usd.pay(swiss.wallet, 1, "a", "");
        IDepositToken.Payment[] memory payments = new IDepositToken.Payment[](3);
        for (uint256 i; i < 3; ++i) {
            // first, second and last of a batch are asked in different ways
            for (uint256 k; k < 3; ++k) {
                payments[k] = IDepositToken.Payment(k == i ? swiss.wallet : bob.wallet, 1, bytes32(k + 1), "");
            }
            vm.expectRevert(no);
            usd.payBatch(payments);
        }
        vm.stopPrank();
        uint256 nonce = _next();
        bytes memory consent =
            _signConsent(alice.key, usd, alice.wallet, address(notary), 1, "r", nonce, block.timestamp);
        vm.expectRevert(_refused(Path.EXECUTE, Reason.PAIR_REFUSED, swiss.wallet, 0, 0));
        vm.prank(address(notary));
        usd.executeByConsent(alice.wallet, swiss.wallet, 1, "r", nonce, block.timestamp, consent);
    }

    /// @dev The registry is asked about two payees at once: their pair is nobody's business.
    function test_a_batch_to_payees_whose_pair_is_forbidden_passes() public {
        _deposit(usd, swiss.wallet, 1);
        _deposit(usd, bob.wallet, 1);
        _deposit(usd, carol.wallet, 1);
        _addFlags(swiss.id, Flags.PAIR_RULES);
        _permitPair(DE, CH);
        IDepositToken.Payment[] memory payments = new IDepositToken.Payment[](2);
        payments[0] = IDepositToken.Payment(swiss.wallet, 5, "a", ""); // then CH -> DE, which is forbidden
        payments[1] = IDepositToken.Payment(bob.wallet, 5, "b", "");
        vm.prank(alice.wallet);
        usd.payBatch(payments);
        assertEq(usd.balanceOf(swiss.wallet), 6);
        assertEq(usd.balanceOf(bob.wallet), 6);
    }

    function test_a_batch_of_a_payer_with_rules_asks_each_pair() public {
        _deposit(usd, swiss.wallet, 1);
        _deposit(usd, bob.wallet, 1);
        _addFlags(alice.id, Flags.PAIR_RULES);
        _permitPair(DE, DE);
        IDepositToken.Payment[] memory payments = new IDepositToken.Payment[](2);
        payments[0] = IDepositToken.Payment(bob.wallet, 5, "a", "");
        payments[1] = IDepositToken.Payment(swiss.wallet, 5, "b", "");
        vm.prank(alice.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAIR_REFUSED, swiss.wallet, 0, 0));
        usd.payBatch(payments);
        payments[1].to = bob.wallet;
        vm.prank(alice.wallet);
        usd.payBatch(payments);
        assertEq(usd.balanceOf(bob.wallet), 11);
    }

    /// @dev swiss owes bob what bob owes swiss: nothing moves, and still each leg is asked.
    function test_a_net_asks_every_gross_leg() public {
        _addFlags(swiss.id, Flags.PAIR_RULES);
        _permitPair(DE, CH);
        IDepositToken.NetSource[] memory ring = new IDepositToken.NetSource[](2);
        ring[0] = _consent(bob, _legs(swiss, 500));
        ring[1] = _consent(swiss, _legs(bob, 500));
        _expectRefused(ring, Path.EXECUTE, Reason.PAIR_REFUSED, bob.wallet, 0, 0);
        _permitPair(CH, DE);
        ring[0] = _consent(bob, _legs(swiss, 500));
        ring[1] = _consent(swiss, _legs(bob, 500));
        _net(ring);
        _forbidPair(DE, CH);
        ring[0] = _consent(bob, _legs(swiss, 500));
        ring[1] = _consent(swiss, _legs(bob, 500));
        _expectRefused(ring, Path.EXECUTE, Reason.PAIR_REFUSED, swiss.wallet, 0, 0);
    }

    /// @dev Words that remember nothing, or an earlier epoch, hide no rule.
    function test_a_stale_word_hides_no_rule() public {
        Vm.Wallet memory second = _link(alice, "alice, second");
        _deposit(usd, second.addr, 1000);
        _addFlags(alice.id, Flags.PAIR_RULES);
        _unlink(second.addr); // raises the epoch of alice
        _expect(Path.TRANSFER, swiss.wallet, Reason.PAIR_REFUSED, "a stale payer");
        Reason back = _agree(Path.TRANSFER, bob.wallet, bob.wallet, alice.wallet, 0);
        assertEq(uint8(back), uint8(Reason.PAIR_REFUSED), "a stale payee");
        _permitPair(DE, CH);
        _expect(Path.TRANSFER, swiss.wallet, Reason.OK, "a payee never heard of");
    }

    /// @dev A hold pays out whatever became of the payer's wallet and KYC, but not across a forbidden pair.
    function test_a_hold_of_a_wallet_out_of_use_asks_the_pair() public {
        Vm.Wallet memory second = _link(alice, "alice, second");
        _deposit(usd, second.addr, 1000);
        _hold(second.addr, 1000);
        _addFlags(alice.id, Flags.PAIR_RULES);
        _unlink(second.addr);
        Reason reason = _agree(Path.EXECUTE, address(notary), second.addr, swiss.wallet, 1);
        assertEq(uint8(reason), uint8(Reason.PAIR_REFUSED), "unlinked");
        _lapse(alice.id);
        _expect(Path.EXECUTE, swiss.wallet, Reason.PAIR_REFUSED, "lapsed");
        _close(alice.id);
        _expect(Path.EXECUTE, swiss.wallet, Reason.PAIR_REFUSED, "closed");
        _permitPair(DE, CH);
        _expect(Path.EXECUTE, swiss.wallet, Reason.OK, "closed, permitted");
        reason = _agree(Path.EXECUTE, address(notary), second.addr, swiss.wallet, 1);
        assertEq(uint8(reason), 0, "unlinked, permitted");
    }

    function test_an_institution_moves_its_own_money_freely() public {
        Vm.Wallet memory second = _link(alice, "alice, second");
        _addFlags(alice.id, Flags.PAIR_RULES);
        _expect(Path.TRANSFER, second.addr, Reason.OK, "to a wallet never heard of");
        _expect(Path.TRANSFER, second.addr, Reason.OK, "to a known one");
        _expect(Path.TRANSFER, alice.wallet, Reason.OK, "to itself");
    }
}
