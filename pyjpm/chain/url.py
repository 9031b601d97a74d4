"""Addresses of nodes: checked once, and shown only in their public form.

A node's URL may hold credentials in its user info, its path (hosted RPC keys) and its query. So what logs, errors and
``repr`` show is scheme, host and port; anything beyond is an ellipsis.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pyjpm.errors.chain import InvalidNodeUrl


def check_url(url: str) -> str:
    """``url`` itself if it is an http(s) URL with a host, else InvalidNodeUrl (which does not repeat it)."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise InvalidNodeUrl("The node's address is not an http(s) URL with a host.")
    return url


def public_url(url: str) -> str:
    """``url`` without anything that may be secret."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{port}{rest}"
