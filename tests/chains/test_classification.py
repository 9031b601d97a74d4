"""Every recorded answer to a send, a call or a read has a class, and so have the refusals that Geth's source names."""

from __future__ import annotations

from typing import Any

import pytest

from chains.answers import Kind, Recorded, all_recorded
from pyjpm.chain.broadcast import ClientKind, SendOutcome, answer_of, classify_error
from pyjpm.chain.refusals import Refusal, classify_refusal
from pyjpm.chain.reverts import reverted_from
from pyjpm.errors.chain import NodeError, NodeTimeout

HASH = "0x" + "ab" * 32
KINDS = {"besu": ClientKind.BESU, "besu_layered": ClientKind.BESU, "anvil": ClientKind.ANVIL}

REFUSED_SENDS = {
    "send same, pending": SendOutcome.ALREADY_KNOWN,
    "same nonce, other payload, pending": SendOutcome.REPLACEMENT_REFUSED,
    "send same, mined": SendOutcome.NONCE_USED,
    "send other, nonce consumed": SendOutcome.NONCE_USED,
    "nonce +5000": SendOutcome.NONCE_TOO_FAR,
    "gas above block limit": SendOutcome.REFUSED,
    "gas below intrinsic": SendOutcome.REFUSED,
    "wrong chain id": SendOutcome.REFUSED,
    "value without balance": SendOutcome.INSUFFICIENT_FUNDS,
    "garbage": SendOutcome.REFUSED,
    "empty": SendOutcome.REFUSED,
    "priced, no balance": SendOutcome.INSUFFICIENT_FUNDS,
    "zero fee on the jammed nonce": SendOutcome.REPLACEMENT_REFUSED,
    "sender not allowlisted": SendOutcome.NOT_PERMITTED,
    "node restarting or behind": SendOutcome.NODE_NOT_READY,
}

SENDS = [each for each in all_recorded() if each.request.kind is Kind.SEND]


def said(code: int | None, message: str, data: str | None = None) -> NodeError:
    return NodeError("said no", method="m", rpc_code=code, rpc_message=message, data=data)


@pytest.mark.parametrize("answer", SENDS, ids=str)
def test_every_recorded_answer_to_a_send_has_its_class(answer: Recorded) -> None:
    kind = KINDS[answer.client]
    if answer.error is None:
        assert answer.result == "(a hash)"
        assert answer_of(kind, HASH, HASH).outcome is SendOutcome.ACCEPTED
        return
    outcome = classify_error(kind, said(answer.code, answer.message))
    assert outcome is REFUSED_SENDS[answer.case]


def test_none_of_them_is_unknown_and_none_is_missed() -> None:
    assert SendOutcome.UNKNOWN not in REFUSED_SENDS.values()
    assert {each.case for each in SENDS if each.error} == set(REFUSED_SENDS)


# Texts of go-ethereum: core/error.go, core/txpool/errors.go, core/txpool/validation.go, core/txpool/legacypool and
# internal/ethapi. All come under -32000, the default code of rpc/errors.go.
GETH = {
    "already known": SendOutcome.ALREADY_KNOWN,
    "nonce too low: next nonce 5, tx nonce 3": SendOutcome.NONCE_USED,
    "replacement transaction underpriced": SendOutcome.REPLACEMENT_REFUSED,
    "future transaction tries to replace pending": SendOutcome.REPLACEMENT_REFUSED,
    "nonce too high: tx nonce 9, gapped nonce 4": SendOutcome.NONCE_TOO_FAR,
    "txpool is full": SendOutcome.POOL_FULL,
    "account limit exceeded: pooled 16 txs": SendOutcome.POOL_FULL,
    "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1": SendOutcome.INSUFFICIENT_FUNDS,
    "transaction underpriced": SendOutcome.FEE_TOO_LOW,
    "transaction gas price below minimum: gas tip cap 0, minimum needed 1": SendOutcome.FEE_TOO_LOW,
    "intrinsic gas too low: gas 20000, minimum needed 21000": SendOutcome.REFUSED,
    "exceeds block gas limit": SendOutcome.REFUSED,
    "invalid sender: invalid chain id for signer: have 1 want 7777": SendOutcome.REFUSED,
    "only replay-protected (EIP-155) transactions allowed over RPC": SendOutcome.REFUSED,
    "oversized data: transaction size 200000, limit 131072": SendOutcome.REFUSED,
    "rlp: expected input list for types.LegacyTx": SendOutcome.REFUSED,
    "something that a later version says": SendOutcome.UNKNOWN,
}


