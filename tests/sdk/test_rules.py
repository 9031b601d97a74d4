"""Standing rules: agreed by documents, done by anyone, once per period."""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from orders import key, usd

from pyjpm import Condition, Document, Flags, Money, Platform, RuleState, RuleTerms, Schedule
from pyjpm.chain import DevClock
from pyjpm.custody import LocalSigner
from pyjpm.errors.deployment import InvalidRequest, RulesNotDeployed
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument, SignatureMissing, SignatureNotOf
from pyjpm.errors.mandates import MandateCapPerPayment, MandateNotActive
from pyjpm.errors.refusals import ClearanceMissing, InsufficientAvailable, PayeeFrozen
from pyjpm.errors.rules import (
    InvalidTrigger,
    NotApprover,
    NothingToMove,
    NotRulePayer,
    PeriodNotDue,
    PeriodOver,
    RuleInState,
    TooFewApprovals,
    TriggerNotMet,
)
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.ledger import compare, read_events
from pyjpm.rule import MandateStatus
from pyjpm.rule_terms import Every
from pyjpm.testing import new_company

DAY = 86_400
ESCROW, ORDER = "0x" + 20 * "11", 31 * b"\0" + b"\7"
RENT = Money("125.00", "USD")


@pytest.fixture
def payer(buyer: Platform) -> Platform:
    return buyer


@pytest.fixture
def payee(seller: Platform) -> Platform:
    return seller


@pytest.fixture
def treasurer(bank: Platform) -> Platform:
    return bank.acting(LocalSigner.generate())


@pytest.fixture
def controller(bank: Platform) -> Platform:
    return bank.acting(LocalSigner.generate())


def rule(payer: Platform, payee: Platform, **more: Any) -> Document:
    """Daily from now on, for a year."""
    start = payer.session.now()
    options = {
        "action": payer.rules.pay(RENT, payee.session.participant),
        "schedule": Schedule.interval(DAY),
        "start": start,
        "end": start + 366 * DAY,
        "rule_reference": key("rent"),
        **more,
    }
    return payer.rules.propose(options.pop("action"), options.pop("schedule"), **options)


def armed(payer: Platform, document: Document, *approvers: Platform) -> Document:
    """Signed by documents that travel as JSON; brought by the first approver."""
    document = payer.rules.authorize(document)
    signed = [Document.from_json(each.rules.approve(document).to_json()) for each in approvers or (payer,)]
    document = payer.rules.collect([document, *signed])
    payer.rules.submit_mandate(document, idempotency_key=key("mandate")).wait()
    payer.rules.arm(document, idempotency_key=key("arm")).wait()
    return document


def execute(by: Platform, document: Document, period: int | None = None) -> None:
    by.rules.execute(document, period, idempotency_key=key("execute")).wait()


