"""What a Tryton tells of its orders, sales or purchases alike: confirmed, moved, invoiced, credited.

Tryton keeps the two in models of the same form, whose names follow from one word; :class:`Side` has the rest of what
differs. :mod:`pyjpm.orders.connectors.tryton` has the sales, ``tryton_purchases`` the purchases.

Decisions that govern this module:

* Each changed order is read as it is: an event is a function of the order's state, never of how many changes led there.
* ``seq`` of what moved is twice the number of the order's moves that are done or cancelled, and one more once nothing
  is left to come: it only grows.
* Orders of a negative total are returns. They are told by their credit notes, of the order that they came from.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from pyjpm.errors.money import MoneyError
from pyjpm.money import Money
from pyjpm.orders.connectors.connector import CURRENCY, Batch, Problem, StatusEvent
from pyjpm.orders.connectors.tryton_changes import OVERLAP, PAGE, Changes, Stream
from pyjpm.orders.connectors.tryton_moved import Odd, delivered, delivery, nothing_left
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc

if TYPE_CHECKING:
    from pyjpm.orders.connectors.sources import SourceSettings

CONFIRMED: Final = "confirmed"
INVOICED: Final = "invoiced"
CREDITED: Final = "credited"
GOODS: Final = "goods"
_CLOSED: Final = frozenset({"done", "cancelled"})
# One that is only confirmed may become a draft again.
_STANDS: Final = ["state", "in", ["processing", "done"]]
_MOVE: Final = ["origin", "state", "quantity", "unit", "product", "effective_date", "write_date"]
_BY_ID: Final = [["id", "ASC"]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two sides of trade, as Tryton names it.

    Attributes:
        word: of the models and fields: ``sale``, ``purchase``.
        moved: the status when goods have moved.
        invoices: the type of its invoices.
        cursor: what its cursors say that they are of.
    """

    word: str
    moved: str
    invoices: str
    cursor: str | None

    @property
    def model(self) -> str:
        """Of its orders."""
        return f"{self.word}.{self.word}"

    @property
    def line(self) -> str:
        """The model of its orders' lines."""
        return f"{self.word}.line"

    def streams(self) -> Mapping[str, Stream]:
        """What is watched for it."""
        return MappingProxyType(
            {
                self.model: Stream([_STANDS]),
                "stock.move": Stream(
                    [["origin", "like", f"{self.line},%"], ["state", "in", sorted(_CLOSED)]], (self.word,)
                ),
                "account.invoice": Stream([["type", "=", self.invoices], ["state", "in", ["posted", "paid"]]]),
            }
        )


