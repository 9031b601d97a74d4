"""Between a seller's Tryton and the escrow: funds when a sale is confirmed, releases when it ships, marks it paid.

    PYJPM_RPC=http://127.0.0.1:8545 PYJPM_HOME=build/home DESK=desk.toml python examples/tryton/desk.py

One process plays bank, seller, buyer and attesters here, with a key each, so that the whole of it can be tried on one
machine; between companies the same calls are made on either side, and the documents travel (docs/orders.md).

Everything it does follows from what Tryton and the chain say, under keys that follow from the sale. So it keeps
nothing in mind: it may be killed at any point, and goes on where the world is.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

from pyjpm import Document, Milestone, Mode, Money, OrderState, Platform
from pyjpm.custody import Signer
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.escrow import UnknownOrder
from pyjpm.errors.intake import SourceUnavailable
from pyjpm.errors.sending import StillPending
from pyjpm.orders.connectors.fields import EventFields
from pyjpm.orders.connectors.tryton import CONFIRMED, CREDITED, GOODS, TrytonConnector
from pyjpm.orders.connectors.tryton_books import TrytonBooks
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc
from pyjpm.orders.connectors.webhook import WebhookSecrets, WebhookServer
from pyjpm.orders.intake import Intake, StatusEvent, load_intake_mapping
from pyjpm.orders.intake.stored import event_of
from pyjpm.sending.effects import FINAL_STATES, Effects
from pyjpm.terms import DAY
from pyjpm.workplace import Workplace

LONGEST_PAUSE = 60.0
MOST = 1_000_000
MAPPING = load_intake_mapping(Path(__file__).with_name("mapping.toml"))


@dataclass(frozen=True)
class Settings:
    """``desk.toml``: where Tryton is, and who attests."""

    url: str
    database: str
    user: str
    password_file: str
    method: str
    attester_set: int
    attesters: list[str]
    webhook_secret_file: str
    webhook_port: int = 0
    pause: float = 1.0
    timeout: float = 10.0
    patience: float = 30.0

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**tomllib.loads(path.read_text(encoding="utf-8")))


class Desk:
    """One seller, one buyer, one Tryton."""

    def __init__(self, bank: Platform, seller: Platform, buyer: Platform, attesters: list[Signer], home: Path,
                 settings: Settings) -> None:  # fmt: skip
        self.bank, self.seller, self.buyer, self.settings = bank, seller, buyer, settings
        self.rpc = TrytonRpc(
            settings.url,
            settings.database,
            user=settings.user,
            password=lambda: Path(settings.password_file).read_text(encoding="utf-8").rstrip("\n"),
            timeout=settings.timeout,
        )
        self.connector = TrytonConnector(self.rpc)
        self.intake = Intake(bank, home / "intake.sqlite", MAPPING, attesters=attesters)
        effects = Effects(seller.session.journal.database, patience=settings.patience)
        self.books = TrytonBooks(self.rpc, effects, method=settings.method)
        # Nothing is known of what another process left undone: each order is looked at once.
        self.due = {row.order_id for row in self.intake.stored.rows(None, limit=MOST)}

    def turn(self) -> bool:
        """One look at Tryton and the chain, and what follows from it; whether more is to be done at once.

        Raises SourceUnavailable: Tryton is down or slow; nothing is lost.
        """
        batch, receipts = self.intake.poll(self.connector)
        self.due |= {receipt.order for receipt in receipts if receipt.new}
        self.due |= {receipt.order for receipt in self.intake.work()}
        for order in sorted(self.due):
            try:
                if self.look_after(order):
                    self.due.discard(order)
            except (ContractError, StillPending) as waits:
                # About this order: a limit, a lack of money, more credited than was paid. It is looked at again.
                print(f"order {order} waits: {waits.code}", flush=True)
        return batch.more

    def look_after(self, order: str) -> bool:
        """Whatever an order's events ask for and the world has not; whether all of it is done for now."""
        events = [event_of(row) for row in self.intake.stored.rows(None, order=order)]
        confirmed = next((event for event in events if event.status == CONFIRMED), None)
        if confirmed is None:
            return True
        document = self.agreed(confirmed)
        if self.state(document) in (OrderState.NONE, OrderState.OPEN):
            self.buyer.escrow.fund(document, idempotency_key=f"tryton/{order}/fund").wait()
            return False
        released = self.seller.escrow.get(document).milestones[0].released
        bookings = self.books.settle(order, released) if released.minor else []
        credits = [self.credit(document, event, released) for event in events if event.status == CREDITED]
        return all(booking.state in FINAL_STATES for booking in bookings) and all(credits)

    def agreed(self, event: StatusEvent) -> Document:
        """The order's document: terms that follow from the sale alone, signed by both."""
        known = self.intake.book.find(event.source, event.order)
        if known is not None:
            return known.document
        assert event.accepted is not None
        proposed = self.seller.escrow.propose(
            buyer=self.buyer.session.participant,
            seller=self.seller.session.participant,
            currency=event.extra["currency"],
            order_reference=f"tryton {event.order}",
            milestones=[
                Milestone(
                    amount=event.accepted,
                    mode=Mode.PREFUND,
                    required_status=MAPPING.statuses["SHIPPED"],
                    fund_by=event.at + 30 * DAY,
                    attest_by=event.at + 60 * DAY,
                    partial=True,
                )
            ],
            attester_set=self.settings.attester_set,
            threshold=2,
            open_by=event.at + 30 * DAY,
        )
        document = self.buyer.escrow.countersign(Document.from_json(proposed.to_json()))
        return self.intake.book.bind(event.source, event.order, document, parts={GOODS: 0}).document

    def state(self, document: Document) -> OrderState:
        try:
            return self.seller.escrow.get(document).milestones[0].state
        except UnknownOrder:
            return OrderState.NONE

    def credit(self, document: Document, event: StatusEvent, released: Money) -> bool:
        """Pay a credit note back on the chain, then book it; whether both are done."""
        assert event.accepted is not None
        number, amount = event.extra["number"], Money.from_minor(event.accepted, event.extra["currency"])
        if released.minor < amount.minor:
            return False  # Nothing of it was paid yet.
        key = f"tryton/{event.order}/credit/{number}"
        self.seller.amendments.credit(document, 0, amount, credit_note=number, idempotency_key=key).wait()
        booking = self.books.settle_credit(event.order, int(event.extra["invoice"]), amount)
        return booking is None or booking.state in FINAL_STATES

    def run(self, awake: threading.Event, stopped: threading.Event) -> None:
        """Turns until stopped; where Tryton is away, at growing distances. A notice of Tryton's wakes it at once."""
        pause = self.settings.pause
        while not stopped.is_set():
            awake.clear()
            try:
                more = self.turn()
                pause = self.settings.pause
            except SourceUnavailable as away:
                print(f"waiting for Tryton: {away.details['cause']}", flush=True)
                more, pause = False, min(2 * pause, LONGEST_PAUSE)
            if not more:
                awake.wait(pause)

    def notices(self, arrived: Callable[[], None]) -> WebhookServer:
        """Where Tryton's module posts what was shipped: stored at once, and carried on by the next turn."""
        secret = Path(self.settings.webhook_secret_file).read_text(encoding="ascii").strip()
        fields = EventFields(self.connector.name, MAPPING.columns, MAPPING.time, MAPPING.numbers)
        port = self.settings.webhook_port
        return WebhookServer(self.intake, fields, WebhookSecrets(secret), port=port, arrived=arrived)

    def close(self) -> None:
        self.intake.close()
        self.rpc.close()


def main() -> None:
    workplace = Workplace()
    settings = Settings.load(Path(os.environ["DESK"]))
    awake, stopped = threading.Event(), threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        awake.set()

    signal.signal(signal.SIGTERM, stop)
    with ExitStack() as stack:
        bank, seller, buyer = (stack.enter_context(workplace.platform(key)) for key in ("bank", "seller", "buyer"))
        attesters: list[Any] = [workplace.signer(name) for name in settings.attesters]
        desk = Desk(bank, seller, buyer, attesters, workplace.home, settings)
        stack.callback(desk.close)
        stack.enter_context(desk.notices(awake.set))
        print(f"at work at {time.strftime('%H:%M:%S')}", flush=True)
        desk.run(awake, stopped)


if __name__ == "__main__":
    main()