@pytest.mark.parametrize(("text", "outcome"), GETH.items(), ids=list(GETH))
def test_geth_tells_all_by_text(text: str, outcome: SendOutcome) -> None:
    assert ClientKind.of("Geth/v1.16.7-stable/linux-amd64/go1.25") is ClientKind.GETH
    assert classify_error(ClientKind.GETH, said(-32000, text)) is outcome
    assert classify_error(ClientKind.GETH, said(-32001, text)) is SendOutcome.UNKNOWN


# One code of Besu's, several causes (RpcErrorType.java).
@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (-32002, "Invalid signature", SendOutcome.REFUSED),
        (-32004, "Upfront cost exceeds account balance", SendOutcome.INSUFFICIENT_FUNDS),
        (-32005, "Number of requests exceeds max batch size", SendOutcome.UNKNOWN),
        (-32006, "Nonce too high", SendOutcome.NONCE_TOO_FAR),
        (-32008, "Initial sync is still in progress", SendOutcome.NODE_NOT_READY),
        (-32009, "Gas price below configured minimum gas price", SendOutcome.FEE_TOO_LOW),
        (-32000, "ChainId is required", SendOutcome.REFUSED),
        (-32000, "An invalid transaction with a lower nonce exists", SendOutcome.UNKNOWN),
        (-32603, "Internal error", SendOutcome.UNKNOWN),
    ],
)
def test_besus_codes_that_were_not_recorded(code: int, text: str, outcome: SendOutcome) -> None:
    assert classify_error(ClientKind.BESU, said(code, text)) is outcome


def test_anvil_refuses_another_chains_typed_transaction() -> None:
    # Met on 1.7.1 itself, whose legacy counterpart is taken, as recorded.
    refused = said(-32003, "invalid chain id for signer")
    assert classify_error(ClientKind.ANVIL, refused) is SendOutcome.REFUSED


@pytest.mark.parametrize("kind", list(ClientKind))
def test_what_no_client_says_is_unknown(kind: ClientKind) -> None:
    assert classify_error(kind, said(-12345, "nonce too low")) is SendOutcome.UNKNOWN
    assert classify_error(kind, said(None, "nonce too low")) is SendOutcome.UNKNOWN
    for nothing in (NodeTimeout("late"), None, 7, "0x" + "00" * 32, {"hash": HASH}, b""):
        assert answer_of(kind, HASH, nothing).outcome is SendOutcome.UNKNOWN


def test_only_what_time_does_not_change_is_permanent() -> None:
    permanent = {each for each in SendOutcome if each.is_permanent}
    assert permanent == {SendOutcome.REFUSED, SendOutcome.NOT_PERMITTED, SendOutcome.FEE_TOO_LOW}
    # What a cancel would meet too frees no lane.
    assert {each for each in SendOutcome if each.is_of_sender} == permanent - {SendOutcome.REFUSED}


# --- reads and calls ------------------------------------------------------------------------------------------------

REFUSED_READS = {
    "call Error(string)": Refusal.REVERTED,
    "call custom error": Refusal.REVERTED,
    "call empty revert": Refusal.REVERTED,
    "call Panic div0": Refusal.REVERTED,
    "call Panic assert": Refusal.REVERTED,
    "call invalid opcode": Refusal.EXECUTION_FAILED,
    "call out of gas": Refusal.EXECUTION_FAILED,
    "call bad params": Refusal.MALFORMED,
    "call future block": Refusal.NO_SUCH_BLOCK,
    "estimate Error(string)": Refusal.REVERTED,
    "estimate custom": Refusal.REVERTED,
    "estimate loop": Refusal.EXECUTION_FAILED,
    "block finalized": Refusal.NO_SUCH_BLOCK,
    "block safe": Refusal.NO_SUCH_BLOCK,
    "getLogs beyond head": Refusal.MALFORMED,  # at Besu; only heights tell
    "getLogs from>to": Refusal.MALFORMED,
    "getLogs by unknown blockHash": Refusal.NO_SUCH_BLOCK,
    "unknown method": Refusal.NOT_SERVED,
    "batch 1025": Refusal.TOO_MUCH,
    "batch 5000": Refusal.TOO_MUCH,
    "bad json": Refusal.MALFORMED,
    "empty body": Refusal.MALFORMED,
}


