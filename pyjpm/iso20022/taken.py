"""A payment file that was taken in, and what has become of each of its instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pyjpm.iso20022.initiation import PaymentFile
from pyjpm.money import Money

RECEIVED: Final = "RECEIVED"
SENT: Final = "SENT"
UNROUTED: Final = "UNROUTED"
CONCLUDED: Final = "CONCLUDED"
REFUSED: Final = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInstruction:
    """An instruction of a file that was taken in, as it is now.

    Attributes:
        state: ``RECEIVED``, ``SENT`` as a payment on the chain, ``UNROUTED``, ``CONCLUDED`` by another rail, or
            ``REJECTED``.
        status: ISO: ``ACSC`` settled, ``ACSP`` on its way, ``PDNG`` waiting, ``RJCT`` refused.
        amount: None where the file says none that can be used.
        payer, payee: participants, once known.
        submission, reference: of the payment on the chain.
        reasons: (ISO code, text).
    """

    position: int
    payment_id: str
    instruction_id: str | None
    end_to_end_id: str | None
    uetr: str | None
    amount: Money | None
    state: str
    status: str
    payer: int | None
    payee: int | None
    submission: str | None
    reference: str | None
    reasons: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """The instruction as JSON-able data."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("amount", "reasons")}
        amount = None if self.amount is None else self.amount.to_dict()
        return {**plain, "amount": amount, "reasons": [list(each) for each in self.reasons]}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file that was taken in. ``file`` is what it says, ``instructions`` what became of it, in its order."""

    id: str
    file: PaymentFile
    instructions: tuple[TakenInstruction, ...]

    @property
    def refused(self) -> bool:
        """Whether all of it was refused, for what is wrong with the file."""
        return bool(self.file.problems)

    def to_dict(self) -> dict[str, Any]:
        """The file as JSON-able data."""
        return {
            "id": self.id,
            "message_id": self.file.message_id,
            "sender": self.file.sender_key,
            "name": str(self.file.name),
            "refused": self.refused,
            "problems": [each.to_dict() for each in self.file.problems],
            "instructions": [
                {
                    **taken.to_dict(),
                    "line": line.line,
                    "path": line.path,
                    "problems": [each.to_dict() for each in line.problems],
                }
                for taken, line in zip(self.instructions, self.file.lines, strict=True)
            ],
        }
