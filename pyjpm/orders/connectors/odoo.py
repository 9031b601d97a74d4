"""Odoo as a source of order events: its deliveries, by the external API (JSON-RPC, or XML-RPC).

Written from Odoo's documentation of the external API (versions 14 to 18) and tested against a double written from the
same documentation, not against an Odoo: try it on a copy of yours first.

What it tells of a delivery (an outgoing ``stock.picking`` of a sale; ``order`` is the sale's number):

=========  ==================================  =====================================================================
status     milestone                           when
=========  ==================================  =====================================================================
``done``   ``goods``                           a delivery was done; ``accepted`` is what of the sale was delivered so
                                               far, with taxes; ``complete`` once no delivery of the sale is open
=========  ==================================  =====================================================================

Decisions that govern this module:

* ``seq`` is the second in which Odoo last wrote the delivery. Only ``done`` is told, which in Odoo is the end of a
  delivery: nothing else of it can happen in the same second.
* A ``write_date`` is when a transaction began, and it is seen once it has ended; Odoo keeps it finer than it tells it.
  So each poll looks ``overlap`` seconds back, and the cursor knows which deliveries of that time were told already.
* ``accepted`` is the part of each line's total that was delivered, rounded down to the minor unit over all of them.
* Odoo answers an error of its own with HTTP 200: it means that it refuses, or, of its database, that it is busy.
"""

from __future__ import annotations

import http.client
import json
import ssl
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol
from xml.parsers.expat import ExpatError

import urllib3

from pyjpm.bounded_json import read_json
from pyjpm.errors.intake import SourceRefused, SourceUnavailable
from pyjpm.errors.money import MoneyError
from pyjpm.money import minor_units
from pyjpm.orders.connectors.connector import CURRENCY, Batch, Problem, StatusEvent

GOODS: Final = "goods"
OVERLAP: Final = 300
TIMEOUT: Final = 10.0
_AT_ONCE: Final = 100
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_BEGINNING: Final = "1970-01-02 00:00:00"
_LONGEST_ANSWER: Final = 64 << 20
# Of its database: another transaction was faster. Said of nothing that we asked for.
_BUSY: Final = ("SerializationFailure", "OperationalError", "LockNotAvailable", "PoolError")

Password = Callable[[], str]


class OdooApi(Protocol):
    """One way to call a service of Odoo's external API."""

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """What it answers. Raises SourceUnavailable, SourceRefused."""
        ...


class OdooJsonRpc:
    """``POST /jsonrpc``.

    Args:
        url: of the server, such as ``https://erp.example.com``.
        timeout: seconds.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT, source: str = "odoo") -> None:
        self._url = url.rstrip("/") + "/jsonrpc"
        self._source = source
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)
        self._number = 0

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """See ``OdooApi``."""
        self._number += 1
        params = {"service": service, "method": method, "args": list(arguments)}
        asked = {"jsonrpc": "2.0", "method": "call", "id": self._number, "params": params}
        try:
            answer = self._pool.request("POST", self._url, json=asked, preload_content=False)
            body = answer.read(_LONGEST_ANSWER)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unavailable(self._source, type(error).__name__) from error
        if answer.status != http.HTTPStatus.OK:
            raise _unavailable(self._source, f"HTTP {answer.status}")
        try:
            told = read_json(body, parse_float=Decimal)
        except ValueError as error:
            raise _unavailable(self._source, "no JSON") from error
        if not isinstance(told, dict) or ("error" not in told and "result" not in told):
            raise _unavailable(self._source, "no JSON-RPC")
        if "error" in told:
            data = told["error"].get("data") or {} if isinstance(told["error"], dict) else {}
            raise _refusal(self._source, str(data.get("name", "")), str(data.get("message", "")))
        return told["result"]


class OdooXmlRpc:
    """``/xmlrpc/2/common`` and ``/xmlrpc/2/object``. Arguments as :class:`OdooJsonRpc`."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, source: str = "odoo") -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._source = source

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """See ``OdooApi``."""
        transport = _SafeTransport(self._timeout) if self._url.startswith("https:") else _Transport(self._timeout)
        try:
            with xmlrpc.client.ServerProxy(
                f"{self._url}/xmlrpc/2/{service}", transport=transport, allow_none=True
            ) as proxy:
                return getattr(proxy, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            # Its text ends with the line of the exception; before it stands Odoo's traceback.
            last = (fault.faultString.strip().splitlines() or [""])[-1]
            raise _refusal(self._source, last.partition(":")[0], last.partition(":")[2].strip()) from fault
        except xmlrpc.client.ProtocolError as error:
            raise _unavailable(self._source, f"HTTP {error.errcode}") from error
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError, ValueError) as error:
            raise _unavailable(self._source, type(error).__name__) from error


