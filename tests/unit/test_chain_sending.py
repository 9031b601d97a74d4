"""What leaves us and what an answer to it is worth (BESU points 1 to 3, 5, 9, 11 to 13, and its table of codes)."""

from __future__ import annotations

import pytest
from eth_account import Account
from rpc_server import ANSWERS, BATCH_LIMIT, CHAIN_ID, Drop, Hang, Http, RpcServer, make_block, recorded, result

from pyjpm.chain import Connection, SendOutcome
from pyjpm.chain.raw import decode_raw
from pyjpm.errors.chain import (
    GasLimitTooHigh,
    HostNotAllowed,
    MalformedTransaction,
    NonZeroFee,
    UnprotectedTransaction,
    WrongChain,
)

KEY = "0x" + "17" * 32  # of no account anywhere
SEND = "eth_sendRawTransaction"
LEGACY = {"gasPrice": 0, "chainId": CHAIN_ID}
ACCESS_LIST = {"type": 1, "gasPrice": 0, "accessList": [], "chainId": CHAIN_ID}
DYNAMIC = {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "chainId": CHAIN_ID}
TYPES = (LEGACY, ACCESS_LIST, DYNAMIC)


def signed(fields: dict, **changes: object) -> tuple[bytes, str]:
    transaction = {"nonce": 3, "gas": 90_000, "to": "0x" + "11" * 20, "value": 0, "data": "0xbeef", **fields, **changes}
    made = Account.sign_transaction({key: value for key, value in transaction.items() if value is not None}, KEY)
    return bytes(made.raw_transaction), "0x" + bytes(made.hash).hex()


@pytest.fixture(params=["besu", "anvil"])
def server(request):
    with RpcServer(request.param) as running:
        yield running


@pytest.fixture
def besu():
    with RpcServer("besu") as running:
        yield running


# --- what leaves us -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", TYPES)
def test_bytes_are_read_back(fields):
    raw, tx_hash = signed(fields, nonce=0)
    transaction = decode_raw(raw)
    assert (transaction.hash, transaction.chain_id, transaction.nonce) == (tx_hash, CHAIN_ID, 0)
    assert (transaction.gas, transaction.to, transaction.data) == (90_000, bytes.fromhex("11" * 20), b"\xbe\xef")
    assert not any(transaction.fees)


@pytest.mark.parametrize("fields", TYPES)
def test_zero_fee_bytes_go_out_unchanged(server, fields):
    raw, tx_hash = signed(fields)
    server.on(SEND, result(tx_hash))
    answer = Connection.open(server.url).send_raw(raw)
    assert (answer.outcome, answer.tx_hash) == (SendOutcome.ACCEPTED, tx_hash)
    assert server.asked(SEND) == [["0x" + raw.hex()]]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        (LEGACY, {"gasPrice": 1}),
        (ACCESS_LIST, {"gasPrice": 10**9}),
        (DYNAMIC, {"maxFeePerGas": 1}),
        (DYNAMIC, {"maxFeePerGas": 2, "maxPriorityFeePerGas": 1}),
    ],
)
def test_a_fee_is_refused_and_never_sent(server, fields, change):
    raw, tx_hash = signed(fields, **change)
    with pytest.raises(NonZeroFee) as priced:
        Connection.open(server.url).send_raw(raw)
    assert priced.value.details["tx_hash"] == tx_hash
    assert server.asked(SEND) == []


@pytest.mark.parametrize("fields", TYPES)
def test_another_chains_transaction_is_refused_and_never_sent(server, fields):
    raw, _ = signed(fields, chainId=1)
    with pytest.raises(WrongChain) as wrong:
        Connection.open(server.url).send_raw(raw)
    assert (wrong.value.details["expected"], wrong.value.details["actual"]) == (CHAIN_ID, 1)
    assert server.asked(SEND) == []
    # Anvil would have taken it.
    assert "result" in recorded("wrong chain id", "anvil")


def test_an_unprotected_transaction_is_refused_and_never_sent(server):
    raw, _ = signed(LEGACY, chainId=None)
    with pytest.raises(UnprotectedTransaction):
        Connection.open(server.url).send_raw(raw)
    assert server.asked(SEND) == []
    # Besu would have taken it.
    assert "result" in recorded("no chain id (pre-155)", "besu")


