"""The paying process that is killed: two companies pay through one platform client, asking again after every start.

Each start does the whole of the script, as a client would that lost its place: the same keys with the same content.
What it asked and was told goes to a file line by line, so that it survives the process as a client's own books would.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaign.failpoints import Point, WatchedSigner, watching
from campaign.record import ASKED, FINAL, REFUSED, Line
from pyjpm import LocalSigner, Money, PaymentBatch, PaymentOrder, Platform
from pyjpm.custody import NonceMarks
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.outbox import InFlightExceedsFunds, OperationRejected
from pyjpm.errors.sending import StillPending

CURRENCY = "USD"
PATIENCE = 20.0
OPENING = 100_000
"""Minor units that each company has at first."""


def lines_of(payers: list[tuple[int, str]], payee: str) -> list[Line]:
    """Every payment of the script."""
    return [
        Line(participant, wallet, key, position, CURRENCY, payee, amount)
        for index, (participant, wallet) in enumerate(payers)
        for key, amounts in script(index)
        for position, amount in (enumerate(amounts) if len(amounts) > 1 else [(None, amounts[0])])
    ]


def script(company: int) -> list[tuple[str, list[int]]]:
    """Keys and amounts (minor units) of one company, in order; several are a batch, the last one is too much."""
    return [
        (f"{company}-first", [101 + company]),
        (f"{company}-batch", [211, 223, 227 + company]),
        (f"{company}-second", [307 + company]),
        (f"{company}-too-much", [OPENING]),
    ]


def work(order: Mapping[str, Any]) -> dict[str, Any]:
    """One life.

    Args:
        order: ``url``; ``record`` (a path); ``journal`` (a path, or a database's URL); ``keys`` (hex, one a company);
            ``marks`` (a folder); ``payee``; ``words`` (a path). ``die`` says at which point to kill itself, if at any:
            ``name`` and ``passage``, or ``total``.

    Returns:
        All points that were passed: ``total``, and ``passages`` by name.
    """
    die = order.get("die") or {}

    def watcher(point: Point, total: int) -> None:
        if (point.name, point.passage) == (die.get("name"), die.get("passage")) or total == die.get("total"):
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal needs a moment

    with watching(watcher) as points:
        _Client(order).live()
    return {"total": points.total, "passages": points.passages}


class _Client:
    def __init__(self, order: Mapping[str, Any]) -> None:
        self._words = os.open(order["words"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._order = order
        marks = NonceMarks(Path(order["marks"]))
        self._signers: list[Any] = [WatchedSigner(LocalSigner.from_key(key, marks=marks)) for key in order["keys"]]

    def live(self) -> None:
        journal: Any = self._order["journal"]
        first = Platform.connect(
            self._order["url"],
            self._order["record"],
            signer=self._signers[0],
            journal=journal if "://" in journal else Path(journal),
            timeout=PATIENCE,
        )
        with first:
            companies = [first, *(first.acting(signer) for signer in self._signers[1:])]
            first.session.sender.resume({signer.address: signer for signer in self._signers})
            for step in range(len(script(0))):
                acts = [(index, self._ask(index, company, step)) for index, company in enumerate(companies)]
                if step != 1:  # the batch stays in flight while the next payment is made
                    self._wait(acts)
            for step in range(len(script(0)) - 1):
                self._wait([(index, self._ask(index, company, step)) for index, company in enumerate(companies)])

    def _ask(self, index: int, company: Platform, step: int) -> Any:
        key, amounts = script(index)[step]
        self._say(index, key, ASKED)
        payee = self._order["payee"]
        try:
            if len(amounts) == 1:
                return company.payments.create(payee, _money(amounts[0]), idempotency_key=key)
            orders = [PaymentOrder(payee, _money(amount)) for amount in amounts]
            return company.payments.create_batch(orders, idempotency_key=key)
        except (ContractError, InFlightExceedsFunds) as error:
            self._say(index, key, REFUSED, error.code)
            return None

    def _wait(self, acts: list[tuple[int, Any]]) -> None:
        for index, act in acts:
            if act is None:
                continue
            key = self._key_of(act)
            try:
                act.wait(PATIENCE)
                self._say(index, key, FINAL)
            except StillPending as error:
                self._say(index, key, "PENDING", error.code)
            except (ContractError, OperationRejected) as error:
                self._say(index, key, "REVERTED", error.code)

    def _key_of(self, act: Any) -> str:
        return str(act.key) if isinstance(act, PaymentBatch) else str(act.session.submission(act.id).key)

    def _say(self, index: int, key: str, what: str, why: str = "") -> None:
        said = {"at": time.time(), "company": index, "key": key, "what": what, "why": why}
        os.write(self._words, json.dumps(said).encode() + b"\n")


def _money(minor: int) -> Money:
    return Money.from_minor(minor, CURRENCY)
