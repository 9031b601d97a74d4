"""A main thread whose calls are interrupted by a signal's handler that raises, beside three others: run as a program.

Prints how often it was interrupted, how many calls were made by it, and how many threads wait for ever.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time

from pyjpm.sending.group_commit import GroupCommit
from pyjpm.sending.same_key import SameKey

SECONDS, SEED = float(sys.argv[1]), int(sys.argv[2])


class Interrupted(Exception):
    """By the signal."""


def interrupt(*_: object) -> None:
    raise Interrupted


def main() -> None:
    chance, commits, same, ends = random.Random(SEED), GroupCommit[str, str](), SameKey(), time.monotonic() + SECONDS

    def call(name: str) -> None:
        with same.alone([("owner", chance.choice("abcdef"))]):
            commits.do("wallet", name, alone=lambda: name, together=lambda names: list(names))

    def work() -> None:
        while time.monotonic() < ends:
            call("another")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    interrupts = calls = 0
    signal.signal(signal.SIGALRM, interrupt)
    while time.monotonic() < ends:
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.003))
            while time.monotonic() < ends:
                call("main")
                calls += 1
        except Interrupted:
            interrupts += 1
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    for thread in threads:
        thread.join(5)
    print(interrupts, calls, sum(thread.is_alive() for thread in threads), len(commits._queues), len(same._asked))


if __name__ == "__main__":
    main()
