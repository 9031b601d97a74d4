"""A dealer's word on a currency exchange: what it gives and takes, to whom, and until when.

Decisions that govern this module:

* What is signed are the two amounts, not a rate: nobody rounds after the signature.
* A quote is bound to its chain and settlement contract (the EIP-712 domain), to its purpose (a structure of its own),
  to its client and to a deadline. No contract reads it. Its hash is the reference of the trade that relies on it, and
  that trade's expiry is at most its deadline: so the contract refuses to settle after it.
* One quote, one trade: who affirms or settles looks for a trade that was settled under its hash. Of two that are
  affirmed before either has settled nobody here knows: a dealer affirms one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from eth_utils.address import is_address, to_checksum_address

from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document, whole_number
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.documents import DocumentError, MalformedDocument
from pyjpm.errors.quotes import InvalidQuote, QuoteExpired, QuoteSpent, TradeOutsideQuote
from pyjpm.money import MINOR_UNITS, Money
from pyjpm.session import Moment, Session, reference_hash, unix_seconds
from pyjpm.terms import Leg, LegKind, TradeTerms

KIND: Final = "quote"
CONTRACT: Final = "Settlement"
ATTACHED: Final = "quote"
"""Where a trade's document carries its quote."""
_LAST: Final = 2**40 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a dealer offers: it sells ``sold`` to the client for ``bought``, until ``valid_until`` (unix seconds)."""

    dealer: str
    client: str
    sold: Money
    bought: Money
    reference: bytes
    valid_until: int

    def message(self, session: Session) -> dict[str, Any]:
        """The structure that is signed."""
        return {
            "dealer": to_checksum_address(self.dealer),
            "client": to_checksum_address(self.client),
            "soldToken": session.address(self.sold.currency),
            "soldAmount": self.sold.minor,
            "boughtToken": session.address(self.bought.currency),
            "boughtAmount": self.bought.minor,
            "quoteReference": self.reference,
            "validUntil": self.valid_until,
        }

    def digest(self, session: Session) -> bytes:
        """What the dealer signs, 32 bytes: the quote's hash, and the reference of its trade."""
        return TypedMessage(session.domain(CONTRACT), "Quote", self.message(session)).digest

    def legs(self, session: Session) -> tuple[Leg, Leg]:
        """Both sides of the exchange: what the dealer gives, then what it gets."""
        return (
            _cash(session, self.dealer, self.client, self.sold),
            _cash(session, self.client, self.dealer, self.bought),
        )

    def to_dict(self) -> dict[str, Any]:
        """The quote as JSON-able data."""
        return {
            "dealer": self.dealer,
            "client": self.client,
            "sold": self.sold.to_dict(),
            "bought": self.bought.to_dict(),
            "reference": "0x" + self.reference.hex(),
            "valid_until": self.valid_until,
        }


def make(
    session: Session,
    pair: str,
    amount: Money,
    valid_until: Moment,
    *,
    price: str | int | Decimal,
    client: int | str,
    sells: str | None = None,
    reference: str | bytes | None = None,
) -> Document:
    """A quote of the acting wallet, signed; see ``Settlement.quote``."""
    base, slash, terms = pair.partition("/")
    if not slash or base == terms or not {base, terms} <= set(session.record.tokens):
        raise InvalidQuote(f"{pair!r} is no pair of this platform's currencies such as 'EUR/USD'.", field="pair")
    if amount.require_positive().currency not in (base, terms):
        raise InvalidQuote(f"{amount} is in neither currency of {pair}.", field="amount")
    sold = base if sells is None else sells
    if sold not in (base, terms):
        raise InvalidQuote(f"{sold} is in neither currency of {pair}.", field="sells")
    until = unix_seconds(valid_until)
    now = session.now()
    if until is None or not now < until <= _LAST:
        raise InvalidQuote("The quote would be over already.", field="valid_until")
    other = _counter(amount, base, terms, price)
    by_currency = {amount.currency: amount, other.currency: other}
    made = Quote(
        dealer=session.wallet,
        client=session.wallet_of(client),
        sold=by_currency[sold],
        bought=by_currency[terms if sold == base else base],
        reference=secrets.token_bytes(32) if reference is None else reference_hash(reference),
        valid_until=until,
    )
    if made.client == made.dealer:
        raise InvalidQuote("The dealer would trade with itself.", field="client")
    body = _body(made.message(session))
    signature = session.sign(CONTRACT, "Quote", made.message(session))
    document = Document(KIND, session.record.chain_id, session.address(CONTRACT), body)
    return document.signed(session.wallet, signature)


def read(session: Session, document: Document) -> Quote:
    """What a document quotes, once its dealer's signature was checked.

    Raises:
        MalformedDocument, DocumentForElsewhere, SignatureMissing, SignatureNotOf: it is not its dealer's word.
    """
    document.require(KIND, session.record.chain_id, session.address(CONTRACT))
    quote = _of_body(session, document.body)
    session.require_signed_by(quote.dealer, quote.digest(session), document.signature(quote.dealer))
    return quote


