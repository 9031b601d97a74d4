"""Standing rules, witnessed by their ids and periods."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from pyjpm.contracts.eip712 import struct_hash
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, emits, named, unknown
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.subject import Subject

RULES: Final = "PaymentRules"


class RuleState(IntEnum):
    """As the contract has it."""

    NONE = 0
    ARMED = 1
    PAUSED = 2
    CANCELLED = 3


def rule_id(subject: Subject) -> bytes:
    """The rule that a call is about."""
    return struct_hash("Rule", subject["rule"])


def _seen(subject: Subject) -> Plan[Any]:
    (seen,) = yield [View(subject.address, RULES, "stateOf", (rule_id(subject),))]
    return seen


def _becomes(event: str, wanted: RuleState, barred: RuleState | None) -> Callable[[Subject], Plan[Verdict]]:
    def read(subject: Subject) -> Plan[Verdict]:
        seen = yield from _seen(subject)
        if seen is None:
            return unknown("a view did not answer")
        state = RuleState(seen["state"])
        if state is wanted:
            told = yield from newest(subject.address, RULES, event, 1, rule_id(subject))
            return applied(told, state=state.name, round=seen["round"])
        say = conflict if state is barred else absent
        return say(state=state.name, round=seen["round"])

    return read


def read_approval(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the caller's approval counts in this round."""
    seen = yield from _seen(subject)
    if seen is None:
        return unknown("a view did not answer")
    if RuleState(seen["state"]) is RuleState.CANCELLED:
        return conflict(state="CANCELLED")
    approvers = subject["rule"]["approvers"]
    bit = 1 << approvers.index(subject.caller) if subject.caller in approvers else 0
    if not seen["approvals"] & bit:
        return absent(round=seen["round"])
    wanted = {"round": seen["round"], "approver": subject.caller}
    event = yield from newest(
        subject.address,
        RULES,
        "RuleApproved",
        1,
        rule_id(subject),
        lambda each: all(each.arguments[name] == value for name, value in wanted.items()),
    )
    return applied(event, round=seen["round"])


def read_execution(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the period was done, CONFLICT where it was passed over or the rule is cancelled."""
    seen = yield from _seen(subject)
    if seen is None:
        return unknown("a view did not answer")
    if seen["next"] > subject["period"]:
        period = subject["period"]
        event = yield from newest(
            subject.address,
            RULES,
            "RuleExecuted",
            1,
            rule_id(subject),
            lambda each: each.arguments["period"] == period,
        )
        return conflict(next=seen["next"]) if event is None else applied(event)
    if RuleState(seen["state"]) is RuleState.CANCELLED:
        return conflict(state="CANCELLED")
    return absent(next=seen["next"])


def _row(
    face: str, known: Known, again: str, read: Callable[[Subject], Plan[Verdict]], event: str, by: str = ""
) -> Described:
    extra = ("period",) if "period" in face else ()

    def effect(subject: Subject, logs: Any) -> bool:
        told: dict[str, Any] = {"ruleId": rule_id(subject)}
        told |= {by: subject.caller} if by else {}
        return emits(subject, logs, event, **told, **{name: subject[name] for name in extra})

    return Described(
        RULES,
        face,
        known,
        " and ".join(["rule", *extra]),
        again,
        read,
        effect,
        None
        if known is Known.STATE
        else lambda subject: [named(subject.function, rule_id(subject), *(subject[name] for name in extra))],
    )


_TRIES: Final = "it executes and takes back"

DESCRIBED: Final = (
    _row(
        "approve(rule)",
        Known.STATE,
        "the same approval of the round",
        read_approval,
        "RuleApproved",
        "approver",
    ),
    _row(
        "arm(rule,signatures)",
        Known.STATE,
        "RuleInState; after a pause only with approvals of the new round",
        _becomes("RuleArmed", RuleState.ARMED, RuleState.CANCELLED),
        "RuleArmed",
    ),
    _row(
        "pause(rule)",
        Known.STATE,
        "RuleInState",
        _becomes("RulePaused", RuleState.PAUSED, RuleState.CANCELLED),
        "RulePaused",
    ),
    _row(
        "cancel(rule)",
        Known.LOCK,
        "RuleInState",
        _becomes("RuleCancelled", RuleState.CANCELLED, None),
        "RuleCancelled",
    ),
    _row("execute(rule,period)", Known.LOCK, "PeriodOver", read_execution, "RuleExecuted"),
    Described(RULES, "preview(rule)", Known.NOTHING, "none", f"nothing changes: {_TRIES}"),
    Described(RULES, "previewPeriod(rule,period)", Known.NOTHING, "none", f"nothing changes: {_TRIES}"),
    Described(RULES, "simulate(rule,period)", Known.NOTHING, "none", "only the contract itself calls it"),
)