class OdooConnector:
    """Polls the deliveries of one Odoo database. Changes nothing there.

    Args:
        api: the way there.
        database, user: its name, and the login of a user who may read sales, deliveries and currencies.
        password: that user's password or API key, asked for at each login so that it need not be kept here.
        source: the name of this Odoo, in events and as the cursor's name.
        overlap: seconds; longer than any transaction in Odoo lasts.
    """

    def __init__(
        self,
        api: OdooApi,
        database: str,
        *,
        user: str,
        password: Password,
        source: str = "odoo",
        overlap: int = OVERLAP,
    ) -> None:
        self.name = f"odoo {source}"
        self._api = api
        self._database = database
        self._user = user
        self._password = password
        self._source = source
        self._overlap = overlap
        self._uid: int | None = None

    def poll(self, cursor: str | None) -> Batch:
        """See ``Connector``. Raises SourceRefused too: wrong user, no right, no such model."""
        state: dict[str, Any] = {"since": _BEGINNING, "told": {}, "page": 0}
        if cursor is not None:
            state = json.loads(cursor)
        pickings = self._search(
            "stock.picking",
            [
                ["picking_type_code", "=", "outgoing"],
                ["state", "=", "done"],
                ["sale_id", "!=", False],
                ["write_date", ">=", state["since"]],
            ],
            ["name", "sale_id", "date_done", "write_date"],
            order="write_date asc, id asc",
            offset=state["page"] * _AT_ONCE,
        )
        fresh = [each for each in pickings if state["told"].get(str(each["id"])) != each["write_date"]]
        events, problems = self._events(fresh)
        told = {**state["told"], **{str(each["id"]): each["write_date"] for each in pickings}}
        latest = max(told.values(), default=state["since"])
        behind = max(state["since"], (_moment(latest) - timedelta(seconds=self._overlap)).strftime(_FORMAT))
        kept = {number: written for number, written in told.items() if written >= behind}
        more = len(pickings) == _AT_ONCE
        after = {"since": behind, "told": kept, "page": 0}
        if more and latest > state["since"]:
            # On through what is there; the overlap is looked at once the end is reached.
            after["since"] = latest
        elif more:
            after |= {"since": state["since"], "page": state["page"] + 1}
        return Batch(events=events, problems=problems, cursor=json.dumps(after, sort_keys=True), more=more)

    # --- what Odoo has ---------------------------------------------------------------------------------------------

    def _events(self, pickings: Sequence[Mapping[str, Any]]) -> tuple[tuple[StatusEvent, ...], tuple[Problem, ...]]:
        if not pickings:
            return (), ()
        ids = sorted({picking["sale_id"][0] for picking in pickings})
        sales = {sale["id"]: sale for sale in self._search("sale.order", [["id", "in", ids]], ["name", "currency_id"])}
        lines = self._search(
            "sale.order.line",
            [["order_id", "in", ids], ["display_type", "=", False]],
            ["order_id", "product_uom_qty", "qty_delivered", "price_total"],
        )
        open_pickings = self._search(
            "stock.picking",
            [
                ["sale_id", "in", ids],
                ["picking_type_code", "=", "outgoing"],
                ["state", "not in", ["done", "cancel"]],
            ],
            ["sale_id"],
        )
        unfinished = {each["sale_id"][0] for each in open_pickings}
        events, problems = [], []
        for picking in pickings:
            place = f"{self._source} {picking['name']}"
            try:
                sale = sales[picking["sale_id"][0]]
                its_lines = [line for line in lines if line["order_id"][0] == sale["id"]]
                events.append(self._event(picking, sale, its_lines, place, complete=sale["id"] not in unfinished))
            except MoneyError as error:
                problems.append(Problem(place, error.message))
            except (LookupError, TypeError, ValueError, ArithmeticError) as error:
                problems.append(Problem(place, f"Its sale cannot be read: {type(error).__name__}."))
        return tuple(events), tuple(problems)

    def _event(
        self,
        picking: Mapping[str, Any],
        sale: Mapping[str, Any],
        lines: Sequence[Mapping[str, Any]],
        place: str,
        *,
        complete: bool,
    ) -> StatusEvent:
        return StatusEvent(
            source=self._source,
            order=sale["name"],
            milestone=GOODS,
            seq=int(_moment(picking["write_date"]).timestamp()),
            status="done",
            accepted=_delivered(lines, sale),
            complete=complete,
            at=int(_moment(picking["date_done"] or picking["write_date"]).timestamp()),
            extra=MappingProxyType(
                {CURRENCY: str(sale["currency_id"][1]), "place": place, "picking": str(picking["name"])}
            ),
        )

    def _search(
        self, model: str, domain: list[Any], fields: list[str], *, order: str = "id asc", offset: int | None = None
    ) -> list[dict[str, Any]]:
        """``search_read``; one page where an offset is given."""
        options: dict[str, Any] = {"fields": fields, "order": order}
        if offset is not None:
            options |= {"offset": offset, "limit": _AT_ONCE}
        if self._uid is None:
            uid = self._api.call("common", "authenticate", self._database, self._user, self._password(), {})
            if not isinstance(uid, int) or isinstance(uid, bool):
                raise _refusal(self._source, "AccessDenied", "wrong user, password or database")
            self._uid = uid
        login = (self._database, self._uid, self._password())
        found = self._api.call("object", "execute_kw", *login, model, "search_read", [domain], options)
        if not isinstance(found, list):
            raise _unavailable(self._source, "no list")
        return found


