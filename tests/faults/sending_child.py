"""A process that sends so many operations, starting over each time it is started; killed by its test, or by itself.

Arguments: URL, journal (a path, or a URL too), keystore, how many operations. Environment: KEY_PASSPHRASE; optionally
DIE_AT, a named point of the sender at which this process kills itself, with DIE_AFTER, how often it passes that point
before.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import Nodes
from pyjpm.custody import Keystore, LocalSigner, read_passphrase
from pyjpm.errors.base import PyjpmError
from pyjpm.sending import Journal, Operation, Sender
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.outcomes import Outcomes

BATCH = 10

# Where to die: before or after one step of the sender.
POINTS: dict[str, tuple[type, str, str]] = {
    "before-reserving": (Acceptance, "accept", "before"),
    "after-reserving": (Acceptance, "accept", "after"),
    "while-signing": (LocalSigner, "sign_transaction", "after"),
    "before-storing-bytes": (Attempts, "commit_bytes", "before"),
    "after-storing-bytes": (Attempts, "commit_bytes", "after"),
    "after-sending": (Nodes, "send", "after"),
    "after-noting-it": (Attempts, "mark_broadcast", "after"),
    "before-storing-outcome": (Outcomes, "write", "before"),
    "after-storing-outcome": (Outcomes, "write", "after"),
}


def operations(wallet: str, count: int) -> list[Operation]:
    return [Operation(f"op-{i}", "test.call", {"i": i}, wallet, f"op-{i}".encode(), 100_000) for i in range(count)]


def main(url: str, journal_path: str, keystore: str, count: str) -> None:
    if "DIE_AT" in os.environ:
        die_at(os.environ["DIE_AT"], int(os.environ["DIE_AFTER"]))
    connection = Connection.open(url)
    signer = Keystore(Path(keystore)).load("wallet", read_passphrase(environment="KEY_PASSPHRASE"))
    wanted = operations(signer.address, int(count))
    with Journal.open(journal_path, genesis_hash=connection.genesis_hash, chain_id=connection.chain_id) as journal:
        sender = Sender(connection, journal, decode=lambda data: PyjpmError("reverted", data=data.hex()))
        print("started", flush=True)
        sender.resume({signer.address: signer})
        # Singles (by threads: most of them share commits) and batches by turns, each asked for again after every start,
        # as a client would that lost its place.
        for start in range(0, len(wanted), 2 * BATCH):
            with ThreadPoolExecutor(BATCH) as clients:
                list(clients.map(lambda single: sender.submit(signer, single), wanted[start : start + BATCH]))
            sender.submit_many(signer, wanted[start + BATCH : start + 2 * BATCH])
            for each in wanted[start : start + 2 * BATCH]:
                found = sender.find(signer.address, each.key)
                assert found is not None
                sender.wait(found.id, 60)
    print("done", flush=True)


def die_at(point: str, after: int) -> None:
    owner, name, when = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    passed = 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 1
        if passed > after and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if passed > after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


if __name__ == "__main__":
    main(*sys.argv[1:])
