"""What was written in a Tryton since: its changed records of several kinds, page by page, and the cursor for it.

Decisions that govern this module:

* Tryton is asked what was written since, by ``write_date`` and id, of each kind of record by itself.
* A ``write_date`` is when a transaction began, and it is seen only once it has ended; so each pass looks ``overlap``
  seconds back behind the last one. What is read twice is handed out once to whoever stored the cursor before.
* A cursor says of what it is: one of purchases, given to who reads sales, would pass over what it never read.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyjpm.errors.intake import SourceRefused
from pyjpm.orders.connectors.tryton_rpc import TrytonRpc

OVERLAP: Final = 300
PAGE: Final = 200
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind of records that is watched: those that a domain fits, with these fields beside id and date."""

    domain: list[Any]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """One page of what changed, by model; from where to go on, and whether more is there at once."""

    rows: Mapping[str, list[dict[str, Any]]]
    cursor: str
    more: bool


class Changes:
    """Reads the changed records of one Tryton database. Changes nothing there.

    Args:
        streams: what is watched, by model.
        source: as errors name it.
        of: what a cursor says that it is of; None for cursors that say nothing, as those of sales always did.
        overlap: seconds; longer than any transaction in Tryton lasts.
        page: how many changed records of a kind are read at a time.
    """

    def __init__(
        self,
        rpc: TrytonRpc,
        streams: Mapping[str, Stream],
        *,
        source: str,
        of: str | None = None,
        overlap: int = OVERLAP,
        page: int = PAGE,
    ) -> None:
        self._rpc = rpc
        self._streams = streams
        self._source = source
        self._of = of
        self._overlap = datetime.timedelta(seconds=overlap)
        self._page = page
        # What was read within the overlap, by record; good for whoever comes back with the cursor that it left with.
        self._seen: dict[tuple[str, int], datetime.datetime] = {}
        self._left_with: str | None = None

    def after(self, cursor: str | None) -> Changed:
        """What changed after ``cursor``. Raises SourceUnavailable, SourceRefused."""
        turn, places = self._read(cursor)
        if cursor is None or cursor != self._left_with:
            # It was not stored, or we are new: what we remember was perhaps never told.
            self._seen.clear()
        changed: dict[str, list[dict[str, Any]]] = {model: [] for model in self._streams}
        seen, after, more = dict(self._seen), dict(places), False
        # A pass begins anew once all kinds of records are through with the last one.
        unfinished = [model for model, place in places.items() if place.within]
        for model in unfinished or self._streams:
            rows = self._page_of(model, places.get(model))
            full = len(rows) == self._page
            more |= full
            if rows:
                after[model] = _Place(rows[-1]["write_date"], rows[-1]["id"], within=full)
            elif model in places:
                after[model] = _Place(places[model].at, places[model].id, within=False)
            changed[model] = [row for row in rows if seen.get((model, row["id"])) != row["write_date"]]
            seen |= {(model, row["id"]): row["write_date"] for row in rows}
        # Whatever is new makes another cursor, so that who comes back with it has stored what is remembered; who could
        # not make events of it comes back with the one before, and is handed it again.
        turn += any(changed.values())
        told = {"version": _VERSION, "turn": turn, "places": {model: place.told() for model, place in after.items()}}
        self._left_with = json.dumps(told if self._of is None else told | {"of": self._of}, sort_keys=True)
        kept = {model: place.at - self._overlap for model, place in after.items()}
        self._seen = {key: at for key, at in seen.items() if at >= kept[key[0]]}
        return Changed(changed, self._left_with, more)

    def _page_of(self, model: str, place: _Place | None) -> list[dict[str, Any]]:
        stream = self._streams[model]
        since: list[Any] = []
        if place is not None and place.within:
            at = place.at
            since = [["OR", [["write_date", ">", at]], [["write_date", "=", at], ["id", ">", place.id]]]]
        elif place is not None:
            since = [["write_date", ">=", place.at - self._overlap]]
        order = [["write_date", "ASC"], ["id", "ASC"]]
        fields = ["write_date", *stream.fields]
        return self._rpc.search_read(model, [*stream.domain, *since], fields, order=order, limit=self._page)

    def _read(self, cursor: str | None) -> tuple[int, dict[str, _Place]]:
        if cursor is None:
            return 0, {}
        try:
            told = json.loads(cursor)
            known = told["version"] == _VERSION and told.get("of") == self._of
            if not known or not set(told["places"]) <= set(self._streams):
                raise ValueError
            return int(told["turn"]), {
                model: _Place(datetime.datetime.fromisoformat(at), int(record), bool(within))
                for model, (at, record, within) in told["places"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            cause = "a cursor that is not of this connector"
            raise SourceRefused(f"{cause} was given.", source=self._source, cause=cause) from None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stream of records is: after that record, and whether more of the same pass follows."""

    at: datetime.datetime
    id: int
    within: bool

    def told(self) -> list[Any]:
        return [self.at.isoformat(), self.id, self.within]
