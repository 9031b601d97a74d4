"""The clearing desk: signs what a policy lets pass, and remembers every movement that it has signed.

Decisions:

* What is judged is read from the request's own calldata or structure, never from what is said about it.
* What the policy does not name is refused: other payees, currencies and kinds of call have a limit of nothing.
* Besides the policy a gate may stand: screening, say. It is asked before anything is entered or signed; whatever it
  raises, nothing is.
* A movement is entered in the desk's ledger, in one commit, before it is signed. One reference of a payer is signed for
  one content for ever; the same request again gets the same answer and counts once in a day. So a crash, a second run
  and two desks over one ledger change nothing. Signed again on a later day it serves then, and is that day's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from pyjpm.clearance import ClearanceRequest
from pyjpm.clearances import Clearances
from pyjpm.documents import Document
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.clearances import ClearanceRefused, InvalidPolicy
from pyjpm.money import Money

_DAY: Final = 86_400
_DEFAULT_CALLS: Final = ("pay", "payBatch")
_SCREENED: Final = "screened"

Gate = Callable[[ClearanceRequest, Document], None]
"""Returns where a request may pass; raises, whatever it likes, where it may not."""


@dataclass(frozen=True, slots=True)
class Cap:
    """What one currency lets pass: minor units for one payment, and for all payers together in a UTC day."""

    per_payment: int
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a desk signs.

    Attributes:
        caps: by currency; a currency that is not here is refused.
        payees: wallets that may be paid, lower case; None: whomever the desk's gate lets be paid.
        calls: kinds of call or signed word.
        longest: seconds of chain time that a clearance may serve.
    """

    caps: Mapping[str, Cap]
    payees: frozenset[str] | None
    calls: frozenset[str] = frozenset(_DEFAULT_CALLS)
    longest: int = _DAY

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads ``{"caps": {"USD": {"per_payment": "1000.00", "per_day": "5000.00"}}, "payees": ["0x…"],
        "calls": ["pay"], "longest": 3600}``; the last two may be left out. ``"payees": "screened"`` is for a desk with
        a gate.

        Raises:
            InvalidPolicy: the file is missing or says something else.
        """
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            if said.keys() - {"caps", "payees", "calls", "longest"}:
                raise InvalidPolicy("The policy says what this version does not know.", path=str(path))
            caps = {
                currency: Cap(*(Money(part[name], currency).minor for name in ("per_payment", "per_day")))
                for currency, part in said["caps"].items()
            }
            payees = said["payees"]
            return cls(
                caps=caps,
                payees=None if payees == _SCREENED else frozenset(payee.lower() for payee in payees),
                calls=frozenset(said.get("calls", _DEFAULT_CALLS)),
                longest=int(said.get("longest", _DAY)),
            )
        except InvalidPolicy:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, PyjpmError) as error:
            raise InvalidPolicy(f"The policy {path} cannot be read.", path=str(path)) from error

    def require(self, request: ClearanceRequest, now: int) -> None:
        """Raises ``ClearanceRefused`` unless the request is within what it says, but for the day's cap."""
        if request.what not in self.calls:
            raise ClearanceRefused("This kind of call is not cleared here.", what=request.what)
        if not request.outflows:
            raise ClearanceRefused("A request that pays nothing is not cleared here.", what=request.what)
        if not now <= request.deadline <= now + self.longest:
            raise ClearanceRefused("The clearance would serve too long, or is over.", deadline=request.deadline)
        cap = self.caps.get(request.currency)
        if cap is None:
            raise ClearanceRefused("This currency is not cleared here.", currency=request.currency)
        for flow in request.outflows:
            if self.payees is not None and flow.to.lower() not in self.payees:
                raise ClearanceRefused("The payee is not on the list.", payee=flow.to)
            if flow.amount.minor > cap.per_payment:
                raise ClearanceRefused(
                    "The amount is above what one payment may be.", amount=flow.amount.minor, most=cap.per_payment
                )


