"""Besu's manners, each by its number, and what it says: taken from the record of a real network.

The numbers are those of the list of what a test on Anvil alone cannot catch:

1. A transaction with the same nonce silently replaces the first at zero fee; the first then answers ``null``.
2. A returned hash proves nothing: a restarting node answers one and forgets; then it answers -32002 while
   ``eth_syncing`` says false and its head is behind.
3. A priced transaction jams its sender: never mined; a zero-fee one on that nonce is refused by the sequenced pool, and
   replaces it in the layered one.
4. The announced height answers ``null`` for a moment.
5. "Nonce too low" and "Known transaction" do not say by whom.
6. ``eth_getLogs`` beyond the head or backwards is an error; state at a future height is ``null``.
7. Neither ``finalized`` nor ``safe``; whole seconds; a constant prevrandao.
8. 327 bytes of extraData.
9. Another chain's id is refused; none at all is taken.
10. A malformed ``to`` is taken.
11. A batch over the limit is answered by one object; an unknown Host is HTTP 403.
12. Future nonces are taken up to a distance.
13. The allowlist of accounts bites at the node that has it, and where it proposes.
14. Old state is gone (not shown by the proxy: Anvil prunes its own, see ``history_blocks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chains.answers import recorded

BESU_VERSION = "besu/v26.8.0/linux-x86_64/openjdk-java-25"


class PoolKind(StrEnum):
    """Which pool Besu runs."""

    SEQUENCED = "sequenced"
    LAYERED = "layered"


class RpcError(Exception):
    """An error as JSON-RPC carries it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.error = error

    @classmethod
    def as_besu(cls, case: str) -> RpcError:
        """What Besu answered to a recorded case."""
        error = recorded(case, "besu").error
        assert error is not None, f"Besu did not refuse {case!r}"
        return cls(dict(error))

    @classmethod
    def of(cls, code: int, message: str, data: str | None = None) -> RpcError:
        """Another error."""
        return cls({"code": code, "message": message} | ({} if data is None else {"data": data}))


@dataclass(frozen=True, slots=True)
class Manners:
    """What the nodes do. Switch single manners with ``dataclasses.replace``. Times in seconds of the chain.

    Attributes:
        besu: whether these are Besu's manners; if not, Anvil's own answers come through, and it makes its own blocks.
        pool: which pool (1, 3).
        future_nonces: how far ahead of the account's nonce one is taken (12).
        batch_limit: requests in a batch, None for any number (11).
        null_chance: how often an announced block answers null, and
        null_window: for how long at most (4).
        extra_data: bytes of extraData in a block (8).
        reveals_reverts: whether receipts carry ``revertReason``.
        validators: how many make blocks.
        period: between blocks; None: only when told (``Proxy.make_blocks``).
        round_timeout: of the first round; it doubles with each further one.
        gossip: how long a transaction takes to another node at most.
        block_transactions: how many a block holds at most.
    """

    besu: bool = True
    pool: PoolKind = PoolKind.SEQUENCED
    future_nonces: int = 3_000
    batch_limit: int | None = 1_024
    null_chance: float = 1 / 12
    null_window: float = 0.05
    extra_data: int = 327
    reveals_reverts: bool = True
    validators: int = 4
    period: float | None = 1.0
    round_timeout: float = 4.0
    gossip: float = 0.08
    block_transactions: int = 3_000


BESU = Manners()
BESU_LAYERED = Manners(pool=PoolKind.LAYERED)
ANVIL = Manners(besu=False, batch_limit=None)
