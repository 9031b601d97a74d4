"""What can go wrong where order events come in. Caught together as :class:`IntakeError`."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class IntakeError(PyjpmError):
    """Root of the errors about order intake."""

    code: ClassVar[str] = "INTAKE_ERROR"


class SourceUnavailable(IntakeError):
    """An ERP or another source is down, slow, or refuses us for now. Details: ``source``, ``cause``."""

    code: ClassVar[str] = "SOURCE_UNAVAILABLE"
    hint: ClassVar[str] = "Nothing is lost: it is asked again from the same cursor. See that the source is up."
