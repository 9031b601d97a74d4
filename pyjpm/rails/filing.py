"""What a payment file (pain.001) names and nobody on chain is: sent by the rails, and told to the file.

Decisions that govern this module:

* The idempotency key is the one under which the file itself would pay on chain: so the rails' lock closes that too.
* A file is told once its payment is PAID or SENT, or was refused as what it is and nothing of it was stored. What is on
  its way, failed on its rail, or could not be looked at stays unrouted: this is asked for again, or somebody changes
  its rail. A fault of ours is no refusal: nobody may be told "no" of what a database has perhaps forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.rails import RailPaymentNotFound
from pyjpm.iso20022 import Account, Agent, PaymentFiles
from pyjpm.iso20022 import Instruction as Ordered
from pyjpm.iso20022 import Party as OrderedParty
from pyjpm.rails.choosing import REFUSALS
from pyjpm.rails.instruction import Instruction, Party
from pyjpm.rails.payment import RailPayment, RailStatus
from pyjpm.rails.rails import Rails

_NO_RAIL = "AG01"
_TOLD = "NARR"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of one instruction. ``payment`` is None where nothing of it is stored; ``problem`` says why."""

    file: str
    position: int
    end_to_end_id: str
    payment: RailPayment | None
    problem: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "file": self.file,
            "position": self.position,
            "end_to_end_id": self.end_to_end_id,
            "payment": None if self.payment is None else self.payment.to_dict(),
            "problem": self.problem,
        }


def route(files: PaymentFiles, rails: Mapping[int, Rails]) -> list[Routed]:
    """Sends what is unrouted in the files of these payers; call it again until it returns nothing that is on its way.

    Args:
        rails: by participant, of those whose money is moved here.

    What cannot be looked at now is told with its problem, and does not keep the others.

    Raises what the databases raise.
    """
    return [
        _route(files, name, ordered, rails[payer])
        for name, ordered in files.unrouted()
        if (payer := files.find(name).instructions[ordered.position].payer) in rails and payer is not None
    ]


def instruction_of(ordered: Ordered) -> Instruction:
    """What the rails are asked for: the file's words, a party's country from its account or bank where it says none.

    Raises:
        InvalidInstruction
    """
    return Instruction(
        amount=ordered.amount,
        debtor=_party(ordered.debtor, ordered.debtor_account, ordered.debtor_agent),
        creditor=_party(ordered.creditor, ordered.creditor_account, ordered.creditor_agent),
        requested=ordered.execute_on.date(),
        end_to_end_id=ordered.end_to_end_id,
        uetr="" if ordered.uetr is None else str(ordered.uetr),
        remittance=ordered.remittance.text[:140],
        charges=ordered.charge_bearer or "SHAR",
        purpose=ordered.purpose or "",
    ).check()


def _route(files: PaymentFiles, name: str, ordered: Ordered, rails: Rails) -> Routed:
    key = f"pain001/{files.find(name).file.message_id}/{ordered.key}"
    problem = None
    try:
        rails.pay(instruction_of(ordered), idempotency_key=key)
    except PyjpmError as error:
        log.warning("instruction %s of file %s: %s", ordered.end_to_end_id, name, error.code)
        problem = error
    try:
        payment = rails.get(key)
    except RailPaymentNotFound:
        assert problem is not None, "what was taken is stored"
        text = f"{problem.code}: {problem.message}"
        if isinstance(problem, REFUSALS):
            files.conclude(name, ordered.position, rejected=True, code=_NO_RAIL, text=text[:105])
        return Routed(name, ordered.position, ordered.end_to_end_id, None, text)
    if payment.status in (RailStatus.PAID, RailStatus.SENT):
        text = f"{payment.rail} {payment.reference}"
        files.conclude(name, ordered.position, rejected=False, code=_TOLD, text=text)
    said = None if problem is None else f"{problem.code}: {problem.message}"
    return Routed(name, ordered.position, ordered.end_to_end_id, payment, said)


def _party(party: OrderedParty, account: Account, agent: Agent) -> Party:
    scheme, identifier = next(
        (
            (scheme, found)
            for scheme, found in (
                ("IBAN", account.iban),
                ("ACCOUNT", account.number),
                ("LEI", party.lei),
                ("BIC", party.bic),
                ("CUSTOMER", party.customer),
            )
            if found
        ),
        ("ACCOUNT", ""),
    )
    bic = agent.bic or ""
    return Party(
        name=party.name,
        country=party.country or (account.iban or bic[4:6])[:2],
        scheme=scheme,
        identifier=identifier,
        agent=bic,
        street=(party.address[0] if party.address else "")[:70],
        town=(party.town or "")[:35],
    )
