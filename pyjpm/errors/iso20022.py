"""What can be wrong with an ISO 20022 or SWIFT message, and with the store of those taken in.

Decisions:

* What makes a whole message useless is raised. What is wrong with one instruction of many is a ``Problem`` in the
  result, with its place, and the others go on.
* No account, name or text of a message is quoted: a code, a line and an element's path say where to look.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class Iso20022Error(PyjpmError):
    """Root of the errors about messages."""

    code: ClassVar[str] = "ISO20022_ERROR"


class Iso20022ExtraMissing(Iso20022Error):
    """The libraries that read and write messages are not installed. Details: ``module``."""

    code: ClassVar[str] = "ISO20022_EXTRA_MISSING"
    hint: ClassVar[str] = "pip install 'pyjpm[iso20022]'"


class MalformedMessage(Iso20022Error):
    """These bytes are no well-formed XML, or no text message of this kind. Details: ``line``, ``column`` if known."""

    code: ClassVar[str] = "MALFORMED_MESSAGE"
    hint: ClassVar[str] = "Ask the sender for the file again; nothing of it was taken in."


class MessageForbidden(Iso20022Error):
    """It has a document type declaration, or is larger or deeper than any message is. Details: ``reason``."""

    code: ClassVar[str] = "MESSAGE_FORBIDDEN"
    hint: ClassVar[str] = (
        "No payment message has a DOCTYPE or entities; one that has may be an attack. Split one that is too large."
    )


class MessageUnknown(Iso20022Error):
    """Its namespace names no message that is read here, or no such version. Details: ``namespace``, ``supported``."""

    code: ClassVar[str] = "MESSAGE_UNKNOWN"
    hint: ClassVar[str] = "Have it sent in one of the versions in the details."


class MessageUnexpected(Iso20022Error):
    """It is another message than the one asked for. Details: ``found``, ``expected``."""

    code: ClassVar[str] = "MESSAGE_UNEXPECTED"
    hint: ClassVar[str] = "Give it to the command or function for messages of its kind."


class MessageRefused(Iso20022Error):
    """What concerns the whole message is wrong, so that none of it was taken in. Details: ``message_id``, ``problems``,
    each with ``code``, ``line``, ``path`` and ``text``."""

    code: ClassVar[str] = "MESSAGE_REFUSED"
    hint: ClassVar[str] = "Have the places named corrected and the message sent anew."


class MessageNotWritable(Iso20022Error):
    """What a message was to hold does not fit its standard; nothing was written. Details: ``name``, ``problems``."""

    code: ClassVar[str] = "MESSAGE_NOT_WRITABLE"
    hint: ClassVar[str] = "Correct the fields at the places named."


class InvalidBankIdentifier(Iso20022Error):
    """An IBAN, BIC or LEI whose form or check digits are wrong. Details: ``scheme``, ``reason``."""

    code: ClassVar[str] = "INVALID_BANK_IDENTIFIER"
    hint: ClassVar[str] = "Ask whoever gave it to check it; it is never guessed at."


class DuplicateMessage(Iso20022Error):
    """This sender has sent another message under this id. Details: ``message_id``, ``kind``."""

    code: ClassVar[str] = "DUPLICATE_MESSAGE"
    hint: ClassVar[str] = "The first one stands. Have the new one sent under an id of its own."


class MessageNotTaken(Iso20022Error):
    """No message of this id was taken in. Details: ``message_id``."""

    code: ClassVar[str] = "MESSAGE_NOT_TAKEN"
    hint: ClassVar[str] = "Check the id and which database is meant."
