"""A bank, and companies that publish the key their remittances are sealed to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from companies import Company

from pyjpm import LocalSigner, Money, Platform
from pyjpm.participants import Kind, identity_hash
from pyjpm.remittance import RemittanceKey

_numbers = itertools.count(1)


@pytest.fixture
def company(bank: Platform) -> Iterator[Callable[..., Company]]:
    """Makes a company: ``company(deposit="1000.00")``."""

    def make(
        deposit: str | None = None, *, sealed: bool = True, limit: str = "1000000.00", signer: Any = None
    ) -> Company:
        key, name = RemittanceKey.generate(), f"iso {next(_numbers)}"
        platform = bank.acting(signer or LocalSigner.generate())
        link = platform.participants.wallet_link(identity_hash({"name": name}, b"salt of these tests"))
        options: dict[str, Any] = {"encryption_key": key.public} if sealed else {}
        participant = (
            bank.participants.onboard(
                link,
                kind=Kind.CORPORATE,
                jurisdiction=840,
                kyc_expiry=bank.session.now() + 10**8,
                idempotency_key=f"onboard {name} {platform.session.wallet}",
                **options,
            )
            .wait()
            .participant
        )
        unique = f"{name} {platform.session.wallet}"
        bank.participants.set_daily_limit(participant, Money(limit, "USD"), idempotency_key=f"limit {unique}").wait()
        if deposit is not None:
            bank.deposits.mint(
                participant, Money(deposit, "USD"), deposit_reference=f"dep {unique}", idempotency_key=f"dep {unique}"
            ).wait()
        return Company(platform, key)

    return make
