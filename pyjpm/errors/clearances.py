"""What the deposit token refuses of clearances, and what the clearing signer refuses to sign."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError


class ClearanceExpired(ContractError):
    """The clearance ended at `deadline`; the chain's time is `nowSeconds`."""

    solidity = "ClearanceExpired"
    code = "CLEARANCE_EXPIRED"
    says = "The clearance ended at {deadline}; the chain's time is {nowSeconds}."
    hint = "Ask the bank to clear it again."


class InvalidClearance(ContractError):
    """This was not cleared by `screener`, or that is no screener of the bank."""

    solidity = "InvalidClearance"
    code = "INVALID_CLEARANCE"
    says = "This was not cleared by {screener}, or that is no screener of the bank."
    hint = "A clearance is for one payer, one call or signed word, and one token: send exactly what was cleared."


class ClearanceSpent(ContractError):
    """`payer` has used the clearance of `digest` already."""

    solidity = "ClearanceSpent"
    code = "CLEARANCE_SPENT"
    says = "{payer} has used the clearance of {digest} already."
    hint = "The hold stands: look it up. A further one is another call, with data or reference of its own."


class CallNotClearable(ContractError):
    """A call of the function `selector` cannot be cleared."""

    solidity = "NotClearable"
    code = "CALL_NOT_CLEARABLE"
    says = "A call of the function {selector} cannot be cleared: it could be repeated under one clearance."
    hint = "Use pay, payBatch, holdAndCall or requestRedemption."


class NotYetCleared(PyjpmError):
    """Nobody of the bank has signed the request yet."""

    code = "NOT_YET_CLEARED"
    hint = "Send it to the bank, and pay with the document that comes back."


class ClearanceForOther(PyjpmError):
    """The clearance is of another payment than the one that is made."""

    code = "CLEARANCE_FOR_OTHER"
    hint = "Ask for it with the same payee, amount, key and remittance."


class ClearanceRefused(PyjpmError):
    """The desk's policy, or what it signed before, does not let this pass."""

    code = "CLEARANCE_REFUSED"
    hint = "Have a person of the screening desk look at it."


class InvalidPolicy(PyjpmError):
    """The policy file is missing, or not of the form that a desk reads."""

    code = "INVALID_POLICY"
    hint = "See pyjpm.clearing.Policy.load for the form."
