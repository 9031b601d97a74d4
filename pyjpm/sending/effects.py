"""Effects outside the chain: a payout in fiat, a SWIFT file, a write to an ERP. Each happens once, whatever dies.

Decisions that govern this module:

* An effect has an outside reference that follows from what it is for, never from a counter of ours.
* INTENT → SENT? → CONFIRMED | FAILED. SENT? ("may have been sent") is committed before the call. The other side is
  asked by the reference before every call, the first one too: a restored database has forgotten what it sent.
* "Unknown" is not "absent": it leaves SENT?, however often. An error of a call says nothing about its effect. FAILED
  is only what the other side itself says of the reference.
* Who calls sets a claim first, a random token, by compare and set. It stays where the call said nothing: what was on
  its way may still arrive. So nobody, not even who sent it, tells the other side again before the claim was seen
  unchanged for ``patience`` seconds, by the own clock of whoever looks, and the other side, asked once more, has
  nothing. No two clocks are compared, and a clock that is set changes nothing. ``patience`` is twice as long as a
  call may take to arrive.
* What a process does that slept longer than that between its last look and its call, only the other side can refuse.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from pyjpm.chain.node import Clock
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.effects import EffectConflict, InvalidEffect, UnknownEffect
from pyjpm.errors.sending import JournalCollision
from pyjpm.sending.database import Database
from pyjpm.sending.outside import Absent, Answer, Found, Outside, Refused, Unknown
from pyjpm.sending.reference import canonical, request_sha256
from pyjpm.sending.tables import effect as rows

PATIENCE: Final = 300.0
_REFERENCE_LENGTH: Final = 255
_KIND_LENGTH: Final = 64

log = logging.getLogger(__name__)


class EffectState(StrEnum):
    """How far an effect is."""

    INTENT = "INTENT"
    """It is to happen; nobody was told."""
    MAYBE_SENT = "SENT?"
    """The other side may have been told."""
    CONFIRMED = "CONFIRMED"
    """The other side has it."""
    FAILED = "FAILED"
    """The other side refused it for good."""


FINAL_STATES: Final = frozenset({EffectState.CONFIRMED, EffectState.FAILED})


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect as stored. ``detail`` is what the other side said last; times in seconds since 1970 (UTC)."""

    reference: str
    kind: str
    content: Any
    state: EffectState
    detail: str | None
    created_at: int
    updated_at: int


