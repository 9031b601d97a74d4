"""What the tests of the rails share: parties, a directory that is a table, a message maker, a gateway to look into."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pyjpm import LocalSigner, Money, Platform
from pyjpm.errors.iso20022 import MessageNotWritable
from pyjpm.rails import FolderGateway, Instruction, Party, Rails, Transfer, parse_rulebook
from pyjpm.sending.outside import Absent, Answer, Found, Refused, Unknown

IBAN = "DE89370400440532013000"
RULES = """
otherwise = "SWIFT"
[[rule]]
name = "on chain"
rail = "TOKEN"
on_chain = true
"""
DEPOSIT = 10_000_000
Opened = Callable[[LocalSigner, str | Path], Platform]
DUE = date(2026, 11, 2)
"""A day that has passed, so that a payment is due at once; the same in every process and on both sides of midnight, as
whoever asks again under the same key has to ask for the same day."""
BY_SWIFT = 'otherwise = "SWIFT"\n'
_numbers = itertools.count(1)


def key(name: str = "payment") -> str:
    return f"{name} {next(_numbers)}"


class Table:
    """A directory of what a test says."""

    def __init__(self, mapped: Mapping[str, int] | None = None) -> None:
        self.mapped = dict(mapped or {})

    def resolve(self, scheme: str, identifier: str, at: int) -> int | None:
        return self.mapped.get(f"{scheme}:{identifier}")


class Plain:
    """Messages that a test can read."""

    kind = "plain"

    def make(self, transfer: Transfer) -> str:
        return json.dumps(
            {
                "reference": transfer.reference,
                "uetr": transfer.uetr,
                "end_to_end_id": transfer.end_to_end_id,
                "amount": str(transfer.amount),
                "creditor": transfer.creditor.identifier,
                "created_at": transfer.created_at,
                "settlement": transfer.settlement.isoformat(),
            }
        )


class Hub:
    """A gateway in memory that can be down, refuse, or lose an answer."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}
        self.sent: list[str] = []
        self.refused: set[str] = set()
        self.refuses = False
        self.down = False
        self.deaf = False

    def find(self, reference: str) -> Answer:
        if self.down:
            return Unknown("down")
        if reference in self.refused:
            return Refused("no")
        return Found() if reference in self.messages else Absent()

    def send(self, reference: str, content: Any) -> Answer | None:
        if self.down:
            raise ConnectionError
        if self.refuses:
            self.refused.add(reference)
            return Refused("no")
        self.sent.append(reference)
        self.messages[reference] = content
        if self.deaf:
            raise TimeoutError
        return None


def instruction(amount: str = "USD 125.00", **more: Any) -> Instruction:
    facts: dict[str, Any] = {
        "amount": Money.parse(amount),
        "debtor": Party(name="Payer", country="US", scheme="ACCOUNT", identifier="1234", agent="CHASUS33"),
        "creditor": creditor(),
        "requested": DUE,
        "end_to_end_id": "E2E-1",
        "remittance": "invoice 4711",
    }
    return Instruction(**{**facts, **more})


def creditor(**more: Any) -> Party:
    facts = {"name": "Payee", "country": "DE", "scheme": "IBAN", "identifier": IBAN, "agent": "COBADEFF"}
    return Party(**{**facts, **more})


def rails(
    payer: Platform,
    rules: str = RULES,
    *,
    payee: Platform | None = None,
    hub: Hub | FolderGateway | None = None,
    **more: Any,
) -> Rails:
    mapped = {} if payee is None else {f"IBAN:{IBAN}": payee.session.participant}
    options = {"directory": Table(mapped), "gateway": hub, "maker": Plain(), "patience": 0.2, **more}
    return Rails(payer, parse_rulebook(rules.encode()), **options)


def messages_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "out").iterdir())]


def usd(platform: Platform, who: Platform) -> int:
    return int(platform.contract("USD").functions.balanceOf(who.session.wallet).call())


class Mute(Plain):
    """A maker that can write nothing."""

    def make(self, transfer: Transfer) -> str:
        raise MessageNotWritable("It cannot be written.", field="name")


def state(payer: Platform, reference: str) -> str:
    return payer.payments.reference_state(reference, currency="USD")


def token_reference(made: Rails, name: str, leg: int = 0) -> str:
    return "0x" + made._chooser.names(name, leg).reference.hex()
