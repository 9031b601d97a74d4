// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PaymentRules} from "../../../contracts/PaymentRules.sol";
import {IPaymentRules} from "../../../contracts/interfaces/IPaymentRules.sol";
import {ActionKind} from "../../../contracts/libraries/ActionKind.sol";
import {Recurrence} from "../../../contracts/libraries/Calendar.sol";
import {Every} from "../../../contracts/libraries/Every.sol";
import {RuleId} from "../../../contracts/libraries/Ids.sol";
import {NodeKind} from "../../../contracts/libraries/NodeKind.sol";
import {Node, Payee, Rule} from "../../../contracts/libraries/RuleTerms.sol";
import {TokenBase} from "./TokenBase.sol";
import {Vm} from "./Vm.sol";

/// @notice Payment rules as a notary of both tokens; Alice with money, who pays Bob 500 a month, on the 1st at 09:00 UTC,
/// from January 2028 on; two of three named people arm.
abstract contract RulesBase is TokenBase {
    uint256 internal constant MONEY = 1_000_000;
    uint40 internal constant JANUARY = 1_830_297_600; // 2028-01-01T00:00:00Z, a Saturday of a leap year
    uint32 internal constant NINE = 9 hours;
    uint256 internal constant PERIOD = 696; // January 2028, in months from 1970

    PaymentRules internal rules;
    Party internal alice;
    Party internal bob;
    Party internal carol;
    Vm.Wallet[3] internal approvers;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(JANUARY - 30 days);
        rules = new PaymentRules(address(registry));
        vm.label(address(rules), "PaymentRules");
        _registerNotary(usd, address(rules));
        _registerNotary(eur, address(rules));
        alice = _longClient("alice", MONEY);
        bob = _longClient("bob", 0);
        carol = _longClient("carol", 0);
        for (uint256 i; i < 3; ++i) {
            approvers[i] = _key(string.concat("approver ", vm.toString(i)));
        }
        vm.warp(JANUARY);
    }

    /// @dev Of many years, so that calendars can run.
    function _longClient(string memory name, uint256 amount) internal returns (Party memory party) {
        party = _client(name);
        vm.prank(onboarder);
        registry.renewKyc(party.id, JANUARY + 200 * 366 days, "");
        if (amount != 0) _deposit(usd, party.wallet, amount);
    }

    // ---- terms ----

    function _rule() internal view returns (Rule memory r) {
        (r.payer, r.token, r.ruleReference) = (alice.wallet, address(usd), "rent");
        (r.action, r.amount) = (ActionKind.PAY, 500);
        r.payees = _payees(_payee(bob.id, 10_000));
        r.schedule = Recurrence({every: Every.MONTH, month: 0, day: 1, second: NINE, length: 0});
        (r.start, r.end) = (JANUARY, JANUARY + 366 days * 10);
        (r.capPerPayment, r.capPerPeriod, r.capPeriod) = (1000, 5000, 31 days);
        r.approvers = new address[](3);
        for (uint256 i; i < 3; ++i) {
            r.approvers[i] = approvers[i].addr;
        }
        r.threshold = 2;
        r.trigger = new Node[](0);
    }

    function _payee(uint32 participant, uint16 share) internal pure returns (Payee memory) {
        return Payee(participant, address(0), share);
    }

    function _payees(Payee memory a) internal pure returns (Payee[] memory list) {
        list = new Payee[](1);
        list[0] = a;
    }

    function _payees(Payee memory a, Payee memory b) internal pure returns (Payee[] memory list) {
        list = new Payee[](2);
        (list[0], list[1]) = (a, b);
    }

    function _time(uint256 second) internal pure returns (Node memory) {
        return Node(NodeKind.TIME, address(0), 0, second);
    }

    function _gate(uint8 kind) internal pure returns (Node memory) {
        return Node(kind, address(0), 0, 0);
    }

    function _balance(uint8 kind, address wallet, uint256 amount) internal view returns (Node memory) {
        return Node(kind, address(usd), bytes32(uint256(uint160(wallet))), amount);
    }

    function _nodes(Node memory a) internal pure returns (Node[] memory list) {
        list = new Node[](1);
        list[0] = a;
    }

    function _nodes(Node memory a, Node memory b) internal pure returns (Node[] memory list) {
        list = new Node[](2);
        (list[0], list[1]) = (a, b);
    }

    function _nodes(Node memory a, Node memory b, Node memory c) internal pure returns (Node[] memory list) {
        list = new Node[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    // ---- acts ----

    /// @dev The payer's mandate, and the approval of the first two.
    function _start(Rule memory r) internal {
        vm.startPrank(r.payer);
        usd.registerMandate(rules.mandateOf(r));
        vm.stopPrank();
        rules.arm(r, _approvals(r, 2));
    }

    function _approvals(Rule memory r, uint256 count)
        internal
        view
        returns (IPaymentRules.ApproverSignature[] memory a)
    {
        a = new IPaymentRules.ApproverSignature[](count);
        for (uint256 i; i < count; ++i) {
            a[i] = _approval(r, i);
        }
    }

    function _approval(Rule memory r, uint256 who) internal view returns (IPaymentRules.ApproverSignature memory a) {
        RuleId id = rules.ruleId(r);
        (a.approver, a.deadline) = (approvers[who].addr, uint40(block.timestamp));
        a.signature = _signApproval(approvers[who].privateKey, id, rules.stateOf(id).round, a.deadline);
    }

    /// @dev Hashed here, independently of the contract.
    function _approvalDigest(RuleId id, uint32 round, uint40 deadline) internal view returns (bytes32) {
        bytes32 typehash = keccak256("RuleApproval(bytes32 ruleId,uint32 round,uint40 deadline)");
        bytes32 structHash = keccak256(abi.encode(typehash, id, round, deadline));
        return _digest(_domain("pyjpm PaymentRules", address(rules)), structHash);
    }

    function _signApproval(uint256 key, RuleId id, uint32 round, uint40 deadline) internal view returns (bytes memory) {
        return _sign(key, _approvalDigest(id, round, deadline));
    }

    function _noApprovals() internal pure returns (IPaymentRules.ApproverSignature[] memory) {
        return new IPaymentRules.ApproverSignature[](0);
    }

    /// @dev Whatever the preview says, execution does; returns whether it paid.
    function _executeAsForetold(Rule memory r, uint256 period) internal returns (bool done) {
        IPaymentRules.Preview memory p = rules.previewPeriod(r, period);
        uint256[] memory before = new uint256[](p.moves.length);
        for (uint256 i; i < before.length; ++i) {
            before[i] = usd.balanceOf(p.moves[i].to);
        }
        bytes memory problem;
        (done, problem) = address(rules).call(abi.encodeCall(rules.execute, (r, period)));
        assertEq(done, p.problem.length == 0, "preview: whether");
        if (!done) {
            assertEq(problem, p.problem);
            return false;
        }
        for (uint256 i; i < before.length; ++i) {
            assertEq(usd.balanceOf(p.moves[i].to), before[i] + p.moves[i].amount, "preview: how much");
            assertTrue(usd.paid(alice.id, p.moves[i].ref), "preview: for what");
        }
    }

    function _expectRefused(Rule memory r, uint256 period, bytes memory problem) internal {
        IPaymentRules.Preview memory p = rules.previewPeriod(r, period);
        assertEq(p.problem, problem);
        vm.expectRevert(problem);
        rules.execute(r, period);
    }
}
