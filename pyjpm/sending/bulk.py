"""One statement for many rows, at the cost of the driver alone.

SQLAlchemy makes the parameters of every row anew, which is a tenth of what a payment costs. Here the statement is
compiled once for each kind of database, and the rows go to the driver as they are.

Decisions that govern this module:

* Only plain values go through: text, integers, bytes, None. Nothing here converts them.
* A statement is a constant of its module: it is what the compiled form is kept under.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Compiled
from sqlalchemy.sql.dml import Insert, Update

_compiled: dict[tuple[Insert | Update, str, tuple[str, ...]], tuple[str, Mapping[str, Any], list[str] | None]] = {}


def write_many(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute a statement once for each row of parameters, which all have the same names; nothing for no rows."""
    if not rows:
        return
    names = tuple(rows[0])
    key = (statement, connection.dialect.name, names)
    found = _compiled.get(key)
    if found is None:
        found = _compiled[key] = _compile(connection, statement, names)
    sql, constants, order = found
    if order is None:
        connection.exec_driver_sql(sql, [{**constants, **_plain(row)} for row in rows])
        return
    fixed = {name: value for name, value in constants.items() if name not in names}
    connection.exec_driver_sql(sql, [tuple({**fixed, **_plain(row)}[name] for name in order) for row in rows])


def _compile(
    connection: Connection, statement: Insert | Update, names: Sequence[str]
) -> tuple[str, Mapping[str, Any], list[str] | None]:
    keys = list(names) if isinstance(statement, Insert) else None
    compiled: Compiled = statement.compile(dialect=connection.dialect, column_keys=keys)
    order: list[str] | None = getattr(compiled, "positiontup", None)
    constants = {name: value for name, value in (compiled.params or {}).items() if name not in names}
    return str(compiled), _plain(constants), order


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    # Drivers have ideas of their own about enumerations.
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
