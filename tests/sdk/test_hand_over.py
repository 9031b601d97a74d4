"""Handing over: the deployer ends with nothing, and the roles work as they were assigned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address

from pyjpm import LocalSigner, Money, Platform
from pyjpm.access import Access
from pyjpm.assignments import Assignments
from pyjpm.chain import DevClock
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.governance import (
    DelayMissing,
    DeployerAssigned,
    GuardianGuardsItself,
    MalformedAssignments,
    NotTheDeployer,
    RoleWithoutHolder,
    StopDelayed,
)
from pyjpm.errors.openzeppelin import (
    AccessManagerExpired,
    AccessManagerNotReady,
    AccessManagerNotScheduled,
    MissingRole,
)
from pyjpm.roles import every_role
from pyjpm.testing import backed_platform, new_company

DELAY = 172_800
WEEK = 7 * 86_400
KEYS = {name: [LocalSigner.generate() for _ in range(2)] for name in every_role()}


def written(**changes: Any) -> dict[str, Any]:
    """Assignments of all roles to two keys each; ``changes`` by role."""
    roles: dict[str, Any] = {}
    for name, role in every_role().items():
        roles[name] = {"members": [key.address for key in KEYS[name]], **({"delay": DELAY} if role.delayed else {})}
    for name, change in changes.items():
        roles[name] = {**roles[name], **change}
    mint = {"USD": {"ceiling": "1000000.00", "per_day": "1000.00"}, "EUR": {"ceiling": "5.00", "per_day": "5.00"}}
    return {"format": 1, "roles": roles, "mint": mint}


@pytest.fixture(scope="module")
def deployer() -> LocalSigner:
    return LocalSigner.generate()


@pytest.fixture(scope="module")
def handed(chain: Any, deployer: LocalSigner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, handed over in two runs: the first one is interrupted."""
    journal = tmp_path_factory.mktemp("handed") / "journal.sqlite"
    with backed_platform(chain.connection(), deployer, journal=journal, governance_delay=60) as platform:
        stranger = LocalSigner.generate().address
        platform.governance.grant("PAUSER", stranger, idempotency_key="a stranger pauses").wait()
        with pytest.raises(AccessManagerNotScheduled):  # its functions are open; registering it has to be announced
            platform.assets.deploy("UnitToken", "Warrants", "WRT", idempotency_key="units")
        steps: list[str] = []

        def stop_half_way(step: str) -> None:
            steps.append(step)
            if len(steps) == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            platform.governance.hand_over(Assignments.parse(written()), progress=stop_half_way)
        assert platform.governance.has_role("ADMIN", deployer.address)
        platform.governance.hand_over(Assignments.parse(written()))
        yield platform


def acting(handed: Platform, role: str, which: int = 0) -> Platform:
    return handed.acting(KEYS[role][which])


def codes(access: Access) -> set[str]:
    return {anomaly.code for anomaly in access.anomalies}


# --- what is refused before anything is sent ---


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"COMPLIANCE": {"members": []}}, RoleWithoutHolder),
        ({"ADMIN": {"delay": 0}}, DelayMissing),
        ({"UPGRADER": {"delay": 0}}, DelayMissing),
        ({"UPGRADER": {"grant_delay": 0}}, DelayMissing),
        ({"PAUSER": {"delay": 1}}, StopDelayed),
        ({"GUARDIAN": {"delay": 1}}, StopDelayed),
        ({"GUARDIAN": {"members": [KEYS["RESOLUTION"][0].address]}}, GuardianGuardsItself),
        ({"GUARDIAN": {"members": [KEYS["ISSUER"][1].address.lower()]}}, GuardianGuardsItself),
        ({"GUARDIAN": {"members": [KEYS["ADMIN"][0].address]}}, GuardianGuardsItself),
        ({"ISSUER": {"members": [2 * KEYS["ISSUER"][0].address]}}, MalformedAssignments),
        ({"ISSUER": {"members": 2 * [KEYS["ISSUER"][0].address]}}, MalformedAssignments),
        ({"ISSUER": {"members": ["0x" + 40 * "0"]}}, MalformedAssignments),
        ({"ISSUER": {"members": "0x12"}}, MalformedAssignments),
        ({"ISSUER": {"member": []}}, MalformedAssignments),
        ({"LIMITER": {"delay": -1}}, MalformedAssignments),
        ({"LIMITER": {"delay": True}}, MalformedAssignments),
        ({"LIMITER": {"delay": 366 * 86_400 + 1}}, MalformedAssignments),
    ],
)
def test_bad_assignments_are_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Assignments.parse(written(**changes))


