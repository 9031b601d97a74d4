"""Payments by a process that is killed at its steps: one rail, never both, and never neither.

At every second step on SQLite and every seventh on PostgreSQL; ``PYJPM_STRIDE=1`` leaves none out.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from rails.rails_child import Job
from rails.rails_support import BY_SWIFT, RULES, key

from pyjpm import LocalSigner, Platform
from pyjpm.errors.rails import RailPaymentNotFound
from pyjpm.rails import Rail, RailPayment, RailStatus
from pyjpm.testing import new_company


@dataclass(frozen=True)
class Story:
    """What is asked for, and where it ends."""

    rules: str
    amount: str = "USD 1.00"
    changes: bool = False
    refuses: bool = False
    rail: Rail | None = None
    mined_every: float | None = None
    """Seconds between blocks; None: each transaction is mined at once."""
    least: int = 12
    """Steps at which it must have been killed."""


STORIES = {
    "by token": Story(RULES, rail=Rail.TOKEN),
    "by SWIFT": Story(BY_SWIFT, rail=Rail.SWIFT),
    "refused by the chain, then by SWIFT": Story(RULES, "USD 100000.01", changes=True, rail=Rail.SWIFT),
    "on its way by token when it is changed": Story(RULES, changes=True, mined_every=0.4),
    "refused by the gateway, then by token": Story(BY_SWIFT, changes=True, refuses=True, rail=Rail.TOKEN),
}


class World:
    """Chain, gateway and journal, seen from outside of the process that pays."""

    def __init__(self, job: Job, bank: Platform) -> None:
        self.job = job
        self._bank = bank

    def run(self, *, die_at: int | None = None, asks: bool = True) -> bool:
        """Run the process to its end; whether it was killed."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self.job.run(die_at=die_at, asks=asks)
                status = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def look(self) -> tuple[RailPayment | None, int, int]:
        """The payment as stored, how often it was paid by token, and how often a message of it is out. Never both, and
        never twice."""
        platform, made = self.job.opened()
        try:
            tokens, messages = 0, 0
            for leg in (0, 1):
                names = made._chooser.names(self.job.key, leg)
                state = self._bank.payments.reference_state(
                    "0x" + names.reference.hex(), currency="USD", participant=names.participant
                )
                tokens += state == "PAID"
                known = (self.job.folder / "known" / names.message_reference).exists()
                out, refused = (
                    list((self.job.folder / place).glob(f"{names.message_reference}.*")) for place in ("out", "refused")
                )
                messages += known and not refused
                assert not known or state == "VOIDED"
                assert len(out) + len(refused) <= 1
            assert tokens + messages <= 1
            try:
                return made.get(self.job.key), tokens, messages
            except RailPaymentNotFound:
                return None, tokens, messages
        finally:
            platform.close()


@contextmanager
def mining(url: str, every: float | None) -> Iterator[None]:
    """Blocks every so often, by a process of its own, instead of with each transaction."""
    if every is None:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", MINER, url, str(every)]) as miner:
        try:
            yield
        finally:
            miner.send_signal(signal.SIGTERM)
            miner.wait()
            ask(url, "evm_setAutomine", [True])
            ask(url, "evm_mine", [])


def ask(url: str, method: str, params: list[Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    with urlopen(Request(url, body, {"content-type": "application/json"}), timeout=10) as answer:
        assert "error" not in json.load(answer)


MINER = """
import sys, time
sys.path.insert(0, "tests")
from rails.test_rails_kill import ask
ask(sys.argv[1], "evm_setAutomine", [False])
while True:
    time.sleep(float(sys.argv[2]))
    ask(sys.argv[1], "evm_mine", [])
"""


def killed_at_each_step(job: Job, bank: Platform, stride: int) -> tuple[int, set[Rail]]:
    """How often it was killed, and the rails that payments took."""
    killed, step, ends = 0, 0, set[Rail]()
    while True:
        world = World(replace(job, key=key()), bank)
        died = world.run(die_at=step)
        killed += died
        seen, *_ = world.look()
        if seen is not None and killed % 2:
            # Whoever asked is gone: what is stored ends by itself, unless its caller was told no.
            world.run(asks=False)
            after, tokens, messages = world.look()
            assert after is not None
            refused = after.status is RailStatus.FAILED
            assert tokens + messages == (0 if refused else 1), after
            assert not refused or after.detail
        assert not world.run()
        end, tokens, messages = world.look()
        assert end is not None
        assert (tokens, messages) == ((1, 0) if end.rail is Rail.TOKEN else (0, 1)), end
        assert end.status in (RailStatus.PAID, RailStatus.SENT)
        ends.add(end.rail)
        if not died:
            break
        step += stride
    return killed, ends


@pytest.mark.parametrize("story", STORIES)
def test_killed_at_each_step_it_takes_one_rail(
    story: str, bank: Platform, chain: Any, journal_url: str | Path, tmp_path: Path
) -> None:
    told, signer, payee = STORIES[story], LocalSigner.generate(), new_company(bank)
    new_company(bank, deposit="100000.00", signer=signer)
    job = Job(
        url=chain.url,
        record=bank.record,
        signer=signer,
        journal=journal_url,
        folder=tmp_path / "gateway",
        payee=payee.session.participant,
        rules=told.rules,
        key="",
        amount=told.amount,
        changes=told.changes,
        refuses=told.refuses,
    )
    stride = int(os.environ.get("PYJPM_STRIDE", 2 if isinstance(journal_url, Path) else 7))
    with mining(chain.url, told.mined_every):
        killed, ends = killed_at_each_step(job, bank, stride)
    assert told.rail is None or ends == {told.rail}
    assert killed >= told.least // stride, killed
    paid = int(bank.contract("USD").functions.balanceOf(payee.session.wallet).call())
    print(f"{story}: killed at {killed} steps, ends {sorted(ends)}, {paid} minor units paid by token")
