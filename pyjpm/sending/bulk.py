"""One statement for many rows, at the cost of the driver alone.

SQLAlchemy makes the parameters of every row anew, which is a tenth of what a payment costs. Here the statement is
compiled once for each kind of database, and the rows go to the driver as they are.

Decisions that govern this module:

* Only plain values go through: text, integers, bytes, None. Nothing here converts them, as drivers have ideas of their
  own about enumerations: a row has their values.
* A statement is a constant of its module: it is compiled once, however often its module's classes are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert, Update

Row = tuple[Any, ...]


class Bulk:
    """A statement with named parameters, for rows that have their values in this order.

    Args:
        names: of a statement's ``bindparam``s; of an insert the columns that have a value.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, Callable[[Sequence[Row]], Any]]] = {}

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute it once for each row; nothing for no rows."""
        if not rows:
            return
        known = self._compiled.get(connection.dialect.name)
        if known is None:
            known = self._compiled[connection.dialect.name] = self._compile(connection)
        sql, as_parameters = known
        connection.exec_driver_sql(sql, as_parameters(rows))

    def _compile(self, connection: Connection) -> tuple[str, Callable[[Sequence[Row]], Any]]:
        keys = list(self._names) if isinstance(self._statement, Insert) else None
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=keys)
        constants = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in (compiled.params).items()
            if name not in self._names
        }
        assert not any(compiled.binds[name].required for name in constants), "a parameter without a name"
        names, fixed = (*self._names, *constants), tuple(constants.values())
        order: list[str] | None = getattr(compiled, "positiontup", None)
        if order is None:  # the driver takes names
            return str(compiled), lambda rows: [dict(zip(names, row + fixed, strict=True)) for row in rows]
        if tuple(order) == self._names:
            return str(compiled), list
        take = itemgetter(*[names.index(name) for name in order])
        return str(compiled), lambda rows: [take(row + fixed) for row in rows]