def test_rent_is_paid_once_a_day_by_anyone(
    bank: Platform, payer: Platform, payee: Platform, treasurer: Platform, controller: Platform, clock: DevClock
) -> None:
    people = [treasurer.session.wallet, controller.session.wallet]
    document = rule(payer, payee, approvers=people)
    assert payer.rules.get(document).state is RuleState.NONE
    document = armed(payer, document, treasurer, controller)
    seen = payer.rules.get(document)
    assert (seen.state, seen.mandate, seen.left) == (RuleState.ARMED, MandateStatus.ACTIVE, RENT)

    preview = bank.rules.preview(document)
    assert preview.pays
    assert preview.met
    assert preview.period == 0
    assert [(move.to, move.amount) for move in preview.moves] == [(payee.session.wallet, RENT)]
    terms = RuleTerms.from_body(document.body)
    assert preview.moves[0].reference == "0x" + terms.reference(0).hex()
    assert bank.rules.due([document])[0].due

    before = usd(bank, payee)
    act = bank.rules.execute(document, idempotency_key="day 0 of the rent").wait()
    assert usd(bank, payee) - before == RENT.minor
    assert bank.session.call("USD", "paid", payer.session.participant, terms.reference(0))
    again = bank.rules.execute(document, 0, idempotency_key="day 0 of the rent")
    assert again.id == act.id
    # Another keeper under another key finds it done.
    late = payee.rules.execute(document, 0, idempotency_key=key("late")).wait()
    assert late.tx_hash == act.tx_hash
    assert usd(bank, payee) - before == RENT.minor
    with pytest.raises(PeriodNotDue):
        execute(bank, document)
    assert not bank.rules.due([document])[0].due
    assert isinstance(bank.rules.preview(document).problem, PeriodNotDue)

    clock.advance(DAY)
    execute(payee, document)
    assert usd(bank, payee) - before == 2 * RENT.minor
    done = list(payer.rules.executions(document))
    assert [(each.period, each.payments, each.amount) for each in done] == [(0, 1, RENT), (1, 1, RENT)]
    assert done[0].tx == act.tx_hash
    assert json.loads(json.dumps([payer.rules.get(document).to_dict(), preview.to_dict(), done[0].to_dict()]))
    block = bank.connection.head().number
    outcome = compare(bank.session, read_events(bank.session, to_block=block), block=block)
    assert outcome.matches, outcome.differences


def test_missed_days_are_caught_up_or_skipped(
    bank: Platform, payer: Platform, payee: Platform, clock: DevClock
) -> None:
    late = armed(payer, rule(payer, payee, catch_up=True, cap_per_period=RENT * 9))
    last = armed(payer, rule(payer, payee, cap_per_period=RENT * 9))
    clock.advance(2 * DAY)
    before = usd(bank, payee)
    assert [each.period for each in bank.rules.due([late, last])] == [0, 2]
    for period in range(3):
        execute(bank, late, period)
    with pytest.raises(PeriodOver):
        execute(bank, last, 0)
    execute(bank, last, 2)
    assert usd(bank, payee) - before == 4 * RENT.minor


def test_an_amount_is_split_to_the_cent(bank: Platform, payer: Platform) -> None:
    three = [new_company(bank) for _ in range(3)]
    shares = {three[0].session.participant: "33.33", three[1].session.wallet: "33.33"}
    shares[three[2].session.participant] = "33.34"
    document = armed(payer, rule(payer, three[0], action=payer.rules.pay(Money("1.00", "USD"), shares)))
    execute(bank, document)
    assert [usd(bank, each) for each in three] == [33, 33, 34]


def test_a_sweep_and_a_top_up(bank: Platform, payer: Platform, payee: Platform) -> None:
    floor, level = Money("99000.00", "USD"), Money("1500.00", "USD")
    cap = Money("5000.00", "USD")
    with pytest.raises(InvalidRequest):
        rule(payer, payee, action=payer.rules.sweep_above(floor, payee.session.participant))
    sweep = armed(
        payer,
        rule(payer, payee, action=payer.rules.sweep_above(floor, payee.session.wallet), cap_per_payment=cap),
    )
    execute(bank, sweep)
    assert (usd(bank, payer), usd(bank, payee)) == (floor.minor, 100_000)
    fill = armed(
        payer, rule(payer, payee, action=payer.rules.top_up(level, payee.session.participant), cap_per_payment=cap)
    )
    execute(bank, fill)
    assert usd(bank, payee) == level.minor
    full = armed(
        payer, rule(payer, payee, action=payer.rules.top_up(level, payee.session.participant), cap_per_payment=cap)
    )
    with pytest.raises(NothingToMove):
        execute(bank, full)


