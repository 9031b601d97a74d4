"""A process that takes a folder of events in, thanks the buyer for each, and ends; it kills itself at a point."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intake_support import ATTESTER_KEYS, MAPPING

from pyjpm import Keystore, LocalSigner, Money, Platform
from pyjpm.escrow import Escrow
from pyjpm.orders.connectors.folder import json_folder
from pyjpm.orders.intake import Decision, Intake, Occasion, Triggers, on_status, release
from pyjpm.orders.intake.attesting import Attesting
from pyjpm.orders.intake.carrying import Carrying
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.orders.intake.decisions import Decisions
from pyjpm.orders.intake.notes import Notes
from pyjpm.orders.intake.outcome import Outcomes
from pyjpm.orders.intake.stored import StoredEvents
from pyjpm.orders.intake.watch import Watch
from pyjpm.payments import Payments
from pyjpm.sending import Sender

# Where to die: before or after a step.
POINTS: dict[str, tuple[type, str, str]] = {
    "before-storing": (StoredEvents, "_store", "before"),
    "within-storing": (StoredEvents, "_store", "after"),
    "after-storing": (StoredEvents, "store", "after"),
    "after-placing": (Carrying, "_placed", "after"),
    "before-the-scripts-payment": (Payments, "create", "before"),
    "within-the-scripts-payment": (Sender, "submit", "after"),
    "before-recording-a-decision": (Decisions, "of_script", "before"),
    "before-storing-a-signature": (Attesting, "store", "before"),
    "before-following-the-decisions": (Decisions, "follow", "before"),
    "before-sending-many": (Escrow, "attest_many", "before"),
    "after-sending-many": (Escrow, "attest_many", "after"),
    "before-sending": (Escrow, "attest", "before"),
    "after-sending": (Escrow, "attest", "after"),
    "after-noting-it": (Notes, "store", "after"),
    "before-noting-the-end": (Outcomes, "_settled", "before"),
    "after-noting-the-end": (Outcomes, "_settled", "after"),
}


@on_status("SHIPPED")
def thank(occasion: Occasion) -> Decision:
    buyer = occasion.bound.terms.buyer
    occasion.platform.payments.create(buyer, Money("1.00", "USD"), idempotency_key=occasion.key("thanks"))
    return release()


def main(settings: dict[str, Any], point: str | int | None) -> None:
    """Runs once over the folder; ``point``: where to die, or the number of the commit before which to die."""
    if isinstance(point, int):
        die_before_commit(point)
    elif point:
        die_at(*POINTS[point])
    signer = Keystore(Path(settings["keystore"])).load("intake", settings["passphrase"])
    with (
        Platform.connect(settings["rpc"], settings["record"], signer=signer, journal=settings["journal"]) as platform,
        Intake(
            platform,
            settings["database"],
            MAPPING,
            attesters=[LocalSigner.from_key(key) for key in ATTESTER_KEYS],
            triggers=Triggers(thank, known=MAPPING.statuses),
        ) as intake,
    ):
        connector = json_folder(Path(settings["folder"]), MAPPING.fields(settings["source"]), settle=0)
        Watch(intake, connector).run(once=True)


def die_at(owner: type, name: str, when: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def die_before_commit(number: int) -> None:
    original = IntakeDatabase.transaction
    numbers = itertools.count(1)

    @contextmanager
    def dying(database: IntakeDatabase) -> Iterator[Any]:
        with original(database) as connection:
            yield connection
            if next(numbers) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    IntakeDatabase.transaction = dying  # type: ignore[method-assign]
