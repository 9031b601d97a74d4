"""How many nonces wallets have used at a block, asked for once a block where that is enough.

A look at the lanes asks for them at every new block. Whoever only wants to know how far nonces may be bound takes what
that look was told: of a hundred wallets a loaded node takes a fortieth of a second over them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pyjpm.chain.nodes import View


class UsedNonces:
    """What was asked about the newest block. Threads: any number."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._block = ""
        self._counts: dict[str, int] = {}

    def ask(self, wallets: Sequence[str], view: View) -> dict[str, int]:
        """By wallet how many of its nonces are used at the view's block. Raises transport faults."""
        counts = dict(zip(wallets, view.connection.transaction_counts(wallets, at=view.number), strict=True))
        with self._mutex:
            if self._block != view.hash:
                self._block, self._counts = view.hash, {}
            self._counts.update(counts)
        return counts

    def recall(self, wallets: Sequence[str], view: View) -> dict[str, int]:
        """The same, as it was told of this block before; what was not is asked for."""
        with self._mutex:
            known = dict(self._counts) if self._block == view.hash else {}
        missing = [wallet for wallet in wallets if wallet not in known]
        if missing:
            known |= self.ask(missing, view)
        return {wallet: known[wallet] for wallet in wallets}
