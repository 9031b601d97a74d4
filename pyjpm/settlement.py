"""Settlement: delivery versus payment and payment versus payment, all legs or none.

The parties exchange one trade document. Each affirms exactly these terms with its signature, and with it signs its
consent to hold its own cash for this trade; assets move by an allowance that their owner gives to the settlement
contract. Anyone may then settle everything in one transaction.

A currency exchange may go by a dealer's signed quote: its trade is exactly what was quoted, and neither affirmed nor
settled after the quote's deadline, here and on chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pyjpm import quotes
from pyjpm.acts import Act
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document, whole_number
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument
from pyjpm.errors.settlement import NotTradeParty
from pyjpm.money import Money
from pyjpm.netting import NetPosition, net_positions, rest_of
from pyjpm.quotes import Quote
from pyjpm.sending.operation import RETRIED
from pyjpm.session import Moment, Session, reference_hash
from pyjpm.terms import Leg, LegKind, TradeTerms
from pyjpm.trade import NetSettlement, SettledTrade, Trade, TradeState

_STATES = tuple(TradeState)
_SETTLING = ("settle", "settleLots")


class Settlement:
    """``platform.settlement``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def cash(self, payer: int | str, payee: int | str, amount: Money) -> Leg:
        """A leg of bank money, between participants' current wallets or named wallets."""
        return Leg(
            kind=LegKind.CASH,
            token=self._session.address(amount.require_positive().currency),
            sender=self._session.wallet_of(payer),
            receiver=self._session.wallet_of(payee),
            amount=amount.minor,
        )

    def title(self, asset: str, token_id: int, sender: int | str, receiver: int | str) -> Leg:
        """A leg that delivers a title document (ERC-721)."""
        giver, taker = self._session.wallet_of(sender), self._session.wallet_of(receiver)
        return Leg(kind=LegKind.ERC721, token=asset, id=token_id, amount=1, sender=giver, receiver=taker)

    def units(self, asset: str, amount: int, sender: int | str, receiver: int | str) -> Leg:
        """A leg that delivers units of an asset (ERC-20)."""
        giver, taker = self._session.wallet_of(sender), self._session.wallet_of(receiver)
        return Leg(kind=LegKind.ERC20, token=asset, amount=amount, sender=giver, receiver=taker)

    def propose(
        self,
        legs: Sequence[Leg],
        *,
        trade_reference: str | bytes,
        expiry: int | None = None,
        settle_after: int = 0,
        agent: str | None = None,
        lots: int = 1,
    ) -> Document:
        """Terms of a trade, not yet affirmed by anyone.

        Args:
            trade_reference: text (hashed) or 32 bytes.
            expiry: last second in which it may settle, unix seconds; a day from now (chain time) by default.
        """
        session = self._session
        if not legs:
            raise InvalidRequest("A trade has at least one leg.")
        terms = TradeTerms(
            legs=tuple(legs),
            trade_reference=reference_hash(trade_reference),
            expiry=session.now() + 86_400 if expiry is None else expiry,
            settle_after=settle_after,
            lots=lots,
            **({} if agent is None else {"agent": agent}),
        )
        return Document("trade", session.record.chain_id, session.address("Settlement"), terms.to_body())

    def quote(
        self,
        pair: str,
        amount: Money,
        valid_until: Moment,
        *,
        price: str | int | Decimal,
        client: int | str,
        sells: str | None = None,
        reference: str | bytes | None = None,
    ) -> Document:
        """The acting wallet's word, as a dealer, on one exchange of bank money. Nothing moves by it.

        Args:
            pair: base and terms currency, ``EUR/USD``.
            amount: in either of them; the other side follows from the price, to the nearest minor unit.
            valid_until: the last second in which a trade on it may settle, by the chain's clock.
            price: how much of the terms currency one of the base currency costs.
            client: participant id or wallet, the only one who may trade on it.
            sells: the currency that the dealer gives; the base currency by default.
            reference: the dealer's own, text (hashed) or 32 bytes; random by default.

        Raises:
            InvalidQuote
        """
        return quotes.make(
            self._session, pair, amount, valid_until, price=price, client=client, sells=sells, reference=reference
        )

    def read_quote(self, document: Document) -> Quote:
        """What was quoted: of a quote's document, or of the trade's that carries one; its signature is checked.

        Raises:
            MalformedDocument, DocumentForElsewhere, SignatureMissing, SignatureNotOf
        """
        carried = quotes.of_trade(self._session, document) if document.kind == "trade" else None
        return carried or quotes.read(self._session, document)

    def propose_quoted(self, quote: Document, *, expiry: int | None = None, settle_after: int = 0) -> Document:
        """The trade that a quote offers: both legs as quoted, its reference the quote's hash.

        Args:
            expiry: last second in which it may settle; the quote's deadline by default, and at most that.

        Raises:
            TradeOutsideQuote, QuoteExpired, QuoteSpent; as :meth:`read_quote`.
        """
        session = self._session
        read = quotes.read(session, quote)
        until = read.valid_until if expiry is None else expiry
        legs, digest = read.legs(session), read.digest(session)
        trade = self.propose(legs, trade_reference=digest, expiry=until, settle_after=settle_after)
        trade = replace(trade, attachments={quotes.ATTACHED: quote.to_dict()})
        quotes.require_within(session, trade, self._terms(trade))
        return trade

    def affirm(self, document: Document) -> Document:
        """The document with the acting wallet's affirmation, and its consent for each currency it pays.

        Raises:
            NotTradeParty: the wallet is in none of the legs.
            TradeOutsideQuote, QuoteExpired, QuoteSpent: it carries a quote, and is not what may be done on it now.
        """
        session, terms = self._session, self._terms(document)
        quotes.require_within(session, document, terms)
        if session.wallet not in terms.wallets:
            raise NotTradeParty.from_arguments({"tradeId": "0x" + terms.id.hex(), "wallet": session.wallet})
        signed = document.signed(session.wallet, session.sign("Settlement", "Trade", terms.to_message()))
        consents = [self._consent(terms, token, amount) for token, amount in terms.cash_of(session.wallet).items()]
        return signed.attached(session.wallet, consents) if consents else signed

    def collect(self, documents: Sequence[Document]) -> Document:
        """One document with the affirmations and consents of all.

        Raises:
            DocumentsDiffer: they are not about the same trade.
        """
        if not documents:
            raise DocumentsDiffer("There is nothing to collect.")
        collected = documents[0]
        for document in documents[1:]:
            if dict(document.body) != dict(collected.body):
                raise DocumentsDiffer("The documents are about different trades.")
            for wallet in document.signatures:
                collected = collected.signed(wallet, document.signature(wallet))
            for wallet, part in document.attachments.items():
                collected = collected.attached(wallet, part)
        return collected

    def allow_title(self, asset: str, token_id: int, *, idempotency_key: str) -> Act:
        """Lets the settlement contract deliver one title document of the acting wallet."""
        return self._allow("TitleDocument", asset, token_id, idempotency_key)

    def allow_units(self, asset: str, amount: int, *, idempotency_key: str) -> Act:
        """Lets the settlement contract deliver up to ``amount`` units of the acting wallet."""
        return self._allow("UnitToken", asset, amount, idempotency_key)

    def settle(self, document: Document, *, idempotency_key: str) -> Trade:
        """Settles every remaining lot in one transaction, with the affirmations and consents in the document.

        Raises:
            SignatureNotOf: an affirmation is not its wallet's.
            TradeOutsideQuote, QuoteExpired, QuoteSpent: it carries a quote, and is not what may be done on it now.
            ContractError: see :mod:`pyjpm.errors.settlement`.
        """
        terms = self._terms(document)
        arguments = (terms.to_message(), self._affirmations(document, terms), self._consents(document, terms))
        return self._act("settle", document, idempotency_key, arguments, {})

    def settle_lots(self, document: Document, *, first_lot: int, count: int, idempotency_key: str) -> Trade:
        """The agent settles the next lots."""
        terms = self._terms(document)
        riding = (self._affirmations(document, terms), self._consents(document, terms))
        content = {"first_lot": first_lot, "count": count}
        return self._act(
            "settleLots", document, idempotency_key, (terms.to_message(), first_lot, count, *riding), content
        )

    def settle_net(
        self, documents: Sequence[Document], *, assets_gross: bool = False, idempotency_key: str
    ) -> NetSettlement:
        """Settles 1 to 64 trades in one transaction, each as a whole, all or none; each party gives and gets its net.

        Args:
            documents: a trade each, with the affirmations and consents that are not on the chain yet.
            assets_gross: move assets leg by leg in the order given and net only cash (BIS model 2); all is netted
                otherwise (model 3).

        Raises:
            SignatureNotOf: an affirmation is not its wallet's.
            ContractError: see :mod:`pyjpm.errors.settlement` and :mod:`pyjpm.errors.refusals`.
        """
        session = self._session
        trades = [(document, self._terms(document)) for document in documents]
        self._require_quoted(trades, idempotency_key)
        positions = self.net_positions(documents)
        riding = [
            {
                "trade": terms.to_message(),
                "affirmations": self._affirmations(document, terms),
                "consents": self._consents(document, terms),
            }
            for document, terms in trades
        ]
        submission = session.submit(
            kind="settlement.settleNet",
            key=idempotency_key,
            content={"trades": ["0x" + terms.id.hex() for _, terms in trades], "assets_gross": assets_gross},
            contract="Settlement",
            function="settleNet",
            arguments=(riding, assets_gross),
            reference="0x" + trades[0][1].id.hex() if trades else None,
        )
        act = Act.of(session, submission)
        return NetSettlement(tuple(self._read(document, terms, act) for document, terms in trades), positions, act)

    def net_positions(self, documents: Sequence[Document]) -> tuple[NetPosition, ...]:
        """What the trades would come to together now: of those that went by lots, the whole rest.

        Money is in minor units of its currency; ``NetPosition.net`` below 0 is what a wallet must have at hand.
        """
        legs: list[Leg] = []
        for document in documents:
            terms = self._terms(document)
            legs += rest_of(terms, self._session.call("Settlement", "tradeOf", terms.id)["lotsSettled"])
        return net_positions(legs)

    def cancel(self, document: Document, *, idempotency_key: str) -> Trade:
        """The acting party cancels, before every party has affirmed on chain."""
        return self._act("cancel", document, idempotency_key, (self._terms(document).to_message(),), {})

    def release_hold(self, document: Document, payer: str, currency: str, *, idempotency_key: str) -> Trade:
        """Gives back cash that is still held for a trade that has ended or expired; anyone may."""
        arguments = (self._terms(document).to_message(), self._session.address(currency), payer)
        content = {"payer": payer, "currency": currency}
        return self._act("releaseHold", document, idempotency_key, arguments, content)

    def get(self, document: Document) -> Trade:
        """The trade as the chain has it; ``NONE`` where nobody has affirmed on chain."""
        return self._read(document, self._terms(document))

    # --- inside ---

    def _terms(self, document: Document) -> TradeTerms:
        session = self._session
        document.require("trade", session.record.chain_id, session.address("Settlement"))
        return TradeTerms.from_body(document.body)

    def _require_quoted(self, trades: Sequence[tuple[Document, TradeTerms]], key: str) -> None:
        """Whether each may be done on the quote that it carries. What was accepted under the key already is only told
        again, whatever the time."""
        earlier = self._session.journal.find(self._session.wallet, key)
        if earlier is None or earlier.state in RETRIED:
            for document, terms in trades:
                quotes.require_within(self._session, document, terms)

    def _consent(self, terms: TradeTerms, token: str, amount: int) -> dict[str, Any]:
        session = self._session
        consent = {
            "payer": session.wallet,
            "notary": session.address("Settlement"),
            "amount": amount,
            "ref": terms.id,
            "nonce": session.next_nonce(),
            "deadline": terms.expiry,
        }
        signature = session.sign(session.record.currency_of(token), "Consent", consent)
        return {
            "token": token,
            "nonce": str(consent["nonce"]),
            "deadline": terms.expiry,
            "signature": "0x" + signature.hex(),
        }

    def _affirmations(self, document: Document, terms: TradeTerms) -> list[dict[str, Any]]:
        digest = TypedMessage(self._session.domain("Settlement"), "Trade", terms.to_message()).digest
        found = []
        for wallet in document.signatures:
            signature = document.signature(wallet)
            self._session.require_signed_by(wallet, digest, signature)
            found.append({"wallet": wallet, "signature": signature})
        return found

    def _consents(self, document: Document, terms: TradeTerms) -> list[dict[str, Any]]:
        """The consents that still have to be used: none for cash that is held already."""
        try:
            found = [
                {
                    "payer": payer,
                    "token": part["token"],
                    "nonce": whole_number(part["nonce"]),
                    "deadline": part["deadline"],
                    "signature": bytes.fromhex(part["signature"][2:]),
                }
                for payer, parts in document.attachments.items()
                if payer != quotes.ATTACHED
                for part in parts
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedDocument(f"A consent in the trade is malformed: {error!r}.") from error
        call = self._session.call
        return [
            consent
            for consent in found
            if not call("Settlement", "heldFor", terms.id, consent["token"], consent["payer"])
        ]

    def _allow(self, artifact: str, asset: str, value: int, key: str) -> Act:
        session = self._session
        submission = session.submit(
            kind="settlement.allow",
            key=key,
            content={"asset": asset, "value": str(value)},
            contract=artifact,
            function="approve",
            arguments=(session.address("Settlement"), value),
            at=asset,
        )
        return Act.of(session, submission)

    def _act(
        self, function: str, document: Document, key: str, arguments: tuple[Any, ...], content: Mapping[str, Any]
    ) -> Trade:
        """Sends one call. ``content`` is what the key stands for: never signatures, which may be renewed."""
        session, terms = self._session, self._terms(document)
        if function in _SETTLING:
            self._require_quoted([(document, terms)], key)
        submission = session.submit(
            kind=f"settlement.{function}",
            key=key,
            content={"trade": "0x" + terms.id.hex(), **content},
            contract="Settlement",
            function=function,
            arguments=arguments,
            reference="0x" + terms.id.hex(),
        )
        return self._read(document, terms, Act.of(session, submission))

    def _read(self, document: Document, terms: TradeTerms, act: Act | None = None) -> Trade:
        session = self._session
        block = session.connection.head().number
        seen = session.call("Settlement", "tradeOf", terms.id, block=block)
        state = session.call("Settlement", "stateOf", terms.to_message(), block=block)
        totals: dict[str, int] = {}
        for leg in terms.legs:
            if leg.kind is LegKind.CASH:
                totals[leg.token] = totals.get(leg.token, 0) + leg.amount
        return Trade(
            id="0x" + terms.id.hex(),
            status=_STATES[state],
            reference="0x" + terms.trade_reference.hex(),
            amount=tuple(session.money(minor, token) for token, minor in totals.items()),
            matched=seen["matched"],
            lots_settled=seen["lotsSettled"],
            document=document,
            act=act,
            noun=self,
        )

    def list(self, *, reference: str | bytes | None = None, created_after: int | None = None) -> Iterator[SettledTrade]:
        """Settlements, oldest first; pages itself. ``created_after`` in unix seconds."""
        session = self._session
        topic = None if reference is None else reference_hash(reference)
        for event in session.events("Settlement", "TradeSettled", None, topic):
            if created_after is not None and session.connection.block(event.block).timestamp <= created_after:
                continue
            yield SettledTrade(
                id="0x" + event.arguments["tradeId"].hex(),
                reference="0x" + event.arguments["tradeReference"].hex(),
                lots=event.arguments["lots"],
                complete=event.arguments["complete"],
                block=event.block,
            )
