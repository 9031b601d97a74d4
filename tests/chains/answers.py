"""What real nodes answered, case by case: ``tests/chain_answers.json``, with the request of each case beside it.

A four-validator QBFT network (Besu) and Anvil 1.7.1 were asked the same things on the same day. The file keeps their
answers by a case's name; which method a case used is known here, so that a chain of ours can be asked again.

    answer = recorded("send same, mined", "besu")
    answer.error                        # {"code": -32001, "message": "Nonce too low"}
    answer.request.method               # "eth_sendRawTransaction"
    [each.case for each in all_recorded() if each.request.kind is Kind.SEND and each.error]

Decisions that govern this module:

* The file is the record: nothing is added to it or mended in it. ``null`` there is *not recorded* and has no Recorded
  here; a case that recorded ``{"result": null}`` is one whose ``result`` is None.
* Hashes and whole blocks are abridged in the record ("(a hash)", "(a block)"): a *shape* is compared, see ``shape``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "chain_answers.json"
CLIENTS = ("besu", "besu_layered", "anvil")
"""``besu_layered``: Besu with the layered pool, recorded only where it answers otherwise than the sequenced one."""


class Kind(StrEnum):
    """What was asked."""

    SEND = "a signed transaction was sent"
    CALL = "a contract was called, or gas estimated"
    READ = "a block, logs, a count or a fee was asked for"
    LOOKUP = "a transaction or its receipt was asked for"
    BATCH = "many requests went in one body"
    HTTP = "the HTTP request itself was out of order"
    SEEN = "no single request: what became of something after a while"


@dataclass(frozen=True, slots=True)
class Request:
    """What a case asked: the method (empty where there was no single one) and what was particular about it."""

    method: str
    about: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Recorded:
    """One client's answer to one case."""

    case: str
    client: str
    request: Request
    answer: Any

    @property
    def error(self) -> dict[str, Any] | None:
        """The JSON-RPC error, None where there is none."""
        return self._member("error")

    @property
    def code(self) -> int | None:
        """The JSON-RPC error's code."""
        return None if self.error is None else int(self.error["code"])

    @property
    def message(self) -> str:
        """The JSON-RPC error's text, empty where there is none."""
        return "" if self.error is None else str(self.error["message"])

    @property
    def has_result(self) -> bool:
        """Whether a result was answered; it may be None."""
        return isinstance(self.answer, dict) and "result" in self.answer

    @property
    def result(self) -> Any:
        """The result as recorded, None where there is none."""
        return self._member("result")

    @property
    def http(self) -> int:
        """The HTTP status."""
        return int(self._member("http") or 200)

    @property
    def body(self) -> Any:
        """A whole HTTP body, where that is what was recorded: parsed where it is JSON."""
        body = self._member("body")
        return json.loads(body) if isinstance(body, str) else body

    def __str__(self) -> str:
        return f"{self.case} [{self.client}]"

    def _member(self, name: str) -> Any:
        return self.answer.get(name) if isinstance(self.answer, dict) else None


