"""Whether somebody may be told that an operation did not happen.

A client that is told so pays again, by another key or another rail. So a wrong "no" is as bad as a payment made twice,
and none is given or stored for an owner

* while a lane of it is RECOVERING: bytes that we do not know may be alive; nor while the chain or a pool is ahead of a
  lane of it that nobody has taken up since the database was restored; nor by what was read before a lane had recovered;
* before the contract itself said, at the highest head, that the operation's name is unspent;
* while an earlier call for the same key is on its way through this sender (``same_key``), nor by a process that has
  lost the wallet's lease: what it is asked for may be accepted elsewhere.
"""

from __future__ import annotations

from pyjpm.chain.nodes import Nodes, View
from pyjpm.sending.lanes import Lanes


class NegativeAnswers:
    """Asked before a negative answer is stored."""

    def __init__(self, nodes: Nodes, lanes: Lanes) -> None:
        self._nodes = nodes
        self._lanes = lanes

    def allowed(self, owner: str, view: View) -> bool:
        """Whether the database knows all that was ever signed for this owner, as far as the world can tell."""
        lanes = self._lanes.of_owner(owner)
        if any(self._lanes.is_unsure(lane, head=view.number) for lane in lanes):
            return False
        others = [lane for lane in lanes if not self._lanes.is_taken(lane.wallet)]
        if not others:
            return True
        pending = self._nodes.pending_counts([lane.wallet for lane in others])
        for lane in others:
            used = view.connection.transaction_count(lane.wallet, at=view.number)
            if max(used, pending[lane.wallet].next_nonce or 0) > lane.next_nonce:
                return False
        return True
