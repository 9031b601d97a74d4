"""What a signer with a policy says: that it refuses, that it cannot be reached, or that it cannot start.

A refusal is a ``SigningRefused``: asking again is of no use. What is none of these is tried again or repaired.
No error here ever carries a key, a passphrase or a signature.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.custody import CustodyError, DeviceBusy, DeviceUnreachable, SigningRefused


class PolicyRefusal(SigningRefused):
    """Root of what a signer's policy refuses. Nothing was signed."""

    code: ClassVar[str] = "POLICY_REFUSAL"


class WalletNotServed(PolicyRefusal):
    """The signer's policy does not name this wallet. Details: ``wallet``."""

    code: ClassVar[str] = "WALLET_NOT_SERVED"
    hint: ClassVar[str] = "Check the address, or have the wallet added to the signer's policy."


class CallerNotAllowed(PolicyRefusal):
    """The user who asks may not have this wallet sign. Details: ``wallet``, ``uid``."""

    code: ClassVar[str] = "CALLER_NOT_ALLOWED"
    hint: ClassVar[str] = "Ask as a user whom the policy names, or have this one named in `uids`."


class ChainNotAllowed(PolicyRefusal):
    """The signer signs for another chain. Details: ``chain_id``, ``allowed``."""

    code: ClassVar[str] = "CHAIN_NOT_ALLOWED"
    hint: ClassVar[str] = "Connect to the chain of the signer's policy, or use that chain's signer."


class ContractNotAllowed(PolicyRefusal):
    """The policy does not let the wallet call this address. Details: ``wallet``, ``contract``."""

    code: ClassVar[str] = "CONTRACT_NOT_ALLOWED"
    hint: ClassVar[str] = "Check the address against the signer's own deployment record; if it is meant, allow it."


class CallNotUnderstood(PolicyRefusal):
    """The calldata is not exactly one call of the contract at this address. Details: ``contract``, ``selector``."""

    code: ClassVar[str] = "CALL_NOT_UNDERSTOOD"
    hint: ClassVar[str] = "Encode the call by the contract's ABI, without anything behind it."


class FunctionNotAllowed(PolicyRefusal):
    """The policy does not let the wallet call this function. Details: ``wallet``, ``contract``, ``function``."""

    code: ClassVar[str] = "FUNCTION_NOT_ALLOWED"
    hint: ClassVar[str] = "If the call is meant, have the function allowed for this wallet in the signer's policy."


class NativeValueNotAllowed(PolicyRefusal):
    """The transaction sends the chain's own coin. Details: ``value`` (wei)."""

    code: ClassVar[str] = "NATIVE_VALUE_NOT_ALLOWED"
    hint: ClassVar[str] = "Send no value: bank money moves by its token."


class CreationNotAllowed(PolicyRefusal):
    """The policy does not let the wallet create contracts. Details: ``wallet``."""

    code: ClassVar[str] = "CREATION_NOT_ALLOWED"
    hint: ClassVar[str] = "Deploy with a wallet whose policy says `create = true`."


class MessageNotAllowed(PolicyRefusal):
    """The policy does not let the wallet sign this structure for this contract, or it is none of the contracts'.
    Details: ``primary_type``, ``contract``, ``problem``."""

    code: ClassVar[str] = "MESSAGE_NOT_ALLOWED"
    hint: ClassVar[str] = "If it is meant, have the type allowed for this wallet and contract in the signer's policy."


class DigestNotSigned(PolicyRefusal):
    """A bare digest does not say what it stands for; a signer with a policy signs none."""

    code: ClassVar[str] = "DIGEST_NOT_SIGNED"
    hint: ClassVar[str] = "Have the transaction or the structured message signed."


class AmountAboveLimit(PolicyRefusal):
    """One payment is above what the policy lets the wallet pay at a time. Details: ``wallet``, ``currency``,
    ``amount``, ``limit`` (minor units)."""

    code: ClassVar[str] = "AMOUNT_ABOVE_LIMIT"
    hint: ClassVar[str] = "Check the amount; if it is meant, have the limit raised in the signer's policy."


class DayLimitReached(PolicyRefusal):
    """The wallet would move more in a day (UTC) than the policy lets it. Details: ``wallet``, ``currency``, ``amount``,
    ``total`` (of the day so far), ``limit`` (minor units)."""

    code: ClassVar[str] = "DAY_LIMIT_REACHED"
    hint: ClassVar[str] = "Send it tomorrow, or have the limit raised in the signer's policy."


class SigningApprovalMissing(PolicyRefusal):
    """Above the threshold the signer needs a checker's word, and has none for this. Details: ``wallet``, ``chain_id``,
    ``purpose``, ``request_sha256``, ``given``, ``needed``."""

    code: ClassVar[str] = "SIGNING_APPROVAL_MISSING"
    hint: ClassVar[str] = (
        "Have a checker approve exactly this (`pyjpm signer approve` with the details), hand that to the signer, and "
        "retry."
    )


class SigningApprovalExpired(PolicyRefusal):
    """The checker's word for this has lapsed. Details: ``wallet``, ``request_sha256``, ``deadline``."""

    code: ClassVar[str] = "SIGNING_APPROVAL_EXPIRED"
    hint: ClassVar[str] = "Have it approved anew, with a later deadline."


