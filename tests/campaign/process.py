"""The engine's process in a history: one life from its start to its death, in this process, on virtual time.

Decisions that govern this module:

* It pays through the package's own sender, journal, nodes and witness, over the model's nodes; only what they stand on
  is watched. What it needs to survive (journal file, marks of the signers) belongs to the world, not to it.
* It dies by ``Died``, raised at a failpoint. From then on every point raises it again, so that no ``finally`` does
  anything after death, and its database connections are cut as the kernel would cut them.
"""

from __future__ import annotations

import contextlib
import gc
import sqlite3
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chains.model import Network, NodeProvider
from chains.model.transactions import decode
from chains.model.wire import SEND
from eth_utils.crypto import keccak
from sqlalchemy import event
from sqlalchemy.pool import Pool

from campaign.checking import Checkers
from campaign.clients import FORGOTTEN, Request
from campaign.failpoints import Point, WatchedSigner, passing, unwatched, watching
from campaign.keys import CampaignSigner
from campaign.operating import Operator
from campaign.record import CONFLICT, REFUSED
from pyjpm.chain.nodes import Nodes
from pyjpm.contracts import gas
from pyjpm.contracts.codec import codec
from pyjpm.contracts.decoding import decode_revert
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.custody import SigningRefused
from pyjpm.errors.deployment import ReferenceConflict
from pyjpm.errors.outbox import (
    InFlightExceedsFunds,
    OperationCancelled,
    OperationExpired,
    OperationRejected,
    ReferenceVoided,
)
from pyjpm.errors.sending import IdempotencyConflict
from pyjpm.record import Deployed, DeploymentRecord
from pyjpm.sending import Journal, Operation, Sender, Submission, batch_reference, payment_reference
from pyjpm.sending.approvals import ApprovalPolicy, Approvals
from pyjpm.sending.group_commit import GroupCommit, _Call
from pyjpm.sending.settings import Settings
from pyjpm.witnessing import ContractFunds, ContractWitness

TIMEOUT = 2.0
"""Seconds for which the engine waits for a node."""
WINDOW = 8
JAM_AFTER = 10.0

_NO_REMITTANCE = "0x" + keccak(b"").hex()
_WORDS: tuple[tuple[type[PyjpmError], str], ...] = (
    (IdempotencyConflict, CONFLICT),
    (ReferenceConflict, CONFLICT),
    (ReferenceVoided, "VOIDED"),
    (OperationCancelled, "CANCELLED"),
    (OperationExpired, "EXPIRED"),
    (OperationRejected, "REJECTED"),
    (InFlightExceedsFunds, REFUSED),
    (SigningRefused, "REJECTED"),
    (ContractError, REFUSED),
)


class Died(BaseException):
    """The process is dead. No Exception: nothing that lives catches it."""


class WatchedProvider(NodeProvider):
    """A way to a node of the model, with a point before each request is written and after each answer is read.

    Args:
        refused: asked about each transaction that is sent: whether this node says that it is too big, and whether it
            takes it all the same; None lets it through.
    """

    def __init__(self, network: Network, place: int, refused: Callable[[str, int], bool | None]) -> None:
        super().__init__(network, network.nodes[place], network.wires[place], timeout=TIMEOUT)
        self._manners, self._refused = network.manners, refused

    def request(self, method: str, params: Any, timeout: float) -> Any:
        """One request."""
        passing(f"before write {method}")
        takes = self._takes((method, params))
        answer = super().request(method, params, timeout) if takes is not False else None
        passing(f"after read {method}")
        return answer if takes is None else self._too_big(0)

    def batch(self, calls: Any, timeout: float) -> Any:
        """A batch."""
        method = calls[0][0]
        passing(f"before write batch of {method}")
        takes = [self._takes(call) for call in calls]
        let_in = [call for call, taken in zip(calls, takes, strict=True) if taken is not False]
        answers = super().batch(let_in, timeout) if let_in else []
        passing(f"after read batch of {method}")
        if not isinstance(answers, list) or all(taken is None for taken in takes):
            return answers
        rest = iter(answers)
        said = [next(rest) if taken is not False else None for taken in takes]
        return [
            {**answer, "id": place} if taken is None else self._too_big(place)
            for place, (answer, taken) in enumerate(zip(said, takes, strict=True))
        ]

    def _takes(self, call: Any) -> bool | None:
        """None: nothing is wrong with it. Otherwise whether the node takes what it says it refuses."""
        method, params = call
        if method != SEND:
            return None
        transaction = decode(bytes.fromhex(params[0][2:]))
        return self._refused(transaction.sender, len(transaction.data))

    def _too_big(self, place: int) -> Any:
        return {"jsonrpc": "2.0", "id": place, "error": self._manners.refuse("gas above block").error}


