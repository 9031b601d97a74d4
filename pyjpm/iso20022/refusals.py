"""Our errors in ISO 20022's words: which external status reason code a refused payment is reported with."""

from __future__ import annotations

from typing import Final

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.deployment import CurrencyNotDeployed, InvalidRequest, NotOnboarded, ReferenceConflict
from pyjpm.errors.money import MoneyError
from pyjpm.errors.outbox import InFlightExceedsFunds, ReferenceVoided
from pyjpm.errors.remittance import RemittanceError
from pyjpm.errors.sending import IdempotencyConflict, InvalidIdempotencyKey, InvalidOperation

REFUSALS: Final = (
    ContractError,
    CurrencyNotDeployed,
    NotOnboarded,
    InvalidRequest,
    ReferenceConflict,
    ReferenceVoided,
    MoneyError,
    RemittanceError,
    IdempotencyConflict,
    InvalidIdempotencyKey,
    InvalidOperation,
    InFlightExceedsFunds,
)
"""What says of one payment that it is not made, and nothing of the others. Anything else is a fault of the way there,
after which the same payment is tried again."""

_CODES: Final = {
    "INSUFFICIENT_AVAILABLE": "AM04",
    "IN_FLIGHT_EXCEEDS_FUNDS": "AM04",
    "DAILY_LIMIT_EXCEEDED": "AM02",
    "PAYER_FROZEN": "AC06",
    "PAYEE_FROZEN": "AC06",
    "PAYER_SUSPENDED": "AC06",
    "PAYEE_SUSPENDED": "AC06",
    "PAYER_CLOSED": "AC05",
    "PAYEE_CLOSED": "AC07",
    "PAYEE_UNKNOWN": "AC03",
    "NOT_ONBOARDED": "AC03",
    "PAYER_UNKNOWN": "AC02",
    "CURRENCY_NOT_DEPLOYED": "AM03",
    "SAME_ACCOUNT": "AC03",
    "CLEARANCE_MISSING": "AG01",
    "PAIR_REFUSED": "AG01",
    "IDEMPOTENCY_CONFLICT": "AM05",
    "REFERENCE_CONFLICT": "AM05",
    "ALREADY_PAID": "AM05",
}


def reason_of(error: PyjpmError) -> tuple[str, str]:
    """(ISO code, text) of a refusal; ``NARR`` where ISO has no word for it, its own code being in the text."""
    return reason_for(error.code, error.message)


def reason_for(code: str, text: str) -> tuple[str, str]:
    """As :func:`reason_of`, of an error that was stored."""
    return _CODES.get(code, "NARR"), f"{code}: {text}"