def test_conditions_combine(bank: Platform, payer: Platform, payee: Platform, clock: DevClock) -> None:
    rules, now = payer.rules, payer.session.now()
    rich = rules.available_at_least(payer.session.participant, Money("1000.00", "USD"))
    poor = rules.balance_at_most(payee.session.wallet, Money("0.00", "USD"))
    trigger = rich & poor & ~Condition.from_time(now + 30 * DAY) & Condition.from_time(now + 3 * DAY)
    document = armed(payer, rule(payer, payee, trigger=trigger))
    preview = bank.rules.preview(document)
    assert preview.nodes == (True, True, True, False, True, True, False, False)
    assert not preview.met
    assert isinstance(preview.problem, TriggerNotMet)
    with pytest.raises(TriggerNotMet):
        execute(bank, document)
    clock.advance(4 * DAY)
    assert bank.rules.preview(document).nodes[-1]
    execute(bank, document)
    clock.advance(DAY)
    assert not bank.rules.due([document])[0].due  # the payee is no longer poor
    other = rules.available_at_most(payer.session.wallet, RENT) | rules.balance_at_least(payee.session.wallet, RENT)
    assert rules.preview(rule(payer, payee, trigger=other)).nodes == (False, True, True)


def test_a_trigger_about_an_order_asks_the_escrow(payer: Platform, payee: Platform) -> None:
    from pyjpm import OrderState

    order = "0x" + 31 * "00" + "07"
    waits = payer.rules.attested(order, 0, 5) | payer.rules.milestone_in(order, 0, OrderState.NONE, OrderState.FUNDED)
    assert payer.rules.preview(rule(payer, payee, trigger=waits)).nodes == (False, True, True)
    funded = payer.rules.milestone_in(order, 0, OrderState.FUNDED)
    assert payer.rules.preview(rule(payer, payee, trigger=funded)).nodes == (False,)
    stranger = Condition.attested(payer.session.wallet, bytes(31) + b"\1", milestone=0, status=5)
    with pytest.raises(InvalidTrigger):
        payer.rules.preview(rule(payer, payee, trigger=stranger))


@pytest.mark.parametrize(
    "made",
    [
        lambda: Condition.milestone_in(ESCROW, ORDER, 256, 1 << 3),
        lambda: Condition.attested(ESCROW, ORDER, milestone=256, status=5),
        lambda: Condition.attested(ESCROW, ORDER, milestone=0, status=300),
        lambda: Condition.attested(ESCROW, ORDER, milestone=-1, status=5),
        lambda: Condition.on(Schedule.monthly(257)),
        lambda: Condition.on(Schedule.yearly(257, 1)),
        lambda: Condition.on(Schedule.weekly(-1)),
    ],
)
def test_a_condition_says_what_it_was_asked_or_nothing(made: Callable[[], Condition]) -> None:
    """Packed into one word, a status of 300 was one of 44, and the 256th milestone the first one's states."""
    with pytest.raises(InvalidRequest):
        made()


def test_what_the_token_refuses_stays_due(bank: Platform, payer: Platform, payee: Platform) -> None:
    capped = rule(payer, payee, cap_per_payment=Money("124.99", "USD"))
    with pytest.raises(MandateCapPerPayment):
        execute(bank, armed(payer, capped))
    dear = payer.rules.pay(Money("100000.01", "USD"), payee.session.participant)
    with pytest.raises(InsufficientAvailable):
        execute(bank, armed(payer, rule(payer, payee, action=dear)))
    document = armed(payer, rule(payer, payee))
    bank.participants.freeze(payee.session.participant, order="order 7", idempotency_key=key("freeze")).wait()
    preview = bank.rules.preview(document)
    assert isinstance(preview.problem, PayeeFrozen)
    assert preview.moves[0].amount == RENT
    with pytest.raises(PayeeFrozen):
        execute(bank, document)
    assert bank.rules.due([document])[0].due
    assert usd(bank, payee) == 0


