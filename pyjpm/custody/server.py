"""The signer's socket: who may talk to it, and that no client keeps another from being served.

Decisions that govern this module:

* A Unix domain socket, of mode 0600, or 0660 for one group. Whoever connects is asked of the kernel (SO_PEERCRED) and
  must be one of the policy's users; nobody else gets an answer.
* Signals end it through a descriptor that ``select`` watches: a handler in Python waits for the main thread to wake,
  but another thread may get the signal, or it may come right before ``select``.
* A thread a client, a bounded number of them. A frame that has begun must be whole soon; a client that says nothing for
  long, or nonsense once, is disconnected.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import stat
import struct
import threading
from pathlib import Path
from typing import Final, Self

from pyjpm.custody.policy_wire import encode, receive
from pyjpm.custody.signer_process import SignerProcess
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.policy import SignerBusy, SignerProtocolError, SignerSocketPathTooLong, SignerSocketTaken

CLIENTS: Final = 64
"""Clients at a time."""
_PEER: Final = struct.Struct("3i")
_IDLE: Final = 600.0
_WHOLE: Final = 10.0
"""Seconds that a client may say nothing, and in which a frame must be whole."""
_FAREWELL: Final = 10.0


class SignerServer:
    """Serves a signer's process at a socket; a context manager that leaves nothing behind.

    Args:
        path: of the socket; a stale one is removed.
        group: id of the group that may connect too; None for the signer's user alone.

    Raises:
        SignerSocketTaken: something listens there already, or it is no socket.
    """

    def __init__(self, process: SignerProcess, path: Path, *, group: int | None = None) -> None:
        self._process = process
        self._path = path
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._waker, self._wake = socket.socketpair()
        self._listening = _listen(path, group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self) -> None:
        """Serve until ``stop``."""
        while True:
            ready, _, _ = select.select([self._listening, self._wake], [], [])
            if self._wake in ready:
                return
            with contextlib.suppress(ConnectionError, BlockingIOError):
                self._welcome(self._listening.accept()[0])

    def stop(self) -> None:
        """Have ``serve`` return."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def stop_at(self, *signals: signal.Signals) -> None:
        """Have ``serve`` return at these signals. For the main thread of a process that does nothing else."""
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno())
        for number in signals:
            signal.signal(number, lambda *_: None)

    def close(self) -> None:
        """Let what is being signed be answered, disconnect everybody and remove the socket."""
        self._listening.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            clients = dict(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)
        for thread in clients.values():
            thread.join(_FAREWELL)
        self._waker.close()
        self._wake.close()

    def _welcome(self, client: socket.socket) -> None:
        _, uid, _ = _PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if uid not in self._process.uids:
            client.close()
            return
        with self._lock:
            full = len(self._clients) >= CLIENTS
            if not full:
                thread = threading.Thread(target=self._attend, args=(client, uid), daemon=True)
                self._clients[client] = thread
        if full:
            client.settimeout(1.0)
            _tell(client, SignerBusy(f"The signer has {CLIENTS} clients.", device="signer", limit=CLIENTS))
            client.close()
            return
        thread.start()

    def _attend(self, client: socket.socket, uid: int) -> None:
        try:
            with client:
                try:
                    while (request := receive(client, idle=_IDLE, whole=_WHOLE)) is not None:
                        answer = encode(self._process.handle(request, uid))
                        client.settimeout(_WHOLE)
                        client.sendall(answer)
                except SignerProtocolError as error:
                    # Where its next frame would begin nobody knows.
                    _tell(client, error)
        except OSError:
            pass
        finally:
            with self._lock:
                self._clients.pop(client, None)


def _tell(client: socket.socket, error: PyjpmError) -> None:
    with contextlib.suppress(OSError):
        client.sendall(
            encode({"error": {"code": error.code, "message": error.message, "details": dict(error.details)}})
        )


def _listen(path: Path, group: int | None) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o660)
        listening.listen(CLIENTS)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno is None:  # Python's own: the path does not fit into an address
            raise SignerSocketPathTooLong(f"No socket can have a path as long as {path}.", path=str(path)) from error
        raise SignerSocketTaken(
            f"The signer cannot listen at {path}: {os.strerror(error.errno)}.", path=str(path)
        ) from error
    except BaseException:
        listening.close()
        raise
    return listening


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SignerSocketTaken(f"{path} is no socket.", path=str(path))
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:
            pass
    raise SignerSocketTaken(f"Something listens at {path} already.", path=str(path))
