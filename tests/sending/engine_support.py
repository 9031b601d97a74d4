"""What the tests of the outbox on the model share: an engine that can die, be copied and start again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chains.model import Network
from chains.model_support import World
from copies import Copies

from pyjpm.chain.nodes import Nodes
from pyjpm.contracts.codec import codec
from pyjpm.contracts.decoding import decode_revert
from pyjpm.custody import LocalSigner
from pyjpm.errors.custody import SignerMarkLost
from pyjpm.sending import Journal, Operation, Sender, Settings, SignedBytes, Submission
from pyjpm.sending.approvals import ApprovalPolicy
from pyjpm.witnessing import ContractFunds, ContractWitness


class MarkedSigner:
    """A local signer whose mark is in this process's memory, which a test can lose."""

    def __init__(self, signer: LocalSigner) -> None:
        self._signer = signer
        self.mark = -1
        self.lost = False
        self.refuses: type[Exception] | None = None

    @property
    def address(self) -> str:
        return self._signer.address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedBytes:
        return self.sign_transactions([transaction])[0]

    def sign_transactions(self, transactions: Sequence[Mapping[str, Any]]) -> list[SignedBytes]:
        if self.refuses is not None and any(each["data"] for each in transactions):
            raise self.refuses("The policy forbids it.")
        self.mark = max(self.mark, *(each["nonce"] for each in transactions))
        return [self._signer.sign_transaction(each) for each in transactions]

    def highest_nonce(self, chain_id: int) -> int | None:
        if self.lost:
            raise SignerMarkLost("The mark is lost.")
        return self.mark


class Engine:
    """Sender and journal over all reachable nodes of a model, in a database that outlives them."""

    def __init__(
        self,
        network: Network,
        path: str | Path,
        settings: Settings,
        *,
        lanes: list[MarkedSigner],
        approvals: ApprovalPolicy | None = None,
    ) -> None:
        connections = [network.connection(i) for i in range(len(network.wires))]
        self.journal = Journal.open(path, genesis_hash=connections[0].genesis_hash, chain_id=connections[0].chain_id)
        self.sender = Sender(
            Nodes(connections, parallel=False, clock=network.clock),
            self.journal,
            decode=decode_revert,
            witness=ContractWitness(network.record()),
            funds=ContractFunds(network.record()),
            clock=network.clock,
            settings=settings,
            needs_approval=approvals,
        )
        self.sender.resume({lane.address: lane for lane in lanes})

    def run(self, clock: Any, seconds: float) -> None:
        """Carry on for a while of the network's time."""
        end = clock.monotonic() + seconds
        while clock.monotonic() < end:
            with contextlib.suppress(Exception):
                self.sender.carry_on()
            clock.sleep(0.5)

    def state(self, submission: Submission) -> str:
        return self.journal.get(submission.id).state.value

    def close(self) -> None:
        self.journal.close()


@dataclass(frozen=True)
class Place:
    """Where a journal is, on either database, and how to go back to a copy of it."""

    journal: str | Path
    copies: Copies


class Stage:
    """A world, its lanes with marks, and engines that come and go."""

    def __init__(self, place: Place, seed: int = 1, settings: Settings | None = None, **network: Any) -> None:
        self.world = World(Network(seed, **{"nodes": 2, **network}))
        self.network = self.world.network
        self.lanes = [MarkedSigner(lane) for lane in self.world.lanes]
        self.path = place.journal
        self._copies = place.copies
        self.settings = settings or Settings(window=64, jam_after=5.0)
        self.owner = f"participant {self.world.payer}"

    def engine(self, approvals: ApprovalPolicy | None = None) -> Engine:
        return Engine(self.network, self.path, self.settings, lanes=self.lanes, approvals=approvals)

    def pay(self, name: str, amount: int = 100, **more: Any) -> Operation:
        return replace(self.world.pay(name, amount, **more), owner=self.owner)

    def together(self, operations: Sequence[Operation]) -> Operation:
        """The batch that does all of these payments."""
        token = codec("DepositToken")
        items = []
        for operation in operations:
            decoded = token.decode_input(operation.data)
            assert decoded is not None
            to, amount, reference, remittance = decoded[1]
            items.append({"to": to, "amount": amount, "ref": reference, "remittance": remittance})
        return replace(operations[0], key="together", data=token.encode("payBatch", items), gas=2_000_000)

    def copy(self) -> str | Path:
        """A copy of the database as it is now."""
        return self._copies.copy_of(self.path)

    def restore(self, copy: str | Path) -> None:
        """Have the database be what it was when it was copied; no engine runs."""
        self._copies.restore(self.path, copy)

    def paid(self) -> list[int]:
        """The amounts of all payments on the chain, in order."""
        return [each.amount for each in self.network.judge_view().payments]


@contextlib.contextmanager
def stage(place: Place, **kwargs: Any) -> Iterator[Stage]:
    made = Stage(place, **kwargs)
    with made.network.clock.driving():
        yield made
