// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {ActionKind} from "../../contracts/libraries/ActionKind.sol";
import {Payee, Rule} from "../../contracts/libraries/RuleTerms.sol";
import {RulesBase} from "./base/RulesBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice How much each action moves, and to whom.
contract RulesActions is RulesBase {
    function setUp() public override {
        super.setUp();
        vm.warp(JANUARY + NINE);
    }

    function _nothing(Rule memory r, uint256 measured) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(IPaymentRules.NothingToMove.selector, rules.ruleId(r), measured, uint256(r.amount));
    }

    // ---- splitting ----

    function test_shares_are_rounded_down_and_the_last_takes_the_rest() public {
        Rule memory r = _rule();
        r.amount = 100;
        r.payees = new Payee[](3);
        r.payees[0] = _payee(bob.id, 3333);
        r.payees[1] = _payee(carol.id, 3333);
        Party memory dora = _client("dora");
        r.payees[2] = _payee(dora.id, 3334);
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 33);
        assertEq(usd.balanceOf(carol.wallet), 33);
        assertEq(usd.balanceOf(dora.wallet), 34);
    }

    function test_a_share_of_nothing_is_left_out() public {
        Rule memory r = _rule();
        r.amount = 1;
        r.payees = _payees(_payee(bob.id, 9999), _payee(carol.id, 1));
        _start(r);
        assertEq(rules.preview(r).moves.length, 1);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 0);
        assertEq(usd.balanceOf(carol.wallet), 1);
    }

    function test_eight_payees_are_paid() public {
        Rule memory r = _rule();
        r.amount = 1001;
        r.payees = new Payee[](8);
        for (uint256 i; i < 8; ++i) {
            r.payees[i] = _payee(_client(string.concat("payee ", vm.toString(i))).id, 1250);
        }
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        uint256 sum;
        for (uint256 i; i < 8; ++i) {
            uint256 got = usd.balanceOf(registry.currentWallet(r.payees[i].participant));
            assertEq(got, i == 7 ? 126 : 125);
            sum += got;
        }
        assertEq(sum, 1001);
    }

    // ---- sweeping ----

    function test_a_sweep_leaves_exactly_the_floor() public {
        Rule memory r = _sweep(MONEY - 700);
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(alice.wallet), MONEY - 700);
        assertEq(usd.balanceOf(bob.wallet), 700);
    }

    function test_a_sweep_of_nothing_stays_due() public {
        Rule memory r = _sweep(MONEY);
        _start(r);
        _expectRefused(r, PERIOD, _nothing(r, MONEY));
        _deposit(usd, alice.wallet, 1);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 1);
    }

    function test_a_sweep_takes_only_what_is_available() public {
        Rule memory r = _sweep(100);
        _freezeAmount(usd, alice.wallet, MONEY - 600);
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(usd.available(alice.wallet), 100);
    }

    function test_a_sweep_beyond_a_cap_is_refused_whole() public {
        Rule memory r = _sweep(MONEY - 1001);
        _start(r);
        _expectRefused(r, PERIOD, abi.encodeWithSelector(IMandates.MandateCapPerPayment.selector, 1000, 1001));
        assertEq(usd.balanceOf(bob.wallet), 0);
    }

    /// @dev What was foretold a moment ago no longer counts: the balance of the moment does.
    function test_a_sweep_that_races_a_payment_takes_what_is_left() public {
        Rule memory r = _sweep(MONEY - 700);
        _start(r);
        assertEq(rules.preview(r).moves[0].amount, 700);
        vm.prank(alice.wallet);
        usd.transfer(carol.wallet, 300);
        rules.execute(r, PERIOD);
        assertEq(usd.balanceOf(bob.wallet), 400);
        assertEq(usd.balanceOf(alice.wallet), MONEY - 700);
    }

    function test_a_sweep_is_split() public {
        Rule memory r = _sweep(MONEY - 101);
        r.payees = _payees(_payee(bob.id, 5000), _payee(carol.id, 5000));
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 50);
        assertEq(usd.balanceOf(carol.wallet), 51);
    }

    function _sweep(uint256 floor) private view returns (Rule memory r) {
        r = _rule();
        (r.action, r.amount) = (ActionKind.SWEEP_ABOVE, uint88(floor));
    }

    // ---- topping up ----

    function test_a_top_up_fills_to_exactly_the_level() public {
        Rule memory r = _topUp(900);
        _deposit(usd, bob.wallet, 250);
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 900);
    }

    function test_a_full_wallet_is_not_topped_up() public {
        Rule memory r = _topUp(900);
        _deposit(usd, bob.wallet, 900);
        _start(r);
        _expectRefused(r, PERIOD, _nothing(r, 900));
        _freezeAmount(usd, bob.wallet, 900);
        _expectRefused(r, PERIOD, _nothing(r, 900)); // frozen money is no bottomless hole
    }

    function _topUp(uint256 level) private view returns (Rule memory r) {
        r = _rule();
        (r.action, r.amount) = (ActionKind.TOP_UP, uint88(level));
    }

    // ---- payees ----

    function test_a_payee_gets_its_share_at_the_current_wallet_of_the_moment() public {
        Rule memory r = _rule();
        _start(r);
        Vm.Wallet memory second = _link(bob, "bob, second wallet");
        _makeCurrent(bob, second.addr);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(second.addr), 500);
    }

    function test_a_named_wallet_of_a_payee_or_its_successor_is_paid() public {
        Vm.Wallet memory second = _link(bob, "bob, second wallet");
        Rule memory r = _rule();
        r.payees = _payees(Payee(bob.id, second.addr, 10_000));
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(second.addr), 500);
        Vm.Wallet memory third = _link(bob, "bob, third wallet");
        _recover(second.addr, third.addr);
        vm.warp(JANUARY + 31 days + NINE);
        assertTrue(_executeAsForetold(r, PERIOD + 1));
        assertEq(usd.balanceOf(third.addr), 1000);
    }

    /// @dev Cash concentration: between wallets of one institution.
    function test_money_is_swept_to_another_wallet_of_the_payer() public {
        Vm.Wallet memory pool = _link(alice, "alice, pool");
        Rule memory r = _sweep(MONEY - 10);
        r.payees = _payees(Payee(alice.id, pool.addr, 10_000));
        _start(r);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(pool.addr), 10);
    }

    function test_a_payer_that_has_become_its_own_payee_pays_nothing() public {
        Vm.Wallet memory pool = _link(alice, "alice, pool");
        Rule memory r = _rule();
        r.payees = _payees(Payee(alice.id, pool.addr, 10_000));
        _start(r);
        _recover(pool.addr, alice.wallet);
        _expectRefused(r, PERIOD, abi.encodeWithSelector(IPaymentRules.PayeeIsPayer.selector, alice.wallet));
    }
}
