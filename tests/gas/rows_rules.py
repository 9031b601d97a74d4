"""Rows of standing rules: a period brought by a keeper, the payer's money moved by its mandate."""

from __future__ import annotations

from bench import START, USD, Bench

from pyjpm import Money, Platform, Schedule
from pyjpm.rule_terms import RuleTerms
from pyjpm.terms import DAY


def rules(bench: Bench, payer: Platform, payee: Platform) -> dict[str, int]:
    """A fixed amount to one payee on one condition, and split among eight; a period was done before. The keeper is the
    bank."""
    eight = [bench.company(f"share {number}") for number in range(8)]
    share = {company.session.wallet: "12.5" for company in eight}
    return {
        "rule_execute": execution(bench, payer, payee.session.participant),
        "rule_execute_split_8": execution(bench, payer, share),
    }


def execution(bench: Bench, payer: Platform, to: int | dict[str, str]) -> int:
    noun = payer.rules
    document = noun.propose(
        noun.pay(Money("8.00", USD), to),
        Schedule.interval(DAY),
        start=START,
        end=START + 900 * DAY,
        catch_up=True,
        trigger=noun.available_at_least(payer.session.wallet, Money("10.00", USD)),
        rule_reference=f"rule of {bench.sent}",
    )
    terms = RuleTerms.from_body(document.body)
    message = terms.to_message()
    bench.send(payer, USD, "registerMandate", terms.mandate(payer.record.address("PaymentRules")))
    bench.send(payer, "PaymentRules", "approve", message)
    bench.send(payer, "PaymentRules", "arm", message, [])
    bench.send(bench.bank, "PaymentRules", "execute", message, 0)
    return bench.measure(bench.bank, "PaymentRules", "execute", message, 1)
