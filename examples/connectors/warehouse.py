"""A connector of one's own: the table of shipments of an in-house warehouse system, polled by its revision.

    pyjpm orders watch --source examples/connectors/warehouse.py --option file=warehouse.sqlite …

The table: shipments(revision INTEGER PRIMARY KEY, sales_order, state, shipped_at, value_cents, is_last).
"""

import sqlite3
from contextlib import closing

from pyjpm.errors import SourceUnavailable
from pyjpm.orders.connectors.connector import Batch, StatusEvent

AT_ONCE = 100


class Warehouse:
    def __init__(self, file, source):
        self.name = f"warehouse {source}"  # the cursor's name
        self.file, self.source = file, source

    def poll(self, cursor):
        try:
            with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5)) as database:
                rows = database.execute(
                    "SELECT revision, sales_order, state, shipped_at, value_cents, is_last FROM shipments"
                    " WHERE revision > ? ORDER BY revision LIMIT ?",
                    (int(cursor or 0), AT_ONCE),
                ).fetchall()
        except sqlite3.OperationalError as error:  # not there, or locked: asked again later
            raise SourceUnavailable("The warehouse does not answer.", source=self.source, cause=str(error)) from error
        events = tuple(
            StatusEvent(
                source=self.source,
                order=order,
                seq=revision,  # the source's own, never a counter of ours
                status=state,
                at=shipped_at,
                accepted=value,
                complete=bool(last),
                extra={"place": f"shipments {revision}"},
            )
            for revision, order, state, shipped_at, value, last in rows
        )
        return Batch(events=events, cursor=str(rows[-1][0]) if rows else cursor, more=len(rows) == AT_ONCE)


def connect(settings):
    return Warehouse(settings.options["file"], settings.source)
