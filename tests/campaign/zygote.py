"""A process that has imported everything and opened nothing, and makes copies of itself that work and may die.

Decisions that govern this module:

* It is a program of its own, not a fork of its maker: what that had opened before, such as a database engine whose
  first connection is behind it, would be passed on, and a life would not pass what a new process passes.
* Its copies are forks, so that each starts with nothing but imported code: a few milliseconds instead of a second.
* It does not outlive its maker: its pipe closes when the maker dies, however it dies, and it then ends its copy.
"""

from __future__ import annotations

import json
import logging
import os
import pkgutil
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Work = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a copy ended: ``signal`` that killed it (0 for none), exit ``status`` otherwise; what it said on the way."""

    signal: int
    status: int
    result: Any
    seconds: float

    @property
    def killed(self) -> bool:
        """By SIGKILL."""
        return self.signal == signal.SIGKILL


class Zygote:
    """Runs ``work(order)`` in copies of a clean process, one after the other. A context manager.

    Args:
        work: a function of a module, found there by its name.
        patience: seconds that a copy may live.
    """

    def __init__(self, work: Work, *, patience: float = 60.0) -> None:
        orders_out, orders_in = os.pipe()
        answers_out, answers_in = os.pipe()
        name = f"{work.__module__}:{work.__qualname__}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "campaign.zygote", name, str(orders_out), str(answers_in), str(patience)],
            pass_fds=(orders_out, answers_in),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        os.close(orders_out)
        os.close(answers_in)
        self._orders, self._answers = os.fdopen(orders_in, "w"), os.fdopen(answers_out)

    def run(self, order: Mapping[str, Any]) -> Ending:
        """One copy's life. A copy that outlasts the patience is killed and shows status -1."""
        print(json.dumps(order), file=self._orders, flush=True)
        return Ending(**json.loads(self._answers.readline()))

    def close(self) -> None:
        """End it."""
        self._orders.close()
        self._answers.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(work: Work, orders: Any, answers: int, patience: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the maker's Ctrl-C closes the pipe
    for line in orders:
        start = time.monotonic()
        result_out, result_in = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(result_out)
            _live(work, json.loads(line), result_in)
        os.close(result_in)
        said, in_time = _listen(result_out, orders, start + patience)
        if not in_time:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ending = {
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) and in_time else 0,
            "status": (os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0) if in_time else -1,
            "result": json.loads(said) if said else None,
            "seconds": time.monotonic() - start,
        }
        os.write(answers, json.dumps(ending).encode() + b"\n")


def _live(work: Work, order: Mapping[str, Any], result: int) -> None:
    status = 1
    try:
        said = json.dumps(work(order)).encode()
        while said:
            said = said[os.write(result, said) :]
        status = 0
    except BaseException:
        os.write(result, json.dumps(traceback.format_exc()).encode())
    finally:
        sys.stdout.flush()
        os._exit(status)


def _listen(result: int, orders: Any, deadline: float) -> tuple[bytes, bool]:
    """What the copy said until it ended, and whether it ended in time (and its orderer still lives)."""
    said = b""
    with os.fdopen(result, "rb", buffering=0) as pipe:
        while True:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([pipe], [], [], max(0.0, min(left, 1.0)))
            if ready:
                part = pipe.read(65_536)
                if not part:
                    return said, True
                said += part
            elif left <= 0 or _gone(orders):
                return said, False


def _gone(orders: Any) -> bool:
    poll = select.poll()
    poll.register(orders, select.POLLHUP)
    return any(happened & select.POLLHUP for _, happened in poll.poll(0))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # a life that is killed and started again warns of what it finds
    _name, _orders, _answers, _patience = sys.argv[1:]
    _serve(pkgutil.resolve_name(_name), os.fdopen(int(_orders)), int(_answers), float(_patience))
