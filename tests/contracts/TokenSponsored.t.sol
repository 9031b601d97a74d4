// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {ISponsorships} from "../../contracts/interfaces/ISponsorships.sol";
import {Path, Reason, Standing} from "../../contracts/libraries/Reason.sol";
import {FlaggedBase} from "./base/FlaggedBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice A sponsor's suspension bites on every path of its customers in the same block, and lifts for all of them; and what
/// a sponsor may set as its customers' daily limit.
contract TokenSponsoredTest is FlaggedBase {
    function setUp() public override {
        super.setUp();
        _deposit(usd, client.wallet, MONEY);
        _hold(client.wallet, MONEY / 4);
        _request(client.wallet, MONEY / 10);
    }

    /// @dev What is asked of the customer, payer and payee, now answers with these; everything else as ever.
    function _expectAll(Reason asPayer, Reason asPayee, bool mayCall) private {
        _expect(_agree(Path.TRANSFER, client.wallet, client.wallet, bob.wallet, 1), asPayer, "pays");
        _expect(_agree(Path.TRANSFER, alice.wallet, alice.wallet, client.wallet, 1), asPayee, "is paid");
        Reason asCaller = mayCall ? Reason.OK : Reason.CALLER_STOPPED;
        _expect(_agree(Path.TRANSFER, client.wallet, alice.wallet, bob.wallet, 1), asCaller, "spends another's");
        _expect(_agree(Path.HOLD, address(notary), client.wallet, address(0), 1), asPayer, "has money held");
        _expect(_agree(Path.EXECUTE, address(notary), client.wallet, bob.wallet, 1), asPayer, "pays out of a hold");
        _expect(_agree(Path.EXECUTE, address(notary), alice.wallet, client.wallet, 1), asPayee, "gets a hold");
        _expect(_agree(Path.MINT, issuer, address(0), client.wallet, 1), asPayee, "gets a deposit");
        _expect(_agree(Path.SEIZE, seizer, alice.wallet, client.wallet, 1), asPayee, "gets what was seized");
        _expect(_agree(Path.SEIZE, seizer, client.wallet, bob.wallet, 1), Reason.OK, "is seized from");
        _expect(_agree(Path.RELEASE, address(notary), client.wallet, address(0), 1), Reason.OK, "gets a hold back");
    }

    function _expect(Reason reason, Reason expected, string memory which) private pure {
        assertEq(uint8(reason), uint8(expected), which);
    }

    function test_a_sponsors_suspension_bites_in_the_same_block_and_lifts() public {
        _hold(alice.wallet, 1000);
        _expectAll(Reason.OK, Reason.OK, true);
        _suspend(sponsor.id);
        _expectAll(Reason.PAYER_SPONSOR_SUSPENDED, Reason.PAYEE_SPONSOR_SUSPENDED, false);
        _reinstate(sponsor.id);
        _expectAll(Reason.OK, Reason.OK, true);
        _freeze(sponsor.id);
        _expectAll(Reason.PAYER_SPONSOR_SUSPENDED, Reason.PAYEE_SPONSOR_SUSPENDED, false);
        _unfreeze(sponsor.id);
        _expectAll(Reason.OK, Reason.OK, true);
    }

    function test_a_customer_that_its_sponsor_suspended_is_suspended() public {
        _hold(alice.wallet, 1000);
        vm.prank(sponsor.wallet);
        registry.suspendCustomer(client.id, "late");
        _expectAll(Reason.PAYER_SUSPENDED, Reason.PAYEE_SUSPENDED, false);
        vm.prank(sponsor.wallet);
        registry.reinstateCustomer(client.id, "paid");
        _expectAll(Reason.OK, Reason.OK, true);
    }

    function test_batch_and_net_feel_it_too() public {
        IDepositToken.Payment[] memory payments = new IDepositToken.Payment[](3);
        payments[0] = IDepositToken.Payment(bob.wallet, 1, "a", "");
        payments[1] = IDepositToken.Payment(client.wallet, 1, "b", "");
        payments[2] = IDepositToken.Payment(client.wallet, 1, "c", "");
        IDepositToken.NetSource[] memory sources = _one(_consent(client, _legs(bob, 10)));
        _suspend(sponsor.id);
        vm.prank(alice.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_SPONSOR_SUSPENDED, client.wallet, 0, 0));
        usd.payBatch(payments);
        payments[1].to = payments[2].to = alice.wallet;
        vm.prank(client.wallet);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYER_SPONSOR_SUSPENDED, client.wallet, 0, 0));
        usd.payBatch(payments);
        _expectRefused(sources, Path.HOLD, Reason.PAYER_SPONSOR_SUSPENDED, client.wallet, 0, 0);
        IDepositToken.NetSource[] memory toClient = _one(_consent(alice, _legs(client, 10)));
        _expectRefused(toClient, Path.EXECUTE, Reason.PAYEE_SPONSOR_SUSPENDED, client.wallet, 0, 0);
        _reinstate(sponsor.id);
        toClient = _one(_consent(alice, _legs(client, 10)));
        _net(toClient);
        vm.prank(client.wallet);
        usd.payBatch(payments);
        assertEq(usd.balanceOf(client.wallet), MONEY + 10 - 3);
    }

    /// @dev Behind a wallet that was unlinked, or lost, the participant is still found stopped.
    function test_held_money_of_a_wallet_out_of_use_is_stopped_with_the_sponsor() public {
        Vm.Wallet memory second = _key("second of client");
        bytes memory signature = _signLink(second.privateKey, client.identity, second.addr, block.timestamp);
        vm.prank(sponsor.wallet);
        registry.linkCustomerWallet(client.id, second.addr, block.timestamp, signature);
        _deposit(usd, second.addr, 1000);
        _hold(second.addr, 1000);
        vm.prank(sponsor.wallet);
        registry.unlinkCustomerWallet(second.addr);
        _suspend(sponsor.id);
        Reason reason = _agree(Path.EXECUTE, address(notary), second.addr, bob.wallet, 1);
        _expect(reason, Reason.PAYER_SPONSOR_SUSPENDED, "unlinked");
        _reinstate(sponsor.id);
        _expect(_agree(Path.EXECUTE, address(notary), second.addr, bob.wallet, 1), Reason.OK, "and lifted");
    }

    function test_a_closed_customers_hold_pays_out_unless_the_sponsor_is_stopped() public {
        vm.prank(sponsor.wallet);
        registry.closeCustomer(client.id);
        _suspend(sponsor.id);
        Reason reason = _agree(Path.EXECUTE, address(notary), client.wallet, bob.wallet, 1);
        _expect(reason, Reason.PAYER_SPONSOR_SUSPENDED, "stopped");
        _reinstate(sponsor.id);
        _expect(_agree(Path.EXECUTE, address(notary), client.wallet, bob.wallet, 1), Reason.OK, "closed only");
    }

    // ---- limits that a sponsor sets ----

    function _ceiling(uint256 ceiling) private {
        _govern(address(usd), abi.encodeCall(usd.setSponsorCeiling, (sponsor.id, ceiling)));
        assertEq(usd.sponsorCeiling(sponsor.id), ceiling);
    }

    function test_up_to_its_ceiling_and_no_cent_beyond() public {
        _ceiling(5000);
        vm.startPrank(sponsor.wallet);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.LimitAboveCeiling.selector, client.id, 5001, 5000));
        usd.setCustomerLimit(client.id, 5001);
        vm.expectEmit(address(usd));
        emit IDepositToken.DailyLimitSet(client.id, 5000);
        usd.setCustomerLimit(client.id, 5000);
        vm.stopPrank();
        (uint256 limit,) = usd.dailyLimit(client.id);
        assertEq(limit, 5000);
        _ceiling(10);
        vm.prank(sponsor.wallet);
        usd.setCustomerLimit(client.id, 10);
        (limit,) = usd.dailyLimit(client.id);
        assertEq(limit, 10);
    }

    function test_without_a_ceiling_it_may_only_deny() public {
        vm.startPrank(sponsor.wallet);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.LimitAboveCeiling.selector, client.id, 1, 0));
        usd.setCustomerLimit(client.id, 1);
        usd.setCustomerLimit(client.id, 0);
        vm.stopPrank();
        Reason reason = _agree(Path.TRANSFER, client.wallet, client.wallet, bob.wallet, 1);
        _expect(reason, Reason.DAILY_LIMIT, "denied");
    }

    /// @dev A sponsor loosens nothing that compliance decided.
    function test_what_compliance_lowered_the_sponsor_does_not_raise() public {
        _ceiling(5000);
        vm.prank(sponsor.wallet);
        usd.setCustomerLimit(client.id, 5000);
        vm.prank(compliance);
        usd.decreaseDailyLimit(client.id, 0);
        vm.startPrank(sponsor.wallet);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.LimitHeldDown.selector, client.id, 0));
        usd.setCustomerLimit(client.id, 1);
        usd.setCustomerLimit(client.id, 0);
        vm.stopPrank();
        Reason reason = _agree(Path.TRANSFER, client.wallet, client.wallet, bob.wallet, 1);
        _expect(reason, Reason.DAILY_LIMIT, "held down");

        _setLimit(usd, client.id, 100); // the bank's delayed word
        vm.startPrank(sponsor.wallet);
        usd.setCustomerLimit(client.id, 5000);
        vm.stopPrank();
        _expect(_agree(Path.TRANSFER, client.wallet, client.wallet, bob.wallet, 1), Reason.OK, "lifted");
    }

    function test_only_the_sponsor_sets_its_customers_limits() public {
        _ceiling(5000);
        bytes memory no = abi.encodeWithSelector(ISponsorships.NotCustomerOf.selector, alice.id, sponsor.id);
        vm.expectRevert(no);
        vm.prank(sponsor.wallet);
        usd.setCustomerLimit(alice.id, 1);
        vm.expectRevert(abi.encodeWithSelector(ISponsorships.NotSponsor.selector, client.wallet, client.id));
        vm.prank(client.wallet);
        usd.setCustomerLimit(client.id, 1);
        _suspend(sponsor.id);
        vm.expectRevert(abi.encodeWithSelector(ISponsorships.SponsorNotGood.selector, sponsor.id, Standing.SUSPENDED));
        vm.prank(sponsor.wallet);
        usd.setCustomerLimit(client.id, 1);
    }

    function test_only_the_governor_sets_ceilings() public {
        vm.expectRevert();
        vm.prank(onboarder);
        usd.setSponsorCeiling(sponsor.id, 1);
        vm.expectRevert();
        vm.prank(onboarder);
        usd.setRetailTier(1, 1);
        bytes memory data = abi.encodeCall(usd.setSponsorCeiling, (sponsor.id, uint256(type(uint88).max) + 1));
        _schedule(governor, address(usd), data);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, uint256(type(uint88).max) + 1));
        _executeDelayed(governor, address(usd), data);
    }

    // ---- one institution, many wallets ----

    /// @dev The limit is the institution's: what one wallet spends, the other cannot.
    function test_the_daily_limit_is_the_institutions_over_all_its_wallets() public {
        Vm.Wallet memory second = _link(alice, "alice, second");
        Vm.Wallet memory third = _link(alice, "alice, third");
        _deposit(usd, second.addr, 1000);
        _deposit(usd, third.addr, 1000);
        _setLimit(usd, alice.id, 1000);
        _transfer(alice.wallet, bob.wallet, 400);
        _transfer(second.addr, bob.wallet, 300);
        _transfer(second.addr, third.addr, 700); // stays with alice
        _hold(third.addr, 200);
        assertEq(_spent(alice.id), 900);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, third.addr, 100, 101));
        _transfer(third.addr, bob.wallet, 101);
        _transfer(third.addr, bob.wallet, 100);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, alice.wallet, 0, 1));
        _transfer(alice.wallet, bob.wallet, 1);
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        _transfer(alice.wallet, bob.wallet, 1000);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, third.addr, 0, 1));
        _transfer(third.addr, bob.wallet, 1);
    }

    function test_a_new_wallet_brings_no_new_limit() public {
        _setLimit(usd, alice.id, 500);
        _transfer(alice.wallet, bob.wallet, 500);
        Vm.Wallet memory second = _link(alice, "alice, second");
        _transfer(alice.wallet, second.addr, 100);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.DAILY_LIMIT, second.addr, 0, 1));
        _transfer(second.addr, bob.wallet, 1);
    }
}
