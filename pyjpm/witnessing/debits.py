"""What calls take off their payers while they are on their way, and what payers have free.

Decisions that govern this module:

* A call counts with the most that it can take: what is due of a milestone, or what an amendment lacks, the chain alone
  knows. Counting too much delays a payment, counting too little would burn a nonce on one that must revert.
* Only money that leaves by the payer's own word counts: its call, or its consent in somebody else's call.
* A day's limit is the participant's, over all its wallets; a retail customer's tier may allow less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address

from pyjpm.chain.connection import Connection
from pyjpm.errors.chain import BlockNotAvailable
from pyjpm.record import DeploymentRecord
from pyjpm.sending.witness import Call
from pyjpm.witnessing.orders import ESCROW
from pyjpm.witnessing.payments import payments_of
from pyjpm.witnessing.questions import Plan, View, carry_out
from pyjpm.witnessing.rules import RULES
from pyjpm.witnessing.subject import REGISTRY, TOKEN, Book, Subject
from pyjpm.witnessing.table import FACES
from pyjpm.witnessing.trades import SETTLEMENT

_RETAIL: Final = 8  # Flags.RETAIL
_CASH: Final = 0  # of the legs' LegKind
_PAY: Final = 0  # of the rules' ActionKind


@dataclass(frozen=True, slots=True)
class Debit:
    """What a call takes off one wallet at most: minor units of a token (address)."""

    wallet: str
    token: str
    amount: int


@dataclass(frozen=True, slots=True)
class Available:
    """What a wallet has free, and what its participant may still move today; minor units."""

    balance: int
    limit: int

    @property
    def least(self) -> int:
        """What it may pay."""
        return min(self.balance, self.limit)


class ContractFunds:
    """What payers have, and what calls take, on one platform. Safe among threads and forks.

    Args:
        book: of a witness of the same record, so that what one has understood the other knows.
    """

    def __init__(self, record: DeploymentRecord, book: Book | None = None) -> None:
        self._book = book or Book(record, FACES)

    def debits(self, call: Call) -> tuple[Debit, ...]:
        """What the call takes at most, by wallet and token, the sending wallet's and others'; none where nothing."""
        subject = self._book.read(call)
        total: dict[tuple[str, str], int] = {}
        for debit in [] if subject is None else _debits(subject):
            place = to_checksum_address(debit.wallet), to_checksum_address(debit.token)
            total[place] = total.get(place, 0) + debit.amount
        return tuple(Debit(wallet, token, amount) for (wallet, token), amount in total.items() if amount > 0)

    def own_debits(self, call: Call) -> dict[str, int]:
        """What the call takes off the wallet that sends it, by token."""
        wallet = to_checksum_address(call.wallet)
        return {each.token: each.amount for each in self.debits(call) if each.wallet == wallet}

    def available(self, wallet: str, token: str, *, connection: Connection, at: int) -> int:
        """Minor units that a wallet may pay at the end of block ``at``: free, and within the day's limit."""
        (found,) = self.read([(wallet, token)], connection=connection, at=at)
        return found.least

    def read(self, asked: Sequence[tuple[str, str]], *, connection: Connection, at: int) -> list[Available]:
        """For each ``(wallet, token)`` both figures at the end of block ``at``, in few requests.

        Raises transport faults, and BlockNotAvailable where the node does not have that state.
        """
        plans = [self._read(to_checksum_address(wallet), to_checksum_address(token)) for wallet, token in asked]
        found = carry_out(plans, connection, at=at, first_block=self._book.record.first_block)
        if any(each is None for each in found):
            raise BlockNotAvailable(f"A view did not answer at block {at}.", block=at, head=at)
        return [each for each in found if each is not None]

    def _read(self, wallet: str, token: str) -> Plan[Available | None]:
        registry = self._book.registry
        free, owner, tier = yield [
            View(token, TOKEN, "available", (wallet,)),
            View(registry, REGISTRY, "walletOf", (wallet,)),
            View(token, TOKEN, "retailTier"),
        ]
        if free is None or owner is None or tier is None:
            return None
        day, flags = yield [
            View(token, TOKEN, "dailyLimit", (owner[0],)),
            View(registry, REGISTRY, "flagsOf", (owner[0],)),
        ]
        if day is None or flags is None:
            return None
        limit, spent = day
        if flags & _RETAIL:
            limit = min(limit, tier[0])
        return Available(free, max(0, limit - spent))


