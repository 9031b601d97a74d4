"""The buyer's side against a real Tryton: what is told of purchases, beside sales that may have the same numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tryton_server import CONNECTOR, DATABASE, TrytonServer

from pyjpm import LocalSigner, Milestone, Mode, Money, Platform
from pyjpm.errors.intake import SourceRefused
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.connectors.fields import EventFields
from pyjpm.orders.connectors.sources import SourceSettings, open_source
from pyjpm.orders.connectors.tryton import TrytonConnector
from pyjpm.orders.connectors.tryton_purchases import TrytonPurchases
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.orders.connectors.tryton_trade import TradeConnector
from pyjpm.orders.intake import Intake, IntakeMapping, load_intake_mapping
from pyjpm.terms import DAY
from pyjpm.testing import new_company

EXAMPLE = Path(__file__).parents[2] / "examples" / "tryton" / "purchases.toml"
MAPPING = IntakeMapping.model_validate({"statuses": {"X": 1}, "rule": [{"status": "x", "means": "X"}]})


def said(event: StatusEvent) -> tuple[Any, ...]:
    return (event.milestone, event.seq, event.status, event.accepted, event.complete)


def everything(connector: TradeConnector, cursor: str | None = None) -> list[StatusEvent]:
    """All that a connector tells from a cursor on, page by page."""
    found: list[StatusEvent] = []
    for _ in range(300):
        batch = connector.poll(cursor)
        assert batch.problems == ()
        found += batch.events
        cursor = batch.cursor
        if not batch.more:
            return found
    raise AssertionError("it never ends")


def told(connector: TradeConnector, order: str, cursor: str | None = None) -> set[tuple[Any, ...]]:
    return {said(event) for event in everything(connector, cursor) if event.order == order}


def test_a_purchase_is_told_step_by_step_and_once(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk, connector = tryton.clerk, TrytonPurchases(rpc)
    cursor = connector.poll(None).cursor
    number = clerk("buy", 100, "fulfillment")

    def news() -> list[tuple[Any, ...]]:
        nonlocal cursor
        batch = connector.poll(cursor)
        cursor = batch.cursor
        assert batch.problems == ()
        assert {event.order for event in batch.events} <= {number}
        return [said(event) for event in batch.events]

    confirmed = ("", 1, "confirmed", 100_000, False)
    assert news() == [], "a quotation is no order"
    assert clerk("order", number) == "processing"
    assert news() == [confirmed]
    assert news() == [], "nothing is told twice to who stored it"
    assert clerk("receive", number, 60) == "done"
    assert news() == [confirmed, ("goods", 2, "received", 60_000, False)]
    (first,) = clerk("post_bills", number)
    assert (f"invoice {first}", 1, "invoiced", 60_000, True) in news()
    assert clerk("receive", number, 35, False) == "received", "and stands before the storage still"
    assert clerk("receive_no_more", number) == "received"
    _, second = clerk("post_bills", number)
    # 60, 35 and the five that were cancelled are closed, and nothing is left to come.
    final = ("goods", 7, "received", 95_000, True)
    assert set(news()) == {confirmed, final, (f"invoice {second}", 1, "invoiced", 35_000, True)}
    assert news() == []


def test_one_that_comes_whole_is_told_with_what_a_script_may_want(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 8, "order")
    clerk("order", number)
    (bill,) = clerk("post_bills", number)
    clerk("receive", number)
    events = [event for event in everything(TrytonPurchases(rpc)) if event.order == number]
    confirmed, received, invoiced = events
    assert [said(event) for event in events] == [
        ("", 1, "confirmed", 8_000, False),
        ("goods", 3, "received", 8_000, True),
        (f"invoice {bill}", 1, "invoiced", 8_000, True),
    ]
    assert {event.source for event in events} == {"tryton-purchases"}
    facts = {"currency": "USD", "amount": "8000", "party": "Exotic Liquids", "reference": "EL-8"}
    assert facts.items() <= confirmed.extra.items()
    assert invoiced.extra["reference"] == f"Exotic Liquids {invoiced.extra['invoice']}", "the supplier's own number"
    proof = json.loads(received.document or b"")
    assert proof["purchase"] == number
    assert [move["quantity"] for move in proof["moves"]] == ["8"]
    assert received.at == confirmed.at == invoiced.at
    assert received.at % 86_400 == 0


def test_the_last_pieces_of_very_many_are_waited_for(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 100_000, "order")
    clerk("order", number)
    clerk("receive", number, 99_998)
    # Tryton says that all of it is received: it has 0.99998 as 1.0000.
    assert ("goods", 2, "received", 99_998_000, False) in told(TrytonPurchases(rpc), number)
    clerk("receive", number)
    assert ("goods", 5, "received", 100_000_000, True) in told(TrytonPurchases(rpc), number)


def test_nothing_that_came_is_told_as_nothing_once_it_is_given_up(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 6, "fulfillment")
    clerk("order", number)
    clerk("receive_no_more", number)
    assert told(TrytonPurchases(rpc), number) == {
        ("", 1, "confirmed", 6_000, False),
        ("goods", 3, "received", 0, True),
    }


def test_what_is_sent_back_is_told_as_a_credit_of_its_purchase(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 4, "order")
    clerk("order", number)
    clerk("receive", number)
    clerk("post_bills", number)
    back = clerk("send_back", number)
    (note,) = clerk("post_bills", back)
    of_purchase = told(TrytonPurchases(rpc), number)
    assert (f"credit {note}", 1, "credited", 4_000, True) in of_purchase
    assert ("goods", 3, "received", 4_000, True) in of_purchase, "what came, came"
    assert told(TrytonPurchases(rpc), back) == set(), "the return itself is no order"


def test_a_suppliers_credit_note_of_an_invoice_is_told_too(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 5, "order")
    clerk("order", number)
    (bill,) = clerk("post_bills", number)
    note = clerk("credit_invoice", bill, "in")
    assert (f"credit {note}", 1, "credited", 5_000, True) in told(TrytonPurchases(rpc), number)


def test_whoever_lost_its_cursor_or_reads_in_small_pages_is_told_the_same(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("buy", 3, "order")
    clerk("order", number)
    clerk("receive", number, 1)
    whole = {("", 1, "confirmed", 3_000, False), ("goods", 2, "received", 1_000, False)}
    assert told(TrytonPurchases(rpc), number) == whole
    assert told(TrytonPurchases(rpc, page=1), number) == whole
    assert told(TrytonPurchases(rpc, page=2, overlap=0), number) == whole
    cursor = TrytonPurchases(rpc).poll(None).cursor
    restarted = TrytonPurchases(rpc)
    first = restarted.poll(cursor)
    again = {said(event) for event in first.events if event.order == number}
    assert again == whole, "within the overlap it is told again: stored once anyhow"
    assert restarted.poll(first.cursor).events == ()


def test_a_sale_and_a_purchase_of_one_number_are_two_orders(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    numbers: set[str] = set()
    bought: set[str] = set()
    while not (both := numbers & bought):
        numbers.add(clerk("quote", 20, "order"))
        bought.add(clerk("buy", 30, "order"))
    number = both.pop()
    clerk("confirm", number)
    clerk("order", number)
    clerk("receive", number)
    sales = [event for event in everything(TrytonConnector(rpc)) if event.order == number]
    purchases = [event for event in everything(TrytonPurchases(rpc)) if event.order == number]
    assert [said(event) for event in sales] == [("", 1, "confirmed", 20_000, False)]
    assert [said(event) for event in purchases] == [
        ("", 1, "confirmed", 30_000, False),
        ("goods", 3, "received", 30_000, True),
    ]
    names = [(event.source, event.order, event.milestone, event.seq) for event in sales + purchases]
    assert len(set(names)) == 3


def test_what_the_buyer_received_is_paid_once_whoever_restarts(
    tryton: TrytonServer, rpc: TrytonRpc, bank: Platform, buyer: Platform, seller: Platform, tmp_path: Path
) -> None:
    clerk, attester, now = tryton.clerk, LocalSigner.generate(), bank.session.now()
    administrator = new_company(bank)
    made = administrator.attestations.create_set([attester.address], minimum=1, idempotency_key="set").wait()
    number = clerk("buy", 10, "fulfillment")
    proposed = buyer.escrow.propose(
        buyer=buyer.session.participant,
        seller=seller.session.participant,
        currency="USD",
        order_reference=f"tryton-purchases {number}",
        milestones=[
            Milestone(
                amount=10_000,
                mode=Mode.PREFUND,
                required_status=1,
                fund_by=now + DAY,
                attest_by=now + 10 * DAY,
                partial=True,
            )
        ],
        attester_set=administrator.attestations.set_of(made),
        threshold=1,
    )
    document = seller.escrow.countersign(proposed)
    buyer.escrow.fund(document, idempotency_key=f"fund {number}").wait()
    told: list[tuple[str, int, str]] = []

    def day() -> int:
        """A process of the buyer's, from its start to its end; what the seller has then."""
        mapping = load_intake_mapping(EXAMPLE)
        with Intake(bank, tmp_path / "intake.sqlite", mapping, attesters=[attester]) as intake:
            intake.book.bind("tryton-purchases", number, document)
            connector, more = TrytonPurchases(rpc), True
            while more:
                batch, receipts = intake.poll(connector)
                more = batch.more
                told.extend(
                    (each.milestone, each.seq, each.status) for each in receipts if each.order == number and each.new
                )
            intake.settle()
        return seller.deposits.balance(currency="USD").balance.minor

    clerk("order", number)
    assert day() == 0
    clerk("receive", number, 6)
    assert day() == day() == 6_000
    clerk("receive", number, 3)
    clerk("receive_no_more", number)
    clerk("post_bills", number)
    assert day() == day() == 9_000
    assert buyer.escrow.get(document).milestones[0].released == Money("90.00", "USD")
    bills = [each for each in told if each[2] == "invoiced"]
    assert [each for each in told if each not in bills] == [
        ("", 1, "confirmed"),
        ("goods", 2, "received"),
        ("goods", 7, "received"),
    ]
    assert len(set(bills)) == len(bills) == 2


def test_neither_goes_on_from_a_cursor_of_the_other(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    clerk("order", clerk("buy", 1, "order"))
    clerk("confirm", clerk("quote", 1, "order"))
    sales, purchases = TrytonConnector(rpc), TrytonPurchases(rpc)
    with pytest.raises(SourceRefused):
        purchases.poll(sales.poll(None).cursor)
    with pytest.raises(SourceRefused):
        sales.poll(purchases.poll(None).cursor)


@pytest.mark.parametrize("name", ["tryton-purchases", "our-erp-buying"])
def test_the_command_line_opens_it_by_name(tryton: TrytonServer, name: str) -> None:
    tryton.clerk("order", tryton.clerk("buy", 2, "order"))
    fields = EventFields(name, MAPPING.columns, MAPPING.time, MAPPING.numbers)
    settings = SourceSettings(name, fields, url=tryton.url, database=DATABASE, user="pyjpm", password=lambda: CONNECTOR)
    connector = open_source("tryton-purchases", settings)
    assert connector.name == name
    events = connector.poll(None).events
    assert events
    assert {event.source for event in events} == {name}
