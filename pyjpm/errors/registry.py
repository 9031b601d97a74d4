"""What the participant registry refuses."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class UnknownParticipant(ContractError):
    """There is no participant `participant`."""

    solidity = "UnknownParticipant"
    code = "UNKNOWN_PARTICIPANT"
    says = "There is no participant {participant}."
    hint = "Look the participant up with participants.list()."


class ParticipantNotActive(ContractError):
    """Participant `participant` is not active (status `status`)."""

    solidity = "ParticipantNotActive"
    code = "PARTICIPANT_NOT_ACTIVE"
    says = "Participant {participant} is not active (status {status})."
    hint = "Reinstate it first; a closed participant stays closed."


class IdentityAlreadyRegistered(ContractError):
    """The identity is already registered as participant `participant`."""

    solidity = "IdentityAlreadyRegistered"
    code = "IDENTITY_ALREADY_REGISTERED"
    says = "The identity is already registered as participant {participant}."
    hint = "Use that participant, or link a further wallet to it."


class InvalidProfile(ContractError):
    """The onboarding profile is not usable: `field`."""

    solidity = "InvalidProfile"
    code = "INVALID_PROFILE"
    says = "The onboarding profile is not usable: {field}."
    hint = "Correct that field and onboard again."


class KycExpiryInPast(ContractError):
    """The KYC expiry `kycExpiry` is not after the chain's time `nowSeconds`."""

    solidity = "KycExpiryInPast"
    code = "KYC_EXPIRY_IN_PAST"
    says = "The KYC expiry {kycExpiry} is not after the chain's time {nowSeconds}."
    hint = "Give an expiry in the future (unix seconds)."


class WalletNotLinked(ContractError):
    """Wallet `wallet` is not linked (state `status`)."""

    solidity = "WalletNotLinked"
    code = "WALLET_NOT_LINKED"
    says = "Wallet {wallet} is not linked (state {status})."
    hint = "Have the bank link the wallet, or use a linked one."


class WalletAlreadyNamed(ContractError):
    """Wallet `wallet` already names participant `participant` (state `status`)."""

    solidity = "WalletAlreadyNamed"
    code = "WALLET_ALREADY_NAMED"
    says = "Wallet {wallet} already names participant {participant} (state {status})."
    hint = "Use a fresh wallet; a lost wallet is never linked again."


class WalletOfOther(ContractError):
    """Wallet `wallet` belongs to participant `participant`, not to `expected`."""

    solidity = "WalletOfOther"
    code = "WALLET_OF_OTHER"
    says = "Wallet {wallet} belongs to participant {participant}, not to {expected}."
    hint = "Use a wallet of the same participant."


class CurrentWalletMayNotBeUnlinked(ContractError):
    """Wallet `wallet` is its participant's current wallet."""

    solidity = "CurrentWalletMayNotBeUnlinked"
    code = "CURRENT_WALLET_MAY_NOT_BE_UNLINKED"
    says = "Wallet {wallet} is its participant's current wallet."
    hint = "Change the current wallet first."


class SameWallet(ContractError):
    """Old and new wallet are both `wallet`."""

    solidity = "SameWallet"
    code = "SAME_WALLET"
    says = "Old and new wallet are both {wallet}."
    hint = "Name two different wallets."


class InvalidWalletSignature(ContractError):
    """The signature does not come from wallet `wallet`."""

    solidity = "InvalidWalletSignature"
    code = "INVALID_WALLET_SIGNATURE"
    says = "The signature does not come from wallet {wallet}."
    hint = "Have the wallet's own key sign the request for this chain and registry."


class AlreadyStopped(ContractError):
    """Participant `participant` is already stopped in this way."""

    solidity = "AlreadyStopped"
    code = "ALREADY_STOPPED"
    says = "Participant {participant} is already stopped in this way."
    hint = "Nothing to do."


