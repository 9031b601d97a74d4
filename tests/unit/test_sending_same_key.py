"""A client that is not answered asks again: the same key, while its first call is still in the sender."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sending_support import Refused, operation, sent_by

from pyjpm.chain.connection import Connection
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import NodeUnreachable
from pyjpm.sending import Sender, SubmissionState
from pyjpm.sending.admission import Admission
from pyjpm.sending.requests import Batch
from pyjpm.sending.same_key import SameKey

WAIT = 20.0


class Slow:
    """What the chain is asked before anything is accepted: the first call is held there, every later one refused, as
    by a token that is paused meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
        self.is_asked, self.may_go, self.calls = threading.Event(), threading.Event(), 0
        real = Admission.admit

        def admit(admission: Admission, batches: Sequence[Batch], *rest: Any, **options: Any) -> list[Batch]:
            self.calls += 1
            if self.calls > 1 and not fails:
                raise Refused("The token is paused.", data="")
            is_first, admitted = self.calls == 1, real(admission, batches, *rest, **options)
            if is_first:
                self.is_asked.set()
                assert self.may_go.wait(WAIT)
                if fails:
                    raise NodeUnreachable("The node is gone.", url="")
            return admitted

        monkeypatch.setattr(Admission, "admit", admit)


def test_who_asks_again_is_told_what_became_of_the_first_call(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, slow = LocalSigner.generate(), Slow(monkeypatch)
    asked = operation("k", signer.address, b"once")
    first = pool.submit(sender.submit, signer, asked)
    assert slow.is_asked.wait(WAIT)
    again = [
        pool.submit(sender.submit, signer, asked),
        pool.submit(lambda: sender.submit_many(signer, [asked, operation("other", signer.address)])[0]),
    ]
    other = pool.submit(sender.submit, signer, operation("another", signer.address))
    with pytest.raises(Refused):
        other.result(WAIT)  # nobody waits for another key
    assert not any(each.done() for each in again)
    slow.may_go.set()
    accepted = first.result(WAIT)
    assert again[0].result(WAIT).id == accepted.id
    with pytest.raises(Refused):
        again[1].result(WAIT)  # of the other payment, which it asked for as well
    assert sender.wait(accepted.id, WAIT).state is SubmissionState.FINAL
    assert sent_by(anvil, signer.address) == [(0, b"once")]


def test_where_the_first_call_failed_the_second_is_made(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, slow = LocalSigner.generate(), Slow(monkeypatch, fails=True)
    asked = operation("k", signer.address, b"once")
    first = pool.submit(sender.submit, signer, asked)
    assert slow.is_asked.wait(WAIT)
    again = pool.submit(sender.submit, signer, asked)
    slow.may_go.set()
    with pytest.raises(NodeUnreachable):
        first.result(WAIT)
    assert sender.wait(again.result(WAIT).id, WAIT).state is SubmissionState.FINAL
    assert sent_by(anvil, signer.address) == [(0, b"once")]


def test_whoever_asks_for_several_waits_for_nobody_who_waits(pool: ThreadPoolExecutor) -> None:
    seed = secrets.randbits(32)
    same, inside, mutex, wrong = SameKey(), set[str](), threading.Lock(), list[str]()

    def ask(number: int) -> None:
        chance = random.Random(f"{seed}/{number}")
        for _ in range(200):
            keys = chance.sample("abcdef", chance.randrange(1, 5))
            with same.alone(("owner", key) for key in keys):
                with mutex:
                    wrong.extend(inside.intersection(keys))
                    inside.update(keys)
                threading.Event().wait(chance.choice((0, 0, 0.0005)))
                with mutex:
                    inside.difference_update(keys)

    for each in [pool.submit(ask, number) for number in range(8)]:
        each.result(WAIT)
    assert wrong == [], f"seed {seed}"
    assert not same._asked
