"""The sender: operations in, the chain's answers out.

How exactly-once is kept:

1. A request is looked up by its owner and key: what was accepted before is never accepted twice.
2. The chain is asked for its name: what lost bytes did already is adopted. It is simulated, with what is on its way
   taken off the payer's funds. Refused: nothing is stored, and no nonce is burnt.
3. One commit stores it and binds a nonce to it, where its lane has room; otherwise it waits in its order.
4. It is signed outside any transaction (a device may be slow), by a signer that first writes down the nonce; a second
   commit stores the bytes. Only stored bytes are sent. A number without bytes is signed next.
5. Every answer of a node means unknown: the same bytes go again until their nonce is used (``delivery``).
6. A receipt with the operation's own event, or the contract's own word, is the only outcome (``resolution``).

So a process that dies at any point leaves either nothing, or a stored operation that ``resume`` carries on: whatever is
sent twice is the same bytes, which a chain takes once. What happens when the database itself is older than the world is
in ``recovery``, who may be told of a failure in ``negative``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, TypeVar

from pyjpm.chain.connection import Connection
from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.values import check_address
from pyjpm.errors.chain import TransportFault
from pyjpm.errors.seeing import ViewBehind
from pyjpm.sending.admission import Admission
from pyjpm.sending.approvals import ApprovalPolicy, standing_words
from pyjpm.sending.clock import Clock
from pyjpm.sending.delivery import Delivery
from pyjpm.sending.each import Answer, each_answered
from pyjpm.sending.endings import error_of, raise_if_quarantined, still_pending
from pyjpm.sending.funds import Funds, NoFunds
from pyjpm.sending.group_commit import GroupCommit
from pyjpm.sending.journal import Journal
from pyjpm.sending.keeper import LaneKeeper
from pyjpm.sending.negative import NegativeAnswers
from pyjpm.sending.numbering import Numbering
from pyjpm.sending.operation import Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.recovery import Recovery
from pyjpm.sending.resolution import Decoder, Resolver
from pyjpm.sending.retiring import Retiring
from pyjpm.sending.same_key import SameKey
from pyjpm.sending.settings import Settings
from pyjpm.sending.signing import TransactionSigner
from pyjpm.sending.taking import Taking
from pyjpm.sending.told import Told
from pyjpm.sending.used import UsedNonces
from pyjpm.sending.witness import NoWitness, Witness

_FIRST_POLL: Final = 0.005
_LONGEST_POLL: Final = 0.25
_HEAD_POLL: Final = 0.02  # how often it is looked for a new block between two looks at the lane
_NEVER_TAKEN_BACK: Final = 64  # blocks; development chains may take back a few

T = TypeVar("T")


class Sender:
    """Carries operations to the chain, each exactly once.

    Threads: any number; the transactions of one wallet leave one after the other, unless every node lets nonces wait
    for those before them. Forks: as its journal.

    Args:
        chain: the chain, through one node or several.
        journal: bound to the same chain; raises JournalOfOtherChain otherwise.
        decode: revert data to a typed error.
        witness: reads from the contracts what became of an operation.
        funds: what operations take and payers have; None: simulations alone decide.
        needs_approval: which operations wait for somebody's word.
    """

    def __init__(
        self,
        chain: Connection | Nodes,
        journal: Journal,
        *,
        decode: Decoder,
        witness: Witness | None = None,
        funds: Funds | None = None,
        needs_approval: ApprovalPolicy | None = None,
        clock: Clock = time,
        settings: Settings | None = None,
    ) -> None:
        settings = Settings() if settings is None else settings
        nodes = chain if isinstance(chain, Nodes) else Nodes([chain], clock=clock)
        journal.expect(genesis_hash=nodes.genesis_hash, chain_id=nodes.chain_id)
        known = NoWitness() if witness is None else witness
        self._journal = journal
        self._clock = clock
        self._same_key = SameKey()
        self._groups: GroupCommit[Operation, Submission] = GroupCommit()
        self._resolver = Resolver(nodes, journal.lanes, journal.attempts, journal.outcomes, known, decode, clock)
        used = UsedNonces()
        numbering = Numbering(
            nodes,
            journal,
            known,
            decode,
            used,
            clock,
            window=settings.window,
            standing=standing_words(journal, needs_approval),
        )
        self._lanes = LaneKeeper(
            nodes,
            journal,
            self._resolver,
            Delivery(nodes, journal.attempts, clock, jam_after=settings.jam_after),
            Recovery(nodes, journal.lanes, journal.attempts, window=settings.window),
            numbering,
            Retiring(nodes, journal, known, clock),
            used,
            clock,
            jam_after=settings.jam_after,
            signing=settings.signing,
        )
        negative = NegativeAnswers(nodes, journal.lanes)
        self._taking = Taking(
            journal,
            self._lanes,
            Admission(journal, self._lanes, negative, known, NoFunds() if funds is None else funds, decode, clock),
            numbering,
            negative,
            needs_approval or (lambda operation: False),
            clock,
            accepting=settings.accepting,
        )

    # --- sending ---------------------------------------------------------------------------------------------------

    def submit(self, signer: TransactionSigner, operation: Operation, *, simulate: bool = True) -> Submission:
        """Accept an operation and send it; returns once it is stored and sent, not once it is mined.

        A submission that reverted or was rejected is attempted again, with a new nonce, under the same key.

        Threads that submit for one wallet at the same time share commits (``group_commit``); each is told of its own.

        Args:
            signer: of the wallet that sends.
            operation: what to do.
            simulate: refuse it now if it would revert on the present state. Creations are not simulated.

        Raises:
            IdempotencyConflict, InvalidIdempotencyKey, InvalidOperation, InvalidAddress, LaneHalted; what the chain
            says already: ReferenceConflict, ReferenceVoided; in a simulation the decoded error of the contract, and
            InFlightExceedsFunds; a transport fault before anything was stored; what the signer raises, and
            SignerMismatch: then the operation is stored, and goes on with the next submission of this wallet. What the
            signer refuses for good ends REJECTED, and is raised here unless lost bytes may be doing the same.
        """
        with self._alone([(signer, [operation])]):
            return self._groups.do(
                # The signer too: two of one wallet need not be of one mind. The owner: it has limits of its own.
                (check_address(signer.address), operation.owner, id(signer), simulate),
                operation,
                alone=lambda: self._submit([(signer, [operation])], simulate=simulate)[0][0],
                together=lambda operations: self._submit_plain(
                    signer, operations, simulate=simulate, answer=Told.answer_if_sure
                ),
            )

    def submit_each(
        self, signer: TransactionSigner, operations: Sequence[Operation], *, simulate: bool = True
    ) -> list[Answer]:
        """As ``submit`` for each of many of one wallet, at the price of ``submit_many``: what it returns or raises.

        A refusal of one says nothing of another. The simulations are each against the present state, without the others
        before it; what was asked for before is asked for after the others.

        Raises what says nothing of any one (``each.NOT_OF_ONE``: transport faults, Fenced, JournalFailed and the like):
        some of it may be accepted then, and all of it may be asked for again.
        """
        with self._alone([(signer, operations)]):
            return each_answered(
                operations,
                together=lambda some: self._submit_plain(signer, some, simulate=simulate, answer=Told.answer),
                alone=lambda operation: self.submit(signer, operation, simulate=simulate),
            )

    def submit_many(
        self, signer: TransactionSigner, operations: Sequence[Operation], *, simulate: bool = False
    ) -> list[Submission]:
        """As ``submit`` for many of one wallet: one commit for all nonces, one for all bytes, then all are sent.

        A refusal of one is raised, and nothing is accepted, unless another of them happened before, or may have: then
        each is accepted or REJECTED by itself, and nothing is raised. The simulations are each against the present
        state, without the others before it. What the signer refuses of several is told by its own state, and
        raised where it refuses all of them.
        """
        return self.submit_batches([(signer, operations)], simulate=simulate)[0]

    def submit_batches(
        self, batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]], *, simulate: bool = False
    ) -> list[list[Submission]]:
        """As ``submit_many`` for several wallets, each named once: the commits are those of one wallet.

        The wallets' transactions are sent in the order given.
        """
        with self._alone(batches):
            return self._submit(batches, simulate=simulate)

    def _alone(self, batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]]) -> AbstractContextManager[None]:
        self._journal.database.require_open()
        return self._same_key.alone(_keys(batches))

    def _submit(
        self,
        batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]],
        *,
        simulate: bool,
        together: Operation | None = None,
    ) -> list[list[Submission]]:
        told = self._taking.take(batches, simulate=simulate, together=together)
        told.raise_what_signers_said()
        return told.submissions

    def _submit_plain(
        self,
        signer: TransactionSigner,
        operations: Sequence[Operation],
        *,
        simulate: bool,
        answer: Callable[[Told, Submission], T],
    ) -> list[T]:
        """As ``submit`` for each: what ``answer`` says of it. Raises NotPlain, and as ``submit``: then nothing is said
        of any."""
        told = self._taking.take([(signer, operations)], simulate=simulate, plain=True)
        return [answer(told, each) for each in told.submissions[0]]

    def submit_together(
        self, signer: TransactionSigner, together: Operation, operations: Sequence[Operation], *, simulate: bool = True
    ) -> list[Submission]:
        """Accept many operations that one call does, all or none, and send that call.

        Each operation keeps its own state. If the call reverts after all, or cannot be sent, each operation is sent by
        itself: one that cannot be carried out does not keep the others.

        Args:
            together: the call that does all of them; its key, kind and content are not stored.
            operations: each as it would be sent by itself.
            simulate: refuse all of them now if the call would revert on the present state.

        Raises as ``submit_many``; nothing is accepted then.
        """
        batches = [(signer, operations)]
        with self._alone(batches):
            return self._submit(batches, simulate=simulate, together=together)[0]

    def resume(self, signers: Mapping[str, TransactionSigner]) -> list[Submission]:
        """Take these wallets' leases and carry on with everything of theirs that has no outcome: to be called once
        after a start, with all wallets that this process serves, before anything else.

        Whoever held the leases before can write nothing more. Sent bytes are resolved or sent again, stored operations
        without bytes are signed under their own nonces and sent. A wallet of which the world knows more than the
        journal recovers first.

        Args:
            signers: by wallet. Submissions of other wallets are left to whoever serves those.

        Returns:
            What was open, as it is now, in the order of acceptance.

        Raises:
            JournalOfOtherChain where the chain was started anew; what a signer raises, after all other wallets were
            served; transport faults, ViewBehind.
        """
        view = self._lanes.view()
        self._check_chain(view)
        self._lanes.take_up(signers, view, again=True)
        before = self._journal.open_submissions()
        failures = self._lanes.carry_on([check_address(wallet) for wallet in signers], view)
        if failures:
            raise failures[0]
        return self._journal.get_many([each.id for each in before])

    def serve(self, signer: TransactionSigner) -> None:
        """Take a wallet up, if this process does not serve it yet: needed before the outcome of what an earlier
        process submitted for it is looked after. Raises transport faults, ViewBehind."""
        if not self._journal.lanes.is_taken(check_address(signer.address)):
            self._lanes.take_up({signer.address: signer}, self._lanes.view())

    def carry_on(self) -> None:
        """One step for every wallet that this process holds. Raises what a signer raises, transport faults, Fenced."""
        wallets = [lane.wallet for lane in self._journal.lanes.all() if self._journal.lanes.is_taken(lane.wallet)]
        if wallets and (failures := self._lanes.carry_on(wallets)):
            raise failures[0]

    # --- what became of it -----------------------------------------------------------------------------------------

    def find(self, wallet: str, key: str) -> Submission | None:
        """What the journal knows, without a look at the chain."""
        return self._journal.find(wallet, key)

    def find_many(self, wallet: str, keys: Sequence[str]) -> dict[str, Submission]:
        """As ``find`` for many, by key; without those of which the journal knows nothing."""
        return self._journal.find_many(wallet, keys)

    def refresh(self, submission_id: str) -> Submission:
        """One look at the chain; bytes without an outcome are sent again.

        Raises SubmissionNotFound, ForeignNonce, transport faults.
        """
        submission = self.refresh_many([submission_id])[0]
        raise_if_quarantined(submission)
        return submission

    def refresh_many(self, submission_ids: Sequence[str]) -> list[Submission]:
        """As ``refresh`` for many, in few requests. A foreign nonce shows in ``error`` and raises nothing."""
        before = self._journal.get_many(submission_ids)
        wallets = list(dict.fromkeys(each.wallet for each in before if each.is_pending))
        if not wallets:
            return before
        self._lanes.carry_on(wallets, resend=True)
        return self._journal.get_many(submission_ids)

    def wait(self, submission_id: str, timeout: float | None) -> Submission:
        """The submission once it is FINAL.

        Args:
            submission_id: its id.
            timeout: seconds; None waits for ever.

        Raises:
            StillPending when the time is over: never a failure. The contract's decoded error, or TransactionReverted,
            where it reverted; OperationRejected, OperationExpired, OperationCancelled, ReferenceVoided,
            ReferenceConflict, EffectMissing, ForeignNonce where it ended so. SubmissionNotFound.
        """
        clock = self._clock
        deadline = None if timeout is None else clock.monotonic() + timeout
        pause, answer = _FIRST_POLL, ""
        submission = self._journal.get(submission_id)
        while True:
            seen = self._lanes.highest_head
            if submission.is_pending:
                try:
                    self._lanes.carry_on_soon([submission.wallet])
                except (TransportFault, ViewBehind) as fault:
                    answer = fault.code
                submission = self._journal.get(submission_id)
            raise_if_quarantined(submission)
            if submission.state is State.FINAL:
                return submission
            if not submission.is_pending:
                raise error_of(submission, self._journal.attempts, self._resolver)
            now = clock.monotonic()
            if deadline is not None and now >= deadline:
                raise still_pending(submission, answer)
            rest = pause if deadline is None else min(pause, deadline - now)
            self._lanes.rest(rest, seen, look_every=_HEAD_POLL)
            pause = min(_LONGEST_POLL, pause * 2)

    def _check_chain(self, view: View) -> None:
        """Genesis and chain id do not tell a network from the one that was started anew from its files."""

        def block_hash(number: int) -> str | None:
            return view.connection.block(number).hash if number <= view.number else None

        self._journal.expect_checkpoint(block_hash)
        if view.number >= _NEVER_TAKEN_BACK:
            settled = view.connection.block(view.number - _NEVER_TAKEN_BACK)
            self._journal.move_checkpoint(settled.number, settled.hash)


def _keys(batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]]) -> Iterator[tuple[str, str]]:
    """Whose keys are asked for: known by their wallet, and by their owner where there is one."""
    for signer, operations in batches:
        wallet = check_address(signer.address)
        for each in operations:
            yield wallet, each.key
            if each.owner is not None:
                yield each.owner, each.key
