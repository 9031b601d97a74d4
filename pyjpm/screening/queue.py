"""The queue of hits: what waits for people, what they decided, and the trail of it.

Decisions that govern this module:

* A hit is of exactly one party, one version of one list, and one entry of it. What was released is released for these
  alone: another version of the list, another spelling of the party, and it waits again.
* A maker proposes to release or to confirm, a checker who is somebody else decides, both by signatures over the hit and
  the outcome. A release whose signatures do not fit is none: it is an error, and nothing passes.
* Nothing is deleted or overwritten but a hit's state; the trail has every word in its order.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from eth_utils.crypto import keccak
from sqlalchemy import Connection, RowMapping, insert, select, tuple_, update

from pyjpm.book import Book
from pyjpm.errors.books import BookAltered, NotPending
from pyjpm.four_eyes import (
    APPROVE,
    PROPOSE,
    REJECT,
    CheckingSigner,
    Staff,
    is_signed_by,
    require_reason,
    signed,
    word,
)
from pyjpm.screening.lists import Kind
from pyjpm.screening.party import Hit, Party
from pyjpm.screening.tables import VERSION, decision, hit, meta

_PAGE: Final = 500


class State(StrEnum):
    """How a hit stands. Only what is RELEASED lets pass."""

    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    RELEASED = "RELEASED"
    CONFIRMED = "CONFIRMED"


@dataclass(frozen=True, slots=True)
class Queued:
    """A hit in the queue. ``movement``: the payment that it was first found for, or None; ``found_at`` unix seconds."""

    id: str
    state: State
    hit: Hit
    movement: str | None
    found_at: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        told = {"id": self.id, "state": self.state.value, **self.hit.to_dict()}
        return {**told, "movement": self.movement, "found_at": self.found_at}


@dataclass(frozen=True, slots=True)
class Decision:
    """One word of the trail: ``act`` is propose, approve or reject, of ``outcome``; ``at`` in unix seconds."""

    seq: int
    hit: str
    act: str
    outcome: str
    who: str
    why: str
    at: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


class Queue:
    """One bank's queue. Any number of threads may use it; close it, or use it as a context.

    Args:
        where: an SQLite file, a ``postgresql://`` URL, or None for memory.
        staff: who may propose and decide, and whose words count.
        now: unix seconds.

    Raises:
        BookOfOtherVersion, InvalidJournal, JournalFailed with its subclasses.
    """

    def __init__(self, where: Path | str | None, *, staff: Staff, now: Callable[[], float] = time.time) -> None:
        self.book = Book(where, meta, VERSION)
        self._staff = staff
        self._now = now

    # --- hits ----------------------------------------------------------------------------------------------------

    def enter(self, connection: Connection, hits: Iterable[Hit], movement: str | None) -> Sequence[Queued]:
        """Enters those that are new, and tells how all of them stand, within a transaction of the book's.

        Raises:
            BookAltered: a stored one is not what was found or decided.
        """
        found = []
        for each in hits:
            name = hit_id(each)
            row = connection.execute(select(hit).where(hit.c.id == name)).mappings().one_or_none()
            if row is None:
                values = {
                    "id": name,
                    "party": json.dumps(asdict(each.party), sort_keys=True),
                    "source": each.source,
                    "version": each.version,
                    "entry": each.entry,
                    "name": each.name,
                    "score": each.score,
                    "about": json.dumps(each.about),
                    "movement": movement,
                    "state": State.OPEN.value,
                    "found_at": int(self._now()),
                }
                connection.execute(insert(hit).values(**values))
                row = connection.execute(select(hit).where(hit.c.id == name)).mappings().one()
            queued = _queued(row)
            if queued.state is State.RELEASED:
                self._require_decided(connection, queued)
            found.append(queued)
        return found

    def get(self, name: str) -> Queued:
        """One hit; raises NotPending where there is none."""
        with self.book.reading() as connection:
            return _queued(_row(connection, name))

    def list(self, *, state: State | None = None) -> Iterator[Queued]:
        """Hits, oldest first; pages itself."""
        query = select(hit).order_by(hit.c.found_at, hit.c.id).limit(_PAGE)
        if state is not None:
            query = query.where(hit.c.state == state.value)
        after: tuple[int, str] = (-1, "")
        while True:
            with self.book.reading() as connection:
                page = query.where(tuple_(hit.c.found_at, hit.c.id) > tuple_(*after))
                rows = connection.execute(page).mappings().all()
            yield from map(_queued, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["found_at"], rows[-1]["id"]

    def trail(self, name: str | None = None) -> Sequence[Decision]:
        """Every word that was said, of one hit or of all, in its order."""
        query = select(decision).order_by(decision.c.seq)
        if name is not None:
            query = query.where(decision.c.hit == name)
        with self.book.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [Decision(*(row[part] for part in Decision.__slots__)) for row in rows]

    # --- deciding ------------------------------------------------------------------------------------------------

    def propose(self, name: str, outcome: State, *, maker: CheckingSigner, reason: str) -> Queued:
        """A maker's word that an open hit is to be RELEASED (it is somebody else) or CONFIRMED (it is not).

        Raises:
            WordRefused: who signs is no maker.
            NotPending: it is unknown, or not open.
            SayWhy
        """
        assert outcome in (State.RELEASED, State.CONFIRMED)
        require_reason(reason, name)
        self._staff.require_maker(maker.address, name)
        return self._say(name, maker, reason, PROPOSE, outcome, State.OPEN, State.PROPOSED)

    def approve(self, name: str, *, checker: CheckingSigner, reason: str) -> Queued:
        """A checker's yes to what was proposed.

        Raises:
            WordRefused: who signs is no checker, or its maker.
            NotPending: it is unknown, or nothing is proposed.
            BookAltered: the proposal is not what its maker signed.
            SayWhy
        """
        return self._check(name, checker, reason, APPROVE)

    def reject(self, name: str, *, checker: CheckingSigner, reason: str) -> Queued:
        """A checker's no: the hit is open again; as :meth:`approve`."""
        return self._check(name, checker, reason, REJECT)

    def _check(self, name: str, checker: CheckingSigner, reason: str, act: str) -> Queued:
        require_reason(reason, name)
        with self.book.reading() as connection:
            queued = _queued(_row(connection, name))
            proposed = self._last(connection, name)
        if queued.state is not State.PROPOSED or proposed is None:
            raise NotPending(f"{name} is {queued.state}; nothing is proposed.", subject=name, state=queued.state.value)
        self._staff.require_checker(checker.address, proposed["who"], name)
        outcome = State(proposed["outcome"])
        self._require_word(queued, proposed, PROPOSE)
        after = outcome if act == APPROVE else State.OPEN
        return self._say(name, checker, reason, act, outcome, State.PROPOSED, after, seq=proposed["seq"])

    def _say(
        self,
        name: str,
        who: CheckingSigner,
        reason: str,
        act: str,
        outcome: State,
        before: State,
        after: State,
        *,
        seq: int | None = None,
    ) -> Queued:
        # Signed outside of a transaction: a device, or the person at it, takes its time.
        seen = self.get(name)
        signature = signed(who, word(self.book.identity, act, name, _content(seen.hit, outcome)), name)
        with self.book.writing() as connection:
            queued, last = _queued(_row(connection, name)), self._last(connection, name)
            if queued.state is not before or (seq is not None and (last is None or last["seq"] != seq)):
                raise NotPending(f"{name} is {queued.state}.", subject=name, state=queued.state.value)
            if queued.hit != seen.hit:
                raise BookAltered(f"The hit {name} is not what was seen.", subject=name)
            row = {
                "hit": name,
                "act": act,
                "outcome": outcome.value,
                "who": who.address,
                "why": reason,
                "at": int(self._now()),
                "word": signature,
            }
            connection.execute(insert(decision).values(**row))
            connection.execute(update(hit).where(hit.c.id == name).values(state=after.value))
            return _queued(_row(connection, name))

    # --- what holds it together ------------------------------------------------------------------------------------

    def _require_decided(self, connection: Connection, queued: Queued) -> None:
        query = select(decision).where(decision.c.hit == queued.id).order_by(decision.c.seq.desc()).limit(2)
        rows = connection.execute(query).mappings().all()
        if len(rows) != 2 or not self._staff.knew(rows[1]["who"], rows[0]["who"]):
            raise BookAltered(f"Nobody released {queued.id}.", subject=queued.id)
        for row, act in zip(rows, (APPROVE, PROPOSE), strict=True):
            if row["outcome"] != State.RELEASED.value:
                raise BookAltered(f"{queued.id} was not released.", subject=queued.id)
            self._require_word(queued, row, act)

    def _require_word(self, queued: Queued, row: RowMapping, act: str) -> None:
        said = word(self.book.identity, act, queued.id, _content(queued.hit, State(row["outcome"])))
        whole = hit_id(queued.hit) == queued.id and row["act"] == act
        if not whole or not is_signed_by(row["who"], said, bytes(row["word"])):
            raise BookAltered(f"{row['who']} did not {act} this of {queued.id}.", subject=queued.id)

    def _last(self, connection: Connection, name: str) -> RowMapping | None:
        query = select(decision).where(decision.c.hit == name).order_by(decision.c.seq.desc()).limit(1)
        return connection.execute(query).mappings().one_or_none()

    def close(self) -> None:
        """Drop the connections; closing twice is fine."""
        self.book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hit_id(found: Hit) -> str:
    """Names a hit: of exactly this party, list, version and entry."""
    said = json.dumps([found.party.key, found.source, found.version, found.entry])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _content(found: Hit, outcome: State) -> bytes:
    return keccak(json.dumps([asdict(found), outcome.value], sort_keys=True).encode())


def _queued(row: RowMapping) -> Queued:
    party = json.loads(row["party"])
    found = Hit(
        Party(**{**party, "kind": Kind(party["kind"])}),
        row["source"],
        row["version"],
        row["entry"],
        row["name"],
        row["score"],
        tuple(json.loads(row["about"])),
    )
    return Queued(row["id"], State(row["state"]), found, row["movement"], row["found_at"])


def _row(connection: Connection, name: str) -> RowMapping:
    row = connection.execute(select(hit).where(hit.c.id == name)).mappings().one_or_none()
    if row is None:
        raise NotPending(f"There is no hit {name}.", subject=name, state="UNKNOWN")
    return row
