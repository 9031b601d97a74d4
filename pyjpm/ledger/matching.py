"""Deposits and payouts of the bank beside mints and redemptions of the chain, one by one and day by day.

Decisions that govern this module:

* A credit belongs to the mint under its reference: the chain has the reference's hash. A payout belongs to what was
  settled with its reference, all of it; before that, to the redemption whose own reference it carries, whole or its
  first 32 digits.
* Two sources may be given: the bank's own file of deposits and payouts, and a statement (camt.053). What both have is
  one entry. Money is where the statement says it is, so what only the file has is a break: an entry, another amount, a
  repetition.
* On which day something happens is no break: a deposit of Friday may be minted on Monday. The days' totals show it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from eth_utils.crypto import keccak

from pyjpm.ledger.bank import BankEntry, without_repeats
from pyjpm.ledger.breaks import Break, BreakKind
from pyjpm.money import Money

_PAYOUT_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Mint:
    """A mint on the chain. ``reference`` is the hash of the deposit's."""

    reference: str
    currency: str
    amount: int
    block: int
    at: int


@dataclass(slots=True)
class Payout:
    """A redemption on the chain. ``fiat_reference`` is the hash of the payout's, empty before it was settled."""

    reference: str
    participant: int
    currency: str
    amount: int
    block: int
    at: int
    state: str = "REQUESTED"
    fiat_reference: str = ""


PayoutName = Callable[[Payout], str]


@dataclass(slots=True)
class Day:
    """One UTC day in one currency, minor units."""

    day: date
    currency: str
    minted: int = 0
    credited: int = 0
    burned: int = 0
    debited: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The day as JSON-able data: amounts in major units."""
        amounts = {
            name: str(Money.from_minor(getattr(self, name), self.currency).amount)
            for name in ("minted", "credited", "burned", "debited")
        }
        return {"day": self.day.isoformat(), "currency": self.currency, **amounts}


def match(
    mints: Sequence[Mint],
    payouts: Sequence[Payout],
    *,
    deposits: Sequence[BankEntry] | None,
    statement: Sequence[BankEntry] | None,
    covered: Callable[[date], bool] = lambda day: True,
    payout_name: PayoutName | None = None,
) -> list[Break]:
    """Every break between chain and bank.

    Args:
        deposits: of the bank's own file; None where there is none.
        statement: of the bank's statement; None where there is none.
        covered: whether the bank's side covers a day: what the chain has on another day is not missed there.
        payout_name: what the bank calls the payout of a redemption (its EndToEndId), beside the reference itself.
    """
    found: list[Break] = []
    (filed, filed_again), (stated, stated_again) = without_repeats(deposits or ()), without_repeats(statement or ())
    from_file, on_statement = ({_name(entry): entry for entry in first} for first in (filed, stated))
    # Both sources may tell of the same repetition.
    found += [_repeated(entry) for entry in (filed_again if statement is None else stated_again)]
    if statement is not None:
        untold = Counter(map(_name, filed_again)) - Counter(map(_name, stated_again))
        found += [
            _entry_break(
                BreakKind.NOT_ON_STATEMENT, from_file[name], "is in the bank's file more often than on its statement"
            )
            for name in untold.elements()
        ]
    by_mint, by_payout = _Mints(mints), _Payouts(payouts, payout_name)
    for name, entry in {**from_file, **on_statement}.items():
        if statement is not None and name in from_file:
            found += _not_stated(from_file[name], on_statement.get(name))
        side = by_mint if entry.credit else by_payout
        found += side.take(entry, known=name in from_file)
    found += by_mint.rest(covered)
    found += by_payout.rest(covered)
    return found


def days_of(mints: Iterable[Mint], payouts: Iterable[Payout], entries: Iterable[BankEntry]) -> tuple[Day, ...]:
    """What came and went on each day, on the chain and at the bank, oldest first."""
    days: dict[tuple[date, str], Day] = {}

    def day(when: date, currency: str) -> Day:
        return days.setdefault((when, currency), Day(when, currency))

    for mint in mints:
        day(day_of(mint.at), mint.currency).minted += mint.amount
    for payout in payouts:
        if payout.state == "SETTLED":
            day(day_of(payout.at), payout.currency).burned += payout.amount
    for entry in entries:
        if entry.credit:
            day(entry.booked_on, entry.currency).credited += entry.amount_minor
        else:
            day(entry.booked_on, entry.currency).debited += entry.amount_minor
    return tuple(days[name] for name in sorted(days))


def day_of(at: int) -> date:
    """The UTC day of a moment in unix seconds."""
    return datetime.fromtimestamp(at, UTC).date()


class _Mints:
    def __init__(self, mints: Sequence[Mint]) -> None:
        # One reference may stand in each currency.
        self._open: dict[str, list[Mint]] = defaultdict(list)
        for mint in mints:
            self._open[mint.reference].append(mint)

    def take(self, entry: BankEntry, *, known: bool) -> list[Break]:
        for text in _texts(entry):
            minted = self._open.get(_hash(text))
            if minted:
                mint = next((each for each in minted if each.currency == entry.currency), minted[0])
                minted.remove(mint)
                return _amounts(BreakKind.DEPOSIT_AMOUNT_DIFFERS, entry, [mint], "was minted as")
        if known:
            return [_entry_break(BreakKind.DEPOSIT_NOT_MINTED, entry, "came in, and nothing was minted for it")]
        return [_entry_break(BreakKind.UNKNOWN_BANK_ENTRY, entry, "is no deposit that was minted")]

    def rest(self, covered: Callable[[date], bool]) -> list[Break]:
        return [
            Break(
                BreakKind.MINT_WITHOUT_DEPOSIT,
                f"{_money(mint.amount, mint.currency)} were minted in block {mint.block} without a deposit.",
                f"mint {mint.reference}",
                block=mint.block,
                day=day_of(mint.at),
                currency=mint.currency,
                expected=mint.amount,
            )
            for minted in self._open.values()
            for mint in minted
            if covered(day_of(mint.at))
        ]


class _Payouts:
    def __init__(self, payouts: Sequence[Payout], payout_name: PayoutName | None) -> None:
        self._settled: dict[str, list[Payout]] = defaultdict(list)
        self._by_reference: dict[str, list[Payout]] = defaultdict(list)
        for payout in payouts:
            if payout.state == "SETTLED":
                self._settled[payout.fiat_reference].append(payout)
            named = () if payout_name is None else (payout_name(payout).lower(),)
            for name in (*_names(payout.reference), *named):
                self._by_reference[name].append(payout)

    def take(self, entry: BankEntry, *, known: bool) -> list[Break]:
        for text in _texts(entry):
            settled = self._settled_under(_hash(text), entry.currency) or self._settled_by_reference(text)
            if settled:
                return _amounts(BreakKind.PAYOUT_AMOUNT_DIFFERS, entry, settled, "was burned as")
        for text in _texts(entry):
            for payout in self._by_reference.get(text.lower(), ()):
                if payout.state == "SETTLED":
                    return [_repeated(entry, payout)]
                if payout.state == "RETURNED":
                    return [
                        _entry_break(
                            BreakKind.PAID_AND_RETURNED, entry, "left the bank, and its redemption was returned", payout
                        )
                    ]
                return [_entry_break(BreakKind.PAID_NOT_BURNED, entry, "left the bank, and nothing was burned", payout)]
        if known:
            return [_entry_break(BreakKind.PAID_NOT_BURNED, entry, "left the bank, and nothing was burned for it")]
        return [_entry_break(BreakKind.UNKNOWN_BANK_ENTRY, entry, "is no payout of a redemption")]

    def rest(self, covered: Callable[[date], bool]) -> list[Break]:
        return [
            Break(
                BreakKind.BURNED_NOT_PAID,
                f"{_money(payout.amount, payout.currency)} of participant {payout.participant} were burned in block "
                f"{payout.block}, and no payout left the bank.",
                f"redemption {payout.reference}",
                block=payout.block,
                day=day_of(payout.at),
                currency=payout.currency,
                expected=payout.amount,
            )
            for settled in self._settled.values()
            for payout in settled
            if covered(day_of(payout.at))
        ]

    def _settled_under(self, fiat_reference: str, currency: str) -> list[Payout]:
        """All that one payout was for: in its currency, or, where there is nothing in it, in another."""
        settled = self._settled.pop(fiat_reference, [])
        same = [payout for payout in settled if payout.currency == currency]
        if same and len(same) < len(settled):
            self._settled[fiat_reference] = [payout for payout in settled if payout.currency != currency]
        return same or settled

    def _settled_by_reference(self, text: str) -> list[Payout]:
        for payout in self._by_reference.get(text.lower(), ()):
            settled = self._settled.get(payout.fiat_reference, [])
            if payout in settled:
                settled.remove(payout)
                return [payout]
        return []


def _names(reference: str) -> tuple[str, ...]:
    return reference, reference[2:], reference[2 : 2 + _PAYOUT_DIGITS]


def _texts(entry: BankEntry) -> tuple[str, ...]:
    return (entry.reference,) if entry.end_to_end_id is None else (entry.reference, entry.end_to_end_id)


def _hash(text: str) -> str:
    return text.lower() if len(text) == 66 and text.startswith("0x") else "0x" + keccak(text=text).hex()


def _name(entry: BankEntry) -> tuple[str, bool]:
    return entry.reference, entry.credit


def _not_stated(filed: BankEntry, stated: BankEntry | None) -> list[Break]:
    """Where the bank's file has an entry that its statement has not, or otherwise."""
    if stated is None:
        return [_entry_break(BreakKind.NOT_ON_STATEMENT, filed, "is in the bank's file, not on its statement")]
    if (stated.amount_minor, stated.currency) == (filed.amount_minor, filed.currency):
        return []
    how = f"is {_money(stated.amount_minor, stated.currency)} on the bank's statement"
    return [_entry_break(BreakKind.NOT_ON_STATEMENT, filed, how, amount=stated.amount_minor)]