def test_gas_above_the_block_limit_is_refused_and_never_sent(server):
    connection = Connection.open(server.url)
    with pytest.raises(GasLimitTooHigh) as high:
        connection.send_raw(signed(LEGACY, gas=100_000_001)[0])
    assert (high.value.details["gas"], high.value.details["block_gas_limit"]) == (100_000_001, 100_000_000)
    assert server.asked(SEND) == []
    raw, tx_hash = signed(LEGACY, gas=100_000_001)
    server.on("eth_getBlockByNumber", result(make_block(5, gas_limit=200_000_000)))
    server.on(SEND, result(tx_hash))
    assert connection.send_raw(raw).outcome is SendOutcome.ACCEPTED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\x02",
        b"\x01\xc0",
        b"\xc0",
        b"\xde\xad\xbe\xef",
        b"\x03" + signed(DYNAMIC)[0][1:],
        signed(LEGACY)[0][:-1],
        signed(LEGACY)[0] + b"\x00",
    ],
)
def test_what_is_no_transaction_is_refused_and_never_sent(server, raw):
    with pytest.raises(MalformedTransaction):
        Connection.open(server.url).send_raw(raw)
    assert server.asked(SEND) == []


# --- what an answer is worth ----------------------------------------------------------------------------------------

CLASSES = [
    ("send same, pending", SendOutcome.ALREADY_KNOWN, SendOutcome.ALREADY_KNOWN),
    ("send same, mined", SendOutcome.NONCE_USED, SendOutcome.NONCE_USED),
    ("send other, nonce consumed", SendOutcome.NONCE_USED, SendOutcome.NONCE_USED),
    ("same nonce, other payload, pending", None, SendOutcome.REPLACEMENT_REFUSED),
    ("zero fee on the jammed nonce", SendOutcome.REPLACEMENT_REFUSED, None),
    ("nonce +5000", SendOutcome.NONCE_TOO_FAR, None),
    ("gas above block limit", SendOutcome.REFUSED, SendOutcome.REFUSED),
    ("gas below intrinsic", SendOutcome.REFUSED, SendOutcome.REFUSED),
    ("value without balance", None, SendOutcome.INSUFFICIENT_FUNDS),
    ("priced, no balance", None, SendOutcome.INSUFFICIENT_FUNDS),
    ("wrong chain id", SendOutcome.REFUSED, None),
    ("garbage", SendOutcome.REFUSED, SendOutcome.REFUSED),
    ("empty", SendOutcome.REFUSED, SendOutcome.REFUSED),
    ("sender not allowlisted", SendOutcome.NOT_PERMITTED, None),
    ("node restarting or behind", SendOutcome.NODE_NOT_READY, None),
]


@pytest.mark.parametrize(
    ("case", "personality", "outcome"),
    [
        (case, personality, outcome)
        for case, besu, anvil in CLASSES
        for personality, outcome in (("besu", besu), ("anvil", anvil))
        if outcome is not None
    ],
)
def test_recorded_answers_have_a_class(case, personality, outcome):
    answer = recorded(case, personality)
    with RpcServer(personality) as server:
        server.on(SEND, answer)
        connection = Connection.open(server.url)
        raw, tx_hash = signed(LEGACY)
        said = connection.send_raw(raw)
        assert (said.outcome, said.tx_hash) == (outcome, tx_hash)
        assert (said.rpc_code, said.message) == (answer["error"]["code"], answer["error"]["message"])
        assert connection.send_raw_many([raw]) == [said]
        assert len(server.asked(SEND)) == 2  # an answer is never asked for again


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": -32099, "message": "something new"}},
        {"error": {"code": -12345, "message": "Nonce too low"}},
        {"error": {"message": "no code"}},
        result("0x" + "00" * 32),
        result(None),
        Http(500, "<html>"),
        Http(200, "no json"),
        Http(503),
        Drop(),
    ],
)
def test_any_other_answer_is_unknown(server, answer):
    connection = Connection.open(server.url, max_retries=0)
    server.on(SEND, answer)
    raw, tx_hash = signed(LEGACY)
    said = connection.send_raw(raw)
    assert (said.outcome, said.tx_hash) == (SendOutcome.UNKNOWN, tx_hash)
    assert said.message


