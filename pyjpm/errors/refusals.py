"""Why money does not move: one class for each value of the contracts' ``Reason``, the same from chain to Python."""

from __future__ import annotations

from pyjpm.errors.contracts import Refusal


class TokenPaused(Refusal):
    """The token is paused."""

    reason = 1
    code = "TOKEN_PAUSED"
    says = "The token is paused."
    hint = "Wait until the bank resumes it; nothing is lost."


class CallerRefused(Refusal):
    """The caller `account` is neither an unstopped linked wallet nor an operator."""

    reason = 2
    code = "CALLER_REFUSED"
    says = "The caller {account} is neither an unstopped linked wallet nor an operator."
    hint = "Call with a linked wallet."


class CallerStopped(Refusal):
    """The caller `account` is stopped."""

    reason = 3
    code = "CALLER_STOPPED"
    says = "The caller {account} is stopped."
    hint = "Clear it with the bank."


class NotNotary(Refusal):
    """`account` is not a notary of this token."""

    reason = 4
    code = "NOT_NOTARY"
    says = "{account} is not a notary of this token."
    hint = "Have governance register it."


class NotaryRunOff(Refusal):
    """The notary `account` is running off: no new holds."""

    reason = 5
    code = "NOTARY_RUN_OFF"
    says = "The notary {account} is running off: no new holds."
    hint = "Use the contract that replaced it."


class NotaryStopped(Refusal):
    """The notary `account` is stopped."""

    reason = 6
    code = "NOTARY_STOPPED"
    says = "The notary {account} is stopped."
    hint = "Wait for governance."


class NotIssuer(Refusal):
    """`account` is not an issuer."""

    reason = 7
    code = "NOT_ISSUER"
    says = "{account} is not an issuer."
    hint = "Act with a signer that has the issuer role."


class NotCompliance(Refusal):
    """`account` does not have the compliance role for this."""

    reason = 8
    code = "NOT_COMPLIANCE"
    says = "{account} does not have the compliance role for this."
    hint = "Act with a signer that has the role."


class PayerUnknown(Refusal):
    """The payer's wallet `account` was never linked to a participant."""

    reason = 9
    code = "PAYER_UNKNOWN"
    says = "The payer's wallet {account} was never linked to a participant."
    hint = "Onboard the payer first."


class PayerWalletSuspended(Refusal):
    """The payer's wallet `account` is suspended."""

    reason = 10
    code = "PAYER_WALLET_SUSPENDED"
    says = "The payer's wallet {account} is suspended."
    hint = "Use another wallet, or clear it with the bank."


class PayerWalletUnlinked(Refusal):
    """The payer's wallet `account` is no longer linked."""

    reason = 11
    code = "PAYER_WALLET_UNLINKED"
    says = "The payer's wallet {account} is no longer linked."
    hint = "Link it again, or use another wallet."


class PayerWalletLost(Refusal):
    """The payer's wallet `account` was declared lost."""

    reason = 12
    code = "PAYER_WALLET_LOST"
    says = "The payer's wallet {account} was declared lost."
    hint = "Use its successor."


class PayerClosed(Refusal):
    """The payer behind `account` is closed."""

    reason = 13
    code = "PAYER_CLOSED"
    says = "The payer behind {account} is closed."
    hint = "A closed participant cannot pay."


class PayerFrozen(Refusal):
    """The payer behind `account` is frozen."""

    reason = 14
    code = "PAYER_FROZEN"
    says = "The payer behind {account} is frozen."
    hint = "Clear it with the bank's compliance."


class PayerSuspended(Refusal):
    """The payer behind `account` is suspended."""

    reason = 15
    code = "PAYER_SUSPENDED"
    says = "The payer behind {account} is suspended."
    hint = "Clear it with the bank."


class PayerKycExpired(Refusal):
    """The KYC of the payer behind `account` has expired."""

    reason = 16
    code = "PAYER_KYC_EXPIRED"
    says = "The KYC of the payer behind {account} has expired."
    hint = "Renew it (participants.renew_kyc)."


class PayeeUnknown(Refusal):
    """The payee's wallet `account` was never linked to a participant."""

    reason = 17
    code = "PAYEE_UNKNOWN"
    says = "The payee's wallet {account} was never linked to a participant."
    hint = "Onboard the payee first."


class PayeeWalletSuspended(Refusal):
    """The payee's wallet `account` is suspended."""

    reason = 18
    code = "PAYEE_WALLET_SUSPENDED"
    says = "The payee's wallet {account} is suspended."
    hint = "Ask the payee for another wallet."


class PayeeWalletUnlinked(Refusal):
    """The payee's wallet `account` is no longer linked."""

    reason = 19
    code = "PAYEE_WALLET_UNLINKED"
    says = "The payee's wallet {account} is no longer linked."
    hint = "Ask the payee for its current wallet."


class PayeeWalletLost(Refusal):
    """The payee's wallet `account` was declared lost."""

    reason = 20
    code = "PAYEE_WALLET_LOST"
    says = "The payee's wallet {account} was declared lost."
    hint = "Ask the payee for its current wallet."


class PayeeClosed(Refusal):
    """The payee behind `account` is closed."""

    reason = 21
    code = "PAYEE_CLOSED"
    says = "The payee behind {account} is closed."
    hint = "A closed participant cannot be paid."


class PayeeFrozen(Refusal):
    """The payee behind `account` is frozen."""

    reason = 22
    code = "PAYEE_FROZEN"
    says = "The payee behind {account} is frozen."
    hint = "Wait; what is held for it keeps waiting."


