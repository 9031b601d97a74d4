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
* A "no" is as serious as a payment: FAILED is told only where the world, asked again, has the payment nowhere else, and
  no wallet of the payer recovers. A database that was restored has forgotten changes of rail, too.
* A rail changes by a person's word only. What is on its way by token is voided first; a message never is, it must have
  been refused by the gateway.
"""

from __future__ import annotations

import logging
import time as wall
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pyjpm.chain.nodes import Nodes
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError
from pyjpm.errors.deployment import NotOnboarded
from pyjpm.errors.outbox import ReferenceVoided
from pyjpm.errors.rails import NoRail, RailConflict, RailNotChangeable, RailPaymentNotFound, RailUnclear
from pyjpm.errors.sending import StillPending
from pyjpm.platform import Platform
from pyjpm.rails.choosing import REFUSALS, Chooser
from pyjpm.rails.decision import STOPPED, Decision
from pyjpm.rails.facts import Directory, Facts
from pyjpm.rails.gateway import NoGateway
from pyjpm.rails.instruction import Instruction
from pyjpm.rails.lock import Spent, TokenLock
from pyjpm.rails.message import MessageMaker
from pyjpm.rails.names import Names
from pyjpm.rails.payment import RailPayment, RailStatus, status_of_effect, status_of_submission
from pyjpm.rails.rulebook import Rail, Rulebook
from pyjpm.rails.store import Choices, Chosen, Stage
from pyjpm.remittance import Remittance
from pyjpm.sending import Submission, SubmissionState
from pyjpm.sending.clock import Clock
from pyjpm.sending.effects import PATIENCE, Effects, EffectState
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.outside import Found, Outside
from pyjpm.sending.trail import Word

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
        self._gateway = gateway
        self._clock = clock
        self._database = platform.session.journal.database
        self._choices = Choices(self._database, owner)
        self._lock = TokenLock(platform, self._choices)
        self._chooser = Chooser(platform, rulebook, directory, gateway, maker, self._choices, self._lock)
        self._effects = Effects(self._database, patience=patience, clock=clock)

    # --- deciding --------------------------------------------------------------------------------------------------

    def explain(self, instruction: Instruction) -> Decision:
        """Which rail the payment would take now, and why. Stores nothing, sends nothing.

        Raises:
            InvalidInstruction, AmountNotPositive
        """
        return self._chooser.decide(instruction.check(), int(self._clock.time()))

    def pay(self, instruction: Instruction, *, idempotency_key: str) -> RailPayment:
        """Chooses the rail, stores the choice, and pays or sends; the same key again goes on with the same rail.

        Raises:
            InvalidInstruction: it could go by no rail.
            NoRail: the rules send it by none; nothing was stored.
            RailUnclear: nor was anything, and it may have been made before.
            IdempotencyConflict: the key was used for another payment.
            What the chosen rail refuses: as ``payments.create``; a message maker's own error, before anything is
            stored. The choice stands then: repeat, or :meth:`change` the rail.
        """
        content = instruction.check().to_content()
        chosen = self._choices.find(idempotency_key, content)
        if chosen is None:
            chosen = self._chosen(instruction, content, idempotency_key)
        return self._told(chosen, again=True)

    def change(self, idempotency_key: str, *, who: str, reason: str) -> RailPayment:
        """Moves a payment to the other rail: from token to SWIFT while it is unpaid, from SWIFT to token once the
        gateway has refused the message for good.

        From token, its reference is voided first; should the chain pay it before that, it was paid by token.

        Raises:
            RailPaymentNotFound, ReasonMissing
            RailNotChangeable: it was paid, or its message may have been sent, or the other rail is not possible.
            RailUnclear: the gateway does not answer, or has a message that it had refused.
        """
        word = Word(who, "change", idempotency_key, reason)
        chosen = self._found(idempotency_key)
        now = int(self._clock.time())
        instruction = Instruction.from_content(chosen.content)
        if chosen.stage is Stage.TOKEN:
            seen = self._seen(chosen)
            if seen.status is RailStatus.PAID or self._lock.spent(self._names(chosen)) is Spent.PAID:
                raise _not_changeable(chosen, seen.status, "it was paid by token")
            facts = self._chooser.facts(instruction, now)
            if problem := facts.stopped or facts.no_swift:
                raise _not_changeable(chosen, seen.status, problem)
            # What cannot be written is no reason to void anything.
            self._chooser.message(self._names(chosen), instruction, now)
            moved = self._move(chosen, Stage.LOCKING, chosen.leg, word, now)
        elif chosen.stage is Stage.SWIFT:
            effect = self._effects.find(self._names(chosen).effect)
            if effect.state is not EffectState.FAILED:
                raise _not_changeable(chosen, status_of_effect(effect), "its message may have been sent")
            self._require_no_message(chosen)
            facts = self._chooser.facts(instruction, now)
            if facts.stopped or facts.no_token:
                raise _not_changeable(chosen, RailStatus.FAILED, facts.stopped or facts.no_token)
            moved = self._move(chosen, Stage.TOKEN, chosen.leg + 1, word, now, facts)
        else:
            raise _not_changeable(chosen, RailStatus.LOCKING, "it is on its way to SWIFT already")
        if not moved:
            raise _not_changeable(chosen, RailStatus.ACCEPTED, "somebody else has changed it meanwhile")
        return self._told(self._found(idempotency_key), again=True)

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
                going.append(self._undecided(chosen.key, error))
        return going

    def get(self, idempotency_key: str) -> RailPayment:
        """A payment as it is stored; chain and gateway are asked only before it is called FAILED.

        What is found wrong by that, such as another payment under its reference, is told in ``detail``.

        Raises RailPaymentNotFound.
        """
        chosen = self._found(idempotency_key)
        try:
            return self._checked(chosen)
        except PyjpmError as error:
            return self._undecided(chosen.key, error)

    def wait(self, idempotency_key: str, timeout: float | None = None) -> RailPayment:
        """A payment once it is PAID, SENT or FAILED.

        Raises:
            RailPaymentNotFound; as :meth:`pay`
            StillPending: not yet, after ``timeout`` seconds (the client's default if None); it may still come.
        """
        limit = self._platform.session.timeout if timeout is None else timeout
        deadline = self._clock.monotonic() + limit
        while True:
            chosen = self._found(idempotency_key)
            waits = chosen.held is not None and self._nothing_left(chosen)
            seen = self._checked(chosen) if waits else self._told(chosen, again=False)
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

    def _chosen(self, instruction: Instruction, content: Mapping[str, Any], key: str) -> Chosen:
        """The choice, stored. It is refused only where nobody chose meanwhile, and no payment of it was forgotten by a
        database that was restored."""
        try:
            return self._chooser.choose(instruction, content, key, int(self._clock.time()))
        except REFUSALS as refused:
            meanwhile = self._choices.find(key, content)
            if meanwhile is not None:
                return meanwhile
            # In this order: what recovers may be on the chain by the time that it has recovered.
            if self._lanes_are_known() and self._chooser.in_the_world(key) is None:
                raise
            raise RailUnclear(
                f"The payment {key!r} is refused now ({refused.code}), and may have been made before.",
                key=key,
                answer=refused.code,
            ) from refused

    def _told(self, chosen: Chosen, *, again: bool) -> RailPayment:
        """Goes on for a caller, who is told what comes of it. Who is told that it did not work may pay in another way:
        so, unless something is on its way already, it waits then until it is asked for ``again``."""
        if again and chosen.held is not None:
            self._choices.hold(chosen, None)
        try:
            return self._carry_on(chosen, again=again)
        except PyjpmError as error:
            now = self._found(chosen.key)
            if self._nothing_left(now):
                self._choices.hold(now, f"{error.code}: {error.message}")
            raise

    def _carry_on(self, chosen: Chosen, *, again: bool, checked: bool = False) -> RailPayment:
        if chosen.stage is Stage.LOCKING:
            chosen = self._to_swift(chosen, again=again)
        if chosen.stage is Stage.TOKEN:
            try:
                self._pay_by_token(chosen, again=again)
            except PyjpmError:
                # Perhaps because it went on, which this database has forgotten.
                other = self._elsewhere(chosen, adopt=False)
                if other is None:
                    raise
                return self._carry_on(other, again=again, checked=checked)
        if chosen.stage is Stage.SWIFT:
            self._effects.carry_out(self._names(chosen).effect, self._other_side())
        seen = self._seen(self._found(chosen.key)) if checked else self._checked(chosen)
        if seen.status in (RailStatus.PAID, RailStatus.SENT):
            self._choices.end(self._found(chosen.key))
        return seen

    def _undecided(self, key: str, error: PyjpmError) -> RailPayment:
        """The payment with what went wrong when it was looked at, which makes no "no"."""
        seen = self._seen(self._found(key), detail=f"{error.code}: {error.message}")
        return replace(seen, status=RailStatus.ACCEPTED) if seen.status is RailStatus.FAILED else seen

    def _checked(self, chosen: Chosen) -> RailPayment:
        """The payment; a "no" only once the world was asked."""
        seen = self._seen(chosen)
        if seen.status is not RailStatus.FAILED:
            return seen
        try:
            # First: what recovers may be on the chain by the time that it has recovered.
            known = self._lanes_are_known()
            other = self._elsewhere(chosen)
            if other is None and chosen.stage is Stage.SWIFT:
                self._require_no_message(chosen)
            if other is None and known:
                return seen
            said = "a wallet of the payer recovers"
            if other is not None:
                seen = self._carry_on(other, again=True, checked=True)
                said = seen.moves[-1].reason
                if seen.status is not RailStatus.FAILED:
                    return seen
        except (RailUnclear, ChainError) as error:
            said = f"{error.code}: {error.message}"
        return replace(seen, status=RailStatus.ACCEPTED, detail=said)

    def _elsewhere(self, chosen: Chosen, *, adopt: bool = True) -> Chosen | None:
        """The payment as the world has it, stored so, where that is further than what was stored; else None.

        Args:
            adopt: also where the chain has just this leg as paid, and the outbox is still to find its payment there.

        Raises:
            RailUnclear; transport faults
        """
        where = self._chooser.in_the_world(chosen.key)
        if where is None or not (where.is_beyond(chosen) or (where.paid and adopt)):
            return None
        now, word = int(self._clock.time()), Word("the world", "change", chosen.key, where.how)
        facts = None
        if where.leg > chosen.leg or chosen.payee is None:  # a leg keeps whom it was to pay
            facts = self._chooser.facts(Instruction.from_content(chosen.content), now)
        self._move(chosen, where.stage, where.leg, word, now, facts if facts and facts.payee_wallet else None)
        return self._found(chosen.key)

    def _require_no_message(self, chosen: Chosen) -> None:
        """Raises RailUnclear unless the gateway, which had refused its message, still does not have it."""
        if isinstance(self._chooser.asked(self._names(chosen)), Found):
            raise RailUnclear(
                f"The gateway had refused the message of {chosen.key!r}, and has it now.", key=chosen.key, answer=None
            )

    def _lanes_are_known(self) -> bool:
        """Whether no lost bytes of the payer's wallets may be alive, as far as the world can tell."""
        session = self._platform.session
        session.serve()
        nodes = Nodes([session.connection])
        view = nodes.best(session.journal.highest_head)
        return NegativeAnswers(nodes, session.journal.lanes).allowed(str(session.owner), view)

    def _move(self, chosen: Chosen, stage: Stage, leg: int, word: Word, now: int, facts: Facts | None = None) -> bool:
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
            if self._lock.spent(names) is Spent.PAID:
                raise self._conflict(chosen)
            raise ReferenceVoided(
                f"The payment {chosen.key!r} is voided on the chain, and its creditor is not there.", submission=None
            )
        instruction = Instruction.from_content(chosen.content)
        value_from = self._chooser.value_from(instruction)
        self._platform.payments.create(
            chosen.payee,
            instruction.amount,
            idempotency_key=names.token_key,
            remittance=_remittance(instruction, names) if chosen.sealed else b"",
            not_before=value_from if value_from > self._clock.time() else None,
        )

    def _nothing_left(self, chosen: Chosen) -> bool:
        """Whether neither a token payment nor a message of its leg has been accepted by anybody."""
        if chosen.stage is Stage.TOKEN:
            return self._submission(self._names(chosen)) is None
        return chosen.stage is Stage.LOCKING

    def _submission(self, names: Names) -> Submission | None:
        found = self._choices.submission(names.token_key)
        return None if found is None else self._platform.session.journal.get(found)

    # --- to SWIFT --------------------------------------------------------------------------------------------------

    def _to_swift(self, chosen: Chosen, *, again: bool) -> Chosen:
        """The payment once no token can follow: at SWIFT with its message's intent, or at TOKEN where it was paid
        there. Itself where neither is certain yet."""
        names, instruction = self._names(chosen), Instruction.from_content(chosen.content)
        spent = self._lock.close(names, instruction, again=again)
        if spent is Spent.UNSPENT:
            return chosen
        if spent is Spent.PAID:
            return self._paid_first(chosen)
        stopped = self._chooser.facts(instruction, int(self._clock.time())).stopped
        if stopped and not isinstance(self._chooser.asked(names), Found):
            raise NoRail(f"No message is made: {stopped}.", rule=STOPPED, why=[stopped])
        content = self._chooser.message_of_voided(names, instruction, chosen.stage_at)
        with self._database.transaction() as connection:
            if self._choices.advance(connection, chosen, Stage.SWIFT, now=chosen.stage_at):
                self._effects.intend(names.effect, MESSAGE, content, connection=connection)
        return self._found(chosen.key)

    def _paid_first(self, chosen: Chosen) -> Chosen:
        if chosen.payee is None:
            raise self._conflict(chosen)
        now = int(self._clock.time())
        word = Word("the chain", "change", chosen.key, "it was paid by token before its reference could be voided")
        self._move(chosen, Stage.TOKEN, chosen.leg, word, now)
        return self._found(chosen.key)

    def _conflict(self, chosen: Chosen) -> RailConflict:
        return RailConflict(
            f"The chain has a payment under the key {chosen.key!r}, whose creditor is not there.",
            key=chosen.key,
            reference="0x" + self._names(chosen).reference.hex(),
        )

    def _other_side(self) -> Outside:
        return self._gateway or NoGateway()

    # --- looks -----------------------------------------------------------------------------------------------------

    def _names(self, chosen: Chosen) -> Names:
        return self._chooser.names(chosen.key, chosen.leg)

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
            status = RailStatus.ACCEPTED if submission is None else status_of_submission(submission)
            said = None if submission is None else submission.state.value
            reference = "0x" + names.reference.hex()
        else:
            reference, uetr = names.message_reference, names.uetr(instruction.uetr)
            status, said = RailStatus.LOCKING, None
            if chosen.stage is Stage.SWIFT:
                effect = self._effects.find(names.effect)
                status, said = status_of_effect(effect), effect.detail
        if chosen.held is not None and self._nothing_left(chosen):
            # A token payment that is being withdrawn may still be paid: only where nothing left is it a "no".
            status = RailStatus.FAILED if chosen.stage is Stage.TOKEN else RailStatus.LOCKING
            said = chosen.held
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


def _remittance(instruction: Instruction, names: Names) -> Remittance:
    return Remittance(
        end_to_end_id=instruction.end_to_end_id,
        uetr=uuid.UUID(names.uetr(instruction.uetr)),
        text=instruction.remittance,
    )


def _not_changeable(chosen: Chosen, status: RailStatus, why: str) -> RailNotChangeable:
    rail = Rail.TOKEN if chosen.stage is Stage.TOKEN else Rail.SWIFT
    return RailNotChangeable(
        f"The payment {chosen.key!r} stays on {rail}: {why}.", key=chosen.key, rail=rail.value, status=status.value
    )
