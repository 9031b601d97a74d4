"""Four eyes: which operations wait for somebody's word, and the signed words that let them go.

Decisions that govern this module:

* A word is a signature over exactly what is asked: chain, genesis, key, owner, wallet, content (``request_sha256``),
  yes or no, and until when. It serves for nothing else, and for no other request of the same content.
* Who asks is not who checks: the wallet that would send is no checker of it, whatever the policy lists.
* A word is taken only while the submission waits for words, in the commit that stores it: two checkers who decide at
  the same time both read that it waits, and the first may have let it go.
* A word lapses. It is looked at again before a nonce is bound; what has lost its words waits for new ones.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from sqlalchemy import delete, insert, select

from pyjpm.chain.values import check_address
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.outbox import ApprovalRefused, InvalidApprovalPolicy, NotDecidable, OperationRejected
from pyjpm.money import Money
from pyjpm.sending.decisions import Decisions, move
from pyjpm.sending.journal import Journal
from pyjpm.sending.operation import Operation, Submission
from pyjpm.sending.operation import SubmissionState as State
from pyjpm.sending.tables import approval
from pyjpm.sending.trail import Word, record

_TYPE: Final = (
    "Approval(bool approved,bytes32 genesis,string owner,string key,address wallet,bytes32 request,uint256 expires)"
)
_NOWHERE: Final = "0x" + 40 * "0"  # no contract judges it


class _Message(TypedMessage):
    """An approval: a structure that no contract knows."""

    @property
    def struct_hash(self) -> bytes:
        said = self.message
        return keccak(
            encode(
                ["bytes32", "bool", "bytes32", "bytes32", "bytes32", "address", "bytes32", "uint256"],
                [
                    keccak(text=_TYPE),
                    said["approved"],
                    said["genesis"],
                    keccak(text=said["owner"]),
                    keccak(text=said["key"]),
                    said["wallet"],
                    said["request"],
                    said["expires"],
                ],
            )
        )


class CheckingSigner(Protocol):
    """Who signs a word."""

    @property
    def address(self) -> str:
        """Its address, checksummed."""
        ...

    def sign_typed_data(self, message: TypedMessage) -> bytes:
        """65 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Operations of these kinds (patterns such as ``payments.*``), above an amount, need so many of these checkers."""

    kinds: tuple[str, ...]
    above: Money | None
    checkers: frozenset[str]
    needed: int

    def asks(self, kind: str, content: Mapping[str, Any]) -> bool:
        """Whether it is about this. An amount that cannot be told, or of what, counts as too much."""
        if not any(fnmatch.fnmatchcase(kind, pattern) for pattern in self.kinds):
            return False
        amount, currency = content.get("amount"), content.get("currency")
        if self.above is None or type(amount) is not int or type(currency) is not str:
            return True
        return currency == self.above.currency and amount > self.above.minor


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Rules; an operation that several are about needs the words of each."""

    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, path: Path) -> ApprovalPolicy:
        """From a TOML file of ``[[rule]]`` tables: ``kinds``, ``checkers``, ``needed``, ``above``, ``currency``.

        Raises InvalidApprovalPolicy.
        """
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
            return cls(tuple(_rule(each) for each in given))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, PyjpmError) as error:
            raise InvalidApprovalPolicy(f"The approval policy {path} is not usable: {error}.", path=str(path)) from None

    def __call__(self, operation: Operation, /) -> bool:
        """Whether it waits for somebody's word."""
        return any(rule.asks(operation.kind, operation.content) for rule in self.rules)

    def about(self, kind: str, content: Mapping[str, Any]) -> list[Rule]:
        """The rules about this."""
        return [rule for rule in self.rules if rule.asks(kind, content)]


def _rule(given: Mapping[str, Any]) -> Rule:
    if unknown := set(given) - {"kinds", "above", "currency", "checkers", "needed"}:
        raise TypeError(f"unknown members {sorted(unknown)}")
    checkers = frozenset(check_address(each) for each in given["checkers"])
    needed = given.get("needed", 1)
    if type(needed) is not int or not 1 <= needed <= len(checkers):
        raise TypeError("needed must be 1 to the number of checkers")
    kinds = given["kinds"]
    if type(kinds) is not list or not kinds or not all(type(each) is str for each in kinds):
        raise TypeError("kinds must be a list of patterns: a rule about nothing asks nobody")
    above = Money(given["above"], given["currency"]) if "above" in given else None
    return Rule(tuple(kinds), above, checkers, needed)


