"""Signed webhooks: how one is signed, how it is checked, and the small server that takes them in.

A webhook is a POST whose body is JSON (one event, a list, or ``{"events": [...]}``) with the header::

    Pyjpm-Signature: t=1764450000,v1=5257a869e7…

``t`` is when it was sent, unix seconds; ``v1`` is the hexadecimal HMAC-SHA256 of ``t``, a point, and the body's bytes.

Decisions that govern this module:

* The signature is checked over the bytes as they came, in constant time, before anything of them is read.
* Two secrets may be good at once, so that a sender changes over without a gap; which one fitted is told to nobody.
* A webhook is good for ``tolerance`` seconds around its time, and once: what named it is stored with its events, in one
  transaction, until its time is over. A sender that heard no answer signs anew; its events are stored once anyhow.
* The server answers once everything is stored, and only stores: what follows is another thread's work. A sender hears
  2xx (stored), 4xx (never send this again as it is) or 5xx (send it again).
* It listens on loopback by default and speaks no TLS: that, and the outside, is the business of a proxy before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Protocol, Self

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.intake import (
    WebhookForged,
    WebhookMalformed,
    WebhookRefused,
    WebhookReplayed,
    WebhookSecretsUnusable,
    WebhookStale,
    WebhookUnsigned,
)
from pyjpm.orders.connectors.connector import Problem, StatusEvent
from pyjpm.orders.connectors.fields import EventFields, json_events

SIGNATURE_HEADER: Final = "Pyjpm-Signature"
TOLERANCE: Final = 300
LONGEST_BODY: Final = 1 << 20
_SHORTEST_SECRET: Final = 32
_MOST_SECRETS: Final = 2
_MOST_SIGNATURES: Final = 4
_SOCKET_SECONDS: Final = 10.0
_AT_ONCE: Final = 32
_STATUS: Final = {
    WebhookUnsigned: HTTPStatus.UNAUTHORIZED,
    WebhookForged: HTTPStatus.UNAUTHORIZED,
    WebhookStale: HTTPStatus.UNAUTHORIZED,
    WebhookReplayed: HTTPStatus.CONFLICT,
    WebhookMalformed: HTTPStatus.BAD_REQUEST,
}

log = logging.getLogger(__name__)


class WebhookSecrets:
    """One or two secrets, either of which a sender may use. Neither shows in a repr.

    Raises:
        WebhookSecretsUnusable: none, more than two, or one of less than 32 characters.
    """

    __slots__ = ("_secrets",)

    def __init__(self, *secrets: str) -> None:
        problem = ""
        if not 1 <= len(secrets) <= _MOST_SECRETS:
            problem = f"{len(secrets)} secrets were given, one or two are needed"
        elif any(len(secret) < _SHORTEST_SECRET for secret in secrets):
            problem = f"a secret has less than {_SHORTEST_SECRET} characters"
        if problem:
            raise WebhookSecretsUnusable(f"{problem[0].upper()}{problem[1:]}.", problem=problem)
        self._secrets = tuple(secret.encode() for secret in secrets)

    def __repr__(self) -> str:
        return f"WebhookSecrets({len(self._secrets)})"

    def signed(self, said: Sequence[str], at: int, body: bytes) -> bool:
        """Whether one of these signatures was made with one of the secrets; takes as long whichever it was."""
        fits = [hmac.compare_digest(_mac(secret, at, body), each) for secret in self._secrets for each in said]
        return any(fits)


def sign_webhook(secret: str, body: bytes, at: int) -> str:
    """The header's value of a webhook that is sent at ``at``, unix seconds."""
    return f"t={at},v1={_mac(secret.encode(), at, body)}"


