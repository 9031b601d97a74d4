"""The journal's file: durable, bound to its chain; and what it lists."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import InvalidAddress
from pyjpm.errors.sending import (
    IdempotencyConflict,
    JournalClosed,
    JournalFailed,
    JournalForked,
    JournalNotDurable,
    JournalOfOtherChain,
    JournalTooNew,
    SubmissionNotFound,
)
from pyjpm.sending import Journal, Operation, SubmissionState, request_sha256
from pyjpm.sending.acceptance import Batch, Request
from pyjpm.sending.lanes import LaneState
from pyjpm.sending.sqlite import require_durable

GENESIS = "0x" + "ab" * 32
CHAIN = 31_337
WALLET = LocalSigner.from_key("11" * 32).address


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def open_journal(path: Path | None, *, genesis_hash: str = GENESIS, chain_id: int = CHAIN) -> Journal:
    return Journal.open(path, genesis_hash=genesis_hash, chain_id=chain_id)


def request(key: str, kind: str = "test.call", content: dict[str, object] | None = None) -> Request:
    said = content or {"key": key}
    operation = Operation(key, kind, said, WALLET, b"\x01", 100_000, reference=f"ref-{key}")
    return Request(operation, WALLET, request_sha256(kind, said), "")


def accept(journal: Journal, batches: list[Batch], chain_nonces: list[int]) -> list[list[str]]:
    """Accepts as a sender does: the lanes are taken first, and keys are the wallets' own."""
    own = []
    for batch, nonce in zip(batches, chain_nonces, strict=True):
        if not journal.lanes.is_taken(batch.wallet):
            journal.lanes.take(batch.wallet, chain_nonce=nonce, known_to=nonce)
        own.append(Batch(batch.wallet, [replace(each, owner=f"wallet {batch.wallet}") for each in batch.requests]))
    return journal.acceptance.accept(own, window={each.wallet: 10_000 for each in own}, now=int(time.time()))


def store(journal: Journal, *keys: str, kind: str = "test.call", wallet: str = WALLET) -> list[str]:
    return accept(journal, [Batch(wallet, [request(key, kind) for key in keys])], [0])[0]


# --- the file ------------------------------------------------------------------------------------------------------


def test_a_commit_survives_a_power_cut_by_its_settings(path: Path) -> None:
    with open_journal(path) as journal:
        store(journal, "a")
        with journal._database.transaction() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


@pytest.mark.parametrize(
    ("pragma", "setting"), [("synchronous=NORMAL", "synchronous"), ("journal_mode=OFF", "journal_mode")]
)
def test_weaker_settings_are_refused(path: Path, pragma: str, setting: str) -> None:
    engine = create_engine(f"sqlite:///{path}", poolclass=StaticPool)
    with engine.connect() as connection:
        for strong in ("journal_mode=WAL", "fullfsync=ON", "foreign_keys=ON"):
            connection.exec_driver_sql(f"PRAGMA {strong}")
        connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.rollback()
        with pytest.raises(JournalNotDurable) as caught:
            require_durable(connection, "x")
    engine.dispose()
    assert caught.value.details["setting"] == setting


def test_only_its_user_reads_the_file(path: Path) -> None:
    with open_journal(path) as journal:
        store(journal, "a")
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["journal.db", "journal.db-shm", "journal.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(("what", "other"), [("genesis_hash", "0x" + "cd" * 32), ("chain_id", CHAIN + 1)])
def test_it_belongs_to_one_chain(path: Path, what: str, other: object) -> None:
    open_journal(path).close()
    with pytest.raises(JournalOfOtherChain) as caught:
        open_journal(path, **{what: other})  # type: ignore[arg-type]
    assert (caught.value.details["what"], caught.value.details["actual"]) == (what, other)
    open_journal(path).close()


def test_a_newer_schema_is_refused(path: Path) -> None:
    open_journal(path).close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE journal_version SET version_num = '0099'")
    raw.commit()
    raw.close()
    with pytest.raises(JournalTooNew):
        open_journal(path)


def test_a_file_that_is_no_journal_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database, just some text that is long enough to be looked at" * 100)
    with pytest.raises(JournalFailed):
        open_journal(path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalFailed):
        open_journal(tmp_path / "file" / "journal.db")


# --- processes -----------------------------------------------------------------------------------------------------


def test_a_forked_child_may_not_use_it_and_does_not_disturb_it(path: Path) -> None:
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


def test_a_closed_journal_says_so(path: Path) -> None:
    journal = open_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalClosed):
        journal.find(WALLET, "a")


# --- nonces and keys -----------------------------------------------------------------------------------------------


def test_a_nonce_is_bound_once_and_none_is_skipped(path: Path) -> None:
    with open_journal(path) as journal:
        (first,) = accept(journal, [Batch(WALLET, [request("a")])], [5])
        assert [journal.get(each).nonce for each in first] == [5]
        assert [journal.get(each).nonce for each in store(journal, "b", "c")] == [6, 7]
        assert [journal.get(each).nonce for each in store(journal, "b")] == [6]
    with open_journal(path) as journal:
        assert [journal.get(each).nonce for each in store(journal, "d")] == [8]
    with open_journal(path) as journal:
        lane = journal.lanes.take(WALLET, chain_nonce=20, known_to=20)
        assert (lane.state, lane.recover_to) == (LaneState.RECOVERING, 20)
        (waiting,) = store(journal, "e")
        assert journal.get(waiting).nonce is None
        journal.lanes.recovered(WALLET, 20)
        assert journal.get(store(journal, "f")[0]).nonce is None, "what came first is numbered first"
        due = journal.acceptance.due(WALLET, now=0, limit=10)
        journal.acceptance.number(WALLET, due, window=21)
        assert [(each.key, each.nonce) for each in journal.list()][-2:] == [("e", 20), ("f", None)]


def test_the_database_itself_refuses_a_nonce_twice(path: Path) -> None:
    with open_journal(path) as journal:
        store(journal, "a", "b")
    raw = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute("UPDATE attempt SET nonce = 0")
    raw.close()


def test_threads_bind_different_nonces(path: Path) -> None:
    with open_journal(path) as journal:
        threads = [
            threading.Thread(target=lambda t=t: [store(journal, f"{t}-{i}") for i in range(10)]) for t in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(each.nonce for each in journal.list()) == list(range(40))


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
