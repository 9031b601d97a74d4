// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {TokenScenario} from "./base/TokenScenario.sol";

/// @notice The rate of minting, to the second and to the cent.
contract MintRate is TokenScenario {
    uint256 private constant FULL = 1000;
    uint256 private constant PERIOD = 7 days;
    address private second = address(0x3001);

    /// @dev An issuer who has minted nothing yet, with FULL in PERIOD.
    function setUp() public override {
        super.setUp();
        _grant("ISSUER", second);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (second, CEILING)));
        _setRate(FULL, PERIOD);
    }

    function _setRate(uint256 amount, uint256 period) private {
        _govern(address(usd), abi.encodeCall(usd.setMintRate, (second, amount, period)));
    }

    function _mint(uint256 amount) private {
        vm.prank(second);
        usd.mint(bytes32(_next()), bob.wallet, amount);
    }

    function _mints(uint256 amount, Reason expected) private {
        Reason reason = _agree(Path.MINT, second, address(0), bob.wallet, amount);
        assertEq(uint256(reason), uint256(expected), "reason");
    }

    function _free() private view returns (uint256 free) {
        (,, free) = usd.mintRate(second);
    }

    function test_the_view_tells_rate_and_room() public {
        _mint(300);
        (uint256 amount, uint256 period, uint256 free) = usd.mintRate(second);
        assertEq(amount, FULL);
        assertEq(period, PERIOD);
        assertEq(free, FULL - 300);
    }

    function test_the_refusal_carries_the_numbers() public {
        _mint(300);
        vm.expectRevert(_refused(Path.MINT, Reason.MINT_RATE, second, 700, 701));
        _mint(701);
        _mints(700, Reason.OK);
        _mints(1, Reason.MINT_RATE);
    }

    function test_room_comes_back_linearly_and_to_the_second() public {
        _mint(FULL);
        uint256 each = PERIOD / FULL; // 604.8 s a cent
        vm.warp(block.timestamp + each);
        assertEq(_free(), 0, "604 s: not yet");
        vm.warp(block.timestamp + 1);
        assertEq(_free(), 1);
        vm.warp(block.timestamp + PERIOD / 2 - 605);
        assertEq(_free(), FULL / 2);
        vm.warp(block.timestamp + PERIOD / 2 - 1);
        assertEq(_free(), FULL - 1);
        vm.warp(block.timestamp + 1);
        assertEq(_free(), FULL);
        vm.warp(block.timestamp + 10 * PERIOD);
        assertEq(_free(), FULL, "never more");
    }

    function test_zero_denies() public {
        _setRate(0, PERIOD);
        _mints(1, Reason.MINT_RATE);
        address third = address(0x3003);
        _grant("ISSUER", third);
        _govern(address(usd), abi.encodeCall(usd.setMintCeiling, (third, CEILING)));
        assertEq(uint256(usd.check(Path.MINT, third, address(0), bob.wallet, 1)), uint256(Reason.MINT_RATE));
    }

    function test_a_period_is_bounded_and_an_amount_fits() public {
        _refusesRate(1, 0, abi.encodeWithSelector(IDepositToken.InvalidMintPeriod.selector, 0, 366 days));
        uint256 tooLong = 366 days + 1;
        _refusesRate(1, tooLong, abi.encodeWithSelector(IDepositToken.InvalidMintPeriod.selector, tooLong, 366 days));
        uint256 tooMuch = uint256(type(uint88).max) + 1;
        _refusesRate(tooMuch, 1, abi.encodeWithSelector(IDepositToken.AmountTooLarge.selector, tooMuch));
        bytes memory call_ = abi.encodeCall(usd.setMintRate, (second, type(uint88).max, 366 days));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit(true, true, true, true, address(usd));
        emit IDepositToken.MintRateSet(second, type(uint88).max, 366 days);
        _executeDelayed(governor, address(usd), call_);
        assertEq(_free(), type(uint88).max);
        _mint(CEILING);
        assertEq(_free(), type(uint88).max - CEILING);
    }

    function _refusesRate(uint256 amount, uint256 period, bytes memory expected) private {
        bytes memory call_ = abi.encodeCall(usd.setMintRate, (second, amount, period));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(expected);
        _executeDelayed(governor, address(usd), call_);
    }

    function test_issuers_have_rates_of_their_own() public {
        _mint(FULL);
        vm.prank(issuer);
        usd.mint("of the first issuer", bob.wallet, FULL);
    }

    // A change of the rate is no gift: what was minted and has not drained stays.
    function test_a_changed_rate_keeps_what_was_minted() public {
        bytes memory call_ = abi.encodeCall(usd.setMintRate, (second, 600, 30 days));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY);
        _mint(FULL);
        _executeDelayed(governor, address(usd), call_);
        assertEq(_free(), 0);
        vm.warp(block.timestamp + 20 days); // drains 400 of 1000
        assertEq(_free(), 0);
        vm.warp(block.timestamp + 3 hours);
        assertEq(_free(), 2, "600 in 30 days are one in 72 minutes");
    }

    function test_a_change_rounds_what_was_minted_up() public {
        bytes memory call_ = abi.encodeCall(usd.setMintRate, (second, FULL, PERIOD));
        _schedule(governor, address(usd), call_);
        vm.warp(block.timestamp + DELAY - 1);
        _mint(FULL);
        vm.warp(block.timestamp + 606); // 1.002 drained
        assertEq(_free(), 1);
        _executeDelayed(governor, address(usd), call_);
        assertEq(_free(), 1);
        vm.warp(block.timestamp + 604);
        assertEq(_free(), 1, "the 1.2 seconds are lost");
        vm.warp(block.timestamp + 1);
        assertEq(_free(), 2);
    }

    function test_redemption_gives_nothing_back_to_the_rate() public {
        _mint(FULL);
        bytes32 ref = _request(alice.wallet, FULL);
        vm.startPrank(second);
        usd.instructRedemption(alice.id, ref);
        usd.settleRedemption(alice.id, ref, "fiat");
        vm.stopPrank();
        assertEq(_free(), 0);
    }

    /// @dev Over any time t no more than FULL + FULL * t / PERIOD, however the mints are cut; and a greedy issuer gets
    /// exactly that, rounded down.
    function testFuzz_no_more_than_the_rate_in_any_time(uint32[24] memory pauses, uint16[24] memory amounts) public {
        uint256 start = block.timestamp;
        uint256 minted;
        for (uint256 i = 0; i < pauses.length; i++) {
            uint256 free = _free();
            uint256 amount = amounts[i] % 3 == 0 ? free : bound(amounts[i], 0, free);
            if (amount > 0) _mint(amount);
            minted += amount;
            assertLe(minted * PERIOD, FULL * PERIOD + FULL * (block.timestamp - start), "the rate");
            vm.warp(block.timestamp + pauses[i] % (PERIOD / 2));
        }
    }

    function testFuzz_a_greedy_issuer_loses_nothing_to_rounding(uint16[24] memory pauses) public {
        uint256 start = block.timestamp;
        uint256 minted = FULL;
        _mint(FULL);
        for (uint256 i = 0; i < pauses.length; i++) {
            vm.warp(block.timestamp + pauses[i]);
            uint256 free = _free();
            if (free == FULL) return; // full again: from here on time is lost
            if (free > 0) _mint(free);
            minted += free;
            assertEq(minted, FULL + FULL * (block.timestamp - start) / PERIOD, "exact");
        }
    }
}
