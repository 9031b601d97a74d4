"""What the deposit token refuses of payments by signature."""

from __future__ import annotations

from pyjpm.errors.contracts import ContractError


class AuthorizationNotYetValid(ContractError):
    """The authorization serves after `validAfter`; the chain's time is `nowSeconds`."""

    solidity = "AuthorizationNotYetValid"
    code = "AUTHORIZATION_NOT_YET_VALID"
    says = "The authorization serves after {validAfter}; the chain's time is {nowSeconds}."
    hint = "Submit it later."


class AuthorizationExpired(ContractError):
    """The authorization served before `validBefore`; the chain's time is `nowSeconds`."""

    solidity = "AuthorizationExpired"
    code = "AUTHORIZATION_EXPIRED"
    says = "The authorization served before {validBefore}; the chain's time is {nowSeconds}."
    hint = "Ask the payer for a new one."


class AuthorizationSpent(ContractError):
    """The authorization of `authorizer` with nonce `nonce` is already used or cancelled."""

    solidity = "AuthorizationSpent"
    code = "AUTHORIZATION_SPENT"
    says = "The authorization of {authorizer} with nonce {nonce} is already used or cancelled."
    hint = "Look its reference up: it says whether it was paid."


class InvalidAuthorization(ContractError):
    """`authorizer` did not sign this authorization."""

    solidity = "InvalidAuthorization"
    code = "INVALID_AUTHORIZATION"
    says = "{authorizer} did not sign this authorization."
    hint = "Submit it as it was signed, or ask the payer for a new one."


class CallerNotPayee(ContractError):
    """`caller` is not the payee `payee`, who alone may receive by this authorization."""

    solidity = "CallerNotPayee"
    code = "CALLER_NOT_PAYEE"
    says = "{caller} is not the payee {payee}, who alone may receive by this authorization."
    hint = "Have the payee submit it."
