"""What can go wrong between a payment that is asked for and the one rail it takes."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class RailsError(PyjpmError):
    """Root of the errors about rails."""

    code: ClassVar[str] = "RAILS_ERROR"


class RulebookUnreadable(RailsError):
    """The file of the rules cannot be opened. Details: ``path``."""

    code: ClassVar[str] = "RULEBOOK_UNREADABLE"
    hint: ClassVar[str] = "Check the path, and that this user may read it."


class RulebookInvalid(RailsError):
    """The rules are no TOML, or say what no rule can say. Details: ``path``, ``problems`` (each with its place)."""

    code: ClassVar[str] = "RULEBOOK_INVALID"
    hint: ClassVar[str] = "Correct each problem; docs/rails.md describes the file."


class InvalidInstruction(RailsError):
    """The payment asked for could go by no rail as it is. Details: ``field``."""

    code: ClassVar[str] = "INVALID_INSTRUCTION"
    hint: ClassVar[str] = "Correct the field named in the details."


class NoRail(RailsError):
    """The rules send it by no rail, or by none that is possible. Nothing was stored. Details: ``rule``, ``why``."""

    code: ClassVar[str] = "NO_RAIL"
    hint: ClassVar[str] = "See the reasons in the details, or ask pyjpm rails explain; then change payment or rules."


class RailPaymentNotFound(RailsError):
    """No payment was asked for under this key. Details: ``key``."""

    code: ClassVar[str] = "RAIL_PAYMENT_NOT_FOUND"
    hint: ClassVar[str] = "Check the key and the journal; a payment belongs to the participant that asked for it."


class RailNotChangeable(RailsError):
    """The payment may not change its rail now. Details: ``key``, ``rail``, ``status``."""

    code: ClassVar[str] = "RAIL_NOT_CHANGEABLE"
    hint: ClassVar[str] = (
        "A payment leaves the token rail while it is unpaid, and SWIFT only once the gateway has refused its message "
        "for good. What was sent by SWIFT and came back is a new payment, under a new key."
    )


class RailConflict(RailsError):
    """The chain has a payment under this one's reference that cannot be it. Details: ``key``, ``reference``."""

    code: ClassVar[str] = "RAIL_CONFLICT"
    hint: ClassVar[str] = "Do not pay again before you know what was paid; no message was made."


class RailUnclear(RailsError):
    """It cannot be told now whether the payment was made. Its token reference is voided, and the gateway is not set,
    does not answer, or has a message that it had refused or that cannot be written here; or it is refused, and a wallet
    of the payer recovers. Details: ``key``, ``answer``."""

    code: ClassVar[str] = "RAIL_UNCLEAR"
    hint: ClassVar[str] = (
        "Repeat under the same key once gateway and writer are there; do not pay in another way before."
    )


class RailsSchemaUnknown(RailsError):
    """The tables are of another version of this package. Details: ``schema``, ``supported``."""

    code: ClassVar[str] = "RAILS_SCHEMA_UNKNOWN"
    hint: ClassVar[str] = "Use the version of pyjpm that made them, or a newer one that migrates them."


class GatewayUnusable(RailsError):
    """The folder of the SWIFT gateway cannot be used. Details: ``path``."""

    code: ClassVar[str] = "GATEWAY_UNUSABLE"
    hint: ClassVar[str] = "Make the folder and its subfolders writable for this user, on one file system."
