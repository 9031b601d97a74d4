"""Participants and wallets, witnessed by the registry: identities and wallets are named once, stops by their orders."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from pyjpm.sending.witness import Verdict
from pyjpm.witnessing.described import Described, Known, absent, applied, conflict, named, unknown
from pyjpm.witnessing.questions import Plan, View, newest
from pyjpm.witnessing.settings import SAME
from pyjpm.witnessing.subject import REGISTRY, Subject
from pyjpm.witnessing.telling import Told, agrees_on, by_state, own, plain, tells

_SPONSOR_STOP: Final = 16  # Flags.SUSPENDED_BY_SPONSOR


class WalletStatus(IntEnum):
    """As the registry has it."""

    NONE = 0
    LINKED = 1
    SUSPENDED = 2
    UNLINKED = 3
    LOST = 4


class Status(IntEnum):
    """Of a participant, as the registry has it."""

    NONE = 0
    ACTIVE = 1
    SUSPENDED = 2
    CLOSED = 3


# --- admitting ---


def read_registration(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the identity is registered with this wallet and profile, by the same sponsor."""
    profile, wallet = subject["profile"], subject["wallet"]
    asked = [
        View(subject.address, REGISTRY, "participantByIdentity", (profile["identityHash"],)),
        View(subject.address, REGISTRY, "walletOf", (wallet,)),
        View(subject.address, REGISTRY, "walletOf", (subject.caller,)),
    ]
    participant, of_wallet, of_caller = yield asked
    if participant is None or of_wallet is None or of_caller is None:
        return unknown("a view did not answer")
    if not participant:
        # A wallet names one participant for ever.
        return conflict(wallet=wallet, participant=of_wallet[0]) if of_wallet[0] else absent()
    (known,) = yield [View(subject.address, REGISTRY, "participantOf", (participant,))]
    event = yield from newest(subject.address, REGISTRY, "ParticipantRegistered", 2, profile["identityHash"])
    if known is None or event is None:
        return unknown("registered, and no event of it was found")
    sponsor = of_caller[0] if subject.function == "onboardCustomer" else 0
    told = event.arguments
    found = {name: told[name] for name in ("kind", "jurisdiction", "kycExpiry")}
    found |= {"sponsor": known["sponsor"], "names": of_wallet[0] == participant}
    wanted = {name: profile[name] for name in ("kind", "jurisdiction", "kycExpiry")}
    wanted |= {"sponsor": sponsor, "names": True}
    if found == wanted:
        return applied(event, participant=participant)
    return conflict(event, participant=participant, found=found, asked=wanted)


def _tells_registration(subject: Subject, logs: Any) -> bool:
    told = Told("ParticipantRegistered", named=lambda each: {"identityHash": each["profile"]["identityHash"]})
    return tells(told)(subject, logs)


def _registration(function: str) -> Described:
    return Described(
        REGISTRY,
        f"{function}(profile,wallet,deadline,signature)",
        Known.LOCK,
        "identity hash",
        "IdentityAlreadyRegistered",
        read_registration,
        _tells_registration,
        lambda subject: [subject["profile"]["identityHash"]],
    )


# --- wallets ---


def _linking(function: str) -> Described:
    told = Told("WalletLinked", "wallet", 2, agrees_on("participant"))

    def read(subject: Subject) -> Plan[Verdict]:
        (seen,) = yield [View(subject.address, REGISTRY, "walletOf", (subject["wallet"],))]
        if seen is None:
            return unknown("a view did not answer")
        participant, _, status = seen
        state = WalletStatus(status)
        if participant and participant != subject["participant"]:
            return conflict(participant=participant, state=state.name)
        if state in (WalletStatus.NONE, WalletStatus.UNLINKED):
            return absent(state=state.name)
        event = yield from told.find(subject, told.name_of(subject))
        return applied(event, state=state.name)

    return Described(
        REGISTRY,
        f"{function}(participant,wallet,deadline,signature)",
        Known.STATE,
        "wallet, participant and the deadline of the wallet's word",
        "WalletAlreadyNamed; once unlinked SignatureNotNew",
        read,
        tells(told),
    )


def _unlinking(function: str) -> Described:
    told = Told("WalletUnlinked", "wallet", 2)
    return Described(
        REGISTRY,
        f"{function}(wallet)",
        Known.STATE,
        "wallet",
        "WalletNotLinked",
        by_state(own("walletOf", "wallet"), lambda subject, seen: seen[0][2] == WalletStatus.UNLINKED, told),
        tells(told),
    )


