"""Watches every act of a client: what the witness says before it and after it, on the chain that really did it."""

from __future__ import annotations

from typing import Any

from pyjpm.chain.connection import Connection
from pyjpm.sending.witness import Call, Effect, Verdict
from pyjpm.session import Session
from pyjpm.witnessing import ContractWitness
from pyjpm.witnessing.described import Known
from pyjpm.witnessing.table import TABLE


class Watch:
    """Stands in for ``Session.submit``; remembers which rows of the table it saw happen."""

    def __init__(self, witness: ContractWitness, submit: Any) -> None:
        self.witness = witness
        self.rows: set[tuple[str, str]] = set()
        self.calls: list[Call] = []
        self._submit = submit

    @property
    def last(self) -> Call:
        """The newest call."""
        return self.calls[-1]

    def unseen(self, *areas: Any) -> set[str]:
        """Faces of these modules that leave something to see, and were not seen to happen."""
        rows = [each for area in areas for each in area.DESCRIBED if each.read is not None or each.effect is not None]
        return {each.face for each in rows if (each.artifact, each.function) not in self.rows}

    def submit(self, session: Session, **asked: Any) -> Any:
        """As ``Session.submit``, until it is final; asserts what the witness says on both sides of it."""
        operation = session.operation(**asked)
        known = session.journal.find(session.wallet, asked["key"])
        call = Call(session.wallet, operation.to, operation.data, operation.kind)
        before = self._says(session, call)
        submission = self._submit(session, **asked)
        if known is None:
            done = session.sender.wait(submission.id, 30)
            self._judge(session.connection, call, before, self._says(session, call), done.tx_hash)
            self.calls.append(call)
        return submission

    def _says(self, session: Session, call: Call) -> Verdict:
        (verdict,) = self.witness.read([call], connection=session.connection, at=session.connection.head().number)
        return verdict

    def _judge(self, connection: Connection, call: Call, before: Verdict, after: Verdict, tx: str | None) -> None:
        subject = self.witness._book.read(call)
        assert subject is not None
        for part in [subject] if subject.parts is None else subject.parts:
            assert part is not None
            row = TABLE[part.key]
            self.rows.add((row.artifact, row.function))
            told = (row.face, before, after)
            if row.read is None:
                assert after.effect is Effect.UNKNOWN, told
                continue
            if row.known is not Known.STATE:
                assert before.effect is Effect.ABSENT, told
                assert self.witness.is_named(call), told
                assert self.witness.references(call), told
            assert after.effect is Effect.APPLIED, told
            assert after.tx_hash in (None, tx), (told, tx)
        receipt = connection.receipt(str(tx))
        assert receipt is not None
        assert self.witness.has_effect(call, receipt.logs), call.kind
