"""What the tokens refuse about mandates."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class InvalidMandate(ContractError):
    """The mandate is not usable: `field`."""

    solidity = "InvalidMandate"
    code = "INVALID_MANDATE"
    says = "The mandate is not usable: {field}."
    hint = "Correct that field."


class MandateExists(ContractError):
    """These terms were registered before; the mandate is `status`."""

    solidity = "MandateExists"
    code = "MANDATE_EXISTS"
    says = "These terms were registered before; the mandate is {status}."
    hint = "A revoked mandate stays revoked: give one with another start."


class MandateNotActive(ContractError):
    """The mandate `mandateId` is not active: `status`."""

    solidity = "MandateNotActive"
    code = "MANDATE_NOT_ACTIVE"
    says = "The mandate {mandateId} is not active: {status}."
    hint = "Have the payer register one, with exactly these terms."


class MandatePayerRefused(ContractError):
    """Wallet `payer` may not give a mandate now."""

    solidity = "MandatePayerRefused"
    code = "MANDATE_PAYER_REFUSED"
    says = "Wallet {payer} may not give a mandate now (standing {standing})."
    hint = "It must be linked and its participant in good standing."


class InvalidMandateSignature(ContractError):
    """The mandate was not signed by `payer` with these terms."""

    solidity = "InvalidMandateSignature"
    code = "INVALID_MANDATE_SIGNATURE"
    says = "The mandate was not signed by {payer} with these terms."
    hint = "Have the payer sign it again."


class NotMandatePayer(ContractError):
    """Only `payer` itself registers its mandate without a signature."""

    solidity = "NotMandatePayer"
    code = "NOT_MANDATE_PAYER"
    says = "Only {payer} itself registers its mandate without a signature."
    hint = "Act with that wallet, or bring its signature."


class NotMandateNotary(ContractError):
    """The mandate lets only `notary` pay."""

    solidity = "NotMandateNotary"
    code = "NOT_MANDATE_NOTARY"
    says = "The mandate lets only {notary} pay."
    hint = "Payments by mandate are made by the contract it names."


class NotMandateOwner(ContractError):
    """`caller` may not revoke this mandate."""

    solidity = "NotMandateOwner"
    code = "NOT_MANDATE_OWNER"
    says = "{caller} may not revoke this mandate."
    hint = "A linked wallet of the payer's participant may, and compliance."


class MandateNotInForce(ContractError):
    """The mandate serves from `start` to `end` (unix seconds)."""

    solidity = "MandateNotInForce"
    code = "MANDATE_NOT_IN_FORCE"
    says = "The mandate serves from {start} to {end}; it is {nowSeconds}."
    hint = "Wait until it begins, or have the payer give another one."


class MandateCapPerPayment(ContractError):
    """The mandate lets at most `cap` minor units pass in one payment."""

    solidity = "MandateCapPerPayment"
    code = "MANDATE_CAP_PER_PAYMENT"
    says = "The mandate lets {cap} minor units pass in one payment, this is {amount}."
    hint = "Have the payer give a mandate with a higher cap, or pay by hand."


class MandateCapPerPeriod(ContractError):
    """The mandate lets `left` minor units more pass in this period."""

    solidity = "MandateCapPerPeriod"
    code = "MANDATE_CAP_PER_PERIOD"
    says = "The mandate lets {left} minor units more pass in this period, this is {amount}."
    hint = "Wait for the next period, or have the payer give a mandate with a higher cap."
