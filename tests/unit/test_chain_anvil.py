"""Anvil is found, starts, and is gone when we are: never a stray process."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyjpm.chain import Connection, DevClock, LocalAnvil
from pyjpm.chain.anvil_binary import find_anvil
from pyjpm.errors.chain import AnvilFailed, AnvilNotFound, NodeUnreachable

ROOT = Path(__file__).parents[2]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout


def gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def starter(body: Callable[[Callable[[object], None]], None]) -> tuple[int, list[str]]:
    """Fork a process that runs ``body(say)`` and then ends at once; its pid and the words that it said first."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            body(lambda words: print(words, file=os.fdopen(os.dup(writing), "w"), flush=True))
        finally:
            os._exit(3)
    os.close(writing)
    with os.fdopen(reading) as said:
        return child, said.readline().split()


def wait_for(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# --- a whole life ---------------------------------------------------------------------------------------------------


def test_it_starts_answers_and_is_gone():
    anvil = LocalAnvil()
    with anvil as running:
        url, pid = running.url, running.pid
        assert is_alive(pid)
        assert running.connection().head().number == 0
        assert url in repr(running)
        assert running.start() is running
    assert gone_within(2, pid)
    with pytest.raises(NodeUnreachable):
        Connection.open(url, max_retries=0)
    with pytest.raises(AnvilFailed):
        _ = anvil.url
    anvil.stop()
    assert "not running" in repr(anvil)


def test_two_at_once_get_ports_of_their_own():
    with LocalAnvil(chain_id=1) as one, LocalAnvil(chain_id=2) as two:
        assert one.url != two.url
        assert (one.connection().chain_id, two.connection().chain_id) == (1, 2)


def test_it_can_be_started_again():
    anvil = LocalAnvil()
    with anvil:
        first = anvil.pid
    with anvil:
        assert anvil.pid != first
        assert anvil.connection().head().number == 0


def test_state_is_kept_in_a_file(tmp_path):
    state = tmp_path / "state.json"
    with LocalAnvil(state_file=state, timestamp=820_454_400) as anvil:
        anvil.clock().advance(1_000)
        head = anvil.connection().head()
    with LocalAnvil(state_file=state) as anvil:
        assert anvil.connection().head() == head


def test_blocks_come_by_themselves_or_only_when_asked_for():
    with LocalAnvil(mining=1) as steady:
        connection = steady.connection()
        deadline = time.monotonic() + 5
        while connection.head().number == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert connection.head().number > 0
    with LocalAnvil(mining="none") as still:
        assert still.clock().mine().number == 1


def test_old_state_is_kept_as_far_as_asked_for():
    with LocalAnvil(history_blocks=2) as anvil:
        connection, clock = anvil.connection(), DevClock(anvil.connection())
        for _ in range(6):
            clock.mine()
        assert connection.balance("0x" + "11" * 20, block=5) == 0
        with pytest.raises(Exception, match="does not have block 1"):
            connection.balance("0x" + "11" * 20, block=1)
        assert connection.block(1).number == 1


# --- never a stray process ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_when_its_starter_is_killed(signal_number):
    def run(say):
        say(LocalAnvil().start().pid)
        time.sleep(60)

    child, (pid,) = starter(run)
    assert is_alive(int(pid))
    os.kill(child, signal_number)
    assert wait_for(child) == -signal_number
    assert gone_within(5, int(pid))


def test_it_ends_when_its_starter_crashes():
    child, (pid,) = starter(lambda say: say(LocalAnvil().start().pid))
    assert wait_for(child) == 3
    assert gone_within(5, int(pid))


def test_it_ends_when_its_starter_ends_without_stopping_it():
    code = "from pyjpm.chain import LocalAnvil; print(LocalAnvil().start().pid)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ended.stderr == ""
    assert gone_within(5, int(ended.stdout))


def test_a_forked_child_neither_stops_it_nor_keeps_it_alive():
    def run(say):
        anvil = LocalAnvil().start()
        connection = anvil.connection()
        grandchild = os.fork()
        if grandchild == 0:
            anvil.stop()
            time.sleep(60)
        time.sleep(0.2)
        say(f"{anvil.pid} {grandchild} {connection.head().number}")
        time.sleep(60)

    child, (pid, grandchild, head) = starter(run)
    try:
        assert head == "0"
        os.kill(child, signal.SIGKILL)
        wait_for(child)
        assert gone_within(5, int(pid))
        assert is_alive(int(grandchild))
    finally:
        os.kill(int(grandchild), signal.SIGKILL)


def test_a_thread_that_started_it_may_end():
    anvil = LocalAnvil()
    thread = threading.Thread(target=anvil.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    with anvil:
        assert anvil.connection().head().number == 0


def test_it_outlives_its_starter_only_if_told_to():
    def run(say):
        anvil = LocalAnvil(keep_alive_after_parent=True).start()
        say(f"{anvil.pid} {anvil.url}")

    child, (pid, url) = starter(run)
    try:
        assert wait_for(child) == 3
        assert Connection.open(url).head().number == 0
    finally:
        os.kill(int(pid), signal.SIGTERM)
    assert gone_within(5, int(pid))


def test_one_that_was_told_to_outlive_can_still_be_stopped():
    anvil = LocalAnvil(keep_alive_after_parent=True).start()
    pid = anvil.pid
    anvil.stop()
    assert gone_within(2, pid)


def test_an_anvil_that_dies_is_noticed():
    with LocalAnvil() as anvil:
        pid = anvil.pid
        os.kill(pid, signal.SIGKILL)
        assert gone_within(5, pid)
        time.sleep(0.2)
        with pytest.raises(AnvilFailed) as ended:
            _ = anvil.url
        assert ended.value.details["exit_status"] != 0


# --- finding and starting it ----------------------------------------------------------------------------------------


def test_the_native_binary_is_found_not_npms_script():
    found = find_anvil()
    assert found.read_bytes()[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe")


def test_an_explicit_path_and_the_variable_come_first(tmp_path, monkeypatch):
    mine = executable(tmp_path / "mine", "exit 0")
    theirs = executable(tmp_path / "theirs", "exit 0")
    monkeypatch.setenv("PYJPM_ANVIL", str(mine))
    assert find_anvil() == mine
    assert find_anvil(theirs) == theirs


def test_an_explicit_path_that_is_wrong_is_refused_not_replaced(tmp_path, monkeypatch):
    with pytest.raises(AnvilNotFound) as missing:
        LocalAnvil(binary=tmp_path / "none").start()
    assert missing.value.details["looked_in"] == [str(tmp_path / "none")]
    (tmp_path / "text").write_text("no program")
    monkeypatch.setenv("PYJPM_ANVIL", str(tmp_path / "text"))
    with pytest.raises(AnvilNotFound):
        find_anvil()


def test_without_any_anvil_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYJPM_ANVIL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("pyjpm.chain.anvil_binary.__file__", str(tmp_path / "anvil_binary.py"))
    with pytest.raises(AnvilNotFound) as missing:
        find_anvil()
    assert "npm install @foundry-rs/anvil" in str(missing.value)
    on_path = executable(tmp_path / "anvil", "exit 0")
    assert find_anvil() == on_path


def test_one_that_ends_at_once_is_an_error_with_its_last_words(tmp_path):
    broken = executable(tmp_path / "anvil", "echo cannot bind; exit 7")
    with pytest.raises(AnvilFailed) as failed:
        LocalAnvil(binary=broken).start()
    assert failed.value.details["exit_status"] == 7
    assert "cannot bind" in failed.value.details["output"]


def test_one_that_never_comes_up_is_ended(tmp_path):
    hung = executable(tmp_path / "anvil", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    with pytest.raises(AnvilFailed, match="did not come up"):
        LocalAnvil(binary=hung, start_timeout=0.5).start()
    assert gone_within(5, int((tmp_path / "pid").read_text()))


def test_errors_hold_no_development_key():
    with pytest.raises(AnvilFailed) as failed:
        LocalAnvil(hardfork="no-such-fork").start()
    assert "no-such-fork" in failed.value.details["output"]
    with LocalAnvil() as anvil:
        assert "ac0974bec39a17e3" not in repr(anvil) + str(vars(anvil))
