"""The node is down, slow, closed to us, or no node at all; and no credential of ours is ever shown."""

from __future__ import annotations

import logging
import pickle
import socket
import time

import pytest
import requests
from rpc_server import ANSWERS, BATCH_LIMIT, Drop, Hang, Http, RpcServer, make_block, recorded, result
from web3 import HTTPProvider, Web3

from pyjpm.chain import Connection
from pyjpm.chain.url import public_url
from pyjpm.errors.chain import (
    HostNotAllowed,
    InvalidNodeUrl,
    NodeBadAnswer,
    NodeError,
    NodeOverloaded,
    NodeTimeout,
    NodeUnauthorized,
    NodeUnreachable,
    TransportFault,
)


@pytest.fixture
def besu():
    with RpcServer("besu") as running:
        yield running


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_node_that_is_down_is_named_with_what_to_do():
    port = closed_port()
    with pytest.raises(NodeUnreachable) as down:
        Connection.open(f"http://127.0.0.1:{port}", max_retries=0)
    assert down.value.details["url"] == f"http://127.0.0.1:{port}"
    assert f"127.0.0.1:{port}" in str(down.value)
    assert "Check that the node runs" in str(down.value)


def test_reads_are_repeated_after_transport_faults_and_then_given_up(besu):
    connection = Connection.open(besu.url, timeout=0.2, max_retries=3)
    besu.on("eth_blockNumber", Drop(), Http(503), Hang(0.5), result("0x5"))
    assert connection.head().number == 5
    besu.on("eth_blockNumber", Drop())
    before = len(besu.asked("eth_blockNumber"))
    with pytest.raises(NodeUnreachable):
        connection.with_options(max_retries=2).head()
    assert len(besu.asked("eth_blockNumber")) - before == 3


def test_answers_are_never_repeated(besu):
    connection = Connection.open(besu.url)
    besu.on("eth_blockNumber", {"error": {"code": -32603, "message": "Internal error"}})
    with pytest.raises(NodeError):
        connection.head()
    assert len(besu.asked("eth_blockNumber")) == 1


def test_a_slow_node_is_a_timeout_by_connection_and_by_call(besu):
    connection = Connection.open(besu.url, timeout=5, max_retries=0)
    besu.on("eth_blockNumber", Hang(1))
    started = time.monotonic()
    with pytest.raises(NodeTimeout) as slow:
        connection.with_options(timeout=0.1).head()
    assert time.monotonic() - started < 0.8
    assert slow.value.details["timeout"] == 0.1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_overloaded_node_is_a_transport_fault(besu, status):
    connection = Connection.open(besu.url, max_retries=0)
    besu.on("eth_blockNumber", Http(status, "busy"))
    with pytest.raises(NodeOverloaded) as busy:
        connection.head()
    assert isinstance(busy.value, TransportFault)
    assert busy.value.details["status"] == status


def test_a_host_name_that_besu_does_not_know_is_refused(besu):
    besu.allowed_host = "node.bank.example"
    assert recorded("host not allowed", "besu")["http"] == 403
    with pytest.raises(HostNotAllowed) as refused:
        Connection.open(besu.url)
    assert "host-allowlist" in str(refused.value)


@pytest.mark.parametrize("answer", [Http(401, "Unauthorized"), {"error": {"code": -40100, "message": "Unauthorized"}}])
def test_missing_credentials_are_named(besu, answer):
    besu.on("eth_chainId", answer)
    with pytest.raises(NodeUnauthorized):
        Connection.open(besu.url)


@pytest.mark.parametrize(
    "answer", [Http(200, "<html>"), Http(200, "7"), Http(404, "{}"), Http(302, ""), Http(200, "[]"), {"nothing": 1}]
)
def test_what_is_no_json_rpc_is_a_bad_answer(besu, answer):
    besu.on("eth_chainId", answer)
    with pytest.raises(NodeBadAnswer):
        Connection.open(besu.url)


def test_an_error_inside_http_400_is_the_answer(besu):
    besu.on("eth_chainId", Http(400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'))
    with pytest.raises(NodeError) as parse:
        Connection.open(besu.url)
    assert parse.value.rpc_code == -32700


def test_a_failure_inside_a_batch_is_that_requests_own(besu):
    connection = Connection.open(besu.url)
    besu.on("eth_getTransactionReceipt", result(None), {"error": {"code": -32602, "message": "Invalid params"}})
    with pytest.raises(NodeError) as failed:
        connection.receipts([bytes(32), bytes(32)])
    assert failed.value.rpc_code == -32602


def test_a_batch_refused_as_a_whole_is_an_error(besu, monkeypatch):
    monkeypatch.setattr("pyjpm.chain.reading.BATCH", 2_000)
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "Internal error"}}
    monkeypatch.setitem(ANSWERS["batch 1025"]["besu"], "body", refusal)
    with pytest.raises(NodeError) as refused:
        Connection.open(besu.url).receipts([bytes(32)] * 1_025)
    assert refused.value.rpc_code == -32603


