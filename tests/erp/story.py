"""Three sales through a real Tryton and the escrow on Anvil, by a desk that is killed over and over.

    story.py RECORD.json [SEED]

One is shipped and paid; one ships in two parts, five percent short, and settles for what arrived; one is returned after
its release and ends with a credit note on both sides. Each is judged by figures read from the chain and from Tryton's
books, past everything that the desk uses.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from desks import Desks
from tryton_server import DATABASE, METHOD, TrytonServer, free_port

from pyjpm import LocalAnvil, Money, Platform
from pyjpm.testing import backed_platform
from pyjpm.workplace import Workplace

MAPPING = Path(__file__).resolve().parents[2] / "examples" / "tryton" / "mapping.toml"
DEPOSIT = Money("10000.00", "USD")
ATTESTERS = ("attester-1", "attester-2", "attester-3")
_WITHIN = 120.0


@dataclass
class Story:
    """Where it happens. ``kills`` in the order in which they happened: a point, or ``outside`` for one from here."""

    home: Path
    rpc: str
    tryton: TrytonServer
    bank: Platform
    wallets: dict[str, str]
    seed: int
    desks: Desks
    kills: list[str] = field(default_factory=list)
    starts: int = 0

    # --- the desk, a process that dies ---

    def dies_at(self, point: str) -> None:
        """The desk runs until it has killed itself there."""
        self.start(point)
        with self._explained():
            assert self.desks.ended(_WITHIN) == -signal.SIGKILL, f"the desk did not die {point}"
        self.kills.append(point)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """The desk works meanwhile, and is asked to stop afterwards."""
        self.start_work()
        try:
            yield
            with self._explained():
                assert self.desks.running(), "the desk stopped by itself"
        except BaseException:
            self.desks.end(signal.SIGKILL)
            raise
        with self._explained():
            assert self.desks.end(signal.SIGTERM) == 0, "the desk did not stop when it was asked to"

    def start(self, *points: str) -> None:
        self.desks.start(*points)
        self.starts += 1

    def start_work(self) -> None:
        """Starts a desk, and waits until it listens to signals and notices."""
        begun = self.log().count("at work")
        self.start()
        self.until(lambda: self.log().count("at work") > begun, "the desk is at work")

    def command_line(self) -> list[dict[str, Any]]:
        """One run of ``pyjpm orders watch`` in the desk's place; the events that it told."""
        home, options = self.home, []
        named = {
            "source": "tryton",
            "mapping": MAPPING,
            "database": home / "intake.sqlite",
            "rpc": self.rpc,
            "record": home / "deployment.json",
            "keystore": home / "keys",
            "passphrase-file": home / "passphrase",
            "journal": home / "bank.journal",
            "key": "bank",
            "url": self.tryton.url,
            "erp-database": DATABASE,
            "user": "pyjpm",
            "password-file": self.tryton.password_file,
        }
        for name, value in named.items():
            options += [f"--{name}", str(value)]
        for name in ATTESTERS:
            options += ["--attester", name]
        command = [sys.executable, "-m", "pyjpm.cli", "orders", "watch", "--once", "--json", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return [line["event"] for line in told if "event" in line]

    def until(self, condition: Callable[[], bool], told: str) -> None:
        deadline = time.monotonic() + _WITHIN
        with self._explained():
            while not condition():
                assert time.monotonic() < deadline, f"not within {_WITHIN} s: {told}"
                time.sleep(0.1)

    def killed_at_random(self, times: int, dice: random.Random) -> None:
        """The desk is killed from outside, each time a moment after it has begun to work."""
        for _ in range(times):
            self.start_work()
            time.sleep(dice.uniform(0.0, 1.0))
            with self._explained():
                assert self.desks.end(signal.SIGKILL) == -signal.SIGKILL
            self.kills.append("outside")

    def log(self) -> str:
        return (self.home / "desk.log").read_text(errors="replace")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (AssertionError, subprocess.TimeoutExpired) as failure:
            for log in (self.home / "desk.log", self.tryton.folder / "trytond.log"):
                failure.add_note(f"{log.name}, its end:\n" + log.read_text(errors="replace")[-3_000:])
            raise

    # --- the judge's view ---

    def balance(self, who: str) -> int:
        return int(self.bank.contract("USD").functions.balanceOf(self.wallets[who]).call())

    def held(self) -> int:
        return int(self.bank.contract("USD").functions.held(self.wallets["buyer"]).call())

    def moved(self, event: str) -> list[int]:
        """The amounts of an escrow event, in the order of the chain."""
        return [int(each.arguments["amount"]) for each in self.bank.session.events("OrderEscrow", event)]

    def paid(self, *numbers: str) -> bool:
        found = self.tryton.clerk("states")
        return all(found.get(number) == "paid" for number in numbers)


@contextlib.contextmanager
def stage(folder: Path, seed: int) -> Iterator[Story]:
    """A chain with bank, buyer, seller and attesters; a Tryton; a desk that knows both."""
    home = folder / "home"
    home.mkdir(parents=True)
    port = free_port()
    tryton = TrytonServer(folder / "tryton", notices=f"http://127.0.0.1:{port}/")
    with LocalAnvil() as anvil, tryton, _environment(anvil.url, home):
        place = Workplace()
        with backed_platform(
            anvil.url, place.signer("bank"), record=place.record, journal=home / "bank.journal", currencies=("USD",)
        ) as bank:
            buyer, seller = place.company(bank, "buyer", DEPOSIT), place.company(bank, "seller")
            administrator = place.company(bank, "administrator")
            addresses = [place.signer(name).address for name in ATTESTERS]
            made = administrator.attestations.create_set(addresses, minimum=2, idempotency_key="set").wait()
            attester_set = administrator.attestations.set_of(made)
            wallets = {"buyer": buyer.session.wallet, "seller": seller.session.wallet}
        settings = {
            "url": tryton.url,
            "database": DATABASE,
            "user": "pyjpm",
            "password_file": str(tryton.password_file),
            "method": METHOD,
            "attester_set": attester_set,
            "attesters": list(ATTESTERS),
            "webhook_secret_file": str(tryton.secret),
            "webhook_port": port,
            "pause": 0.2,
            "timeout": 2.0,
            "patience": 4.0,
        }
        toml = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
        (home / "desk.toml").write_text(toml, encoding="utf-8")
        (home / "desk.log").touch()
        with Platform.connect(anvil.url, place.record) as reader:
            desks = Desks({"DESK": str(home / "desk.toml")}, home / "desk.log")
            with contextlib.closing(desks):
                yield Story(home, anvil.url, tryton, reader, wallets, seed, desks)


@contextlib.contextmanager
def _environment(rpc: str, home: Path) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ("PYJPM_RPC", "PYJPM_HOME")}
    os.environ.update(PYJPM_RPC=rpc, PYJPM_HOME=str(home))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def shipped_and_paid(story: Story) -> None:
    """Quoted, confirmed, shipped; the desk dies at every step of it."""
    clerk = story.tryton.clerk
    number = clerk("quote", 100, "order")
    assert clerk("confirm", number) == "processing"
    for point in ("after-polling", "after-storing-events", "after-binding", "after-funding"):
        story.dies_at(point)
    assert story.held() == 100_000, "confirmed is funded"
    assert clerk("ship", number) == "done"
    for point in ("before-attesting", "after-attesting"):
        story.dies_at(point)
    (invoice,) = clerk("post_invoices", number)
    for point in ("after-intending", "after-claiming", "after-telling"):
        story.dies_at(point)
    with story.at_work():
        story.until(lambda: story.paid(invoice), "the first invoice is paid")
    assert (story.balance("buyer"), story.balance("seller"), story.held()) == (900_000, 100_000, 0)


