"""The ceiling: the same calldata from the same senders, signed and encoded beforehand, thrown at the node in batches.

Whoever does this keeps nothing, asks nothing and survives nothing. Signing and encoding are not in its time.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

BATCH = 100


def bodies_of(raws: Sequence[bytes]) -> list[bytes]:
    """JSON-RPC batches, ready to be posted."""
    return [
        json.dumps(
            [
                {"jsonrpc": "2.0", "id": i, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
                for i, raw in enumerate(raws[start : start + BATCH])
            ]
        ).encode()
        for start in range(0, len(raws), BATCH)
    ]


def throw(url: str, bodies: Sequence[bytes], connections: int) -> None:
    """Post all batches over so many connections, each taking the next one; returns when all are answered."""
    parts = urlsplit(url)
    todo = iter(bodies)
    mutex = threading.Lock()
    refused: list[object] = []

    def carry() -> None:
        way = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        way.connect()
        while True:
            with mutex:
                body = next(todo, None)
            if body is None:
                break
            way.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = way.getresponse().read()
            if b'"error"' in answer:
                refused.append(answer[:300])
        way.close()

    threads = [threading.Thread(target=carry) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise RuntimeError(f"the node refused raw transactions: {refused[0]!r}")
