"""Webhooks: signed, in time, once; whatever else is refused and leaves nothing behind."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from intake_support import HUNDRED, MAPPING, World

from pyjpm.errors import DiskFull, WebhookForged, WebhookReplayed, WebhookSecretsUnusable, WebhookStale, WebhookUnsigned
from pyjpm.orders.connectors.webhook import (
    LONGEST_BODY,
    SIGNATURE_HEADER,
    WebhookSecrets,
    WebhookServer,
    sign_webhook,
    verify_webhook,
)
from pyjpm.orders.intake import EventState

OLD, NEW = "o" * 32, "n" * 40
NOW = 1_790_000_000
BODY = b'{"order": "SO1", "status": "done", "at": 1790000000}'


def verified(header: str | None, body: bytes = BODY, *, secrets: tuple[str, ...] = (NEW, OLD), now: int = NOW) -> Any:
    return verify_webhook(header, body, WebhookSecrets(*secrets), now=now)


# --- the signature ---------------------------------------------------------------------------------------------------


def test_the_signature_is_what_the_documentation_says() -> None:
    mac = hmac.new(NEW.encode(), b"1790000000." + BODY, hashlib.sha256).hexdigest()
    assert sign_webhook(NEW, BODY, NOW) == f"t=1790000000,v1={mac}"


def test_either_secret_is_good_while_they_change_and_the_old_one_not_after() -> None:
    old, new = sign_webhook(OLD, BODY, NOW), sign_webhook(NEW, BODY, NOW)
    assert verified(old) == verified(new), "one delivery, whichever secret signed it"
    both = f"{old},{new.partition(',')[2]}"
    assert verified(both, secrets=(NEW,)) == verified(new)
    with pytest.raises(WebhookForged):
        verified(old, secrets=(NEW,))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_what_is_out_of_time_is_stale(seconds: int) -> None:
    verified(sign_webhook(NEW, BODY, NOW), now=NOW + (300 if seconds > 0 else -300))
    with pytest.raises(WebhookStale):
        verified(sign_webhook(NEW, BODY, NOW), now=NOW + seconds)


def test_another_body_time_or_secret_is_forged() -> None:
    good = sign_webhook(NEW, BODY, NOW)
    for header, body in (
        (good, BODY + b" "),
        (good.replace("1790000000", "1790000001"), BODY),
        (sign_webhook("x" * 32, BODY, NOW), BODY),
    ):
        with pytest.raises(WebhookForged):
            verified(header, body)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1790000000",
        "v1=" + 64 * "0",
        "t=now,v1=" + 64 * "0",
        "t=1790000000,t=1,v1=" + 64 * "0",
        "t=1790000000,v1=00",
        "t=1790000000,v1=" + 64 * "é",
        "t=1790000000," + ",".join(["v1=" + 64 * "0"] * 5),
        "t=-1,v1=" + 64 * "0",
    ],
)
def test_what_is_not_signed_in_the_known_form_is_unsigned(header: str | None) -> None:
    with pytest.raises(WebhookUnsigned):
        verified(header)


def test_secrets_are_long_few_and_told_to_nobody() -> None:
    for some in ((), ("short",), (OLD, NEW, "x" * 32)):
        with pytest.raises(WebhookSecretsUnusable):
            WebhookSecrets(*some)
    assert OLD not in repr(WebhookSecrets(OLD))


# --- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def server(intake: Any, source: str, **options: Any) -> Iterator[WebhookServer]:
    with WebhookServer(intake, MAPPING.fields(source), WebhookSecrets(NEW, OLD), **options) as running:
        yield running


def post(running: WebhookServer, body: bytes, *, at: int | None = None, header: str | None = None) -> tuple[int, Any]:
    signed = sign_webhook(NEW, body, int(time.time()) if at is None else at) if header is None else header
    answer = urllib3.request(
        "POST", running.url + "orders", body=body, headers={SIGNATURE_HEADER: signed}, retries=False, timeout=10
    )
    return answer.status, answer.json()


def body_of(order: str, at: int, **more: Any) -> bytes:
    return json.dumps({"order": order, "seq": 1, "status": "done", "at": at, **more}).encode()


def test_a_webhook_is_stored_at_once_and_pays_once(world: World) -> None:
    intake, document = world.intake(), world.funded()
    body = body_of(world.bound(intake, document), world.bank.session.now())
    woken = []
    with server(intake, world.source, arrived=lambda: woken.append(1)) as running:
        at = int(time.time())
        status, said = post(running, body, at=at)
        assert (status, said["receipts"][0]["state"], said["receipts"][0]["new"]) == (200, "RECEIVED", True)
        assert woken == [1]
        # The same bytes again are a replay, by either secret; signed anew they are a repeat, and stored once.
        assert post(running, body, at=at)[0] == 409
        assert post(running, body, header=sign_webhook(OLD, body, at))[1]["error"]["code"] == "WEBHOOK_REPLAYED"
        status, said = post(running, body, at=at + 1)
        assert (status, said["receipts"][0]["new"]) == (200, False)
    intake.settle()
    assert world.attested(document) == [1]
    assert world.paid() == HUNDRED


def test_a_replay_is_refused_by_another_process_too(world: World) -> None:
    at = int(time.time())
    body = body_of("SO1", at)
    delivery = verify_webhook(sign_webhook(NEW, body, at), body, WebhookSecrets(NEW), now=at)
    event = world.event("SO1")
    world.intake().receive([event], delivery=delivery)
    again = world.intake()
    with pytest.raises(WebhookReplayed):
        again.receive([world.event("SO2")], delivery=delivery)
    assert [each.order for each in again.events()] == ["SO1"]


def test_what_is_refused_leaves_nothing_behind(world: World) -> None:
    intake = world.intake()
    now = int(time.time())
    good = body_of("SO1", now)
    with server(intake, world.source) as running:
        refused = [
            post(running, good, header=sign_webhook("x" * 32, good, now)),
            post(running, good, at=now - 400),
            post(running, good, header="nonsense"),
            post(running, b"no JSON"),
            post(running, b"[]"),
            post(running, b'{"order": "SO1"}'),
            post(running, b"[" * 200_000),
        ]
        told = [(status, said["error"]["code"]) for status, said in refused]
        assert told == [
            (401, "WEBHOOK_FORGED"),
            (401, "WEBHOOK_STALE"),
            (401, "WEBHOOK_UNSIGNED"),
            *[(400, "WEBHOOK_MALFORMED")] * 4,
        ]
        assert urllib3.request("GET", running.url, retries=False, timeout=10).status == 501
        assert post(running, b"x" * (LONGEST_BODY + 1))[0] == 413
        # One that hangs keeps nobody else waiting.
        port = int(running.url.rsplit(":", 1)[1].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as hanging:
            hanging.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
            assert post(running, good)[0] == 200
    assert [each.order for each in intake.events()] == ["SO1"]
    assert NEW not in json.dumps(refused)


def test_more_connections_than_there_is_room_for_are_closed(world: World) -> None:
    with server(world.intake(), world.source) as running:
        port = int(running.url.rsplit(":", 1)[1].strip("/"))
        hanging = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(40)]
        try:
            closed = 0
            for each in hanging:
                each.settimeout(0.1)
                try:
                    closed += each.recv(1) == b""
                except TimeoutError:
                    continue
            assert closed == 40 - 32
        finally:
            for each in hanging:
                each.close()
        deadline = time.monotonic() + 20
        while True:  # there is room again once they are gone
            try:
                assert post(running, body_of("SO1", int(time.time())))[0] == 200
                return
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline


def test_a_bad_event_beside_good_ones_is_told_with_its_place(world: World) -> None:
    intake = world.intake()
    now = int(time.time())
    some = {"events": [{"order": "SO1", "status": "done", "at": now}, {"order": "SO2", "status": "done", "at": "soon"}]}
    with server(intake, world.source) as running:
        status, said = post(running, json.dumps(some).encode())
    assert status == 200
    assert [each["state"] for each in said["receipts"]] == ["RECEIVED", "UNREADABLE"]
    (problem,) = intake.stored.problems()
    assert problem["place"].endswith("#1")


def test_a_database_that_fails_asks_the_sender_to_try_again() -> None:
    class Full:
        def receive(self, *_: Any, **__: Any) -> list[Any]:
            raise DiskFull("The disk of /srv/secret is full.", path="/srv/secret", cause="full")

    with server(Full(), "erp") as running:
        assert post(running, body_of("SO1", int(time.time()))) == (503, {"error": {"code": "DISK_FULL"}})


def test_a_watch_carries_on_what_a_webhook_brought(world: World) -> None:
    import threading

    from pyjpm.orders.intake.watch import Watch

    intake, document = world.intake(), world.funded()
    order = world.bound(intake, document)
    watch = Watch(intake, None, interval=30)
    thread = threading.Thread(target=watch.run)
    with server(intake, world.source, arrived=watch.wake) as running:
        thread.start()
        time.sleep(0.5)  # it rests
        assert post(running, body_of(order, world.bank.session.now()))[0] == 200
        deadline = time.monotonic() + 20
        while intake.find((world.source, order, "", 1)).state is not EventState.DONE and time.monotonic() < deadline:
            time.sleep(0.05)
        watch.stop()
        thread.join(10)
    assert not thread.is_alive()
    assert world.paid() == HUNDRED
