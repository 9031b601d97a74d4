"""Sums: whether what is asked fits into the day, the nonces and the approvals that the book knows.

Decisions that govern this module:

* Nothing is changed here. The counts of a day, the nonces and the approvals that are used up go into one line; they are
  taken in once that is on disk.
* A second, different transaction under a nonce is never signed, but for a cancel.
* The very transaction that was signed before is signed again, on another day and after its approval lapsed too: that
  gives nobody anything, and whoever asks after a crash must get an answer.
* A payment that was counted, or for which an approval was used, is known by its name: it is not counted again, and no
  other uses its approval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyjpm.custody.policy import Rules
from pyjpm.custody.policy_effects import Flow, name_of
from pyjpm.custody.policy_state import CANCEL, DAY, NEVER, REMEMBERED, ApprovalState, State
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.policy import (
    AmountAboveLimit,
    DayLimitReached,
    NonceAlreadySigned,
    NonceTooFar,
    SigningApprovalExpired,
    SigningApprovalMissing,
    SigningApprovalUsed,
)


@dataclass(slots=True)
class Ask:
    """One transaction or message, as the signer reads it.

    Attributes:
        what: it is, for the book.
        preimage: what is hashed and then signed; ``digest`` its hash, hexadecimal.
        flows: what it moves.
        requests: purposes and digests under which a checker may have approved it; worked out where that matters.
        checked: it needs a checker whatever it moves.
        nonce: of a transaction.
        again: it may be done once more though what it moves counts once, as what is scheduled may.
    """

    what: str
    preimage: bytes
    digest: str
    flows: list[Flow]
    requests: Callable[[], list[tuple[str, str]]]
    checked: bool
    nonce: int | None = None
    again: bool = False

    @property
    def identity(self) -> str:
        """What an approval of it is bound to: the payment's own name where it has one."""
        names = [flow.name for flow in self.flows]
        return name_of(*names) if names and None not in names and not self.again else self.digest


class Reckoning:
    """One call's sums, on top of what the book says; nothing is changed before its line is written."""

    def __init__(self, state: State, chain_id: int, wallet: str, rules: Rules, now: float) -> None:
        self._chain_id = chain_id
        self._wallet = wallet
        self._rules = rules
        self._now = state.time(now)
        # A clock that went back goes on with the day it left.
        self._day = max(state.day, int(now // DAY))
        self._state = state.wallets[wallet]
        same_day = self._day == state.day
        self._totals = Counter(self._state.totals) if same_day else Counter[str]()
        self._before = self._state.counted if same_day else set[str]()
        self._approvals = state.approvals
        self._by_request: dict[tuple[str, str], list[str]] | None = None
        self._counted: dict[str, tuple[str, int]] = {}
        self._nonces: dict[int, str] = {}
        self._farthest = NEVER
        self._used: dict[str, str] = {}

    def line(self, asks: Sequence[Ask]) -> dict[str, Any]:
        """The line that lets all of these be signed. Raises a refusal."""
        for ask in asks:
            if ask.nonce is not None:
                self._require_nonce(ask.nonce, ask)
                if self._state.signed.get(ask.nonce) == ask.digest:
                    continue
            self._count(ask)
            self._require_approval(ask)
        return {
            "kind": "sign",
            "wallet": self._wallet,
            "day": self._day,
            "what": [[ask.what, ask.digest] for ask in asks],
            "nonces": list(self._nonces.items()),
            "counted": [[unit, name, amount] for name, (unit, amount) in self._counted.items()],
            "approvals": list(self._used.items()),
        }

    def _count(self, ask: Ask) -> None:
        for place, (unit, amount, name) in enumerate(ask.flows):
            limit = self._rules.limits.get(unit)
            most = 0 if limit is None else limit.per_payment
            if amount > most:
                raise AmountAboveLimit(
                    f"{self._wallet} may move {most} minor units of {unit} at a time, not {amount}.",
                    wallet=self._wallet,
                    currency=unit,
                    amount=amount,
                    limit=most,
                )
            name = name or f"{ask.digest[:32]}.{place}"
            if limit is None or name in self._before or name in self._counted:
                continue
            total = self._totals[unit]
            if total + amount > limit.per_day:
                raise DayLimitReached(
                    f"{self._wallet} may move {limit.per_day} minor units of {unit} a day, and has moved {total}.",
                    wallet=self._wallet,
                    currency=unit,
                    amount=amount,
                    total=total,
                    limit=limit.per_day,
                )
            self._totals[unit] = total + amount
            self._counted[name] = (unit, amount)

    def _require_approval(self, ask: Ask) -> None:
        if not ask.checked:
            sums: Counter[str] = Counter()
            for unit, amount, _ in ask.flows:
                sums[unit] += amount
            thresholds = {unit: self._rules.limits[unit].approval_above for unit in sums if unit in self._rules.limits}
            if all(above is None or sums[unit] <= above for unit, above in thresholds.items()):
                return
        found = [(name, self._approvals[name]) for name in self._matching(ask)]
        good: dict[str, str] = {}
        for name, each in found:
            serves = each.approval.deadline >= self._now and each.approval.checker in self._rules.checkers
            if serves and self._used.get(name, each.used_for) in ("", ask.identity):
                good.setdefault(each.approval.checker, name)
        if len(good) < self._rules.needed:
            raise self._unapproved(ask, len(good), [each for _, each in found])
        for name in list(good.values())[: self._rules.needed]:
            self._used[name] = ask.identity

    def _matching(self, ask: Ask) -> list[str]:
        if self._by_request is None:
            self._by_request = {}
            for name, each in self._approvals.items():
                if each.approval.wallet == self._wallet:
                    request = (each.approval.purpose, each.approval.request_sha256)
                    self._by_request.setdefault(request, []).append(name)
        return [name for request in ask.requests() for name in self._by_request.get(request, [])]

    def _unapproved(self, ask: Ask, given: int, found: list[ApprovalState]) -> PyjpmError:
        # The SDK's own digest where there is one: it is what the checker sees everywhere else.
        purpose, digest = ask.requests()[-1]
        facts = {"wallet": self._wallet, "chain_id": self._chain_id, "purpose": purpose, "request_sha256": digest}
        lapsed = [each.approval.deadline for each in found if each.approval.deadline < self._now]
        if lapsed:
            return SigningApprovalExpired("The approval of this has lapsed.", **facts, deadline=max(lapsed))
        if any(each.used_for not in ("", ask.identity) for each in found):
            return SigningApprovalUsed("The approval of this was used for another payment.", **facts)
        return SigningApprovalMissing(
            f"{ask.what} needs {self._rules.needed} checkers, {given} approved it.",
            **facts,
            given=given,
            needed=self._rules.needed,
        )

    def _require_nonce(self, nonce: int, ask: Ask) -> None:
        state, highest = self._state, self._state.highest
        if highest is not None and nonce > max(highest, self._farthest) + REMEMBERED:
            raise NonceTooFar(
                f"Nonce {nonce} of {self._wallet} is far above {highest}, the highest it signed.",
                wallet=self._wallet,
                nonce=nonce,
                highest=highest,
            )
        self._farthest = max(self._farthest, nonce)
        before = self._nonces.get(nonce, state.signed.get(nonce))
        if ask.what == CANCEL:
            self._nonces.setdefault(nonce, before or CANCEL)
            return
        if (before is None and nonce <= state.floor) or before not in (None, ask.digest):
            raise NonceAlreadySigned(
                f"Another transaction of {self._wallet} was, or may have been, signed under nonce {nonce}.",
                wallet=self._wallet,
                nonce=nonce,
            )
        self._nonces[nonce] = ask.digest