def test_an_unknown_client_is_not_guessed_at(besu):
    besu.on("web3_clientVersion", result("Nethermind/v1.31"))
    besu.on(SEND, {"error": {"code": -32001, "message": "Nonce too low"}})
    assert Connection.open(besu.url).send_raw(signed(LEGACY)[0]).outcome is SendOutcome.UNKNOWN


def test_a_send_without_an_answer_is_sent_again_with_the_same_bytes(server):
    connection = Connection.open(server.url, timeout=0.2, max_retries=2)
    server.on(SEND, Drop(), Hang(0.5), recorded("send same, pending", server.personality))
    raw, _ = signed(LEGACY)
    assert connection.send_raw(raw).outcome is SendOutcome.ALREADY_KNOWN
    assert server.asked(SEND) == [["0x" + raw.hex()]] * 3


def test_sends_are_repeated_no_more_than_allowed(server):
    connection = Connection.open(server.url, max_retries=1)
    server.on(SEND, Drop())
    assert connection.send_raw(signed(LEGACY)[0]).message == "NODE_UNREACHABLE"
    assert len(server.asked(SEND)) == 2


def test_a_host_that_is_not_allowed_is_an_error_of_its_own(besu):
    connection = Connection.open(besu.url)
    besu.allowed_host = "node.bank.example"
    with pytest.raises(HostNotAllowed):
        connection.send_raw(signed(LEGACY)[0])


# --- many at once ---------------------------------------------------------------------------------------------------


def test_many_go_out_in_batches_and_answers_come_back_in_order(server):
    connection = Connection.open(server.url)
    pairs = [signed(LEGACY, nonce=nonce) for nonce in range(250)]
    server.on(SEND, *(result(tx_hash) for _, tx_hash in pairs))
    posts = server.posts
    answers = connection.send_raw_many([raw for raw, _ in pairs])
    assert [answer.tx_hash for answer in answers] == [tx_hash for _, tx_hash in pairs]
    assert {answer.outcome for answer in answers} == {SendOutcome.ACCEPTED}
    # Two batches, and one look (two requests) at the block gas limit.
    assert server.posts - posts == 4


def test_one_bad_transaction_stops_the_whole_batch_before_it_is_sent(server):
    connection = Connection.open(server.url)
    with pytest.raises(NonZeroFee):
        connection.send_raw_many([signed(LEGACY)[0], signed(LEGACY, nonce=4, gasPrice=1)[0]])
    assert server.asked(SEND) == []


def test_a_batch_refused_as_a_whole_says_nothing_about_its_transactions(besu, monkeypatch):
    # Besu answers one object, not a list. -32603 for one transaction would say nothing either.
    monkeypatch.setattr("pyjpm.chain.connection.BATCH", 2_000)
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "Internal error"}}
    monkeypatch.setitem(ANSWERS["batch 1025"]["besu"], "body", refusal)
    connection = Connection.open(besu.url)
    raw, _ = signed(LEGACY)
    answers = connection.send_raw_many([raw] * 1_025)
    assert {answer.outcome for answer in answers} == {SendOutcome.UNKNOWN}
    assert len(answers) == 1_025
    assert besu.asked(SEND) == []


def test_a_batch_that_is_too_large_for_the_node_goes_in_parts(besu, monkeypatch):
    monkeypatch.setitem(BATCH_LIMIT, "besu", 30)
    connection = Connection.open(besu.url)
    pairs = [signed(LEGACY, nonce=nonce) for nonce in range(100)]
    besu.on(SEND, *(result(tx_hash) for _, tx_hash in pairs))
    answers = connection.send_raw_many([raw for raw, _ in pairs])
    assert [answer.tx_hash for answer in answers] == [tx_hash for _, tx_hash in pairs]
    assert {answer.outcome for answer in answers} == {SendOutcome.ACCEPTED}
    assert len(besu.asked(SEND)) == 100
    # What it took is remembered: 100 and 50 were refused, then four batches of 25.
    posts = besu.posts
    connection.send_raw_many([raw for raw, _ in pairs])
    assert besu.posts - posts == 4
