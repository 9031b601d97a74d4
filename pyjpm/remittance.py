"""Remittance: what a payment is for, in the words of ISO 20022, readable by its parties alone.

Decisions:

* What travels is CBOR ``[version, [[key id, wrapped key], …], box]``. The box is encrypted once (XSalsa20-Poly1305)
  under a key made for it; that key is wrapped (libsodium sealed box) for each reader: payee, payer, and the bank where
  law asks.
* Each reader's key has an id (8 bytes of its hash), so a reader that has rotated its key still opens what was sealed
  to the old one, as long as it keeps it.
* The chain has the hash of the sealed bytes: who opens them with that hash knows that they are what was paid with.
* Amounts are money: minor units and a currency. Nothing here is ever a float, and no key is in a representation.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NoReturn, Self

import cbor2
from eth_utils.crypto import keccak
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox
from nacl.utils import random as random_bytes

from pyjpm.errors.custody import KeyNotExportable
from pyjpm.errors.money import MoneyError
from pyjpm.errors.remittance import (
    InvalidEncryptionKey,
    InvalidRemittance,
    MalformedRemittance,
    NoEncryptionKey,
    RemittanceAltered,
    RemittanceNotForThisKey,
    RemittanceVersionUnknown,
)
from pyjpm.money import Money

VERSION: Final = 1
_KEY: Final = 32
_MOST_DOCUMENTS: Final = 1_000


class DocumentKind(StrEnum):
    """What a payment refers to: ISO 20022 DocumentType6Code."""

    INVOICE = "CINV"
    CREDIT_NOTE = "CREN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemittanceDocument:
    """One invoice or credit note (ISO 20022 ``RfrdDocInf`` with ``RfrdDocAmt``).

    Attributes:
        number: of the document, 1 to 35 characters.
        amount: due (of an invoice) or granted (of a credit note).
        tax, discount: parts of it, where they are said.
        remitted: what of it this payment settles; all of it if None.
        issued: its date.
    """

    kind: DocumentKind
    number: str
    amount: Money
    tax: Money | None = None
    discount: Money | None = None
    remitted: Money | None = None
    issued: datetime.date | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.number) <= 35:
            raise InvalidRemittance("A document's number has 1 to 35 characters.", field="number")
        for name in ("amount", "tax", "discount", "remitted"):
            part = getattr(self, name)
            if part is not None and (part.currency != self.amount.currency or part.minor < 0):
                raise InvalidRemittance("Amounts of a document are of one currency and not below zero.", field=name)

    @property
    def settled(self) -> Money:
        """What this payment settles of it: less than nothing for a credit note."""
        settled = self.amount if self.remitted is None else self.remitted
        return settled if self.kind is DocumentKind.INVOICE else Money.from_minor(-settled.minor, settled.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remittance:
    """What one payment is for.

    Attributes:
        end_to_end_id: the payer's reference that travels to the payee (ISO 20022 ``EndToEndId``), 1 to 35 characters.
        uetr: the payment's identity among banks (UUID version 4), or None.
        documents: invoices and credit notes.
        text: whatever else the payee should read.
        travel: salted hash of the originator and beneficiary data that travels with the payment, 32 bytes, or nothing.
    """

    end_to_end_id: str
    uetr: uuid.UUID | None = None
    documents: tuple[RemittanceDocument, ...] = ()
    text: str = ""
    travel: bytes = b""

    def __post_init__(self) -> None:
        if not 0 < len(self.end_to_end_id) <= 35:
            raise InvalidRemittance("An EndToEndId has 1 to 35 characters.", field="end_to_end_id")
        if self.uetr is not None and self.uetr.version != 4:
            raise InvalidRemittance("A UETR is a UUID of version 4.", field="uetr")
        if len(self.documents) > _MOST_DOCUMENTS:
            raise InvalidRemittance(f"At most {_MOST_DOCUMENTS} documents are remitted at once.", field="documents")
        if len({document.amount.currency for document in self.documents}) > 1:
            raise InvalidRemittance("The documents of a payment are of one currency.", field="documents")
        if len(self.travel) not in (0, _KEY):
            raise InvalidRemittance("The hash of travel data has 32 bytes.", field="travel")

    @property
    def total(self) -> Money | None:
        """What the documents come to together: invoices less credit notes; None without documents."""
        if not self.documents:
            return None
        return Money.from_minor(
            sum(document.settled.minor for document in self.documents), self.documents[0].amount.currency
        )

    def to_bytes(self) -> bytes:
        """Itself as CBOR, not yet sealed; equal remittances are equal bytes."""
        plain: dict[str, Any] = {
            "e2e": self.end_to_end_id,
            "uetr": None if self.uetr is None else self.uetr.bytes,
            "docs": [_document_to_plain(document) for document in self.documents],
            "text": self.text,
        }
        if self.travel:  # left out otherwise, so that what was sealed before there was any is the same bytes
            plain["travel"] = self.travel
        return cbor2.dumps(plain, canonical=True)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Reads :meth:`to_bytes`.

        Raises:
            MalformedRemittance: these bytes are something else.
        """
        try:
            found = cbor2.loads(data)
            made = cls(
                end_to_end_id=_text(found["e2e"]),
                uetr=None if found["uetr"] is None else uuid.UUID(bytes=found["uetr"]),
                documents=tuple(_document_from_plain(part) for part in found["docs"]),
                text=_text(found["text"]),
                travel=bytes(found.get("travel", b"")),
            )
        except (
            *(KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError),
            *(MoneyError, InvalidRemittance),
        ) as error:
            raise MalformedRemittance("These bytes are no remittance.") from error
        except cbor2.CBORDecodeError as error:
            raise MalformedRemittance("These bytes are no CBOR.") from error
        if made.to_bytes() != data:
            raise MalformedRemittance("The remittance has parts that this version does not know.")
        return made

    def seal(self, readers: Iterable[bytes]) -> bytes:
        """Itself, readable by these keys alone. Sealing twice gives different bytes.

        Args:
            readers: X25519 public keys of 32 bytes, such as participants publish in the registry.

        Raises:
            NoEncryptionKey: there is no reader, or one has published no key.
            InvalidEncryptionKey
        """
        return seal_bytes(self.to_bytes(), readers)


