"""Killed for real, before and after each call that reaches the outbox, and started again: the same end, once."""

from __future__ import annotations

import datetime
import itertools
import json
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, RESERVE_IBAN, Entry, notice
from house import dollars

from pyjpm import LocalSigner, Platform
from pyjpm.iso20022 import Account, CreditTransfer, Party, write_payment_file
from pyjpm.participants import Kind, identity_hash
from pyjpm.remittance import Remittance, RemittanceKey
from pyjpm.testing import backed_platform

CHILD = Path(__file__).parent / "killed_child.py"
_numbers = itertools.count(1)


@dataclass
class Place:
    """A platform whose keys we know, and what a child is started with."""

    platform: Platform
    url: str
    folder: Path
    bank_key: str

    def member(self) -> tuple[str, Platform]:
        """A company that can be paid with a remittance: its key, and a client of its own."""
        key = secrets.token_hex(32)
        company, name = self.platform.acting(LocalSigner.from_key(key)), f"killed {next(_numbers)}"
        participant = (
            self.platform.participants.onboard(
                company.participants.wallet_link(identity_hash({"name": name}, b"salt of these tests")),
                kind=Kind.CORPORATE,
                jurisdiction=840,
                kyc_expiry=self.platform.session.now() + 10**8,
                encryption_key=RemittanceKey.generate().public,
                idempotency_key=name,
            )
            .wait()
            .participant
        )
        self.platform.participants.set_daily_limit(
            participant, dollars("1000.00"), idempotency_key=f"limit {name}"
        ).wait()
        return key, company

    def run(
        self, message: bytes, names: dict[str, int], key: str, step: int, when: str, run: str, journal: str = ""
    ) -> int:
        """How the child ended."""
        file = self.folder / f"{run}.xml"
        file.write_bytes(message)
        books = (self.folder / f"{journal or run}.journal", self.folder / f"{run}.book")
        told = [self.url, self.folder / "deployment.json", *books, file, json.dumps(names), key, step, when]
        done = subprocess.run(
            [sys.executable, str(CHILD), *map(str, told)], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode


@pytest.fixture(scope="module")
def place(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder, key = tmp_path_factory.mktemp("killed"), secrets.token_hex(32)
    with backed_platform(
        chain.url,
        LocalSigner.from_key(key),
        record=folder / "deployment.json",
        journal=folder / "setup.journal",
        currencies=("USD",),
    ) as platform:
        yield Place(platform, chain.url, folder, key)


def balance(place: Place, who: Platform) -> int:
    return int(place.platform.contract("USD").functions.balanceOf(who.session.wallet).call())


@pytest.mark.parametrize(("step", "when"), [(1, "after"), (2, "before")])
def test_a_payment_file(place: Place, step: int, when: str) -> None:
    key, payer = place.member()
    _, payee = place.member()
    run = f"file-{step}-{when}"
    place.platform.deposits.mint(
        payer.session.participant, dollars("100.00"), deposit_reference=run, idempotency_key=run
    ).wait()
    transfers = [
        CreditTransfer(
            end_to_end_id=f"E{number}",
            amount=dollars(f"{number}.00"),
            settle_on=datetime.date(2026, 11, 20),
            debtor=Party(name="Contoso"),
            debtor_account=Account(iban=RESERVE_IBAN),
            creditor=Party(name="Northwind"),
            creditor_account=Account(iban=CLIENT_IBAN),
            remittance=Remittance(end_to_end_id=f"E{number}", text="invoice"),
        )
        for number in (1, 2, 4)
    ]
    message = write_payment_file(transfers, message_id=run, sender=Party(name="Contoso"))
    names = {RESERVE_IBAN: payer.session.participant, CLIENT_IBAN: payee.session.participant}
    assert place.run(message, names, key, step, when, run) == -signal.SIGKILL
    for _ in range(2):
        assert place.run(message, names, key, 0, when, run) == 0
    for _ in range(100):
        if balance(place, payee) >= 700:
            break
        place.run(message, names, key, 0, when, run)
    assert (balance(place, payee), balance(place, payer)) == (700, 9_300)


def test_a_notice(place: Place) -> None:
    points = [(1, "after"), (2, "before")]
    clients = [place.member()[1] for _ in points]
    # From here on the bank's wallet is the children's, who go on with its journal.
    place.platform.close()
    with Platform.connect(place.url, place.folder / "deployment.json") as reader:
        for (step, when), client in zip(points, clients, strict=True):
            run = f"notice-{step}-{when}"
            message = notice(run, Entry(f"{run}-a", "1.00"), Entry(f"{run}-b", "2.00", number="2"))
            wallet = client.session.wallet
            names = {CLIENT_IBAN: reader.session.participant_of(wallet)}
            assert place.run(message, names, place.bank_key, step, when, run, "setup") == -signal.SIGKILL
            for _ in range(2):
                assert place.run(message, names, place.bank_key, 0, when, run, "setup") == 0
            assert int(reader.contract("USD").functions.balanceOf(wallet).call()) == 300
