"""The model is asked everything that real nodes were asked, and answers as they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_utils.crypto import keccak

from chains.answers import Kind, Recorded, all_recorded, recorded, shape
from chains.model import ANVIL, BESU, BESU_LAYERED, Manners, Network, NodeProvider, Thief, hash_of, sign
from chains.model_support import World, key

MANNERS: dict[str, Manners] = {"besu": BESU, "besu_layered": BESU_LAYERED, "anvil": ANVIL}
EMPTY = "0x" + "00" * 32


class Asked:
    """One network to ask."""

    def __init__(self, manners: Manners) -> None:
        self.world = World(Network("answers", nodes=1, manners=manners))
        self.network = self.world.network
        self.owner = PrivateKey(key(20))
        self.probe = self.network.probe
        self.network.clock.sleep(5.2)

    @property
    def provider(self) -> NodeProvider:
        return self.network.provider(0)

    def ask(self, method: str, *params: Any) -> dict[str, Any]:
        answered = dict(self.provider.make_request(method, list(params)))
        return {name: answered[name] for name in ("result", "error") if name in answered}

    def raw(self, *, nonce: int = 0, chain_id: int | None = 2_025, data: bytes = b"", **more: Any) -> bytes:
        """Signed by an empty account of no participant, to nobody in particular."""
        return sign(self.owner, chain_id=chain_id, nonce=nonce, to="0x" + "11" * 20, data=data, **more)

    def send(self, raw: bytes) -> dict[str, Any]:
        return self.ask("eth_sendRawTransaction", "0x" + raw.hex())

    def call(self, signature: str, *arguments: int, method: str = "eth_call", **more: Any) -> dict[str, Any]:
        data = keccak(text=signature)[:4] + b"".join(each.to_bytes(32, "big") for each in arguments)
        return self.ask(method, {"to": self.probe, "data": "0x" + data.hex(), **more}, "latest")

    def mined(self, data: bytes, gas: int = 100_000) -> dict[str, Any]:
        """The receipt of a call to the probe."""
        raw = sign(self.owner, chain_id=2_025, nonce=0, to=self.probe.lower(), data=data, gas=gas)
        self.send(raw)
        self.network.clock.sleep(2)
        found = self.ask("eth_getTransactionReceipt", hash_of(raw))["result"]
        return {name: found.get(name) for name in ("status", "revertReason", "gasUsed")}


def replaced(asked: Asked) -> tuple[dict[str, Any], bytes, bytes]:
    first, second = asked.raw(data=b"\x01"), asked.raw(data=b"\x02")
    asked.send(first)
    return asked.send(second), first, second


def after_replacing(asked: Asked) -> dict[str, Any]:
    _, first, second = replaced(asked)
    asked.network.clock.sleep(2)
    receipts = [asked.ask("eth_getTransactionReceipt", hash_of(each))["result"] for each in (first, second)]
    return {"first mined": receipts[0] is not None, "second mined": receipts[1] is not None}


def loser(asked: Asked) -> dict[str, Any]:
    _, first, second = replaced(asked)
    mined = after_waiting(asked, second)
    return asked.ask("eth_getTransactionByHash", hash_of(first if mined else second))


def after_waiting(asked: Asked, raw: bytes) -> bool:
    asked.network.clock.sleep(2)
    return asked.ask("eth_getTransactionReceipt", hash_of(raw))["result"] is not None


def sent_again(asked: Asked, *, data: bytes, mined: bool) -> dict[str, Any]:
    asked.send(asked.raw())
    if mined:
        asked.network.clock.sleep(2)
    return asked.send(asked.raw(data=data))


def gap(asked: Asked) -> dict[str, Any]:
    for nonce in (0, 1):
        asked.send(asked.raw(nonce=nonce))
    asked.network.clock.sleep(2)
    asked.send(asked.raw(nonce=3))
    thief = Thief(asked.network, key(20))
    return asked.ask("eth_getTransactionCount", thief.wallet, "pending")


def jammed(asked: Asked) -> dict[str, Any]:
    asked.send(asked.raw(price=1_000_000_000))
    return asked.send(asked.raw())


def jam_cleared(asked: Asked) -> bool:
    jammed(asked)
    return after_waiting(asked, asked.raw())


def still_jammed(asked: Asked) -> dict[str, Any]:
    raw = asked.raw(price=1_000_000_000)
    asked.send(raw)
    asked.network.clock.sleep(3)
    shown = asked.ask("eth_getTransactionByHash", hash_of(raw))["result"]
    return {"mined": shown["blockNumber"] is not None, "still pending": shown["blockNumber"] is None}


def not_permitted(asked: Asked) -> dict[str, Any]:
    asked.network.deny(0, Thief(asked.network, key(20)).wallet)
    return asked.send(asked.raw())


def behind(asked: Asked) -> dict[str, Any]:
    asked.network.restart(0, down=0, behind=10)
    asked.network.clock.sleep(1)
    return asked.send(asked.raw())


def batch(asked: Asked, size: int) -> dict[str, Any]:
    answered: Any = asked.provider.make_batch_request([("eth_chainId", [])] * size)
    is_list = isinstance(answered, list)
    return {"http": 200, "is_list": is_list, "len": len(answered) if is_list else None} | {
        "body": None if is_list else answered
    }


def mixed(asked: Asked) -> dict[str, Any]:
    body = (
        b'[{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0xdeadbeef"]},'
        b'{"jsonrpc":"2.0","id":2,"method":"eth_chainId","params":[]}]'
    )
    return posted(asked, body)


def posted(asked: Asked, body: bytes, host: str = "localhost") -> dict[str, Any]:
    status, content = asked.provider.post(body, host=host)
    return {"http": status, "body": json.loads(content)}


CHAIN_ID = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
FUTURE = hex(1_000_000_000)
CASES: dict[str, Callable[[Asked], Any]] = {
    "call Error(string)": lambda a: a.call("text()"),
    "call custom error": lambda a: a.call("custom()"),
    "call empty revert": lambda a: a.call("bare()"),
    "call Panic div0": lambda a: a.call("panic(uint256)", 0),
    "call Panic assert": lambda a: a.call("assertion()"),
    "call invalid opcode": lambda a: a.call("invalid()"),
    "call mcopy+tstore": lambda a: a.call("modern(uint256)", 1),
    "call out of gas": lambda a: a.call("burn()"),
    "estimate Error(string)": lambda a: a.call("text()", method="eth_estimateGas"),
    "estimate custom": lambda a: a.call("custom()", method="eth_estimateGas"),
    "estimate loop": lambda a: a.call("burn()", method="eth_estimateGas"),
    "estimate ok": lambda a: a.call("bump()", method="eth_estimateGas"),
    "call no code": lambda a: a.ask("eth_call", {"to": "0x" + "12" * 20, "data": "0x"}, "latest"),
    "call bad params": lambda a: a.ask("eth_call", {"to": "0x12", "data": "0x"}, "latest"),
    "call future block": lambda a: a.ask("eth_call", {"to": a.probe, "data": "0x"}, FUTURE),
    "block finalized": lambda a: a.ask("eth_getBlockByNumber", "finalized", False),
    "block safe": lambda a: a.ask("eth_getBlockByNumber", "safe", False),
    "getLogs beyond head": lambda a: a.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": FUTURE}),
    "getLogs from>to": lambda a: a.ask("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"}),
    "getLogs by unknown blockHash": lambda a: a.ask("eth_getLogs", {"blockHash": EMPTY}),
    "unknown method": lambda a: a.ask("eth_noSuchMethod"),
    "unknown tx": lambda a: a.ask("eth_getTransactionByHash", EMPTY),
    "unknown receipt": lambda a: a.ask("eth_getTransactionReceipt", EMPTY),
    "gasPrice": lambda a: a.ask("eth_gasPrice"),
    "maxPriority": lambda a: a.ask("eth_maxPriorityFeePerGas"),
    "feeHistory": lambda a: a.ask("eth_feeHistory", "0x2", "latest", []),
    "send ok": lambda a: a.send(a.raw()),
    "send same, pending": lambda a: sent_again(a, data=b"", mined=False),
    "same nonce, other payload, pending": lambda a: replaced(a)[0],
    "replacement outcome": after_replacing,
    "replaced tx lookup": loser,
    "send same, mined": lambda a: sent_again(a, data=b"", mined=True),
    "send other, nonce consumed": lambda a: sent_again(a, data=b"\x01", mined=True),
    **{f"nonce +{ahead}": lambda a, ahead=ahead: a.send(a.raw(nonce=ahead)) for ahead in (1, 3, 4, 5, 6, 10, 100)},
    "nonce +5000": lambda a: a.send(a.raw(nonce=5_000)),
    "txcount pending with gap": gap,
    "gas above block limit": lambda a: a.send(a.raw(gas=100_000_001)),
    "gas below intrinsic": lambda a: a.send(a.raw(gas=20_000)),
    "wrong chain id": lambda a: a.send(a.raw(chain_id=1)),
    "value without balance": lambda a: a.send(a.raw(value=1)),
    "no chain id (pre-155)": lambda a: a.send(a.raw(chain_id=None)),
    "type 2 zero fee": lambda a: a.send(a.raw()),
    "garbage": lambda a: a.ask("eth_sendRawTransaction", "0xdeadbeef"),
    "empty": lambda a: a.ask("eth_sendRawTransaction", "0x"),
    "send reverting": lambda a: a.send(a.raw()),
    "reverted receipt": lambda a: a.mined(keccak(text="text()")[:4]),
    "reverted receipt custom": lambda a: a.mined(keccak(text="custom()")[:4]),
    "oog receipt": lambda a: a.mined(keccak(text="burn()")[:4]),
    "priced, no balance": lambda a: a.send(a.raw(price=1)),
    "priced, no balance, 3 s later": still_jammed,
    "zero fee on the jammed nonce": jammed,
    "jam cleared": jam_cleared,
    **{f"batch {size}": lambda a, size=size: batch(a, size) for size in (2, 256, 1024, 1025, 5000)},
    "batch mixed": mixed,
    "bad json": lambda a: posted(a, b"{not json"),
    "empty body": lambda a: posted(a, b""),
    "host not allowed": lambda a: posted(a, CHAIN_ID, "unknown.example"),
    "extraData bytes": lambda a: len(a.ask("eth_getBlockByNumber", "latest", False)["result"]["extraData"]) // 2 - 1,
    "sender not allowlisted": not_permitted,
    "node restarting or behind": behind,
    "block pending": lambda a: "ok" if "result" in a.ask("eth_getBlockByNumber", "pending", False) else "no",
    "block earliest": lambda a: "ok" if "result" in a.ask("eth_getBlockByNumber", "earliest", False) else "no",
    "getBlockReceipts": lambda a: "ok" if "result" in a.ask("eth_getBlockReceipts", "latest") else "no",
}
GIVEN = {
    (each.case, client): recorded(each.case, client)
    for each in all_recorded()
    for client in ([each.client, "besu_layered"] if each.client == "besu" else [each.client])
}


@cache
def _told(case: str, client: str) -> Any:
    return CASES[case](Asked(MANNERS[client]))


@pytest.mark.parametrize("given", GIVEN.values(), ids=str)
def test_the_model_answers_as_recorded(given: Recorded) -> None:
    told = _told(given.case, given.client)
    if given.error is not None:
        assert told["error"]["code"] == given.code
        own, theirs = told["error"], given.error
        if given.request.kind is Kind.CALL and given.code == 3 and "custom" in given.case:
            # The error carries the caller, which is another account here.
            assert own["data"][:10] == theirs["data"][:10]
            assert own["message"][:40] == theirs["message"][:40]
        elif given.case == "call future block":
            assert own["message"].split(" is ")[0] == theirs["message"].split(" is ")[0]
        else:
            assert own == theirs
    elif given.has_result:
        assert shape(told) == shape(given.answer)
        if isinstance(given.result, str) and not given.result.startswith("(") and given.case != "estimate ok":
            assert told["result"] == given.result
    elif given.case.endswith("receipt") or given.case == "reverted receipt custom":
        assert told["status"] == given.answer["status"]
        reason = given.answer["revertReason"]
        assert (told["revertReason"] or "")[:10] == (reason or "")[:10]
        assert (told["gasUsed"] == "0x186a0") is (given.answer["gasUsed"] == "0x186a0")
    elif given.case == "batch mixed":
        assert told["http"] == given.http
        assert told["body"][0] == given.body[0]
        assert told["body"][1] == {"jsonrpc": "2.0", "id": 2, "result": "0x7e9"}
    elif given.request.kind is Kind.HTTP:
        assert told["http"] == given.http
        if given.case != "host not allowed" or given.client != "anvil":
            assert told["body"] == given.body
    else:
        assert told == given.answer


def test_no_case_is_left_out() -> None:
    assert {each.case for each in all_recorded()} == set(CASES)
