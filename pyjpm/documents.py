"""Documents that companies exchange: versioned JSON with signatures, fit for any channel.

A document says what it is (``kind``), for which chain and contract, what is agreed (``body``) and who signed
(``signatures``, by role or wallet). It is immutable: signing gives a new document. Nothing in it is secret. A reader
trusts no document: it recomputes every digest and checks every signature before it acts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_hex_address

from pyjpm.bounded_json import read_json
from pyjpm.errors.documents import (
    DocumentForElsewhere,
    DocumentUnreadable,
    DocumentVersionUnknown,
    MalformedDocument,
    SignatureMissing,
)

VERSION: Final = 1
KINDS: Final = (
    "wallet-link",
    "wallet-change",
    "order",
    "attestation",
    "agreement",
    "cancellation",
    "amendment",
    "consent",
    "trade",
    "reserve-attestation",
    "authorization",
    "clearance",
    "payment-rule",
    "quote",
)


def whole_number(text: Any) -> int:
    """A number that a document says as decimal text, since it may exceed 2^53. Raises ValueError: it is none."""
    if not isinstance(text, str) or not re.fullmatch("0|[1-9][0-9]{0,77}", text):
        raise ValueError("a number is given as decimal text")
    return int(text)


@dataclass(frozen=True, slots=True)
class Document:
    """One signed document.

    Attributes:
        kind: one of :data:`KINDS`.
        chain_id: of the chain it is for.
        contract: address of the contract that will read the signatures.
        body: what is agreed; JSON values only, amounts in minor units, times in unix seconds.
        signatures: ``0x…`` by who signed: a role (``buyer``) or a wallet address.
        attachments: further signed parts by wallet, such as a trade's cash consents.
    """

    kind: str
    chain_id: int
    contract: str
    body: Mapping[str, Any]
    signatures: Mapping[str, str] = field(default_factory=dict)
    attachments: Mapping[str, Any] = field(default_factory=dict)

    def signed(self, by: str, signature: bytes) -> Document:
        """A copy with one more signature."""
        return replace(self, signatures={**self.signatures, by: "0x" + signature.hex()})

    def attached(self, by: str, part: Any) -> Document:
        """A copy with one more attachment."""
        return replace(self, attachments={**self.attachments, by: part})

    def signature(self, by: str) -> bytes:
        """The signature of ``by``.

        Raises:
            SignatureMissing: there is none.
        """
        try:
            return bytes.fromhex(self.signatures[by].removeprefix("0x"))
        except KeyError as error:
            raise SignatureMissing(f"The {self.kind} is not signed by {by}.", kind=self.kind, by=by) from error
        except (AttributeError, ValueError) as error:
            raise MalformedDocument(f"The signature of {by} is not hexadecimal.", by=by) from error

    def packed_signatures(self) -> list[bytes]:
        """Address and signature of each who signed, ascending by address, as the contracts take them.

        Raises:
            MalformedDocument: something else than an address signed it.
        """
        signers = sorted(self.signatures, key=str.lower)
        if not all(is_hex_address(signer) for signer in signers):
            raise MalformedDocument(f"A document of kind {self.kind} is signed by addresses.", signers=signers)
        return [bytes.fromhex(signer.removeprefix("0x")) + self.signature(signer) for signer in signers]

    def require(self, kind: str, chain_id: int, contract: str) -> Document:
        """Itself, if it is of this kind and for this chain and contract.

        Raises:
            MalformedDocument: another kind.
            DocumentForElsewhere: another chain or contract.
        """
        if self.kind != kind:
            raise MalformedDocument(f"A document of kind {kind} is needed, this is a {self.kind}.", kind=self.kind)
        if self.chain_id != chain_id or self.contract.lower() != contract.lower():
            raise DocumentForElsewhere(
                f"The {kind} is for contract {self.contract} on chain {self.chain_id}.",
                chain_id=self.chain_id,
                contract=self.contract,
                expected_chain_id=chain_id,
                expected_contract=contract,
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON-able data, with its version."""
        return {
            "pyjpm": VERSION,
            "kind": self.kind,
            "chain_id": self.chain_id,
            "contract": self.contract,
            "body": dict(self.body),
            "signatures": dict(self.signatures),
            "attachments": dict(self.attachments),
        }

    def to_json(self) -> str:
        """The document as text: sorted, so that equal documents are equal texts."""
        return json.dumps(self.to_dict(), sort_keys=True, indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Writes the document to a file."""
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Document:
        """Reads a document from a file.

        Raises:
            DocumentUnreadable: there is no such file, or it is no text; else as :meth:`from_json`.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentUnreadable(f"The document {path} cannot be read.", path=str(path)) from error
        return cls.from_json(text)

    @classmethod
    def from_json(cls, text: str) -> Document:
        """Reads a document.

        Raises:
            MalformedDocument: no JSON of this form.
            DocumentVersionUnknown: a version that this release does not read.
        """
        try:
            data = read_json(text)
        except ValueError as error:
            raise MalformedDocument("The document is not JSON.") from error
        if not isinstance(data, dict) or "pyjpm" not in data:
            raise MalformedDocument("The document is not one of pyjpm's.")
        if data["pyjpm"] != VERSION:
            raise DocumentVersionUnknown(f"The document has version {data['pyjpm']!r}.", version=data["pyjpm"])
        parts: dict[str, Any] = {
            name: data.get(name) for name in ("kind", "chain_id", "contract", "body", "signatures", "attachments")
        }
        forms = {"kind": str, "chain_id": int, "contract": str, "body": dict, "signatures": dict, "attachments": dict}
        wrong = [name for name, form in forms.items() if not isinstance(parts[name], form)]
        if wrong or data.keys() - {"pyjpm", *forms} or parts["kind"] not in KINDS:
            raise MalformedDocument(f"The document is malformed: {', '.join(wrong) or 'unknown parts'}.", fields=wrong)
        return cls(**parts)