def _delivered(lines: Sequence[Mapping[str, Any]], sale: Mapping[str, Any]) -> int:
    """What was delivered of a sale, with taxes, in minor units of its currency. Raises MoneyError."""
    places = minor_units(sale["currency_id"][1])
    total = Decimal(0)
    for line in lines:
        ordered = _decimal(line["product_uom_qty"])
        if ordered:
            total += _decimal(line["price_total"]) * _decimal(line["qty_delivered"]) / ordered
    return int((total.scaleb(places)).to_integral_value(ROUND_DOWN))


def _decimal(value: Any) -> Decimal:
    # XML-RPC brings floats, whose shortest text is what Odoo keeps.
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _moment(text: str) -> datetime:
    return datetime.strptime(text[:19], _FORMAT).replace(tzinfo=UTC)


def _unavailable(source: str, cause: str) -> SourceUnavailable:
    return SourceUnavailable(f"Odoo does not answer: {cause}.", source=source, cause=cause)


def _refusal(source: str, name: str, message: str) -> SourceRefused | SourceUnavailable:
    short = name.rpartition(".")[2]
    if short in _BUSY:
        return _unavailable(source, short)
    cause = f"{short}: {message}".strip(": ")[:200]
    return SourceRefused(f"Odoo refuses: {cause or 'without a word'}.", source=source, cause=cause)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection


class _SafeTransport(xmlrpc.client.SafeTransport):
    def __init__(self, timeout: float) -> None:
        super().__init__(context=ssl.create_default_context())
        self._timeout = timeout

    def make_connection(self, host: Any) -> http.client.HTTPSConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection
