"""What the signer's process does with a request: read it, have it judged, have the device sign, answer.

Decisions that govern this module:

* Keys stay behind the signer of each wallet; nothing here reads one, and no answer holds more than signatures. What a
  device signs are the very bytes that were judged; it is not handed the request.
* The book has the marks of the policy's wallets: a mark that another keeper had is taken over and set aside, so that
  there is one of it. A wallet without one begins as one whose mark was lost.
* Every answer to a wrong request is a typed error. An error nobody expected says its class and nothing of its text.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.policy import Policy, Rules
from pyjpm.custody.policy_approval import Approval
from pyjpm.custody.policy_book import Book
from pyjpm.custody.policy_judge import Judge
from pyjpm.custody.policy_messages import message_from_wire
from pyjpm.custody.policy_reckoning import Ask
from pyjpm.custody.signer import WalletSigner
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import DeviceRefused, KeyNotFound, SignerMarkLost, SigningRefused
from pyjpm.errors.policy import DigestNotSigned, MessageNotAllowed, SignerBookNotWritten, SignerProtocolError

_FIELDS: Final = ("chainId", "nonce", "gas", "to", "value", "data")
_DUMPABLE: Final = 4
MOST_AT_ONCE: Final = 1_000
"""Transactions of a request."""


def harden() -> None:
    """Let no other process of this user read this one's memory, and leave no image of it behind."""
    ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class SignerProcess:
    """All wallets of a policy, their keys and the book. Any number of threads may hand it requests."""

    def __init__(self, judge: Judge, signers: Mapping[str, WalletSigner], book: Book) -> None:
        self._judge = judge
        self._signers = signers
        self._book = book
        self._operations: Mapping[str, Callable[[dict[str, Any], int], Any]] = {
            "sign_transactions": self._sign_transactions,
            "sign_typed_data": self._sign_typed_data,
            "sign_digest": self._sign_digest,
            "highest_nonce": self._highest_nonce,
            "describe": self._describe,
            "approve": self._approve,
            "status": lambda request, uid: judge.status(uid),
        }

    @classmethod
    def open(
        cls, policy: Policy, signers: Mapping[str, WalletSigner], folder: Path, *, marks: NonceMarks | None
    ) -> Self:
        """Open the book and take the wallets' marks over.

        Args:
            signers: by wallet. Marks of their own are neither read nor written.
            folder: of the book.
            marks: where the keys' marks are until now.

        Raises:
            KeyNotFound: there is no signer for a wallet of the policy; what the book and the marks raise.
        """
        for wallet in policy.wallets:
            if wallet not in signers:
                raise KeyNotFound(f"There is no key of {wallet}.", name=wallet)
        book = Book.open(folder, policy.chain_id)
        try:
            judge = Judge(policy, book)
            for wallet in policy.wallets:
                _take_over(judge, wallet, marks)
            judge.note("start", wallets=sorted(policy.wallets))
        except BaseException:
            book.close()
            raise
        return cls(judge, signers, book)

    @property
    def uids(self) -> frozenset[int]:
        """The users whom the signer talks to."""
        return self._judge.policy.uids

    def close(self) -> None:
        """Let go of the book."""
        self._book.close()

    def handle(self, request: dict[str, Any], uid: int) -> dict[str, Any]:
        """The answer to a request of a user; raises nothing."""
        try:
            operation = self._operations.get(str(request.get("op")))
            if operation is None:
                raise SignerProtocolError("The signer knows no such operation.", problem="operation")
            return {"ok": operation(request, uid)}
        except SigningRefused as refusal:
            return _error(self._noted(request, uid, refusal))
        except PyjpmError as error:
            return _error(error)
        except Exception as error:
            kind = type(error).__name__
            return _error(DeviceRefused(f"The signer failed ({kind}).", device="signer", reason=kind))

    def _noted(self, request: dict[str, Any], uid: int, refusal: SigningRefused) -> PyjpmError:
        try:
            self._judge.note_refusal(request.get("wallet"), uid, refusal)
        except SignerBookNotWritten as error:
            return error
        return refusal

    # --- operations ---

    def _sign_transactions(self, request: dict[str, Any], uid: int) -> list[str]:
        wallet = request.get("wallet")
        rules = self._judge.rules(wallet, uid)
        rows = request.get("transactions")
        if not isinstance(rows, list) or not 0 < len(rows) <= MOST_AT_ONCE:
            raise SignerProtocolError(f"A request has 1 to {MOST_AT_ONCE} transactions.", problem="transactions")
        asks = [self._judge.read_transaction(str(wallet), rules, _transaction(row)) for row in rows]
        return self._sign(str(wallet), rules, asks, uid)

    def _sign_typed_data(self, request: dict[str, Any], uid: int) -> list[str]:
        wallet = request.get("wallet")
        rules = self._judge.rules(wallet, uid)
        try:
            message = message_from_wire(request["message"])
        except (KeyError, ValueError, TypeError):
            raise MessageNotAllowed(
                "This is no structure that the contracts know.", primary_type="", contract="", problem="unknown"
            ) from None
        return self._sign(str(wallet), rules, [self._judge.read_message(str(wallet), rules, message)], uid)

    def _sign_digest(self, request: dict[str, Any], uid: int) -> Any:
        self._judge.rules(request.get("wallet"), uid)
        raise DigestNotSigned("A signer with a policy signs no bare digest.", field="digest")

    def _highest_nonce(self, request: dict[str, Any], uid: int) -> int:
        wallet = request.get("wallet")
        self._judge.rules(wallet, uid)
        chain_id = request.get("chain_id")
        if type(chain_id) is not int:
            raise SignerProtocolError("The chain id is an integer.", problem="chain_id")
        return self._judge.highest(str(wallet), chain_id)

    def _describe(self, request: dict[str, Any], uid: int) -> dict[str, Any]:
        """What the signer reads in a transaction, and under which digests a checker may approve it."""
        wallet = request.get("wallet")
        rules = self._judge.rules(wallet, uid)
        ask = self._judge.read_transaction(str(wallet), rules, _transaction(request.get("transaction")))
        moves: dict[str, int] = {}
        for unit, amount, _ in ask.flows:
            moves[unit] = moves.get(unit, 0) + amount
        chain_id = self._judge.policy.chain_id
        return {"chain_id": chain_id, "wallet": wallet, "what": ask.what, "moves": moves, "requests": ask.requests()}

    def _approve(self, request: dict[str, Any], uid: int) -> str:
        approval = Approval.from_dict(request.get("approval"))
        self._judge.take(approval, uid)
        return approval.id

    def _sign(self, wallet: str, rules: Rules, asks: Sequence[Ask], uid: int) -> list[str]:
        """Signatures over the very bytes that were judged: r, s and recovery id, hexadecimal."""
        self._judge.allow(wallet, rules, asks, uid=uid)
        try:
            return [each.hex() for each in self._signers[wallet]._sign_preimages([ask.preimage for ask in asks])]
        except Exception as error:
            # What was allowed stays counted: the same content asked for again is not counted twice.
            code = getattr(error, "code", type(error).__name__)
            self._judge.note("failed", wallet=wallet, code=code, digests=[ask.digest for ask in asks])
            raise


