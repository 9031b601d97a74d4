"""Submissions from acceptance to outcome, on both local chains."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sending_support import (
    GATE,
    DeviceLost,
    FlakySigner,
    Refused,
    TamperingSigner,
    operation,
    self_calls,
    sender_on,
    sent_by,
)

from pyjpm.chain.anvil import LocalAnvil
from pyjpm.chain.connection import Connection
from pyjpm.chain.tester import LocalTester
from pyjpm.custody import LocalSigner
from pyjpm.errors.chain import InvalidAddress, NodeUnreachable
from pyjpm.errors.sending import (
    ForeignNonce,
    IdempotencyConflict,
    InvalidIdempotencyKey,
    InvalidOperation,
    JournalOfOtherChain,
    LaneHalted,
    SignerMismatch,
    StillPending,
    SubmissionNotFound,
    TransactionReverted,
)
from pyjpm.sending import Journal, Operation, Sender, SubmissionState

WAIT = 20


@pytest.fixture(scope="module", params=["anvil", "tester"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with LocalAnvil() if request.param == "anvil" else LocalTester() as chain:
        yield chain.connection()


@pytest.fixture(scope="module")
def anvil() -> Iterator[Connection]:
    """An Anvil whose pool and mining tests may disturb."""
    with LocalAnvil() as chain:
        yield chain.connection()


@pytest.fixture
def signer() -> LocalSigner:
    return LocalSigner.generate()


@pytest.fixture
def sender(connection: Connection, journal_url: str | Path) -> Iterator[Sender]:
    with sender_on(connection, journal_url) as (sender, _):
        yield sender


@pytest.fixture
def on_anvil(anvil: Connection, journal_url: str | Path) -> Iterator[Sender]:
    with sender_on(anvil, journal_url) as (sender, _):
        yield sender
    anvil.development_request("evm_setAutomine", True)


def deploy_gate(sender: Sender, signer: LocalSigner) -> str:
    created = sender.wait(sender.submit(signer, operation("deploy", None, GATE)).id, WAIT)
    assert created.contract_address is not None
    return created.contract_address


# --- one operation, once -------------------------------------------------------------------------------------------


def test_an_operation_becomes_final(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    accepted = sender.submit(signer, operation("a", signer.address, b"\x07"))
    assert accepted.state in (SubmissionState.BROADCAST, SubmissionState.FINAL)
    final = sender.wait(accepted.id, WAIT)
    assert final.state == SubmissionState.FINAL
    assert (final.wallet, final.key, final.kind, final.reference) == (signer.address, "a", "test.call", "ref-a")
    receipt = connection.receipt(str(final.tx_hash))
    assert receipt is not None
    assert (final.block_number, final.gas_used) == (receipt.block_number, receipt.gas_used)
    assert sent_by(connection, signer.address) == [(0, b"\x07")]
    assert sender.refresh(final.id) == final == sender.find(signer.address, "a")


def test_a_contract_is_created(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    address = deploy_gate(sender, signer)
    assert connection.code(address) == GATE[9:]


def test_the_same_request_again_sends_nothing(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    first = sender.submit(signer, operation("a", signer.address))
    again = sender.submit(signer, operation("a", signer.address))
    assert again.id == first.id
    final = sender.wait(first.id, WAIT)
    assert sender.submit(signer, operation("a", signer.address)) == final
    assert len(sent_by(connection, signer.address)) == 1


def test_another_request_under_the_key_is_a_conflict(
    sender: Sender, connection: Connection, signer: LocalSigner
) -> None:
    first = sender.submit(signer, operation("a", signer.address))
    for changed in (operation("a", signer.address, memo="x"), operation("a", signer.address, kind="other")):
        with pytest.raises(IdempotencyConflict) as caught:
            sender.submit(signer, changed)
        assert caught.value.details["submission"] == first.id
    sender.wait(first.id, WAIT)
    assert len(sent_by(connection, signer.address)) == 1


def test_keys_belong_to_their_wallet(sender: Sender, signer: LocalSigner) -> None:
    other = LocalSigner.generate()
    one = sender.submit(signer, operation("a", signer.address))
    two = sender.submit(other, operation("a", signer.address, b"\x02"))
    assert one.id != two.id
    assert sender.wait(one.id, WAIT).nonce == sender.wait(two.id, WAIT).nonce == 0


def test_many_are_sent_in_order(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    operations = self_calls(signer, 30)
    accepted = sender.submit_many(signer, operations)
    assert [each.key for each in accepted] == [each.key for each in operations]
    again = sender.submit_many(signer, [*operations[5:10], *self_calls(signer, 2, "more")])
    assert [each.id for each in again[:5]] == [each.id for each in accepted[5:10]]
    for each in (*accepted, *again):
        sender.wait(each.id, WAIT)
    refreshed = sender.refresh_many([each.id for each in accepted])
    assert {each.state for each in refreshed} == {SubmissionState.FINAL}
    expected = [each.data for each in operations] + [b"more-0", b"more-1"]
    assert sent_by(connection, signer.address) == list(enumerate(expected))


def test_nothing_of_a_bad_batch_is_accepted(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    sender.wait(sender.submit(signer, operation("a", signer.address)).id, WAIT)
    with pytest.raises(IdempotencyConflict):
        sender.submit_many(signer, [operation("b", signer.address), operation("a", signer.address, b"\x09")])
    with pytest.raises(InvalidAddress):
        sender.submit_many(signer, [operation("b", signer.address), operation("c", "0x12")])
    assert sender.find(signer.address, "b") is None
    assert connection.transaction_count(signer.address) == 1


def test_threads_share_wallets_and_keys(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    def work(thread: int) -> None:
        for i in range(8):
            on_anvil.submit(signer, operation(f"{thread}-{i}", signer.address, f"{thread}-{i}".encode()))
            on_anvil.submit(signer, operation(f"shared-{i}", signer.address, f"shared-{i}".encode()))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [f"{thread}-{i}" for thread in range(4) for i in range(8)] + [f"shared-{i}" for i in range(8)]
    for key in keys:
        found = on_anvil.find(signer.address, key)
        assert found is not None
        on_anvil.wait(found.id, WAIT)
    sent = sent_by(anvil, signer.address)
    assert [nonce for nonce, _ in sent] == list(range(40))
    assert sorted(data.decode() for _, data in sent) == sorted(keys)


# --- refused -------------------------------------------------------------------------------------------------------


def test_what_would_revert_is_refused_and_not_stored(
    sender: Sender, connection: Connection, signer: LocalSigner
) -> None:
    gate = deploy_gate(sender, signer)
    with pytest.raises(Refused) as caught:
        sender.submit(signer, operation("a", gate, b"\xaa\xbb"))
    assert caught.value.details["data"] == "aabb"
    assert sender.find(signer.address, "a") is None
    assert connection.transaction_count(signer.address) == 1


def test_a_reverted_operation_is_told_and_may_be_tried_again(
    sender: Sender, connection: Connection, signer: LocalSigner
) -> None:
    gate = deploy_gate(sender, signer)
    accepted = sender.submit(signer, operation("a", gate, b"\xaa\xbb"), simulate=False)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            sender.wait(accepted.id, WAIT)
        assert caught.value.details["data"] == "aabb"
    reverted = sender.find(signer.address, "a")
    assert reverted is not None
    assert (reverted.state, reverted.nonce) == (SubmissionState.REVERTED, 1)
    assert reverted.error is not None
    assert reverted.error["code"] == "REFUSED"

    with pytest.raises(IdempotencyConflict):
        sender.submit(signer, operation("a", gate, b"\xaa\xbb", memo="other"))
    sender.wait(sender.submit(signer, operation("open", gate, b"")).id, WAIT)
    again = sender.submit(signer, operation("a", gate, b"\xaa\xbb"))
    assert (again.id, again.nonce) == (accepted.id, 3)
    final = sender.wait(again.id, WAIT)
    assert (final.state, final.error) == (SubmissionState.FINAL, None)
    assert [nonce for nonce, _ in sent_by(connection, signer.address)] == [0, 1, 2, 3]


def test_out_of_gas_is_a_revert_without_a_reason(sender: Sender, signer: LocalSigner) -> None:
    gate = deploy_gate(sender, signer)
    short = Operation("a", "test.call", {}, gate, b"", 30_000)
    accepted = sender.submit(signer, short, simulate=False)
    with pytest.raises(TransactionReverted) as caught:
        sender.wait(accepted.id, WAIT)
    assert caught.value.details["gas"] == caught.value.details["gas_used"] == 30_000


@pytest.mark.parametrize(
    ("bad", "error", "field"),
    [
        (Operation("", "k", {}, "0x" + "11" * 20, b"", 100_000), InvalidIdempotencyKey, None),
        (Operation("x" * 256, "k", {}, "0x" + "11" * 20, b"", 100_000), InvalidIdempotencyKey, None),
        (Operation("\ud800", "k", {}, "0x" + "11" * 20, b"", 100_000), InvalidIdempotencyKey, None),
        (Operation("a", "", {}, "0x" + "11" * 20, b"", 100_000), InvalidOperation, "kind"),
        (Operation("a", "k", {}, "0x" + "11" * 20, b"\x01", 21_015), InvalidOperation, "gas"),
        (Operation("a", "k", {}, None, b"\x01", 53_017), InvalidOperation, "gas"),
        (Operation("a", "k", {}, "0x" + "11" * 20, b"", 100_000_001), InvalidOperation, "gas"),
        (Operation("a", "k", {}, None, b"\0" * 49_153, 9_000_000), InvalidOperation, "data"),
        (Operation("a", "k", {}, "0x" + "00" * 20, b"", 100_000), InvalidAddress, None),
        (Operation("a", "k", {}, "0x" + "AB" * 20, b"", 100_000), InvalidAddress, None),
        (Operation("a", "k", {"amount": 0.1}, "0x" + "11" * 20, b"", 100_000), TypeError, None),
    ],
)
def test_what_could_never_be_mined_takes_no_nonce(
    sender: Sender, signer: LocalSigner, bad: Operation, error: type[Exception], field: str | None
) -> None:
    with pytest.raises(error) as caught:
        sender.submit(signer, bad)
    if isinstance(caught.value, InvalidOperation):
        assert caught.value.details["field"] == field
    assert sender.submit(signer, operation("next", signer.address)).nonce == 0


def test_the_least_gas_that_a_chain_takes_is_taken(sender: Sender, signer: LocalSigner) -> None:
    least = Operation("a", "k", {}, "0x" + "11" * 20, b"\x01\x00", 21_020)
    assert sender.wait(sender.submit(signer, least).id, WAIT).gas_used == 21_020


def test_unknown_submissions_are_not_found(sender: Sender) -> None:
    for look in (sender.refresh, lambda each: sender.wait(each, 0)):
        with pytest.raises(SubmissionNotFound):
            look("nothing")


def test_the_journal_of_another_chain_is_refused(connection: Connection) -> None:
    with (
        Journal.open(None, genesis_hash="0x" + "ab" * 32, chain_id=connection.chain_id) as journal,
        pytest.raises(JournalOfOtherChain),
    ):
        Sender(connection, journal, decode=lambda data: Refused("x"))


# --- signers -------------------------------------------------------------------------------------------------------


def test_a_nonce_without_bytes_is_used_next(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    flaky = FlakySigner(signer, signatures=3)
    with pytest.raises(DeviceLost):
        sender.submit_many(flaky, self_calls(signer, 5))
    states = [sender.find(signer.address, f"key-{i}") for i in range(5)]
    assert [each.nonce for each in states if each] == [0, 1, 2, 3, 4]
    assert [each.state for each in states if each] == [SubmissionState.RESERVED] * 5
    with pytest.raises(DeviceLost):
        sender.submit(flaky, operation("after", signer.address, b"after"))
    after = sender.submit(signer, operation("after", signer.address, b"after"))
    assert sender.wait(after.id, WAIT).nonce == 5
    expected = [f"key-{i}".encode() for i in range(5)] + [b"after"]
    assert sent_by(connection, signer.address) == list(enumerate(expected))


def test_resume_signs_what_has_no_bytes(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    other = LocalSigner.generate()
    for each in (signer, other):
        with pytest.raises(DeviceLost):
            sender.submit(FlakySigner(each, signatures=0), operation("a", signer.address))
    stored = sender.find(signer.address, "a")
    assert stored is not None
    with pytest.raises(StillPending) as caught:
        sender.wait(stored.id, 0)
    assert caught.value.submission_id == stored.id
    assert [each.state for each in sender.resume({})] == [SubmissionState.RESERVED] * 2
    resumed = sender.resume({signer.address.lower(): signer})
    by_wallet = {each.wallet: each for each in resumed}
    assert sender.wait(by_wallet[signer.address].id, WAIT).nonce == 0
    assert by_wallet[other.address].state == SubmissionState.RESERVED
    assert sent_by(connection, other.address) == []


def test_one_lost_device_does_not_keep_the_others_from_resuming(sender: Sender, signer: LocalSigner) -> None:
    wallets = [signer, LocalSigner.generate(), LocalSigner.generate()]
    for each in wallets:
        with pytest.raises(DeviceLost):
            sender.submit(FlakySigner(each, signatures=0), operation("a", signer.address))
    lost = min(wallets, key=lambda each: each.address)
    with pytest.raises(DeviceLost):
        sender.resume({w.address: FlakySigner(w, signatures=0 if w is lost else 9) for w in wallets})
    for each in wallets:
        found = sender.find(each.address, "a")
        assert found is not None
        assert (found.state == SubmissionState.RESERVED) is (each is lost)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"chainId": 1}, "chain_id"),
        ({"nonce": 7}, "nonce"),
        ({"to": "0x" + "22" * 20}, "to"),
        ({"value": 1}, "value"),
        ({"gas": 99_999}, "gas"),
        ({"data": b"\x02"}, "data"),
    ],
)
def test_other_than_what_was_asked_is_not_sent(
    sender: Sender, connection: Connection, signer: LocalSigner, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(SignerMismatch) as caught:
        sender.submit(TamperingSigner(signer, **changes), operation("a", signer.address))
    assert caught.value.details["field"] == field
    assert connection.transaction_count(signer.address, at="pending") == 0
    assert sender.wait(sender.submit(signer, operation("a", signer.address)).id, WAIT).nonce == 0


# --- the chain's ways ----------------------------------------------------------------------------------------------


def test_a_timeout_is_no_failure(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    anvil.development_request("evm_setAutomine", False)
    accepted = on_anvil.submit(signer, operation("a", signer.address))
    start = time.monotonic()
    with pytest.raises(StillPending) as caught:
        on_anvil.wait(accepted.id, 0.3)
    assert 0.3 <= time.monotonic() - start < 3
    assert caught.value.submission_id == accepted.id
    assert on_anvil.refresh(accepted.id).state == SubmissionState.BROADCAST
    anvil.development_request("evm_mine")
    assert on_anvil.wait(accepted.id, WAIT).state == SubmissionState.FINAL


def test_what_a_node_forgot_is_sent_again(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    anvil.development_request("evm_setAutomine", False)
    accepted = on_anvil.submit_many(signer, self_calls(signer, 6))
    for lost in accepted:
        anvil.development_request("anvil_dropTransaction", lost.tx_hash)
    assert anvil.transaction(str(accepted[0].tx_hash)) is None
    on_anvil.refresh_many([each.id for each in accepted])
    anvil.development_request("evm_mine")
    final = on_anvil.refresh_many([each.id for each in accepted])
    assert [each.state for each in final] == [SubmissionState.FINAL] * 6
    assert [each.tx_hash for each in final] == [each.tx_hash for each in accepted]


def test_waiting_sends_again_by_itself(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    anvil.development_request("evm_setAutomine", False)
    accepted = on_anvil.submit(signer, operation("a", signer.address))
    anvil.development_request("anvil_dropTransaction", accepted.tx_hash)
    anvil.development_request("evm_setAutomine", True)
    assert on_anvil.wait(accepted.id, WAIT).state == SubmissionState.FINAL


def test_asking_again_sends_again(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    anvil.development_request("evm_setAutomine", False)
    accepted = on_anvil.submit(signer, operation("a", signer.address))
    anvil.development_request("anvil_dropTransaction", accepted.tx_hash)
    assert on_anvil.submit(signer, operation("a", signer.address)).tx_hash == accepted.tx_hash
    assert anvil.transaction(str(accepted.tx_hash)) is not None


def test_a_foreign_transaction_halts_its_wallet_only(anvil: Connection, on_anvil: Sender, signer: LocalSigner) -> None:
    other = LocalSigner.generate()
    anvil.development_request("evm_setAutomine", False)
    ours = on_anvil.submit_many(signer, self_calls(signer, 2))
    for each in ours:
        anvil.development_request("anvil_dropTransaction", each.tx_hash)
    with sender_on(anvil) as (thief, _):
        stolen = thief.submit(signer, operation("stolen", signer.address, b"stolen"))
        anvil.development_request("evm_mine")
        thief.wait(stolen.id, WAIT)

    with pytest.raises(ForeignNonce) as caught:
        on_anvil.refresh(ours[0].id)
    assert caught.value.details["foreign"] == stolen.tx_hash
    assert caught.value.details["tx_hash"] == ours[0].tx_hash
    with pytest.raises(ForeignNonce):
        on_anvil.wait(ours[0].id, WAIT)
    with pytest.raises(LaneHalted):
        on_anvil.submit(signer, operation("next", signer.address))
    assert on_anvil.find(signer.address, "next") is None
    on_anvil.resume({signer.address: signer})
    anvil.development_request("evm_mine")
    # What was signed before the theft is what its client asked for: it goes on.
    assert sent_by(anvil, signer.address) == [(0, b"stolen"), (1, b"key-1")]

    fine = on_anvil.submit(other, operation("next", signer.address))
    anvil.development_request("evm_mine")
    assert on_anvil.wait(fine.id, WAIT).state == SubmissionState.FINAL


def test_a_wallet_that_sent_before_starts_above(sender: Sender, connection: Connection, signer: LocalSigner) -> None:
    with sender_on(connection) as (earlier, _):
        earlier.wait(earlier.submit(signer, operation("before", signer.address)).id, WAIT)
    assert sender.submit(signer, operation("a", signer.address)).nonce == 1


def test_a_dead_node_is_told_before_anything_is_stored_and_pending_after(
    journal_url: str | Path, signer: LocalSigner
) -> None:
    with LocalAnvil(mining="none") as chain:
        connection = chain.connection(timeout=2, max_retries=0)
        with sender_on(connection, journal_url) as (sender, _):
            accepted = sender.submit(signer, operation("a", signer.address))
            chain.stop()
            with pytest.raises(NodeUnreachable):
                sender.submit(signer, operation("b", signer.address))
            assert sender.find(signer.address, "b") is None
            with pytest.raises(NodeUnreachable):
                sender.refresh(accepted.id)
            with pytest.raises(StillPending) as caught:
                sender.wait(accepted.id, 0.2)
            assert caught.value.details["answer"] == "NODE_UNREACHABLE"
            assert sender.submit(signer, operation("a", signer.address)).id == accepted.id


def test_a_journal_outlives_its_process(anvil: Connection, journal_url: str | Path, signer: LocalSigner) -> None:
    with sender_on(anvil, journal_url) as (sender, _):
        first = sender.submit(signer, operation("a", signer.address))
    with sender_on(anvil, journal_url) as (sender, journal):
        assert [each.id for each in journal.list()] == [first.id]
        assert sender.submit(signer, operation("a", signer.address)).id == first.id
        assert sender.wait(first.id, WAIT).tx_hash == first.tx_hash