def test_the_form_is_checked(tmp_path: Path) -> None:
    good = written()
    for bad in (
        {**good, "format": 2},
        {**good, "extra": 1},
        {**good, "roles": []},
        {**good, "roles": {**good["roles"], "KING": {}}},
        {**good, "mint": {"USD": {"ceiling": "1.00"}}},
        {**good, "target_admin_delay": "soon"},
    ):
        with pytest.raises(MalformedAssignments):
            Assignments.parse(bad)
    with pytest.raises(DelayMissing):
        Assignments.parse({**good, "target_admin_delay": 0})
    for name, text in (("a.toml", "format = "), ("a.json", "{")):
        (tmp_path / name).write_text(text)
        with pytest.raises(MalformedAssignments):
            Assignments.load(tmp_path / name)
    with pytest.raises(MalformedAssignments):
        Assignments.load(tmp_path / "none.toml")


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    good = written()
    (tmp_path / "a.json").write_text(json.dumps(good))
    lines = ["format = 1"]
    for section in ("roles", "mint"):
        for name, table in good[section].items():
            lines += [f"[{section}.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (tmp_path / "a.toml").write_text("\n".join(lines))
    assert Assignments.load(tmp_path / "a.toml") == Assignments.load(tmp_path / "a.json") == Assignments.parse(good)


def test_the_deployer_keeps_nothing(bank: Platform) -> None:
    head = bank.connection.transaction_count(bank.session.wallet)
    with pytest.raises(DeployerAssigned):
        bank.governance.hand_over(Assignments.parse(written(PAUSER={"members": [bank.session.wallet]})))
    stranger = bank.acting(LocalSigner.generate())
    with pytest.raises(NotTheDeployer):
        stranger.governance.hand_over(Assignments.parse(written()))
    assert bank.connection.transaction_count(bank.session.wallet) == head


# --- afterwards ---


def test_a_platform_that_was_not_handed_over_is_called_out(bank: Platform) -> None:
    access = bank.governance.who_can()
    assert access.deployer == bank.session.wallet
    assert {
        "DEPLOYER_HAS_ROLE",
        "NO_DELAY",
        "NO_CEILING",
        "GUARDS_ITSELF",
        "GRANTED_AT_ONCE",
        "REOPENED_AT_ONCE",
    } <= codes(access)
    assert not codes(access) & {"LEFT_TO_ADMIN", "OTHER_ROLE", "UNKNOWN_FUNCTION", "UNGUARDED", "OTHER_AUTHORITY"}


def test_the_deployer_has_no_role_and_everybody_else_what_was_assigned(handed: Platform, deployer: LocalSigner) -> None:
    access = handed.governance.who_can()
    assert access.deployer == deployer.address
    assert access.roles_of(deployer.address) == ()
    assert access.anomalies == ()
    for name, role in every_role().items():
        holders = {each.account: each.delay for each in access.role(name).holders}
        assert holders == {key.address: DELAY if role.delayed else 0 for key in KEYS[name]}
        assert access.role(name).guardian == ("GUARDIAN" if role.guarded else "ADMIN")
        assert access.role(name).grant_delay_next == (DELAY if role.delayed else 0)
        assert not handed.governance.has_role(name, deployer.address)
    opened = {(each.contract, each.signature): each.role for each in access.functions}
    assert opened["USD", "pause()"] == opened["EUR", "pause()"] == "PAUSER"
    assert opened["Governance", "dismiss(uint64,address)"] == "GUARDIAN"
    assert [each.role for each in access.functions if each.signature == "retire(address,uint256)"] == ["REGISTRAR"]
    assert json.loads(json.dumps(access.to_dict()))["anomalies"] == []


def test_the_deployer_can_do_nothing(handed: Platform, deployer: LocalSigner) -> None:
    """Not one function of any contract that asks for a role, nor of the access manager itself."""
    session = handed.acting(deployer).session
    me = to_checksum_address(deployer.address)
    tried = 0
    for function in handed.governance.who_can().functions:
        target = function.contract if function.contract.startswith("0x") else session.address(function.contract)
        selector = function_signature_to_4byte_selector(function.signature)
        immediate, delay = session.call("Governance", "canCall", me, target, selector)
        assert (immediate, delay) == (False, 0), function
        tried += 1
    assert tried > 60
    for act in (
        lambda: handed.governance.grant("ADMIN", me, idempotency_key="own admin"),
        lambda: handed.governance.pause("USD", idempotency_key="own pause"),
        lambda: handed.governance.set_mint_ceiling(me, Money("1.00", "USD"), idempotency_key="own ceiling"),
        lambda: handed.deposits.mint(me, Money("1.00", "USD"), deposit_reference="own", idempotency_key="own"),
    ):
        with pytest.raises(ContractError):
            act()


def test_running_it_again_changes_nothing(handed: Platform, deployer: LocalSigner) -> None:
    sent = handed.connection.transaction_count(deployer.address)
    handed.governance.hand_over(Assignments.parse(written()))
    assert handed.connection.transaction_count(deployer.address) == sent
    with pytest.raises(NotTheDeployer):
        handed.governance.hand_over(Assignments.parse(written(LIMITER={"delay": DELAY + 1})))


def test_issuers_have_the_ceilings_assigned_and_the_deployer_none(handed: Platform, deployer: LocalSigner) -> None:
    room = handed.session.call("USD", "mintCeiling", KEYS["ISSUER"][0].address)
    assert room[0] == 100_000_000
    assert handed.session.call("EUR", "mintCeiling", KEYS["ISSUER"][1].address)[0] == 500
    assert handed.session.call("USD", "mintCeiling", deployer.address)[0] == 0


def test_stopping_is_at_once_and_starting_again_at_its_second(handed: Platform) -> None:
    clock = DevClock(handed.connection)
    acting(handed, "PAUSER").governance.pause("USD", idempotency_key="pause").wait()
    assert handed.session.call("USD", "paused")
    governor = acting(handed, "GOVERNOR")
    with pytest.raises(AccessManagerNotScheduled):
        governor.governance.unpause("USD", idempotency_key="too early")
    governor.governance.schedule("USD", "unpause", idempotency_key="announce").wait()
    due = handed.governance.due(governor.session.wallet, "USD", "unpause")
    assert due is not None
    clock.mine_at(due - 1)
    with pytest.raises(AccessManagerNotReady):
        governor.governance.unpause("USD", idempotency_key="a second early")
    clock.mine_at(due)
    governor.governance.unpause("USD", idempotency_key="in time").wait()
    assert not handed.session.call("USD", "paused")
    assert handed.governance.due(governor.session.wallet, "USD", "unpause") is None


def test_what_is_announced_expires_after_a_week(handed: Platform) -> None:
    governor = acting(handed, "GOVERNOR")
    auditor = LocalSigner.generate().address
    governor.governance.schedule("Reserve", "addAuditor", auditor, idempotency_key="announce auditor").wait()
    due = handed.governance.due(governor.session.wallet, "Reserve", "addAuditor", auditor)
    assert due is not None
    DevClock(handed.connection).mine_at(due + WEEK)
    assert handed.governance.due(governor.session.wallet, "Reserve", "addAuditor", auditor) is None
    with pytest.raises(AccessManagerExpired):
        governor.reserve.add_auditor(auditor, idempotency_key="too late")


def test_a_guardian_cancels_what_is_announced(handed: Platform) -> None:
    guardian, wallet = acting(handed, "GUARDIAN"), LocalSigner.generate().address
    order = bytes(31) + b"\1"
    announced = [
        ("RESOLUTION", "USD", "unfreezeAmount", (wallet, 1, order)),
        ("RESOLUTION", "USD", "seize", (wallet, KEYS["ISSUER"][0].address, 1, 0, order)),
        ("UPGRADER", "USD", "upgradeToAndCall", (handed.record.address("EUR"), b"")),
        ("ADMIN", "Governance", "grantRole", (7, wallet, 0)),
    ]
    for number, (role, contract, function, arguments) in enumerate(announced):
        caller = acting(handed, role)
        caller.governance.schedule(contract, function, *arguments, idempotency_key=f"announce {number}").wait()
        assert handed.governance.due(caller.session.wallet, contract, function, *arguments)
        guardian.governance.cancel(
            caller.session.wallet, contract, function, *arguments, idempotency_key=f"cancel {number}"
        ).wait()
        assert handed.governance.due(caller.session.wallet, contract, function, *arguments) is None
    caller = acting(handed, "GOVERNOR")
    caller.governance.schedule("USD", "unpause", idempotency_key="announce unpause").wait()
    with pytest.raises(ContractError):
        acting(handed, "PAUSER").governance.cancel(
            caller.session.wallet, "USD", "unpause", idempotency_key="not the pauser's"
        )
    guardian.governance.cancel(caller.session.wallet, "USD", "unpause", idempotency_key="cancel unpause").wait()


def test_a_grant_waits_and_is_announced(handed: Platform) -> None:
    admin, new = acting(handed, "ADMIN"), LocalSigner.generate().address
    clock, limiter = DevClock(handed.connection), every_role()["LIMITER"].id
    clock.advance(5 * 86_400)  # the grant delays are in force, and those of what re-opens functions
    assert {each.admin_delay for each in handed.governance.who_can().contracts} == {DELAY}
    assert handed.governance.who_can().role("LIMITER").grant_delay == DELAY
    with pytest.raises(ContractError):
        admin.governance.grant("LIMITER", new, delay=3600, idempotency_key="unannounced")
    admin.governance.schedule("Governance", "grantRole", limiter, new, 3600, idempotency_key="announce limiter").wait()
    due = handed.governance.due(admin.session.wallet, "Governance", "grantRole", limiter, new, 3600)
    assert due is not None
    clock.mine_at(due)
    admin.governance.grant("LIMITER", new, delay=3600, idempotency_key="announced").wait()
    assert not handed.governance.has_role("LIMITER", new)
    assert any(each.account == new and not each.active for each in handed.governance.who_can().role("LIMITER").holders)
    clock.advance(DELAY)
    assert handed.governance.has_role("LIMITER", new)
    acting(handed, "GUARDIAN", 1).governance.dismiss("LIMITER", new, idempotency_key="dismiss").wait()
    assert not handed.governance.has_role("LIMITER", new)


def test_clients_are_served_under_the_new_roles(handed: Platform) -> None:
    """Onboarding, a limit, a deposit and a payment, each by who may."""
    onboarder, limiter, clock = acting(handed, "ONBOARDER"), acting(handed, "LIMITER"), DevClock(handed.connection)
    with pytest.raises(MissingRole):
        new_company(onboarder, deposit=None)  # admitted, but an onboarder sets no limit
    participant = handed.session.call("ParticipantRegistry", "participantCount")
    wallet = handed.session.wallet_of(participant)
    limiter.governance.schedule("USD", "setDailyLimit", participant, 500, idempotency_key="announce limit").wait()
    due = handed.governance.due(limiter.session.wallet, "USD", "setDailyLimit", participant, 500)
    assert due is not None
    clock.mine_at(due)
    limiter.participants.set_daily_limit(participant, Money("5.00", "USD"), idempotency_key="limit").wait()
    amount = Money("4.00", "USD")
    acting(handed, "ISSUER").deposits.mint(participant, amount, deposit_reference="d", idempotency_key="d").wait()
    assert handed.deposits.balance(wallet, currency="USD").available == amount
    acting(handed, "COMPLIANCE").participants.decrease_daily_limit(
        participant, Money("1.00", "USD"), idempotency_key="lower"
    ).wait()
    assert handed.participants.daily_limit(participant, currency="USD")[0] == Money("1.00", "USD")
