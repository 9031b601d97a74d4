"""One platform, and measured transactions on it.

Method: receipt ``gasUsed`` on Anvil. Before each measured transaction the chain's day changes, so nothing was written
today. Keys, times and nonces are fixed, so the figures are the same every time.
"""

from __future__ import annotations

from typing import Any

from eth_utils import keccak

from pyjpm import Kind, LocalAnvil, LocalSigner, Platform, identity_hash
from pyjpm.sending import Operation
from pyjpm.terms import DAY

START = 1_800_000_000 // DAY * DAY
LATE = START + 900 * DAY  # the deadline of whatever is signed
USD, EUR = "USD", "EUR"


def signer(name: str) -> LocalSigner:
    return LocalSigner.from_key(keccak(text=f"gas {name}"))


class Bench:
    """Sends as anybody, one transaction after the other, and says what each cost."""

    def __init__(self, anvil: LocalAnvil, bank: Platform) -> None:
        self.bank, self.clock, self.sent, self.onboarded = bank, anvil.clock(), 0, 0
        self.next_day = START + 2 * DAY

    def start_day(self) -> None:
        self.clock.mine_at(self.next_day)
        self.next_day += DAY

    def send(
        self, who: Platform, contract: str, function: str, *arguments: Any, at: str | None = None, new_day: bool = False
    ) -> int:
        """Sends one call and returns its gas; ``new_day`` makes it the first of its day."""
        if new_day:
            self.start_day()
        self.sent += 1
        submission = who.session.submit(
            kind="gas", key=f"{self.sent}", content={}, contract=contract, function=function, arguments=arguments, at=at
        )
        return int(who.session.sender.wait(submission.id, 60).gas_used or 0)

    def measure(self, who: Platform, contract: str, function: str, *arguments: Any, at: str | None = None) -> int:
        return self.send(who, contract, function, *arguments, at=at, new_day=True)

    def send_raw(self, who: Platform, to: str | None, data: bytes, gas: int = 10_000_000) -> Any:
        """Sends calldata, or creation code to nobody, and returns the receipt."""
        self.sent += 1
        session = who.session
        operation = Operation(key=f"{self.sent}", kind="gas", content={}, to=to, data=data, gas=gas)
        return session.sender.wait(session.sender.submit(session.signer, operation).id, 60)

    def create(self, bytecode: bytes) -> str:
        created: str | None = self.send_raw(self.bank, None, bytecode).contract_address
        assert created is not None
        return created

    def company(self, name: str, *, kind: Kind = Kind.CORPORATE, sponsor: Platform | None = None) -> Platform:
        """Onboarded by the bank, or by its sponsor."""
        company = self.bank.acting(signer(name))
        identity = identity_hash({"name": name}, bytes(16))
        message = {"identityHash": identity, "wallet": company.session.wallet, "deadline": LATE}
        link = company.session.sign("ParticipantRegistry", "LinkWallet", message)
        profile = {
            "kind": int(kind),
            "jurisdiction": 840,
            "kycExpiry": LATE,
            "identityHash": identity,
            "questionnaireHash": keccak(text=name),
            "policyHash": bytes(32),
            "encryptionKey": bytes(32),
        }
        by, function = (self.bank, "register") if sponsor is None else (sponsor, "onboardCustomer")
        self.onboarded = self.send(by, "ParticipantRegistry", function, profile, company.session.wallet, LATE, link)
        for currency in (USD, EUR):
            self.send(self.bank, currency, "setDailyLimit", company.session.participant, 10**12)
        return company

    def mint(self, to: Platform, minor: int, currency: str = USD, *, new_day: bool = False) -> int:
        reference = keccak(text=f"deposit {self.sent}")
        return self.send(self.bank, currency, "mint", reference, to.session.wallet, minor, new_day=new_day)

    def consent(self, payer: Platform, notary: str, amount: int, ref: bytes, nonce: int, currency: str = USD) -> bytes:
        message = {
            "payer": payer.session.wallet,
            "notary": notary,
            "amount": amount,
            "ref": ref,
            "nonce": nonce,
            "deadline": LATE,
        }
        return payer.session.sign(currency, "Consent", message)
