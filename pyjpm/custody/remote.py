"""The client of a signer's process: a ``Signer`` whose key and policy are on the other side of a Unix domain socket.

Decisions that govern this module:

* What comes back are signatures alone. The bytes to send are made here, of the transaction that was asked for, and each
  signature must be the wallet's over exactly that.
* A refusal is an error of the signer's policy and is not tried again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from coincurve import PublicKey
from eth_utils.crypto import keccak

from pyjpm.chain.values import check_address
from pyjpm.contracts.eip712 import TypedMessage
from pyjpm.custody.curve import HALF_ORDER, address_of, is_signature
from pyjpm.custody.eip1559 import encoded, signed_bytes, signing_preimage, unsigned_fields
from pyjpm.custody.policy_approval import Approval
from pyjpm.custody.policy_messages import message_to_wire
from pyjpm.custody.remote_socket import SignerSocket
from pyjpm.errors.custody import KeyNotExportable, SignatureNotOurs
from pyjpm.errors.policy import DigestNotSigned
from pyjpm.sending.signing import SignedBytes

_BYTES_AT_ONCE: Final = 2 << 20
_COUNT_AT_ONCE: Final = 500


class RemoteSigner:
    """The signer of one wallet, at a signer's process. Any number of threads may use it, and forked processes.

    Args:
        path: of the signer's socket.
        wallet: whose transactions it signs.
        timeout: seconds to wait for an answer.

    Raises:
        InvalidAddress. Nothing is connected before it is used.
    """

    def __init__(self, path: Path, wallet: str, *, timeout: float = 30.0) -> None:
        self._wallet = check_address(wallet)
        self._path = path
        self._socket = SignerSocket(path, timeout)
        self._key: PublicKey | None = None

    @property
    def address(self) -> str:
        """The wallet, checksummed."""
        return self._wallet

    def __repr__(self) -> str:
        return f"RemoteSigner({self._wallet} at {self._path})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise KeyNotExportable(f"The signer of {self._wallet} is not copied or pickled.", address=self._wallet)

    def close(self) -> None:
        """Let go of idle connections; a later call connects anew."""
        self._socket.close()

    # --- as a Signer ---

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        """Sign an EIP-1559 transaction (see Signer). Raises as ``sign_transactions``."""
        return self.sign_transactions([transaction])[0]

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        """Sign several, in their order, or none.

        Raises:
            PolicyRefusal: the policy does not let the wallet sign one of them. SigningRefused, InvalidAddress
            SignerUnreachable, SignerTimedOut, SignerBusy, SignerProtocolError; what the signer's device raises
        """
        unsigned = [unsigned_fields(transaction) for transaction in transactions]
        signed: list[SignedBytes] = []
        for part in _parts(unsigned):
            answers = self._socket.ask(
                self._wallet, "sign_transactions", transactions=[_row(fields) for fields in part]
            )
            if not isinstance(answers, list) or len(answers) != len(part):
                raise self._socket.nonsense()
            for fields, answer in zip(part, answers, strict=True):
                content = encoded(fields)
                signature = self._checked(keccak(signing_preimage(content)), answer)
                signed.append(SignedBytes(signed_bytes(content, signature)))
        return signed

    def sign_typed_data(self, message: TypedMessage) -> bytes:
        """The signature over a structured message (see Signer). Raises as ``sign_transactions``."""
        answer = self._socket.ask(self._wallet, "sign_typed_data", message=message_to_wire(message))
        if not isinstance(answer, list) or len(answer) != 1:
            raise self._socket.nonsense()
        signature = self._checked(message.digest, answer[0])
        return signature[:64] + bytes([27 + signature[64]])

    def sign_digest(self, digest: bytes) -> bytes:
        """Always raises DigestNotSigned: a policy cannot judge what a bare digest stands for."""
        raise DigestNotSigned("A signer with a policy signs no bare digest.", field="digest")

    def highest_nonce(self, chain_id: int) -> int:
        """The highest nonce signed on a chain, -1 for never. Raises SignerMarkLost; as ``sign_transactions``."""
        answer = self._socket.ask(self._wallet, "highest_nonce", chain_id=chain_id)
        if type(answer) is not int:
            raise self._socket.nonsense()
        return answer

    # --- approvals ---

    def describe(self, transaction: Mapping[str, Any]) -> dict[str, Any]:
        """What the signer reads in a transaction: ``what``, ``moves`` (minor units by currency), and ``requests``, the
        purposes and digests under which a checker may approve it. Signs nothing. Raises as ``sign_transactions``."""
        answer = self._socket.ask(self._wallet, "describe", transaction=_row(unsigned_fields(transaction)))
        if not isinstance(answer, dict):
            raise self._socket.nonsense()
        return answer

    def approve(self, approval: Approval) -> None:
        """Hand a checker's word to the signer, which keeps it until its deadline, for what it was given for.

        Raises SigningApprovalInvalid; else as ``sign_transactions``.
        """
        self._socket.ask(self._wallet, "approve", approval=approval.to_dict())

    def _checked(self, digest: bytes, answer: Any) -> bytes:
        """The signature of an answer as r, s and recovery id, if it is the wallet's with s in the lower half."""
        try:
            signature = bytes.fromhex(answer)
            whole = len(signature) == 65 and 0 < int.from_bytes(signature[32:64], "big") <= HALF_ORDER
            if whole and self._key is None:
                key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
                if address_of(key) == self._wallet:
                    self._key = key
            if whole and self._key is not None and is_signature(self._key, digest, signature):
                return signature
        except (ValueError, TypeError, IndexError):
            pass
        raise SignatureNotOurs(
            f"The signature by {self._path} is not that of {self._wallet}.",
            wallet=self._wallet,
            device=str(self._path),
        )


def _parts(unsigned: Sequence[list[Any]]) -> Iterator[list[list[Any]]]:
    """Requests' worth of transactions."""
    part: list[list[Any]] = []
    size = 0
    for fields in unsigned:
        length = len(fields[7])
        if part and (len(part) == _COUNT_AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(fields)
        size += length
    if part:
        yield part


def _row(fields: list[Any]) -> list[Any]:
    """A transaction as it crosses the socket."""
    chain_id, nonce, _, _, gas, to, value, data, _ = fields
    return [chain_id, nonce, gas, "0x" + to.hex() if to else None, value, data.hex()]
