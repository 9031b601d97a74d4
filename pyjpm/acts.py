"""What became of a call that was accepted, as its caller sees it.

Decisions:

* Results come at acceptance (signed, stored, sent). :meth:`Act.wait` waits until the chain has it; a timeout raises
  ``StillPending``, which is no failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from pyjpm.money import Money
from pyjpm.sending import Submission
from pyjpm.session import Session
from pyjpm.status import Status, status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An accepted state-changing call.

    Attributes:
        id: of the submission, random.
        kind: such as ``payments.pay``.
        status: see :class:`Status`.
        reference: what the act is about, hexadecimal or text.
        tx_hash: ``0x…``, once signed.
        block: height, once final.
    """

    id: str
    kind: str
    status: Status
    reference: str
    tx_hash: str | None
    block: int | None
    session: Session = field(repr=False, compare=False)

    @classmethod
    def of(cls, session: Session, submission: Submission) -> Self:
        """The act behind a stored submission."""
        return cls(
            id=submission.id,
            kind=submission.kind,
            status=status_of(submission),
            reference=submission.reference or "",
            tx_hash=submission.tx_hash,
            block=submission.block_number,
            session=session,
            **cls._own(session, submission.content),
        )

    @classmethod
    def _own(cls, session: Session, content: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that a subclass adds, out of the submission's content."""
        return {}

    def wait(self, timeout: float | None = None) -> Self:
        """Itself once it is on the chain.

        Args:
            timeout: seconds; the client's default if None.

        Raises:
            StillPending: not yet; it may still come. Wait again, never repeat under another key.
            ContractError: the chain refused it for good.
        """
        limit = self.session.timeout if timeout is None else timeout
        self.session.serve()
        return type(self).of(self.session, self.session.sender.wait(self.id, limit))

    def refresh(self) -> Self:
        """Itself as it is now; one look at the chain."""
        self.session.serve()
        return type(self).of(self.session, self.session.sender.refresh(self.id))

    def to_dict(self) -> dict[str, Any]:
        """The act as JSON-able data."""
        return {part.name: _plain(getattr(self, part.name)) for part in fields(self) if part.name != "session"}


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.to_dict()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value
