// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DepositToken} from "../../contracts/DepositToken.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IReserve, ReserveAttestation} from "../../contracts/interfaces/IReserve.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {ReserveBase} from "./base/ReserveBase.sol";

/// @notice Stale, late or short stops minting, to the second and to the cent, and never a redemption.
contract ReserveMint is ReserveBase {
    // ---- to the cent ----

    function test_minting_stops_at_what_is_attested() public {
        _attest(MONEY + 100);
        _mints(101, Reason.RESERVE_SHORT);
        _mints(99, Reason.OK);
        _mints(2, Reason.RESERVE_SHORT);
        _mints(1, Reason.OK);
        _mints(1, Reason.RESERVE_SHORT);
        assertEq(usd.totalSupply(), MONEY + 100);
        assertEq(reserve.backing("USD").surplus, 0, "to the cent");
    }

    function test_the_refusal_carries_the_numbers() public {
        _attest(MONEY + 100);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_SHORT, address(reserve), MONEY + 100, MONEY + 101));
        _mint(101);
    }

    // Money already out is never taken back by a lower figure; it only stops more.
    function test_a_reserve_below_the_supply_stops_minting_and_nothing_else() public {
        _attest(MONEY - 1);
        _mints(1, Reason.RESERVE_SHORT);
        _transfer(alice.wallet, bob.wallet, 5);
        _redeem(alice.wallet, MONEY - 5);
        assertEq(usd.totalSupply(), 5);
        _mints(MONEY - 6, Reason.OK);
        _mints(1, Reason.RESERVE_SHORT);
    }

    function _redeem(address wallet, uint256 amount) private {
        (uint32 id,,) = registry.walletOf(wallet);
        bytes32 ref = _request(wallet, amount);
        vm.startPrank(issuer);
        usd.instructRedemption(id, ref);
        usd.settleRedemption(id, ref, "fiat");
        vm.stopPrank();
    }

    function test_all_tokens_of_a_currency_share_its_backing() public {
        DepositToken second = _deployToken("US dollar deposit, second", "USD");
        _attest(type(uint88).max);
        _admit(second);
        _setLimit(second, bob.id, LIMIT);
        _attest(MONEY + 100);
        vm.prank(issuer);
        second.mint("a deposit", bob.wallet, 60);
        _mints(41, Reason.RESERVE_SHORT);
        _mints(40, Reason.OK);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_SHORT, address(reserve), MONEY + 100, MONEY + 101));
        vm.prank(issuer);
        second.mint("another deposit", bob.wallet, 1);
        assertEq(reserve.backing("USD").supply, MONEY + 100);
        assertEq(reserve.tokensOf("USD").length, 2);
        (IReserve.Freshness freshness, uint256 attested, uint256 supply) = reserve.backingOf(address(second));
        assertEq(uint256(freshness), uint256(IReserve.Freshness.FRESH));
        assertEq(attested, MONEY + 100);
        assertEq(supply, MONEY + 100);
    }

    // ---- to the second ----

    function test_the_last_second_in_date() public {
        ReserveAttestation memory a = _statement("USD", 2 * MONEY);
        a.validUntil = a.asOf + 30 days;
        _attest(a);
        vm.warp(a.validUntil);
        _mints(1, Reason.OK);
        vm.warp(uint256(a.validUntil) + 1);
        _mints(1, Reason.RESERVE_STALE);
        _expectFresh(false);
    }

    function test_in_date_but_the_cycle_is_late() public {
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 7 days)));
        ReserveAttestation memory a = _statement("USD", 2 * MONEY);
        a.validUntil = a.asOf + 30 days;
        _attest(a);
        vm.warp(reserve.backing("USD").nextDue);
        _mints(1, Reason.OK);
        vm.warp(block.timestamp + 1);
        _mints(1, Reason.RESERVE_STALE);
        assertEq(uint256(a.asOf) + 7 days, reserve.backing("USD").nextDue);
        assertGt(uint256(a.validUntil), block.timestamp, "in date");
        _attest(_statement("USD", 2 * MONEY));
        _mints(1, Reason.OK);
    }

    function test_a_cycle_counts_from_what_was_counted_not_from_its_submission() public {
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 7 days)));
        ReserveAttestation memory a = _statement("USD", 2 * MONEY);
        (a.asOf, a.validUntil) = (a.asOf - 6 days, a.asOf + 30 days);
        _attest(a);
        vm.warp(block.timestamp + 1 days);
        _mints(1, Reason.OK);
        vm.warp(block.timestamp + 1);
        _mints(1, Reason.RESERVE_STALE);
    }

    function test_a_changed_cycle_bites_at_once() public {
        _attest(2 * MONEY);
        vm.warp(block.timestamp + 10 days);
        _mints(1, Reason.OK);
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 10 days)));
        _mints(1, Reason.RESERVE_STALE);
        _govern(address(reserve), abi.encodeCall(reserve.setCycle, ("USD", 0)));
        _mints(1, Reason.RESERVE_STALE);
        _attest(2 * MONEY);
        _mints(1, Reason.RESERVE_STALE);
    }

    // ---- who stands behind it ----

    function test_a_removed_auditor_takes_its_word_with_it_in_the_same_block() public {
        _attest(2 * MONEY);
        _mints(1, Reason.OK);
        _removeAuditor(three[2].addr); // did not sign
        _mints(1, Reason.OK);
        _removeAuditor(three[1].addr);
        _mints(1, Reason.RESERVE_STALE);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_STALE, address(reserve), 0, 0));
        _mint(1);
    }

    function test_rotation_of_a_key() public {
        _attest(2 * MONEY);
        _removeAuditor(three[0].addr);
        _mints(1, Reason.RESERVE_STALE);
        reserve.attestReserve(_statement("USD", 2 * MONEY), _signed(_statement("USD", 2 * MONEY), 1, 2));
        _mints(1, Reason.OK);
        three[0] = _key("auditor one, new key");
        _govern(address(reserve), abi.encodeCall(reserve.addAuditor, (three[0].addr)));
        bool above = three[0].addr > three[1].addr;
        reserve.attestReserve(
            _statement("USD", 2 * MONEY), _signed(_statement("USD", 2 * MONEY), above ? 1 : 0, above ? 0 : 1)
        );
        _mints(1, Reason.OK);
    }

    function test_a_higher_threshold_asks_more_of_what_stands() public {
        _attest(2 * MONEY);
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (3)));
        _mints(1, Reason.RESERVE_STALE);
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (0)));
        _mints(1, Reason.RESERVE_STALE);
        ReserveAttestation memory a = _statement("USD", 2 * MONEY);
        _refusesToAttest(a, abi.encodeWithSelector(IReserve.NotEnoughAttestations.selector, 2, 0));
        _govern(address(reserve), abi.encodeCall(reserve.setThreshold, (2)));
        _mints(1, Reason.OK);
    }

    // ---- no reserve ----

    function test_without_a_reserve_nothing_is_minted() public {
        _attest(2 * MONEY);
        bytes memory call_ = abi.encodeCall(usd.setReserve, (address(0)));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.ReserveSet(address(0));
        _executeDelayed(governor, address(usd), call_);
        assertEq(usd.reserve(), address(0));
        _mints(1, Reason.RESERVE_MISSING);
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_MISSING, address(usd), 0, 0));
        _mint(1);
        _redeem(alice.wallet, MONEY);
        _govern(address(usd), abi.encodeCall(usd.setReserve, (address(reserve))));
        _mints(1, Reason.OK);
    }

    function test_a_token_that_the_reserve_does_not_know_has_none() public {
        DepositToken stray = _deployToken("US dollar deposit, stray", "USD");
        _wire("DepositToken", address(stray));
        _registerAsset(address(stray), true);
        _govern(address(stray), abi.encodeCall(stray.setMintCeiling, (issuer, CEILING)));
        _govern(address(stray), abi.encodeCall(stray.setMintRate, (issuer, RATE, 1 days)));
        _govern(address(stray), abi.encodeCall(stray.setReserve, (address(reserve))));
        assertEq(uint256(stray.check(Path.MINT, issuer, address(0), bob.wallet, 1)), uint256(Reason.RESERVE_MISSING));
        vm.expectRevert(_refused(Path.MINT, Reason.RESERVE_MISSING, address(stray), 0, 0));
        vm.prank(issuer);
        stray.mint("a deposit", bob.wallet, 1);
    }

    function test_nothing_was_ever_attested() public {
        DepositToken yen = _deployToken("Yen deposit", "JPY");
        _admit(yen);
        assertEq(uint256(yen.check(Path.MINT, issuer, address(0), bob.wallet, 1)), uint256(Reason.RESERVE_STALE));
        IReserve.Backing memory b = reserve.backing("JPY");
        assertEq(b.attested + b.age + b.nextDue + b.classes.length, 0);
    }

    function test_a_reserve_is_a_contract() public {
        bytes memory call_ = abi.encodeCall(usd.setReserve, (address(0xCAFE)));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IDepositToken.InvalidReserve.selector, address(0xCAFE)));
        _executeDelayed(governor, address(usd), call_);
    }

    // ---- redemption never stops ----

    function test_a_redemption_ends_while_stale_and_paused() public {
        bytes32 settled = _request(alice.wallet, 500);
        bytes32 returned = _request(alice.wallet, 300);
        bytes32 early = _request(alice.wallet, 200);
        _expectFresh(false);
        vm.startPrank(issuer);
        usd.instructRedemption(alice.id, settled);
        usd.instructRedemption(alice.id, returned);
        vm.stopPrank();
        _pause(usd);
        vm.startPrank(issuer);
        usd.settleRedemption(alice.id, settled, "fiat");
        usd.returnRedemption(alice.id, returned, "the fiat came back");
        usd.returnRedemption(alice.id, early, 0);
        vm.expectRevert(_refused(Path.MINT, Reason.PAUSED, address(usd), 0, 0));
        usd.mint("a deposit", bob.wallet, 1);
        vm.stopPrank();
        assertEq(usd.totalSupply(), MONEY - 500);
        assertEq(usd.available(alice.wallet), MONEY - 500);
    }

    // ---- order of the answers ----

    function test_ceiling_then_rate_then_reserve() public {
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (issuer, MONEY + 10)));
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (issuer, 5, 1 days)));
        vm.warp(block.timestamp + 366 days);
        _attest(MONEY + 2);
        _mints(11, Reason.MINT_CEILING);
        _mints(type(uint256).max, Reason.MINT_CEILING);
        _mints(10, Reason.MINT_RATE);
        _mints(5, Reason.RESERVE_SHORT);
        _mints(2, Reason.OK);
        _mints(3, Reason.RESERVE_SHORT);
        _mints(4, Reason.MINT_RATE);
    }
}
