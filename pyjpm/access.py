"""Who can do what on a platform, read from the chain and nowhere else.

Who might have a role comes from the access manager's events; whether they have it now, with which delay, and which role
opens a function, it is asked itself, all at one block. ``roles.json`` only lends names, and says what to expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from eth_utils.abi import function_signature_to_4byte_selector

from pyjpm.money import MAX_MINOR
from pyjpm.roles import ADMIN, GUARDIAN, Role, every_role, role_name, roles
from pyjpm.session import Session

PUBLIC: Final = 2**64 - 1
# What a platform lets be delivered stands outside its record.
_ASSETS: Final = ("UnitToken", "TitleDocument")


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with a role.

    Attributes:
        delay: seconds that its acts are announced before.
        since: unix seconds from which it has the role; in the future while the grant waits.
    """

    account: str
    delay: int
    since: int
    active: bool


@dataclass(frozen=True, slots=True)
class RoleAccess:
    """A role as the chain has it.

    Attributes:
        admin, guardian: names of the roles that grant it, and that cancel what it announces.
        grant_delay: seconds until a new grant takes effect; ``grant_delay_next`` from ``grant_delay_from`` on.
    """

    name: str
    id: int
    purpose: str
    admin: str
    guardian: str
    grant_delay: int
    grant_delay_next: int
    grant_delay_from: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class FunctionAccess:
    """A function that not everybody may call: ``contract`` is a name of the record, ``role`` who may."""

    contract: str
    signature: str
    role: str


@dataclass(frozen=True, slots=True)
class ContractAccess:
    """A contract that asks this governance.

    Attributes:
        admin_delay: seconds, at least, before its functions are opened to other roles or its authority is replaced;
            ``admin_delay_next`` from ``admin_delay_from`` on.
        closed: nobody can call what is restricted.
    """

    name: str
    address: str
    authority: str
    admin_delay: int
    admin_delay_next: int
    admin_delay_from: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What should not be: a stable ``code``, whom it is ``about``, and a sentence."""

    code: str
    about: str
    message: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who can do what at one block.

    Attributes:
        deployer: the account that the access manager was made with.
    """

    block: int
    time: int
    deployer: str
    roles: tuple[RoleAccess, ...]
    functions: tuple[FunctionAccess, ...]
    contracts: tuple[ContractAccess, ...]
    anomalies: tuple[Anomaly, ...]

    def role(self, name: str) -> RoleAccess:
        """One role by name."""
        return next(role for role in self.roles if role.name == name)

    def roles_of(self, account: str) -> tuple[str, ...]:
        """The names of the roles that an account has or is about to have."""
        return tuple(role.name for role in self.roles if any(each.account == account for each in role.holders))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data."""
        return asdict(self)


def read_access(session: Session) -> Access:
    """Who can do what on the platform of this session, at the chain's head."""
    return _Reading(session).access()


