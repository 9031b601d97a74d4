"""What the registry refuses to sponsors."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidSponsor(ContractError):
    """Participant `participant` is no bank, so it cannot sponsor."""

    solidity = "InvalidSponsor"
    code = "INVALID_SPONSOR"
    says = "Participant {participant} is no bank, so it cannot sponsor."
    hint = "Grant sponsorships to participants of kind BANK."


class TooManyJurisdictions(ContractError):
    """`length` jurisdictions are more than `most`."""

    solidity = "TooManyJurisdictions"
    code = "TOO_MANY_JURISDICTIONS"
    says = "{length} jurisdictions are more than {most}."
    hint = "Name each jurisdiction once."


class NotSponsor(ContractError):
    """Wallet `caller` (participant `participant`) is of no sponsor."""

    solidity = "NotSponsor"
    code = "NOT_SPONSOR"
    says = "Wallet {caller} (participant {participant}) is of no sponsor."
    hint = "Act with a linked wallet of a bank that was granted a sponsorship."


class SponsorNotGood(ContractError):
    """Sponsor `sponsor`, or the wallet it acts with, is not good (standing `standing`)."""

    solidity = "SponsorNotGood"
    code = "SPONSOR_NOT_GOOD"
    says = "Sponsor {sponsor}, or the wallet it acts with, is not good (standing {standing})."
    hint = "Act with a linked wallet; a stopped or lapsed sponsor does nothing until that is lifted."


class NotCustomerOf(ContractError):
    """Participant `participant` is no customer of sponsor `sponsor`."""

    solidity = "NotCustomerOf"
    code = "NOT_CUSTOMER_OF"
    says = "Participant {participant} is no customer of sponsor {sponsor}."
    hint = "A sponsor acts on customers that it onboarded itself."


class SponsorQuotaReached(ContractError):
    """Sponsor `sponsor` has as many customers as it may: `quota`."""

    solidity = "SponsorQuotaReached"
    code = "SPONSOR_QUOTA_REACHED"
    says = "Sponsor {sponsor} has as many customers as it may: {quota}."
    hint = "Close customers, or have the bank grant a larger quota."


class JurisdictionNotAllowed(ContractError):
    """Sponsor `sponsor` may not onboard in jurisdiction `jurisdiction`."""

    solidity = "JurisdictionNotAllowed"
    code = "JURISDICTION_NOT_ALLOWED"
    says = "Sponsor {sponsor} may not onboard in jurisdiction {jurisdiction}."
    hint = "Have the bank grant that jurisdiction."


class KycTermTooLong(ContractError):
    """The KYC expiry `kycExpiry` is later than `latest`."""

    solidity = "KycTermTooLong"
    code = "KYC_TERM_TOO_LONG"
    says = "The KYC expiry {kycExpiry} is later than {latest}."
    hint = "Give an expiry within the sponsor's longest term (unix seconds)."


class SponsorHasCustomers(ContractError):
    """Sponsor `sponsor` has `customers` customers."""

    solidity = "SponsorHasCustomers"
    code = "SPONSOR_HAS_CUSTOMERS"
    says = "Sponsor {sponsor} has {customers} customers."
    hint = "Close its customers first."
