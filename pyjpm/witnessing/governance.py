"""Roles, delays and announcements, witnessed by the access manager. Granting and taking away again changes nothing."""

from __future__ import annotations

from typing import Any, Final

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, unknown
from pyjpm.witnessing.questions import Plan, View
from pyjpm.witnessing.settings import SAME
from pyjpm.witnessing.subject import GOVERNANCE, Subject
from pyjpm.witnessing.telling import Told, agrees_on, by_state, own, tells

_GRANTED: Final = Told(
    "RoleGranted", "roleId", named=agrees_on("account"), content=lambda subject: {"delay": subject["executionDelay"]}
)
_LABEL: Final = Told("RoleLabel", "roleId", content=agrees_on("label"))
_GRANT_DELAY: Final = Told("RoleGrantDelayChanged", "roleId", content=lambda subject: {"delay": subject["newDelay"]})
_ADMIN_DELAY: Final = Told("TargetAdminDelayUpdated", "target", content=lambda subject: {"delay": subject["newDelay"]})


def _setting(face: str, name: str, view: str, key: str, wanted: str, told: Told) -> Described:
    return Described(
        GOVERNANCE,
        face,
        Known.STATE,
        name,
        SAME,
        by_state(own(view, key), lambda subject, seen: seen[0] == subject[wanted], told),
        tells(told),
    )


def _by_last(face: str, name: str, told: Told) -> Described:
    """What takes effect later, or is never read: the last event about it says what was set."""
    return Described(
        GOVERNANCE,
        face,
        Known.STATE,
        name,
        SAME,
        by_state(lambda subject: [], lambda subject, seen: True, told),
        tells(told),
    )


def _taking(function: str, account: str, again: str) -> Described:
    told = Told("RoleRevoked", "roleId", named=lambda subject: {"account": subject[account]})
    return Described(
        GOVERNANCE,
        f"{function}(roleId,{account})",
        Known.STATE,
        "role and account",
        again,
        by_state(own("getAccess", "roleId", account), lambda subject, seen: seen[0][0] == 0, told),
        # Nothing is told of a role that the account did not have.
        tells(told) if function == "dismiss" else None,
    )


# --- opening functions ---


def read_opening(subject: Subject) -> Plan[Verdict]:
    """APPLIED where every function has the role."""
    roles = yield [
        View(subject.address, GOVERNANCE, "getTargetFunctionRole", (subject["target"], selector))
        for selector in subject["selectors"]
    ]
    if any(role is None for role in roles):
        return unknown("a view did not answer")
    return applied() if all(role == subject["roleId"] for role in roles) else absent()


def read_authority(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the contract obeys the new authority. Every contract of ours answers as a reserve does."""
    (authority,) = yield [View(subject["target"], "Reserve", "authority")]
    if authority is None:
        return unknown("a view did not answer")
    return applied() if authority == subject["newAuthority"] else absent()


# --- announcing ---


def _operation(subject: Subject, caller: str) -> Plan[tuple[bytes, int, int] | None]:
    """Id of an announced act, from when it is due (0: it is not waiting), and how often it was announced."""
    arguments = (caller, subject["target"], subject["data"])
    (number,) = yield [View(subject.address, GOVERNANCE, "hashOperation", arguments)]
    if number is None:
        return None
    due, nonce = yield [View(subject.address, GOVERNANCE, view, (number,)) for view in ("getSchedule", "getNonce")]
    return None if due is None or nonce is None else (number, due, nonce)


def read_schedule(subject: Subject) -> Plan[Verdict]:
    """APPLIED while the act waits to be carried out."""
    seen = yield from _operation(subject, subject.caller)
    if seen is None:
        return unknown("a view did not answer")
    number, due, nonce = seen
    if not due:
        return absent(announced_before=nonce)
    told = Told("OperationScheduled", "operationId")
    event = yield from told.find(subject, {"operationId": number})
    return applied(event, due=due)


def read_cancel(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the act's last announcement was called off, CONFLICT where it was carried out."""
    seen = yield from _operation(subject, subject["caller"])
    if seen is None:
        return unknown("a view did not answer")
    number, due, nonce = seen
    if due or not nonce:
        return absent(due=due)
    last: dict[str, Any] = {"operationId": number, "nonce": nonce}
    event = yield from Told("OperationCanceled", "operationId").find(subject, last)
    if event is not None:
        return applied(event)
    done = yield from Told("OperationExecuted", "operationId").find(subject, last)
    # Neither: it has expired, and may be announced again.
    return absent() if done is None else conflict(done, carried_out=True)


DESCRIBED: Final = (
    Described(
        GOVERNANCE,
        "grantRole(roleId,account,executionDelay)",
        Known.STATE,
        "role, account and delay",
        SAME,
        by_state(own("getAccess", "roleId", "account"), lambda subject, seen: seen[0][0] != 0, _GRANTED),
        tells(_GRANTED),
    ),
    _taking("revokeRole", "account", SAME),
    _taking("renounceRole", "callerConfirmation", SAME),
    _taking("dismiss", "account", "NotAMember"),
    _by_last("labelRole(roleId,label)", "role and label", _LABEL),
    _setting(
        "setRoleAdmin(roleId,admin)",
        "role and admin",
        "getRoleAdmin",
        "roleId",
        "admin",
        Told("RoleAdminChanged", "roleId", content=agrees_on("admin")),
    ),
    _setting(
        "setRoleGuardian(roleId,guardian)",
        "role and guardian",
        "getRoleGuardian",
        "roleId",
        "guardian",
        Told("RoleGuardianChanged", "roleId", content=agrees_on("guardian")),
    ),
    _by_last("setGrantDelay(roleId,newDelay)", "role and delay", _GRANT_DELAY),
    _by_last("setTargetAdminDelay(target,newDelay)", "contract and delay", _ADMIN_DELAY),
    _setting(
        "setTargetClosed(target,closed)",
        "contract and whether it is closed",
        "isTargetClosed",
        "target",
        "closed",
        Told("TargetClosed", "target", content=agrees_on("closed")),
    ),
    Described(
        GOVERNANCE,
        "setTargetFunctionRole(target,selectors,roleId)",
        Known.STATE,
        "contract, functions and role",
        SAME,
        read_opening,
        tells(Told("TargetFunctionRoleUpdated", "target", named=agrees_on("roleId"))),
    ),
    Described(
        GOVERNANCE,
        "updateAuthority(target,newAuthority)",
        Known.STATE,
        "contract and authority",
        "AccessManagedUnauthorized: the old authority has no say any more",
        read_authority,
    ),
    Described(
        GOVERNANCE,
        "schedule(target,data,when)",
        Known.STATE,
        "caller, contract and calldata, while it waits",
        "AccessManagerAlreadyScheduled while it waits",
        read_schedule,
        tells(Told("OperationScheduled", named=agrees_on("target", "data"))),
    ),
    Described(
        GOVERNANCE,
        "cancel(caller,target,data)",
        Known.STATE,
        "caller, contract and calldata, by the last announcement",
        "AccessManagerNotScheduled",
        read_cancel,
        tells(Told("OperationCanceled")),
    ),
    Described(GOVERNANCE, "execute(target,data)", Known.STATE, "that of the act inside", "as the act inside"),
    Described(GOVERNANCE, "multicall(data)", Known.STATE, "those of the calls inside", "as the calls inside"),
    Described(
        GOVERNANCE,
        "consumeScheduledOp(caller,data)",
        Known.NOTHING,
        "none",
        "only the contract that is called uses up an announcement",
    ),
)