def standing_words(journal: Journal, policy: ApprovalPolicy | None) -> Callable[[str, int], bool]:
    """Whether a submission needs no word, or has enough that have not lapsed at a unix second."""

    def stands(submission: str, now: int) -> bool:
        if policy is None:
            return True
        found = journal.get(submission)
        rules = policy.about(found.kind, found.content)
        if not rules:
            return True
        with journal.database.reading() as connection:
            return _enough(rules, connection.execute(_standing(submission, now)).scalars().all())

    return stands


class Approvals:
    """Takes words on what waits for them.

    Args:
        decisions: of the same journal; a rejection is a "no", and told only where one may be.
    """

    def __init__(self, journal: Journal, policy: ApprovalPolicy, decisions: Decisions) -> None:
        self._journal = journal
        self._decisions = decisions
        self._policy = policy

    def sign(self, submission: str, checker: CheckingSigner, *, approved: bool, expires: int) -> bytes:
        """A checker's word on a submission, signed. ``expires`` in unix seconds."""
        return checker.sign_typed_data(self._message(self._journal.get(submission), approved, expires))

    def decide(
        self,
        submission: str,
        *,
        checker: str,
        approved: bool,
        expires: int,
        signature: bytes,
        reason: str,
        now: int,
    ) -> Submission:
        """Take a word: enough of them and it is APPROVED (or SCHEDULED); one "no" and it is REJECTED.

        Raises ApprovalRefused, NotDecidable, ReasonMissing, SubmissionNotFound, MalformedSignature; transport faults
        where it rejects.
        """
        found, checker = self._journal.get(submission), check_address(checker)
        word = Word(checker, "approve" if approved else "reject", submission, reason)
        if found.state is not State.RECEIVED:
            raise NotDecidable(
                f"{submission} is {found.state}; it waits for nobody's word.",
                target=submission,
                state=found.state.value,
            )
        rules = self._policy.about(found.kind, found.content)
        self._require_checker(found, rules, checker)
        if expires <= now:
            raise _refused("has expired", checker, submission)
        if check_address(recover(self._message(found, approved, expires).digest, signature)) != checker:
            raise _refused("is not signed by its checker over this content", checker, submission)
        view = None if approved else self._decisions.require_deniable(found)
        with self._journal.trail.deciding([found.wallet]) as connection:
            row = {
                "payment": submission,
                "checker": checker,
                "approved": int(approved),
                "request_sha256": found.request_sha256,
                "expires_at": expires,
                "signature": signature,
                "decided_at": now,
            }
            connection.execute(delete(approval).where(approval.c.payment == submission, approval.c.checker == checker))
            connection.execute(insert(approval).values(**row))
            standing = connection.execute(_standing(submission, now)).scalars().all()
            state = State.RECEIVED
            if view is not None:
                self._decisions.require_known(connection, found, view)
                state = State.REJECTED
            elif _enough(rules, standing):
                later = found.not_before is not None and found.not_before > now
                state = State.SCHEDULED if later else State.APPROVED
            error = None if approved else OperationRejected(f"Rejected by {checker}: {reason}", submission=submission)
            move(connection, found, (State.RECEIVED,), state, error)
            record(connection, word, state, now)
        return self._journal.get(submission)

    def _require_checker(self, found: Submission, rules: Sequence[Rule], checker: str) -> None:
        if checker == found.wallet:
            raise _refused("is of the wallet that asks: maker and checker are two", checker, found.id)
        if not any(checker in rule.checkers for rule in rules):
            raise _refused("is of nobody whom the policy names", checker, found.id)

    def _message(self, found: Submission, approved: bool, expires: int) -> TypedMessage:
        domain = Domain("pyjpm outbox", self._journal.chain_id, _NOWHERE)
        said = {
            "approved": approved,
            "genesis": bytes.fromhex(self._journal.genesis_hash.removeprefix("0x")),
            "owner": found.owner,
            "key": found.key or "",
            "wallet": found.wallet,
            "request": bytes.fromhex(found.request_sha256),
            "expires": expires,
        }
        return _Message(domain, "Approval", said)


def _standing(submission: str, now: int) -> Any:
    return select(approval.c.checker).where(
        approval.c.payment == submission, approval.c.approved == 1, approval.c.expires_at > now
    )


def _enough(rules: Sequence[Rule], checkers: Sequence[str]) -> bool:
    return all(len(rule.checkers.intersection(checkers)) >= rule.needed for rule in rules)


def _refused(problem: str, checker: str, submission: str) -> ApprovalRefused:
    return ApprovalRefused(f"The word of {checker} {problem}.", checker=checker, submission=submission)