class SigningApprovalUsed(PolicyRefusal):
    """The checker's word for this content was used for another payment. Details: ``wallet``, ``request_sha256``."""

    code: ClassVar[str] = "SIGNING_APPROVAL_USED"
    hint: ClassVar[str] = "Have this payment approved for itself; one approval is for one payment."


class SigningApprovalInvalid(PolicyRefusal):
    """The approval is not one that this signer takes. Details: ``problem``."""

    code: ClassVar[str] = "SIGNING_APPROVAL_INVALID"
    hint: ClassVar[str] = "Have a checker whom the policy names, and who is not the wallet, approve for this chain."


class NonceAlreadySigned(PolicyRefusal):
    """Another transaction was signed under this nonce, or may have been. Details: ``wallet``, ``nonce``."""

    code: ClassVar[str] = "NONCE_ALREADY_SIGNED"
    hint: ClassVar[str] = "Send the bytes that were signed first, or cancel the nonce and use a new one."


class NonceTooFar(PolicyRefusal):
    """The nonce is far above all that the wallet has signed. Details: ``wallet``, ``nonce``, ``highest``."""

    code: ClassVar[str] = "NONCE_TOO_FAR"
    hint: ClassVar[str] = "Use the nonces in their order; if the wallet signed elsewhere, raise its mark first."


# --- the way to the signer -----------------------------------------------------------------------------------------


class SignerUnreachable(DeviceUnreachable):
    """The signer's process does not answer: no socket, no process, or the connection broke. Details: ``device``,
    ``reason``."""

    code: ClassVar[str] = "SIGNER_UNREACHABLE"
    hint: ClassVar[str] = "Start the signer (`pyjpm signer serve`); asking for the same signature again is safe."


class SignerTimedOut(DeviceUnreachable):
    """The signer did not answer in time; it may have signed. Details: ``device``, ``seconds``."""

    code: ClassVar[str] = "SIGNER_TIMED_OUT"
    hint: ClassVar[str] = "Look at the signer and its device; asking for the same signature again is safe."


class SignerBusy(DeviceBusy):
    """The signer has as many clients as it takes. Details: ``limit``."""

    code: ClassVar[str] = "SIGNER_BUSY"
    hint: ClassVar[str] = "Retry later, or share one client among threads."


class SignerProtocolError(CustodyError):
    """A request or an answer is not of the signer's protocol. Details: ``problem``."""

    code: ClassVar[str] = "SIGNER_PROTOCOL_ERROR"
    hint: ClassVar[str] = "Use the same version of pyjpm on both sides of the socket."


# --- the signer's own house ----------------------------------------------------------------------------------------


class PolicyInvalid(CustodyError):
    """The policy does not say what it must, or says what nobody understands; nothing is signed by it. Details:
    ``path``, ``where``, ``problem``."""

    code: ClassVar[str] = "POLICY_INVALID"
    hint: ClassVar[str] = "Correct the policy; `pyjpm signer check` tells whether it is right."


class PolicyTooOpen(CustodyError):
    """Others can change a file that the signer believes. Details: ``path``, ``mode``."""

    code: ClassVar[str] = "POLICY_TOO_OPEN"
    hint: ClassVar[str] = "Make it the signer's user's or root's, writable for nobody else (chmod go-w), and check it."


class SignerBookCorrupt(CustodyError):
    """The signer's book does not follow from its beginning: a line is damaged, missing or changed. Details: ``path``,
    ``line``."""

    code: ClassVar[str] = "SIGNER_BOOK_CORRUPT"
    hint: ClassVar[str] = (
        "Keep the file and find out who changed it. To go on, move the book away and set the wallets' marks with "
        "`pyjpm keys mark`; the day's totals begin anew."
    )


class SignerBookNotWritten(CustodyError):
    """The disk does not take the book, so nothing was signed. Details: ``path``, ``reason``."""

    code: ClassVar[str] = "SIGNER_BOOK_NOT_WRITTEN"
    hint: ClassVar[str] = "Give the book's folder room on a disk that can be written, then start the signer again."


class SignerBookInUse(CustodyError):
    """Another signer has this book. Details: ``path``."""

    code: ClassVar[str] = "SIGNER_BOOK_IN_USE"
    hint: ClassVar[str] = "Stop the other signer first; two would each count half of the day."


class SignerBookOfOtherChain(CustodyError):
    """The book belongs to another chain. Details: ``path``, ``chain_id``, ``expected``."""

    code: ClassVar[str] = "SIGNER_BOOK_OF_OTHER_CHAIN"
    hint: ClassVar[str] = "Give the book of the policy's chain, or a new folder."


class SignerSocketTaken(CustodyError):
    """Something answers at this socket, or the path is no socket. Details: ``path``."""

    code: ClassVar[str] = "SIGNER_SOCKET_TAKEN"
    hint: ClassVar[str] = "Stop what listens there, or choose another path."


class SignerSocketPathTooLong(CustodyError):
    """The operating system takes no path of this length for a socket (108 bytes on Linux). Details: ``path``."""

    code: ClassVar[str] = "SIGNER_SOCKET_PATH_TOO_LONG"
    hint: ClassVar[str] = "Give a shorter --socket, such as one in /run."
