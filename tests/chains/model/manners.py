"""How clients differ: what a node of each kind does and answers, each manner by its number.

The numbers are those of the list of what a test on Anvil alone cannot catch:

1. A transaction with the same nonce silently replaces the first where fees are zero; the first then answers ``null``.
2. A returned hash proves nothing: a restarting node answers one and forgets; then it answers -32002, while
   ``eth_syncing`` says false and its head is far behind.
3. A transaction with a gas price jams its sender: never mined, and a zero-fee one on that nonce is refused by the
   sequenced pool (the layered pool lets it replace the priced one).
4. The announced height may answer ``null`` for some 50 ms.
5. "Nonce too low" and "Known transaction" do not say by whom the nonce was used.
6. ``eth_getLogs`` beyond the head or backwards is an error; ``eth_call`` at a future block answers ``null``.
7. Neither ``finalized`` nor ``safe``; timestamps have whole seconds.
8. 327 bytes of extraData with four validators.
9. Another chain's id is refused (Anvil takes the transaction); one without a chain id is taken.
10. A malformed ``to`` in a call is taken for no address.
11. A batch over 1,024 is answered by one object.
12. Future nonces are taken up to a distance only.
13. The allowlist of accounts bites at the node that has it.
14. Old state is gone where it is pruned.

Errors are written out here with the codes and texts as recorded from Besu and Anvil; those of Geth are from its
source. A test holds them to the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Pool(StrEnum):
    """Which pool keeps what waits."""

    SEQUENCED = "sequenced"
    LAYERED = "layered"
    PRICE_BUMP = "price bump"
    """Anvil and Geth: whoever wants to replace pays more, so at zero fee nobody can."""


class RpcError(Exception):
    """An error as JSON-RPC carries it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


BESU_ERRORS: Mapping[str, tuple[int, str]] = {
    "known": (-32000, "Known transaction"),
    "nonce too low": (-32001, "Nonce too low"),
    "underpriced": (-32000, "Replacement transaction underpriced"),
    "nonce too distant": (-32000, "Transaction nonce is too distant from current sender nonce"),
    "gas above block": (-32005, "Transaction gas limit exceeds block gas limit"),
    "gas below intrinsic": (-32003, "Intrinsic gas exceeds gas limit"),
    "wrong chain": (-32000, "Wrong chainId"),
    "malformed": (-32602, "Invalid params"),
    "empty": (-32602, "Invalid params"),
    "not permitted": (-32007, "Sender account not authorized to send transactions"),
    "pool off": (
        -32002,
        "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).",
    ),
    "batch too long": (-32005, "Number of requests exceeds max batch size"),
    "logs beyond head": (-32602, "Invalid params"),
    "logs backwards": (-32602, "Invalid params"),
    "logs of unknown block": (-32000, "Block not found"),
    "unknown block": (-32000, "Block not found"),
    "no such tag": (-39001, "Unknown block"),
    "invalid params": (-32602, "Invalid params"),
    "unknown method": (-32601, "Method not found"),
    "pruned": (-32000, "World state unavailable"),
    "internal": (-32603, "Internal error"),
    "out of gas": (-32000, "Transaction processing could not be completed due to an exception (Out of gas)"),
    "invalid opcode": (
        -32000,
        "Transaction processing could not be completed due to an exception (Invalid opcode: 0xfe)",
    ),
    "estimate out of gas": (-32000, "Transaction processing could not be completed due to an exception (Out of gas)"),
}

ANVIL_ERRORS: Mapping[str, tuple[int, str]] = {
    "known": (-32003, "transaction already imported"),
    "nonce too low": (-32003, "nonce too low"),
    "underpriced": (-32003, "replacement transaction underpriced"),
    "gas above block": (-32000, "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit"),
    "gas below intrinsic": (-32000, "intrinsic gas too low"),
    "no funds": (-32003, "Insufficient funds for gas * price + value"),
    "malformed": (-32602, "Failed to decode transaction"),
    "empty": (-32602, "Empty transaction data"),
    "malformed address": (-32602, "invalid string length"),
    "logs of unknown block": (-32000, "unknown block"),
    "unknown block": (-32000, "unknown block"),
    "future block": (-32602, "BlockOutOfRangeError: block height is {head} but requested was {height}"),
    "invalid params": (-32602, "invalid params"),
    "unknown method": (-32601, "Method not found"),
    "pruned": (-32602, "BlockOutOfRangeError: block height is {head} but requested was {height}"),
    "internal": (-32603, "Internal error"),
    "out of gas": (-32603, "EVM error ReentrancySentryOOG"),
    "invalid opcode": (-32603, "EVM error InvalidFEOpcode"),
    "estimate out of gas": (-32003, "Out of gas: gas required exceeds allowance: 100000000"),
}

