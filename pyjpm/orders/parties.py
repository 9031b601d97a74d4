"""Who takes part, as the mapping and its parties file say.

Unlike an order, a party that cannot be read stops the run: who may hold money is settled before any of it moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyjpm.errors.orders import PartiesUnusable
from pyjpm.orders.events import Party
from pyjpm.orders.mapping import OrderMapping, Parties
from pyjpm.orders.rows import Row, read_rows


def read_parties(mapping: OrderMapping) -> Iterator[Party]:
    """The parties of the mapping's list, then those of its file, streaming; repeated ids come out repeatedly.

    Raises:
        OrdersFileUnreadable, MissingColumns, RepeatedColumns: of the file.
        PartiesUnusable: a line without an id, or with a country that is no code and not among ``countries``.
    """
    parties = mapping.parties
    if parties is None:
        return
    for known in parties.also:
        yield Party(known.id, known.name, known.country)
    path = mapping.parties_file
    if path is None:
        return
    columns = {column for column in (parties.id, parties.name, parties.country) if column is not None}
    for row in read_rows(path, mapping.file.layout(), columns):
        problem, party = _read(row, parties)
        if party is None:
            raise PartiesUnusable(f"Line {row.line} of {path}: {problem}.", path=str(path), line=row.line)
        yield party


def _read(row: Row, parties: Parties) -> tuple[str, Party | None]:
    if row.problem:
        return row.problem, None
    party_id = row.values[parties.id] if parties.id else ""
    if not party_id:
        return f"{parties.id} is empty", None
    country = row.values[parties.country] if parties.country else ""
    code = parties.countries.get(country, country)
    if code and not re.fullmatch("[A-Z]{2}", code):
        return f"{country!r} is no ISO 3166-1 alpha-2 code and not in parties.countries", None
    name = row.values[parties.name] if parties.name else ""
    return "", Party(party_id, name or party_id, code or None)
