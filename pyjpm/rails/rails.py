"""Payments that go by token or by SWIFT, whichever the rules say, and never by both.

    rails = Rails(platform, load_rulebook(Path("rails.toml")), directory=directory,
                  gateway=FolderGateway(Path("/var/swift")), maker=maker)
    print(rails.explain(instruction).why)
    rails.pay(instruction, idempotency_key="invoice 4711")

Decisions that govern this module:

* The chain is the lock between the rails: a message is made only once the contract says that the payment's token
  reference is voided, so that no token payment under it can follow, whatever this database forgets; and a token
  payment under a voided reference is refused by the contract.
* The rail is stored before anything leaves, and the message's intent in the commit that says SWIFT. The message is an
  effect outside the chain (``pyjpm.sending.effects``): named by the payment, asked for before it is told.
* A key that this database does not know is looked up in the world first: paid on the chain, it went by token; known to
  the gateway, it went by SWIFT. Voided and known to nobody it stays unpaid until somebody decides (``change``).
* What a token payment is for travels with it only sealed: where either side has published no key, it does not travel.
* A rail changes by a person's word only. What is on its way by token is voided first; a message never is, it must have
  been refused by the gateway.
"""

from __future__ import annotations

import logging
import time as wall
import uuid
from collections.abc import Mapping
from typing import Any, Final

from pyjpm.chain.node import Clock
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.deployment import NotOnboarded
from pyjpm.errors.outbox import NotDecidable, ReferenceVoided
from pyjpm.errors.rails import NoRail, RailConflict, RailNotChangeable, RailPaymentNotFound
from pyjpm.errors.sending import StillPending
from pyjpm.errors.token import AlreadyPaid
from pyjpm.payments import REFERENCE_STATES
from pyjpm.platform import Platform
from pyjpm.rails.decision import Decision, decide
from pyjpm.rails.facts import Directory, Facts, gather
from pyjpm.rails.instruction import Instruction
from pyjpm.rails.message import MessageMaker, Transfer
from pyjpm.rails.names import Names
from pyjpm.rails.payment import RailPayment, RailStatus
from pyjpm.rails.rulebook import Rail, Rulebook
from pyjpm.rails.store import Choices, Chosen, Stage
from pyjpm.remittance import Remittance
from pyjpm.sending import Submission, SubmissionState, payment_reference
from pyjpm.sending.effects import PATIENCE, Effect, Effects, EffectState
from pyjpm.sending.operation import LIVING, NEGATIVE, RETRIED, WAITING
from pyjpm.sending.outside import Answer, Found, Outside, Refused, Unknown
from pyjpm.sending.trail import Word

LOCK: Final = "rails.lock"
"""The kind of the call that voids a reference: an approval policy may ask for words on it, as on a payment."""
MESSAGE: Final = "swift"

log = logging.getLogger(__name__)


