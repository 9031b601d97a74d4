"""Rows of the ledger while they are made, and the making of those of ``ledger_event``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from pyjpm.contracts.codec import Codec
from pyjpm.ledger.layout import Arguments, EventLayout, Handler, address_of, jsonable, plain_word

MOST: Final = 2**63 - 1
"""The largest amount that is kept as a number, minor units."""

_SUBJECTS: Final = (
    *("orderId", "previous", "tradeId", "ruleId", "mandateId", "depositRef", "ref", "currency", "setId"),
    *("participant", "wallet", "lost", "from", "payer", "issuer", "notary", "authorizer"),
)
_NUMBERS: Final = ("milestone", "participant", "sequence", "period", "firstLot")


class AccountKey(NamedTuple):
    """What an account is of. Addresses checksummed, ``notary`` empty but for HELD, ``wallet`` zero for ISSUED."""

    currency: str
    bucket: str
    wallet: str
    notary: str


@dataclass(slots=True)
class Rows:
    """What a number of logs come to: rows of the tables of the same names, and what changes in ``ledger_account``."""

    blocks: list[tuple[Any, ...]] = field(default_factory=list)
    wallets: list[tuple[Any, ...]] = field(default_factory=list)
    accounts: list[tuple[int, AccountKey, int]] = field(default_factory=list)
    postings: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    changes: dict[int, int] = field(default_factory=dict)
    logs: int = 0


@dataclass(slots=True)
class Sink:
    """Where rows go: those of the page that is read, and the block of the log that is read.

    ``wallets`` are those that have a row: one that was unlinked and is linked again keeps its own, as whose it is never
    changes.
    """

    rows: Rows = field(default_factory=Rows)
    block: int = 0
    wallets: set[str] = field(default_factory=set)


def teller(sink: Sink, contract: str, coder: Codec, event: EventLayout) -> Handler:
    """What stores an event as a row of ``ledger_event``."""
    if event.dynamic:
        return _slow_teller(sink, contract, coder, event)
    rest = [(name, read, kind) for name, read, kind in event.parameters]
    subject = next((place for name in _SUBJECTS for place in rest if place[0] == name), None)
    number = next((place for name in _NUMBERS for place in rest if place[0] == name and place is not subject), None)
    amount = next((place for place in rest if place[0] == "amount"), None)
    detail = [place for place in rest if place not in (subject, number, amount)]
    is_link = event.name == "WalletLinked"

    def tell(topics: Arguments, data: str, index: int, tx: str) -> None:
        told = {name: plain_word(read(topics, data), kind) for name, read, kind in detail}
        value = None if amount is None else int(amount[1](topics, data), 16)
        if value is not None and value > MOST:
            value, told["amount"] = None, str(value)
        place = None if number is None else int(number[1](topics, data), 16)
        if number is not None and place is not None and place > MOST:
            place, told[number[0]] = None, str(place)
        sink.rows.events.append(
            (
                *(sink.block, index, tx, contract, event.name),
                None if subject is None else str(plain_word(subject[1](topics, data), subject[2])),
                place,
                value,
                orjson.dumps(told).decode() if told else "{}",
            )
        )
        if is_link and (wallet := address_of(topics[2])) not in sink.wallets:
            sink.wallets.add(wallet)
            sink.rows.wallets.append((wallet, int(topics[1], 16), sink.block))

    return tell


def unknown_teller(sink: Sink, contract: str) -> Handler:
    """What stores an event that no ABI knows: as it is, under its topic."""

    def tell(topics: Arguments, data: str, index: int, tx: str) -> None:
        told = orjson.dumps({"topics": topics[1:], "data": data}).decode()
        sink.rows.events.append((sink.block, index, tx, contract, topics[0][:10], None, None, None, told))

    return tell


def _slow_teller(sink: Sink, contract: str, coder: Codec, event: EventLayout) -> Handler:
    def tell(topics: Arguments, data: str, index: int, tx: str) -> None:
        decoded = coder.decode_log(
            _Raw("", [bytes.fromhex(topic[2:]) for topic in topics], bytes.fromhex(data[2:]), 0, 0, tx)
        )
        assert decoded is not None, event.name
        told = {name: jsonable(value) for name, value in decoded.arguments.items()}
        subject = next((name for name in _SUBJECTS if name in told), None)
        number = next((name for name in _NUMBERS if name in told and name != subject), None)
        place: int | None = None
        if number is not None and decoded.arguments[number] <= MOST:
            place = decoded.arguments[number]
            del told[number]
        sink.rows.events.append(
            (
                *(sink.block, index, tx, contract, event.name),
                None if subject is None else str(told.pop(subject)),
                place,
                None,
                orjson.dumps(told).decode(),
            )
        )

    return tell


class _Raw(NamedTuple):
    """A log as the codec reads it."""

    address: str
    topics: Sequence[bytes]
    data: bytes
    block_number: int
    log_index: int
    transaction_hash: str
