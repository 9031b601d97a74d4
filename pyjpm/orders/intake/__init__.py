"""Order intake: events of an ERP in, attestations out, once each (docs/orders.md)."""

from __future__ import annotations

from pyjpm.orders.connectors.connector import Batch, Connector, Problem, StatusEvent
from pyjpm.orders.intake.book import BoundOrder, OrderBook
from pyjpm.orders.intake.intake import Intake
from pyjpm.orders.intake.mapping import IntakeMapping, load_intake_mapping
from pyjpm.orders.intake.scripts import (
    Decision,
    Occasion,
    Triggers,
    Verdict,
    attest,
    hold,
    hold_for_approval,
    ignore,
    load_script,
    on_status,
    release,
    release_as_agreed,
)
from pyjpm.orders.intake.states import EventState, Receipt

__all__ = [
    "Batch",
    "BoundOrder",
    "Connector",
    "Decision",
    "EventState",
    "Intake",
    "IntakeMapping",
    "Occasion",
    "OrderBook",
    "Problem",
    "Receipt",
    "StatusEvent",
    "Triggers",
    "Verdict",
    "attest",
    "hold",
    "hold_for_approval",
    "ignore",
    "load_intake_mapping",
    "load_script",
    "on_status",
    "release",
    "release_as_agreed",
]