class NotStopped(ContractError):
    """Participant `participant` is not stopped in this way."""

    solidity = "NotStopped"
    code = "NOT_STOPPED"
    says = "Participant {participant} is not stopped in this way."
    hint = "Nothing to do."


class AssetAlreadyRegistered(ContractError):
    """Asset `asset` is already registered."""

    solidity = "AssetAlreadyRegistered"
    code = "ASSET_ALREADY_REGISTERED"
    says = "Asset {asset} is already registered."
    hint = "Nothing to do."


class InvalidAsset(ContractError):
    """`asset` is not a contract that can be registered."""

    solidity = "InvalidAsset"
    code = "INVALID_ASSET"
    says = "{asset} is not a contract that can be registered."
    hint = "Register a deployed token or asset contract."


class OnlyRegistry(ContractError):
    """Only the participant registry may do this, not `caller`."""

    solidity = "OnlyRegistry"
    code = "ONLY_REGISTRY"
    says = "Only the participant registry may do this, not {caller}."
    hint = "Recover wallets through participants.recover_wallet()."


class ParticipantStopped(ContractError):
    """Participant `participant`, or its sponsor, is frozen or suspended."""

    solidity = "ParticipantStopped"
    code = "PARTICIPANT_STOPPED"
    says = "Participant {participant}, or its sponsor, is frozen or suspended."
    hint = "Lift the stop first; closing and unlinking never loosen it."


class SignatureNotNew(ContractError):
    """The link of `wallet` until `deadline` is not newer than the one until `previousDeadline`."""

    solidity = "SignatureNotNew"
    code = "SIGNATURE_NOT_NEW"
    says = "The link of {wallet} until {deadline} is not newer than the one until {previousDeadline}."
    hint = "Have the wallet sign a new link with a later deadline."


class WalletNotSuspended(ContractError):
    """Wallet `wallet` is not suspended (state `status`)."""

    solidity = "WalletNotSuspended"
    code = "WALLET_NOT_SUSPENDED"
    says = "Wallet {wallet} is not suspended (state {status})."
    hint = "Nothing to do."


class InvalidUnits(ContractError):
    """`amount` units are none, or more than the `most` there may still be."""

    solidity = "InvalidUnits"
    code = "INVALID_UNITS"
    says = "{amount} units are none, or more than the {most} there may still be."
    hint = "Give at least one unit."


class AlreadyIssued(ContractError):
    """The title `id` was issued before."""

    solidity = "AlreadyIssued"
    code = "ALREADY_ISSUED"
    says = "The title {id} was issued before."
    hint = "Use another number; a title is issued once."


class TooManyTitles(ContractError):
    """`holder` would hold more than `most` titles."""

    solidity = "TooManyTitles"
    code = "TOO_MANY_TITLES"
    says = "{holder} would hold more than {most} titles."
    hint = "Use another wallet of the same participant."


class DocumentHashMissing(ContractError):
    """A title is issued for a document: its hash is empty."""

    solidity = "DocumentHashMissing"
    code = "DOCUMENT_HASH_MISSING"
    says = "A title is issued for a document: its hash is empty."
    hint = "Give the hash of the document."


class InvalidFlags(ContractError):
    """The flags `flags` cannot be set or taken away."""

    solidity = "InvalidFlags"
    code = "INVALID_FLAGS"
    says = "The flags {flags} cannot be set or taken away."
    hint = "Name PAIR_RULES, CLEARANCE or both."


class InvalidJurisdiction(ContractError):
    """`jurisdiction` is no jurisdiction."""

    solidity = "InvalidJurisdiction"
    code = "INVALID_JURISDICTION"
    says = "{jurisdiction} is no jurisdiction."
    hint = "Give an ISO 3166-1 numeric code."


class TooManyWallets(ContractError):
    """Participant `participant` would have more than `most` wallets."""

    solidity = "TooManyWallets"
    code = "TOO_MANY_WALLETS"
    says = "Participant {participant} would have more than {most} wallets."
    hint = "Use the wallets it has; those it no longer uses count too."