def test_the_payer_stops_at_once(bank: Platform, payer: Platform, payee: Platform) -> None:
    document = armed(payer, rule(payer, payee))
    with pytest.raises(NotRulePayer):
        payee.rules.pause(document, idempotency_key=key("pause"))
    payer.rules.pause(document, idempotency_key=key("pause")).wait()
    with pytest.raises(RuleInState):
        execute(bank, document)
    with pytest.raises(TooFewApprovals):  # those of the round before do not count
        payer.rules.arm(document, idempotency_key=key("arm"))
    payer.rules.arm(payer.rules.approve(document), idempotency_key=key("arm")).wait()
    assert payer.rules.get(document).round == 1
    payer.rules.revoke_mandate(document, idempotency_key=key("revoke")).wait()
    with pytest.raises(MandateNotActive):
        execute(bank, document)
    payer.rules.cancel(document, idempotency_key=key("cancel")).wait()
    seen = payer.rules.get(document)
    assert (seen.state, seen.mandate, seen.left.minor) == (RuleState.CANCELLED, MandateStatus.REVOKED, 0)
    assert usd(bank, payee) == 0


def test_a_stop_or_an_execution_asked_for_again_is_the_one_that_was_done(
    bank: Platform, payer: Platform, payee: Platform, clock: DevClock
) -> None:
    """Whoever lost the answer asks again under the same key, whatever the rule has become by it."""
    document = armed(payer, rule(payer, payee))
    done = bank.rules.execute(document, idempotency_key="done").wait()
    assert bank.rules.execute(document, idempotency_key="done").id == done.id
    clock.advance(DAY)
    assert bank.rules.execute(document, idempotency_key="done").id == done.id
    with pytest.raises(IdempotencyConflict):
        bank.rules.execute(document, 1, idempotency_key="done")
    assert usd(bank, payee) == RENT.minor
    stopped = payer.rules.pause(document, idempotency_key="stop").wait()
    assert payer.rules.pause(document, idempotency_key="stop").id == stopped.id
    payer.rules.arm(payer.rules.approve(document), idempotency_key=key("arm")).wait()
    with pytest.raises(IdempotencyConflict):  # it stopped the round before, and this one runs
        payer.rules.pause(document, idempotency_key="stop")
    assert payer.rules.get(document).state is RuleState.ARMED
    payer.payments.create(payee.session.wallet, RENT, idempotency_key="a payment").wait()
    with pytest.raises(IdempotencyConflict):
        payer.rules.cancel(document, idempotency_key="a payment")
    again = payer.rules.pause(document, idempotency_key="stop again").wait()
    ended = payer.rules.cancel(document, idempotency_key="end").wait()
    assert payer.rules.cancel(document, idempotency_key="end").id == ended.id
    assert payer.rules.pause(document, idempotency_key="stop again").id == again.id


def test_compliance_revokes_a_mandate(bank: Platform, payer: Platform, payee: Platform) -> None:
    document = armed(payer, rule(payer, payee))
    bank.rules.revoke_mandate(document, idempotency_key=key("revoke")).wait()
    assert payer.rules.get(document).mandate is MandateStatus.REVOKED


def test_a_payer_and_an_approver_act_by_transactions(bank: Platform, payer: Platform, payee: Platform) -> None:
    document = rule(payer, payee)
    with pytest.raises(NotRulePayer):
        payee.rules.register_mandate(document, idempotency_key=key("mandate"))
    payer.rules.register_mandate(document, idempotency_key=key("mandate")).wait()
    payer.rules.approve_on_chain(document, idempotency_key=key("approve")).wait()
    assert payer.rules.get(document).approvers == (payer.session.wallet,)
    bank.rules.arm(document, idempotency_key=key("arm")).wait()
    execute(bank, document)
    assert usd(bank, payee) == RENT.minor


def test_a_payer_with_the_flag_pays_by_a_cleared_mandate_only(bank: Platform, payer: Platform, payee: Platform) -> None:
    participant = payer.session.participant
    bank.restrictions.add_flags(participant, Flags.CLEARANCE, idempotency_key=key("flag")).wait()
    with pytest.raises(ClearanceMissing):
        execute(bank, armed(payer, rule(payer, payee)))
    document = payer.rules.authorize(rule(payer, payee))
    with pytest.raises(SignatureMissing):
        payer.rules.with_clearance(document, payer.rules.request_clearance(document))
    cleared = bank.clearances.sign(Document.from_json(payer.rules.request_clearance(document).to_json()))
    document = payer.rules.with_clearance(payer.rules.approve(document), cleared)
    payer.rules.submit_mandate(document, idempotency_key=key("mandate")).wait()
    payer.rules.arm(document, idempotency_key=key("arm")).wait()
    execute(bank, document)
    assert usd(bank, payee) == RENT.minor


def test_documents_are_looked_at_before_anything_is_sent(payer: Platform, payee: Platform) -> None:
    document = rule(payer, payee)
    with pytest.raises(SignatureMissing):
        payer.rules.submit_mandate(document, idempotency_key=key("mandate"))
    with pytest.raises(NotRulePayer):
        payee.rules.authorize(document)
    with pytest.raises(NotApprover):
        payee.rules.approve(document)
    with pytest.raises(DocumentsDiffer):
        payer.rules.collect([document, rule(payer, payee)])
    with pytest.raises(DocumentsDiffer):
        payer.rules.collect([])
    approved = payer.rules.approve(document)
    wallet = payer.session.wallet
    part = approved.attachments[wallet]["approval"]
    forged = document.attached(wallet, {"approval": {**part, "deadline": part["deadline"] + 1}})
    with pytest.raises(SignatureNotOf):
        payer.rules.arm(forged, idempotency_key=key("arm"))
    for broken in ({"round": 0}, {**part, "signature": "0xzz"}, 7):
        with pytest.raises(MalformedDocument):
            payer.rules.arm(document.attached(wallet, {"approval": broken}), idempotency_key=key("arm"))
    with pytest.raises(MalformedDocument):
        payer.rules.submit_mandate(document.attached(wallet, {"mandate": {}}), idempotency_key=key("mandate"))
    wrong: list[dict[str, Any]] = [{"more": 1}, {"amount": "x"}, {"action": 9}, {"threshold": "1"}, {"end": 1.5}]
    wrong += [{"amount": "-5"}, {"catchUp": 1}, {"start": -1}, {"capPeriod": 2**40}]
    for body in ({}, *({**document.body, **part} for part in wrong)):
        with pytest.raises(MalformedDocument):
            payer.rules.get(dataclasses.replace(document, body=body))


def test_amounts_and_shares_are_looked_at(payer: Platform, payee: Platform) -> None:
    rules, who = payer.rules, payee.session.participant
    for shares in ({who: 99}, {who: "100.001"}, {who: "x"}, {who: 0}, {who: 100, payer.session.participant: -1}):
        with pytest.raises(InvalidRequest):
            rules.pay(RENT, shares)
    with pytest.raises(InvalidRequest):
        rule(payer, payee, cap_per_payment=Money("1.00", "EUR"))
    for at in ("9", "24:00", "09:60", "x:y", "09:00:60"):
        with pytest.raises(InvalidRequest):
            Schedule.daily(at)
    assert Schedule.daily("23:59:59").second == DAY - 1


def test_a_platform_without_rules_says_so(bank: Platform, payer: Platform, payee: Platform) -> None:
    document = rule(payer, payee)
    contracts = {name: each for name, each in bank.record.contracts.items() if name != "PaymentRules"}
    old = dataclasses.replace(bank.record, contracts=contracts)
    with Platform.connect(bank.connection, old) as reader, pytest.raises(RulesNotDeployed):
        reader.rules.preview(document)


