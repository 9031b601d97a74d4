"""What becomes of an operation between its acceptance and its end, where that is not simply success or a revert.

Decisions that govern this module:

* Only what the chain itself proved is told as a failure: a client that is told "not paid" pays again elsewhere.
* What a person must do stands in the hint; the outbox shows the same until it is done.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.sending import SendingError


class OperationRejected(SendingError):
    """Refused before it was mined, for good. Details: ``submission``, ``error`` (why, as a dictionary)."""

    code: ClassVar[str] = "OPERATION_REJECTED"
    hint: ClassVar[str] = "Mend what the error names and submit it again under the same idempotency key."


class NobodyTakesIt(SendingError):
    """Every node, or the signer, refused the operation; cancels took its nonces twice. Details: ``submission``."""

    code: ClassVar[str] = "NOBODY_TAKES_IT"
    hint: ClassVar[str] = "Look at the nodes' limits and the signer's policy; then submit it again under the same key."


class NotSentUnasked(SendingError):
    """It was still to be sent by a journal that may be older than what was told of it: it was not."""

    code: ClassVar[str] = "NOT_SENT_UNASKED"
    hint: ClassVar[str] = (
        "If it was not withdrawn and not paid in another way since, submit it again under the same idempotency key."
    )


class OperationExpired(SendingError):
    """Its last second passed before it was signed; it will not be. Details: ``submission``."""

    code: ClassVar[str] = "OPERATION_EXPIRED"
    hint: ClassVar[str] = "Ask for it under a new idempotency key, with a later end."


class OperationCancelled(SendingError):
    """Withdrawn before it was signed; it will not be. Details: ``submission``."""

    code: ClassVar[str] = "OPERATION_CANCELLED"
    hint: ClassVar[str] = "Ask for it under a new idempotency key if it is wanted after all."


class ReferenceVoided(SendingError):
    """The operation's name was voided on the chain: it can never happen. Details: ``submission``."""

    code: ClassVar[str] = "REFERENCE_VOIDED"
    hint: ClassVar[str] = "Ask for it under a new idempotency key if it is wanted after all."


class EffectMissing(SendingError):
    """Mined without its effect: what it said was out of date by then. Details: ``submission``, ``tx_hash``."""

    code: ClassVar[str] = "EFFECT_MISSING"
    hint: ClassVar[str] = "Look at what the contract holds now; a later statement of the same kind was there before."


class InFlightExceedsFunds(SendingError):
    """Together with what is on its way it is more than the payer has, or may spend today.

    Details: ``wallet``, ``token``, ``what`` (balance or limit), ``amount``, ``in_flight``, ``available`` (minor units).
    """

    code: ClassVar[str] = "IN_FLIGHT_EXCEEDS_FUNDS"
    hint: ClassVar[str] = "Wait until what is on its way is final, or add funds; then repeat with the same key."


class LaneJammed(SendingError):
    """A transaction with a price, not ours, sits on the wallet's next nonce and is not replaced.

    Details: ``wallet``, ``nonce``.
    """

    code: ClassVar[str] = "LANE_JAMMED"
    hint: ClassVar[str] = (
        "Somebody signed with this key elsewhere: find out who. Free the wallet with `pyjpm outbox unjam`, "
        "which needs a little ether from the network's rescue account."
    )


class WalletNotPermitted(SendingError):
    """Nodes take nothing from the wallet, or nothing without a fee; it is sent on. Details: ``wallet``."""

    code: ClassVar[str] = "WALLET_NOT_PERMITTED"
    hint: ClassVar[str] = (
        "Have the network's operators add the wallet to the nodes' account permissions, and allow a gas price of 0."
    )


class NotDecidable(SendingError):
    """What was asked of the outbox cannot be done in the present state. Details: ``target``, ``state``."""

    code: ClassVar[str] = "NOT_DECIDABLE"
    hint: ClassVar[str] = "`pyjpm outbox show` says where it stands; each state allows other decisions."


class ReasonMissing(SendingError):
    """A decision says who decided and why. Details: ``field``."""

    code: ClassVar[str] = "REASON_MISSING"
    hint: ClassVar[str] = "Give --who and --reason: both stay in the outbox's trail."


class PriceUnknown(SendingError):
    """No node shows the price of the transaction that jams a wallet. Details: ``wallet``."""

    code: ClassVar[str] = "PRICE_UNKNOWN"
    hint: ClassVar[str] = "Ask the nodes' operators for its price and give a higher one with --price (wei)."


class InvalidApprovalPolicy(SendingError):
    """The file that says what waits for whose word is not usable. Details: ``path``."""

    code: ClassVar[str] = "INVALID_APPROVAL_POLICY"
    hint: ClassVar[str] = "Correct the file: tables [[rule]] with kinds, checkers, needed, and above with currency."


class ApprovalRefused(SendingError):
    """A word on an operation does not count: the maker's own, nobody's whom the policy names, lapsed, or signed over
    something else. Details: ``checker``, ``submission``."""

    code: ClassVar[str] = "APPROVAL_REFUSED"
    hint: ClassVar[str] = "Have a checker whom the policy names sign exactly this submission, with an expiry to come."
