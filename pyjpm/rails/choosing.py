"""Choosing a payment's rail: by the rules, unless the world already knows the payment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.directory import InvalidIdentifier
from pyjpm.errors.iso20022 import InvalidBankIdentifier, MessageNotWritable
from pyjpm.errors.rails import InvalidInstruction, NoRail, RailUnclear
from pyjpm.platform import Platform
from pyjpm.rails.decision import Decision, decide
from pyjpm.rails.facts import Directory, Facts, gather
from pyjpm.rails.gateway import NoGateway
from pyjpm.rails.instruction import Instruction
from pyjpm.rails.lock import Spent, TokenLock
from pyjpm.rails.message import MessageMaker, Transfer
from pyjpm.rails.names import Names
from pyjpm.rails.rulebook import Rail, Rulebook
from pyjpm.rails.store import Choices, Chosen, Stage
from pyjpm.sending.outside import Absent, Answer, Found, Outside, Unknown

FOUND = "found"
"""Stands for a rule where the world knew the payment."""
REFUSALS: Final = (InvalidInstruction, InvalidIdentifier, NoRail, MessageNotWritable, InvalidBankIdentifier)
"""What is wrong with a payment itself, before anything of it is stored. Anything else is a fault of ours."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the world has a payment: on the chain, or with the gateway. ``how`` says by what that is known."""

    stage: Stage
    leg: int
    how: str
    paid: bool = False

    def is_beyond(self, chosen: Chosen) -> bool:
        """Whether it is further than what is stored."""
        further = self.stage is Stage.LOCKING and chosen.stage is Stage.TOKEN
        return self.leg > chosen.leg or (self.leg == chosen.leg and further)


class Chooser:
    """Decides, and stores the decision before anything leaves."""

    def __init__(
        self,
        platform: Platform,
        rulebook: Rulebook,
        directory: Directory,
        gateway: Outside | None,
        maker: MessageMaker | None,
        choices: Choices,
        lock: TokenLock,
    ) -> None:
        self._platform = platform
        self._rulebook = rulebook
        self._directory = directory
        self._gateway = gateway
        self._maker = maker
        self._choices = choices
        self._lock = lock

    def decide(self, instruction: Instruction, now: int) -> Decision:
        """Which rail, and why, at this unix second."""
        return decide(self.facts(instruction, now), self._rulebook)

    def choose(self, instruction: Instruction, content: Mapping[str, Any], key: str, now: int) -> Chosen:
        """The stored choice for a payment that this database does not know.

        Raises:
            NoRail, RailUnclear: nothing was stored. What the message maker refuses: likewise.
        """
        facts = self.facts(instruction, now)
        where = self.in_the_world(key)
        why: tuple[str, ...]
        if where is not None:
            stage, leg = where.stage, where.leg
            rule, why = FOUND, (where.how,)
        else:
            decision = decide(facts, self._rulebook)
            if decision.rail is Rail.NONE:
                raise NoRail(
                    f"The rules send this payment by no rail ({decision.why[-1]}).",
                    rule=decision.rule,
                    why=list(decision.why),
                )
            stage, leg = Stage.TOKEN if decision.rail is Rail.TOKEN else Stage.LOCKING, 0
            rule, why = decision.rule, decision.why
        if stage is Stage.LOCKING:
            # What cannot be written is told before a reference is voided for it.
            write = self.message if where is None else self.message_of_voided
            write(self.names(key, leg), instruction, now)
        return self._choices.choose(
            key,
            content,
            creditor=instruction.creditor_key,
            stage=stage,
            leg=leg,
            payee=facts.payee_wallet,
            sealed=facts.can_seal,
            rule=rule,
            why=why,
            rules_sha256=self._rulebook.sha256,
            now=now,
        )

    def facts(self, instruction: Instruction, now: int) -> Facts:
        """What the rules look at, at this unix second."""
        return gather(
            self._platform,
            self._rulebook,
            instruction,
            directory=self._directory,
            at=now,
            earlier=lambda days: self._choices.earlier(instruction.creditor_key, days, now),
            no_swift="" if self._gateway is not None and self._maker is not None else "no SWIFT gateway is set",
        )

    def names(self, key: str, leg: int) -> Names:
        """What a leg of a payment is called."""
        session = self._platform.session
        registry = session.address("ParticipantRegistry")
        return Names(registry, session.connection.genesis_hash, session.participant, key, leg)

    def value_from(self, instruction: Instruction) -> int:
        """The first second of the requested day, unix seconds: no token payment goes before it."""
        zone = self._rulebook.zone(instruction.amount.currency)
        return int(datetime.combine(instruction.requested, time(), zone).timestamp())

    def message(self, names: Names, instruction: Instruction, at: int) -> dict[str, Any]:
        """The content of a message's effect: the message as it will leave. ``at``: of its creation."""
        if self._maker is None:
            raise NoRail("No SWIFT gateway is set.", rule=None, why=[])
        uetr = names.uetr(instruction.uetr)
        today = datetime.fromtimestamp(at, self._rulebook.zone(instruction.amount.currency)).date()
        transfer = Transfer(
            reference=names.message_reference,
            uetr=uetr,
            end_to_end_id=instruction.end_to_end_id,
            created_at=at,
            settlement=max(instruction.requested, today),
            amount=instruction.amount,
            debtor=instruction.debtor,
            creditor=instruction.creditor,
            remittance=instruction.remittance,
            charges=instruction.charges,
            purpose=instruction.purpose,
        )
        text = self._maker.make(transfer)
        return {"kind": self._maker.kind, "reference": transfer.reference, "uetr": uetr, "text": text}

    def message_of_voided(self, names: Names, instruction: Instruction, at: int) -> dict[str, Any]:
        """As :meth:`message`, of a leg whose message may have gone: then it is no refusal that it cannot be written.

        Raises:
            RailUnclear: so it is, and the gateway has it, or does not answer.
        """
        try:
            return self.message(names, instruction, at)
        except PyjpmError as error:
            if isinstance(self.asked(names), Found):
                raise RailUnclear(
                    f"The gateway has the message of {names.key!r}, which cannot be written here: {error.message}",
                    key=names.key,
                    answer=error.code,
                ) from error
            raise

    def in_the_world(self, key: str) -> Position | None:
        """Where a payment is, whatever this database says; None where the world knows nothing of it.

        Raises:
            RailUnclear: no gateway answers, and one might have it; transport faults
        """
        leg = 0
        while True:
            names = self.names(key, leg)
            spent = self._lock.spent(names)
            if spent is Spent.PAID:
                return Position(Stage.TOKEN, leg, "the chain has it as paid", paid=True)
            if spent is Spent.UNSPENT:
                return None if leg == 0 else Position(Stage.LOCKING, leg - 1, "the gateway has refused its message")
            said = self.asked(names)
            if isinstance(said, Found):
                return Position(Stage.LOCKING, leg, "the gateway has its message")
            if isinstance(said, Absent):
                return Position(Stage.TOKEN, leg, "its reference is voided, and the gateway knows no message of it")
            leg += 1

    def asked(self, names: Names) -> Answer:
        """What the gateway has of a leg's message: anything but Unknown.

        Raises:
            RailUnclear: it does not answer, or none is set: there may have been one when the payment was made.
        """
        try:
            said = (self._gateway or NoGateway()).find(names.effect)
        except Exception:
            log.warning("the gateway cannot be asked", exc_info=True)
            said = Unknown("it cannot be asked")
        if isinstance(said, Unknown):
            raise RailUnclear(
                f"Whether the payment {names.key!r} went by SWIFT cannot be told now.",
                key=names.key,
                answer=said.detail,
            )
        return said
