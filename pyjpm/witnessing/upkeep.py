"""What is no operation of ours: called once by who deploys, by other contracts, or by nobody. And upgrades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pyjpm.chain.values import Log
from pyjpm.sending.witness import Verdict
from pyjpm.witnessing import order_table
from pyjpm.witnessing.assets import TITLES, UNITS
from pyjpm.witnessing.described import Described, Known, absent, applied, emits
from pyjpm.witnessing.orders import ESCROW
from pyjpm.witnessing.questions import Plan, newest
from pyjpm.witnessing.reserve import RESERVE
from pyjpm.witnessing.subject import REGISTRY, TOKEN, Subject
from pyjpm.witnessing.trades import SETTLEMENT

_PROXY: Final = "PlatformProxy"


def read_upgrade(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the newest upgrade was to this code."""
    event = yield from newest(subject.address, _PROXY, "Upgraded", 0, b"")
    if event is None or event.arguments["implementation"] != subject["newImplementation"]:
        return absent()
    return applied(event)


def _tells_upgrade(subject: Subject, logs: Sequence[Log]) -> bool:
    return emits(replace(subject, artifact=_PROXY), logs, "Upgraded", implementation=subject["newImplementation"])


def _nothing(artifact: str, again: str, *faces: str) -> tuple[Described, ...]:
    return tuple(Described(artifact, face, Known.NOTHING, "none", again) for face in faces)


_ONCE: Final = "InvalidInitialization: the proxy's constructor calls it, once"
_MANAGER: Final = "only the access manager calls it (updateAuthority)"
_REGISTRY: Final = "only the registry calls it (recoverWallet)"
_NEVER: Final = "moves again what is asked: no reference names it, so the SDK never sends it; pay does"
_NEVER_ASSETS: Final = "moves again what is asked: nothing names it, so the SDK never sends it; assets go by settlement"
_ALLOWS: Final = "allows again as much: nothing names it, so the SDK never sends it"
_INSIDE: Final = "code that its contract runs in its own storage; called directly it knows nothing and moves nothing"


def _inside(artifact: str, functions: tuple[str, ...]) -> tuple[Described, ...]:
    faces = {each.function: each.face for each in order_table.DESCRIBED}
    return _nothing(artifact, _INSIDE, *(faces[function] for function in functions))


DESCRIBED: Final = (
    *(
        Described(
            artifact,
            "upgradeToAndCall(newImplementation,data)",
            Known.STATE,
            "proxy and code",
            "the same code; what is called inside must refuse a second time, as initializers do",
            read_upgrade,
            _tells_upgrade,
        )
        for artifact in (TOKEN, REGISTRY, RESERVE)
    ),
    *_nothing(TOKEN, _ONCE, "initialize(authority,name,symbol,currency,decimals)"),
    *_nothing(REGISTRY, _ONCE, "initialize(authority)"),
    *_nothing(RESERVE, _ONCE, "initialize(authority,auditors,threshold)"),
    *(
        row
        for artifact in (TOKEN, REGISTRY, RESERVE, ESCROW, TITLES, UNITS)
        for row in _nothing(artifact, _MANAGER, "setAuthority(newAuthority)")
    ),
    *(
        row
        for artifact in (TOKEN, TITLES, UNITS)
        for row in _nothing(artifact, _REGISTRY, "recover(lost,successor,orderHash)")
    ),
    *(
        row
        for artifact in (ESCROW, SETTLEMENT)
        for row in _nothing(artifact, "only a deposit token calls it (holdAndCall)", "onHold(payer,amount,ref,data)")
    ),
    *_nothing(TOKEN, _NEVER, "transfer(to,amount)", "transferFrom(from,to,amount)"),
    *_nothing(TOKEN, _ALLOWS, "approve(spender,amount)", "permit(owner,spender,value,deadline,v,r,s)"),
    *_nothing(UNITS, _NEVER_ASSETS, "transfer(to,value)", "transferFrom(from,to,value)"),
    *_nothing(UNITS, _ALLOWS, "permit(owner,spender,value,deadline,v,r,s)"),
    *_nothing(
        TITLES,
        _NEVER_ASSETS,
        "transferFrom(from,to,id)",
        "safeTransferFrom(from,to,id)",
        "safeTransferFrom(from,to,id,data)",
    ),
    *_nothing(TITLES, _ALLOWS, "setApprovalForAll(operator,approved)"),
    *_inside("OrderAmendments", ("amend", "refundReleased")),
    *_inside(
        "OrderExtension",
        (
            "agree",
            "attestMany",
            "cancel",
            "cancelByOrder",
            "cancelTogether",
            "decideByFallback",
            "dispute",
            "refund",
            "releaseMany",
            "rule",
            "writeOff",
        ),
    ),
    *_nothing("SettlementNet", _INSIDE, "settleNet(trades,assetsGross)"),
)
