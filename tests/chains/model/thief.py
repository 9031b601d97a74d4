"""Somebody else with a lane's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coincurve import PrivateKey

from chains.model.chain import nonce_of
from chains.model.transactions import address_of, sign
from pyjpm.contracts.codec import codec

if TYPE_CHECKING:
    from chains.model.network import Network


class Thief:
    """Signs with a key that is not the thief's, on any nonce, and brings it to a node.

    Args:
        key: the private key, 32 bytes.
    """

    def __init__(self, network: Network, key: bytes) -> None:
        self._network = network
        self._key = PrivateKey(key)
        self.wallet = address_of(self._key.public_key)

    def call(
        self,
        to: str,
        data: bytes = b"",
        *,
        nonce: int | None = None,
        node: int = 0,
        value: int = 0,
        gas: int = 300_000,
        price: int = 0,
    ) -> str:
        """Any transaction; its hash. On the chain's next nonce unless told. Raises RpcError where the node refuses."""
        return self._network.inject(self.sign(to, data, nonce=nonce, value=value, gas=gas, price=price), node)

    def pay(
        self, currency: str, to: str, amount: int, reference: bytes, *, nonce: int | None = None, node: int = 0
    ) -> str:
        """A payment nobody ordered; its hash."""
        data = codec("DepositToken").encode("pay", to, amount, reference, b"")
        return self.call(self._network.token(currency).lower(), data, nonce=nonce, node=node)

    def send_to_self(self, *, nonce: int | None = None, node: int = 0, price: int = 0) -> str:
        """A zero-value self-transfer, as a cancel looks like; its hash."""
        return self.call(self.wallet, nonce=nonce, node=node, gas=21_000, price=price)

    def sign(
        self,
        to: str,
        data: bytes = b"",
        *,
        nonce: int | None = None,
        value: int = 0,
        gas: int = 300_000,
        price: int = 0,
    ) -> bytes:
        """Signed bytes, kept by the thief."""
        at = nonce_of(self._network.chain.head.state, self.wallet) if nonce is None else nonce
        return sign(
            self._key,
            chain_id=self._network.chain.chain_id,
            nonce=at,
            to=to,
            data=data,
            value=value,
            gas=gas,
            price=price,
        )
