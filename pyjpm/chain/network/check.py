"""Asking a running network whether it is what pyjpm needs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pyjpm.chain.network.description import Description
from pyjpm.chain.network.findings import CheckReport, Finding
from pyjpm.chain.network.probe import TIMEOUT, Probe
from pyjpm.chain.network.rules import ask_node
from pyjpm.chain.network.watch import Clock, watch
from pyjpm.errors.network import TlsFilesUnreadable, TokenUnreadable

WATCH: Final = 8.0
"""Seconds the heads are watched: time for a block that waits for one dead validator's turn to pass, and one more."""


def check_network(
    urls: Sequence[str],
    *,
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
    expected: Description | None = None,
    watch_seconds: float = WATCH,
    timeout: float = TIMEOUT,
    clock: Clock | None = None,
) -> CheckReport:
    """Ask nodes, and compare them. Nothing is sent to the chain.

    Args:
        urls: of the nodes, http(s).
        token: for nodes that want one.
        tls: for https; None is the system's trust and no client certificate.
        expected: what the network is to be.
        watch_seconds: how long heads are watched.
        timeout: seconds one question may take.
        clock: for tests.

    Raises InvalidNodeUrl; whatever nodes do is a finding.
    """
    probes = [Probe(url, token=token, tls=tls, timeout=timeout) for url in dict.fromkeys(urls)]
    nodes = [ask_node(probe, expected) for probe in probes]
    findings: list[Finding] = [finding for node in nodes for finding in node.findings]
    reached = [node for node in nodes if node.chain_id is not None]
    if reached:
        findings += watch(reached, expected, watch_seconds, clock or time)
    return CheckReport(tuple(findings))


def read_token(path: Path) -> str:
    """The token in a file. Raises TokenUnreadable."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token or len(token.split()) != 1:
        raise TokenUnreadable(f"{path} holds no token.", path=str(path))
    return token


def client_tls(authority: Path, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """How to speak to nodes whose certificates an authority of ours signed, as a client they know.

    Raises TlsFilesUnreadable.
    """
    try:
        context = ssl.create_default_context(cafile=str(authority))
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError):  # an SSLError is an OSError; its text may hold a path only
        paths = ", ".join(str(path) for path in (authority, certificate, key) if path is not None)
        raise TlsFilesUnreadable(f"{paths} cannot be used.", path=paths) from None
    return context
