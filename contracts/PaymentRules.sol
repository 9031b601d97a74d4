// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// slither-disable-start calls-loop (one call that fails fails all, as it should; lists are bounded)
// slither-disable-start timestamp (its times are hours and days; a proposer may shift a block by seconds)

import {RuleBook} from "./RuleBook.sol";
import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IMandates} from "./interfaces/IMandates.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IPaymentRules} from "./interfaces/IPaymentRules.sol";
import {Calendar, Recurrence} from "./libraries/Calendar.sol";
import {Deadlines} from "./libraries/Deadlines.sol";
import {RuleId} from "./libraries/Ids.sol";
import {RuleChecks} from "./libraries/RuleChecks.sol";
import {Rule, RuleTerms} from "./libraries/RuleTerms.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Triggers} from "./libraries/Triggers.sol";

/// @title PaymentRules
/// @notice {IPaymentRules}
/// @dev The rule's word is written before any money moves, and nothing that is called can call back: the token, escrows
/// that are asked a view, and the registry are the platform's own.
contract PaymentRules is RuleBook {
    using Calendar for Recurrence;
    using RuleTerms for Rule;

    constructor(address registry_) RuleBook(registry_) {}

    // ---- arming and stopping -----------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRules
    function approve(Rule calldata rule) external {
        RuleId id = rule.id();
        RuleView storage stored = _armable(rule, id);
        uint256 place = _placeOf(rule, msg.sender);
        stored.approvals |= uint16(1 << place);
        emit RuleApproved(id, stored.round, msg.sender);
    }

    /// @inheritdoc IPaymentRules
    function arm(Rule calldata rule, ApproverSignature[] calldata signatures) external {
        RuleId id = rule.id();
        RuleView storage stored = _armable(rule, id);
        uint256 approved = stored.approvals | _signed(rule, id, stored.round, signatures);
        // slither-disable-next-line uninitialized-local (starts at zero)
        uint256 count;
        for (uint256 bits = approved; bits != 0; bits &= bits - 1) {
            ++count;
        }
        if (count < rule.threshold) revert TooFewApprovals(count, rule.threshold);
        stored.state = RuleState.ARMED;
        emit RuleArmed(id, rule.payer, rule.token, rule.ruleReference);
    }

    /// @dev Its terms are looked at until it was armed once: from then on it is known by its id.
    function _armable(Rule calldata rule, RuleId id) private view returns (RuleView storage stored) {
        stored = _rules[id];
        RuleState state = stored.state;
        if (state == RuleState.NONE) RuleChecks.validate(rule, registry);
        else if (state != RuleState.PAUSED) revert RuleInState(id, state);
    }

    function _signed(Rule calldata rule, RuleId id, uint32 round, ApproverSignature[] calldata signatures)
        private
        view
        returns (uint256 bits)
    {
        for (uint256 i; i < signatures.length; ++i) {
            ApproverSignature calldata s = signatures[i];
            if (block.timestamp > s.deadline) revert ApprovalExpired(s.deadline, block.timestamp);
            if (!Deadlines.isOpen(s.deadline)) revert SignatureDeadlineTooFar(s.deadline, Deadlines.latest());
            uint256 bit = 1 << _placeOf(rule, s.approver);
            if (bits & bit != 0) revert ApproverTwice(s.approver);
            if (!Signatures.isValid(s.approver, approvalDigest(id, round, s.deadline), s.signature)) {
                revert InvalidApproval(s.approver);
            }
            bits |= bit;
        }
    }

    function _placeOf(Rule calldata rule, address approver) private pure returns (uint256) {
        for (uint256 i; i < rule.approvers.length; ++i) {
            if (rule.approvers[i] == approver) return i;
        }
        revert NotApprover(approver);
    }

    /// @inheritdoc IPaymentRules
    function pause(Rule calldata rule) external {
        RuleId id = _requireOwn(rule);
        RuleView storage stored = _rules[id];
        if (stored.state != RuleState.ARMED) revert RuleInState(id, stored.state);
        (stored.state, stored.approvals) = (RuleState.PAUSED, 0);
        ++stored.round;
        emit RulePaused(id, stored.round, msg.sender);
    }

    /// @inheritdoc IPaymentRules
    function cancel(Rule calldata rule) external {
        RuleId id = _requireOwn(rule);
        RuleView storage stored = _rules[id];
        if (stored.state == RuleState.CANCELLED) revert RuleInState(id, stored.state);
        stored.state = RuleState.CANCELLED;
        emit RuleCancelled(id, msg.sender);
    }

    function _requireOwn(Rule calldata rule) private view returns (RuleId) {
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (uint32 payer,,) = IParticipantRegistry(registry).walletOf(rule.payer);
        // slither-disable-next-line unused-return (what is left out of the answer is not asked for)
        (uint32 caller,, IParticipantRegistry.WalletStatus status) = IParticipantRegistry(registry).walletOf(msg.sender);
        bool isOwn = caller == payer && status == IParticipantRegistry.WalletStatus.LINKED;
        if (!isOwn) revert NotRulePayer(msg.sender, rule.payer);
        return rule.id();
    }

    // ---- paying ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRules
    function execute(Rule calldata rule, uint256 period) external {
        _execute(rule, period);
    }

    function _execute(Rule calldata rule, uint256 period) private {
        RuleId id = rule.id();
        RuleView storage stored = _rules[id];
        if (stored.state != RuleState.ARMED) revert RuleInState(id, stored.state);
        _requireDue(rule, stored.next, period);
        (bool met, uint256 answers) = Triggers.evaluate(rule.trigger, registry);
        if (!met) revert TriggerNotMet(id, answers);
        (uint256 total, uint256 measured) = _totalOf(rule);
        // slither-disable-next-line incorrect-equality (no balance that others could move)
        if (total == 0) revert NothingToMove(id, measured, rule.amount);

        Move[] memory moves = _movesOf(rule, id, period, total);
        stored.next = uint40(period + 1);
        emit RuleExecuted(id, period, moves.length, _pay(rule, id, moves));
    }

    function _requireDue(Rule calldata rule, uint256 next, uint256 period) private view {
        uint256 expected = _nextPeriod(rule, next);
        if (period < expected) revert PeriodOver(period, expected);
        if (period > expected) revert PeriodNotNext(period, expected);
        uint256 when = rule.schedule.dueAt(rule.start, period);
        if (_hasEnded(rule, when)) revert RuleEnded(rule.end, when, block.timestamp);
        if (!_hasCome(rule, when)) revert PeriodNotDue(period, when, block.timestamp);
    }

    function _pay(Rule calldata rule, RuleId id, Move[] memory moves) private returns (uint256 paid) {
        IMandates.Mandate memory mandate = _mandateOf(rule, id);
        for (uint256 i; i < moves.length; ++i) {
            Move memory m = moves[i];
            if (m.to == rule.payer) revert PayeeIsPayer(rule.payer);
            paid += m.amount;
            IDepositToken(rule.token).executeByMandate(mandate, m.to, m.amount, m.ref);
        }
    }

    // ---- trying ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IPaymentRules
    function preview(Rule calldata rule) external returns (Preview memory) {
        return _preview(rule, _nextPeriod(rule, _rules[rule.id()].next));
    }

    /// @inheritdoc IPaymentRules
    function previewPeriod(Rule calldata rule, uint256 period) external returns (Preview memory) {
        return _preview(rule, period);
    }

    /// @dev The answer is that of the execution itself, so the two cannot differ.
    function _preview(Rule calldata rule, uint256 period) private returns (Preview memory p) {
        RuleId id = rule.id();
        if (_rules[id].state == RuleState.NONE) RuleChecks.validate(rule, registry);
        (p.period, p.dueAt) = (period, _dueAt(rule, period));
        uint256 answers;
        (p.met, answers) = Triggers.evaluate(rule.trigger, registry);
        p.nodes = new bool[](rule.trigger.length);
        for (uint256 i; i < p.nodes.length; ++i) {
            p.nodes[i] = answers >> i & 1 == 1;
        }
        (uint256 total,) = _totalOf(rule);
        if (p.dueAt != 0) p.moves = _movesOf(rule, id, period, total);
        try this.simulate(rule, period) {}
        catch (bytes memory problem) {
            if (bytes4(problem) != Simulated.selector) p.problem = problem;
        }
    }

    /// @notice Executes and takes it all back. Only for `preview`.
    function simulate(Rule calldata rule, uint256 period) external {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        _execute(rule, period);
        revert Simulated();
    }
}

// slither-disable-end calls-loop
// slither-disable-end timestamp
