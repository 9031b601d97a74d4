"""``pyjpm orders watch`` and what goes with it, as somebody runs it; and the examples, which are run the same way."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from intake_support import HUNDRED, World
from sdk.orders import DAY, Attesters

from pyjpm import Document, Keystore, Money, Platform
from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.orders.connectors.webhook import SIGNATURE_HEADER, sign_webhook
from pyjpm.orders.intake import Occasion, StatusEvent, Verdict, load_script
from pyjpm.orders.intake.book import BoundOrder
from pyjpm.terms import OrderTerms
from pyjpm.testing import new_company

EXAMPLES = project_root() / "examples"
PASSPHRASE = "correct horse battery staple"
MAPPING = """
[statuses]
SHIPPED = 1
[[rule]]
status = "done"
means = "SHIPPED"
"""


@dataclass
class Desk:
    """A folder with everything that the command needs, and a way to run it."""

    world: World
    folder: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str | Path, code: int = 0) -> list[dict[str, Any]]:
        """What a command printed as JSON."""
        assert main([str(each) for each in arguments]) == code, self.capture.readouterr().err
        return [json.loads(line) for line in self.capture.readouterr().out.splitlines()]

    def refused(self, *arguments: str | Path) -> str:
        """The one line that a command ended with."""
        assert main([str(each) for each in arguments]) == 1
        (line,) = self.capture.readouterr().err.splitlines()
        return line

    @property
    def stored(self) -> tuple[str | Path, ...]:
        return "--database", str(self.world.database), "--record", self.folder / "record.json"

    def watch(self, source: str | Path, *more: str | Path) -> tuple[str | Path, ...]:
        """The command line of a watch that attests with two keys."""
        return (
            *("orders", "watch", "--source", source, "--mapping", self.folder / "mapping.toml", *self.stored),
            *("--rpc", self.world.rpc, "--journal", self.folder / "sender.db", "--name", self.world.source),
            *("--keystore", self.folder / "keys", "--passphrase-file", self.folder / "passphrase"),
            *("--attester", "attester-1", "--attester", "attester-2", "--json", *more),
        )

    def bound(self, order: str, document: Document) -> None:
        document.save(self.folder / f"{order}.json")
        (told,) = self.run(
            *("orders", "bind", self.world.source, order, self.folder / f"{order}.json", *self.stored, "--json")
        )
        assert told["chain_order"] == self.world.bank.escrow.order_id(document)


def attesters_of(bank: Platform, keystore: Keystore) -> Attesters:
    """Three attesters with keys in a keystore."""
    for name in ("attester-1", "attester-2", "attester-3", "intake"):
        keystore.create(name, PASSPHRASE)
    signers = [keystore.load(f"attester-{number}", PASSPHRASE) for number in (1, 2, 3)]
    administrator = new_company(bank)
    created = administrator.attestations.create_set(
        [signer.address for signer in signers], minimum=2, idempotency_key="set"
    ).wait()
    return Attesters(administrator.attestations.set_of(created), signers, bank)


@pytest.fixture
def desk(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    keystore = Keystore(tmp_path / "keys", kdf_work=4_096)
    world.attesters = attesters_of(world.bank, keystore)
    new_company(world.bank, deposit="100.00", signer=keystore.load("intake", PASSPHRASE))
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "in").mkdir()
    for name, secret in (("passphrase", PASSPHRASE), ("secret", "s" * 40)):
        (tmp_path / name).write_text(secret + "\n")
        (tmp_path / name).chmod(0o600)
    world.bank.record.save(tmp_path / "record.json")
    return Desk(world, tmp_path, capsys)


def age(path: Path) -> None:
    """As if it had lain there for a minute."""
    os.utime(path, (time.time() - 60, time.time() - 60))


def states(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["event"]["order"], each["event"]["state"]) for each in told if "event" in each]


def test_a_folder_is_watched_once_and_goes_on_where_it_stopped(desk: Desk) -> None:
    world, document = desk.world, desk.world.funded()
    path = desk.folder / "in" / "monday.csv"
    path.write_text(f"order,seq,status,at\nSO1,1,done,{world.bank.session.now()}\nSO2,1,gone,2026-12-01\n,,,\n")
    age(path)
    command = desk.watch("csv", "--folder", desk.folder / "in", "--once")
    told = desk.run(*command)
    assert ("SO1", "RECEIVED") in states(told)
    assert ("SO1", "WAITING") in states(told)
    assert ("SO2", "UNMAPPED") in states(told)
    assert [each["problem"]["place"] for each in told if "problem" in each] == ["monday.csv:4"]

    desk.bound("SO1", document)
    assert states(desk.run(*command))[-1] == ("SO1", "DONE")
    assert world.paid() == HUNDRED
    assert desk.run(*command) == [], "and a third time there is nothing to do"
    listed = desk.run("orders", "events", *desk.stored, "--json", "--state", "UNMAPPED")
    assert [(each["order"], each["code"]) for each in listed] == [("SO2", "STATUS_UNMAPPED")]
    assert len(desk.run("orders", "events", *desk.stored, "--json", "--problems")) == 1
    assert world.attested(document) == [1]


def test_text_that_no_database_or_terminal_takes_stops_nobody(desk: Desk) -> None:
    document = desk.world.funded()
    desk.bound("SO1", document)
    good = {"order": "SO1", "seq": 1, "status": "done", "at": desk.world.bank.session.now()}
    bad = [{"\x00": {}}, {**good, "order": "SO1\x00\x1b[2J"}, {**good, "milestone": "Köln"}]
    for name, content in (("a.json", [*bad, good]), ("b\udcff.json", [1])):
        path = desk.folder / "in" / name
        path.write_text(json.dumps(content))
        age(path)
    command = desk.watch("json", "--folder", desk.folder / "in", "--once")
    main([str(each) for each in command if each != "--json"])
    told = desk.capture.readouterr().out
    assert "UNREADABLE" in told
    assert "INVALID" in told
    assert "\x1b" not in told
    assert "Köln" in told
    assert "b\\udcff.json" in told
    assert desk.world.paid() == HUNDRED
    assert len(desk.run("orders", "events", *desk.stored, "--problems", "--json")) == 3


def test_what_is_held_waits_for_a_word_at_the_command_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    world, document = desk.world, desk.world.funded()
    desk.bound("SO1", document)
    line = json.dumps({"order": "SO1", "seq": 4, "status": "done", "at": world.bank.session.now()})
    (desk.folder / "stdin").write_text(line)
    with (desk.folder / "stdin").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        told = desk.run(*desk.watch("stdin", "--once", "--script", "hold-for-approval"))
    assert states(told)[-1] == ("SO1", "HELD")
    word = ("orders", "decide", world.source, "SO1", "4", "release", *desk.stored)
    desk.run(*word, "--by", "ann", "--reason", "inspected", "--json")
    told = desk.run(*desk.watch("json", "--folder", desk.folder / "in", "--once"))
    assert states(told)[-1] == ("SO1", "DONE")
    assert world.paid() == HUNDRED
    assert "EVENT_ALREADY_SENT" in desk.refused(*word, "--by", "bob", "--reason", "again")


def test_webhooks_are_taken_in_until_it_is_told_to_stop(desk: Desk) -> None:
    world, document = desk.world, desk.world.funded()
    desk.bound("SO1", document)
    command = desk.watch("webhook", "--listen", "127.0.0.1:0", "--secret-file", desk.folder / "secret")
    running = subprocess.Popen(
        [sys.executable, "-m", "pyjpm.cli", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stderr is not None
        url = running.stderr.readline().split()[-1]
        body = json.dumps({"order": "SO1", "seq": 1, "status": "done", "at": world.bank.session.now()}).encode()
        signed = {SIGNATURE_HEADER: sign_webhook("s" * 40, body, int(time.time()))}
        assert [urllib3.request("POST", url, body=body, headers=signed).status for _ in range(2)] == [200, 409]
        assert running.stdout is not None
        seen = []
        while ("SO1", "DONE") not in seen:
            seen += states([json.loads(running.stdout.readline())])
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.communicate()
    assert world.paid() == HUNDRED


def test_a_stream_that_goes_on_is_watched_until_it_is_told_to_stop(desk: Desk) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "pyjpm.cli", *map(str, desk.watch("stdin"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write('{"order": "SO1", "seq": 1, "status": "draft", "at": 1790000000}\n')
        running.stdin.flush()
        assert states([json.loads(running.stdout.readline())]) == [("SO1", "RECEIVED")]
        running.send_signal(signal.SIGTERM)  # while the stream is open
        assert running.wait(30) == 0
    finally:
        running.kill()
        _, said = running.communicate()
    assert said == ""


def test_options_that_make_no_sense_are_one_line(desk: Desk) -> None:
    broken = desk.folder / "broken.py"
    broken.write_text("import nowhere\n")
    empty = desk.folder / "empty.py"
    empty.write_text("def connect(settings):\n    return None\n")
    for source, more, said in (
        ("sap", (), "There is no source 'sap'"),
        ("csv", (), "--folder"),
        ("odoo", ("--url", "http://127.0.0.1:9"), "--erp-database"),
        ("tryton", (), "WATCH_INVALID"),
        ("tryton-purchases", ("--url", "http://127.0.0.1:9"), "--erp-database"),
        ("webhook", ("--once",), "does not end by itself"),
        ("webhook", (), "WEBHOOK_SECRETS_UNUSABLE"),
        ("webhook", ("--secret-file", desk.folder / "secret", "--listen", "8788"), "HOST:PORT"),
        (str(broken), (), "ModuleNotFoundError"),
        (str(empty), (), "no function connect"),
        (str(desk.folder / "none.py"), (), "no Python file"),
        ("json", ("--folder", desk.folder / "in", "--script", desk.folder / "none.py"), "SCRIPT_INVALID"),
        ("json", ("--folder", desk.folder / "in", "--option", "nonsense"), "NAME=VALUE"),
    ):
        line = desk.refused(*desk.watch(source, *more))
        assert said in line, line
    assert "ORDER" not in desk.refused(
        "orders", "decide", "erp", "SO9", "1", "hold", *desk.stored, "--by", "a", "--reason", "b"
    )


# --- the examples ----------------------------------------------------------------------------------------------------


def test_the_example_connector_fits_in_fifty_lines_and_works(desk: Desk) -> None:
    example = EXAMPLES / "connectors" / "warehouse.py"
    lines = example.read_text().splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 120
    file, world = desk.folder / "warehouse.sqlite", desk.world
    command = desk.watch(example, "--option", f"file={file}", "--once")
    assert "SOURCE_UNAVAILABLE" in refused_after_tries(desk, command)

    document, now = world.funded(partial=True), world.bank.session.now()
    desk.bound("SO1", document)
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TABLE shipments(revision INTEGER PRIMARY KEY, sales_order, state, shipped_at, value_cents, is_last)"
        )
        database.execute("INSERT INTO shipments VALUES (11, 'SO1', 'done', ?, 4000, 0)", (now,))
    desk.run(*command)
    assert world.paid() == 40_00
    with sqlite3.connect(file) as database:
        database.execute("INSERT INTO shipments VALUES (12, 'SO1', 'done', ?, 9500, 1)", (now,))
    desk.run(*command)
    assert world.paid() == 95_00
    assert world.milestone(document).refunded == Money("5.00", "USD")


def refused_after_tries(desk: Desk, command: tuple[str | Path, ...]) -> str:
    """The last line of a command whose source stays away."""
    assert main([str(each) for each in command]) == 1
    return desk.capture.readouterr().err.splitlines()[-1]


def test_the_example_script_runs_as_the_command_runs_it(desk: Desk) -> None:
    world = desk.world
    document = world.funded(attest_by=world.bank.session.now() + 10 * DAY)
    desk.bound("SO1", document)
    path = desk.folder / "in" / "a.json"
    event = {"order": "SO1", "seq": 1, "status": "done", "at": world.bank.session.now()}
    # The ERP tells of the one delivery again, under its next revision.
    path.write_text(json.dumps([event, {**event, "seq": 2}]))
    age(path)
    command = desk.watch("json", "--folder", desk.folder / "in", "--once")
    for _ in range(2):
        desk.run(*command, "--script", EXAMPLES / "order_scripts" / "quality.py")
    assert world.paid() == HUNDRED + 25_00, "early: the bonus came once"


def test_a_script_is_tested_without_a_chain_by_calling_it() -> None:
    (shipped,) = load_script(EXAMPLES / "order_scripts" / "quality.py")

    def decided(**extra: str) -> Verdict:
        event = StatusEvent(source="erp", order="1", seq=1, status="done", at=1_790_000_000, extra=extra)
        document = Document("order", 1, "0x" + 40 * "0", {})
        terms: Any = some_terms()
        occasion = Occasion(event, "SHIPPED", 1, 0, BoundOrder("erp", "1", document, terms, {"": 0}), FakePlatform())  # type: ignore[arg-type]
        return shipped(occasion).verdict

    assert decided(kind="sample") is Verdict.IGNORE
    assert decided(quality="rework") is Verdict.HOLD
    assert decided() is Verdict.RELEASE


class FakePlatform:
    """Knows one currency."""

    class session:  # noqa: N801
        @staticmethod
        def money(minor: int, token: str) -> Money:
            return Money.from_minor(minor, "USD")


def some_terms() -> OrderTerms:
    from pyjpm import Milestone, Mode

    part = Milestone(amount=HUNDRED, mode=Mode.PREFUND, required_status=1, attest_by=1_790_086_400)
    return OrderTerms(
        buyer=1,
        seller=2,
        token="0x" + 40 * "1",
        order_reference=bytes(32),
        attester_set=1,
        threshold=1,
        open_by=1,
        milestones=(part,),
    )
