"""Screening: whether payments may be signed, decided before they are.

Decisions that govern this module:

* It fails closed. Old lists, an unknown party, data that is missing, an open or confirmed hit, an error of a screener:
  each raises, and whoever asked signs nothing. There is no answer that means "probably".
* All that a request would move is judged together, in one commit: hits are entered in the queue also where it refuses;
  what passes is remembered before it is signed, so that velocity is counted right among several desks.
* The same movement asked for again counts once, and is screened again: the lists may have changed meanwhile. It counts
  from then on, as it may be paid then; for a rule in whose window it no longer counted it is a new one. One that was
  let pass is refused with another content, also where it was never signed: it would count for what it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pyjpm.directory import Directory, Scheme
from pyjpm.directory.names import words
from pyjpm.errors.clearances import ClearanceRefused
from pyjpm.errors.directory import InvalidIdentifier
from pyjpm.errors.screening import (
    InvalidScreeningConfig,
    PartyUnknown,
    SanctionsListStale,
    ScreeningHeld,
    TravelDataMismatch,
    TravelDataMissing,
)
from pyjpm.money import Money
from pyjpm.remittance import RemittanceKey
from pyjpm.screening.lists import Kind, SanctionsList
from pyjpm.screening.party import Hit, Party, Screener
from pyjpm.screening.queue import Queue, State
from pyjpm.screening.rules import Moved, Structuring, Velocity, version_of
from pyjpm.screening.tables import movement, travel
from pyjpm.screening.travel import Customer, TravelData

TRAVEL_RULE = "3000.00"
"""US dollars from which travel data is required: 31 CFR 1010.410(f)."""
_DAY = 86_400  # it is tomorrow elsewhere
WEEK = 7 * _DAY
_MARKED = "rule "


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment that is to be signed.

    Attributes:
        moved: who pays whom how much, and when it was asked.
        travel: what travels with it, or None.
        sealed: the same as it is stored.
        committed: the hash that the payment's remittance has of it, or nothing.
    """

    moved: Moved
    travel: TravelData | None = None
    sealed: bytes = field(default=b"", repr=False)
    committed: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is asked of payments besides the lists.

    Attributes:
        thresholds: minor units by currency from which travel data is required; in a currency that is not here always.
        rules: of velocity and structuring.
        oldest: seconds since its publication for which a list serves.
    """

    thresholds: Mapping[str, int] = field(default_factory=lambda: {"USD": Money(TRAVEL_RULE, "USD").minor})
    rules: tuple[Velocity | Structuring, ...] = ()
    oldest: int = WEEK

    def asks_travel_data(self, amount: Money) -> bool:
        """Whether travel data is required for this amount."""
        return amount.minor >= self.thresholds.get(amount.currency, 0)


class Screening:
    """What decides. Any number of threads may use it.

    Args:
        queue: where hits go.
        lists: those that the screeners have; their age is looked at.
        screeners: each is asked about each party.
        parties: who a participant is, or None for nobody.
        directory: which participant an account means; None: accounts are not looked up.
        now: unix seconds.

    Raises:
        InvalidScreeningConfig: there is no list or no screener, or they do not have exactly these lists.
    """

    def __init__(
        self,
        queue: Queue,
        lists: Iterable[SanctionsList],
        screeners: Sequence[Screener],
        parties: Callable[[int], Party | None],
        *,
        policy: Policy,
        directory: Directory | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.queue = queue
        self._lists = tuple(lists)
        self._screeners = tuple(screeners)
        self._parties = parties
        self._policy = policy
        self._directory = directory
        self._now = now
        listed = {each.name: each.version for each in self._lists}
        if not listed or not self._screeners:
            raise InvalidScreeningConfig("Nothing would be screened.", path="")
        screened = {listed for screener in self._screeners for listed in screener.versions.items()}
        if screened != listed.items():
            raise InvalidScreeningConfig("The screeners have other lists than those whose age is looked at.", path="")

    @property
    def lists(self) -> tuple[SanctionsList, ...]:
        """What it screens against."""
        return self._lists

    def screen(self, party: Party) -> list[Hit]:
        """What the lists say of a party, closest first; enters nothing.

        Raises:
            PartyUnknown: its name has no word, so that nothing would be compared.
            SanctionsListStale; what a screener raises.
        """
        self._require_fresh()
        if not words(party.name):
            raise PartyUnknown(f"{party.name!r} is nobody's name.", who=party.name)
        return [hit for screener in self._screeners for hit in screener.screen(party)]

    def require(self, transfers: Sequence[Transfer]) -> None:
        """Returns where all of these may be signed, and remembers them.

        Raises:
            ScreeningHeld: hits or alerts wait for people, or were confirmed.
            PartyUnknown, TravelDataMissing, TravelDataMismatch, SanctionsListStale
            ClearanceRefused: one of the movements was let pass with another content before.
            BookAltered: a release is not what people signed.
            What a screener raises.
        """
        self._require_fresh()
        involved: dict[Party, str] = {}
        for transfer in transfers:
            for party in self._involved(transfer):
                involved.setdefault(party, transfer.moved.movement)
        found = [(name, hit) for party, name in involved.items() for hit in self.screen(party)]
        for transfer in transfers:
            self._require_travel(transfer)
        held: list[str] = []
        with self.queue.book.writing() as connection:
            alerts = self._alerts(connection, [transfer.moved for transfer in transfers])
            for name, hit in [*found, *alerts]:
                (queued,) = self.queue.enter(connection, [hit], name)
                if queued.state is not State.RELEASED:
                    held.append(queued.id)
            if not held:
                self._remember(connection, transfers)
        if held:
            first = transfers[0].moved.movement
            raise ScreeningHeld("Screening holds this.", hits=list(dict.fromkeys(held)), movement=first)

    # --- who -----------------------------------------------------------------------------------------------------

    def _involved(self, transfer: Transfer) -> list[Party]:
        moved, data = transfer.moved, transfer.travel
        known = [self._known(moved.payer), self._known(moved.payee)]
        if data is not None:
            known += [_party(data.originator), _party(data.beneficiary)]
        return list(dict.fromkeys(party for party in known if party.name))

    def _known(self, participant: int) -> Party:
        found = self._parties(participant) if participant else None
        if found is None or not found.name.strip():
            raise PartyUnknown(f"Nobody is on file for participant {participant}.", who=participant)
        return found

    def _require_fresh(self) -> None:
        now = int(self._now())
        oldest = now - self._policy.oldest
        for each in self._lists:
            if each.published > now + _DAY:
                raise SanctionsListStale(
                    f"The list {each.name} is of a day to come: the clock is wrong, or the list.",
                    list=each.name,
                    published=each.published,
                    oldest=oldest,
                )
            if each.published < oldest:
                raise SanctionsListStale(
                    f"The list {each.name} is too old.", list=each.name, published=each.published, oldest=oldest
                )

    # --- travel data -----------------------------------------------------------------------------------------------

    def _require_travel(self, transfer: Transfer) -> None:
        moved, data = transfer.moved, transfer.travel
        if data is None:
            if self._policy.asks_travel_data(moved.amount):
                raise TravelDataMissing(
                    f"{moved.amount} moves with travel data only.", movement=moved.movement, missing=["all"]
                )
            return
        if data.missing:
            raise TravelDataMissing(
                f"The travel data lacks {', '.join(data.missing)}.",
                movement=moved.movement,
                missing=list(data.missing),
            )
        if data.amount != moved.amount:
            raise _mismatch(moved, "amount", "is of another amount")
        if data.commitment != transfer.committed:
            raise _mismatch(moved, "travel", "is not what the payment's remittance commits to")
        if self._directory is not None:
            self._require_account(moved, "originator", data.originator, moved.payer)
            self._require_account(moved, "beneficiary", data.beneficiary, moved.payee)

    def _require_account(self, moved: Moved, role: str, customer: Customer, participant: int) -> None:
        assert self._directory is not None
        try:
            meant = self._directory.resolve(Scheme.IBAN, customer.account, moved.at)
        except InvalidIdentifier:
            meant = self._directory.resolve(Scheme.CUSTOMER, customer.account, moved.at)
        if meant != participant:
            raise _mismatch(moved, f"{role}.account", f"names an account of the {role} that is another's, or nobody's")

    # --- velocity and structuring --------------------------------------------------------------------------------

    def _alerts(self, connection: Connection, asked: Sequence[Moved]) -> list[tuple[str, Hit]]:
        alerts, earlier = [], list[Moved]()
        for moved in asked:
            known = _known_at(connection, moved)
            for rule in self._policy.rules:
                if known is not None and known > moved.at - rule.window:
                    continue
                before = [each for each in earlier if each.payer == moved.payer]
                seen = {each.movement for each in before}
                before += [each for each in _history(connection, moved, rule.window) if each.movement not in seen]
                said = rule.alert(moved, before)
                if said is not None:
                    version = version_of(self._policy.rules, moved)
                    hit = Hit(self._known(moved.payer), _MARKED + rule.name, version, moved.movement, said, 100)
                    alerts.append((moved.movement, hit))
            earlier.append(moved)
        return alerts

    def _remember(self, connection: Connection, transfers: Sequence[Transfer]) -> None:
        now = int(self._now())
        for transfer in transfers:
            moved, data = transfer.moved, transfer.travel
            known = _known_at(connection, moved)
            if known is None:
                row = {
                    "movement": moved.movement,
                    "payer": moved.payer,
                    "payee": moved.payee,
                    "currency": moved.amount.currency,
                    "minor": str(moved.amount.minor),
                    "at": moved.at,
                }
                connection.execute(insert(movement).values(**row))
            elif known < moved.at:
                this = movement.c.movement == moved.movement
                connection.execute(update(movement).where(this).values(at=moved.at))
            if data is None:
                continue
            query = select(travel.c.commitment).where(travel.c.movement == moved.movement)
            kept = connection.execute(query).scalar_one_or_none()
            if kept is not None and bytes(kept) != data.commitment:
                raise _refused(moved, "with other travel data")
            if kept is None:
                stored = {"commitment": data.commitment, "sealed": transfer.sealed, "stored_at": now}
                connection.execute(insert(travel).values(movement=moved.movement, **stored))


def _party(customer: Customer) -> Party:
    return Party(customer.name, Kind.OTHER, customer.country)


def _mismatch(moved: Moved, name: str, what: str) -> TravelDataMismatch:
    return TravelDataMismatch(f"The travel data {what}.", movement=moved.movement, field=name)


def _refused(moved: Moved, how: str) -> ClearanceRefused:
    return ClearanceRefused(f"This movement was let pass {how} before.", movement=moved.movement)


def _known_at(connection: Connection, moved: Moved) -> int | None:
    """When it was last let pass, or None; raises ClearanceRefused where that was of something else."""
    row = connection.execute(select(movement).where(movement.c.movement == moved.movement)).one_or_none()
    if row is not None and replace(_moved(row), at=moved.at) != moved:
        raise _refused(moved, "with another amount or payee")
    return None if row is None else int(row.at)


def _history(connection: Connection, moved: Moved, window: int) -> list[Moved]:
    query = select(movement).where(
        movement.c.payer == moved.payer, movement.c.at > moved.at - window, movement.c.movement != moved.movement
    )
    return [_moved(row) for row in connection.execute(query)]


def _moved(row: Row[Any]) -> Moved:
    return Moved(row.movement, row.payer, row.payee, Money.from_minor(int(row.minor), row.currency), row.at)


def open_travel(queue: Queue, movement_name: str, keys: Sequence[RemittanceKey]) -> TravelData:
    """The travel data that was stored of a movement that passed.

    Raises:
        TravelDataMissing: nothing is stored of it.
        TravelDataMismatch: what is stored is not what was committed to.
        RemittanceNotForThisKey and the like: the keys do not open it.
    """
    with queue.book.reading() as connection:
        row = connection.execute(select(travel).where(travel.c.movement == movement_name)).one_or_none()
    if row is None:
        raise TravelDataMissing("Nothing is stored of this movement.", movement=movement_name, missing=["all"])
    data = TravelData.open(bytes(row.sealed), keys)
    if data.commitment != bytes(row.commitment):
        raise TravelDataMismatch("It is not what was committed to.", movement=movement_name, field="travel")
    return data
