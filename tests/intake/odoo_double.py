"""A double of Odoo's external API, written from its documentation (External API, versions 14 to 18), not from its code.

It has the three models that the connector reads, answers ``authenticate`` and ``search_read`` over JSON-RPC and
XML-RPC, keeps ``write_date`` to the microsecond and tells it to the second, and can be down, slow or busy.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import xmlrpc.client
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

DATABASE, USER, PASSWORD = "shop", "reader@example.com", "api-key-of-the-reader"
UID = 7
_FORMAT = "%Y-%m-%d %H:%M:%S"


class OdooError(Exception):
    """What Odoo raises within; ``name`` is the class as its answers name it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class OdooDouble:
    """One database. ``mode``: ``up``, ``down`` (503), ``slow``, ``busy``; ``garbled``, ``cut`` or ``deep`` answers."""

    mode: str = "up"
    now: float = 1_790_000_000.25
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self.tables = {"sale.order": [], "sale.order.line": [], "stock.picking": []}
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, said = double.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *arguments: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- what happens in the shop ---

    def sale(self, name: str, *lines: tuple[float, float], currency: str = "USD") -> int:
        """A sale of lines, each a quantity and a total with taxes."""
        sale = self._add("sale.order", name=name, currency_id=[2, currency])
        for quantity, total in lines:
            self._add(
                "sale.order.line",
                order_id=[sale, name],
                display_type=False,
                product_uom_qty=quantity,
                qty_delivered=0.0,
                price_total=total,
            )
        self._add("sale.order.line", order_id=[sale, name], display_type="line_note", price_total=0.0)
        return sale

    def picking(self, sale: int, *, state: str = "assigned", kind: str = "outgoing") -> int:
        """A delivery of a sale, not done yet."""
        name = f"WH/OUT/{next(self._ids):05}"
        return self._add(
            "stock.picking",
            name=name,
            sale_id=[sale, "sale"],
            state=state,
            picking_type_code=kind,
            date_done=False,
        )

    def deliver(self, picking: int, *delivered: float, at: float | None = None) -> None:
        """It is done; how much of each line of its sale was delivered so far."""
        row = self._row("stock.picking", picking)
        lines = [each for each in self.tables["sale.order.line"] if each["order_id"][0] == row["sale_id"][0]]
        for line, quantity in zip(lines, delivered, strict=False):
            line["qty_delivered"] = quantity
        at = self.now if at is None else at
        row.update(state="done", date_done=at, write_date=at)

    def cancel(self, picking: int) -> None:
        """Nothing more will come of it."""
        self._row("stock.picking", picking).update(state="cancel", write_date=self.now)

    def _add(self, model: str, **values: Any) -> int:
        number = next(self._ids)
        self.tables[model].append({"id": number, "write_date": self.now, **values})
        return number

    def _row(self, model: str, number: int) -> dict[str, Any]:
        return next(row for row in self.tables[model] if row["id"] == number)

    # --- the API ---

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """One request's answer: status, content type, body."""
        if self.mode == "slow":
            time.sleep(1.5)
        if self.mode == "down":
            return 503, "text/html", b"<h1>down</h1>"
        if self.mode == "garbled":
            return 200, "text/html", b"<html>a proxy's page</html>"
        if self.mode == "cut":
            return 200, "text/xml", b"<methodResponse><params>"
        if self.mode == "deep":
            return 200, "application/json", b"[" * 200_000
        if path == "/jsonrpc":
            asked = json.loads(body)
            params = asked["params"]
            try:
                told = {"result": self._call(params["service"], params["method"], params["args"])}
            except OdooError as error:
                data = {"name": error.name, "message": str(error), "debug": "Traceback …", "arguments": [str(error)]}
                told = {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}
            return 200, "application/json", json.dumps({"jsonrpc": "2.0", "id": asked["id"], **told}).encode()
        arguments, method = xmlrpc.client.loads(body.decode())
        try:
            result = self._call(path.rsplit("/", 1)[1], method, list(arguments))
            said = xmlrpc.client.dumps((result,), methodresponse=True, allow_none=True)
        except OdooError as error:
            traceback = f"Traceback (most recent call last):\n  …\n{error.name}: {error}\n"
            said = xmlrpc.client.dumps(xmlrpc.client.Fault(1, traceback))
        return 200, "text/xml", said.encode()

    def _call(self, service: str, method: str, arguments: list[Any]) -> Any:
        self.asked.append(method)
        if service == "common" and method == "authenticate":
            return UID if arguments[:3] == [DATABASE, USER, PASSWORD] else False
        assert (service, method) == ("object", "execute_kw")
        database, uid, password, model, name, (domain,), options = arguments
        if (database, uid, password) != (DATABASE, UID, PASSWORD):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        if self.mode == "busy":
            raise OdooError("psycopg2.errors.SerializationFailure", "could not serialize access")
        if self.mode == "forbidden":
            raise OdooError("odoo.exceptions.AccessError", f"You are not allowed to access '{model}'.")
        assert name == "search_read"
        return self._search_read(model, domain, **options)

    def _search_read(
        self, model: str, domain: list[Any], fields: list[str], order: str, offset: int = 0, limit: int | None = None
    ) -> list[dict[str, Any]]:
        rows = [row for row in self.tables[model] if all(_fits(row, *term) for term in domain)]
        for name in reversed([part.split()[0] for part in order.split(",")]):
            rows.sort(key=lambda row: row[name])
        found = rows[offset:] if limit is None else rows[offset : offset + limit]
        return [{"id": row["id"], **{name: _told(row.get(name, False), name) for name in fields}} for row in found]


def _fits(row: dict[str, Any], name: str, operator: str, wanted: Any) -> bool:
    value = row.get(name, False)
    if name == "write_date":
        wanted = datetime.strptime(wanted, _FORMAT).replace(tzinfo=UTC).timestamp()
    if isinstance(value, list):
        value = value[0]
    answers = {
        "=": lambda: value == wanted,
        "!=": lambda: value != wanted,
        ">=": lambda: value >= wanted,
        "in": lambda: value in wanted,
        "not in": lambda: value not in wanted,
    }
    return bool(answers[operator]())


def _told(value: Any, name: str) -> Any:
    if name in ("write_date", "date_done") and value is not False:
        return datetime.fromtimestamp(int(value), UTC).strftime(_FORMAT)
    return value