class Effects:
    """The effects of one database. Threads: any number; each effect is carried out by one at a time.

    Args:
        database: where they are stored.
        patience: seconds; twice as long as any call to the other side may take to arrive there, or to fail.
        clock: what ``patience`` is measured by.
    """

    def __init__(self, database: Database, *, patience: float = PATIENCE, clock: Clock = time) -> None:
        self._database = database
        self._patience = patience
        self._clock = clock
        # By reference: a claim that is not ours, and since when it has been seen.
        self._seen: dict[str, tuple[str, float]] = {}

    # --- storing ---------------------------------------------------------------------------------------------------

    def intend(
        self, reference: str, kind: str, content: Mapping[str, Any], *, connection: Connection | None = None
    ) -> Effect:
        """Store that an effect is to happen; again with the same content changes nothing.

        Args:
            reference: the outside reference, 1 to 255 characters.
            kind: what it is, such as ``payout``, 1 to 64 characters.
            content: what the other side is told: text, integers, booleans, None, lists and mappings of them.
            connection: of the caller's transaction, to store it together with its cause.

        Raises InvalidEffect, EffectConflict (another content under this reference), JournalFailed, TypeError.
        """
        _check("reference", reference, _REFERENCE_LENGTH)
        _check("kind", kind, _KIND_LENGTH)
        if connection is not None:
            return self._intend(connection, reference, kind, content)
        try:
            with self._database.transaction() as own:
                return self._intend(own, reference, kind, content)
        except JournalCollision:
            # Somebody stored it meanwhile: what they stored is read now.
            with self._database.transaction() as own:
                return self._intend(own, reference, kind, content)

    def find(self, reference: str) -> Effect:
        """The effect with this reference. Raises UnknownEffect, JournalFailed."""
        return _effect(self._row(reference))

    def pending(self, kind: str | None = None) -> list[Effect]:
        """Those that are neither confirmed nor failed, the oldest first."""
        query = select(rows).where(rows.c.state.not_in(sorted(FINAL_STATES)))
        if kind is not None:
            query = query.where(rows.c.kind == kind)
        with self._database.reading() as connection:
            return [_effect(row) for row in connection.execute(query.order_by(rows.c.created_at, rows.c.reference))]

    # --- carrying out ----------------------------------------------------------------------------------------------

    def carry_out(self, reference: str, outside: Outside) -> Effect:
        """Make it happen, or find out that it has; repeat until its state is CONFIRMED or FAILED.

        It stays SENT? where the other side cannot tell, and where a call may be on its way.

        Raises UnknownEffect, JournalFailed; EffectConflict where the other side has another content under it.
        """
        row = self._row(reference)
        if row.state in FINAL_STATES:
            return _effect(row)
        if row.claim is not None:
            said = _asked(outside, reference)
            if not isinstance(said, Absent) or not self._abandoned(reference, row.claim):
                return self._settled(reference, said)
        since = self._clock.monotonic()
        claim = secrets.token_hex(16)
        if not self._set(reference, row.claim, claim=claim, state=EffectState.MAYBE_SENT):
            return self.find(reference)
        said = _asked(outside, reference)
        if not isinstance(said, Absent) or self._clock.monotonic() - since > self._patience / 2:
            # Nothing was sent under this claim.
            self._set(reference, claim, claim=None)
            return self._settled(reference, said)
        self._seen[reference] = (claim, self._clock.monotonic())
        return self._settled(reference, _told(outside, reference, json.loads(row.content)))

    def _abandoned(self, reference: str, claim: str) -> bool:
        """Whether a claim has been seen unchanged for so long that nothing under it is on its way any more."""
        now = self._clock.monotonic()
        seen, since = self._seen.setdefault(reference, (claim, now))
        if seen != claim:
            self._seen[reference] = (claim, now)
            return False
        return now - since >= self._patience

    def _set(self, reference: str, before: str | None, **values: Any) -> bool:
        """Compare the claim and set; whether it was as expected, and the effect not ended."""
        this = (rows.c.reference == reference) & rows.c.state.not_in(sorted(FINAL_STATES))
        with self._database.transaction() as connection:
            result = connection.execute(
                update(rows).where(this, rows.c.claim.is_not_distinct_from(before)).values(updated_at=_now(), **values)
            )
        return result.rowcount == 1

    def _settled(self, reference: str, said: Answer) -> Effect:
        """Store what the other side said of the reference: that it says so is a fact, whoever asked."""
        values: dict[str, Any] = {"detail": getattr(said, "detail", None) or None, "updated_at": _now()}
        conflict = isinstance(said, Found) and not said.matches
        if isinstance(said, (Found, Refused)) and not conflict:
            state = EffectState.CONFIRMED if isinstance(said, Found) else EffectState.FAILED
            values |= {"state": state, "claim": None}
            self._seen.pop(reference, None)
        this = (rows.c.reference == reference) & rows.c.state.not_in(sorted(FINAL_STATES))
        with self._database.transaction() as connection:
            connection.execute(update(rows).where(this).values(**values))
        effect = self.find(reference)
        if conflict:
            log.error("the other side has another content under %s", reference)
            raise EffectConflict(
                f"The other side has another content under {reference!r}.", reference=reference, kind=effect.kind
            )
        return effect

    # --- within ----------------------------------------------------------------------------------------------------

    def _intend(self, connection: Connection, reference: str, kind: str, content: Mapping[str, Any]) -> Effect:
        sha256 = request_sha256(kind, content)
        row = connection.execute(select(rows).where(rows.c.reference == reference)).one_or_none()
        if row is None:
            now = _now()
            values = {
                "reference": reference,
                "kind": kind,
                "content": canonical(content),
                "request_sha256": sha256,
                "state": EffectState.INTENT,
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(insert(rows).values(**values))
            row = connection.execute(select(rows).where(rows.c.reference == reference)).one()
        elif row.request_sha256 != sha256:
            raise EffectConflict(
                f"{reference!r} stands for another content already.", reference=reference, kind=row.kind
            )
        return _effect(row)

    def _row(self, reference: str) -> Row[Any]:
        with self._database.reading() as connection:
            row = connection.execute(select(rows).where(rows.c.reference == reference)).one_or_none()
        if row is None:
            raise UnknownEffect(f"No effect has the reference {reference!r}.", reference=reference)
        return row


def _asked(outside: Outside, reference: str) -> Answer:
    try:
        return outside.find(reference)
    except Exception as failure:
        return _unknown(failure)


def _told(outside: Outside, reference: str, content: Any) -> Answer:
    """What came of telling it: asked again where the call did not say."""
    try:
        said: Answer | None = outside.send(reference, content)
    except Exception as failure:
        said = _unknown(failure)
    if isinstance(said, (Found, Refused)):
        return said
    asked = _asked(outside, reference)
    if isinstance(asked, Absent):
        # Not that nothing happened: what was sent may still arrive.
        return said if isinstance(said, Unknown) else Unknown("told, not there yet")
    return asked


def _unknown(failure: Exception) -> Unknown:
    # Not its text, which may hold what is nobody's business.
    name = failure.code if isinstance(failure, PyjpmError) else type(failure).__name__
    log.warning("the other side cannot be asked or told: %s", name)
    return Unknown(name)


def _check(field: str, value: str, longest: int) -> None:
    if not 1 <= len(value) <= longest or not value.isprintable():
        raise InvalidEffect(f"This is no {field} of an effect.", field=field, length=len(value))


def _effect(row: Row[Any]) -> Effect:
    return Effect(
        row.reference,
        row.kind,
        json.loads(row.content),
        EffectState(row.state),
        row.detail,
        row.created_at,
        row.updated_at,
    )


def _now() -> int:
    return int(time.time())
