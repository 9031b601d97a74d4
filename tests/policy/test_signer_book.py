"""The signer's book: what was counted stays counted, through restarts, kills and clocks that go back."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import sys
import threading
from pathlib import Path

import pytest
from policy.house import CHAIN, PASSPHRASE, House, address_of, cancel, pay, transaction
from policy.test_signer_approvals import approval, handed_in, requests
from policy.test_talk_round import asked, moved

from pyjpm.chain.raw import decode_raw
from pyjpm.contracts.codec import codec
from pyjpm.custody import policy_book
from pyjpm.custody.policy_book import Book, verify
from pyjpm.custody.remote_socket import status
from pyjpm.errors.custody import KeystoreTooOpen, SignerMarkLost
from pyjpm.errors.policy import (
    NonceAlreadySigned,
    PolicyRefusal,
    SignerBookCorrupt,
    SignerBookInUse,
    SignerBookOfOtherChain,
    SignerUnreachable,
)


def lines(house: House, volume: int = 1) -> list[bytes]:
    return (house.book / f"{volume:06}.jsonl").read_bytes().splitlines(keepends=True)


def test_the_day_goes_on_after_a_restart(house: House) -> None:
    process = house.open()
    for nonce in range(5):
        assert asked(process, house, transaction(nonce, pay(50_000, str(nonce)))) == ""
    process = house.open()
    assert moved(process, house) == 250_000
    assert asked(process, house, transaction(5, pay(1, "5"))) == "DAY_LIMIT_REACHED"
    assert asked(process, house, transaction(4, pay(50_000, "4"))) == ""  # counted before
    assert process._judge.highest(house.wallet, CHAIN) == 4


def test_a_clock_that_goes_back_finds_the_day_it_left(house: House) -> None:
    process = house.open()
    assert asked(process, house, *(transaction(nonce, pay(50_000, str(nonce))) for nonce in range(5))) == ""
    house.clock.now -= 86_400
    assert asked(process, house, transaction(5, pay(1, "5"))) == "DAY_LIMIT_REACHED"
    process = house.open()
    assert asked(process, house, transaction(5, pay(1, "5"))) == "DAY_LIMIT_REACHED"
    # a glance at tomorrow that signs nothing does not end the day
    house.clock.now += 2 * 86_400
    assert asked(process, house, transaction(5, pay(100_001, "5"))) == "AMOUNT_ABOVE_LIMIT"
    house.clock.now -= 86_400
    assert asked(process, house, transaction(5, pay(1, "5"))) == "DAY_LIMIT_REACHED"
    house.clock.now += 86_400
    assert asked(process, house, transaction(5, pay(1, "5"))) == ""
    assert moved(process, house) == 1


def test_what_was_signed_is_signed_again_whatever_happened_since(house: House) -> None:
    process = house.open()
    big = transaction(0, pay(60_000))
    assert handed_in(process, approval(house, ("call", requests(process, house, big)["call"]))) == ""
    assert asked(process, house, big) == ""
    house.clock.now += 3 * 86_400
    assert asked(process, house, big) == ""  # its approval has lapsed, its day is over
    assert moved(process, house) == 0
    assert asked(process, house, transaction(1, pay(60_000))) == "SIGNING_APPROVAL_EXPIRED"
    assert asked(process, house, *(transaction(nonce, pay(50_000, str(nonce))) for nonce in range(1, 6))) == ""
    assert asked(process, house, big) == ""
    assert moved(process, house) == 250_000


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from pyjpm.custody import Keystore, NonceMarks
from pyjpm.custody.policy import read_policy
from pyjpm.custody.server import SignerServer
from pyjpm.custody.signer_process import SignerProcess

folder = Path({folder!r})
signer = Keystore(folder / "keys", kdf_work=2).load("wallet-0", {passphrase!r})
sign = type(signer)._sign_preimages

def killed(self, preimages):
    os.kill(os.getpid(), signal.SIGKILL)

type(signer)._sign_preimages = killed
process = SignerProcess.open(read_policy(folder / "policy.toml"), {{signer.address: signer}}, folder / "book",
                             marks=NonceMarks(folder / "keys" / "marks"))
with SignerServer(process, folder / "socket") as server:
    print("Serving", flush=True)
    server.serve()
"""


