"""Each fault of the wire, as a Connection meets it: a class or a named error, and the same for the same seed."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator

import pytest
import urllib3

from chains.party import Party
from chains.proxy import ANVIL, BESU, Fault, Manners, Proxy
from pyjpm.chain import Connection, LocalAnvil, SendOutcome
from pyjpm.errors.chain import (
    AnswerGarbled,
    NodeOverloaded,
    NodeTimeout,
    NodeUnauthorized,
    NodeUnreachable,
)

SEND = "eth_sendRawTransaction"
NOBODY = "0x" + "11" * 20


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil() as running:
        yield running


@pytest.fixture
def proxy(anvil: LocalAnvil) -> Iterator[Proxy]:
    with Proxy(anvil.url, seed=11, manners=ANVIL, patience=5, delay=0.2) as running:
        yield running


def opened(proxy: Proxy, **options: float) -> Connection:
    return proxy.connection(timeout=options.get("timeout", 0.4), max_retries=int(options.get("retries", 0)))


@pytest.fixture
def party(anvil: LocalAnvil, request: pytest.FixtureRequest) -> Party:
    return Party(31337, seed=zlib.crc32(request.node.name.encode()) + 1)


def test_without_a_fault_it_is_anvil(anvil: LocalAnvil, proxy: Proxy, party: Party) -> None:
    connection = opened(proxy)
    assert connection.client_version == anvil.connection().client_version
    receipt = party.send(connection, party.sign(NOBODY))
    assert receipt == anvil.connection().receipt(receipt.transaction_hash)
    assert sum(proxy.given.values()) == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.DROP_REQUEST, NodeTimeout),
        (Fault.DROP_RESPONSE, NodeTimeout),
        (Fault.RESET, NodeUnreachable),
        (Fault.RESET_AFTER, NodeUnreachable),
        (Fault.OVERLOADED, NodeOverloaded),
        (Fault.OVERLOADED_AFTER, NodeOverloaded),
        (Fault.CROSSED, AnswerGarbled),
        (Fault.UNAUTHORIZED, NodeUnauthorized),
    ],
)
def test_a_fault_is_a_named_error_and_a_read_gets_over_it(proxy: Proxy, fault: Fault, error: type[Exception]) -> None:
    connection = opened(proxy)
    proxy.order(fault, "eth_getBalance")
    with pytest.raises(error):
        connection.balance(NOBODY)
    assert proxy.given[fault] == 1
    if error is not NodeUnauthorized:  # that is no fault of the way, and not repeated
        proxy.order(fault, "eth_getBalance")
        assert opened(proxy, retries=1).balance(NOBODY) == 0


def test_an_answer_that_is_cut_short_is_a_transport_fault_wherever_it_is_cut(proxy: Proxy) -> None:
    connection = opened(proxy)
    seen = set()
    for _ in range(25):
        proxy.order(Fault.TRUNCATED, "eth_getBalance")
        with pytest.raises((AnswerGarbled, NodeUnreachable, NodeTimeout)) as cut:
            connection.balance(NOBODY)
        seen.add(type(cut.value))
    assert {AnswerGarbled, NodeUnreachable} <= seen


@pytest.mark.parametrize(
    ("fault", "acted"),
    [
        (Fault.DROP_REQUEST, False),
        (Fault.RESET, False),
        (Fault.OVERLOADED, False),
        (Fault.DROP_RESPONSE, True),
        (Fault.RESET_AFTER, True),
        (Fault.OVERLOADED_AFTER, True),
        (Fault.TRUNCATED, True),
        (Fault.WRONG_HASH, True),
        (Fault.CROSSED, True),
    ],
)
def test_after_a_fault_nobody_knows_whether_a_send_arrived(
    anvil: LocalAnvil, proxy: Proxy, party: Party, fault: Fault, acted: bool
) -> None:
    connection = opened(proxy)
    raw = party.sign(NOBODY)
    connection.head()
    proxy.order(fault, SEND)
    answer = connection.send_raw(raw)
    assert answer.outcome is SendOutcome.UNKNOWN
    found = anvil.connection().wait_for_receipt(answer.tx_hash, timeout=5 if acted else 0.1)
    assert (found is not None) is acted
    assert party.send(connection, raw).succeeded  # the same bytes again


def test_a_wrong_error_is_believed_in_no_way_that_matters(anvil: LocalAnvil, proxy: Proxy, party: Party) -> None:
    connection = opened(proxy)
    outcomes = set()
    for _ in range(12):
        proxy.order(Fault.WRONG_ERROR, SEND)
        answer = connection.send_raw(party.sign(NOBODY))
        outcomes.add(answer.outcome)
        assert answer.outcome is not SendOutcome.ACCEPTED
        # Only this says what happened.
        assert anvil.connection().wait_for_receipt(answer.tx_hash, timeout=5) is not None
    assert len(outcomes) > 2


def test_what_is_sent_twice_is_mined_once(anvil: LocalAnvil, proxy: Proxy, party: Party) -> None:
    connection = opened(proxy)
    for fault in (Fault.DUPLICATE, Fault.DUPLICATE_LATER) * 3:
        proxy.order(fault, SEND)
        answer = connection.send_raw(party.sign(NOBODY))
        assert answer.outcome in (SendOutcome.ACCEPTED, SendOutcome.NONCE_USED, SendOutcome.ALREADY_KNOWN)
    connection.wait_for_receipt(answer.tx_hash, timeout=5)
    time.sleep(0.3)
    assert anvil.connection().transaction_count(party.address) == 6


def test_a_reordered_batch_is_still_answered_item_by_item(proxy: Proxy, party: Party) -> None:
    connection = opened(proxy)
    raws = [party.sign(NOBODY) for _ in range(20)]
    connection.head()
    proxy.order(Fault.REORDER, SEND)
    answers = connection.send_raw_many(raws)
    assert {answer.outcome for answer in answers} <= {SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN}
    assert all(connection.wait_for_receipt(answer.tx_hash, timeout=5) for answer in answers)
    receipts = connection.receipts([answer.tx_hash for answer in answers])
    assert [each.transaction_hash for each in receipts if each] == [answer.tx_hash for answer in answers]


def test_requests_of_other_connections_can_go_first(proxy: Proxy) -> None:
    slow, fast = opened(proxy, timeout=5), opened(proxy, timeout=5)
    ended: list[float] = []
    proxy.order(Fault.OVERTAKEN, "eth_getBalance")

    def ask() -> None:
        slow.balance(NOBODY)
        ended.append(time.monotonic())

    held = threading.Thread(target=ask)
    held.start()
    time.sleep(0.05)
    began = time.monotonic()
    fast.transaction_count(NOBODY)
    held.join()
    # Not before the other was asked. Which of the two threads notes its answer first is for the machine to say.
    assert ended[0] > began


def test_a_delay_is_a_delay(proxy: Proxy) -> None:
    connection = opened(proxy, timeout=5)
    proxy.order(Fault.DELAY, "eth_getBalance")
    started = time.monotonic()
    assert connection.balance(NOBODY) == 0
    assert time.monotonic() - started > 0.02


# --- seeds ----------------------------------------------------------------------------------------------------------


def faults_of(anvil: LocalAnvil, seed: int) -> list[str]:
    with Proxy(anvil.url, seed=seed, nodes=1, manners=ANVIL, patience=0.1, delay=0.01) as proxy:
        proxy.disturb({Fault.RESET: 0.2, Fault.RESET_AFTER: 0.2, Fault.TRUNCATED: 0.2}, only=["eth_getCode"])
        connection = opened(proxy)
        said = []
        for account in range(1, 40):
            try:
                connection.code(f"0x{account:040x}")
                said.append("")
            except (NodeUnreachable, AnswerGarbled) as error:
                said.append(error.code)
        return said


def test_the_same_seed_does_the_same(anvil: LocalAnvil) -> None:
    first = faults_of(anvil, 5)
    assert faults_of(anvil, 5) == first
    assert faults_of(anvil, 6) != first
    assert 5 < sum(1 for each in first if each) < 35


def test_rates_apply_to_the_methods_they_are_given_for(proxy: Proxy) -> None:
    connection = opened(proxy)
    proxy.disturb({Fault.RESET: 1.0}, only=["eth_getCode"], node=0)
    assert connection.balance(NOBODY) == 0
    with pytest.raises(NodeUnreachable):
        connection.code(NOBODY)
    proxy.disturb({})
    assert connection.code(NOBODY) == b""
    assert proxy.given == {Fault.RESET: 1}


def test_what_happened_is_told_with_the_seed_when_a_test_fails(
    anvil: LocalAnvil, capsys: pytest.CaptureFixture[str]
) -> None:
    def a_test_that_fails() -> None:
        with Proxy(anvil.url, seed="the seed", manners=ANVIL) as proxy:
            proxy.order(Fault.RESET, "eth_getBalance")
            opened(proxy).balance(NOBODY)

    with pytest.raises(NodeUnreachable):
        a_test_that_fails()
    told = capsys.readouterr().err
    assert "the seed" in told
    assert "['eth_getBalance'] RESET" in told


# --- nothing stays --------------------------------------------------------------------------------------------------


def open_sockets() -> set[str]:
    gc.collect()  # what other tests left to be collected is not counted
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    return {each for each in found if each.startswith("socket:")}


@pytest.mark.parametrize("manners", [ANVIL, BESU], ids=["anvil", "besu"])
def test_no_thread_and_no_socket_stays(anvil: LocalAnvil, manners: Manners) -> None:
    threads, sockets = set(threading.enumerate()), open_sockets()
    before = time.monotonic()
    with LocalAnvil(mining="none") as own, Proxy(own.url, seed=1, manners=manners, second=0.05) as proxy:
        url = proxy.urls[0]
        connection = opened(proxy)
        proxy.disturb({Fault.DROP_RESPONSE: 0.3, Fault.DUPLICATE_LATER: 0.3})
        for _ in range(5):
            with contextlib.suppress(NodeTimeout):
                connection.balance(NOBODY)
        proxy.stop(1)
    assert time.monotonic() - before < 15
    connection.web3.provider._pool.close()  # ours, not the proxy's
    assert set(threading.enumerate()) <= threads
    assert open_sockets() <= sockets
    with pytest.raises(NodeUnreachable):
        Connection.open(url, max_retries=0)


def test_it_ends_when_its_anvil_is_gone_first() -> None:
    with LocalAnvil(mining="none") as own:
        proxy = Proxy(own.url, seed=1, second=0.05)
        proxy.__enter__()
        own.stop()
        time.sleep(0.2)
    with pytest.raises(Exception, match=r"Cannot connect|disconnected"):
        proxy.__exit__(None, None, None)
    assert not [each for each in threading.enumerate() if each.name.startswith("proxy-")]


def test_the_answer_is_real_http(proxy: Proxy) -> None:
    pool = urllib3.PoolManager()
    asked = {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": []}
    answer = pool.request("POST", proxy.urls[1], body=json.dumps(asked), headers={"Content-Type": "application/json"})
    assert (answer.status, json.loads(answer.data)) == (200, {"jsonrpc": "2.0", "id": 7, "result": "0x7a69"})
    pool.clear()
