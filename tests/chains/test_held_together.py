"""The in-process model, the proxy and the record of real nodes say the same to the same questions, case by case.

The questions are those of the record (``answers.REQUESTS``), asked as ``test_model_answers`` asks them; here the proxy
is asked too, over real HTTP. What is compared is the code, the text, the shape, and the value where the record has it.
``LEFT_OUT`` says which values are not compared, ``NEITHER`` what neither model nor proxy shows, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import urllib3
from coincurve import PrivateKey

from chains.answers import Kind, Recorded, shape
from chains.model import sign
from chains.model_support import key
from chains.party import CODE, Party, data_of
from chains.proxy import ANVIL, BESU, BESU_LAYERED, Manners, Proxy
from chains.test_model_answers import CASES, GIVEN, MANNERS, Asked
from pyjpm.chain import LocalAnvil

CHAIN_ID = 2_025
# Blocks when told, none of them null for a moment: the record is of one answer, not of its luck.
PROXIED: dict[str, Manners] = {
    name: replace(manners, period=None, null_chance=0.0)
    for name, manners in {"besu": BESU, "besu_layered": BESU_LAYERED, "anvil": ANVIL}.items()
}
# Contracts that revert with Panic(1), and with the error that was recorded; the probe has neither.
PANIC = bytes.fromhex("72" + "634e487b7160e01b5f52600160045260245ffd" + "5f526013600df3")
DENIED = bytes.fromhex("76" + "638626cc0360e01b5f523360045260076024526044" + "5ffd" + "5f5260176009f3")
CALLER = "0x675e6b91cedd2a4163d648b35dd85ad52848602f"

LEFT_OUT = {
    "estimate ok": "gas depends on the contract and the fork: only that it is a quantity",
    "call custom error": "its data and text carry the caller, which is another account",
    "estimate custom": "its data and text carry the caller, which is another account",
    "reverted receipt custom": "its data carries the caller; gas depends on the contract",
    "reverted receipt": "gas depends on the contract",
    "call future block": "the text names heights",
    "feeHistory": "heights and fullness of blocks",
    "batch mixed": "the chain's id",
    "host not allowed": "Anvil answers with the chain's id",
    "call mcopy+tstore": "abridged in the record",
    "call out of gas": "Anvil names where gas ran out, which depends on the call",
}
"""Values that are not compared, and why. Everything else about these cases is."""

NEITHER = {
    "state older than 512 blocks on Bonsai nodes": (
        "read in the source, not recorded. The model prunes where told to (keeps_state); the proxy has Anvil's history"
    ),
    "newHeads and other subscriptions": "no answer of one was recorded; both speak request and answer only",
    "signatures of JWTs": "the proxy knows tokens by name, the model only refuses; who signs them is the node's affair",
    "another chain's typed transaction at Anvil": (
        "1.7.1 takes a legacy one, as recorded, and refuses this (-32003, see test_classification); the model takes it"
    ),
    "TLS and client certificates": "below JSON-RPC; the network's own tests have them",
    "peers, discovery and the QBFT messages themselves": "only what they do to a client: gossip, proposers, rounds",
    "constant prevrandao": "no contract of ours reads it; both show the constant mixHash in the header",
    "contract creation in the model": "its contracts are born with the chain; the proxy has real ones",
}
"""What neither model nor proxy shows, or only one of them."""


class OnProxy(Asked):
    """One proxy to ask, in the place of the model's network."""

    def __init__(self, proxy: Proxy, probe: str, panic: str, denied: str) -> None:
        self.proxy = proxy
        self.owner = PrivateKey(key(20))
        self.probe = probe
        self.panic, self.denied = panic, denied
        self.network: Any = self  # what the questions do to a network
        self.clock: Any = self
        self._pool = urllib3.PoolManager()

    # --- as a provider ---

    @property
    def provider(self) -> Any:
        return self

    def post(self, body: bytes, *, host: str = "localhost") -> tuple[int, bytes]:
        answer = self._pool.request("POST", self.proxy.urls[0], body=body, headers={"Host": host})
        return answer.status, answer.data

    def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answered: dict[str, Any] = json.loads(self.post(json.dumps(asked).encode())[1])
        return answered

    def make_batch_request(self, calls: list[tuple[str, Any]]) -> Any:
        asked = [
            {"jsonrpc": "2.0", "id": at, "method": name, "params": given} for at, (name, given) in enumerate(calls)
        ]
        return json.loads(self.post(json.dumps(asked).encode())[1])

    def call(self, signature: str, *arguments: int, method: str = "eth_call", **more: Any) -> dict[str, Any]:
        instead = {"assertion()": self.panic, "custom()": self.denied}.get(signature)
        if instead is not None:
            return self.ask(method, {"from": CALLER, "to": instead, "data": "0x"}, "latest")
        if signature == "burn()" and method == "eth_call":
            more = {"gas": "0x186a0", **more}
        return super().call(signature, *arguments, method=method, **more)

    def mined(self, data: bytes, gas: int = 100_000) -> dict[str, Any]:
        if data == data_of("custom"):
            self.probe, data = self.denied, b""
        return super().mined(data, gas)

    def raw(self, *, nonce: int = 0, chain_id: int | None = CHAIN_ID, data: bytes = b"", **more: Any) -> bytes:
        if chain_id in (CHAIN_ID, None):
            return super().raw(nonce=nonce, chain_id=chain_id, data=data, **more)
        legacy = Party(chain_id, seed=int.from_bytes(key(20), "big"))
        return legacy.sign("0x" + "11" * 20, data, nonce=nonce)

    # --- as a network and its clock ---

    def sleep(self, seconds: float) -> None:
        self.proxy.make_blocks(max(1, int(seconds)))

    def deny(self, index: int, account: str) -> None:
        self.proxy.deny(index, account)

    def restart(self, index: int, *, down: float, behind: float) -> None:
        self.proxy.stop(index)
        self.proxy.start(index, behind=behind)
        assert down == 0

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture(scope="module")
def anvil() -> Iterator[tuple[LocalAnvil, list[str]]]:
    """An Anvil with the contracts, and the snapshot that each case starts from."""
    with LocalAnvil(chain_id=CHAIN_ID, mining="none") as running:
        connection = running.connection()
        deployer = PrivateKey(key(30))
        raws = [
            sign(deployer, chain_id=CHAIN_ID, nonce=nonce, to=None, data=code, gas=1_000_000)
            for nonce, code in enumerate((CODE, PANIC, DENIED))
        ]
        hashes = [answer.tx_hash for answer in connection.send_raw_many(raws)]
        for _ in range(6):
            connection.development_request("evm_mine")
        made = [str(receipt.contract_address) for receipt in connection.receipts(hashes) if receipt]
        yield running, [*made, connection.development_request("evm_snapshot")]


