// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {Node, Payee, Rule} from "../../contracts/libraries/RuleTerms.sol";
import {BadInputTable} from "./base/BadInputTable.sol";
import {RulesBase} from "./base/RulesBase.sol";

/// @notice PaymentRules, function by function. Terms that make no sense, field by field: RulesArm.t.sol and
/// RulesTriggers.t.sol.
contract BadInputRules is RulesBase, BadInputTable {
    uint256 private constant MAX = type(uint256).max;
    address private constant NOBODY = address(0);
    address private constant STRANGER = address(0xBAD);

    function setUp() public override {
        super.setUp();
        subject = address(rules);
    }

    // ---- rules that are none ----

    /// @dev By every function that looks at terms for the first time.
    function _refusesRules(function(Rule memory) view returns (bytes memory) call_) private {
        Rule memory r = _rule();
        address[3] memory none = [NOBODY, address(0xC0DE), address(registry)];
        for (uint256 i; i < 3; ++i) {
            r.token = none[i];
            _refusesRule(call_, r, "token");
        }
        r = _rule();
        r.payer = NOBODY;
        _refusesRule(call_, r, "payer");
        r = _rule();
        r.payees = new Payee[](0);
        _refusesRule(call_, r, "payees");
        r.payees = new Payee[](9);
        _refusesRule(call_, r, "payees");
        r.payees = _payees(_payee(0, 10_000));
        _refusesRule(call_, r, "payees");
        r = _rule();
        r.amount = 0;
        _refusesRule(call_, r, "amount");
        r = _rule();
        r.capPerPayment = type(uint88).max;
        _refusesRule(call_, r, "capPerPayment");
        r = _rule();
        r.approvers = new address[](0);
        _refusesRule(call_, r, "approvers");
        r.approvers = new address[](17);
        _refusesRule(call_, r, "approvers");
        r = _rule();
        r.approvers[1] = r.approvers[0];
        _refuses(STRANGER, call_(r), abi.encodeWithSelector(IPaymentRules.ApproverTwice.selector, r.approvers[0]));
        r = _rule();
        r.trigger = new Node[](17);
        _refuses(STRANGER, call_(r), abi.encodeWithSelector(IPaymentRules.TriggerTooLarge.selector, 17, 16));
        r = _rule();
        (r.start, r.end) = (type(uint40).max, 0);
        _refusesRule(call_, r, "start");
    }

    function _refusesRule(function(Rule memory) view returns (bytes memory) call_, Rule memory r, string memory field)
        private
    {
        _refuses(STRANGER, call_(r), abi.encodeWithSelector(IPaymentRules.InvalidRule.selector, field));
    }

    function _approving(Rule memory r) private view returns (bytes memory) {
        return abi.encodeCall(rules.approve, (r));
    }

    function _arming(Rule memory r) private view returns (bytes memory) {
        return abi.encodeCall(rules.arm, (r, _noApprovals()));
    }

    function _previewing(Rule memory r) private view returns (bytes memory) {
        return abi.encodeCall(rules.preview, (r));
    }

    function _previewingPeriod(Rule memory r) private view returns (bytes memory) {
        return abi.encodeCall(rules.previewPeriod, (r, MAX));
    }

    // ---- arming and stopping ----

    function test_approve() external {
        _refusesRules(_approving);
        _refuses(STRANGER, _approving(_rule()), abi.encodeWithSelector(IPaymentRules.NotApprover.selector, STRANGER));
    }

    function test_arm() external {
        _refusesRules(_arming);
        Rule memory r = _rule();
        _refuses(STRANGER, _arming(r), abi.encodeWithSelector(IPaymentRules.TooFewApprovals.selector, 0, 2));
        IPaymentRules.ApproverSignature[] memory list = _approvals(r, 2);
        list[1] = list[0];
        _refusesArming(r, list, abi.encodeWithSelector(IPaymentRules.ApproverTwice.selector, approvers[0].addr));
        list[1] = _approval(r, 1);
        bytes[5] memory forged = _forgeries(list[0].signature, list[1].signature);
        for (uint256 i; i < 5; ++i) {
            list[0].signature = forged[i];
            _refusesArming(r, list, abi.encodeWithSelector(IPaymentRules.InvalidApproval.selector, approvers[0].addr));
        }
        list[0].deadline = uint40(block.timestamp) - 1;
        _refusesArming(
            r, list, abi.encodeWithSelector(IPaymentRules.ApprovalExpired.selector, list[0].deadline, block.timestamp)
        );
        list[0].deadline = type(uint40).max;
        _refusesArming(
            r,
            list,
            abi.encodeWithSelector(
                IPaymentRules.SignatureDeadlineTooFar.selector, list[0].deadline, block.timestamp + 1096 days
            )
        );
        (list[0].deadline, list[0].approver) = (uint40(block.timestamp), NOBODY);
        _refusesArming(r, list, abi.encodeWithSelector(IPaymentRules.NotApprover.selector, NOBODY));
    }

    function _refusesArming(Rule memory r, IPaymentRules.ApproverSignature[] memory list, bytes memory refusal)
        private
    {
        _refuses(STRANGER, abi.encodeCall(rules.arm, (r, list)), refusal);
    }

    function test_pause() external {
        Rule memory r = _rule();
        _refuses(
            alice.wallet,
            abi.encodeCall(rules.pause, (r)),
            abi.encodeWithSelector(IPaymentRules.RuleInState.selector, rules.ruleId(r), IPaymentRules.RuleState.NONE)
        );
        _refusesStrangers(rules.pause.selector);
    }

    function test_cancel() external {
        _refusesStrangers(rules.cancel.selector);
    }

    /// @dev A wallet of nobody is not the payer where the payer is nobody.
    function _refusesStrangers(bytes4 selector) private {
        Rule memory r = _rule();
        address[2] memory payers = [alice.wallet, NOBODY];
        for (uint256 i; i < 2; ++i) {
            r.payer = payers[i];
            _refuses(
                STRANGER,
                abi.encodeWithSelector(selector, r),
                abi.encodeWithSelector(IPaymentRules.NotRulePayer.selector, STRANGER, payers[i])
            );
        }
    }

    // ---- paying ----

    function test_execute() external {
        Rule memory r = _rule();
        _refuses(
            STRANGER,
            abi.encodeCall(rules.execute, (r, PERIOD)),
            abi.encodeWithSelector(IPaymentRules.RuleInState.selector, rules.ruleId(r), IPaymentRules.RuleState.NONE)
        );
        _start(r);
        _refuses(
            STRANGER,
            abi.encodeCall(rules.execute, (r, 0)),
            abi.encodeWithSelector(IPaymentRules.PeriodOver.selector, 0, PERIOD)
        );
        uint256[3] memory later = [PERIOD + 1, type(uint40).max, MAX];
        for (uint256 i; i < 3; ++i) {
            _refuses(
                STRANGER,
                abi.encodeCall(rules.execute, (r, later[i])),
                abi.encodeWithSelector(IPaymentRules.PeriodNotNext.selector, later[i], PERIOD)
            );
        }
        assertEq(usd.balanceOf(bob.wallet), 0);
    }

    function test_preview() external {
        _refusesRules(_previewing);
    }

    function test_previewPeriod() external {
        _refusesRules(_previewingPeriod);
        Rule memory r = _rule();
        _start(r);
        uint256[2] memory far = [uint256(type(uint40).max) + 1, MAX];
        for (uint256 i; i < 2; ++i) {
            IPaymentRules.Preview memory p = rules.previewPeriod(r, far[i]);
            assertEq(p.dueAt, 0);
            assertEq(p.moves.length, 0);
            assertEq(p.problem, abi.encodeWithSelector(IPaymentRules.PeriodNotNext.selector, far[i], PERIOD));
        }
    }

    function test_simulate() external {
        _refuses(
            alice.wallet,
            abi.encodeCall(rules.simulate, (_rule(), PERIOD)),
            abi.encodeWithSelector(IPaymentRules.OnlyItself.selector, alice.wallet)
        );
    }
}
