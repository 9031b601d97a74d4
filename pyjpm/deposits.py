"""Deposits and redemptions: a client's deposit becomes tokens 1:1 and back, without fee.

The bank mints against a deposit reference, which mints once. A client requests a redemption; the bank instructs the
fiat payout, then settles (burns, with the fiat reference) or returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyjpm.acts import Act
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.token import AlreadyMinted
from pyjpm.money import Money
from pyjpm.sending import payment_reference
from pyjpm.session import ZERO_ADDRESS, Session, reference_hash
from pyjpm.status import Status

_FRESH = 2  # of IReserve.Freshness
REDEMPTION_STATES = ("NONE", "REQUESTED", "INSTRUCTED", "SETTLED", "RETURNED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Act):
    """A mint. ``reference`` is the deposit reference's hash on chain, ``deposit_reference`` what the bank calls it."""

    amount: Money
    to: str
    deposit_reference: str

    @classmethod
    def _own(cls, session: Session, content: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "amount": Money.from_minor(content["amount"], content["currency"]),
            "to": content["to"],
            "deposit_reference": content["deposit_reference"],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption(Act):
    """A redemption request. ``state`` on chain: :meth:`Deposits.redemption_state`."""

    amount: Money
    participant: int

    @classmethod
    def _own(cls, session: Session, content: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "amount": Money.from_minor(content["amount"], content["currency"]),
            "participant": content["participant"],
        }


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet's money at one moment: ``available = max(0, balance - held - frozen)``."""

    wallet: str
    balance: Money
    available: Money
    held: Money
    frozen: Money

    def to_dict(self) -> dict[str, Any]:
        """The balance as JSON-able data."""
        amounts = {name: getattr(self, name).to_dict() for name in ("balance", "available", "held", "frozen")}
        return {"wallet": self.wallet, **amounts}


@dataclass(frozen=True, slots=True)
class MintRoom:
    """How much more an issuer may mint at one moment, by each bound.

    Attributes:
        ceiling: under what it may have outstanding.
        rate: by its rate now; it comes back with time.
        reserve: above the supply, of what is attested and fresh.
    """

    ceiling: Money
    rate: Money
    reserve: Money

    @property
    def least(self) -> Money:
        """What a mint may be."""
        return min(self.ceiling, self.rate, self.reserve)

    def to_dict(self) -> dict[str, Any]:
        """The room as JSON-able data."""
        return {name: getattr(self, name).to_dict() for name in ("ceiling", "rate", "reserve", "least")}


class Deposits:
    """``platform.deposits``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def mint(self, to: int | str, amount: Money, *, deposit_reference: str, idempotency_key: str) -> Deposit:
        """Turns a client's deposit into tokens (issuer role).

        Args:
            to: participant id (its current wallet) or wallet address.
            deposit_reference: the bank's own name of the deposit; mints once, for ever.

        Raises:
            AlreadyMinted is adopted if the chain has exactly this mint, else ReferenceConflict;
            ReserveMissing, ReserveStale, ReserveShort: auditors attest too little, or not freshly; MintCeilingExceeded,
            MintRateExceeded, NotIssuer and the payee refusals: nothing was sent. :meth:`mint_room` tells them before.
            AmountNotPositive, IdempotencyConflict.
        """
        session, currency = self._session, amount.require_positive().currency
        wallet, reference = session.wallet_of(to), reference_hash(deposit_reference)
        content = {
            "to": wallet,
            "amount": amount.minor,
            "currency": currency,
            "deposit_reference": deposit_reference,
        }
        try:
            submission = session.submit(
                kind="deposits.mint",
                key=idempotency_key,
                content=content,
                contract=currency,
                function="mint",
                arguments=(reference, wallet, amount.minor),
                reference="0x" + reference.hex(),
            )
        except AlreadyMinted as error:
            return self._adopted(reference, content, error)
        return Deposit.of(session, submission)

    def mint_room(self, issuer: str | None = None, *, currency: str) -> MintRoom:
        """How much more an issuer, or the acting wallet, may mint, all at one block."""
        session = self._session
        block = session.connection.head().number
        who = session.wallet if issuer is None else issuer
        token, reserve = session.address(currency), session.call(currency, "reserve", block=block)
        (ceiling, outstanding), (_, _, free) = session.calls(
            [(currency, "mintCeiling", (who,)), (currency, "mintRate", (who,))], block=block
        )
        backed = 0
        if reserve != ZERO_ADDRESS:
            freshness, attested, supply = session.call_at(reserve, "Reserve", "backingOf", token, block=block)
            backed = max(0, attested - supply) if freshness == _FRESH else 0
        return MintRoom(*(Money.from_minor(minor, currency) for minor in (max(0, ceiling - outstanding), free, backed)))

    def list(
        self, *, status: Status | None = None, reference: str | None = None, created_after: int | None = None
    ) -> Iterator[Deposit]:
        """This wallet's mints, oldest first; pages itself. ``created_after`` in unix seconds."""
        for submission in self._session.submissions(
            "deposits.mint", status=status, reference=reference, created_after=created_after
        ):
            yield Deposit.of(self._session, submission)

    def balance(self, who: int | str | None = None, *, currency: str) -> Balance:
        """Balance of a wallet, of a participant's current wallet, or of the acting wallet; all at one block."""
        session = self._session
        wallet = session.wallet if who is None else session.wallet_of(who)
        block = session.connection.head().number
        functions = ("balanceOf", "available", "held", "frozen")
        amounts = [Money.from_minor(session.call(currency, name, wallet, block=block), currency) for name in functions]
        return Balance(wallet, *amounts)

    def supply(self, currency: str) -> Money:
        """All tokens of a currency."""
        return Money.from_minor(self._session.call(currency, "totalSupply"), currency)

    # --- redemption ---

    def request_redemption(self, amount: Money, *, payout: bytes, idempotency_key: str) -> Redemption:
        """Holds money of the acting wallet for a fiat payout.

        Args:
            payout: hash of the payout details (32 bytes, not all zero); the details go to the bank off chain.

        Raises:
            InvalidRequest, ReferenceMissing: no hash; InsufficientAvailable and the payer refusals; nothing was sent.
        """
        session, currency = self._session, amount.require_positive().currency
        reference = payment_reference(session.participant, idempotency_key)
        submission = session.submit(
            kind="deposits.redeem",
            key=idempotency_key,
            content={
                "amount": amount.minor,
                "currency": currency,
                "participant": session.participant,
                "payout": "0x" + payout.hex(),
            },
            contract=currency,
            function="requestRedemption",
            arguments=(amount.minor, reference, reference_hash(payout)),
            reference="0x" + reference.hex(),
        )
        return Redemption.of(session, submission)

    def instruct_redemption(self, participant: int, reference: str, *, currency: str, idempotency_key: str) -> Act:
        """The bank has ordered the fiat payout (issuer role)."""
        return self._redeem("instructRedemption", participant, reference, currency, idempotency_key)

    def settle_redemption(
        self, participant: int, reference: str, *, currency: str, fiat_reference: str | bytes, idempotency_key: str
    ) -> Act:
        """The fiat has left the bank: burns (issuer role).

        Raises:
            RedemptionNotIn: it was not instructed, or is settled or returned; nothing was sent.
            InvalidRequest, ReferenceMissing: no fiat reference.
        """
        return self._redeem("settleRedemption", participant, reference, currency, idempotency_key, fiat_reference)

    def return_redemption(
        self, participant: int, reference: str, *, currency: str, idempotency_key: str, evidence: bytes = bytes(32)
    ) -> Act:
        """Gives the money back (issuer role); once instructed, ``evidence`` is the hash that the fiat did not leave,
        or came back.

        Raises:
            EvidenceMissing, RedemptionNotIn; nothing was sent.
        """
        return self._redeem("returnRedemption", participant, reference, currency, idempotency_key, evidence)

    def redemption_state(self, participant: int, reference: str, *, currency: str) -> str:
        """``NONE``, ``REQUESTED``, ``INSTRUCTED``, ``SETTLED`` or ``RETURNED``, read from the chain."""
        found = self._session.call(currency, "redemptionOf", participant, bytes.fromhex(reference.removeprefix("0x")))
        return REDEMPTION_STATES[found["status"]]

    def _redeem(
        self, function: str, participant: int, reference: str, currency: str, key: str, extra: str | bytes | None = None
    ) -> Act:
        arguments: tuple[Any, ...] = (participant, bytes.fromhex(reference.removeprefix("0x")))
        if extra is not None:
            arguments += (reference_hash(extra),)
        submission = self._session.submit(
            kind=f"deposits.{function}",
            key=key,
            content={
                "participant": participant,
                "reference": reference,
                "currency": currency,
                "extra": "0x" + extra.hex() if isinstance(extra, bytes) else extra,
            },
            contract=currency,
            function=function,
            arguments=arguments,
            reference=reference,
        )
        return Act.of(self._session, submission)

    def _adopted(self, reference: bytes, content: Mapping[str, Any], cause: AlreadyMinted) -> Deposit:
        """The mint that the chain already has under this deposit reference, if it is this one."""
        session, currency = self._session, content["currency"]
        for event in session.events(currency, "DepositMinted", None, None, reference):
            if (event.arguments["to"], event.arguments["amount"]) == (content["to"], content["amount"]):
                return Deposit(
                    id=event.tx,
                    kind="deposits.mint",
                    status=Status.FINAL,
                    reference="0x" + reference.hex(),
                    tx_hash=event.tx,
                    block=event.block,
                    session=session,
                    **Deposit._own(session, content),
                )
        raise ReferenceConflict("The deposit was minted with other content.", **cause.details) from cause
