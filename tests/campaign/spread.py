"""Work over all cores: copies of this process, each with its own tools, handed one task after the other.

A copy that dies by itself takes the campaign with it, with what it said: nothing is passed over silently.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

Tool = Callable[[Any], Any]
"""A task (JSON-able) to its result (JSON-able)."""


class CopyDied(Exception):
    """A copy ended before its task; what it raised is in the message."""


def spread(
    tasks: Iterable[Any], tool: Callable[[], AbstractContextManager[Tool]], *, jobs: int
) -> Iterator[tuple[Any, Any]]:
    """Each task with its result, as they come.

    Args:
        tasks: JSON-able, consumed one at a time.
        tool: made once in each copy, after the fork; left when there is nothing more to do.
        jobs: how many copies.
    """
    waiting = iter(tasks)
    copies: dict[int, _Copy] = {}
    try:
        for _ in range(jobs):
            copy = _Copy(tool, list(copies.values()))
            copies[copy.results] = copy
            copy.give(next(waiting, None))
        while copies:
            ready, _, _ = select.select(list(copies), [], [])
            for handle in ready:
                copy = copies[handle]
                for result in copy.read():
                    task = copy.task
                    copy.give(next(waiting, None))
                    yield task, result
                if copy.ended:
                    del copies[handle]
                    copy.close()
    finally:
        for copy in copies.values():
            copy.stop()


class _Copy:
    def __init__(self, tool: Callable[[], AbstractContextManager[Tool]], others: list[_Copy]) -> None:
        tasks_out, self._tasks = os.pipe()
        self.results, results_in = os.pipe()
        self.task: Any = None
        self.ended = False
        self._rest = b""
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._tasks)
            os.close(self.results)
            for other in others:
                os.close(other._tasks)
                os.close(other.results)
            _work(tool, tasks_out, results_in)
        os.close(tasks_out)
        os.close(results_in)

    def give(self, task: Any) -> None:
        self.task = task
        os.write(self._tasks, json.dumps({"task": task, "end": task is None}).encode() + b"\n")

    def read(self) -> list[Any]:
        part = os.read(self.results, 1 << 20)
        if not part:
            self.ended = True
            if self.task is not None:
                raise CopyDied(f"copy {self.pid} ended at task {self.task}")
            return []
        *whole, self._rest = (self._rest + part).split(b"\n")
        said = [json.loads(line) for line in whole]
        for each in said:
            if "error" in each:
                raise CopyDied(f"task {self.task}: {each['error']}")
        return [each["result"] for each in said]

    def close(self) -> None:
        os.close(self._tasks)
        os.close(self.results)
        os.waitpid(self.pid, 0)

    def stop(self) -> None:
        """Let it end what it does, and leave its tools; what it still says is of no use."""
        os.close(self._tasks)
        while os.read(self.results, 1 << 20):
            pass
        os.close(self.results)
        os.waitpid(self.pid, 0)


def _work(tool: Callable[[], AbstractContextManager[Tool]], tasks: int, results: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def say(**said: Any) -> None:
        line = json.dumps(said).encode() + b"\n"
        while line:
            line = line[os.write(results, line) :]

    try:
        with tool() as run, os.fdopen(tasks) as lines:
            for line in lines:
                order = json.loads(line)
                if order["end"]:
                    break
                say(result=run(order["task"]))
    except BaseException:
        say(error=traceback.format_exc())
    finally:
        os._exit(0)