class RemittanceKey:
    """A reader's X25519 key. The secret is in no attribute that is shown, nor in a representation, copy or pickle."""

    __slots__ = ("__secret", "_public")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY or not any(secret):
            raise InvalidEncryptionKey("An encryption key has 32 bytes that are not all zero.")
        self.__secret = PrivateKey(secret)
        self._public = bytes(self.__secret.public_key)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness."""
        return cls(random_bytes(_KEY))

    @property
    def public(self) -> bytes:
        """What the registry publishes as the participant's ``encryption_key``, 32 bytes."""
        return self._public

    @property
    def id(self) -> bytes:
        """What wrapped keys are found by, 8 bytes."""
        return key_id(self._public)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key inside; raises ``RemittanceAltered`` where it was not wrapped for this one."""
        try:
            return SealedBox(self.__secret).decrypt(wrapped)
        except (CryptoError, TypeError, ValueError) as error:
            raise RemittanceAltered("The wrapped key was altered.") from error

    def __repr__(self) -> str:
        return f"RemittanceKey(id={self.id.hex()})"

    def __reduce__(self) -> NoReturn:
        raise KeyNotExportable("An encryption key is not pickled or copied.")


@dataclass(frozen=True, slots=True)
class _Envelope:
    wrapped: dict[bytes, bytes] = field(repr=False)
    box: bytes = field(repr=False)


def key_id(public: bytes) -> bytes:
    """The id of a reader's public key, 8 bytes."""
    return keccak(public)[:8]


def readers_of(sealed: bytes) -> tuple[bytes, ...]:
    """Ids of the keys that open these bytes; raises as :func:`open_remittance`."""
    return tuple(_envelope(sealed).wrapped)


