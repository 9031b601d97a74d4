"""The reserve: what backs the tokens, as auditors attest it.

The bank, or anyone, proposes what stands behind a currency; each auditor signs the document with its own key; the
signed documents are collected and submitted by anyone. The token mints up to what is attested and fresh, no further;
redemption never asks.

    statement = bank.reserve.propose("USD", [ReserveLine("CENTRAL_BANK", "BANKUS33", Money("1000000.00", "USD"))])
    signed = auditor.reserve.sign(statement)
    bank.reserve.submit(signed, idempotency_key="reserve of 2026-05-28").wait()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document, whole_number
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.documents import DocumentsDiffer, MalformedDocument
from pyjpm.errors.reserve import NotAnAuditor
from pyjpm.money import Money
from pyjpm.session import Session
from pyjpm.terms import DAY

CONTRACT: Final = "Reserve"
KIND: Final = "reserve-attestation"
FRESHNESS: Final = ("MISSING", "STALE", "FRESH")

_MEMBERS: Final = {"currency", "lines", "asOf", "validUntil", "documentHash", "sequence", "deadline"}
_LINE_MEMBERS: Final = {"assetClass", "custodian", "amount"}


@dataclass(frozen=True, slots=True)
class ReserveLine:
    """A part of what backs a currency.

    Attributes:
        asset_class: 1 to 32 ASCII characters, such as ``CENTRAL_BANK``; or ``0x…`` of 32 bytes.
        custodian: the same form; a BIC or an LEI fits.
        amount: zero or more.
    """

    asset_class: str
    custodian: str
    amount: Money

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON-able data."""
        return {"asset_class": self.asset_class, "custodian": self.custodian, "amount": self.amount.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What stands behind all tokens of a currency at one block.

    Attributes:
        freshness: ``STALE`` (never attested, out of date, late, or signed by too few who still are auditors) or
            ``FRESH``. Only the latter lets the bank mint.
        attested: as last attested, fresh or not.
        by_class: the same by asset class; sums to ``attested``.
        lines: the same by class and custodian.
        supply: of all tokens of the currency.
        surplus: ``attested - supply``; negative where there is too little.
        age: seconds since ``as_of``; 0 where nothing was attested.
        as_of, valid_until, next_due: unix seconds; 0 where nothing was attested.
        sequence: the auditors' number of the attestation.
        document_hash: of their report, ``0x…``.
    """

    currency: str
    freshness: str
    attested: Money
    by_class: Mapping[str, Money]
    lines: tuple[ReserveLine, ...]
    supply: Money
    surplus: Money
    age: int
    as_of: int
    valid_until: int
    next_due: int
    sequence: int
    document_hash: str

    @property
    def fresh(self) -> bool:
        """Whether it lets the bank mint."""
        return self.freshness == "FRESH"

    @property
    def headroom(self) -> Money:
        """How much more it lets the bank mint; zero where it is not fresh."""
        free = self.surplus.minor if self.fresh else 0
        return Money.from_minor(max(0, free), self.currency)

    def to_dict(self) -> dict[str, Any]:
        """The backing as JSON-able data."""
        money = {name: getattr(self, name).to_dict() for name in ("attested", "supply", "surplus")}
        plain = ("currency", "freshness", "age", "as_of", "valid_until", "next_due", "sequence", "document_hash")
        return {
            **{name: getattr(self, name) for name in plain},
            **money,
            "by_class": {name: amount.to_dict() for name, amount in self.by_class.items()},
            "lines": [line.to_dict() for line in self.lines],
        }


class Reserve:
    """``platform.reserve``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- attesting ---

    def propose(
        self,
        currency: str,
        lines: Sequence[ReserveLine],
        *,
        report: bytes,
        as_of: int | None = None,
        valid_for: int = 31 * DAY,
        sequence: int | None = None,
        submit_within: int = 7 * DAY,
    ) -> Document:
        """A statement for the auditors to sign; nothing is sent.

        Args:
            currency: ISO 4217.
            lines: 1 to 32, each class and custodian once, in any order.
            report: hash of the auditors' report, 32 bytes, not zero.
            as_of: when it was counted, unix seconds; the chain's time if None.
            valid_for: seconds after ``as_of`` in which it backs a mint, at most 1,096 days.
            sequence: higher than the present one; one more than that if None.
            submit_within: seconds of chain time.

        Raises:
            InvalidRequest: lines, report or times that the reserve would refuse.
            UnknownReserveCurrency, CurrencyNotDeployed
        """
        session, now = self._session, self._session.now()
        shaped = [_line_message(line, currency) for line in lines]
        shaped.sort(key=lambda line: (line["assetClass"], line["custodian"]))
        keys = {(line["assetClass"], line["custodian"]) for line in shaped}
        if not 1 <= len(shaped) <= 32 or len(keys) != len(shaped):
            raise InvalidRequest("A reserve has 1 to 32 lines, one for each class and custodian.", lines=len(shaped))
        if len(report) != 32 or not any(report):
            raise InvalidRequest("The report's hash has 32 bytes, not all zero.")
        counted = now if as_of is None else as_of
        if not 0 < counted <= now or not now <= counted + valid_for or valid_for > 1096 * DAY:
            raise InvalidRequest(
                "A reserve is attested as of now or before, valid now and at most 1,096 days.", as_of=counted, now=now
            )
        present = session.call(CONTRACT, "backing", _currency(currency))["sequence"]
        body = {
            "currency": currency,
            "lines": [
                {
                    "assetClass": _text(line["assetClass"]),
                    "custodian": _text(line["custodian"]),
                    "amount": str(line["amount"]),
                }
                for line in shaped
            ],
            "asOf": counted,
            "validUntil": counted + valid_for,
            "documentHash": "0x" + report.hex(),
            "sequence": present + 1 if sequence is None else sequence,
            "deadline": now + submit_within,
        }
        return Document(KIND, session.record.chain_id, session.address(CONTRACT), body)

    def sign(self, document: Document) -> Document:
        """The document with the acting auditor's signature.

        Raises:
            NotAnAuditor: the acting key is none.
            MalformedDocument, DocumentForElsewhere
        """
        session, message = self._session, self._message(document)
        if not self.is_auditor(session.wallet):
            raise NotAnAuditor.from_arguments({"signer": session.wallet})
        return document.signed(session.wallet, session.sign(CONTRACT, "ReserveAttestation", message))

    def collect(self, documents: Sequence[Document]) -> Document:
        """One document with the signatures of all, each checked.

        Raises:
            DocumentsDiffer: they do not attest the same.
            SignatureNotOf: a signature is not its signer's.
        """
        if not documents:
            raise DocumentsDiffer("There is nothing to collect.")
        collected, session = documents[0], self._session
        message = self._message(collected)
        digest = TypedMessage(session.domain(CONTRACT), "ReserveAttestation", message).digest
        for document in documents:
            if self._message(document) != message:
                raise DocumentsDiffer("The documents attest different things.", bodies=[dict(document.body)])
            for signer in document.signatures:
                session.require_signed_by(signer, digest, document.signature(signer))
                collected = collected.signed(signer, document.signature(signer))
        return collected

    def submit(self, document: Document, *, idempotency_key: str) -> Act:
        """Puts a signed attestation onto the chain; anyone may.

        Raises:
            NotEnoughAttestations, NotAnAuditor, InvalidAuditorSignature: who signed does not suffice.
            ReserveAttestationSuperseded, ReserveAttestationExpired, InvalidReserveAttestation; nothing was sent.
        """
        message = self._message(document)
        signatures = document.packed_signatures()
        content = {"body": dict(document.body), "signatures": dict(document.signatures)}
        return self._act("attestReserve", idempotency_key, content, message, signatures)

    # --- reading ---

    def backing(self, currency: str) -> Backing:
        """What stands behind a currency now.

        Raises:
            UnknownReserveCurrency: the reserve backs no token of it.
        """
        session, block = self._session, self._session.connection.head().number
        code = _currency(currency)
        asked = [(CONTRACT, "backing", (code,)), (CONTRACT, "linesOf", (code,))]
        told, lines = session.calls(asked, block=block)

        def money(minor: int) -> Money:
            return Money.from_minor(minor, currency)

        return Backing(
            currency=currency,
            freshness=FRESHNESS[told["freshness"]],
            attested=money(told["attested"]),
            by_class={_text(part["assetClass"]): money(part["amount"]) for part in told["classes"]},
            lines=tuple(
                ReserveLine(_text(line["assetClass"]), _text(line["custodian"]), money(line["amount"]))
                for line in lines
            ),
            supply=money(told["supply"]),
            surplus=money(told["surplus"]),
            age=told["age"],
            as_of=told["asOf"],
            valid_until=told["validUntil"],
            next_due=told["nextDue"],
            sequence=told["sequence"],
            document_hash="0x" + told["documentHash"].hex(),
        )

    def history(self, currency: str) -> Iterator[Mapping[str, Any]]:
        """Every attestation of a currency, oldest first, from the events: ``sequence, attested, as_of, valid_until,
        document_hash, tx``; pages itself."""
        topic = _currency(currency).ljust(32, b"\0")
        for event in self._session.events(CONTRACT, "ReserveAttested", topic):
            told = event.arguments
            yield {
                "sequence": told["sequence"],
                "attested": Money.from_minor(told["attested"], currency),
                "as_of": told["asOf"],
                "valid_until": told["validUntil"],
                "document_hash": "0x" + told["documentHash"].hex(),
                "tx": event.tx,
            }

    def auditors(self) -> list[str]:
        """The addresses of those whose signatures count now."""
        return list(self._session.call(CONTRACT, "auditors"))

    def is_auditor(self, address: str) -> bool:
        """Whether that key's signature counts now."""
        return bool(self._session.call(CONTRACT, "isAuditor", to_checksum_address(address)))

    def threshold(self) -> int:
        """How many auditors must have signed; 0: nothing counts."""
        return int(self._session.call(CONTRACT, "threshold"))

    def cycle(self, currency: str) -> int:
        """Seconds after an attestation's ``as_of`` by which the next one is due; 0: nothing counts."""
        return int(self._session.call(CONTRACT, "cycleOf", _currency(currency)))

    # --- governance ---

    def add_auditor(self, auditor: str, *, idempotency_key: str) -> Act:
        """A key that counts from now on (governor role, delayed)."""
        address = to_checksum_address(auditor)
        return self._act("addAuditor", idempotency_key, {"auditor": address}, address)

    def remove_auditor(self, auditor: str, *, idempotency_key: str) -> Act:
        """Takes a key out at once and for good (compliance role); what it signed counts without it."""
        address = to_checksum_address(auditor)
        return self._act("removeAuditor", idempotency_key, {"auditor": address}, address)

    def set_threshold(self, threshold: int, *, idempotency_key: str) -> Act:
        """How many auditors must have signed (governor role, delayed)."""
        return self._act("setThreshold", idempotency_key, {"threshold": threshold}, threshold)

    def set_cycle(self, currency: str, seconds: int, *, idempotency_key: str) -> Act:
        """Within how many seconds of the last ``as_of`` the next attestation is due (governor role, delayed)."""
        content = {"currency": currency, "seconds": seconds}
        return self._act("setCycle", idempotency_key, content, _currency(currency), seconds)

    # --- inside ---

    def _message(self, document: Document) -> dict[str, Any]:
        session = self._session
        document.require(KIND, session.record.chain_id, session.address(CONTRACT))
        return attestation_message(document.body)

    def _act(self, function: str, key: str, content: Mapping[str, Any], *arguments: Any) -> Act:
        submission = self._session.submit(
            kind=f"reserve.{function}",
            key=key,
            content=content,
            contract=CONTRACT,
            function=function,
            arguments=arguments,
        )
        return Act.of(self._session, submission)


def attestation_message(body: Mapping[str, Any]) -> dict[str, Any]:
    """The Solidity ``ReserveAttestation`` of a document body.

    Raises:
        MalformedDocument: members are missing, unknown or of the wrong form.
    """
    if set(body) != _MEMBERS or not isinstance(body["lines"], list):
        raise MalformedDocument("The reserve attestation has missing or unknown members.", members=sorted(body))
    try:
        lines = []
        for line in body["lines"]:
            if set(line) != _LINE_MEMBERS:
                raise ValueError("a line has missing or unknown members")
            amount = whole_number(line["amount"])
            if not 0 <= amount < 2**256:
                raise ValueError("an amount is out of range")
            classed = {"assetClass": _bytes32(line["assetClass"]), "custodian": _bytes32(line["custodian"])}
            lines.append({**classed, "amount": amount})
        numbers = {name: body[name] for name in ("asOf", "validUntil", "sequence", "deadline")}
        if not all(isinstance(number, int) and 0 <= number < 2**40 for number in numbers.values()):
            raise ValueError("a time or the sequence is no number in range")
        report = bytes.fromhex(body["documentHash"].removeprefix("0x"))
        if len(report) != 32:
            raise ValueError("the document hash has not 32 bytes")
        return {"currency": _currency(body["currency"]), "lines": lines, "documentHash": report, **numbers}
    except (AttributeError, TypeError, ValueError, InvalidRequest) as error:
        raise MalformedDocument(f"The reserve attestation is malformed: {error}") from error


def _line_message(line: ReserveLine, currency: str) -> dict[str, Any]:
    if line.amount.currency != currency or line.amount.minor < 0:
        raise InvalidRequest(
            f"A line of a reserve in {currency} is in {currency}, zero or more.", amount=str(line.amount)
        )
    return {
        "assetClass": _bytes32(line.asset_class),
        "custodian": _bytes32(line.custodian),
        "amount": line.amount.minor,
    }


def _currency(code: str) -> bytes:
    """The three bytes of an ISO 4217 code."""
    if not isinstance(code, str) or len(code) != 3 or not code.isascii():
        raise InvalidRequest(f"{code!r} is no ISO 4217 code.", currency=code)
    return code.encode()


def _bytes32(text: str) -> bytes:
    """Text left-aligned in 32 bytes, or the bytes of ``0x…``."""
    if isinstance(text, str) and text.startswith("0x") and len(text) == 66:
        return bytes.fromhex(text[2:])
    if not isinstance(text, str) or not 1 <= len(text) <= 32 or not (text.isascii() and text.isprintable()):
        raise InvalidRequest(f"{text!r} has not 1 to 32 ASCII characters.", text=text)
    return text.encode().ljust(32, b"\0")


def _text(word: bytes) -> str:
    """As :func:`_bytes32` took it; bytes that are no text as ``0x…``."""
    shown = word.rstrip(b"\0")
    if shown.isascii() and shown.decode("ascii").isprintable() and shown and not shown.startswith(b"0x"):
        return shown.decode("ascii")
    return "0x" + word.hex()
