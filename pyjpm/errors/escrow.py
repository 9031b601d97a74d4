"""What the order escrow refuses."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidTerms(ContractError):
    """The order terms are not usable: `field`."""

    solidity = "InvalidTerms"
    code = "INVALID_TERMS"
    says = "The order terms are not usable: {field}."
    hint = "Correct that field and have both parties sign again."


class OrderAlreadyOpen(ContractError):
    """The order `orderId` is already open."""

    solidity = "OrderAlreadyOpen"
    code = "ORDER_ALREADY_OPEN"
    says = "The order {orderId} is already open."
    hint = "Use it; orders with equal terms are the same order."


class UnknownOrder(ContractError):
    """The order `orderId` is not open here."""

    solidity = "UnknownOrder"
    code = "UNKNOWN_ORDER"
    says = "The order {orderId} is not open here."
    hint = "Open it first, and pass the terms exactly as signed."


class UnknownMilestone(ContractError):
    """The order `orderId` has no milestone `milestone`."""

    solidity = "UnknownMilestone"
    code = "UNKNOWN_MILESTONE"
    says = "The order {orderId} has no milestone {milestone}."
    hint = "Milestones count from 0."


class InvalidPartySignature(ContractError):
    """Participant `participant` did not sign these terms with its current wallet."""

    solidity = "InvalidPartySignature"
    code = "INVALID_PARTY_SIGNATURE"
    says = "Participant {participant} did not sign these terms with its current wallet."
    hint = "Have the party countersign the document."


class OpeningExpired(ContractError):
    """The signatures were good until `openBy`; the chain's time is `nowSeconds`."""

    solidity = "OpeningExpired"
    code = "OPENING_EXPIRED"
    says = "The signatures were good until {openBy}; the chain's time is {nowSeconds}."
    hint = "Propose the order again with a later open_by."


class AttesterSetOfParty(ContractError):
    """Attester set `setId` is administered by a party (`administrator`)."""

    solidity = "AttesterSetOfParty"
    code = "ATTESTER_SET_OF_PARTY"
    says = "Attester set {setId} is administered by a party ({administrator})."
    hint = "Use a set that no party administers."


class WrongState(ContractError):
    """The milestone `milestone` is in state `state`, which does not allow this."""

    solidity = "WrongState"
    code = "WRONG_STATE"
    says = "The milestone {milestone} is in state {state}, which does not allow this."
    hint = "Refresh the order and see what is possible now."


class NotParty(ContractError):
    """`caller` is not a wallet of the party that may do this."""

    solidity = "NotParty"
    code = "NOT_PARTY"
    says = "{caller} is not a wallet of the party that may do this."
    hint = "Act with a linked wallet of that party."


class NotArbiter(ContractError):
    """`caller` is not a wallet of the arbiter."""

    solidity = "NotArbiter"
    code = "NOT_ARBITER"
    says = "{caller} is not a wallet of the arbiter."
    hint = "Only the arbiter named in the terms rules."


class WrongPayer(ContractError):
    """`payer` is not a wallet of the milestone's payer."""

    solidity = "WrongPayer"
    code = "WRONG_PAYER"
    says = "{payer} is not a wallet of the milestone's payer."
    hint = "Pay from a wallet of the payer named in the terms."


class WrongToken(ContractError):
    """The terms name token `expected`, not `token`."""

    solidity = "WrongToken"
    code = "WRONG_TOKEN"
    says = "The terms name token {expected}, not {token}."
    hint = "Use the currency of the order."


class WrongAmount(ContractError):
    """The amount `amount` is not the `expected` that is asked for."""

    solidity = "WrongAmount"
    code = "WRONG_AMOUNT"
    says = "The amount {amount} is not the {expected} that is asked for."
    hint = "Fund or pay exactly that."


class WrongReference(ContractError):
    """The hold's reference is not that of this milestone or trade."""

    solidity = "WrongReference"
    code = "WRONG_REFERENCE"
    says = "The hold's reference is not that of this milestone or trade."
    hint = "Sign the consent over the reference that the SDK gives."


class TooEarly(ContractError):
    """This is possible after `notBefore`; the chain's time is `nowSeconds`."""

    solidity = "TooEarly"
    code = "TOO_EARLY"
    says = "This is possible after {notBefore}; the chain's time is {nowSeconds}."
    hint = "Wait until the time has passed."


class TooLate(ContractError):
    """This was possible until `notAfter`; the chain's time is `nowSeconds`."""

    solidity = "TooLate"
    code = "TOO_LATE"
    says = "This was possible until {notAfter}; the chain's time is {nowSeconds}."
    hint = "The deadline has passed; agree with the other party or let it take its course."


class NotFunded(ContractError):
    """Milestone `milestone` is not funded."""

    solidity = "NotFunded"
    code = "NOT_FUNDED"
    says = "Milestone {milestone} is not funded."
    hint = "Fund it before attesting."


