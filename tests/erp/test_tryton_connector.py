"""The connector against a real Tryton: what it tells of sales, what its module posts, what is booked once."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tryton_server import CONNECTOR, DATABASE, METHOD, TrytonServer, free_port

from pyjpm import Money
from pyjpm.errors.effects import EffectConflict
from pyjpm.errors.intake import SourceRefused, SourceUnavailable
from pyjpm.orders.connectors.connector import Problem, StatusEvent
from pyjpm.orders.connectors.fields import EventFields
from pyjpm.orders.connectors.sources import SourceSettings, open_source
from pyjpm.orders.connectors.tryton import TrytonConnector
from pyjpm.orders.connectors.tryton_books import TrytonBooks, TrytonSettlements
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.orders.connectors.webhook import WebhookSecrets, WebhookServer
from pyjpm.orders.intake import IntakeMapping
from pyjpm.sending.database import Database
from pyjpm.sending.effects import Effects, EffectState

MAPPING = IntakeMapping.model_validate({"statuses": {"X": 1}, "rule": [{"status": "x", "means": "X"}]})
FIELDS = EventFields("tryton", MAPPING.columns, MAPPING.time, MAPPING.numbers)


def said(event: StatusEvent) -> tuple[Any, ...]:
    return (event.milestone, event.seq, event.status, event.accepted, event.complete)


def told(connector: TrytonConnector, order: str, cursor: str | None = None) -> list[tuple[Any, ...]]:
    """All that a connector tells of one order from a cursor on, page by page."""
    found: list[tuple[Any, ...]] = []
    for _ in range(200):
        batch = connector.poll(cursor)
        assert batch.problems == ()
        found += [said(event) for event in batch.events if event.order == order]
        cursor = batch.cursor
        if not batch.more:
            return found
    raise AssertionError("it never ends")


@pytest.fixture
def effects(tmp_path: Path) -> Iterator[Effects]:
    database = Database(tmp_path / "effects.sqlite", genesis_hash="0x" + "11" * 32, chain_id=1)
    yield Effects(database, patience=0.5)
    database.close()


@pytest.fixture
def books(rpc: TrytonRpc, effects: Effects) -> TrytonBooks:
    return TrytonBooks(rpc, effects, method=METHOD)


def usd(minor: int) -> Money:
    return Money.from_minor(minor, "USD")


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_sale_is_told_step_by_step(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk, connector = tryton.clerk, TrytonConnector(rpc)
    cursor = connector.poll(None).cursor
    number = clerk("quote", 100, "fulfillment")

    def news() -> list[tuple[Any, ...]]:
        nonlocal cursor
        batch = connector.poll(cursor)
        cursor = batch.cursor
        return [said(event) for event in batch.events if event.order == number]

    confirmed = ("", 1, "confirmed", 100_000, False)
    assert news() == [], "a quotation is no order"
    clerk("confirm", number)
    assert news() == [confirmed]
    assert news() == [], "nothing is told twice to who stored it"
    clerk("ship", number, 60)
    assert news() == [confirmed, ("goods", 2, "shipped", 60_000, False)]
    (first,) = clerk("post_invoices", number)
    clerk("ship", number, 35)
    clerk("close_short", number)
    _, second = clerk("post_invoices", number)
    assert set(news()) == {
        confirmed,
        # 60, 35 and the five that were cancelled are closed, and nothing is left to come.
        ("goods", 7, "shipped", 95_000, True),
        (f"invoice {first}", 1, "invoiced", 60_000, True),
        (f"invoice {second}", 1, "invoiced", 35_000, True),
    }


def test_whoever_lost_its_cursor_or_reads_in_small_pages_is_told_the_same(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("quote", 3, "order")
    clerk("confirm", number)
    clerk("ship", number)
    whole = set(told(TrytonConnector(rpc), number))
    assert whole == {("", 1, "confirmed", 3_000, False), ("goods", 3, "shipped", 3_000, True)}
    assert set(told(TrytonConnector(rpc, page=1), number)) == whole
    assert set(told(TrytonConnector(rpc, page=2, overlap=0), number)) == whole
    restarted, cursor = TrytonConnector(rpc), TrytonConnector(rpc).poll(None).cursor
    assert set(told(restarted, number, cursor)) == whole, "within the overlap it is told again: stored once anyhow"
    assert told(restarted, number, restarted.poll(cursor).cursor) == []


def test_what_was_not_stored_is_told_again(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    connector = TrytonConnector(rpc)
    before = connector.poll(None).cursor
    number = tryton.clerk("quote", 2, "order")
    tryton.clerk("confirm", number)
    assert [event.order for event in connector.poll(before).events] == [number]
    again = connector.poll(before)
    assert number in [event.order for event in again.events]
    assert connector.poll(again.cursor).events == ()


def test_a_return_is_told_as_a_credit_of_the_sale_that_it_is_of(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("quote", 4, "order")
    clerk("confirm", number)
    clerk("ship", number)
    clerk("post_invoices", number)
    back = clerk("take_back", number)
    (note,) = clerk("post_invoices", back)
    assert (f"credit {note}", 1, "credited", 4_000, True) in told(TrytonConnector(rpc), number)
    assert told(TrytonConnector(rpc), back) == [], "the return itself is no order"


def test_a_credit_note_of_an_invoice_is_told_too(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    clerk = tryton.clerk
    number = clerk("quote", 5, "order")
    clerk("confirm", number)
    (invoice,) = clerk("post_invoices", number)
    note = clerk("credit_invoice", invoice)
    assert (f"credit {note}", 1, "credited", 5_000, True) in told(TrytonConnector(rpc), number)


# --- what the module posts --------------------------------------------------------------------------------------------


class Receiver:
    """Stores what comes by webhook."""

    def __init__(self) -> None:
        self.events: list[StatusEvent] = []

    def receive(
        self, events: Sequence[StatusEvent], *, delivery: tuple[str, int], problems: Sequence[Problem]
    ) -> Sequence[Any]:
        assert problems == () or list(problems) == []
        self.events += events
        return []


def test_a_shipment_is_posted_signed_and_says_what_a_poll_says(tmp_path: Path) -> None:
    receiver, port = Receiver(), free_port()
    server = TrytonServer(tmp_path / "tryton", notices=f"http://127.0.0.1:{port}/")
    secret = server.secret.read_text()
    with server:
        clerk, number = server.clerk, server.clerk("quote", 10, "order")
        clerk("confirm", number)
        # Nobody is there; then somebody with another secret; then we are.
        clerk("ship", number, 4)
        with WebhookServer(receiver, FIELDS, WebhookSecrets("another secret of at least 32 bytes"), port=port):
            clerk("ship", number, 5)
        assert receiver.events == []
        with WebhookServer(receiver, FIELDS, WebhookSecrets(secret), port=port):
            clerk("ship", number)
            assert [said(event) for event in receiver.events] == [("goods", 7, "shipped", 10_000, True)]
            server.cron()
            mixed = clerk("quote", 10, "order", 2)
            clerk("confirm", mixed)
            clerk("ship", mixed)
            many = clerk("quote", 100_000, "order")
            clerk("confirm", many)
            clerk("ship", many, 99_998)
            noticed = receiver.events.pop()
        rpc = TrytonRpc(server.url, DATABASE, user="pyjpm", password=lambda: CONNECTOR)
        with contextlib.closing(rpc):
            batch = TrytonConnector(rpc).poll(None)
            shipped = {event.order: event for event in batch.events if event.status == "shipped"}
            waiting = rpc.search_read("pyjpm.notice", [["posted_at", "=", None]], ["failure"], order=[["id", "ASC"]])
    assert waiting == [], "what nobody took was posted again by Tryton's cron"
    assert [said(event) for event in receiver.events[1:]] == [
        ("goods", 2, "shipped", 4_000, False),
        ("goods", 4, "shipped", 9_000, False),
    ]
    assert shipped.keys() == {number, many}
    assert [problem.place for problem in batch.problems] == [f"tryton sale {mixed}"], "and no notice of it either"
    assert noticed.order == many
    assert said(noticed) == said(shipped[many]) == ("goods", 2, "shipped", 99_998_000, False)
    seen, posted = shipped[number], receiver.events[0]
    assert (seen.source, seen.order, *said(seen), seen.at, seen.document) == (
        posted.source, posted.order, *said(posted), posted.at, posted.document
    )  # fmt: skip


# --- bookings ---------------------------------------------------------------------------------------------------------


def invoiced(tryton: TrytonServer, quantity: int) -> tuple[str, str]:
    """A sale with one posted invoice; both numbers."""
    number = tryton.clerk("quote", quantity, "order")
    tryton.clerk("confirm", number)
    (invoice,) = tryton.clerk("post_invoices", number)
    return number, invoice


def payments(tryton: TrytonServer, invoice: str) -> tuple[str, list[str]]:
    (found,) = tryton.clerk("books", invoice)["invoices"]
    return found["state"], found["payments"]


def test_an_invoice_is_covered_in_parts_and_once(tryton: TrytonServer, books: TrytonBooks) -> None:
    number, invoice = invoiced(tryton, 10)
    assert [effect.state for effect in books.settle(number, usd(6_000))] == [EffectState.CONFIRMED]
    assert payments(tryton, invoice) == ("posted", ["60.00"])
    assert books.settle(number, usd(6_000)) == []
    assert [effect.content["amount"] for effect in books.settle(number, usd(10_000))] == [4_000]
    assert books.settle(number, usd(99_000)) == [], "no more than the invoice"
    assert payments(tryton, invoice) == ("paid", ["60.00", "40.00"])


def test_a_database_that_forgot_what_it_booked_books_nothing_twice(
    tryton: TrytonServer, rpc: TrytonRpc, books: TrytonBooks, tmp_path: Path
) -> None:
    number, invoice = invoiced(tryton, 7)
    books.settle(number, usd(3_000))
    empty = Database(tmp_path / "restored.sqlite", genesis_hash="0x" + "11" * 32, chain_id=1)
    restored = TrytonBooks(rpc, Effects(empty, patience=0.5), method=METHOD)
    assert restored.settle(number, usd(3_000)) == []
    restored.settle(number, usd(7_000))
    assert books.settle(number, usd(7_000)) == []
    empty.close()
    assert payments(tryton, invoice) == ("paid", ["30.00", "40.00"])


def test_a_tryton_restored_from_a_backup_is_told_again_what_it_forgot(tmp_path: Path, effects: Effects) -> None:
    server = TrytonServer(tmp_path / "tryton")
    live, backup = server.folder / f"{DATABASE}.sqlite", tmp_path / "backup"
    rpc = TrytonRpc(server.url, DATABASE, user="pyjpm", password=lambda: CONNECTOR)
    books = TrytonBooks(rpc, effects, method=METHOD)
    with contextlib.closing(rpc):
        with server:
            number, invoice = invoiced(server, 10)
            with contextlib.closing(sqlite3.connect(live)) as connection:
                connection.execute("VACUUM INTO ?", [str(backup)])
            books.settle(number, usd(6_000))
            assert payments(server, invoice) == ("posted", ["60.00"])
        for each in server.folder.glob(f"{DATABASE}.sqlite*"):
            each.unlink()
        shutil.copy(backup, live)
        with server:
            (effect,) = books.settle(number, usd(6_000))
            assert effect.state is EffectState.CONFIRMED
            assert payments(server, invoice) == ("posted", ["60.00"])
            assert books.settle(number, usd(6_000)) == []
            assert payments(server, invoice) == ("posted", ["60.00"])


def test_of_many_who_tell_the_same_at_once_one_books(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    _, invoice = invoiced(tryton, 8)
    (row,) = rpc.search_read("account.invoice", [["number", "=", invoice]], ["id"], order=[["id", "ASC"]])
    gate = threading.Barrier(6)

    def tell(turn: int) -> str:
        gate.wait()
        with contextlib.suppress(SourceRefused, SourceUnavailable):
            # Half of them under one reference, half under another: the invoice has one payment all the same.
            call = (f"race {turn % 2}", row["id"], Decimal(0), Decimal("80.00"), "USD", METHOD)
            return str(rpc.call("model.pyjpm.settlement.settle", *call)["state"])
        return "met the other one"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(tell, range(6)))
    assert "booked" in answers
    assert payments(tryton, invoice) == ("paid", ["80.00"])


def test_what_an_invoice_cannot_take_is_refused_for_good(
    tryton: TrytonServer, rpc: TrytonRpc, books: TrytonBooks, effects: Effects
) -> None:
    number, invoice = invoiced(tryton, 9)
    (row,) = rpc.search_read("account.invoice", [["number", "=", invoice]], ["id"], order=[["id", "ASC"]])
    outside = TrytonSettlements(rpc, method=METHOD, intended=lambda reference: effects.find(reference).content)
    wrong = {
        "other currency": (0, 9_000, "EUR"),
        "too much": (0, 9_001, "USD"),
        "nothing": (0, 0, "USD"),
        "less": (0, -1, "USD"),
        "overtaken": (4_000, 5_000, "USD"),
    }
    for name, (before, amount, currency) in wrong.items():
        content = {"invoice": row["id"], "before": before, "amount": amount, "currency": currency}
        effects.intend(name, "test", content)
        assert effects.carry_out(name, outside).state is EffectState.FAILED, name
    assert [effect.state for effect in books.settle(number, Money("90.00", "EUR"))] == [EffectState.FAILED]
    books.settle(number, usd(9_000))
    effects.intend("paid by hand before", "test", content | {"before": 9_000, "amount": 9_000})
    failed = effects.carry_out("paid by hand before", outside)
    assert (failed.state, failed.detail) == (EffectState.FAILED, "the invoice is paid")
    assert payments(tryton, invoice) == ("paid", ["90.00"])


def test_what_tryton_refuses_for_now_is_told_again(tryton: TrytonServer, rpc: TrytonRpc, effects: Effects) -> None:
    number, invoice = invoiced(tryton, 11)
    mistyped = TrytonBooks(rpc, effects, method="No such method")
    (effect,) = mistyped.settle(number, usd(5_000))
    assert effect.state is EffectState.MAYBE_SENT
    assert "No such method" in (effect.detail or "")
    # More is released meanwhile. What was told before could still be on its way: it comes first, after a while.
    mended = TrytonBooks(rpc, effects, method=METHOD)
    assert [each.reference for each in mended.settle(number, usd(11_000))] == [effect.reference]
    until(lambda: all(each.state is EffectState.CONFIRMED for each in mended.settle(number, usd(11_000))))
    assert payments(tryton, invoice) == ("paid", ["50.00", "60.00"])


def test_another_content_under_a_reference_is_an_alarm(tryton: TrytonServer, rpc: TrytonRpc, effects: Effects) -> None:
    _, invoice = invoiced(tryton, 12)
    (row,) = rpc.search_read("account.invoice", [["number", "=", invoice]], ["id"], order=[["id", "ASC"]])
    rpc.call("model.pyjpm.settlement.settle", "twice used", row["id"], Decimal(0), Decimal("1.00"), "USD", METHOD)
    outside = TrytonSettlements(rpc, method=METHOD, intended=lambda reference: effects.find(reference).content)
    effects.intend("twice used", "test", {"invoice": row["id"], "before": 0, "amount": 200, "currency": "USD"})
    with pytest.raises(EffectConflict):
        effects.carry_out("twice used", outside)
    assert payments(tryton, invoice) == ("posted", ["1.00"])


def test_nobody_writes_a_settlement_past_the_module(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    _, invoice = invoiced(tryton, 13)
    (row,) = rpc.search_read("account.invoice", [["number", "=", invoice]], ["id"], order=[["id", "ASC"]])
    forged = {"reference": "forged", "invoice": row["id"], "amount": Decimal("130.00"), "currency": "USD"}
    with pytest.raises(SourceRefused):
        rpc.call("model.pyjpm.settlement.create", [forged | {"state": "booked"}])
    settled = rpc.call(
        "model.pyjpm.settlement.settle", "honest", row["id"], Decimal(0), Decimal("130.00"), "USD", METHOD
    )
    assert settled["state"] == "booked"
    (mine,) = rpc.search_read("pyjpm.settlement", [["reference", "=", "honest"]], ["id"], order=[["id", "ASC"]])
    with pytest.raises(SourceRefused):
        rpc.call("model.pyjpm.settlement.write", [mine["id"]], {"reference": "another"})
    with pytest.raises(SourceRefused):
        rpc.call("model.pyjpm.settlement.delete", [mine["id"]])
    stranger = TrytonRpc(tryton.url, DATABASE, user="stranger", password=lambda: CONNECTOR)
    with contextlib.closing(stranger), pytest.raises(SourceRefused):
        stranger.call("model.pyjpm.settlement.settle", "x", row["id"], Decimal(0), Decimal("1.00"), "USD", METHOD)


# --- when it goes wrong -----------------------------------------------------------------------------------------------


def test_a_session_that_ran_out_is_renewed_without_a_word(tryton: TrytonServer, rpc: TrytonRpc) -> None:
    asked: list[str] = []

    def password() -> str:
        asked.append("")
        return CONNECTOR

    own = TrytonRpc(tryton.url, DATABASE, user="pyjpm", password=password)
    with contextlib.closing(own):
        TrytonConnector(own).poll(None)
        assert len(asked) == 1, "one login for many calls"
        other = TrytonRpc(tryton.url, DATABASE, user="pyjpm", password=lambda: CONNECTOR)
        other._session = own._session
        other.close()  # logs our session out
        TrytonConnector(own).poll(None)
        assert len(asked) == 2


@pytest.mark.parametrize(("user", "password"), [("pyjpm", "wrong"), ("nobody", CONNECTOR)])
def test_a_wrong_login_is_refused_and_shows_nothing(tryton: TrytonServer, user: str, password: str) -> None:
    rpc = TrytonRpc(tryton.url, DATABASE, user=user, password=lambda: password)
    with contextlib.closing(rpc), pytest.raises(SourceRefused) as refused:
        TrytonConnector(rpc).poll(None)
    assert password not in str(refused.value) + repr(refused.value.details) + repr(rpc)


def test_what_the_user_may_not_see_is_refused_with_trytons_own_words(tryton: TrytonServer) -> None:
    stranger = TrytonRpc(tryton.url, DATABASE, user="stranger", password=lambda: CONNECTOR)
    with contextlib.closing(stranger), pytest.raises(SourceRefused, match="not allowed"):
        TrytonConnector(stranger).poll(None)


def test_a_database_that_is_not_there_is_waited_for(tryton: TrytonServer) -> None:
    rpc = TrytonRpc(tryton.url, "elsewhere", user="pyjpm", password=lambda: CONNECTOR)
    with contextlib.closing(rpc), pytest.raises(SourceUnavailable):
        TrytonConnector(rpc).poll(None)


def test_the_command_line_opens_it_by_name(tryton: TrytonServer) -> None:
    settings = SourceSettings(
        "our-erp", FIELDS, url=tryton.url, database=DATABASE, user="pyjpm", password=lambda: CONNECTOR
    )
    connector = open_source("tryton", settings)
    assert connector.name == "our-erp"
    events = connector.poll(None).events
    assert events
    assert {event.source for event in events} == {"our-erp"}


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
