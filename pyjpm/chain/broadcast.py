"""What a node's answer to a sent transaction is worth: a class for deciding what to do next, never a proof.

Decisions that govern this module:

* **Every answer means unknown.** A returned hash may be forgotten (Besu restarting), "nonce too low" does not say
  whose transaction used the nonce. Only a receipt for our hash, or contract state, says that a payment landed. The
  same bytes may be sent again at any time.
* Classes are told apart by client and code. Where one code carries several causes the text decides between them, and
  only there; each such code is listed in ``_TEXTS`` with the texts recorded from that client. An unknown text or code
  is UNKNOWN, which is safe: the bytes go again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyjpm.errors.chain import NodeBadAnswer, NodeError, TransportFault


class ClientKind(StrEnum):
    """Which software answers."""

    ANVIL = "anvil"
    ETH_TESTER = "eth-tester"
    BESU = "besu"
    OTHER = "other"

    @classmethod
    def of(cls, client_version: str) -> ClientKind:
        """The kind named by ``web3_clientVersion``."""
        name = client_version.split("/", 1)[0].lower()
        return {"anvil": cls.ANVIL, "besu": cls.BESU, "ethereumtester": cls.ETH_TESTER}.get(name, cls.OTHER)


class SendOutcome(StrEnum):
    """What the node said. None of these is final."""

    ACCEPTED = "ACCEPTED"
    """It is in this node's pool, for now."""
    ALREADY_KNOWN = "ALREADY_KNOWN"
    """The same bytes are in this node's pool."""
    NONCE_USED = "NONCE_USED"
    """A transaction with this nonce is mined: ours or another."""
    REPLACEMENT_REFUSED = "REPLACEMENT_REFUSED"
    """Another transaction waits on this nonce and is not replaced."""
    NONCE_TOO_FAR = "NONCE_TOO_FAR"
    """Too many nonces are missing before this one."""
    REFUSED = "REFUSED"
    """Gas, balance or form: these bytes will not be taken as they are."""
    NOT_PERMITTED = "NOT_PERMITTED"
    """The sender is not on this node's account allowlist; another node may take it."""
    NODE_NOT_READY = "NODE_NOT_READY"
    """The node is starting or behind, its pool is off."""
    UNKNOWN = "UNKNOWN"
    """No answer, or one that says nothing."""


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """A node's answer to one transaction. ``rpc_code`` and ``message`` are for telemetry."""

    outcome: SendOutcome
    tx_hash: str
    rpc_code: int | None = None
    message: str = ""


# By client and code. Recorded from Besu (QBFT, 2026-08-21) and Anvil 1.7.1; LocalTester answers as Anvil does.
_BESU_CODES = {
    -32001: SendOutcome.NONCE_USED,
    -32002: SendOutcome.NODE_NOT_READY,
    -32003: SendOutcome.REFUSED,  # intrinsic gas exceeds gas limit
    -32005: SendOutcome.REFUSED,  # gas limit exceeds block gas limit
    -32007: SendOutcome.NOT_PERMITTED,
    -32602: SendOutcome.REFUSED,  # the bytes do not decode
}
_ANVIL_CODES = {
    -32000: SendOutcome.REFUSED,  # gas above the block's limit, or below intrinsic
    -32602: SendOutcome.REFUSED,  # the bytes do not decode
}
_CODES = {
    ClientKind.BESU: _BESU_CODES,
    ClientKind.ANVIL: _ANVIL_CODES,
    ClientKind.ETH_TESTER: _ANVIL_CODES,
    ClientKind.OTHER: {},
}

# One code, several causes: the text decides (lower-case beginnings).
_BESU_TEXTS = (
    ("known transaction", SendOutcome.ALREADY_KNOWN),
    ("replacement transaction underpriced", SendOutcome.REPLACEMENT_REFUSED),
    ("transaction nonce is too distant", SendOutcome.NONCE_TOO_FAR),
    ("wrong chainid", SendOutcome.REFUSED),
)
_ANVIL_TEXTS = (
    ("transaction already imported", SendOutcome.ALREADY_KNOWN),
    ("nonce too low", SendOutcome.NONCE_USED),
    ("replacement transaction underpriced", SendOutcome.REPLACEMENT_REFUSED),
    ("insufficient funds", SendOutcome.REFUSED),
)
_TEXTS = {
    (ClientKind.BESU, -32000): _BESU_TEXTS,
    (ClientKind.ANVIL, -32003): _ANVIL_TEXTS,
    (ClientKind.ETH_TESTER, -32003): _ANVIL_TEXTS,
}


def classify_error(kind: ClientKind, error: NodeError) -> SendOutcome:
    """What a JSON-RPC error to eth_sendRawTransaction says."""
    code = error.rpc_code
    if code is None:
        return SendOutcome.UNKNOWN
    known = _CODES[kind].get(code)
    if known is not None:
        return known
    text = error.rpc_message.lower()
    for beginning, outcome in _TEXTS.get((kind, code), ()):
        if text.startswith(beginning):
            return outcome
    return SendOutcome.UNKNOWN


def answer_of(kind: ClientKind, tx_hash: str, answer: object) -> SendAnswer:
    """The class of a result, a NodeError, or a fault on the way."""
    if isinstance(answer, NodeError):
        return SendAnswer(classify_error(kind, answer), tx_hash, answer.rpc_code, answer.rpc_message)
    if isinstance(answer, (TransportFault, NodeBadAnswer)):
        return SendAnswer(SendOutcome.UNKNOWN, tx_hash, None, answer.code)
    returned = "0x" + answer.hex() if isinstance(answer, bytes) else str(answer).lower()
    if returned != tx_hash:
        # A node that answers another hash has not said anything about this transaction.
        return SendAnswer(SendOutcome.UNKNOWN, tx_hash, None, f"the node answered another hash: {returned}")
    return SendAnswer(SendOutcome.ACCEPTED, tx_hash)
