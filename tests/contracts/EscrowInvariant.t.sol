// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {OrderHandler} from "./base/OrderHandler.sol";

/// @notice E1 to E5 and E8 of orders that everybody pushes about at random, while parties are frozen, suspended and
/// lose their wallets, the token is paused and time passes. E6 is in EscrowOrderOfArrival, E7 in EscrowStops.
contract EscrowInvariantTest is OrderHandler {
    IOrderBook.State private constant OPEN = IOrderBook.State.Open;
    IOrderBook.State private constant FUNDED = IOrderBook.State.Funded;
    IOrderBook.State private constant ACCEPTED = IOrderBook.State.Accepted;
    IOrderBook.State private constant DUE = IOrderBook.State.Due;
    IOrderBook.State private constant DISPUTED = IOrderBook.State.Disputed;
    IOrderBook.State private constant RELEASED = IOrderBook.State.Released;
    IOrderBook.State private constant REFUNDED = IOrderBook.State.Refunded;
    IOrderBook.State private constant CANCELLED = IOrderBook.State.Cancelled;

    string private _missed; // rows

    function setUp() public override {
        super.setUp();
        bytes4[] memory s = new bytes4[](16);
        (s[0], s[1], s[2], s[3]) =
        (this.fund.selector, this.deliver.selector, this.deliver.selector, this.fund.selector);
        (s[4], s[5], s[6]) = (this.complain.selector, this.dispute.selector, this.decide.selector);
        (s[7], s[8], s[9]) = (this.settle.selector, this.settle.selector, this.giveUp.selector);
        (s[10], s[11], s[12]) = (this.openAnother.selector, this.pass.selector, this.stop.selector);
        (s[13], s[14], s[15]) = (this.loosen.selector, this.loseWallet.selector, this.repeatSomething.selector);
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

    function invariant_E5_money_is_the_sellers_or_where_it_came_from() external view {
        _assertE5();
    }

    function invariant_E8_nothing_waits_for_anothers_transfer() external view {
        assertEq(_blocked, 0, "E8");
    }

    /// @dev E4, wherever the run ended.
    function afterInvariant() external {
        this.end();
    }

    // ---- the handler is worth something ----

    function step(uint256 seed) external {
        uint256 what = seed % 100;
        uint256 luck = seed >> 8;
        uint88 amount = uint88(seed >> 40);
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
        else if (what < 95) stop(seed >> 16, seed >> 32);
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
        _assertEveryRow();
    }

    function end() external {
        _endAll();
        _assertE1();
        _assertE2();
        _assertE3();
        _assertE5();
        assertEq(_blocked, 0, "E8");
    }

    function _hit(IOrderBook.State from, IOrderBook.State to, Act act) private {
        if (_hits[_row(from, to, act)] != 0) return;
        string memory row = string.concat(vm.toString(uint256(from)), " > ", vm.toString(uint256(to)));
        _missed = string.concat(_missed, row, " by act ", vm.toString(uint256(act)), "; ");
    }

    function _assertEveryRow() private {
        _hit(OPEN, FUNDED, Act.FundByConsent);
        _hit(OPEN, FUNDED, Act.FundByHold);
        _hit(OPEN, CANCELLED, Act.Cancel);
        _hit(OPEN, CANCELLED, Act.CancelTogether);
        _hit(OPEN, DUE, Act.Deliver);
        _hit(OPEN, DISPUTED, Act.Complain);
        _hit(FUNDED, ACCEPTED, Act.Deliver);
        _hit(FUNDED, FUNDED, Act.Deliver); // a part
        _hit(FUNDED, RELEASED, Act.Deliver); // the last part
        _hit(FUNDED, RELEASED, Act.DeliverAndRelease);
        _hit(FUNDED, ACCEPTED, Act.DeliverAndRelease); // inspected, or the payee is refused
        _hit(FUNDED, REFUNDED, Act.RefundAsSeller);
        _hit(FUNDED, REFUNDED, Act.Refund);
        _hit(FUNDED, DISPUTED, Act.Complain);
        _hit(FUNDED, DISPUTED, Act.DisputeAsBuyer);
        _hit(FUNDED, DISPUTED, Act.DisputeAsSeller);
        _hit(FUNDED, CANCELLED, Act.CancelByOrder);
        _hit(ACCEPTED, RELEASED, Act.Release);
        _hit(ACCEPTED, RELEASED, Act.ReleaseAsBuyer);
        _hit(ACCEPTED, REFUNDED, Act.RefundAsSeller);
        _hit(ACCEPTED, DISPUTED, Act.DisputeAsBuyer);
        _hit(DUE, RELEASED, Act.PayByConsent);
        _hit(DUE, RELEASED, Act.PayByHold);
        _hit(DUE, OPEN, Act.PayByConsent); // a part
        _hit(DUE, CANCELLED, Act.WriteOff);
        _hit(DUE, DISPUTED, Act.DisputeAsBuyer);
        _hit(DISPUTED, DISPUTED, Act.DisputeAsBuyer); // takes it over from an attestation
        _hit(DISPUTED, DISPUTED, Act.Deliver); // recorded only
        _hit(DISPUTED, ACCEPTED, Act.Deliver); // ended by a higher seq
        _hit(DISPUTED, DUE, Act.Deliver);
        _hit(DISPUTED, ACCEPTED, Act.Rule);
        _hit(DISPUTED, DUE, Act.Rule);
        _hit(DISPUTED, ACCEPTED, Act.Fallback);
        _hit(DISPUTED, REFUNDED, Act.Fallback);
        _hit(DISPUTED, ACCEPTED, Act.Agree);
        _hit(FUNDED, ACCEPTED, Act.Agree);
        _hit(OPEN, DUE, Act.Agree);
        assertEq(_missed, "");
    }
}
