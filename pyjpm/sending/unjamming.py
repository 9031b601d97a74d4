"""Freeing a wallet on whose next nonce somebody else's priced transaction sits.

On a zero-fee chain such a transaction is never mined, as nobody has ether to pay for it, and nothing without a price
replaces it. So a self-transfer of nothing takes its place at a higher price, and the network's rescue account gives the
wallet what that costs.

Decisions that govern this module:

* The cancel is sent before the ether: otherwise the ether would have the stranger's transaction mined.
* Only here is anything signed with a price, by a method of the signer that signs nothing else.
* Doing it again after a crash is safe: the cancel is stored before it is sent, and ether is given only where it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.raw import decode_raw
from pyjpm.errors.chain import ChainError
from pyjpm.errors.outbox import NotDecidable, PriceUnknown
from pyjpm.errors.sending import StillPending
from pyjpm.sending.attempts import CANCEL_GAS, PRICED_CANCEL
from pyjpm.sending.clock import Clock
from pyjpm.sending.decisions import Decisions
from pyjpm.sending.journal import Journal
from pyjpm.sending.signing import SignedBytes, TransactionSigner

_POLL: Final = 0.5


class FreeingSigner(Protocol):
    """A signer that can price a cancel."""

    @property
    def address(self) -> str:
        """The wallet, checksummed."""
        ...

    def sign_priced_cancel(self, chain_id: int, nonce: int, price: int) -> SignedBytes:
        """A self-transfer of nothing, of 21,000 gas, at a price in wei."""
        ...


@dataclass(frozen=True, slots=True)
class Unjammed:
    """What freed a wallet: the nonce, the price in wei for each gas, the hash of the cancel."""

    wallet: str
    nonce: int
    price: int
    tx_hash: str


def unjam(
    nodes: Nodes,
    journal: Journal,
    decisions: Decisions,
    signer: FreeingSigner,
    rescue: TransactionSigner,
    *,
    who: str,
    reason: str,
    clock: Clock,
    price: int | None = None,
    timeout: float = 120.0,
) -> Unjammed:
    """Have a priced cancel take a jammed nonce; what was bound to the nonce goes again on another, by its service.

    Args:
        rescue: the network's account that has ether.
        price: wei for each gas, above the stranger's; None: a tenth above what the nodes' pools show.
        timeout: seconds until the nonce must be used.

    Raises:
        NotDecidable: nothing of ours waits on the wallet's next nonce. PriceUnknown, ReasonMissing.
        StillPending: the nonce is not used yet; doing it again is safe. What a signer raises; transport faults.
    """
    view = nodes.best(journal.highest_head)
    wallet, nonce = signer.address, view.connection.transaction_count(signer.address, at=view.number)
    if not any(each.nonce == nonce for each in journal.attempts.living([wallet])):
        raise NotDecidable(f"Nothing of ours waits on nonce {nonce} of {wallet}.", target=wallet, state=None)
    there = [each for each in journal.attempts.at(wallet, nonce) if each.beside == PRICED_CANCEL]
    if there and there[0].raw is not None:
        raw, bid = bytes(there[0].raw), there[0].price
    else:
        bid = _above(_jammer_price(nodes, wallet, nonce)) if price is None else price
        signed = signer.sign_priced_cancel(nodes.chain_id, nonce, bid)
        raw = bytes(signed.raw)
        decisions.free(wallet, nonce, bid, raw, decode_raw(raw).hash, who=who, reason=reason)
    nodes.send([raw], priced=True)
    _give_ether(nodes, view, rescue, wallet, bid * CANCEL_GAS)
    deadline = clock.monotonic() + timeout
    while view.connection.transaction_count(wallet, at=view.number) <= nonce:
        if clock.monotonic() >= deadline:
            raise StillPending(f"Nonce {nonce} of {wallet} is not used yet.", submission=wallet, state="BROADCAST")
        nodes.send([raw], priced=True)
        clock.sleep(_POLL)
        view = nodes.best(journal.highest_head)
    return Unjammed(wallet, nonce, bid, decode_raw(raw).hash)


def _above(price: int) -> int:
    return price + max(1, (price + 9) // 10)


def _give_ether(nodes: Nodes, view: View, rescue: TransactionSigner, wallet: str, needed: int) -> None:
    missing = needed - view.connection.balance(wallet, block=view.number)
    if missing <= 0:
        return
    given = rescue.sign_transaction(
        {
            "type": 2,
            "chainId": nodes.chain_id,
            "nonce": view.connection.transaction_count(rescue.address, at=view.number),
            "to": wallet,
            "value": missing,
            "gas": CANCEL_GAS,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": b"",
        }
    )
    nodes.send([bytes(given.raw)])


def _jammer_price(nodes: Nodes, wallet: str, nonce: int) -> int:
    """The highest price that a pool shows on this nonce."""
    found = [
        int(str(each.get("maxFeePerGas") or each.get("gasPrice") or "0x0"), 16)
        for connection in nodes.connections
        for each in _pool(connection, wallet)
        if int(str(each.get("nonce", "0x0")), 16) == nonce
    ]
    priced = [each for each in found if each]
    if not priced:
        raise PriceUnknown(f"No node shows a priced transaction on nonce {nonce} of {wallet}.", wallet=wallet)
    return max(priced)


def _pool(connection: Any, wallet: str) -> list[dict[str, Any]]:
    try:
        return list(
            connection.development_request("txpool_besuPendingTransactions", "0x1000", {"from": {"eq": wallet.lower()}})
        )
    except ChainError:
        pass
    try:
        content = connection.development_request("txpool_content")
    except ChainError:
        return []
    return [
        each
        for part in ("pending", "queued")
        for sender, by_nonce in content.get(part, {}).items()
        if sender.lower() == wallet.lower()
        for each in by_nonce.values()
    ]
