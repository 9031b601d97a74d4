"""The connector where a real Tryton cannot easily be brought: slow, broken, in the middle of a transaction."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from pyjpm import Money
from pyjpm.errors.intake import SourceRefused, SourceUnavailable
from pyjpm.orders.connectors.tryton import TrytonConnector
from pyjpm.orders.connectors.tryton_moved import delivered, nothing_left
from pyjpm.orders.connectors.tryton_purchases import TrytonPurchases
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc

SECRET = "a password that nobody may see"
Answer = tuple[int, bytes]


def answers(result: Any) -> Answer:
    return 200, json.dumps({"id": 0, "result": result}).encode()


class Double:
    """Answers as it is told to, after a login that it grants; counts what it is asked."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], Answer] = lambda asked: answers([])
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                double.asked.append(asked["method"])
                double.authorizations.append(self.headers["Authorization"])
                status, body = double.said(asked)
                with contextlib.suppress(OSError):  # who asked may have gone
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def said(self, asked: dict[str, Any]) -> Answer:
        match asked["method"]:
            case "common.db.login":
                return answers([7, f"session {len(self.asked)}", None])
            case "model.res.user.get_preferences":
                return answers({"company": 1})
        return self.answer(asked)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def double() -> Iterator[Double]:
    made = Double()
    yield made
    made.close()


@pytest.fixture
def rpc(double: Double) -> Iterator[TrytonRpc]:
    made = TrytonRpc(double.url, "a/b", user="pyjpm", password=lambda: SECRET, timeout=0.5)
    yield made
    made.close()


# --- an ERP that is down, slow or out of its mind ---------------------------------------------------------------

TRACEBACK = "Traceback: File secret.py"
BROKEN: dict[str, Answer] = {
    "in trouble": (500, b"<html>"),
    "behind a proxy that finds nobody": (502, b"<html>"),
    "being restored": (404, b"<html>"),
    "asked too often": (429, b""),
    "no JSON": (200, b"<html>"),
    "cut off": (200, b'{"id": 0, "resu'),
    "neither result nor error": (200, b'{"id": 0}'),
    "no object": (200, b"[]"),
    "a list that is none": answers("ten sales"),
    "a number that is none": answers([{"amount": {"__class__": "Decimal", "decimal": "ten"}}]),
    "a date that is none": answers([{"at": {"__class__": "date", "year": 2026}}]),
    "an error of its own": (200, json.dumps({"id": 0, "error": ["database is locked", TRACEBACK]}).encode()),
    "an error without a form": (200, json.dumps({"id": 0, "error": None}).encode()),
    "somebody else's turn": (200, json.dumps({"id": 0, "error": ["ConcurrencyException", ["later"]]}).encode()),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_answer_that_says_nothing_is_no_answer(double: Double, rpc: TrytonRpc, kind: str) -> None:
    double.answer = lambda asked: BROKEN[kind]
    with pytest.raises(SourceUnavailable) as unavailable:
        TrytonConnector(rpc).poll(None)
    shown = str(unavailable.value) + repr(unavailable.value.details) + repr(unavailable.value.__cause__)
    assert SECRET not in shown
    assert "session" not in shown
    assert TRACEBACK not in shown
    assert len([method for method in double.asked if "search_read" in method]) == 1, "nothing is repeated by itself"


def test_an_answer_that_does_not_come_is_waited_for_so_long(double: Double, rpc: TrytonRpc) -> None:
    released = threading.Event()

    def slow(asked: dict[str, Any]) -> Answer:
        released.wait(5)
        return answers([])

    double.answer = slow
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable, match="Timeout"):
        rpc.call("model.sale.sale.search", [])
    assert 0.4 < time.monotonic() - begun < 3
    released.set()


def test_nobody_there_is_unavailable() -> None:
    rpc = TrytonRpc("http://127.0.0.1:9", "db", user="pyjpm", password=lambda: SECRET, timeout=0.5)
    with pytest.raises(SourceUnavailable) as unavailable:
        TrytonConnector(rpc).poll(None)
    assert unavailable.value.details["source"] == "tryton"


