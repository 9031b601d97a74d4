"""What can be wrong with documents that companies exchange."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class DocumentError(PyjpmError):
    """Root of the errors about exchanged documents."""

    code = "DOCUMENT_ERROR"


class MalformedDocument(DocumentError):
    """The document is not JSON of the expected kind and form."""

    code = "MALFORMED_DOCUMENT"
    hint = "Ask the sender for the document exactly as pyjpm wrote it."


class DocumentUnreadable(DocumentError):
    """The file of a document cannot be read."""

    code = "DOCUMENT_UNREADABLE"
    hint = "Check the path."


class DocumentVersionUnknown(DocumentError):
    """The document has a version that this release does not read."""

    code = "DOCUMENT_VERSION_UNKNOWN"
    hint = "Upgrade pyjpm, or ask the sender for an older version."


class DocumentForElsewhere(DocumentError):
    """The document is for another chain or contract."""

    code = "DOCUMENT_FOR_ELSEWHERE"
    hint = "Ask the sender for a document of this platform; check the deployment record."


class MalformedSignature(DocumentError):
    """The signature is no usable ECDSA signature."""

    code = "MALFORMED_SIGNATURE"
    hint = "Ask the signer to sign again."


class SignatureMissing(DocumentError):
    """A signature that is needed is not in the document."""

    code = "SIGNATURE_MISSING"
    hint = "Collect it first."


class SignatureNotOf(DocumentError):
    """A signature was not made by the wallet that it is said to be of."""

    code = "SIGNATURE_NOT_OF_WALLET"
    hint = "Do not act on the document; ask the party to sign it again with its current wallet."


class DocumentsDiffer(DocumentError):
    """Documents that should be about the same thing are not."""

    code = "DOCUMENTS_DIFFER"
    hint = "Collect documents of one order, milestone and content."
