"""The one way in which this package changes a chain.

Decisions that govern this module, in the order of a submission's life:

1. Same key, same request: the stored submission, nothing new. Same key, other request: IdempotencyConflict.
2. Simulated as the wallet: what would revert now is refused with its typed error, and nothing is stored.
3. One commit binds a nonce to the whole operation. Signing happens outside of it (a device may be slow).
4. One commit stores the bytes. Only stored bytes are sent. A number without bytes is signed next, for its own stored
   operation: it is neither skipped nor given to another.
5. A receipt is the only outcome (``resolution``).

So a process that dies at any point leaves either nothing, or a stored operation that ``resume`` carries on under its
own nonce: whatever is sent twice is the same bytes, which a chain takes once.

Transactions are EIP-1559 (type 2) with both fees 0, on every chain: the type that Besu, Anvil and eth-tester take
alike and that has the chain id among the signed fields, where a legacy transaction may be left without one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pyjpm.chain.connection import Connection
from pyjpm.chain.raw import decode_raw
from pyjpm.chain.values import check_address
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import Reverted, TransportFault
from pyjpm.errors.sending import SignerMismatch, StillPending
from pyjpm.sending.attempts import Batch, Request
from pyjpm.sending.journal import Journal
from pyjpm.sending.operation import Operation, Submission, SubmissionState
from pyjpm.sending.reference import request_sha256
from pyjpm.sending.resolution import Decoder, Resolver, foreign_nonce
from pyjpm.sending.rows import Attempt
from pyjpm.sending.signing import TransactionSigner

_FIRST_POLL: Final = 0.005
_LONGEST_POLL: Final = 0.25
# Between looks at the nonce and the pool while waiting; a receipt is asked for at every poll.
_LOOK_AFTER: Final = 1.0


class Sender:
    """Carries operations to the chain, each exactly once.

    Threads: any number; the transactions of one wallet leave one after the other. Forks: as its journal.

    Args:
        connection: the chain.
        journal: bound to the same chain; raises JournalOfOtherChain otherwise.
        decode: revert data to a typed error.
    """

    def __init__(self, connection: Connection, journal: Journal, *, decode: Decoder) -> None:
        journal.expect(genesis_hash=connection.genesis_hash, chain_id=connection.chain_id)
        self._connection = connection
        self._journal = journal
        self._attempts = journal.attempts
        self._decode = decode
        self._resolver = Resolver(connection, journal.attempts, decode)
        self._block_gas_limit: int | None = None

    # --- sending ---------------------------------------------------------------------------------------------------

    def submit(self, signer: TransactionSigner, operation: Operation, *, simulate: bool = True) -> Submission:
        """Accept an operation and send it; returns once it is stored and sent, not once it is mined.

        A submission that reverted is attempted again, with a new nonce, under the same key.

        Args:
            signer: of the wallet that sends.
            operation: what to do.
            simulate: refuse it now if it would revert on the present state. Creations are not simulated.

        Raises:
            IdempotencyConflict, InvalidIdempotencyKey, InvalidOperation, InvalidAddress, LaneHalted; in a simulation
            the decoded error of the contract; a transport fault before anything was stored; what the signer raises,
            and SignerMismatch: then the operation is stored, and goes on with the next submission of this wallet.
        """
        return self.submit_many(signer, [operation], simulate=simulate)[0]

    def submit_many(
        self, signer: TransactionSigner, operations: Sequence[Operation], *, simulate: bool = False
    ) -> list[Submission]:
        """As ``submit`` for many of one wallet: one commit for all nonces, one for all bytes, then all are sent.

        All or nothing is accepted. The simulations are each against the present state, without the others before it.
        """
        return self.submit_batches([(signer, operations)], simulate=simulate)[0]

    def submit_batches(
        self, batches: Sequence[tuple[TransactionSigner, Sequence[Operation]]], *, simulate: bool = False
    ) -> list[list[Submission]]:
        """As ``submit_many`` for several wallets, each named once: the commits are those of one wallet.

        All or nothing of all wallets is accepted. The wallets' transactions are sent in the order given.
        """
        checked = [
            Batch(check_address(signer.address), [self._checked(operation) for operation in operations])
            for signer, operations in batches
        ]
        signers = {batch.wallet: signer for batch, (signer, _) in zip(checked, batches, strict=True)}
        assert len(signers) == len(batches), "a wallet is named twice"
        known = self._attempts.known(checked)
        fresh = [batch for batch, found in zip(checked, known, strict=True) if _new(batch, found)]
        if simulate:
            for batch, found in zip(checked, known, strict=True):
                for request in _new(batch, found):
                    self._simulate(batch.wallet, request)
        reserved: dict[str, list[str]] = {}
        if fresh:
            wallets = [batch.wallet for batch in fresh]
            with self._attempts.lanes(wallets):
                nonces = self._connection.transaction_counts(wallets)
                reserved = dict(zip(wallets, self._attempts.reserve(fresh, nonces), strict=True))
                self._sign_and_send({wallet: signers[wallet] for wallet in wallets})
        ids = []
        for batch, found in zip(checked, known, strict=True):
            if any(each.is_pending for each in found.values()):
                self._carry_on(signers[batch.wallet], batch.wallet, [each.id for each in found.values()])
            ids.append(reserved.get(batch.wallet) or [found[each.operation.key].id for each in batch.requests])
        stored = iter(self._journal.get_many([each for some in ids for each in some]))
        return [[next(stored) for _ in some] for some in ids]

    def resume(self, signers: Mapping[str, TransactionSigner]) -> list[Submission]:
        """Carry on with everything that has no outcome: to be called once after a start, before anything else.

        Sent bytes are resolved or sent again, stored operations without bytes are signed under their own nonces and
        sent, each wallet in the order of its nonces. Wallets without a signer here keep what they have to sign.

        Args:
            signers: by wallet.

        Returns:
            Those submissions as they are now, by wallet and nonce.

        Raises:
            What a signer raises, after all other wallets were served.
        """
        living = self._attempts.living()
        self._resolver.resolve(living)
        by_wallet: dict[str, TransactionSigner] = {check_address(wallet): signer for wallet, signer in signers.items()}
        failures: list[PyjpmError] = []
        for wallet in dict.fromkeys(each.wallet for each in living if each.raw is None):
            if wallet in by_wallet:
                try:
                    with self._attempts.lanes([wallet]):
                        self._sign_and_send({wallet: by_wallet[wallet]})
                except PyjpmError as error:
                    failures.append(error)
        if failures:
            raise failures[0]
        return self._journal.get_many([each.submission for each in living])

    # --- what became of it -----------------------------------------------------------------------------------------

    def find(self, wallet: str, key: str) -> Submission | None:
        """What the journal knows, without a look at the chain."""
        return self._journal.find(wallet, key)

    def refresh(self, submission_id: str) -> Submission:
        """One look at the chain; bytes that its node does not know are sent again.

        Raises SubmissionNotFound, ForeignNonce, transport faults.
        """
        submission = self.refresh_many([submission_id])[0]
        self._raise_if_taken(submission)
        return submission

    def refresh_many(self, submission_ids: Sequence[str]) -> list[Submission]:
        """As ``refresh`` for many, in few requests. A foreign nonce shows in ``error`` and raises nothing."""
        before = self._journal.get_many(submission_ids)
        pending = [each.id for each in before if each.is_pending]
        if not pending:
            return before
        self._resolver.resolve(self._attempts.of(pending))
        return self._journal.get_many(submission_ids)

    def wait(self, submission_id: str, timeout: float | None) -> Submission:
        """The submission once it is FINAL.

        Args:
            submission_id: its id.
            timeout: seconds; None waits for ever.

        Raises:
            StillPending when the time is over: never a failure. The contract's decoded error, or TransactionReverted,
            where it reverted. ForeignNonce, SubmissionNotFound.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, look_after, answer = _FIRST_POLL, time.monotonic(), ""
        submission = self._journal.get(submission_id)
        if submission.state == SubmissionState.BROADCAST:
            look_after += _LOOK_AFTER
        while True:
            now = time.monotonic()
            if submission.is_pending:
                try:
                    answers = self._resolver.resolve(self._attempts.of([submission_id]), resend=now >= look_after)
                    if now >= look_after:
                        look_after = now + _LOOK_AFTER
                    if submission_id in answers:
                        answer = answers[submission_id].outcome.value
                except TransportFault as fault:
                    answer = fault.code
                submission = self._journal.get(submission_id)
            self._raise_if_taken(submission)
            if submission.state == SubmissionState.FINAL:
                return submission
            if submission.state == SubmissionState.REVERTED:
                raise self._error_of(submission)
            if deadline is not None and now >= deadline:
                raise _still_pending(submission, answer)
            time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - now)))
            pause = min(_LONGEST_POLL, pause * 2)

    # --- steps -----------------------------------------------------------------------------------------------------

    def _checked(self, operation: Operation) -> Request:
        if self._block_gas_limit is None or operation.gas > self._block_gas_limit:
            self._block_gas_limit = self._connection.block("latest").gas_limit
        to = operation.checked_to(self._block_gas_limit)
        return Request(operation, to, request_sha256(operation.kind, operation.content))

    def _simulate(self, wallet: str, request: Request) -> None:
        if request.to is None:
            return
        try:
            self._connection.call(request.to, request.operation.data, sender=wallet)
        except Reverted as reverted:
            raise self._decode(reverted.data) from None

    def _sign_and_send(self, signers: Mapping[str, TransactionSigner]) -> None:
        """Sign whatever of these wallets has a nonce and no bytes, in order, commit, send. The lanes are held."""
        signed: list[Attempt] = []
        try:
            for attempt in self._attempts.unsigned(list(signers)):
                signed.append(self._signed(signers[attempt.wallet], attempt))
        finally:
            # What was signed before a signer failed goes on.
            if signed:
                self._attempts.commit_bytes(signed)
                self._resolver.send(signed)

    def _signed(self, signer: TransactionSigner, attempt: Attempt) -> Attempt:
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self._connection.chain_id,
            "nonce": attempt.nonce,
            "value": 0,
            "gas": attempt.gas,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": attempt.data,
        }
        if attempt.to is not None:
            transaction["to"] = attempt.to
        raw = bytes(signer.sign_transaction(transaction).raw)
        said = decode_raw(raw)
        to = b"" if attempt.to is None else bytes.fromhex(attempt.to[2:])
        # A device that signs something else would spend this nonce on it.
        for field, expected, actual in (
            ("chain_id", self._connection.chain_id, said.chain_id),
            ("nonce", attempt.nonce, said.nonce),
            ("to", to, said.to),
            ("value", 0, said.value),
            ("gas", attempt.gas, said.gas),
            ("fees", (0, 0), said.fees),
            ("data", attempt.data, said.data),
        ):
            if expected != actual:
                raise SignerMismatch(
                    f"The signer of {attempt.wallet} signed another {field} than it was asked to.",
                    wallet=attempt.wallet,
                    field=field,
                )
        return replace(attempt, raw=raw, tx_hash=said.hash, state=SubmissionState.SIGNED)

    def _carry_on(self, signer: TransactionSigner, wallet: str, stored: Sequence[str]) -> None:
        """Asked for again before it had an outcome: sign what has no bytes, send again what is lost."""
        with self._attempts.lanes([wallet]):
            self._sign_and_send({wallet: signer})
        try:
            self._resolver.resolve(self._attempts.of(stored))
        except TransportFault:
            return  # what is stored is a valid answer; the next look goes on

    def _error_of(self, submission: Submission) -> PyjpmError:
        data = self._attempts.revert_data(submission.id)
        error = submission.error or {}
        gas = int(error.get("details", {}).get("gas", 0))
        return self._resolver.reverted(str(submission.tx_hash), data, gas, submission.gas_used or 0)

    def _raise_if_taken(self, submission: Submission) -> None:
        if submission.is_pending and submission.error is not None:
            foreign = submission.error["details"].get("foreign")
            raise foreign_nonce(submission.wallet, submission.nonce, submission.tx_hash, foreign)


def _new(batch: Batch, known: Mapping[str, Submission]) -> list[Request]:
    """Those that were never accepted, or reverted."""
    before = [known.get(each.operation.key) for each in batch.requests]
    return [
        request
        for request, found in zip(batch.requests, before, strict=True)
        if found is None or found.state == SubmissionState.REVERTED
    ]


def _still_pending(submission: Submission, answer: str) -> StillPending:
    said = f" (last answer: {answer})" if answer else ""
    return StillPending(
        f"The submission {submission.id} has no outcome yet{said}.",
        submission=submission.id,
        state=submission.state.value,
        answer=answer or None,
    )
