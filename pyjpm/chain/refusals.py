"""What a node's refusal of a read or a call says: a class per cause, by client, code and revert data.

Decisions that govern this module:

* Revert data decides first, whoever sends it: a contract spoke. After that the code of that client; the text only where
  one code has several causes (``_TEXTS``).
* A refused read proves nothing about the chain. -32602 is a malformed request at every client, and also a range or a
  height beyond the head: only heights, asked for anew, tell these apart (see ``reading``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pyjpm.chain.broadcast import ClientKind
from pyjpm.chain.reverts import revert_data
from pyjpm.chain.rpc import LIMIT_EXCEEDED, NOT_SERVED
from pyjpm.errors.chain import NodeError

INVALID_PARAMS = -32602


class Refusal(StrEnum):
    """Why a node did not answer what it was asked."""

    REVERTED = "REVERTED"
    """The contract reverted; its data is in the error."""
    EXECUTION_FAILED = "EXECUTION_FAILED"
    """The call ended without revert data: out of gas, invalid opcode."""
    NO_SUCH_BLOCK = "NO_SUCH_BLOCK"
    """The node does not have this block, or not its state (any more)."""
    TOO_MUCH = "TOO_MUCH"
    """More requests in a batch, or blocks in a range, than this node takes: ask for less at a time."""
    NOT_SERVED = "NOT_SERVED"
    """The node does not have this method, or it is switched off."""
    MALFORMED = "MALFORMED"
    """The request cannot be read, or names what cannot be: a height beyond the head among them."""
    NOT_READY = "NOT_READY"
    """The node is starting or behind."""
    UNKNOWN = "UNKNOWN"
    """It says nothing that we know."""


# Codes that mean the same at every client (JSON-RPC's own, and EIP-1474's).
_CODES = {
    -32700: Refusal.MALFORMED,
    -32600: Refusal.MALFORMED,
    **dict.fromkeys(NOT_SERVED, Refusal.NOT_SERVED),
    LIMIT_EXCEEDED: Refusal.TOO_MUCH,
}

_Texts = tuple[tuple[str, Refusal], ...]

# Besu's by chain_answers.json and RpcErrorType.java; LocalTester answers as Anvil does.
_BESU: Mapping[int, _Texts] = {
    -32000: (
        ("transaction processing could not be completed", Refusal.EXECUTION_FAILED),
        ("block not found", Refusal.NO_SUCH_BLOCK),
        ("world state unavailable", Refusal.NO_SUCH_BLOCK),
    ),
    -32008: (("", Refusal.NOT_READY),),  # initial sync is still in progress
    INVALID_PARAMS: (("", Refusal.MALFORMED),),
    -39001: (("", Refusal.NO_SUCH_BLOCK),),  # also for ``finalized`` and ``safe``, which QBFT does not have
}
_ANVIL: Mapping[int, _Texts] = {
    -32603: (("evm error", Refusal.EXECUTION_FAILED),),
    -32003: (("out of gas", Refusal.EXECUTION_FAILED),),
    -32000: (("unknown block", Refusal.NO_SUCH_BLOCK),),
    -32001: (("", Refusal.NO_SUCH_BLOCK),),  # resource not found
    INVALID_PARAMS: (
        ("blockoutofrangeerror", Refusal.NO_SUCH_BLOCK),
        ("", Refusal.MALFORMED),
    ),
}
# Geth's default code is -32000 for everything: ethereum/go-ethereum, core/vm/errors.go, internal/ethapi, eth/filters.
_GETH: Mapping[int, _Texts] = {
    -32000: (
        ("out of gas", Refusal.EXECUTION_FAILED),
        ("invalid opcode", Refusal.EXECUTION_FAILED),
        ("invalid jump destination", Refusal.EXECUTION_FAILED),
        ("stack underflow", Refusal.EXECUTION_FAILED),
        ("stack limit reached", Refusal.EXECUTION_FAILED),
        ("write protection", Refusal.EXECUTION_FAILED),
        ("gas uint64 overflow", Refusal.EXECUTION_FAILED),
        ("max code size exceeded", Refusal.EXECUTION_FAILED),
        ("gas required exceeds allowance", Refusal.EXECUTION_FAILED),
        ("header not found", Refusal.NO_SUCH_BLOCK),
        ("unknown block", Refusal.NO_SUCH_BLOCK),
        ("missing trie node", Refusal.NO_SUCH_BLOCK),
        ("historical state", Refusal.NO_SUCH_BLOCK),
        ("finalized block not found", Refusal.NO_SUCH_BLOCK),
        ("safe block not found", Refusal.NO_SUCH_BLOCK),
        ("invalid block range", Refusal.MALFORMED),
        ("transaction indexing is in progress", Refusal.NOT_READY),
    ),
    INVALID_PARAMS: (("", Refusal.MALFORMED),),
}
_TEXTS: Mapping[ClientKind, Mapping[int, _Texts]] = {
    ClientKind.BESU: _BESU,
    ClientKind.ANVIL: _ANVIL,
    ClientKind.ETH_TESTER: _ANVIL,
    ClientKind.GETH: _GETH,
    ClientKind.OTHER: {INVALID_PARAMS: (("", Refusal.MALFORMED),)},
}


def classify_refusal(kind: ClientKind, error: NodeError) -> Refusal:
    """What a JSON-RPC error to anything but a send says."""
    if revert_data(error) is not None:
        return Refusal.REVERTED
    code = error.rpc_code
    if code is None:
        return Refusal.UNKNOWN
    if code in _CODES:
        return _CODES[code]
    text = error.rpc_message.lower()
    for beginning, refusal in _TEXTS[kind].get(code, ()):
        if text.startswith(beginning):
            return refusal
    return Refusal.UNKNOWN
