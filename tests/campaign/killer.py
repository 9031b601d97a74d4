"""SIGKILL at every failpoint, for real: a paying process on a real Anvil, with a real database, killed and restarted.

Decisions that govern this module:

* A dry run passes and names all points; each is then a failpoint, at which a run of its own is killed. A run counts
  only if the process did end by SIGKILL there.
* A killed run is started again until it comes to its end, sometimes killed once more on the way; then the judge reads
  the chain.
* Between runs the chain is set back to where it was after the deployment, so that one Anvil serves many kills.
* What the chain does meanwhile is drawn from the seed: blocks at once or by the clock; after a kill, bytes that wait
  are mined, wait on, or are forgotten by the node.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.judge import judge
from campaign.record import Evidence, Paid, Word
from campaign.worker import CURRENCY, OPENING, lines_of, work
from campaign.zygote import Ending, Zygote
from pyjpm import LocalSigner, Money, Platform
from pyjpm.chain.anvil import LocalAnvil
from pyjpm.chain.connection import Connection
from pyjpm.custody import NonceMarks
from pyjpm.participants import Kind, identity_hash
from pyjpm.testing import backed_platform

COMPANIES = 2
BLOCK = 0.03
RUNS, HISTORY = 300, 256
"""Runs that one Anvil serves, and past blocks of which it keeps the state."""
MINING = ("auto", "clock")
SECOND_KILLS = 0.3
"""Of runs that are killed once more, anywhere in the life after."""
ANCHORS = (
    r"after commit acceptance\.accept",
    r"after signing.*",
    r"after commit attempts\.commit_bytes",
    r"after write .*sendRaw.*",
    r"after commit attempts\.mark_broadcast",
)
"""Where a first life ends whose recovery is killed at each of its points: bound, signed, stored, sent, noted."""
PASSAGES = 2
"""How many passages of one name are failpoints of their own: polls pass some names without end."""
TRIES = 5
"""Runs until a failpoint counts as not to be reached: a poll more or less changes who passes what."""


class LifeFailed(Exception):
    """A life that was to come to its end did not, or the other way round."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a run is killed.

    Attributes:
        mining: ``auto``, a block at once for each transaction, or ``clock``, one every ``BLOCK`` seconds.
        name, passage: the point; in the first life, or where ``anchor`` is set in the life after that.
        anchor: the point (name, passage) at which the first life ends, for kills while recovering.
    """

    mining: str
    name: str
    passage: int
    anchor: tuple[str, int] | None = None

    def __str__(self) -> str:
        after = f" after {self.anchor[0]} #{self.anchor[1]}" if self.anchor else ""
        return f"{self.name} #{self.passage}{after}, mining {self.mining}"


class Stage:
    """A chain with a platform and companies on it, set back before each run, and made anew after many."""

    def __init__(self, zygote: Zygote, folder: Path, store: Callable[[int], str] | None) -> None:
        self._zygote, self._folder, self._store = zygote, folder, store
        self._anvil = LocalAnvil(history_blocks=HISTORY)
        self._runs = 0
        self._deploy()

    def _deploy(self) -> None:
        self._anvil.stop()
        self._anvil.start()
        self._url = self._anvil.url
        self._connection = self._anvil.connection()
        place = self._folder / f"platform-{self._runs}"
        place.mkdir()
        self._record = place / "record.json"
        with backed_platform(
            self._connection,
            LocalSigner.generate(),
            record=self._record,
            journal=place / "bank.sqlite",
            currencies=(CURRENCY,),
        ) as bank:
            companies = [_onboard(bank, number) for number in range(COMPANIES + 1)]
            self._keys = [key for key, _, _ in companies[:COMPANIES]]
            self._payee = companies[COMPANIES][2]
            payers = [(participant, wallet) for _, participant, wallet in companies[:COMPANIES]]
            self._lines = lines_of(payers, self._payee)
            self._token, self._codec = bank.session.address(CURRENCY), bank.session.codec(CURRENCY)
        self._wallets = [wallet for _, _, wallet in companies]
        self._opening = self._balances()
        self._first_block = self._connection.head().number + 1
        self._snapshot: Any = self._ask("evm_snapshot")

    def close(self) -> None:
        """Ends its chain."""
        self._anvil.stop()

    # --- runs ------------------------------------------------------------------------------------------------------

    def passages(self, mining: str, anchor: tuple[str, int] | None = None) -> Counter[str]:
        """The points that a life passes that comes to its end; that life after the anchor, where there is one."""
        self._set_back(mining)
        with self._blocks(mining):
            if anchor is not None:
                _require(self._live(anchor), killed=True)
            ending = self._live(None)
        _require(ending, killed=False)
        return Counter(ending.result["passages"])

    def kill(self, kill: Kill, seed: int) -> dict[str, Any]:
        """One run: killed, once more perhaps, carried on to its end, judged.

        Returns:
            ``reached``: whether it was killed there; ``kills``: how many times in all; ``findings`` and counts of the
            judge.
        """
        chance = random.Random(f"{seed} {kill}")
        self._set_back(kill.mining)
        deaths: list[Any] = [kill.anchor] if kill.anchor else []
        deaths.append((kill.name, kill.passage))
        if chance.random() < SECOND_KILLS:
            deaths.append(chance.randrange(1, 120))
        kills, reached = 0, False
        for death in deaths:
            with self._blocks(kill.mining):
                ending = self._live(death)
            if not ending.killed:
                _require(ending, killed=False)
                break
            kills += 1
            reached = reached or death == (kill.name, kill.passage)
            self._between_lives(kill.mining, chance)
        with self._blocks(kill.mining):
            _require(self._live(None), killed=False)
        judgement = judge(self.evidence())
        return {
            "reached": reached,
            "kills": kills,
            "findings": judgement.findings,
            "payments": judgement.payments,
            "final": judgement.final,
            "reverted": judgement.reverted,
        }

    def evidence(self) -> Evidence:
        """What the chain shows and what the process's clients wrote down."""
        events = []
        for log in self._connection.logs([self._token], [self._codec.topic("Paid")], from_block=self._first_block):
            event = self._codec.decode_log(log)
            assert event is not None
            said = event.arguments
            events.append(
                Paid(
                    at=0.0,  # nothing here is told a negative end before it is paid, so any time is too early
                    currency=CURRENCY,
                    payer=said["from"],
                    payee=said["to"],
                    reference="0x" + said["ref"].hex(),
                    amount=said["amount"],
                    remittance_hash="0x" + said["remittanceHash"].hex(),
                    tx_hash=log.transaction_hash,
                )
            )
        participants = list(dict.fromkeys(line.participant for line in self._lines))
        words = [
            Word(said["at"], participants[said["company"]], said["key"], said["what"])
            for said in map(json.loads, self._words.read_text().splitlines())
        ]
        return Evidence(self._lines, words, events, self._opening, self._balances())

    # --- steps -----------------------------------------------------------------------------------------------------

    def _set_back(self, mining: str) -> None:
        self._runs += 1
        if self._runs % RUNS == 0:
            self._deploy()
        self._ask("anvil_dropAllTransactions")
        _require_true(self._ask("evm_revert", self._snapshot))
        self._snapshot = self._ask("evm_snapshot")
        # Blocks of a run that was set back still push out old state: none of the present may have the hash of one.
        self._ask("anvil_setCoinbase", f"0x{self._runs:040x}")
        self._ask("evm_setAutomine", mining == "auto")
        for old in self._folder.glob("run-*"):
            shutil.rmtree(old)
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir()
        self._words, self._marks = folder / "words", folder / "marks"
        marks = NonceMarks(self._marks)
        for wallet in self._wallets[:COMPANIES]:
            marks.begin(wallet)
        self._journal = str(folder / "journal.sqlite") if self._store is None else self._store(self._runs)

    def _live(self, death: Any) -> Ending:
        die: dict[str, Any] | None = None
        if isinstance(death, int):
            die = {"total": death}
        elif death is not None:
            die = {"name": death[0], "passage": death[1]}
        return self._zygote.run(
            {
                "url": self._url,
                "record": str(self._record),
                "journal": self._journal,
                "keys": self._keys,
                "marks": str(self._marks),
                "payee": self._payee,
                "words": str(self._words),
                "die": die,
            }
        )

    @contextmanager
    def _blocks(self, mining: str) -> Iterator[None]:
        """Blocks by the clock while inside."""
        if mining == "auto":
            yield
            return
        over = threading.Event()
        connection = Connection.open(self._url)

        def mine() -> None:
            while not over.wait(BLOCK):
                connection.development_request("evm_mine")

        miner = threading.Thread(target=mine)
        miner.start()
        try:
            yield
        finally:
            over.set()
            miner.join()

    def _between_lives(self, mining: str, chance: random.Random) -> None:
        """What happens to bytes that a node has when their sender dies."""
        fate = chance.choice(("mined", "forgotten", "waiting"))
        if fate == "forgotten":
            self._ask("anvil_dropAllTransactions")
        elif fate == "mined" or mining == "auto":
            # An automining Anvil mines what a dying client handed in only with the next transaction.
            self._ask("evm_mine")

    def _balances(self) -> dict[tuple[str, str], int]:
        asked = [(self._token, self._codec.encode("balanceOf", wallet)) for wallet in self._wallets]
        answers = self._connection.calls(asked)
        return {
            (CURRENCY, wallet): int.from_bytes(answer, "big")
            for wallet, answer in zip(self._wallets, answers, strict=True)
        }

    def _ask(self, method: str, *params: Any) -> Any:
        return self._connection.development_request(method, *params)


