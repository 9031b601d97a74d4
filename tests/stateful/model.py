"""The token as its rules say, path by path, in plain Python: what a call must do, or must be refused for. Written from
the rules, not from the contracts, so that the two can be held together.

An act returns the name of the error it must be refused with, or None once it is done; a refused act changes nothing.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field

DAY = 86_400


@dataclass
class Wallet:
    owner: str
    balance: int = 0
    frozen: int = 0
    suspended: bool = False
    successor: str | None = None


@dataclass
class Participant:
    limit: int
    frozen: bool = False
    suspended: bool = False
    spent: Counter[int] = field(default_factory=Counter)  # by day
    references: dict[int, str] = field(default_factory=dict)  # PAID or VOIDED


@dataclass
class Redemption:
    wallet: str
    amount: int
    day: int
    status: str = "REQUESTED"


@dataclass
class Model:
    wallets: dict[str, Wallet]
    participants: dict[str, Participant]
    supply: int
    paused: bool = False
    held: Counter[tuple[str, str]] = field(default_factory=Counter)  # (notary, wallet); the token is "token"
    deposits: set[int] = field(default_factory=set)
    redemptions: dict[tuple[str, int], Redemption] = field(default_factory=dict)
    consents: set[tuple[str, int]] = field(default_factory=set)

    # --- what there is ---

    def held_of(self, wallet: str) -> int:
        return sum(amount for (_, name), amount in self.held.items() if name == wallet)

    def unheld(self, wallet: str) -> int:
        return self.wallets[wallet].balance - self.held_of(wallet)

    def available(self, wallet: str) -> int:
        return max(0, self.unheld(wallet) - self.wallets[wallet].frozen)

    def resolve(self, wallet: str) -> str:
        successor = self.wallets[wallet].successor
        return wallet if successor is None else self.resolve(successor)

    def owner(self, wallet: str) -> Participant:
        return self.participants[self.wallets[wallet].owner]

    # --- who ---

    def standing(self, wallet: str) -> str:
        """A wallet's own state before its participant's."""
        found = self.wallets[wallet]
        if found.successor is not None:
            return "WalletLost"
        if found.suspended:
            return "WalletSuspended"
        owner = self.owner(wallet)
        return "Frozen" if owner.frozen else "Suspended" if owner.suspended else ""

    def payer(self, wallet: str) -> str | None:
        return f"Payer{self.standing(wallet)}" if self.standing(wallet) else None

    def payee(self, wallet: str) -> str | None:
        return f"Payee{self.standing(wallet)}" if self.standing(wallet) else None

    def spender(self, wallet: str) -> str | None:
        standing = self.standing(wallet)
        if standing == "WalletLost":
            return "CallerRefused"
        return "CallerStopped" if standing else None

    def spendable(self, wallet: str, amount: int, day: int, charged: bool) -> str | None:
        owner = self.owner(wallet)
        if amount > self.available(wallet):
            return "InsufficientAvailable"
        if charged and amount and owner.spent[day] + amount > owner.limit:
            return "DailyLimitExceeded"
        return None

    def pause_(self) -> str | None:
        return "TokenPaused" if self.paused else None

    # --- paying ---

    def transfer(self, caller: str, payer: str, payee: str, amount: int, day: int) -> str | None:
        charged = self.wallets[payer].owner != self.wallets[payee].owner
        refusal = (
            self.pause_()
            or (self.spender(caller) if caller != payer else None)
            or self.payer(payer)
            or self.payee(payee)
            or self.spendable(payer, amount, day, charged)
        )
        if refusal:
            return refusal
        self.wallets[payer].balance -= amount
        self.wallets[payee].balance += amount
        if charged:
            self.owner(payer).spent[day] += amount
        return None

    def pay(self, payer: str, payee: str, amount: int, ref: int, day: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        before = copy.deepcopy(self)
        if refusal := self.transfer(payer, payer, payee, amount, day):
            return refusal
        if refusal := self._spend(self.owner(payer), ref, "PAID"):
            self.wallets, self.participants = before.wallets, before.participants
        return refusal

    def void(self, participant: str, ref: int) -> str | None:
        return self._spend(self.participants[participant], ref, "VOIDED")

    @staticmethod
    def _spend(owner: Participant, ref: int, as_: str) -> str | None:
        if ref == 0:
            return "ReferenceMissing"
        if ref in owner.references:
            return "AlreadyPaid"
        owner.references[ref] = as_
        return None

    # --- holding ---

    def hold(self, notary: str, payer: str, amount: int, day: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        if refusal := self.pause_() or self.payer(payer) or self.spendable(payer, amount, day, True):
            return refusal
        self.held[notary, payer] += amount
        self.owner(payer).spent[day] += amount
        return None

    def hold_by_consent(self, payer: str, amount: int, nonce: int, day: int) -> str | None:
        if (payer, nonce) in self.consents:
            return "ConsentSpent"
        if refusal := self.hold("notary", payer, amount, day):
            return refusal
        self.consents.add((payer, nonce))
        return None

    def execute(self, payer: str, payee: str, amount: int) -> str | None:
        payer = self.resolve(payer)
        if refusal := self.pause_() or self.payer(payer) or self.payee(payee):
            return refusal
        if amount > self.held["notary", payer]:
            return "InsufficientHeld"
        self.held["notary", payer] -= amount
        self.wallets[payer].balance -= amount
        self.wallets[payee].balance += amount
        return None

    def release(self, payer: str, amount: int, held_on: int, day: int) -> str | None:
        payer = self.resolve(payer)
        if amount > self.held["notary", payer]:
            return "InsufficientHeld"
        self.held["notary", payer] -= amount
        self._give_back(payer, amount, held_on, day)
        return None

    def _give_back(self, payer: str, amount: int, held_on: int, day: int) -> None:
        owner = self.owner(payer)
        if held_on == day:
            owner.spent[day] = max(0, owner.spent[day] - amount)

    # --- deposits ---

    def mint(self, ref: int, payee: str, amount: int) -> str | None:
        if ref == 0:
            return "ReferenceMissing"
        if amount == 0:
            return "ZeroAmount"
        if refusal := self.pause_() or self.payee(payee):
            return refusal
        if ref in self.deposits:
            return "AlreadyMinted"
        self.deposits.add(ref)
        self.wallets[payee].balance += amount
        self.supply += amount
        return None

    def request(self, payer: str, amount: int, ref: int, day: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        if ref == 0:
            return "ReferenceMissing"
        key = (self.wallets[payer].owner, ref)
        before = self.owner(payer).spent[day], self.held["token", payer]
        if refusal := self.hold("token", payer, amount, day):
            return refusal
        if key in self.redemptions:
            self.owner(payer).spent[day], self.held["token", payer] = before
            return "RedemptionExists"
        self.redemptions[key] = Redemption(payer, amount, day)
        return None

    def instruct(self, participant: str, ref: int) -> str | None:
        redemption = self.redemptions.get((participant, ref))
        if redemption is None or redemption.status != "REQUESTED":
            return "RedemptionNotIn"
        if self.paused:
            return "TokenPaused"
        redemption.status = "INSTRUCTED"
        return None

    def settle(self, participant: str, ref: int) -> str | None:
        redemption = self.redemptions.get((participant, ref))
        if redemption is None or redemption.status != "INSTRUCTED":
            return "RedemptionNotIn"
        wallet = self.resolve(redemption.wallet)
        redemption.status = "SETTLED"
        self.held["token", wallet] -= redemption.amount
        self.wallets[wallet].balance -= redemption.amount
        self.supply -= redemption.amount
        return None

    def give_back(self, participant: str, ref: int, evidence: bool, day: int) -> str | None:
        redemption = self.redemptions.get((participant, ref))
        if redemption is not None and redemption.status == "INSTRUCTED" and not evidence:
            return "EvidenceMissing"
        if redemption is None or redemption.status not in ("REQUESTED", "INSTRUCTED"):
            return "RedemptionNotIn"
        wallet = self.resolve(redemption.wallet)
        redemption.status = "RETURNED"
        self.held["token", wallet] -= redemption.amount
        self._give_back(wallet, redemption.amount, redemption.day, day)
        return None

    # --- compliance ---

    def freeze_amount(self, wallet: str, amount: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        self.wallets[self.resolve(wallet)].frozen += amount
        return None

    def unfreeze_amount(self, wallet: str, amount: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        found = self.wallets[self.resolve(wallet)]
        if amount > found.frozen:
            return "FrozenTooLittle"
        found.frozen -= amount
        return None

    def seize(self, payer: str, payee: str, amount: int, unfrozen: int) -> str | None:
        if amount == 0:
            return "ZeroAmount"
        payer = self.resolve(payer)
        if payer == payee:
            return "SameAccount"
        if refusal := self.payee(payee):
            return refusal
        if amount > self.unheld(payer):
            return "InsufficientUnheld"
        found = self.wallets[payer]
        found.balance -= amount
        found.frozen -= min(unfrozen, amount, found.frozen)
        self.wallets[payee].balance += amount
        return None

    def recover(self, lost: str, successor: str) -> None:
        """Everything of the lost wallet is its successor's."""
        old, new = self.wallets[lost], self.wallets[successor]
        new.balance, old.balance = new.balance + old.balance, 0
        new.frozen, old.frozen = new.frozen + old.frozen, 0
        for notary in ("notary", "token"):
            self.held[notary, successor] += self.held.pop((notary, lost), 0)
        old.successor = successor

    def pause(self) -> str | None:
        if self.paused:
            return "AlreadyPaused"
        self.paused = True
        return None

    def unpause(self) -> str | None:
        if not self.paused:
            return "NotPaused"
        self.paused = False
        return None
