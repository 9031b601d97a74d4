"""Our side: single payments, each accepted by its own key, until the journal tells that each is FINAL.

As a service does it: threads accept what comes in, in parts, and send it; another looks after what is on its way
whenever there is a new block. The journal is a file with ``synchronous=FULL``, the witness is on, every wallet's signer
keeps its durable mark.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stage import Stage, signers

from pyjpm import Platform
from pyjpm.chain import Connection
from pyjpm.chain.nodes import Nodes
from pyjpm.chain.watch import HeadWatch
from pyjpm.contracts.decoding import decode_revert
from pyjpm.payment import PaymentOrder
from pyjpm.sending import Journal, Sender, Settings, SubmissionState
from pyjpm.witnessing import ContractWitness

PART = 2_000
ACCEPTORS = 5
ACCEPTING = 2
"""Threads that submit, and how many of them are accepted at once while the others send."""
SIGNING = 1
"""Wallets that are signed for at once: their keys are in this process."""
WINDOW = 12_000
"""What one wallet may have on its way: more than a second's worth, which this node takes. The shipped network's pool
takes 3,000 of one sender, and so one of its wallets sends at most 3,000 a block."""
GARBAGE = 500_000
"""Objects after which Python looks for garbage. By its default of 700 it spends a fifth of the time on that."""
LOOK = 0.5
"""Seconds after which the end of a run without a last block is noticed; a new block is announced."""


Part = list[tuple[Platform, dict[str, PaymentOrder]]]
"""What is submitted in one call, by payer and idempotency key."""


@dataclass
class Service:
    """A bank's service: one journal, one sender, a client for each payer."""

    sender: Sender
    journal: Journal
    connection: Connection
    payers: Sequence[Platform]

    def pay(self, parts: Sequence[Part], *, simulate: bool) -> tuple[float, float, list[str]]:
        """Accept what these ``parts`` ask for and see all of it at its end.

        Returns:
            The monotonic seconds at which it began and at which nothing was open any more, and what was accepted.
        """
        accepted: list[str] = []
        todo, mutex = iter(parts), threading.Lock()
        failures: list[BaseException] = []

        def accept() -> None:
            try:
                while True:
                    with mutex:
                        part = next(todo, None)
                    if part is None:
                        return
                    batches = [(payer.session.signer, payer.payments.prepare(orders)) for payer, orders in part]
                    for sent in self.sender.submit_batches(batches, simulate=simulate):
                        accepted.extend(each.id for each in sent)
            except BaseException as failure:
                failures.append(failure)

        usual = gc.get_threshold()
        gc.set_threshold(GARBAGE)
        began = time.monotonic()
        threads = [threading.Thread(target=accept) for _ in range(ACCEPTORS)]
        for thread in threads:
            thread.start()
        seen = -1
        with HeadWatch(Nodes([self.connection])) as heads:
            while any(thread.is_alive() for thread in threads) or self.journal.count_open():
                # Nothing becomes of what is on its way without a new block.
                head = self.connection.announced()
                if head > seen:
                    seen = head
                    self.sender.carry_on()
                else:
                    heads.wait(seen, LOOK)
        ended = time.monotonic()
        gc.set_threshold(*usual)
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return began, ended, accepted

    def require_final(self, accepted: Sequence[str], count: int) -> None:
        """Raises RuntimeError unless so many were accepted, and all of them are FINAL."""
        final = sum(each.state is SubmissionState.FINAL for each in self.journal.get_many(accepted))
        if final != count:
            raise RuntimeError(f"{count - final} of {count} payments are not FINAL")

    def parts(self, stage: Stage, count: int) -> Iterator[Part]:
        """What is to be paid by all payers together, in parts: the wallets are dealt out in as many groups as there are
        threads, and a part is of one group. So no thread waits for a wallet that another has, and marks are written for
        more payments each.
        """
        each = count // len(self.payers)
        orders = [list(stage.orders(place, each).items()) for place in range(len(self.payers))]
        size = -(-len(self.payers) // ACCEPTORS)
        together = max(1, PART // size)
        for start in range(0, each, together):
            for first in range(0, len(self.payers), size):
                mine = range(first, min(first + size, len(self.payers)))
                yield [(self.payers[place], dict(orders[place][start : start + together])) for place in mine]


@contextmanager
def service(stage: Stage, connection: Connection, folder: Path, payers: int, journal: str | None) -> Iterator[Service]:
    """A service over a new journal, with its wallets taken up."""
    where = folder / "journal.sqlite" if journal is None else journal
    keys = signers(stage, payers, folder / "marks")
    with Journal.open(where, genesis_hash=connection.genesis_hash, chain_id=connection.chain_id) as opened:
        reader = Platform.connect(connection, stage.record)
        clients = [reader.acting(key) for key in keys]
        for client in clients:
            client.session.participant  # noqa: B018 - asked for once in a client's life, not for each payment
        sender = Sender(
            connection,
            opened,
            decode=decode_revert,
            witness=ContractWitness(stage.record),
            settings=Settings(window=WINDOW, accepting=ACCEPTING, signing=SIGNING),
        )
        sender.resume({key.address: key for key in keys})
        yield Service(sender, opened, connection, clients)
        reader.close()
