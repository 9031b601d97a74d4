"""The way to a chain: connections, and chains of our own for development.

``LocalTester`` is in ``pyjpm.chain.tester``, because it needs the ``tester`` extra. Streams of events are in
``pyjpm.chain.stream``, with what wakes them.
"""

from __future__ import annotations

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.chain.blocks import SeenBlock, block_view
from pyjpm.chain.broadcast import ClientKind, SendAnswer, SendOutcome
from pyjpm.chain.clock import DevClock
from pyjpm.chain.connection import Connection
from pyjpm.chain.logs import LogRange
from pyjpm.chain.nodes import Nodes, PendingCount, View
from pyjpm.chain.reverts import reverted_from
from pyjpm.chain.values import Block, BlockAt, HashLike, Head, Log, Receipt, Transaction, check_address

__all__ = [
    "Block",
    "BlockAt",
    "ClientKind",
    "Connection",
    "DevClock",
    "HashLike",
    "Head",
    "LocalAnvil",
    "Log",
    "LogRange",
    "Nodes",
    "PendingCount",
    "Receipt",
    "SeenBlock",
    "SendAnswer",
    "SendOutcome",
    "Transaction",
    "View",
    "block_view",
    "check_address",
    "reverted_from",
]
