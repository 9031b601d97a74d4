"""A process that takes events in and is killed at every step: what the next one finds ends the same, and once.

The points come in the order of an event's life. Each kills its process (SIGKILL) the first time that it is passed, and
the next process starts from what that left.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_child import POINTS, main
from intake_support import World
from sdk.orders import DAY, usd

from pyjpm import Keystore
from pyjpm.orders.intake import EventState, StatusEvent
from pyjpm.testing import new_company

OPENING = 3  # the number of the first commit of an intake after it was opened
PASSPHRASE = "correct horse battery staple"
# Each process is forked from one that has imported everything and opened nothing.
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["intake_child"])


def row(event: StatusEvent) -> dict[str, object]:
    """An event as the ERP writes it."""
    accepted = None if event.accepted is None else f"{event.accepted // 100}.{event.accepted % 100:02}"
    told = {name: getattr(event, name) for name in ("order", "seq", "status", "at", "complete")}
    return {**told, "accepted": accepted, "currency": "USD"}


@pytest.fixture(autouse=True)
def _forking(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process that is forked from looks for what it imports here, and has its socket where pytest tidies up: a
    # worker that is told to end in a hurry does not.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.getbasetemp()))


def prepared(world: World, tmp_path: Path, events: list[StatusEvent]) -> Callable[[str | int | None], int | None]:
    """Runs a process over these events, which dies at a point, or before the commit of this number; its exit code."""
    keystore = Keystore(tmp_path / "keys", kdf_work=4_096)
    keystore.create("intake", PASSPHRASE)
    new_company(world.bank, deposit="10.00", signer=keystore.load("intake", PASSPHRASE))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "events.json").write_text(json.dumps([row(event) for event in events]))
    world.bank.record.save(tmp_path / "record.json")
    settings = {
        "rpc": world.rpc,
        "record": str(tmp_path / "record.json"),
        "journal": str(tmp_path / "sender.db"),
        "keystore": str(tmp_path / "keys"),
        "passphrase": PASSPHRASE,
        "database": str(world.database),
        "folder": str(folder),
        "source": world.source,
    }

    def run(point: str | int | None = None) -> int | None:
        process = FORKING.Process(target=main, args=(settings, point))
        process.start()
        process.join(120)
        return process.exitcode

    return run


def test_killed_everywhere_it_ends_the_same(world: World, tmp_path: Path) -> None:
    parts, whole = world.funded(partial=True), world.funded()
    with world.intake() as book:
        first, second = world.bound(book, parts), world.bound(book, whole)
    events = [
        world.event(first, seq=1, accepted=40_00, complete=False),
        world.event(first, seq=2, accepted=95_00),
        world.event(second, seq=5),
        world.event(second, "draft", seq=6),
    ]
    run = prepared(world, tmp_path, events)
    before = usd(world.bank, world.buyer)
    for point in POINTS:
        assert run(point) == -signal.SIGKILL, f"{point} was passed"
    assert run() == 0
    assert run() == 0, "and once more it finds nothing to do"

    after = world.intake()
    states = {(each.order, each.seq): each.state for each in after.events()}
    assert states.pop((second, 6)) is EventState.IGNORED
    assert set(states) == {(first, 1), (first, 2), (second, 5)}
    assert set(states.values()) == {EventState.DONE}
    assert world.attested(parts) == [1, 2]
    assert world.attested(whole) == [5]
    assert world.paid() == 95_00 + 100_00
    # Held money stays the buyer's until it is paid. The script's thanks came once for each event that was decided.
    assert usd(world.bank, world.buyer) - before == 3 * 1_00 - (95_00 + 100_00)
    assert [len(after.decisions((world.source, order, "", seq))) for order, seq in states] == [1, 1, 1]


def test_killed_before_any_commit_many_end_the_same(world: World, tmp_path: Path) -> None:
    """Each process dies one commit later than the one before it, until one comes to its end."""
    parts, bad = world.funded(partial=True), world.funded()
    whole = [world.funded() for _ in range(4)]
    with world.intake() as book:
        first, late, *names = [world.bound(book, document) for document in (parts, bad, *whole)]
    events = [
        world.event(first, seq=1, accepted=40_00, complete=False),
        world.event(first, seq=2, accepted=95_00),
        world.event(late, at=world.bank.session.now() + 11 * DAY),
        *(world.event(name) for name in names),
    ]
    run = prepared(world, tmp_path, events)
    before = usd(world.bank, world.buyer)
    ends = itertools.takewhile(lambda code: code != 0, (run(commits) for commits in itertools.count(OPENING)))
    killed = list(ends)
    assert set(killed) == {-signal.SIGKILL}
    assert len(killed) >= 5, "it was killed before too few commits"

    after = world.intake()
    states = {(each.order, each.seq): each.state for each in after.events()}
    assert states.pop((late, 1)) is EventState.REFUSED
    assert states == dict.fromkeys([(first, 1), (first, 2), *((name, 1) for name in names)], EventState.DONE)
    assert world.attested(parts) == [1, 2]
    assert [world.attested(document) for document in (bad, *whole)] == [[]] + [[1]] * 4
    assert world.paid() == 95_00 + 4 * 100_00
    assert usd(world.bank, world.buyer) - before == 7 * 1_00 - (95_00 + 4 * 100_00)
