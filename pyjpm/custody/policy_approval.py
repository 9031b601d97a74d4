"""A checker's word: that one wallet may sign one request, until a deadline.

Decisions that govern this module:

* The word is an EIP-712 signature over wallet, purpose, digest of the request and deadline, in a domain with the chain.
* What was approved is known by a digest that the signer works out from the calldata. A payment that was asked for alone
  has the digest that the SDK stores for it (``request_sha256``; purpose ``payments.pay``), where its remittance travels
  as it was given; a batch has one of its own (``payments.batch``), which nobody stores. Everything has a digest of
  chain, wallet, address and calldata (purpose ``call``), of the signed structure's own EIP-712 digest (``message``), or
  of a creation's (``create``).
* One approval is for one payment: the first use binds it to that payment's name, whatever else has the same digest.
* A word is written in one way only: in other letters it would be another one, and serve another payment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.bounded_json import read_json
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody.policy_calls import Call
from pyjpm.custody.signer import Signer
from pyjpm.errors.documents import MalformedSignature
from pyjpm.errors.policy import SigningApprovalInvalid
from pyjpm.sending.reference import canonical, request_sha256

VERSION: Final = 1
_TYPE: Final = "SigningApproval(address wallet,string purpose,bytes32 requestSha256,uint256 deadline)"
_DOMAIN: Final = "pyjpm signer"
_LONGEST: Final = 64
"""Characters of a purpose, and digits of a digest."""


class _ApprovalMessage(TypedMessage):
    """The structure that a checker signs. No contract reads it, so its type is written here."""

    @property
    def struct_hash(self) -> bytes:
        said = self.message
        return keccak(
            encode(
                ["bytes32", "address", "bytes32", "bytes32", "uint256"],
                [
                    keccak(text=_TYPE),
                    said["wallet"],
                    keccak(text=said["purpose"]),
                    bytes.fromhex(said["request_sha256"]),
                    said["deadline"],
                ],
            )
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """One checker's word.

    Attributes:
        deadline: the last second in which it serves, unix seconds.
        signature: ``0x…``, 65 bytes.
    """

    chain_id: int
    wallet: str
    purpose: str
    request_sha256: str
    deadline: int
    checker: str
    signature: str

    @classmethod
    def sign(
        cls, checker: Signer, *, chain_id: int, wallet: str, purpose: str, request_sha256: str, deadline: int
    ) -> Approval:
        """A checker's word for one request. Raises what the checker's signer raises; SigningApprovalInvalid."""
        draft = cls(chain_id, to_checksum_address(wallet), purpose, request_sha256, deadline, checker.address, "")
        draft._require_form()
        signature = checker.sign_typed_data(draft._message())
        return cls.from_dict({**draft.to_dict(), "signature": "0x" + signature.hex()})

    @property
    def id(self) -> str:
        """A name of its own: 32 hexadecimal digits."""
        return hashlib.sha256(canonical(self.to_dict()).encode()).hexdigest()[:32]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "pyjpm_signing_approval": VERSION,
            "chain_id": self.chain_id,
            "wallet": self.wallet,
            "purpose": self.purpose,
            "request_sha256": self.request_sha256,
            "deadline": self.deadline,
            "checker": self.checker,
            "signature": self.signature,
        }

    def to_json(self) -> str:
        """As text."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Approval:
        """Read one. Raises SigningApprovalInvalid."""
        try:
            return cls.from_dict(read_json(text))
        except ValueError:
            raise _invalid("it is not JSON") from None

    @classmethod
    def from_dict(cls, data: Any) -> Approval:
        """Read one, and check that its checker signed it. Raises SigningApprovalInvalid."""
        if not isinstance(data, Mapping) or data.get("pyjpm_signing_approval") != VERSION:
            raise _invalid("it is no approval of a version that this release reads")
        fields: dict[str, Any] = {name: value for name, value in data.items() if name != "pyjpm_signing_approval"}
        if fields.keys() != set(cls.__slots__):
            raise _invalid("parts are missing, or there are others")
        approval = cls(**fields)
        approval._require_form()
        try:
            signer = recover(approval._message().digest, bytes.fromhex(approval.signature.removeprefix("0x")))
        except (MalformedSignature, ValueError, TypeError):
            raise _invalid("its signature is none") from None
        if to_checksum_address(signer) != approval.checker:
            raise _invalid("its checker did not sign it")
        return approval

    def _require_form(self) -> None:
        try:
            right = (
                type(self.chain_id) is int
                and type(self.deadline) is int
                and 0 < self.deadline < 1 << 40
                and 0 < self.chain_id < 1 << 63
                and self.wallet == to_checksum_address(self.wallet)
                and self.checker == to_checksum_address(self.checker)
                and isinstance(self.purpose, str)
                and 0 < len(self.purpose) <= _LONGEST
                and len(bytes.fromhex(self.request_sha256)) == 32
                and self.request_sha256 == bytes.fromhex(self.request_sha256).hex()
                and self.signature in ("", "0x" + bytes.fromhex(self.signature[2:]).hex())
            )
        except (ValueError, TypeError, AttributeError):
            right = False
        if not right:
            raise _invalid("a part of it is malformed")

    def _message(self) -> TypedMessage:
        return _ApprovalMessage(Domain(_DOMAIN, self.chain_id, self.wallet), "SigningApproval", self.to_dict())


def _invalid(problem: str) -> SigningApprovalInvalid:
    return SigningApprovalInvalid(f"The approval is not taken: {problem}.", problem=problem)


def call_request(chain_id: int, wallet: str, to: str, data: bytes) -> tuple[str, str]:
    """Purpose and digest of any call. The calldata is canonical: it says function and arguments in one way only."""
    content = {"chain_id": chain_id, "wallet": wallet, "to": to, "data": "0x" + data.hex()}
    return "call", request_sha256("call", content)


def creation_request(chain_id: int, wallet: str, code: bytes) -> tuple[str, str]:
    """Purpose and digest of a contract creation."""
    return "create", request_sha256("create", {"chain_id": chain_id, "wallet": wallet, "data": "0x" + code.hex()})


def message_request(chain_id: int, wallet: str, digest: bytes) -> tuple[str, str]:
    """Purpose and digest of a signed structure."""
    content = {"chain_id": chain_id, "wallet": wallet, "digest": "0x" + digest.hex()}
    return "message", request_sha256("message", content)


def payment_request(call: Call) -> tuple[str, str] | None:
    """Purpose and digest of a payment or a batch, the former as the SDK stores it; None where the call is none."""
    if call.contract.artifact != "DepositToken":
        return None
    currency = call.contract.unit
    if call.function == "pay":
        to, amount, _, remittance = call.arguments
        hashed = "0x" + keccak(remittance).hex()
        content: dict[str, Any] = {"to": to, "amount": amount, "currency": currency, "remittance_hash": hashed}
        return "payments.pay", request_sha256("payments.pay", content)
    if call.function == "payBatch":
        items = [
            [item["to"], item["amount"], "0x" + item["ref"].hex(), "0x" + keccak(item["remittance"]).hex()]
            for item in call.arguments[0]
        ]
        return "payments.batch", request_sha256("payments.batch", {"currency": currency, "items": items})
    return None
