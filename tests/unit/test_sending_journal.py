"""What a journal binds to a nonce, and what it lists, on SQLite and on PostgreSQL; its database: ``tests/store``."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from overtaking import overtake

from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import InvalidAddress
from pyjpm.errors.sending import (
    IdempotencyConflict,
    JournalClosed,
    JournalCollision,
    JournalForked,
    SubmissionNotFound,
)
from pyjpm.sending import Journal, Operation, SubmissionState
from pyjpm.sending.accepted_rows import AcceptedRows
from pyjpm.sending.ids import new_id, new_ids
from pyjpm.sending.lanes import Lane, LaneState
from pyjpm.sending.overview import Overview
from pyjpm.sending.requests import Batch, Request
from pyjpm.sending.rows import Attempt

GENESIS = "0x" + "ab" * 32
CHAIN = 31_337
WALLET = LocalSigner.from_key("11" * 32).address
OTHER = LocalSigner.from_key("22" * 32).address


@pytest.fixture
def path(journal_url: str | Path) -> str | Path:
    return journal_url


def open_journal(path: str | Path | None, *, genesis_hash: str = GENESIS, chain_id: int = CHAIN) -> Journal:
    return Journal.open(path, genesis_hash=genesis_hash, chain_id=chain_id)


def request(key: str, kind: str = "test.call", content: dict[str, object] | None = None) -> Request:
    said = content or {"key": key}
    operation = Operation(key, kind, said, WALLET, b"\x01", 100_000, reference=f"ref-{key}")
    return Request.of(operation, WALLET, "")


def accept(journal: Journal, batches: list[Batch], chain_nonces: list[int]) -> list[list[str]]:
    """Accepts as a sender does: the lanes are taken first, and keys are the wallets' own."""
    own = []
    for batch, nonce in zip(batches, chain_nonces, strict=True):
        if not journal.lanes.is_taken(batch.wallet):
            journal.lanes.take(batch.wallet, chain_nonce=nonce, known_to=nonce)
        own.append(Batch(batch.wallet, [each._replace(owner=f"wallet {batch.wallet}") for each in batch.requests]))
    accepted = journal.acceptance.accept(
        own, window={each.wallet: 10_000 for each in own}, head=0, now=int(time.time())
    )
    # What is told of to be signed is what would be read.
    told = {each.wallet for each in accepted.to_sign}
    assert accepted.to_sign == [each for each in journal.attempts.unsigned(sorted(told)) if each.wallet in told]
    return accepted.ids


def signed(journal: Journal) -> list[Attempt]:
    """What waits for its bytes, with some."""
    return [each.signed(b"\x02" + each.id.encode(), "0x" + 2 * each.id) for each in journal.attempts.unsigned([WALLET])]


def store(journal: Journal, *keys: str, kind: str = "test.call", wallet: str = WALLET) -> list[str]:
    return accept(journal, [Batch(wallet, [request(key, kind) for key in keys])], [0])[0]


# --- processes -----------------------------------------------------------------------------------------------------


def test_a_forked_child_may_not_use_it_and_does_not_disturb_it(path: str | Path) -> None:
    journal = open_journal(path)
    read, write = os.pipe()
    hold, release = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            journal.find(WALLET, "a")
            os.write(write, b"used")
        except JournalForked:
            os.write(write, b"refused")
        finally:
            os.close(release)
            os.read(hold, 1)  # outlives the parent's use of the journal
            os._exit(0)
    os.close(write)
    try:
        assert os.read(read, 16) == b"refused"
        store(journal, "a")
        journal.close()
        with open_journal(path) as again:
            assert again.find(WALLET, "a") is not None
    finally:
        os.close(release)
        os.waitpid(child, 0)
        os.close(read)
        os.close(hold)


def test_a_closed_journal_says_so(path: str | Path) -> None:
    journal = open_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalClosed):
        journal.find(WALLET, "a")


# --- nonces and keys -----------------------------------------------------------------------------------------------


def test_a_nonce_is_bound_once_and_none_is_skipped(path: str | Path) -> None:
    with open_journal(path) as journal:
        (first,) = accept(journal, [Batch(WALLET, [request("a")])], [5])
        assert [journal.get(each).nonce for each in first] == [5]
        assert [journal.get(each).nonce for each in store(journal, "b", "c")] == [6, 7]
        assert [journal.get(each).nonce for each in store(journal, "b")] == [6]
    with open_journal(path) as journal:
        assert [journal.get(each).nonce for each in store(journal, "d")] == [8]


