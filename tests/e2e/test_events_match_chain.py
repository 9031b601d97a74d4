"""The books rebuilt from events equal the chain, and one dropped event is enough to see that they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyjpm import LocalSigner, Money, Platform
from pyjpm.chain.tester import LocalTester
from pyjpm.ledger import Comparison, compare, read_events
from pyjpm.ledger.projection import Entry
from pyjpm.testing import backed_platform, new_company


@dataclass(frozen=True)
class Scene:
    bank: Platform
    block: int
    entries: list[Entry]

    def compared(self, entries: list[Entry]) -> Comparison:
        return compare(self.bank.session, entries, block=self.block)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything that moves or earmarks money, within one day."""
    journal = Path(tmp_path_factory.mktemp("scene")) / "journal.sqlite"
    signer = LocalSigner.generate()
    with LocalTester() as tester, backed_platform(tester.connection(), signer, journal=journal) as bank:
        _act(bank)
        head = bank.connection.head().number
        yield Scene(bank, head, list(read_events(bank.session, to_block=head)))


def _act(bank: Platform) -> None:
    usd, alice, bob = "USD", new_company(bank, deposit="1000.00"), new_company(bank, deposit="500.00")
    alice.payments.create(bob.session.wallet, Money("10.00", usd), idempotency_key="pay").wait()
    kept = alice.deposits.request_redemption(Money("20.00", usd), payout=b"\1" * 32, idempotency_key="kept").wait()
    gone = alice.deposits.request_redemption(Money("30.00", usd), payout=b"\1" * 32, idempotency_key="gone").wait()
    back = alice.deposits.request_redemption(Money("40.00", usd), payout=b"\1" * 32, idempotency_key="back").wait()
    who = kept.participant
    bank.deposits.instruct_redemption(who, gone.reference, currency=usd, idempotency_key="instruct").wait()
    bank.deposits.settle_redemption(
        who, gone.reference, currency=usd, fiat_reference="wire", idempotency_key="settle"
    ).wait()
    bank.deposits.return_redemption(who, back.reference, currency=usd, idempotency_key="return").wait()
    wallet, order = alice.session.wallet, "order 1"
    bank.governance.freeze_amount(wallet, Money("50.00", usd), order=order, idempotency_key="freeze").wait()
    bank.governance.unfreeze_amount(wallet, Money("5.00", usd), order=order, idempotency_key="unfreeze").wait()
    bank.governance.seize(
        wallet,
        bob.session.wallet,
        Money("15.00", usd),
        order=order,
        idempotency_key="seize",
        frozen_released=Money("15.00", usd),
    ).wait()
    bank.governance.freeze_amount(bob.session.wallet, Money("1.00", usd), order=order, idempotency_key="bob").wait()
    dealer = new_company(bank, deposit="300.00")
    legs = [
        alice.settlement.cash(wallet, dealer.session.wallet, Money("100.00", usd)),
        alice.settlement.cash(dealer.session.wallet, wallet, Money("90.00", "EUR")),
    ]
    trade = dealer.settlement.affirm(alice.settlement.affirm(alice.settlement.propose(legs, trade_reference="fx")))
    bank.settlement.settle(trade, idempotency_key="fx").wait()
    successor = bank.acting(LocalSigner.generate())
    identity = bytes.fromhex(bank.participants.get(wallet).identity_hash[2:])
    bank.participants.link_wallet(who, successor.participants.wallet_link(identity), idempotency_key="link").wait()
    bank.participants.recover_wallet(wallet, successor.session.wallet, order=order, idempotency_key="lost").wait()


def test_all_events_match(scene: Scene) -> None:
    comparison = scene.compared(scene.entries)
    assert comparison.matches, comparison.to_dict()
    assert comparison.events == len(scene.entries)
    # supply, and per wallet balance, held, frozen; holds by notary; limits and what is spent: for two currencies
    assert comparison.figures > 30


@pytest.mark.parametrize(
    "name",
    [
        "Transfer",
        "Held",
        "HoldExecuted",
        "HoldReleased",
        "HoldMoved",
        "RedemptionSettled",
        "AmountFrozen",
        "AmountUnfrozen",
        "Seized",
        "Recovered",
        "DailyLimitSet",
        "MintCeilingSet",
        "MintRateSet",
        "ReserveAttested",
        "WalletLinked",
    ],
)
def test_one_dropped_event_shows(scene: Scene, name: str) -> None:
    payer = next(entry.event.arguments["from"] for entry in scene.entries if entry.event.name == "Paid")
    places = [
        place
        for place, entry in enumerate(scene.entries)
        if entry.event.name == name
        and entry.contract in ("USD", "ParticipantRegistry", "Reserve")
        and (name != "WalletLinked" or entry.event.arguments["wallet"] == payer)
    ]
    assert places, f"the scene has no {name}"
    # The last of its kind: an earlier limit or frozen sum may be overwritten by a later one, and then does not matter.
    without = scene.entries[: places[-1]] + scene.entries[places[-1] + 1 :]
    assert not scene.compared(without).matches


def test_any_dropped_transfer_shows(scene: Scene) -> None:
    for place, entry in enumerate(scene.entries):
        if entry.event.name == "Transfer" and entry.event.arguments["value"]:
            assert not scene.compared(scene.entries[:place] + scene.entries[place + 1 :]).matches, entry
