"""Orders for the tests: an attester set, terms, and attestations by two of three attesters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyjpm import Document, LocalSigner, Milestone, Mode, Money, Platform
from pyjpm.custody import Signer
from pyjpm.testing import new_company

SHIPPED, DELIVERED, DAMAGED = 1, 2, 9
DAY = 86_400
_numbers = itertools.count(1)


@dataclass
class Attesters:
    """Three attesters of whom two must sign; their set is administered by a company that is party to nothing."""

    set_id: int
    signers: Sequence[Signer]
    bank: Platform

    def attest(self, order: Document, status: int = SHIPPED, *, seq: int = 1, count: int = 2, **more: Any) -> Document:
        """The collected attestation of the first ``count`` attesters, now unless ``at`` says otherwise."""
        now = self.bank.session.now()
        facts = {"milestone": 0, "at": now, "deadline": now + DAY, **more}
        documents = [
            self.bank.acting(signer).attestations.sign(order, status=status, seq=seq, **facts)
            for signer in self.signers[:count]
        ]
        return self.bank.attestations.collect(documents)


def new_attesters(bank: Platform) -> Attesters:
    """A new attester set of three, minimum two."""
    administrator = new_company(bank)
    signers = [LocalSigner.generate() for _ in range(3)]
    created = administrator.attestations.create_set(
        [signer.address for signer in signers], minimum=2, idempotency_key="set"
    ).wait()
    return Attesters(administrator.attestations.set_of(created), signers, bank)


def milestone(bank: Platform, mode: Mode, amount: str = "100.00", **more: Any) -> Milestone:
    """A milestone that asks for SHIPPED within ten days."""
    attest_by = bank.session.now() + 10 * DAY
    fund_by = attest_by if mode is Mode.PREFUND else 0
    facts = {"required_status": SHIPPED, "attest_by": attest_by, "fund_by": fund_by, **more}
    return Milestone(amount=Money(amount, "USD").minor, mode=mode, **facts)


def agreed(buyer: Platform, seller: Platform, attesters: Attesters, *milestones: Milestone, **more: Any) -> Document:
    """Terms that both parties have signed."""
    facts = {"submit_grace": 0, **more}
    proposed = buyer.escrow.propose(
        buyer=buyer.session.participant,
        seller=seller.session.participant,
        currency="USD",
        order_reference=f"order {next(_numbers)}",
        milestones=milestones,
        attester_set=attesters.set_id,
        threshold=2,
        **facts,
    )
    return seller.escrow.countersign(Document.from_json(proposed.to_json()))


def key(name: str) -> str:
    """An idempotency key that no other test uses: the bank's keys live as long as its journal."""
    return f"{name} {next(_numbers)}"


def usd(platform: Platform, who: Platform) -> int:
    """Minor units of USD of a company's wallet, read from the chain past every layer of ours."""
    return int(platform.contract("USD").functions.balanceOf(who.session.wallet).call())


def held(platform: Platform, who: Platform) -> int:
    """Minor units of USD that notaries hold of a company's wallet, read from the chain."""
    return int(platform.contract("USD").functions.held(who.session.wallet).call())
