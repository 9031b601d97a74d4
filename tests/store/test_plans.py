"""How SQLite goes about questions that every payment asks: never through all that there ever was."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from pyjpm.sending import Journal

GENESIS = "0x" + "11" * 32


@pytest.mark.parametrize("whose", ["wallet", "owner"])
def test_what_is_on_its_way_is_summed_without_the_history(whose: str, tmp_path: Path) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    with Journal.open(tmp_path / "journal.sqlite", genesis_hash=GENESIS, chain_id=1) as journal:
        database = journal.acceptance._database
        with database.reading() as connection:
            engine = connection.engine

        def note(
            _connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object
        ) -> None:
            if "debits" in statement:
                asked.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", note)
        try:
            assert journal.acceptance.in_flight(**{whose: "somebody"}) == {}
        finally:
            event.remove(engine, "before_cursor_execute", note)
        ((statement, parameters),) = asked
        with database.reading() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any("state=?" in step and f"{whose}=?" in step for step in plan), plan