class PayeeSuspended(Refusal):
    """The payee behind `account` is suspended."""

    reason = 23
    code = "PAYEE_SUSPENDED"
    says = "The payee behind {account} is suspended."
    hint = "Wait; what is held for it keeps waiting."


class PayeeKycExpired(Refusal):
    """The KYC of the payee behind `account` has expired."""

    reason = 24
    code = "PAYEE_KYC_EXPIRED"
    says = "The KYC of the payee behind {account} has expired."
    hint = "Have it renewed; what is held for it keeps waiting."


class InsufficientAvailable(Refusal):
    """`account` has `has` available, `needs` are needed (minor units)."""

    reason = 25
    code = "INSUFFICIENT_AVAILABLE"
    says = "{account} has {has} available, {needs} are needed (minor units)."
    hint = "Deposit more, or wait for money that is held."


class InsufficientHeld(Refusal):
    """The notary holds `has` of `account`, `needs` are needed (minor units)."""

    reason = 26
    code = "INSUFFICIENT_HELD"
    says = "The notary holds {has} of {account}, {needs} are needed (minor units)."
    hint = "Refresh the order or trade."


class InsufficientUnheld(Refusal):
    """`account` has `has` that is not held, `needs` are needed (minor units)."""

    reason = 27
    code = "INSUFFICIENT_UNHELD"
    says = "{account} has {has} that is not held, {needs} are needed (minor units)."
    hint = "Seize at most that; held money waits for its order."


class DailyLimitExceeded(Refusal):
    """The participant behind `account` would have moved `needs` today, its daily limit is `has` (minor units)."""

    reason = 28
    code = "DAILY_LIMIT_EXCEEDED"
    says = "The participant behind {account} would have moved {needs} today, its daily limit is {has} (minor units)."
    hint = "Wait for the next UTC day, or ask the bank for a higher limit."


class MintCeilingExceeded(Refusal):
    """The issuer `account` would have `needs` outstanding, its ceiling is `has` (minor units)."""

    reason = 29
    code = "MINT_CEILING_EXCEEDED"
    says = "The issuer {account} would have {needs} outstanding, its ceiling is {has} (minor units)."
    hint = "Ask governance for a higher ceiling."


class SameAccount(Refusal):
    """`account` would be on both sides."""

    reason = 30
    code = "SAME_ACCOUNT"
    says = "{account} would be on both sides."
    hint = "Name two different accounts."


class PayerSponsorSuspended(Refusal):
    """The bank that sponsors the payer behind `account` is suspended."""

    reason = 31
    code = "PAYER_SPONSOR_SUSPENDED"
    says = "The bank that sponsors the payer behind {account} is suspended."
    hint = "Ask the platform's bank; money already held for an order waits and is not lost."


class PayeeSponsorSuspended(Refusal):
    """The bank that sponsors the payee behind `account` is suspended."""

    reason = 32
    code = "PAYEE_SPONSOR_SUSPENDED"
    says = "The bank that sponsors the payee behind {account} is suspended."
    hint = "Wait until it is reinstated, or use another payee."


class PairRefused(Refusal):
    """Money may not go to `account`: the payer's jurisdiction may not pay the payee's."""

    reason = 33
    code = "PAIR_REFUSED"
    says = "Money may not go to {account}: the payer's jurisdiction may not pay the payee's."
    hint = "Use SWIFT, or have governance allow this pair of jurisdictions."


class ClearanceMissing(Refusal):
    """The participant behind `account` moves money only with the bank's clearance of that very call."""

    reason = 34
    code = "CLEARANCE_MISSING"
    says = "The participant behind {account} moves money only with the bank's clearance of that very call."
    hint = "Have the bank clear the call, consent, mandate or authorization, and send it with the clearance."


class NotClearable(Refusal):
    """The participant behind `account` may not use this call: it could be repeated under one clearance."""

    reason = 35
    code = "NOT_CLEARABLE"
    says = (
        "The participant behind {account} must use calls that happen once: a clearance could be used again on this one."
    )
    hint = "Use pay, payBatch, holdAndCall or a redemption."


class PayeeBalanceCeilingExceeded(Refusal):
    """`account` would hold `needs`, a retail customer may hold `has` (minor units)."""

    reason = 36
    code = "PAYEE_BALANCE_CEILING_EXCEEDED"
    says = "{account} would hold {needs}, a retail customer may hold {has} (minor units)."
    hint = "Pay less, or pay to another account of the payee."


class MintRateExceeded(Refusal):
    """The issuer `account` asks for `needs`, its rate leaves `has` now (minor units)."""

    reason = 37
    code = "MINT_RATE_EXCEEDED"
    says = "The issuer {account} asks for {needs}, its rate leaves {has} now (minor units)."
    hint = "Wait until the rate has room again, or ask governance for a higher one."


class ReserveMissing(Refusal):
    """No reserve stands behind the token `account`."""

    reason = 38
    code = "RESERVE_MISSING"
    says = "No reserve stands behind the token {account}."
    hint = "Have governance name the reserve."


class ReserveStale(Refusal):
    """The attestation of the reserve `account` is not fresh."""

    reason = 39
    code = "RESERVE_STALE"
    says = "The attestation of the reserve {account} is not fresh."
    hint = "Have the auditors attest anew; redemption goes on."


class ReserveShort(Refusal):
    """The supply would be `needs`, `has` is attested (minor units)."""

    reason = 40
    code = "RESERVE_SHORT"
    says = "The supply would be {needs}, {has} is attested (minor units)."
    hint = "Have the auditors attest the new deposits first; redemption goes on."
