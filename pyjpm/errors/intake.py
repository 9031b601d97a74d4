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


class IntakeOfOtherChain(IntakeError):
    """The intake's database belongs to another chain or deployment. Details: ``path``, ``stored``, ``given``."""

    code: ClassVar[str] = "INTAKE_OF_OTHER_CHAIN"
    hint: ClassVar[str] = "Give the database that was made for this deployment, or a new one."


class IntakeMappingInvalid(IntakeError):
    """The mapping of an intake cannot be read, or makes no sense. Details: ``path``, ``problems`` by key."""

    code: ClassVar[str] = "INTAKE_MAPPING_INVALID"
    hint: ClassVar[str] = "Correct the keys named; docs/orders.md describes the format."


class UnknownStatusEvent(IntakeError):
    """No event of this name was taken in. Details: ``source``, ``order``, ``milestone``, ``seq``."""

    code: ClassVar[str] = "UNKNOWN_STATUS_EVENT"
    hint: ClassVar[str] = "`pyjpm orders events` lists those that were."


class EventAlreadySent(IntakeError):
    """The event is attested, or on its way: nobody decides about it any more. Details: as of the event, ``state``."""

    code: ClassVar[str] = "EVENT_ALREADY_SENT"
    hint: ClassVar[str] = "What was attested stands; a later event of the source, or a dispute, answers it."


class OrderBoundOtherwise(IntakeError):
    """The order of the source is bound to other terms already. Details: ``source``, ``order``, ``bound``, ``given``."""

    code: ClassVar[str] = "ORDER_BOUND_OTHERWISE"
    hint: ClassVar[str] = "Where the parties amended the order, rebind it and say so: `rebind=True`, or --rebind."


class AttestationNotAwaited(IntakeError):
    """No event that waits for signatures says what this attestation says. Details: what it says."""

    code: ClassVar[str] = "ATTESTATION_NOT_AWAITED"
    hint: ClassVar[str] = "Take the event in first; where it is in, the two attesters were told different things."


class ScriptInvalid(IntakeError):
    """The file of order-status scripts cannot be loaded. Details: ``path``, ``problem``."""

    code: ClassVar[str] = "SCRIPT_INVALID"
    hint: ClassVar[str] = "Correct the file; docs/orders.md shows one."


class ScriptFailed(IntakeError):
    """A script raised an error, or answered with no decision. Nothing was attested. Details: ``script``, ``cause``."""

    code: ClassVar[str] = "SCRIPT_FAILED"
    hint: ClassVar[str] = "Mend the script and start again: it is asked about the event anew."


class WebhookRefused(IntakeError):
    """Root of what is wrong with a webhook. Details never hold a secret or a signature."""

    code: ClassVar[str] = "WEBHOOK_REFUSED"


class WebhookUnsigned(WebhookRefused):
    """The webhook carries no signature of the known form."""

    code: ClassVar[str] = "WEBHOOK_UNSIGNED"
    hint: ClassVar[str] = "Send the header Pyjpm-Signature: t=UNIX_SECONDS,v1=HEX."


class WebhookForged(WebhookRefused):
    """The webhook's signature was made with none of our secrets, or over another body."""

    code: ClassVar[str] = "WEBHOOK_FORGED"
    hint: ClassVar[str] = "Sign 't.body' by HMAC-SHA256 with one of the secrets that the receiver has."


class WebhookStale(WebhookRefused):
    """The webhook's time lies outside the window. Details: ``sent_at``, ``now``, ``tolerance`` (seconds)."""

    code: ClassVar[str] = "WEBHOOK_STALE"
    hint: ClassVar[str] = "Sign each attempt anew with its own time, and check both clocks."


class WebhookReplayed(WebhookRefused):
    """This very webhook was taken in before, with everything in it."""

    code: ClassVar[str] = "WEBHOOK_REPLAYED"
    hint: ClassVar[str] = "Nothing is to be done: what it said is stored. To say it again, sign it anew."


class WebhookMalformed(WebhookRefused):
    """The webhook's body is no JSON of order events, or too long. Details: ``problem``."""

    code: ClassVar[str] = "WEBHOOK_MALFORMED"
    hint: ClassVar[str] = 'Send one event, or {"events": [...]}; docs/orders.md names the members.'


class WebhookSecretsUnusable(IntakeError):
    """There is no secret, or one that is too short to be one. Details: ``problem``."""

    code: ClassVar[str] = "WEBHOOK_SECRETS_UNUSABLE"
    hint: ClassVar[str] = "Give one or two secrets of at least 32 characters, each in a file of its own."


class WatchInvalid(IntakeError):
    """The options of a watch do not go together, or name a source that is not there. Details: ``option``."""

    code: ClassVar[str] = "WATCH_INVALID"
    hint: ClassVar[str] = "`pyjpm orders watch --help` says what each source needs."


class SourceRefused(IntakeError):
    """A source refuses what it is asked: wrong user, wrong database, no such model. Details: ``source``, ``cause``."""

    code: ClassVar[str] = "SOURCE_REFUSED"
    hint: ClassVar[str] = "Check the user, its rights, and the name of the database; asking again does not help."
