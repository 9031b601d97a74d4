"""pyjpm: bank money on a private EVM chain that moves when business says so."""

from __future__ import annotations

import logging

__version__ = "0.1.0"

# A library says nothing unless the application asks: handlers and levels are the application's.
logging.getLogger("pyjpm").addHandler(logging.NullHandler())
