"""Keeping lanes going: one step does for a wallet whatever can be done for it now.

The steps, in this order: see what became of what was sent; bring a lane back that is behind the world; free nonces
whose bytes nobody takes; give nonces to what waits; sign what has a nonce; send what has bytes and is due. Every step
is stored before the next begins, so that a process that dies anywhere goes on with the same step.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

from pyjpm.chain.nodes import Nodes, View
from pyjpm.chain.values import check_address
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.outbox import NobodyTakesIt
from pyjpm.sending.clock import Clock
from pyjpm.sending.delivery import Delivery
from pyjpm.sending.journal import Journal
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.numbering import Numbering
from pyjpm.sending.operation import AttemptKind
from pyjpm.sending.outcomes import Findings
from pyjpm.sending.recovery import Recovery
from pyjpm.sending.resolution import Resolver
from pyjpm.sending.retiring import Retiring
from pyjpm.sending.rows import Attempt, Flying
from pyjpm.sending.signatures import Signed, sign
from pyjpm.sending.signing import TransactionSigner
from pyjpm.sending.used import UsedNonces

_LOOK_AGAIN = 0.02  # seconds within which one thread's look at a lane serves the others


class LaneKeeper:
    """Keeps the lanes of a journal going. Safe to use from any number of threads at once.

    Args:
        jam_after: seconds for which every node must have refused bytes before their nonce is cancelled.
        signing: wallets that are signed for at the same time.
    """

    def __init__(
        self,
        nodes: Nodes,
        journal: Journal,
        resolver: Resolver,
        delivery: Delivery,
        recovery: Recovery,
        numbering: Numbering,
        retiring: Retiring,
        used: UsedNonces,
        clock: Clock,
        *,
        jam_after: float,
        signing: int,
    ) -> None:
        self._nodes = nodes
        self._journal = journal
        self._resolver = resolver
        self._delivery = delivery
        self._recovery = recovery
        self._numbering = numbering
        self._retiring = retiring
        self._used = used
        self._clock = clock
        self._jam_after = jam_after
        self._signing = signing
        self._signers: dict[str, TransactionSigner] = {}
        self._mutex = threading.Lock()
        self._looked: dict[str, float] = {}

    def view(self) -> View:
        """The chain at the highest head ever seen. Raises ViewBehind, transport faults."""
        return self._nodes.best(self._journal.highest_head)

    def take_up(self, signers: Mapping[str, TransactionSigner], view: View, *, again: bool = False) -> None:
        """Take the leases of wallets that this process does not hold yet; ``again``: of all of them."""
        for wallet, signer in signers.items():
            self._signers[check_address(wallet)] = signer
        fresh: dict[str, TransactionSigner] = {
            check_address(wallet): signer
            for wallet, signer in signers.items()
            if again or not self._journal.lanes.is_taken(check_address(wallet))
        }
        if fresh:
            with self._journal.lanes.held(fresh):
                self._recovery.take(fresh, view)

    def carry_on(self, wallets: Sequence[str], view: View | None = None, *, resend: bool = False) -> list[PyjpmError]:
        """One step for each of these wallets that this process serves.

        Args:
            resend: send all bytes again that have no outcome, whether they are due or not.

        Returns:
            What signers raised, of different wallets; the other wallets were served.

        Raises transport faults, ViewBehind, Fenced.
        """
        mine = [wallet for wallet in wallets if self._journal.lanes.is_taken(wallet)]
        if not mine:
            return []  # whoever holds their leases looks after them
        seen = self.view() if view is None else view
        used = self._used.ask(mine, seen)
        missing, ended = self._resolver.look(used, seen)
        over = [each.id for each in ended]
        self._delivery.forget(over)
        self._journal.attempts.forget(over)
        self._delivery.write_taken(used, [each.id for each in missing])
        by_wallet: dict[str, list[Flying]] = defaultdict(list)
        for each in missing:
            by_wallet[each.wallet].append(each)
        failures = []
        lanes = self._journal.lanes.read_many(mine)
        due = self._journal.acceptance.wallets_due(mine, now=int(self._clock.time()))
        unsigned = self._journal.attempts.wallets_unsigned(mine)
        for wallet, count in used.items():
            signer, lane = self._signers.get(wallet), lanes.get(wallet)
            if signer is None or lane is None:
                continue
            refused = any(each.refused_since is not None for each in by_wallet[wallet])
            wait = lane.state is not LaneState.OK or count > lane.next_nonce or wallet in due or refused
            if wait or wallet in unsigned:
                # Where all there is to do is to sign, and somebody has the lane, they are about to.
                with self._journal.lanes.held_if_free(wallet, wait=wait) as is_held:
                    if is_held:
                        failures += self._advance(wallet, signer, by_wallet[wallet], count, seen)
        ids = [each.id for each in missing]
        self.send(self._journal.attempts.load(ids if resend else self._delivery.due(ids)), seen)
        return failures

    def carry_on_soon(self, wallets: Sequence[str]) -> None:
        """As ``carry_on``, for those wallets at which no other thread looked just now; signers' failures are kept for
        whoever submits."""
        now = self._clock.monotonic()
        with self._mutex:
            due = [wallet for wallet in wallets if now - self._looked.get(wallet, -1.0) >= _LOOK_AGAIN]
            self._looked.update((wallet, now) for wallet in due)
        if due:
            self.carry_on(due)

    @property
    def highest_head(self) -> int:
        """Of all heads that were seen here."""
        return self._nodes.highest

    def rest(self, seconds: float, seen: int, *, look_every: float) -> None:
        """Wait so long, or until there is a block above this height: before one nothing is mined.

        Looking for it is one request; a look at a lane is several, and as many questions to the journal.
        """
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, look_every))
            if left > look_every and self._nodes.is_higher(seen):
                return

    def sign_and_send(self, wallets: Sequence[str], view: View) -> list[PyjpmError]:
        """Sign whatever of these wallets has a nonce and no bytes, in order, commit, send. The lanes are held.

        Returns what signers raised.
        """
        signed, failed, refused = self.sign(wallets)
        with self.leaving(wallets):
            self.send(signed, view)
        return [*failed, *(refusal for _, refusal in refused)]

    def leaving(self, wallets: Sequence[str]) -> AbstractContextManager[None]:
        """Held while bytes of these wallets are sent (``Lanes.leaving``), where they must leave in their order."""
        return nullcontext() if self._nodes.takes_gaps else self._journal.lanes.leaving(wallets)

    def sign(
        self, wallets: Sequence[str], *, known: Sequence[Attempt] = ()
    ) -> tuple[list[Attempt], list[PyjpmError], list[tuple[Attempt, PyjpmError]]]:
        """Sign whatever of these wallets has a nonce and no bytes, in order, and commit. The lanes are held.

        Args:
            known: all of it, of those wallets that are in there, since the lanes were held; the others are read.

        Returns what is to be sent, in its order; what signers raised that failed for now; and what they refused for
        good, with why.
        """
        signed: list[Attempt] = []
        failed: list[PyjpmError] = []
        refused: list[tuple[Attempt, PyjpmError]] = []
        unsigned: dict[str, list[Attempt]] = defaultdict(list)
        named = {each.wallet for each in known}
        unread = [wallet for wallet in wallets if wallet not in named]
        for each in [*known, *(self._journal.attempts.unsigned(unread) if unread else ())]:
            unsigned[each.wallet].append(each)
        todo = [(self._signers[wallet], attempts) for wallet, attempts in unsigned.items() if wallet in self._signers]
        for (signer, attempts), result in zip(todo, self._side_by_side(todo), strict=True):
            wallet = attempts[0].wallet
            signed += result.signed
            for attempt, refusal in result.refused:
                self._journal.attempts.add_cancels(wallet, [attempt.nonce], because=refusal)
            if result.refused:
                cancels = [
                    each for each in self._journal.attempts.unsigned([wallet]) if each.kind is AttemptKind.CANCEL
                ]
                instead = sign(signer, cancels, chain_id=self._nodes.chain_id)
                signed += instead.signed
                result.failed = result.failed or instead.failed
            failed += [] if result.failed is None else [result.failed]
            refused += result.refused
        if signed:
            # What was signed before a signer failed goes on. Once stored, other threads see it: it is ours to send.
            self._delivery.expect(signed)
            self._journal.attempts.commit_bytes(signed)
        return sorted(signed, key=lambda each: (each.wallet, each.nonce)), failed, refused

    def _side_by_side(self, todo: Sequence[tuple[TransactionSigner, Sequence[Attempt]]]) -> list[Signed]:
        """What signers of different wallets make of attempts. Each waits for its disk or its device, not for others."""
        chain_id = self._nodes.chain_id
        at_once = min(self._signing, len(todo))
        if at_once < 2 or not self._nodes.parallel:
            return [sign(signer, attempts, chain_id=chain_id) for signer, attempts in todo]
        with ThreadPoolExecutor(at_once, thread_name_prefix="pyjpm-sign") as threads:
            return list(threads.map(lambda each: sign(each[0], each[1], chain_id=chain_id), todo))

    def _advance(
        self, wallet: str, signer: TransactionSigner, missing: list[Flying], used: int, view: View
    ) -> list[PyjpmError]:
        lane = self._journal.lanes.read(wallet)  # whoever held it before may have changed it
        if lane is None:
            return []
        if lane.state is LaneState.OK and used > lane.next_nonce:
            (lane,) = self._recovery.take({wallet: signer}, view)
        if lane.state is LaneState.RECOVERING and not self._recovery.step(lane, view):
            return self.sign_and_send([wallet], view)
        if lane.state is LaneState.HALTED:
            self._retiring.retire(wallet, signer, view)
            return []
        self._free_refused(wallet, missing)
        self._numbering.number(wallet, view)
        return self.sign_and_send([wallet], view)

    def _free_refused(self, wallet: str, missing: Sequence[Flying]) -> None:
        seen = [each.id for each in missing if each.kind is AttemptKind.CALL and each.refused_since is not None]
        if not seen:
            return
        now = self._clock.time()
        # Asked for again: while this thread waited for the lane, they may have been mined, or taken.
        for attempt in self._journal.attempts.load(seen):
            if attempt.refused_since is None or now - attempt.refused_since < self._jam_after:
                continue
            nobody = NobodyTakesIt(
                f"Every node refuses the transaction on nonce {attempt.nonce} of {wallet}.",
                submission=attempt.asked[0].id if attempt.asked else None,
            )
            self._journal.attempts.add_cancels(wallet, [attempt.nonce], because=nobody)

    def send(self, attempts: Sequence[Attempt], view: View) -> None:
        """Send these bytes, in this order, and store what nodes said of them."""
        findings: Findings = self._delivery.send(attempts)
        if findings:
            self._journal.outcomes.write(findings, head=view.number, now=int(self._clock.time()))
