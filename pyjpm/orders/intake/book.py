"""The order book: which order document on the chain an order of a source is, and which milestone its parts are.

Decisions that govern this module:

* An order is bound before anything of it is attested: nobody guesses which money an ERP's order number means.
* A binding is changed only by saying so (after an amendment, which makes an order of new terms); what was attested
  before stays where it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from pyjpm.documents import Document
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.intake import OrderBoundOtherwise
from pyjpm.orders.intake import tables
from pyjpm.orders.intake.database import IntakeDatabase, rows_named
from pyjpm.orders.intake.states import EventState
from pyjpm.record import DeploymentRecord
from pyjpm.terms import OrderTerms

_ONLY = MappingProxyType({"": 0})

Name = tuple[str, str]
"""Of an order: its source, and what that calls it."""


@dataclass(frozen=True, slots=True)
class BoundOrder:
    """An order of a source with its terms. ``parts``: index of a milestone by what the source calls it."""

    source: str
    order: str
    document: Document
    terms: OrderTerms
    parts: Mapping[str, int]

    @property
    def chain_order(self) -> str:
        """The order's id on the chain, ``0x…``."""
        return "0x" + self.terms.id.hex()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, without the document."""
        return {
            "source": self.source,
            "order": self.order,
            "chain_order": self.chain_order,
            "parts": dict(self.parts),
        }


class OrderBook:
    """The bindings of one intake."""

    def __init__(self, record: DeploymentRecord, database: IntakeDatabase) -> None:
        self._record = record
        self._database = database

    def bind(
        self,
        source: str,
        order: str,
        document: Document,
        *,
        parts: Mapping[str, int] = _ONLY,
        rebind: bool = False,
    ) -> BoundOrder:
        """Binds an order of a source to the order document that the parties signed; again with the same is fine.

        Args:
            parts: index of the milestone by what the source calls the part of the order; the whole order is the first
                milestone by default.
            rebind: replace a binding to other terms, after an amendment.

        Raises:
            OrderBoundOtherwise: it is bound to other terms or parts.
            InvalidRequest: an index that the order has not, or a name that cannot be stored.
            MalformedDocument, DocumentForElsewhere: of the document.
        """
        document.require("order", self._record.chain_id, self._record.address("OrderEscrow"))
        bound = BoundOrder(source, order, document, OrderTerms.from_body(document.body), MappingProxyType(dict(parts)))
        if not 1 <= len(source) <= 64 or not 1 <= len(order) <= 128 or any(len(part) > 128 for part in parts):
            raise InvalidRequest("A source has 1 to 64 characters, an order 1 to 128, a part at most 128.")
        if not parts or not all(0 <= index < len(bound.terms.milestones) for index in parts.values()):
            raise InvalidRequest(f"The order has {len(bound.terms.milestones)} milestones, from index 0.")
        with self._database.transaction() as connection:
            self._bind(connection, bound, rebind)
        return bound

    def find(self, source: str, order: str) -> BoundOrder | None:
        """The binding of an order, None where there is none."""
        with self._database.reading() as connection:
            row = _find(connection, source, order)
        return None if row is None else _bound(row)

    def find_many(self, names: Collection[Name]) -> dict[Name, BoundOrder]:
        """The bindings of those of these orders that have one."""
        return {(row.source, row.order_id): _bound(row) for row in self._named(select(tables.order), names)}

    def chain_orders(self, names: Collection[Name]) -> dict[Name, str]:
        """Which order on the chain each of these orders is that is bound, ``0x…``."""
        columns = tables.order.c
        query = select(columns.source, columns.order_id, columns.chain_order)
        return {(row.source, row.order_id): row.chain_order for row in self._named(query, names)}

    def list(self) -> list[BoundOrder]:
        """All bindings, by source and order."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.order).order_by(tables.order.c.source, tables.order.c.order_id))
            return [_bound(row) for row in rows]

    def _named(self, query: Select[Any], names: Collection[Name]) -> Sequence[Row[Any]]:
        columns = (tables.order.c.source, tables.order.c.order_id)
        with self._database.reading() as connection:
            return list(rows_named(connection, query, columns, names))

    def _bind(self, connection: Connection, bound: BoundOrder, rebind: bool) -> None:
        row = _find(connection, bound.source, bound.order)
        values = {
            "chain_order": bound.chain_order,
            "document": bound.document.to_json(),
            "parts": json.dumps(dict(bound.parts), sort_keys=True),
            "bound_at": int(time.time()),
        }
        if row is None:
            names = {"source": bound.source, "order_id": bound.order}
            connection.execute(insert(tables.order).values(**names, **values))
        elif (row.chain_order, row.parts) != (values["chain_order"], values["parts"]):
            if not rebind:
                raise OrderBoundOtherwise(
                    f"The order {bound.order} of {bound.source} is bound to {row.chain_order} already.",
                    source=bound.source,
                    order=bound.order,
                    bound=row.chain_order,
                    given=bound.chain_order,
                )
            connection.execute(update(tables.order).where(_is(bound.source, bound.order)).values(**values))
        # What waited for it goes on at once.
        event = tables.event.c
        waiting = (event.source == bound.source) & (event.order_id == bound.order)
        states = (EventState.WAITING, EventState.UNMAPPED)
        connection.execute(
            update(tables.event)
            .where(waiting, event.state.in_(states))
            .values(state=EventState.WAITING, due_at=0, tries=0)
        )


def _is(source: str, order: str) -> Any:
    return (tables.order.c.source == source) & (tables.order.c.order_id == order)


def _find(connection: Connection, source: str, order: str) -> Row[Any] | None:
    return connection.execute(select(tables.order).where(_is(source, order))).one_or_none()


def _bound(row: Row[Any]) -> BoundOrder:
    document = Document.from_json(row.document)
    parts = MappingProxyType(json.loads(row.parts))
    return BoundOrder(row.source, row.order_id, document, OrderTerms.from_body(document.body), parts)
