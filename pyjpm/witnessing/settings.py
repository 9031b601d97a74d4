"""What a token is set to: limits, ceilings, notaries, pauses. Setting it again leaves it as it is, or is refused."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pyjpm.witnessing.described import Described, Known, named
from pyjpm.witnessing.subject import TOKEN
from pyjpm.witnessing.telling import Told, agrees_on, by_event, by_state, own, tells

SAME: Final = "the same state"


class NotaryStatus(IntEnum):
    """As the deposit token has it."""

    NONE = 0
    ACTIVE = 1
    RUN_OFF = 2
    STOPPED = 3


_LIMIT: Final = Told("DailyLimitSet", "participant", content=agrees_on("limit"))
_SPONSOR: Final = Told("SponsorCeilingSet", "sponsor", content=agrees_on("ceiling"))
_CEILING: Final = Told("MintCeilingSet", "issuer", content=agrees_on("ceiling"))
_RATE: Final = Told("MintRateSet", "issuer", content=agrees_on("amount", "period"))
_RESERVE: Final = Told("ReserveSet", content=agrees_on("reserve"))
_TIER: Final = Told("RetailTierSet", content=agrees_on("dailyLimit", "maxBalance"))
_ADMITTED: Final = Told("NotaryStatusChanged", "notary", named=lambda subject: {"status": int(NotaryStatus.ACTIVE)})


def _limit(function: str, again: str) -> Described:
    return Described(
        TOKEN,
        f"{function}(participant,limit)",
        Known.STATE,
        "participant and limit",
        again,
        by_state(own("dailyLimit", "participant"), lambda subject, seen: seen[0][0] == subject["limit"], _LIMIT),
        tells(_LIMIT),
    )


def _notary(function: str, status: NotaryStatus) -> Described:
    told = Told("NotaryStatusChanged", "notary", content=lambda subject: {"status": int(status)})
    return Described(
        TOKEN,
        f"{function}(notary)",
        Known.STATE,
        "notary and status",
        "InvalidNotary",
        by_state(own("notaryStatus", "notary"), lambda subject, seen: seen[0] == status, told),
        tells(told),
    )


def _pause(function: str, event: str, paused: bool, again: str) -> Described:
    told = Told(event)
    return Described(
        TOKEN,
        f"{function}()",
        Known.STATE,
        "none",
        again,
        by_state(own("paused"), lambda subject, seen: seen[0] is paused, told),
        tells(told),
    )


DESCRIBED: Final = (
    _limit("setDailyLimit", SAME),
    _limit("decreaseDailyLimit", "LimitNotLower"),
    _limit("setCustomerLimit", SAME),
    Described(
        TOKEN,
        "setSponsorCeiling(sponsor,ceiling)",
        Known.STATE,
        "sponsor and ceiling",
        SAME,
        by_state(own("sponsorCeiling", "sponsor"), lambda subject, seen: seen[0] == subject["ceiling"], _SPONSOR),
        tells(_SPONSOR),
    ),
    Described(
        TOKEN,
        "setRetailTier(dailyLimit,maxBalance)",
        Known.STATE,
        "limit and balance",
        SAME,
        by_state(
            own("retailTier"), lambda subject, seen: seen[0] == (subject["dailyLimit"], subject["maxBalance"]), _TIER
        ),
        tells(_TIER),
    ),
    Described(
        TOKEN,
        "setMintCeiling(issuer,ceiling)",
        Known.STATE,
        "issuer and ceiling",
        SAME,
        by_state(own("mintCeiling", "issuer"), lambda subject, seen: seen[0][0] == subject["ceiling"], _CEILING),
        tells(_CEILING),
    ),
    Described(
        TOKEN,
        "setMintRate(issuer,amount,period)",
        Known.STATE,
        "issuer and rate",
        "the same rate; what has not drained yet is rounded up once more",
        by_state(
            own("mintRate", "issuer"),
            lambda subject, seen: seen[0][:2] == (subject["amount"], subject["period"]),
            _RATE,
        ),
        tells(_RATE),
    ),
    Described(
        TOKEN,
        "setReserve(reserve)",
        Known.STATE,
        "reserve",
        SAME,
        by_state(own("reserve"), lambda subject, seen: seen[0] == subject["reserve"], _RESERVE),
        tells(_RESERVE),
    ),
    Described(
        TOKEN,
        "registerNotary(notary)",
        Known.LOCK,
        "notary",
        "NotaryAlreadyRegistered",
        by_event(_ADMITTED, own("notaryStatus", "notary"), lambda seen: seen[0] == NotaryStatus.NONE),
        tells(_ADMITTED),
        lambda subject: [named("registerNotary", subject.address, subject["notary"])],
    ),
    _notary("runOffNotary", NotaryStatus.RUN_OFF),
    _notary("stopNotary", NotaryStatus.STOPPED),
    _notary("resumeNotary", NotaryStatus.ACTIVE),
    _pause("pause", "Paused", True, "AlreadyPaused"),
    _pause("unpause", "Unpaused", False, "NotPaused"),
)