def in_two_parts_and_short(story: Story) -> None:
    """60 of 100, then 35, then nothing more; the desk is killed from outside, and Tryton goes down for a while."""
    clerk, dice = story.tryton.clerk, random.Random(story.seed)
    number = clerk("quote", 100, "fulfillment")
    clerk("confirm", number)
    clerk("ship", number, 60)
    story.killed_at_random(3, dice)
    with story.at_work():
        story.until(lambda: story.balance("seller") == 160_000, "what was shipped first is released")
    assert story.held() == 40_000
    (first,) = clerk("post_invoices", number)
    clerk("ship", number, 35)
    assert clerk("close_short", number) == "sent"
    invoices = clerk("post_invoices", number)
    story.tryton.stop()
    with story.at_work():
        story.until(lambda: "waiting for Tryton" in story.log(), "the desk waits for Tryton")
        assert story.desks.running()
        story.tryton.start()
        story.until(lambda: story.paid(first, *invoices), "both invoices are paid")
    assert (story.balance("buyer"), story.balance("seller"), story.held()) == (805_000, 195_000, 0)


def returned_and_credited(story: Story) -> None:
    """Shipped, paid, and all of it taken back: a credit note in Tryton, and the money back on the chain."""
    clerk = story.tryton.clerk
    number = clerk("quote", 100, "order")
    clerk("confirm", number)
    with story.at_work():
        story.until(lambda: story.held() == 100_000, "the third sale is funded")
    clerk("ship", number)
    (invoice,) = clerk("post_invoices", number)
    watched = story.command_line()
    assert (number, "shipped", "DONE") in [(each["order"], each["status"], each["state"]) for each in watched]
    assert story.balance("seller") == 295_000, "released by the command line alone"
    with story.at_work():
        story.until(lambda: story.paid(invoice), "the third invoice is paid")
    returned = clerk("take_back", number)
    (note,) = clerk("post_invoices", returned)
    for point in ("before-crediting", "after-crediting", "after-telling"):
        story.dies_at(point)
    with story.at_work():
        story.until(lambda: story.paid(note), "the credit note is paid")
    assert (story.balance("buyer"), story.balance("seller"), story.held()) == (805_000, 195_000, 0)


