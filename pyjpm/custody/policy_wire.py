"""The protocol between a signer's process and its clients: frames of JSON over a Unix domain socket.

A frame is its length (four bytes, the most significant first) and a JSON object. A request has ``v`` (the version),
``op`` and the wallet; an answer ``v`` and either ``ok`` or ``error``. There are no secrets in either direction, and a
transaction has no fee: the protocol has no word for it.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any, Final

from pyjpm.bounded_json import read_json
from pyjpm.errors.policy import SignerProtocolError

VERSION: Final = 1
MOST: Final = 8 << 20
"""Bytes of a frame."""
_LENGTH: Final = struct.Struct(">I")


def encode(content: dict[str, Any]) -> bytes:
    """A frame. Raises SignerProtocolError where it would be too long."""
    body = json.dumps({"v": VERSION, **content}, separators=(",", ":")).encode()
    if len(body) > MOST:
        raise SignerProtocolError(f"A frame has at most {MOST} bytes, this one {len(body)}.", problem="too long")
    return _LENGTH.pack(len(body)) + body


def receive(connection: socket.socket, *, idle: float, whole: float) -> dict[str, Any] | None:
    """The next frame; None where the other side has closed between frames.

    Args:
        idle: seconds to wait for its first byte.
        whole: seconds in which all of it must have come after that.

    Raises:
        SignerProtocolError: it is none. TimeoutError, OSError (ConnectionError where it ends within a frame)
    """
    connection.settimeout(idle)
    first = connection.recv(1)
    if not first:
        return None
    until = time.monotonic() + whole
    (length,) = _LENGTH.unpack(first + _exactly(connection, _LENGTH.size - 1, until))
    if length > MOST:
        raise SignerProtocolError(f"A frame has at most {MOST} bytes, not {length}.", problem="too long")
    body = _exactly(connection, length, until)
    try:
        content = read_json(body)
    except ValueError:
        raise SignerProtocolError("The frame is not JSON.", problem="not JSON") from None
    if not isinstance(content, dict) or content.get("v") != VERSION:
        raise SignerProtocolError(f"The frame is not of version {VERSION}.", problem="version")
    return content


def _exactly(connection: socket.socket, length: int, until: float) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(min(length - len(parts), 1 << 18))
        if not part:
            raise ConnectionResetError("closed within a frame")
        parts += part
    return bytes(parts)
