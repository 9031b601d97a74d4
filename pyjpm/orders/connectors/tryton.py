"""Tryton 8 as a source of order events: its sales, what was shipped of them, their invoices and credit notes.

What it tells of a sale (``order`` is its number):

=============  ==================  ===================================================================================
status         milestone           when
=============  ==================  ===================================================================================
``confirmed``  (none), ``seq`` 1   the sale is being processed; ``accepted`` is its total
``shipped``    ``goods``           a shipment is done, or nothing more will come; ``accepted`` is the delivered part
``invoiced``   ``invoice NUMBER``  an invoice is posted; ``accepted`` is its total
``credited``   ``credit NUMBER``   a credit note is posted, of a return or of an invoice; ``accepted`` is what it gives
=============  ==================  ===================================================================================

Decisions that govern this module:

* Tryton is asked what was written since, by ``write_date`` and id, and each changed sale is then read as it is: an
  event is a function of the sale's state, never of how many changes led there.
* A ``write_date`` is when a transaction began, and it is seen only once it has ended; so each pass looks ``overlap``
  seconds back behind the last one. What is read twice is the same event, and stored once.
* ``seq`` of ``shipped`` is twice the number of the sale's moves that are done or cancelled, and one more once nothing
  is left to come: it only grows, and the notices of the module ``pyjpm_bridge`` have the same.
* Delivered is priced by the sale's lines, as a part of the total with taxes, rounded half up to the minor unit.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pyjpm.errors.intake import SourceRefused
from pyjpm.errors.money import MoneyError
from pyjpm.money import Money
from pyjpm.orders.connectors.connector import CURRENCY, Batch, Problem, StatusEvent
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc

if TYPE_CHECKING:
    from pyjpm.orders.connectors.sources import SourceSettings

CONFIRMED, SHIPPED, INVOICED, CREDITED = "confirmed", "shipped", "invoiced", "credited"
GOODS: Final = "goods"
OVERLAP: Final = 300
_PAGE: Final = 200
_VERSION: Final = 1
_CLOSED: Final = frozenset({"done", "cancelled"})
# A sale that is only confirmed may become a draft again.
_STREAMS: Final[Mapping[str, tuple[list[Any], list[str]]]] = MappingProxyType(
    {
        "sale.sale": ([["state", "in", ["processing", "done"]]], []),
        "stock.move": ([["origin", "like", "sale.line,%"], ["state", "in", sorted(_CLOSED)]], ["sale"]),
        "account.invoice": ([["type", "=", "out"], ["state", "in", ["posted", "paid"]]], []),
    }
)
_SALE: Final = [
    "number",
    "origin",
    "reference",
    "sale_date",
    "total_amount",
    "currency.code",
    "party.rec_name",
    "lines",
]
_LINE: Final = ["sale", "quantity", "unit", "unit_price", "moves_progress"]
_MOVE: Final = ["origin", "state", "quantity", "unit", "product", "effective_date", "write_date"]
_INVOICE: Final = ["number", "invoice_date", "total_amount", "currency.code", "sales", "lines"]


class TrytonConnector:
    """Polls one Tryton database. Changes nothing there.

    Args:
        rpc: the way there.
        source: the name of this Tryton, in events and as the cursor's name.
        overlap: seconds; longer than any transaction in Tryton lasts.
        page: how many changed records of a kind a poll reads at most.
    """

    def __init__(self, rpc: TrytonRpc, *, source: str = "tryton", overlap: int = OVERLAP, page: int = _PAGE) -> None:
        self.name = source
        self._rpc = rpc
        self._overlap = datetime.timedelta(seconds=overlap)
        self._page = page
        # What was read within the overlap, by record; good for whoever comes back with the cursor that it left with.
        self._seen: dict[tuple[str, int], datetime.datetime] = {}
        self._left_with: str | None = None

    def poll(self, cursor: str | None) -> Batch:
        """What changed after ``cursor``. Raises SourceUnavailable, SourceRefused."""
        turn, places = _read(cursor)
        if cursor is None or cursor != self._left_with:
            # It was not stored, or we are new: what we remember was perhaps never told.
            self._seen.clear()
        changed: dict[str, list[dict[str, Any]]] = {model: [] for model in _STREAMS}
        seen, after, more = dict(self._seen), dict(places), False
        # A pass begins anew once all kinds of records are through with the last one.
        unfinished = [model for model, place in places.items() if place.within]
        for model in unfinished or _STREAMS:
            rows = self._changed(model, places.get(model))
            full = len(rows) == self._page
            more |= full
            if rows:
                after[model] = _Place(rows[-1]["write_date"], rows[-1]["id"], within=full)
            elif model in places:
                after[model] = _Place(places[model].at, places[model].id, within=False)
            changed[model] = [row for row in rows if seen.get((model, row["id"])) != row["write_date"]]
            seen |= {(model, row["id"]): row["write_date"] for row in rows}
        sales = {row["id"] for row in changed["sale.sale"]} | {row["sale"] for row in changed["stock.move"]}
        events, problems = self._of_sales(sales - {None})
        more_events, more_problems = self._of_invoices([row["id"] for row in changed["account.invoice"]])
        # Whatever is new makes another cursor, so that who comes back with it has stored what is remembered.
        turn += any(changed.values())
        told = {"version": _VERSION, "turn": turn, "places": {model: place.told() for model, place in after.items()}}
        left_with = json.dumps(told, sort_keys=True)
        self._remember(seen, after, left_with)
        return Batch(events=(*events, *more_events), cursor=left_with, more=more, problems=(*problems, *more_problems))

    # --- what changed ---

    def _changed(self, model: str, place: _Place | None) -> list[dict[str, Any]]:
        domain, fields = _STREAMS[model]
        since: list[Any] = []
        if place is not None and place.within:
            at = place.at
            since = [["OR", [["write_date", ">", at]], [["write_date", "=", at], ["id", ">", place.id]]]]
        elif place is not None:
            since = [["write_date", ">=", place.at - self._overlap]]
        order = [["write_date", "ASC"], ["id", "ASC"]]
        return self._rpc.search_read(model, [*domain, *since], ["write_date", *fields], order=order, limit=self._page)

    def _remember(self, seen: dict[tuple[str, int], datetime.datetime], after: dict[str, _Place], told: str) -> None:
        kept = {model: place.at - self._overlap for model, place in after.items()}
        self._seen = {key: at for key, at in seen.items() if at >= kept[key[0]]}
        self._left_with = told

    # --- what it means ---

    def _of_sales(self, ids: Iterable[int]) -> tuple[list[StatusEvent], list[Problem]]:
        wanted = sorted(ids)
        if not wanted:
            return [], []
        by_id = [["id", "ASC"]]
        domain = [["id", "in", wanted], ["state", "in", ["processing", "done"]]]
        found = self._rpc.search_read("sale.sale", domain, _SALE, order=by_id)
        # Returns, which are sales of negative quantities, are told by their credit notes.
        sales = [sale for sale in found if sale["total_amount"] > 0]
        of_sales = [["sale", "in", [sale["id"] for sale in sales]]]
        lines = self._rpc.search_read("sale.line", [*of_sales, ["type", "=", "line"]], _LINE, order=by_id)
        moves = self._rpc.search_read("stock.move", of_sales, _MOVE, order=by_id)
        events: list[StatusEvent] = []
        problems: list[Problem] = []
        for sale in sales:
            own = [line for line in lines if line["sale"] == sale["id"]]
            try:
                events += self._told(sale, own, moves)
            except (_Odd, MoneyError) as odd:
                problems.append(Problem(f"{self.name} sale {sale['number']}", str(odd)))
        return events, problems

    def _told(
        self, sale: dict[str, Any], lines: list[dict[str, Any]], moves: list[dict[str, Any]]
    ) -> list[StatusEvent]:
        total = Money(sale["total_amount"], sale["currency."]["code"])
        extra = {
            CURRENCY: total.currency,
            "amount": str(total.minor),
            "party": str(sale["party."]["rec_name"]),
            "reference": sale["reference"] or "",
        }
        confirmed = self._event(
            sale["number"], "", 1, CONFIRMED, total.minor, False, _day(sale["sale_date"]), extra, sale["id"]
        )
        moved = [line for line in lines if line["moves_progress"] is not None]
        origins = {f"sale.line,{line['id']}" for line in moved}
        closed = [move for move in moves if move["origin"] in origins and move["state"] in _CLOSED]
        if not closed:
            return [confirmed]
        done = [move for move in closed if move["state"] == "done"]
        complete = all(line["moves_progress"] >= 1 for line in moved)
        if not done and not complete:
            return [confirmed]
        shipped = self._event(
            sale["number"],
            GOODS,
            2 * len(closed) + complete,
            SHIPPED,
            delivered(total, moved, done).minor,
            complete,
            _day(max(move["effective_date"] or move["write_date"].date() for move in done or closed)),
            extra,
            sale["id"],
            document=_delivery(sale["number"], done),
        )
        return [confirmed, shipped]

    def _of_invoices(self, ids: list[int]) -> tuple[list[StatusEvent], list[Problem]]:
        events: list[StatusEvent] = []
        problems: list[Problem] = []
        if not ids:
            return events, problems
        found = self._rpc.search_read("account.invoice", [["id", "in", ids]], _INVOICE, order=[["id", "ASC"]])
        for invoice in found:
            sales = invoice["sales"] or self._credited_sales(invoice["lines"])
            if not sales:
                continue  # Not of a sale.
            try:
                events.append(self._invoiced(invoice, sales))
            except (_Odd, MoneyError) as odd:
                problems.append(Problem(f"{self.name} invoice {invoice['number']}", str(odd)))
        return events, problems

    def _invoiced(self, invoice: dict[str, Any], sales: list[int]) -> StatusEvent:
        if len(sales) != 1:
            raise _Odd(f"it is about {len(sales)} sales, and an order is one")
        (sale,) = self._rpc.search_read(
            "sale.sale", [["id", "=", sales[0]]], ["number", "origin"], order=[["id", "ASC"]]
        )
        amount = Money(invoice["total_amount"], invoice["currency."]["code"])
        number = sale["number"]
        if amount.minor < 0 and sale["origin"]:
            number = self._returned(sale["origin"])
        status, part = (CREDITED, "credit") if amount.minor < 0 else (INVOICED, "invoice")
        extra = {CURRENCY: amount.currency, "invoice": str(invoice["id"]), "number": invoice["number"]}
        at = _day(invoice["invoice_date"])
        named = f"{part} {invoice['number']}"
        return self._event(
            number, named, 1, status, abs(amount.minor), True, at, extra, invoice["id"], "account.invoice"
        )

    def _returned(self, origin: str) -> str:
        """The number of the sale that a return is of."""
        model, _, key = origin.partition(",")
        if model != "sale.sale":
            raise _Odd(f"its sale came from {model}, which is no sale")
        (sale,) = self._rpc.search_read("sale.sale", [["id", "=", int(key)]], ["number"], order=[["id", "ASC"]])
        return str(sale["number"])

    def _credited_sales(self, lines: list[int]) -> list[int]:
        """The sales of the invoices that a credit note's lines came from: Tryton's own credit notes name those only."""
        by_id = [["id", "ASC"]]
        found = self._rpc.search_read("account.invoice.line", [["id", "in", lines]], ["origin"], order=by_id)
        origins = [line["origin"] or "" for line in found]
        of = [int(origin.partition(",")[2]) for origin in origins if origin.startswith("account.invoice.line,")]
        if not of:
            return []
        domain = [["lines", "where", [["id", "in", of]]]]
        invoices = self._rpc.search_read("account.invoice", domain, ["sales"], order=by_id)
        return sorted({sale for invoice in invoices for sale in invoice["sales"]})

    def _event(
        self,
        order: str,
        milestone: str,
        seq: int,
        status: str,
        accepted: int,
        complete: bool,
        at: int,
        extra: Mapping[str, str],
        record: int,
        model: str = "sale.sale",
        document: bytes | None = None,
    ) -> StatusEvent:
        return StatusEvent(
            source=self.name,
            order=order,
            milestone=milestone,
            seq=seq,
            status=status,
            accepted=accepted,
            complete=complete,
            document=document,
            at=at,
            extra=MappingProxyType({**extra, "place": f"{self.name} {model},{record}"}),
        )


def connect(settings: SourceSettings) -> TrytonConnector:
    """The connector of ``pyjpm orders watch --source tryton``. Raises WatchInvalid: something is not given."""
    rpc = TrytonRpc(
        settings.need("url"),
        settings.need("database"),
        user=settings.need("user"),
        password=settings.need("password"),
        source=settings.source,
    )
    return TrytonConnector(rpc, source=settings.source)


def delivered(total: Money, lines: list[dict[str, Any]], done: list[dict[str, Any]]) -> Money:
    """The delivered part of a sale's total.

    Args:
        lines: the sale's lines that are delivered by moves: ``id, quantity, unit, unit_price``.
        done: the moves that are done: ``origin, quantity, unit``.
    """
    known = {f"sale.line,{line['id']}": line for line in lines}
    ordered = sum((_exact(line["quantity"]) * line["unit_price"] for line in lines), Decimal(0))
    came = Decimal(0)
    for move in done:
        line = known[move["origin"]]
        if move["unit"] != line["unit"]:
            raise _Odd("a move counts in another unit than its line")
        came += _exact(move["quantity"]) * line["unit_price"]
    part = min(came / ordered, Decimal(1)) if ordered else Decimal(1)
    return Money.from_minor(int((total.minor * part).quantize(Decimal(1), ROUND_HALF_UP)), total.currency)


class _Odd(ValueError):
    """Something in a record that this connector cannot tell; reported with the record's number."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stream of records is: after that record, and whether more of the same pass follows."""

    at: datetime.datetime
    id: int
    within: bool

    def told(self) -> list[Any]:
        return [self.at.isoformat(), self.id, self.within]