def told_by_proxy(anvil: tuple[LocalAnvil, list[str]], case: str, client: str) -> Any:
    running, state = anvil
    connection = running.connection()
    assert connection.development_request("evm_revert", state[3])
    state[3] = connection.development_request("evm_snapshot")
    connection.development_request("anvil_dropAllTransactions")
    with Proxy(running.url, seed=case, nodes=1, manners=PROXIED[client]) as proxy:
        asked = OnProxy(proxy, *state[:3])
        try:
            return CASES[case](asked)
        finally:
            asked.close()


def essence(given: Recorded, told: Any) -> Any:
    """What is compared of an answer."""
    case, left_out = given.case, given.case in LEFT_OUT
    if given.request.kind is Kind.BATCH and case == "batch mixed":
        return told["http"], [essence_of_one(each, True) for each in told["body"]]
    if given.request.kind is Kind.HTTP:
        body = json.loads(told["body"]) if isinstance(told["body"], str) else told["body"]
        return told["http"], "result" in body if left_out and given.client == "anvil" else body
    if isinstance(told, dict) and "gasUsed" in told:
        reason = told["revertReason"]
        burned = told["gasUsed"] == "0x186a0"
        return told["status"], reason[:10] if reason and "custom" in case else reason, burned
    if isinstance(told, dict) and ("error" in told or "result" in told):
        return essence_of_one(told, left_out)
    return told


def essence_of_one(answer: dict[str, Any], left_out: bool) -> Any:
    """Code, text and revert data of an error; shape and value of a result."""
    if "error" in answer:
        error = answer["error"]
        text, data = error["message"], error.get("data")
        if left_out:
            text, data = (
                text.split(" is ")[0].split("0x8626cc03")[0].split(" Reent")[0].split(" OutOf")[0],
                str(data)[:10],
            )
        return error["code"], text, data
    value = answer["result"]
    kept = isinstance(value, (str, type(None))) and not left_out and shape(answer) not in ("hash", "block")
    return shape(answer), value if kept else None


@pytest.mark.parametrize("given", GIVEN.values(), ids=str)
def test_model_proxy_and_record_say_the_same(anvil: tuple[LocalAnvil, list[str]], given: Recorded) -> None:
    recorded = essence(given, given.answer)
    assert essence(given, told_by_proxy(anvil, given.case, given.client)) == recorded
    assert essence(given, CASES[given.case](Asked(MANNERS[given.client]))) == recorded


def test_what_is_left_out_is_a_case_and_what_neither_shows_is_none() -> None:
    assert set(LEFT_OUT) <= set(CASES)
    assert not set(NEITHER) & set(CASES)
    assert all(NEITHER.values())
