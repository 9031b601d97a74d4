"""A bank with its own participant, a client, a folder to the bank, and a book on either database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bank_messages import RESERVE_IBAN

from pyjpm import Money, Platform
from pyjpm.bank import BankSide, FileChannel, ReserveAccount
from pyjpm.iso20022 import Account, Agent, Party

RESERVE = ReserveAccount(
    account=Account(iban=RESERVE_IBAN),
    currency="USD",
    agent=Agent(bic="COBADEFF"),
    owner=Party(name="Token Bank"),
)


@dataclass
class House:
    """Everything a test needs; ``open`` opens the bank side anew, as after a restart."""

    bank: Platform
    client: Platform
    treasury: Platform
    folder: Path
    where: Any
    names: dict[str, int]

    def open(self, **options: Any) -> BankSide:
        given: dict[str, Any] = {
            "accounts": [RESERVE],
            "resolve": lambda scheme, identifier: self.names.get(identifier),
            "channel": FileChannel(self.folder),
            "treasury": self.treasury,
        }
        return BankSide(self.where, self.bank, **{**given, **options})

    @property
    def participant(self) -> int:
        return self.client.session.participant

    def balance(self, who: Platform | None = None) -> int:
        """Minor units of USD, read from the chain past every layer of ours."""
        wallet = (who or self.client).session.wallet
        return int(self.bank.contract("USD").functions.balanceOf(wallet).call())

    def orders(self) -> list[str]:
        """The names of the orders that have left."""
        return sorted(path.stem for part in ("outgoing", "taken") for path in (self.folder / part).glob("*.xml"))

    def order(self, outside: str) -> bytes:
        return (self.folder / "outgoing" / f"{outside}.xml").read_bytes()


@contextmanager
def paused(house: House) -> Iterator[None]:
    """No dollar moves meanwhile."""
    governance, name = house.bank.governance, f"{house.participant} {uuid.uuid4()}"
    governance.pause("USD", idempotency_key=f"pause {name}").wait()
    try:
        yield
    finally:
        governance.unpause("USD", idempotency_key=f"unpause {name}").wait()


@contextmanager
def without_office(house: House) -> Iterator[None]:
    """The bank's key is not an issuer's meanwhile."""
    governance, key, name = house.bank.governance, house.bank.session.wallet, f"{house.participant} {uuid.uuid4()}"
    governance.revoke("ISSUER", key, idempotency_key=f"revoke {name}").wait()
    try:
        yield
    finally:
        governance.grant("ISSUER", key, idempotency_key=f"grant {name}").wait()


def settle(side: BankSide, house: House, times: int = 30) -> None:
    """Go on until nothing changes any more."""
    before: Any = None
    for _ in range(times):
        side.carry_on()
        now = ([each.to_dict() for each in side.entries()], [each.to_dict() for each in side.payouts.list()])
        now = (*now, [each.to_dict() for each in side.recalls.list()])
        moving = any(each.state in ("SENT",) for each in side.entries()) or any(
            each.state.endswith("ING") and each.state != "TELLING" for each in side.payouts.list()
        )
        if now == before and not moving:
            return
        before = now


def dollars(amount: str) -> Money:
    return Money(amount, "USD")
