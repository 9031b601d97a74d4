"""Ledgers and bank files with one thing wrong, and what a reconciliation has to call it."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from scene import Scene
from web3.providers.base import JSONBaseProvider

from pyjpm.chain import Connection
from pyjpm.ledger import BankEntry, BreakKind, Ledger

Entries = list[BankEntry]


def bank_side(scene: Scene) -> Entries:
    """What the bank's account has, if everything is right."""
    today = datetime.fromtimestamp(scene.bank.session.now(), UTC).date()
    credits = [
        BankEntry(each.deposit_reference, each.amount.minor, each.amount.currency, True, today)
        for each in scene.bank.deposits.list()
    ]
    return [*credits, BankEntry("wire 1", 3_000, "USD", False, today)]


def write(where: str | Path, statement: str) -> None:
    """Somebody writes to the ledger past us; the statement changes something."""
    if isinstance(where, Path):
        connection = sqlite3.connect(where)
        changed = connection.execute(statement).rowcount
        connection.commit()
        connection.close()
    else:
        import psycopg

        with psycopg.connect(where) as session:
            changed = session.execute(statement).rowcount
    assert changed == 1, (statement, changed)


# --- one thing wrong at the bank ---


def missing_deposit(entries: Entries) -> Entries:
    return entries[1:]


def changed(**fields: Any) -> Callable[[Entries], Entries]:
    def change(entries: Entries) -> Entries:
        import dataclasses

        return [dataclasses.replace(entries[0], **fields), *entries[1:]]

    return change


def added(*more: BankEntry) -> Callable[[Entries], Entries]:
    return lambda entries: [*entries, *more]


def twice(credit: bool) -> Callable[[Entries], Entries]:
    return lambda entries: [*entries, next(each for each in entries if each.credit is credit)]


def unpaid(entries: Entries) -> Entries:
    return [each for each in entries if each.credit]


DAY = date(2026, 11, 29)
UNKNOWN = BankEntry("who knows", 123, "USD", True, DAY)
FEE = BankEntry("charges", 5, "USD", False, DAY)

# --- one thing wrong in the ledger: SQL that changes one row ---