def test_a_batch_that_is_too_large_for_the_node_goes_in_parts(besu, monkeypatch):
    monkeypatch.setattr("pyjpm.chain.reading.BATCH", 2_000)
    connection = Connection.open(besu.url)
    before = besu.posts
    assert connection.receipts([bytes(32)] * 1_025) == [None] * 1_025
    assert besu.posts - before == 3  # 1,025 refused; 513 and 512 taken
    monkeypatch.setitem(BATCH_LIMIT, "besu", 0)
    with pytest.raises(NodeError) as refused:
        connection.receipts([bytes(32)])
    assert refused.value.rpc_code == -32005


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://host", "http://", "http://h:99999", "http://h:port"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InvalidNodeUrl):
        Connection.open(url)


# --- nothing secret is shown ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://user:secret@node.example/v3/KEY?token=T#f", "https://node.example/…"),
        ("http://[::1]:8545/", "http://[::1]:8545"),
    ],
)
def test_urls_are_shown_without_what_may_be_secret(url, shown):
    assert public_url(url) == shown


def test_credentials_go_to_the_node_and_nowhere_else(besu, caplog):
    caplog.set_level(logging.DEBUG, logger="pyjpm")
    secret_url = f"http://user:s3cret@127.0.0.1:{besu.port}/v3/k3y?token=t0ken"
    connection = Connection.open(secret_url, max_retries=1)
    assert besu.headers[-1]["Authorization"].startswith("Basic ")
    besu.on("eth_blockNumber", Drop())
    with pytest.raises(NodeUnreachable) as failed:
        connection.head()
    token = Connection.open(besu.url, headers={"Authorization": "Bearer b3arer"})
    assert besu.headers[-1]["Authorization"] == "Bearer b3arer"
    shown = [repr(connection), repr(connection.web3.provider), repr(token), str(failed.value), repr(failed.value)]
    shown += [
        str(failed.value.to_dict()),
        str(failed.value.__cause__),
        str(failed.value.__suppress_context__),
        caplog.text,
    ]
    assert "NODE_UNREACHABLE" in caplog.text
    for secret in ("s3cret", "k3y", "t0ken", "b3arer", "user:"):
        assert not any(secret in text for text in shown)


def test_errors_survive_pickling():
    error = NodeError("said no", method="m", rpc_code=3, rpc_message="x", data="0x01")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.rpc_code, copy.data, copy.code, str(copy)) == (3, "0x01", "NODE_ERROR", str(error))


# --- providers that are not ours ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda provider: provider, Web3])
def test_a_web3_provider_or_web3_of_the_users_own_serves_too(besu, wrap):
    connection = Connection.open(wrap(HTTPProvider(besu.url, exception_retry_configuration=None)))
    assert connection.block(5).number == 5
    besu.on("eth_call", recorded("call custom error", "besu"))
    with pytest.raises(NodeError):
        connection.development_request("eth_call", {}, "latest")
    assert connection.receipts([bytes(32)]) == [None]


def test_faults_of_a_foreign_provider_get_our_names(besu):
    besu_provider = HTTPProvider(besu.url, request_kwargs={"timeout": 0.2}, exception_retry_configuration=None)
    connection = Connection.open(besu_provider, max_retries=0)
    besu.on("eth_blockNumber", Hang(0.6))
    with pytest.raises(NodeTimeout):
        connection.head()
    besu.on("eth_blockNumber", Drop())
    with pytest.raises(NodeUnreachable) as failed:
        connection.head()
    assert not isinstance(failed.value.__cause__, requests.RequestException)


def test_the_web3_below_reads_through_the_same_provider(besu):
    connection = Connection.open(besu.url)
    assert connection.web3.eth.chain_id == connection.chain_id
    besu.on("eth_getBlockByNumber", result(make_block(2, extra_bytes=327)))
    assert connection.web3.eth.get_block(2)["number"] == 2
    assert connection.web3.is_connected()
    with connection.web3.batch_requests() as batch:
        batch.add(connection.web3.eth.get_block(2))
        batch.add(connection.web3.eth.get_block(2))
        assert [block["number"] for block in batch.execute()] == [2, 2]
