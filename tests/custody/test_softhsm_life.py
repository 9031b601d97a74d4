"""A trade and an order, whole, on a real chain, every key in a token: the bank's, the companies', the attesters'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from custody.softhsm import SoftHsm
from sdk.orders import Attesters, agreed, milestone

from pyjpm import LocalAnvil, Mode, Money, OrderState, Platform, TradeState
from pyjpm.assets import TITLES
from pyjpm.custody import NonceMarks
from pyjpm.custody.pkcs11 import Pkcs11Signer, Pkcs11Token
from pyjpm.testing import backed_platform, new_company

DEPOSIT = 100_000


@dataclass
class Keys:
    """Makes keys in a token, each with its mark."""

    token: Pkcs11Token
    marks: NonceMarks
    made: list[Pkcs11Signer] = field(default_factory=list)

    def __call__(self, name: str) -> Pkcs11Signer:
        address = self.token.create(name, marks=self.marks)
        signer = self.token.signer(name, marks=self.marks)
        assert signer.address == address
        self.made.append(signer)
        return signer


@pytest.fixture
def keys(softhsm: SoftHsm, tmp_path: Path) -> Iterator[Keys]:
    with softhsm.open("bank") as token:
        yield Keys(token, NonceMarks(tmp_path / "marks"))


def test_a_token_signs_a_trade_and_an_order(keys: Keys, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(
            anvil.connection(),
            keys("bank"),
            auditor=keys("auditor"),
            journal=tmp_path / "journal.sqlite",
            currencies=("USD",),
        ) as bank,
    ):
        buyer = new_company(bank, deposit="1000.00", signer=keys("buyer"))
        seller = new_company(bank, signer=keys("seller"))

        def minor(who: Platform, function: str = "balanceOf", *before: str) -> int:
            return int(bank.contract("USD").functions[function](*before, who.session.wallet).call())

        # Delivery versus payment: a bill of lading against money, in one transaction.
        titles = bank.assets.deploy(TITLES, "Bills of lading", "EBL", idempotency_key="titles")
        bank.assets.issue_title(
            titles, seller.session.wallet, 1, document="bill of lading", idempotency_key="title"
        ).wait()
        seller.settlement.allow_title(titles, 1, idempotency_key="allow").wait()
        legs = [
            seller.settlement.title(titles, 1, seller.session.wallet, buyer.session.wallet),
            seller.settlement.cash(buyer.session.participant, seller.session.participant, Money("500.00", "USD")),
        ]
        proposed = seller.settlement.propose(legs, trade_reference="cargo")
        trade = bank.settlement.collect([party.settlement.affirm(proposed) for party in (seller, buyer)])
        settled = bank.settlement.settle(trade, idempotency_key="cargo").wait()
        assert settled.status is TradeState.SETTLED
        assert bank.assets.owner_of_title(titles, 1) == buyer.session.wallet
        assert (minor(buyer), minor(seller)) == (DEPOSIT - 50_000, 50_000)

        # An order, paid first, held, and released by two of three attesters.
        administrator = new_company(bank, signer=keys("administrator"))
        attesting = [keys(f"attester {number}") for number in range(3)]
        created = administrator.attestations.create_set(
            [signer.address for signer in attesting], minimum=2, idempotency_key="set"
        ).wait()
        attesters = Attesters(administrator.attestations.set_of(created), attesting, bank)
        order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
        assert buyer.escrow.fund(order, idempotency_key="fund").wait().status is OrderState.FUNDED
        assert (minor(buyer), minor(buyer, "held"), minor(seller)) == (DEPOSIT - 50_000, 10_000, 50_000)
        released = bank.escrow.attest(order, attesters.attest(order), idempotency_key="shipped").wait()
        assert released.status is OrderState.RELEASED
        assert (minor(buyer), minor(buyer, "held"), minor(seller)) == (DEPOSIT - 60_000, 0, 60_000)

        # Every mark says what the chain says: nothing was signed that was not sent.
        nonces = {
            signer.address: bank.connection.web3.eth.get_transaction_count(signer.address) for signer in keys.made
        }
        assert {signer.address: signer.highest_nonce(bank.connection.chain_id) for signer in keys.made} == {
            wallet: nonce - 1 for wallet, nonce in nonces.items()
        }
        assert sum(nonces.values()) > 30
