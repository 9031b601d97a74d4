"""What can be wrong with what a group's treasury is told, or tells."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class TreasuryError(PyjpmError):
    """Root of the errors about group treasury."""

    code: ClassVar[str] = "TREASURY_ERROR"


class GroupInvalid(TreasuryError):
    """The file of a group cannot be read, or says something else. Details: ``path``, ``problems``."""

    code: ClassVar[str] = "GROUP_INVALID"
    hint: ClassVar[str] = "Correct each problem; docs/treasury.md describes the file."


class AssumptionsInvalid(TreasuryError):
    """The file of assumptions cannot be read, or says something else. Details: ``path``, ``problems``."""

    code: ClassVar[str] = "ASSUMPTIONS_INVALID"
    hint: ClassVar[str] = "Correct each problem; docs/treasury.md describes the file."


class RateMissing(TreasuryError):
    """The assumptions name no rate of a currency that the report needs. Details: ``currency``, ``base``."""

    code: ClassVar[str] = "RATE_MISSING"
    hint: ClassVar[str] = "Add the currency to [rates] of the assumptions: how much of the base currency one of it is."


class InvalidPayables(TreasuryError):
    """Intercompany payables that cannot be netted as they are. Details: ``payable``, ``problem``."""

    code: ClassVar[str] = "INVALID_PAYABLES"
    hint: ClassVar[str] = "Correct the payable named in the details; nothing was proposed."
