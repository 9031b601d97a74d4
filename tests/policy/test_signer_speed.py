"""How fast it is: local keys, batches of 200, the client and the signer on one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from policy.house import House, pay, transaction

ROUNDS = 12
SIZE = 200
LEAST = 2_000


def seconds_of(process: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_transactions_a_second_through_the_process(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    signer = house.serve()
    remote = house.remote()
    orders = [
        [transaction(number, pay(1, str(number))) for number in range(begin, begin + SIZE)]
        for begin in range(0, ROUNDS * SIZE, SIZE)
    ]
    remote.sign_transactions(orders[0])
    rates = []
    used = time.process_time() + seconds_of(signer.pid)
    for order in orders[1:]:
        begin = time.perf_counter()
        remote.sign_transactions(order)
        rates.append(SIZE / (time.perf_counter() - begin))
    used = time.process_time() + seconds_of(signer.pid) - used
    busy = len(rates) * SIZE / used
    with capsys.disabled():
        print(
            f"\nsigned through the policy, {len(rates)} x {SIZE}: {sorted(rates)[len(rates) // 2]:,.0f}/s median, "
            f"{max(rates):,.0f}/s best, {busy:,.0f} a second of processor time on both sides"
        )
    # Client and signer take turns. Where others have the machine, the clock measures them; their own time does not.
    assert max(max(rates), busy) >= LEAST
