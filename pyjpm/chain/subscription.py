"""Being told of new blocks by ``eth_subscribe``, where a node offers it.

Decisions that govern this module:

* A subscription is a hint that it is time to look, never a source: what is believed is read through ``Nodes``. So one
  that dies, lies or was never offered costs time, and nothing is lost.
* It is kept up by a thread of its own: opened again after it died, with pauses that grow; long ones where the node
  said that it offers none. A forked child has no such thread and polls.
* Nothing comes from the environment, no proxy either: a node is asked directly, as over HTTP.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from pyjpm.bounded_json import read_json
from pyjpm.chain.url import public_url
from pyjpm.chain.values import to_int

OPEN_TIMEOUT: Final = 5.0
PING: Final = 5.0  # seconds between pings, and for their answers
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 15.0
NOT_OFFERED_PAUSE: Final = 60.0

log = logging.getLogger("pyjpm.chain")


class _NotOffered(Exception):
    """The node has no subscriptions at this address."""


class HeadSubscription:
    """One node's announcements of new blocks, for as long as it is not closed.

    Args:
        url: ws(s) URL, credentials included. Only its public form is ever shown.
        headers: sent when it is opened. tls: for wss; None is the system's trust.
        announce: called with the height of each new block, and with None when the subscription begins or ends; from
            the subscription's thread.
    """

    def __init__(
        self,
        url: str,
        announce: Callable[[int | None], None],
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.where = public_url(url)
        self._url = url
        self._headers = dict(headers or {})
        self._tls = tls
        self._announce = announce
        self._pid = os.getpid()
        self._subscribed = False
        self._closing = threading.Event()
        self._socket: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="pyjpm-subscription", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"HeadSubscription({self.where})"

    @property
    def alive(self) -> bool:
        """Whether new blocks are announced now, as far as is known."""
        return self._subscribed and os.getpid() == self._pid

    def close(self) -> None:
        """End it and its thread. In a forked child nothing happens."""
        if os.getpid() != self._pid:
            return
        self._closing.set()
        socket = self._socket
        if socket is not None:
            socket.close()
        self._thread.join(OPEN_TIMEOUT + PING)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            try:
                self._listen()
            except (_NotOffered, InvalidHandshake) as refusal:
                log.info("no subscription at %s (%s)", self.where, type(refusal).__name__)
                pause = NOT_OFFERED_PAUSE
            except (WebSocketException, OSError, ValueError, LookupError, TypeError) as failure:
                # Not its text, which may hold the URL.
                log.info("the subscription at %s ended (%s)", self.where, type(failure).__name__)
            if self._subscribed:
                pause = FIRST_PAUSE
                self._subscribed = False
                self._announce(None)
            self._closing.wait(pause)
            pause = max(pause, min(LONGEST_PAUSE, pause * 2))

    def _listen(self) -> None:
        with connect(
            self._url,
            additional_headers=self._headers,
            ssl=self._tls,
            proxy=None,
            compression=None,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=1.0,
            ping_interval=PING,
            ping_timeout=PING,
        ) as socket:
            self._socket = socket
            if self._closing.is_set():
                return
            socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
            name = _answer(socket.recv(OPEN_TIMEOUT)).get("result")
            if not name:
                raise _NotOffered
            self._subscribed = True
            # What came before it is not announced: time to look.
            self._announce(None)
            for message in socket:
                params = _answer(message).get("params", {})
                if params.get("subscription") == name:
                    self._announce(to_int(params["result"]["number"]))


def _answer(message: str | bytes) -> dict[str, Any]:
    answer = read_json(message)
    if not isinstance(answer, dict):
        raise ValueError("not a JSON-RPC object")
    return answer