def open_remittance(
    sealed: bytes, keys: RemittanceKey | Sequence[RemittanceKey], *, expected_hash: bytes | None = None
) -> Remittance:
    """What a payment was for.

    Args:
        sealed: the bytes that travelled with the payment.
        keys: the reader's key, or its present and earlier ones.
        expected_hash: the payment's remittance hash on the chain; give it, so that nobody's other bytes are believed.

    Raises:
        RemittanceNotForThisKey: it was sealed to other keys.
        RemittanceAltered: it is not what was sealed, or not what was paid with.
        RemittanceVersionUnknown, MalformedRemittance
    """
    if expected_hash is not None and keccak(sealed) != expected_hash:
        raise RemittanceAltered("These bytes are not those that the payment carries.")
    return Remittance.from_bytes(open_bytes(sealed, keys))


def seal_bytes(plain: bytes, readers: Iterable[bytes]) -> bytes:
    """Any bytes, readable by these keys alone; see :meth:`Remittance.seal`."""
    distinct = list(dict.fromkeys(readers))
    if not distinct or bytes(_KEY) in distinct:
        raise NoEncryptionKey("A party to the payment has published no encryption key.")
    key = random_bytes(_KEY)
    wrapped = [[key_id(reader), SealedBox(_public(reader)).encrypt(key)] for reader in distinct]
    return cbor2.dumps([VERSION, wrapped, bytes(SecretBox(key).encrypt(plain))], canonical=True)


def open_bytes(sealed: bytes, keys: RemittanceKey | Sequence[RemittanceKey]) -> bytes:
    """What :func:`seal_bytes` sealed; raises as :func:`open_remittance`."""
    envelope = _envelope(sealed)
    held = [keys] if isinstance(keys, RemittanceKey) else list(keys)
    for key in held:
        if (wrapped := envelope.wrapped.get(key.id)) is not None:
            return _unbox(key.unwrap(wrapped), envelope.box)
    raise RemittanceNotForThisKey(
        "The remittance is sealed to other keys.",
        sealed_to=[each.hex() for each in envelope.wrapped],
        held=[key.id.hex() for key in held],
    )


def _envelope(sealed: bytes) -> _Envelope:
    try:
        version, wrapped, box = cbor2.loads(sealed)
        if type(version) is int and version != VERSION:
            raise RemittanceVersionUnknown(f"The remittance has version {version}.", version=version)
        if type(version) is not int or not isinstance(box, bytes):
            raise MalformedRemittance("These bytes are no sealed remittance.")
        keys = {bytes(name): bytes(key) for name, key in wrapped}
    except (cbor2.CBORDecodeError, TypeError, ValueError, OverflowError) as error:
        raise MalformedRemittance("These bytes are no sealed remittance.") from error
    return _Envelope(keys, box)


def _unbox(key: bytes, box: bytes) -> bytes:
    try:
        return SecretBox(key).decrypt(box)
    except (CryptoError, TypeError, ValueError) as error:
        raise RemittanceAltered("The remittance was altered.") from error


def _public(reader: bytes) -> PublicKey:
    if len(reader) != _KEY:
        raise InvalidEncryptionKey("An encryption key has 32 bytes.")
    return PublicKey(reader)


def _document_to_plain(document: RemittanceDocument) -> list[Any]:
    parts = (document.amount, document.tax, document.discount, document.remitted)
    minors = [None if part is None else part.minor for part in parts]
    issued = None if document.issued is None else document.issued.isoformat()
    return [document.kind.value, document.number, document.amount.currency, minors, issued]


def _document_from_plain(plain: Sequence[Any]) -> RemittanceDocument:
    kind, number, currency, minors, issued = plain
    amount, tax, discount, remitted = (None if minor is None else _money(minor, currency) for minor in minors)
    if amount is None:
        raise ValueError("no amount")
    return RemittanceDocument(
        kind=DocumentKind(kind),
        number=_text(number),
        amount=amount,
        tax=tax,
        discount=discount,
        remitted=remitted,
        issued=None if issued is None else datetime.date.fromisoformat(issued),
    )


def _money(minor: Any, currency: Any) -> Money:
    if type(minor) is not int:
        raise TypeError("an amount is a whole number of minor units")
    return Money.from_minor(minor, currency)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is needed")
    return value
