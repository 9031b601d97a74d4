// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {OrderRows} from "./base/OrderRows.sol";

/// @notice E1 to E5 and E8 of orders that everybody pushes about at random, while parties are frozen, suspended and
/// lose their wallets, the token is paused and time passes. E6 is in EscrowOrderOfArrival, E7 in EscrowStops.
contract EscrowInvariantTest is OrderRows {
    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](33);
        (s[0], s[1], s[2], s[3]) =
        (this.fund.selector, this.deliver.selector, this.deliver.selector, this.fund.selector);
        (s[4], s[5], s[6]) = (this.complain.selector, this.dispute.selector, this.decide.selector);
        (s[7], s[8], s[9]) = (this.settle.selector, this.settle.selector, this.giveUp.selector);
        (s[10], s[11], s[12]) = (this.openAnother.selector, this.pass.selector, this.stop.selector);
        (s[13], s[14], s[15]) = (this.loosen.selector, this.loseWallet.selector, this.repeatSomething.selector);
        (s[16], s[17], s[18]) = (this.fund.selector, this.fund.selector, this.openAnother.selector);
        for (uint256 i = 19; i < 32; ++i) {
            s[i] = this.steer.selector;
        }
        s[32] = this.rotateAttesters.selector;
        _target(address(this), s);
    }

    function invariant_E1_funded_is_held_released_or_refunded() external view {
        _assertE1();
    }

    function invariant_E2_what_is_live_is_what_the_token_holds() external view {
        _assertE2();
    }

    function invariant_E3_terminal_states_absorb() external view {
        _assertE3();
    }

    /// @dev From wherever it stands; and then back.
    function invariant_E4_all_that_holds_money_can_end() external {
        uint256 here = vm.snapshotState();
        _endAll();
        vm.revertToState(here);
    }

    function invariant_E5_money_is_the_sellers_or_where_it_came_from() external view {
        _assertE5();
    }

    function invariant_E8_nothing_waits_for_anothers_transfer() external view {
        assertEq(_blocked, 0, "E8");
    }

    /// @dev E4, wherever the run ended.
    function afterInvariant() external {
        this.end();
        _reportRows();
    }

    // ---- the handler is worth something ----

    function step(uint256 seed) external {
        uint256 what = seed % 100;
        uint256 luck = seed >> 8;
        uint88 amount = uint88(seed >> 40);
        if (seed >> 200 & 3 == 0) return steer(luck, amount);
        if (what < 22) fund(luck, seed & 128 == 0);
        else if (what < 36) deliver(luck, amount, seed >> 32 & 7 == 0, seed & 128 == 0);
        else if (what < 41) complain(luck, amount);
        else if (what < 44) repeatSomething(luck);
        else if (what < 50) dispute(luck, seed & 128 == 0);
        else if (what < 57) decide(luck, seed >> 32, amount);
        else if (what < 67) settle(luck, seed >> 32);
        else if (what < 72) giveUp(luck, seed >> 32);
        else if (what < 87) openAnother(seed >> 32);
        else if (what < 93) pass(luck);
        else if (what < 94) stop(seed >> 16, seed >> 32);
        else if (what < 99) loosen(seed >> 16);
        else loseWallet(seed >> 16);
    }

    /// @dev Every row of the state table, by the same handler and a seed of its own.
    function test_the_handler_reaches_every_row() external {
        vm.pauseGasMetering();
        for (uint256 i; i < 2750; ++i) {
            this.step(uint256(keccak256(abi.encode("row", i))));
            if (i % 250 == 249) this.end();
        }
        assertEq(_rowsMissed(), "");
    }

    function end() external {
        _endAll();
        _assertE1();
        _assertE2();
        _assertE3();
        _assertE5();
        assertEq(_blocked, 0, "E8");
    }
}
