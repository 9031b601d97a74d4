"""Committed bytes to the nodes, again and again until they are mined.

Decisions that govern this module:

* Every answer means unknown, a returned hash included: a node may forget what it accepted. So bytes without a receipt
  go again, at growing intervals, to all nodes; nothing is ever signed, priced or numbered again for that.
* Bytes that every node refuses by their class (their gas, their form) will not be taken later either: it is noted
  since when, for the cancel that frees their nonce. What a person must mend raises an alarm instead: a wallet that is
  not on the nodes' lists, a priced transaction of somebody else that sits on the nonce.
* That a node has the bytes changes nothing for us, it is only shown. Of many at once it is stored with the next look at
  their lanes, for what is on its way still: most of them are mined by then.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from pyjpm.chain.broadcast import SendAnswer, SendOutcome
from pyjpm.chain.nodes import Nodes
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError
from pyjpm.errors.outbox import LaneJammed, WalletNotPermitted
from pyjpm.sending.attempts import Attempts
from pyjpm.sending.clock import Clock
from pyjpm.sending.operation import AttemptState
from pyjpm.sending.outcomes import Alarm, Findings
from pyjpm.sending.rows import Attempt

log = logging.getLogger(__name__)

_TAKEN: Final = (SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN)
_FIRST_PAUSE: Final = 2.0  # seconds: longer than a block takes to come and to be looked at
_LONGEST_PAUSE: Final = 8.0
MANY: Final = 20


class Delivery:
    """Sends attempts that have bytes. Safe to use from any number of threads at once."""

    def __init__(self, nodes: Nodes, attempts: Attempts, clock: Clock, *, jam_after: float) -> None:
        self._nodes = nodes
        self._attempts = attempts
        self._clock = clock
        self._jam_after = jam_after
        self._mutex = threading.Lock()
        self._next: dict[str, tuple[float, float]] = {}  # attempt: when to send it again, and the pause after that
        self._taken: dict[str, list[Attempt]] = {}  # by wallet: what nodes said to have, and no look was taken since
        self._stuck: dict[str, float] = {}  # attempt: since when only a person can help

    def send(self, attempts: Sequence[Attempt]) -> Findings:
        """Send the bytes of these attempts, in order. Raises Fenced and what the journal raises, nothing of a node.

        Returns:
            The alarms to be raised.
        """
        findings = Findings()
        ready = [each for each in attempts if each.raw is not None]
        if not ready:
            return findings
        self._note_sent(ready)
        try:
            answers = self._nodes.send(
                [bytes(each.raw or b"") for each in ready],
                lanes=[each.wallet for each in ready],
                priced=any(each.price for each in ready),
            )
        except ChainError as error:
            # The bytes are committed: they go again at the next look, so this is nobody's failure.
            log.warning("%d transactions not sent: %s", len(ready), error.code)
            return findings
        taken = [each for each, said in zip(ready, answers, strict=True) if _any_of(said, _TAKEN)]
        self._note_taken([each for each in taken if each.state is AttemptState.SIGNED])
        if len(taken) < len(ready) or any(each.refused_since is not None for each in ready):
            self._note_refusals(ready, answers, findings)
        return findings

    def expect(self, attempts: Sequence[Attempt]) -> None:
        """These are about to be sent for the first time: until the first pause is over nobody else sends them."""
        ends = self._clock.monotonic() + _FIRST_PAUSE
        with self._mutex:
            self._next.update((each.id, (ends, _FIRST_PAUSE)) for each in attempts)

    def due(self, ids: Sequence[str]) -> list[str]:
        """Those attempts whose bytes are to be sent again by now."""
        now = self._clock.monotonic()
        with self._mutex:
            return [each for each in ids if self._next.get(each, (0.0, 0.0))[0] <= now]

    def forget(self, ids: Sequence[str]) -> None:
        """These attempts are not sent any more."""
        with self._mutex:
            for each in ids:
                self._next.pop(each, None)
                self._stuck.pop(each, None)

    def write_taken(self, wallets: Iterable[str], open_ids: Iterable[str]) -> None:
        """Store that nodes took what they took of these wallets, where it has no outcome."""
        with self._mutex:
            mine = {each.id: each for wallet in wallets for each in self._taken.pop(wallet, ())}
        waiting = [mine[each] for each in open_ids if each in mine]
        if waiting:
            self._attempts.mark_broadcast(waiting)

    def _note_taken(self, attempts: Sequence[Attempt]) -> None:
        if len(attempts) < MANY:
            if attempts:
                self._attempts.mark_broadcast(attempts)
            return
        with self._mutex:
            for each in attempts:
                self._taken.setdefault(each.wallet, []).append(each)

    def _note_sent(self, attempts: Sequence[Attempt]) -> None:
        now = self._clock.monotonic()
        with self._mutex:
            for each in attempts:
                _, pause = self._next.get(each.id, (0.0, _FIRST_PAUSE))
                self._next[each.id] = (now + pause, min(_LONGEST_PAUSE, pause * 2))

    def _note_refusals(
        self, attempts: Sequence[Attempt], answers: Sequence[Sequence[SendAnswer]], findings: Findings
    ) -> None:
        now = int(self._clock.time())
        pairs = list(zip(attempts, answers, strict=True))
        for_good = [each for each, said in pairs if _refused_for_good(said)]
        self._attempts.mark_refused(
            [each for each in for_good if each.refused_since is None],
            [each for each, said in pairs if each.refused_since is not None and _any_of(said, _TAKEN)],
            now=now,
        )
        moving = {(each.wallet, each.nonce) for each, said in pairs if _any_of(said, _TAKEN)}
        for attempt, said in pairs:
            if _any_of(said, _TAKEN):
                continue
            for answer in said:
                log.warning("transaction %s answered %s: %s", answer.tx_hash, answer.outcome, answer.message)
            if (attempt.wallet, attempt.nonce) not in moving and self._is_stuck(attempt, said):
                findings.alarms.append(Alarm(_stuck(attempt, said), attempt.wallet))

    def _is_stuck(self, attempt: Attempt, said: Sequence[SendAnswer]) -> bool:
        """Whether only a person can help, and it is long enough so."""
        if not any(answer.outcome.is_of_sender or answer.outcome is SendOutcome.REPLACEMENT_REFUSED for answer in said):
            return False
        now = self._clock.monotonic()
        with self._mutex:
            return now - self._stuck.setdefault(attempt.id, now) >= self._jam_after


def _refused_for_good(said: Sequence[SendAnswer]) -> bool:
    """Whether each node that answered refuses these bytes for what they are."""
    answered = [answer.outcome for answer in said if answer.outcome is not SendOutcome.UNKNOWN]
    return SendOutcome.REFUSED in answered and all(outcome.is_permanent for outcome in answered)


def _any_of(said: Sequence[SendAnswer], outcomes: Sequence[SendOutcome]) -> bool:
    return any(answer.outcome in outcomes for answer in said)


def _stuck(attempt: Attempt, said: Sequence[SendAnswer]) -> PyjpmError:
    if any(answer.outcome.is_of_sender for answer in said):
        return WalletNotPermitted(
            f"Nodes do not take transactions of {attempt.wallet}, or none without a fee.", wallet=attempt.wallet
        )
    return LaneJammed(
        f"Another transaction with a price sits on nonce {attempt.nonce} of {attempt.wallet}.",
        wallet=attempt.wallet,
        nonce=attempt.nonce,
    )