def of_trade(session: Session, trade: Document) -> Quote | None:
    """The quote that a trade's document carries; None where it carries none. Raises as :func:`read`."""
    if ATTACHED not in trade.attachments:
        return None
    try:
        data = trade.attachments[ATTACHED]
        document = Document(
            data["kind"], data["chain_id"], data["contract"], data["body"], data["signatures"], data["attachments"]
        )
        return read(session, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedDocument(f"The quote in the trade is malformed: {error!r}.") from error


def require_within(session: Session, trade: Document, terms: TradeTerms) -> None:
    """Nothing, where a trade carries no quote, or is exactly what its quote says, in time, and the first.

    Raises:
        TradeOutsideQuote, QuoteExpired, QuoteSpent; as :func:`read`.
    """
    quote = of_trade(session, trade)
    if quote is None:
        return
    digest, now = quote.digest(session), session.now()
    shown = "0x" + digest.hex()
    for name, holds in (
        ("legs", [leg.to_message() for leg in terms.legs] == [leg.to_message() for leg in quote.legs(session)]),
        ("tradeReference", terms.trade_reference == digest),
        ("lots", terms.lots == 1),
        ("expiry", terms.expiry <= quote.valid_until),
    ):
        if not holds:
            raise TradeOutsideQuote(f"The trade's {name} are not those of its quote.", quote=shown, field=name)
    # Before the time: "expired" says that nothing moved. A trade that has settled itself is found so by whoever sends.
    settled = {event.arguments["tradeId"] for event in session.events(CONTRACT, "TradeSettled", None, digest)}
    if terms.id in settled:
        return
    if settled:
        other = "0x" + min(settled).hex()
        raise QuoteSpent("Another trade was settled on this quote.", quote=shown, trade=other)
    if now > quote.valid_until:
        raise QuoteExpired(
            f"The quote was for use until {quote.valid_until}; it is {now}.",
            quote=shown,
            valid_until=quote.valid_until,
            now=now,
        )


def _cash(session: Session, sender: str, receiver: str, amount: Money) -> Leg:
    return Leg(
        kind=LegKind.CASH,
        token=session.address(amount.currency),
        sender=to_checksum_address(sender),
        receiver=to_checksum_address(receiver),
        amount=amount.minor,
    )


def _counter(amount: Money, base: str, terms: str, price: str | int | Decimal) -> Money:
    """The other side's amount, to the nearest minor unit, a half to the even one."""
    if isinstance(price, (bool, float)):
        raise InvalidQuote("A price is an exact number: text, an integer or a Decimal.", field="price")
    try:
        exact = Decimal(price)
    except (InvalidOperation, ValueError, TypeError):
        raise InvalidQuote("The price is no number.", field="price") from None
    if not exact.is_finite() or not Decimal("1e-12") <= exact <= Decimal("1e12"):
        raise InvalidQuote("The price is no positive number of a sensible size.", field="price")
    rate = Fraction(exact)
    other = terms if amount.currency == base else base
    scaled = Fraction(amount.minor) * Fraction(10) ** (MINOR_UNITS[other] - MINOR_UNITS[amount.currency])
    minor = round(scaled * rate if other == terms else scaled / rate)
    if minor <= 0:
        raise InvalidQuote("The other side's amount rounds to nothing.", field="amount")
    return Money.from_minor(minor, other)


def _of_body(session: Session, body: Mapping[str, Any]) -> Quote:
    try:
        if not (is_address(body["dealer"]) and is_address(body["client"])):
            raise MalformedDocument("The quote names no dealer or client.")
        quote = Quote(
            dealer=to_checksum_address(body["dealer"]),
            client=to_checksum_address(body["client"]),
            sold=session.money(whole_number(body["soldAmount"]), body["soldToken"]).require_positive(),
            bought=session.money(whole_number(body["boughtAmount"]), body["boughtToken"]).require_positive(),
            reference=bytes.fromhex(body["quoteReference"].removeprefix("0x")),
            valid_until=body["validUntil"],
        )
        if type(quote.valid_until) is not int or not 0 < quote.valid_until <= _LAST or len(quote.reference) != 32:
            raise MalformedDocument("The quote has no usable deadline or reference.")
        if _body(quote.message(session)) != dict(body):
            raise MalformedDocument("The quote has parts that this version does not know.")
    except (DocumentError, InvalidRequest):
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedDocument(f"The quote is malformed: {error!r}.") from error
    return quote


def _body(message: Mapping[str, Any]) -> dict[str, Any]:
    """The structure as a document says it: bytes as ``0x…``, amounts as text, since they may exceed 2^53."""
    return {
        name: "0x" + value.hex() if isinstance(value, bytes) else str(value) if name.endswith("Amount") else value
        for name, value in message.items()
    }
