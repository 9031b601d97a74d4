"""Replacing the code behind the registry, a token or the reserve.

    new = upgrades.deploy("USD", idempotency_key="usd 1.1.0")           # anybody's transaction, nobody's risk
    upgrades.schedule(new, idempotency_key="announce usd 1.1.0").wait() # upgrader; then the delay passes
    upgrades.execute(new, idempotency_key="usd to 1.1.0").wait()        # upgrader
    upgrades.record(new).save(path)                                     # hand this to every participant

What would break the storage layout is refused before anything is sent. What answers otherwise than the old code is
refused by the old code itself, in the transaction of ``execute``: then the upgrade never happened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_utils.address import to_checksum_address

from pyjpm.acts import Act
from pyjpm.contracts import artifacts, gas, layouts
from pyjpm.contracts.artifacts import Artifact
from pyjpm.contracts.codec import codec
from pyjpm.errors.upgrades import NotUpgradable, UpgradeNotNewer
from pyjpm.record import Deployed, DeploymentRecord, examine
from pyjpm.sending import Operation
from pyjpm.session import Session


@dataclass(frozen=True, slots=True)
class Implementation:
    """New code, deployed and checked, behind no proxy yet.

    Attributes:
        contract: name in the record, or a currency.
        libraries: address of each library that it calls, by name.
    """

    contract: str
    address: str
    version: str
    libraries: Mapping[str, str] = field(default_factory=dict)


class Upgrades:
    """``platform.upgrades``. Safe among threads."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self, contract: str, layout: layouts.Layout | None = None) -> None:
        """Whether this release's code finds what the deployed code has stored.

        Args:
            layout: of other code than this release's.

        Raises:
            NotUpgradable: it stands behind no proxy.
            LayoutUnknown: the layout of the deployed version is not known here.
            LayoutBroken: names the first member that differs.
        """
        deployed = self._proxied(contract)
        present = self._session.call(contract, "version")
        before = layouts.committed(deployed.artifact, present)
        layouts.require_continued(deployed.artifact, before, layout or layouts.current()[deployed.artifact])

    def deploy(
        self,
        contract: str,
        *,
        idempotency_key: str,
        code: Artifact | None = None,
        layout: layouts.Layout | None = None,
    ) -> Implementation:
        """Puts new code and the libraries it calls on the chain. Whoever does it gets no right over it.

        Args:
            code: other code than this release's, with its ``layout``.

        Raises:
            NotUpgradable, LayoutUnknown, LayoutBroken: nothing was sent.
            UpgradeNotNewer: the code stands on the chain, and is of no use: its version is not above the present one.
        """
        deployed = self._proxied(contract)
        self.check(contract, layout)
        new = code or artifacts.load(deployed.artifact)
        libraries: dict[str, str] = {}
        # The token's constructor takes its registry; the others take nothing.
        is_token = contract in self._session.record.tokens
        arguments = (self._session.address("ParticipantRegistry"),) if is_token else ()
        address = self._create(new, idempotency_key, libraries, arguments)
        version = self._session.call_at(address, deployed.artifact, "version")
        present = self._session.call(contract, "version")
        if _numbers(version) <= _numbers(present):
            raise UpgradeNotNewer.from_arguments({"from": present, "to": version})
        return Implementation(contract, address, version, libraries)

    def schedule(self, new: Implementation, *, idempotency_key: str, migration: bytes = b"") -> Act:
        """Announces an upgrade (upgrader role). ``migration``: a call that the new code runs in the transaction."""
        data = self._session.codec(new.contract).encode("upgradeToAndCall", new.address, migration)
        target = self._session.address(new.contract)
        return self._act("Governance", "schedule", new, idempotency_key, target, data, 0)

    def execute(self, new: Implementation, *, idempotency_key: str, migration: bytes = b"") -> Act:
        """Carries out an announced upgrade once its delay has passed (upgrader role).

        Raises:
            UpgradeChangedAnswer: the new code does not know what the old code knew; nothing has changed.
            AccessManagerNotReady, AccessManagerNotScheduled, AccessManagerExpired
        """
        return self._act(new.contract, "upgradeToAndCall", new, idempotency_key, new.address, migration)

    def record(self, *done: Implementation) -> DeploymentRecord:
        """The deployment record after upgrades, read from the chain; the old record no longer fits it."""
        old, connection = self._session.record, self._session.connection

        def again(deployed: Deployed) -> Deployed:
            return examine(connection, deployed.artifact, deployed.address, bool(deployed.implementation))

        libraries = {name: address for new in done for name, address in new.libraries.items()}
        return dataclasses.replace(
            old,
            contracts={name: again(each) for name, each in old.contracts.items()},
            tokens={name: again(each) for name, each in old.tokens.items()},
            libraries={
                **old.libraries,
                **{name: examine(connection, name, at, False) for name, at in libraries.items()},
            },
            block=connection.head().number,
        )

    # --- inside ---

    def _proxied(self, contract: str) -> Deployed:
        record = self._session.record
        self._session.address(contract)  # refuses an unknown name
        deployed = record.contracts.get(contract) or record.tokens[contract]
        if not deployed.implementation:
            raise NotUpgradable(f"{contract} stands behind no proxy.", name=contract)
        return deployed

    def _create(self, code: Artifact, key: str, libraries: dict[str, str], arguments: tuple[str, ...] = ()) -> str:
        """Address of the code; the libraries that it calls, and those that they call, come first."""
        for name in code.libraries:
            if name not in libraries:
                libraries[name] = self._create(artifacts.load(name), f"{key} {name}", libraries)
        linked = code.link({name: libraries[name] for name in code.libraries})
        data = bytes.fromhex(linked[2:]) + codec(code.name).encode_constructor(*arguments)
        content = {"contract": code.name, "arguments": list(arguments)}
        operation = Operation(
            key=f"deploy {key}", kind="upgrades.deploy", content=content, to=None, data=data, gas=gas.DEPLOY
        )
        session = self._session
        done = session.sender.wait(session.sender.submit(session.signer, operation).id, session.timeout)
        assert done.contract_address is not None  # a final creation has one
        return to_checksum_address(done.contract_address)

    def _act(self, contract: str, function: str, new: Implementation, key: str, *arguments: object) -> Act:
        submission = self._session.submit(
            kind=f"upgrades.{function}",
            key=key,
            content={"contract": new.contract, "implementation": new.address, "version": new.version},
            contract=contract,
            function=function,
            arguments=arguments,
            reference=new.address,
        )
        return Act.of(self._session, submission)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
