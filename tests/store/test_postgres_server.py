"""The server that the tests start leaves nothing behind, however the tests end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from postgres import PREFIX, PostgresServer, place

TESTS = Path(__file__).parents[1]
STARTED = """
import sys
sys.path.insert(0, sys.argv[1])
from postgres import PostgresServer
server = PostgresServer()
print(server.folder, server.pid, server._keeper.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def backends(folder: Path) -> list[str]:
    """Command lines of all processes that have to do with this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            where = os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in words or where.startswith(str(folder)):
            found.append(words)
    return found


def test_a_server_that_was_stopped_leaves_nothing() -> None:
    with PostgresServer() as server:
        database = server.create()
        with server.connected(database) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert backends(server.folder) != []
    assert gone(server.pid)
    assert not server.folder.exists()
    assert backends(server.folder) == []


@pytest.mark.parametrize("victim", ["tests", "keeper"])
def test_a_server_whose_tests_are_killed_leaves_nothing_running(victim: str) -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(TESTS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert tests.stdout is not None
    said = tests.stdout.readline().split()
    folder, server, keeper = Path(said[0]), int(said[1]), int(said[2])
    os.kill(tests.pid if victim == "tests" else keeper, signal.SIGKILL)
    assert within(20, lambda: gone(server))
    assert within(20, lambda: gone(keeper))
    assert within(20, lambda: backends(folder) == [])
    if victim == "tests":
        assert within(20, lambda: not folder.exists())
    else:
        # Whoever kills the keeper takes the folder away himself, as this test does.
        assert folder.exists()
        subprocess.run(["rm", "-rf", folder], check=True)
    tests.kill()
    tests.communicate()


def test_what_stands_now_belongs_to_tests_that_run(postgres: PostgresServer) -> None:
    """No folder of a server without its process."""
    folders = [folder for folder in Path(place() or "/tmp").glob(f"{PREFIX}*") if (folder / "data").exists()]
    assert postgres.folder in folders
    for folder in folders:
        assert within(20, lambda folder=folder: not folder.exists() or backends(folder) != []), folder  # type: ignore[misc]