@dataclass(frozen=True, slots=True)
class Decision:
    """What the desk made of one document: ``document`` is signed, or None with the reason."""

    document: Document | None = field(repr=False)
    request: ClearanceRequest | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        found = self.request
        shown: dict[str, Any] = {"status": "refused" if self.document is None else "cleared", "reason": self.reason}
        if found is not None:
            total = sum(flow.amount.minor for flow in found.outflows)
            shown |= {"payer": found.payer, "what": found.what, "digest": "0x" + found.digest.hex()}
            shown["total"] = str(Money.from_minor(total, found.currency))
        return shown


class ClearingDesk:
    """Signs by a policy. One per screener; several may share a ledger.

    Args:
        clearances: acting for the screener.
        ledger: file of what was signed; made where there is none.
        gate: asked after the policy; None for none.

    Raises:
        InvalidPolicy: the policy leaves the payees to a gate, and there is none.
    """

    def __init__(self, clearances: Clearances, policy: Policy, ledger: Path, gate: Gate | None = None) -> None:
        if policy.payees is None and gate is None:
            raise InvalidPolicy("The policy leaves the payees to screening, and there is none.", path="")
        self._clearances = clearances
        self._policy = policy
        self._ledger = ledger
        self._gate = gate
        with self._book() as book:
            book.execute(
                "CREATE TABLE IF NOT EXISTS signed (movement TEXT PRIMARY KEY, digest TEXT NOT NULL,"
                " currency TEXT NOT NULL, minor TEXT NOT NULL, day INTEGER NOT NULL) STRICT"
            )

    def decide(self, document: Document) -> Decision:
        """Signs the document, or says why not; whatever is wrong with a document is a refusal of that one alone."""
        request = None
        try:
            request = self._clearances.read(document)
            return Decision(self.clear(document), request)
        except PyjpmError as error:
            return Decision(None, request, f"{error.code}: {error.message}")

    def clear(self, document: Document) -> Document:
        """The document with the screener's signature.

        Raises:
            ClearanceRefused: the policy or the ledger does not let it pass.
            MalformedDocument, DocumentForElsewhere; what the gate raises
        """
        request, now = self._clearances.read(document), self._clearances.now()
        self._policy.require(request, now)
        if self._gate is not None:
            self._gate(request, document)
        self._enter(request, now // _DAY)
        return self._clearances.sign(document)

    def _enter(self, request: ClearanceRequest, day: int) -> None:
        digest = request.digest.hex()
        if len(set(request.movements)) < len(request.movements):
            raise ClearanceRefused("A reference is asked for twice.", digest=digest)
        with self._book() as book:
            marks = ",".join("?" * len(request.movements))
            query = f"SELECT digest, day FROM signed WHERE movement IN ({marks})"  # noqa: S608 - question marks
            earlier = book.execute(query, request.movements).fetchall()
            if any(each != digest for each, _ in earlier):
                raise ClearanceRefused("A reference was cleared for other content before.", digest=digest)
            if earlier and all(counted >= day for _, counted in earlier):
                return
            spent = sum(
                int(row[0])
                for row in book.execute(
                    "SELECT minor FROM signed WHERE currency = ? AND day = ?", (request.currency, day)
                )
            )
            total = sum(flow.amount.minor for flow in request.outflows)
            most = self._policy.caps[request.currency].per_day
            if spent + total > most:
                raise ClearanceRefused("The day's cap would be passed.", spent=spent, amount=total, most=most)
            book.executemany(
                "INSERT INTO signed VALUES (?, ?, ?, ?, ?) ON CONFLICT (movement) DO UPDATE SET day = excluded.day",
                [
                    (movement, digest, request.currency, str(flow.amount.minor), day)
                    for movement, flow in zip(request.movements, request.outflows, strict=True)
                ],
            )

    @contextmanager
    def _book(self) -> Iterator[sqlite3.Connection]:
        """The ledger, alone, for one commit."""
        book = sqlite3.connect(self._ledger, timeout=30, isolation_level=None)
        try:
            book.execute("PRAGMA synchronous = FULL")
            book.execute("BEGIN IMMEDIATE")
            try:
                yield book
            except BaseException:
                book.execute("ROLLBACK")
                raise
            book.execute("COMMIT")
        finally:
            book.close()
