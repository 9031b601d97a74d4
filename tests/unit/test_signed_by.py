"""Whose signature it is: told by the key alone where a key signed, and left to the contract where a contract did."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from eth_account import Account

from pyjpm.errors.documents import MalformedSignature, SignatureNotOf
from pyjpm.session import ZERO_ADDRESS, Session

DIGEST = bytes(range(32))
OURS, OTHER = Account.from_key(bytes([1] * 32)), Account.from_key(bytes([2] * 32))


def signed(account: Any) -> bytes:
    return bytes(account.unsafe_sign_hash(DIGEST).signature)


class Node:
    """Has code at some addresses, and counts who asks."""

    def __init__(self, *contracts: str) -> None:
        self.contracts = contracts
        self.asked: list[str] = []

    def code(self, address: str) -> bytes:
        self.asked.append(address)
        return b"\x00" if address in self.contracts else b""


def require(node: Node, wallet: str, signature: bytes) -> None:
    Session.require_signed_by(SimpleNamespace(connection=node), wallet, DIGEST, signature)  # type: ignore[arg-type]


@pytest.mark.parametrize("wallet", [OURS.address, OURS.address.lower()])
def test_a_key_that_signed_is_known_without_a_request(wallet: str) -> None:
    node = Node(wallet)
    require(node, wallet, signed(OURS))
    assert node.asked == []


def test_what_another_key_signed_is_refused() -> None:
    with pytest.raises(SignatureNotOf):
        require(Node(), OURS.address, signed(OTHER))
    with pytest.raises(MalformedSignature):
        require(Node(), OURS.address, b"short")


@pytest.mark.parametrize("signature", [signed(OTHER), b"short"])
def test_a_contract_answers_for_itself_on_the_chain(signature: bytes) -> None:
    node = Node(OURS.address)
    require(node, OURS.address, signature)
    assert node.asked == [OURS.address]


def test_nobody_signs_for_nobody() -> None:
    node = Node(ZERO_ADDRESS)
    with pytest.raises(SignatureNotOf):
        require(node, ZERO_ADDRESS, signed(OTHER))
    assert node.asked == []
