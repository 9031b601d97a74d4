"""Taking operations in: checked, asked about, stored, signed, sent; and what is told of each.

Decisions that govern this module:

* Whoever is here asks for these keys alone (``same_key``), so that what is not known now stays unknown until it is
  stored here.
* What a call reads before it holds its lanes may be out of date by then: funds are counted once more where anything was
  stored for the payer meanwhile. The rest only ever allows less.
* Once it is stored, nothing is raised but what a signer said: its submission is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from pyjpm.chain.nodes import View
from pyjpm.chain.values import check_address
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError
from pyjpm.errors.custody import SigningRefused
from pyjpm.sending.acceptance import Accepted, NotSure
from pyjpm.sending.admission import Admission
from pyjpm.sending.clock import Clock
from pyjpm.sending.delivery import MANY
from pyjpm.sending.each import require_new, require_plain
from pyjpm.sending.journal import Journal
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.numbering import Numbering
from pyjpm.sending.operation import Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.requests import Batch, Carrier, Request, fresh_of, owners_of, refusal_of_all
from pyjpm.sending.same_key import SameKey
from pyjpm.sending.signing import TransactionSigner
from pyjpm.sending.told import Told


class Taking:
    """Takes in what is asked for. Safe among threads.

    Args:
        needs_approval: which operations wait for somebody's word.
        accepting: how many calls are accepted and signed at once, while others wait or send; None: all.
    """

    def __init__(
        self,
        journal: Journal,
        lanes: LaneKeeper,
        admission: Admission,
        numbering: Numbering,
        negative: NegativeAnswers,
        needs_approval: Callable[[Operation], bool],
        clock: Clock,
        *,
        accepting: int | None,
    ) -> None:
        self._journal = journal
        self._lanes = lanes
        self._admission = admission
        self._numbering = numbering
        self._negative = negative
        self._needs_approval = needs_approval
        self._clock = clock
        self._turns: AbstractContextManager[object] = (
            nullcontext() if accepting is None else BoundedSemaphore(accepting)
        )
        self._same_owner = SameKey()
        self._block_gas_limit: int | None = None

    def take(
        self,
        batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]],
        *,
        simulate: bool,
        together: Operation | None = None,
        plain: bool = False,
    ) -> Told:
        """Accepts, signs and sends what is new, and carries on with what is not.

        Args:
            plain: raise NotPlain, and store nothing, unless all of it is new and is to be sent: it was asked for by
                several, and no answer may hang on another's.
        """
        signers: dict[str, TransactionSigner] = {check_address(signer.address): signer for signer, _ in batches}
        assert len(signers) == len(batches), "a wallet is named twice"
        with ExitStack() as turn:
            turn.enter_context(self._turns)
            carrier = None if together is None else self._carrier_of(together)
            checked = [
                Batch(wallet, [self._checked(wallet, operation, simulate) for operation in operations], carrier)
                for wallet, (_, operations) in zip(signers, batches, strict=True)
            ]
            stored = self._journal.acceptance.stored(signers)
            known = self._journal.acceptance.known(checked)
            if plain:
                require_new(known)
            fresh = fresh_of(checked, known)
            sent = _Sent()
            if fresh:
                sent = self._send(
                    fresh,
                    known,
                    signers,
                    turn,
                    simulate=simulate,
                    plain=plain,
                    unknown_since=None if any(known) else stored,
                )
            failed = [*sent.failed, *self._carry_on_pending(signers, known)]
        ids = [
            [
                sent.ids.get((request.owner, request.operation.key))
                or sent.ids.get((batch.wallet, request.operation.key))
                or found[request.operation.key].id
                for request in batch.requests
            ]
            for batch, found in zip(checked, known, strict=True)
        ]
        unread = [each for its in ids for each in its if each not in sent.told]
        told = {**sent.told, **{each.id: each for each in self._journal.get_many(unread)}} if unread else sent.told
        return Told([[told[each] for each in its] for its in ids], sent.refusals, failed)

    def _send(
        self,
        fresh: Sequence[Batch],
        known: Sequence[Mapping[str, Submission]],
        signers: Mapping[str, TransactionSigner],
        turn: ExitStack,
        *,
        simulate: bool,
        plain: bool,
        unknown_since: Mapping[str, int] | None,
    ) -> _Sent:
        """Admits, stores, signs and sends; ``turn`` is given back as soon as there is nothing left but to send. Raises
        the refusal of all, NotPlain."""
        wallets, owners = [batch.wallet for batch in fresh], owners_of(fresh)
        before = self._journal.acceptance.stored([*wallets, *owners])
        view = self._lanes.view()
        self._lanes.take_up({wallet: signers[wallet] for wallet in wallets}, view)
        asked = self._admission.admit(fresh, view, simulate=simulate)
        self._require_wanted(asked, known, plain=plain)
        # Read before the lanes are held, for others wait for them: nonces used since only widen it.
        window = self._numbering.window(wallets, view)
        ids: dict[tuple[str, str], str] = {}
        with ExitStack() as leaving:
            held = leaving.enter_context(ExitStack())
            held.enter_context(self._journal.lanes.held(wallets))
            # Of a payer's wallets one after the other: what is stored for one counts for the next.
            with self._same_owner.alone(("", each) for each in owners) if simulate else nullcontext():
                if simulate and self._journal.acceptance.stored(before) != before:
                    asked = self._admission.within_funds(asked, self._lanes.view())
                    self._require_wanted(asked, known, plain=plain)
                accepted = self._store(asked, fresh, known, window, view, unknown_since, simulate=simulate, plain=plain)
            for batch, each in zip(fresh, accepted.ids, strict=True):
                for request, submission in zip(batch.requests, each, strict=True):
                    key = request.operation.key
                    ids[request.owner, key] = ids[batch.wallet, key] = submission
            signed, failed, refused = self._lanes.sign(wallets, known=accepted.to_sign)
            turn.close()
            # What comes after this may be signed while this is sent, but leaves after it.
            leaving.enter_context(self._lanes.leaving(wallets))
            held.close()
            self._lanes.send(signed, view)
        refusals = {
            each.id: refusal
            for attempt, refusal in refused
            for each in attempt.asked
            if self._may_be_told(each.owner, view)
        }
        # What nodes said of them is not stored yet either.
        told = accepted.as_signed(signed) if len(signed) >= MANY else {}
        return _Sent(ids, told, refusals, failed)

    def _store(
        self,
        asked: Sequence[Batch],
        fresh: Sequence[Batch],
        known: Sequence[Mapping[str, Submission]],
        window: Mapping[str, int],
        view: View,
        unknown_since: Mapping[str, int] | None,
        *,
        simulate: bool,
        plain: bool,
    ) -> Accepted:
        """Stores what was admitted at this view (``asked``, of ``fresh``); the lanes are held."""
        while True:
            try:
                return self._journal.acceptance.accept(
                    asked, window=window, now=int(self._clock.time()), head=view.number, unknown_since=unknown_since
                )
            except NotSure:
                # A lane was found behind since: what is refused waits, or is done by now.
                view = self._lanes.view()
                asked = self._admission.admit(fresh, view, simulate=simulate)
                self._require_wanted(asked, known, plain=plain)

    def _may_be_told(self, owner: str, view: View) -> bool:
        """Whether its client may hear of a refusal now. It is stored: what cannot be asked is found by waiting."""
        try:
            return self._negative.allowed(owner, view)
        except ChainError:
            return False

    def _require_wanted(
        self, asked: Sequence[Batch], known: Sequence[Mapping[str, Submission]], *, plain: bool
    ) -> None:
        if any(each.refused is not None for batch in asked for each in batch.requests):
            # Another process that serves these wallets by now may be accepting the same: only one says "no".
            self._journal.lanes.require_held([batch.wallet for batch in asked])
        if plain:
            require_plain(asked)
        if (refusal := refusal_of_all(asked, known)) is not None:
            raise refusal

    def _carrier_of(self, together: Operation) -> Carrier:
        to = together.checked_to(self._gas_limit(together.gas))
        assert to is not None, "a creation carries nothing"
        return Carrier(to, together.data, together.gas)

    def _gas_limit(self, wanted: int) -> int:
        """Of a block. Read when needed and kept: a chain's gas limit hardly moves."""
        if self._block_gas_limit is None or wanted > self._block_gas_limit:
            view = self._lanes.view()
            self._block_gas_limit = view.connection.block(view.number).gas_limit
        return self._block_gas_limit

    def _checked(self, wallet: str, operation: Operation, simulate: bool) -> Request:
        to = operation.checked_to(self._gas_limit(operation.gas))
        return Request.of(
            operation,
            to,
            operation.owner or f"wallet {wallet}",
            needs_approval=self._needs_approval(operation),
            simulate=simulate,
        )

    def _carry_on_pending(
        self, signers: Mapping[str, TransactionSigner], known: Sequence[Mapping[str, Submission]]
    ) -> list[PyjpmError]:
        """Asked for again before it had an outcome: sign what has no bytes, send again what has some. Returns why
        signers failed for now; what they refused is told by its own submission."""
        pending = [each for found in known for each in found.values() if each.is_pending]
        mine = {each.wallet: signers[each.wallet] for each in pending if each.wallet in signers}
        if not mine:
            return []
        resend = any(each.state in (State.SIGNED, State.BROADCAST) for each in pending)
        try:
            self._lanes.take_up(mine, self._lanes.view())
            failures = self._lanes.carry_on(list(mine), resend=resend)
        except ChainError:
            return []  # what is stored is a valid answer; the next look goes on
        return [each for each in failures if not isinstance(each, SigningRefused)]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was new: its submissions by whose they are and their key, what is known of them already, and what signers
    said (see Told)."""

    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)
    told: Mapping[str, Submission] = field(default_factory=dict)
    refusals: Mapping[str, PyjpmError] = field(default_factory=dict)
    failed: Sequence[PyjpmError] = ()
