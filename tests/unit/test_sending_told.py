"""Who submits is told of what it asked for, of nothing else, and waits for nobody who waits for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sending_support import GATE, DeviceLost, FlakySigner, Refused, decode, operation, sent_by
from test_sending_group_commit import WAIT, submit_at_once, until, used

import pyjpm.sending.acceptance
from pyjpm.chain.connection import Connection
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import NodeUnreachable
from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.outbox import InFlightExceedsFunds, OperationRejected
from pyjpm.errors.sending import IdempotencyConflict, JournalForked
from pyjpm.sending import Journal, Operation, Sender, SignedBytes, SubmissionState
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.witness import Call

INTERRUPTED = Path(__file__).with_name("group_commit_interrupted.py")


@pytest.fixture
def no_blocks(anvil: Connection) -> Iterator[None]:
    """What is sent stays on its way for as long as the test lasts."""
    anvil._rpc.ask("evm_setAutomine", False)
    yield
    anvil._rpc.ask("evm_setAutomine", True)
    anvil._rpc.ask("evm_mine")


class Strict(FlakySigner):
    """Its policy forbids one thing for good, at times its device is gone."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if self.left and transaction["data"] == b"A":
            raise SigningRefused("The policy forbids A.")
        return super().sign_transaction(transaction)


class Stuck(FlakySigner):
    """Its device is gone from a nonce on."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if transaction["nonce"] >= 25:
            raise DeviceLost("The device is gone.")
        return super().sign_transaction(transaction)


def strict(sender: Sender) -> Strict:
    signer = Strict(LocalSigner.generate(), signatures=100)
    used(sender, signer)
    return signer


def sent(anvil: Connection, signer: LocalSigner | FlakySigner, data: bytes) -> int:
    return sum(each == data for _, each in sent_by(anvil, signer.address))


def settle(sender: Sender) -> None:
    """Until nothing is open."""
    ends = time.monotonic() + WAIT
    while sender._journal.count_open():
        assert time.monotonic() < ends
        sender.carry_on()


def test_of_what_waited_for_its_signature_nobody_else_is_told_that_it_is_refused(
    sender: Sender, anvil: Connection
) -> None:
    signer = strict(sender)
    signer.left = 0
    with pytest.raises(DeviceLost):
        sender.submit(signer, operation("a", signer.address, b"A"))
    signer.left = 100
    accepted = sender.submit(signer, operation("b", signer.address, b"B"))
    assert sender.wait(accepted.id, WAIT).state is SubmissionState.FINAL
    refused = sender.find(signer.address, "a")
    assert refused is not None
    with pytest.raises(OperationRejected, match="forbids A"):
        sender.wait(refused.id, WAIT)
    assert (sent(anvil, signer, b"A"), sent(anvil, signer, b"B")) == (0, 1)


@pytest.mark.usefixtures("no_blocks")
def test_who_asks_again_is_not_told_what_the_signer_refuses_another(sender: Sender, anvil: Connection) -> None:
    signer = Strict(LocalSigner.generate(), signatures=100)
    sender.submit(signer, replace(operation("a", signer.address, b"A"), not_before=int(time.time()) + 2))
    asked = operation("b", signer.address, b"B")
    first = sender.submit(signer, asked)
    time.sleep(2.5)  # the day of A comes
    assert sender.submit(signer, asked).id == first.id
    assert sender._journal.get(first.id).state is SubmissionState.BROADCAST


@pytest.mark.parametrize("how", ["many", "batches"])
def test_what_is_refused_of_several_is_told_by_its_own_state(sender: Sender, anvil: Connection, how: str) -> None:
    signer, other = strict(sender), LocalSigner.generate()
    forbidden, allowed = operation("a", signer.address, b"A"), operation("b", signer.address, b"B")
    if how == "many":
        first, second = sender.submit_many(signer, [forbidden, allowed])
    else:
        [first], [second] = sender.submit_batches(
            [(signer, [forbidden]), (other, [replace(allowed, to=other.address)])]
        )
    assert sender.wait(second.id, WAIT).state is SubmissionState.FINAL
    with pytest.raises(OperationRejected, match="forbids A"):
        sender.wait(first.id, WAIT)
    with pytest.raises(SigningRefused):  # of all that it asks for, it is told at once
        sender.submit_many(signer, [operation("a2", signer.address, b"A"), operation("a3", signer.address, b"A")])
    settle(sender)
    assert (sent(anvil, signer, b"A"), sent(anvil, signer, b"B") + sent(anvil, other, b"B")) == (0, 1)


def test_where_a_node_cannot_say_whether_a_no_may_be_told_it_is_found_by_waiting(
    sender: Sender, anvil: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = strict(sender)

    def gone(*_: Any) -> bool:
        raise NodeUnreachable("The node is gone.", url="")

    with monkeypatch.context() as patched:
        patched.setattr(NegativeAnswers, "allowed", gone)
        accepted = sender.submit(signer, operation("a", signer.address, b"A"))
    with pytest.raises(OperationRejected, match="forbids A"):
        sender.wait(accepted.id, WAIT)
    assert sent(anvil, signer, b"A") == 0


@pytest.mark.usefixtures("no_blocks")
def test_of_a_lost_device_hears_who_has_no_bytes_and_little_is_sent_again(
    sender: Sender, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Stuck(LocalSigner.generate(), signatures=100)
    sizes: list[int] = []
    send = sender._lanes._delivery.send

    def counted(attempts: Any) -> Any:
        sizes.append(len(attempts))
        return send(attempts)

    monkeypatch.setattr(sender._lanes._delivery, "send", counted)
    operations = [operation(f"k{number}", signer.address, b"%d" % number) for number in range(30)]
    heard = []
    for asked, told in zip(operations, submit_at_once(sender, signer, operations, pool), strict=True):
        try:
            told.result(WAIT)
        except DeviceLost:
            heard.append(asked.key)
    found = [sender.find(signer.address, asked.key) for asked in operations]
    unsigned = {each.key for each in found if each is not None and each.tx_hash is None}
    assert len(unsigned) == 5
    assert heard  # not all of them: who finds another thread at it waits for its submission
    assert set(heard) <= unsigned
    assert sum(sizes) == 25


# --- one key, several times ------------------------------------------------------------------------------------------


def opened_gate(sender: Sender, signer: LocalSigner) -> tuple[str, Operation]:
    """A contract, and what it refused of an owner once, and takes since."""
    gate = sender.wait(sender.submit(signer, operation("deploy", None, GATE)).id, WAIT).contract_address
    assert gate is not None
    refused = replace(operation("k", gate, b"\xaa"), owner="participant 7")
    with pytest.raises(Refused):
        sender.wait(sender.submit(signer, refused, simulate=False).id, WAIT)
    sender.wait(sender.submit(signer, operation("open", gate, b"")).id, WAIT)
    return gate, refused


def test_what_is_named_twice_in_one_call_is_one(sender: Sender, anvil: Connection) -> None:
    signer = LocalSigner.generate()
    one = operation("k", signer.address, b"same")
    first, second, third = sender.submit_many(signer, [one, one, replace(one, owner="participant 7")])
    assert first.id == second.id == third.id
    with pytest.raises(IdempotencyConflict):
        sender.submit_many(signer, [one, operation("k", signer.address, b"other")])
    settle(sender)
    assert sent_by(anvil, signer.address) == [(0, b"same")]


def test_what_failed_and_is_named_twice_in_one_call_is_attempted_once_more(sender: Sender, anvil: Connection) -> None:
    one, other = LocalSigner.generate(), LocalSigner.generate()
    _, refused = opened_gate(sender, one)
    [first, second], [third] = sender.submit_batches([(one, [refused, refused]), (other, [refused])])
    assert first.id == second.id == third.id
    settle(sender)
    assert sent(anvil, one, b"\xaa") + sent(anvil, other, b"\xaa") == 2


def test_what_failed_is_attempted_once_more_though_two_wallets_ask_at_once(
    sender: Sender, anvil: Connection, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = LocalSigner.generate(), LocalSigner.generate()
    _, refused = opened_gate(sender, one)
    sender.submit(other, operation("before", other.address))
    both, accept = threading.Barrier(2), pyjpm.sending.acceptance._accept

    def slow(*arguments: Any) -> Any:
        # Both have read that it failed, where the database lets them: as two processes, each with a wallet of its own.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1.0)
        return accept(*arguments)

    monkeypatch.setattr(pyjpm.sending.acceptance, "_accept", slow)
    asked = [
        pool.submit(sender._submit, [(signer, [replace(refused, to=refused.to)])], simulate=False)
        for signer in (one, other)
    ]
    ids = {each.result(WAIT)[0][0].id for each in asked}
    assert len(ids) == 1
    settle(sender)
    assert sent(anvil, one, b"\xaa") + sent(anvil, other, b"\xaa") == 2


# --- what is on its way ----------------------------------------------------------------------------------------------


class Purse:
    """A payer who has 100, of which each call takes 60."""

    balance = limit = 100

    def own_debits(self, call: Call) -> dict[str, int]:
        return {TOKEN: 60}

    def read(self, asked: Sequence[tuple[str, str]], **_: Any) -> list[Purse]:
        return [self for _ in asked]


TOKEN = "0x" + 40 * "a"


@pytest.mark.usefixtures("no_blocks")
@pytest.mark.parametrize("wallets", [1, 2])
def test_of_many_that_ask_at_once_no_more_is_accepted_than_the_payer_has(
    anvil: Connection, journal_url: str | Path, pool: ThreadPoolExecutor, wallets: int
) -> None:
    with Journal.open(journal_url, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode, funds=Purse())
        signers = [LocalSigner.generate() for _ in range(wallets)]
        sender.resume({each.address: each for each in signers})
        asked = []
        with journal.lanes.held([each.address for each in signers]):
            # All have read what the payer has before any is stored.
            for number in range(12):
                signer = signers[number % wallets]
                payment = replace(operation(f"k{number}", signer.address), owner="participant 7")
                asked.append(pool.submit(sender.submit, signer, payment))
            time.sleep(0.5)
        refused = [each.exception(WAIT) for each in asked]
        assert sum(isinstance(each, InFlightExceedsFunds) for each in refused) == 11
        assert refused.count(None) == 1
        assert journal.acceptance.in_flight(owner="participant 7") == {TOKEN: 60}
        assert journal.count_open() == 1


# --- who waits for whom ----------------------------------------------------------------------------------------------


def test_a_forked_child_is_told_so_and_waits_for_no_thread_of_its_parent(
    sender: Sender, pool: ThreadPoolExecutor
) -> None:
    signer = LocalSigner.generate()
    used(sender, signer)
    operations = [operation(f"k{number}", signer.address, b"%d" % number) for number in range(2)]
    with sender._journal.lanes.held([signer.address]):
        asked = [pool.submit(sender.submit, signer, each) for each in operations]
        until(lambda: sum(each.leaders for each in sender._groups._queues.values()) == 2)
        child = os.fork()
        if child == 0:
            threading.Timer(WAIT, os._exit, [3]).start()
            try:
                sender.submit(signer, operations[0])
            except JournalForked:
                os._exit(0)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    for each in asked:
        assert sender.wait(each.result(WAIT).id, WAIT).state is SubmissionState.FINAL


class Reporting(FlakySigner):
    """Submits something by itself before it signs, as a device that reports what it is asked to sign."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(LocalSigner.generate(), signatures=100)
        self.sender, self.is_asked, self.may_go = sender, threading.Event(), threading.Event()

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if transaction["data"] == b"outer" and not self.is_asked.is_set():
            self.is_asked.set()
            assert self.may_go.wait(WAIT)
            self.sender.submit(self, operation("report", self.address, b"report"))
        return super().sign_transaction(transaction)


def test_a_call_within_a_call_waits_for_nobody(sender: Sender, anvil: Connection, pool: ThreadPoolExecutor) -> None:
    signer = Reporting(sender)
    used(sender, signer)
    outer = pool.submit(sender.submit, signer, operation("outer", signer.address, b"outer"))
    assert signer.is_asked.wait(WAIT)
    rival = pool.submit(sender.submit, signer, operation("rival", signer.address, b"rival"))
    until(lambda: sum(each.leaders for each in sender._groups._queues.values()) == 2)
    signer.may_go.set()
    for each in (outer, rival):
        assert sender.wait(each.result(WAIT).id, WAIT).state is SubmissionState.FINAL
    settle(sender)
    assert [sent(anvil, signer, data) for data in (b"outer", b"report", b"rival")] == [1, 1, 1]


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_is_interrupted_anywhere_keeps_nobody_waiting(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, str(INTERRUPTED), "4", str(seed)], capture_output=True, text=True, check=True, timeout=60
    )
    interrupts, calls, waiting, queues, keys = map(int, done.stdout.split())
    assert interrupts > 100
    assert calls > interrupts
    assert (waiting, queues, keys) == (0, 0, 0)
