"""How a platform comes onto a chain: contracts, proxies, roles, notaries, in one resumable run.

Every step has an idempotency key of its own in the deployer's journal, so a rollout that was interrupted goes on where
it stopped when it is started again with the same journal. Nothing points at the contracts before the record is written
at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.chain.connection import Connection
from pyjpm.contracts import artifacts, gas
from pyjpm.contracts.codec import codec
from pyjpm.custody import Signer
from pyjpm.money import MAX_MINOR, minor_units
from pyjpm.record import Deployed, DeploymentRecord, examine
from pyjpm.roles import ADMIN, GUARDIAN, Role, every_role, role_id, selectors_by_role
from pyjpm.sending import Operation, Sender, Submission
from pyjpm.version import __version__

TOKEN: Final = "DepositToken"  # noqa: S105 - a contract
RESERVE: Final = "Reserve"
RULES: Final = "PaymentRules"

AUDIT_CYCLE: Final = 366 * 86_400
_DAY: Final = 86_400

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to roll out.

    Attributes:
        currencies: ISO 4217 codes; one deposit token each.
        mint_ceiling: minor units that the deployer as issuer may have outstanding, per currency.
        governance_delay: seconds that loosening and moving acts must be announced before.
        auditors: addresses of those who attest the reserve; without them nothing is minted.
        auditor_threshold: how many of them must have signed.
        audit_cycle: seconds after an attestation by which the next is due, per currency.
        mint_rate: minor units that the deployer as issuer may mint in a day, per currency.
    """

    currencies: Sequence[str] = ("USD", "EUR")
    mint_ceiling: int = MAX_MINOR
    governance_delay: int = 0
    auditors: Sequence[str] = ()
    auditor_threshold: int = 1
    audit_cycle: int = AUDIT_CYCLE
    mint_rate: int = MAX_MINOR

    @property
    def key(self) -> str:
        """What sets its steps in a journal apart from those of another plan: another plan is another platform."""
        return keccak(text=repr(astuple(self))).hex()[:32]


