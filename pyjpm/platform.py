"""The platform: one client to one deployment, with the nouns as attributes.

    platform = Platform.connect("http://127.0.0.1:8545", record="build/deployment.json", signer=signer)
    platform.payments.create(to=7, amount=Money("125.00", "USD"), idempotency_key="invoice 4711").wait()

Threads may share a platform. It does not survive a fork: a child opens its own (the journal refuses to be shared).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyjpm.amendments import Amendments
from pyjpm.assets import Assets
from pyjpm.attestations import Attestations
from pyjpm.chain.broadcast import ClientKind
from pyjpm.chain.connection import Connection
from pyjpm.clearances import Clearances
from pyjpm.contracts.decoding import decode_revert
from pyjpm.custody import Signer
from pyjpm.deposits import Deposits
from pyjpm.errors.deployment import InvalidRequest, RecordExists
from pyjpm.escrow import Escrow
from pyjpm.governance import Governance
from pyjpm.money import MAX_MINOR
from pyjpm.outbox import Outbox
from pyjpm.participants import Participants
from pyjpm.payments import Payments
from pyjpm.record import DeploymentRecord
from pyjpm.reserve import Reserve
from pyjpm.restrictions import Restrictions
from pyjpm.rollout import AUDIT_CYCLE, Plan, Progress, Rollout
from pyjpm.rules import Rules
from pyjpm.sending import Journal, Sender
from pyjpm.sending.approvals import ApprovalPolicy
from pyjpm.session import Session
from pyjpm.settlement import Settlement
from pyjpm.sponsors import Sponsors
from pyjpm.upgrades import Upgrades

DEFAULT_TIMEOUT = 60.0


class Platform:
    """One deployment as seen and acted on by one signer.

    Attributes:
        participants, sponsors, restrictions, deposits, payments, clearances, escrow, amendments, attestations,
            settlement, assets, governance, reserve, upgrades: the nouns.
        outbox: what waits and why, and what an operator decides about it.
        session: the ground they stand on; ``session.contract(name)`` is the way down to web3.
    """

    def __init__(self, session: Session, *, owns_journal: bool = True) -> None:
        self.session = session
        self._owns_journal = owns_journal
        self.participants = Participants(session)
        self.sponsors = Sponsors(session)
        self.restrictions = Restrictions(session)
        self.deposits = Deposits(session)
        self.payments = Payments(session)
        self.clearances = Clearances(session)
        self.attestations = Attestations(session)
        self.escrow = Escrow(session, self.attestations)
        self.amendments = Amendments(session, self.escrow)
        self.settlement = Settlement(session)
        self.assets = Assets(session)
        self.governance = Governance(session)
        self.reserve = Reserve(session)
        self.rules = Rules(session)
        self.upgrades = Upgrades(session)
        self.outbox = Outbox(session)

    @classmethod
    def deploy(
        cls,
        chain: str | Connection | Any,
        signer: Signer,
        *,
        record: str | Path | None = None,
        journal: str | Path | None = None,
        currencies: Sequence[str] = ("USD", "EUR"),
        mint_ceiling: int = MAX_MINOR,
        governance_delay: int = 0,
        auditors: Sequence[str] = (),
        auditor_threshold: int = 1,
        audit_cycle: int = AUDIT_CYCLE,
        mint_rate: int = MAX_MINOR,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 3,
        progress: Progress | None = None,
    ) -> Platform:
        """Puts a new platform onto a chain; the signer becomes administrator and holds every role.

        Args:
            chain: URL of a node, a connection, or a web3 provider.
            record: where to write the deployment record; needed on any chain that outlives this process.
            journal: where signed transactions are stored before they are sent; beside the record by default.
            currencies: ISO 4217 codes, a deposit token each.
            mint_ceiling: minor units that the signer as issuer may have outstanding, per currency.
            governance_delay: seconds that loosening and moving acts must be announced before.
            auditors: addresses of the keys that attest the reserve. Nothing is minted before they have.
            auditor_threshold: how many of them must have signed.
            audit_cycle: seconds after an attestation's date by which the next is due, at most 1,096 days.
            mint_rate: minor units that the signer as issuer may mint in a day, per currency.
            timeout: seconds to wait for each transaction, and the client's default for ``wait``.
            max_retries: how often a read is repeated after a transport fault.
            progress: told each step.

        Raises:
            RecordExists: there is a record at the path; nothing was sent.
            InvalidRequest: no record was named for a chain that outlives this process.
        """
        connection = _connected(chain, timeout, max_retries)
        path = None if record is None else Path(record)
        if path is not None and path.exists():
            raise RecordExists(f"There is a deployment record at {path} already.", path=str(path))
        opened = _journal(connection, path, journal)
        try:
            sender = Sender(connection, opened, decode=decode_revert)
            sender.resume({signer.address: signer})
            plan = Plan(
                currencies=tuple(currencies),
                mint_ceiling=mint_ceiling,
                governance_delay=governance_delay,
                auditors=tuple(auditors),
                auditor_threshold=auditor_threshold,
                audit_cycle=audit_cycle,
                mint_rate=mint_rate,
            )
            told = progress or (lambda step: None)
            made = Rollout(connection, sender, signer, plan, told, timeout).run()
            if path is not None:
                made.save(path)
        except BaseException:
            opened.close()
            raise
        return cls(Session(made, connection, opened, signer, timeout))

    @classmethod
    def connect(
        cls,
        chain: str | Connection | Any,
        record: str | Path | DeploymentRecord,
        *,
        signer: Signer | None = None,
        journal: str | Path | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = 3,
        approvals: str | Path | ApprovalPolicy | None = None,
    ) -> Platform:
        """A client to a platform that stands.

        Args:
            chain: URL of a node, a connection, or a web3 provider.
            record: the bank's deployment record, or its path; checked against the chain before anything else.
            signer: who acts; None for a client that only reads.
            journal: this client's own store of signed transactions; beside the record by default.
            timeout: the default seconds of ``wait``.
            max_retries: how often a read is repeated after a transport fault.
            approvals: the policy, or its TOML file, that says what waits for whose word (see docs/outbox.md).

        Raises:
            RecordOfOtherChain, CodeDiffers, VersionUnsupported, RecordNotFound, MalformedRecord
        """
        connection = _connected(chain, timeout, max_retries)
        path = None if isinstance(record, DeploymentRecord) else Path(record)
        loaded = record if isinstance(record, DeploymentRecord) else DeploymentRecord.load(Path(record))
        loaded.verify(connection)
        policy = ApprovalPolicy.load(Path(approvals)) if isinstance(approvals, str | Path) else approvals
        opened = _journal(connection, path if signer is not None else None, journal, reads_only=signer is None)
        platform = cls(Session(loaded, connection, opened, signer, timeout, policy))
        if signer is not None:
            platform.session.sender.resume({signer.address: signer})
        return platform

    def acting(self, signer: Signer) -> Platform:
        """The same platform for another signer, over the same connection and journal."""
        old = self.session
        session = Session(old.record, old.connection, old.journal, signer, old.timeout, old.approvals)
        return Platform(session, owns_journal=False)

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Platform:
        """The same client with other limits for the calls made through it: ``platform.with_options(timeout=5).…``.

        Args:
            timeout: seconds for one attempt at a read, and the default of ``wait``.
            max_retries: how often a read is repeated after a transport fault.
        """
        old = self.session
        connection = old.connection.with_options(timeout=timeout, max_retries=max_retries)
        limit = old.timeout if timeout is None else timeout
        session = Session(old.record, connection, old.journal, old.signer_or_none, limit, old.approvals)
        return Platform(session, owns_journal=False)

    @property
    def record(self) -> DeploymentRecord:
        """Which contracts make up this platform."""
        return self.session.record

    @property
    def connection(self) -> Connection:
        """The way to the chain; ``connection.web3`` is the way down."""
        return self.session.connection

    def contract(self, name: str) -> Any:
        """web3.py's contract object of a contract by name, or of a deposit token by currency."""
        return self.session.contract(name)

    def close(self) -> None:
        """Gives the journal back. Clients from ``acting`` and ``with_options`` are of no use afterwards."""
        if self._owns_journal:
            self.session.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connected(chain: str | Connection | Any, timeout: float, max_retries: int) -> Connection:
    if isinstance(chain, Connection):
        return chain
    return Connection.open(chain, timeout=min(timeout, 30.0), max_retries=max_retries)


def _journal(
    connection: Connection, record: Path | None, journal: str | Path | None, *, reads_only: bool = False
) -> Journal:
    """The journal at the path given, else beside the record. Only where nothing can outlive this process, or where
    nothing is sent, may it be in memory: a payment must be found again after a crash."""
    path: str | Path | None = journal
    if path is None and record is not None:
        path = record.with_suffix(".journal")
    if path is None and not reads_only and connection.kind is not ClientKind.ETH_TESTER:
        raise InvalidRequest(
            "A client that acts on a chain that outlives it needs a journal: give journal=… or record=…."
        )
    return Journal.open(path, genesis_hash=connection.genesis_hash, chain_id=connection.chain_id)
