"""What the reserve refuses, and what stands in the way before anything is sent."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidAuditor(ContractError):
    """`auditor` cannot be an auditor."""

    solidity = "InvalidAuditor"
    code = "INVALID_AUDITOR"
    says = "{auditor} cannot be an auditor."
    hint = "Give the address of an auditor's key; a signature begins with its signer's address."


class AuditorKnown(ContractError):
    """`auditor` is an auditor, or was one."""

    solidity = "AuditorKnown"
    code = "AUDITOR_KNOWN"
    says = "{auditor} is an auditor, or was one."
    hint = "A key that was removed never returns: use a new one."


class TooManyAuditors(ContractError):
    """A reserve knows at most `most` auditors, removed ones too."""

    solidity = "TooManyAuditors"
    code = "TOO_MANY_AUDITORS"
    says = "A reserve knows at most {most} auditors, removed ones too."
    hint = "Put a new reserve in its place."


class NotAnAuditor(ContractError):
    """`signer` is no auditor."""

    solidity = "NotAnAuditor"
    code = "NOT_AN_AUDITOR"
    says = "{signer} is no auditor."
    hint = "Leave its signature out; only present auditors count."


class InvalidAuditorSignature(ContractError):
    """The signature is not one of `signer` over this attestation."""

    solidity = "InvalidAuditorSignature"
    code = "INVALID_AUDITOR_SIGNATURE"
    says = "The signature is not one of {signer} over this attestation."
    hint = "Have the auditor sign exactly this attestation."


class InvalidReserveToken(ContractError):
    """`token` is no deposit token with a currency of three letters."""

    solidity = "InvalidReserveToken"
    code = "INVALID_RESERVE_TOKEN"
    says = "{token} is no deposit token with a currency of three letters."
    hint = "Give the address of a deposit token."


class ReserveTokenKnown(ContractError):
    """The token `token` is registered already."""

    solidity = "ReserveTokenKnown"
    code = "RESERVE_TOKEN_KNOWN"
    says = "The token {token} is registered already."
    hint = "Nothing to do."


class TooManyReserveTokens(ContractError):
    """At most `most` tokens share the backing of one currency."""

    solidity = "TooManyReserveTokens"
    code = "TOO_MANY_RESERVE_TOKENS"
    says = "At most {most} tokens share the backing of one currency."
    hint = "Use one of the present tokens."


class CycleTooLong(ContractError):
    """An audit cycle of `cycle` seconds is too long, `most` are allowed."""

    solidity = "CycleTooLong"
    code = "CYCLE_TOO_LONG"
    says = "An audit cycle of {cycle} seconds is too long, {most} are allowed."
    hint = "Have the reserve attested more often."


class UnknownReserveCurrency(ContractError):
    """The reserve backs no token of currency `currency`."""

    solidity = "UnknownReserveCurrency"
    code = "UNKNOWN_RESERVE_CURRENCY"
    says = "The reserve backs no token of currency {currency}."
    hint = "Have governance register the currency's token with the reserve."


class ReserveAttestationExpired(ContractError):
    """The attestation was to be submitted by `deadline`; the chain's time is `nowSeconds`."""

    solidity = "ReserveAttestationExpired"
    code = "RESERVE_ATTESTATION_EXPIRED"
    says = "The attestation was to be submitted by {deadline}; the chain's time is {nowSeconds}."
    hint = "Have the auditors sign one with a later deadline."


class InvalidReserveAttestation(ContractError):
    """The attestation's `field` is empty or out of its range."""

    solidity = "InvalidReserveAttestation"
    code = "INVALID_RESERVE_ATTESTATION"
    says = "The attestation's {field} is empty or out of its range."
    hint = (
        "As of now or before, valid at most 1,096 days from then, with a report's hash, lines with class and custodian."
    )


class ReserveLinesOutOfRange(ContractError):
    """The attestation has `lines` lines; 1 to `most` are allowed."""

    solidity = "ReserveLinesOutOfRange"
    code = "RESERVE_LINES_OUT_OF_RANGE"
    says = "The attestation has {lines} lines; 1 to {most} are allowed."
    hint = "Sum up lines of one class and custodian."


class ReserveLinesNotAscending(ContractError):
    """Line `index` does not come after the one before by class and custodian."""

    solidity = "ReserveLinesNotAscending"
    code = "RESERVE_LINES_NOT_ASCENDING"
    says = "Line {index} does not come after the one before by class and custodian."
    hint = "Use reserve.propose(), which sorts; one line for each class and custodian."


class ReserveAttestationSuperseded(ContractError):
    """The attestation `sequence` as of `asOf` is not newer than the present one, `present` as of `presentAsOf`."""

    solidity = "ReserveAttestationSuperseded"
    code = "RESERVE_ATTESTATION_SUPERSEDED"
    says = "The attestation {sequence} as of {asOf} is not newer than the present one, {present} as of {presentAsOf}."
    hint = "Propose a new one: a higher sequence, as of no earlier second."