def verify_webhook(
    header: str | None, body: bytes, secrets: WebhookSecrets, *, now: int, tolerance: int = TOLERANCE
) -> tuple[str, int]:
    """What names a webhook that is genuine and in time, and until when it could come again, unix seconds.

    Args:
        now: unix seconds.
        tolerance: seconds around ``now``.

    Raises:
        WebhookUnsigned, WebhookForged, WebhookStale
    """
    parts = [part.partition("=") for part in (header or "")[:1_000].split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    said = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    usable = len(times) == 1 and re.fullmatch("[0-9]{1,11}", times[0].strip()) and 1 <= len(said) <= _MOST_SIGNATURES
    if not usable or any(not re.fullmatch("[0-9a-f]{64}", each) for each in said):
        raise WebhookUnsigned("The webhook is not signed in the known form.")
    at = int(times[0])
    if not secrets.signed(said, at, body):
        raise WebhookForged("The webhook was signed with none of our secrets, or over other bytes.")
    if abs(now - at) > tolerance:
        raise WebhookStale(
            f"The webhook was sent {abs(now - at)} seconds {'ago' if at < now else 'from now'}.",
            sent_at=at,
            now=now,
            tolerance=tolerance,
        )
    # Of what was signed, not of the signature: the two secrets make two of it.
    return hashlib.sha256(b"%d." % at + body).hexdigest(), at + tolerance + 1


class Receiver(Protocol):
    """Who stores what webhooks bring: an ``Intake``."""

    def receive(
        self, events: Sequence[StatusEvent], *, delivery: tuple[str, int], problems: Sequence[Problem]
    ) -> Sequence[Any]:
        """Stores them in one transaction, or raises."""
        ...


class WebhookServer:
    """Takes webhooks in; use it as a context. Any path will do.

    Args:
        receiver: who stores.
        port: 0 for a free one.
        arrived: called after something new was stored.
        now: unix seconds.

    Attributes:
        url: where it listens.
    """

    def __init__(
        self,
        receiver: Receiver,
        fields: EventFields,
        secrets: WebhookSecrets,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tolerance: int = TOLERANCE,
        arrived: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._receiver = receiver
        self._fields = fields
        self._secrets = secrets
        self._tolerance = tolerance
        self._arrived = arrived
        self._now = now
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server((host, port), handler)
        self.url = f"http://{host}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="webhooks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take_in(self, header: str | None, body: bytes) -> list[dict[str, Any]]:
        """What became of one webhook's events, JSON-able.

        Raises:
            WebhookRefused: it is not taken in; JournalFailed and others: it may be sent again.
        """
        now = int(self._now())
        delivery = verify_webhook(header, body, self._secrets, now=now, tolerance=self._tolerance)
        entries = list(json_events(body, self._fields, f"webhook {delivery[0][:12]}"))
        events = [entry for entry in entries if isinstance(entry, StatusEvent)]
        problems = [entry for entry in entries if isinstance(entry, Problem)]
        if not events:
            told = problems[0].message if problems else "There is no event in it."
            raise WebhookMalformed(f"The webhook brings no order event: {told}", problem=told)
        receipts = self._receiver.receive(events, delivery=delivery, problems=problems)
        self._arrived()
        return [receipt.to_dict() for receipt in receipts] + [
            {"place": problem.place, "state": "UNREADABLE", "detail": problem.message} for problem in problems
        ]

    def answer(self, header: str | None, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        """The answer to one webhook."""
        try:
            return HTTPStatus.OK, {"receipts": self.take_in(header, body)}
        except WebhookRefused as error:
            log.warning("a webhook was refused: %s", error.code)
            return _STATUS[type(error)], {"error": error.to_dict()}
        except PyjpmError as error:
            # Not its text: it is about our database, which is nobody's business.
            log.error("a webhook could not be stored: %s", error.code)
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": {"code": error.code}}


class _Server(ThreadingHTTPServer):
    """One thread a connection, and so many connections at once: one more is closed, and its sender comes again."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()


class _Handler(BaseHTTPRequestHandler):
    owner: WebhookServer
    timeout = _SOCKET_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = "pyjpm"
    sys_version = ""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            self._say(HTTPStatus.LENGTH_REQUIRED, {"error": {"code": "WEBHOOK_MALFORMED"}})
        elif int(length) > LONGEST_BODY:
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": {"code": "WEBHOOK_MALFORMED"}})
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._say(*self.owner.answer(self.headers.get(SIGNATURE_HEADER), body))

    def log_message(self, format: str, *arguments: Any) -> None:
        # What was refused is logged with its code; a line for each request would tell who asks what.
        return

    def _say(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        said = json.dumps(content).encode()
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(said)


def _mac(secret: bytes, at: int, body: bytes) -> str:
    return hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
