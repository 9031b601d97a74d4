"""The way by which orders to pay leave: an ``Outside`` of the effects, in ISO 20022.

Decisions that govern this module:

* One order is one message in one file, named by the order's outside reference. It is put into ``outgoing`` whole, or
  not at all, and never replaces one that is there.
* Whoever transmits moves it from ``outgoing`` to ``taken``, and deletes nothing: that is how it can be asked whether an
  order has left. Looked for first where files come from, then where they go to, so that none is missed on its way.
* The same order is the same bytes: what is in it was decided when its intent was stored, its time included.
"""

from __future__ import annotations

import datetime
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pyjpm.iso20022.parties import Account, Agent, Party
from pyjpm.iso20022.returns import Original, Return, write_returns
from pyjpm.iso20022.transfers import CreditTransfer, write_payment_file, write_transfers
from pyjpm.money import Money
from pyjpm.remittance import Remittance
from pyjpm.sending.outside import Absent, Answer, Found

TRANSFER: Final = "credit transfer"
RETURN: Final = "return"


class FileChannel:
    """A folder from which a bank's transport takes orders: an ``Outside``.

    Args:
        folder: made if need be; with ``outgoing`` and ``taken`` in it.
        message: ``pain.001`` where we are the bank's customer, ``pacs.008`` where we are a bank ourselves. What goes
            back to where it came from is a pacs.004 then, otherwise a transfer like any other.
        instructing, instructed: the banks of a pacs.008 or pacs.004.
    """

    def __init__(
        self,
        folder: Path,
        *,
        message: str = "pain.001",
        instructing: Agent | None = None,
        instructed: Agent | None = None,
    ) -> None:
        self._outgoing, self._taken = folder / "outgoing", folder / "taken"
        self._message, self._instructing, self._instructed = message, instructing or Agent(), instructed or Agent()
        for each in (self._outgoing, self._taken):
            each.mkdir(parents=True, exist_ok=True)

    def find(self, reference: str) -> Answer:
        """Whether the order's file is there, or was taken."""
        for folder in (self._outgoing, self._taken):
            if (folder / f"{reference}.xml").is_file():
                return Found(f"{folder.name}/{reference}.xml")
        return Absent()

    def send(self, reference: str, content: Any) -> Answer:
        """Puts the order's file into ``outgoing``."""
        target = self._outgoing / f"{reference}.xml"
        draft = self._outgoing / f".{reference}.{uuid.uuid4().hex}"
        with draft.open("xb") as file:
            file.write(self.written(reference, content))
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link is there at once and whole, and refuses to replace.
            with suppress(FileExistsError):
                os.link(draft, target)
        finally:
            draft.unlink()
        _sync(self._outgoing)
        return Found(f"outgoing/{reference}.xml")

    def written(self, reference: str, content: Mapping[str, Any]) -> bytes:
        """The order's message. Raises MessageNotWritable."""
        created = datetime.datetime.fromtimestamp(content["created"], datetime.UTC)
        if self._message == "pacs.008" and content["order"] == RETURN:
            return write_returns(
                [_return_of(reference, content)],
                message_id=reference,
                instructing=self._instructing,
                instructed=self._instructed,
                created=created,
            )
        transfer = transfer_of(reference, content)
        if self._message == "pacs.008":
            return write_transfers(
                [transfer],
                message_id=reference,
                instructing=self._instructing,
                instructed=self._instructed,
                created=created,
            )
        return write_payment_file([transfer], message_id=reference, sender=transfer.debtor, created=created)


def transfer_of(reference: str, content: Mapping[str, Any]) -> CreditTransfer:
    """An order as a transfer: its EndToEndId, instruction and transaction id are its outside reference."""
    text = str(content.get("text") or "")
    identity = uuid.UUID(content["uetr"])
    return CreditTransfer(
        end_to_end_id=reference,
        uetr=identity,
        instruction_id=reference,
        transaction_id=reference,
        amount=Money.from_minor(int(content["amount"]), content["currency"]),
        settle_on=datetime.date.fromisoformat(content["day"]),
        debtor=party_from(content["debtor"]),
        debtor_account=Account(**content["debtor_account"]),
        debtor_agent=Agent(**content["debtor_agent"]),
        creditor=party_from(content["creditor"]),
        creditor_account=Account(**content["creditor_account"]),
        creditor_agent=Agent(**content["creditor_agent"]),
        remittance=Remittance(end_to_end_id=reference, uetr=identity, text=text) if text else None,
    )


def _return_of(reference: str, content: Mapping[str, Any]) -> Return:
    said = content["original"]
    amount = Money.from_minor(int(content["amount"]), content["currency"])
    return Return(
        return_id=reference,
        original=Original(
            end_to_end_id=said["end_to_end_id"],
            transaction_id=said["transaction_id"],
            uetr=None if said["uetr"] is None else uuid.UUID(said["uetr"]),
            amount=amount,
        ),
        amount=amount,
        reason=said["code"],
        settle_on=datetime.date.fromisoformat(content["day"]),
    )


def party_plain_of(party: Party) -> dict[str, Any]:
    """A party as an effect's content has it."""
    return {
        "name": party.name,
        "lei": party.lei,
        "bic": party.bic,
        "customer": party.customer,
        "country": party.country,
        "town": party.town,
        "address": list(party.address),
    }


def party_from(plain: Mapping[str, Any]) -> Party:
    """Reads :func:`party_plain_of`."""
    return Party(**{**plain, "address": tuple(plain["address"])})


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
