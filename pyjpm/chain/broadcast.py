"""What a node's answer to a sent transaction is worth: a class for deciding what to do next, never a proof.

Decisions that govern this module:

* **Every answer means unknown.** A returned hash may be forgotten (Besu restarting), "nonce too low" does not say
  whose transaction used the nonce. Only a receipt for our hash, or contract state, says that a payment landed. The
  same bytes may be sent again at any time.
* Classes are told apart by client and code. Where one code carries several causes the text decides between them, and
  only there; each such code is listed with its texts in ``_TEXTS``. An unknown text or code is UNKNOWN, which is safe:
  the bytes go again.
* A class is *permanent* where the passing of time does not change it: only then may a lane be freed by a cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pyjpm.errors.chain import NodeBadAnswer, NodeError, TransportFault


class ClientKind(StrEnum):
    """Which software answers."""

    ANVIL = "anvil"
    ETH_TESTER = "eth-tester"
    BESU = "besu"
    GETH = "geth"
    OTHER = "other"

    @classmethod
    def of(cls, client_version: str) -> ClientKind:
        """The kind named by ``web3_clientVersion``."""
        name = client_version.split("/", 1)[0].lower()
        return _NAMES.get(name, cls.OTHER)


_NAMES = {
    "anvil": ClientKind.ANVIL,
    "besu": ClientKind.BESU,
    "ethereumtester": ClientKind.ETH_TESTER,
    "geth": ClientKind.GETH,
}


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
    """Gas, chain or form: these bytes will not be taken as they are. Permanent."""
    NOT_PERMITTED = "NOT_PERMITTED"
    """The sender is not on this node's account allowlist; another node may take it. Permanent, for every nonce."""
    FEE_TOO_LOW = "FEE_TOO_LOW"
    """The node is configured to want a fee; no transaction of ours offers one. Permanent, for every nonce."""
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    """The account has less native coin than fee and value; it may be funded."""
    POOL_FULL = "POOL_FULL"
    """The node holds as many transactions as it may, altogether or of this account."""
    NODE_NOT_READY = "NODE_NOT_READY"
    """The node is starting or behind, its pool is off."""
    UNKNOWN = "UNKNOWN"
    """No answer, or one that says nothing."""

    @property
    def is_permanent(self) -> bool:
        """Whether this node will say the same of these bytes however long one waits.

        Where every node has said so for long, the nonce may be freed by a cancel, unless ``is_of_sender``. Anything
        else passes by itself: the bytes go again.
        """
        return self in _PERMANENT

    @property
    def is_of_sender(self) -> bool:
        """Whether the refusal is of the account or of zero fees, so that a cancel would meet it too.

        Then nothing but a change at the nodes helps: raise an alarm, and keep sending.
        """
        return self in _OF_SENDER


_OF_SENDER = frozenset({SendOutcome.NOT_PERMITTED, SendOutcome.FEE_TOO_LOW})
_PERMANENT = _OF_SENDER | {SendOutcome.REFUSED}


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """A node's answer to one transaction. ``rpc_code`` and ``message`` are for telemetry."""

    outcome: SendOutcome
    tx_hash: str
    rpc_code: int | None = None
    message: str = ""


# By client and code: recorded from Besu (QBFT, 2026-08-21) and Anvil 1.7.1, in tests/chain_answers.json; LocalTester
# answers as Anvil does. Not recorded, but read in Besu's source (RpcErrorType.java): -32004, -32006, -32008, -32009.
_BESU_CODES = {
    -32001: SendOutcome.NONCE_USED,
    -32003: SendOutcome.REFUSED,  # intrinsic gas exceeds gas limit
    -32004: SendOutcome.INSUFFICIENT_FUNDS,  # upfront cost exceeds account balance
    -32006: SendOutcome.NONCE_TOO_FAR,  # nonce too high
    -32007: SendOutcome.NOT_PERMITTED,
    -32008: SendOutcome.NODE_NOT_READY,  # initial sync is still in progress
    -32009: SendOutcome.FEE_TOO_LOW,  # gas price below configured minimum, or below the base fee
    -32602: SendOutcome.REFUSED,  # the bytes do not decode, or are of a type that is not taken
}
_ANVIL_CODES = {
    -32000: SendOutcome.REFUSED,  # gas above the block's limit, or below intrinsic
    -32602: SendOutcome.REFUSED,  # the bytes do not decode
}
_GETH_CODES = {
    -32602: SendOutcome.REFUSED,  # not hex
}
_CODES: Mapping[ClientKind, Mapping[int, SendOutcome]] = {
    ClientKind.BESU: _BESU_CODES,
    ClientKind.ANVIL: _ANVIL_CODES,
    ClientKind.ETH_TESTER: _ANVIL_CODES,
    ClientKind.GETH: _GETH_CODES,
    ClientKind.OTHER: {},
}

