"""Hits in the queue and the words of people about them; on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from screening.screening_support import BOTH, CHECKER, MAKER, NOON, STAFF, STRANGER
from sqlalchemy import text

from pyjpm.errors.books import BookAltered, NotPending, SayWhy, WordRefused
from pyjpm.screening import Hit, Kind, Party, Queue, State
from pyjpm.screening.queue import Queued

PARTY = Party("Yusuf Karimov", Kind.PERSON, "TT")
HIT = Hit(PARTY, "OFAC SDN", "v1", "90001", "Yusuf KARIMOV", 97, ("person", "born 1961"))


@pytest.fixture
def queue(journal_url: str | Path) -> Iterator[Queue]:
    with Queue(journal_url, staff=STAFF, now=lambda: NOON) as opened:
        yield opened


def entered(queue: Queue, hit: Hit = HIT) -> Queued:
    with queue.book.writing() as connection:
        (found,) = queue.enter(connection, [hit], "a movement")
    return found


def released(queue: Queue, hit: Hit = HIT) -> Queued:
    name = entered(queue, hit).id
    queue.propose(name, State.RELEASED, maker=MAKER, reason="another birth date")
    return queue.approve(name, checker=CHECKER, reason="seen the passport")


def test_a_hit_waits_once_until_two_people_have_released_it(queue: Queue) -> None:
    first = entered(queue)
    assert (first.state, first.hit, first.movement, first.found_at) == (State.OPEN, HIT, "a movement", NOON)
    assert entered(queue) == first
    assert queue.propose(first.id, State.RELEASED, maker=MAKER, reason="other birth").state is State.PROPOSED
    assert queue.approve(first.id, checker=CHECKER, reason="seen the passport").state is State.RELEASED
    assert entered(queue).state is State.RELEASED
    assert [(each.act, each.outcome, each.who, each.why) for each in queue.trail(first.id)] == [
        ("propose", "RELEASED", MAKER.address, "other birth"),
        ("approve", "RELEASED", CHECKER.address, "seen the passport"),
    ]
    assert len(list(queue.list())) == 1
    assert list(queue.list(state=State.OPEN)) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(HIT, version="v2"),
        replace(HIT, source="UN SC"),
        replace(HIT, entry="90002"),
        replace(HIT, party=replace(PARTY, name="Yusuf Karimow")),
        replace(HIT, party=replace(PARTY, country="US")),
        replace(HIT, party=replace(PARTY, birth="1961")),
        replace(HIT, party=replace(PARTY, kind=Kind.OTHER)),
    ],
    ids=["version", "list", "entry", "name", "country", "birth", "kind"],
)
def test_a_release_is_of_that_list_version_and_party_only(queue: Queue, other: Hit) -> None:
    released(queue)
    assert entered(queue, other).state is State.OPEN
    assert entered(queue).state is State.RELEASED


def test_it_stays_released_whatever_the_score(queue: Queue) -> None:
    released(queue)
    assert entered(queue, replace(HIT, score=88, name="KARIMOV Yusuf")).state is State.RELEASED


def test_what_is_confirmed_stays_so(queue: Queue) -> None:
    name = entered(queue).id
    queue.propose(name, State.CONFIRMED, maker=MAKER, reason="it is he")
    assert queue.approve(name, checker=CHECKER, reason="it is").state is State.CONFIRMED
    with pytest.raises(NotPending):
        queue.propose(name, State.RELEASED, maker=MAKER, reason="after all not")
    assert entered(queue).state is State.CONFIRMED


def test_a_rejected_proposal_opens_it_again(queue: Queue) -> None:
    name = entered(queue).id
    queue.propose(name, State.RELEASED, maker=MAKER, reason="other birth")
    assert queue.reject(name, checker=CHECKER, reason="no proof").state is State.OPEN
    with pytest.raises(NotPending):
        queue.approve(name, checker=CHECKER, reason="after all")
    queue.propose(name, State.RELEASED, maker=MAKER, reason="here is the proof")
    assert queue.approve(name, checker=BOTH, reason="seen").state is State.RELEASED
    assert [each.act for each in queue.trail()] == ["propose", "reject", "propose", "approve"]
    assert entered(queue).state is State.RELEASED


def test_maker_and_checker_are_two_and_on_the_staff(queue: Queue) -> None:
    name = entered(queue).id
    for who in (CHECKER, STRANGER):
        with pytest.raises(WordRefused):
            queue.propose(name, State.RELEASED, maker=who, reason="other")
    with pytest.raises(NotPending):
        queue.approve(name, checker=CHECKER, reason="nothing is proposed")
    queue.propose(name, State.RELEASED, maker=BOTH, reason="other")
    for who in (BOTH, MAKER, STRANGER):
        with pytest.raises(WordRefused):
            queue.approve(name, checker=who, reason="fine")
    for reason in ("", " "):
        with pytest.raises(SayWhy):
            queue.approve(name, checker=CHECKER, reason=reason)
    with pytest.raises(NotPending):
        queue.get("nothing")
    assert queue.get(name).state is State.PROPOSED


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE screening_hit SET state = 'RELEASED'",  # of an open one
        "UPDATE screening_decision SET who = '0x0000000000000000000000000000000000000001' WHERE act = 'approve'",
        f"UPDATE screening_decision SET who = '{STRANGER.address}' WHERE act = 'propose'",
        "UPDATE screening_decision SET outcome = 'CONFIRMED'",
        "DELETE FROM screening_decision WHERE act = 'propose'",
        "UPDATE screening_hit SET score = 1",
        "UPDATE screening_hit SET name = 'somebody else'",
    ],
)
def test_a_release_that_nobody_signed_lets_nothing_pass(queue: Queue, statement: str) -> None:
    if statement.endswith("'RELEASED'"):
        entered(queue)
    else:
        released(queue)
    with queue.book.writing() as connection:
        connection.execute(text(statement))
    with pytest.raises(BookAltered):
        entered(queue)


def test_the_words_on_one_hit_release_no_other(queue: Queue) -> None:
    name, other = released(queue).id, entered(queue, replace(HIT, entry="90002")).id
    with queue.book.writing() as connection:
        connection.execute(text("UPDATE screening_decision SET hit = :other"), {"other": other})
        connection.execute(text("UPDATE screening_hit SET state = 'RELEASED' WHERE id = :other"), {"other": other})
    assert name != other
    with pytest.raises(BookAltered):
        entered(queue, replace(HIT, entry="90002"))


def test_two_makers_at_once_propose_once(journal_url: str | Path) -> None:
    with (
        Queue(journal_url, staff=STAFF, now=lambda: NOON) as one,
        Queue(journal_url, staff=STAFF, now=lambda: NOON) as two,
    ):
        names = [entered(one, replace(HIT, entry=str(number))).id for number in range(8)]
        refused: list[str] = []

        def work(queue: Queue, maker: object) -> None:
            for name in names:
                try:
                    queue.propose(name, State.RELEASED, maker=maker, reason="other")  # type: ignore[arg-type]
                except NotPending:
                    refused.append(name)

        threads = [threading.Thread(target=work, args=pair) for pair in ((one, MAKER), (two, BOTH))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(refused) == sorted(names)
        assert sorted(each.hit for each in one.trail()) == sorted(names)