class Rollout:
    """One run of a plan by one deployer, who becomes administrator and holds every role until it hands them on."""

    def __init__(
        self, connection: Connection, sender: Sender, signer: Signer, plan: Plan, progress: Progress, timeout: float
    ) -> None:
        self._connection = connection
        self._sender = sender
        self._signer = signer
        self._plan = plan
        self._progress = progress
        self._timeout = timeout
        self._libraries: dict[str, str] = {}
        self._first_block = 0

    def run(self) -> DeploymentRecord:
        """Carries the plan out and describes what stands on the chain then."""
        plan = self._plan
        for currency in plan.currencies:
            minor_units(currency)
        governance = self._create("Governance", self._signer.address)
        registry = self._proxied("ParticipantRegistry", "ParticipantRegistry", (), (governance,))
        attesters = self._create("AttesterSets", registry)
        amendments = self._create("OrderAmendments", registry, attesters)
        escrow = self._create("OrderEscrow", registry, attesters, governance, amendments)
        settlement = self._create("Settlement", registry)
        rules = self._create(RULES, registry)
        tokens = {currency: self._token(currency, registry, governance) for currency in plan.currencies}
        auditors = tuple(map(to_checksum_address, plan.auditors))
        reserve = self._proxied(RESERVE, RESERVE, (), (governance, auditors, plan.auditor_threshold))

        self._describe_roles(governance)
        self._open_functions(governance, "Governance", governance)
        self._open_functions(governance, "ParticipantRegistry", registry)
        self._open_functions(governance, "OrderEscrow", escrow)
        self._open_functions(governance, RESERVE, reserve)
        for currency, token in tokens.items():
            self._open_functions(governance, TOKEN, token, currency)
        # The deployer sets up without delay; the delays of its roles start with the last step.
        self._grant_all(governance, 0, "set-up")
        for currency, token in tokens.items():
            self._call("ParticipantRegistry", registry, "registerAsset", token, True, key=currency)
            for notary in (escrow, settlement, rules):
                self._call(TOKEN, token, "registerNotary", notary, key=f"{currency}/{notary}")
            self._call(TOKEN, token, "setMintCeiling", self._signer.address, plan.mint_ceiling, key=currency)
            self._call(TOKEN, token, "setMintRate", self._signer.address, plan.mint_rate, _DAY, key=currency)
            self._call(RESERVE, reserve, "registerToken", token, key=currency)
            self._call(RESERVE, reserve, "setCycle", currency.encode(), plan.audit_cycle, key=currency)
            self._call(TOKEN, token, "setReserve", reserve, key=currency)
        if plan.governance_delay:
            self._grant_all(governance, plan.governance_delay, "delays")

        described = {
            "Governance": (governance, False),
            "ParticipantRegistry": (registry, True),
            "AttesterSets": (attesters, False),
            "OrderEscrow": (escrow, False),
            "OrderAmendments": (amendments, False),
            "Settlement": (settlement, False),
            RULES: (rules, False),
            RESERVE: (reserve, True),
        }
        return DeploymentRecord(
            chain_id=self._connection.chain_id,
            genesis_hash=self._connection.genesis_hash,
            first_block=self._first_block,
            block=self._connection.head().number,
            pyjpm=__version__,
            contracts={name: self._examined(name, *where) for name, where in described.items()},
            tokens={currency: self._examined(TOKEN, token, True) for currency, token in tokens.items()},
            libraries={name: self._examined(name, address, False) for name, address in self._libraries.items()},
        )

    def _examined(self, artifact: str, address: str, proxied: bool) -> Deployed:
        return examine(self._connection, artifact, address, proxied)

    def _token(self, currency: str, registry: str, governance: str) -> str:
        initial = (governance, f"{currency} Deposit Token", currency, currency, minor_units(currency))
        return self._proxied(currency, TOKEN, (registry,), initial)

    def _proxied(self, label: str, artifact: str, constructor: Sequence[Any], initial: Sequence[Any]) -> str:
        implementation = self._create(artifact, *constructor)
        data = codec(artifact).encode("initialize", *initial)
        return self._create("PlatformProxy", implementation, data, label=f"{label} proxy")

    def _create(self, artifact: str, *arguments: Any, label: str | None = None) -> str:
        """Address of a new contract; the libraries that it calls come first. The same one again for the same label."""
        shipped = artifacts.load(artifact)
        for library in shipped.libraries:
            if library not in self._libraries:
                self._libraries[library] = self._create(library)
        bytecode = shipped.link({library: self._libraries[library] for library in shipped.libraries})
        data = bytes.fromhex(bytecode[2:]) + codec(artifact).encode_constructor(*arguments)
        self._progress(f"deploying {label or artifact}")
        done = self._send(f"create {label or artifact}", None, data, gas.DEPLOY)
        assert done.contract_address is not None and done.block_number is not None  # a final creation has both
        self._first_block = min(self._first_block or done.block_number, done.block_number)
        return to_checksum_address(done.contract_address)

    def _open_functions(self, governance: str, artifact: str, target: str, key: str = "") -> None:
        for role, selectors in selectors_by_role(artifact).items():
            label = f"{artifact}{key}/{role}"
            self._call("Governance", governance, "setTargetFunctionRole", target, selectors, role, key=label)

    def _describe_roles(self, governance: str) -> None:
        """Names of the roles, and the guardian of every role but those that stop."""
        coder = codec("Governance")
        guardian = role_id(GUARDIAN)
        calls = []
        for role in self._own_roles():
            calls.append(coder.encode("labelRole", role.id, role.name))
            if role.guarded:
                calls.append(coder.encode("setRoleGuardian", role.id, guardian))
        self._call("Governance", governance, "multicall", calls, key="roles")

    def _grant_all(self, governance: str, delay: int, key: str) -> None:
        self._progress("granting roles")
        for role in self._own_roles():
            if delay and not role.delayed:
                continue
            arguments = (role.id, self._signer.address, delay)
            self._call("Governance", governance, "grantRole", *arguments, key=f"{key}/{role.name}")

    @staticmethod
    def _own_roles() -> list[Role]:
        """Every role but the administrator's, which comes with the contract."""
        return [role for role in every_role().values() if role.name != ADMIN]

    def _call(self, artifact: str, target: str, function: str, *arguments: Any, key: str) -> None:
        data = codec(artifact).encode(function, *arguments)
        self._send(f"{function} {key}", target, data, gas.ceiling(function, arguments, len(data)))

    def _send(self, key: str, to: str | None, data: bytes, limit: int) -> Submission:
        operation = Operation(
            key=f"rollout {self._plan.key} {key}", kind="rollout", content={"step": key}, to=to, data=data, gas=limit
        )
        submission = self._sender.submit(self._signer, operation)
        return self._sender.wait(submission.id, self._timeout)
