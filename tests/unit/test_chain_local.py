"""One set of expectations, held by both local chains: a real Anvil and eth-tester in this process."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path

import pytest
from eth_account import Account
from rpc_server import RpcServer
from web3.exceptions import ContractCustomError

from pyjpm.chain import ClientKind, Connection, DevClock, LocalAnvil, SendOutcome, reverted_from
from pyjpm.chain.tester import LocalTester
from pyjpm.errors.chain import (
    BlockNotAvailable,
    ClockBackwards,
    ExecutionFailed,
    LocalTesterForked,
    NonZeroFee,
    NotADevelopmentChain,
    Reverted,
    WrongChain,
)

PROBE = json.loads((Path(__file__).parents[1] / "chain_probe.json").read_text())
SELECTOR = {signature.split("(")[0]: bytes.fromhex(selector) for signature, selector in PROBE["methods"].items()}
START = 820_454_400  # 1996-01-01
CHAIN_ID = 4_711
GAS_LIMIT = 6_000_000  # small, so that filling a block is quick; an invalid opcode burns all gas at once
DENIED = bytes.fromhex("2bbdbc26")


class Party:
    """A fresh account without ether, and the probe contract it deployed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.account = Account.create()
        self.address = self.account.address
        self.nonces = count()
        deployed = self.send(None, bytes.fromhex(PROBE["bytecode"]))
        assert deployed.contract_address is not None
        self.probe = deployed.contract_address

    def sign(self, to: str | None, data: bytes, *, nonce: int | None = None, gas: int = 1_000_000, **changes) -> bytes:
        fields = {
            "nonce": next(self.nonces) if nonce is None else nonce,
            "gas": gas,
            "gasPrice": 0,
            "value": 0,
            "data": data,
            "chainId": self.connection.chain_id,
            **changes,
        }
        return bytes(self.account.sign_transaction(fields if to is None else {**fields, "to": to}).raw_transaction)

    def send(self, to: str | None, data: bytes, **options):
        answer = self.connection.send_raw(self.sign(to, data, **options))
        assert answer.outcome is SendOutcome.ACCEPTED, answer
        receipt = self.connection.wait_for_receipt(answer.tx_hash, timeout=10)
        assert receipt is not None
        return receipt

    def do(self, name: str, argument: int | None = None, **options):
        return self.send(self.probe, call_data(name, argument), **options)

    def ask(self, name: str, argument: int | None = None, **options) -> bytes:
        return self.connection.call(self.probe, call_data(name, argument), sender=self.address, **options)


def call_data(name: str, argument: int | None = None) -> bytes:
    return SELECTOR[name] + (b"" if argument is None else argument.to_bytes(32, "big"))


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


@pytest.fixture(scope="module", params=["anvil", "tester"])
def chain(request):
    made = LocalAnvil if request.param == "anvil" else LocalTester
    with made(chain_id=CHAIN_ID, timestamp=START, block_gas_limit=GAS_LIMIT) as running:
        yield running


@pytest.fixture(scope="module")
def connection(chain):
    return chain.connection()


@pytest.fixture
def clock(connection):
    moved = DevClock(connection)
    yield moved
    moved.automine(True)


@pytest.fixture
def party(connection):
    return Party(connection)


def test_it_is_what_was_asked_for(chain, connection):
    assert connection.kind in (ClientKind.ANVIL, ClientKind.ETH_TESTER)
    assert connection.chain_id == CHAIN_ID
    assert connection.block(0).timestamp == START
    assert connection.block(0).gas_limit == GAS_LIMIT
    assert connection.genesis_hash == connection.block(0).hash
    with pytest.raises(WrongChain):
        connection.expect(genesis_hash="0x" + "11" * 32)


def test_accounts_without_ether_send_at_zero_fee(party):
    assert party.connection.balance(party.address) == 0
    receipt = party.do("bump")
    assert receipt.succeeded
    assert (receipt.sender, receipt.to) == (party.address, party.probe)
    assert number(party.ask("count")) == 1
    assert party.connection.transaction_count(party.address) == 2


def test_dynamic_fee_transactions_of_zero_pass_too(party):
    raw = bytes(
        party.account.sign_transaction(
            {
                "type": 2,
                "nonce": next(party.nonces),
                "gas": 100_000,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "to": party.probe,
                "value": 0,
                "data": call_data("bump"),
                "chainId": CHAIN_ID,
            }
        ).raw_transaction
    )
    assert party.connection.wait_for_receipt(party.connection.send_raw(raw).tx_hash, timeout=5).succeeded