class _Reading:
    """One reading at one block."""

    def __init__(self, session: Session) -> None:
        self._session = session
        head = session.connection.head()
        self._block, self._now = head.number, head.timestamp
        self._contracts = {**session.record.contracts, **session.record.tokens}

    def access(self) -> Access:
        granted = [each.arguments for each in self._events("RoleGranted")]
        deployer = next(each["account"] for each in granted if each["roleId"] == 0)
        accounts: dict[int, dict[str, None]] = {role.id: {} for role in every_role().values()}
        for each in granted:
            accounts.setdefault(each["roleId"], {})[each["account"]] = None
        found = tuple(self._role(number, tuple(candidates)) for number, candidates in accounts.items())
        functions = tuple(self._functions())
        contracts = tuple(self._contract(name) for name in self._contracts if self._asks(name))
        anomalies = (
            *self._of_roles(found, deployer),
            *self._of_functions(functions),
            *(each for contract in contracts for each in self._of_contract(contract)),
            *self._of_issuers(found),
        )
        return Access(self._block, self._now, deployer, found, functions, contracts, anomalies)

    def _events(self, name: str) -> list[Any]:
        return [each for each in self._session.events("Governance", name) if each.block <= self._block]

    def _ask(self, function: str, *arguments: Any, contract: str = "Governance") -> Any:
        return self._session.call(contract, function, *arguments, block=self._block)

    # --- roles ---

    def _role(self, number: int, candidates: tuple[str, ...]) -> RoleAccess:
        name = role_name(number)
        known = every_role().get(name)
        delay = self._ask("getRoleGrantDelay", number)
        changes = [
            each.arguments for each in self._events("RoleGrantDelayChanged") if each.arguments["roleId"] == number
        ]
        last = changes[-1] if changes else {"delay": delay, "since": 0}
        holders = (self._holder(number, account) for account in candidates)
        return RoleAccess(
            name=name,
            id=number,
            purpose=known.purpose if known else "unknown to roles.json",
            admin=role_name(self._ask("getRoleAdmin", number)),
            guardian=role_name(self._ask("getRoleGuardian", number)),
            grant_delay=delay,
            grant_delay_next=last["delay"],
            grant_delay_from=last["since"],
            holders=tuple(holder for holder in holders if holder is not None),
        )

    def _holder(self, number: int, account: str) -> Holder | None:
        since, _, _, _ = self._ask("getAccess", number, account)
        if since == 0:
            return None
        active, delay = self._ask("hasRole", number, account)
        return Holder(account, delay, since, active)

    # --- functions ---

    def _functions(self) -> Iterator[FunctionAccess]:
        """Every function that some role was opened to, and every one of which the table says that it is restricted."""
        opened = {
            (each.arguments["target"], each.arguments["selector"]) for each in self._events("TargetFunctionRoleUpdated")
        }
        names = {deployed.address: name for name, deployed in self._contracts.items()}
        asked: dict[tuple[str, bytes], tuple[str, str]] = {}
        for name, deployed in self._contracts.items():
            for signature in roles()["functions"].get(deployed.artifact, {}):
                asked[deployed.address, function_signature_to_4byte_selector(signature)] = (name, signature)
        for target, selector in sorted(opened - asked.keys()):
            signature, _ = _of_assets().get(selector, ("0x" + selector.hex(), ""))
            asked[target, selector] = (names.get(target, target), signature)
        answers = self._session.calls(
            [("Governance", "getTargetFunctionRole", place) for place in asked], block=self._block
        )
        for (contract, signature), number in zip(asked.values(), answers, strict=True):
            yield FunctionAccess(contract, signature, "PUBLIC" if number == PUBLIC else role_name(number))

    # --- contracts ---

    def _asks(self, name: str) -> bool:
        return bool(roles()["functions"].get(self._contracts[name].artifact))

    def _contract(self, name: str) -> ContractAccess:
        address = self._contracts[name].address
        delay = self._ask("getTargetAdminDelay", address)
        changes = [each.arguments for each in self._events("TargetAdminDelayUpdated")]
        last = next((each for each in reversed(changes) if each["target"] == address), {"delay": delay, "since": 0})
        return ContractAccess(
            name=name,
            address=address,
            authority=address if name == "Governance" else self._ask("authority", contract=name),
            admin_delay=delay,
            admin_delay_next=last["delay"],
            admin_delay_from=last["since"],
            closed=self._ask("isTargetClosed", address),
        )

    # --- what should not be ---

    def _of_roles(self, found: tuple[RoleAccess, ...], deployer: str) -> Iterator[Anomaly]:
        guardians = {each.account for each in next(role for role in found if role.name == GUARDIAN).holders}
        if len(guardians) == 1:
            yield Anomaly("LONE_GUARDIAN", GUARDIAN, "A single guardian cannot call off its own removal.")
        for access in found:
            known = every_role().get(access.name)
            if known is None:
                if access.holders:
                    yield Anomaly("UNKNOWN_ROLE", access.name, f"Accounts hold role {access.name}, which has no name.")
                continue
            if not any(holder.active for holder in access.holders) and not known.optional:
                yield Anomaly("NOBODY", access.name, f"Nobody has the role {access.name}.")
            if known.guarded and access.guardian != GUARDIAN:
                yield Anomaly("UNGUARDED", access.name, f"No guardian can cancel what {access.name} announces.")
            if known.delayed and not max(access.grant_delay, access.grant_delay_next):
                yield Anomaly("GRANTED_AT_ONCE", access.name, f"Who is granted {access.name} has it at once.")
            for holder in access.holders:
                yield from self._of_holder(known, holder, holder.account in guardians, deployer)

    def _of_holder(self, role: Role, holder: Holder, guards: bool, deployer: str) -> Iterator[Anomaly]:
        about = f"{role.name} {holder.account}"
        if holder.account == deployer:
            yield Anomaly("DEPLOYER_HAS_ROLE", about, f"The deployer still has the role {role.name}.")
        if role.delayed and holder.delay == 0:
            yield Anomaly("NO_DELAY", about, f"{holder.account} acts as {role.name} without announcing it.")
        if role.stops and holder.delay != 0:
            yield Anomaly("STOP_DELAYED", about, f"{holder.account} stops as {role.name} only after {holder.delay} s.")
        if role.guarded and guards:
            yield Anomaly("GUARDS_ITSELF", about, f"{holder.account} is {role.name}, and guardian over it.")

    def _of_functions(self, functions: tuple[FunctionAccess, ...]) -> Iterator[Anomaly]:
        expected = {
            (name, signature): role
            for name, deployed in self._contracts.items()
            for signature, role in roles()["functions"].get(deployed.artifact, {}).items()
        }
        for each in functions:
            about = f"{each.contract}.{each.signature}"
            wanted = expected.get((each.contract, each.signature)) or dict(_of_assets().values()).get(each.signature)
            if wanted is None:
                yield Anomaly(
                    "UNKNOWN_FUNCTION", about, f"{about} is open to {each.role}, and roles.json knows it not."
                )
            elif each.role == ADMIN:
                yield Anomaly("LEFT_TO_ADMIN", about, f"{about} was opened to no role, and so is the administrator's.")
            elif each.role != wanted:
                yield Anomaly("OTHER_ROLE", about, f"{about} is open to {each.role} instead of {wanted}.")

    def _of_contract(self, each: ContractAccess) -> Iterator[Anomaly]:
        if each.authority != self._session.address("Governance"):
            yield Anomaly("OTHER_AUTHORITY", each.name, f"{each.name} obeys {each.authority}, not this governance.")
        if each.closed:
            yield Anomaly("CLOSED", each.name, f"{each.name} is closed: not even what stops can be called.")
        if not max(each.admin_delay, each.admin_delay_next):
            yield Anomaly(
                "REOPENED_AT_ONCE", each.name, f"Nothing but its own delay slows an administrator of {each.name}."
            )

    def _of_issuers(self, found: tuple[RoleAccess, ...]) -> Iterator[Anomaly]:
        issuers = {each.account for role in found if role.name == "ISSUER" for each in role.holders}
        for currency in self._session.record.tokens:
            set_for = {each.arguments["issuer"] for each in self._session.events(currency, "MintCeilingSet")}
            for account in sorted(issuers | set_for):
                ceiling, _ = self._ask("mintCeiling", account, contract=currency)
                about = f"{currency} {account}"
                if account in issuers and ceiling >= MAX_MINOR:
                    yield Anomaly("NO_CEILING", about, f"{account} mints {currency} without a ceiling.")
                if account not in issuers and ceiling:
                    yield Anomaly("CEILING_LEFT", about, f"{account} is no issuer and has a ceiling in {currency}.")


def _of_assets() -> dict[bytes, tuple[str, str]]:
    """Signature and role of what may be called on assets, by selector."""
    return {
        function_signature_to_4byte_selector(signature): (signature, role)
        for asset in _ASSETS
        for signature, role in roles()["functions"][asset].items()
    }


def unexpected(access: Access, wanted: Mapping[str, Mapping[str, int]]) -> list[str]:
    """How the chain differs from an assignment: role -> account -> delay."""
    found = {role.name: {each.account: each.delay for each in role.holders if each.active} for role in access.roles}
    differences = []
    for name in sorted(found.keys() | wanted.keys()):
        has, needs = found.get(name, {}), dict(wanted.get(name, {}))
        differences += [
            f"{name} {account}: has {has.get(account)}, needs {needs.get(account)}"
            for account in sorted(has.keys() | needs.keys())
            if has.get(account) != needs.get(account)
        ]
    waiting = [
        f"{role.name} {each.account}: waits until {each.since}"
        for role in access.roles
        for each in role.holders
        if not each.active
    ]
    return differences + waiting