def judged(story: Story) -> dict[str, Any]:
    """The end: what the chain did, what the books say, and that the two are equal."""
    books = story.tryton.clerk("books")
    once = all(each["payments"] == [each["total"]] for each in books["invoices"])
    released, back = story.moved("MilestoneReleased"), story.moved("ReleasedRefunded")
    assert story.moved("MilestoneFunded") == [100_000, 100_000, 100_000]
    assert released == [100_000, 60_000, 35_000, 100_000]
    assert story.moved("MilestoneRefunded") == [5_000], "what was short went back to the buyer"
    assert back == [100_000]
    assert [each["total"] for each in books["invoices"]] == ["1000.00", "600.00", "350.00", "1000.00", "-1000.00"]
    assert all(each["state"] == "paid" for each in books["invoices"])
    assert once, "each invoice has exactly one payment"
    assert books["moves"] == 5
    cash = int(Decimal(books["cash"]).scaleb(2))
    assert cash == story.balance("seller") == sum(released) - sum(back)
    assert story.balance("buyer") == DEPOSIT.minor - cash
    return {
        "sales": 3,
        "invoices": sum(not each["total"].startswith("-") for each in books["invoices"]),
        "credit_notes": sum(each["total"].startswith("-") for each in books["invoices"]),
        "payments_on_chain": len(released) + len(back),
        "payments_booked": books["moves"],
        "each_invoice_paid_once": once,
        "balance_of_chain_minor": story.balance("seller"),
        "cash_in_books_minor": cash,
        "balances_equal": cash == story.balance("seller"),
        "kills": len(story.kills),
        "kill_points": story.kills,
        "starts": story.starts,
        "seed": story.seed,
    }


def tell(folder: Path, seed: int) -> dict[str, Any]:
    """The whole story; figures of it."""
    started = time.monotonic()
    with stage(folder, seed) as story:
        staged = time.monotonic()
        for part in (shipped_and_paid, in_two_parts_and_short, returned_and_credited):
            part(story)
        record = judged(story)
    ended = time.monotonic()
    return {**record, "seconds_to_set_up": round(staged - started, 1), "seconds": round(ended - started, 1)}


def main(record: str, seed: str | None = None) -> None:
    chosen = random.SystemRandom().randrange(2**32) if seed is None else int(seed, 0)
    print(f"seed {chosen}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyjpm-erp-") as folder:
        told = tell(Path(folder), chosen)
    Path(record).parent.mkdir(parents=True, exist_ok=True)
    Path(record).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
