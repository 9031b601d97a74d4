"""The document of a payment that its payer has signed and somebody else submits (EIP-3009)."""

from __future__ import annotations

from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.clearance import from_plain
from pyjpm.contracts.eip712 import struct_hash
from pyjpm.documents import Document
from pyjpm.errors.documents import MalformedDocument
from pyjpm.session import Session

AUTHORIZATIONS: Final = {False: "TransferWithAuthorization", True: "ReceiveWithAuthorization"}
"""The structure that is signed, by whether only the payee may submit it."""
_MEMBERS: Final = {"from", "to", "value", "validAfter", "validBefore", "nonce", "ref", "remittanceHash"}


def read_authorization(session: Session, document: Document) -> tuple[str, str, dict[str, Any], bytes]:
    """Currency, structure, members and remittance of an authorization's document.

    Raises:
        MalformedDocument, DocumentForElsewhere
    """
    body = document.body
    try:
        currency, primary, remittance = body["currency"], body["type"], bytes.fromhex(body["remittance"][2:])
        if currency not in session.record.tokens or primary not in AUTHORIZATIONS.values():
            raise MalformedDocument("The authorization is of no currency or kind of this platform.")
        document.require("authorization", session.record.chain_id, session.address(currency))
        message = from_plain(body["message"])
        if keccak(remittance) != message["remittanceHash"] or set(message) != _MEMBERS:
            raise MalformedDocument("The authorization's remittance or members are not those that were signed.")
        struct_hash(primary, message)  # every member is of its type
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedDocument(f"The authorization is malformed: {error!r}.") from error
    return currency, primary, message, remittance
