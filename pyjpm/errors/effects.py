"""What can go wrong where the chain's events, or payments, have effects elsewhere."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.sending import SendingError


class CursorMoved(SendingError):
    """Another consumer of this name has gone on meanwhile; what was to be stored with the step is not stored.

    Details: ``name``, ``block`` (where this consumer believed to be).
    """

    code: ClassVar[str] = "CURSOR_MOVED"
    hint: ClassVar[str] = "Run one consumer a name: stop the other one, or load the cursor again and go on from there."


class EffectConflict(SendingError):
    """The outside reference was used for another content. Details: ``reference``, ``kind``."""

    code: ClassVar[str] = "EFFECT_CONFLICT"
    hint: ClassVar[str] = "Use another reference for another content; the first one stands as it is."


class UnknownEffect(SendingError):
    """No effect has this outside reference. Details: ``reference``."""

    code: ClassVar[str] = "UNKNOWN_EFFECT"
    hint: ClassVar[str] = "Store its intent first."


class InvalidEffect(SendingError):
    """An outside reference or kind that cannot be stored. Details: ``field``, ``length``."""

    code: ClassVar[str] = "INVALID_EFFECT"
    hint: ClassVar[str] = "Give a reference of 1 to 255 and a kind of 1 to 64 printable characters."
