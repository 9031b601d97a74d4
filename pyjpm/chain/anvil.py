"""A local chain in a process of its own: Anvil, started and stopped by us.

Decisions that govern this module:

* Zero base fee, zero gas price, first in first out, Cancun, as on the network we run for. Accounts need no ether.
* Anvil picks its port itself (``--port 0``), so there is no race for a free one; it says which in its output, which
  goes to a file that is removed once it is up (a full or closed pipe would stop Anvil), and its logging is off then.
* It never outlives us: a guard process ends it when this process stops, crashes or is killed (``anvil_guard``). A
  forked child does not own it and cannot keep it alive.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from web3.types import RPCEndpoint

from pyjpm.chain import anvil_guard
from pyjpm.chain.anvil_binary import find_anvil
from pyjpm.chain.clock import DevClock
from pyjpm.chain.connection import Connection
from pyjpm.chain.transport import HttpProvider
from pyjpm.errors.chain import AnvilFailed

DEV_CHAIN_ID = 31337
BLOCK_GAS_LIMIT = 100_000_000
HISTORY_BLOCKS = 64
SET_LOGGING = RPCEndpoint("anvil_setLoggingEnabled")

Mining = Literal["auto", "none"] | int
"""A block for each transaction, blocks only when asked for, or a block every so many seconds."""

_live: weakref.WeakSet[LocalAnvil] = weakref.WeakSet()


class LocalAnvil:
    """An Anvil of our own on a loopback port; a context manager.

    Threads: ``start`` and ``stop`` from one thread at a time; any number may use its URL. Forks: the child may use the
    URL while the parent keeps the chain; it cannot stop it.

    With ``mining="auto"`` keep under 1,000 sends in flight: Anvil stops mining for good at about 2,000.

    Args:
        chain_id: chain id.
        block_gas_limit: gas a block holds.
        timestamp: of the genesis block, in seconds since 1970; None is now. The chain's clock runs on from there.
        mining: see Mining.
        state_file: the chain's state is read from here if it exists and written here when stopped.
        history_blocks: how many past blocks keep their state for calls (blocks, receipts and events all stay). Each
            costs a copy of the whole state in memory. None keeps all; Anvil then writes them below ~/.foundry for good.
        hardfork: EVM rules.
        binary: path of Anvil; None looks for it (see ``find_anvil``).
        keep_alive_after_parent: leave it running when this process ends without ``stop``. For tests of crashes;
            whoever sets this has to end ``pid``.
        start_timeout: seconds Anvil may take to come up.
    """

    def __init__(
        self,
        *,
        chain_id: int = DEV_CHAIN_ID,
        block_gas_limit: int = BLOCK_GAS_LIMIT,
        timestamp: int | None = None,
        mining: Mining = "auto",
        state_file: str | os.PathLike[str] | None = None,
        history_blocks: int | None = HISTORY_BLOCKS,
        hardfork: str = "cancun",
        binary: str | os.PathLike[str] | None = None,
        keep_alive_after_parent: bool = False,
        start_timeout: float = 15.0,
    ) -> None:
        self.chain_id = chain_id
        self._arguments = _arguments(chain_id, block_gas_limit, timestamp, mining, state_file, history_blocks, hardfork)
        self._binary = binary
        self._keep_alive = keep_alive_after_parent
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = self._port = 0

    def __repr__(self) -> str:
        return f"LocalAnvil({self.url if self._process else 'not running'})"

    @property
    def url(self) -> str:
        """Where it answers. Raises AnvilFailed if it does not run."""
        self._running()
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Anvil's process id. Raises AnvilFailed if it does not run."""
        self._running()
        return self._pid

    def start(self) -> Self:
        """Start it and wait until it answers. Raises AnvilNotFound, AnvilFailed."""
        if self._process is not None:
            return self
        command = [str(find_anvil(self._binary)), *self._arguments]
        with tempfile.TemporaryDirectory(prefix="pyjpm-anvil-") as folder:
            output = Path(folder, "output")
            self._process = self._spawn(command, output)
            try:
                self._pid, self._port = self._listening(output)
                HttpProvider(self.url, timeout=self._start_timeout).make_request(SET_LOGGING, [False])
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """End it, and wait until it is gone (and has written its state). Nothing happens if it does not run."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # the guard ends Anvil, then itself
        else:
            process.terminate()
        try:
            process.wait(anvil_guard.PATIENCE + 2)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def connection(self, *, timeout: float = 10.0, max_retries: int = 3) -> Connection:
        """A new Connection to it. Raises as Connection.open."""
        return Connection.open(self.url, chain_id=self.chain_id, timeout=timeout, max_retries=max_retries)

    def clock(self) -> DevClock:
        """Its clock, over a connection of its own."""
        return DevClock(self.connection())

    def _running(self) -> None:
        if self._process is None:
            raise AnvilFailed("This Anvil is not running.", output="", exit_status=None)
        status = self._process.poll()
        if status is not None:
            raise AnvilFailed(f"Anvil ended with status {status}.", output="", exit_status=status)

    def _spawn(self, command: list[str], output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as sink:
            if self._keep_alive:
                return subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
                )
            guarded = [sys.executable, "-I", "-S", anvil_guard.__file__, *command]
            # A session of its own: Ctrl-C in a terminal is ours to handle, and a stuck pair can be ended as a group.
            process = subprocess.Popen(
                guarded, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
        _live.add(self)
        atexit.register(self.stop)
        return process

    def _listening(self, output: Path) -> tuple[int, int]:
        """Anvil's process id and port, once it says so."""
        assert self._process is not None
        deadline = time.monotonic() + self._start_timeout
        while True:
            status = self._process.poll()
            text = output.read_text(errors="replace")
            port = re.search(r"^Listening on \S+:(\d+)$", text, re.MULTILINE)
            pid = re.search(r"^pid (\d+)$", text, re.MULTILINE)
            if port and self._keep_alive:
                return self._process.pid, int(port[1])
            if port and pid:
                return int(pid[1]), int(port[1])
            if status is not None or time.monotonic() > deadline:
                what = "ended" if status is not None else f"did not come up within {self._start_timeout:g} s"
                raise AnvilFailed(f"Anvil {what}: {_last_words(text)}", output=_last_words(text), exit_status=status)
            time.sleep(0.005)

    def _forget(self) -> None:
        """In a forked child: drop our copy of the guard's pipe, so that the parent's death still closes it."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.returncode = 0  # not our child: nothing to wait for


def _arguments(
    chain_id: int,
    block_gas_limit: int,
    timestamp: int | None,
    mining: Mining,
    state_file: str | os.PathLike[str] | None,
    history_blocks: int | None,
    hardfork: str,
) -> list[str]:
    given = ["--host", "127.0.0.1", "--port", "0", "--base-fee", "0", "--gas-price", "0", "--order", "fifo"]
    given += ["--hardfork", hardfork, "--chain-id", str(chain_id), "--gas-limit", str(block_gas_limit)]
    if timestamp is not None:
        given += ["--timestamp", str(timestamp)]
    if mining == "none":
        given.append("--no-mining")
    elif mining != "auto":
        given += ["--block-time", str(mining)]
    if history_blocks is not None:
        given += ["--prune-history", str(history_blocks)]
    if state_file is not None:
        given += ["--state", os.fspath(state_file)]
    return given


def _last_words(text: str) -> str:
    # Anvil greets with development keys; they are published ones, but no key goes into an error.
    lines = [line for line in text.splitlines() if line.strip() and not re.search(r"[0-9a-fA-F]{64}", line)]
    return " / ".join(lines[-3:]) or "it said nothing"


def _forget_in_child() -> None:
    for anvil in list(_live):
        anvil._forget()


os.register_at_fork(after_in_child=_forget_in_child)
