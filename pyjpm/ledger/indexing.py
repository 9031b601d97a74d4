"""From logs, as a node's JSON has them, to the ledger's rows.

What an event moves is said in ``rules``, where its arguments stand in ``layout``. Both are put together once for each
event, so that a log costs a few slices of its text.

Decisions that govern this module:

* Every event leaves a row. Those that only explain the ``Transfer`` after them (``Paid``) are in its posting.
* Accounts are numbered in the order in which they first move, so that a ledger made anew has the same numbers.
* What is in no ABI (a proxy's ``Upgraded``) is kept as it is, under its topic: a ledger that is silent about something
  is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pyjpm.chain.values import Head
from pyjpm.contracts.codec import Codec, codec
from pyjpm.errors.chain import NodeBadAnswer
from pyjpm.errors.ledger import AmountBeyondBooks, EventsInconsistent
from pyjpm.ledger.layout import (
    ZERO_WORD,
    Arguments,
    EventLayout,
    Handler,
    address_of,
    layouts_of,
    word_of,
)
from pyjpm.ledger.rules import EXPLAINS, MOVES, NOTARIES, OWN_HOLD, WITHIN, Bucket, End, Kind
from pyjpm.ledger.telling import MOST, AccountKey, Rows, Sink, teller, unknown_teller
from pyjpm.record import DeploymentRecord

_ONLY_EXPLAIN: Final = frozenset({"Paid", "HoldExecuted", "HoldMoved", "Held", "HoldReleased"})
"""Told in full by their postings."""


class Indexer:
    """Makes rows of logs. It knows the accounts there are, and numbers new ones.

    Args:
        record: whose contracts' logs come.
        names: names of contracts by lower-case address, a deposit token's its currency.
        accounts: those there are, by number.
        totals: their totals, by number.
        wallets: those there are.
    """

    def __init__(
        self,
        record: DeploymentRecord,
        names: Mapping[str, str],
        accounts: Mapping[int, AccountKey] | None = None,
        totals: Mapping[int, int] | None = None,
        wallets: Iterable[str] = (),
    ) -> None:
        self.accounts: dict[int, AccountKey] = {}
        self.totals: dict[int, int] = dict(totals or {})
        self.notaries = {
            word_of(deployed.address): NOTARIES[name] for name, deployed in record.contracts.items() if name in NOTARIES
        }
        self.sink = Sink(wallets=set(wallets))
        self._tokens: dict[str, _Token] = {}
        self._handlers: dict[str, dict[str, Handler]] = {}
        by_currency = {}
        for address, name in names.items():
            if name in record.tokens:
                token = by_currency[name] = _Token(self, name, address)
                self._handlers[address] = token.handlers(codec(record.tokens[name].artifact))
            else:
                self._handlers[address] = {
                    topic: teller(self.sink, name, coder, event)
                    for coder in [codec(record.contracts[name].artifact)]
                    for topic, event in layouts_of(coder).items()
                }
            self._handlers[address][""] = unknown_teller(self.sink, name)
        for number in sorted(accounts or {}):
            key = (accounts or {})[number]
            self.accounts[number] = key
            by_currency[key.currency].know(key, number)

    def add(self, logs: Iterable[Mapping[str, Any]], heads: Iterable[Head]) -> Rows:
        """The rows of these logs, in the order of the chain.

        Args:
            heads: of the blocks with logs, and others that shall be remembered.

        Raises:
            EventsInconsistent, AmountBeyondBooks, NodeBadAnswer
        """
        self.sink.rows = rows = Rows()
        counts: dict[int, int] = {}
        number, text, count = -1, "", 0
        handlers = self._handlers
        try:
            for log in logs:
                if log["blockNumber"] != text:
                    if count:
                        counts[number] = count
                    text, count = log["blockNumber"], 0
                    number = self.sink.block = int(text, 16)
                topics = log["topics"]
                of = handlers.get(log["address"]) or handlers[log["address"].lower()]
                handler = of.get(topics[0]) or of[""]
                handler(topics, log["data"], int(log["logIndex"], 16), log["transactionHash"])
                count += 1
                rows.logs += 1
        except (LookupError, ValueError, TypeError) as error:
            raise NodeBadAnswer(
                f"The node showed something in block {number} that is no event of the platform's contracts.",
                what="an event",
                block=number,
            ) from error
        if count:
            counts[number] = count
        rows.blocks = [(head.number, head.hash, head.timestamp, counts.get(head.number, 0)) for head in heads]
        self._settle(rows)
        return rows

    def number_of(self, key: AccountKey) -> int:
        """The number of a new account."""
        number = len(self.accounts) + 1
        self.accounts[number] = key
        self.totals[number] = 0
        self.sink.rows.accounts.append((number, key, self.sink.block))
        return number

    def posted(self, row: tuple[Any, ...]) -> None:
        """Adds a posting."""
        _, _, _, _, _, debit, credit, amount, _, _ = row
        if amount > MOST:
            raise AmountBeyondBooks(
                f"An amount in block {row[0]} is beyond what the books hold.", block=row[0], log_index=row[1]
            )
        rows = self.sink.rows
        rows.postings.append(row)
        rows.changes[debit] = rows.changes.get(debit, 0) - amount
        rows.changes[credit] = rows.changes.get(credit, 0) + amount

    def _settle(self, rows: Rows) -> None:
        """Adds what changed to the totals, and looks whether they can be."""
        owned: dict[tuple[str, str], int] = {}
        for number, change in rows.changes.items():
            total = self.totals[number] = self.totals[number] + change
            if abs(total) > MOST or abs(change) > MOST:
                # SQLite would go on with a floating-point number.
                raise AmountBeyondBooks(
                    f"A total by block {self.sink.block} is beyond what the books hold.", block=self.sink.block
                )
            key = self.accounts[number]
            if key.bucket in (Bucket.HELD, Bucket.FROZEN) and total < 0:
                raise self._inconsistent(f"What is {key.bucket} of {key.wallet}")
            if key.bucket == Bucket.AVAILABLE:
                owned[key.currency, key.wallet] = total
        for (currency, wallet), available in owned.items():
            if available < 0 and available + self._tokens[currency].bound(wallet, self.totals) < 0:
                raise self._inconsistent(f"The balance of {wallet}")

    def _inconsistent(self, what: str) -> EventsInconsistent:
        return EventsInconsistent(
            f"{what} would fall below zero by block {self.sink.block}: an event before is missing.",
            block=self.sink.block,
        )

    def know_token(self, currency: str, token: _Token) -> None:
        """Where the accounts of a currency are kept."""
        self._tokens[currency] = token


class _Token:
    """The accounts of one currency, found by the 32-byte words of wallets and notaries as logs have them."""

    def __init__(self, indexer: Indexer, currency: str, address: str) -> None:
        self._indexer = indexer
        self._currency = currency
        self._word = word_of(address)
        self._available: dict[str, int] = {}
        self._frozen: dict[str, int] = {}
        self._held: dict[tuple[str, str], int] = {}
        self._netted = 0
        # The event right before, if it explains a Transfer: log index, transaction, kind, reference, remittance hash.
        self._before: tuple[int, str, Kind, str | None, str | None] = (-2, "", Kind.TRANSFER, None, None)
        indexer.know_token(currency, self)

    def know(self, key: AccountKey, number: int) -> None:
        """Finds an account that there is already."""
        wallet = word_of(key.wallet)
        if key.bucket == Bucket.HELD:
            self._held[word_of(key.notary), wallet] = number
        elif key.bucket == Bucket.FROZEN:
            self._frozen[wallet] = number
        else:
            self._available[wallet] = number

    def bound(self, wallet: str, totals: Mapping[int, int]) -> int:
        """What is held and frozen of a wallet."""
        word = word_of(wallet)
        frozen = self._frozen.get(word)
        held = sum(totals[number] for (_, payer), number in self._held.items() if payer == word)
        return held + (0 if frozen is None else totals[frozen])

    def handlers(self, coder: Codec) -> dict[str, Handler]:
        """By the first topic, what is to be done with a log."""
        return {topic: self._handler(coder, event) for topic, event in layouts_of(coder).items()}

    def _handler(self, coder: Codec, event: EventLayout) -> Handler:
        if event.name == "Transfer":
            return self._transfer
        steps: list[Handler] = []
        if event.name in MOVES:
            steps.append(self._mover(event))
        if event.name not in _ONLY_EXPLAIN:
            steps.append(teller(self._indexer.sink, self._currency, coder, event))
        if event.name in EXPLAINS:
            steps.append(self._explainer(event))
        if event.name == "NetExecuted":
            steps.append(self._net(event))
        if len(steps) == 1:
            return steps[0]

        def each(topics: Arguments, data: str, index: int, tx: str) -> None:
            for step in steps:
                step(topics, data, index, tx)

        return each

    def _transfer(self, topics: Arguments, data: str, index: int, tx: str) -> None:
        available = self._available
        debit = available.get(topics[1]) or self._new_available(topics[1])
        credit = available.get(topics[2]) or self._new_available(topics[2])
        before, before_tx, kind, reference, remittance = self._before
        if self._netted:
            self._netted -= 1
            kind, reference, remittance = Kind.NET, None, None
        elif before != index - 1 or before_tx != tx:
            kind, reference, remittance = Kind.TRANSFER, None, None
        self._indexer.posted(
            (self._indexer.sink.block, index, 0, tx, kind, debit, credit, int(data, 16), reference, remittance)
        )

    def _explainer(self, event: EventLayout) -> Handler:
        kind = EXPLAINS[event.name]
        reference = event.find("ref", "depositRef", "orderHash")
        remittance = event.find("remittanceHash")
        notary = event.find("notary") if event.name == "HoldExecuted" else None
        notaries = self._indexer.notaries

        def explain(topics: Arguments, data: str, index: int, tx: str) -> None:
            told = kind if notary is None else notaries.get(notary(topics, data), kind)
            self._before = (
                *(index, tx, told),
                None if reference is None else reference(topics, data),
                None if remittance is None else remittance(topics, data),
            )

        return explain

    def _net(self, event: EventLayout) -> Handler:
        transfers = event.get("transfers")

        def count(topics: Arguments, data: str, index: int, tx: str) -> None:
            self._netted = int(transfers(topics, data), 16)

        return count

    def _mover(self, event: EventLayout) -> Handler:
        kind, reference = WITHIN[event.name], event.find("ref", "orderHash")
        moves = [
            (part, event.get(move.amount), self._finder(event, move.out), self._finder(event, move.into))
            for part, move in enumerate(MOVES[event.name])
        ]
        posted, indexer = self._indexer.posted, self._indexer

        def move(topics: Arguments, data: str, index: int, tx: str) -> None:
            named = None if reference is None else reference(topics, data)
            for part, amount, out, into in moves:
                value = int(amount(topics, data), 16)
                posted(
                    (
                        indexer.sink.block,
                        index,
                        part,
                        tx,
                        kind,
                        out(topics, data),
                        into(topics, data),
                        value,
                        named,
                        None,
                    )
                )

        return move

    def _finder(self, event: EventLayout, end: End) -> Callable[[Arguments, str], int]:
        wallet = event.get(end.wallet)
        if end.bucket is Bucket.HELD:
            held = self._held
            if end.notary == OWN_HOLD:
                return lambda topics, data: self._held_of(self._word, wallet(topics, data))
            notary = event.get(end.notary)

            def find(topics: Arguments, data: str) -> int:
                key = (notary(topics, data), wallet(topics, data))
                return held.get(key) or self._held_of(*key)

            return find
        if end.bucket is Bucket.FROZEN:
            return lambda topics, data: self._frozen_of(wallet(topics, data))
        available = self._available

        def find_available(topics: Arguments, data: str) -> int:
            word = wallet(topics, data)
            return available.get(word) or self._new_available(word)

        return find_available

    def _new_available(self, word: str) -> int:
        bucket = Bucket.ISSUED if word == ZERO_WORD else Bucket.AVAILABLE
        number = self._available[word] = self._number(bucket, word, "")
        return number

    def _held_of(self, notary: str, wallet: str) -> int:
        found = self._held.get((notary, wallet))
        if found is None:
            found = self._held[notary, wallet] = self._number(Bucket.HELD, wallet, address_of(notary))
        return found

    def _frozen_of(self, wallet: str) -> int:
        found = self._frozen.get(wallet)
        if found is None:
            found = self._frozen[wallet] = self._number(Bucket.FROZEN, wallet, "")
        return found

    def _number(self, bucket: Bucket, wallet: str, notary: str) -> int:
        return self._indexer.number_of(AccountKey(self._currency, bucket.value, address_of(wallet), notary))
