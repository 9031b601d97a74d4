"""The judge: from the chain's events and what each client asked and was told, what went wrong.

Decisions that govern this module:

* A pure function. It sees no table of the engine's, no log and no clock.
* ``duplicates``: money moved twice for one key, or moved though nobody asked for exactly that.
* ``lost``: a client was told FINAL and the money did not move, or not yet; or the engine does not know its key.
* ``unresolved``: a client has no last word.
* ``negative_but_paid``: a client was told a negative end, by which it pays in another way, though the money had moved,
  or moved later without the client having asked for that key once more.
* ``quarantined``: given up to an operator though nobody had stolen a nonce.
* ``unbalanced``: a balance is not what the events make of it.
* ``unapproved``: money moved that needs checkers' words, and at no moment since the last "no" did enough words stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from campaign.record import ASKED, CONFLICT, FINAL, NEGATIVE, QUARANTINED, Checked, Evidence, Line, Paid, Word


@dataclass(slots=True)
class Judgement:
    """What went wrong, each as a sentence; all empty where nothing did. The others only count."""

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    negative_but_paid: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    unapproved: list[str] = field(default_factory=list)
    payments: int = 0
    final: int = 0
    reverted: int = 0
    planted: int = 0
    """Quarantined because of a thief that was planted."""
    contested: int = 0
    """Not paid, as other content was asked for under the same key."""

    @property
    def findings(self) -> dict[str, list[str]]:
        """What went wrong, by its kind; empty where nothing did."""
        found = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, list) and value}


def judge(evidence: Evidence) -> Judgement:
    """See the module."""
    judgement = Judgement(payments=len(evidence.lines))
    moved: dict[tuple[str, str], list[Paid]] = defaultdict(list)
    for event in evidence.paid:
        if event.tx_hash in evidence.thefts:
            continue
        moved[event.payer, event.reference].append(event)
    said: dict[tuple[int, str], list[Word]] = defaultdict(list)
    for word in evidence.words:
        said[word.participant, word.key].append(word)

    checked: dict[tuple[str, str], list[Checked]] = defaultdict(list)
    for each in evidence.checked:
        checked[each.owner, each.key].append(each)

    named: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in evidence.lines:
        named[line.wallet, line.reference].append(line)
    for name, variants in named.items():
        events = moved.pop(name, [])
        if len(events) > 1:
            judgement.duplicates.append(f"{variants[0]}: paid {len(events)} times")
        for event in events:
            if not any(_is_of(event, line) for line in variants):
                judgement.duplicates.append(f"{variants[0]}: paid with other content, {event}")
        for line in variants:
            paid = next((event for event in events if _is_of(event, line)), None)
            words = [
                word
                for word in said[line.participant, line.key]
                if word.position in (None, line.position) and word.variant == line.variant
            ]
            checks = checked[f"participant {line.participant}", line.name]
            if paid is not None and not _is_approved(line, paid, checks, evidence):
                judgement.unapproved.append(f"{line}: paid at {paid.at:.2f} without words enough")
            _judge_words(judgement, line, words, paid, evidence)
            _judge_end(judgement, line, words, paid, evidence, contested=len(variants) > 1)

    for events in moved.values():
        judgement.duplicates += [f"nobody asked for this: {event}" for event in events]
    judgement.quarantined += [
        f"{wallet} was halted, and no thief was there" for wallet in sorted(evidence.halted - evidence.thieves)
    ]
    judgement.unbalanced += _unbalanced(evidence)
    return judgement


def _is_approved(line: Line, paid: Paid, words: Iterable[Checked], evidence: Evidence) -> bool:
    """Whether enough words stood at one moment before it was paid, after the last "no" that was taken, or none must."""
    if evidence.above is None or line.amount <= evidence.above:
        return True
    standing: dict[str, int] = {}
    enough = False
    for word in words:
        if word.at > paid.at or word.taken is False:
            continue
        if not word.approved:
            # Whether one that nobody answered was taken is unknown: it takes no word away.
            if word.taken:
                standing, enough = {}, False
            continue
        standing[word.checker] = word.expires
        enough = enough or sum(expires > word.wall for expires in standing.values()) >= evidence.needed
    return enough


def _judge_words(judgement: Judgement, line: Line, words: list[Word], paid: Paid | None, evidence: Evidence) -> None:
    for index, word in enumerate(words):
        if word.what in NEGATIVE and paid is not None:
            again = next((later.at for later in words[index + 1 :] if later.what == ASKED), None)
            if paid.at <= word.at:
                judgement.negative_but_paid.append(f"{line}: told {word.what} at {word.at:.2f}, paid at {paid.at:.2f}")
            elif again is None or paid.at < again:
                judgement.negative_but_paid.append(
                    f"{line}: told {word.what} at {word.at:.2f}, then paid at {paid.at:.2f} without being asked again"
                )
        if word.what == FINAL and (paid is None or paid.at > word.at):
            when = "never paid" if paid is None else f"paid at {paid.at:.2f}"
            judgement.lost.append(f"{line}: told FINAL at {word.at:.2f}, {when}")


def _judge_end(
    judgement: Judgement, line: Line, words: list[Word], paid: Paid | None, evidence: Evidence, *, contested: bool
) -> None:
    answers = [word.what for word in words if word.what != ASKED]
    last = answers[-1] if answers else "nothing"
    if last == FINAL:
        judgement.final += 1
    elif last in NEGATIVE:
        judgement.reverted += 1
    elif last == QUARANTINED or line.wallet in evidence.halted:
        if line.wallet in evidence.thieves:
            judgement.planted += 1
        else:
            judgement.quarantined.append(f"{line}: {last}, and no thief was there")
    elif last == CONFLICT and contested:
        judgement.contested += 1
    elif last in ("nothing", "FORGOTTEN"):
        judgement.lost.append(f"{line}: the engine does not know it any more ({last})")
    else:
        judgement.unresolved.append(f"{line}: {last}{'' if paid is None else f', though paid at {paid.at:.2f}'}")


def _is_of(event: Paid, line: Line) -> bool:
    return (event.currency, event.payee, event.amount, event.remittance_hash) == (
        line.currency,
        line.payee,
        line.amount,
        line.remittance_hash,
    )


def _unbalanced(evidence: Evidence) -> Iterable[str]:
    expected = dict(evidence.opening)
    for event in evidence.paid:
        for wallet, amount in ((event.payer, -event.amount), (event.payee, event.amount)):
            expected[event.currency, wallet] = expected.get((event.currency, wallet), 0) + amount
    for (currency, wallet), balance in sorted(evidence.closing.items()):
        wanted = expected.get((currency, wallet), 0)
        if balance != wanted:
            yield f"{wallet} has {balance} {currency}, by the events {wanted}"
    if sum(evidence.opening.values()) != sum(evidence.closing.values()):
        yield f"there was {sum(evidence.opening.values())} in all, now there is {sum(evidence.closing.values())}"
