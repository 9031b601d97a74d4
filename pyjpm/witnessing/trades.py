"""Trades, witnessed by trade id and state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

from pyjpm.chain.values import Log
from pyjpm.contracts.codec import Event
from pyjpm.contracts.eip712 import struct_hash
from pyjpm.sending.witness import Effect, Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, emits, named, unknown
from pyjpm.witnessing.questions import Plan, View, newest, together
from pyjpm.witnessing.subject import Subject
from pyjpm.witnessing.telling import agrees

SETTLEMENT: Final = "Settlement"


class TradeState(IntEnum):
    """As the settlement has it."""

    NONE = 0
    AFFIRMED = 1
    SETTLED = 2
    CANCELLED = 3
    EXPIRED = 4


def trade_id(trade: Any) -> bytes:
    """The id of a trade's terms."""
    return struct_hash("Trade", trade)


def event_of(subject: Subject, event: str, trade: bytes, **told: object) -> Plan[Event | None]:
    """The newest event of a kind about a trade that says this."""
    return newest(subject.address, SETTLEMENT, event, 1, trade, lambda each: agrees(each, told))


def _seen(subject: Subject, trade: bytes) -> Plan[Any]:
    (seen,) = yield [View(subject.address, SETTLEMENT, "tradeOf", (trade,))]
    return seen


# --- affirming ---


def affirmation(subject: Subject, wallets: Sequence[str]) -> Plan[Verdict]:
    """APPLIED where these wallets have affirmed; settling by signatures or nets affirms too."""
    trade = trade_id(subject["trade"])
    seen, parties = yield [
        View(subject.address, SETTLEMENT, "tradeOf", (trade,)),
        View(subject.address, SETTLEMENT, "walletsOf", (subject["trade"],)),
    ]
    if seen is None or parties is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    bits = [1 << parties.index(wallet) if wallet in parties else 0 for wallet in wallets]
    if all(bit & seen["affirmations"] for bit in bits):
        event = yield from event_of(subject, "TradeAffirmed", trade, wallet=wallets[-1])
        return applied(event, state=state.name)
    return conflict(state=state.name) if state is TradeState.CANCELLED else absent(state=state.name)


def read_affirm(subject: Subject) -> Plan[Verdict]:
    """The caller's own affirmation."""
    return affirmation(subject, [subject.caller])


def read_affirmations(subject: Subject) -> Plan[Verdict]:
    """Those that are brought along."""
    return affirmation(subject, [each["wallet"] for each in subject["affirmations"]])


# --- settling ---


def settled(subject: Subject, trade: bytes) -> Plan[Verdict]:
    """APPLIED where the trade is settled as a whole, CONFLICT where it was cancelled."""
    seen = yield from _seen(subject, trade)
    if seen is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    if state is TradeState.SETTLED:
        event = yield from event_of(subject, "TradeSettled", trade, complete=True)
        return applied(event, state=state.name)
    say = conflict if state is TradeState.CANCELLED else absent
    return say(state=state.name, lots_settled=seen["lotsSettled"])


def read_settle(subject: Subject) -> Plan[Verdict]:
    """The whole trade, or what is left of it."""
    return settled(subject, trade_id(subject["trade"]))


def read_lots(subject: Subject) -> Plan[Verdict]:
    """APPLIED where exactly these lots were settled together, CONFLICT where others were first."""
    trade = trade_id(subject["trade"])
    seen = yield from _seen(subject, trade)
    if seen is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    if seen["lotsSettled"] > subject["firstLot"]:
        lots = {"firstLot": subject["firstLot"], "lots": subject["count"]}
        event = yield from event_of(subject, "TradeSettled", trade, **lots)
        if event is not None:
            return applied(event, state=state.name)
        return conflict(state=state.name, lots_settled=seen["lotsSettled"])
    say = conflict if state is TradeState.CANCELLED else absent
    return say(state=state.name, lots_settled=seen["lotsSettled"])


def read_net(subject: Subject) -> Plan[Verdict]:
    """All trades settle together, or none does."""
    ids = [trade_id(item["trade"]) for item in subject["trades"]]
    verdicts = yield from together([settled(subject, each) for each in ids])
    lists: dict[str, list[str]] = {}
    for each, verdict in zip(ids, verdicts, strict=True):
        lists.setdefault(verdict.effect.value.lower(), []).append("0x" + each.hex())
    effects = {verdict.effect for verdict in verdicts}
    if Effect.UNKNOWN in effects:
        return unknown("a trade could not be read")
    if effects == {Effect.APPLIED}:
        last = max(verdicts, key=lambda verdict: verdict.block or 0)
        together_ = len({verdict.tx_hash for verdict in verdicts}) == 1
        return Verdict(Effect.APPLIED, last.tx_hash if together_ else None, last.block, {"trades": lists})
    if effects == {Effect.ABSENT}:
        return absent(trades=lists)
    return conflict(trades=lists, partial=Effect.APPLIED in effects)


# --- ending ---