def _read(cursor: str | None) -> tuple[int, dict[str, _Place]]:
    if cursor is None:
        return 0, {}
    try:
        told = json.loads(cursor)
        if told["version"] != _VERSION:
            raise ValueError
        return int(told["turn"]), {
            model: _Place(datetime.datetime.fromisoformat(at), int(record), bool(within))
            for model, (at, record, within) in told["places"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        told = "a cursor that is not of this connector"
        raise SourceRefused(f"{told} was given.", source="tryton", cause=told) from None


def _delivery(number: str, done: list[dict[str, Any]]) -> bytes:
    """What proves a delivery: which moves of which quantities are done."""
    moves = [
        {"id": move["id"], "product": move["product"], "quantity": _plain(move["quantity"]), "unit": move["unit"]}
        for move in done
    ]
    return json.dumps({"sale": number, "moves": moves}, sort_keys=True, separators=(",", ":")).encode()


def _exact(quantity: float) -> Decimal:
    # Tryton keeps quantities as floats and shows their shortest form: that is what was meant.
    return Decimal(str(quantity))


def _plain(quantity: float) -> str:
    return format(_exact(quantity).normalize(), "f")


def _day(date: datetime.date) -> int:
    """Tryton tells days: their beginning in UTC, unix seconds."""
    return int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