@pytest.fixture(scope="module")
def keeper() -> Any:
    """scripts/keeper.py."""
    path = Path(__file__).resolve().parents[2] / "scripts" / "keeper.py"
    spec = importlib.util.spec_from_file_location("keeper", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_keeper_runs_what_is_due_and_leaves_the_rest(
    bank: Platform, payer: Platform, payee: Platform, clock: DevClock, keeper: Any, tmp_path: Path
) -> None:
    daily = armed(payer, rule(payer, payee, catch_up=True, cap_per_period=RENT * 99))
    dear = armed(payer, rule(payer, payee, action=payer.rules.pay(Money("100000.01", "USD"), payee.session.wallet)))
    later = armed(payer, rule(payer, payee, start=payer.session.now() + 300 * DAY, end=payer.session.now() + 366 * DAY))
    for name, document in (("1 daily", daily), ("2 dear", dear), ("3 later", later)):
        document.save(tmp_path / f"{name}.json")
    clock.advance(13 * DAY)
    documents = keeper.found([tmp_path])
    assert [each.body for each in documents] == [daily.body, dear.body, later.body]
    waiting: dict[str, str] = {}
    done = [keeper.run(bank, document, waiting) for document in documents]
    assert [[each["period"] for each in some] for some in done] == [list(range(12)), [], []]
    assert list(waiting) == ["0x" + RuleTerms.from_body(dear.body).id.hex()]
    assert waiting.popitem()[1].startswith("INSUFFICIENT_AVAILABLE")
    assert usd(bank, payee) == 12 * RENT.minor
    assert [each["period"] for each in keeper.run(bank, daily, waiting)] == [12, 13]  # the rest, in the next round
    assert keeper.run(bank, daily, waiting) == []
    assert usd(bank, payee) == 14 * RENT.minor
    broken = dataclasses.replace(daily, body={**daily.body, "end": "soon"})
    assert keeper.run(bank, broken, waiting) == []
    assert waiting.popitem()[1].startswith("MALFORMED_DOCUMENT")
    shown = json.loads(json.dumps(keeper.shown(bank, documents)))
    assert [each["preview"]["problem"]["code"] for each in shown["rules"]] == [
        "PERIOD_NOT_DUE",
        "INSUFFICIENT_AVAILABLE",
        "PERIOD_NOT_DUE",
    ]


def by_the_calendar(schedule: Schedule, year: int, month: int) -> int:
    """When it falls due in that month, by Python's calendar; unix seconds."""
    day = min(schedule.day, calendar.monthrange(year, month)[1])
    return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp()) + schedule.second


@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
def test_the_contract_and_python_agree_on_the_calendar(payer: Platform, payee: Platform, day: int) -> None:
    """Every month of 2024 to 2032 and around 2100, every quarter, year and week."""
    monthly = Schedule.monthly(day, "17:30")
    quarterly = Schedule.quarterly(2, day)
    yearly = Schedule.yearly(2, day, "00:00:01")
    start = 1_700_000_000
    asked: list[tuple[Schedule, int, int]] = []
    for year in (*range(2024, 2033), 2099, 2100, 2101):
        since = year - 1970
        asked += [(monthly, since * 12 + month - 1, by_the_calendar(monthly, year, month)) for month in range(1, 13)]
        asked += [
            (quarterly, since * 4 + quarter, by_the_calendar(quarterly, year, 3 * quarter + 2)) for quarter in range(4)
        ]
        asked.append((yearly, since, by_the_calendar(yearly, year, 2)))
    weekly = Schedule.weekly(day % 7 + 1, "06:00")
    for week in range(2_900, 2_960):
        monday = dt.datetime(1969, 12, 29, tzinfo=dt.UTC) + dt.timedelta(weeks=week)
        due = monday + dt.timedelta(days=weekly.day - 1, hours=6)
        assert due.isoweekday() == weekly.day
        assert weekly.every is Every.WEEK
        asked.append((weekly, week, int(due.timestamp())))
    terms = {
        each: RuleTerms.from_body(rule(payer, payee, schedule=each, start=start).body).to_message()
        for each in (monthly, quarterly, yearly, weekly)
    }
    calls = [("PaymentRules", "dueAt", (terms[schedule], period)) for schedule, period, _ in asked]
    assert payer.session.calls(calls) == [due for _, _, due in asked]
