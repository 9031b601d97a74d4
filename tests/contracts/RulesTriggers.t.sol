// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IOrderBook} from "../../contracts/interfaces/IOrderBook.sol";
import {IPaymentRules} from "../../contracts/interfaces/IPaymentRules.sol";
import {Every} from "../../contracts/libraries/Every.sol";
import {OrderId} from "../../contracts/libraries/Ids.sol";
import {NodeKind} from "../../contracts/libraries/NodeKind.sol";
import {Terms} from "../../contracts/libraries/OrderTerms.sol";
import {Node, Rule} from "../../contracts/libraries/RuleTerms.sol";
import {OrderBase} from "./base/OrderBase.sol";
import {RulesBase} from "./base/RulesBase.sol";
import {Vm} from "./base/Vm.sol";

/// @notice What each node of a trigger says, how they combine, and which trees are none.
contract RulesTriggers is RulesBase, OrderBase {
    function setUp() public override(RulesBase, OrderBase) {
        super.setUp();
        vm.warp(JANUARY);
    }

    // ---- form ----

    function test_trees_up_to_their_size_are_armed() public {
        Rule memory r = _rule();
        r.trigger = _nots(16);
        rules.arm(r, _approvals(r, 2));
        assertFalse(rules.preview(r).met, "fifteen times not");
        r.trigger = _nots(17);
        _expectProblem(r, abi.encodeWithSelector(IPaymentRules.TriggerTooLarge.selector, 17, 16));
        r.trigger = new Node[](0);
        assertTrue(rules.preview(r).met);
    }

    /// @dev 8 leaves side by side: the deepest stack that 15 nodes make.
    function test_a_wide_tree_is_read_right() public {
        Rule memory r = _rule();
        r.trigger = new Node[](15);
        for (uint256 falseOne; falseOne <= 8; ++falseOne) {
            for (uint256 i; i < 8; ++i) {
                r.trigger[i] = _time(i == falseOne ? block.timestamp + 1 : block.timestamp);
            }
            for (uint256 i = 8; i < 15; ++i) {
                r.trigger[i] = _gate(NodeKind.AND);
            }
            assertEq(rules.preview(r).met, falseOne == 8);
            for (uint256 i = 8; i < 15; ++i) {
                r.trigger[i] = _gate(NodeKind.OR);
            }
            assertTrue(rules.preview(r).met);
        }
    }

    function test_what_is_no_tree_is_refused() public {
        _expectInvalid(_nodes(_gate(NodeKind.NOT)), 0, "children");
        _expectInvalid(_nodes(_gate(NodeKind.AND)), 0, "children");
        _expectInvalid(_nodes(_time(1), _gate(NodeKind.AND)), 1, "children");
        _expectInvalid(_nodes(_time(1), _gate(NodeKind.OR)), 1, "children");
        _expectInvalid(_nodes(_time(1), _time(2)), 1, "root");
        _expectInvalid(_nodes(_time(1), _time(2), _gate(NodeKind.NOT)), 2, "root");
        _expectInvalid(_nodes(_gate(NodeKind.ATTESTED + 1)), 0, "kind");
    }

    function test_nodes_with_values_out_of_their_kind_are_refused() public {
        Node memory n = _gate(NodeKind.TIME);
        n.value = uint256(type(uint40).max) + 1;
        _expectInvalid(_nodes(n), 0, "value");
        (n.value, n.key) = (1, "key");
        _expectInvalid(_nodes(n), 0, "unused");
        (n.key, n.source) = (0, address(usd));
        _expectInvalid(_nodes(n), 0, "unused");
        n = _gate(NodeKind.NOT);
        n.value = 1;
        _expectInvalid(_nodes(_time(1), n), 1, "unused");
        uint256[4] memory calendars = [
            _packed(Every.INTERVAL, 0, 0, 0),
            _packed(Every.MONTH, 0, 32, 0),
            _packed(Every.DAY, 0, 0, 86_400),
            _packed(Every.DAY, 0, 0, 0) | 1 << 56
        ];
        for (uint256 i; i < 4; ++i) {
            _expectInvalid(_nodes(Node(NodeKind.CALENDAR, address(0), 0, calendars[i])), 0, "value");
        }
        n = _balance(NodeKind.BALANCE_AT_LEAST, bob.wallet, 1);
        n.source = address(escrow);
        _expectInvalid(_nodes(n), 0, "source");
        n = _balance(NodeKind.AVAILABLE_AT_MOST, address(0), 1);
        _expectInvalid(_nodes(n), 0, "key");
        n.key = bytes32(uint256(1) << 160);
        _expectInvalid(_nodes(n), 0, "key");
        _expectInvalid(
            _nodes(_balance(NodeKind.BALANCE_AT_MOST, bob.wallet, uint256(type(uint88).max) + 1)), 0, "value"
        );
    }

    function test_nodes_about_orders_need_an_escrow() public {
        Node memory n = Node(NodeKind.MILESTONE, address(escrow), "order", 1 << 8);
        n.value = 0;
        _expectInvalid(_nodes(n), 0, "value");
        n.value = 1 << 18;
        _expectInvalid(_nodes(n), 0, "value");
        (n.value, n.key) = (1 << 8, 0);
        _expectInvalid(_nodes(n), 0, "key");
        n.key = "order";
        address[4] memory none = [address(this), address(0), address(usd), address(attesterSets)];
        for (uint256 i; i < none.length; ++i) {
            n.source = none[i];
            _expectInvalid(_nodes(n), 0, "source");
        }
        n.source = address(rules); // a notary, but no escrow
        _expectInvalid(_nodes(n), 0, "source");
        n = Node(NodeKind.ATTESTED, address(rules), "order", 5 << 8 | 1 << 16);
        _expectInvalid(_nodes(n), 0, "source");
        uint256[3] memory values = [uint256(1 << 16), 5 << 8, 5 << 8 | 1 << 64];
        for (uint256 i; i < 3; ++i) {
            _expectInvalid(_nodes(Node(NodeKind.ATTESTED, address(escrow), "order", values[i])), 0, "value");
        }
    }

    function _nots(uint256 count) private pure returns (Node[] memory nodes) {
        nodes = new Node[](count);
        nodes[0] = _time(1);
        for (uint256 i = 1; i < count; ++i) {
            nodes[i] = _gate(NodeKind.NOT);
        }
    }

    function _expectInvalid(Node[] memory nodes, uint256 node, string memory problem) private {
        Rule memory r = _rule();
        r.trigger = nodes;
        _expectProblem(r, abi.encodeWithSelector(IPaymentRules.InvalidTrigger.selector, node, problem));
    }

    function _expectProblem(Rule memory r, bytes memory problem) private {
        vm.expectRevert(problem);
        rules.arm(r, _noApprovals());
    }

    // ---- answers ----

    function _holds(Node memory n) private returns (bool) {
        Rule memory r = _rule();
        r.trigger = _nodes(n);
        return rules.preview(r).met;
    }

    function test_and_or_not() public {
        Rule memory r = _rule();
        for (uint256 i; i < 4; ++i) {
            Node memory a = _time(i & 1 == 1 ? 1 : block.timestamp + 1);
            Node memory b = _time(i & 2 == 2 ? 1 : block.timestamp + 1);
            r.trigger = _nodes(a, b, _gate(NodeKind.AND));
            assertEq(rules.preview(r).met, i == 3);
            r.trigger = _nodes(a, b, _gate(NodeKind.OR));
            assertEq(rules.preview(r).met, i != 0);
            r.trigger = _nodes(a, _gate(NodeKind.NOT));
            IPaymentRules.Preview memory p = rules.preview(r);
            assertEq(p.met, i & 1 == 0);
            assertEq(p.nodes[0], i & 1 == 1);
            assertEq(p.nodes[1], i & 1 == 0);
        }
    }

    function test_a_time_is_true_from_its_second_on() public {
        assertTrue(_holds(_time(block.timestamp)));
        assertFalse(_holds(_time(block.timestamp + 1)));
    }

    function test_a_calendar_is_true_from_its_second_to_midnight() public {
        Node memory n = Node(NodeKind.CALENDAR, address(0), 0, _packed(Every.MONTH, 0, 31, 3600));
        uint256 leapDay = JANUARY + 31 days + 28 days;
        uint256[4] memory times = [leapDay + 3599, leapDay + 3600, leapDay + 1 days - 1, leapDay + 1 days];
        for (uint256 i; i < 4; ++i) {
            vm.warp(times[i]);
            assertEq(_holds(n), i == 1 || i == 2);
        }
    }

    function _packed(uint8 every, uint256 month, uint256 day, uint256 second) private pure returns (uint256) {
        return every | month << 8 | day << 16 | second << 24;
    }

    function test_balances_are_compared_to_the_cent() public {
        _freezeAmount(usd, alice.wallet, 400_000);
        address wallet = alice.wallet;
        assertTrue(_holds(_balance(NodeKind.BALANCE_AT_LEAST, wallet, MONEY)));
        assertFalse(_holds(_balance(NodeKind.BALANCE_AT_LEAST, wallet, MONEY + 1)));
        assertTrue(_holds(_balance(NodeKind.BALANCE_AT_MOST, wallet, MONEY)));
        assertFalse(_holds(_balance(NodeKind.BALANCE_AT_MOST, wallet, MONEY - 1)));
        assertTrue(_holds(_balance(NodeKind.AVAILABLE_AT_LEAST, wallet, MONEY - 400_000)));
        assertFalse(_holds(_balance(NodeKind.AVAILABLE_AT_LEAST, wallet, MONEY - 399_999)));
        assertTrue(_holds(_balance(NodeKind.AVAILABLE_AT_MOST, wallet, MONEY - 400_000)));
        assertFalse(_holds(_balance(NodeKind.AVAILABLE_AT_MOST, wallet, MONEY - 400_001)));
    }

    function test_a_lost_wallet_stands_for_its_successor() public {
        Vm.Wallet memory second = _link(alice, "alice, second wallet");
        _recover(alice.wallet, second.addr);
        assertTrue(_holds(_balance(NodeKind.BALANCE_AT_LEAST, alice.wallet, MONEY)));
    }

    function test_a_milestone_is_in_one_of_the_named_states() public {
        Terms memory t = _prefund();
        bytes32 id = OrderId.unwrap(escrow.orderId(t));
        uint256 open = uint256(1) << (8 + uint8(IOrderBook.State.Open));
        uint256 funded = uint256(1) << (8 + uint8(IOrderBook.State.Funded));
        assertFalse(_holds(Node(NodeKind.MILESTONE, address(escrow), id, open | funded)));
        _funded(t);
        assertFalse(_holds(Node(NodeKind.MILESTONE, address(escrow), id, open)));
        assertTrue(_holds(Node(NodeKind.MILESTONE, address(escrow), id, funded)));
        assertTrue(_holds(Node(NodeKind.MILESTONE, address(escrow), id, open | funded)));
        assertFalse(_holds(Node(NodeKind.MILESTONE, address(escrow), id, funded | 1)), "no such milestone");
    }

    function test_an_attestation_is_present() public {
        Terms memory t = _funded(_prefund());
        bytes32 id = OrderId.unwrap(escrow.orderId(t));
        Node memory n = Node(NodeKind.ATTESTED, address(escrow), id, uint256(SHIPPED) << 8 | 3 << 16);
        assertFalse(_holds(n));
        _attest(t, 2, SHIPPED);
        assertFalse(_holds(n), "an older revision");
        n.value = uint256(SHIPPED) << 8 | 2 << 16;
        assertTrue(_holds(n));
        n.value = uint256(DAMAGED) << 8 | 2 << 16;
        assertFalse(_holds(n), "another status");
    }

    // ---- on execution ----

    function test_a_false_trigger_pays_nothing_and_the_period_stays_due() public {
        Rule memory r = _rule();
        r.trigger =
            _nodes(_time(JANUARY + 20 days), _balance(NodeKind.BALANCE_AT_LEAST, alice.wallet, 1), _gate(NodeKind.AND));
        _start(r);
        vm.warp(JANUARY + 10 days);
        _expectRefused(r, PERIOD, abi.encodeWithSelector(IPaymentRules.TriggerNotMet.selector, rules.ruleId(r), 2));
        Rule[] memory one = new Rule[](1);
        one[0] = r;
        assertFalse(rules.due(one)[0].due);
        vm.warp(JANUARY + 20 days);
        assertTrue(rules.due(one)[0].due);
        assertTrue(_executeAsForetold(r, PERIOD));
    }
}