class ConflictingAttestation(ContractError):
    """Milestone `milestone` already has other content under seq `seq`."""

    solidity = "ConflictingAttestation"
    code = "CONFLICTING_ATTESTATION"
    says = "Milestone {milestone} already has other content under seq {seq}."
    hint = "Investigate the source; correct with a higher seq."


class InvalidAttestation(ContractError):
    """The attestation is not usable: `field`."""

    solidity = "InvalidAttestation"
    code = "INVALID_ATTESTATION"
    says = "The attestation is not usable: {field}."
    hint = "Correct that field and sign again."


class AttestedTooLate(ContractError):
    """The status was reached at `attestedAt`, after `attestBy`."""

    solidity = "AttestedTooLate"
    code = "ATTESTED_TOO_LATE"
    says = "The status was reached at {attestedAt}, after {attestBy}."
    hint = "It releases nothing; the terms' deadline has passed."


class AgreementUsed(ContractError):
    """This agreement has already been used."""

    solidity = "AgreementUsed"
    code = "AGREEMENT_USED"
    says = "This agreement has already been used."
    hint = "Sign a new one with another nonce."


class AlreadyDecided(ContractError):
    """Milestone `milestone` is already decided."""

    solidity = "AlreadyDecided"
    code = "ALREADY_DECIDED"
    says = "Milestone {milestone} is already decided."
    hint = "Release what was decided."


class NotDisputable(ContractError):
    """Milestone `milestone` cannot be disputed now."""

    solidity = "NotDisputable"
    code = "NOT_DISPUTABLE"
    says = "Milestone {milestone} cannot be disputed now."
    hint = "See the dispute windows in the terms."


class FallbackOpen(ContractError):
    """The fallback of milestone `milestone` is open: the arbiter's time is over."""

    solidity = "FallbackOpen"
    code = "FALLBACK_OPEN"
    says = "The fallback of milestone {milestone} is open: the arbiter's time is over."
    hint = "Let anyone decide by the fallback."


class FallbackNotOpen(ContractError):
    """The fallback of milestone `milestone` is not open yet."""

    solidity = "FallbackNotOpen"
    code = "FALLBACK_NOT_OPEN"
    says = "The fallback of milestone {milestone} is not open yet."
    hint = "Wait for the arbiter or its deadline."


class NothingOwed(ContractError):
    """Nothing is owed on milestone `milestone`."""

    solidity = "NothingOwed"
    code = "NOTHING_OWED"
    says = "Nothing is owed on milestone {milestone}."
    hint = "Refresh the order."


class SplitTooLarge(ContractError):
    """The seller's part `sellerAmount` is more than the `unpaid` that is unpaid."""

    solidity = "SplitTooLarge"
    code = "SPLIT_TOO_LARGE"
    says = "The seller's part {sellerAmount} is more than the {unpaid} that is unpaid."
    hint = "Share out at most what is unpaid."


class WrongBatch(ContractError):
    """The batch has `items` orders and `others` of what belongs to them."""

    solidity = "WrongBatch"
    code = "WRONG_BATCH"
    says = "The batch has {items} orders and {others} of what belongs to them."
    hint = "Give at least one order, and one of each for every order."


class ItemFailed(ContractError):
    """Item `milestone` of the batch ran out of gas."""

    solidity = "ItemFailed"
    code = "ITEM_FAILED"
    says = "Item {milestone} of the batch ran out of gas."
    hint = "Send the batch in smaller parts; nothing of it happened."


class NotAmendable(ContractError):
    """Milestone `milestone` has to be settled before its order is amended."""

    solidity = "NotAmendable"
    code = "NOT_AMENDABLE"
    says = "Milestone {milestone} has to be settled before its order is amended (state {state})."
    hint = "Release, pay, agree or refund it first; what is accepted, due, disputed or owed does not go over."


class NothingToAmend(ContractError):
    """Every milestone of the order is over."""

    solidity = "NothingToAmend"
    code = "NOTHING_TO_AMEND"
    says = "Every milestone of the order is over."
    hint = "Open a new order; money that was released comes back on a credit note."


class WrongConsents(ContractError):
    """The amendment needs another number of consents."""

    solidity = "WrongConsents"
    code = "WRONG_CONSENTS"
    says = "The amendment needs {needed} consents to fund differences, not {given}."
    hint = "The buyer signs one for each new milestone whose amount is more than what goes over."


class CreditNoteMissing(ContractError):
    """A payment back names its credit note."""

    solidity = "CreditNoteMissing"
    code = "CREDIT_NOTE_MISSING"
    says = "A payment back names its credit note."
    hint = "Give the credit note's number."


class CreditNoteUsed(ContractError):
    """This credit note has already been paid."""

    solidity = "CreditNoteUsed"
    code = "CREDIT_NOTE_USED"
    says = "This credit note has already been paid for this milestone."
    hint = "Nothing is to be done; another credit note needs another number."


class WrongCredit(ContractError):
    """More would be paid back than was released, or nothing."""

    solidity = "WrongCredit"
    code = "WRONG_CREDIT"
    says = "{amount} cannot be paid back: it must be more than 0 and at most {most} minor units."
    hint = "What can be paid back is what was released less what was paid back before."
