"""Sending committed bytes, and finding out what became of them.

Decisions that govern this module:

* Every answer to a send means unknown, a returned hash included: a node may forget what it accepted. The same bytes
  go again until there is a receipt. Nothing is ever signed again, priced again or numbered again.
* Only a receipt for our hash is an outcome. A used nonce without one is not a failure: the transaction that used it is
  looked for, and only when it is found and is not ours does the lane halt. Not found yet means not yet.
* ``latest`` is final (QBFT), so an outcome is an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from pyjpm.chain.broadcast import SendAnswer, SendOutcome
from pyjpm.chain.connection import Connection
from pyjpm.chain.values import Receipt
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError
from pyjpm.errors.sending import ForeignNonce, TransactionReverted
from pyjpm.sending.attempts import Attempts, Outcome
from pyjpm.sending.operation import LIVING, SubmissionState
from pyjpm.sending.rows import Attempt

log = logging.getLogger(__name__)

Decoder = Callable[[bytes], PyjpmError]
_TAKEN: Final = (SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN)


class Resolver:
    """Sends and resolves attempts that have bytes. Safe to use from any number of threads at once."""

    def __init__(self, connection: Connection, attempts: Attempts, decode: Decoder) -> None:
        self._connection = connection
        self._attempts = attempts
        self._decode = decode

    # --- sending ---------------------------------------------------------------------------------------------------

    def send(self, attempts: Sequence[Attempt]) -> list[SendAnswer]:
        """Send the committed bytes of these attempts, in order. Never raises for what a node answers or does not."""
        if not attempts:
            return []
        try:
            answers = self._connection.send_raw_many([_bytes(each) for each in attempts])
        except ChainError as error:
            # The bytes are committed: whoever looks next sends them again, so this is not the caller's failure.
            log.warning("%d transactions not sent: %s", len(attempts), error.code)
            return [SendAnswer(SendOutcome.UNKNOWN, str(each.tx_hash), None, error.code) for each in attempts]
        taken = []
        for attempt, answer in zip(attempts, answers, strict=True):
            if answer.outcome in _TAKEN:
                if attempt.state == SubmissionState.SIGNED:
                    taken.append(attempt)
            else:
                log.warning("transaction %s answered %s: %s", answer.tx_hash, answer.outcome, answer.message)
        if taken:
            self._attempts.mark_broadcast(taken)
        return answers

    # --- resolving -------------------------------------------------------------------------------------------------

    def resolve(self, attempts: Sequence[Attempt], *, resend: bool = True) -> dict[str, SendAnswer]:
        """Store the outcome of those that have one; where ``resend``, look after the others.

        Args:
            attempts: ordered by wallet and nonce; those with an outcome or without bytes are passed over.
            resend: whether to ask what became of the nonces without a receipt, and to send lost bytes again.

        Returns:
            What the node answered to bytes sent again, by submission.
        """
        open_ = [each for each in attempts if each.state in LIVING and each.raw is not None]
        missing = self._settle_mined(open_)
        answers: dict[str, SendAnswer] = {}
        if resend:
            for wallet, group in groupby(missing, key=lambda each: each.wallet):
                answers.update(self._look_after(wallet, list(group)))
        return answers

    def reverted(self, tx_hash: str, data: bytes | None, gas: int, gas_used: int) -> PyjpmError:
        """The typed error of a transaction that was mined and reverted."""
        if data is not None:
            return self._decode(data)
        return TransactionReverted(
            f"The transaction {tx_hash} reverted, for a reason that the node cannot tell.",
            tx_hash=tx_hash,
            gas=gas,
            gas_used=gas_used,
        )

    def _settle_mined(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Stores the outcome of mined ones and returns the others."""
        if not attempts:
            return []
        receipts = self._connection.receipts([str(each.tx_hash) for each in attempts])
        pairs = list(zip(attempts, receipts, strict=True))
        outcomes = [self._outcome(attempt, receipt) for attempt, receipt in pairs if receipt is not None]
        if outcomes:
            self._attempts.settle(outcomes)
        return [attempt for attempt, receipt in pairs if receipt is None]

    def _outcome(self, attempt: Attempt, receipt: Receipt) -> Outcome:
        mined = Outcome(attempt, receipt.succeeded, receipt.block_number, receipt.gas_used, receipt.contract_address)
        if receipt.succeeded:
            return mined
        data = self._connection.revert_data(receipt)
        error = self.reverted(receipt.transaction_hash, data, attempt.gas, receipt.gas_used)
        return replace(mined, contract_address=None, revert_data=data, error=error.to_dict())

    def _look_after(self, wallet: str, missing: list[Attempt]) -> dict[str, SendAnswer]:
        """For attempts of one wallet that have no receipt: nonce taken by another, or bytes lost?"""
        if self._attempts.is_halted(wallet):
            return {}
        head = self._connection.head().number
        used = self._connection.transaction_count(wallet, at=head)
        below = [each for each in missing if each.nonce < used]
        # Mined between the two reads, most likely: ask again before anything is concluded.
        late = self._settle_mined(below)
        for attempt in late:
            if self._is_foreign(attempt, head):
                return {}
        waiting = late + [each for each in missing if each.nonce >= used]
        lost = self._lost(waiting)
        return {each.submission: answer for each, answer in zip(lost, self.send(lost), strict=True)}

    def _lost(self, waiting: list[Attempt]) -> list[Attempt]:
        """What to send again: all of a wallet's if the node does not know the lowest or the highest of them.

        Bytes that a node knows already cost it a look-up only, so one request too many does no harm; but asking about
        each of thousands that wait for their block would.
        """
        never = [each for each in waiting if each.state == SubmissionState.SIGNED]
        sent = [each for each in waiting if each.state != SubmissionState.SIGNED]
        ends = {each.tx_hash: each for each in (sent[:1] + sent[-1:])}
        forgotten = any(self._connection.transaction(str(tx_hash)) is None for tx_hash in ends)
        return waiting if forgotten else never

    def _is_foreign(self, attempt: Attempt, head: int) -> bool:
        """Whether the nonce was used by a transaction that is not ours; if so its lane is halted."""
        consumer = self._consumer(attempt.wallet, attempt.nonce, head)
        if consumer is None or consumer == attempt.tx_hash:
            return False
        self._attempts.halt(attempt, foreign_nonce(attempt.wallet, attempt.nonce, attempt.tx_hash, consumer))
        log.error("wallet %s: nonce %d was used by a foreign transaction %s", attempt.wallet, attempt.nonce, consumer)
        return True

    def _consumer(self, wallet: str, nonce: int, head: int) -> str | None:
        """The hash of the transaction that used a nonce, None where this node cannot show it (yet)."""
        low, high = 0, head  # the first block after which the count is above the nonce lies in (low, high]
        try:
            while high - low > 1:
                middle = (low + high) // 2
                if self._connection.transaction_count(wallet, at=middle) > nonce:
                    high = middle
                else:
                    low = middle
            for transaction in self._connection.block_transactions(high):
                if transaction.sender == wallet and transaction.nonce == nonce:
                    return transaction.hash
        except ChainError as error:
            # State that old may be pruned at this node; no answer is given then, rather than a wrong one.
            log.warning("cannot tell what used nonce %d of %s: %s", nonce, wallet, error.code)
        return None


def foreign_nonce(wallet: str, nonce: int, ours: str | None, foreign: str | None) -> ForeignNonce:
    """The error for a nonce of ours that another transaction used."""
    return ForeignNonce(
        f"Nonce {nonce} of {wallet} was used by a transaction that is not ours.",
        wallet=wallet,
        nonce=nonce,
        tx_hash=ours,
        foreign=foreign,
    )


def _bytes(attempt: Attempt) -> bytes:
    if attempt.raw is None:
        raise AssertionError("only committed bytes are sent")
    return attempt.raw