def test_what_tryton_says_to_people_is_handed_on(double: Double, rpc: TrytonRpc) -> None:
    double.answer = lambda asked: (
        200,
        json.dumps({"id": 0, "error": ["UserError", ["The period is closed.", ""]]}).encode(),
    )
    with pytest.raises(SourceRefused, match="The period is closed"):
        rpc.call("model.pyjpm.settlement.settle")


def test_a_new_session_is_tried_once(double: Double, rpc: TrytonRpc) -> None:
    double.answer = lambda asked: (401, b"")
    with pytest.raises(SourceRefused):
        rpc.call("model.sale.sale.search", [])
    assert double.asked.count("common.db.login") == 2
    assert double.asked.count("model.sale.sale.search") == 2


def test_many_threads_share_one_login(double: Double, rpc: TrytonRpc) -> None:
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        rpc.call("model.sale.sale.search", [])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert double.asked.count("common.db.login") == 1
    assert len({each for each in double.authorizations if each}) == 1


# --- transactions that end late, and records that are odd ----------------------------------------------------

T0 = datetime.datetime(2026, 11, 29, 12)


def sale(number: int, at: datetime.datetime, **more: Any) -> dict[str, Any]:
    facts = {"number": str(number), "origin": None, "reference": None, "sale_date": at.date()}
    money = {"total_amount": Decimal("10.00"), "currency.": {"code": "USD"}, "party.": {"rec_name": "A"}}
    return {"id": number, "write_date": at, "lines": [], **facts, **money, **more}


class Fake:
    """Just so much of Tryton as the connector asks: tables of records, filtered by ``write_date`` and id."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def search_read(
        self, model: str, domain: list[Any], fields: list[str], *, order: list[list[str]], limit: int | None = None
    ) -> list[dict[str, Any]]:
        rows = self.tables.get(model, [])
        for clause in domain:
            match clause:
                case ["OR", [["write_date", ">", at]], [["write_date", "=", same], ["id", ">", last]]]:
                    rows = [r for r in rows if r["write_date"] > at or (r["write_date"] == same and r["id"] > last)]
                case ["write_date", ">=", at]:
                    rows = [r for r in rows if r["write_date"] >= at]
                case ["id", "in", ids]:
                    rows = [r for r in rows if r["id"] in ids]
        keys = [name for name, _ in order]
        return sorted(rows, key=lambda row: [row[key] for key in keys])[:limit]


def connector(fake: Fake, **options: Any) -> TrytonConnector:
    return TrytonConnector(cast(TrytonRpc, fake), **options)


def test_what_was_written_before_and_seen_after_is_not_lost() -> None:
    fake = Fake()
    fake.tables["sale.sale"] = [sale(2, T0)]
    source = connector(fake, overlap=60)
    cursor = source.poll(None).cursor
    # A transaction that began earlier ends now: its record is behind the cursor.
    fake.tables["sale.sale"] += [sale(1, T0 - datetime.timedelta(seconds=59))]
    first = source.poll(cursor)
    assert [event.order for event in first.events] == ["1"]
    assert first.cursor != cursor
    # If that was not stored, it is told again, by us and by a process that starts anew.
    assert "1" in [event.order for event in source.poll(cursor).events]
    assert "1" in [event.order for event in connector(fake, overlap=60).poll(cursor).events]
    assert source.poll(source.poll(first.cursor).cursor).events == ()


@pytest.mark.parametrize("page", [1, 2, 3, 50])
def test_many_of_one_instant_are_told_once_each_in_pages(page: int) -> None:
    fake = Fake()
    fake.tables["sale.sale"] = [sale(number, T0) for number in range(1, 8)]
    source, cursor, found = connector(fake, page=page), None, []
    for _ in range(20):
        batch = source.poll(cursor)
        found += [event.order for event in batch.events]
        cursor = batch.cursor
        if not batch.more:
            break
    else:
        raise AssertionError("it never ends")
    assert sorted(found) == [str(number) for number in range(1, 8)]


def line(key: int, quantity: float, price: str, **more: Any) -> dict[str, Any]:
    facts = {"sale": 1, "unit": 1, "unit_price": Decimal(price), "moves_ignored": []}
    return {"id": key, "quantity": quantity, **facts, **more}


def move(key: int, of: int, quantity: float, unit: int = 1) -> dict[str, Any]:
    facts = {"state": "done", "product": 1, "effective_date": T0.date(), "write_date": T0, "sale": 1}
    return {"id": key, "origin": f"sale.line,{of}", "quantity": quantity, "unit": unit, **facts}


class Side:
    """Sales or purchases in a double of Tryton, and their connector."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.fake = Fake()
        kinds: dict[str, type[TrytonConnector | TrytonPurchases]] = {
            "sale": TrytonConnector,
            "purchase": TrytonPurchases,
        }
        self.connector = kinds[word](cast(TrytonRpc, self.fake))

    def orders(self, *rows: dict[str, Any]) -> None:
        date = f"{self.word}_date"
        self.fake.tables[f"{self.word}.{self.word}"] = [{**row, date: row["sale_date"]} for row in rows]

    def lines(self, *rows: dict[str, Any]) -> None:
        self.fake.tables[f"{self.word}.line"] = [{**row, self.word: row["sale"]} for row in rows]

    def moves(self, *rows: dict[str, Any]) -> None:
        origins = [row["origin"].replace("sale", self.word) for row in rows]
        self.fake.tables["stock.move"] = [
            {**row, self.word: row["sale"], "origin": origin} for row, origin in zip(rows, origins, strict=True)
        ]

    def invoice(self, orders: list[int], total: str = "10.00") -> None:
        amounts = {"total_amount": Decimal(total), "currency.": {"code": "USD"}, "invoice_date": T0.date()}
        facts = {"id": 1, "number": "17", "reference": None, "lines": [], f"{self.word}s": orders, "write_date": T0}
        self.fake.tables["account.invoice"] = [{**facts, **amounts}]


