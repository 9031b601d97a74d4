"""Where a process can die: around every database statement and commit, signature, socket write and read.

Decisions that govern this module:

* Production code knows nothing of this. The points are hooks on what it stands on: SQLAlchemy's engine events and its
  dialect's commit, the socket class, the file calls that make a mark durable, and a signer wrapped around the real one.
* A point is named by its side and what it does (``before sql attempts.reserve INSERT attempt``), found from the stack,
  so that a name means the same step in every run; the n-th passage of a name is one failpoint.
* What happens at a point is up to whoever watches: count, kill the process, or raise.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

_METHOD = re.compile(rb'"method": ?"(\w+)"')
_VERB = re.compile(r"\s*(?:WITH .*? )?(INSERT INTO|INSERT OR \w+ INTO|UPDATE|DELETE FROM|SELECT|PRAGMA|\w+)\b", re.S)
_TABLE = re.compile(r'(?:INTO|UPDATE|FROM)\s+"?(\w+)"?')


@dataclass(frozen=True, order=True)
class Point:
    """One passage: the name, and the how-manieth of this name it is, from 1."""

    name: str
    passage: int

    def __str__(self) -> str:
        return f"{self.name} #{self.passage}"


Watcher = Callable[[Point, int], None]
"""Called at every point, with how many were passed in all, this one included."""


@dataclass
class Failpoints:
    """Counts passages and tells the watcher. One at a time is current; none is outside of ``watching``."""

    watcher: Watcher
    named: bool = True
    passages: Counter[str] = field(default_factory=Counter)
    total: int = 0
    busy: bool = False

    def pass_(self, name: str) -> None:
        if self.busy:
            return  # what a watcher does itself is no point
        self.passages[name] += 1
        self.total += 1
        self.busy = True
        try:
            self.watcher(Point(name, self.passages[name]), self.total)
        finally:
            self.busy = False


_current: Failpoints | None = None


@contextmanager
def watching(watcher: Watcher, *, named: bool = True) -> Iterator[Failpoints]:
    """While inside, every point is told to the watcher. Nests: the inner watcher hides the outer one.

    Args:
        named: whether database statements are named by the engine's function that makes them, which costs time.
    """
    global _current
    install()
    before, _current = _current, Failpoints(watcher, named)
    try:
        yield _current
    finally:
        _current = before


@contextmanager
def unwatched() -> Iterator[None]:
    """While inside, nothing is a point."""
    global _current
    before, _current = _current, None
    try:
        yield
    finally:
        _current = before


def passing(name: str) -> None:
    """A point of a test's own stand-in, such as a node in this process."""
    if _current is not None:
        _current.pass_(name)


# --- hooks -----------------------------------------------------------------------------------------------------------

_installed = False


def install() -> None:
    """Put the hooks in, once a process; they do nothing while nobody watches."""
    global _installed
    if _installed:
        return
    _installed = True
    event.listen(Engine, "before_cursor_execute", _before_statement)
    event.listen(Engine, "after_cursor_execute", _after_statement)
    _around(DefaultDialect, "do_commit", lambda _args: _join("commit", _step()))
    _around(DefaultDialect, "do_rollback", lambda _args: None if _by_pool() else _join("rollback", _step()))
    _around(socket.socket, "sendall", lambda args: _said(args[1]))
    _around(socket.socket, "recv_into", lambda _args: "read", only="after")
    for name in ("fsync", "fdatasync", "pwrite", "replace", "rename"):
        _around(os, name, lambda _args, step=name: _join("file", step, _step()))


def _around(owner: Any, name: str, named: Callable[[Sequence[Any]], str | None], only: str | None = None) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        if _current is None:
            return original(*args, **kwargs)
        what = named(args)
        if what is None:
            return original(*args, **kwargs)
        if only != "after":
            passing(f"before {what}")
        result = original(*args, **kwargs)
        passing(f"after {what}")
        return result

    setattr(owner, name, hooked)


def _before_statement(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
    if _current is not None:
        passing(_join("before sql", _step(), _short(statement)))


def _after_statement(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
    if _current is not None:
        passing(_join("after sql", _step(), _short(statement)))


def _by_pool() -> bool:
    """Whether a pool takes back a connection that nobody holds any more, whenever that is noticed."""
    return sys._getframe(3).f_code.co_name == "_reset"


def _join(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _short(statement: str) -> str:
    if _current is not None and not _current.named:
        return statement[:6]
    verb, table = _VERB.match(statement), _TABLE.search(statement)
    return f"{verb[1].split()[0] if verb else '?'} {table[1] if table else ''}".strip()


def _said(sent: Any) -> str | None:
    methods = _METHOD.findall(bytes(sent))
    if not methods:
        return None  # an HTTP header, whose body follows
    return f"write {methods[0].decode()}" if len(methods) == 1 else f"write batch of {methods[0].decode()}"


_THROUGH = ("transaction", "writing", "reading", "preparing")
"""What every statement goes through says nothing about what it is for."""


def _step() -> str:
    """The engine's function that is at work, such as ``attempts.reserve``; private helpers count for their caller."""
    if _current is not None and not _current.named:
        return ""
    frame: FrameType | None = sys._getframe(2)
    innermost = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("pyjpm."):
            function = f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
            innermost = innermost or function
            if not frame.f_code.co_name.startswith(("_", "<")) and frame.f_code.co_name not in _THROUGH:
                return function
        frame = frame.f_back
    return innermost or "elsewhere"


class WatchedSigner:
    """A real signer with a point before and after each signature. Everything else is the signer's own."""

    def __init__(self, signer: Any) -> None:
        self._signer = signer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signer, name)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> Any:
        passing("before signing")
        signed = self._signer.sign_transaction(transaction)
        passing("after signing")
        return signed

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> Any:
        passing("before signing many")
        signed = self._signer.sign_transactions(transactions)
        passing("after signing many")
        return signed
