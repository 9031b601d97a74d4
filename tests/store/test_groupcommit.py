"""Many threads, few commits: each gets its own result or its own error, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, update
from store_support import WALLETS, add_lanes, note, noted, opened

from pyjpm.errors.base import PyjpmError
from pyjpm.errors.sending import Fenced, IdempotencyConflict, JournalCollision, JournalFailed, JournalLost
from pyjpm.sending import lease
from pyjpm.sending.database import Database
from pyjpm.sending.groupcommit import GroupCommit
from pyjpm.sending.tables import lane

TOKEN = lease.new_token()


@pytest.fixture
def database(journal_url: str | Path) -> Iterator[Database]:
    with contextlib.closing(opened(journal_url)) as open_database:
        add_lanes(open_database, *WALLETS, lease=TOKEN)
        yield open_database


class Commits:
    """Counts them, and holds the first up until it is told to go."""

    def __init__(self, database: Database) -> None:
        self.made = 0
        self.first_holds = threading.Event()
        self.go = threading.Event()
        with database.reading() as connection:
            self._engine = connection.engine
        event.listen(self._engine, "commit", self._count)

    def _count(self, _: Connection) -> None:
        self.made += 1

    def remove(self) -> None:
        event.remove(self._engine, "commit", self._count)

    def hold(self, connection: Connection) -> str:
        """A work that is not done before the others have come."""
        self.first_holds.set()
        assert self.go.wait(30)
        note(connection, "first")
        return "first"


@pytest.fixture
def commits(database: Database) -> Iterator[Commits]:
    counted = Commits(database)
    yield counted
    counted.remove()


def together(
    group: GroupCommit, commits: Commits, works: list[tuple[list[str], Callable[[Connection], Any]]]
) -> list[Any]:
    """What each of these works returned or raised, where they all came while a first one was being written."""
    answers: list[Any] = [None] * len(works)

    def write(index: int, wallets: list[str], work: Callable[[Connection], Any]) -> None:
        try:
            answers[index] = group.write(wallets, work)
        except PyjpmError as error:
            answers[index] = error

    first = threading.Thread(target=group.write, args=[WALLETS[:1], commits.hold])
    first.start()
    assert commits.first_holds.wait(30)
    threads = []
    for index, (wallets, work) in enumerate(works):
        threads.append(threading.Thread(target=write, args=[index, wallets, work]))
        threads[-1].start()
        while len(group._queue) <= index:  # in the order given
            assert threads[-1].is_alive()
    commits.go.set()
    for thread in (first, *threads):
        thread.join(60)
        assert not thread.is_alive()
    return answers


def noting(what: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        note(connection, what)
        return what

    return work


def test_one_thread_commits_by_itself(database: Database, commits: Commits) -> None:
    group = GroupCommit(database, TOKEN)
    assert [group.write(WALLETS[:1], noting(str(number))) for number in range(3)] == ["0", "1", "2"]
    assert commits.made == 3
    assert noted(database) == ["0", "1", "2"]


def test_all_that_come_meanwhile_share_one_commit(database: Database, commits: Commits) -> None:
    group = GroupCommit(database, TOKEN)
    names = [f"work {number}" for number in range(20)]
    answers = together(group, commits, [([WALLETS[n % 5]], noting(name)) for n, name in enumerate(names)])
    assert answers == names
    assert commits.made == 2
    assert noted(database) == ["first", *names]


def test_a_work_that_fails_takes_nobody_with_it(database: Database, commits: Commits) -> None:
    def conflict(connection: Connection) -> None:
        note(connection, "of the conflict")
        raise IdempotencyConflict("another content", key="k")

    def collision(connection: Connection) -> None:
        connection.execute(insert(lane).values(wallet=WALLETS[0], next_nonce=0, state="OK"))

    answers = together(
        GroupCommit(database, TOKEN),
        commits,
        [
            (WALLETS[:1], noting("before")),
            (WALLETS[1:2], conflict),
            (WALLETS[2:3], noting("between")),
            (WALLETS[3:4], collision),
            (WALLETS[4:5], noting("after")),
        ],
    )
    assert [type(answer) for answer in answers] == [str, IdempotencyConflict, str, JournalCollision, str]
    assert noted(database) == ["first", "before", "between", "after"]


def test_a_work_that_met_what_was_not_committed_is_done_again(database: Database, commits: Commits) -> None:
    """Here the one that comes first fails after the second has read what it wrote: the second must not have seen it."""
    met: list[int] = []

    def number_to(value: int, fails: bool = False) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            before: int = connection.execute(select(lane.c.next_nonce).where(lane.c.wallet == WALLETS[0])).scalar_one()
            met.append(before)
            connection.execute(update(lane).where(lane.c.wallet == WALLETS[0]).values(next_nonce=value))
            if fails or before == 7:
                raise IdempotencyConflict("no", key="k")
            return before

        return work

    answers = together(
        GroupCommit(database, TOKEN), commits, [(WALLETS[:1], number_to(7, fails=True)), (WALLETS[:1], number_to(9))]
    )
    assert isinstance(answers[0], IdempotencyConflict)
    assert answers[1] == 0
    with database.reading() as connection:
        assert connection.execute(select(lane.c.next_nonce).where(lane.c.wallet == WALLETS[0])).scalar_one() == 9


def test_who_is_fenced_is_fenced_with_all(database: Database, commits: Commits, journal_url: str | Path) -> None:
    with contextlib.closing(opened(journal_url)) as newer:

        def take() -> None:
            with newer.transaction() as connection:
                lease.take(connection, WALLETS[2:3], lease.new_token())

        taking = threading.Thread(target=take)
        group = GroupCommit(database, TOKEN)
        if isinstance(journal_url, Path):
            # The whole file is locked while the first is written.
            commits.go.set()
            group.write(WALLETS[:1], commits.hold)
            take()
            with pytest.raises(Fenced):
                group.write(WALLETS[2:3], noting("too late"))
        else:
            taking.start()
            taking.join(30)
            answers = together(group, commits, [([wallet], noting(wallet)) for wallet in WALLETS])
            assert [type(answer) for answer in answers] == [Fenced] * 5
            assert len({id(answer) for answer in answers}) == 5
        with pytest.raises(Fenced):
            group.write(WALLETS[:1], noting("too late"))
    assert noted(database) == ["first"]


def test_a_commit_that_fails_fails_for_all_of_it(
    database: Database, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No work is done again then: it may have been stored."""
    group = GroupCommit(database, TOKEN)
    done: list[str] = []

    def work(name: str) -> Callable[[Connection], None]:
        def noting_it(connection: Connection) -> None:
            done.append(name)
            note(connection, name)

        return noting_it

    original = database.writing

    @contextlib.contextmanager
    def lossy(wallets: Any, token: str) -> Iterator[Connection]:
        with original(wallets, token) as connection:
            yield connection
        if done:
            raise JournalLost("The answer was lost.", path="x", cause="test", undecided=True)

    monkeypatch.setattr(database, "writing", lossy)
    answers = together(group, commits, [(WALLETS[:1], work(str(number))) for number in range(3)])
    assert [answer.details["undecided"] for answer in answers] == [True] * 3
    assert done == ["0", "1", "2"]
    assert noted(database) == ["first", "0", "1", "2"]


