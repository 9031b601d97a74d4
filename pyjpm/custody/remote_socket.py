"""One side of a signer's socket: requests out, answers or the typed errors they name in.

Decisions that govern this module:

* A connection that broke while it waited for work is made anew once: asking for the same signature twice is safe.
* What a signer says becomes the error class of its code, with its facts; a code that is not known is nonsense.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import Any, Final

from pyjpm.custody.policy_wire import encode, receive
from pyjpm.errors import chain, custody, policy
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.policy import SignerProtocolError, SignerTimedOut, SignerUnreachable

_ERRORS: Final = {
    error.code: error
    for module in (chain, custody, policy)
    for error in vars(module).values()
    if isinstance(error, type) and issubclass(error, PyjpmError) and "code" in vars(error)
}


class SignerSocket:
    """Connections to one signer. Any number of threads may use them, and forked processes.

    Args:
        path: of the signer's socket.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def close(self) -> None:
        """Let go of idle connections; a later call connects anew."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def ask(self, wallet: str | None, operation: str, **content: Any) -> Any:
        """The answer to one request.

        Raises:
            SignerUnreachable, SignerTimedOut, SignerBusy, SignerProtocolError; what the signer says
        """
        frame = encode({"op": operation, "wallet": wallet, **content})
        while (connection := self._take()) is not None:
            try:
                return self._answer(connection, frame)
            except SignerUnreachable:
                continue  # it broke while it was idle
        return self._answer(self._connect(), frame)

    def _answer(self, connection: socket.socket, frame: bytes) -> Any:
        try:
            connection.settimeout(self._timeout)
            with contextlib.suppress(BrokenPipeError):  # it may have said why before it closed
                connection.sendall(frame)
            answer = receive(connection, idle=self._timeout, whole=self._timeout)
        except TimeoutError:
            connection.close()
            raise SignerTimedOut(
                f"The signer at {self._path} did not answer in {self._timeout} s.",
                device=str(self._path),
                seconds=self._timeout,
            ) from None
        except OSError as error:
            connection.close()
            raise self._unreachable(os.strerror(error.errno) if error.errno else "the connection broke") from None
        except SignerProtocolError:
            connection.close()
            raise
        if answer is None:
            connection.close()
            raise self._unreachable("it closed the connection")
        with self._lock:
            self._idle.append(connection)
        if "ok" in answer:
            return answer["ok"]
        raise self._error(answer.get("error"))

    def _take(self) -> socket.socket | None:
        with self._lock:
            if self._process != os.getpid():
                # The parent's: its answers would come here, and ours there.
                for connection in self._idle:
                    connection.close()
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout)
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise self._unreachable(os.strerror(error.errno) if error.errno else "it does not answer") from None
        return connection

    def _error(self, said: Any) -> PyjpmError:
        try:
            kind, message, details = _ERRORS[said["code"]], str(said["message"]), dict(said["details"])
            return kind(message, **{name: value for name, value in details.items() if name != "message"})
        except (KeyError, TypeError, ValueError):
            return self.nonsense()

    def _unreachable(self, reason: str) -> SignerUnreachable:
        return SignerUnreachable(
            f"The signer at {self._path} cannot be reached: {reason}.", device=str(self._path), reason=reason
        )

    def nonsense(self) -> SignerProtocolError:
        """What to raise where an answer makes no sense."""
        return SignerProtocolError(f"The signer at {self._path} answered nonsense.", problem="answer")


def status(path: Path, *, timeout: float = 10.0) -> dict[str, Any]:
    """What a running signer has signed and moved today. Raises SignerUnreachable, SignerTimedOut, SignerBusy."""
    signer = SignerSocket(path, timeout)
    try:
        answer = signer.ask(None, "status")
    finally:
        signer.close()
    if not isinstance(answer, dict):
        raise signer.nonsense()
    return answer
