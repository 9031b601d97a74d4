"""What the tests of sending share: a chain's sender, operations, a contract that refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pyjpm.chain.connection import Connection
from pyjpm.custody import LocalSigner
from pyjpm.errors.base import PyjpmError
from pyjpm.sending import Journal, Operation, Sender, SignedBytes

# Refuses any call with data, returning that data, until it was once called without: solc is not needed for that.
GATE = bytes.fromhex("601880600" + "95f395ff3" + "3660095760015f55005b5f546016573" + "65f5f37365ffd5b00")
GAS = 200_000


class Refused(PyjpmError):
    """A revert, decoded."""

    code: ClassVar[str] = "REFUSED"


def decode(data: bytes) -> PyjpmError:
    return Refused("The gate refused.", data=data.hex())


@contextlib.contextmanager
def sender_on(connection: Connection, path: str | Path | None = None) -> Iterator[tuple[Sender, Journal]]:
    with Journal.open(path, genesis_hash=connection.genesis_hash, chain_id=connection.chain_id) as journal:
        yield Sender(connection, journal, decode=decode), journal


def operation(key: str, to: str | None, data: bytes = b"\x01", *, kind: str = "test.call", **content: Any) -> Operation:
    gas = GAS if to is not None else 2 * GAS
    return Operation(key, kind, {"data": data.hex(), **content}, to, data, gas, reference=f"ref-{key}")


def self_calls(signer: LocalSigner, count: int, tag: str = "key") -> list[Operation]:
    return [operation(f"{tag}-{i}", signer.address, f"{tag}-{i}".encode()) for i in range(count)]


def sent_by(connection: Connection, wallet: str) -> list[tuple[int, bytes]]:
    """(nonce, data) of every transaction of a wallet on the chain, in the chain's order."""
    head = connection.head().number
    return [
        (each.nonce, each.data)
        for height in range(head + 1)
        for each in connection.block_transactions(height)
        if each.sender == wallet
    ]


class DeviceLost(PyjpmError):
    """What a signing device raises that went away."""

    code: ClassVar[str] = "DEVICE_LOST"


class FlakySigner:
    """A real signer whose device is lost after some signatures."""

    def __init__(self, signer: LocalSigner, *, signatures: int) -> None:
        self._signer = signer
        self.left = signatures

    @property
    def address(self) -> str:
        return self._signer.address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        if self.left == 0:
            raise DeviceLost("The device is gone.")
        self.left -= 1
        return self._signer.sign_transaction(transaction)

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        return [self.sign_transaction(each) for each in transactions]

    def highest_nonce(self, chain_id: int) -> int | None:
        return self._signer.highest_nonce(chain_id)


class TamperingSigner:
    """A signer that changes a field of what it is asked to sign, and signs that rightly."""

    def __init__(self, signer: LocalSigner, **changes: Any) -> None:
        self._signer = signer
        self._changes = changes

    @property
    def address(self) -> str:
        return self._signer.address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        return self._signer.sign_transaction({**transaction, **self._changes})

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        return [self.sign_transaction(each) for each in transactions]

    def highest_nonce(self, chain_id: int) -> int | None:
        return self._signer.highest_nonce(chain_id)
