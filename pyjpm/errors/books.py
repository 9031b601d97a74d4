"""What keeps a bank's book (directory, screening queue) from being opened, or a person's word from counting there."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class BookError(PyjpmError):
    """Root of the errors about books that people change by signed words."""

    code: ClassVar[str] = "BOOK_ERROR"


class BookOfOtherVersion(BookError):
    """The tables were made by another version. Details: ``path``, ``book``, ``found``, ``supported``."""

    code: ClassVar[str] = "BOOK_OF_OTHER_VERSION"
    hint: ClassVar[str] = "Use the version of pyjpm that made them; nothing was read or changed."


class InvalidStaff(BookError):
    """The file that says who may propose and who may decide is not usable. Details: ``path``."""

    code: ClassVar[str] = "INVALID_STAFF"
    hint: ClassVar[str] = (
        "Give lists of addresses, `makers` and `checkers` (and `former`): each maker needs another as checker."
    )


class WordRefused(BookError):
    """A person's word does not count: not on the staff, the maker's own, or signed over something else.

    Details: ``who``, ``subject``.
    """

    code: ClassVar[str] = "WORD_REFUSED"
    hint: ClassVar[str] = "Have a checker on the staff, other than the maker, sign exactly this."


class NotPending(BookError):
    """There is nothing to decide: unknown, or decided already. Details: ``subject``, ``state``."""

    code: ClassVar[str] = "NOT_PENDING"
    hint: ClassVar[str] = "List what is pending; what was decided stays decided, propose anew to change it."


class SayWhy(BookError):
    """A word without a reason. Details: ``subject``."""

    code: ClassVar[str] = "SAY_WHY"
    hint: ClassVar[str] = "Give the reason: it stays in the trail."


class BookAltered(BookError):
    """A row is not what its maker and checker signed, or not what the chain was told. Details: ``subject``."""

    code: ClassVar[str] = "BOOK_ALTERED"
    hint: ClassVar[str] = "Somebody changed the database past this program: stop using it and find out who."
