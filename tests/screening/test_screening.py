"""Screening without a chain: what is remembered, by how many desks at once; on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from screening.screening_support import BENEFICIARY, CHECKER, MAKER, NOON, STAFF, data, lists
from sqlalchemy import text

from pyjpm.errors.clearances import ClearanceRefused
from pyjpm.errors.screening import (
    InvalidScreeningConfig,
    PartyUnknown,
    SanctionsListStale,
    ScreeningHeld,
    TravelDataMismatch,
    TravelDataMissing,
)
from pyjpm.money import Money
from pyjpm.remittance import RemittanceKey
from pyjpm.screening import (
    FuzzyScreener,
    Hit,
    Moved,
    Party,
    Policy,
    Queue,
    Screening,
    State,
    Transfer,
    Velocity,
    open_travel,
)

NAMES = {1: "Northwind Traders Inc", 2: "Contoso GmbH"}
KEY = RemittanceKey.generate()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def opened(where: str | Path, stack: ExitStack, *rules: Velocity, **more: object) -> Screening:
    queue = stack.enter_context(Queue(where, staff=STAFF, now=lambda: NOON))
    listed = lists()
    policy = Policy(oldest=10**9, rules=rules, **more)  # type: ignore[arg-type]
    return Screening(queue, listed, [FuzzyScreener(listed)], lambda who: Party(NAMES[who]), policy=policy)


def transfer(name: str, minor: int = 10_000, at: int = NOON, currency: str = "USD") -> Transfer:
    return Transfer(Moved(name, 1, 2, Money.from_minor(minor, currency), at))


def remembered(screening: Screening) -> list[tuple[str, str]]:
    with screening.queue.book.reading() as connection:
        query = text("SELECT movement, minor FROM screening_movement ORDER BY movement")
        return [(row.movement, row.minor) for row in connection.execute(query)]


def test_desks_at_once_do_not_pass_more_than_the_rule_together(journal_url: str | Path, stack: ExitStack) -> None:
    rule = Velocity("hourly", "USD", 3_600, most=50_000)
    desks = [opened(journal_url, stack, rule) for _ in range(3)]
    passed: list[str] = []

    def work(number: int) -> None:
        for place in range(4):
            name = f"{number} {place}"
            try:
                desks[number].require([transfer(name)])
            except ScreeningHeld:
                continue
            passed.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5
    assert [name for name, _ in remembered(desks[0])] == sorted(passed)
    assert len(list(desks[0].queue.list(state=State.OPEN))) == 7


def test_a_window_ends_to_the_second(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack, Velocity("hourly", "USD", 3_600, count=1))
    screening.require([transfer("one", at=NOON)])
    with pytest.raises(ScreeningHeld):
        screening.require([transfer("two", at=NOON + 3_599)])
    screening.require([transfer("three", at=NOON + 3_600)])


def test_what_was_let_pass_before_the_window_counts_in_it_once_asked_for_again(
    journal_url: str | Path, stack: ExitStack
) -> None:
    """Else whoever keeps requests of an earlier window has them cleared beside all that this one lets pass."""
    screening = opened(journal_url, stack, Velocity("hourly", "USD", 3_600, most=20_000))
    later = NOON + 3_600
    for name in ("one", "two"):
        screening.require([transfer(name)])
    screening.require([transfer("three", at=later)])
    screening.require([transfer("one", at=later)])
    screening.require([transfer("one", at=later + 1)])  # within one window it counts once
    for name in ("two", "four"):
        with pytest.raises(ScreeningHeld):
            screening.require([transfer(name, at=later + 1)])
    screening.require([transfer("two", at=later + 3_601)])


def test_amounts_beyond_64_bits_are_kept_whole(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack, Velocity("ever", "USD", 3_600, most=2**80), thresholds={"USD": 2**90})
    screening.require([transfer("one", 2**80 - 1)])
    screening.require([transfer("two", 1)])
    assert remembered(screening) == [("one", str(2**80 - 1)), ("two", "1")]
    with pytest.raises(ScreeningHeld):
        screening.require([transfer("three", 1)])


def test_a_currency_without_threshold_moves_with_travel_data_only(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack)
    with pytest.raises(TravelDataMissing):
        screening.require([transfer("one", 1, currency="EUR")])
    opened(journal_url, stack, thresholds={"USD": 300_000, "EUR": 100_000}).require(
        [transfer("two", 1, currency="EUR")]
    )


def test_a_held_request_remembers_nothing_but_its_hits(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack, Velocity("hourly", "USD", 3_600, count=1))
    with pytest.raises(ScreeningHeld) as told:
        screening.require([transfer("one"), transfer("two")])
    assert remembered(screening) == []
    (hit,) = told.value.details["hits"]
    assert screening.queue.get(hit).hit.entry == "two"
    screening.queue.propose(hit, State.RELEASED, maker=MAKER, reason="two invoices of one day")
    screening.queue.approve(hit, checker=CHECKER, reason="seen both")
    screening.require([transfer("one"), transfer("two")])
    assert len(remembered(screening)) == 2


def test_travel_data_is_stored_once_and_sealed(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack)
    amount = Money("3000.00", "USD")
    whole = data(amount)
    sealed = whole.seal([KEY.public])
    moved = Moved("one", 1, 2, amount, NOON)
    for _ in range(2):
        screening.require([Transfer(moved, whole, sealed, whole.commitment)])
    assert open_travel(screening.queue, "one", [KEY]) == whole
    with screening.queue.book.writing() as connection:
        other = data(amount).seal([KEY.public])
        connection.execute(text("UPDATE screening_travel SET sealed = :other"), {"other": other})
    with pytest.raises(TravelDataMismatch):
        open_travel(screening.queue, "one", [KEY])


def test_screening_without_lists_or_by_others_is_no_screening(journal_url: str | Path, stack: ExitStack) -> None:
    queue, listed = stack.enter_context(Queue(journal_url, staff=STAFF)), lists()
    for given, screeners in (
        ([], [FuzzyScreener([])]),
        (listed, []),
        (listed[:1], [FuzzyScreener(listed)]),
        (listed, [FuzzyScreener(listed[:2])]),  # nobody would look into the third
    ):
        with pytest.raises(InvalidScreeningConfig):
            Screening(queue, given, screeners, lambda who: Party(NAMES[who]), policy=Policy())


def test_a_list_of_a_day_to_come_or_a_clock_that_went_back_passes_nothing(tmp_path: Path, stack: ExitStack) -> None:
    queue, listed = stack.enter_context(Queue(tmp_path / "queue.db", staff=STAFF)), lists()
    clock = [NOON]
    screening = Screening(
        queue,
        listed,
        [FuzzyScreener(listed)],
        lambda who: Party(NAMES[who]),
        policy=Policy(),
        now=lambda: clock[0],
    )
    screening.require([transfer("one")])
    for clock[0] in (NOON - 30 * 86_400, 0):
        with pytest.raises(SanctionsListStale):
            screening.require([transfer("one")])


@pytest.mark.parametrize("name", ["...", "-", "and", "\u200b\u200b"])
def test_a_name_without_a_word_is_nobodys(name: str, tmp_path: Path, stack: ExitStack) -> None:
    """Nothing of it would be compared with anybody."""
    queue, listed = stack.enter_context(Queue(tmp_path / "queue.db", staff=STAFF)), lists()
    policy, screener = Policy(oldest=10**9), FuzzyScreener(lists())
    nameless = Screening(queue, listed, [screener], lambda _: Party(name), policy=policy)
    with pytest.raises(PartyUnknown):
        nameless.require([transfer("one")])
    with pytest.raises(PartyUnknown):
        nameless.screen(Party(name))
    named = Screening(queue, listed, [screener], lambda who: Party(NAMES[who]), policy=policy)
    if name.isprintable():
        amount = Money("3000.00", "USD")
        whole = data(amount, beneficiary=replace(BENEFICIARY, name=name))
        with pytest.raises(PartyUnknown):
            named.require([Transfer(Moved("two", 1, 2, amount, NOON), whole, b"sealed", whole.commitment)])


def test_one_movement_is_let_pass_for_one_content(journal_url: str | Path, stack: ExitStack) -> None:
    """Else one that was let pass for little would count so, whatever is paid under its reference then."""
    rule = Velocity("hourly", "USD", 3_600, most=50_000)
    screening = opened(journal_url, stack, rule, thresholds={"USD": 10**9, "EUR": 10**9})
    screening.require([transfer("one", 1)])
    for other in (transfer("one", 60_000), transfer("one", 2), transfer("one", 1, currency="EUR")):
        with pytest.raises(ClearanceRefused):
            screening.require([other])
    screening.require([transfer("one", 1)])
    assert remembered(screening) == [("one", "1")]
    whole, others = data(Money("0.02", "USD")), data(Money("0.02", "USD"))
    moved = transfer("two", 2).moved
    screening.require([Transfer(moved, whole, whole.seal([KEY.public]), whole.commitment)])
    with pytest.raises(ClearanceRefused):
        screening.require([Transfer(moved, others, others.seal([KEY.public]), others.commitment)])
    assert open_travel(screening.queue, "two", [KEY]) == whole


def test_an_alert_is_released_for_one_amount_and_payee(journal_url: str | Path, stack: ExitStack) -> None:
    screening = opened(journal_url, stack, Velocity("hourly", "USD", 3_600, most=50_000))
    with pytest.raises(ScreeningHeld) as told:
        screening.require([transfer("one", 50_001)])
    (hit,) = told.value.details["hits"]
    screening.queue.propose(hit, State.RELEASED, maker=MAKER, reason="an invoice of USD 500.01")
    screening.queue.approve(hit, checker=CHECKER, reason="seen it")
    elsewhere = Transfer(Moved("one", 1, 1, Money.from_minor(50_001, "USD"), NOON))
    for other in (transfer("one", 250_000), elsewhere):
        with pytest.raises(ScreeningHeld):
            screening.require([other])
    screening.require([transfer("one", 50_001)])


def test_each_party_of_many_payments_is_screened_once(tmp_path: Path, stack: ExitStack) -> None:
    asked: list[Party] = []

    class Counting:
        versions = FuzzyScreener(lists()).versions

        def screen(self, party: Party) -> list[Hit]:
            asked.append(party)
            return []

    queue = stack.enter_context(Queue(tmp_path / "queue.db", staff=STAFF, now=lambda: NOON))
    screening = Screening(queue, lists(), [Counting()], lambda who: Party(NAMES[who]), policy=Policy(oldest=10**9))
    screening.require([transfer(str(number)) for number in range(500)])
    assert sorted(party.name for party in asked) == sorted(NAMES.values())
    assert len(remembered(screening)) == 500


def test_the_queue_pages_itself(journal_url: str | Path, stack: ExitStack) -> None:
    queue = stack.enter_context(Queue(journal_url, staff=STAFF, now=lambda: NOON))
    with queue.book.writing() as connection:
        queue.enter(connection, [Hit(Party("A"), "s", "v", str(number), "A", 90) for number in range(1_001)], None)
    assert sorted(int(each.hit.entry) for each in queue.list()) == list(range(1_001))
