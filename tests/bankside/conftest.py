"""A bank with its own participant, a client, a folder to the bank, and a book on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, VIRTUAL_IBAN
from house import House

from pyjpm import Platform
from pyjpm.bank import BankSide
from pyjpm.testing import new_company


@pytest.fixture
def house(bank: Platform, journal_url: Any, tmp_path: Path) -> House:
    client, treasury = new_company(bank), new_company(bank)
    names = {CLIENT_IBAN: client.session.participant, VIRTUAL_IBAN: client.session.participant}
    return House(bank, client, treasury, tmp_path / "bank", journal_url, names)


@pytest.fixture
def side(house: House) -> Iterator[BankSide]:
    with house.open() as opened:
        yield opened
