// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDepositToken} from "../interfaces/IDepositToken.sol";
import {IOrderBook} from "../interfaces/IOrderBook.sol";
import {IOrderEscrow} from "../interfaces/IOrderEscrow.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IPaymentRules} from "../interfaces/IPaymentRules.sol";
import {Calendar, Recurrence} from "./Calendar.sol";
import {Every} from "./Every.sol";
import {OrderId} from "./Ids.sol";
import {NodeKind} from "./NodeKind.sol";
import {Node} from "./RuleTerms.sol";

/// @notice Trigger trees: whether one is well formed, and what it says now.
/// @dev A tree is read once, from left to right, with a stack of answers that has room in one word: its length bounds both
/// gas and depth.
library Triggers {
    using Calendar for Recurrence;

    uint256 internal constant MOST = 16;

    // ------------------------------------------------------------------------------------------------ form

    /// @notice Reverts unless the nodes are one tree, each of a known kind, about registered contracts, with nothing beside.
    function validate(Node[] calldata nodes, address registry, address token) internal view {
        if (nodes.length > MOST) revert IPaymentRules.TriggerTooLarge(nodes.length, MOST);
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 open;
        for (uint256 i; i < nodes.length; ++i) {
            uint256 takes = _validate(nodes[i], i, registry, token);
            if (open < takes) revert IPaymentRules.InvalidTrigger(i, "children");
            open = open - takes + 1;
        }
        if (open > 1) revert IPaymentRules.InvalidTrigger(nodes.length - 1, "root");
        evaluate(nodes, registry);
    }

    /// @return takes how many children it has.
    function _validate(Node calldata n, uint256 i, address registry, address token)
        private
        view
        returns (uint256 takes)
    {
        uint8 kind = n.kind;
        if (kind > NodeKind.ATTESTED) revert IPaymentRules.InvalidTrigger(i, "kind");
        if (kind <= NodeKind.CALENDAR && (n.source != address(0) || n.key != 0)) {
            revert IPaymentRules.InvalidTrigger(i, "unused");
        }
        if (kind <= NodeKind.NOT) {
            if (n.value != 0) revert IPaymentRules.InvalidTrigger(i, "unused");
            return kind == NodeKind.NOT ? 1 : 2;
        }
        if (!_isValue(kind, n.value)) revert IPaymentRules.InvalidTrigger(i, "value");
        if (kind <= NodeKind.CALENDAR) return 0;
        if (kind <= NodeKind.AVAILABLE_AT_MOST) {
            if (n.key == 0 || uint256(n.key) > type(uint160).max) revert IPaymentRules.InvalidTrigger(i, "key");
            if (!IParticipantRegistry(registry).isDepositToken(n.source)) {
                revert IPaymentRules.InvalidTrigger(i, "source");
            }
        } else {
            if (n.key == 0) revert IPaymentRules.InvalidTrigger(i, "key");
            bool known = IDepositToken(token).notaryStatus(n.source) != IDepositToken.NotaryStatus.NONE;
            if (!known || n.source == token) revert IPaymentRules.InvalidTrigger(i, "source");
        }
    }

    function _isValue(uint8 kind, uint256 value) private pure returns (bool) {
        if (kind == NodeKind.TIME) return value <= type(uint40).max;
        if (kind == NodeKind.CALENDAR) {
            Recurrence memory r = recurrence(value);
            return value >> 56 == 0 && r.every != Every.INTERVAL && r.isValid();
        }
        if (kind <= NodeKind.AVAILABLE_AT_MOST) return value <= type(uint88).max;
        if (kind == NodeKind.MILESTONE) {
            uint256 states = value >> 8;
            return states != 0 && states >> (uint8(type(IOrderBook.State).max) + 1) == 0;
        }
        return uint8(value >> 8) != 0 && value >> 16 != 0 && value >> 64 == 0;
    }

    /// @notice The recurrence in a CALENDAR node's value: every | month << 8 | day << 16 | second << 24.
    function recurrence(uint256 value) internal pure returns (Recurrence memory) {
        return Recurrence(uint8(value), uint8(value >> 8), uint8(value >> 16), uint32(value >> 24), 0);
    }

    // ------------------------------------------------------------------------------------------------ answers

    /// @notice Of a tree that was validated.
    /// @return met what the root says; true without one.
    /// @return answers bit i: what node i says.
    function evaluate(Node[] calldata nodes, address registry) internal view returns (bool met, uint256 answers) {
        uint256 stack = 1; // the answer of the last subtree in the lowest bit; that of no tree at all
        for (uint256 i; i < nodes.length; ++i) {
            uint8 kind = nodes[i].kind;
            uint256 answer;
            if (kind == NodeKind.NOT) {
                answer = ~stack & 1;
                stack >>= 1;
            } else if (kind <= NodeKind.OR) {
                answer = (kind == NodeKind.AND ? stack & stack >> 1 : stack | stack >> 1) & 1;
                stack >>= 2;
            } else {
                answer = _holds(nodes[i], i, registry) ? 1 : 0;
            }
            stack = stack << 1 | answer;
            answers |= answer << i;
        }
        met = stack & 1 == 1;
    }

    function _holds(Node calldata n, uint256 i, address registry) private view returns (bool) {
        uint8 kind = n.kind;
        if (kind == NodeKind.TIME) return block.timestamp >= n.value;
        if (kind == NodeKind.CALENDAR) return _isDay(recurrence(n.value));
        if (kind <= NodeKind.AVAILABLE_AT_MOST) {
            address wallet = IParticipantRegistry(registry).resolve(address(uint160(uint256(n.key))));
            if (kind == NodeKind.BALANCE_AT_LEAST) return IERC20(n.source).balanceOf(wallet) >= n.value;
            if (kind == NodeKind.BALANCE_AT_MOST) return IERC20(n.source).balanceOf(wallet) <= n.value;
            uint256 available = IDepositToken(n.source).available(wallet);
            return kind == NodeKind.AVAILABLE_AT_LEAST ? available >= n.value : available <= n.value;
        }
        return kind == NodeKind.MILESTONE ? _isIn(n, i) : _isAttested(n, i);
    }

    function _isDay(Recurrence memory r) private view returns (bool) {
        uint256 due = r.dueAt(0, r.periodAt(0, block.timestamp));
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        return due <= block.timestamp && due / 1 days == block.timestamp / 1 days;
    }

    /// @dev A notary that is no escrow has no answer.
    function _isIn(Node calldata n, uint256 i) private view returns (bool) {
        try IOrderEscrow(n.source).stateOf(OrderId.wrap(n.key), uint8(n.value)) returns (IOrderBook.State state) {
            return n.value >> 8 & 1 << uint8(state) != 0;
        } catch {
            revert IPaymentRules.InvalidTrigger(i, "source");
        }
    }

    function _isAttested(Node calldata n, uint256 i) private view returns (bool) {
        try IOrderEscrow(n.source).milestoneOf(OrderId.wrap(n.key), uint8(n.value)) returns (
            IOrderBook.MilestoneView memory milestone
        ) {
            return milestone.lastStatus == uint8(n.value >> 8) && milestone.lastSeq >= n.value >> 16;
        } catch {
            revert IPaymentRules.InvalidTrigger(i, "source");
        }
    }
}

// slither-disable-end timestamp