def test_killed_between_the_count_and_the_answer(house: House) -> None:
    script = KILLED.format(tests=str(Path(__file__).parents[1]), folder=str(house.folder), passphrase=PASSPHRASE)
    payments = [transaction(nonce, pay(50_000, str(nonce))) for nonce in range(2)]
    doomed = house.start([sys.executable, "-c", script])
    with pytest.raises(SignerUnreachable):
        house.remote().sign_transactions(payments)
    assert doomed.wait(10) == -signal.SIGKILL

    house.serve()  # over the socket that was left behind
    remote = house.remote()
    assert status(house.socket)["wallets"][house.wallet] == {"highest_nonce": 1, "moved": {"EUR": 100_000}}
    assert remote.highest_nonce(CHAIN) == 1
    # what was counted is signed now, and not counted again; nothing else gets its nonce
    assert len(remote.sign_transactions(payments)) == 2
    with pytest.raises(NonceAlreadySigned):
        remote.sign_transaction(transaction(0, pay(1, "another")))
    assert status(house.socket)["wallets"][house.wallet]["moved"] == {"EUR": 100_000}


def test_killed_at_any_moment(house: House) -> None:
    """Whatever was signed was counted, within the day, and no nonce has two signatures."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    returned: dict[int, set[bytes]] = {}
    for _ in range(3):
        served = house.serve()
        remote = house.remote()
        killer = threading.Timer(chance.uniform(0.0, 0.4), served.kill)
        killer.start()
        try:
            while True:
                nonce = chance.randrange(60)
                payment = transaction(nonce, pay(chance.choice([5_000, 7_000]), f"{nonce} {chance.randrange(2)}"))
                try:
                    raw = remote.sign_transaction(payment).raw
                except PolicyRefusal:
                    continue
                returned.setdefault(nonce, set()).add(raw)
        except SignerUnreachable:
            pass
        killer.join()
        served.wait(10)
    assert returned
    assert all(len(raws) == 1 for raws in returned.values())
    house.serve()
    moved_ = status(house.socket)["wallets"][house.wallet]["moved"]["EUR"]
    codec_ = codec("DepositToken")
    paid = {codec_.decode_input(decode_raw(raw).data)[1][:3] for (raw,) in returned.values()}  # type: ignore[index]
    assert sum(amount for _, amount, _ in paid) <= moved_ <= 250_000


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_was_cut_off_is_dropped(house: House, cut: int) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""
    assert asked(process, house, transaction(1, pay(20, "2"))) == ""
    house.close()
    path = house.book / "000001.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    process = house.open()
    assert moved(process, house) == 10
    assert process._judge.highest(house.wallet, CHAIN) == 0
    assert asked(process, house, transaction(1, pay(20, "2"))) == ""
    house.close()
    assert verify(house.book)[0] == len(lines(house))


def test_a_page_of_zeros_at_the_end_is_dropped(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""
    house.close()
    with (house.book / "000001.jsonl").open("ab") as file:
        file.write(bytes(100) + b"\n")
    assert moved(house.open(), house) == 10


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_a_book_that_was_changed_is_not_believed(house: House, where: int) -> None:
    process = house.open()
    for nonce in range(3):
        assert asked(process, house, transaction(nonce, pay(10, str(nonce)))) == ""
    house.close()
    written = lines(house)
    line = json.loads(written[where])
    line["at"] = 1
    written[where] = json.dumps(line, separators=(",", ":")).encode() + b"\n"
    (house.book / "000001.jsonl").write_bytes(b"".join(written))
    with pytest.raises(SignerBookCorrupt) as error:
        house.open()
    assert error.value.details["line"] == where + 2
    with pytest.raises(SignerBookCorrupt):
        verify(house.book)


def test_a_line_taken_out_is_missed(house: House) -> None:
    process = house.open()
    for nonce in range(3):
        assert asked(process, house, transaction(nonce, pay(10, str(nonce)))) == ""
    house.close()
    written = lines(house)
    (house.book / "000001.jsonl").write_bytes(b"".join(written[:4] + written[5:]))
    with pytest.raises(SignerBookCorrupt):
        house.open()


def test_a_full_volume_is_closed_and_the_next_knows_everything(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_book, "VOLUME", 1_000)
    process = house.open()
    big = transaction(10, pay(60_000, "approved"))
    word = approval(house, ("payments.pay", requests(process, house, big)["payments.pay"]))
    assert handed_in(process, word) == ""
    for nonce in range(10):
        assert asked(process, house, transaction(nonce, pay(100, str(nonce)))) == ""
    assert asked(process, house, big) == ""
    house.close()
    assert len(list(house.book.glob("*.jsonl"))) > 3
    before = verify(house.book)
    process = house.open()
    assert moved(process, house) == 61_000
    assert asked(process, house, transaction(3, pay(1, "another"))) == "NONCE_ALREADY_SIGNED"
    assert asked(process, house, transaction(3, pay(100, "3"))) == ""
    assert asked(process, house, transaction(11, pay(60_000, "other"))) == "SIGNING_APPROVAL_USED"
    house.close()
    assert verify(house.book)[0] > before[0]


def test_a_volume_that_was_only_begun(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(100))) == ""
    house.close()
    (house.book / "000002.jsonl").write_bytes(b'{"prev":"00')
    assert moved(house.open(), house) == 100


def test_one_signer_a_book_and_one_chain(house: House) -> None:
    house.open()
    with pytest.raises(SignerBookInUse):
        Book.open(house.book, CHAIN)
    house.close()
    with pytest.raises(SignerBookOfOtherChain):
        Book.open(house.book, 1)
    house.book.chmod(0o755)
    with pytest.raises(KeystoreTooOpen):
        house.open()
    house.book.chmod(0o700)


@pytest.mark.parametrize("step", ["write", "fdatasync"])
def test_a_disk_that_takes_nothing(house: House, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, step, full)
        assert asked(process, house, transaction(1, pay(10, "2"))) == "SIGNER_BOOK_NOT_WRITTEN"
    # what is on disk now nobody knows: until a new start nothing is signed
    assert asked(process, house, transaction(1, pay(10, "2"))) == "SIGNER_BOOK_NOT_WRITTEN"
    assert asked(process, house, transaction(1, pay(100_001, "2"))) == "SIGNER_BOOK_NOT_WRITTEN"
    assert asked(house.open(), house, transaction(1, pay(10, "2"))) == ""


def test_one_synchronised_write_a_call(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    process = house.open()
    synchronised: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (synchronised.append(handle), real(handle))[1])
    assert asked(process, house, *(transaction(nonce, pay(10, str(nonce))) for nonce in range(200))) == ""
    assert len(synchronised) == 1


def test_every_signature_and_refusal_is_in_the_book_and_no_secret(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""
    assert asked(process, house, transaction(1, pay(100_001, "2"))) == "AMOUNT_ABOVE_LIMIT"
    assert asked(process, house, cancel(1, house.wallet)) == ""
    assert asked(process, house, transaction(0, pay(1)), wallet=address_of("x")) == "WALLET_NOT_SERVED"
    house.close()
    content = [json.loads(line) for line in lines(house)]
    kinds = [line["kind"] for line in content]
    assert kinds == ["snapshot", "begin", "start", "sign", "refuse", "sign", "refuse"]
    assert content[3]["what"][0][0] == "EUR.pay"
    assert content[4]["code"] == "AMOUNT_ABOVE_LIMIT"
    assert content[5]["what"][0][0] == "cancel"
    key = house.store.load("wallet-0", PASSPHRASE)._LocalSigner__key.secret.hex()  # type: ignore[attr-defined]
    text = b"".join(lines(house)).decode()
    assert key not in text
    assert PASSPHRASE not in text


# --- the mark ------------------------------------------------------------------------------------------------------


def test_the_mark_moves_into_the_book(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""
    with pytest.raises(SignerMarkLost):
        house.store.marks.highest(house.wallet, CHAIN)  # there is one mark, and it is the book's
    assert house.open()._judge.highest(house.wallet, CHAIN) == 0


def test_a_book_that_is_lost_is_a_mark_that_is_lost_until_somebody_sets_it(house: House) -> None:
    process = house.open()
    assert asked(process, house, transaction(0, pay(10))) == ""
    house.close()
    house.book.rename(house.folder / "gone")
    process = house.open()
    with pytest.raises(SignerMarkLost):
        process._judge.highest(house.wallet, CHAIN)
    assert asked(process, house, cancel(7, house.wallet)) == ""
    house.close()
    house.store.marks.restore(house.wallet, {CHAIN: 7})
    process = house.open()
    assert process._judge.highest(house.wallet, CHAIN) == 7
    assert asked(process, house, transaction(7, pay(1))) == "NONCE_ALREADY_SIGNED"


def test_only_the_last_nonces_are_remembered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyjpm.custody import policy_reckoning, policy_state

    monkeypatch.setattr(policy_state, "REMEMBERED", 10)
    monkeypatch.setattr(policy_reckoning, "REMEMBERED", 10)
    process = house.open()
    for nonce in range(30):
        assert asked(process, house, transaction(nonce, pay(1, str(nonce)))) == ""
    assert len(process._judge._book.state.wallets[house.wallet].signed) <= 20
    assert asked(process, house, transaction(0, pay(1, "0"))) == "NONCE_ALREADY_SIGNED"  # forgotten, so nothing new
    assert asked(process, house, transaction(0, pay(1, "another"))) == "NONCE_ALREADY_SIGNED"
    assert asked(process, house, cancel(0, house.wallet)) == ""
    assert asked(process, house, transaction(41, pay(1, "41"))) == "NONCE_TOO_FAR"
    assert asked(process, house, transaction(39, pay(1, "39"))) == ""