def test_content_is_read_as_it_was_asked_for(path: str | Path) -> None:
    """A number of more than 64 bits is no float, and half a character keeps nobody from the journal."""
    said: dict[str, object] = {"big": 2**70 + 1, "half": "\ud800", "small": -(2**63) - 1, "none": None}
    with open_journal(path) as journal:
        (ids,) = accept(journal, [Batch(WALLET, [request("a", content=said)])], [0])
        assert repr(journal.get(ids[0]).content) == repr(dict(sorted(said.items())))


def test_what_is_told_to_be_signed_is_all_of_a_wallet_or_nothing(path: str | Path) -> None:
    with open_journal(path) as journal:
        for wallet in (WALLET, OTHER):
            journal.lanes.take(wallet, chain_nonce=0, known_to=0)

        def told(*batches: Batch) -> list[tuple[str, int]]:
            accepted = journal.acceptance.accept(batches, window={WALLET: 9, OTHER: 9}, head=0, now=0)
            return [(each.wallet, each.nonce) for each in accepted.to_sign]

        assert told(Batch(WALLET, [request("a"), request("b")])) == [(WALLET, 0), (WALLET, 1)]
        # The first wallet's are not signed yet, so who signs has to read them.
        assert told(Batch(WALLET, [request("c")]), Batch(OTHER, [request("d")])) == [(OTHER, 0)]
        assert [each.nonce for each in journal.attempts.unsigned([WALLET])] == [0, 1, 2]
    with open_journal(path) as journal:
        lane = journal.lanes.take(WALLET, chain_nonce=20, known_to=20)
        assert (lane.state, lane.recover_to) == (LaneState.RECOVERING, 20)
        (waiting,) = store(journal, "e")
        assert journal.get(waiting).nonce is None
        journal.lanes.recovered(WALLET, 20, head=1)
        assert journal.get(store(journal, "f")[0]).nonce is None, "what came first is numbered first"
        due = journal.acceptance.due(WALLET, now=0, limit=10)
        journal.acceptance.number(WALLET, due, window=21)
        assert [(each.key, each.nonce) for each in journal.list()][-2:] == [("e", 20), ("f", None)]


def test_what_is_told_of_what_was_signed_is_what_is_stored(path: str | Path) -> None:
    with open_journal(path) as journal:
        store(journal, "before")
        journal.attempts.commit_bytes(signed(journal))
        requests = [request(f"k{i}", content={"z": i, "a": {"y": [i, None], "b": True}}) for i in range(3)]
        known = [each._replace(owner=f"wallet {WALLET}") for each in (request("before"), *requests)]
        accepted = journal.acceptance.accept([Batch(WALLET, known)], window={WALLET: 99}, head=0, now=5)
        made = signed(journal)
        journal.attempts.commit_bytes(made)
        told = accepted.as_signed(made)
        assert list(told) == accepted.ids[0][1:], "what was there before is not among them"
        assert [*told.values()] == journal.get_many(list(told))
        assert repr([each.content for each in told.values()]) == repr(
            [each.content for each in journal.get_many(list(told))]
        )


def test_what_is_on_its_way_is_recalled_as_it_was_signed_until_something_changes(path: str | Path) -> None:
    with open_journal(path) as journal:
        ids = store(journal, *(f"k{i}" for i in range(5)))
        made = signed(journal)
        journal.attempts.commit_bytes(made)
        flying = journal.attempts.flying([WALLET])
        assert [each.is_as_signed for each in flying] == [True] * 5
        recalled = journal.attempts.recall(flying)
        assert recalled == made
        assert [each._replace(asked=()) for each in recalled] == [
            each._replace(asked=()) for each in journal.attempts.load([each.id for each in flying])
        ]
        # Another process decides about some of them.
        with open_journal(path) as other, other.database.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE payment SET state = 'VOIDING' WHERE id = '{ids[1]}'")
            connection.exec_driver_sql(f"UPDATE payment SET error = '{{}}' WHERE id = '{ids[2]}'")
            connection.exec_driver_sql(f"UPDATE attempt SET refused_since = 7 WHERE id = '{made[3].id}'")
        flying = journal.attempts.flying([WALLET])
        assert [each.is_as_signed for each in flying] == [True, False, False, False, True]
        recalled = journal.attempts.recall(flying)
        assert [each.nonce for each in recalled] == [each.nonce for each in made]
        assert recalled[1].asked[0].state is SubmissionState.VOIDING
        assert recalled[2].asked[0].refused
        assert recalled[3].refused_since == 7
        journal.attempts.forget([each.id for each in flying])
        assert journal.attempts.recall(flying) == journal.attempts.load([each.id for each in flying])


