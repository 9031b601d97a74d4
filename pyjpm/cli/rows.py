"""Rows for people: a table of whatever members they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def print_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Print them under the names of the first one's members; ``nothing`` where there are none."""
    if not rows:
        print("nothing")
        return
    from rich.table import Table

    from pyjpm.cli.tables import console

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console().print(table)