@contextmanager
def staged(
    store: Callable[[], AbstractContextManager[Callable[[int], str]]] | None = None,
) -> Iterator[Stage]:
    """A stage of its own process, chain and folder. ``store`` names a new database for each run; SQLite if None."""
    with Zygote(work) as zygote, ExitStack() as things:
        folder = Path(things.enter_context(tempfile.TemporaryDirectory(prefix="pyjpm-kill-")))
        databases = things.enter_context(store()) if store else None
        stage = Stage(zygote, folder, databases)
        things.callback(stage.close)
        yield stage


def failpoints(stage: Stage) -> list[Kill]:
    """All of them, by dry runs: what two runs alike pass, in the first life and while recovering."""
    found = [
        Kill(mining, name, passage)
        for mining in MINING
        for name, passages in _always(stage, mining, None).items()
        for passage in range(1, min(passages, PASSAGES) + 1)
    ]
    # Recovering from each stage at which a transaction can be when its sender dies; by the clock, so that it waits.
    passed = _always(stage, "clock", None)
    for anchor in ANCHORS:
        name = next((each for each in passed if re.fullmatch(anchor, each)), None)
        if name is None:
            raise LookupError(f"no failpoint is like {anchor!r}: {sorted(passed)}")
        point = (name, min(2, passed[name]))
        found += [Kill("clock", each, 1, point) for each in _always(stage, "clock", point)]
    return found


