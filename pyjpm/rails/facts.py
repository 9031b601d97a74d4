"""What the rules look at: facts of one payment at one moment, gathered before anything is decided.

Decisions that govern this module:

* A creditor is on chain if the directory says which participant it is. A name alone is never matched: who is not
  mapped is not on chain, and the rules say what then.
* A party that the bank or a sponsor has stopped is not paid by another rail: that would go around the stop. A closed
  participant is not on chain any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from pyjpm.participants import Participant
from pyjpm.platform import Platform
from pyjpm.rails.instruction import Instruction, Party
from pyjpm.rails.rulebook import CutOff, Rulebook
from pyjpm.restrictions import Flags

_NO_KEY: Final = "0x" + 64 * "0"


class Directory(Protocol):
    """Who knows which participant an outside identifier belongs to."""

    def resolve(self, scheme: str, identifier: str, at: int) -> int | None:
        """The participant, by an identifier such as an IBAN, at a unix second; None where it is not mapped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one payment when its rail is chosen.

    Attributes:
        at: unix seconds.
        payer, payee: participants; ``payee`` is None where the creditor is not on chain.
        payee_wallet: its current wallet.
        can_seal: both have published a key to seal to, so that what a token payment is for can travel with it.
        stopped: why neither rail may be taken, empty where nothing stops it.
        internal: both are of the group.
        currency_on_chain: the platform has a deposit token of the currency.
        before_cut_off: whether a SWIFT message still makes the requested day; None where no cut-off is set.
        no_token, no_swift: why a rail is not possible, empty where it is.
        earlier: how many payments to this creditor were asked for in so many days before.
    """

    instruction: Instruction
    at: int
    payer: int
    payee: int | None
    payee_wallet: str | None
    can_seal: bool
    stopped: str
    internal: bool
    currency_on_chain: bool
    before_cut_off: bool | None
    no_token: str
    no_swift: str
    earlier: Callable[[int], int]


def gather(
    platform: Platform,
    rulebook: Rulebook,
    instruction: Instruction,
    *,
    directory: Directory,
    at: int,
    earlier: Callable[[int], int],
    no_swift: str,
) -> Facts:
    """The facts of a payment of the acting participant.

    Args:
        at: now, unix seconds.
        earlier: counts payments to the same creditor in so many days before.
        no_swift: why no message can be sent at all, empty where it can.
    """
    payer = platform.session.participant
    creditor = instruction.creditor
    mapped = creditor.scheme != "ACCOUNT"
    payee = directory.resolve(creditor.scheme, creditor.identifier, at) if mapped else None
    itself = platform.participants.get(payer)
    found = None if payee is None else platform.participants.get(payee)
    if found is not None and found.status == "CLOSED":
        payee, found = None, None
    now = platform.session.now()
    stopped = _stop(itself, "debtor", now) or ("" if found is None else _stop(found, "creditor", now))
    on_chain = instruction.amount.currency in platform.record.tokens
    members = rulebook.group.participants
    cut_off = rulebook.cut_off.get(instruction.amount.currency)
    return Facts(
        instruction=instruction,
        at=at,
        payer=payer,
        payee=payee,
        payee_wallet=None if found is None else found.wallet,
        can_seal=found is not None and _NO_KEY not in (itself.encryption_key, found.encryption_key),
        stopped=stopped,
        internal=payer in members and payee in members,
        currency_on_chain=on_chain,
        before_cut_off=None if cut_off is None else is_in_time(cut_off, instruction, at),
        no_token=_no_token(instruction, payer, payee, on_chain),
        no_swift=no_swift or _no_swift(instruction.debtor, instruction.creditor),
        earlier=earlier,
    )


def is_in_time(cut_off: CutOff, instruction: Instruction, at: int) -> bool:
    """Whether a message sent at this unix second still makes the requested day."""
    day = instruction.requested
    if not cut_off.is_business_day(day):
        return False
    # As seconds: two times of one zone are compared by what the clock shows, and where it goes back it shows it twice.
    return at < datetime.combine(day, cut_off.at, ZoneInfo(cut_off.zone)).timestamp()


def _stop(found: Participant, who: str, now: int) -> str:
    if found.frozen:
        why = "is frozen"
    elif found.status != "ACTIVE":
        why = f"is {found.status}"
    elif found.flags & Flags.SUSPENDED_BY_SPONSOR:
        why = "was suspended by its sponsor"
    elif found.kyc_expiry < now:
        why = "has no KYC in date"
    else:
        return ""
    return f"the {who} (participant {found.id}) {why}"


def _no_token(instruction: Instruction, payer: int, payee: int | None, on_chain: bool) -> str:
    if not on_chain:
        return f"the platform has no {instruction.amount.currency}"
    if payee is None:
        return "the creditor is not on chain"
    return "debtor and creditor are the same participant" if payee == payer else ""


def _no_swift(debtor: Party, creditor: Party) -> str:
    for who, party in (("debtor", debtor), ("creditor", creditor)):
        if not party.agent:
            return f"the {who}'s bank (BIC) is not named"
    return ""
