"""What the deposit token refuses, apart from the reasons of ``refusals``."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class AlreadyPaid(ContractError):
    """The reference `ref` has already been spent by this participant."""

    solidity = "AlreadyPaid"
    code = "ALREADY_PAID"
    says = "The reference {ref} has already been spent by this participant."
    hint = "Look the payment up by its reference before paying again."


class AlreadyMinted(ContractError):
    """The deposit reference `depositRef` has already been minted."""

    solidity = "AlreadyMinted"
    code = "ALREADY_MINTED"
    says = "The deposit reference {depositRef} has already been minted."
    hint = "A deposit becomes tokens once; use the reference of the new deposit."


class ReferenceMissing(ContractError):
    """The reference is empty."""

    solidity = "ReferenceMissing"
    code = "REFERENCE_MISSING"
    says = "The reference is empty."
    hint = "Give a reference."


class ZeroAmount(ContractError):
    """The amount is zero."""

    solidity = "ZeroAmount"
    code = "ZERO_AMOUNT"
    says = "The amount is zero."
    hint = "Give an amount above zero."


class BatchEmpty(ContractError):
    """The batch has no payments."""

    solidity = "BatchEmpty"
    code = "BATCH_EMPTY"
    says = "The batch has no payments."
    hint = "Give at least one payment."


class BatchTooLong(ContractError):
    """The batch has `length` payments, `most` are allowed."""

    solidity = "BatchTooLong"
    code = "BATCH_TOO_LONG"
    says = "The batch has {length} payments, {most} are allowed."
    hint = "Split the batch."


class AmountDoesNotFit(ContractError):
    """The amount `amount` does not fit."""

    solidity = "AmountTooLarge"
    code = "AMOUNT_DOES_NOT_FIT"
    says = "The amount {amount} does not fit."
    hint = "Amounts are minor units below 2^88."


class ConsentExpired(ContractError):
    """The payer's consent ended at `deadline`; the chain's time is `nowSeconds`."""

    solidity = "ConsentExpired"
    code = "CONSENT_EXPIRED"
    says = "The payer's consent ended at {deadline}; the chain's time is {nowSeconds}."
    hint = "Ask the payer for a new consent."


class ConsentSpent(ContractError):
    """The consent of `payer` with nonce `nonce` is already used or cancelled."""

    solidity = "ConsentSpent"
    code = "CONSENT_SPENT"
    says = "The consent of {payer} with nonce {nonce} is already used or cancelled."
    hint = "Ask the payer for a consent with a fresh nonce."


class InvalidConsent(ContractError):
    """The consent was not signed by `payer` for exactly this hold."""

    solidity = "InvalidConsent"
    code = "INVALID_CONSENT"
    says = "The consent was not signed by {payer} for exactly this hold."
    hint = "Have the payer sign these terms for this chain, token and notary."


class NotaryRefusedHold(ContractError):
    """The notary `notary` did not take the hold on."""

    solidity = "NotaryRefusedHold"
    code = "NOTARY_REFUSED_HOLD"
    says = "The notary {notary} did not take the hold on."
    hint = "Hold only for contracts of this platform."


class NotaryAlreadyRegistered(ContractError):
    """`notary` is already a notary."""

    solidity = "NotaryAlreadyRegistered"
    code = "NOTARY_ALREADY_REGISTERED"
    says = "{notary} is already a notary."
    hint = "Nothing to do."


class InvalidNotary(ContractError):
    """`notary` is not a contract that can be a notary, or not in the state for this."""

    solidity = "InvalidNotary"
    code = "INVALID_NOTARY"
    says = "{notary} is not a contract that can be a notary, or not in the state for this."
    hint = "Check the address and its notary status."


class NotaryNotStopped(ContractError):
    """Notary `notary` is not stopped."""

    solidity = "NotaryNotStopped"
    code = "NOTARY_NOT_STOPPED"
    says = "Notary {notary} is not stopped."
    hint = "Stop it first; a rescue is only from a stopped notary."


class RedemptionExists(ContractError):
    """Participant `participant` already has a redemption with reference `ref`."""

    solidity = "RedemptionExists"
    code = "REDEMPTION_EXISTS"
    says = "Participant {participant} already has a redemption with reference {ref}."
    hint = "Look it up; use another idempotency key for another redemption."


class RedemptionNotIn(ContractError):
    """The redemption is in state `actual`, not `expected`."""

    solidity = "RedemptionNotIn"
    code = "REDEMPTION_NOT_IN"
    says = "The redemption is in state {actual}, not {expected}."
    hint = "Refresh it and see what is left to do."


class EvidenceMissing(ContractError):
    """An instructed redemption is returned only with evidence that the fiat did not leave or came back."""

    solidity = "EvidenceMissing"
    code = "EVIDENCE_MISSING"
    says = "An instructed redemption is returned only with evidence that the fiat did not leave or came back."
    hint = "Give the hash of that evidence."


class FrozenTooLittle(ContractError):
    """Only `frozen` is frozen, less than `amount`."""

    solidity = "FrozenTooLittle"
    code = "FROZEN_TOO_LITTLE"
    says = "Only {frozen} is frozen, less than {amount}."
    hint = "Unfreeze at most what is frozen."


class NotOwnReference(ContractError):
    """`caller` is neither a wallet of participant `participant` nor the bank."""

    solidity = "NotOwnReference"
    code = "NOT_OWN_REFERENCE"
    says = "{caller} is neither a wallet of participant {participant} nor the bank."
    hint = "Let the participant or the bank void it."


class UnknownParticipantOfWallet(ContractError):
    """Wallet `wallet` names no participant."""

    solidity = "UnknownParticipantOfWallet"
    code = "UNKNOWN_PARTICIPANT_OF_WALLET"
    says = "Wallet {wallet} names no participant."
    hint = "Use a wallet that was linked."


class LimitNotLower(ContractError):
    """The limit of participant `participant` is `limit`; `requested` would not lower it."""

    solidity = "LimitNotLower"
    code = "LIMIT_NOT_LOWER"
    says = "The limit of participant {participant} is {limit}; {requested} would not lower it."
    hint = "Raising a limit is announced: schedule setDailyLimit."


class AlreadyPaused(ContractError):
    """The token is already paused."""

    solidity = "AlreadyPaused"
    code = "ALREADY_PAUSED"
    says = "The token is already paused."
    hint = "Nothing to do."


class NotPaused(ContractError):
    """The token is not paused."""

    solidity = "NotPaused"
    code = "NOT_PAUSED"
    says = "The token is not paused."
    hint = "Nothing to do."


class InvalidReserve(ContractError):
    """`reserve` is no contract."""

    solidity = "InvalidReserve"
    code = "INVALID_RESERVE"
    says = "{reserve} is no contract."
    hint = "Give the address of a reserve."


class InvalidIssuer(ContractError):
    """`issuer` issues nothing."""

    solidity = "InvalidIssuer"
    code = "INVALID_ISSUER"
    says = "{issuer} issues nothing."
    hint = "Give the address of an issuer."


class InvalidMintPeriod(ContractError):
    """A rate over `period` seconds is out of range: 1 to `most`."""

    solidity = "InvalidMintPeriod"
    code = "INVALID_MINT_PERIOD"
    says = "A rate over {period} seconds is out of range: 1 to {most}."
    hint = "Give a period in that range; an amount of 0 lets nothing pass."


class LimitHeldDown(ContractError):
    """Compliance lowered the daily limit of participant `participant` to `limit`; its sponsor may only lower it."""

    solidity = "LimitHeldDown"
    code = "LIMIT_HELD_DOWN"
    says = "Compliance lowered the daily limit of participant {participant} to {limit}; its sponsor may only lower it."
    hint = "Have the bank set the limit anew."


class LimitAboveCeiling(ContractError):
    """The daily limit `limit` of participant `participant` is above the ceiling `ceiling`."""

    solidity = "LimitAboveCeiling"
    code = "LIMIT_ABOVE_CEILING"
    says = "The daily limit {limit} of participant {participant} is above the ceiling {ceiling}."
    hint = "Set a lower limit, or have the bank raise the sponsor's ceiling or the retail tier."
