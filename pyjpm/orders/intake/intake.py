"""Order intake: what sources say about orders becomes attestations on the chain, once each.

Decisions that govern this module:

* First an event is stored, then something is done about it: mapped, decided, signed, sent, in steps of which each is
  stored before the next. A process that dies anywhere goes on where it was; what it did a second time is the same
  submission under the same key, a pure function of the event.
* What is missing is waited for, and what the chain refuses for good is said so; no event stops another one. Late,
  repeated, partial and out-of-order events are ordinary: the chain knows which of two counts.
* A chain, a signer or a database that cannot be reached says nothing about an event: it waits, with a pause that grows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from eth_utils.address import to_checksum_address

from pyjpm.custody import Signer
from pyjpm.documents import Document
from pyjpm.errors.attesters import NotAnAttester
from pyjpm.errors.intake import AttestationNotAwaited
from pyjpm.orders.connectors.connector import Batch, Connector, Problem, StatusEvent
from pyjpm.orders.intake.attesting import VALID_FOR, Attesting, same_content, statement
from pyjpm.orders.intake.carrying import Carrying
from pyjpm.orders.intake.desk import Desk
from pyjpm.orders.intake.keeping import Signed
from pyjpm.orders.intake.mapping import IntakeMapping
from pyjpm.orders.intake.notes import Notes
from pyjpm.orders.intake.outcome import Outcomes
from pyjpm.orders.intake.placing import Placing
from pyjpm.orders.intake.scripts import NO_TRIGGERS, Triggers
from pyjpm.orders.intake.states import EventState, Receipt
from pyjpm.orders.intake.stored import Key, event_of, receipt_of
from pyjpm.platform import Platform
from pyjpm.sending.clock import Clock

_AT_ONCE: Final = 200
_NAME: Final = "intake"
_NOT_STORED: Final = (EventState.CONFLICT, EventState.INVALID)


class Intake(Desk):
    """Takes order events in for one platform. Safe among threads; processes share a database, not a wallet.

    Args:
        platform: acts for the wallet that sends attestations. Anybody's will do: what counts is who signed them.
        database: an SQLite file's path, a ``postgresql://`` URL (the journal's will do), or None for memory.
        mapping: which status means what.
        attesters: the attesters whose keys are here. Where they are fewer than the terms ask for, events wait for what
            others signed (:meth:`contribute`).
        triggers: what decides about a status; it is released as agreed where none does.
        valid_for: seconds of chain time that attestations are good for; the same for all attesters of an order.
        clock: of the machine.

    Raises:
        IntakeOfOtherChain, BookOfOtherVersion, JournalFailed and others: of the database.
    """

    def __init__(
        self,
        platform: Platform,
        database: Path | str | None,
        mapping: IntakeMapping,
        *,
        attesters: Sequence[Signer] = (),
        triggers: Triggers = NO_TRIGGERS,
        valid_for: int = VALID_FOR,
        clock: Clock = time,
    ) -> None:
        super().__init__(platform.record, database, clock=clock)
        self._platform = platform
        self._working = threading.Lock()
        self._attesting = Attesting(platform, self._database, attesters, valid_for)
        notes = Notes(self.stored, self._now)
        self._carrying = Carrying(
            platform,
            Placing(platform.session, mapping),
            triggers,
            book=self.book,
            decisions=self._decisions,
            attesting=self._attesting,
            notes=notes,
        )
        self._outcomes = Outcomes(platform.session, self.stored, notes)
        self.stored.look_again(mapping.sha256)

    # --- taking in -------------------------------------------------------------------------------------------------

    def accept(self, events: Iterable[StatusEvent], *, delivery: tuple[str, int] | None = None) -> list[Receipt]:
        """Stores events, then does what can be done about them now: the face of connectors that push.

        Once it returns, nothing of them is lost, whatever dies; what the chain or a signer kept from being done is done
        by a later :meth:`work`.

        Args:
            delivery: what names the message that brought them, and until when it could come again (unix seconds).

        Returns:
            A receipt for each, in their order, as they are now.

        Raises:
            WebhookReplayed: the delivery came before; JournalFailed and others: nothing was stored.
        """
        receipts = self.stored.store(list(events), name=_NAME, delivery=delivery)
        self.work()
        rows = self.stored.named([each.key for each in receipts if each.state not in _NOT_STORED])
        return [each if each.state in _NOT_STORED else receipt_of(rows[each.key], new=each.new) for each in receipts]

    def receive(
        self,
        events: Iterable[StatusEvent],
        *,
        delivery: tuple[str, int] | None = None,
        problems: Iterable[Problem] = (),
    ) -> list[Receipt]:
        """As :meth:`accept`, but only stores: for callers that must answer at once while another thread works.

        Args:
            problems: what could not be read beside them; reported.
        """
        return self.stored.store(list(events), name=_NAME, delivery=delivery, problems=problems)

    def poll(self, connector: Connector) -> tuple[Batch, list[Receipt]]:
        """Asks a connector once and stores what it brought, with its cursor.

        Raises:
            SourceUnavailable, SourceRefused: of the connector; nothing was stored.
            CursorMoved: another process polls under its name.
        """
        before = self.stored.cursor(connector.name)
        batch = connector.poll(before)
        receipts = self.stored.store(
            batch.events, name=connector.name, problems=batch.problems, cursor=(before, batch.cursor)
        )
        return batch, receipts

    # --- carrying on -----------------------------------------------------------------------------------------------

    def work(self) -> list[Receipt]:
        """One step for everything that is due; events that have come further by it, as they are now."""
        with self._working:
            due = self.stored.due(_AT_ONCE)
            before = {row.id: (row.state, row.code) for row in [*self.stored.rows([EventState.SUBMITTED]), *due]}
            self._carrying.carry_on(due)
            self._outcomes.settle()
            after = self.stored.by_ids(list(before))
            return [receipt_of(row) for row in after if (row.state, row.code) != before[row.id]]

    def settle(self, timeout: float = 60.0) -> list[Receipt]:
        """Works until nothing is due and nothing is on its way, or ``timeout`` seconds have passed."""
        deadline, told = self._clock.monotonic() + timeout, []
        while True:
            told += self.work()
            if not self.stored.due(1) and not self.stored.rows([EventState.SUBMITTED], limit=1):
                return told
            if self._clock.monotonic() >= deadline:
                return told
            self._clock.sleep(0.05)

    # --- attesting together --------------------------------------------------------------------------------------

    def attestations(self, key: Key) -> list[Document]:
        """What was signed here about an event: what another attester's intake takes in."""
        return list(self._attesting.documents(self.stored.row(key).id).values())

    def contribute(self, document: Document) -> Receipt:
        """Takes in what another attester signed about an event that waits for it.

        Raises:
            AttestationNotAwaited: no event here says so.
            NotAnAttester: a signer is not of the order's attester set.
            SignatureNotOf, MalformedDocument, DocumentForElsewhere: of the document.
        """
        self._platform.attestations.collect([document])
        for row in self.stored.rows([EventState.WAITING, EventState.RECEIVED], seq=document.body["seq"]):
            event, bound = event_of(row), self.book.find(row.source, row.order_id)
            if bound is None or row.milestone_index is None or row.number is None:
                continue
            said = statement(event, bound, row.milestone_index, row.number)
            if same_content(document, bound, said):
                for signer in document.signatures:
                    # One attester is one, however its address is written.
                    address = to_checksum_address(signer)
                    if not self._attesting.is_attester(bound, address):
                        raise NotAnAttester.from_arguments({"setId": bound.terms.attester_set, "signer": address})
                    one = Document(document.kind, document.chain_id, document.contract, document.body)
                    signed = one.signed(address, document.signature(signer))
                    self._attesting.store([Signed(row.id, address, signed)])
                self.stored.change(row.id, due_at=0)
                return receipt_of(self.stored.row((row.source, row.order_id, row.milestone, row.seq)))
        raise AttestationNotAwaited("No event that waits here says what this attestation says.", **dict(document.body))
