"""Rows of those whom flags set apart: each reads a word or two beyond what others read."""

from __future__ import annotations

from bench import LATE, START, USD, Bench

from pyjpm import Flags, Kind, Platform

JURISDICTION = 840


def sponsored(bench: Bench, payee: Platform) -> dict[str, int]:
    """The second customer of a sponsor is measured; a customer pays whom the bank onboarded itself."""
    bank, to = bench.bank, payee.session.wallet
    sponsor = bench.company("sponsor", kind=Kind.BANK)
    grant = (sponsor.session.participant, 10, LATE - START, [JURISDICTION])
    bench.send(bank, "ParticipantRegistry", "setSponsorship", *grant)
    bench.company("first customer", sponsor=sponsor)
    bench.start_day()
    customer = bench.company("second customer", sponsor=sponsor)
    rows = {"sponsor_onboard": bench.onboarded}
    bench.mint(customer, 10_000)
    bench.send(customer, USD, "transfer", to, 100)
    rows["transfer_sponsored"] = bench.measure(customer, USD, "transfer", to, 100)

    bound = bench.company("bound by pair rules")
    bench.send(bank, "ParticipantRegistry", "addFlags", bound.session.participant, int(Flags.PAIR_RULES))
    bench.send(bank, "ParticipantRegistry", "permitPair", JURISDICTION, JURISDICTION)
    bench.mint(bound, 10_000)
    bench.send(bound, USD, "transfer", to, 100)
    rows["transfer_pair_rule"] = bench.measure(bound, USD, "transfer", to, 100)
    return rows
