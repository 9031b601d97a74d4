"""A group's view and report, against figures reckoned by hand from the week that was played."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pytest
from treasury.week import Week, at, usd

from pyjpm import Money
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.treasury import RateMissing
from pyjpm.ledger import Ledger
from pyjpm.treasury import Assumptions, TreasuryReport, report, view

RATES = Assumptions.model_validate({"rates": {"EUR": "1.08"}})
SINCE, UNTIL = at(1), at(8)


@pytest.fixture
def told(ledger: Ledger, week: Week) -> TreasuryReport:
    return report(ledger, week.group, RATES, since=SINCE, until=UNTIL)


def test_the_accounts_are_those_of_the_chain(ledger: Ledger, week: Week) -> None:
    seen = view(ledger, week.group, RATES)
    for member, platform in (("Acme", week.acme), ("Bolt", week.bolt), ("Core", week.core)):
        for currency in ("USD", "EUR"):
            chain = platform.deposits.balance(currency=currency)
            found = [each for each in seen.positions if (each.member, each.balance.currency) == (member, currency)]
            if found or chain.balance:
                (only,) = found
                assert (only.balance, only.available) == (chain.balance, chain.available)
                assert (only.held, only.frozen) == (chain.held, chain.frozen)
    # What left the group: 500.00 and 217.00 to the dealer, for 200.00 euros.
    assert seen.totals == (Money("100200.00", "EUR"), usd("99283.00"))
    assert seen.in_base == usd("207499.00")
    assert view(ledger, week.group, Assumptions()).in_base is None
    before = view(ledger, week.group, RATES, at_time=at(1, 11))
    assert before.totals == (Money("100000.00", "EUR"), usd("100000.00"))
    assert json.loads(json.dumps(seen.to_dict()))["group"] == "Acme group"


def test_what_banks_would_have_moved(told: TreasuryReport) -> None:
    """11 transfers: three payments, four debts that were netted, two sides of an exchange, two orders released."""
    saved = told.saved
    assert (saved.transfers, saved.internal, saved.movements) == (11, 8, 8)
    assert (saved.legs_netted, saved.left_of_nets, saved.exchanges) == (4, 1, 1)
    assert saved.exchanged == (Money("200.00", "EUR"),)
    assert [(each.amount, each.transfers) for each in saved.by_currency] == [
        (Money("200.00", "EUR"), 1),
        (usd("4807.00"), 10),
    ]
    # Two business days: from Monday and Tuesday two days, from Friday and Saturday four.
    euros, dollars = saved.by_currency
    assert euros.amount_days == Decimal("400.00")
    assert dollars.amount_days == 2 * (1_000 + 500 + 1_000 + 217) + 4 * (2_000 + 40 + 50)
    assert saved.longest_days == 4
    assert saved.fees == usd("275.00")
    # 5 % a year of 360 days: on 13,794 dollar-days, and on 400 euro-days at 1.08.
    assert (dollars.funding, euros.funding) == (usd("1.92"), usd("0.06"))
    assert saved.spread == usd("0.65")  # 30 basis points of EUR 200.00 at 1.08
    assert saved.total == usd("277.63")


def test_how_long_money_stood_for_orders(told: TreasuryReport, week: Week) -> None:
    """Funded Wednesday, released Friday. At T+1 it leaves on Tuesday and is there on Monday; at T+3 it leaves on the
    Friday before, and is there on Wednesday."""
    by_id = {each.order: each for each in told.orders}
    assert set(by_id) == set(week.orders.values())
    kept, changed, after, left = (by_id[week.orders[name]] for name in ("kept", "changed", "after", "open"))
    assert (kept.days, kept.amount_days) == (Decimal("2.00"), Decimal("4000.00"))
    assert kept.at_settle == {1: Decimal("12000.00"), 3: Decimal("24000.00")}
    # A hundred for a day, then 60.00 back; the 40.00 that went over keep the second in which they were funded.
    assert (changed.released, changed.refunded, changed.standing) == (usd("0.00"), usd("60.00"), usd("0.00"))
    assert (changed.days, changed.amount_days) == (None, Decimal("60.00"))
    assert (after.released, after.days, after.amount_days) == (usd("40.00"), Decimal("2.00"), Decimal("80.00"))
    assert (left.standing, left.days, left.amount_days) == (usd("100.00"), None, Decimal("250.00"))
    assert left.at_settle[1] == Decimal("350.00")


def test_how_long_money_lay_idle(told: TreasuryReport, week: Week) -> None:
    """Bolt: 1,000 from Monday 10:00, 1,100 from Tuesday, 3,100 from Friday 10:00, 3,140 from 11:00, 3,090 from Saturday
    10:00 to the end of Sunday. It pays 300.00 on Tuesday and 50.00 on Saturday; for that T+1 needs Thursday's money."""
    bolt = week.bolt.session.participant
    (found,) = [each for each in told.idle if (each.participant, each.currency) == (bolt, "USD")]
    hours = 1_000 * 24 + 1_100 * 72 + 3_100 * 1 + 3_140 * 23 + 3_090 * 38
    assert found.amount_days == (Decimal(hours) / 24).quantize(Decimal("0.01"))
    assert found.at_settle[1] == found.amount_days + 300 * 1 + 50 * 2
    assert found.at_settle[3] == found.amount_days + 300 * 5 + 50 * 4
    # Acme needs the 1,500.00 of Monday on Friday, and Tuesday's 617.00 on Monday. What it paid for orders stood.
    acme = week.acme.session.participant
    (found,) = [each for each in told.idle if (each.participant, each.currency) == (acme, "USD")]
    assert found.at_settle[1] == found.amount_days + 1_500 * 3 + 617 * 1


