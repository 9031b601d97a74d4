"""A lane whose database is older than the world: restored from a copy, failed over, or its signer's mark lost.

Decisions that govern this module:

* Signing at once would silently replace a pending payment on a zero-fee chain; waiting until the pools are empty is
  neither safe, since a node may come back with the bytes, nor does it end, since there may be a gap. Instead every
  nonce that is unknown to us, up to the highest that the signer, the chain or a pool has seen, is used by a cancel.
  What was mined of the lost bytes is met again by its own name when its client asks again.
* Where the signer lost its mark, the highest nonce is the chain's plus the window: beyond that no lane ever reserved.
* What one lane shows holds for all: the whole database is older, and what waits in it, of whomever, is sent only if it
  is asked for again. Where a signer has its mark, the mark alone shows that: a stranger who has the key moves the
  chain's nonce too, and must not stop other payers. A lost mark shows nothing.
* The lane numbers again once all these nonces are used at the highest head, and nothing of them is unresolved.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pyjpm.chain.nodes import Nodes, View
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.lanes import Lane, Lanes, LaneState
from pyjpm.sending.signing import TransactionSigner

log = logging.getLogger(__name__)


class Recovery:
    """Takes lanes up, and brings back those of which the world knows more than the journal."""

    def __init__(self, nodes: Nodes, lanes: Lanes, attempts: Attempts, *, window: int) -> None:
        self._nodes = nodes
        self._lanes = lanes
        self._attempts = attempts
        self._window = window

    def take(self, signers: Mapping[str, TransactionSigner], view: View) -> list[Lane]:
        """Take the leases of these wallets and see how far the world is ahead of them."""
        wallets = list(signers)
        used = dict(zip(wallets, view.connection.transaction_counts(wallets, at=view.number), strict=True))
        pending = self._nodes.pending_counts(wallets)
        shown = {wallet: max(count, pending[wallet].next_nonce or 0) for wallet, count in used.items()}
        signed = {wallet: self._signed_below(signer) for wallet, signer in signers.items()}
        if self._is_older(shown, signed):
            self._lanes.doubt_waiting()
        lanes = []
        for wallet, count in used.items():
            below = signed[wallet]
            known = max(shown[wallet], count + self._window if below is None else below)
            lane = self._lanes.take(wallet, chain_nonce=count, known_to=known)
            if lane.state is LaneState.RECOVERING:
                log.warning("wallet %s: nonces up to %s are not all known here: recovering", wallet, lane.recover_to)
            lanes.append(lane)
        return lanes

    def step(self, lane: Lane, view: View) -> bool:
        """See to a RECOVERING lane: cancels for the nonces without bytes, or OK again.

        Returns:
            Whether it is OK now.
        """
        end = lane.recover_to or lane.next_nonce
        used = view.connection.transaction_count(lane.wallet, at=view.number)
        if used >= end:
            if any(each.nonce < end for each in self._attempts.living([lane.wallet])):
                return False
            self._lanes.recovered(lane.wallet, used, head=view.number)
            log.warning("wallet %s: all nonces below %d are used: it sends again", lane.wallet, used)
            return True
        unknown = set(range(used, end)) - self._attempts.signed_nonces(lane.wallet, used, end)
        if unknown:
            self._attempts.add_cancels(lane.wallet, unknown)
        return False

    def _is_older(self, shown: Mapping[str, int], signed: Mapping[str, int | None]) -> bool:
        """Whether one of these lanes proves that the database is a copy: it sent what is not known here.

        Args:
            shown: by wallet, its next nonce by the chain and the pools.
            signed: by wallet, one above the highest nonce that its signer's mark names.
        """
        for wallet, mark in signed.items():
            lane = self._lanes.read(wallet)
            if lane is None:
                continue
            known = max(lane.next_nonce, lane.recover_to or 0)
            if mark:
                if mark > known:
                    return True
            elif shown[wallet] > known and lane.state is not LaneState.HALTED:
                return True
        return False

    def _signed_below(self, signer: TransactionSigner) -> int | None:
        """One above the highest nonce that it ever signed, 0 where it keeps no mark, None where it lost it."""
        try:
            highest = signer.highest_nonce(self._nodes.chain_id)
        except SignerMarkLost:
            log.warning("wallet %s: its signer lost the mark of what it signed", signer.address)
            return None
        return 0 if highest is None else highest + 1
