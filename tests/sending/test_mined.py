"""What became of many transactions at once: by whole blocks, and by a few questions about nonces."""

from __future__ import annotations

from typing import Any

import pytest
from sending.engine_support import Place, stage

from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Transaction
from pyjpm.contracts.codec import codec
from pyjpm.errors.chain import BlockNotAvailable, NodeError
from pyjpm.sending.mined import Consumers
from pyjpm.sending.witness import Call
from pyjpm.witnessing import ContractWitness

MANY = 30
MORE_THAN_THERE_IS = 10**15


def test_many_are_confirmed_by_their_blocks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    receipts = Connection.receipts

    def counted(self: Connection, tx_hashes: Any) -> Any:
        asked.extend(tx_hashes)
        return receipts(self, tx_hashes)

    monkeypatch.setattr(Connection, "receipts", counted)
    with stage(place) as s:
        engine = s.engine()
        orders = [s.pay(f"{i}", 100 + i) for i in range(MANY)]
        orders.insert(7, s.pay("too much", MORE_THAN_THERE_IS))
        sent = engine.sender.submit_many(s.lanes[0], orders)
        s.network.clock.sleep(4)
        engine.sender.carry_on()
        found = engine.journal.get_many([each.id for each in sent])
        assert [each.state.value for each in found] == [*["FINAL"] * 7, "REVERTED", *["FINAL"] * (MANY - 7)]
        assert s.paid() == [100 + i for i in range(MANY)]
        assert asked == [found[7].tx_hash], "only what emitted nothing was asked for by its receipt"
        assert found[7].gas_used is not None
        assert all(each.block_number for each in found)


def test_of_payments_no_other_events_are_asked_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment moves money, too, which says nothing that its own event does not."""
    asked: list[Any] = []
    block_logs = Connection.block_logs

    def seen(self: Connection, block: Any, addresses: Any = (), topics: Any = (), **options: Any) -> Any:
        found = block_logs(self, block, addresses, topics, **options)
        asked.append((topics, {each.topics[0] for each in found}))
        return found

    monkeypatch.setattr(Connection, "block_logs", seen)
    paid = codec("DepositToken").topic("Paid")
    with stage(place) as s:
        engine = s.engine()
        sent = engine.sender.submit_many(s.lanes[0], [s.pay(f"{i}", 100 + i) for i in range(MANY)])
        s.network.clock.sleep(4)
        engine.sender.carry_on()
        assert {engine.state(each) for each in sent} == {"FINAL"}
        assert asked
        assert all(each == ([[paid]], {paid}) for each in asked)
        # One that nobody described may tell by any event.
        call = Call(s.lanes[0].address, None, b"\x60", "test.create")
        witness = ContractWitness(s.network.record())
        assert witness.topics([call]) == ()
        payment = s.pay("another", 7)
        assert witness.topics([call, Call(s.lanes[0].address, payment.to, payment.data, payment.kind)]) == ()


def test_that_a_node_has_many_is_stored_with_the_next_look(place: Place) -> None:
    with stage(place) as s:
        engine = s.engine()
        few = engine.sender.submit_many(s.lanes[0], [s.pay("few")])
        many = engine.sender.submit_many(s.lanes[1], [s.pay(f"{i}") for i in range(MANY)])
        assert {engine.state(each) for each in few} == {"BROADCAST"}
        assert {engine.state(each) for each in many} == {"SIGNED"}
        # A look at another wallet is not theirs.
        engine.sender.refresh_many([few[0].id])
        assert {engine.state(each) for each in many} == {"SIGNED"}
        engine.sender.carry_on()
        assert {engine.state(each) for each in many} == {"BROADCAST"}
        s.network.clock.sleep(4)
        engine.sender.carry_on()
        assert {engine.state(each) for each in (*few, *many)} == {"FINAL"}
        assert len(s.paid()) == 1 + MANY


@pytest.mark.parametrize("question", ["block_logs", "block"])
def test_what_a_node_does_not_show_by_block_is_asked_for_one_by_one(
    place: Place, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """A limit on the events of one answer, or no blocks before the snapshot that it began with."""
    with stage(place) as s:
        engine = s.engine()
        sent = engine.sender.submit_many(s.lanes[0], [s.pay(f"{i}", 100 + i) for i in range(MANY)])
        s.network.clock.sleep(4)
        asked = getattr(Connection, question)

        def refused(self: Connection, block: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(block, str) and block.startswith("0x"):
                raise NodeError("Too many.") if question == "block_logs" else BlockNotAvailable("Unknown.")
            return asked(self, block, *args, **kwargs)

        monkeypatch.setattr(Connection, question, refused)
        engine.sender.carry_on()
        assert {engine.state(each) for each in sent} == {"FINAL"}


def test_what_took_many_nonces_is_told_by_few_requests() -> None:
    chain = OfOneBlock(nonces=500, at=90)
    consumers = Consumers(chain, 100)  # type: ignore[arg-type]
    assert [consumers.of("us", nonce).hash for nonce in range(500)] == [f"0x{nonce}" for nonce in range(500)]  # type: ignore[union-attr]
    assert consumers.of("us", 500) is None
    assert chain.blocks == [90, 100]
    assert chain.counts < 20


class OfOneBlock:
    """A chain on which all happened in one block."""

    def __init__(self, nonces: int, at: int) -> None:
        self.nonces, self.at = nonces, at
        self.blocks: list[int] = []
        self.counts = 0

    def transaction_count(self, _: str, *, at: int) -> int:
        self.counts += 1
        return self.nonces if at >= self.at else 0

    def block_transactions(self, at: int) -> list[Transaction]:
        self.blocks.append(at)
        mined = range(self.nonces) if at == self.at else ()
        return [Transaction(f"0x{nonce}", "us", nonce, "them", 0, b"", 21_000, at) for nonce in mined]  # type: ignore[arg-type]
