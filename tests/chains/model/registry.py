"""The participant registry, as far as payments and their senders read it.

Changes come from the harness (the bank's acts) and not by transactions: sending only ever reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chains.model.abi import BadCalldata, Revert, address, custom_error, small, text, words
from chains.model.state import Draft, State
from pyjpm.contracts.codec import codec

# IParticipantRegistry.WalletStatus
NONE, LINKED, WALLET_SUSPENDED, UNLINKED, LOST = range(5)
# IParticipantRegistry.Status
ACTIVE, SUSPENDED, CLOSED = 1, 2, 3
CORPORATE = 2
ZERO = "0x" + "00" * 20

# Standing, in libraries/Reason.sol
GOOD = 0
_OF_WALLET = {NONE: 2, WALLET_SUSPENDED: 3, UNLINKED: 4, LOST: 5}
_CLOSED, _FROZEN, _SUSPENDED, _KYC_EXPIRED = 6, 7, 8, 9


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet as the registry names it."""

    participant: int
    status: int = LINKED
    successor: str = ZERO


@dataclass(frozen=True, slots=True)
class Participant:
    """An institution. ``wallet`` is the current one; times in unix seconds."""

    id: int
    wallet: str
    status: int = ACTIVE
    frozen: bool = False
    kyc_expiry: int = 4_000_000_000
    epoch: int = 1
    encryption_key: bytes = bytes(32)


Reads = State | Draft


def wallet_of(state: Reads, wallet: str) -> Wallet | None:
    """What the registry knows of a wallet."""
    found: Wallet | None = state.get(("wallet", wallet))
    return found


def resolve(state: Reads, wallet: str) -> str:
    """The wallet that has today what ``wallet`` had."""
    while (found := wallet_of(state, wallet)) is not None and found.status == LOST:
        wallet = found.successor
    return wallet


def standing_of(state: Reads, wallet: str, now: int) -> tuple[int, int]:
    """Standing and participant of a wallet; the wallet's own state comes first."""
    found = wallet_of(state, wallet)
    if found is None:
        return _OF_WALLET[NONE], 0
    if found.status != LINKED:
        return _OF_WALLET[found.status], found.participant
    return _of_participant(state.get(("participant", found.participant)), now), found.participant


def _of_participant(participant: Participant, now: int) -> int:
    if participant.frozen:
        return _FROZEN
    if participant.status == SUSPENDED:
        return _SUSPENDED
    if participant.status == CLOSED:
        return _CLOSED
    return _KYC_EXPIRED if now > participant.kyc_expiry else GOOD


def _wallet_of(state: Reads, data: bytes, now: int) -> bytes:
    found = wallet_of(state, address(data, 4))
    if found is None:
        return words(0, 0, NONE)
    epoch = state.get(("participant", found.participant)).epoch if found.status == LINKED else 0
    return words(found.participant, epoch, found.status)


def _current_wallet(state: Reads, data: bytes, now: int) -> bytes:
    found = state.get(("participant", small(data, 4, 32)))
    return words(ZERO if found is None else found.wallet)


def _participant_of(state: Reads, data: bytes, now: int) -> bytes:
    number = small(data, 4, 32)
    found = state.get(("participant", number))
    if found is None:
        raise custom_error("UnknownParticipant", number)
    identity = number.to_bytes(32, "big")
    return words(
        CORPORATE,
        found.status,
        found.frozen,
        0,
        found.kyc_expiry,
        276,
        0,
        found.epoch,
        found.wallet,
        0,
        identity,
        bytes(32),
        bytes(32),
        found.encryption_key,
    )


def _successor_of(state: Reads, data: bytes, now: int) -> bytes:
    found = wallet_of(state, address(data, 4))
    return words(ZERO if found is None else found.successor)


def _stop_of(state: Reads, data: bytes, now: int) -> int:
    found = state.get(("participant", small(data, 4, 32)))
    if found is None:
        return GOOD
    return _FROZEN if found.frozen else _SUSPENDED if found.status == SUSPENDED else GOOD


_VIEWS: dict[str, Callable[[Reads, bytes, int], bytes]] = {
    "walletOf": _wallet_of,
    "currentWallet": _current_wallet,
    "participantOf": _participant_of,
    "successorOf": _successor_of,
    "resolve": lambda state, data, now: words(resolve(state, address(data, 4))),
    "standingOf": lambda state, data, now: words(*standing_of(state, address(data, 4), now)),
    "participantCount": lambda state, data, now: words(state.get(("participants",), 0)),
    "isDepositToken": lambda state, data, now: words(state.get(("token", address(data, 4))) is not None),
    "flagsOf": lambda state, data, now: words(0),
    "stopOf": lambda state, data, now: words(_stop_of(state, data, now)),
    "isStopped": lambda state, data, now: words(_stop_of(state, data, now) != GOOD),
    "version": lambda state, data, now: text("1.0.0"),
}


class Registry:
    """The contract at one address."""

    def __init__(self, at: str) -> None:
        self.address = at
        abi = codec("ParticipantRegistry")
        self._views = {abi.selector(name): view for name, view in _VIEWS.items()}

    def run(self, draft: Draft, message: Any) -> bytes:
        """What a call answers. Raises Revert."""
        view = self._views.get(message.data[:4])
        message.gas_used += 5_000
        if view is None:
            raise Revert(b"")
        try:
            return view(draft, message.data, message.now)
        except BadCalldata:
            raise Revert(b"") from None
