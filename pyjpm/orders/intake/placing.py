"""Which order, milestone and status an event means, by the mapping and the order book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from pyjpm.orders.connectors.connector import CURRENCY, StatusEvent
from pyjpm.orders.intake.book import BoundOrder
from pyjpm.orders.intake.mapping import IntakeMapping, Meaning
from pyjpm.orders.intake.notes import NOT_BOUND, Notes
from pyjpm.orders.intake.states import EventState
from pyjpm.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """What an event is about: a milestone of an order, and the status that it means."""

    bound: BoundOrder
    index: int
    status: str
    number: int


class Placing:
    """Places the events of one intake."""

    def __init__(self, session: Session, mapping: IntakeMapping) -> None:
        self._session = session
        self._mapping = mapping
        self._sha256 = mapping.sha256

    def place(
        self, row: Row[Any], event: StatusEvent, bound: BoundOrder | None, notes: Notes, *, is_decided: bool
    ) -> Place | None:
        """Where it belongs, which is noted, as it is what will be decided about; None, with the reason noted, where it
        has no place.

        Args:
            bound: by the order book.
            is_decided: then it means what it meant when that was decided, whatever the mapping says by now.
        """
        mapping = {"mapping": self._sha256}
        if row.number is not None and is_decided:
            meaning: Meaning | None = Meaning(row.means, row.number, row.milestone_index)
        else:
            try:
                meaning = self._mapping.meaning(event)
            except LookupError as error:
                notes.end(row, EventState.UNMAPPED, "STATUS_UNMAPPED", f"{event.place}: {error.args[0]}", **mapping)
                return None
        if meaning is None:
            notes.end(row, EventState.IGNORED, None, "The mapping ignores it.", **mapping)
            return None
        if bound is None:
            notes.wait(row, NOT_BOUND, f"The order book has no order {event.order} of {event.source}.")
            return None
        index = bound.parts.get(event.milestone) if meaning.milestone is None else meaning.milestone
        if index is None or index >= len(bound.terms.milestones):
            told = f"neither the mapping nor the order book names a milestone for the part {event.milestone!r}"
            if index is not None:
                told = f"the mapping names milestone {index}, the order has {len(bound.terms.milestones)}"
            notes.end(row, EventState.UNMAPPED, "NO_MILESTONE", f"{event.place}: {told}.", **mapping)
            return None
        place = Place(bound, index, meaning.status, meaning.number)
        notes.change(row, means=place.status, number=place.number, milestone_index=index, **mapping)
        return place if self._is_priced(row, event, place, notes) else None

    def _is_priced(self, row: Row[Any], event: StatusEvent, place: Place, notes: Notes) -> bool:
        """Whether its amount, where it tells one, is of the order's currency. Nobody's word makes it so."""
        named, currency = event.extra.get(CURRENCY), self._session.money(0, place.bound.terms.token).currency
        if event.accepted is None or named in (None, currency):
            return True
        told = f"{event.place}: its amount is in {named}, the order in {currency}."
        notes.end(row, EventState.UNMAPPED, "CURRENCY_DIFFERS", told)
        return False
