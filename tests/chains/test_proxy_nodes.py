"""Two nodes that lag, dispute, forget and go away, as one client of both meets them."""

from __future__ import annotations

import random
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chains.party import Party
from chains.proxy import BESU, Fault, Proxy
from pyjpm.chain import LocalAnvil, SendOutcome
from pyjpm.chain.nodes import Nodes
from pyjpm.contracts.decoding import decode_revert
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import TransportFault
from pyjpm.errors.seeing import NodesDisagree, ViewBehind
from pyjpm.sending import Journal, Operation, Sender, Submission, SubmissionState

NOBODY = "0x" + "11" * 20
SECOND = 0.1


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil(mining="none") as running:
        yield running


@pytest.fixture
def proxy(anvil: LocalAnvil) -> Iterator[Proxy]:
    with Proxy(anvil.url, seed=5, manners=BESU, second=SECOND, patience=2) as running:
        running.wait_for_blocks(6)
        yield running


@pytest.fixture
def nodes(proxy: Proxy) -> Iterator[Nodes]:
    with Nodes.open(list(proxy.urls), timeout=1) as opened:
        yield opened


@pytest.fixture
def party(request: pytest.FixtureRequest) -> Party:
    return Party(31337, seed=zlib.crc32(request.node.name.encode()) + 1)


def port(url: str) -> str:
    return url.rsplit(":", 1)[1]


@pytest.mark.parametrize("behind", [0, 1])
def test_the_node_that_lags_is_not_believed(proxy: Proxy, nodes: Nodes, behind: int) -> None:
    proxy.lag(behind, blocks=5)
    seen = nodes.best()
    assert port(proxy.urls[1 - behind]) in seen.connection.where
    assert seen.number >= proxy.head - 1


def test_no_view_is_below_what_was_seen(proxy: Proxy, nodes: Nodes) -> None:
    seen = nodes.best()
    for index in (0, 1):
        proxy.lag(index, blocks=200)
    with pytest.raises(ViewBehind):
        nodes.best()
    proxy.lag(1, blocks=0)
    assert nodes.best().number >= seen.number


def test_two_chains_are_an_alarm_not_a_choice(proxy: Proxy, nodes: Nodes) -> None:
    proxy.dispute(1, since=1)
    met = False
    for _ in range(20):  # at a moment when both are at one height
        try:
            nodes.best()
        except NodesDisagree:
            met = True
            break
        time.sleep(SECOND / 5)
    assert met


def test_bytes_go_to_both_and_each_answers_for_itself(proxy: Proxy, nodes: Nodes, party: Party) -> None:
    proxy.deny(0, party.address)
    proxy.mute(1)
    ((first, second),) = nodes.send([party.sign(NOBODY)])
    assert (first.outcome, second.outcome) == (SendOutcome.NOT_PERMITTED, SendOutcome.ACCEPTED)


def test_one_node_down_is_no_trouble(proxy: Proxy, nodes: Nodes, party: Party) -> None:
    proxy.stop(0)
    raw = party.sign(NOBODY)
    ((first, second),) = nodes.send([raw])
    assert (first.outcome, second.outcome) == (SendOutcome.UNKNOWN, SendOutcome.ACCEPTED)
    assert port(proxy.urls[1]) in nodes.best().connection.where


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_the_nodes_do_each_operation_is_carried_out_once(anvil: LocalAnvil, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    signer = LocalSigner.from_key((0xC4A05_000 + seed).to_bytes(32, "big"))
    rates = {Fault.RESET: 0.03, Fault.RESET_AFTER: 0.03, Fault.DUPLICATE: 0.1, Fault.WRONG_HASH: 0.05}
    with (
        Proxy(anvil.url, seed=seed, second=0.05, patience=1) as proxy,
        Nodes.open(list(proxy.urls), timeout=0.5, max_retries=1) as nodes,
    ):
        proxy.wait_for_blocks(6)
        proxy.disturb(rates)
        with Journal.open(
            tmp_path / "journal.sqlite", genesis_hash=nodes.genesis_hash, chain_id=nodes.chain_id
        ) as journal:
            sender = Sender(nodes, journal, decode=decode_revert)
            accepted = []
            for place in range(20):
                happen(proxy, dice)
                data = f"{seed}/{place}".encode()
                operation = Operation(f"key {place}", "test.call", {"data": data.hex()}, signer.address, data, 60_000)
                accepted.append(submitted(sender, signer, operation))
            done = [sender.wait(each.id, 60) for each in accepted]
        assert {each.state for each in done} == {SubmissionState.FINAL}
        assert proxy.refused == []
    sent = Counter(
        transaction.data
        for height in range(1, anvil.connection().head().number + 1)
        for transaction in anvil.connection().block_transactions(height)
        if transaction.sender == signer.address
    )
    assert sent == Counter(f"{seed}/{place}".encode() for place in range(20))


def submitted(sender: Sender, signer: LocalSigner, operation: Operation) -> Submission:
    """Accepted in the end: a client that is told that no node can be believed now asks again, with the same key."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return sender.submit(signer, operation)
        except (ViewBehind, TransportFault):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def happen(proxy: Proxy, dice: random.Random) -> None:
    """Something to one of two nodes, so that the other can be asked."""
    one = dice.randrange(2)
    what = dice.randrange(6)
    if what == 0:
        proxy.restart(one, down=2, behind=6, forgets=3)
    elif what == 1:
        proxy.lag(one, blocks=3)
        proxy.lag(1 - one, blocks=0)
    elif what == 2:
        proxy.forget_pool(one)
    elif what == 3:
        proxy.mute(one)
        proxy.mute(1 - one, muted=False)
    elif what == 4:
        proxy.forget_everywhere()
