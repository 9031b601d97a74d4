"""The HTTP side of one node: what comes in, what goes wrong, what goes out.

Decisions that govern this module:

* The socket keeps its port while the node is down: bound and not listening, it refuses connections as a dead node's
  does, and nobody else can take it.
* Faults happen to whole HTTP requests. Whoever waits in vain waits until the client gives up, or the proxy ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from chains.answers import Kind, all_recorded, recorded
from chains.proxy import besu, views
from chains.proxy.manners import RpcError
from chains.proxy.node import Node
from chains.proxy.wire import SEND, Fault, Wire

Requests = list[dict[str, Any]]

UNAUTHORIZED = {"code": -40100, "message": "Unauthorized"}
_WRONG_ERRORS = [each.error for each in all_recorded() if each.request.kind is Kind.SEND and each.error]
_OVERTAKING = 0.2  # real seconds that a request is held for others to go first


class Front:
    """Lives in the proxy's event loop.

    Attributes:
        port: on loopback.
        hosts: names by which it lets itself be called (11).
        tokens: permissions ("eth:*") by bearer token; None asks for no token.
        log: what was asked lately and what happened to it.
    """

    def __init__(self, node: Node, wire: Wire, *, patience: float, delay: float) -> None:
        self.node = node
        self.wire = wire
        self.hosts = {"127.0.0.1", "localhost"}
        self.tokens: dict[str, Sequence[str]] | None = None
        self.log: deque[str] = deque(maxlen=200)
        self._patience = patience
        self._delay = delay
        self._held = _socket(0)
        self.port = int(self._held.getsockname()[1])
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._ending = asyncio.Event()
        self._handled = 0
        self._dispute = views.Dispute(node)

    async def listen(self) -> None:
        """Take connections."""
        self._ending = asyncio.Event()
        self._http = web.Server(self._handle, access_log=None)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._http, sock=_socket(self.port))

    async def close(self) -> None:
        """Take no more connections and cut those there are."""
        self._ending.set()
        if self._listener is not None and self._http is not None:
            self._listener.close()
            await self._http.shutdown(0.01)
            await self._listener.wait_closed()
        self._listener = self._http = None

    async def end(self) -> None:
        """``close``, and give the port back."""
        await self.close()
        self._held.close()

    # --- one HTTP request ---

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        if not self.node.up:
            return _cut(request)
        if self.node.network.manners.besu and request.headers.get("Host", "").rsplit(":", 1)[0] not in self.hosts:
            refusal = recorded("host not allowed", "besu")
            return _reply(json.dumps(refusal.body).encode(), refusal.http)
        requests = _requests(body)
        fault, dice = self.wire.draw(requests)
        self.log.append(f"{[each.get('method') for each in requests]} {fault.name if fault else ''}")
        response = await self._faulty(fault, dice, request, requests, body)
        self._handled += 1
        return response

    async def _faulty(
        self, fault: Fault | None, dice: random.Random, request: web.BaseRequest, requests: Requests, body: bytes
    ) -> web.StreamResponse:
        if fault is Fault.RESET:
            return _cut(request)
        if fault is Fault.DROP_REQUEST:
            return await self._in_vain(request)
        if fault is Fault.OVERLOADED:
            return _bad_gateway()
        if fault is Fault.UNAUTHORIZED:
            return _unauthorized(requests)
        if fault is Fault.DELAY:
            await self._wait(dice.uniform(0.1, 1.0) * self._delay)
        if fault is Fault.OVERTAKEN:
            await self._let_others_pass()
        if fault is Fault.DUPLICATE_LATER:
            self.node.network.spawn(self._later(dice.uniform(0.1, 1.0) * self._delay, request, body))
        order = dice.sample(range(len(requests)), len(requests)) if fault is Fault.REORDER else None
        status, answered = await self._act(request, body, order)
        if fault is Fault.DUPLICATE:
            again = await self._act(request, body, order)
            status, answered = dice.choice([(status, answered), again])
        if not self.node.up or fault is Fault.RESET_AFTER:
            return _cut(request)
        if fault is Fault.DROP_RESPONSE:
            return await self._in_vain(request)
        if fault is Fault.OVERLOADED_AFTER:
            return _bad_gateway()
        if fault is Fault.TRUNCATED:
            return await _truncated(request, answered, dice)
        if fault in (Fault.WRONG_HASH, Fault.WRONG_ERROR, Fault.CROSSED):
            answered = _told_wrongly(fault, dice, requests, answered)
        return _reply(answered, status)

    async def _act(self, request: web.BaseRequest, body: bytes, order: Sequence[int] | None) -> tuple[int, bytes]:
        """What the node does and answers: HTTP status and body."""
        node = self.node
        refused = self._refusal(request, body)
        if refused is not None:
            return refused
        await node.network.look()
        node.look()
        if not node.network.manners.besu and order is None and not node.lag and node.disputes is None:
            return await node.network.upstream.post(body)
        parsed = json.loads(body)
        limit = node.network.manners.batch_limit
        if isinstance(parsed, list) and limit is not None and len(parsed) > limit:
            return 200, json.dumps(recorded("batch 1025", "besu").body).encode()
        if not isinstance(parsed, list):
            return 200, json.dumps(await self._one(request, parsed)).encode()
        return 200, json.dumps(await self._many(request, parsed, order)).encode()

    async def _many(self, request: web.BaseRequest, parsed: Requests, order: Sequence[int] | None) -> list[Any]:
        answers: list[Any] = [None] * len(parsed)
        places = list(order or range(len(parsed)))
        sends = [place for place in places if parsed[place].get("method") == SEND]
        for place in sends:  # one after another: their order matters
            answers[place] = await self._one(request, parsed[place])
        others = [place for place in places if answers[place] is None]
        for place, answer in zip(
            others, await asyncio.gather(*(self._one(request, parsed[place]) for place in others)), strict=True
        ):
            answers[place] = answer
        return [answers[place] for place in places]

    async def _one(self, request: web.BaseRequest, asked: Mapping[str, Any]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": asked.get("id")}
        method, params = str(asked.get("method")), list(asked.get("params") or [])
        if not self._permits(request, method):
            return {**head, "error": UNAUTHORIZED}
        act = besu.answer if self.node.network.manners.besu else views.lagging
        try:
            if self.node.disputes is None:
                return {**head, "result": await act(self.node, method, params)}
            return {**head, "result": self._dispute.answered(await act(self.node, method, self._dispute.asked(params)))}
        except RpcError as refusal:
            return {**head, "error": refusal.error}

    # --- refusals of HTTP requests ---

    def _refusal(self, request: web.BaseRequest, body: bytes) -> tuple[int, bytes] | None:
        if not self.node.network.manners.besu:
            return None
        try:
            parsed = json.loads(body)
        except ValueError:
            refusal = recorded("bad json" if body else "empty body", "besu")
            return refusal.http, json.dumps(refusal.body).encode()
        alone = None if isinstance(parsed, list) else parsed
        if self._bearer(request) is None or (alone and not self._permits(request, str(alone.get("method")))):
            answer = {"jsonrpc": "2.0", "id": alone.get("id") if alone else None, "error": UNAUTHORIZED}
            return 401, json.dumps(answer).encode()
        return None

    def _bearer(self, request: web.BaseRequest) -> Sequence[str] | None:
        if self.tokens is None:
            return ("*:*",)
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))

    def _permits(self, request: web.BaseRequest, method: str) -> bool:
        api, _, name = method.partition("_")
        permitted = self._bearer(request) or ()
        return any(each in ("*:*", f"{api}:*", f"{api}:{name}") for each in permitted)

    # --- time ---

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return

    async def _in_vain(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._wait(self._patience)
        return _cut(request)

    async def _let_others_pass(self) -> None:
        handled, loop = self._handled, asyncio.get_running_loop()
        until = loop.time() + _OVERTAKING
        while self._handled == handled and loop.time() < until and not self._ending.is_set():
            await asyncio.sleep(0.005)

    async def _later(self, seconds: float, request: web.BaseRequest, body: bytes) -> None:
        await asyncio.sleep(seconds)
        if self.node.up:
            await self._act(request, body, None)


def _socket(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    made.setblocking(False)
    return made


def _requests(body: bytes) -> Requests:
    try:
        parsed = json.loads(body)
    except ValueError:
        return []
    return [each for each in (parsed if isinstance(parsed, list) else [parsed]) if isinstance(each, dict)]


def _reply(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _bad_gateway() -> web.Response:
    return web.Response(status=502, text="<html><body>502 Bad Gateway</body></html>", content_type="text/html")


def _unauthorized(requests: Requests) -> web.Response:
    number = requests[0].get("id") if len(requests) == 1 else None
    return _reply(json.dumps({"jsonrpc": "2.0", "id": number, "error": UNAUTHORIZED}).encode(), 401)


async def _truncated(request: web.BaseRequest, body: bytes, dice: random.Random) -> web.StreamResponse:
    part = body[: dice.randrange(len(body))]
    if dice.random() < 0.5:
        return _reply(part)  # whoever stands between counted what was left
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(part)
    _cut(request)
    return response


def _told_wrongly(fault: Fault, dice: random.Random, requests: Requests, body: bytes) -> bytes:
    """The answer with one item of it changed."""
    parsed = json.loads(body)
    items = parsed if isinstance(parsed, list) else [parsed]
    sent = {each.get("id") for each in requests if each.get("method") == SEND}
    if fault is Fault.CROSSED:
        dice.choice(items)["id"] = dice.getrandbits(31)
        return json.dumps(parsed).encode()
    wanted = [each for each in items if each.get("id") in sent and (fault is Fault.WRONG_ERROR or "result" in each)]
    if wanted:
        item = dice.choice(wanted)
        item.pop("result", None)
        if fault is Fault.WRONG_HASH:
            item["result"] = f"0x{dice.getrandbits(256):064x}"
        else:
            item["error"] = dice.choice(_WRONG_ERRORS)
    return json.dumps(parsed).encode()
