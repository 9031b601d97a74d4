// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {FlaggedBase} from "./base/FlaggedBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice The retail tier: what its customers hold, over all their wallets, and pay out a day; at the cent, on every path.
contract TokenRetailTest is FlaggedBase {
    function _expect(Reason reason, Reason expected, string memory which) private pure {
        assertEq(uint8(reason), uint8(expected), which);
    }

    function _fill(uint256 balance) private {
        _deposit(usd, retail.wallet, balance);
    }

    // ---- the balance ----

    function test_up_to_the_ceiling_and_no_cent_beyond_on_every_path() public {
        _hold(alice.wallet, 1000);
        _fill(TIER_BALANCE - 1);
        Reason no = Reason.PAYEE_BALANCE_CEILING;
        _expect(_agree(Path.TRANSFER, alice.wallet, alice.wallet, retail.wallet, 2), no, "transfer");
        _expect(_agree(Path.EXECUTE, address(notary), alice.wallet, retail.wallet, 2), no, "execute");
        _expect(_agree(Path.MINT, issuer, address(0), retail.wallet, 2), no, "mint");
        _expect(_agree(Path.TRANSFER, alice.wallet, alice.wallet, retail.wallet, 1), Reason.OK, "to the cent");
        _expect(_agree(Path.TRANSFER, alice.wallet, alice.wallet, retail.wallet, 1), no, "full");
        _expect(_agree(Path.TRANSFER, alice.wallet, alice.wallet, retail.wallet, 0), Reason.OK, "nothing is nothing");
        _expect(_agree(Path.SEIZE, seizer, alice.wallet, retail.wallet, 1), Reason.OK, "an order asks no ceiling");
    }

    function test_the_refusal_says_what_room_there_is() public {
        _fill(TIER_BALANCE - 10);
        bytes memory no = _refused(Path.TRANSFER, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 10, 11);
        vm.expectRevert(no);
        _transfer(alice.wallet, retail.wallet, 11);
        vm.expectRevert(no);
        vm.prank(alice.wallet);
        usd.pay(retail.wallet, 11, "a", "");
    }

    function test_the_ceiling_is_over_all_its_wallets_in_use_or_not() public {
        Vm.Wallet memory second = _link(retail, "retail, second");
        _deposit(usd, second.addr, TIER_BALANCE - 100);
        _fill(60);
        _unlink(second.addr);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 40, 41));
        _transfer(alice.wallet, retail.wallet, 41);
        _transfer(alice.wallet, retail.wallet, 40);
    }

    function test_money_that_stays_with_it_is_no_more() public {
        _fill(TIER_BALANCE);
        Vm.Wallet memory second = _link(retail, "retail, second");
        _transfer(retail.wallet, second.addr, TIER_BALANCE);
        assertEq(usd.balanceOf(second.addr), TIER_BALANCE);
    }

    function test_a_recovery_asks_no_ceiling_and_counts_nothing_twice() public {
        Vm.Wallet memory second = _link(retail, "retail, second");
        _deposit(usd, second.addr, TIER_BALANCE - 1);
        _recover(second.addr, retail.wallet);
        _transfer(alice.wallet, retail.wallet, 1);
        assertEq(usd.balanceOf(retail.wallet), TIER_BALANCE);
    }

    function test_held_money_is_its_own_still() public {
        _fill(TIER_BALANCE);
        _hold(retail.wallet, TIER_LIMIT);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 0, 1));
        _transfer(alice.wallet, retail.wallet, 1);
    }

    function test_a_batch_counts_each_payment() public {
        _fill(TIER_BALANCE - 3);
        IDepositToken.Payment[] memory payments = new IDepositToken.Payment[](4);
        for (uint256 i; i < 4; ++i) {
            payments[i] = IDepositToken.Payment(retail.wallet, 1, bytes32(i + 1), "");
        }
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 0, 1));
        vm.prank(alice.wallet);
        usd.payBatch(payments);
        payments[3].to = bob.wallet;
        vm.prank(alice.wallet);
        usd.payBatch(payments);
        assertEq(usd.balanceOf(retail.wallet), TIER_BALANCE);
    }

    function test_a_net_counts_what_is_left_in_the_end() public {
        _fill(TIER_BALANCE - 10);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _consent(alice, _legs(retail, 500));
        sources[1] = _consent(retail, _legs(bob, 489));
        _expectRefused(sources, Path.EXECUTE, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 10, 11);
        sources[0] = _consent(alice, _legs(retail, 500));
        sources[1] = _consent(retail, _legs(bob, 490));
        _net(sources);
        assertEq(usd.balanceOf(retail.wallet), TIER_BALANCE);
    }

    function test_a_lowered_ceiling_takes_nothing_away() public {
        _fill(TIER_BALANCE);
        _setRetailTier(TIER_LIMIT, 100);
        vm.expectRevert(_refused(Path.TRANSFER, Reason.PAYEE_BALANCE_CEILING, retail.wallet, 0, 1));
        _transfer(alice.wallet, retail.wallet, 1);
        _transfer(retail.wallet, bob.wallet, TIER_LIMIT);
        assertEq(usd.balanceOf(retail.wallet), TIER_BALANCE - TIER_LIMIT);
    }

    function test_zero_means_deny() public {
        _fill(100);
        _setRetailTier(0, 0);
        Reason reason = _agree(Path.TRANSFER, alice.wallet, alice.wallet, retail.wallet, 1);
        _expect(reason, Reason.PAYEE_BALANCE_CEILING, "no room");
        reason = _agree(Path.TRANSFER, retail.wallet, retail.wallet, alice.wallet, 1);
        _expect(reason, Reason.DAILY_LIMIT, "no limit");
        (uint256 dailyLimit, uint256 maxBalance) = usd.retailTier();
        assertEq(dailyLimit + maxBalance, 0);
    }

    // ---- the daily limit ----

    function test_no_limit_is_set_beyond_the_tier() public {
        vm.startPrank(SWIFT);
        vm.expectRevert(
            abi.encodeWithSelector(IDepositToken.LimitAboveCeiling.selector, retail.id, TIER_LIMIT + 1, TIER_LIMIT)
        );
        usd.setDailyLimit(retail.id, TIER_LIMIT + 1);
        usd.setDailyLimit(retail.id, TIER_LIMIT);
        usd.setDailyLimit(bob.id, TIER_LIMIT + 1);
        vm.stopPrank();
    }

    function test_lowering_a_limit_is_never_refused() public {
        _setRetailTier(10, 10);
        vm.prank(compliance);
        usd.decreaseDailyLimit(retail.id, TIER_LIMIT - 1);
        (uint256 limit,) = usd.dailyLimit(retail.id);
        assertEq(limit, TIER_LIMIT - 1);
    }

    function test_a_lowered_tier_binds_limits_set_before_at_the_cent() public {
        _fill(TIER_BALANCE);
        _setRetailTier(500, TIER_BALANCE);
        _transfer(retail.wallet, bob.wallet, 300);
        Reason no = Reason.DAILY_LIMIT;
        _expect(_agree(Path.TRANSFER, retail.wallet, retail.wallet, bob.wallet, 201), no, "transfer");
        _expect(_agree(Path.HOLD, address(notary), retail.wallet, address(0), 201), no, "hold");
        vm.expectRevert(_refused(Path.TRANSFER, no, retail.wallet, 200, 201));
        _transfer(retail.wallet, bob.wallet, 201);
        vm.expectRevert(_refused(Path.HOLD, no, retail.wallet, 200, 201));
        vm.prank(retail.wallet);
        usd.requestRedemption(201, "r", "payout");
        _expect(_agree(Path.HOLD, address(notary), retail.wallet, address(0), 200), Reason.OK, "to the cent");
        _expect(_agree(Path.TRANSFER, retail.wallet, retail.wallet, bob.wallet, 1), no, "used up");
        assertEq(_spent(retail.id), 500);
        vm.warp(block.timestamp + 1 days);
        _transfer(retail.wallet, bob.wallet, 500);
    }

    function test_a_net_obeys_the_lowered_tier() public {
        _fill(TIER_BALANCE);
        _setRetailTier(500, TIER_BALANCE);
        _transfer(retail.wallet, bob.wallet, 100);
        _hold(retail.wallet, 50);
        IDepositToken.NetSource[] memory sources = new IDepositToken.NetSource[](2);
        sources[0] = _held(retail, _today(), _legs(bob, 50));
        sources[1] = _consent(retail, _legs(bob, 351));
        _expectRefused(sources, Path.HOLD, Reason.DAILY_LIMIT, retail.wallet, 350, 351);
        sources[1] = _consent(retail, _legs(bob, 350));
        _net(sources);
        assertEq(_spent(retail.id), 500);
    }

    function test_a_lowered_tier_stops_no_hold() public {
        _fill(TIER_BALANCE);
        _hold(retail.wallet, 400);
        _setRetailTier(1, 1);
        _expect(_agree(Path.EXECUTE, address(notary), retail.wallet, bob.wallet, 300), Reason.OK, "held already");
        IDepositToken.NetSource[] memory sources = _one(_held(retail, _today() - 2, _legs(bob, 100)));
        _net(sources);
    }

    /// @dev Whatever the paths and amounts: over all wallets never above the ceiling, never more a day than the tier.
    function testFuzz_no_payment_passes_the_tier(uint256 seed) public {
        Vm.Wallet memory second = _link(retail, "retail, second");
        keyOf[second.addr] = second.privateKey;
        _hold(alice.wallet, MONEY / 2);
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed, i)));
            address wallet = seed % 2 == 0 ? retail.wallet : second.addr;
            address other = seed % 2 == 1 ? retail.wallet : second.addr;
            uint256 amount = 1 + (seed >> 32) % 20_000;
            uint256 act = (seed >> 8) % 6;
            if (act == 0) _agree(Path.TRANSFER, alice.wallet, alice.wallet, wallet, amount);
            if (act == 1) _agree(Path.EXECUTE, address(notary), alice.wallet, wallet, amount);
            if (act == 2) _agree(Path.MINT, issuer, address(0), wallet, amount);
            if (act == 3) _agree(Path.TRANSFER, wallet, wallet, bob.wallet, amount);
            if (act == 4) _agree(Path.TRANSFER, wallet, wallet, other, amount);
            if (act == 5) _agree(Path.HOLD, address(notary), wallet, address(0), amount);
            assertTrue(usd.balanceOf(retail.wallet) + usd.balanceOf(second.addr) <= TIER_BALANCE, "balance");
            assertTrue(_spent(retail.id) <= TIER_LIMIT, "limit");
        }
    }
}
