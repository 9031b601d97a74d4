"""What can be wrong with an entry of the payee directory."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class DirectoryError(PyjpmError):
    """Root of the errors about the payee directory."""

    code: ClassVar[str] = "DIRECTORY_ERROR"


class InvalidIdentifier(DirectoryError):
    """Not an identifier of its scheme: form or check digits are wrong. Details: ``scheme``, ``identifier``, ``why``."""

    code: ClassVar[str] = "INVALID_IDENTIFIER"
    hint: ClassVar[str] = "Ask its owner for it again; a mistyped digit is found by the check digits."


class InvalidEntry(DirectoryError):
    """The change makes no sense by itself. Details: ``field``."""

    code: ClassVar[str] = "INVALID_ENTRY"
    hint: ClassVar[str] = "A mapping has a participant, its name, and an end after its start; an ending has neither."


class DirectorySupportMissing(DirectoryError):
    """The libraries that check IBAN, BIC and LEI are not installed. Details: ``extra``."""

    code: ClassVar[str] = "DIRECTORY_SUPPORT_MISSING"
    hint: ClassVar[str] = "pip install 'pyjpm[directory]'"