def _repeated(entry: BankEntry, payout: Payout | None = None) -> Break:
    if entry.credit:
        return _entry_break(BreakKind.DEPOSIT_CREDITED_TWICE, entry, "was credited more than once")
    return _entry_break(BreakKind.PAID_TWICE, entry, "was paid out more than once", payout)


def _amounts(kind: BreakKind, entry: BankEntry, on_chain: Sequence[Mint | Payout], how: str) -> list[Break]:
    currency, amount = on_chain[0].currency, sum(each.amount for each in on_chain)
    if (entry.amount_minor, entry.currency) == (amount, currency):
        return []
    return [_entry_break(kind, entry, f"{how} {_money(amount, currency)}", on_chain[0], amount)]


def _entry_break(
    kind: BreakKind, entry: BankEntry, what: str, on_chain: Mint | Payout | None = None, amount: int | None = None
) -> Break:
    side = "credit" if entry.credit else "debit"
    return Break(
        kind,
        f"The {side} {entry.reference!r} of {_money(entry.amount_minor, entry.currency)} {what}.",
        f"bank {side} {entry.reference}",
        block=None if on_chain is None else on_chain.block,
        day=entry.booked_on,
        currency=entry.currency,
        expected=on_chain.amount if amount is None and on_chain is not None else amount,
        found=entry.amount_minor,
    )


def _money(minor: int, currency: str) -> str:
    return str(Money.from_minor(minor, currency))
