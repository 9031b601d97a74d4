"""Reads an order log by its mapping: rows in, orders and statuses out, one row at a time.

Decisions that govern this module:

* A row is used whole or not at all: if its amount or one of its dates cannot be read, nothing of it becomes an event.
  It comes out with its line and reason, and reading goes on. Only what other rows decide (an order opened twice, a
  status of an order that never opens) is left to the queue, which sees them all.
* Late, repeated and out-of-order statuses are ordinary: they come out like any other.
* A wide row's status has its time in seconds as ``seq``, so the same cell is the same attestation whenever it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyjpm.errors.money import AmountNotPositive, AmountTooLarge, MoneyError, TooManyDecimals, UnknownCurrency
from pyjpm.errors.orders import RowUnusable
from pyjpm.money import Money
from pyjpm.orders.events import DEADLINE_SEQ, OrderRecord, RowReason, StatusRecord, UnusableRow
from pyjpm.orders.mapping import ColumnOrValue, LongShape, OrderMapping
from pyjpm.orders.rows import Row, read_rows

_MONEY_REASONS: Final[dict[type[MoneyError], RowReason]] = {
    AmountNotPositive: RowReason.AMOUNT_NOT_POSITIVE,
    AmountTooLarge: RowReason.AMOUNT_TOO_LARGE,
    TooManyDecimals: RowReason.TOO_MANY_DECIMALS,
    UnknownCurrency: RowReason.UNKNOWN_CURRENCY,
}
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What one row says: an order, statuses, or why it cannot be used."""

    order: OrderRecord | None = None
    statuses: tuple[StatusRecord, ...] = ()
    unusable: UnusableRow | None = None


class OrderLogReader:
    """Reads logs by one mapping.

    Args:
        is_party: whether somebody by that id takes part.
    """

    def __init__(self, mapping: OrderMapping, is_party: Callable[[str], bool]) -> None:
        self._mapping = mapping
        self._columns = mapping.columns
        self._is_party = is_party
        self._times = mapping.time.reader()
        self._numbers = {name: status.number for name, status in mapping.statuses.items()}
        self._negative = mapping.negative_statuses

    def read(self, path: Path) -> Iterator[LogEntry]:
        """What each row of the log says, streaming, in the file's order.

        Raises:
            OrdersFileUnreadable, MissingColumns, RepeatedColumns: of the file as a whole.
        """
        for row in read_rows(path, self._mapping.file.layout(), self._mapping.needed_columns()):
            yield self._entry(row)

    def _entry(self, row: Row) -> LogEntry:
        order_id = ""
        try:
            if row.problem:
                raise RowUnusable(f"The row is {row.problem}.", reason=RowReason.MALFORMED_ROW)
            order_id = self._required(self._columns.order, row, "order")
            if self._mapping.long is not None:
                return self._long_entry(self._mapping.long, order_id, row)
            return self._wide_entry(order_id, row)
        except RowUnusable as error:
            return LogEntry(unusable=UnusableRow(row.line, order_id, error.details["reason"], error.message))

    def _wide_entry(self, order_id: str, row: Row) -> LogEntry:
        order = self._order(order_id, row)
        statuses = []
        for name, column in (self._mapping.wide or {}).items():
            if row.values[column]:
                at = self._times.moment(row.values[column])
                statuses.append(StatusRecord(order_id, row.line, name, self._numbers[name], at, seq=at))
        return LogEntry(order, tuple(statuses))

    def _long_entry(self, long: LongShape, order_id: str, row: Row) -> LogEntry:
        name = self._cell(long.status, row)
        if name in long.ignore:
            return LogEntry()
        if name not in self._numbers and name != long.opening:
            raise RowUnusable(f"Status {name!r} is not in the mapping.", reason=RowReason.UNKNOWN_STATUS)
        opens = long.opening in (None, name)
        order = self._order(order_id, row) if opens else None
        statuses = (self._status(long, name, order_id, row),) if name in self._numbers else ()
        return LogEntry(order, statuses)

    def _order(self, order_id: str, row: Row) -> OrderRecord:
        buyer, seller = self._party(self._columns.buyer, row, "buyer"), self._party(self._columns.seller, row, "seller")
        if buyer == seller:
            raise RowUnusable(f"{buyer} is buyer and seller.", reason=RowReason.SAME_PARTY)
        amount = self._money(self._required(self._columns.amount, row, "amount"), row, positive=True)
        opened = self._opened(row)
        rule = next((rule for rule in self._mapping.terms if rule.matches(row.values)), None)
        if rule is None:
            raise RowUnusable("No terms of the mapping match the row.", reason=RowReason.NO_TERMS)
        return OrderRecord(
            id=order_id,
            line=row.line,
            buyer=buyer,
            seller=seller,
            amount=amount,
            opened=opened,
            terms=rule.name,
            submit_grace=rule.submit_grace,
            fallback_basis_points=rule.fallback_basis_points,
            negative=self._negative,
            milestones=rule.milestones_of(row.values, amount, opened, self._times, self._numbers),
        )

    def _opened(self, row: Row) -> int:
        if self._columns.opened is not None:
            return self._times.moment(self._required(self._columns.opened, row, "opened"))
        assert self._mapping.long is not None  # the mapping refuses a wide shape without `opened`
        return self._times.moment(self._cell(self._mapping.long.at, row))

    def _status(self, long: LongShape, name: str, order_id: str, row: Row) -> StatusRecord:
        at = self._times.moment(self._cell(long.at, row))
        accepted, complete = None, True
        if long.accepted is not None and row.values[long.accepted]:
            accepted = self._money(row.values[long.accepted], row, positive=False)
            complete = self._flag(long.complete, row)
        seq = at if long.seq is None else _seq(self._cell(long.seq, row))
        return StatusRecord(order_id, row.line, name, self._numbers[name], at, seq, accepted, complete)

    def _money(self, text: str, row: Row, *, positive: bool) -> Money:
        currency = self._required(self._columns.currency, row, "currency")
        try:
            money = Money(self._mapping.numbers.plain(text), currency)
            if money.minor < 0 or positive:
                money.require_positive()
        except MoneyError as error:
            reason = _MONEY_REASONS.get(type(error), RowReason.BAD_AMOUNT)
            raise RowUnusable(error.message, reason=reason) from None
        return money

    def _party(self, source: ColumnOrValue, row: Row, what: str) -> str:
        party = self._required(source, row, what)
        if not self._is_party(party):
            raise RowUnusable(f"The {what} {party!r} is not among the parties.", reason=RowReason.UNKNOWN_PARTY)
        return party

    def _required(self, source: ColumnOrValue, row: Row, what: str) -> str:
        value = source.of(row.values)
        if not value:
            raise RowUnusable(f"The {what} ({source.column}) is empty.", reason=RowReason.MISSING_VALUE)
        return value

    def _cell(self, column: str, row: Row) -> str:
        value = row.values[column]
        if not value:
            raise RowUnusable(f"{column} is empty.", reason=RowReason.MISSING_VALUE)
        return value

    def _flag(self, column: str | None, row: Row) -> bool:
        if column is None:
            return False
        text = row.values[column].lower()
        if text not in _FLAGS:
            raise RowUnusable(f"{column} is {text!r}, not true or false.", reason=RowReason.BAD_FLAG)
        return _FLAGS[text]


def _seq(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text) or not 1 <= int(text) < DEADLINE_SEQ:
        raise RowUnusable(f"Revision {text!r} is no number from 1 to 2**48 - 1.", reason=RowReason.BAD_SEQ)
    return int(text)