def test_what_has_a_nonce_is_as_far_as_its_transaction(path: str | Path) -> None:
    """How far it is stands in one place: lists, single reads and lanes say the same."""
    with open_journal(path) as journal:
        ids = store(journal, "a", "b", "c", "d", "e")
        made = signed(journal)
        journal.attempts.commit_bytes(made[:3])
        journal.attempts.mark_broadcast(made[:1])
        with journal.database.transaction() as connection:
            # What is decided about a payment goes before how far its transaction is.
            connection.exec_driver_sql(f"UPDATE payment SET state = 'VOIDING' WHERE id = '{ids[2]}'")
            connection.exec_driver_sql(f"UPDATE payment SET state = 'APPROVED', attempt = NULL WHERE id = '{ids[4]}'")
        expected = [
            SubmissionState.BROADCAST,
            SubmissionState.SIGNED,
            SubmissionState.VOIDING,
            SubmissionState.RESERVED,
            SubmissionState.APPROVED,
        ]
        assert [each.state for each in journal.get_many(ids)] == expected
        assert [each.state for each in journal.open_submissions()] == expected
        assert [asked.state for each in journal.attempts.living() for asked in each.asked] == expected[:4]
        for state in SubmissionState:
            found = [each.id for each in journal.list(state=state)]
            assert found == [each for each, its in zip(ids, expected, strict=True) if its is state], state
        (lane,) = Overview(journal).lanes(now=0)
        assert (lane["in_flight"], lane["waiting"], lane["unsettled"]) == (3, 1, 1)


def test_only_so_much_is_kept_of_what_was_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjpm.sending.attempts._KEPT", 2)
    with open_journal(None) as journal:
        store(journal, "a", "b", "c")
        made = signed(journal)
        journal.attempts.commit_bytes(made)
        assert list(journal.attempts._signed) == [each.id for each in made[1:]]
        assert [each.id for each in journal.attempts.recall(journal.attempts.flying([WALLET]))] == [
            each.id for each in made
        ]


def test_what_was_unknown_is_looked_up_again_where_something_was_stored_since(path: str | Path) -> None:
    with open_journal(path) as journal:
        for wallet in (WALLET, OTHER):
            journal.lanes.take(wallet, chain_nonce=0, known_to=0)
        window = {WALLET: 9, OTHER: 9}

        def accept_new(wallet: str, owner: str, since: Mapping[str, int]) -> str:
            batch = Batch(wallet, [request("a")._replace(owner=owner)])
            ((found,),) = journal.acceptance.accept([batch], window=window, head=0, now=0, unknown_since=since).ids
            return found

        since = journal.acceptance.stored([WALLET, OTHER])
        first = accept_new(WALLET, "one", since)
        # The same wallet under another owner, and another wallet of the owner, as threads do that asked before that.
        assert accept_new(WALLET, "its owner since", since) == first
        assert accept_new(OTHER, "one", since) == first
        assert [each.id for each in journal.list()] == [first]
        assert len(journal.attempts.unsigned([WALLET, OTHER])) == 1


def test_names_of_rows_lie_together_in_the_order_of_their_making() -> None:
    with open_journal(None) as journal:
        ids = [store(journal, f"{i}")[0] for i in range(3)]
        made = [each.id for each in journal.list()]
        assert made == ids
        assert len(set(ids)) == 3
        assert {len(each) for each in ids} == {32}
        assert [each[:12] for each in ids] == sorted(each[:12] for each in ids)
        assert abs(int(ids[0][:12], 16) / 1_000 - time.time()) < 60


def test_names_drawn_together_are_as_many_and_all_different() -> None:
    drawn = [*new_ids(1_000), *new_ids(1_000), new_id()]
    assert len(set(drawn)) == 2_001
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in drawn)
    assert len({each[12:16] for each in drawn}) > 1_500
    assert new_ids(0) == []


def test_the_database_itself_refuses_a_nonce_twice(path: str | Path) -> None:
    with open_journal(path) as journal:
        store(journal, "a", "b")
        with pytest.raises(JournalCollision), journal._database.transaction() as connection:
            connection.exec_driver_sql("UPDATE attempt SET nonce = 0")