class Process:
    """One life. It can be asked things once ``start`` came to its end.

    Args:
        name: for the log.
        signers: of the wallets it serves.
        journal: the file.
        refused: see WatchedProvider.
        watch: what happens at its points; may raise Died.
        checkers: whose words payments wait for; None: nobody's.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        signers: Sequence[CampaignSigner],
        journal: Path,
        refused: Callable[[str, int], bool | None],
        watch: Callable[[Point, int], None],
        checkers: Checkers | None = None,
    ) -> None:
        self.name, self._network, self._path = name, network, journal
        self._signers = {signer.address: WatchedSigner(signer) for signer in signers}
        self._watch, self._refused, self._checkers = watch, refused, checkers
        self._connections: list[sqlite3.Connection] = []
        self._record = record_of(network)
        self.dead = self.ready = False
        self._nodes: Nodes | None = None
        self._journal: Journal | None = None
        self._sender: Sender | None = None
        self._meeting = _Meeting()

    # --- its life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """From nothing to serving. Raises what the engine raises; then it may be started again."""
        with self._alive():
            network = self._network
            if self._sender is None:
                providers = [WatchedProvider(network, place, self._refused) for place in range(len(network.wires))]
                nodes = Nodes.open(providers, timeout=TIMEOUT, max_retries=0, parallel=False, clock=network.clock)
                self._nodes = nodes
                self._journal = Journal.open(self._path, genesis_hash=nodes.genesis_hash, chain_id=nodes.chain_id)
                self._sender = Sender(
                    nodes,
                    self._journal,
                    decode=decode_revert,
                    witness=ContractWitness(self._record),
                    funds=ContractFunds(self._record),
                    clock=network.clock,
                    settings=Settings(window=WINDOW, jam_after=JAM_AFTER),
                    needs_approval=self._policy,
                )
                self._sender._groups = self._meeting
            self._sender.resume(self._signers)
        self.ready = True

    def carry_on(self) -> None:
        """One step of its own."""
        with self._alive():
            self._engine.carry_on()

    def ask(self, requests: Sequence[Request]) -> list[list[str] | PyjpmError]:
        """Hand requests in: one, or several of one wallet whose calls meet; see ``clients.Service``."""
        signer = self._signers[requests[0].company.wallet]
        singly = [self._singly(request) for request in requests]
        with self._alive():
            if len(requests) == 1 and len(singly[0]) > 1:
                together = self._together(requests[0])
                return [_answer(singly[0], lambda: self._engine.submit_together(signer, together, singly[0]))]
            calls = self._meeting.calls(self._engine, signer, [operation for (operation,) in singly])
            return [
                _answer(operations, lambda call=call: [call()])  # type: ignore[misc]
                for operations, call in zip(singly, calls, strict=True)
            ]

    def states(self, request: Request) -> list[str]:
        """What the journal says; see ``clients.Service``."""
        words = []
        with self._alive():
            for operation in self._singly(request):
                found = self._engine.find(request.company.wallet, operation.key)
                if found is None:
                    words.append(FORGOTTEN)
                else:
                    words.append(str(found.state) if found.content == operation.content else CONFLICT)
        return words

    def operate(self, participants: Mapping[str, int], rescue: CampaignSigner, act: Callable[[Operator], Any]) -> Any:
        """Have an operator decide something about this process's journal."""
        with self._alive():
            assert self._nodes is not None
            assert self._journal is not None
            signers = {wallet: signer._signer for wallet, signer in self._signers.items()}
            clock = self._network.clock
            return act(
                Operator(self._nodes, self._journal, self._record, clock, signers, participants, rescue, self._policy)
            )

    def check(self, participants: Mapping[str, int], rescue: CampaignSigner) -> None:
        """Have the checkers, if there are any, decide about what waits for them."""
        checkers = self._checkers
        if checkers is None:
            return

        def look(operator: Operator) -> None:
            assert self._journal is not None
            approvals = Approvals(self._journal, checkers.policy, operator.decisions)
            checkers.look(approvals, self._journal, self._network.clock)

        self.operate(participants, rescue, look)

    def lanes(self) -> list[Any]:
        """The lanes as the journal has them, for the end of a history."""
        assert self._journal is not None
        with unwatched():
            return self._journal.lanes.all()

    @property
    def in_transaction(self) -> bool:
        """Whether it holds the database at this moment."""
        return any(_is_busy(connection) for connection in self._connections)

    def die(self) -> None:
        """As by SIGKILL: nothing is rolled back, written or said; the file is as the last commit left it."""
        self.dead, self.ready = True, False
        torn = any(_is_closed(connection) for connection in self._connections)
        for connection in self._connections:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._connections.clear()
        if torn:
            # One that was closed in the middle of a statement holds its locks for as long as anything has its cursor.
            gc.collect()

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        """While inside, its points are watched, and the connections that are opened are its own."""
        if self.dead:
            raise Died
        global _opener
        before, _opener = _opener, self._connections
        try:
            with watching(self._point, named=False):
                yield
        finally:
            _opener = before

    def _point(self, point: Point, total: int) -> None:
        if self.dead:
            raise Died
        try:
            self._watch(point, total)
        except Died:
            self.dead = True
        if self.dead:
            raise Died

    @property
    def _policy(self) -> ApprovalPolicy | None:
        return None if self._checkers is None else self._checkers.policy

    @property
    def _engine(self) -> Sender:
        assert self._sender is not None
        return self._sender

    # --- what it is asked for --------------------------------------------------------------------------------------

    def _singly(self, request: Request) -> list[Operation]:
        """The payments of a request, as ``Payments.create`` and ``create_batch`` make them."""
        participant, key = request.company.participant, request.key
        content = {"to": request.payee, "currency": request.currency, "remittance_hash": _NO_REMITTANCE}
        if len(request.amounts) == 1:
            (amount,) = request.amounts
            reference = payment_reference(participant, key)
            operation = self._pay(request, key, amount, reference, {**content, "amount": amount})
            return [replace(operation, not_before=request.not_before, not_after=request.not_after)]
        count = len(request.amounts)
        return [
            self._pay(
                request,
                f"{key}#{place}",
                amount,
                batch_reference(participant, key, place),
                {**content, "amount": amount, "batch": key, "position": place, "count": count},
            )
            for place, amount in enumerate(request.amounts)
        ]

    def _pay(self, request: Request, key: str, amount: int, reference: bytes, content: Mapping[str, Any]) -> Operation:
        arguments = (request.payee, amount, reference, b"")
        return self._operation(request, "payments.pay", key, content, "pay", arguments, "0x" + reference.hex())

    def _together(self, request: Request) -> Operation:
        """All payments of a batch in one call."""
        items = [
            {
                "to": request.payee,
                "amount": amount,
                "ref": batch_reference(request.company.participant, request.key, place),
                "remittance": b"",
            }
            for place, amount in enumerate(request.amounts)
        ]
        return self._operation(request, "payments.batch", request.key, {}, "payBatch", (items,), None)

    def _operation(
        self,
        request: Request,
        kind: str,
        key: str,
        content: Mapping[str, Any],
        function: str,
        arguments: tuple[Any, ...],
        reference: str | None,
    ) -> Operation:
        data = codec("DepositToken").encode(function, *arguments)
        return Operation(
            key=key,
            kind=kind,
            content=content,
            to=self._record.address(request.currency),
            data=data,
            gas=gas.ceiling(function, arguments, len(data)),
            reference=reference,
            owner=f"participant {request.company.participant}",
        )


