"""What screening cannot do, and what it does not let pass."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class ScreeningError(PyjpmError):
    """Root of the errors about screening. Where one is raised, nothing is signed."""

    code: ClassVar[str] = "SCREENING_ERROR"


class ScreeningSupportMissing(ScreeningError):
    """The library that compares names is not installed. Details: ``extra``."""

    code: ClassVar[str] = "SCREENING_SUPPORT_MISSING"
    hint: ClassVar[str] = "pip install 'pyjpm[screening]' for the default, 'pyjpm[nomenklatura]' for transliteration."


class MalformedSanctionsList(ScreeningError):
    """The file is not of a form that is read here, or not whole. Details: ``path``, ``place``."""

    code: ClassVar[str] = "MALFORMED_SANCTIONS_LIST"
    hint: ClassVar[str] = "Fetch it again from its publisher; a list is taken whole or not at all."


class SanctionsListStale(ScreeningError):
    """The list was published too long ago, or is of a day to come.

    Details: ``list``, ``published``, ``oldest`` (unix seconds).
    """

    code: ClassVar[str] = "SANCTIONS_LIST_STALE"
    hint: ClassVar[str] = "Fetch the present one, and look at this machine's clock; nothing is cleared by an old list."


class InvalidScreeningConfig(ScreeningError):
    """The file that says how to screen, or who the participants are, is not usable. Details: ``path``."""

    code: ClassVar[str] = "INVALID_SCREENING_CONFIG"
    hint: ClassVar[str] = "Correct the file: docs/screening.md has its form."


class PartyUnknown(ScreeningError):
    """Nobody is on file for a participant, a wallet belongs to none, or a name has no word. Details: ``who``."""

    code: ClassVar[str] = "PARTY_UNKNOWN"
    hint: ClassVar[str] = "Enter its name and country among the parties; whom nobody knows is not screened, nor paid."


class ScreeningHeld(ScreeningError):
    """Hits wait for a decision, or were confirmed. Details: ``hits`` (their ids), ``movement``."""

    code: ClassVar[str] = "SCREENING_HELD"
    hint: ClassVar[str] = "Have a maker and a checker decide them (`pyjpm screening queue`), then ask again."


class TravelDataMissing(ScreeningError):
    """Data that must travel with the payment is missing. Details: ``movement``, ``missing`` (ISO 20022 paths)."""

    code: ClassVar[str] = "TRAVEL_DATA_MISSING"
    hint: ClassVar[str] = "Attach originator, beneficiary and their agents in full, sealed to the bank's key."


class TravelDataMismatch(ScreeningError):
    """The data is of another payment, or not what the payment commits to. Details: ``movement``, ``field``."""

    code: ClassVar[str] = "TRAVEL_DATA_MISMATCH"
    hint: ClassVar[str] = "Make data, remittance and payment of one and the same amount, parties and accounts."


class MalformedTravelData(ScreeningError):
    """These bytes are no travel data of this version, or a member of it is malformed. Details: ``field``."""

    code: ClassVar[str] = "MALFORMED_TRAVEL_DATA"
    hint: ClassVar[str] = "Make it with pyjpm.screening.TravelData."