def read_cancel(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the trade is cancelled, CONFLICT where it settled."""
    trade = trade_id(subject["trade"])
    seen = yield from _seen(subject, trade)
    if seen is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    if state is TradeState.CANCELLED:
        event = yield from event_of(subject, "TradeCancelled", trade)
        return applied(event, state=state.name)
    say = conflict if state is TradeState.SETTLED else absent
    return say(state=state.name)


def read_release(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the hold was given back, CONFLICT where its cash was paid out."""
    trade = trade_id(subject["trade"])
    held, seen = yield [
        View(subject.address, SETTLEMENT, "heldFor", (trade, subject["token"], subject["payer"])),
        View(subject.address, SETTLEMENT, "tradeOf", (trade,)),
    ]
    if held is None or seen is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    if held:
        return absent(state=state.name, held=held)
    about = {"token": subject["token"], "payer": subject["payer"]}
    event = yield from event_of(subject, "CashReleased", trade, **about)
    if event is not None:
        return applied(event, state=state.name)
    return conflict(state=state.name) if state is TradeState.SETTLED else absent(state=state.name)


def read_hold(subject: Subject) -> Plan[Verdict]:
    """Cash held by the payer's own call: ``holdAndCall`` to the settlement, which affirms too."""
    trade = trade_id(subject["trade"])
    held, seen = yield [
        View(subject.address, SETTLEMENT, "heldFor", (trade, subject["token"], subject["payer"])),
        View(subject.address, SETTLEMENT, "tradeOf", (trade,)),
    ]
    if held is None or seen is None:
        return unknown("a view did not answer")
    state = TradeState(seen["state"])
    event = yield from event_of(subject, "CashHeld", trade, token=subject["token"], payer=subject["payer"])
    if event is not None:
        return applied(event, state=state.name, held=held)
    over = state in (TradeState.SETTLED, TradeState.CANCELLED)
    return conflict(state=state.name) if over else absent(state=state.name)


def _tells(event: str, **fixed: object) -> Callable[[Subject, Sequence[Log]], bool]:
    return lambda subject, logs: emits(subject, logs, event, tradeId=trade_id(subject["trade"]), **fixed)


def _tells_lots(subject: Subject, logs: Sequence[Log]) -> bool:
    lots = {"firstLot": subject["firstLot"], "lots": subject["count"]}
    return emits(subject, logs, "TradeSettled", tradeId=trade_id(subject["trade"]), **lots)


def _tells_net(subject: Subject, logs: Sequence[Log]) -> bool:
    ids = [trade_id(item["trade"]) for item in subject["trades"]]
    return all(emits(subject, logs, "TradeSettled", tradeId=each, complete=True) for each in ids)


def _tells_release(subject: Subject, logs: Sequence[Log]) -> bool:
    about = {"token": subject["token"], "payer": subject["payer"]}
    return emits(subject, logs, "CashReleased", tradeId=trade_id(subject["trade"]), **about)


def tells_hold(subject: Subject, logs: Sequence[Log]) -> bool:
    """Whether the cash was held for the trade."""
    about = {"token": subject["token"], "payer": subject["payer"]}
    return emits(subject, logs, "CashHeld", tradeId=trade_id(subject["trade"]), **about)


def _name(subject: Subject) -> list[bytes]:
    return [named(subject.function, trade_id(subject["trade"]))]


DESCRIBED: Final = (
    # Who has affirmed already and affirms again changes nothing, and no event says so.
    Described(
        SETTLEMENT,
        "affirm(trade)",
        Known.LOCK,
        "trade and wallet",
        "no second affirmation",
        read_affirm,
        None,
        lambda subject: [named("affirm", trade_id(subject["trade"]), subject.caller)],
    ),
    Described(
        SETTLEMENT,
        "affirmBySignature(trade,affirmations)",
        Known.LOCK,
        "trade and wallets",
        "no second affirmation",
        read_affirmations,
        None,
        lambda subject: [
            named("affirm", trade_id(subject["trade"]), each["wallet"]) for each in subject["affirmations"]
        ],
    ),
    Described(
        SETTLEMENT,
        "settle(trade,affirmations,consents)",
        Known.LOCK,
        "trade",
        "TradeNotLive",
        read_settle,
        _tells("TradeSettled", complete=True),
        _name,
    ),
    Described(
        SETTLEMENT,
        "settleLots(trade,firstLot,count,affirmations,consents)",
        Known.LOCK,
        "trade and lots",
        "LotOutOfTurn",
        read_lots,
        _tells_lots,
        lambda subject: [named("lots", trade_id(subject["trade"]), subject["firstLot"], subject["count"])],
    ),
    Described(
        SETTLEMENT,
        "settleNet(trades,assetsGross)",
        Known.LOCK,
        "all its trades",
        "TradeNotLive",
        read_net,
        _tells_net,
        lambda subject: [named("settle", trade_id(item["trade"])) for item in subject["trades"]],
    ),
    Described(
        SETTLEMENT, "cancel(trade)", Known.LOCK, "trade", "TradeNotLive", read_cancel, _tells("TradeCancelled"), _name
    ),
    Described(
        SETTLEMENT,
        "cancelTogether(trade,deadline,cancellations)",
        Known.LOCK,
        "trade",
        "TradeNotLive",
        read_cancel,
        _tells("TradeCancelled"),
        lambda subject: [named("cancel", trade_id(subject["trade"]))],
    ),
    Described(
        SETTLEMENT,
        "releaseHold(trade,token,payer)",
        Known.LOCK,
        "trade, token and payer",
        "NothingHeld",
        read_release,
        _tells_release,
        lambda subject: [named("releaseHold", trade_id(subject["trade"]), subject["token"], subject["payer"])],
    ),
)