class TradeConnector:
    """Polls one side of one Tryton database. Changes nothing there.

    Args:
        rpc: the way there.
        source: the name in events and of the cursor; never the same for both sides, whose orders may share numbers.
        overlap: seconds; longer than any transaction in Tryton lasts.
        page: how many changed records of a kind a poll reads at most.
    """

    SIDE: ClassVar[Side]

    def __init__(self, rpc: TrytonRpc, *, source: str, overlap: int = OVERLAP, page: int = PAGE) -> None:
        self.name = source
        self._rpc = rpc
        self._changes = Changes(
            rpc, self.SIDE.streams(), source=source, of=self.SIDE.cursor, overlap=overlap, page=page
        )

    @classmethod
    def connect(cls, settings: SourceSettings) -> Self:
        """The connector of ``pyjpm orders watch``. Raises WatchInvalid: something is not given."""
        rpc = TrytonRpc(
            settings.need("url"),
            settings.need("database"),
            user=settings.need("user"),
            password=settings.need("password"),
            source=settings.source,
        )
        return cls(rpc, source=settings.source)

    def poll(self, cursor: str | None) -> Batch:
        """What changed after ``cursor``. Raises SourceUnavailable, SourceRefused."""
        changed = self._changes.after(cursor)
        rows, side = changed.rows, self.SIDE
        orders = {row["id"] for row in rows[side.model]} | {row[side.word] for row in rows["stock.move"]}
        events, problems = self._of_orders(orders - {None})
        more_events, more_problems = self._of_invoices([row["id"] for row in rows["account.invoice"]])
        return Batch(
            events=(*events, *more_events),
            cursor=changed.cursor,
            more=changed.more,
            problems=(*problems, *more_problems),
        )

    # --- orders and what moved ---

    def _of_orders(self, ids: Iterable[int]) -> tuple[list[StatusEvent], list[Problem]]:
        wanted, side = sorted(ids), self.SIDE
        if not wanted:
            return [], []
        date = f"{side.word}_date"
        fields = ["number", "reference", date, "total_amount", "currency.code", "party.rec_name"]
        found = self._rpc.search_read(side.model, [["id", "in", wanted], _STANDS], fields, order=_BY_ID)
        orders = [order for order in found if order["total_amount"] > 0]
        of_orders = [[side.word, "in", [order["id"] for order in orders]]]
        line_fields = [side.word, "quantity", "unit", "unit_price", "moves_progress", "moves_ignored"]
        lines = self._rpc.search_read(side.line, [*of_orders, ["type", "=", "line"]], line_fields, order=_BY_ID)
        moves = self._rpc.search_read("stock.move", of_orders, _MOVE, order=_BY_ID)
        events: list[StatusEvent] = []
        problems: list[Problem] = []
        for order in orders:
            own = [line for line in lines if line[side.word] == order["id"]]
            try:
                events += self._told(order, _day(order[date]), own, moves)
            except (Odd, MoneyError) as odd:
                problems.append(Problem(f"{self.name} {side.word} {order['number']}", str(odd)))
        return events, problems

    def _told(
        self, order: dict[str, Any], at: int, lines: list[dict[str, Any]], moves: list[dict[str, Any]]
    ) -> list[StatusEvent]:
        side, number = self.SIDE, order["number"]
        total = Money(order["total_amount"], order["currency."]["code"])
        extra = {
            CURRENCY: total.currency,
            "amount": str(total.minor),
            "party": str(order["party."]["rec_name"]),
            "reference": order["reference"] or "",
            "place": f"{self.name} {side.model},{order['id']}",
        }
        confirmed = StatusEvent(
            source=self.name,
            order=number,
            seq=1,
            status=CONFIRMED,
            accepted=total.minor,
            complete=False,
            at=at,
            extra=MappingProxyType(extra),
        )
        moving = [line for line in lines if line["moves_progress"] is not None]
        origins = {f"{side.line},{line['id']}" for line in moving}
        closed = [move for move in moves if move["origin"] in origins and move["state"] in _CLOSED]
        done = [move for move in closed if move["state"] == "done"]
        complete = nothing_left(moving, closed)
        if not closed or not (done or complete):
            return [confirmed]
        moved = StatusEvent(
            source=self.name,
            order=number,
            milestone=GOODS,
            seq=2 * len(closed) + complete,
            status=side.moved,
            accepted=delivered(total, moving, done).minor,
            complete=complete,
            document=delivery(side.word, number, done),
            at=_day(max(move["effective_date"] or move["write_date"].date() for move in done or closed)),
            extra=MappingProxyType(extra),
        )
        return [confirmed, moved]

    # --- invoices and credit notes ---

    def _of_invoices(self, ids: list[int]) -> tuple[list[StatusEvent], list[Problem]]:
        events: list[StatusEvent] = []
        problems: list[Problem] = []
        if not ids:
            return events, problems
        named = f"{self.SIDE.word}s"
        fields = ["number", "reference", "invoice_date", "total_amount", "currency.code", named, "lines"]
        found = self._rpc.search_read("account.invoice", [["id", "in", ids]], fields, order=_BY_ID)
        for invoice in found:
            orders = invoice[named] or self._credited_orders(invoice["lines"])
            if not orders:
                continue  # Of something else.
            try:
                events.append(self._invoiced(invoice, orders))
            except (Odd, MoneyError) as odd:
                problems.append(Problem(f"{self.name} invoice {invoice['number']}", str(odd)))
        return events, problems

    def _invoiced(self, invoice: dict[str, Any], orders: list[int]) -> StatusEvent:
        if len(orders) != 1:
            raise Odd(f"it is about {len(orders)} {self.SIDE.word}s, and an order is one")
        (order,) = self._rpc.search_read(self.SIDE.model, [["id", "=", orders[0]]], ["number", "origin"], order=_BY_ID)
        amount = Money(invoice["total_amount"], invoice["currency."]["code"])
        number = order["number"]
        if amount.minor < 0 and order["origin"]:
            number = self._returned(order["origin"])
        status, part = (CREDITED, "credit") if amount.minor < 0 else (INVOICED, "invoice")
        extra = {
            CURRENCY: amount.currency,
            "invoice": str(invoice["id"]),
            "number": invoice["number"],
            "reference": invoice["reference"] or "",
            "place": f"{self.name} account.invoice,{invoice['id']}",
        }
        return StatusEvent(
            source=self.name,
            order=number,
            milestone=f"{part} {invoice['number']}",
            seq=1,
            status=status,
            accepted=abs(amount.minor),
            complete=True,
            at=_day(invoice["invoice_date"]),
            extra=MappingProxyType(extra),
        )

    def _returned(self, origin: str) -> str:
        """The number of the order that a return is of."""
        model, _, key = origin.partition(",")
        if model != self.SIDE.model:
            raise Odd(f"its {self.SIDE.word} came from {model}, which is no {self.SIDE.word}")
        (order,) = self._rpc.search_read(model, [["id", "=", int(key)]], ["number"], order=_BY_ID)
        return str(order["number"])

    def _credited_orders(self, lines: list[int]) -> list[int]:
        """The orders of the invoices that a credit note's lines came from: Tryton's wizard names those only."""
        found = self._rpc.search_read("account.invoice.line", [["id", "in", lines]], ["origin"], order=_BY_ID)
        origins = [line["origin"] or "" for line in found]
        of = [int(origin.partition(",")[2]) for origin in origins if origin.startswith("account.invoice.line,")]
        if not of:
            return []
        domain, named = [["lines", "where", [["id", "in", of]]]], f"{self.SIDE.word}s"
        invoices = self._rpc.search_read("account.invoice", domain, [named], order=_BY_ID)
        return sorted({order for invoice in invoices for order in invoice[named]})


def _day(date: datetime.date) -> int:
    """Tryton tells days: their beginning in UTC, unix seconds."""
    return int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
