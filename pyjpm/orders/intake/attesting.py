"""From an event to an attestation: what is attested, who has signed it, and the document that the escrow takes.

Decisions that govern this module:

* What is attested follows from the event, the terms and the mapping alone, so that attesters who were told the same
  sign the same, and a repeat is the same call.
* The deadline of the signatures too: the event's time plus a whole number of ``valid_for``, the first that is at least
  half of it away. Attesters meet in it without a word, and what waited too long is signed anew.
* What each attester signed is stored before anything is sent; a signature is asked for once, as devices may be slow
  (``keeping``).
* An event that says less than the terms can carry (a part of a milestone that is paid whole) is never rounded up: it is
  held for somebody's word.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from pyjpm.attestations import CONTENT
from pyjpm.custody import Signer
from pyjpm.documents import Document
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.documents import DocumentError
from pyjpm.errors.sending import Fenced, JournalFailed
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.intake import tables
from pyjpm.orders.intake.attester_sets import AttesterSets
from pyjpm.orders.intake.book import BoundOrder
from pyjpm.orders.intake.database import IntakeDatabase
from pyjpm.orders.intake.keeping import Keeping, Signed
from pyjpm.orders.intake.stored import document_hash
from pyjpm.platform import Platform
from pyjpm.terms import DAY, Milestone, Mode

VALID_FOR: Final = 30 * DAY
_SIGNING: Final = 1.0  # seconds, after which what is signed is sent first

_signatures = tables.signature


@dataclass(frozen=True, slots=True)
class Statement:
    """What is attested about one milestone, apart from who signs it until when."""

    index: int
    status: int
    seq: int
    at: int
    accepted: int
    complete: bool
    document_hash: bytes

    def content(self, bound: BoundOrder) -> dict[str, Any]:
        """As an attestation's body has it."""
        return {
            "orderId": bound.chain_order,
            "milestone": self.index,
            "seq": self.seq,
            "status": self.status,
            "accepted": str(self.accepted),
            "complete": self.complete,
            "attestedAt": self.at,
            "documentHash": "0x" + self.document_hash.hex(),
        }


def statement(event: StatusEvent, bound: BoundOrder, index: int, number: int) -> Statement:
    """What an event attests about a milestone."""
    part = bound.terms.milestones[index]
    accepted, complete = 0, False
    if part.partial and number == part.required_status:
        accepted = part.amount if event.accepted is None else min(event.accepted, part.amount)
        complete = event.complete
    elif part.partial:
        accepted = 0 if event.accepted is None else min(event.accepted, part.amount)
    return Statement(index, number, event.seq, event.at, accepted, complete, document_hash(event))


def says_less(event: StatusEvent, part: Milestone, number: int) -> str:
    """Why an event falls short of a milestone that is paid whole, in words; empty where it does not."""
    if part.partial or number != part.required_status:
        return ""
    if event.accepted is not None and event.accepted < part.amount:
        return f"{event.accepted} of {part.amount} minor units were accepted, and the milestone is paid whole."
    return "" if event.complete else "More will come, and the milestone is paid whole."


def pays_at_once(part: Milestone, number: int) -> bool:
    """Whether an attestation pays by itself, released or not: what is prepaid and paid by parts is."""
    return part.partial and part.mode is Mode.PREFUND and number == part.required_status


class ToSign(NamedTuple):
    """What is to be attested about an event."""

    event_id: int
    bound: BoundOrder
    said: Statement


class Collected(NamedTuple):
    """The attestation with M signatures, None while some are missing; and how many there are."""

    attestation: Document | None
    signatures: int


