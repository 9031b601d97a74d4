"""One statement for many rows, at the cost of the driver alone.

SQLAlchemy makes the parameters of every row anew, which is a tenth of what a payment costs. Here the statement is
compiled once for each kind of database, and the rows go to the driver as they are.

Decisions that govern this module:

* Only plain values go through: text, integers, bytes, None. Nothing here converts them, as drivers have ideas of their
  own about enumerations: a row has their values.
* A statement is a constant of its module: it is what the compiled form is kept under.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Compiled
from sqlalchemy.sql.dml import Insert, Update

_compiled: dict[tuple[Insert | Update, str, tuple[str, ...]], _Compiled] = {}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as its driver takes it. ``take``: a row's values in the order of the places, None where the driver
    takes names; ``constants``: the values that no row has."""

    sql: str
    constants: Mapping[str, Any]
    take: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None


def write_many(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement once for each row of parameters, which all have the same names; nothing for no rows."""
    if not rows:
        return
    names = tuple(rows[0])
    key = (statement, connection.dialect.name, names)
    found = _compiled.get(key)
    if found is None:
        found = _compiled[key] = _compile(connection, statement, names)
    filled = [{**found.constants, **row} for row in rows] if found.constants else rows
    parameters: Any = filled if found.take is None else [found.take(row) for row in filled]
    connection.exec_driver_sql(found.sql, parameters)


def _compile(connection: Connection, statement: Insert | Update, names: Sequence[str]) -> _Compiled:
    keys = list(names) if isinstance(statement, Insert) else None
    compiled: Compiled = statement.compile(dialect=connection.dialect, column_keys=keys)
    order: list[str] | None = getattr(compiled, "positiontup", None)
    constants = {
        name: value.value if isinstance(value, Enum) else value
        for name, value in (compiled.params or {}).items()
        if name not in names
    }
    return _Compiled(str(compiled), constants, None if order is None else _taker(order))


def _taker(order: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(order) == 1:
        (name,) = order
        return lambda row: (row[name],)
    return itemgetter(*order)