def _debits(subject: Subject) -> Sequence[Debit]:
    payments = payments_of(subject)
    if payments:
        return [Debit(each.payer, subject.address, each.amount) for each in payments]
    if subject.parts is not None:
        return [debit for part in subject.parts if part is not None for debit in _debits(part)]
    count = _COUNTED.get((subject.artifact, subject.function))
    return [] if count is None else count(subject)


def _own(subject: Subject) -> list[Debit]:
    return [Debit(subject.caller, subject.address, subject["amount"])]


def _of_milestone(subject: Subject) -> list[Debit]:
    terms, index = subject["terms"], subject["milestone"]
    if index >= len(terms["milestones"]):
        return []
    return [Debit(subject["consent"]["payer"], terms["token"], terms["milestones"][index]["amount"])]


def _of_amendment(subject: Subject) -> list[Debit]:
    """Each consent is over what one new milestone lacks: at most its amount, of the largest first."""
    terms, consents = subject["next"], subject["consents"]
    amounts = sorted((each["amount"] for each in terms["milestones"]), reverse=True)
    pairs = zip(consents, amounts, strict=False)
    return [Debit(consent["payer"], terms["token"], amount) for consent, amount in pairs]


def _of_credit(subject: Subject) -> list[Debit]:
    return [Debit(subject["consent"]["payer"], subject["terms"]["token"], subject["amount"])]


def _by_consents(trade: Mapping[str, Any], consents: Sequence[Mapping[str, Any]]) -> list[Debit]:
    """A consent is over all the cash that its payer pays in its token."""
    return [
        Debit(
            consent["payer"],
            consent["token"],
            sum(
                leg["amount"]
                for leg in trade["legs"]
                if (leg["kind"], leg["token"], leg["from"]) == (_CASH, consent["token"], consent["payer"])
            ),
        )
        for consent in consents
    ]


def _of_trade(subject: Subject) -> list[Debit]:
    return _by_consents(subject["trade"], subject["consents"])


def _of_net(subject: Subject) -> list[Debit]:
    """What each pays by consents, less what it is paid: a net asks for no more."""
    total: dict[tuple[str, str], int] = {}
    for item in subject["trades"]:
        for debit in _by_consents(item["trade"], item["consents"]):
            total[debit.wallet, debit.token] = total.get((debit.wallet, debit.token), 0) + debit.amount
    for item in subject["trades"]:
        for leg in item["trade"]["legs"]:
            if leg["kind"] == _CASH and (leg["to"], leg["token"]) in total:
                total[leg["to"], leg["token"]] -= leg["amount"]
    return [Debit(wallet, token, max(0, amount)) for (wallet, token), amount in total.items()]


def _of_rule(subject: Subject) -> list[Debit]:
    rule = subject["rule"]
    return [Debit(rule["payer"], rule["token"], rule["amount"] if rule["action"] == _PAY else rule["capPerPayment"])]


_COUNTED: Final[Mapping[tuple[str, str], Callable[[Subject], list[Debit]]]] = {
    (TOKEN, "holdAndCall"): _own,
    (TOKEN, "requestRedemption"): _own,
    (TOKEN, "transfer"): _own,
    (ESCROW, "fund"): _of_milestone,
    (ESCROW, "pay"): _of_milestone,
    (ESCROW, "amend"): _of_amendment,
    (ESCROW, "refundReleased"): _of_credit,
    (SETTLEMENT, "settle"): _of_trade,
    (SETTLEMENT, "settleLots"): _of_trade,
    (SETTLEMENT, "settleNet"): _of_net,
    (RULES, "execute"): _of_rule,
}
