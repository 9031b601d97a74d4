"""The payee directory: which participant an outside identifier means, from when, and who says so.

Decisions that govern this module:

* An identifier means whom the latest approved change says that is in force at that time; nobody where none is. There
  is no nearest match and no default: who is not mapped goes to the rail rule.
* A change counts once a checker other than its maker approved it, each by a signature over its salted hash. Both are
  checked again whenever an answer relies on them, so that an altered row is an error and never an answer.
* Approved changes are a chain of hashes; :mod:`pyjpm.directory.anchoring` tells the chain its head.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from eth_utils.crypto import keccak
from sqlalchemy import Connection, RowMapping, func, insert, select, tuple_, update

from pyjpm.book import Book
from pyjpm.directory.change import Change, Entry, State, change_of, entry_of
from pyjpm.directory.identifiers import Scheme, normal, scheme_of
from pyjpm.directory.names import Closeness, compare
from pyjpm.directory.tables import VERSION, change, meta
from pyjpm.errors.books import BookAltered, NotPending
from pyjpm.errors.directory import InvalidEntry
from pyjpm.errors.sending import IdempotencyConflict
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

_SALT: Final = 32
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Match:
    """What the directory says of a payee before a payment is approved.

    Attributes:
        result: MATCH, CLOSE or NONE.
        participant: whom the identifier means; None where it is not mapped, and then the result is NONE.
        name_on_file: the payee's name, told where it is at least CLOSE: not to whoever guesses at account numbers.
    """

    result: Closeness
    participant: int | None
    name_on_file: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"result": self.result.value, "participant": self.participant, "name_on_file": self.name_on_file}


class Directory:
    """One bank's directory. Any number of threads may use it; close it, or use it as a context.

    Args:
        where: an SQLite file, a ``postgresql://`` URL, or None for memory.
        staff: who may propose and decide, and whose words count; None for a reader that takes whoever signed.
        exists: whether there is a participant of this id, such as one that asks the registry; asked of each proposal.
        now: unix seconds.

    Raises:
        BookOfOtherVersion, InvalidJournal, JournalFailed with its subclasses.
    """

    def __init__(
        self,
        where: Path | str | None,
        *,
        staff: Staff | None = None,
        exists: Callable[[int], bool] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.book = Book(where, meta, VERSION)
        self._staff = staff
        self._exists = exists
        self._now = now

    # --- asking --------------------------------------------------------------------------------------------------

    def resolve(self, scheme: Scheme | str, identifier: str, at: int | None = None) -> int | None:
        """The participant that an identifier means; None where it is not mapped.

        Args:
            at: unix seconds; now if None.

        Raises:
            InvalidIdentifier: it is none of its scheme.
            BookAltered: what is stored is not what was approved.
        """
        found = self.entry(scheme, identifier, at)
        return None if found is None else found.participant

    def entry(self, scheme: Scheme | str, identifier: str, at: int | None = None) -> Entry | None:
        """What is in force for an identifier, None where nothing is; as :meth:`resolve`."""
        kind, moment = scheme_of(scheme), int(self._now()) if at is None else at
        query = (
            select(change)
            .where(
                change.c.scheme == kind.value,
                change.c.identifier == normal(kind, identifier),
                change.c.state == State.APPROVED.value,
                change.c.valid_from <= moment,
                change.c.valid_until.is_(None) | (change.c.valid_until > moment),
            )
            .order_by(change.c.revision.desc())
            .limit(1)
        )
        with self.book.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        self.require_signed(row)
        found = entry_of(row)
        return None if found.participant is None else found

    def verify_payee(self, scheme: Scheme | str, identifier: str, name: str, at: int | None = None) -> Match:
        """Whether this name goes with this identifier, before a payment to it is approved; as :meth:`resolve`."""
        found = self.entry(scheme, identifier, at)
        if found is None:
            return Match(Closeness.NONE, None, None)
        result = compare(name, found.name)
        return Match(result, found.participant, None if result is Closeness.NONE else found.name)

    def changes(
        self, *, state: State | None = None, scheme: Scheme | str | None = None, identifier: str | None = None
    ) -> Iterator[Change]:
        """All changes, oldest first; pages itself. With ``scheme`` and ``identifier`` the history of one."""
        query = select(change).order_by(change.c.made_at, change.c.id).limit(_PAGE)
        if state is not None:
            query = query.where(change.c.state == state.value)
        if scheme is not None and identifier is not None:
            kind = scheme_of(scheme)
            query = query.where(change.c.scheme == kind.value, change.c.identifier == normal(kind, identifier))
        after: tuple[int, str] = (-1, "")
        while True:
            with self.book.reading() as connection:
                page = query.where(tuple_(change.c.made_at, change.c.id) > tuple_(*after))
                rows = connection.execute(page).mappings().all()
            yield from map(change_of, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["made_at"], rows[-1]["id"]

    # --- changing ------------------------------------------------------------------------------------------------

    def propose(self, entry: Entry, *, maker: CheckingSigner, reason: str, idempotency_key: str) -> Change:
        """A maker's proposal, signed. Nothing changes before a checker approves it.

        Raises:
            WordRefused: who signs is no maker.
            SayWhy: no reason.
            IdempotencyConflict: the key was used for another change.
            InvalidEntry: there is no such participant.
        """
        name = hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]
        self._people.require_maker(maker.address, name)
        require_reason(reason, name)
        if entry.participant is not None and self._exists is not None and not self._exists(entry.participant):
            raise InvalidEntry(f"There is no participant {entry.participant}.", field="participant")
        salt = secrets.token_bytes(_SALT)
        signature = signed(maker, word(self.book.identity, PROPOSE, name, entry.hash(name, salt)), name)
        with self.book.writing() as connection:
            earlier = connection.execute(select(change).where(change.c.id == name)).mappings().one_or_none()
            if earlier is not None:
                if entry_of(earlier) != entry:
                    raise IdempotencyConflict(f"The key {idempotency_key!r} names another change.", key=idempotency_key)
                return change_of(earlier)
            row = {
                "id": name,
                "scheme": entry.scheme.value,
                "identifier": entry.identifier,
                "participant": entry.participant,
                "name": entry.name,
                "valid_from": entry.valid_from,
                "valid_until": entry.valid_until,
                "salt": salt,
                "state": State.PENDING.value,
                "maker": maker.address,
                "made_at": int(self._now()),
                "made_why": reason,
                "made_word": signature,
            }
            connection.execute(insert(change).values(**row))
            return change_of(_row(connection, name))

    def approve(self, change_id: str, *, checker: CheckingSigner, reason: str) -> Change:
        """A checker's yes: the change is in force for its time.

        Raises:
            WordRefused: who signs is no checker, or its maker.
            NotPending: it is unknown, or decided already otherwise. The same decision again changes nothing.
            BookAltered: it is not what its maker signed.
            SayWhy
        """
        return self._decide(change_id, checker, reason, State.APPROVED)

    def reject(self, change_id: str, *, checker: CheckingSigner, reason: str) -> Change:
        """A checker's no; as :meth:`approve`."""
        return self._decide(change_id, checker, reason, State.REJECTED)

    def _decide(self, change_id: str, checker: CheckingSigner, reason: str, state: State) -> Change:
        require_reason(reason, change_id)
        with self.book.reading() as connection:
            row = connection.execute(select(change).where(change.c.id == change_id)).mappings().one_or_none()
        if row is None:
            raise NotPending(f"There is no change {change_id}.", subject=change_id, state="UNKNOWN")
        self._people.require_checker(checker.address, row["maker"], change_id)
        # Signed outside of a transaction: a device, or the person at it, takes its time.
        content = self._require_made(row)
        said = word(self.book.identity, _ACTS[state], change_id, content)
        decided: dict[str, Any] = {
            "state": state.value,
            "checker": checker.address,
            "decided_at": int(self._now()),
            "decided_why": reason,
            "decided_word": signed(checker, said, change_id),
        }
        with self.book.writing() as connection:
            row = _row(connection, change_id)
            if row["state"] == state.value and row["checker"] == checker.address:
                return change_of(row)
            if row["state"] != State.PENDING.value:
                raise NotPending(f"{change_id} is {row['state']}.", subject=change_id, state=row["state"])
            if self._require_made(row) != content:
                raise BookAltered(f"The change {change_id} is not what its checker saw.", subject=change_id)
            if state is State.APPROVED:
                revision, head = self.head(connection)
                decided |= {"revision": revision + 1, "head": keccak(head + content)}
            connection.execute(update(change).where(change.c.id == change_id).values(**decided))
            return change_of(_row(connection, change_id))

    # --- what holds it together ------------------------------------------------------------------------------------

    def head(self, connection: Connection) -> tuple[int, bytes]:
        """The latest revision and the head of the chain of hashes; 0 and where it starts in an empty directory."""
        latest = select(func.max(change.c.revision)).scalar_subquery()
        found = connection.execute(select(change.c.revision, change.c.head).where(change.c.revision == latest)).first()
        return (0, self.start) if found is None else (found.revision, bytes(found.head))

    @property
    def start(self) -> bytes:
        """Where the chain of hashes starts, 32 bytes."""
        return keccak(b"pyjpm directory" + self.book.identity)

    def require_signed(self, row: RowMapping) -> bytes:
        """The salted hash of an approved change that is what maker and checker signed; raises BookAltered."""
        content = self._require_made(row)
        said = word(self.book.identity, APPROVE, row["id"], content)
        known = self._staff is None or self._staff.knew(row["maker"], row["checker"])
        if not known or not is_signed_by(row["checker"], said, bytes(row["decided_word"] or b"")):
            raise BookAltered(f"The change {row['id']} is not what its checker approved.", subject=row["id"])
        return content

    @property
    def _people(self) -> Staff:
        return self._staff or Staff(frozenset(), frozenset())

    def _require_made(self, row: RowMapping) -> bytes:
        content = entry_of(row).hash(row["id"], bytes(row["salt"]))
        said = word(self.book.identity, PROPOSE, row["id"], content)
        if not is_signed_by(row["maker"], said, bytes(row["made_word"])):
            raise BookAltered(f"The change {row['id']} is not what its maker signed.", subject=row["id"])
        return content

    def close(self) -> None:
        """Drop the connections; closing twice is fine."""
        self.book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_ACTS: Final = {State.APPROVED: APPROVE, State.REJECTED: REJECT}


def _row(connection: Connection, change_id: str) -> RowMapping:
    return connection.execute(select(change).where(change.c.id == change_id)).mappings().one()
