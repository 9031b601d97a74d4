// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PaymentRules} from "../../contracts/PaymentRules.sol";
import {IMandates} from "../../contracts/interfaces/IMandates.sol";
import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {ActionKind} from "../../contracts/libraries/ActionKind.sol";
import {Recurrence} from "../../contracts/libraries/Calendar.sol";
import {Every} from "../../contracts/libraries/Every.sol";
import {RuleId} from "../../contracts/libraries/Ids.sol";
import {NodeKind} from "../../contracts/libraries/NodeKind.sol";
import {Node, Payee, Rule} from "../../contracts/libraries/RuleTerms.sol";
import {RulesBase} from "./base/RulesBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice Which rules are armed, by whom, and who stops them.
contract RulesArm is RulesBase {
    // ---- terms ----

    /// @dev Worked out here from the words of the type, independently of the contract.
    function test_the_id_is_the_struct_hash_of_all_terms() public view {
        Rule memory r = _rule();
        r.trigger = _nodes(_time(5), _balance(NodeKind.BALANCE_AT_MOST, bob.wallet, 7), _gate(NodeKind.AND));
        r.payees = _payees(_payee(bob.id, 4000), Payee(carol.id, carol.wallet, 6000));
        string memory node = "Node(uint8 kind,address source,bytes32 key,uint256 value)";
        string memory payee = "Payee(uint32 participant,address wallet,uint16 share)";
        string memory recurrence = "Recurrence(uint8 every,uint8 month,uint8 day,uint32 second,uint40 length)";
        string memory rule = string.concat(
            "Rule(address payer,address token,bytes32 ruleReference,Node[] trigger,uint8 action,uint88 amount,",
            "Payee[] payees,Recurrence schedule,bool catchUp,uint40 start,uint40 end,uint88 capPerPayment,",
            "uint88 capPerPeriod,uint40 capPeriod,address[] approvers,uint8 threshold)"
        );
        bytes memory words =
            abi.encode(keccak256(abi.encodePacked(rule, node, payee, recurrence)), r.payer, r.token, r.ruleReference);
        bytes memory hashes;
        for (uint256 i; i < r.trigger.length; ++i) {
            hashes = bytes.concat(hashes, keccak256(abi.encode(keccak256(bytes(node)), r.trigger[i])));
        }
        words = bytes.concat(words, keccak256(hashes), abi.encode(r.action, r.amount));
        hashes = "";
        for (uint256 i; i < r.payees.length; ++i) {
            hashes = bytes.concat(hashes, keccak256(abi.encode(keccak256(bytes(payee)), r.payees[i])));
        }
        words = bytes.concat(words, keccak256(hashes), keccak256(abi.encode(keccak256(bytes(recurrence)), r.schedule)));
        words = bytes.concat(words, abi.encode(r.catchUp, r.start, r.end, r.capPerPayment, r.capPerPeriod, r.capPeriod));
        words = bytes.concat(words, keccak256(abi.encodePacked(r.approvers)), abi.encode(r.threshold));
        assertEq(RuleId.unwrap(rules.ruleId(r)), keccak256(words));
    }

    function test_what_an_approver_signs() public view {
        RuleId id = rules.ruleId(_rule());
        assertEq(rules.approvalDigest(id, 3, 1_800_000_000), _approvalDigest(id, 3, 1_800_000_000));
    }

    function test_the_mandate_follows_from_the_rule() public view {
        Rule memory r = _rule();
        IMandates.Mandate memory m = rules.mandateOf(r);
        assertEq(m.payer, alice.wallet);
        assertEq(m.notary, address(rules));
        assertEq(m.ruleId, RuleId.unwrap(rules.ruleId(r)));
        assertEq(m.capPerPayment, r.capPerPayment);
        assertEq(m.capPerPeriod, r.capPerPeriod);
        assertEq(m.period, r.capPeriod);
        assertEq(m.start, r.start);
        assertEq(m.end, r.end);
    }

    function test_rules_that_cannot_serve_are_refused() public {
        Rule memory r = _rule();
        r.token = address(this);
        _expectInvalid(r, "token");
        r = _rule();
        r.payer = address(this);
        _expectInvalid(r, "payer");
        r = _rule();
        r.schedule.every = 6;
        _expectInvalid(r, "schedule");
        r = _rule();
        r.start = 7 days - 1;
        _expectInvalid(r, "start");
        r.start = r.end + 1;
        _expectInvalid(r, "start");
        r = _rule();
        r.end = uint40(block.timestamp - 1);
        r.start = r.end;
        _expectInvalid(r, "end");
        r = _rule();
        r.action = ActionKind.TOP_UP + 1;
        _expectInvalid(r, "action");
        r = _rule();
        r.amount = 0;
        _expectInvalid(r, "amount");
        r.action = ActionKind.TOP_UP;
        _expectInvalid(r, "amount");
        r = _rule();
        r.catchUp = true;
        r.action = ActionKind.SWEEP_ABOVE;
        _expectInvalid(r, "catchUp");
        r.action = ActionKind.TOP_UP;
        _expectInvalid(r, "catchUp");
        r = _rule();
        r.capPerPayment = 0;
        _expectInvalid(r, "capPerPayment");
        r.capPerPayment = r.capPerPeriod + 1;
        _expectInvalid(r, "capPerPayment");
        r = _rule();
        r.capPeriod = 0;
        _expectInvalid(r, "capPeriod");
    }

    function test_payees_that_are_not_whole_are_refused() public {
        Rule memory r = _rule();
        r.payees = new Payee[](0);
        _expectInvalid(r, "payees");
        r.payees = new Payee[](9);
        _expectInvalid(r, "payees");
        r.payees = _payees(_payee(bob.id, 9999));
        _expectInvalid(r, "share");
        r.payees = _payees(_payee(bob.id, 10_000), _payee(carol.id, 0));
        _expectInvalid(r, "share");
        r.payees = _payees(_payee(bob.id, 5000), _payee(carol.id, 5001));
        _expectInvalid(r, "share");
        r.payees = _payees(_payee(9999, 10_000));
        _expectInvalid(r, "payees");
        r.payees = _payees(Payee(carol.id, bob.wallet, 10_000));
        _expectInvalid(r, "payees");
        r.payees = _payees(Payee(0, address(this), 10_000));
        _expectInvalid(r, "payees");
        r.payees = _payees(Payee(alice.id, alice.wallet, 10_000));
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.PayeeIsPayer.selector, alice.wallet));
        rules.arm(r, _noApprovals());
        r.payees = _payees(_payee(bob.id, 5000), _payee(carol.id, 5000));
        r.action = ActionKind.TOP_UP;
        _expectInvalid(r, "payees");
    }

    function test_approvers_that_are_not_some_distinct_people_are_refused() public {
        Rule memory r = _rule();
        r.approvers = new address[](0);
        _expectInvalid(r, "approvers");
        r.approvers = new address[](17);
        _expectInvalid(r, "approvers");
        r = _rule();
        r.approvers[1] = address(0);
        _expectInvalid(r, "approvers");
        r.approvers[1] = r.approvers[0];
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.ApproverTwice.selector, r.approvers[0]));
        rules.arm(r, _noApprovals());
        r = _rule();
        r.threshold = 0;
        _expectInvalid(r, "threshold");
        r.threshold = 4;
        _expectInvalid(r, "threshold");
    }

    /// @dev Each bound itself is still good: 16 approvers who all must approve, from the first week of 1970 on, until now.
    function test_what_is_just_at_its_bound_is_armed() public {
        Rule memory r = _rule();
        (r.start, r.end) = (7 days, uint40(block.timestamp));
        r.capPerPayment = uint88(r.capPerPeriod);
        r.approvers = new address[](16);
        r.threshold = 16;
        Vm.Wallet[16] memory people;
        for (uint256 i; i < 16; ++i) {
            people[i] = _key(string.concat("person ", vm.toString(i)));
            r.approvers[i] = people[i].addr;
        }
        for (uint256 i; i < 16; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, i, 16));
            rules.arm(r, _noApprovals());
            vm.prank(people[i].addr);
            rules.approve(r);
        }
        rules.arm(r, _noApprovals());
        assertEq(rules.stateOf(rules.ruleId(r)).approvals, type(uint16).max);
        r.start = r.end;
        assertTrue(rules.preview(r).met);
    }

    function _expectInvalid(Rule memory r, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidRule.selector, field));
        rules.arm(r, _noApprovals());
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidRule.selector, field));
        vm.prank(approvers[0].addr);
        rules.approve(r);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidRule.selector, field));
        rules.preview(r);
    }

    // ---- arming ----

    function test_enough_signatures_arm() public {
        Rule memory r = _rule();
        RuleId id = rules.ruleId(r);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, 0, 2));
        rules.arm(r, _noApprovals());
        _refuseToArm(r, _approvals(r, 1), abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, 1, 2));
        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RuleArmed(id, alice.wallet, address(usd), "rent");
        rules.arm(r, _approvals(r, 2));
        assertEq(uint256(rules.stateOf(id).state), uint256(IPaymentRules.RuleState.ARMED));
        _refuseToArm(
            r,
            _approvals(r, 2),
            abi.encodeWithSelector(IPaymentRules.RuleInState.selector, id, IPaymentRules.RuleState.ARMED)
        );
    }

    function _refuseToArm(Rule memory r, IPaymentRules.ApproverSignature[] memory by, bytes memory problem) private {
        vm.expectRevert(problem);
        rules.arm(r, by);
    }

    function test_transactions_and_signatures_count_together_and_each_person_once() public {
        Rule memory r = _rule();
        RuleId id = rules.ruleId(r);
        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RuleApproved(id, 0, approvers[0].addr);
        vm.prank(approvers[0].addr);
        rules.approve(r);
        assertEq(rules.stateOf(id).approvals, 1);
        vm.prank(approvers[0].addr);
        rules.approve(r);
        _refuseToArm(r, _approvals(r, 1), abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, 1, 2)); // the same person again, by signature
        IPaymentRules.ApproverSignature[] memory third = new IPaymentRules.ApproverSignature[](1);
        third[0] = _approval(r, 2);
        rules.arm(r, third);
        assertEq(uint256(rules.stateOf(id).state), uint256(IPaymentRules.RuleState.ARMED));
    }

    function test_the_same_approver_twice_is_refused() public {
        Rule memory r = _rule();
        IPaymentRules.ApproverSignature[] memory both = _approvals(r, 2);
        both[1] = both[0];
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.ApproverTwice.selector, approvers[0].addr));
        rules.arm(r, both);
    }

    function test_an_approval_serves_until_its_deadline() public {
        Rule memory r = _rule();
        IPaymentRules.ApproverSignature[] memory both = _approvals(r, 2);
        uint40 deadline = both[0].deadline;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.ApprovalExpired.selector, deadline, deadline + 1));
        rules.arm(r, both);
        vm.warp(deadline);
        rules.arm(r, both);
    }

    function test_a_signature_of_somebody_else_or_for_something_else_is_refused() public {
        Rule memory r = _rule();
        IPaymentRules.ApproverSignature[] memory both = _approvals(r, 2);
        both[0].approver = bob.wallet;
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.NotApprover.selector, bob.wallet));
        rules.arm(r, both);
        both[0].approver = approvers[2].addr;
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidApproval.selector, approvers[2].addr));
        rules.arm(r, both);
        both = _approvals(r, 2);
        r.amount = 501;
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidApproval.selector, approvers[0].addr));
        rules.arm(r, both);
        both[0].signature = "";
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidApproval.selector, approvers[0].addr));
        rules.arm(r, both);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.NotApprover.selector, bob.wallet));
        vm.prank(bob.wallet);
        rules.approve(r);
    }

    // ---- stopping ----

    function test_a_pause_stops_at_once_and_voids_the_approvals_before_it() public {
        Rule memory r = _rule();
        _start(r);
        IPaymentRules.ApproverSignature[] memory before = _approvals(r, 2);
        RuleId id = rules.ruleId(r);
        vm.warp(JANUARY + NINE);
        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RulePaused(id, 1, alice.wallet);
        vm.prank(alice.wallet);
        rules.pause(r);
        _expectRefused(
            r, PERIOD, abi.encodeWithSelector(IPaymentRules.RuleInState.selector, id, IPaymentRules.RuleState.PAUSED)
        );
        before[0].deadline = before[1].deadline = uint40(block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.InvalidApproval.selector, approvers[0].addr));
        rules.arm(r, before);
        rules.arm(r, _approvals(r, 2));
        rules.execute(r, PERIOD);
        assertEq(usd.balanceOf(bob.wallet), 500);
    }

    function test_approvals_by_transaction_start_anew_after_a_pause() public {
        Rule memory r = _rule();
        for (uint256 i; i < 2; ++i) {
            vm.prank(approvers[i].addr);
            rules.approve(r);
        }
        rules.arm(r, _noApprovals());
        vm.prank(alice.wallet);
        rules.pause(r);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, 0, 2));
        rules.arm(r, _noApprovals());
    }

    function test_any_linked_wallet_of_the_payer_stops_and_nobody_else() public {
        Rule memory r = _rule();
        _start(r);
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        Vm.Wallet memory third = _link(alice, "alice, third wallet");
        _unlink(third.addr);
        address[4] memory others = [bob.wallet, third.addr, approvers[0].addr, address(this)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPaymentRules.NotRulePayer.selector, others[i], alice.wallet));
            vm.prank(others[i]);
            rules.pause(r);
            vm.expectRevert(abi.encodeWithSelector(IPaymentRules.NotRulePayer.selector, others[i], alice.wallet));
            vm.prank(others[i]);
            rules.cancel(r);
        }
        vm.prank(second.addr);
        rules.pause(r);
    }

    function test_a_cancelled_rule_never_comes_back() public {
        Rule memory r = _rule();
        _start(r);
        RuleId id = rules.ruleId(r);
        bytes memory over =
            abi.encodeWithSelector(IPaymentRules.RuleInState.selector, id, IPaymentRules.RuleState.CANCELLED);
        vm.expectEmit(true, true, true, true, address(rules));
        emit IPaymentRules.RuleCancelled(id, alice.wallet);
        vm.prank(alice.wallet);
        rules.cancel(r);
        _refuseToArm(r, _approvals(r, 2), over);
        vm.expectRevert(over);
        vm.prank(approvers[0].addr);
        rules.approve(r);
        vm.expectRevert(over);
        vm.prank(alice.wallet);
        rules.cancel(r);
        vm.expectRevert(over);
        vm.prank(alice.wallet);
        rules.pause(r);
        vm.warp(JANUARY + NINE);
        _expectRefused(r, PERIOD, over);
    }

    function test_a_rule_is_cancelled_before_it_is_armed() public {
        Rule memory r = _rule();
        RuleId id = rules.ruleId(r);
        vm.expectRevert(abi.encodeWithSelector(IPaymentRules.RuleInState.selector, id, IPaymentRules.RuleState.NONE));
        vm.prank(alice.wallet);
        rules.pause(r);
        vm.prank(alice.wallet);
        rules.cancel(r);
        _refuseToArm(
            r,
            _approvals(r, 2),
            abi.encodeWithSelector(IPaymentRules.RuleInState.selector, id, IPaymentRules.RuleState.CANCELLED)
        );
    }

    function test_it_keeps_to_its_registry_and_says_its_version() public view {
        assertEq(rules.registry(), address(registry));
        assertEq(rules.version(), "1.0.0");
    }
}
