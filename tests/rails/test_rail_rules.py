"""The rule file, and what it decides: without a chain, on facts that a test makes up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rails.rails_support import creditor, instruction

from pyjpm.errors.money import AmountNotPositive
from pyjpm.errors.rails import InvalidInstruction, RulebookInvalid, RulebookUnreadable
from pyjpm.rails import Facts, Instruction, Rail, load_rulebook, parse_rulebook
from pyjpm.rails.decision import decide
from pyjpm.rails.facts import is_in_time

NOON = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp())


def facts(asked: Instruction | None = None, **more: Any) -> Facts:
    known: dict[str, Any] = {
        "instruction": asked or instruction(),
        "at": NOON,
        "payer": 1,
        "payee": 2,
        "payee_wallet": "0x" + 40 * "2",
        "can_seal": False,
        "stopped": "",
        "internal": False,
        "currency_on_chain": True,
        "before_cut_off": None,
        "no_token": "",
        "no_swift": "",
        "earlier": lambda days: 0,
        **more,
    }
    return Facts(**known)


def rail(rules: str, known: Facts) -> tuple[Rail, str]:
    decision = decide(known, parse_rulebook(rules.encode()))
    return decision.rail, decision.rule


def one(condition: str, rail: str = "TOKEN") -> str:
    return (
        f'otherwise = "SWIFT"\n[cut_off.USD]\nat="17:00"\nzone="UTC"\n[[rule]]\nname="it"\nrail="{rail}"\n{condition}\n'
    )


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ("on_chain = true", facts(), facts(payee=None)),
        ("on_chain = true", facts(), facts(currency_on_chain=False)),
        ("on_chain = false", facts(payee=None), facts()),
        ("internal = true", facts(internal=True), facts()),
        ("internal = false", facts(), facts(internal=True)),
        ('currency = ["USD", "EUR"]', facts(), facts(instruction("GBP 1.00"))),
        ('currency = ["USD"]\nat_least = "125.00"', facts(), facts(instruction("USD 124.99"))),
        ('currency = ["USD"]\nbelow = "125.01"', facts(), facts(instruction("USD 125.01"))),
        ('currency = ["USD"]\nat_least = "1.00"', facts(), facts(instruction("EUR 125.00"))),
        ('from = ["US"]\nto = ["DE", "FR"]', facts(), facts(instruction(creditor=creditor(country="IT")))),
        ('not_to = ["KP"]', facts(), facts(instruction(creditor=creditor(country="KP")))),
        ('currency = ["USD"]\ncut_off = "before"', facts(before_cut_off=True), facts(before_cut_off=False)),
        ('currency = ["USD"]\ncut_off = "after"', facts(before_cut_off=False), facts(before_cut_off=True)),
        ("days = 30\npayments_at_least = 4", facts(earlier=lambda days: days // 7), facts(earlier=lambda days: 3)),
        ("days = 30\npayments_below = 1", facts(), facts(earlier=lambda days: 1)),
    ],
)
def test_each_condition_holds_and_fails(condition: str, holds: Facts, fails: Facts) -> None:
    assert rail(one(condition), holds) == (Rail.TOKEN, "it")
    assert rail(one(condition), fails) == (Rail.SWIFT, "otherwise")


def test_the_first_rule_that_applies_decides_and_all_before_it_are_told() -> None:
    rules = """
