"""How many calls a sender accepts at once, and what it asks a node only once a block."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from coincurve import PrivateKey
from sending_support import DeviceLost, decode, operation, self_calls, sent_by

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import Nodes, View
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import InvalidAddress
from pyjpm.sending import Journal, Sender, Settings, SubmissionState
from pyjpm.sending.used import UsedNonces

WAIT = 20.0


class Gauge:
    """How many are inside, and the most that ever were."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self.inside = self.most = 0

    def __enter__(self) -> None:
        with self._mutex:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            self.inside -= 1


class SlowSigner(LocalSigner):
    """A device that takes a while; ``lost``: and then is gone."""

    def __init__(self, gauge: Gauge, *, lost: bool = False) -> None:
        super().__init__(PrivateKey())
        self._gauge = gauge
        self._lost = lost

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        with self._gauge:
            threading.Event().wait(0.05)
            if self._lost:
                raise DeviceLost("The device is gone.")
            return super()._sign_digests(digests)


def together(*works: Any) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()


@pytest.mark.parametrize(("accepting", "most"), [(None, 4), (1, 1), (2, 2)])
def test_so_many_are_accepted_at_once(anvil: Connection, accepting: int | None, most: int) -> None:
    gauge = Gauge()
    with Journal.open(None, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode, settings=Settings(accepting=accepting))
        signers = [SlowSigner(gauge) for _ in range(4)]
        sender.resume({each.address: each for each in signers})
        works = [
            lambda signer=signer: [sender.submit(signer, each) for each in self_calls(signer, 3)] for signer in signers
        ]
        together(*works)
        assert gauge.most == most
        for signer in signers:
            for each in self_calls(signer, 3):
                found = sender.find(signer.address, each.key)
                assert found is not None
                assert sender.wait(found.id, WAIT).state is SubmissionState.FINAL
            assert [nonce for nonce, _ in sent_by(anvil, signer.address)] == [0, 1, 2]


def test_no_turn_at_all_is_refused() -> None:
    for number in (0, -1):
        with pytest.raises(ValueError, match="none ever is"):
            Settings(accepting=number)
        with pytest.raises(ValueError, match="none ever is"):
            Settings(signing=number)


@pytest.mark.parametrize(("signing", "most"), [(1, 1), (2, 2), (8, 4)])
def test_so_many_wallets_are_signed_for_at_once(anvil: Connection, signing: int, most: int) -> None:
    gauge = Gauge()
    with Journal.open(None, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode, settings=Settings(signing=signing))
        signers = [SlowSigner(gauge) for _ in range(4)]
        batches = [(signer, self_calls(signer, 3)) for signer in signers]
        sent = sender.submit_batches(batches)
        assert gauge.most == most
        for signer, mine in zip(signers, sent, strict=True):
            assert [sender.wait(each.id, WAIT).nonce for each in mine] == [0, 1, 2]
            assert [nonce for nonce, _ in sent_by(anvil, signer.address)] == [0, 1, 2]


def test_what_is_sent_takes_no_turn(anvil: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = LocalSigner.generate(), LocalSigner.generate()
    may_leave, leaves = threading.Event(), threading.Event()
    real = Nodes.send

    def slow(self: Nodes, raws: Sequence[bytes], **options: Any) -> Any:
        if first.address in options["lanes"]:
            leaves.set()
            assert may_leave.wait(WAIT)
        return real(self, raws, **options)

    monkeypatch.setattr(Nodes, "send", slow)
    with Journal.open(None, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode, settings=Settings(accepting=1))
        thread = threading.Thread(target=sender.submit, args=(first, operation("a", first.address)))
        thread.start()
        assert leaves.wait(WAIT)
        done = sender.submit(second, operation("b", second.address))
        assert sender.wait(done.id, WAIT).state is SubmissionState.FINAL
        assert sent_by(anvil, first.address) == []
        may_leave.set()
        thread.join(WAIT)
        found = sender.find(first.address, "a")
        assert found is not None
        assert sender.wait(found.id, WAIT).state is SubmissionState.FINAL


def test_a_turn_is_given_back_whatever_happens(anvil: Connection) -> None:
    signer, gone = LocalSigner.generate(), SlowSigner(Gauge(), lost=True)
    with Journal.open(None, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode, settings=Settings(accepting=1))
        for _ in range(2):
            with pytest.raises(InvalidAddress):
                sender.submit(signer, operation("bad", "0x12"))
            with pytest.raises(DeviceLost):
                sender.submit(gone, operation("lost", gone.address))
        done = sender.submit(signer, operation("good", signer.address))
        again = sender.submit(signer, operation("good", signer.address))
        assert again.id == done.id
        assert sender.wait(done.id, WAIT).state is SubmissionState.FINAL


def test_used_nonces_are_asked_for_once_a_block(anvil: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    real = Connection.transaction_counts

    def counted(self: Connection, wallets: Sequence[str], **options: Any) -> list[int]:
        asked.append(list(wallets))
        return real(self, wallets, **options)

    monkeypatch.setattr(Connection, "transaction_counts", counted)

    def view() -> View:
        head = anvil.head()
        return View(anvil, head.number, head.hash, head.timestamp)

    used, (one, two) = UsedNonces(), [LocalSigner.generate() for _ in range(2)]
    with Journal.open(None, genesis_hash=anvil.genesis_hash, chain_id=anvil.chain_id) as journal:
        sender = Sender(anvil, journal, decode=decode)
        here = view()
        assert used.recall([one.address], here) == {one.address: 0}
        assert used.recall([one.address, two.address], here) == {one.address: 0, two.address: 0}
        assert used.recall([two.address, one.address], here) == {one.address: 0, two.address: 0}
        assert asked == [[one.address], [two.address]]
        sender.wait(sender.submit(one, operation("one", one.address)).id, WAIT)
        asked.clear()
        there = view()
        assert there.hash != here.hash
        assert used.recall([one.address], there) == {one.address: 1}
        assert used.ask([two.address], there) == {two.address: 0}
        assert used.recall([one.address, two.address], there) == {one.address: 1, two.address: 0}
        assert asked == [[one.address], [two.address]]
        # What another thread still asks about the block before is not taken from this one.
        assert used.recall([one.address], here) == {one.address: 0}