def read_error(answer: Recorded) -> dict[str, Any] | None:
    body = answer.body
    return answer.error or (body.get("error") if isinstance(body, dict) else None)


READS = [each for each in all_recorded() if each.request.kind is not Kind.SEND and read_error(each)]


@pytest.mark.parametrize("answer", READS, ids=str)
def test_every_recorded_refusal_of_a_read_or_a_call_has_its_class(answer: Recorded) -> None:
    error = read_error(answer)
    assert error is not None
    refused = said(error["code"], error["message"], error.get("data"))
    refusal = classify_refusal(KINDS[answer.client], refused)
    assert refusal is REFUSED_READS[answer.case]
    reverted = reverted_from(refused)
    assert (reverted is not None) == (refusal is Refusal.REVERTED)
    if reverted is not None:
        assert reverted.data == bytes.fromhex(error["data"][2:])


def test_no_recorded_refusal_of_a_read_is_missed() -> None:
    assert {each.case for each in READS} == set(REFUSED_READS)


@pytest.mark.parametrize(
    ("kind", "code", "text", "refusal"),
    [
        (ClientKind.GETH, 3, "execution reverted: not allowed here", Refusal.REVERTED),
        (ClientKind.GETH, -32000, "out of gas", Refusal.EXECUTION_FAILED),
        (ClientKind.GETH, -32000, "invalid opcode: INVALID", Refusal.EXECUTION_FAILED),
        (ClientKind.GETH, -32000, "gas required exceeds allowance (100000000)", Refusal.EXECUTION_FAILED),
        (ClientKind.GETH, -32000, "header not found", Refusal.NO_SUCH_BLOCK),
        (ClientKind.GETH, -32000, "missing trie node 00aa (path )", Refusal.NO_SUCH_BLOCK),
        (ClientKind.GETH, -32000, "invalid block range params", Refusal.MALFORMED),
        (ClientKind.GETH, -32601, "the method eth_x does not exist/is not available", Refusal.NOT_SERVED),
        (ClientKind.GETH, -32000, "something new", Refusal.UNKNOWN),
        (ClientKind.BESU, -32000, "World state unavailable", Refusal.NO_SUCH_BLOCK),
        (ClientKind.BESU, -32000, "Filter not found", Refusal.UNKNOWN),
        (ClientKind.BESU, -32604, "Method not enabled", Refusal.NOT_SERVED),
        (ClientKind.BESU, -32005, "Requested range exceeds maximum RPC range limit", Refusal.TOO_MUCH),
        (ClientKind.ANVIL, -32603, "some other internal error", Refusal.UNKNOWN),
        (ClientKind.OTHER, 3, "reverted", Refusal.REVERTED),
        (ClientKind.OTHER, -32000, "out of gas", Refusal.UNKNOWN),
    ],
)
def test_refusals_that_were_not_recorded(kind: ClientKind, code: int, text: str, refusal: Refusal) -> None:
    assert classify_refusal(kind, said(code, text)) is refusal


def test_revert_data_decides_whatever_the_code() -> None:
    assert classify_refusal(ClientKind.BESU, said(-32000, "Execution reverted", "0x08c379a0")) is Refusal.REVERTED
    # Words in the place of data are no revert data (Geth while it indexes).
    indexing = said(-32000, "transaction indexing is in progress", "transaction indexing is in progress")
    assert classify_refusal(ClientKind.GETH, indexing) is Refusal.NOT_READY
    assert classify_refusal(ClientKind.GETH, said(None, "reverted")) is Refusal.UNKNOWN
