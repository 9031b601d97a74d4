"""A company on the platform."""

from __future__ import annotations

from dataclasses import dataclass

from pyjpm import Platform
from pyjpm.remittance import RemittanceKey


@dataclass(frozen=True)
class Company:
    """``platform`` acts for it, ``key`` opens what is sealed to it."""

    platform: Platform
    key: RemittanceKey

    @property
    def id(self) -> int:
        return self.platform.session.participant

    def balance(self, currency: str = "USD") -> int:
        return self.platform.deposits.balance(currency=currency).balance.minor
