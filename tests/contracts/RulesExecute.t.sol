// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PaymentRules} from "../../contracts/PaymentRules.sol";
import {IDepositToken} from "../../contracts/interfaces/IDepositToken.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {Recurrence} from "../../contracts/libraries/Calendar.sol";
import {Every} from "../../contracts/libraries/Every.sol";
import {RuleId} from "../../contracts/libraries/Ids.sol";
import {Path, Reason} from "../../contracts/libraries/Reason.sol";
import {Rule} from "../../contracts/libraries/RuleTerms.sol";
import {RulesBase} from "./base/RulesBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice When a rule pays: to the second, once per period, caught up or skipped, and all or nothing. Every refusal is
/// foretold by the preview.
contract RulesExecute is RulesBase {
    uint40 private constant DUE = JANUARY + NINE;
    uint40 private constant FEBRUARY = JANUARY + 31 days;
    uint40 private constant MARCH = FEBRUARY + 29 days;
    uint40 private constant APRIL = MARCH + 31 days;

    function _over(uint256 period, uint256 next) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPaymentRules.PeriodOver.selector, period, next);
    }

    function _notDue(uint256 period, uint256 when) private view returns (bytes memory) {
        return abi.encodeWithSelector(IPaymentRules.PeriodNotDue.selector, period, when, block.timestamp);
    }

    // ---- once, in time ----

    function test_anyone_executes_a_due_period_once_from_its_second_on() public {
        Rule memory r = _rule();
        _start(r);
        RuleId id = rules.ruleId(r);
        vm.warp(DUE - 1);
        _expectRefused(r, PERIOD, _notDue(PERIOD, DUE));
        vm.warp(DUE);
        IPaymentRules.Preview memory p = rules.preview(r);
        assertEq(p.period, PERIOD);
        assertEq(p.dueAt, DUE);
        assertTrue(p.met && p.problem.length == 0 && p.nodes.length == 0);
        assertEq(p.moves.length, 1);
        assertEq(p.moves[0].to, bob.wallet);
        assertEq(p.moves[0].amount, 500);
        assertEq(p.moves[0].ref, rules.referenceOf(id, PERIOD, 0));
        assertEq(usd.balanceOf(bob.wallet), 0, "a preview moves nothing");
        assertEq(rules.stateOf(id).next, 0);

        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RuleExecuted(id, PERIOD, 1, 500);
        vm.prank(carol.wallet);
        rules.execute(r, PERIOD);
        assertEq(usd.balanceOf(bob.wallet), 500);
        assertEq(rules.stateOf(id).next, PERIOD + 1);
        assertTrue(usd.paid(alice.id, p.moves[0].ref));
        _expectRefused(r, PERIOD, _over(PERIOD, PERIOD + 1));
        _expectRefused(r, PERIOD + 1, _notDue(PERIOD + 1, FEBRUARY + NINE));
        vm.warp(FEBRUARY + NINE);
        rules.execute(r, PERIOD + 1);
        assertEq(usd.balanceOf(bob.wallet), 1000);
    }

    function test_periods_before_the_start_and_after_the_end_do_not_count() public {
        Rule memory r = _rule();
        r.start = DUE + 1; // January has just passed
        r.end = FEBRUARY + NINE;
        _start(r);
        vm.warp(DUE + 1);
        assertEq(rules.preview(r).period, PERIOD + 1);
        _expectRefused(r, PERIOD, _over(PERIOD, PERIOD + 1));
        vm.warp(r.end + 1);
        _expectRefused(
            r, PERIOD + 1, abi.encodeWithSelector(IPaymentRules.RuleEnded.selector, r.end, FEBRUARY + NINE, r.end + 1)
        );
        vm.warp(r.end);
        assertTrue(_executeAsForetold(r, PERIOD + 1));
    }

    function test_a_period_due_after_the_end_is_not_paid() public {
        Rule memory r = _rule();
        r.end = DUE - 1;
        _start(r);
        vm.warp(DUE - 1);
        _expectRefused(r, PERIOD, abi.encodeWithSelector(IPaymentRules.RuleEnded.selector, r.end, DUE, block.timestamp));
        assertFalse(_dueOf(r).due);
    }

    function test_the_31st_pays_on_the_last_day_of_february() public {
        Rule memory r = _rule();
        r.schedule.day = 31;
        _start(r);
        uint256 leapDay = FEBRUARY + 28 days + NINE;
        assertEq(rules.dueAt(r, PERIOD + 1), leapDay);
        vm.warp(leapDay - 1);
        _expectRefused(r, PERIOD + 1, abi.encodeWithSelector(IPaymentRules.PeriodNotNext.selector, PERIOD + 1, PERIOD));
        vm.warp(leapDay);
        rules.execute(r, PERIOD + 1);
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    function test_a_fixed_interval_counts_from_the_start() public {
        Rule memory r = _rule();
        r.schedule = Recurrence(Every.INTERVAL, 0, 0, 0, 90 minutes);
        _start(r);
        rules.execute(r, 0);
        vm.warp(JANUARY + 90 minutes - 1);
        _expectRefused(r, 1, _notDue(1, JANUARY + 90 minutes));
        vm.warp(JANUARY + 90 minutes);
        rules.execute(r, 1);
        assertEq(usd.balanceOf(bob.wallet), 1000);
    }

    function test_extreme_periods_are_refused() public {
        Rule memory r = _rule();
        _start(r);
        vm.warp(DUE);
        uint256[3] memory extremes = [uint256(PERIOD + 1), type(uint40).max, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            _expectRefused(
                r, extremes[i], abi.encodeWithSelector(IPaymentRules.PeriodNotNext.selector, extremes[i], PERIOD)
            );
        }
        _expectRefused(r, 0, _over(0, PERIOD));
        assertEq(rules.dueAt(r, type(uint256).max), 0);
        assertEq(rules.dueAt(r, 0), 0);
    }

    // ---- missed periods ----

    function test_three_missed_periods_are_caught_up_one_by_one() public {
        Rule memory r = _rule();
        r.catchUp = true;
        _start(r);
        vm.warp(MARCH + NINE);
        _expectRefused(r, PERIOD + 2, abi.encodeWithSelector(IPaymentRules.PeriodNotNext.selector, PERIOD + 2, PERIOD));
        for (uint256 i; i < 3; ++i) {
            assertEq(_dueOf(r).period, PERIOD + i);
            assertTrue(_dueOf(r).due);
            rules.execute(r, PERIOD + i);
            assertEq(usd.balanceOf(bob.wallet), 500 * (i + 1));
        }
        assertFalse(_dueOf(r).due);
        _expectRefused(r, PERIOD + 3, _notDue(PERIOD + 3, APRIL + NINE));
    }

    function test_missed_periods_are_skipped() public {
        Rule memory r = _rule();
        _start(r);
        vm.warp(MARCH + NINE - 1);
        assertEq(_dueOf(r).period, PERIOD + 1);
        _expectRefused(r, PERIOD, _over(PERIOD, PERIOD + 1));
        vm.warp(MARCH + NINE);
        _expectRefused(r, PERIOD + 1, _over(PERIOD + 1, PERIOD + 2));
        rules.execute(r, PERIOD + 2);
        _expectRefused(r, PERIOD, _over(PERIOD, PERIOD + 3));
        _expectRefused(r, PERIOD + 1, _over(PERIOD + 1, PERIOD + 3));
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    // ---- never twice ----

    /// @dev The contract that takes another's place starts from nothing; the references do not.
    function test_a_contract_in_its_place_pays_no_period_again() public {
        Rule memory r = _rule();
        r.catchUp = true;
        _start(r);
        vm.warp(FEBRUARY + NINE);
        rules.execute(r, PERIOD);
        rules = new PaymentRules(address(registry));
        _registerNotary(usd, address(rules));
        _start(r);
        IPaymentRules.Preview memory p = rules.preview(r);
        assertEq(p.period, PERIOD);
        assertEq(p.moves.length, 0);
        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RuleExecuted(rules.ruleId(r), PERIOD, 0, 0);
        rules.execute(r, PERIOD);
        assertEq(usd.balanceOf(bob.wallet), 500);
        rules.execute(r, PERIOD + 1);
        assertEq(usd.balanceOf(bob.wallet), 1000);
    }

    function test_the_payer_leaves_out_a_period_by_voiding_its_reference() public {
        Rule memory r = _rule();
        r.payees = _payees(_payee(bob.id, 4000), _payee(carol.id, 6000));
        _start(r);
        bytes32 ref = rules.referenceOf(rules.ruleId(r), PERIOD, 0);
        vm.prank(alice.wallet);
        usd.voidReference(alice.id, ref);
        vm.warp(DUE);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 0, "left out");
        assertEq(usd.balanceOf(carol.wallet), 300, "no more than its share");
    }

    function test_references_of_periods_and_payees_differ() public view {
        RuleId id = rules.ruleId(_rule());
        bytes32[] memory seen = new bytes32[](40 * 8);
        for (uint256 i; i < seen.length; ++i) {
            seen[i] = rules.referenceOf(id, PERIOD + i / 8, i % 8);
            assertTrue(seen[i] != 0);
            for (uint256 j = i > 64 ? i - 64 : 0; j < i; ++j) {
                assertTrue(seen[j] != seen[i]);
            }
        }
    }

    // ---- all or nothing ----

    function test_a_refused_payee_leaves_everything_as_it_was() public {
        Rule memory r = _rule();
        r.payees = _payees(_payee(bob.id, 4000), _payee(carol.id, 6000));
        _start(r);
        vm.warp(DUE);
        _freeze(carol.id);
        _expectRefused(r, PERIOD, _refused(Path.EXECUTE, Reason.PAYEE_FROZEN, carol.wallet, 0, 0));
        assertEq(usd.balanceOf(bob.wallet), 0);
        assertEq(rules.stateOf(rules.ruleId(r)).next, 0);
        assertFalse(usd.paid(alice.id, rules.referenceOf(rules.ruleId(r), PERIOD, 0)));
        assertTrue(_dueOf(r).due, "it stays due");
        _unfreeze(carol.id);
        assertTrue(_executeAsForetold(r, PERIOD));
        assertEq(usd.balanceOf(bob.wallet), 200);
        assertEq(usd.balanceOf(carol.wallet), 300);
    }

    function test_a_payer_without_money_or_stopped_pays_nothing() public {
        Rule memory r = _rule();
        _start(r);
        vm.warp(DUE);
        uint256 before = vm.snapshotState();
        _freezeAmount(usd, alice.wallet, MONEY - 499);
        _expectRefused(r, PERIOD, _refused(Path.HOLD, Reason.INSUFFICIENT_AVAILABLE, alice.wallet, 499, 500));
        vm.revertToState(before);
        _pause(usd);
        _expectRefused(r, PERIOD, _refused(Path.HOLD, Reason.PAUSED, address(usd), 0, 0));
        vm.revertToState(before);
        _suspend(alice.id);
        _expectRefused(r, PERIOD, _refused(Path.HOLD, Reason.PAYER_SUSPENDED, alice.wallet, 0, 0));
        vm.revertToState(before);
        vm.prank(pauser);
        usd.stopNotary(address(rules));
        _expectRefused(r, PERIOD, _refused(Path.HOLD, Reason.NOTARY_STOPPED, address(rules), 0, 0));
    }

    function test_a_revoked_or_missing_mandate_pays_nothing() public {
        Rule memory r = _rule();
        bytes32 mandate = usd.mandateId(rules.mandateOf(r));
        rules.arm(r, _approvals(r, 2));
        vm.warp(DUE);
        _expectRefused(r, PERIOD, _notActive(mandate, IMandates.MandateStatus.NONE));
        vm.startPrank(alice.wallet);
        usd.registerMandate(rules.mandateOf(r));
        usd.revokeMandate(mandate);
        vm.stopPrank();
        _expectRefused(r, PERIOD, _notActive(mandate, IMandates.MandateStatus.REVOKED));
    }

    function _notActive(bytes32 mandate, IMandates.MandateStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMandates.MandateNotActive.selector, mandate, status);
    }

    function test_a_recovered_payer_pays_nothing() public {
        Rule memory r = _rule();
        _start(r);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        vm.warp(DUE + 10 days);
        _expectRefused(r, PERIOD, _refused(Path.HOLD, Reason.PAYER_WALLET_LOST, alice.wallet, 0, 0));
        vm.prank(second.addr);
        rules.cancel(r);
    }

    function test_caps_hold_to_the_cent() public {
        Rule memory r = _rule();
        (r.amount, r.capPerPayment, r.capPerPeriod) = (501, 500, 5000);
        _start(r);
        vm.warp(DUE);
        _expectRefused(r, PERIOD, abi.encodeWithSelector(IMandates.MandateCapPerPayment.selector, 500, 501));
        r.amount = 500;
        r.payees = _payees(_payee(bob.id, 5000), _payee(carol.id, 5000));
        r.capPerPeriod = 500;
        (r.catchUp, r.schedule) = (true, Recurrence(Every.DAY, 0, 0, 0, 0));
        _start(r);
        uint256 today = DUE / 1 days;
        assertTrue(_executeAsForetold(r, today));
        vm.warp(DUE + 1 days);
        _expectRefused(r, today + 1, abi.encodeWithSelector(IMandates.MandateCapPerPeriod.selector, 0, 250));
        vm.warp(JANUARY + 31 days - 1);
        _expectRefused(r, today + 1, abi.encodeWithSelector(IMandates.MandateCapPerPeriod.selector, 0, 250));
        vm.warp(JANUARY + 31 days);
        assertTrue(_executeAsForetold(r, today + 1));
    }

    function test_only_the_contract_itself_simulates() public {
        Rule memory r = _rule();
        _start(r);
        vm.warp(DUE);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.OnlyItself.selector, address(this)));
        rules.simulate(r, PERIOD);
    }

    // ---- for keepers ----

    function test_due_names_the_rules_that_are() public {
        Rule[] memory all = new Rule[](4);
        for (uint256 i; i < 4; ++i) {
            all[i] = _rule();
            all[i].ruleReference = bytes32(i);
        }
        _start(all[1]);
        _start(all[2]);
        _start(all[3]);
        vm.prank(alice.wallet);
        rules.pause(all[2]);
        vm.warp(DUE);
        rules.execute(all[3], PERIOD);
        IPaymentRules.Due[] memory found = rules.due(all);
        assertFalse(found[0].due, "never armed");
        assertTrue(found[1].due);
        assertFalse(found[2].due, "paused");
        assertFalse(found[3].due, "done");
        assertEq(found[1].period, PERIOD);
        assertEq(found[3].period, PERIOD + 1);
        assertEq(found[3].dueAt, FEBRUARY + NINE);
        assertEq(rules.due(new Rule[](0)).length, 0);
    }

    function _dueOf(Rule memory r) private view returns (IPaymentRules.Due memory) {
        Rule[] memory one = new Rule[](1);
        one[0] = r;
        return rules.due(one)[0];
    }

    // ---- whatever happens ----

    /// @dev Any amounts, shares and times: preview and execution agree, shares add up, nothing is paid twice.
    function testFuzz_preview_is_execution(
        uint88 amount,
        uint16 share,
        uint32 wait,
        uint24 frozen,
        bool catchUp,
        uint8 every
    ) public {
        Rule memory r = _rule();
        r.amount = uint88(bound(amount, 1, 2000));
        r.payees = _payees(_payee(bob.id, uint16(bound(share, 1, 9999))), _payee(carol.id, 0));
        r.payees[1].share = 10_000 - r.payees[0].share;
        r.catchUp = catchUp;
        r.schedule = every % 2 == 0
            ? Recurrence(Every.MONTH, 0, every % 31 + 1, NINE, 0)
            : Recurrence(Every.WEEK, 0, every % 7 + 1, NINE, 0);
        _start(r);
        _freezeAmount(usd, alice.wallet, bound(frozen, 1, MONEY));
        vm.warp(JANUARY + bound(wait, 0, 200 days));
        uint256 paid;
        for (uint256 i; i < 4; ++i) {
            uint256 period = rules.preview(r).period;
            if (!_executeAsForetold(r, period)) break;
            paid += r.amount;
            assertEq(usd.balanceOf(bob.wallet) + usd.balanceOf(carol.wallet), paid);
            (bool again,) = address(rules).call(abi.encodeCall(rules.execute, (r, period)));
            assertFalse(again);
        }
        assertEq(usd.balanceOf(alice.wallet), MONEY - paid);
    }

    function _refused(Path path, Reason reason, address about, uint256 has, uint256 needs)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IDepositToken.Refused.selector, path, reason, about, has, needs);
    }
}