_Texts = tuple[tuple[str, SendOutcome], ...]

# One code, several causes: the text decides (lower-case beginnings). -32002 is also Besu's code for a bad signature,
# and -32005 for a batch or a range of logs that is too large (RpcErrorType.java).
_BESU_TEXTS: Mapping[int, _Texts] = {
    -32000: (
        ("known transaction", SendOutcome.ALREADY_KNOWN),
        ("replacement transaction underpriced", SendOutcome.REPLACEMENT_REFUSED),
        ("transaction nonce is too distant", SendOutcome.NONCE_TOO_FAR),
        ("wrong chainid", SendOutcome.REFUSED),
        ("chainid", SendOutcome.REFUSED),  # "ChainId is required", "ChainId not supported"
        ("max priority fee per gas exceeds", SendOutcome.REFUSED),
        ("transaction fee cap exceeded", SendOutcome.REFUSED),
    ),
    -32002: (
        ("transaction pool not enabled", SendOutcome.NODE_NOT_READY),
        ("invalid signature", SendOutcome.REFUSED),
    ),
    -32005: (("transaction gas limit exceeds block gas limit", SendOutcome.REFUSED),),
}
_ANVIL_TEXTS: Mapping[int, _Texts] = {
    -32003: (
        ("transaction already imported", SendOutcome.ALREADY_KNOWN),
        ("nonce too low", SendOutcome.NONCE_USED),
        ("replacement transaction underpriced", SendOutcome.REPLACEMENT_REFUSED),
        ("insufficient funds", SendOutcome.INSUFFICIENT_FUNDS),
        ("max fee per gas less than block base fee", SendOutcome.FEE_TOO_LOW),
        ("invalid chain id", SendOutcome.REFUSED),  # of a typed transaction; a legacy one is taken
    ),
}
# Geth gives -32000 (rpc/errors.go: defaultErrorCode) to every refusal of a transaction. Read in the public source of
# ethereum/go-ethereum: core/error.go, core/txpool/errors.go, core/txpool/validation.go, core/txpool/legacypool,
# internal/ethapi; some go on after a colon ("nonce too low: next nonce 5, tx nonce 3").
_GETH_TEXTS: Mapping[int, _Texts] = {
    -32000: (
        ("already known", SendOutcome.ALREADY_KNOWN),
        ("nonce too low", SendOutcome.NONCE_USED),
        ("replacement transaction underpriced", SendOutcome.REPLACEMENT_REFUSED),
        ("future transaction tries to replace pending", SendOutcome.REPLACEMENT_REFUSED),
        ("nonce too high", SendOutcome.NONCE_TOO_FAR),
        ("gapped-nonce tx", SendOutcome.NONCE_TOO_FAR),
        ("txpool is full", SendOutcome.POOL_FULL),
        ("account limit exceeded", SendOutcome.POOL_FULL),
        ("in-flight transaction limit reached", SendOutcome.POOL_FULL),
        ("insufficient funds", SendOutcome.INSUFFICIENT_FUNDS),
        ("transaction underpriced", SendOutcome.FEE_TOO_LOW),
        ("transaction gas price below minimum", SendOutcome.FEE_TOO_LOW),
        ("max fee per gas less than block base fee", SendOutcome.FEE_TOO_LOW),
        ("intrinsic gas too low", SendOutcome.REFUSED),
        ("insufficient gas for floor data gas cost", SendOutcome.REFUSED),
        ("exceeds block gas limit", SendOutcome.REFUSED),
        ("transaction gas limit too high", SendOutcome.REFUSED),
        ("invalid sender", SendOutcome.REFUSED),  # "…: invalid chain id for signer" among them
        ("only replay-protected", SendOutcome.REFUSED),
        ("oversized data", SendOutcome.REFUSED),
        ("max initcode size exceeded", SendOutcome.REFUSED),
        ("max priority fee per gas higher than max fee per gas", SendOutcome.REFUSED),
        ("transaction type not supported", SendOutcome.REFUSED),
        ("typed transaction too short", SendOutcome.REFUSED),
        ("rlp:", SendOutcome.REFUSED),
    ),
}
_TEXTS: Mapping[ClientKind, Mapping[int, _Texts]] = {
    ClientKind.BESU: _BESU_TEXTS,
    ClientKind.ANVIL: _ANVIL_TEXTS,
    ClientKind.ETH_TESTER: _ANVIL_TEXTS,
    ClientKind.GETH: _GETH_TEXTS,
    ClientKind.OTHER: {},
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
    for beginning, outcome in _TEXTS[kind].get(code, ()):
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