def test_the_base_fee_stays_zero_even_after_a_full_block(party, clock):
    assert not party.do("invalid", gas=GAS_LIMIT).succeeded
    full = party.connection.block("latest")
    assert (full.gas_used, full.base_fee) == (GAS_LIMIT, 0)
    assert clock.mine().base_fee == 0
    base_fee, chain_id = party.ask("fee")[:32], party.ask("fee")[32:]
    assert (number(base_fee), number(chain_id)) == (0, CHAIN_ID)
    assert party.do("bump").succeeded


def test_a_fee_is_refused_here_too(party):
    with pytest.raises(NonZeroFee):
        party.connection.send_raw(party.sign(party.probe, b"", gasPrice=1))


def test_cancun_is_in_force(party):
    assert number(party.ask("modern", 42)) == 42


def test_the_code_size_limit_is_kept(party):
    # Init code that returns 24,577 zero bytes: one more than EIP-170 allows.
    too_long = party.send(None, bytes.fromhex("6160015ff3"), gas=GAS_LIMIT)
    assert not too_long.succeeded
    assert party.send(None, bytes.fromhex("6160005ff3"), gas=GAS_LIMIT).succeeded


# --- reverts --------------------------------------------------------------------------------------------------------


def test_reverts_carry_the_same_data_on_both_chains(party):
    expected = {
        "custom": DENIED + bytes(12) + bytes.fromhex(party.address[2:]) + (7).to_bytes(32, "big"),
        "bare": b"",
        "panic": bytes.fromhex("4e487b71") + (0x12).to_bytes(32, "big"),
    }
    for name, data in expected.items():
        with pytest.raises(Reverted) as reverted:
            party.ask(name, 0 if name == "panic" else None)
        assert reverted.value.data == data, name
    with pytest.raises(Reverted) as text:
        party.ask("text")
    assert text.value.data.startswith(bytes.fromhex("08c379a0"))
    assert b"not allowed here" in text.value.data


def test_what_names_no_sender_is_asked_by_nobody(party):
    with pytest.raises(Reverted) as reverted:
        party.connection.call(party.probe, call_data("custom"))
    assert reverted.value.data == DENIED + bytes(32) + (7).to_bytes(32, "big")


def test_out_of_gas_and_invalid_are_no_reverts(party):
    for name in ("burn", "invalid"):
        with pytest.raises(ExecutionFailed):
            party.ask(name)


def test_a_mined_revert_gives_its_data_back(party):
    receipt = party.do("custom")
    assert not receipt.succeeded
    data = party.connection.revert_data(receipt)
    assert data is not None
    assert data.startswith(DENIED)
    assert party.connection.revert_data(party.do("bump")) is None
    assert party.connection.revert_data(party.do("invalid")) is None


def test_web3s_own_exceptions_become_the_same_revert(party):
    with pytest.raises(ContractCustomError) as raised:
        party.connection.web3.eth.call({"to": party.probe, "data": "0x" + SELECTOR["custom"].hex()})
    reverted = reverted_from(raised.value)
    assert reverted is not None
    assert reverted.data.startswith(DENIED)
    for name in ("text", "bare"):
        with pytest.raises(Exception) as failed:  # noqa: PT011 (the class differs by web3 version)
            party.connection.web3.eth.call({"to": party.probe, "data": "0x" + SELECTOR[name].hex()})
        again = reverted_from(failed.value)
        assert again is not None
        assert (b"not allowed here" in again.data) == (name == "text")


# --- the pool -------------------------------------------------------------------------------------------------------