def test_threads_bind_different_nonces(path: str | Path) -> None:
    with open_journal(path) as journal:
        store(journal, "first")  # takes the lane
        threads = [
            threading.Thread(target=lambda t=t: [store(journal, f"{t}-{i}") for i in range(10)]) for t in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(each.nonce for each in journal.list()) == list(range(41))


def test_what_is_being_numbered_is_not_doubted_meanwhile(path: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process finds another wallet of the payer behind the world, and doubts what waits on all of them."""
    with open_journal(path) as theirs, open_journal(path) as ours, ThreadPoolExecutor(1) as another:
        payer = {"owner": "participant 7"}
        for journal, wallet in ((theirs, OTHER), (ours, WALLET)):
            journal.lanes.take(wallet, chain_nonce=0, known_to=0)
            asked = Batch(wallet, [request(f"of {wallet}")._replace(**payer)])
            journal.acceptance.accept([asked], window={wallet: 0}, head=0, now=int(time.time()))
        (waits,) = ours.acceptance.due(WALLET, now=int(time.time()), limit=1)
        doubting: list[Future[Lane]] = []

        def found_behind() -> None:
            doubting.append(another.submit(theirs.lanes.take, OTHER, chain_nonce=0, known_to=5))
            with pytest.raises(TimeoutError):
                doubting[0].result(0.5)

        overtake(monkeypatch, AcceptedRows, "bind", found_behind)
        ours.acceptance.number(WALLET, [waits], window=10)
        assert doubting[0].result(20).state is LaneState.RECOVERING
        assert (ours.get(waits.id).state, ours.get(waits.id).nonce) == (SubmissionState.RESERVED, 0)
        assert [each.state for each in theirs.list(wallet=OTHER)] == [SubmissionState.DOUBTED]


def test_wallets_are_numbered_apart_in_one_commit() -> None:
    other = LocalSigner.from_key("22" * 32).address
    with open_journal(None) as journal:
        store(journal, "a")
        ours, theirs = accept(
            journal, [Batch(WALLET, [request("a"), request("b")]), Batch(other, [request("a"), request("b")])], [0, 7]
        )
        assert [journal.get(each).nonce for each in ours] == [0, 1]
        assert [journal.get(each).nonce for each in theirs] == [7, 8]
        changed = request("a", content={"key": "other"})
        with pytest.raises(IdempotencyConflict):
            accept(journal, [Batch(WALLET, [request("c")]), Batch(other, [changed])], [0, 0])
        assert journal.find(WALLET, "c") is None
        assert [each.nonce for each in journal.attempts.unsigned([WALLET, other]) if each.wallet == other] == [7, 8]


def test_a_conflict_stores_nothing() -> None:
    with open_journal(None) as journal:
        store(journal, "a")
        changed = request("a", content={"key": "other"})
        with pytest.raises(IdempotencyConflict) as caught:
            accept(journal, [Batch(WALLET, [request("b"), changed])], [0])
        assert caught.value.details["key"] == "a"
        assert journal.find(WALLET, "b") is None
        with pytest.raises(IdempotencyConflict):
            accept(journal, [Batch(WALLET, [request("c"), request("c", content={"x": 1})])], [0])
        assert [each.key for each in journal.list()] == ["a"]


# --- reading -------------------------------------------------------------------------------------------------------


def test_lists_page_themselves_in_the_order_of_acceptance() -> None:
    with open_journal(None) as journal:
        keys = [f"k{i:04}" for i in range(1_203)]
        store(journal, *keys)
        listed = journal.list()
        assert next(listed).key == "k0000"
        assert [each.key for each in listed] == keys[1:]


def test_lists_filter() -> None:
    other = LocalSigner.from_key("22" * 32).address
    with open_journal(None) as journal:
        store(journal, "a", kind="payments.pay")
        store(journal, "b", kind="payments.mint")
        store(journal, "c", kind="paymentsX")
        store(journal, "a", kind="escrow.open", wallet=other)
        keys = lambda **by: [(each.wallet, each.key) for each in journal.list(**by)]  # noqa: E731
        assert keys(kind_prefix="payments.") == [(WALLET, "a"), (WALLET, "b")]
        assert keys(kind_prefix="%") == []
        assert keys(reference="ref-b") == [(WALLET, "b")]
        assert keys(wallet=other.lower()) == [(other, "a")]
        assert len(keys(state=SubmissionState.RESERVED)) == 4
        assert keys(state=SubmissionState.FINAL) == []
        created = next(journal.list()).created_at
        assert len(keys(created_after=created - 1)) == 4
        assert keys(created_after=created + 1) == []


def test_a_submission_is_found_by_wallet_and_key_and_by_id() -> None:
    with open_journal(None) as journal:
        (stored,) = store(journal, "a")
        found = journal.find(WALLET.lower(), "a")
        assert found is not None
        assert found == journal.get(stored)
        assert found.content == {"key": "a"}
        assert found.to_dict()["state"] == "RESERVED"
        assert found.to_dict()["content"] == {"key": "a"}
        assert journal.find(LocalSigner.generate().address, "a") is None
        with pytest.raises(SubmissionNotFound):
            journal.get("nothing")
        with pytest.raises(InvalidAddress):
            journal.find("0x12", "a")