class Rails:
    """Payments of the acting participant, over its platform's journal. Safe among threads.

    Args:
        platform: acting for the payer.
        directory: who on chain a creditor is.
        gateway: the other side of messages; None: nothing goes by SWIFT.
        maker: who writes them.
        patience: see ``pyjpm.sending.effects``.
        clock: for value dates, cut-offs and the like.

    Raises:
        ReadOnlyClient, NotOnboarded, RailsSchemaUnknown
    """

    def __init__(
        self,
        platform: Platform,
        rulebook: Rulebook,
        *,
        directory: Directory,
        gateway: Outside | None = None,
        maker: MessageMaker | None = None,
        patience: float = PATIENCE,
        clock: Clock = wall,
    ) -> None:
        owner = platform.session.owner
        if owner is None:
            raise NotOnboarded(f"The wallet {platform.session.wallet} names no participant.")
        self._platform = platform
        self._rulebook = rulebook
        self._directory = directory
        self._gateway = gateway
        self._maker = maker
        self._clock = clock
        self._database = platform.session.journal.database
        self._choices = Choices(self._database, owner)
        self._effects = Effects(self._database, patience=patience, clock=clock)

    # --- deciding --------------------------------------------------------------------------------------------------

    def explain(self, instruction: Instruction) -> Decision:
        """Which rail the payment would take now, and why. Stores nothing, sends nothing.

        Raises:
            InvalidInstruction, AmountNotPositive
        """
        return decide(self._facts(instruction.check()), self._rulebook)

    def pay(self, instruction: Instruction, *, idempotency_key: str) -> RailPayment:
        """Chooses the rail, stores the choice, and pays or sends; the same key again goes on with the same rail.

        Raises:
            InvalidInstruction: it could go by no rail.
            NoRail: the rules send it by none; nothing was stored.
            IdempotencyConflict: the key was used for another payment.
            What the chosen rail refuses: as ``payments.create``; a message maker's own error, before anything is
            stored. The choice stands then: repeat, or :meth:`change` the rail.
        """
        content = instruction.check().to_content()
        chosen = self._choices.find(idempotency_key, content)
        if chosen is None:
            chosen = self._choose(instruction, content, idempotency_key)
        return self._carry_on(chosen, again=True)

    def change(self, idempotency_key: str, *, who: str, reason: str) -> RailPayment:
        """Moves a payment to the other rail: from token to SWIFT while it is unpaid, from SWIFT to token once the
        gateway has refused the message for good.

        From token, its reference is voided first; should the chain pay it before that, it was paid by token.

        Raises:
            RailPaymentNotFound, ReasonMissing
            RailNotChangeable: it was paid, or its message may have been sent, or the other rail is not possible.
        """
        word = Word(who, "change", idempotency_key, reason)
        chosen = self._found(idempotency_key)
        now = int(self._clock.time())
        instruction = Instruction.from_content(chosen.content)
        if chosen.stage is Stage.TOKEN:
            seen = self._seen(chosen)
            if seen.status is RailStatus.PAID or self._spent(chosen) == "PAID":
                raise _not_changeable(chosen, seen.status, "it was paid by token")
            if problem := self._facts(instruction).no_swift:
                raise _not_changeable(chosen, seen.status, problem)
            self._message(chosen, instruction, now)  # what cannot be written is no reason to void anything
            moved = self._move(chosen, Stage.LOCKING, chosen.leg, word, now)
        elif chosen.stage is Stage.SWIFT:
            effect = self._effects.find(self._names(chosen).effect)
            if effect.state is not EffectState.FAILED:
                raise _not_changeable(chosen, _of_effect(effect), "its message may have been sent")
            facts = self._facts(instruction)
            if facts.stopped or facts.no_token:
                raise _not_changeable(chosen, RailStatus.FAILED, facts.stopped or facts.no_token)
            moved = self._move(chosen, Stage.TOKEN, chosen.leg + 1, word, now, facts)
        else:
            raise _not_changeable(chosen, RailStatus.LOCKING, "it is on its way to SWIFT already")
        if not moved:
            raise _not_changeable(chosen, RailStatus.ACCEPTED, "somebody else has changed it meanwhile")
        return self._carry_on(self._found(idempotency_key), again=True)

    # --- going on --------------------------------------------------------------------------------------------------

    def resume(self) -> list[RailPayment]:
        """Goes on with everything that is not ended; to be called after a start, and from time to time.

        What fails is told in ``detail``, and does not keep the others.
        """
        going = []
        for chosen in self._choices.open():
            try:
                going.append(self._carry_on(chosen, again=False))
            except PyjpmError as error:
                log.warning("payment %s cannot go on: %s", chosen.key, error.code)
                going.append(self._seen(self._found(chosen.key), detail=f"{error.code}: {error.message}"))
        return going

    def get(self, idempotency_key: str) -> RailPayment:
        """A payment as it is stored, without a look at chain or gateway. Raises RailPaymentNotFound."""
        return self._seen(self._found(idempotency_key))

    def wait(self, idempotency_key: str, timeout: float | None = None) -> RailPayment:
        """A payment once it is PAID, SENT or FAILED.

        Raises:
            RailPaymentNotFound
            StillPending: not yet, after ``timeout`` seconds (the client's default if None); it may still come.
        """
        limit = self._platform.session.timeout if timeout is None else timeout
        deadline = self._clock.monotonic() + limit
        while True:
            seen = self._carry_on(self._found(idempotency_key), again=False)
            if seen.status not in (RailStatus.ACCEPTED, RailStatus.LOCKING):
                return seen
            if self._clock.monotonic() >= deadline:
                raise StillPending(
                    f"The payment {idempotency_key!r} has no outcome yet.",
                    submission=idempotency_key,
                    state=seen.status.value,
                    answer=seen.detail,
                )
            self._clock.sleep(0.05)

    def _carry_on(self, chosen: Chosen, *, again: bool) -> RailPayment:
        if chosen.stage is Stage.LOCKING:
            chosen = self._lock(chosen, again=again)
        if chosen.stage is Stage.TOKEN:
            self._pay_by_token(chosen, again=again)
        if chosen.stage is Stage.SWIFT:
            self._effects.carry_out(self._names(chosen).effect, self._other_side())
        seen = self._seen(chosen)
        if seen.status in (RailStatus.PAID, RailStatus.SENT) and not chosen.ended:
            self._choices.end(chosen)
        return seen

    # --- choosing --------------------------------------------------------------------------------------------------

    def _choose(self, instruction: Instruction, content: Mapping[str, Any], key: str) -> Chosen:
        now = int(self._clock.time())
        facts = self._facts(instruction, now)
        where = self._in_the_world(key)
        if where is None:
            decision = decide(facts, self._rulebook)
            if decision.rail is Rail.NONE:
                raise NoRail(
                    f"The rules send this payment by no rail ({decision.rule}): {decision.why[-1]}.",
                    rule=decision.rule,
                    why=list(decision.why),
                )
            stage, leg = (Stage.TOKEN, 0) if decision.rail is Rail.TOKEN else (Stage.LOCKING, 0)
            rule, why = decision.rule, decision.why
        else:
            stage, leg, found = where
            rule, why = "found", (found,)
        if stage is Stage.LOCKING:
            self._message(None, instruction, now, names=self._names_of(key, leg))
        creditor = f"{instruction.creditor.scheme}:{instruction.creditor.identifier}"
        return self._choices.choose(
            key,
            content,
            creditor=creditor,
            stage=stage,
            leg=leg,
            payee=facts.payee_wallet,
            sealed=facts.can_seal,
            rule=rule,
            why=why,
            rules_sha256=self._rulebook.sha256,
            now=now,
        )

    def _in_the_world(self, key: str) -> tuple[Stage, int, str] | None:
        """Where a payment is that this database does not know: stage, leg, and how that is known."""
        leg = 0
        while True:
            names = self._names_of(key, leg)
            spent = self._spent_of(names)
            if spent == "PAID":
                return Stage.TOKEN, leg, "the chain has it as paid"
            if spent == "UNSPENT":
                return None if leg == 0 else (Stage.LOCKING, leg - 1, "the gateway has refused its message")
            said = self._asked(names)
            if isinstance(said, Found):
                return Stage.LOCKING, leg, "the gateway has its message"
            if not isinstance(said, Refused):
                return Stage.TOKEN, leg, "its reference is voided, and the gateway knows no message of it"
            leg += 1

    def _asked(self, names: Names) -> Answer:
        if self._gateway is None:
            return Unknown("no gateway")
        try:
            return self._gateway.find(names.effect)
        except Exception:
            log.warning("the gateway cannot be asked", exc_info=True)
            return Unknown("the gateway cannot be asked")

    def _facts(self, instruction: Instruction, at: int | None = None) -> Facts:
        now = int(self._clock.time()) if at is None else at
        creditor = f"{instruction.creditor.scheme}:{instruction.creditor.identifier}"
        return gather(
            self._platform,
            self._rulebook,
            instruction,
            directory=self._directory,
            at=now,
            earlier=lambda days: self._choices.earlier(creditor, days, now),
            no_swift="" if self._gateway is not None and self._maker is not None else "no SWIFT gateway is set",
        )

    def _move(
        self, chosen: Chosen, stage: Stage, leg: int, word: Word, now: int, facts: Facts | None = None
    ) -> bool:
        """Whether it was as it was seen, and has moved. ``facts``: whom its new leg pays."""
        with self._database.transaction() as connection:
            moved = self._choices.advance(connection, chosen, stage, now=now, leg=leg)
            if moved:
                self._choices.record(connection, chosen, word, f"{chosen.stage} to {stage}", now)
            if moved and facts is not None:
                self._choices.readdress(connection, chosen, facts.payee_wallet, sealed=facts.can_seal)
        return moved

    # --- by token --------------------------------------------------------------------------------------------------

    def _pay_by_token(self, chosen: Chosen, *, again: bool) -> None:
        session, names = self._platform.session, self._names(chosen)
        submission = self._submission(names)
        if submission is not None and (submission.is_pending or not again):
            session.sender.refresh_many([submission.id])
            return
        if submission is not None and submission.state is SubmissionState.FINAL:
            return
        if chosen.payee is None:
            raise ReferenceVoided(
                f"The payment {chosen.key!r} is voided on the chain, and its creditor is not there.", submission=None
            )
        instruction = Instruction.from_content(chosen.content)
        self._platform.payments.create(
            chosen.payee,
            instruction.amount,
            idempotency_key=names.token_key,
            remittance=_remittance(instruction, names) if chosen.sealed else b"",
        )

    def _submission(self, names: Names) -> Submission | None:
        found = self._choices.submission(names.token_key)
        return None if found is None else self._platform.session.journal.get(found)

    # --- the lock --------------------------------------------------------------------------------------------------

    def _lock(self, chosen: Chosen, *, again: bool) -> Chosen:
        """The payment once no token can follow: at SWIFT with its message's intent, or at TOKEN where it was paid
        there. Itself where neither is certain yet."""
        spent = self._spent(chosen)
        if spent == "UNSPENT":
            spent = self._void(chosen, again=again)
        if spent == "UNSPENT":
            return chosen
        now = int(self._clock.time())
        if spent == "PAID":
            return self._paid_first(chosen, now)
        instruction = Instruction.from_content(chosen.content)
        content = self._message(chosen, instruction, chosen.stage_at)
        with self._database.transaction() as connection:
            if self._choices.advance(connection, chosen, Stage.SWIFT, now=chosen.stage_at):
                self._effects.intend(self._names(chosen).effect, MESSAGE, content, connection=connection)
        return self._found(chosen.key)

    def _paid_first(self, chosen: Chosen, now: int) -> Chosen:
        if chosen.payee is None:
            reference = self._names(chosen)
            raise RailConflict(
                f"The chain has a payment under the key {chosen.key!r}, whose creditor is not there.",
                key=chosen.key,
                reference="0x" + payment_reference(reference.participant, reference.token_key).hex(),
            )
        word = Word("the chain", "change", chosen.key, "it was paid by token before its reference could be voided")
        self._move(chosen, Stage.TOKEN, chosen.leg, word, now)
        return self._found(chosen.key)

    def _void(self, chosen: Chosen, *, again: bool) -> str:
        """Has the token reference voided; what the chain says of it after that."""
        submission = self._submission(self._names(chosen))
        if submission is not None and submission.is_pending:
            self._withdraw(chosen, submission)
        if submission is None or not self._platform.session.journal.get(submission.id).is_pending:
            self._void_unused(chosen, again=again)
        return self._spent(chosen)

    def _withdraw(self, chosen: Chosen, submission: Submission) -> None:
        """What is on its way is cancelled before it has a nonce, and voided from then on."""
        session, outbox = self._platform.session, self._platform.outbox
        session.serve()
        who, reason = "rails", f"the payment {chosen.key} goes by SWIFT"
        now = session.sender.refresh_many([submission.id])[0]
        try:
            if now.state in WAITING:
                outbox.decisions.cancel(submission.id, who=who, reason=reason)
            elif now.state in (*LIVING, SubmissionState.QUARANTINED):
                outbox.void(submission.id, who=who, reason=reason)
        except NotDecidable:
            log.info("payment %s came further meanwhile", chosen.key)
        # The void goes out with the next step of the wallet.
        session.sender.carry_on()
        session.sender.refresh_many([submission.id])

    def _void_unused(self, chosen: Chosen, *, again: bool) -> None:
        session, names = self._platform.session, self._names(chosen)
        earlier = self._choices.submission(names.lock_key)
        if earlier is not None and not again and session.journal.get(earlier).state in RETRIED:
            return  # refused before, perhaps by a checker: only who asks again asks again
        instruction = Instruction.from_content(chosen.content)
        reference = payment_reference(names.participant, names.token_key)
        currency = self._lock_currency(instruction)
        try:
            found = session.submit(
                kind=LOCK,
                key=names.lock_key,
                content={
                    "participant": names.participant,
                    "reference": "0x" + reference.hex(),
                    "token": currency,
                    "amount": instruction.amount.minor,
                    "currency": instruction.amount.currency,
                    "creditor": f"{instruction.creditor.scheme}:{instruction.creditor.identifier}",
                },
                contract=currency,
                function="voidReference",
                arguments=(names.participant, reference),
                reference="0x" + reference.hex(),
            )
            session.sender.wait(found.id, min(2.0, session.timeout))
        except (AlreadyPaid, StillPending):
            return  # what became of it is read from the contract

    def _lock_currency(self, instruction: Instruction) -> str:
        """The token whose reference is the lock: the payment's own, or, where there is none, the platform's first."""
        tokens = self._platform.record.tokens
        currency = instruction.amount.currency
        return currency if currency in tokens else min(tokens)

    def _spent(self, chosen: Chosen) -> str:
        return self._spent_of(self._names(chosen))

    def _spent_of(self, names: Names) -> str:
        """What the tokens say of a leg's reference: PAID or VOIDED where one of them does."""
        session = self._platform.session
        reference = payment_reference(names.participant, names.token_key)
        asked = [
            (currency, "referenceState(uint32,bytes32)", (names.participant, reference))
            for currency in self._platform.record.tokens
        ]
        states = {REFERENCE_STATES[state] for state in session.calls(asked)}
        return next((state for state in ("PAID", "VOIDED") if state in states), "UNSPENT")

    # --- the message -----------------------------------------------------------------------------------------------

    def _message(
        self, chosen: Chosen | None, instruction: Instruction, at: int, *, names: Names | None = None
    ) -> dict[str, Any]:
        """The effect's content: the message as it will leave, written once."""
        its = names or self._names_or_fail(chosen)
        maker = self._maker
        if maker is None:
            raise NoRail("No SWIFT gateway is set.", rule=None, why=[])
        transfer = Transfer(
            reference=its.message_reference,
            uetr=its.uetr(instruction.uetr),
            end_to_end_id=instruction.end_to_end_id,
            created_at=at,
            settlement=instruction.requested,
            amount=instruction.amount,
            debtor=instruction.debtor,
            creditor=instruction.creditor,
            remittance=instruction.remittance,
            charges=instruction.charges,
            purpose=instruction.purpose,
        )
        return {"kind": maker.kind, "reference": transfer.reference, "uetr": transfer.uetr, "text": maker.make(transfer)}

    def _other_side(self) -> Outside:
        return self._gateway or _NoGateway()

    # --- names and looks -------------------------------------------------------------------------------------------

    def _names(self, chosen: Chosen) -> Names:
        return self._names_of(chosen.key, chosen.leg)

    def _names_or_fail(self, chosen: Chosen | None) -> Names:
        assert chosen is not None, "a message is of a payment"
        return self._names(chosen)

    def _names_of(self, key: str, leg: int) -> Names:
        session = self._platform.session
        registry = session.address("ParticipantRegistry")
        return Names(registry, session.connection.genesis_hash, session.participant, key, leg)

    def _found(self, key: str) -> Chosen:
        chosen = self._choices.find(key)
        if chosen is None:
            raise RailPaymentNotFound(f"No payment was asked for under {key!r}.", key=key)
        return chosen

    def _seen(self, chosen: Chosen, *, detail: str | None = None) -> RailPayment:
        names, instruction = self._names(chosen), Instruction.from_content(chosen.content)
        uetr: str | None = None
        if chosen.stage is Stage.TOKEN:
            submission = self._submission(names)
            status = RailStatus.ACCEPTED if submission is None else _of_submission(submission)
            said = None if submission is None else submission.state.value
            reference = "0x" + payment_reference(names.participant, names.token_key).hex()
        else:
            reference, uetr = names.message_reference, names.uetr(instruction.uetr)
            status, said = RailStatus.LOCKING, None
            if chosen.stage is Stage.SWIFT:
                effect = self._effects.find(names.effect)
                status, said = _of_effect(effect), effect.detail
        return RailPayment(
            key=chosen.key,
            amount=instruction.amount,
            rail=Rail.TOKEN if chosen.stage is Stage.TOKEN else Rail.SWIFT,
            status=status,
            rule=chosen.rule,
            why=chosen.why,
            leg=chosen.leg,
            reference=reference,
            uetr=uetr,
            detail=detail or said,
            moves=self._choices.moves(chosen.key),
        )