def test_answers_to_sends_have_the_same_classes(party):
    connection = party.connection
    due = connection.transaction_count(party.address)
    ahead = party.sign(party.probe, call_data("bump"), nonce=due + 1)
    assert connection.send_raw(ahead).outcome is SendOutcome.ACCEPTED
    assert connection.send_raw(ahead).outcome is SendOutcome.ALREADY_KNOWN
    other = party.sign(party.probe, call_data("custom"), nonce=due + 1)
    assert connection.send_raw(other).outcome is SendOutcome.REPLACEMENT_REFUSED
    assert connection.receipt(connection.send_raw(ahead).tx_hash) is None
    waiting = connection.transaction(connection.send_raw(ahead).tx_hash)
    assert waiting is not None
    assert (waiting.nonce, waiting.block_number, waiting.sender) == (due + 1, None, party.address)
    party.send(party.probe, call_data("bump"), nonce=due)
    assert connection.wait_for_receipt(connection.send_raw(ahead).tx_hash, timeout=5) is not None
    assert connection.send_raw(ahead).outcome is SendOutcome.NONCE_USED
    assert connection.send_raw(other).outcome is SendOutcome.NONCE_USED
    poor = party.sign(party.probe, b"", nonce=due + 2, value=1)
    assert connection.send_raw(poor).outcome is SendOutcome.INSUFFICIENT_FUNDS
    starved = party.sign(party.probe, b"", nonce=due + 2, gas=20_000)
    assert connection.send_raw(starved).outcome is SendOutcome.REFUSED
    assert connection.transaction_count(party.address) == due + 2


def test_many_transactions_go_into_one_block_at_a_given_time(party, clock):
    clock.automine(False)
    at = clock.now() + 86_400
    raws = [party.sign(party.probe, call_data("bump")) for _ in range(20)]
    answers = party.connection.send_raw_many(raws)
    assert {answer.outcome for answer in answers} == {SendOutcome.ACCEPTED}
    assert party.connection.transaction_count(party.address) == 1
    assert party.connection.transaction_count(party.address, at="pending") == 21
    block = clock.mine_at(at)
    assert (block.timestamp, len(block.transactions)) == (at, 20)
    receipts = party.connection.receipts([answer.tx_hash for answer in answers])
    assert [receipt.transaction_index for receipt in receipts if receipt] == list(range(20))
    bodies = party.connection.block_transactions(block.number)
    assert [body.nonce for body in bodies] == list(range(1, 21))
    assert {body.sender for body in bodies} == {party.address}