GETH_ERRORS: Mapping[str, tuple[int, str]] = {
    "known": (-32000, "already known"),
    "nonce too low": (-32000, "nonce too low: next nonce {next}, tx nonce {nonce}"),
    "underpriced": (-32000, "replacement transaction underpriced"),
    "gas above block": (-32000, "exceeds block gas limit"),
    "gas below intrinsic": (-32000, "intrinsic gas too low"),
    "no funds": (-32000, "insufficient funds for gas * price + value"),
    "wrong chain": (-32000, "invalid chain id for signer"),
    "unprotected": (-32000, "only replay-protected (EIP-155) transactions allowed over RPC"),
    "malformed": (-32000, "rlp: value size exceeds available input length"),
    "empty": (-32000, "typed transaction too short"),
    "malformed address": (-32602, "invalid argument 0: hex string has length 2, want 40 for common.Address"),
    "logs beyond head": (-32000, "block range extends beyond current head block"),
    "logs backwards": (-32000, "invalid block range params"),
    "logs of unknown block": (-32000, "unknown block"),
    "unknown block": (-32000, "header not found"),
    "future block": (-32000, "header not found"),
    "batch too long": (-32600, "batch too large"),
    "invalid params": (-32602, "invalid argument"),
    "unknown method": (-32601, "the method does not exist/is not available"),
    "pruned": (-32000, "missing trie node"),
    "internal": (-32603, "internal error"),
    "out of gas": (-32000, "out of gas"),
    "invalid opcode": (-32000, "invalid opcode: INVALID"),
    "estimate out of gas": (-32000, "gas required exceeds allowance (100000000)"),
}


@dataclass(frozen=True, slots=True)
class Manners:
    """What nodes of one client do. Switch single ones with ``dataclasses.replace``.

    Attributes:
        version: ``web3_clientVersion``.
        pool: who may replace whom (1, 3).
        errors: what is refused, and how; a cause that is not named here is not refused.
        null_window: longest seconds for which an announced block answers null, and
        null_chance: how often it does (4).
        null_beyond_head: whether state at a future height answers null (6) instead of an error.
        finality_tags: whether ``finalized`` and ``safe`` are answered (7).
        extra_data: bytes of extraData in a block (8).
        lenient_addresses: whether a malformed ``to`` is no address (10).
        longest_batch: requests in a batch, None for any number (11).
        future_window: how many nonces ahead of the account's are kept, None for any (12).
        keeps_state: blocks whose state is served, None for all (14).
        revert_reasons: whether receipts carry revert data.
        gas_price: what ``eth_gasPrice`` says, wei.
        quorum: validators that must be there for a block, as a share of all; 0: any one makes blocks alone.
        final: whether blocks are never taken back.
        methods: further methods of this client.
    """

    version: str
    pool: Pool
    errors: Mapping[str, tuple[int, str]] = field(repr=False)
    null_window: float
    null_chance: float
    null_beyond_head: bool
    finality_tags: bool
    extra_data: int
    lenient_addresses: bool
    longest_batch: int | None
    future_window: int | None
    keeps_state: int | None
    revert_reasons: bool
    gas_price: int
    quorum: float
    final: bool
    methods: frozenset[str] = frozenset()

    @property
    def client(self) -> str:
        """The client's name, lower case."""
        return self.version.split("/", 1)[0].lower()

    def refuse(self, cause: str, **numbers: int) -> RpcError:
        """The error of this client for a cause."""
        code, message = self.errors[cause]
        return RpcError(code, message.format(**numbers) if numbers else message)

    def refuses(self, cause: str) -> bool:
        """Whether this client refuses this at all."""
        return cause in self.errors

    def replaces(self, old_price: int, new_price: int) -> bool:
        """Whether a transaction takes the place of another on its nonce (1, 3)."""
        if self.pool is Pool.SEQUENCED:
            return new_price >= old_price
        if self.pool is Pool.LAYERED:
            return new_price >= old_price or new_price == 0
        return new_price > old_price and 10 * new_price >= 11 * old_price


BESU = Manners(
    version="besu/v26.8.0/linux-x86_64/openjdk-java-25",
    pool=Pool.SEQUENCED,
    errors=BESU_ERRORS,
    null_window=0.05,
    null_chance=1 / 12,
    null_beyond_head=True,
    finality_tags=False,
    extra_data=327,
    lenient_addresses=True,
    longest_batch=1_024,
    future_window=3_000,
    keeps_state=None,
    revert_reasons=True,
    gas_price=0,
    quorum=2 / 3,
    final=True,
    methods=frozenset({"txpool_besuTransactions", "txpool_besuPendingTransactions", "txpool_besuStatistics"}),
)

BESU_LAYERED = Manners(**{name: getattr(BESU, name) for name in Manners.__slots__ if name != "pool"}, pool=Pool.LAYERED)

ANVIL = Manners(
    version="anvil/v1.7.1",
    pool=Pool.PRICE_BUMP,
    errors=ANVIL_ERRORS,
    null_window=0.0,
    null_chance=0.0,
    null_beyond_head=False,
    finality_tags=True,
    extra_data=0,
    lenient_addresses=False,
    longest_batch=None,
    future_window=None,
    keeps_state=None,
    revert_reasons=False,
    gas_price=1_000_000_000,
    quorum=0.0,
    final=False,
    methods=frozenset({"txpool_content", "txpool_status"}),
)

GETH = Manners(
    version="Geth/v1.16.0-stable/linux-amd64/go1.24",
    pool=Pool.PRICE_BUMP,
    errors=GETH_ERRORS,
    null_window=0.0,
    null_chance=0.0,
    null_beyond_head=False,
    finality_tags=True,
    extra_data=97,
    lenient_addresses=False,
    longest_batch=1_000,
    future_window=None,
    keeps_state=None,
    revert_reasons=False,
    gas_price=0,
    quorum=0.0,
    final=False,
    methods=frozenset({"txpool_content", "txpool_status"}),
)
