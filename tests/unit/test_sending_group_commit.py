"""Calls that share a group: who goes alone, who together, what each is told, and that nobody waits for ever."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sending_support import GATE, DeviceLost, FlakySigner, Refused, operation, sent_by

import pyjpm.sending.group_commit
from pyjpm.chain.connection import Connection
from pyjpm.custody import LocalSigner
from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.outbox import OperationRejected
from pyjpm.sending import Operation, Sender, SignedBytes, Submission, SubmissionState
from pyjpm.sending.group_commit import GroupCommit, _Call
from pyjpm.sending.turn import Turn

WAIT = 20
THREADS = 12


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.002)


class Counting:
    """What is asked for, by how many at a time: each gets its own name back."""

    def __init__(self, busy: float = 0.0) -> None:
        self.commits: GroupCommit[str, str] = GroupCommit()
        self.busy = busy
        self.alone: list[str] = []
        self.groups: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()

    def do(self, name: str, kind: str = "a wallet") -> str:
        return self.commits.do(kind, name, alone=lambda: self._alone(name), together=self._together)

    def waiting(self, kind: str = "a wallet") -> int:
        queue = self.commits._queues.get(kind)
        return 0 if queue is None else len(queue.waiting)

    def _alone(self, name: str) -> str:
        self.alone.append(name)
        time.sleep(self.busy)
        assert self.open.wait(WAIT)
        if name.startswith("bad"):
            raise Refused(name)
        return name

    def _together(self, names: Sequence[str]) -> list[str | Exception | None]:
        self.groups.append(list(names))
        time.sleep(self.busy)
        if any(name.startswith("bad") for name in names):
            raise Refused("all of it")
        return [None if name.startswith("ask") else Refused(name) if name.startswith("no") else name for name in names]


def gathered(counting: Counting, pool: ThreadPoolExecutor, names: Sequence[str]) -> dict[str, Future[str]]:
    """All of these asked for while two others, which came first, are busy; then those are let go."""
    counting.open.clear()
    first = {name: pool.submit(counting.do, name) for name in ("first", "second")}
    until(lambda: len(counting.alone) == 2)
    rest = {name: pool.submit(counting.do, name) for name in names}
    until(lambda: counting.waiting() == len(names))
    counting.open.set()
    return first | rest


def test_one_alone_goes_at_once_and_by_itself() -> None:
    counting = Counting()
    assert counting.do("one") == "one"
    with pytest.raises(Refused, match="bad"):
        counting.do("bad one")
    assert counting.alone == ["one", "bad one"]
    assert counting.groups == []
    assert counting.commits._queues == {}


def test_who_comes_while_others_are_busy_goes_together(pool: ThreadPoolExecutor) -> None:
    counting = Counting()
    names = [f"name {i}" for i in range(20)]
    asked = gathered(counting, pool, names)
    assert {name: each.result(WAIT) for name, each in asked.items()} == {name: name for name in asked}
    # Either of the busy two hands over to one of them, who takes along whom the other one left.
    together = [name for group in counting.groups for name in group]
    assert sorted(together + counting.alone) == sorted(asked)
    assert len(counting.groups) <= 2
    assert len(together) >= len(names) - 1
    assert counting.commits._queues == {}


def test_where_it_does_not_go_well_together_each_is_told_its_own(pool: ThreadPoolExecutor) -> None:
    counting = Counting()
    asked = gathered(counting, pool, ["a", "b", "bad c", "d"])
    for name, each in asked.items():
        if name == "bad c":
            with pytest.raises(Refused, match="bad c"):
                each.result(WAIT)
        else:
            assert each.result(WAIT) == name
    assert "bad c" in counting.alone
    assert counting.commits._queues == {}


def test_each_is_told_what_is_said_of_it_and_who_is_told_nothing_asks_alone(pool: ThreadPoolExecutor) -> None:
    counting = Counting()
    names = ["a", "b", "no c", "no d", "ask e", "ask f"]
    asked = gathered(counting, pool, names)
    for name, each in asked.items():
        if name.startswith("no") and name not in counting.alone:
            with pytest.raises(Refused, match=name):
                each.result(WAIT)
        else:
            assert each.result(WAIT) == name
    assert {"ask e", "ask f"} <= set(counting.alone)
    assert len({"no c", "no d"} - set(counting.alone)) >= 1
    assert counting.commits._queues == {}


def test_another_kind_waits_for_nobody(pool: ThreadPoolExecutor) -> None:
    counting = Counting()
    counting.open.clear()
    busy = [pool.submit(counting.do, name) for name in ("first", "second")]
    until(lambda: len(counting.alone) == 2)
    other = pool.submit(counting.do, "other", "another wallet")
    until(lambda: len(counting.alone) == 3)
    counting.open.set()
    assert [each.result(WAIT) for each in (*busy, other)] == ["first", "second", "other"]


def test_an_interrupted_thread_keeps_nobody_waiting(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Turn):
        def wait(self) -> None:
            if threading.current_thread().name == "interrupted":
                leave.wait(WAIT)
                raise KeyboardInterrupt
            super().wait()

    for is_led_to in (True, False):
        counting, leave, raised = Counting(), threading.Event(), []

        def ask(counting: Counting = counting, raised: list[str] = raised) -> None:
            try:
                counting.do("interrupted")
            except KeyboardInterrupt:
                raised.append("interrupted")

        counting.open.clear()
        busy = [pool.submit(counting.do, name) for name in ("first", "second")]
        until(lambda counting=counting: len(counting.alone) == 2)
        with monkeypatch.context() as patched:
            patched.setattr(pyjpm.sending.group_commit, "_Call", lambda item: _Call(item, turn=Interrupted()))
            thread = threading.Thread(target=ask, name="interrupted")
            thread.start()
            until(lambda counting=counting: counting.waiting() == 1)
            later = [pool.submit(counting.do, name) for name in ("third", "fourth")]
            until(lambda counting=counting: counting.waiting() == 3)
        if not is_led_to:
            leave.set()
            thread.join(WAIT)
        counting.open.set()
        until(lambda counting=counting: counting.waiting() == 0)
        leave.set()
        thread.join(WAIT)
        assert raised == ["interrupted"]
        assert sorted(each.result(WAIT) for each in (*busy, *later)) == ["first", "fourth", "second", "third"]
        until(lambda counting=counting: counting.commits._queues == {})


@pytest.mark.parametrize("seed", range(5))
def test_under_load_each_call_gets_its_own_answer_and_nothing_is_left(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyjpm.sending.group_commit, "_MOST", 5)
    rng = random.Random(seed)
    counting, wrong = Counting(busy=0.0005), []
    plans = [[f"{rng.choice(['bad ', '', '', '', ''])}{t}-{i}" for i in range(60)] for t in range(16)]

    def work(names: Sequence[str]) -> None:
        for name in names:
            try:
                answer = counting.do(name)
            except Refused as refused:
                answer = str(refused).removesuffix(".")
                if not name.startswith("bad"):
                    wrong.append((name, "refused"))
            if name not in answer:
                wrong.append((name, answer))

    threads = [threading.Thread(target=work, args=(names,)) for names in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive(), f"seed {seed}: a thread waits for ever"
    assert wrong == [], f"seed {seed}"
    assert counting.groups, f"seed {seed}: nobody met"
    assert max(len(group) for group in counting.groups) <= 5
    assert counting.commits._queues == {}


# --- of a sender ----------------------------------------------------------------------------------------------------


Signer = LocalSigner | FlakySigner


def submit_at_once(
    sender: Sender, signer: Signer, operations: Sequence[Operation], pool: ThreadPoolExecutor
) -> list[Future[Submission]]:
    """Each by a thread of its own, all but two of which find the wallet busy, or their key."""
    keys = {each.key for each in operations}
    with sender._journal.lanes.held([signer.address]):
        asked = [pool.submit(sender.submit, signer, each) for each in operations]
        until(lambda: sum(len(each.waiting) for each in sender._groups._queues.values()) == len(keys) - 2)
    return asked


def used(sender: Sender, signer: Signer) -> Signer:
    """The signer, once its wallet has sent something: its lease is taken then."""
    sender.wait(sender.submit(signer, operation("before", signer.address, b"before")).id, WAIT)
    return signer


def once_each(wallet_sent: Sequence[tuple[int, bytes]], data: Sequence[bytes]) -> None:
    """Asserts that the chain has these, and what made the wallet ``used``, each on a nonce of its own."""
    assert [nonce for nonce, _ in wallet_sent] == list(range(len(data) + 1))
    assert sorted(each for _, each in wallet_sent) == sorted([b"before", *data])


def finals(sender: Sender, accepted: Sequence[Future[Submission]]) -> list[Submission]:
    return [sender.wait(each.result(WAIT).id, WAIT) for each in accepted]


def test_threads_of_one_wallet_share_commits_and_each_is_sent_once(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = used(sender, LocalSigner.generate())
    sizes: list[int] = []
    accept = sender._journal.acceptance.accept

    def counted(batches: Sequence[object], **options: object) -> object:
        sizes.append(sum(len(batch.requests) for batch in batches))  # type: ignore[attr-defined]
        return accept(batches, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sender._journal.acceptance, "accept", counted)
    operations = [operation(f"k{i}", signer.address, b"%d" % i) for i in range(THREADS)]
    done = finals(sender, submit_at_once(sender, signer, operations, pool))
    assert [each.key for each in done] == [each.key for each in operations]
    assert {each.state for each in done} == {SubmissionState.FINAL}
    assert sum(sizes) == THREADS
    assert len(sizes) <= 4
    once_each(sent_by(anvil, signer.address), [each.data for each in operations])


def test_what_is_refused_to_one_is_nobody_elses(sender: Sender, anvil: Connection, pool: ThreadPoolExecutor) -> None:
    signer = LocalSigner.generate()
    created = sender.wait(sender.submit(signer, operation("deploy", None, GATE)).id, WAIT)
    operations = [operation(f"k{i}", signer.address, b"%d" % i) for i in range(THREADS)]
    operations[7] = operation("k7", created.contract_address, b"\xaa\xbb")
    asked = submit_at_once(sender, signer, operations, pool)
    with pytest.raises(Refused) as caught:
        asked[7].result(WAIT)
    assert caught.value.details["data"] == "aabb"
    assert sender.find(signer.address, "k7") is None
    others = [each for place, each in enumerate(asked) if place != 7]
    assert {each.state for each in finals(sender, others)} == {SubmissionState.FINAL}
    sent = [data for _, data in sent_by(anvil, signer.address)[1:]]
    assert sorted(sent) == sorted(each.data for each in operations if each.key != "k7")


def test_one_key_from_many_threads_is_sent_once(sender: Sender, anvil: Connection, pool: ThreadPoolExecutor) -> None:
    signer = used(sender, LocalSigner.generate())
    operations = [operation(f"k{i // 4}", signer.address, b"%d" % (i // 4)) for i in range(THREADS)]
    done = finals(sender, submit_at_once(sender, signer, operations, pool))
    assert len({each.id for each in done}) == len({each.key for each in operations}) == 3
    once_each(sent_by(anvil, signer.address), [b"0", b"1", b"2"])


def test_what_a_signer_fails_at_is_signed_later_and_sent_once(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor
) -> None:
    signer = FlakySigner(LocalSigner.generate(), signatures=4)
    used(sender, signer)
    operations = [operation(f"k{i}", signer.address, b"%d" % i) for i in range(THREADS)]
    for each in submit_at_once(sender, signer, operations, pool):
        with contextlib.suppress(DeviceLost):
            each.result(WAIT)
    signer.left = 1_000
    for each in operations:
        assert sender.wait(sender.submit(signer, each).id, WAIT).state is SubmissionState.FINAL
    once_each(sent_by(anvil, signer.address), [each.data for each in operations])


class RefusingSigner(FlakySigner):
    """A signer with a rule of its own: there is one thing that it does not sign."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if transaction["data"] == b"7":
            raise SigningRefused("Not this one.")
        return super().sign_transaction(transaction)


def test_what_a_signer_refuses_is_told_to_who_asked_for_it(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor
) -> None:
    signer = RefusingSigner(LocalSigner.generate(), signatures=1_000)
    used(sender, signer)
    operations = [operation(f"k{i}", signer.address, b"%d" % i) for i in range(THREADS)]
    asked = submit_at_once(sender, signer, operations, pool)
    with pytest.raises(SigningRefused):
        asked[7].result(WAIT)
    others = [each for place, each in enumerate(asked) if place != 7]
    assert {each.state for each in finals(sender, others)} == {SubmissionState.FINAL}
    refused = sender.find(signer.address, "k7")
    assert refused is not None
    with pytest.raises(OperationRejected):
        sender.wait(refused.id, WAIT)
    # A cancel used its nonce.
    once_each(sent_by(anvil, signer.address), [b"" if each.key == "k7" else each.data for each in operations])
