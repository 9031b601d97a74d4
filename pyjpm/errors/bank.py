"""What can go wrong between the bank's account and the tokens: deposits, payouts, recalls, returns."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class BankError(PyjpmError):
    """Root of the errors of the bank side."""

    code: ClassVar[str] = "BANK_ERROR"


class AccountUnknown(BankError):
    """A message is about an account, or in a currency, that is none of the reserve's. Details: ``message_id``."""

    code: ClassVar[str] = "ACCOUNT_UNKNOWN"
    hint: ClassVar[str] = "Name the account when the bank side is opened, if it is one; otherwise nothing was taken in."


class EntryUnknown(BankError):
    """There is no such entry. Details: ``entry``."""

    code: ClassVar[str] = "ENTRY_UNKNOWN"
    hint: ClassVar[str] = "List the suspense account for the ids there are."


class EntryNotInSuspense(BankError):
    """The entry was decided about, or never needed to be. Details: ``entry``, ``state``."""

    code: ClassVar[str] = "ENTRY_NOT_IN_SUSPENSE"
    hint: ClassVar[str] = "What was decided first stands; look at the entry's state and its decisions."


class PayoutUnknown(BankError):
    """There is no such payout, or no such redemption on the chain. Details: ``payout`` or ``reference``."""

    code: ClassVar[str] = "PAYOUT_UNKNOWN"
    hint: ClassVar[str] = "Give the redemption's reference and currency as the chain has them."


class PayoutMismatch(BankError):
    """These are not the payout details that the redemption on the chain was requested with. Details: ``reference``."""

    code: ClassVar[str] = "PAYOUT_MISMATCH"
    hint: ClassVar[str] = "Ask the client for the details as they were when it requested; never pay on others."


class PayoutChannelMissing(BankError):
    """Money is to leave, and there is no channel to the bank. Details: none."""

    code: ClassVar[str] = "PAYOUT_CHANNEL_MISSING"
    hint: ClassVar[str] = "Open the bank side with channel=…, such as a FileChannel."


class RecallUnknown(BankError):
    """There is no such recall. Details: ``recall``."""

    code: ClassVar[str] = "RECALL_UNKNOWN"
    hint: ClassVar[str] = "List the recalls for the ids there are."


class PayoutNotStuck(BankError):
    """Nothing of the payout waits for somebody. Details: ``payout``, ``state``."""

    code: ClassVar[str] = "PAYOUT_NOT_STUCK"
    hint: ClassVar[str] = "It goes on by itself, or has ended: list the payouts."


class RecallNotOpen(BankError):
    """The recall was decided about, or nothing was frozen for it. Details: ``recall``, ``state``."""

    code: ClassVar[str] = "RECALL_NOT_OPEN"
    hint: ClassVar[str] = "What was decided first stands."


class Shortfall(BankError):
    """The depositor has too little left to reverse the deposit; the amount stays frozen, whatever comes is caught.

    Details: ``recall``, ``participant``, ``currency``, ``wanted``, ``there`` (minor units).
    """

    code: ClassVar[str] = "SHORTFALL"
    hint: ClassVar[str] = "Claim the difference from the depositor; reverse again once it is there, or lift the freeze."


class TreasuryMissing(BankError):
    """A reversal needs a participant of the bank's own to take the money back to. Details: none."""

    code: ClassVar[str] = "TREASURY_MISSING"
    hint: ClassVar[str] = "Open the bank side with treasury=…, a client acting for the bank's system account."


class BankConfigInvalid(BankError):
    """The configuration of the bank side says something that it cannot say. Details: ``part``."""

    code: ClassVar[str] = "BANK_CONFIG_INVALID"
    hint: ClassVar[str] = "Correct the part named; docs/bank.md describes the file."
