"""The Anvil behind the proxy."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import aiohttp

from chains.proxy.manners import RpcError


class Upstream:
    """JSON-RPC to Anvil. Lives in the proxy's event loop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = itertools.count(1)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16))

    async def close(self) -> None:
        """End its connections."""
        await self._session.close()

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """A whole HTTP body as it is; status and answer."""
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self._url, data=body, headers=headers) as response:
            return response.status, await response.read()

    async def ask(self, method: str, *params: Any) -> Any:
        """One result. Raises RpcError."""
        return _result((await self.many([(method, params)]))[0])

    async def many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        """Answers (result or error) to a batch, in order."""
        if not calls:
            return []
        payload = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for method, params in calls
        ]
        _, content = await self.post(json.dumps(payload).encode())
        by_id = {each["id"]: each for each in json.loads(content)}
        return [by_id[each["id"]] for each in payload]

    async def results(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results of a batch, in order. Raises RpcError for the first that has none."""
        return [_result(answer) for answer in await self.many(calls)]


def _result(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise RpcError(answer["error"])
    return answer["result"]