def test_a_part_of_the_week(ledger: Ledger, week: Week) -> None:
    """Thursday only: nothing went between participants but what came back from the changed order."""
    told = report(ledger, week.group, RATES, since=at(4), until=at(5))
    assert (told.saved.transfers, told.saved.movements, told.saved.total) == (0, 0, usd("0.00"))
    by_id = {each.order: each for each in told.orders}
    assert set(by_id) == {week.orders[name] for name in ("kept", "changed", "after")}
    assert by_id[week.orders["kept"]].amount_days == Decimal("2000.00")
    (bolt,) = [
        each for each in told.idle if (each.participant, each.currency) == (week.bolt.session.participant, "USD")
    ]
    assert bolt.amount_days == Decimal("1100.00")
    friday = report(ledger, week.group, RATES, since=at(5), until=at(6))
    assert friday.saved.transfers == 2
    # Each flow is in one day: the days of the week add up to it.
    days = [report(ledger, week.group, RATES, since=at(day), until=at(day + 1)) for day in range(1, 8)]
    whole = report(ledger, week.group, RATES, since=SINCE, until=UNTIL)
    assert sum(each.saved.transfers for each in days) == whole.saved.transfers
    assert sum((each.saved.fees for each in days), start=usd("0.00")) == whole.saved.fees
    lay = sum(each.amount_days for day in days for each in day.idle if each.currency == "USD")
    assert abs(lay - sum(each.amount_days for each in whole.idle if each.currency == "USD")) < Decimal("0.2")


def test_other_assumptions_change_what_is_assumed_and_nothing_else(ledger: Ledger, week: Week) -> None:
    other = Assumptions.model_validate(
        {
            "base": "EUR",
            "rates": {"USD": "0.90"},
            "holidays": [datetime(2027, 3, 2).date()],
            "funding_rate": "0",
            "settle": [2],
            "correspondent": {"fee": "10.00", "USD": {"fee": "1.00", "days": 0, "spread_bps": "100"}},
        }
    )
    one = report(ledger, week.group, RATES, since=SINCE, until=UNTIL).to_dict()
    two = report(ledger, week.group, other, since=SINCE, until=UNTIL).to_dict()
    assert two["saved"]["assumed"]["fees"] == Money("20.00", "EUR").to_dict()  # 10 dollar transfers, one of euros
    assert two["saved"]["assumed"]["funding"]["minor"] == 0
    # Dollars arrive on the same day, but for Tuesday's, a holiday, and Saturday's.
    dollars = two["saved"]["by_currency"][1]
    assert dollars["assumed"]["amount_days_in_transit"] == str(Decimal("1217.00") + 2 * Decimal("50.00"))
    for each in two["working_capital"]["idle"]:
        assert each["assumed"].keys() == {"amount_days_at_t_plus_2"}
    assert without_assumed(one) == without_assumed(two)


def test_what_cannot_be_reported(ledger: Ledger, week: Week) -> None:
    with pytest.raises(RateMissing):
        report(ledger, week.group, Assumptions(), since=SINCE, until=UNTIL)
    for since, until in ((UNTIL, SINCE), (SINCE, SINCE)):
        with pytest.raises(InvalidRequest):
            report(ledger, week.group, RATES, since=since, until=until)
    with pytest.raises(InvalidRequest):
        report(ledger, week.group, RATES, since=datetime(2027, 3, 1), until=UNTIL)


def without_assumed(told: object) -> object:
    if isinstance(told, dict):
        return {name: without_assumed(part) for name, part in told.items() if name not in ("assumed", "assumptions")}
    return [without_assumed(part) for part in told] if isinstance(told, list) else told