@pytest.fixture(params=["sale", "purchase"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param)


def test_an_odd_record_is_reported_and_the_others_go_on(side: Side) -> None:
    side.orders(sale(1, T0), sale(2, T0))
    side.lines(line(1, 10.0, "1.00", moves_progress=0.5))
    side.moves(move(1, 1, 5.0, unit=99))
    batch = side.connector.poll(None)
    assert [event.order for event in batch.events] == ["2"]
    ((problem,)) = batch.problems
    assert problem.place == f"{side.connector.name} {side.word} 1"
    assert "another unit" in problem.message


def test_an_order_that_sends_goods_both_ways_pays_nobody(side: Side) -> None:
    side.orders(sale(1, T0))
    side.lines(line(1, 10.0, "1.00", moves_progress=0.0), line(2, -2.0, "1.00", moves_progress=1.0))
    side.moves(move(1, 2, 2.0))  # what went back: nothing was delivered
    batch = side.connector.poll(None)
    assert batch.events == ()
    assert "takes back" in batch.problems[0].message


def test_an_invoice_of_two_orders_is_reported(side: Side) -> None:
    side.invoice([1, 2])
    batch = side.connector.poll(None)
    assert batch.events == ()
    ((problem,)) = batch.problems
    assert problem.place == f"{side.connector.name} invoice 17"
    assert f"2 {side.word}s" in problem.message


def test_a_credit_of_what_came_from_elsewhere_is_reported(side: Side) -> None:
    side.orders(sale(1, T0, origin="some.opportunity,5", total_amount=Decimal("-10.00")))
    side.invoice([1], "-10.00")
    batch = side.connector.poll(None)
    assert batch.events == ()
    assert "some.opportunity" in batch.problems[0].message


def test_a_cursor_that_was_stored_before_there_were_purchases_is_gone_on_from() -> None:
    stored = json.dumps(
        {
            "places": {
                "account.invoice": ["2026-11-29T12:00:00", 3, False],
                "sale.sale": ["2026-11-29T12:00:00", 1, True],
                "stock.move": ["2026-11-29T12:00:00.000250", 9, False],
            },
            "turn": 4,
            "version": 1,
        },
        sort_keys=True,
    )
    fake = Fake()
    fake.tables["sale.sale"] = [sale(1, T0), sale(2, T0)]
    batch = connector(fake).poll(stored)
    assert [event.order for event in batch.events] == ["2"], "after the first, within its pass"
    assert batch.cursor is not None
    assert json.loads(batch.cursor).keys() == {"places", "turn", "version"}, "and whoever goes back can read ours"
    with pytest.raises(SourceRefused, match="cursor"):
        TrytonPurchases(cast(TrytonRpc, fake)).poll(stored)


@pytest.mark.parametrize(
    ("total", "lines", "moves", "minor"),
    [
        # With 8.1 % tax: 108.10 for ten, of which three are 32.43.
        ("108.10", [line(1, 10.0, "10.00")], [move(1, 1, 3.0)], 3_243),
        ("100.00", [line(1, 3.0, "33.3333")], [move(1, 1, 1.0)], 3_333),
        ("100.00", [line(1, 3.0, "33.3333")], [move(1, 1, 1.0), move(2, 1, 2.0)], 10_000),
        # Floats as Tryton has them: 0.1 + 0.2 is 0.3 of a kilogram.
        ("10.00", [line(1, 1.0, "10.00")], [move(1, 1, 0.1), move(2, 1, 0.2)], 300),
        ("0.01", [line(1, 2.0, "0.005")], [move(1, 1, 1.0)], 1),
        ("100.00", [line(1, 1.0, "60.00"), line(2, 1.0, "40.00")], [move(1, 2, 1.0)], 4_000),
        # More than was ordered is paid as ordered.
        ("100.00", [line(1, 10.0, "10.00")], [move(1, 1, 12.0)], 10_000),
        ("0.00", [line(1, 10.0, "0.00")], [move(1, 1, 5.0)], 0),
    ],
)
def test_what_was_delivered_is_priced_by_the_lines(total: str, lines: Any, moves: Any, minor: int) -> None:
    assert delivered(Money(total, "USD"), lines, moves) == Money.from_minor(minor, "USD")


@pytest.mark.parametrize(
    ("ordered", "came", "given_up", "progress", "complete"),
    [
        (10.0, 10.0, 0.0, 1.0, True),
        (10.0, 9.0, 0.0, 0.9, False),
        (100_000.0, 99_996.0, 0.0, 1.0, False),
        (100_000.0, 99_996.0, 4.0, 1.0, True),
        (100_000.0, 100_001.0, 0.0, 1.0, True),
        # What Tryton does without for another reason, such as an invoice that was ignored.
        (10.0, 5.0, 0.0, 1.0, True),
    ],
)
def test_nothing_is_left_when_tryton_says_so_and_has_not_only_rounded(
    ordered: float, came: float, given_up: float, progress: float, complete: bool
) -> None:
    ordering = line(1, ordered, "1.00", moves_progress=progress, moves_ignored=[2] if given_up else [])
    cancelled = {**move(2, 1, given_up or 1.0), "state": "cancelled"}
    assert nothing_left([ordering], [move(1, 1, came), cancelled]) is complete


def test_yen_have_no_cents() -> None:
    assert delivered(Money("1001", "JPY"), [line(1, 2.0, "500.5")], [move(1, 1, 1.0)]) == Money("501", "JPY")


def test_a_cursor_of_the_other_side_is_refused_where_both_watch_the_same_kind(side: Side) -> None:
    side.invoice([1, 2])
    cursor = side.connector.poll(None).cursor
    assert cursor is not None
    assert json.loads(cursor)["places"].keys() == {"account.invoice"}
    other = Side("purchase" if side.word == "sale" else "sale")
    with pytest.raises(SourceRefused):
        other.connector.poll(cursor)


def test_a_cursor_of_a_kind_that_is_not_watched_is_refused() -> None:
    cursor = {"version": 1, "turn": 1, "places": {"purchase.purchase": ["2026-11-29T12:00:00", 1, False]}}
    with pytest.raises(SourceRefused):
        connector(Fake()).poll(json.dumps(cursor))


@pytest.mark.parametrize("cursor", ["", "{}", "7", '{"version": 9}', '{"version": 1, "turn": 1, "places": {"a": 1}}'])
def test_a_cursor_of_something_else_is_refused(cursor: str) -> None:
    with pytest.raises(SourceRefused):
        connector(Fake()).poll(cursor)
