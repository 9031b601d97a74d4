"""Money on its way counts as spent: against the wallet's balance, and against its owner's limit over all its wallets.

A simulation sees the chain as it is, without what was sent before and is not mined. Two payments that the payer can
afford singly would both be accepted, and one of them would burn a nonce on a revert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import View
from pyjpm.errors.outbox import InFlightExceedsFunds
from pyjpm.sending.acceptance import Acceptance
from pyjpm.sending.requests import Request
from pyjpm.sending.witness import Call


class Free(Protocol):
    """What a wallet may still move; minor units."""

    @property
    def balance(self) -> int:
        """Its own, free of holds and freezes."""
        ...

    @property
    def limit(self) -> int:
        """What its owner may still move today, over all its wallets."""
        ...


class Funds(Protocol):
    """What operations take off their wallets, and what those have."""

    def own_debits(self, call: Call) -> dict[str, int]:
        """What a call takes off the wallet that sends it, at most: minor units by token."""
        ...

    def read(self, asked: Sequence[tuple[str, str]], *, connection: Connection, at: int) -> Sequence[Free]:
        """For each ``(wallet, token)`` what is free at the end of block ``at``."""
        ...


class NoFunds:
    """For chains without money of ours: nothing is counted."""

    def own_debits(self, call: Call) -> dict[str, int]:
        """None."""
        return {}

    def read(self, asked: Sequence[tuple[str, str]], *, connection: Connection, at: int) -> Sequence[Free]:
        """Never asked."""
        raise AssertionError("nothing is counted")


def require_funds(funds: Funds, acceptance: Acceptance, wallet: str, requests: Sequence[Request], view: View) -> None:
    """Raises InFlightExceedsFunds where these requests and what is on its way are more than the payer may move.

    What was mined and is not resolved yet counts twice; look at the lane first.
    """
    wanted: dict[str, int] = {}
    for request in requests:
        if request.found is None:
            for token, minor in request.debits.items():
                wanted[token] = wanted.get(token, 0) + minor
    if not wanted:
        return
    by_wallet = acceptance.in_flight(wallet=wallet)
    by_owner = acceptance.in_flight(owner=requests[0].owner)
    tokens = [token for token in wanted if by_owner.get(token) or by_wallet.get(token) or len(requests) > 1]
    if not tokens:
        return  # the simulation of the only one said all there is to say
    found = funds.read([(wallet, token) for token in tokens], connection=view.connection, at=view.number)
    for token, free in zip(tokens, found, strict=True):
        for what, flying, available in (
            ("balance", by_wallet.get(token, 0), free.balance),
            ("limit", by_owner.get(token, 0), free.limit),
        ):
            if wanted[token] + flying > available:
                raise InFlightExceedsFunds(
                    f"{wanted[token]} and {flying} on their way are more than the {what} of {wallet}, {available}.",
                    wallet=wallet,
                    token=token,
                    what=what,
                    amount=wanted[token],
                    in_flight=flying,
                    available=available,
                )
