"""What can be wrong between a dealer's quote and the trade that relies on it."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class QuoteError(PyjpmError):
    """Root of the errors about quotes."""

    code: ClassVar[str] = "QUOTE_ERROR"


class InvalidQuote(QuoteError):
    """The quote could never be traded on. Details: ``field``."""

    code: ClassVar[str] = "INVALID_QUOTE"
    hint: ClassVar[str] = "Correct the field named in the details and quote again."


class QuoteExpired(QuoteError):
    """The quote was for use until ``valid_until``. Details: ``quote``, ``valid_until``, ``now`` (unix seconds)."""

    code: ClassVar[str] = "QUOTE_EXPIRED"
    hint: ClassVar[str] = "Nothing moved. Ask the dealer for a new quote."


class TradeOutsideQuote(QuoteError):
    """The trade is not what was quoted. Details: ``quote``, ``field`` (what differs)."""

    code: ClassVar[str] = "TRADE_OUTSIDE_QUOTE"
    hint: ClassVar[str] = "Do not affirm it. Make the trade from the quote with settlement.propose_quoted."


class QuoteSpent(QuoteError):
    """Another trade was settled on this quote. Details: ``quote``, ``trade``."""

    code: ClassVar[str] = "QUOTE_SPENT"
    hint: ClassVar[str] = "One quote, one trade. Ask the dealer for another quote."
