"""The world of one history: the chain, the keys, the file, the engine's processes, and what befalls them.

Decisions that govern this module:

* Everything is drawn from the seed, so a seed is a history: the engine's own randomness (names of rows, jitter) is
  drawn from it too.
* What befalls the world happens at times of the virtual clock, also in the middle of a call of the engine; a process
  that is to die then dies at its next point.
"""

from __future__ import annotations

import random
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chains.model import BESU, BESU_LAYERED, Network, Thief
from eth_utils.address import to_checksum_address

from campaign.checking import Checkers
from campaign.clients import Clients, Company, Request
from campaign.failpoints import Point, unwatched
from campaign.keys import CampaignSigner, Marks
from campaign.operating import Operator
from campaign.process import Died, Process
from campaign.record import Evidence, Paid
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.sending import Fenced

CURRENCY = "USD"
COMPANIES = 3
SLOW_START = 2.0
_MANNERS = (BESU, BESU, BESU, BESU_LAYERED)


class World:
    """See the module.

    Args:
        seed: of everything.
        folder: for the journal; empty.
        say: told every event, for people.
        calm: two nodes, signers with marks, companies with more money and higher limits than they need.
    """

    def __init__(self, seed: int, folder: Path, say: Callable[[str], None], *, calm: bool = False) -> None:
        self.chance = random.Random(f"{seed}/world")
        nodes = 2 if calm else self.chance.choice((1, 2, 2, 3))
        self.network = Network(seed, nodes=nodes, manners=self.chance.choice(_MANNERS))
        self.clock = self.network.clock
        self.path = folder / "journal.sqlite"
        self._say = say
        self.marks = Marks()
        self.markless = not calm and self.chance.random() < 0.2
        device = random.Random(f"{seed}/device") if self.chance.random() < 0.5 else None
        self._keys = [random.Random(f"{seed}/key/{place}").randbytes(32) for place in range(COMPANIES)]
        marks = None if self.markless else self.marks
        self.signers = [CampaignSigner(key, marks, device) for key in self._keys]
        payee = CampaignSigner(random.Random(f"{seed}/payee").randbytes(32), None).address
        self.companies = self._onboard(payee, calm=calm)
        self.payee = payee
        self.rescue = CampaignSigner(random.Random(f"{seed}/rescue").randbytes(32), None)
        self.network.fund_ether(self.rescue.address, 10**18)
        self._wallets = [*(signer.address for signer in self.signers), payee]
        self.opening = self._balances()
        self.clients = Clients(self.chance, self.clock.monotonic, self.log)
        self.processes: list[Process] = []
        self.restart_at = 0.0
        self.fuse: int | None = None
        self.refusals: dict[str, tuple[float, bool]] = {}
        self.jams: dict[str, str] = {}
        self.wishes: list[str] = []
        self.checkers: Checkers | None = None
        self.thieves: set[str] = set()
        self.thefts: set[str] = set()
        self._lives = 0
        self._restoring: Path | None = None
        self._at_work: list[Process] = []
        if len(self.network.wires) < 4:
            self.network.note = lambda *what: None  # type: ignore[method-assign]

    def _onboard(self, payee: str, *, calm: bool) -> list[Company]:
        network, chance = self.network, self.chance
        network.onboard([payee], balances={})
        wallets = [signer.address for signer in self.signers]
        # Sometimes one institution has two of the lanes.
        owners = [[0, 1], [2]] if chance.random() < 0.3 else [[0], [1], [2]]
        companies: list[Company] = []
        for places in owners:
            poor, limited = (not calm and chance.random() < 0.3 for _ in range(2))
            participant = network.onboard(
                [wallets[place] for place in places],
                balances={CURRENCY: chance.randrange(2_000, 6_000) if poor else 10**9},
                daily_limit=chance.randrange(2_000, 8_000) if limited else 10**12,
            )
            companies += [Company(place, participant, wallets[place]) for place in places]
        return companies

    def log(self, what: str) -> None:
        """For people."""
        self._say(f"{self.clock.monotonic():8.2f}  {what}")

    def thief(self, company: Company) -> Thief:
        """Somebody else with that company's key."""
        return Thief(self.network, self._keys[company.place])

    # --- the engine's processes ------------------------------------------------------------------------------------

    @property
    def ready(self) -> list[Process]:
        """Those that serve."""
        return [process for process in self.processes if process.ready and not process.dead]

    def launch(self) -> Process:
        """Another process, not started yet."""
        self._lives += 1
        process = Process(
            f"process {self._lives}",
            self.network,
            self.signers,
            self.path,
            self._refused,
            self._watch,
            self.checkers,
        )
        self.processes.append(process)
        return process

    def kill(self, why: str) -> None:
        """Every process dies, at its next point where it is at work."""
        for process in self.processes:
            process.dead = True
        self.log(f"killed: {why}")

    def bury(self) -> None:
        """Takes the dead away, and puts the file back where that was asked for."""
        for process in [each for each in self.processes if each.dead]:
            process.die()
            self.processes.remove(process)
        if not self.processes and self._restoring is not None:
            for suffix in ("-wal", "-shm", ""):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            shutil.copyfile(self._restoring, self.path)
            self._restoring = None
            self.log("the database is the older copy now")

    def run(self, process: Process, act: Callable[[], Any]) -> None:
        """Has a process do something; what it raises is its answer, death is noted."""
        self._at_work.append(process)
        try:
            act()
        except Died:
            process.dead = True
            self.log(f"{process.name} died")
        except PyjpmError as error:
            self.log(f"{process.name}: {error.code}: {error.message}")
            self.heard(process, error)
        except Exception:
            # What a library makes of a death on the way out; of a living process it is a defect.
            if not process.dead:
                raise
        finally:
            self._at_work.remove(process)

    def heard(self, process: Process, error: PyjpmError) -> None:
        """A process that was told that another has its place ends, sooner or later."""
        if isinstance(error, Fenced):
            # Said here as well: a client that was served by another process meanwhile does not repeat it.
            self.log(f"{process.name} is told {error.code}")
            if self.chance.random() < 0.3:
                process.dead = True
                self.log(f"{process.name} ends")

    def operate(self, process: Process) -> None:
        """The operator looks at the alarms, and does what was wished for."""
        participants = {company.wallet: company.participant for company in self.companies}
        if self.jams:
            self.run(process, lambda: self._told(process.operate(participants, self.rescue, Operator.free_jammed)))
        wishes, self.wishes = self.wishes, []
        for wish in wishes:
            self.run(
                process,
                lambda wish=wish: self._told(  # type: ignore[misc]
                    process.operate(participants, self.rescue, lambda operator: operator.decide(wish, self.chance))
                ),
            )

    def check(self, process: Process) -> None:
        """Checkers look at what waits for their words."""
        participants = {company.wallet: company.participant for company in self.companies}
        self.run(process, lambda: process.check(participants, self.rescue))

    def _told(self, what: object) -> None:
        if what:
            self.log(f"the operator: {what}")

    def _refused(self, sender: str, data: int) -> bool | None:
        """Whether the nodes say that a call of this wallet is too big, and whether they take it all the same."""
        until, takes = self.refusals.get(sender, (0.0, False))
        return takes if data and self.clock.monotonic() < until else None

    def _watch(self, point: Point, total: int) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.fuse = None
                self.log(f"dies at {point}")
                raise Died
        if len(self.processes) > 1 and len(self._at_work) == 1 and self.chance.random() < 0.05:
            self._meanwhile()

    def _meanwhile(self) -> None:
        """Another process does something while one is in the middle of its own, or stands still for a while."""
        others = [each for each in self.ready if each not in self._at_work]
        if not others or any(each.in_transaction for each in self.processes):
            return
        other = self.chance.choice(others)
        stall = self.chance.choice((0, 0, 0, 2, 8))
        if stall:
            self.log(f"{self._at_work[0].name} stands still for {stall} s")
        self.run(other, other.carry_on)
        for _ in range(stall):
            self.clock.sleep(1.0)
            if other.dead or not other.ready:
                break
            self.run(other, lambda: self.clients.step(Serving(self, other)))
            if not other.dead:
                self.run(other, other.carry_on)

    # --- the database ----------------------------------------------------------------------------------------------

    def back_up(self, name: str) -> Path | None:
        """A copy of the journal as it is now; None where there is none yet."""
        if not self.path.exists():
            return None
        copy = self.path.with_name(name)
        with (
            unwatched(),
            closing(sqlite3.connect(self.path)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        self.log("the database is copied")
        return copy

    def restore(self, copy: Path) -> None:
        """Everything stops, and starts again on the older copy."""
        self._restoring = copy
        self.kill("the database is restored")

    # --- its end ---------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Nothing is wrong any more."""
        network = self.network
        for node in network.nodes:
            node.muted_until = node.lags_until = 0.0
            node.denied.clear()
            if not node.up:
                network.start(node.index)
        for wire in network.wires:
            wire.disturb({})
        self.clock.set_right()
        self.refusals.clear()
        for signer in self.signers:
            signer.at_ease()
        if self.checkers is not None:
            self.checkers.healed = True
        for company in self.companies:
            network.freeze(company.participant, frozen=False)
        network.pause(CURRENCY, paused=False)
        self.fuse = None
        while len(self.processes) > 1:
            oldest = self.processes[0]
            oldest.die()
            self.processes.remove(oldest)
        self.log("everything is healed")

    def evidence(self) -> Evidence:
        """For the judge."""
        blocks = self.network.chain.blocks
        paid = [
            Paid(
                at=blocks[payment.block].born,
                currency=payment.currency,
                payer=to_checksum_address(payment.payer_wallet),
                payee=to_checksum_address(payment.payee_wallet),
                reference="0x" + payment.reference.hex(),
                amount=payment.amount,
                remittance_hash="0x" + payment.remittance_hash.hex(),
                tx_hash=payment.tx_hash,
            )
            for payment in self.network.judge_view().payments
        ]
        lanes = self.processes[0].lanes() if self.processes else []
        # A transaction that jams a wallet is a theft where it is mined after all.
        mined = {transaction.hash for transaction in self.network.judge_view().transactions}
        self.thieves |= {wallet for wallet, tx_hash in self.jams.items() if tx_hash in mined}
        return Evidence(
            lines=list(self.clients.lines()),
            words=self.clients.words,
            paid=paid,
            opening=self.opening,
            closing=self._balances(),
            thieves=frozenset(self.thieves),
            halted=frozenset(lane.wallet for lane in lanes if str(lane.state) == "HALTED"),
            thefts=frozenset(self.thefts),
            checked=[] if self.checkers is None else self.checkers.said,
            above=None if self.checkers is None else self.checkers.above,
            needed=0 if self.checkers is None else self.checkers.needed,
        )

    def _balances(self) -> dict[tuple[str, str], int]:
        state = self.network.chain.head.state
        return {
            (currency, wallet): token.balance(state, wallet.lower())
            for currency, token in self.network.chain.tokens.items()
            for wallet in self._wallets
        }


class Serving:
    """A process as its clients meet it: what it raises says nothing about a payment."""

    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process

    def ask(self, requests: Sequence[Request]) -> list[list[str]]:
        """See ``clients.Service``."""
        try:
            answers: Sequence[list[str] | PyjpmError] = self._process.ask(requests)
        except PyjpmError as error:
            answers = [error] * len(requests)
        return [self._said(*each) for each in zip(requests, answers, strict=True)]

    def states(self, request: Request) -> list[str]:
        """See ``clients.Service``."""
        try:
            return self._process.states(request)
        except PyjpmError as error:
            return self._said(request, error)

    def _said(self, request: Request, answer: list[str] | PyjpmError) -> list[str]:
        if isinstance(answer, PyjpmError):
            self._world.heard(self._process, answer)
            return [f"?{answer.code}"] * len(request.amounts)
        return answer


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """While inside, what the engine draws by itself comes from the seed."""
    chance = random.Random(f"{seed}/engine")
    state, token_hex, token_bytes, randbits = (
        random.getstate(),
        secrets.token_hex,
        secrets.token_bytes,
        secrets.randbits,
    )
    random.seed(chance.random())
    secrets.token_hex = lambda nbytes=32: chance.randbytes(nbytes or 32).hex()
    secrets.token_bytes = lambda nbytes=32: chance.randbytes(nbytes or 32)
    secrets.randbits = chance.getrandbits
    try:
        yield
    finally:
        random.setstate(state)
        secrets.token_hex, secrets.token_bytes, secrets.randbits = token_hex, token_bytes, randbits
