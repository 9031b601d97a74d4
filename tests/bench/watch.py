"""When each block came: seen by a process of its own, so that no side's work delays what is measured.

A block has come when the node first answers its height. The clock is the machine's monotonic one, which all processes
share. After a block nothing is asked for most of its second, and then as cheaply as can be, so that watching costs both
sides the same little.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

QUIET = 0.9
POLL = 0.002
_QUESTION = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'


class BlockWatch:
    """Watches one node; a context manager."""

    def __init__(self, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_watch, args=(url, theirs), daemon=True)
        self._times: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._process.start()
        self._receive(self._ours.recv())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def times(self) -> dict[int, float]:
        """By height, the monotonic second at which each block came."""
        while self._ours.poll():
            self._receive(self._ours.recv())
        return dict(self._times)

    def next_block(self) -> tuple[int, float]:
        """Wait for a block; its height and when it came."""
        self.times()
        seen = self._ours.recv()
        self._receive(seen)
        return seen

    def _receive(self, seen: tuple[int, float]) -> None:
        self._times[seen[0]] = seen[1]


def _watch(url: str, pipe: Pipe) -> None:
    way = http.client.HTTPConnection(str(urlsplit(url).hostname), urlsplit(url).port, timeout=60)
    last = _height(way)
    while True:
        number = _height(way)
        now = time.monotonic()
        if number > last:
            last = number
            pipe.send((number, now))
            time.sleep(QUIET)
        else:
            time.sleep(POLL)


def _height(way: http.client.HTTPConnection) -> int:
    way.request("POST", "/", _QUESTION, {"Content-Type": "application/json"})
    return int(json.loads(way.getresponse().read())["result"], 16)