def test_what_finds_no_room_waits_for_the_next_block(party, clock):
    clock.automine(False)
    for _ in range(3):
        party.connection.send_raw(party.sign(party.probe, call_data("invalid"), gas=GAS_LIMIT // 2))
    assert len(clock.mine().transactions) == 2
    assert len(clock.mine().transactions) == 1


# --- the clock ------------------------------------------------------------------------------------------------------


def test_the_clock_moves_forward_only(clock):
    now = clock.now()
    assert clock.advance(1_000) == now + 1_000 == clock.now()
    assert clock.advance(0) == now + 1_000
    assert clock.mine_at(now + 2_000).timestamp == now + 2_000
    with pytest.raises(ClockBackwards) as backwards:
        clock.set_next(now + 1_999)
    assert backwards.value.details == {"timestamp": now + 1_999, "head": now + 2_000}
    with pytest.raises(ClockBackwards):
        clock.advance(-1)


def test_the_next_block_has_exactly_the_second_it_was_given(party, clock):
    boundary = clock.now() + 500
    clock.set_next(boundary - 1)
    assert party.do("revertAfter", boundary).succeeded
    clock.set_next(boundary)
    late = party.do("revertAfter", boundary)
    assert (late.succeeded, clock.now()) == (False, boundary)
    assert number(party.ask("time")) == boundary


def test_time_runs_on_from_where_it_was_set(party, clock):
    at = clock.now() + 10_000
    clock.mine_at(at)
    party.do("bump")
    assert at <= clock.now() <= at + 5


# --- looking back ---------------------------------------------------------------------------------------------------


def test_events_are_found_by_contract_topic_and_range(party):
    first = party.do("bump").block_number
    second = party.do("bump").block_number
    connection = party.connection
    events = connection.logs(party.probe, from_block=0)
    earliest = next(iter(events))
    topic = earliest.topics[0]
    assert [event.block_number for event in events] == [first, second]
    assert events.to_block == connection.head().number
    assert [number(event.topics[2]) for event in events] == [1, 2]
    only = connection.logs([party.probe], [topic, None, (2).to_bytes(32, "big")], from_block=0, page_blocks=1)
    assert [event.block_number for event in only] == [second]
    either = connection.logs((), [topic, [bytes(12) + bytes.fromhex(party.address[2:])]], from_block=first)
    assert list(either) == list(events)
    assert list(connection.logs(party.probe, ["0x" + "ab" * 32], from_block=0)) == []
    assert connection.receipt(earliest.transaction_hash).logs == (earliest,)


def test_state_can_be_asked_at_a_height_and_at_a_hash(party):
    before = party.connection.head()
    party.do("bump")
    for at in (before.number, before.hash, bytes.fromhex(before.hash[2:])):
        assert number(party.ask("count", block=at)) == 0
        assert party.connection.transaction_count(party.address, at=at) == 1
        assert party.connection.block(at).hash == before.hash
        assert party.connection.code(party.probe, block=at) != b""
    assert number(party.ask("count")) == 1
    assert party.connection.code("0x" + "11" * 20) == b""


@pytest.mark.parametrize("at", [10**9, "0x" + "12" * 32])
def test_what_is_not_there_is_not_available(party, at):
    for ask in (
        lambda: party.ask("count", block=at),
        lambda: party.connection.block(at),
        lambda: party.connection.code(party.probe, block=at),
        lambda: party.connection.transaction_count(party.address, at=at),
    ):
        with pytest.raises(BlockNotAvailable):
            ask()


def test_web3_below_works_as_on_any_node(party):
    web3 = party.connection.web3
    assert web3.eth.gas_price in (0, 10**9)  # Anvil says 1 gwei whatever it is told: we never ask
    assert web3.eth.chain_id == CHAIN_ID
    assert web3.eth.get_transaction_count(party.address) == 1
    assert web3.eth.get_block("latest")["baseFeePerGas"] == 0
    assert web3.eth.estimate_gas({"from": party.address, "to": party.probe, "data": call_data("bump")}) >= 21_000
    abi = [{"type": "function", "name": "count", "inputs": [], "outputs": [{"type": "uint256", "name": ""}]}]
    contract = web3.eth.contract(party.probe, abi=[{**abi[0], "stateMutability": "view"}])
    assert contract.functions.count().call() == 0
    receipt = web3.eth.wait_for_transaction_receipt(
        web3.eth.send_raw_transaction(party.sign(party.probe, call_data("bump"))), timeout=5
    )
    assert receipt["status"] == 1


# --- other chains ---------------------------------------------------------------------------------------------------


def test_a_block_holds_a_hundred_million_gas_unless_told_otherwise():
    assert LocalTester().connection().block().gas_limit == 100_000_000


@pytest.mark.parametrize("made", [LocalAnvil, LocalTester])
def test_a_fresh_chain_can_hold_transactions_back_from_the_start(made):
    with made() as chain:
        clock, connection = chain.clock(), chain.connection()
        clock.automine(False)
        account = Account.create()
        fields = {
            "nonce": 0,
            "gas": 21_000,
            "gasPrice": 0,
            "to": account.address,
            "value": 0,
            "chainId": chain.chain_id,
        }
        answer = connection.send_raw(bytes(account.sign_transaction(fields).raw_transaction))
        assert (answer.outcome, connection.receipt(answer.tx_hash)) == (SendOutcome.ACCEPTED, None)
        clock.automine(True)
        receipt = connection.wait_for_receipt(answer.tx_hash, timeout=5)
        assert (receipt.block_number, receipt.succeeded) == (1, True)


def test_only_development_chains_have_a_clock_to_move():
    with RpcServer("besu") as besu:
        connection = Connection.open(besu.url)
        before = len(besu.requests)
        with pytest.raises(NotADevelopmentChain):
            DevClock(connection)
        assert len(besu.requests) == before


def test_an_in_process_chain_is_refused_in_a_forked_child():
    connection = LocalTester().connection()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            connection.head()
        except LocalTesterForked:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_eth_testers_own_provider_reverts_with_the_same_data():
    from eth_tester import EthereumTester, PyEVMBackend
    from web3 import EthereumTesterProvider

    connection = Connection.open(EthereumTesterProvider(EthereumTester(PyEVMBackend())))
    rich = connection.web3.eth.accounts[0]
    hash_ = connection.web3.eth.send_transaction({"from": rich, "data": PROBE["bytecode"], "gas": 3_000_000})
    probe = connection.receipt(bytes(hash_)).contract_address
    for name, data in (
        ("custom", DENIED + bytes(12) + bytes.fromhex(rich[2:]) + (7).to_bytes(32, "big")),
        ("panic", bytes.fromhex("4e487b71") + (0x12).to_bytes(32, "big")),
        ("bare", b""),
    ):
        with pytest.raises(Reverted) as reverted:
            connection.call(probe, call_data(name, 0 if name == "panic" else None), sender=rich)
        assert reverted.value.data == data, name
    with pytest.raises(Reverted) as text:
        connection.call(probe, call_data("text"), sender=rich)
    assert b"not allowed here" in text.value.data
