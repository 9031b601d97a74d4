"""A signer's house for tests: keys, a policy, a deployment record with made-up addresses, and the process itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.contracts.codec import codec
from pyjpm.custody import Keystore, LocalSigner, NonceMarks
from pyjpm.custody.policy import read_policy
from pyjpm.custody.policy_book import Book
from pyjpm.custody.policy_judge import Judge
from pyjpm.custody.remote import RemoteSigner
from pyjpm.custody.server import SignerServer
from pyjpm.custody.signer_process import SignerProcess

CHAIN = 31_337
PASSPHRASE = "open sesame"
CONTRACTS = (
    "Governance",
    "ParticipantRegistry",
    "AttesterSets",
    "OrderEscrow",
    "Settlement",
    "PaymentRules",
    "Reserve",
)
TOKENS = ("EUR", "USD", "JPY")


def address_of(name: str) -> str:
    """A made-up address."""
    return to_checksum_address(keccak(text=name)[:20])


PAYEE = address_of("payee")


def record(chain_id: int = CHAIN) -> dict[str, Any]:
    """A deployment record as far as a signer reads it."""

    def deployed(artifact: str, name: str) -> dict[str, str]:
        return {"artifact": artifact, "address": address_of(name)}

    return {
        "format": 1,
        "chain_id": chain_id,
        "contracts": {name: deployed(name, name) for name in CONTRACTS},
        "tokens": {currency: deployed("DepositToken", currency) for currency in TOKENS},
    }


def pay(amount: int, ref: str = "1", *, to: str = PAYEE, remittance: bytes = b"") -> bytes:
    """Calldata of a payment."""
    return codec("DepositToken").encode("pay", to, amount, keccak(text=ref), remittance)


def batch(amounts: Iterable[int], name: str = "batch") -> bytes:
    """Calldata of a batch of payments."""
    items = [
        {"to": PAYEE, "amount": amount, "ref": keccak(text=f"{name} {place}"), "remittance": b""}
        for place, amount in enumerate(amounts)
    ]
    return codec("DepositToken").encode("payBatch", items)


def transaction(nonce: int, data: bytes, to: str | None = None, **changes: Any) -> dict[str, Any]:
    """A transaction of ours, to the EUR token."""
    return {
        "type": 2,
        "chainId": CHAIN,
        "nonce": nonce,
        "to": to or address_of("EUR"),
        "value": 0,
        "gas": 200_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "data": data,
        **changes,
    }


def cancel(nonce: int, wallet: str, **changes: Any) -> dict[str, Any]:
    """A cancel: nothing, to oneself."""
    return transaction(nonce, b"", to=wallet, **{"gas": 21_000, **changes})


POLICY = """
version = 1
chain_id = {chain}
deployment = "platform.json"

[policies.treasury]
checkers = [{checkers}]
[policies.treasury.allow.EUR]
functions = ["pay", "payBatch", "cleared", "transfer", "voidReference"]
messages = ["Consent", "TransferWithAuthorization"]
[policies.treasury.allow.OrderEscrow]
functions = ["fund"]
messages = ["Terms"]
[policies.treasury.limits.EUR]
per_payment = "1000.00"
per_day = "2500.00"
approval_above = "500.00"
{more}
"""


class Clock:
    """The signer's clock, set by hand."""

    def __init__(self, now: float = 20_000 * 86_400 + 3_600) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class House:
    """One signer's folder, with the signer in this process or in one of its own."""

    def __init__(self, folder: Path, wallets: int = 1) -> None:
        self.folder = folder
        self.checkers = Keystore(folder / "checkers", kdf_work=2)
        self.checkers.create("checker", PASSPHRASE)
        self.checker = self.checkers.load("checker", PASSPHRASE)
        self.other_checker = LocalSigner.generate()
        self.store = Keystore(folder / "keys", kdf_work=2)
        self.wallets = [self.store.create(f"wallet-{number}", PASSPHRASE) for number in range(wallets)]
        self.wallet = self.wallets[0]
        self.secret = folder / "passphrase"
        self.secret.write_text(PASSPHRASE)
        self.secret.chmod(0o600)
        self.socket = folder / "socket"
        self.book = folder / "book"
        self.policy = folder / "policy.toml"
        self.processes: list[subprocess.Popen[str]] = []
        self.clock = Clock()
        self.opened: Book | None = None
        self.serving: tuple[SignerServer, threading.Thread] | None = None
        self.write_record(record())
        self.write_policy(self.default_policy())

    def default_policy(self, more: str = "", policy: str = "treasury") -> str:
        checkers = f'"{self.checker.address}", "{self.other_checker.address}"'
        wallets = "".join(f'\n[wallets."{wallet}"]\npolicy = "{policy}"\n' for wallet in self.wallets)
        return POLICY.format(chain=CHAIN, checkers=checkers, more=more) + wallets

    def write_policy(self, text: str) -> None:
        self.policy.write_text(text)
        self.policy.chmod(0o600)

    def write_record(self, content: Mapping[str, Any]) -> None:
        path = self.folder / "platform.json"
        path.write_text(json.dumps(content))
        path.chmod(0o600)

    # --- in this process ---

    def open(self) -> SignerProcess:
        """The signer in this process, with a clock set by hand; opened anew, after what was open is closed."""
        self.close()
        process = SignerProcess.open(
            read_policy(self.policy),
            {wallet: self.store.load(f"wallet-{number}", PASSPHRASE) for number, wallet in enumerate(self.wallets)},
            self.book,
            marks=NonceMarks(self.folder / "keys" / "marks"),
        )
        self.opened = process._book
        judge: Judge = process._judge
        judge._clock = self.clock
        return process

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def serve_here(self) -> None:
        """The same at its socket, served by a thread of this process until the end."""
        server = SignerServer(self.open(), self.socket)
        thread = threading.Thread(target=server.serve)
        thread.start()
        self.serving = (server, thread)

    # --- in a process of its own ---

    def serve(self, *more: str) -> subprocess.Popen[str]:
        """``pyjpm signer serve``; returns once it serves."""
        command = [sys.executable, "-m", "pyjpm.cli", "signer", "serve", "--policy", str(self.policy)]
        command += ["--socket", str(self.socket), "--book", str(self.book)]
        command += ["--keystore", str(self.folder / "keys"), "--passphrase-file", str(self.secret), *more]
        return self.start(command)

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        if not self.processes:
            _begin_within_a_day()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("Serving"), process.stderr.read()
        return process

    def remote(self, wallet: str | None = None, **options: Any) -> RemoteSigner:
        return RemoteSigner(self.socket, wallet or self.wallet, **options)

    def end(self) -> None:
        if self.serving is not None:
            server, thread = self.serving
            server.stop()
            thread.join()
            server.close()
        self.close()
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _begin_within_a_day(seconds: float = 60.0) -> None:
    """Wait for the next UTC day where this one ends soon: a signer in a process of its own counts by the machine's."""
    left = 86_400 - time.time() % 86_400
    if left < seconds:
        time.sleep(left)


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
