"""Where order events come from: what a connector is, and those that come with the package.

A connector of one's own needs :mod:`pyjpm.orders.connectors.connector` only; examples/connectors has one.
"""

from __future__ import annotations

from pyjpm.orders.connectors.connector import Batch, Connector, Problem, StatusEvent

__all__ = ["Batch", "Connector", "Problem", "StatusEvent"]
