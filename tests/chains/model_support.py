"""What the tests of the model share: lanes with known keys, payments, a sender on virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from chains.model import Network
from pyjpm.contracts.codec import codec
from pyjpm.contracts.decoding import decode_revert
from pyjpm.custody import LocalSigner
from pyjpm.sending import Journal, Operation, Sender, payment_reference

GAS = 300_000


def key(number: int) -> bytes:
    """A private key that is the same in every run."""
    return (0xBEEF_0000 + number).to_bytes(32, "big")


def signer(number: int) -> LocalSigner:
    """Its signer."""
    return LocalSigner.from_key(key(number))


@dataclass
class World:
    """A network with a payer of three wallets and a payee."""

    network: Network
    lanes: list[LocalSigner] = field(default_factory=lambda: [signer(each) for each in range(3)])
    payee_wallet: str = field(default_factory=lambda: signer(50).address)

    def __post_init__(self) -> None:
        wallets = [lane.address for lane in self.lanes]
        self.payer = self.network.onboard(wallets, balances={"EUR": 10**9, "USD": 10**9})
        self.payee = self.network.onboard([self.payee_wallet])

    def reference(self, name: str) -> bytes:
        return payment_reference(self.payer, name)

    def pay(self, name: str, amount: int = 100, currency: str = "EUR") -> Operation:
        reference = self.reference(name)
        data = codec("DepositToken").encode("pay", self.payee_wallet, amount, reference, name.encode())
        content = {"amount": amount, "currency": currency}
        to = self.network.token(currency)
        return Operation(name, "payments.pay", content, to, data, GAS, "0x" + reference.hex())

    def raw(self, operation: Operation, *, lane: int = 0, nonce: int = 0) -> bytes:
        """The operation signed by a lane."""
        transaction = {
            "type": 2,
            "chainId": self.network.chain.chain_id,
            "nonce": nonce,
            "to": operation.to,
            "value": 0,
            "gas": operation.gas,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": operation.data,
        }
        return self.lanes[lane].sign_transaction(transaction).raw


@contextlib.contextmanager
def sender_on(network: Network, node: int = 0) -> Iterator[Sender]:
    """A sender whose time is the network's."""
    with network.clock.driving():
        connection = network.connection(node)
        with Journal.open(None, genesis_hash=connection.genesis_hash, chain_id=connection.chain_id) as journal:
            yield Sender(connection, journal, decode=decode_revert, clock=network.clock)