class Attesting:
    """Signs with the attesters' keys that are here, and takes in what others signed.

    Args:
        attesters: whose keys are here.
        valid_for: seconds.
    """

    def __init__(
        self, platform: Platform, database: IntakeDatabase, attesters: Sequence[Signer], valid_for: int
    ) -> None:
        self._platform = platform
        self._database = database
        self._acting = {signer.address: platform.acting(signer) for signer in attesters}
        self._valid_for = valid_for

    def collected(self, asked: Sequence[ToSign]) -> list[Collected | PyjpmError]:
        """For each the attestation with M signatures, or why there is none; where signing takes its time, of the first
        ones only, at least of one: so that what is signed is not kept from being sent by what is not.

        Raises what is nobody's own: transport faults, Fenced, JournalFailed and the like.
        """
        session = self._platform.session
        sets = AttesterSets(session, [each.bound.terms.attester_set for each in asked], self._acting)
        now = session.now()
        stored = self._documents([each.event_id for each in asked])
        signed: list[Sequence[Document] | PyjpmError] = []
        ends = time.monotonic() + _SIGNING
        with Keeping(self.store) as keeping:
            for each in asked:
                try:
                    signed.append(self._sign(each, sets, stored.get(each.event_id, {}), now, keeping))
                except (Fenced, JournalFailed):
                    raise
                except PyjpmError as error:
                    signed.append(error)
                if time.monotonic() >= ends:
                    break
        return [
            documents if isinstance(documents, PyjpmError) else self._collect(each, documents)
            for each, documents in zip(asked, signed, strict=False)
        ]

    def is_attester(self, bound: BoundOrder, address: str) -> bool:
        """Whether somebody is of the attester set that the terms name."""
        return bool(self._platform.session.call("AttesterSets", "isAttester", bound.terms.attester_set, address))

    def store(self, signed: Sequence[Signed]) -> None:
        """Keeps what attesters signed, in one commit; a later one of the same attester replaces it."""
        rows = [
            {"event": each.event_id, "attester": each.attester, "document": each.document.to_json()} for each in signed
        ]
        this = (_signatures.c.event == bindparam("of")) & (_signatures.c.attester == bindparam("by"))
        with self._database.transaction() as connection:
            connection.execute(
                delete(_signatures).where(this), [{"of": row["event"], "by": row["attester"]} for row in rows]
            )
            connection.execute(insert(_signatures), rows)

    def documents(self, event_id: int) -> dict[str, Document]:
        """What was signed about an event, by attester."""
        return self._documents([event_id]).get(event_id, {})

    def _documents(self, event_ids: Sequence[int]) -> dict[int, dict[str, Document]]:
        query = select(_signatures).where(_signatures.c.event.in_(event_ids)).order_by(_signatures.c.attester)
        found: dict[int, dict[str, Document]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.event, {})[row.attester] = Document.from_json(row.document)
        return found

    def _sign(
        self, asked: ToSign, sets: AttesterSets, stored: Mapping[str, Document], now: int, keeping: Keeping
    ) -> list[Document]:
        """As many documents as the terms ask for, where there are so many; signed here as far as it takes."""
        bound, said = asked.bound, asked.said
        set_id, threshold = bound.terms.attester_set, bound.terms.threshold
        facts = self._facts(bound, said, sets.epoch(set_id), now)
        # Others were overtaken by time, or by a new epoch of the set.
        documents = {address: document for address, document in stored.items() if dict(document.body) == facts}
        for address, acting in self._acting.items():
            if len(documents) >= threshold:
                break
            if address not in documents and sets.has(set_id, address):
                documents[address] = acting.attestations.sign(
                    bound.document,
                    said.index,
                    status=said.status,
                    seq=said.seq,
                    at=said.at,
                    accepted=said.accepted,
                    complete=said.complete,
                    document_hash=said.document_hash,
                    deadline=facts["deadline"],
                    set_epoch=facts["setEpoch"],
                )
                keeping.add(Signed(asked.event_id, address, documents[address]))
        return [documents[address] for address in sorted(documents)[:threshold]]

    def _collect(self, asked: ToSign, documents: Sequence[Document]) -> Collected | PyjpmError:
        if len(documents) < asked.bound.terms.threshold:
            return Collected(None, len(documents))
        try:
            return Collected(self._platform.attestations.collect(documents), len(documents))
        except DocumentError as error:
            return error

    def _facts(self, bound: BoundOrder, said: Statement, epoch: int, now: int) -> dict[str, Any]:
        periods = max(1, -(-(now + self._valid_for // 2 - said.at) // self._valid_for))
        return {**said.content(bound), "setEpoch": epoch, "deadline": said.at + periods * self._valid_for}


def same_content(document: Document, bound: BoundOrder, said: Statement) -> bool:
    """Whether an attestation says this."""
    content = said.content(bound)
    return all(document.body.get(name) == content[name] for name in CONTENT)