def read_recovery(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the wallet is lost to this successor by this order."""
    lost = subject["lost"]
    seen = yield [View(subject.address, REGISTRY, view, (lost,)) for view in ("walletOf", "successorOf")]
    if seen[0] is None or seen[1] is None:
        return unknown("a view did not answer")
    if seen[0][2] != WalletStatus.LOST:
        return absent(state=WalletStatus(seen[0][2]).name)
    event = yield from _RECOVERED.find(subject, {"lost": lost})
    if event is None:
        return unknown("lost, and no event of it was found")
    same = all(event.arguments[name] == value for name, value in _RECOVERED.content(subject).items())
    return applied(event) if same else conflict(event, found=plain(event.arguments))


_RECOVERED: Final = Told("WalletRecovered", "lost", 2, content=agrees_on("successor", "orderHash"))
_CHANGED: Final = Told("CurrentWalletChanged", "participant", content=lambda subject: {"current": subject["to"]})
_ASSET: Final = Told("AssetRegistered", "asset", content=agrees_on("depositToken"))
_KYC: Final = Told("KycRenewed", "participant", content=agrees_on("kycExpiry", "questionnaireHash"))
_PROFILE: Final = Told("ProfileUpdated", "participant", content=agrees_on("policyHash", "encryptionKey"))
_CLOSED: Final = Told("ParticipantClosed", "participant")
_GRANTED: Final = Told(
    "SponsorshipSet",
    named=lambda subject: {"sponsor": subject["participant"]},
    content=lambda subject: {
        "quota": subject["quota"],
        "longestKyc": subject["longestKyc"],
        "jurisdictions": subject["jurisdictions"],
    },
)


def read_asset(subject: Subject) -> Plan[Verdict]:
    """APPLIED where the asset is registered as what it is."""
    assets, cash = yield [
        View(subject.address, REGISTRY, "assets"),
        View(subject.address, REGISTRY, "isDepositToken", (subject["asset"],)),
    ]
    if assets is None or cash is None:
        return unknown("a view did not answer")
    if subject["asset"] not in assets:
        return absent()
    event = yield from _ASSET.find(subject, _ASSET.name_of(subject))
    return applied(event) if cash == subject["depositToken"] else conflict(event, deposit_token=cash)


# --- stops ---


def _participant(subject: Subject) -> list[View]:
    return [View(subject.address, REGISTRY, "participantOf", (subject["participant"],))]


def _stop(
    face: str, told: Told, views: Callable[[Subject], list[View]], holds: Callable[[Any], bool], again: str
) -> Described:
    return Described(
        REGISTRY,
        face,
        Known.STATE,
        "who is stopped, and the hash of the order or reason",
        again,
        by_state(views, lambda subject, seen: holds(seen[0]), told),
        tells(told),
    )


def _by(event: str, key: str, hashed: str, place: int = 1) -> Told:
    return Told(event, key, place, content=agrees_on(hashed))


_STOPS: Final = (
    _stop(
        "freeze(participant,orderHash)",
        _by("ParticipantFrozen", "participant", "orderHash"),
        _participant,
        lambda seen: bool(seen["frozen"]),
        "AlreadyStopped",
    ),
    _stop(
        "unfreeze(participant,orderHash)",
        _by("ParticipantUnfrozen", "participant", "orderHash"),
        _participant,
        lambda seen: not seen["frozen"],
        "NotStopped",
    ),
    _stop(
        "suspend(participant,reasonHash)",
        _by("ParticipantSuspended", "participant", "reasonHash"),
        _participant,
        lambda seen: seen["status"] == Status.SUSPENDED,
        "AlreadyStopped",
    ),
    _stop(
        "reinstate(participant,reasonHash)",
        _by("ParticipantReinstated", "participant", "reasonHash"),
        _participant,
        lambda seen: seen["status"] == Status.ACTIVE,
        "NotStopped",
    ),
    _stop(
        "suspendCustomer(participant,reasonHash)",
        _by("CustomerSuspended", "participant", "reasonHash", 2),
        _participant,
        lambda seen: bool(seen["flags"] & _SPONSOR_STOP),
        "AlreadyStopped",
    ),
    _stop(
        "reinstateCustomer(participant,reasonHash)",
        _by("CustomerReinstated", "participant", "reasonHash", 2),
        _participant,
        lambda seen: not seen["flags"] & _SPONSOR_STOP,
        "NotStopped",
    ),
    _stop(
        "suspendWallet(wallet,reasonHash)",
        _by("WalletSuspended", "wallet", "reasonHash", 2),
        own("walletOf", "wallet"),
        lambda seen: seen[2] == WalletStatus.SUSPENDED,
        "WalletNotLinked",
    ),
    _stop(
        "reinstateWallet(wallet,reasonHash)",
        _by("WalletReinstated", "wallet", "reasonHash", 2),
        own("walletOf", "wallet"),
        lambda seen: seen[2] in (WalletStatus.LINKED, WalletStatus.UNLINKED),
        "WalletNotSuspended",
    ),
)


# --- flags, pairs, profiles ---


def _flags(function: str, holds: Callable[[int, int], bool]) -> Described:
    return Described(
        REGISTRY,
        f"{function}(participant,flags)",
        Known.STATE,
        "participant and flags",
        SAME,
        by_state(own("flagsOf", "participant"), lambda subject, seen: holds(seen[0], subject["flags"])),
        tells(Told("FlagsChanged", "participant")),
    )


def _pair(function: str, event: str, permitted: bool) -> Described:
    told = Told(event, "from", named=agrees_on("to"))
    return Described(
        REGISTRY,
        f"{function}(from,to)",
        Known.STATE,
        "both jurisdictions",
        SAME,
        by_state(own("pairPermitted", "from", "to"), lambda subject, seen: seen[0] is permitted),
        tells(told),
    )


def _kyc(function: str) -> Described:
    return Described(
        REGISTRY,
        f"{function}(participant,kycExpiry,questionnaireHash)",
        Known.STATE,
        "participant, expiry and questionnaire",
        SAME,
        by_state(
            _participant,
            lambda subject, seen: all(seen[0][name] == value for name, value in _KYC.content(subject).items()),
            _KYC,
        ),
        tells(_KYC),
    )


def _closing(function: str) -> Described:
    return Described(
        REGISTRY,
        f"{function}(participant)",
        Known.LOCK,
        "participant",
        "ParticipantNotActive",
        by_state(_participant, lambda subject, seen: seen[0]["status"] == Status.CLOSED, _CLOSED),
        tells(_CLOSED),
        lambda subject: [named("close", subject["participant"])],
    )


DESCRIBED: Final = (
    _registration("register"),
    _registration("onboardCustomer"),
    _linking("linkWallet"),
    _linking("linkCustomerWallet"),
    _unlinking("unlinkWallet"),
    _unlinking("unlinkCustomerWallet"),
    Described(
        REGISTRY,
        "recoverWallet(lost,successor,orderHash)",
        Known.LOCK,
        "lost wallet",
        "WalletNotLinked",
        read_recovery,
        tells(_RECOVERED),
        lambda subject: [named("recoverWallet", subject["lost"])],
    ),
    Described(
        REGISTRY,
        "changeCurrentWallet(participant,to,deadline,signature)",
        Known.STATE,
        "participant and wallet; the participant's nonce is in what is signed",
        "SameWallet; later InvalidWalletSignature",
        by_state(own("currentWallet", "participant"), lambda subject, seen: seen[0] == subject["to"], _CHANGED),
        tells(_CHANGED),
    ),
    Described(
        REGISTRY,
        "registerAsset(asset,depositToken)",
        Known.LOCK,
        "asset",
        "AssetAlreadyRegistered",
        read_asset,
        tells(_ASSET),
        lambda subject: [named("registerAsset", subject["asset"])],
    ),
    _closing("close"),
    _closing("closeCustomer"),
    _kyc("renewKyc"),
    _kyc("renewCustomerKyc"),
    Described(
        REGISTRY,
        "updateProfile(participant,policyHash,encryptionKey)",
        Known.STATE,
        "participant and profile",
        SAME,
        by_state(
            _participant,
            lambda subject, seen: all(seen[0][name] == value for name, value in _PROFILE.content(subject).items()),
            _PROFILE,
        ),
        tells(_PROFILE),
    ),
    Described(
        REGISTRY,
        "setSponsorship(participant,quota,longestKyc,jurisdictions)",
        Known.STATE,
        "sponsor and all that it is granted",
        SAME,
        by_state(
            own("sponsorshipOf", "participant"),
            lambda subject, seen: seen[0][:2] == (subject["quota"], subject["longestKyc"]),
            _GRANTED,
        ),
        tells(_GRANTED),
    ),
    *_STOPS,
    _flags("addFlags", lambda has, flags: has & flags == flags),
    _flags("removeFlags", lambda has, flags: not has & flags),
    _pair("permitPair", "PairPermitted", True),
    _pair("forbidPair", "PairForbidden", False),
)
