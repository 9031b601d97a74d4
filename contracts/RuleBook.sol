// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start assembly (short and memory-safe: what the compiler does at length)
// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IMandates} from "./interfaces/IMandates.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IPaymentRules} from "./interfaces/IPaymentRules.sol";
import {ActionKind} from "./libraries/ActionKind.sol";
import {Calendar, Recurrence} from "./libraries/Calendar.sol";
import {RuleId} from "./libraries/Ids.sol";
import {RuleChecks} from "./libraries/RuleChecks.sol";
import {Payee, Rule, RuleTerms} from "./libraries/RuleTerms.sol";
import {Triggers} from "./libraries/Triggers.sol";

/// @title RuleBook
/// @notice What is kept of rules, and what follows from their terms now: the period, the amounts, the payees. How they are
/// armed and paid: PaymentRules.
abstract contract RuleBook is IPaymentRules, EIP712 {
    using Calendar for Recurrence;
    using RuleTerms for Rule;
    using RuleTerms for RuleId;

    /// @inheritdoc IPaymentRules
    address public immutable registry;

    mapping(RuleId => RuleView) internal _rules;

    constructor(address registry_) EIP712("pyjpm PaymentRules", "1") {
        registry = registry_;
    }

    // ---- when --------------------------------------------------------------------------------------------------------

    /// @return period the one that `execute` does next, due or not.
    function _nextPeriod(Rule calldata r, uint256 next) internal view returns (uint256 period) {
        period = r.schedule.firstFrom(r.start, r.start);
        if (next > period) period = next;
        if (r.catchUp) return period;
        uint256 last = r.schedule.lastUntil(r.start, block.timestamp);
        if (last > period) period = last;
    }

    /// @return the second in which it falls due; 0 for a period that never does.
    function _dueAt(Rule calldata r, uint256 period) internal pure returns (uint256) {
        bool counts = period <= type(uint40).max && period >= r.schedule.firstFrom(r.start, r.start);
        return counts ? r.schedule.dueAt(r.start, period) : 0;
    }

    function _hasCome(Rule calldata r, uint256 when) internal view returns (bool) {
        return when <= block.timestamp && !_hasEnded(r, when);
    }

    function _hasEnded(Rule calldata r, uint256 when) internal view returns (bool) {
        return when > r.end || block.timestamp > r.end;
    }

    // ---- how much, to whom -------------------------------------------------------------------------------------------

    /// @return total what the action says now
    /// @return measured the balance it looked at; 0 for a fixed amount
    function _totalOf(Rule calldata r) internal view returns (uint256 total, uint256 measured) {
        if (r.action == ActionKind.PAY) return (r.amount, 0);
        if (r.action == ActionKind.SWEEP_ABOVE) {
            measured = IDepositToken(r.token).available(r.payer);
            return (measured > r.amount ? measured - r.amount : 0, measured);
        }
        measured = IERC20(r.token).balanceOf(_walletOf(r.payees[0]));
        return (measured < r.amount ? r.amount - measured : 0, measured);
    }

    /// @dev The shares that are not nothing and whose reference nobody has spent.
    function _movesOf(Rule calldata r, RuleId id, uint256 period, uint256 total)
        internal
        view
        returns (Move[] memory moves)
    {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (uint32 payer,,) = IParticipantRegistry(registry).walletOf(r.payer);
        uint256 count = r.payees.length;
        moves = new Move[](count);
        uint256 rest = total;
        uint256 found;
        for (uint256 i; i < count; ++i) {
            uint256 amount = i == count - 1 ? rest : total * r.payees[i].share / RuleChecks.WHOLE;
            rest -= amount;
            bytes32 ref = id.referenceOf(period, i);
            // slither-disable-next-line incorrect-equality (no balance that others could move)
            if (amount == 0) continue;
            IDepositToken.ReferenceState state = IDepositToken(r.token).referenceState(payer, ref);
            // slither-disable-next-line incorrect-equality (no balance that others could move)
            if (state == IDepositToken.ReferenceState.UNSPENT) {
                moves[found++] = Move(_walletOf(r.payees[i]), amount, ref);
            }
        }
        assembly ("memory-safe") {
            mstore(moves, found)
        }
    }

    function _walletOf(Payee calldata p) private view returns (address) {
        if (p.wallet == address(0)) return IParticipantRegistry(registry).currentWallet(p.participant);
        return IParticipantRegistry(registry).resolve(p.wallet);
    }

    // ---- views -------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRules
    function due(Rule[] calldata rules) external view returns (Due[] memory found) {
        found = new Due[](rules.length);
        for (uint256 i; i < rules.length; ++i) {
            Rule calldata r = rules[i];
            RuleView memory rule = _rules[r.id()];
            if (rule.state == RuleState.NONE) continue;
            Due memory d = found[i];
            d.period = _nextPeriod(r, rule.next);
            d.dueAt = r.schedule.dueAt(r.start, d.period);
            if (rule.state != RuleState.ARMED || !_hasCome(r, d.dueAt)) continue;
            // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
            (d.due,) = Triggers.evaluate(r.trigger, registry);
        }
    }

    /// @inheritdoc IPaymentRules
    function stateOf(RuleId id) external view returns (RuleView memory) {
        return _rules[id];
    }

    /// @inheritdoc IPaymentRules
    function ruleId(Rule calldata rule) external pure returns (RuleId) {
        return rule.id();
    }

    /// @inheritdoc IPaymentRules
    function mandateOf(Rule calldata rule) external view returns (IMandates.Mandate memory) {
        return _mandateOf(rule, rule.id());
    }

    function _mandateOf(Rule calldata r, RuleId id) internal view returns (IMandates.Mandate memory) {
        return IMandates.Mandate({
            payer: r.payer,
            notary: address(this),
            ruleId: RuleId.unwrap(id),
            capPerPayment: r.capPerPayment,
            capPerPeriod: r.capPerPeriod,
            period: r.capPeriod,
            start: r.start,
            end: r.end
        });
    }

    /// @inheritdoc IPaymentRules
    function approvalDigest(RuleId id, uint32 round, uint40 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(id.approvalHash(round, deadline));
    }

    /// @inheritdoc IPaymentRules
    function referenceOf(RuleId id, uint256 period, uint256 payee) external pure returns (bytes32) {
        return id.referenceOf(period, payee);
    }

    /// @inheritdoc IPaymentRules
    function dueAt(Rule calldata rule, uint256 period) external pure returns (uint256) {
        return _dueAt(rule, period);
    }

    /// @inheritdoc IPaymentRules
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

// slither-disable-end assembly
// slither-disable-end calls-loop
// slither-disable-end timestamp
