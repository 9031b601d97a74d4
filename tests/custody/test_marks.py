"""The signer's mark: on disk before a signature leaves, never lower, and missed when it is gone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjpm.cli import main
from pyjpm.custody import Keystore, LocalSigner, NonceMarks
from pyjpm.errors.custody import (
    KeystoreTooOpen,
    MarkExists,
    MarkNotWritten,
    MarkOnlyRises,
    SignerMarkLost,
    SigningRefused,
)

CHAIN = 31_337
SLOT = 4_096


def transaction(nonce: int, chain: int = CHAIN) -> dict[str, Any]:
    fees = {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    return {"type": 2, "chainId": chain, "nonce": nonce, "to": "0x" + "11" * 20, "value": 0, "gas": 21_000, **fees}


@pytest.fixture
def marks(tmp_path: Path) -> NonceMarks:
    return NonceMarks(tmp_path / "marks")


@pytest.fixture
def signer(marks: NonceMarks) -> LocalSigner:
    return LocalSigner.generate(marks=marks)


def file_of(marks: NonceMarks, signer: LocalSigner, tmp_path: Path) -> Path:
    path = tmp_path / "marks" / f"{signer.address}.mark"
    assert path.exists()
    return path


def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts what is made durable from now on."""
    calls: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (calls.append(handle), real(handle))[1])
    return calls


# --- what it says --------------------------------------------------------------------------------------------------


def test_a_new_key_has_signed_nothing(signer: LocalSigner) -> None:
    assert signer.highest_nonce(CHAIN) == -1


def test_the_highest_nonce_is_kept_per_chain(signer: LocalSigner, tmp_path: Path) -> None:
    signer.sign_transactions([transaction(4), transaction(7), transaction(2, chain=1)])
    signer.sign_transaction(transaction(5))
    assert (signer.highest_nonce(CHAIN), signer.highest_nonce(1), signer.highest_nonce(2)) == (7, 2, -1)
    assert NonceMarks(tmp_path / "marks").highest(signer.address, CHAIN) == 7


def test_without_a_mark_there_is_nothing_to_say() -> None:
    signer = LocalSigner.generate()
    signer.sign_transaction(transaction(3))
    assert signer.highest_nonce(CHAIN) is None


def test_documents_leave_no_mark(signer: LocalSigner) -> None:
    signer.sign_digest(b"\1" * 32)
    assert signer.highest_nonce(CHAIN) == -1


