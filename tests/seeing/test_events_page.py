"""What docs/events.md shows is run as it stands, against a chain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from seeing_support import Wallet, hang_bell, mined, ring

from pyjpm.chain import LocalAnvil

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_reads_events_and_pays_each_once(tmp_path: Path) -> None:
    reading, paying = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with LocalAnvil() as anvil:
        connection = anvil.connection()
        wallet = Wallet()
        bell = hang_bell(connection, wallet)
        for number in range(3):
            mined(connection, ring(wallet, bell, number))
        names: dict[str, Any] = {"JOURNAL": tmp_path / "journal.db", "CONTRACT": bell, "paid": []}
        names["done"] = lambda: len(names["effects"].pending()) == 3
        exec(reading.replace("http://127.0.0.1:8545", anvil.url), names)
        intended = [effect.reference for effect in names["effects"].pending()]
        for _ in range(2):
            exec(paying, names)
        assert sorted(names["paid"]) == sorted(intended)
        assert len(set(intended)) == 3
        assert names["effects"].pending() == []
        names["database"].close()
        names["nodes"].close()
