"""Payments as they are handed out: one, or a batch of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pyjpm.acts import Act
from pyjpm.errors.base import PyjpmError
from pyjpm.money import Money
from pyjpm.session import Session
from pyjpm.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Act):
    """One payment. ``reference`` is the 32 bytes on chain, ``to`` the payee's wallet."""

    amount: Money
    to: str
    remittance_hash: str

    @classmethod
    def _own(cls, session: Session, content: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "amount": Money.from_minor(content["amount"], content["currency"]),
            "to": content["to"],
            "remittance_hash": content["remittance_hash"],
        }


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """Payments that were asked for together, each with its own state.

    Attributes:
        key: the batch's idempotency key.
        payments: in the order given.
    """

    key: str
    payments: tuple[Payment, ...]

    @property
    def status(self) -> Status:
        """FINAL once all are; ACCEPTED while one is open; otherwise that of the first that failed."""
        states = [payment.status for payment in self.payments]
        if Status.ACCEPTED in states:
            return Status.ACCEPTED
        return next((state for state in states if state is not Status.FINAL), Status.FINAL)

    @property
    def currency(self) -> str:
        """Of all of them."""
        return self.payments[0].amount.currency

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.payments)

    @property
    def total(self) -> Money:
        """Of all of them, whatever became of each."""
        return Money.from_minor(sum(payment.amount.minor for payment in self.payments), self.currency)

    @property
    def references(self) -> tuple[str, ...]:
        """In the order given."""
        return tuple(payment.reference for payment in self.payments)

    @property
    def tx_hash(self) -> str | None:
        """Of the transaction that carries all of them; None once they went by themselves."""
        hashes = {payment.tx_hash for payment in self.payments}
        return hashes.pop() if len(hashes) == 1 else None

    def wait(self, timeout: float | None = None) -> Self:
        """Itself once all of them have an end on the chain.

        Args:
            timeout: seconds for all of them; the client's default if None.

        Raises:
            StillPending: not all of them yet.
            The error of the first that failed, once all have ended; ``refresh`` shows which were paid.
        """
        limit = self.payments[0].session.timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        failures: list[PyjpmError] = []
        ended = []
        for payment in self.payments:
            try:
                ended.append(payment.wait(max(0.0, deadline - time.monotonic())))
            except PyjpmError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return type(self)(self.key, tuple(ended))

    def refresh(self) -> Self:
        """Itself as it is now; one look at the chain."""
        session = self.payments[0].session
        session.serve()
        found = session.sender.refresh_many([payment.id for payment in self.payments])
        return type(self)(self.key, tuple(Payment.of(session, each) for each in found))

    def to_dict(self) -> dict[str, Any]:
        """The batch as JSON-able data."""
        return {
            "key": self.key,
            "status": self.status.value,
            "currency": self.currency,
            "count": self.count,
            "total": self.total.to_dict(),
            "payments": [payment.to_dict() for payment in self.payments],
        }


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Who gets what, and what for: one line of a batch, or one of many payments."""

    to: int | str
    amount: Money
    remittance: bytes = b""