def test_an_interrupted_thread_leaves_the_others_undecided_and_the_next_in_charge(
    database: Database, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = GroupCommit(database, TOKEN)
    interrupted = threading.Event()
    raised: list[BaseException] = []

    def interrupt(connection: Connection) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def leading() -> None:
        try:
            group.write(WALLETS[:1], interrupt)
        except KeyboardInterrupt as error:
            raised.append(error)

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    answers: list[Any] = []
    first = threading.Thread(target=group.write, args=[WALLETS[:1], commits.hold])
    first.start()
    assert commits.first_holds.wait(30)
    leader = threading.Thread(target=leading)
    leader.start()
    while len(group._queue) < 1:
        assert leader.is_alive()

    def following() -> None:
        try:
            group.write(WALLETS[:1], noting("with it"))
        except JournalFailed as error:
            answers.append(error)

    follower = threading.Thread(target=following)
    follower.start()
    while len(group._queue) < 2:
        assert follower.is_alive()
    commits.go.set()
    for thread in (first, leader, follower):
        thread.join(30)
        assert not thread.is_alive()
    assert len(raised) == 1
    assert [(type(answer), answer.details["undecided"]) for answer in answers] == [(JournalLost, True)]
    assert group.write(WALLETS[:1], noting("next")) == "next"
    assert noted(database) == ["first", "next"]


def test_who_gives_up_waiting_is_left_out_and_hands_on(database: Database, commits: Commits) -> None:
    group = GroupCommit(database, TOKEN)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    first = threading.Thread(target=group.write, args=[WALLETS[:1], commits.hold])
    first.start()
    assert commits.first_holds.wait(30)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            group.write(WALLETS[:1], noting("given up"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert group._queue == []
    commits.go.set()
    first.join(30)
    assert group.write(WALLETS[:1], noting("next")) == "next"
    assert noted(database) == ["first", "next"]


def test_many_threads_at_their_own_pace_lose_nothing(database: Database, commits: Commits) -> None:
    group = GroupCommit(database, TOKEN)

    def write(thread: int) -> None:
        for number in range(20):
            assert group.write([WALLETS[thread % 5]], noting(f"{thread}-{number}")) == f"{thread}-{number}"

    threads = [threading.Thread(target=write, args=[thread]) for thread in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(noted(database)) == sorted(f"{thread}-{number}" for thread in range(10) for number in range(20))
    assert commits.made < 200
