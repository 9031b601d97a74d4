"""What the bank is asked to clear, read from the request itself, and how a clearance rides along with a signature.

A request carries the very calldata, or the very structure that its payer signs: whoever clears it reads there what
would be paid, and works the digest out from it. Nothing else that a request says is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.documents import Document
from pyjpm.errors.documents import MalformedDocument, SignatureMissing
from pyjpm.money import Money
from pyjpm.session import Session

KIND: Final = "clearance"
MAGIC: Final = keccak(text="pyjpm clearance")
CALLS: Final = ("pay", "payBatch", "holdAndCall", "requestRedemption", "registerMandate")
WORDS: Final = ("Consent", "TransferWithAuthorization", "ReceiveWithAuthorization", "RegisterMandate")


@dataclass(frozen=True, slots=True)
class Outflow:
    """One amount that would leave the payer: to a payee's wallet, a notary that holds it, or (redemption) the bank.

    ``remittance``: the bytes that travel with it; nothing where the request has their hash alone, or none.
    """

    to: str
    amount: Money
    reference: str
    remittance: bytes = b""


@dataclass(frozen=True, slots=True)
class ClearanceRequest:
    """What a request asks for.

    Attributes:
        payer: the wallet.
        digest: of the call or signed word, 32 bytes.
        deadline: the last second in which the clearance may be used, unix seconds.
        what: one of :data:`CALLS` or :data:`WORDS`.
        outflows: what it would pay or hold; none for a mandate, which is a standing permission.
    """

    payer: str
    currency: str
    digest: bytes
    deadline: int
    what: str
    outflows: tuple[Outflow, ...]

    @property
    def movements(self) -> tuple[str, ...]:
        """What names each outflow for ever, whatever its amount and payee: payer, way and reference. Payments alone and
        in batches spend the same references."""
        way = "pay" if self.what == "payBatch" else self.what
        return tuple(f"{self.currency} {self.payer} {way} {flow.reference}" for flow in self.outflows)

    @property
    def message(self) -> dict[str, Any]:
        """The structure that the screener signs."""
        return {"payer": self.payer, "digest": self.digest, "deadline": self.deadline}


def request_call(session: Session, currency: str, call: bytes, payer: str, deadline: int) -> Document:
    """A request to clear one call of the payer's token."""
    body = {"currency": currency, "payer": payer, "deadline": deadline, "call": "0x" + call.hex()}
    return Document(KIND, session.record.chain_id, session.address(currency), body)


def request_word(
    session: Session, currency: str, primary_type: str, message: Mapping[str, Any], payer: str, deadline: int
) -> Document:
    """A request to clear what the payer signs."""
    body = {
        "currency": currency,
        "payer": payer,
        "deadline": deadline,
        "type": primary_type,
        "message": to_plain(message),
    }
    return Document(KIND, session.record.chain_id, session.address(currency), body)


def read(session: Session, document: Document) -> ClearanceRequest:
    """What a document asks to be cleared.

    Raises:
        MalformedDocument: it is no such request, or asks for what cannot be cleared.
        DocumentForElsewhere: it is for another chain or token.
    """
    body = document.body
    try:
        currency, payer, deadline = body["currency"], body["payer"], body["deadline"]
        if not is_address(payer) or type(deadline) is not int or currency not in session.record.tokens:
            raise MalformedDocument("The request names no payer, currency or deadline of this platform.")
        document.require(KIND, session.record.chain_id, session.address(currency))
        if "call" in body:
            call = bytes.fromhex(body["call"].removeprefix("0x"))
            what, outflows, digest = *_of_call(session, currency, call), keccak(call)
        else:
            what, message = body["type"], from_plain(body["message"])
            digest = TypedMessage(session.domain(currency), what, message).digest  # every member is of its type
            outflows = _of_word(currency, payer, what, message)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedDocument(f"The request for a clearance is malformed: {error!r}.") from error
    return ClearanceRequest(to_checksum_address(payer), currency, digest, deadline, what, outflows)


def clearance_of(document: Document) -> tuple[int, bytes]:
    """The deadline and the clearance as the contract takes it: signer, then signature.

    Raises:
        SignatureMissing: nobody has cleared it yet.
    """
    if not document.signatures:
        raise SignatureMissing("The request is not cleared yet.", kind=document.kind)
    screener = next(iter(document.signatures))
    return document.body["deadline"], bytes.fromhex(screener.removeprefix("0x")) + document.signature(screener)


def ride(signature: bytes, document: Document) -> bytes:
    """A payer's signature with the clearance of what it signs; any notary passes it on as it is."""
    deadline, clearance = clearance_of(document)
    return encode(["bytes", "uint256", "bytes"], [signature, deadline, clearance]) + MAGIC


def to_plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """A structure as JSON: bytes as ``0x…``, whole numbers as text, since they may exceed 2^53."""
    plain: dict[str, Any] = {}
    for name, value in message.items():
        if isinstance(value, Mapping):
            plain[name] = to_plain(value)
        else:
            plain[name] = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    return plain


def from_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of :func:`to_plain`; raises ValueError where a member is neither number, bytes nor address."""
    message: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(value, Mapping):
            message[name] = from_plain(value)
        elif value.startswith("0x") and is_address(value):  # without 0x it may be a number of 40 digits
            message[name] = to_checksum_address(value)
        else:
            message[name] = bytes.fromhex(value[2:]) if value.startswith("0x") else int(value)
    return message


def _of_call(session: Session, currency: str, call: bytes) -> tuple[str, tuple[Outflow, ...]]:
    found = session.codec(currency).decode_input(call)
    if found is None or found[0] not in CALLS:
        raise MalformedDocument("The request is for a call that cannot be cleared.", call="0x" + call[:4].hex())
    what, arguments = found
    if what == "payBatch":
        items = [(item["to"], item["amount"], item["ref"], item["remittance"]) for item in arguments[0]]
    elif what == "requestRedemption":
        items = [(session.address(currency), arguments[0], arguments[1], b"")]
    elif what == "registerMandate":
        items = []
    else:
        items = [(*arguments[:3], arguments[3] if what == "pay" else b"")]
    return what, tuple(
        Outflow(to, Money.from_minor(minor, currency), "0x" + ref.hex(), bytes(carried))
        for to, minor, ref, carried in items
    )


def _of_word(currency: str, payer: str, what: str, message: Mapping[str, Any]) -> tuple[Outflow, ...]:
    if what not in WORDS:
        raise MalformedDocument(f"What {what} says cannot be cleared.", type=what)
    signer = message["mandate"]["payer"] if what == "RegisterMandate" else message.get("payer") or message["from"]
    if signer.lower() != payer.lower():
        raise MalformedDocument("The request is for what another payer signs.", payer=payer, signer=signer)
    if what == "RegisterMandate":
        return ()
    to, minor = (message["notary"], message["amount"]) if what == "Consent" else (message["to"], message["value"])
    # a nonce makes it happen once: the same reference may be asked for again under another
    reference = keccak(encode(["bytes32", "bytes"], [message["ref"], encode(["uint256"], [_number(message["nonce"])])]))
    return (Outflow(to, Money.from_minor(minor, currency), "0x" + reference.hex()),)


def _number(nonce: int | bytes) -> int:
    return nonce if isinstance(nonce, int) else int.from_bytes(nonce, "big")
