"""A service that takes one message in, and is killed where it is told to be.

    killed_child.py URL RECORD JOURNAL BOOK MESSAGE PARTICIPANTS KEY STEP WHEN

``STEP`` counts the calls of ``submit``; ``WHEN`` is before or after. Step 0 is never reached.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from house import RESERVE

from pyjpm import LocalSigner, Platform
from pyjpm.bank import BankSide
from pyjpm.iso20022 import PaymentFiles
from pyjpm.session import Session


def main() -> None:
    url, record, journal, book, message, participants, key, step, when = sys.argv[1:]
    names: dict[str, int] = json.loads(participants)
    submit, calls = Session.submit, [0]

    def killed(self: Session, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == int(step) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        made = submit(self, **options)
        if calls[0] == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    Session.submit = killed  # type: ignore[method-assign]
    data = Path(message).read_bytes()

    def resolve(scheme: str, identifier: str) -> int | None:
        return names.get(identifier)

    with Platform.connect(url, record, signer=LocalSigner.from_key(key), journal=journal) as platform:
        if b"pain.001" in data:
            with PaymentFiles(book, [platform], resolve=resolve) as files:
                files.take(data)
        else:
            with BankSide(book, platform, accounts=[RESERVE], resolve=resolve) as side:
                side.take(data)
                for _ in range(20):
                    side.carry_on()


if __name__ == "__main__":
    main()
