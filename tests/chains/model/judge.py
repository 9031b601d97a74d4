"""What a judge is told: the chain itself, and whether anything can still come.

Decisions that govern this module:

* It reads the chain and the pools, never what the engine under judgement believes.
* Bytes live as long as any node has them, a stopped one with a saved pool included, or they are on their way; and as
  long as the chain has not passed their nonce.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chains.model.chain import Chain, nonce_of
from chains.model.node import Node
from chains.model.token import PAID, VOIDED
from chains.model.transactions import Transaction


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction in the chain. Addresses lower case; ``revert`` is None where it succeeded or ran out of gas."""

    hash: str
    sender: str
    nonce: int
    to: str | None
    value: int
    data: bytes
    block: int
    index: int
    succeeded: bool
    revert: bytes | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that the chain carried out. Participants by id, amount in minor units."""

    currency: str
    payer: int
    payer_wallet: str
    payee: int
    payee_wallet: str
    reference: bytes
    amount: int
    remittance_hash: bytes
    tx_hash: str
    block: int


@dataclass(frozen=True, slots=True)
class Living:
    """Signed bytes that may still be mined. ``nodes`` have them; ``down`` are those of them that are down."""

    sender: str
    nonce: int
    hash: str
    nodes: tuple[int, ...]
    down: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JudgeView:
    """The truth at one moment.

    Attributes:
        transactions: in the chain's order.
        payments: in the chain's order.
        references: PAID or VOIDED by (currency, participant, reference); what is not there is unspent.
        living: signed bytes above the chain's nonces.
        nonces: of every account that ever sent.
    """

    transactions: tuple[MinedTransaction, ...]
    payments: tuple[Payment, ...]
    references: dict[tuple[str, int, bytes], str]
    living: tuple[Living, ...]
    nonces: dict[str, int]

    def lives(self, sender: str, nonce: int) -> bool:
        """Whether any bytes for a nonce of an account can still be mined."""
        return any(each.sender == sender.lower() and each.nonce == nonce for each in self.living)

    def paid(self, participant: int, reference: bytes) -> list[Payment]:
        """Every payment under a reference, in whatever currency."""
        return [each for each in self.payments if each.payer == participant and each.reference == reference]

    @classmethod
    def of(cls, chain: Chain, nodes: Sequence[Node], under_way: Sequence[Transaction]) -> JudgeView:
        """The view of a network."""
        currencies = {token.address: currency for currency, token in chain.tokens.items()}
        transactions, payments = [], []
        for block in chain.blocks:
            for mined in block.mined:
                each = mined.transaction
                transactions.append(
                    MinedTransaction(
                        each.hash,
                        each.sender,
                        each.nonce,
                        each.to,
                        each.value,
                        each.data,
                        block.number,
                        mined.index,
                        mined.succeeded,
                        mined.revert,
                    )
                )
                payments += [
                    Payment(
                        currencies[paid.token],
                        paid.payer,
                        paid.payer_wallet,
                        paid.payee,
                        paid.payee_wallet,
                        paid.reference,
                        paid.amount,
                        paid.remittance_hash,
                        each.hash,
                        block.number,
                    )
                    for paid in mined.paid
                ]
        names = {PAID: "PAID", VOIDED: "VOIDED"}
        references, nonces = {}, {}
        state = chain.head.state
        for key, value in state.items().items():
            if key[0] == "reference":
                references[currencies[key[1]], key[2], key[3]] = names[value]
            elif key[0] == "nonce":
                nonces[key[1]] = value
        holders: dict[str, list[Node]] = {}
        known: dict[str, Transaction] = {each.hash: each for each in under_way}
        for node in nodes:
            for each in node.pool:
                known[each.hash] = each
                holders.setdefault(each.hash, []).append(node)
        living = tuple(
            Living(
                each.sender,
                each.nonce,
                each.hash,
                tuple(node.index for node in holders.get(each.hash, [])),
                tuple(node.index for node in holders.get(each.hash, []) if not node.up),
            )
            for each in known.values()
            if each.nonce >= nonce_of(state, each.sender)
        )
        return cls(tuple(transactions), tuple(payments), references, living, nonces)
