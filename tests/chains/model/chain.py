"""The one chain that all nodes are of: its contracts, its blocks, and what a transaction does.

Decisions that govern this module:

* Under QBFT a block is final. Where the manners say otherwise, the newest blocks can be taken back; what was in them
  is then in no block, and comes again only if somebody still has the bytes.
* Contracts are born with the chain; a creation is mined and fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from chains.model import registry
from chains.model.abi import Halt, Revert
from chains.model.blocks import Block, Mined
from chains.model.manners import Manners
from chains.model.probe import Probe
from chains.model.registry import Registry
from chains.model.state import Draft, State
from chains.model.token import Message, Token
from chains.model.transactions import Transaction

GAS_LIMIT = 100_000_000
REGISTRY = "0x" + "4e" * 20
PROBE = "0x" + "9b" * 20
_CODE = bytes.fromhex("60806040526004361015")  # what every contract of ours begins with


class Chain:
    """Blocks from the genesis on.

    Attributes:
        tokens: deposit tokens by currency.
        blocks: the canonical ones, by height.
    """

    def __init__(self, *, chain_id: int, currencies: Iterable[str], manners: Manners, epoch: int, salt: str) -> None:
        self.chain_id = chain_id
        self.manners = manners
        self.registry = Registry(REGISTRY)
        self.tokens = {
            currency: Token(f"0x{0x70 + place:02x}" + "7e" * 19, currency, REGISTRY)
            for place, currency in enumerate(currencies)
        }
        self.contracts: Mapping[str, Registry | Token | Probe] = {
            REGISTRY: self.registry,
            PROBE: Probe(PROBE),
            **{token.address: token for token in self.tokens.values()},
        }
        self.code = _CODE
        self._salt = salt
        self._taken_back = 0
        state = State({("token", token.address): True for token in self.tokens.values()})
        genesis = Block(
            number=0,
            hash=self._hash("genesis", str(chain_id)),
            parent=None,
            timestamp=epoch,
            proposer=registry.ZERO,
            state=state,
            gas_limit=GAS_LIMIT,
            extra_data=manners.extra_data,
        )
        self.blocks = [genesis]
        self._places: dict[str, list[Mined]] = {}
        self._by_hash = {genesis.hash: genesis}

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    def block_by_hash(self, block_hash: str) -> Block | None:
        """Any block there ever was, taken back or not."""
        return self._by_hash.get(block_hash)

    def places(self, tx_hash: str) -> list[Mined]:
        """Every block there ever was that has a transaction."""
        return self._places.get(tx_hash, [])

    def rewrite_genesis(self, changes: dict[tuple[Any, ...], Any]) -> None:
        """Change the state that the chain starts from; only before the first block."""
        assert len(self.blocks) == 1, "the chain has started"
        self.blocks[0].state = State({**self.blocks[0].state.items(), **changes})

    def append(
        self,
        candidates: Iterable[Transaction],
        *,
        timestamp: int,
        born: float,
        proposer: str,
        changes: dict[tuple[Any, ...], Any],
    ) -> Block:
        """The next block, of those candidates that can be mined, in their order, and of the harness's own changes."""
        parent = self.head
        draft = Draft(parent.state)
        draft.changes.update(changes)
        block = Block(
            number=parent.number + 1,
            hash="",
            parent=parent,
            timestamp=timestamp,
            proposer=proposer,
            state=parent.state,
            gas_limit=GAS_LIMIT,
            extra_data=self.manners.extra_data,
            born=born,
            changes=changes,
        )
        logs = 0
        for transaction in candidates:
            if transaction.gas > GAS_LIMIT - block.gas_used or not _can_be_mined(draft, transaction):
                continue
            mined = self._mine(draft, block, transaction, logs)
            logs += len(mined.logs)
            block.mined.append(mined)
            self._places.setdefault(transaction.hash, []).append(mined)
        block.state = parent.state.with_changes(draft.changes)
        contents = ",".join(each.transaction.hash for each in block.mined)
        block.hash = self._hash(parent.hash, str(timestamp), contents, str(self._taken_back))
        self.blocks.append(block)
        self._by_hash[block.hash] = block
        return block

    def take_back(self, count: int) -> list[Block]:
        """The newest blocks are no more; they, oldest first."""
        assert not self.manners.final, "blocks of this chain are final"
        count = min(count, len(self.blocks) - 1)
        gone = self.blocks[len(self.blocks) - count :]
        del self.blocks[len(self.blocks) - count :]
        self._taken_back += 1
        return gone

    def call(self, state: State, *, sender: str, to: str | None, data: bytes, now: int, gas: int) -> bytes:
        """What a call answers on a state. Raises Revert, Halt."""
        contract = None if to is None else self.contracts.get(to)
        if contract is None:
            return b""
        message = Message(sender, data, now)
        answer = contract.run(Draft(state), message)
        if message.gas_used + 21_000 > gas:
            raise Halt("out of gas")
        return answer

    def gas_of(self, state: State, *, sender: str, to: str | None, data: bytes, now: int) -> int:
        """The gas a call would use. Raises Revert, Halt."""
        message = Message(sender, data, now)
        contract = None if to is None else self.contracts.get(to)
        if contract is not None:
            contract.run(Draft(state), message)
        zeros = data.count(0)
        return 21_000 + 4 * zeros + 16 * (len(data) - zeros) + message.gas_used

    def _mine(self, draft: Draft, block: Block, transaction: Transaction, first_log: int) -> Mined:
        sender = transaction.sender
        draft.set(("nonce", sender), transaction.nonce + 1)
        inner = Draft(draft)
        message = Message(sender, transaction.data, block.timestamp)
        revert: bytes | None = None
        succeeded = transaction.to is not None
        contract = self.contracts.get(transaction.to) if transaction.to is not None else None
        gas = transaction.intrinsic_gas
        if contract is not None:
            try:
                if transaction.value:
                    raise Revert(b"")  # no function of ours takes ether
                contract.run(inner, message)
                gas += message.gas_used
            except Revert as refusal:
                revert, succeeded = refusal.data, False
                gas += message.gas_used
            except Halt:
                gas = transaction.gas + 1
        if gas > transaction.gas or transaction.to is None:
            gas, revert, succeeded = transaction.gas, None, False
        if succeeded:
            if transaction.value:
                _pay_ether(inner, sender, str(transaction.to), transaction.value)
            inner.keep()
        if transaction.price:
            _pay_ether(draft, sender, block.proposer, gas * transaction.price)
        block.gas_used += gas
        return Mined(
            transaction=transaction,
            block=block,
            index=len(block.mined),
            succeeded=succeeded,
            gas_used=gas,
            cumulative_gas=block.gas_used,
            logs=tuple(message.logs) if succeeded else (),
            first_log=first_log,
            paid=tuple(message.paid) if succeeded else (),
            revert=revert,
            reveals_reverts=self.manners.revert_reasons,
        )

    def _hash(self, *parts: str) -> str:
        return "0x" + hashlib.sha256("|".join((self._salt, *parts)).encode()).hexdigest()


def nonce_of(state: State | Draft, account: str) -> int:
    """The next nonce of an account."""
    found: int = state.get(("nonce", account), 0)
    return found


def ether_of(state: State | Draft, account: str) -> int:
    """Wei."""
    found: int = state.get(("ether", account), 0)
    return found


def affords(state: State | Draft, transaction: Transaction) -> bool:
    """Whether its sender has the ether that it could cost."""
    cost = transaction.value + transaction.gas * transaction.price
    return cost == 0 or ether_of(state, transaction.sender) >= cost


def _can_be_mined(draft: Draft, transaction: Transaction) -> bool:
    return nonce_of(draft, transaction.sender) == transaction.nonce and affords(draft, transaction)


def _pay_ether(draft: Draft, sender: str, to: str, amount: int) -> None:
    draft.set(("ether", sender), ether_of(draft, sender) - amount)
    draft.set(("ether", to), ether_of(draft, to) + amount)