class _Meeting(GroupCommit[Operation, Submission]):
    """Calls that meet without threads, so that a seed is one history: who would have come meanwhile is put in."""

    def __init__(self) -> None:
        super().__init__()
        self._met: list[_Call[Operation, Submission]] = []

    def calls(
        self, sender: Sender, signer: WatchedSigner, operations: Sequence[Operation]
    ) -> Iterator[Callable[[], Submission]]:
        """The callers' threads, one after the other: the first leads the group in which the others are."""
        first, *others = operations
        self._met = [_Call(operation) for operation in others]
        met = list(self._met)
        yield lambda: sender.submit(signer, first)
        for call in met:
            yield lambda call=call: call.answer(lambda: sender.submit(signer, call.item))  # type: ignore[misc]

    def _take_along(self, kind: Hashable, call: _Call[Operation, Submission]) -> None:
        call.led, self._met = self._met, []


def _answer(asked: Sequence[Operation], submit: Callable[[], Sequence[Submission]]) -> list[str] | PyjpmError:
    """A word for each, or what says nothing. What is told of another's payment says CONFLICT."""
    try:
        accepted = submit()
    except PyjpmError as error:
        return next(([word] * len(asked) for kind, word in _WORDS if isinstance(error, kind)), error)
    return [
        str(told.state) if (told.key, told.content) == (each.key, each.content) else CONFLICT
        for each, told in zip(asked, accepted, strict=True)
    ]


def _is_busy(connection: sqlite3.Connection) -> bool:
    return not _is_closed(connection) and connection.in_transaction


def _is_closed(connection: sqlite3.Connection) -> bool:
    """Whether the engine has closed it."""
    try:
        connection.cursor()
    except sqlite3.ProgrammingError:
        return True
    return False


def record_of(network: Network) -> DeploymentRecord:
    """The model's contracts as a deployment."""
    genesis = network.chain.blocks[0]
    return DeploymentRecord(
        chain_id=network.chain.chain_id,
        genesis_hash=genesis.hash,
        first_block=0,
        block=0,
        pyjpm="0",
        contracts={"ParticipantRegistry": _deployed("ParticipantRegistry", network.registry)},
        tokens={currency: _deployed("DepositToken", network.token(currency)) for currency in network.chain.tokens},
    )


def _deployed(artifact: str, address: str) -> Deployed:
    return Deployed(artifact=artifact, address=address, version="1.0.0", code_hash="0x" + 64 * "0")


_opener: list[sqlite3.Connection] | None = None


@event.listens_for(Pool, "connect")
def _opened(connection: Any, _record: Any) -> None:
    if _opener is not None and isinstance(connection, sqlite3.Connection):
        _opener.append(connection)