class _NoGateway:
    """Stands where no gateway is set: nothing can be told of any message."""

    def find(self, reference: str) -> Answer:
        return Unknown("no gateway is set")

    def send(self, reference: str, content: Any) -> Answer | None:
        return Unknown("no gateway is set")


def _remittance(instruction: Instruction, names: Names) -> Remittance:
    return Remittance(
        end_to_end_id=instruction.end_to_end_id,
        uetr=uuid.UUID(names.uetr(instruction.uetr)),
        text=instruction.remittance,
    )


def _of_submission(submission: Submission) -> RailStatus:
    if submission.state is SubmissionState.FINAL:
        return RailStatus.PAID
    failed = submission.state in NEGATIVE or submission.state is SubmissionState.CONFLICT
    return RailStatus.FAILED if failed else RailStatus.ACCEPTED


def _of_effect(effect: Effect) -> RailStatus:
    return {EffectState.CONFIRMED: RailStatus.SENT, EffectState.FAILED: RailStatus.FAILED}.get(
        effect.state, RailStatus.ACCEPTED
    )


def _not_changeable(chosen: Chosen, status: RailStatus, why: str) -> RailNotChangeable:
    rail = Rail.TOKEN if chosen.stage is Stage.TOKEN else Rail.SWIFT
    return RailNotChangeable(
        f"The payment {chosen.key!r} stays on {rail}: {why}.", key=chosen.key, rail=rail.value, status=status.value
    )