def test_what_is_refused_leaves_no_mark(signer: LocalSigner) -> None:
    with pytest.raises(SigningRefused):
        signer.sign_transactions([transaction(1), {**transaction(2), "maxFeePerGas": 1}])
    assert signer.highest_nonce(CHAIN) == -1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from([1, 5, CHAIN]), st.integers(0, 2**64 - 2)), max_size=5), max_size=12)
)
def test_a_mark_is_the_highest_of_all_that_was_signed(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("marks", numbered=True) / "m"
    signer = LocalSigner.generate(marks=NonceMarks(folder))
    seen: dict[int, int] = {}
    for batch in batches:
        signer.sign_transactions([transaction(nonce, chain) for chain, nonce in batch])
        for chain, nonce in batch:
            seen[chain] = max(nonce, seen.get(chain, -1))
        for chain in (1, 5, CHAIN):
            assert NonceMarks(folder).highest(signer.address, chain) == seen.get(chain, -1)


def test_a_key_of_a_keystore_has_its_mark_from_the_start(tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys", kdf_work=2)
    store.create("buyer", "x")
    assert store.load("buyer", "x").highest_nonce(CHAIN) == -1
    store.load("buyer", "x").sign_transaction(transaction(9))
    assert Keystore(tmp_path / "keys").load("buyer", "x").highest_nonce(CHAIN) == 9
    elsewhere = Keystore(tmp_path / "keys", marks=tmp_path / "elsewhere", kdf_work=2)
    elsewhere.create("seller", "x")
    assert elsewhere.load("seller", "x").highest_nonce(CHAIN) == -1
    with pytest.raises(SignerMarkLost):
        elsewhere.load("buyer", "x").highest_nonce(CHAIN)


# --- durable before the signature ----------------------------------------------------------------------------------


def test_one_call_is_one_durable_write(signer: LocalSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = syncs(monkeypatch)
    signer.sign_transactions([transaction(nonce) for nonce in range(500)])
    assert len(calls) == 1
    signer.sign_transactions([transaction(nonce) for nonce in range(500)])
    assert len(calls) == 1, "what is durable is not written again"


def test_the_mark_is_on_disk_before_anything_is_signed(signer: LocalSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, sign = os.fdatasync, LocalSigner._sign_digests
    monkeypatch.setattr(os, "fdatasync", lambda handle: (order.append("mark"), sync(handle))[1])
    monkeypatch.setattr(LocalSigner, "_sign_digests", lambda self, ds: (order.append("sign"), sign(self, ds))[1])
    signer.sign_transactions([transaction(0), transaction(1)])
    assert order == ["mark", "sign"]


def test_what_another_process_wrote_is_made_durable_before_it_is_relied_on(
    signer: LocalSigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer.sign_transaction(transaction(8))  # stands for a process that died between writing and synchronising
    other = NonceMarks(tmp_path / "marks")
    calls = syncs(monkeypatch)
    other.rise(signer.address, {CHAIN: 8})
    assert len(calls) == 1
    assert other.highest(signer.address, CHAIN) == 8


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", ["open", "pwrite", "fdatasync"])
def test_where_the_mark_cannot_be_written_nothing_is_signed(
    signer: LocalSigner, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    signer.sign_transaction(transaction(1))
    signed: list[bytes] = []

    def broken(*_: Any) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, broken)
        patch.setattr(LocalSigner, "_sign_digests", lambda self, digests: signed.extend(digests))
        with pytest.raises(MarkNotWritten, match=os.strerror(code)):
            signer.sign_transaction(transaction(2))
    assert signed == []
    signer.sign_transaction(transaction(2))
    assert signer.highest_nonce(CHAIN) == 2


def test_after_a_failed_write_it_is_written_again(signer: LocalSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", lambda handle: (_ for _ in ()).throw(OSError(errno.EIO, "EIO")))
        with pytest.raises(MarkNotWritten):
            signer.sign_transaction(transaction(2))
    calls = syncs(monkeypatch)
    signer.sign_transaction(transaction(2))
    assert len(calls) == 1, "the page cache had it, the disk perhaps not"


@pytest.mark.parametrize("kept", [0, 1, 70, 2_000, 4_095])
def test_a_torn_write_leaves_the_mark_before_it(
    marks: NonceMarks, signer: LocalSigner, tmp_path: Path, kept: int
) -> None:
    path = file_of(marks, signer, tmp_path)
    for nonce in range(6):
        before = path.read_bytes()
        signer.sign_transaction(transaction(nonce))
        after = path.read_bytes()
        (slot,) = [start for start in (0, SLOT) if before[start : start + SLOT] != after[start : start + SLOT]]
        torn = after[:slot] + after[slot : slot + kept] + b"\xff" * (SLOT - kept) + after[slot + SLOT :]
        path.write_bytes(torn)
        assert NonceMarks(tmp_path / "marks").highest(signer.address, CHAIN) == nonce - 1
        path.write_bytes(after)


def test_a_killed_process_has_left_the_mark_of_every_signature_it_gave(tmp_path: Path) -> None:
    child = (
        "import sys\nfrom pathlib import Path\n"
        "from pyjpm.custody import LocalSigner, NonceMarks\n"
        "signer = LocalSigner.from_key('11' * 32, marks=NonceMarks(Path(sys.argv[1])))\n"
        "fields = dict(type=2, chainId=31337, to=signer.address, value=0, gas=21000, maxFeePerGas=0,"
        " maxPriorityFeePerGas=0)\n"
        "for nonce in range(10**6):\n"
        "    signer.sign_transaction({**fields, 'nonce': nonce})\n"
        "    print(nonce, flush=True)\n"
    )
    folder = tmp_path / "marks"
    wallet = LocalSigner.from_key("11" * 32).address
    NonceMarks(folder).begin(wallet)
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", child, str(folder)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            seen = [process.stdout.readline() for _ in range(20)]
            process.kill()
            seen += process.stdout.read().splitlines(keepends=True)
        given_out = max(int(line) for line in seen if line.endswith("\n"))
        assert given_out >= 19
        assert NonceMarks(folder).highest(wallet, CHAIN) >= given_out


def test_processes_and_threads_share_a_mark(marks: NonceMarks, signer: LocalSigner, tmp_path: Path) -> None:
    others = [NonceMarks(tmp_path / "marks") for _ in range(4)]

    def work(number: int) -> None:
        for nonce in range(number, 200, 4):
            others[number].rise(signer.address, {CHAIN: nonce, number + 1: nonce})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert marks.highest(signer.address, CHAIN) == 199
    assert [marks.highest(signer.address, number + 1) for number in range(4)] == [196, 197, 198, 199]


# --- lost ----------------------------------------------------------------------------------------------------------


def damage(path: Path) -> None:
    path.write_bytes(b"\0" * 2 * SLOT)


def anothers(path: Path) -> None:
    other = LocalSigner.generate(marks=NonceMarks(path.parent))
    path.write_bytes((path.parent / f"{other.address}.mark").read_bytes())


@pytest.mark.parametrize("lose", [Path.unlink, damage, anothers, lambda path: path.write_bytes(b"")])
def test_a_lost_mark_is_missed_and_not_made_anew(
    marks: NonceMarks, signer: LocalSigner, tmp_path: Path, lose: Any
) -> None:
    signer.sign_transaction(transaction(5))
    path = file_of(marks, signer, tmp_path)
    lose(path)
    for _ in range(2):
        with pytest.raises(SignerMarkLost) as caught:
            signer.highest_nonce(CHAIN)
        assert caught.value.details == {"wallet": signer.address, "chain_id": CHAIN, "path": str(path)}
        signer.sign_transaction(transaction(6))  # recovery must sign
    with pytest.raises(SignerMarkLost):
        NonceMarks(tmp_path / "marks").highest(signer.address, CHAIN)


@pytest.mark.parametrize("lose", [Path.unlink, damage])
def test_an_operator_sets_a_lost_mark_for_the_chain_he_names(
    marks: NonceMarks, signer: LocalSigner, tmp_path: Path, lose: Any
) -> None:
    signer.sign_transactions([transaction(5), transaction(6, chain=1)])
    lose(file_of(marks, signer, tmp_path))
    marks.restore(signer.address, {CHAIN: 11})
    assert signer.highest_nonce(CHAIN) == 11
    with pytest.raises(SignerMarkLost):
        signer.highest_nonce(1)
    signer.sign_transactions([transaction(12), transaction(7, chain=1)])
    assert signer.highest_nonce(CHAIN) == 12
    with pytest.raises(SignerMarkLost):
        signer.highest_nonce(1)
    marks.restore(signer.address, {1: 7})
    assert (signer.highest_nonce(CHAIN), signer.highest_nonce(1)) == (12, 7)


def test_a_mark_only_rises(marks: NonceMarks, signer: LocalSigner) -> None:
    signer.sign_transaction(transaction(5))
    with pytest.raises(MarkOnlyRises) as caught:
        marks.restore(signer.address, {CHAIN: 4})
    assert caught.value.details["mark"] == 5
    marks.restore(signer.address, {CHAIN: 20})
    assert signer.highest_nonce(CHAIN) == 20
    with pytest.raises(MarkExists):
        marks.begin(signer.address)


def test_the_room_for_chains_is_bounded_and_said(marks: NonceMarks, signer: LocalSigner) -> None:
    with pytest.raises(MarkNotWritten, match="no room"):
        signer.sign_transactions([transaction(2**63, chain=chain) for chain in range(1, 1_000)])
    signer.sign_transactions([transaction(2**63, chain=chain) for chain in range(1, 100)])
    assert signer.highest_nonce(99) == 2**63


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(KeystoreTooOpen):
        NonceMarks(tmp_path / "open")


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_sets_a_mark_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "keys"
    store = Keystore(folder, kdf_work=2)
    address = store.create("buyer", "x")
    (folder / "marks" / f"{address}.mark").unlink()
    options = ["--chain-id", str(CHAIN), "--nonce", "41"]
    assert main(["keys", "mark", "buyer", "--keystore", str(folder), *options]) == 0
    assert store.marks.highest(address, CHAIN) == 41
    assert (
        main(["keys", "mark", address, "--marks", str(folder / "marks"), "--chain-id", "31337", "--nonce", "40"]) == 1
    )
    assert "MARK_ONLY_RISES" in capsys.readouterr().err
    assert main(["keys", "mark", "buyer", *options]) == 2
