"""Everything that moves or earmarks money, once: what the tests of the ledger look at."""

from __future__ import annotations

from dataclasses import dataclass

from sdk.orders import agreed, milestone, new_attesters

from pyjpm import LocalSigner, Mode, Money, Platform
from pyjpm.payment import PaymentOrder
from pyjpm.remittance import DocumentKind, Remittance, RemittanceDocument, RemittanceKey
from pyjpm.testing import new_company


def usd(amount: str) -> Money:
    return Money(amount, "USD")


@dataclass
class Scene:
    """A bank and companies; ``keys`` are the companies' remittance keys by participant."""

    bank: Platform
    alice: Platform
    bob: Platform
    dealer: Platform
    keys: dict[int, RemittanceKey]
    redeemed: str
    order: str
    trade: str


def play(bank: Platform) -> Scene:
    alice, bob = new_company(bank, deposit="1000.00"), new_company(bank, deposit="500.00")
    dealer = new_company(bank, deposit="300.00")
    keys = {company.session.participant: RemittanceKey.generate() for company in (alice, bob, dealer)}
    sealed = invoice_remittance().seal([keys[each.session.participant].public for each in (alice, bob)])
    wallet = alice.session.wallet
    alice.payments.create(bob.session.wallet, usd("10.00"), idempotency_key="pay", remittance=sealed).wait()
    alice.payments.create_batch(
        [PaymentOrder(bob.session.wallet, usd("1.00"), bytes([i])) for i in range(5)], idempotency_key="batch"
    ).wait()
    kept = alice.deposits.request_redemption(usd("20.00"), payout=b"\1" * 32, idempotency_key="kept").wait()
    gone = alice.deposits.request_redemption(usd("30.00"), payout=b"\1" * 32, idempotency_key="gone").wait()
    back = alice.deposits.request_redemption(usd("40.00"), payout=b"\1" * 32, idempotency_key="back").wait()
    who = kept.participant
    bank.deposits.instruct_redemption(who, gone.reference, currency="USD", idempotency_key="instruct").wait()
    bank.deposits.settle_redemption(
        who, gone.reference, currency="USD", fiat_reference="wire 1", idempotency_key="settle"
    ).wait()
    bank.deposits.return_redemption(who, back.reference, currency="USD", idempotency_key="return").wait()
    bank.governance.freeze_amount(wallet, usd("50.00"), order="order 1", idempotency_key="freeze").wait()
    bank.governance.unfreeze_amount(wallet, usd("5.00"), order="order 1", idempotency_key="unfreeze").wait()
    bank.governance.seize(
        wallet,
        bob.session.wallet,
        usd("15.00"),
        order="order 1",
        idempotency_key="seize",
        frozen_released=usd("15.00"),
    ).wait()
    # More than bob has: what is available of it is nothing.
    bank.governance.freeze_amount(bob.session.wallet, usd("9000.00"), order="order 2", idempotency_key="bob").wait()
    trade = _trade(alice, dealer, bank)
    order = _order(alice, dealer, bank)
    successor = bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(wallet).identity_hash[2:])
    bank.participants.link_wallet(who, successor.participants.wallet_link(identity), idempotency_key="link").wait()
    bank.participants.recover_wallet(wallet, successor.session.wallet, order="order 3", idempotency_key="lost").wait()
    return Scene(bank, successor, bob, dealer, keys, gone.reference, order, trade)


def invoice_remittance() -> Remittance:
    document = RemittanceDocument(kind=DocumentKind.INVOICE, number="INV-1", amount=usd("10.00"))
    return Remittance(end_to_end_id="E2E-1", documents=(document,), text="as agreed")


def _trade(alice: Platform, dealer: Platform, bank: Platform) -> str:
    legs = [
        alice.settlement.cash(alice.session.wallet, dealer.session.wallet, usd("100.00")),
        alice.settlement.cash(dealer.session.wallet, alice.session.wallet, Money("90.00", "EUR")),
    ]
    document = dealer.settlement.affirm(alice.settlement.affirm(alice.settlement.propose(legs, trade_reference="fx")))
    return bank.settlement.settle(document, idempotency_key="fx").wait().id


def _order(alice: Platform, dealer: Platform, bank: Platform) -> str:
    """Of two milestones, of which one is paid and one stays funded."""
    attesters = new_attesters(bank)
    parts = [milestone(bank, Mode.PREFUND, "60.00"), milestone(bank, Mode.PREFUND, "40.00")]
    document = agreed(alice, dealer, attesters, *parts)
    order = bank.escrow.open(document, idempotency_key="open").wait()
    for part in range(2):
        alice.escrow.fund(document, milestone=part, idempotency_key=f"fund {part}").wait()
    bank.escrow.attest(document, attesters.attest(document), idempotency_key="attest").wait()
    return order.id