def _requests() -> dict[str, Request]:
    send, call, estimate = "eth_sendRawTransaction", "eth_call", "eth_estimateGas"
    block, logs, receipt = "eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionReceipt"
    return {
        case: Request(method, about, kind)
        for kind, rows in {
            Kind.CALL: (
                ("call Error(string)", call, "Probe.text()"),
                ("call custom error", call, "Probe.custom(), whose error carries msg.sender"),
                ("call empty revert", call, "Probe.bare()"),
                ("call Panic div0", call, "Probe.panic(0)"),
                ("call Panic assert", call, "an assert(false)"),
                ("call invalid opcode", call, "Probe.invalid()"),
                ("call mcopy+tstore", call, "Probe.modern(1): 32 bytes, abridged in the record"),
                ("call out of gas", call, "Probe.burn() with little gas"),
                ("call no code", call, "an address without code"),
                ("call bad params", call, "to = 0x12"),
                ("call future block", call, "at height 1,000,000,000"),
                ("estimate Error(string)", estimate, "Probe.text()"),
                ("estimate custom", estimate, "Probe.custom()"),
                ("estimate loop", estimate, "Probe.burn()"),
                ("estimate ok", estimate, "Probe.bump()"),
            ),
            Kind.READ: (
                ("block finalized", block, "finalized"),
                ("block safe", block, "safe"),
                ("block pending", block, "pending"),
                ("block earliest", block, "earliest"),
                ("getLogs beyond head", logs, "toBlock above the head"),
                ("getLogs from>to", logs, "fromBlock above toBlock"),
                ("getLogs by unknown blockHash", logs, "blockHash of no block"),
                ("unknown method", "eth_noSuchMethod", "a method that nobody has"),
                ("gasPrice", "eth_gasPrice", ""),
                ("maxPriority", "eth_maxPriorityFeePerGas", ""),
                ("feeHistory", "eth_feeHistory", "two blocks, no percentiles"),
                ("txcount pending with gap", "eth_getTransactionCount", "pending, with a nonce missing in the pool"),
                ("getBlockReceipts", "eth_getBlockReceipts", "of the latest block"),
                ("extraData bytes", block, "latest: the length of its extraData in bytes"),
            ),
            Kind.LOOKUP: (
                ("unknown tx", "eth_getTransactionByHash", "of no transaction"),
                ("unknown receipt", receipt, "of no transaction"),
                ("replaced tx lookup", "eth_getTransactionByHash", "the transaction whose nonce another took"),
                ("reverted receipt", receipt, "of a transaction that reverted with Error(string)"),
                ("reverted receipt custom", receipt, "of a transaction that reverted with a custom error"),
                ("oog receipt", receipt, "of a transaction that ran out of gas"),
            ),
            Kind.SEND: (
                ("send ok", send, "a zero-fee call"),
                ("send same, pending", send, "the same bytes while they wait"),
                ("same nonce, other payload, pending", send, "other bytes, zero fee too, on a nonce that waits"),
                ("send same, mined", send, "the same bytes after they were mined"),
                ("send other, nonce consumed", send, "other bytes on a mined nonce"),
                *((f"nonce +{gap}", send, f"{gap} nonces ahead") for gap in (1, 3, 4, 5, 6, 10, 100, 5000)),
                ("gas above block limit", send, "a gas limit above the block's"),
                ("gas below intrinsic", send, "20,000 gas"),
                ("wrong chain id", send, "signed for another chain"),
                ("value without balance", send, "value 1 from an empty account"),
                ("no chain id (pre-155)", send, "signed without a chain id"),
                ("type 2 zero fee", send, "a dynamic-fee transaction with both fees zero"),
                ("garbage", send, "0xdeadbeef"),
                ("empty", send, "0x"),
                ("send reverting", send, "a call that reverts when mined"),
                ("priced, no balance", send, "a gas price above zero from an empty account"),
                ("zero fee on the jammed nonce", send, "a zero-fee one on the nonce of a priced one that waits"),
                ("sender not allowlisted", send, "from an account that this node's allowlist does not have"),
                ("node restarting or behind", send, "while the node's pool is off"),
            ),
            Kind.SEEN: (
                ("replacement outcome", "", "which of two on one nonce was mined"),
                ("priced, no balance, 3 s later", "", "whether the priced one was mined or waits"),
                ("jam cleared", "", "whether the zero-fee one freed the sender"),
            ),
            Kind.BATCH: (
                *((f"batch {size}", "eth_chainId", f"{size} requests") for size in (2, 256, 1024, 1025, 5000)),
                ("batch mixed", f"{send}, eth_chainId", "0xdeadbeef, and a good request"),
            ),
            Kind.HTTP: (
                ("bad json", "", "a body that is no JSON"),
                ("empty body", "", "no body"),
                ("host not allowed", "eth_chainId", "Host: an unknown name"),
            ),
        }.items()
        for case, method, about in rows
    }


REQUESTS = _requests()
"""What each case asked, by its name."""


@cache
def _cases() -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = json.loads(FILE.read_text())["cases"]
    return cases


def recorded(case: str, client: str) -> Recorded:
    """One client's answer to a case; ``besu_layered`` is Besu's own where only that was recorded.

    Raises KeyError where there is no such case, or nothing was recorded from that client.
    """
    answers = _cases()[case]
    answer = answers.get(client)
    if answer is None and client == "besu_layered":
        answer = answers.get("besu")
    if answer is None:
        raise KeyError(f"nothing was recorded for {case!r} from {client}")
    return Recorded(case, client, REQUESTS[case], answer)


def all_recorded() -> Iterator[Recorded]:
    """Every recorded answer, in the record's order."""
    for case, answers in _cases().items():
        for client, answer in answers.items():
            if answer is not None:
                yield Recorded(case, client, REQUESTS[case], answer)


def shape(answer: Any) -> str:
    """What kind of answer this is, alike for a recorded (abridged) and a live one.

    ``error CODE``, ``null``, ``hash`` (32 bytes), ``block``, ``list``, ``data`` (other 0x-hex), ``object``, or the
    type's name.
    """
    if isinstance(answer, dict) and "error" in answer:
        return f"error {answer['error']['code']}"
    value = answer["result"] if isinstance(answer, dict) and "result" in answer else answer
    if value is None:
        return "null"
    if value == "(a block)" or (isinstance(value, dict) and "parentHash" in value):
        return "block"
    if value == "(a hash)" or (isinstance(value, str) and value.startswith("0x") and len(value) == 66):
        return "hash"
    if isinstance(value, str) and value.startswith("0x"):
        return "data"
    return {list: "list", dict: "object"}.get(type(value), type(value).__name__)