A_PAYMENT = "(SELECT MIN(block) FROM ledger_posting WHERE kind = 'PAYMENT')"
FIRST_EVENT = "block = (SELECT MAX(block) FROM ledger_event WHERE name = 'TradeSettled') AND name = 'TradeSettled'"
WRITTEN: dict[str, tuple[str, BreakKind]] = {
    "ledger row altered": (
        f"UPDATE ledger_posting SET amount = amount + 1 WHERE block = {A_PAYMENT} AND kind = 'PAYMENT'",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "payee altered": (
        f"UPDATE ledger_posting SET credit = debit WHERE block = {A_PAYMENT} AND kind = 'PAYMENT'",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "ledger row missing": (
        f"DELETE FROM ledger_posting WHERE block = {A_PAYMENT} AND kind = 'PAYMENT'",
        BreakKind.LEDGER_ROW_MISSING,
    ),
    "event row altered": (
        f"UPDATE ledger_event SET detail = '{{}}' WHERE {FIRST_EVENT}",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "event row missing": (f"DELETE FROM ledger_event WHERE {FIRST_EVENT}", BreakKind.LEDGER_ROW_MISSING),
    "row out of nowhere": (
        "INSERT INTO ledger_posting (block, log_index, part, tx_hash, kind, debit, credit, amount)"
        f" VALUES ({A_PAYMENT}, 77, 0, '0x00', 'TRANSFER', 1, 2, 5)",
        BreakKind.LEDGER_ROW_UNKNOWN,
    ),
    "total altered": (
        "UPDATE ledger_account SET total = total + 100 WHERE id = 2",
        BreakKind.LEDGER_TOTAL_DIFFERS,
    ),
    "account altered": (
        "UPDATE ledger_account SET bucket = 'HELD' WHERE id = 2",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "account missing": ("DELETE FROM ledger_account WHERE id = 2", BreakKind.LEDGER_ROW_MISSING),
    "wallet altered": (
        "UPDATE ledger_wallet SET participant = 99 WHERE wallet = (SELECT MIN(wallet) FROM ledger_wallet)",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "time of a block altered": (
        f"UPDATE ledger_block SET at = at + 1 WHERE number = {A_PAYMENT}",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "block missing": (f"DELETE FROM ledger_block WHERE number = {A_PAYMENT}", BreakKind.LEDGER_ROW_MISSING),
    "count of events lowered": (
        f"UPDATE ledger_block SET events = events - 1 WHERE number = {A_PAYMENT}",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "count of events raised": (
        f"UPDATE ledger_block SET events = events + 1 WHERE number = {A_PAYMENT}",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "another block": (
        f"UPDATE ledger_block SET hash = '0x{'1' * 64}' WHERE number = {A_PAYMENT}",
        BreakKind.BLOCK_REPLACED,
    ),
    "remittance that does not match its hash": (
        "UPDATE ledger_remittance SET sealed = plain WHERE plain IS NOT NULL",
        BreakKind.REMITTANCE_MISMATCH,
    ),
    "row after the last block": (
        "INSERT INTO ledger_posting (block, log_index, part, tx_hash, kind, debit, credit, amount)"
        " VALUES (999999999, 0, 0, '0x00', 'TRANSFER', 1, 2, 5)",
        BreakKind.LEDGER_ROW_UNKNOWN,
    ),
    "row before the first block": (
        "INSERT INTO ledger_posting (block, log_index, part, tx_hash, kind, debit, credit, amount)"
        " VALUES (-1, 0, 0, '0x00', 'TRANSFER', 1, 2, 5)",
        BreakKind.LEDGER_ROW_UNKNOWN,
    ),
    "event after the last block": (
        "INSERT INTO ledger_event (block, log_index, tx_hash, contract, name, detail)"
        " VALUES (999999999, 0, '0x00', 'USD', 'Seized', '{}')",
        BreakKind.LEDGER_ROW_UNKNOWN,
    ),
    "block after the last block": (
        "INSERT INTO ledger_block (number, hash, at, events) VALUES (999999999, '0x00', 4102444800, 0)",
        BreakKind.LEDGER_ROW_UNKNOWN,
    ),
    "account that is shown from later on": (
        "UPDATE ledger_account SET block = block + 1000 WHERE id = 2",
        BreakKind.LEDGER_ROW_ALTERED,
    ),
    "remittance that was emptied": (
        "UPDATE ledger_remittance SET sealed = substr(sealed, 1, 0), plain = NULL, end_to_end_id = NULL"
        " WHERE plain IS NOT NULL",
        BreakKind.REMITTANCE_MISMATCH,
    ),
    "remittance with another EndToEndId": (
        "UPDATE ledger_remittance SET end_to_end_id = 'E2E-2' WHERE plain IS NOT NULL",
        BreakKind.REMITTANCE_MISMATCH,
    ),
}

# --- a node that leaves something out ---


class Silent(JSONBaseProvider):
    """A node that leaves out one log of the platform's: the first with this topic."""

    def __init__(self, connection: Connection, topic: bytes) -> None:
        super().__init__()
        self._request = connection.web3.provider.make_request
        self._topic = "0x" + topic.hex()
        self._place: tuple[str, str] | None = None
        self.left_out = 0

    def make_request(self, method: Any, params: Any) -> Any:
        answer = copy.copy(self._request(method, params))
        if method == "eth_getLogs":
            logs = answer["result"]
            if self._place is None:
                self._place = next(
                    ((log["blockHash"], log["logIndex"]) for log in logs if log["topics"][0] == self._topic), None
                )
            answer["result"] = [log for log in logs if (log["blockHash"], log["logIndex"]) != self._place]
            self.left_out += len(logs) - len(answer["result"])
        return answer


@contextmanager
def ledger_of(scene: Scene, where: str | Path) -> Any:
    """A ledger that is up to the chain, with everybody's keys."""
    with Ledger(where, scene.bank, keys=tuple(scene.keys.values())) as ledger:
        ledger.sync()
        yield ledger


def topic(signature: str) -> bytes:
    return keccak(text=signature)
