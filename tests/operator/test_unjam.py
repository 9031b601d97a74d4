"""A wallet jammed by a priced transaction, on the model of Besu's sequenced pool: freed, and paid what waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from chains.model import Thief
from chains.model_support import key, signer
from copies import Copies
from sending.engine_support import Place, stage

from pyjpm.chain.nodes import Nodes
from pyjpm.chain.raw import decode_raw
from pyjpm.custody import LocalSigner
from pyjpm.errors.custody import DeviceUnreachable, SigningRefused
from pyjpm.errors.outbox import LaneJammed, NotDecidable, PriceUnknown
from pyjpm.errors.sending import StillPending
from pyjpm.sending.decisions import Decisions
from pyjpm.sending.unjamming import unjam
from pyjpm.witnessing import ContractWitness


@pytest.mark.parametrize("price", [None, 2_000_000_000])
def test_a_jammed_wallet_is_freed_and_pays_what_waits(
    journal_url: str | Path, copies: Copies, price: int | None
) -> None:
    with stage(Place(journal_url, copies)) as s:
        engine, network, rescue, wallet = s.engine(), s.network, signer(77), s.lanes[0]
        network.fund_ether(rescue.address, 10**18)
        thief = Thief(network, key(0))
        jammer = thief.send_to_self(price=1_000_000_000)
        network.clock.sleep(1)
        payments = [engine.sender.submit(wallet, s.pay(f"p{i}", 100 + i)) for i in range(3)]
        engine.run(network.clock, 30)
        assert {engine.state(each) for each in payments}.isdisjoint({"FINAL"})
        assert [each.code for each in engine.journal.alarms.list()] == [LaneJammed.code]

        nodes = Nodes([network.connection(0), network.connection(1)], clock=network.clock, parallel=False)
        decisions = Decisions(nodes, engine.journal, ContractWitness(network.record()), network.clock)
        freed = unjam(
            nodes,
            engine.journal,
            decisions,
            LocalSigner.from_key(key(0)),
            rescue,
            who="Ada",
            reason="an old script signed with the key",
            clock=network.clock,
            price=price,
        )
        assert (freed.wallet, freed.nonce) == (wallet.address, 0)
        assert freed.price == (price or 1_100_000_000)
        engine.run(network.clock, 30)
        assert [engine.state(each) for each in payments] == ["FINAL"] * 3
        assert sorted(s.paid()) == [100, 101, 102]
        assert network.connection(0).receipts([jammer, freed.tx_hash])[0] is None
        assert engine.journal.alarms.list() == []
        (row,) = engine.journal.trail.of(wallet.address)
        assert (row.act, row.who) == ("unjam", "Ada")
        with pytest.raises(NotDecidable, match="Nothing of ours"):
            unjam(
                nodes,
                engine.journal,
                decisions,
                LocalSigner.from_key(key(0)),
                rescue,
                who="Ada",
                reason="again",
                clock=network.clock,
            )
        engine.close()


def test_what_had_no_bytes_yet_on_a_freed_nonce_is_paid_on_another(journal_url: str | Path, copies: Copies) -> None:
    with stage(Place(journal_url, copies)) as s:
        engine, network, rescue, wallet = s.engine(), s.network, signer(77), s.lanes[0]
        network.fund_ether(rescue.address, 10**18)
        Thief(network, key(0)).send_to_self(price=1_000_000_000)
        network.clock.sleep(1)
        wallet.refuses = DeviceUnreachable
        with pytest.raises(DeviceUnreachable):
            engine.sender.submit(wallet, s.pay("p", 100))
        payment = engine.sender.find(wallet.address, "p")
        assert payment is not None
        nodes = Nodes([network.connection(0), network.connection(1)], clock=network.clock, parallel=False)
        freed = unjam(
            nodes,
            engine.journal,
            Decisions(nodes, engine.journal, ContractWitness(network.record()), network.clock),
            LocalSigner.from_key(key(0)),
            rescue,
            who="Ada",
            reason="an old script signed with the key",
            clock=network.clock,
        )
        assert freed.nonce == payment.nonce == 0
        engine.run(network.clock, 10)
        wallet.refuses = None
        engine.run(network.clock, 30)
        assert engine.state(payment) == "FINAL"
        assert s.paid() == [100]
        engine.close()


def test_the_alarm_stays_until_the_nonce_is_used(journal_url: str | Path, copies: Copies) -> None:
    """Who frees a wallet may die between the cancel and the ether: the cancel moves nothing by itself."""
    with stage(Place(journal_url, copies)) as s:
        engine, network, rescue = s.engine(), s.network, signer(77)
        Thief(network, key(0)).send_to_self(price=1_000_000_000)
        network.clock.sleep(1)
        waits = engine.sender.submit(s.lanes[0], s.pay("waits"))
        engine.run(network.clock, 30)
        nodes = Nodes([network.connection(0), network.connection(1)], clock=network.clock, parallel=False)
        decisions = Decisions(nodes, engine.journal, ContractWitness(network.record()), network.clock)

        def free() -> None:
            wallet = LocalSigner.from_key(key(0))
            said = {"who": "Ada", "reason": "jammed", "clock": network.clock, "timeout": 10.0}
            unjam(nodes, engine.journal, decisions, wallet, rescue, **said)

        with pytest.raises(StillPending):  # the rescue account has no ether yet
            free()
        engine.run(network.clock, 30)
        assert [each.code for each in engine.journal.alarms.list()] == [LaneJammed.code]
        network.fund_ether(rescue.address, 10**18)
        free()
        engine.run(network.clock, 30)
        assert engine.state(waits) == "FINAL"
        assert engine.journal.alarms.list() == []
        engine.close()


def test_without_a_price_in_any_pool_one_must_be_given(journal_url: str | Path, copies: Copies) -> None:
    with stage(Place(journal_url, copies)) as s:
        engine, network = s.engine(), s.network
        nodes = Nodes([network.connection(0)], clock=network.clock, parallel=False)
        decisions = Decisions(nodes, engine.journal, ContractWitness(network.record()), network.clock)
        engine.sender.submit(s.lanes[0], s.pay("waits"))
        with pytest.raises(PriceUnknown):
            unjam(
                nodes,
                engine.journal,
                decisions,
                LocalSigner.from_key(key(0)),
                signer(77),
                who="Ada",
                reason="?",
                clock=network.clock,
            )
        assert engine.journal.trail.of() == []
        engine.close()


def test_a_priced_cancel_is_a_self_transfer_of_nothing_and_needs_a_price() -> None:
    wallet = LocalSigner.from_key(key(0))
    said = decode_raw(wallet.sign_priced_cancel(7, 3, 10).raw)
    assert (said.chain_id, said.nonce, said.value, said.gas, said.data) == (7, 3, 0, 21_000, b"")
    assert said.to == bytes.fromhex(wallet.address[2:])
    assert said.fees == (10, 10)
    with pytest.raises(SigningRefused):
        wallet.sign_priced_cancel(7, 3, 0)
