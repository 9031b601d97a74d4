"""An amount counts in the currency that its source names: hundred of another one are not hundred of the order's."""

from __future__ import annotations

import json

from intake_support import MAPPING, World

from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.connectors.fields import json_events
from pyjpm.orders.intake import EventState


def told(world: World, order: str, currency: str, seq: int) -> StatusEvent:
    data = {"order": order, "seq": seq, "status": "done", "accepted": "60.00", "currency": currency, "complete": "no"}
    (event,) = json_events(
        json.dumps({**data, "at": world.bank.session.now()}), MAPPING.fields(world.source), "a message"
    )
    assert isinstance(event, StatusEvent)
    return event


def test_an_amount_in_another_currency_pays_nothing(world: World) -> None:
    intake, document = world.intake(), world.funded(partial=True)
    order = world.bound(intake, document)
    (refused,) = intake.accept([told(world, order, "EUR", 1)])
    assert (refused.state, refused.code) == (EventState.UNMAPPED, "CURRENCY_DIFFERS")
    assert "EUR" in refused.detail
    assert world.paid() == 0
    intake.accept([told(world, order, "USD", 2)])
    intake.settle()
    assert world.paid() == 60_00