otherwise = "NONE"
[[rule]]
name = "embargo"
rail = "NONE"
to = ["KP"]
[[rule]]
name = "group"
rail = "TOKEN"
internal = true
on_chain = true
[[rule]]
name = "small"
rail = "SWIFT"
currency = ["USD"]
below = "1000.00"
"""
    decision = decide(facts(), parse_rulebook(rules.encode()))
    assert (decision.rail, decision.rule) == (Rail.SWIFT, "small")
    assert decision.why == (
        "embargo: not NONE - to KP: no (DE)",
        "group: not TOKEN - on chain: yes (participant 2); internal: no (not both are of the group)",
        "small: SWIFT - in USD: yes (USD); below USD 1000.00: yes (USD 125.00)",
    )
    assert rail(rules, facts(instruction(creditor=creditor(country="KP")))) == (Rail.NONE, "embargo")
    assert rail(rules, facts(instruction("EUR 1.00"))) == (Rail.NONE, "otherwise")


def test_no_rule_makes_a_rail_possible_and_none_goes_around_a_stop() -> None:
    everywhere = one('not_to = ["KP"]')
    assert rail(everywhere, facts(no_token="the creditor is not on chain")) == (Rail.SWIFT, "otherwise")
    decision = decide(facts(no_token="no creditor", no_swift="no gateway"), parse_rulebook(everywhere.encode()))
    assert decision.rail is Rail.NONE
    assert decision.why[-1] == "otherwise: not SWIFT - no gateway"
    for stopped in (one("on_chain = true"), 'otherwise = "SWIFT"'):
        decided = decide(facts(stopped="the creditor is frozen"), parse_rulebook(stopped.encode()))
        assert (decided.rail, decided.rule) == (Rail.NONE, "stopped on the chain")
        assert decided.why == ("stopped on the chain: NONE - is anybody stopped: yes (the creditor is frozen)",)


@pytest.mark.parametrize(
    ("day", "at", "in_time"),
    [
        (date(2026, 11, 30), datetime(2026, 11, 30, 21, 59, 59, tzinfo=UTC), True),  # 16:59:59 in New York
        (date(2026, 11, 30), datetime(2026, 11, 30, 22, 0, 0, tzinfo=UTC), False),
        (date(2026, 12, 1), datetime(2026, 11, 30, 23, 0, 0, tzinfo=UTC), True),
        (date(2026, 11, 28), datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC), False),  # a Saturday
        (date(2026, 12, 25), datetime(2026, 12, 1, 12, 0, 0, tzinfo=UTC), False),  # a holiday, and a Friday
        (date(2026, 7, 1), datetime(2026, 7, 1, 20, 59, 0, tzinfo=UTC), True),  # in summer the zone is an hour off
        (date(2026, 7, 1), datetime(2026, 7, 1, 21, 0, 0, tzinfo=UTC), False),
    ],
)
def test_cut_offs_are_local_and_know_the_days(day: date, at: datetime, in_time: bool) -> None:
    rules = parse_rulebook(
        b'otherwise="SWIFT"\n[cut_off.USD]\nat="17:00"\nzone="America/New_York"\nholidays=[2026-12-25]'
    )
    assert is_in_time(rules.cut_off["USD"], instruction(requested=day), int(at.timestamp())) is in_time


def test_what_is_late_stays_late_when_the_clock_goes_back() -> None:
    """In Cairo it does so on a business day: the hour from 23:00 on comes twice on 2026-10-29, and the first counts."""
    rules = parse_rulebook(b'otherwise="SWIFT"\n[cut_off.USD]\nat="23:30"\nzone="Africa/Cairo"')
    asked = instruction(requested=date(2026, 10, 29))
    first = datetime(2026, 10, 29, 20, 0, tzinfo=UTC)  # 23:00 for the first time
    minutes = (29, 30, 59, 60, 89, 119)
    told = [is_in_time(rules.cut_off["USD"], asked, int(first.timestamp()) + 60 * minute) for minute in minutes]
    assert told == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("otherwise = ", "no TOML"),
        ("", "otherwise: is missing"),
        ('otherwise = "PIGEON"', "otherwise: "),
        ('otherwise = "SWIFT"\nelse = 1', "else: "),
        (one(""), "has no condition"),
        (one("on_chain = true\nmood = 1"), "rule[0].mood"),
        (one('on_chain = "yes"'), "rule[0].on_chain"),
        (one('at_least = "5.00"'), "exactly one"),
        (one('currency = ["USD", "EUR"]\nat_least = "5.00"'), "exactly one"),
        (one('currency = ["USD"]\nat_least = 5.0'), "in quotes"),
        (one('currency = ["USD"]\nat_least = "5.001"'), "more decimals"),
        (one('currency = ["XXX"]'), "rule[0].currency"),
        (one("currency = []"), "rule[0].currency"),
        (one('to = ["Germany"]'), "alpha-2"),
        (one('cut_off = "before"'), "name its currencies"),
        (one('currency = ["EUR"]\ncut_off = "before"'), "name its currencies"),
        (one('currency = ["USD"]\ncut_off = "never"'), "rule[0].cut_off"),
        (one("payments_at_least = 3"), "days goes with"),
        (one("days = 3\non_chain = true"), "days goes with"),
        (one("on_chain = true", rail="PIGEON"), "rule[0].rail"),
        ('otherwise="SWIFT"\n[cut_off.USD]\nat="25:00"\nzone="UTC"', "time of day"),
        ('otherwise="SWIFT"\n[cut_off.USD]\nat="17:00"\nzone="Mars"', "time zone"),
        ('otherwise="SWIFT"\n[group]\nparticipants=[0]', "group.participants[0]"),
        (one("on_chain = true") + '[[rule]]\nname="it"\nrail="SWIFT"\non_chain=false', "two rules"),
    ],
)
def test_a_bad_rule_file_names_its_place(rules: str, problem: str) -> None:
    with pytest.raises(RulebookInvalid) as refused:
        parse_rulebook(rules.encode())
    assert problem in refused.value.message


def test_a_rule_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "rails.toml"
    with pytest.raises(RulebookUnreadable):
        load_rulebook(path)
    path.write_text(one("on_chain = true"))
    book = load_rulebook(path)
    assert len(book.sha256) == 64
    assert book.sha256 != parse_rulebook(one("on_chain = false").encode()).sha256


def test_what_could_go_by_no_rail() -> None:
    for field, bad in (
        ("debtor.name", instruction(debtor=creditor(name=""))),
        ("creditor.name", instruction(creditor=creditor(name="a\nb"))),
        ("creditor.country", instruction(creditor=creditor(country="de"))),
        ("creditor.scheme", instruction(creditor=creditor(scheme="PHONE"))),
        ("creditor.identifier", instruction(creditor=creditor(identifier=""))),
        ("creditor.agent", instruction(creditor=creditor(agent="BANK"))),
        ("creditor.town", instruction(creditor=creditor(town="x" * 36))),
        ("end_to_end_id", instruction(end_to_end_id="x" * 36)),
        ("remittance", instruction(remittance="x" * 141)),
        ("charges", instruction(charges="OUR")),
        ("purpose", instruction(purpose="SUPPLIER")),
        ("uetr", instruction(uetr="not-a-uetr")),
        ("uetr", instruction(uetr="f81d4fae-7dec-11d0-a765-00a0c91e6bf6")),  # version 1
        ("requested", instruction(requested=datetime(2026, 1, 1, tzinfo=UTC))),
    ):
        with pytest.raises(InvalidInstruction) as refused:
            bad.check()
        assert refused.value.details["field"] == field
    with pytest.raises(AmountNotPositive):
        instruction("USD 0.00").check()
    asked = instruction(uetr="eb6305c9-1f7f-49de-aed0-16487c27b42d").check()
    assert Instruction.from_content(asked.to_content()) == asked
