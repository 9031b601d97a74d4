"""Proposals for a group's money: intercompany payables settled by their nets, and balances concentrated by rules.

Nothing here moves anything: proposals are documents. A netting is affirmed by its members and settled by
``settlement.settle_net``, a sweep is authorized by its payer, approved and armed (``platform.rules``).

Decisions that govern this module:

* All payables of a debtor to a creditor, and back, are the legs of one trade; a netting is up to 64 of them, all or
  none. What does not go into one goes into the next; a currency is netted as a whole where it fits.
* A trade's reference is the hash of the payables in it, each by its parties and id. The contract settles a trade once,
  but proposed again with another end it is another trade: so payables of which another trade was settled are refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.documents import Document
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.money import Money
from pyjpm.netting import NetPosition
from pyjpm.platform import Platform
from pyjpm.rule_terms import Schedule
from pyjpm.sending.reference import canonical
from pyjpm.terms import LegKind, TradeTerms
from pyjpm.treasury.group import Group
from pyjpm.treasury.payables import Payable, checked, invalid

MOST_TRADES: Final = 64
MOST_LEGS: Final = 32
MOST_TOPICS: Final = 500
"""Values of one topic that a node is asked for at once; some take no more than a thousand."""


@dataclass(frozen=True, slots=True)
class Netting:
    """One netting: trades that settle together.

    Attributes:
        payables: ids of what it settles.
        documents: its trades, to be affirmed by both sides of each.
        positions: what each wallet gives and gets.
        gross: how many payments it replaces, and of how much; ``movements``: how many are left of them.
    """

    payables: tuple[str, ...]
    documents: tuple[Document, ...]
    positions: tuple[NetPosition, ...]
    gross: tuple[Money, ...]
    net: tuple[Money, ...]
    payments: int
    movements: int

    def to_dict(self) -> dict[str, Any]:
        """The proposal as JSON-able data, documents included."""
        return {
            "payables": list(self.payables),
            "payments": self.payments,
            "movements": self.movements,
            "gross": [each.to_dict() for each in self.gross],
            "net": [each.to_dict() for each in self.net],
            "positions": [each.to_dict() for each in self.positions],
            "documents": [each.to_dict() for each in self.documents],
        }


@dataclass(frozen=True, slots=True)
class Sweep:
    """One standing rule that is proposed: ``payer`` is the participant whose money it moves."""

    payer: int
    payee: int
    level: Money
    document: Document

    def to_dict(self) -> dict[str, Any]:
        """The proposal as JSON-able data."""
        return {
            "payer": self.payer,
            "payee": self.payee,
            "level": self.level.to_dict(),
            "document": self.document.to_dict(),
        }


def propose_netting(
    platform: Platform, group: Group, payables: Iterable[Payable], *, expiry: int | None = None
) -> tuple[Netting, ...]:
    """Trades that settle these payables by their nets.

    Args:
        expiry: last second in which they may settle, unix seconds; a day from now (chain time) by default.

    Raises:
        InvalidPayables: nothing was proposed; also where just these between two members were settled already,
            in another trade.
        CurrencyNotDeployed, NotOnboarded
    """
    asked = checked(payables, group)
    until = platform.session.now() + 86_400 if expiry is None else expiry
    wallets = {who: platform.session.wallet_of(who) for each in asked for who in (each.debtor, each.creditor)}
    trades = list(_trades(asked))
    nettings = tuple(_netting(platform, part, wallets, until) for part in _parts(trades))
    _require_unsettled(platform, trades, (document for each in nettings for document in each.documents))
    return nettings


def propose_sweeps(
    platform: Platform,
    group: Group,
    header: int,
    levels: Mapping[str, Money],
    schedule: Schedule,
    *,
    end: int,
    cap: Mapping[str, Money],
    approvers: Sequence[str] | None = None,
) -> tuple[Sweep, ...]:
    """Cash concentration: what members have above a level goes to the header, what they lack of it comes from there.

    Args:
        header: the member whose account the others' money goes to.
        levels: by currency, what each member keeps; of nothing there is no topping up.
        end: last second in which anything moves, unix seconds.
        cap: by currency, the most that one payment may be.
        approvers: who arms each rule; its payer's wallet alone by default.

    Raises:
        InvalidRequest: the header is no member, or a currency has no cap; as ``rules.propose``.
        RulesNotDeployed, CurrencyNotDeployed, NotOnboarded
    """
    if header not in group.participants:
        raise InvalidRequest(f"The header is no member of {group.name}: participant {header}.", header=header)
    if uncapped := sorted(levels.keys() - cap.keys()):
        raise InvalidRequest(f"There is no cap in {', '.join(uncapped)}.", currencies=uncapped)
    rules, made = platform.rules, []
    for member in group.member:
        if member.participant == header:
            continue
        for currency, level in sorted(levels.items()):
            actions = [(member.participant, header, rules.sweep_above(level, header))]
            if level.minor:
                actions.append((header, member.participant, rules.top_up(level, member.participant)))
            for payer, payee, action in actions:
                name = "sweep" if payee == header else "top up"
                document = rules.propose(
                    action,
                    schedule,
                    end=end,
                    rule_reference=f"{name} {member.participant} {currency} {level} {header}",
                    payer=platform.session.wallet_of(payer),
                    cap_per_payment=cap[currency],
                    approvers=approvers,
                )
                made.append(Sweep(payer, payee, level, document))
    return tuple(made)


def _trades(payables: Sequence[Payable]) -> Iterator[tuple[Payable, ...]]:
    """By pair and currency, at most so many legs each."""
    by_pair: dict[tuple[str, frozenset[int]], list[Payable]] = defaultdict(list)
    for each in payables:
        by_pair[each.amount.currency, frozenset((each.debtor, each.creditor))].append(each)
    for together in by_pair.values():
        for start in range(0, len(together), MOST_LEGS):
            yield tuple(together[start : start + MOST_LEGS])


def _parts(trades: Sequence[tuple[Payable, ...]]) -> Iterator[list[tuple[Payable, ...]]]:
    """Nettings: a currency stays together where it fits."""
    part: list[tuple[Payable, ...]] = []
    by_currency: dict[str, list[tuple[Payable, ...]]] = defaultdict(list)
    for trade in trades:
        by_currency[trade[0].amount.currency].append(trade)
    for currency in by_currency.values():
        if part and len(part) + len(currency) > MOST_TRADES:
            yield part
            part = []
        for trade in currency:
            if len(part) == MOST_TRADES:
                yield part
                part = []
            part.append(trade)
    if part:
        yield part


def _reference(trade: Sequence[Payable]) -> bytes:
    return keccak(text=canonical(sorted([each.debtor, each.creditor, each.id] for each in trade)))


def _require_unsettled(
    platform: Platform, trades: Sequence[tuple[Payable, ...]], documents: Iterable[Document]
) -> None:
    """Raises InvalidPayables where another trade of just these payables was settled; the same one settles no more."""
    by_reference = {_reference(trade): trade for trade in trades}
    proposed = {TradeTerms.from_body(document.body).id for document in documents}
    references = list(by_reference)
    for start in range(0, len(references), MOST_TOPICS):
        asked = references[start : start + MOST_TOPICS]
        for event in platform.session.events("Settlement", "TradeSettled", None, asked):
            if event.arguments["tradeId"] in proposed:
                continue
            first = min(by_reference[event.arguments["tradeReference"]], key=lambda each: each.id)
            settled = "0x" + event.arguments["tradeId"].hex()
            raise invalid(first.id, f"it was settled in the trade {settled}")


def _netting(
    platform: Platform, trades: Sequence[tuple[Payable, ...]], wallets: Mapping[int, str], expiry: int
) -> Netting:
    settlement = platform.settlement
    documents = tuple(
        settlement.propose(
            [settlement.cash(wallets[each.debtor], wallets[each.creditor], each.amount) for each in trade],
            trade_reference=_reference(trade),
            expiry=expiry,
        )
        for trade in trades
    )
    positions = settlement.net_positions(documents)
    gross: dict[str, int] = defaultdict(int)
    for trade in trades:
        for each in trade:
            gross[each.amount.currency] += each.amount.minor
    net: dict[str, int] = defaultdict(int)
    givers: dict[str, int] = defaultdict(int)
    takers: dict[str, int] = defaultdict(int)
    for position in positions:
        assert position.kind is LegKind.CASH, "payables are money"
        currency = platform.record.currency_of(position.token)
        net[currency] += max(0, position.net)
        givers[currency] += position.net < 0
        takers[currency] += position.net > 0
    return Netting(
        payables=tuple(each.id for trade in trades for each in trade),
        documents=documents,
        positions=positions,
        gross=tuple(Money.from_minor(minor, currency) for currency, minor in sorted(gross.items())),
        net=tuple(Money.from_minor(minor, currency) for currency, minor in sorted(net.items())),
        payments=sum(map(len, trades)),
        # Each movement empties a giver or fills a taker, the last of a currency both.
        movements=sum(max(0, givers[currency] + takers[currency] - 1) for currency in net),
    )
