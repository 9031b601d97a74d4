"""Which rail a payment takes, and why: a pure function of facts and rules, so that it can be asked without paying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyjpm.rails.facts import Facts
from pyjpm.rails.rulebook import Rail, Rule, Rulebook

STOPPED = "stopped on the chain"
OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a rule: what it asks, what was found, and whether it holds."""

    asks: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule as it was looked at. ``impossible`` says why its rail cannot be taken although its conditions hold."""

    rule: str
    rail: Rail
    checks: tuple[Check, ...]
    impossible: str = ""

    @property
    def applies(self) -> bool:
        """Whether it decides."""
        return all(check.holds for check in self.checks) and not self.impossible

    def line(self) -> str:
        """The rule in one line for people."""
        said = "; ".join(f"{check.asks}: {'yes' if check.holds else 'no'} ({check.found})" for check in self.checks)
        verdict = self.rail.value if self.applies else f"not {self.rail.value}"
        return " - ".join(part for part in (f"{self.rule}: {verdict}", said, self.impossible) if part)


@dataclass(frozen=True, slots=True)
class Decision:
    """The rail that a payment takes.

    Attributes:
        rail: NONE where it takes none.
        rule: the name of the rule that decided; ``otherwise`` or ``stopped on the chain`` where none did.
        considered: the rules looked at, in order, the deciding one last.
    """

    rail: Rail
    rule: str
    considered: tuple[Considered, ...]

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons, a line each."""
        return tuple(each.line() for each in self.considered)

    def to_dict(self) -> dict[str, Any]:
        """The decision as JSON-able data."""
        return {
            "rail": self.rail.value,
            "rule": self.rule,
            "why": list(self.why),
            "considered": [
                {
                    "rule": each.rule,
                    "rail": each.rail.value,
                    "applies": each.applies,
                    "impossible": each.impossible or None,
                    "checks": [{"asks": c.asks, "found": c.found, "holds": c.holds} for c in each.checks],
                }
                for each in self.considered
            ],
        }


def decide(facts: Facts, rulebook: Rulebook) -> Decision:
    """The first rule that applies; no rule goes around a stop."""
    if facts.stopped:
        check = Check("is anybody stopped", facts.stopped, True)
        return Decision(Rail.NONE, STOPPED, (Considered(STOPPED, Rail.NONE, (check,)),))
    considered = []
    for rule in rulebook.rule:
        checks = tuple(_checks(rule, facts))
        impossible = _impossible(rule.rail, facts) if all(check.holds for check in checks) else ""
        considered.append(Considered(rule.name, rule.rail, checks, impossible))
        if considered[-1].applies:
            return Decision(rule.rail, rule.name, tuple(considered))
    last = Considered(OTHERWISE, rulebook.otherwise, (), _impossible(rulebook.otherwise, facts))
    return Decision(last.rail if last.applies else Rail.NONE, OTHERWISE, (*considered, last))


def _impossible(rail: Rail, facts: Facts) -> str:
    return {Rail.TOKEN: facts.no_token, Rail.SWIFT: facts.no_swift, Rail.NONE: ""}[rail]


def _checks(rule: Rule, facts: Facts) -> Iterator[Check]:
    instruction = facts.instruction
    amount, debtor, creditor = instruction.amount, instruction.debtor, instruction.creditor
    on_chain = facts.payee is not None and facts.currency_on_chain
    if rule.on_chain is not None:
        found = f"participant {facts.payee}" if facts.payee is not None else "the creditor is not mapped"
        if facts.payee is not None and not facts.currency_on_chain:
            found += f", but the platform has no {amount.currency}"
        yield Check("on chain" if rule.on_chain else "not on chain", found, on_chain is rule.on_chain)
    if rule.internal is not None:
        found = "both are of the group" if facts.internal else "not both are of the group"
        yield Check("internal" if rule.internal else "not internal", found, facts.internal is rule.internal)
    if rule.currency is not None:
        yield Check(f"in {' or '.join(rule.currency)}", amount.currency, amount.currency in rule.currency)
    for word, bound, above in (("at least", rule.at_least, True), ("below", rule.below, False)):
        if bound is not None:
            limit = rule.money(bound)
            same = limit.currency == amount.currency
            yield Check(f"{word} {limit}", str(amount), same and (amount >= limit) is above)
    for asks, country, countries, wanted in (
        ("from", debtor.country, rule.debtor_in, True),
        ("to", creditor.country, rule.creditor_in, True),
        ("not to", creditor.country, rule.creditor_not_in, False),
    ):
        if countries is not None:
            yield Check(f"{asks} {' or '.join(countries)}", country, (country in countries) is wanted)
    if rule.cut_off is not None:
        before = facts.before_cut_off
        found = "no cut-off is set" if before is None else "in time" if before else "too late, or no business day"
        yield Check(
            f"{rule.cut_off} the cut-off for {instruction.requested}", found, before is (rule.cut_off == "before")
        )
    if rule.days is not None:
        count = facts.earlier(rule.days)
        for word, number, above in (("at least", rule.payments_at_least, True), ("below", rule.payments_below, False)):
            if number is not None:
                asks = f"{word} {number} payments to the creditor in {rule.days} days"
                yield Check(asks, str(count), (count >= number) is above)
