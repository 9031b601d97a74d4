"""Signatures on their way into the database: what a process that dies now has lost of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyjpm import Document
from pyjpm.orders.intake import keeping
from pyjpm.orders.intake.keeping import Keeping, Signed

DOCUMENT = Document("attestation", 1, "0x" + 40 * "0", {})


class Stored:
    """The commits of a database, each with the events that it had signatures of."""

    def __init__(self) -> None:
        self.commits: list[list[int]] = []

    def __call__(self, signed: Sequence[Signed]) -> None:
        self.commits.append([each.event_id for each in signed])


def paces(monkeypatch: pytest.MonkeyPatch, *times: float) -> None:
    """What the clock says, from one look to the next."""
    at = iter(times)
    monkeypatch.setattr(keeping.time, "monotonic", lambda: next(at))


def kept(*event_ids: int) -> Stored:
    stored = Stored()
    with Keeping(stored) as signatures:
        for event_id in event_ids:
            signatures.add(Signed(event_id, "0x1", DOCUMENT))
    return stored


def test_what_a_device_took_its_time_for_is_stored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Opened at 0; each signature is noted, and each store again.
    paces(monkeypatch, 0.0, 0.03, 0.03, 0.06, 0.06, 0.061, 0.061)
    assert kept(1, 2, 3).commits == [[1], [2], [3]]


def test_what_is_signed_fast_is_stored_together_and_not_much_later(monkeypatch: pytest.MonkeyPatch) -> None:
    paces(monkeypatch, 0.0, *(number / 100 for number in range(1, 27)), 0.26, 0.27, 0.28)
    stored = kept(*range(1, 28))
    assert stored.commits == [list(range(1, 26)), [26, 27]]


def test_what_was_signed_before_an_error_is_stored() -> None:
    stored = Stored()

    def dies() -> None:
        with Keeping(stored) as signatures:
            signatures.add(Signed(1, "0x1", DOCUMENT))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert stored.commits == [[1]]


def test_nothing_signed_is_nothing_stored() -> None:
    assert kept().commits == []
