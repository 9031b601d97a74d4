"""What the tests of the operator's side share."""

from __future__ import annotations

from pyjpm import Money


def usd(text: str) -> Money:
    return Money(text, "USD")
