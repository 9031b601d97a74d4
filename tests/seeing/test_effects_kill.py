"""A payout by a process that is killed at each of its steps, and started again: exactly one payout."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from bank import Bank, Dropped
from effects_child import CONTENT, POINTS, pay
from seeing_support import CHAIN_ID, GENESIS

from pyjpm.sending.database import Database
from pyjpm.sending.effects import Effects, EffectState

PATIENCE = 0.4
REFERENCE = "redemption-42"


@pytest.fixture
def bank() -> Iterator[Bank]:
    with Bank() as running:
        yield running


class Payer:
    """Starts the process that pays out: a fork, which has nothing of ours but the code."""

    def __init__(self, journal_url: str | Path, bank: Bank) -> None:
        self.bank = bank
        self._where = journal_url
        self._pid = 0

    def run(self, point: str = "", patience: float = PATIENCE) -> int:
        """Run it to its end; its exit status, negative the signal that ended it."""
        self._pid = os.fork()
        if self._pid == 0:
            status = 1
            try:
                pay(self._where, self.bank.port, REFERENCE, patience=patience, point=point)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def state(self) -> EffectState:
        database = Database(self._where, genesis_hash=GENESIS, chain_id=CHAIN_ID)
        try:
            return Effects(database).find(REFERENCE).state
        finally:
            database.close()


@pytest.fixture
def payer(journal_url: str | Path, bank: Bank) -> Payer:
    return Payer(journal_url, bank)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_step_it_pays_once(payer: Payer, point: str) -> None:
    assert payer.run(point) == -signal.SIGKILL
    assert payer.run() == 0
    assert payer.bank.payouts == [(REFERENCE, CONTENT)]
    assert payer.state() is EffectState.CONFIRMED
    assert payer.run() == 0
    assert payer.bank.payouts == [(REFERENCE, CONTENT)]


@pytest.mark.parametrize("booked", [False, True], ids=["before it is booked", "after it is booked"])
def test_killed_while_the_other_side_is_at_it_it_pays_once(payer: Payer, booked: bool) -> None:
    killed = []

    def die(reference: str, is_booked: bool) -> None:
        if not killed and is_booked == booked:
            killed.append(reference)
            payer.kill()
            if not booked:
                raise Dropped

    payer.bank.on_payout = die
    assert payer.run() == -signal.SIGKILL
    assert killed == [REFERENCE]
    assert len(payer.bank.payouts) == (1 if booked else 0)
    assert payer.run() == 0
    assert payer.bank.payouts == [(REFERENCE, CONTENT)]


def test_killed_again_and_again_it_pays_once(payer: Payer) -> None:
    killed = [payer.run(point) for point in POINTS]
    assert killed.count(-signal.SIGKILL) >= 8
    assert payer.run() == 0
    assert payer.bank.payouts == [(REFERENCE, CONTENT)]


def test_without_any_kill_the_bank_is_asked_first(payer: Payer) -> None:
    assert payer.run(patience=60) == 0
    assert payer.bank.asked == [REFERENCE]
    assert payer.bank.payouts == [(REFERENCE, CONTENT)]