def _always(stage: Stage, mining: str, anchor: tuple[str, int] | None) -> Counter[str]:
    return stage.passages(mining, anchor) & stage.passages(mining, anchor)


def _onboard(bank: Platform, number: int) -> tuple[str, int, str]:
    """A company: key, participant, wallet. All but the last have money."""
    key = f"{random.Random(number).getrandbits(255):064x}"
    company = bank.acting(LocalSigner.from_key(key))
    link = company.participants.wallet_link(identity_hash({"name": f"company {number}"}, b"salt of the campaign"))
    participant = (
        bank.participants.onboard(
            link,
            kind=Kind.CORPORATE,
            jurisdiction=840,
            kyc_expiry=bank.session.now() + 365 * 86_400,
            idempotency_key=f"onboard {number}",
        )
        .wait()
        .participant
    )
    money = Money.from_minor(OPENING, CURRENCY)
    bank.participants.set_daily_limit(participant, money * 10, idempotency_key=f"limit {number}").wait()
    if number < COMPANIES:
        bank.deposits.mint(
            participant, money, deposit_reference=f"deposit {number}", idempotency_key=f"mint {number}"
        ).wait()
    return key, participant, company.session.wallet


def _require(ending: Ending, *, killed: bool) -> None:
    if ending.killed != killed or (not killed and ending.status != 0):
        raise LifeFailed(f"a life ended by signal {ending.signal}, status {ending.status}: {ending.result}")


def _require_true(answer: Any) -> None:
    if answer is not True:
        raise LifeFailed(f"the chain was not set back: {answer}")
