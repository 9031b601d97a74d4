"""Restrictions: what sets some participants apart from others.

Flags bind a participant at once and are lifted with a delay. Where a payer or a payee has pair rules, money goes only
from jurisdictions to jurisdictions that were permitted, in that direction. Retail customers have the ceilings of their
tier, over all their wallets.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from pyjpm.acts import Act
from pyjpm.errors.money import CurrencyMismatch
from pyjpm.money import Money
from pyjpm.registration import REGISTRY, act
from pyjpm.session import Session


class Flags(IntFlag):
    """What a participant has; only PAIR_RULES and CLEARANCE are set and lifted here."""

    SPONSORED = 1
    PAIR_RULES = 2
    CLEARANCE = 4
    RETAIL = 8
    SUSPENDED_BY_SPONSOR = 16


class Restrictions:
    """``platform.restrictions``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_flags(self, participant: int, flags: Flags, *, idempotency_key: str) -> Act:
        """Binds a participant at once by PAIR_RULES, CLEARANCE or both (compliance role)."""
        return self._act("addFlags", idempotency_key, participant, int(flags))

    def remove_flags(self, participant: int, flags: Flags, *, idempotency_key: str) -> Act:
        """Lifts PAIR_RULES, CLEARANCE or both (resolution role, delayed)."""
        return self._act("removeFlags", idempotency_key, participant, int(flags))

    def flags(self, participant: int) -> Flags:
        """All flags of a participant."""
        return Flags(self._session.call(REGISTRY, "flagsOf", participant))

    def forbid_pair(self, payer: int, payee: int, *, idempotency_key: str) -> Act:
        """Money no longer goes from one jurisdiction to the other (ISO 3166-1 numeric), at once (compliance role)."""
        return self._act("forbidPair", idempotency_key, payer, payee)

    def permit_pair(self, payer: int, payee: int, *, idempotency_key: str) -> Act:
        """Money may go from one jurisdiction to the other, not back (resolution role, delayed)."""
        return self._act("permitPair", idempotency_key, payer, payee)

    def pair_permitted(self, payer: int, payee: int) -> bool:
        """Whether money may go between these jurisdictions where there are rules. None is permitted until it is."""
        permitted: bool = self._session.call(REGISTRY, "pairPermitted", payer, payee)
        return permitted

    def set_retail_tier(self, daily_limit: Money, max_balance: Money, *, idempotency_key: str) -> Act:
        """What every retail customer may pay out a UTC day and hold in this currency (governor role, delayed); zero
        denies.

        Raises:
            CurrencyMismatch: the two are of different currencies.
        """
        if daily_limit.currency != max_balance.currency:
            raise CurrencyMismatch(
                f"The tier's limit is in {daily_limit.currency}, its balance in {max_balance.currency}.",
                left=daily_limit.currency,
                right=max_balance.currency,
            )
        amounts = (daily_limit.minor, max_balance.minor)
        return self._act("setRetailTier", idempotency_key, *amounts, contract=daily_limit.currency)

    def retail_tier(self, *, currency: str) -> tuple[Money, Money]:
        """Daily limit and highest balance of retail customers."""
        limit, balance = self._session.call(currency, "retailTier")
        return Money.from_minor(limit, currency), Money.from_minor(balance, currency)

    def _act(self, function: str, key: str, *arguments: Any, contract: str = REGISTRY) -> Act:
        return act(self._session, f"restrictions.{function}", function, key, *arguments, contract=contract)
