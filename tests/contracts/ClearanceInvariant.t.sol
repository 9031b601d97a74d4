// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ClearanceActs} from "./base/ClearanceActs.sol";

/// @notice What holds of clearances whatever anybody tries.
contract ClearanceInvariant is ClearanceActs {
    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](14);
        (s[0], s[1], s[2], s[3]) = (this.own.selector, this.own.selector, this.own.selector, this.word.selector);
        (s[4], s[5], s[6], s[7]) = (this.word.selector, this.word.selector, this.bare.selector, this.bare.selector);
        (s[8], s[9], s[10]) = (this.sneak.selector, this.again.selector, this.again.selector);
        (s[11], s[12], s[13]) = (this.proceed.selector, this.turn.selector, this.useMandate.selector);
        _target(address(this), s);
    }

    function invariant_no_flagged_participants_money_moves_without_a_clearance() external view {
        assertEq(_slipped, 0);
    }

    function invariant_a_clearance_moves_money_once() external view {
        assertEq(_replayed, 0);
    }

    /// @dev To the cent: what left a wallet's unheld money was cleared, or left while no flag was set.
    function invariant_what_moved_was_cleared() external view {
        for (uint256 i; i < 3; ++i) {
            address wallet = _parties[i].wallet;
            uint256 unheld = usd.balanceOf(wallet) - usd.held(wallet);
            assertEq(unheld + _clearedOut[wallet] + _freeOut[wallet], MONEY + _cameIn[wallet]);
        }
    }

    function invariant_check_foretells_that_a_clearance_is_missing() external view {
        for (uint256 i; i < 3; ++i) {
            bool can = usd.canTransfer(_parties[i].wallet, _parties[i].wallet, 0);
            assertEq(can, !_isFlagged(_parties[i]));
        }
    }

    /// @dev The handler is no idler: each way passes with a good clearance.
    function test_every_way_passes_with_a_clearance() public {
        for (uint256 kind; kind < 5; ++kind) {
            this.own(0, kind, 0, 100);
            this.word(2, kind, 0, 100);
        }
        this.useMandate(0, 100);
        bytes4[11] memory ways = [
            usd.pay.selector,
            usd.payBatch.selector,
            usd.holdAndCall.selector,
            usd.requestRedemption.selector,
            usd.registerMandate.selector,
            usd.executeByMandate.selector,
            usd.hold.selector,
            usd.executeByConsent.selector,
            usd.executeNet.selector,
            usd.transferWithAuthorization.selector,
            usd.receiveWithAuthorization.selector
        ];
        for (uint256 i; i < ways.length; ++i) {
            assertEq(_passed[ways[i]], 1, vm.toString(bytes32(ways[i])));
        }
        for (uint256 mode = 3; mode < 9; ++mode) {
            for (uint256 kind; kind < 8; ++kind) {
                this.own(0, kind, mode % 8 < 3 ? 3 : mode, 100);
                this.word(2, kind, mode, 100);
                this.bare(0, kind, 100);
            }
            this.sneak(0, 100 + mode);
        }
        assertEq(_slipped, 0);
        for (uint256 i; i < 11; ++i) {
            this.again(i);
        }
        assertEq(_replayed, 0);
    }
}