def _take_over(judge: Judge, wallet: str, marks: NonceMarks | None) -> None:
    highest = None
    if marks is not None:
        try:
            highest = marks.highest(wallet, judge.policy.chain_id)
        except SignerMarkLost:
            highest = None
    if highest is not None or not judge.knows(wallet):
        judge.begin(wallet, highest)
    if highest is not None and marks is not None:
        marks.hand_over(wallet)


def _transaction(row: Any) -> dict[str, Any]:
    if not isinstance(row, list) or len(row) != len(_FIELDS):
        raise SignerProtocolError("A transaction has six fields.", problem="transaction")
    fields = dict(zip(_FIELDS, row, strict=True))
    if not isinstance(fields["data"], str) or not isinstance(fields["to"], (str, type(None))):
        raise SignerProtocolError("Recipient and data of a transaction are text.", problem="transaction")
    try:
        fields["data"] = bytes.fromhex(fields["data"])
    except ValueError:
        raise SignerProtocolError("The data of a transaction is hexadecimal.", problem="transaction") from None
    if not fields["to"]:
        del fields["to"]
    return fields


def _error(error: PyjpmError) -> dict[str, Any]:
    facts = {name: value for name, value in error.details.items() if isinstance(value, (int, str, type(None)))}
    return {"error": {"code": error.code, "message": error.message, "details": facts}}
