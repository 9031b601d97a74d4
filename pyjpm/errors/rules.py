"""What the payment rules refuse."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidRule(ContractError):
    """The rule is not usable: `field`."""

    solidity = "InvalidRule"
    code = "INVALID_RULE"
    says = "The rule is not usable: {field}."
    hint = "Correct that field and have the payer and approvers agree again."


class TriggerTooLarge(ContractError):
    """The trigger has `nodes` nodes, `most` are the most."""

    solidity = "TriggerTooLarge"
    code = "TRIGGER_TOO_LARGE"
    says = "The trigger has {nodes} nodes, {most} are the most."
    hint = "Say the same with fewer conditions, or make two rules."


class InvalidTrigger(ContractError):
    """Node `node` of the trigger is not usable: `problem`."""

    solidity = "InvalidTrigger"
    code = "INVALID_TRIGGER"
    says = "Node {node} of the trigger is not usable: {problem}."
    hint = "Build triggers with pyjpm.rules, from registered tokens and escrows."


class RuleInState(ContractError):
    """The rule is `state`."""

    solidity = "RuleInState"
    code = "RULE_IN_STATE"
    says = "The rule is {state}."
    hint = "See platform.rules.get for what can be done now."


class NotApprover(ContractError):
    """`caller` is no approver of the rule."""

    solidity = "NotApprover"
    code = "NOT_APPROVER"
    says = "{caller} is no approver of the rule."
    hint = "One of the rule's approvers must sign or act."


class ApproverTwice(ContractError):
    """`approver` stands or signed twice."""

    solidity = "ApproverTwice"
    code = "APPROVER_TWICE"
    says = "{approver} stands or signed twice."
    hint = "Each approver counts once: name or collect different ones."


class ApprovalExpired(ContractError):
    """The approval was for use until `deadline`; it is `nowSeconds`."""

    solidity = "ApprovalExpired"
    code = "APPROVAL_EXPIRED"
    says = "The approval was for use until {deadline}; it is {nowSeconds}."
    hint = "Have the approver approve again."


class InvalidApproval(ContractError):
    """The approval was not signed by `approver` for this rule and this round."""

    solidity = "InvalidApproval"
    code = "INVALID_APPROVAL"
    says = "The approval was not signed by {approver} for this rule and this round."
    hint = "Pausing voids approvals: have the approver approve the rule as it stands."


class TooFewApprovals(ContractError):
    """`approvals` have approved, `threshold` must."""

    solidity = "TooFewApprovals"
    code = "TOO_FEW_APPROVALS"
    says = "{approvals} have approved, {threshold} must."
    hint = "Collect more approvals."


class NotRulePayer(ContractError):
    """`caller` is no wallet of the payer `payer`."""

    solidity = "NotRulePayer"
    code = "NOT_RULE_PAYER"
    says = "{caller} is no wallet of the payer {payer}."
    hint = "The payer's participant pauses and cancels its own rules."


class PeriodOver(ContractError):
    """Period `period` is over; the next is `next`."""

    solidity = "PeriodOver"
    code = "PERIOD_OVER"
    says = "Period {period} is over; the next is {next}."
    hint = "Nothing is left to do for it: it was paid, or skipped as the rule says."


class PeriodNotNext(ContractError):
    """Period `period` is not the next, which is `next`."""

    solidity = "PeriodNotNext"
    code = "PERIOD_NOT_NEXT"
    says = "Period {period} is not the next, which is {next}."
    hint = "Do the next one first."


class PeriodNotDue(ContractError):
    """Period `period` falls due at `dueAt`; it is `nowSeconds`."""

    solidity = "PeriodNotDue"
    code = "PERIOD_NOT_DUE"
    says = "Period {period} falls due at {dueAt}; it is {nowSeconds}."
    hint = "Wait until then."


class RuleEnded(ContractError):
    """The rule ended at `end`; the period falls due at `dueAt`, and it is `nowSeconds`."""

    solidity = "RuleEnded"
    code = "RULE_ENDED"
    says = "The rule ended at {end}; the period falls due at {dueAt}, and it is {nowSeconds}."
    hint = "Have the payer make a new rule."


class TriggerNotMet(ContractError):
    """The trigger of rule `ruleId` is not true now."""

    solidity = "TriggerNotMet"
    code = "TRIGGER_NOT_MET"
    says = "The trigger of rule {ruleId} is not true now."
    hint = "See which condition is false with platform.rules.preview."


class NothingToMove(ContractError):
    """There is nothing to move: `measured` minor units are there, `bound` is the bound."""

    solidity = "NothingToMove"
    code = "NOTHING_TO_MOVE"
    says = "There is nothing to move: {measured} minor units are there, {bound} is the bound."
    hint = "The period stays due until there is something."


class PayeeIsPayer(ContractError):
    """The wallet `payer` would pay itself."""

    solidity = "PayeeIsPayer"
    code = "PAYEE_IS_PAYER"
    says = "The wallet {payer} would pay itself."
    hint = "Name another wallet as payee."


class OnlyItself(ContractError):
    """`caller` may not simulate a rule."""

    solidity = "OnlyItself"
    code = "ONLY_ITSELF"
    says = "{caller} may not simulate a rule."
    hint = "Use preview."


class Simulated(ContractError):
    """A simulation ended; nothing happened."""

    solidity = "Simulated"
    code = "SIMULATED"
    says = "A simulation ended; nothing happened."
    hint = "Use preview."
