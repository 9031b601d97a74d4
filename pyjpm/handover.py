"""The deployer hands a platform over to those who shall run it, and ends with no role.

Every step looks at the chain first and does what is not done yet, so a hand-over that was interrupted goes on when it
is started again. The deployer leaves its roles last, and the administration after all others, once the chain has
everybody else as assigned.
Grant delays and the contracts' admin delays take effect five days after they are set (the access manager's
``minSetback``); until then the administrators' own delay, which is there from the first moment, is what protects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.access import Access, read_access, unexpected
from pyjpm.assignments import Assignments
from pyjpm.errors.governance import DeployerAssigned, HandOverIncomplete, NotTheDeployer
from pyjpm.roles import ADMIN, GUARDIAN, every_role, role_id
from pyjpm.session import Session

_DAY: Final = 86_400
_GOVERNOR: Final = "GOVERNOR"

Progress = Callable[[str], None]


class HandOver:
    """One hand-over by the session's signer."""

    def __init__(self, session: Session, assignments: Assignments, progress: Progress) -> None:
        self._session = session
        self._assignments = assignments
        self._progress = progress
        self._run = keccak(text=repr((session.address("Governance"), assignments))).hex()[:16]

    def run(self) -> Access:
        """Carries out what is not done yet; who can do what then.

        Raises:
            DeployerAssigned: the assignments would leave the deployer a role.
            NotTheDeployer: the signer does not administer the platform, and it is not handed over as assigned.
            HandOverIncomplete: the chain does not have it as assigned, after all.
        """
        me = self._session.wallet
        for name, assigned in self._assignments.roles.items():
            if me in assigned.members:
                raise DeployerAssigned(f"{me} hands over, and would keep the role {name}.", account=me, role=name)
        before = read_access(self._session)
        if ADMIN in before.roles_of(me):
            self._guard(before)
            self._appoint(before)
            self._limit_minting(before)
            self._slow_grants(before)
            self._leave()
        elif not self._is_done(before):
            raise NotTheDeployer(f"{me} does not administer this platform.", account=me)
        after = read_access(self._session)
        differences = unexpected(after, self._assignments.wanted)
        if differences:
            raise HandOverIncomplete("The roles are not as assigned.", differences=differences)
        return after

    def _is_done(self, access: Access) -> bool:
        return not unexpected(access, self._assignments.wanted)

    def _guard(self, before: Access) -> None:
        for name, role in every_role().items():
            if role.guarded and name != ADMIN and before.role(name).guardian != GUARDIAN:
                self._do("setRoleGuardian", role.id, role_id(GUARDIAN))

    def _appoint(self, before: Access) -> None:
        """First those who can stop, last the administrators; then away with whoever is not assigned."""
        ordered = sorted(every_role().values(), key=lambda role: (role.name == ADMIN, not role.stops, role.id))
        for role in ordered:
            self._progress(f"granting {role.name}")
            has = {each.account: each for each in before.role(role.name).holders}
            assigned = self._assignments.roles[role.name]
            for account in assigned.members:
                if account not in has or has[account].delay != assigned.delay:
                    self._do("grantRole", role.id, account, assigned.delay)
        for found in before.roles:
            members = self._assignments.wanted.get(found.name, {})
            for holder in found.holders:
                if holder.account not in members and holder.account != self._session.wallet:
                    self._do("revokeRole", found.id, holder.account)

    def _limit_minting(self, before: Access) -> None:
        """As governor without a delay, which the administrator can make itself while it is one."""
        wanted = dict(self._mint_limits())
        if not wanted:
            return
        self._progress("limiting issuers")
        governor, me = role_id(_GOVERNOR), self._session.wallet
        own = next((each for each in before.role(_GOVERNOR).holders if each.account == me), None)
        if own is not None and own.delay:
            self._do("revokeRole", governor, me)
            own = None
        if own is None:
            self._do("grantRole", governor, me, 0)
        for (currency, account), (ceiling, per_day) in wanted.items():
            self._do("setMintCeiling", account, ceiling, contract=currency)
            self._do("setMintRate", account, per_day, _DAY, contract=currency)

    def _mint_limits(self) -> Any:
        """(currency, account) -> (ceiling, per day) in minor units, where the chain has another."""
        issuers = self._assignments.roles["ISSUER"].members
        for currency in self._session.record.tokens:
            limit = self._assignments.mint.get(currency)
            if limit is not None:
                for account in issuers:
                    yield from self._unless_set(currency, account, limit.ceiling.minor, limit.per_day.minor)
            for account in sorted(
                {each.arguments["issuer"] for each in self._session.events(currency, "MintCeilingSet")}
            ):
                if account not in issuers:
                    yield from self._unless_set(currency, account, 0, 0)

    def _unless_set(self, currency: str, account: str, ceiling: int, per_day: int) -> Any:
        has, _ = self._session.call(currency, "mintCeiling", account)
        rate, _, _ = self._session.call(currency, "mintRate", account)
        if (has, rate) != (ceiling, per_day):
            yield (currency, account), (ceiling, per_day)

    def _slow_grants(self, before: Access) -> None:
        self._progress("setting delays")
        for name, assigned in self._assignments.roles.items():
            if before.role(name).grant_delay_next != assigned.grant_delay:
                self._do("setGrantDelay", role_id(name), assigned.grant_delay)
        delay = self._assignments.target_admin_delay
        for contract in before.contracts:
            if contract.admin_delay_next != delay:
                self._do("setTargetAdminDelay", contract.address, delay)

    def _leave(self) -> None:
        """Out of every role, the administration last: without it nothing that is missing could be made good."""
        me = self._session.wallet
        self._progress("leaving")
        present = read_access(self._session)
        missing = [each for each in unexpected(present, self._assignments.wanted) if f" {me}: " not in each]
        if missing:
            raise HandOverIncomplete("The roles are not as assigned; the deployer stays.", differences=missing)
        for name in sorted(present.roles_of(me), key=lambda name: name == ADMIN):
            self._do("renounceRole", role_id(name), me)

    def _do(self, function: str, *arguments: Any, contract: str = "Governance") -> None:
        plain = [str(each) for each in arguments]
        step = f"{contract}.{function}({', '.join(plain)})"
        submission = self._session.submit(
            kind="governance.handOver",
            key=f"hand over {self._run} {step}",
            content={"step": step},
            contract=contract,
            function=function,
            arguments=arguments,
        )
        self._session.sender.wait(submission.id, self._session.timeout)
