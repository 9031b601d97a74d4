"""The directory's salted hash on chain: what was approved, and in which order, told to the chain and compared with it.

Decisions that govern this module:

* No contract keeps a directory. What is told is the head of the chain of hashes over all approved changes, as a payment
  reference that the directory's own participant voids (``DepositToken.voidReference``): it moves no money, anybody can
  see in which block it happened, and it can neither be undone nor repeated. Nothing is ever paid under such a
  reference, which nobody can find but by these hashes.
* The hash tells nothing: each change has a random salt that stays in the directory. Who is shown an entry, its salt and
  the hashes after it can see for himself that it was in the directory by that block.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import insert, select

from pyjpm.directory.directory import Directory
from pyjpm.directory.tables import anchor, change
from pyjpm.errors.books import BookAltered
from pyjpm.errors.deployment import NotOnboarded
from pyjpm.platform import Platform

_VOIDED = "VOIDED"


@dataclass(frozen=True, slots=True)
class Anchored:
    """What the chain was told: the head after ``revision``, in ``block``. Hashes as ``0x…``."""

    revision: int
    head: str
    participant: int
    currency: str
    transaction: str
    block: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


def anchor_head(directory: Directory, platform: Platform, *, currency: str | None = None) -> Anchored | None:
    """Tell the chain the directory's head, once for each revision; None while nothing is approved.

    Args:
        platform: acting for the directory's participant.
        currency: whose token's references are used; the first of the platform if None.

    Raises:
        NotOnboarded: the acting wallet belongs to no participant.
        BookAltered: the directory is not what was approved; nothing is told.
        StillPending and what else ``wait`` raises: call it again, it is the same act.
    """
    session = platform.session
    if not session.participant:
        raise NotOnboarded(f"{session.wallet} belongs to no participant.", wallet=session.wallet)
    require_chained(directory)
    with directory.book.reading() as connection:
        revision, head = directory.head(connection)
    if not revision:
        return None
    told = anchors(directory)
    if told and told[-1].revision == revision:
        return told[-1]
    reference, token = "0x" + head.hex(), currency or next(iter(platform.record.tokens))
    done = platform.payments.void(reference, currency=token, idempotency_key=f"directory {reference}").wait()
    assert done.tx_hash is not None and done.block is not None
    made = Anchored(revision, reference, session.participant, token, done.tx_hash, done.block)
    with directory.book.writing() as connection:
        if connection.execute(select(anchor.c.head).where(anchor.c.revision == revision)).first() is None:
            connection.execute(insert(anchor).values(**{**asdict(made), "head": head}))
    return made


def anchors(directory: Directory) -> list[Anchored]:
    """What the chain was told, in the order of revisions."""
    with directory.book.reading() as connection:
        rows = connection.execute(select(anchor).order_by(anchor.c.revision)).mappings().all()
    return [Anchored(**{**row, "head": "0x" + bytes(row["head"]).hex()}) for row in rows]


def require_chained(directory: Directory) -> dict[int, bytes]:
    """The head after each revision, worked out anew from what is stored.

    Raises:
        BookAltered: a change is missing, or not what its maker and checker signed, or not in its place.
    """
    with directory.book.reading() as connection:
        query = select(change).where(change.c.revision.is_not(None)).order_by(change.c.revision)
        rows = connection.execute(query).mappings().all()
    head, heads = directory.start, {}
    for place, row in enumerate(rows, 1):
        head = keccak(head + directory.require_signed(row))
        if row["revision"] != place or bytes(row["head"]) != head:
            raise BookAltered(f"The change {row['id']} is not where it was approved.", subject=row["id"])
        heads[place] = head
    return heads


def verify(directory: Directory, platform: Platform) -> dict[str, Any]:
    """Compare the whole directory with its signatures, its chain of hashes, and what the chain was told.

    Returns:
        ``revision`` (the latest), ``anchored`` (the latest that the chain was told, 0 for none), ``anchors``.

    Raises:
        BookAltered: something is not what was approved, or not what the chain was told.
    """
    heads, told = require_chained(directory), anchors(directory)
    for each in told:
        if each.revision not in heads or "0x" + heads[each.revision].hex() != each.head:
            raise BookAltered(f"Revision {each.revision} is not what the chain was told.", subject=each.head)
        state = platform.payments.reference_state(each.head, currency=each.currency, participant=each.participant)
        if state != _VOIDED:
            raise BookAltered(f"The chain was never told of revision {each.revision}.", subject=each.head)
    return {
        "revision": max(heads, default=0),
        "anchored": told[-1].revision if told else 0,
        "anchors": [each.to_dict() for each in told],
    }
