"""What several contracts refuse with one and the same error."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class SignatureExpired(ContractError):
    """The signature was good until `deadline`; the chain's time is `nowSeconds`."""

    solidity = "SignatureExpired"
    code = "SIGNATURE_EXPIRED"
    says = "The signature was good until {deadline}; the chain's time is {nowSeconds}."
    hint = "Sign it again with a later deadline."


class SignatureDeadlineTooFar(ContractError):
    """The deadline `deadline` is later than `latest`."""

    solidity = "SignatureDeadlineTooFar"
    code = "SIGNATURE_DEADLINE_TOO_FAR"
    says = "The deadline {deadline} is later than {latest}."
    hint = "Sign with an earlier deadline; deadlines are in seconds."


class OrderHashMissing(ContractError):
    """A compliance act needs the hash of the order behind it."""

    solidity = "OrderHashMissing"
    code = "ORDER_HASH_MISSING"
    says = "A compliance act needs the hash of the order behind it."
    hint = "Give order_hash."


class OnlyDepositToken(ContractError):
    """Only a registered deposit token may do this, not `caller`."""

    solidity = "OnlyDepositToken"
    code = "ONLY_DEPOSIT_TOKEN"
    says = "Only a registered deposit token may do this, not {caller}."
    hint = "Hold money through the deposit token."
