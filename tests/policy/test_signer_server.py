"""The socket: who is answered, and that nobody's nonsense or slowness keeps another from being served."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import pickle
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from policy.house import CHAIN, PASSPHRASE, House, cancel, pay, transaction, until

from pyjpm.chain.raw import decode_raw
from pyjpm.custody import LocalSigner, Signer, server
from pyjpm.custody.eip1559 import encoded, signing_preimage, unsigned_fields
from pyjpm.custody.policy_wire import MOST, encode, receive
from pyjpm.custody.remote import RemoteSigner
from pyjpm.custody.remote_socket import status
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import DeviceUnreachable, KeyNotExportable, SignatureNotOurs, SigningRefused
from pyjpm.errors.policy import (
    AmountAboveLimit,
    DayLimitReached,
    DigestNotSigned,
    SignerBusy,
    SignerProtocolError,
    SignerTimedOut,
    SignerUnreachable,
)


def connected(house: House) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    raw.settimeout(15)
    raw.connect(str(house.socket))
    return raw


def test_a_remote_signer_is_a_signer(house: House) -> None:
    house.serve()
    remote = house.remote()
    assert isinstance(remote, Signer)
    assert remote.address == house.wallet
    first, second = remote.sign_transactions([transaction(0, pay(10)), cancel(1, house.wallet)])
    local = house.store.load("wallet-0", PASSPHRASE)
    assert [first, second] == local.sign_transactions([transaction(0, pay(10)), cancel(1, house.wallet)])
    assert decode_raw(first.raw).data == pay(10)
    assert remote.sign_transactions([]) == []
    assert remote.highest_nonce(CHAIN) == 1
    with pytest.raises(DigestNotSigned):
        remote.sign_digest(bytes(32))
    with pytest.raises(SigningRefused):
        remote.sign_transaction(transaction(2, pay(1), maxFeePerGas=1))
    with pytest.raises(KeyNotExportable):
        pickle.dumps(remote)
    assert repr(remote) == f"RemoteSigner({house.wallet} at {house.socket})"
    with pytest.raises(AmountAboveLimit) as refusal:
        remote.sign_transaction(transaction(2, pay(100_001)))
    assert refusal.value.details == {
        "wallet": house.wallet,
        "currency": "EUR",
        "amount": 100_001,
        "limit": 100_000,
    }
    remote.close()


def test_the_socket_is_its_users_alone(house: House) -> None:
    process = house.serve()
    mode = house.socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    # no other process of this user reads its memory: the kernel gave its files to root
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]
    second = subprocess.run([*process.args], capture_output=True, text=True, timeout=60, check=False)  # type: ignore[misc]
    assert second.returncode == 1
    assert second.stderr.startswith("SIGNER_BOOK_IN_USE")
    assert house.remote().highest_nonce(CHAIN) == -1


def test_any_thread_may_get_the_signal_that_ends_it(house: House) -> None:
    """As the kernel pleases. The main thread waits for clients and would not hear of it."""
    process, remote = house.serve(), house.remote()
    assert remote.highest_nonce(CHAIN) == -1
    (client,) = {int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
    assert ctypes.CDLL(None, use_errno=True).tgkill(process.pid, client, signal.SIGTERM) == 0
    assert process.wait(20) == 0
    assert not house.socket.exists()


CLIENT = """
import os
import sys
from pathlib import Path
from pyjpm.custody.remote_socket import status
from pyjpm.errors.base import PyjpmError
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    print(status(Path(sys.argv[1]))["chain_id"])
except PyjpmError as error:
    print(error.code)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize(
    ("uids", "group", "expected"),
    [
        ("[0, 65534]", True, str(CHAIN)),
        ("[0]", True, "SIGNER_UNREACHABLE"),
        ("[0, 65534]", False, "SIGNER_UNREACHABLE"),
    ],
)
def test_another_user(uids: str, group: bool, expected: str) -> None:
    """The kernel says who connects; who is not named gets no answer, and without a group nobody else gets in."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        folder = Path(place)
        house = House(folder)
        try:
            folder.chmod(0o711)
            house.write_policy(house.default_policy().replace("chain_id =", f"uids = {uids}\nchain_id =", 1))
            house.serve(*(("--group", "nogroup") if group else ()))
            said = subprocess.run(
                [sys.executable, "-c", CLIENT, str(house.socket)],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            assert said.stdout.strip() == expected, said.stderr
        finally:
            house.end()


def test_a_policy_for_other_users_than_this_one(house: House) -> None:
    house.write_policy(house.default_policy().replace("chain_id =", f"uids = [{os.geteuid() + 1}]\nchain_id =", 1))
    house.serve_here()
    with pytest.raises(SignerUnreachable):
        house.remote().sign_transaction(transaction(0, pay(1)))


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", MOST + 1),
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", 3) + b"{}}",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 0),
        struct.pack(">I", 60_000) + b"[" * 60_000,
        struct.pack(">I", 9) + b'{"v": 2} ',
        struct.pack(">I", 4) + b"\xff\xfe\xfd\xfc",
    ],
)
def test_nonsense_is_answered_once_and_disconnected(house: House, garbage: bytes) -> None:
    house.serve_here()
    with connected(house) as raw:
        raw.sendall(garbage)
        answer = receive(raw, idle=15, whole=15)
        assert answer is not None
        assert answer["error"]["code"] == "SIGNER_PROTOCOL_ERROR"
        with contextlib.suppress(ConnectionResetError):  # for what it had not read
            assert raw.recv(1) == b""
    assert house.remote().highest_nonce(CHAIN) == -1


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"op": "export_key"},
        {"op": ["sign_transactions"]},
        {"op": "sign_transactions"},
        {"op": "sign_transactions", "wallet": "own"},
        {"op": "sign_transactions", "wallet": "own", "transactions": {}},
        {"op": "sign_transactions", "wallet": "own", "transactions": []},
        {"op": "sign_transactions", "wallet": "own", "transactions": [[]]},
        {"op": "sign_transactions", "wallet": "own", "transactions": [[1, 2, 3, 4, 5, 6]]},
        {"op": "sign_transactions", "wallet": "own", "transactions": [[1, 2, 3, None, 5, "0x"]]},
        {"op": "sign_transactions", "wallet": "own", "transactions": [[None] * 6] * 2_000},
        {"op": "sign_transactions", "wallet": "own", "transactions": [[31_337, 0, 1, "0x12", 0, ""]]},
        {"op": "sign_typed_data", "wallet": "own"},
        {"op": "sign_typed_data", "wallet": "own", "message": {"domain": [], "type": "Consent", "message": {}}},
        {
            "op": "sign_typed_data",
            "wallet": "own",
            "message": {"domain": ["", "1", 1, "0x"], "type": [], "message": {}},
        },
        {"op": "highest_nonce", "wallet": "own", "chain_id": "1"},
        {"op": "approve"},
        {"op": "approve", "approval": []},
        {"op": "describe", "wallet": "own"},
    ],
)
def test_a_request_that_makes_no_sense_is_a_typed_error(house: House, request_: dict[str, object]) -> None:
    process = house.open()
    if request_.get("wallet") == "own":
        request_ = {**request_, "wallet": house.wallet}
    answer = process.handle(request_, 0)
    assert answer["error"]["code"] not in ("", "DEVICE_REFUSED"), answer


def test_an_error_of_ours_says_its_class_and_nothing_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    process = house.open()

    def broken(*_: object) -> None:
        raise RuntimeError("the secret is 4711")

    monkeypatch.setattr(process._judge, "highest", broken)
    answer = process.handle({"op": "highest_nonce", "wallet": house.wallet, "chain_id": CHAIN}, 0)
    assert answer["error"]["code"] == "DEVICE_REFUSED"
    assert "4711" not in json.dumps(answer)
    assert "RuntimeError" in json.dumps(answer)


def test_slow_clients_keep_nobody_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_WHOLE", 1.0)
    house.serve_here()
    slow = [connected(house) for _ in range(20)]
    for raw in slow:
        raw.sendall(b"\0\0")  # half a length, and then nothing
    remote = house.remote(timeout=5)
    begin = time.monotonic()
    assert remote.sign_transaction(transaction(0, pay(1))).raw
    assert time.monotonic() - begin < 5
    # after a while they are disconnected, unanswered
    assert slow[0].recv(1) == b""
    for raw in slow:
        raw.close()


def test_too_many_clients(house: House) -> None:
    house.serve_here()
    many = [connected(house) for _ in range(64)]
    until(lambda: _is_busy(house))
    for raw in many:
        raw.close()
    until(lambda: not _is_busy(house))
    assert house.remote().sign_transaction(transaction(0, pay(1))).raw


def _is_busy(house: House) -> bool:
    try:
        status(house.socket)
    except SignerBusy:
        return True
    return False


def test_two_clients_at_once_share_one_day(house: House) -> None:
    house.serve_here()
    outcomes: list[str] = []

    def client(number: int) -> None:
        remote = house.remote()
        for place in range(10):
            try:
                remote.sign_transaction(transaction(10 * number + place, pay(25_000, f"{number} {place}")))
                outcomes.append("signed")
            except DayLimitReached:
                outcomes.append("refused")
        remote.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("signed"), outcomes.count("refused")) == (10, 10)
    assert status(house.socket)["wallets"][house.wallet]["moved"] == {"EUR": 250_000}


def test_two_clients_of_one_nonce_get_one_signature(house: House) -> None:
    house.serve_here()
    ready, outcomes = threading.Barrier(8), list[str]()

    def client(number: int) -> None:
        remote = house.remote()
        ready.wait()
        try:
            remote.sign_transaction(transaction(0, pay(1, str(number))))
            outcomes.append("signed")
        except SigningRefused as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["NONCE_ALREADY_SIGNED"] * 7 + ["signed"]


# --- away ----------------------------------------------------------------------------------------------------------


def test_a_signer_that_is_not_there_is_no_refusal(house: House) -> None:
    with pytest.raises(SignerUnreachable) as error:
        house.remote().sign_transaction(transaction(0, pay(1)))
    assert isinstance(error.value, DeviceUnreachable)
    assert not isinstance(error.value, SigningRefused)


def test_a_signer_that_died_and_came_back_is_found_again(house: House) -> None:
    first = house.serve()
    remote = house.remote()
    signed = remote.sign_transaction(transaction(0, pay(1)))
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    with pytest.raises(SignerUnreachable):
        remote.sign_transaction(transaction(1, pay(1, "2")))
    house.serve()
    assert remote.sign_transaction(transaction(0, pay(1))) == signed
    # a connection that broke while it was idle is made anew unnoticed
    second = house.processes[-1]
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    assert not house.socket.exists()
    house.serve()
    assert remote.sign_transaction(transaction(1, pay(1, "2"))).raw


class Impostor:
    """Answers every frame with what it is told, or not at all."""

    def __init__(self, path: Path, answer: bytes | None) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(path))
        self._listening.listen()
        self._answer = answer
        self._path = path
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            client, _ = self._listening.accept()
            with client:
                receive(client, idle=10, whole=10)
                if self._answer is not None:
                    client.sendall(self._answer)
                client.recv(1)
        except OSError:
            pass

    def close(self) -> None:
        self._listening.close()
        self._path.unlink()
        self._thread.join(15)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, SignerTimedOut),
        (b"\0\0\0", SignerTimedOut),
        (b"HTTP/1.1 200 OK", SignerProtocolError),
        (encode({}), SignerProtocolError),
        (encode({"ok": None}), SignerProtocolError),
        (encode({"ok": []}), SignerProtocolError),
        (encode({"ok": ["00" * 65]}), SignatureNotOurs),
        (encode({"ok": [None]}), SignatureNotOurs),
        (encode({"error": {"code": "PAID", "message": "", "details": {}}}), SignerProtocolError),
        (encode({"error": "no"}), SignerProtocolError),
        (encode({"error": {"code": "SIGNER_BUSY", "message": "m", "details": {"message": "x"}}}), SignerBusy),
    ],
)
def test_what_answers_is_not_believed(house: House, answer: bytes | None, error: type[PyjpmError]) -> None:
    impostor = Impostor(house.socket, answer)
    remote = house.remote(timeout=0.3)
    with pytest.raises(error) as raised:
        remote.sign_transaction(transaction(0, pay(1)))
    assert not isinstance(raised.value, SigningRefused)
    remote.close()
    impostor.close()


def test_a_signature_of_another_key_is_thrown_away(house: House) -> None:
    (other,) = LocalSigner.generate()._sign_preimages(
        [signing_preimage(encoded(unsigned_fields(transaction(0, pay(1)))))]
    )
    impostor = Impostor(house.socket, encode({"ok": [other.hex()]}))
    with pytest.raises(SignatureNotOurs):
        house.remote(timeout=5).sign_transaction(transaction(0, pay(1)))
    gc.collect()
    impostor.close()


def test_a_path_that_is_too_long(house: House, tmp_path: Path) -> None:
    house.socket = tmp_path / ("long" * 30)
    process = subprocess.run(_command(house), capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 1
    assert process.stderr.startswith("SIGNER_SOCKET_PATH_TOO_LONG")


def test_a_path_that_is_no_socket(house: House) -> None:
    house.socket.write_text("something")
    process = subprocess.run(_command(house), capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 1
    assert process.stderr.startswith("SIGNER_SOCKET_TAKEN")
    assert house.socket.read_text() == "something"
    house.socket.unlink()


def _command(house: House) -> list[str]:
    command = [sys.executable, "-m", "pyjpm.cli", "signer", "serve", "--policy", str(house.policy)]
    command += ["--socket", str(house.socket), "--book", str(house.book)]
    return [*command, "--keystore", str(house.folder / "keys"), "--passphrase-file", str(house.secret)]


def test_a_large_order_goes_in_several_frames(house: House) -> None:
    house.write_policy(house.default_policy().replace('per_day = "2500.00"', 'per_day = "9999.00"'))
    house.serve_here()
    remote = RemoteSigner(house.socket, house.wallet)
    long = [transaction(nonce, pay(1, str(nonce), remittance=bytes(30_000))) for nonce in range(150)]
    signed = remote.sign_transactions(long)
    assert [decode_raw(each.raw).nonce for each in signed] == list(range(150))
    with pytest.raises(SignerProtocolError):
        remote.sign_transaction(transaction(150, pay(1, "x", remittance=bytes(5 << 20))))
