"""The root of every error that pyjpm raises.

Decisions that govern this package:

* One class per cause. The class is what code catches, ``code`` is what logs, APIs and operators match on; it never
  changes once released.
* An error says what happened (``message``) and what to do about it (``hint``). Its facts are attributes too
  (``details``), so nobody has to parse a sentence.
* No key, PIN, token or URL credential ever reaches an error.
"""

from __future__ import annotations

from typing import Any, ClassVar


class PyjpmError(Exception):
    """Root of all errors of this package.

    Args:
        message: what happened, one sentence.
        details: the facts behind the sentence, by name (JSON-able values; money in minor units).

    Class attributes:
        code: stable identifier, ``SCREAMING_SNAKE``.
        hint: what the reader should do next.
    """

    code: ClassVar[str] = "PYJPM_ERROR"
    hint: ClassVar[str] = ""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.details))

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON-able data: ``code``, ``message``, ``hint``, ``details``."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "details": dict(self.details)}


def _rebuild(cls: type[PyjpmError], message: str, details: dict[str, Any]) -> PyjpmError:
    return cls(message, **details)
