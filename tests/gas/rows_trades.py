"""Rows of trades: what their parties sign rides along, somebody else brings it, one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench import EUR, LATE, USD, Bench
from eth_utils import keccak

from pyjpm import Leg, LegKind, Platform
from pyjpm.assets import UNITS
from pyjpm.terms import TradeTerms


class Trades:
    """Four parties with cash and units, who allow the settlement to move the units."""

    def __init__(self, bench: Bench, *parties: Platform) -> None:
        self.bench, self.parties = bench, parties
        self.settlement = bench.bank.record.address("Settlement")
        self.units = bench.bank.assets.deploy(UNITS, "Copper", "CU", idempotency_key="units")
        for owner in parties:
            bench.send(bench.bank, UNITS, "issue", owner.session.wallet, 1_000, at=self.units)
            bench.send(owner, UNITS, "approve", self.settlement, 2**256 - 1, at=self.units)

    def cash(self, payer: Platform, payee: Platform, minor: int, currency: str = USD) -> Leg:
        token = self.bench.bank.record.address(currency)
        return self._leg(LegKind.CASH, token, payer, payee, minor)

    def unit(self, giver: Platform, taker: Platform) -> Leg:
        return self._leg(LegKind.ERC20, self.units, giver, taker, 10)

    @staticmethod
    def _leg(kind: LegKind, token: str, giver: Platform, taker: Platform, amount: int) -> Leg:
        wallets = giver.session.wallet, taker.session.wallet
        return Leg(kind=kind, token=token, sender=wallets[0], receiver=wallets[1], amount=amount)

    def riding(self, name: str, legs: tuple[Leg, ...], nonce: int) -> dict[str, Any]:
        """A trade with a consent of everybody who pays and the signature of everybody who only delivers."""
        trade = TradeTerms(legs=legs, trade_reference=keccak(text=name), expiry=LATE)
        affirmations, consents = [], []
        for company in self.parties:
            wallet = company.session.wallet
            if wallet not in trade.wallets:
                continue
            owed = trade.cash_of(wallet)
            for token, amount in owed.items():
                currency = self.bench.bank.record.currency_of(token)
                signature = self.bench.consent(company, self.settlement, amount, trade.id, nonce, currency)
                consents.append(
                    {"payer": wallet, "token": token, "nonce": nonce, "deadline": LATE, "signature": signature}
                )
            if not owed:
                signature = company.session.sign("Settlement", "Trade", trade.to_message())
                affirmations.append({"wallet": wallet, "signature": signature})
        return {"trade": trade.to_message(), "affirmations": affirmations, "consents": consents}

    def settle(self, trade: dict[str, Any]) -> int:
        return self.bench.measure(self.bench.bank, "Settlement", "settle", *trade.values())

    def ring(self, name: str, nonce: int) -> list[dict[str, Any]]:
        """Each of four delivers units to the next one for cash; the prices differ, so that everybody has a net."""
        found = []
        for place, giver in enumerate(self.parties):
            taker = self.parties[(place + 1) % 4]
            delivery = replace(self.unit(giver, taker), amount=10 + place)
            legs = (delivery, self.cash(taker, giver, 1_000 + 10 * place**2))
            found.append(self.riding(f"{name} {place}", legs, nonce + place))
        return found


def trades(bench: Bench, buyer: Platform, seller: Platform, dealer: Platform) -> dict[str, int]:
    broker = bench.company("broker")
    for currency in (USD, EUR):
        bench.mint(broker, 1_000_000, currency)
    made = Trades(bench, buyer, seller, dealer, broker)
    rows: dict[str, int] = {}
    for nonce, name in enumerate(("earlier", "measured"), 10):
        dvp = (made.unit(seller, buyer), made.cash(buyer, seller, 4_000))
        rows["dvp_two_legs"] = made.settle(made.riding(f"{name} dvp", dvp, nonce))
        pvp = (made.cash(buyer, dealer, 5_000), made.cash(dealer, buyer, 4_600, EUR))
        rows["pvp_two_legs"] = made.settle(made.riding(f"{name} pvp", pvp, nonce + 10))
        rows["settle_4_trades_singly"] = sum(made.settle(each) for each in made.ring(f"{name} singly", nonce + 100))
        together = made.ring(f"{name} net", nonce + 120)
        rows["settle_net_4_parties"] = bench.measure(bench.bank, "Settlement", "settleNet", together, False)
    return rows
