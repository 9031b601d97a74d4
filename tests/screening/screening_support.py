"""Who works at the screening desk in the tests, what it screens against, and how names of one person differ."""

from __future__ import annotations

import datetime
from pathlib import Path

from pyjpm.custody import LocalSigner
from pyjpm.money import Money
from pyjpm.screening import Agent, Customer, SanctionsList, Staff, TravelData, load_list

MAKER, CHECKER, BOTH, STRANGER = (LocalSigner.from_key(bytes([number]) * 32) for number in range(1, 5))
STAFF = Staff(frozenset({MAKER.address, BOTH.address}), frozenset({CHECKER.address, BOTH.address}))
FOLDER = Path(__file__).parent / "lists"
NOON = int(datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC).timestamp())


def lists() -> list[SanctionsList]:
    return [load_list(FOLDER / name) for name in ("sdn.xml", "un.xml", "eu.xml")]


ORIGINATOR = Customer(
    name="Northwind Traders Inc",
    street="1 Main Street",
    town="Seattle",
    postcode="98101",
    country="US",
    account="C-1",
)
BENEFICIARY = Customer(
    name="Contoso GmbH", street="Hauptstr. 5", town="Berlin", country="DE", account="DE89370400440532013000"
)


def data(amount: Money, **changed: object) -> TravelData:
    """Travel data that lacks nothing, but for what is changed."""
    whole: dict[str, object] = {
        "originator": ORIGINATOR,
        "originator_agent": Agent(routing="021000021"),
        "beneficiary": BENEFICIARY,
        "beneficiary_agent": Agent(bic="DEUTDEFF"),
        "amount": amount,
        "execution": datetime.date(2026, 11, 24),
    }
    return TravelData(**{**whole, **changed})  # type: ignore[arg-type]
