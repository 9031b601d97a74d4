"""No secret of any signer gets out: not in a text of it, an error, a traceback, a log or a pickle.

Every kind of signer is made with secrets that can be told anywhere they show up, and led through what it does and all
that goes wrong with it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from coincurve import PrivateKey
from custody.softhsm import SoftHsm
from custody.transactions import transaction
from custody.web3signer_double import Web3SignerDouble
from eth_account import Account

from pyjpm.custody import Keystore, LocalSigner, NonceMarks, read_passphrase
from pyjpm.custody.kms import KmsSigner
from pyjpm.custody.pkcs11 import Pkcs11Token
from pyjpm.custody.web3signer import Web3Signer
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import CustodyError, KeyNotExportable

KEY = bytes(range(0xC0, 0xE0))
PASSPHRASE = "canary-passphrase-7Gq"
PIN = "canary-pin-8Hr"
WRONG = "canary-wrong-9Js"
AWS_SECRET = "canary-aws-secret-1Kt"
URL_PASSWORD = "canary-url-password-2Lu"
TOKEN = "canary-token-3Mv"

SECRETS = [
    KEY.hex(),
    KEY.hex().upper(),
    str(int.from_bytes(KEY, "big")),
    repr(KEY)[2:-1],
    PASSPHRASE,
    PIN,
    WRONG,
    AWS_SECRET,
    URL_PASSWORD,
    TOKEN,
]


class Seen:
    """All that came out: texts of objects, errors with their whole tracebacks, logs."""

    def __init__(self, log: io.StringIO) -> None:
        self._log = log
        self._texts: list[str] = []
        self.errors: list[PyjpmError] = []

    def note(self, thing: object) -> None:
        self._texts += [repr(thing), str(thing), f"{thing}", repr(getattr(thing, "__dict__", ""))]

    def fails(self, work: Callable[[], object]) -> None:
        try:
            work()
        except PyjpmError as error:
            self.errors.append(error)
            self._texts += [str(error.to_dict()), "".join(traceback.format_exception(error))]
            self._texts.append(pickle.dumps(error).decode("latin-1"))
            context = error.__context__
            while context is not None:  # hidden by `from None`, but kept for whoever logs exceptions in full
                self._texts.append("".join(traceback.format_exception(context)))
                context = context.__context__
            return
        pytest.fail("nothing went wrong")

    def out(self) -> str:
        return "\n".join([*self._texts, self._log.getvalue()])


@pytest.fixture
def seen() -> Iterator[Seen]:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield Seen(log)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def use(signer: Any, seen: Seen) -> None:
    """What everybody does with a signer, and what nobody should."""
    signer.sign_transactions([transaction(0), transaction(1)])
    seen.note(signer)
    seen.fails(lambda: signer.sign_transaction(transaction(2, maxFeePerGas=1)))
    seen.fails(lambda: signer.sign_digest(b"short"))
    seen.fails(lambda: pickle.dumps(signer))
    assert isinstance(seen.errors[-1], KeyNotExportable)


def assert_nothing_got_out(seen: Seen) -> None:
    out = seen.out()
    assert len(out) > 1_000
    assert [secret for secret in SECRETS if secret in out] == []
    assert all(isinstance(error, PyjpmError) for error in seen.errors)


def test_the_canaries_would_be_seen(seen: Seen) -> None:
    """The test's own eyes: each way out is watched."""
    logging.getLogger("some.library").debug("opening with %s", PIN)
    seen.note({"passphrase": PASSPHRASE})

    def fail() -> None:
        with contextlib.suppress(KeyError):
            raise CustodyError("Told too much.", token=TOKEN)
        raise AssertionError

    def fail_hiding() -> None:
        try:
            raise ValueError(KEY.hex())
        except ValueError:
            raise CustodyError("Hidden.") from None

    seen.fails(fail)
    seen.fails(fail_hiding)
    out = seen.out()
    assert all(secret in out for secret in (PIN, PASSPHRASE, TOKEN, KEY.hex()))


def test_a_key_in_this_process(seen: Seen) -> None:
    signer = LocalSigner.from_key(KEY)
    use(signer, seen)
    for bad in (KEY + b"\0", KEY.hex() + "0", KEY.hex() + "zz", KEY[:31]):
        seen.fails(lambda bad=bad: LocalSigner.from_key(bad))
    assert_nothing_got_out(seen)


def test_a_keystore(seen: Seen, tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys", kdf_work=2)
    content = Account.encrypt(KEY, PASSPHRASE, kdf="scrypt", iterations=2)
    path = tmp_path / "keys" / "mine.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))
    signer = store.load("mine", PASSPHRASE)
    seen.note(store)
    seen.note(store.marks)
    use(signer, seen)
    seen.fails(lambda: signer.highest_nonce(1))
    seen.fails(lambda: store.load("mine", WRONG))
    seen.fails(lambda: store.load("other", PASSPHRASE))
    seen.fails(lambda: store.create("mine", PASSPHRASE))
    path.write_text(path.read_text()[:-20])
    seen.fails(lambda: store.load("mine", PASSPHRASE))
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o644)
    seen.fails(lambda: read_passphrase(file=secret))
    seen.fails(lambda: read_passphrase(value=PASSPHRASE, file=secret))
    assert_nothing_got_out(seen)


def test_a_token(seen: Seen, softhsm: SoftHsm, tmp_path: Path) -> None:
    softhsm.new_token("canaries", PIN)
    seen.fails(lambda: softhsm.open("canaries", WRONG))
    seen.fails(lambda: softhsm.open("nobody", PIN))
    seen.fails(lambda: Pkcs11Token(tmp_path / "missing.so", "canaries", pin=PIN))
    token = softhsm.open("canaries", PIN)
    seen.note(token)
    seen.note(token._session)
    token.create("mine")
    signer = token.signer("mine")
    use(signer, seen)
    seen.fails(lambda: token.create("mine"))
    seen.fails(lambda: token.signer("other"))
    token.close()
    seen.fails(lambda: signer.sign_digest(b"\1" * 32))
    assert_nothing_got_out(seen)


def test_aws_kms(seen: Seen, kms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
    key_id = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signer = KmsSigner.open(key_id, region="eu-central-1")
    use(signer, seen)
    seen.fails(lambda: KmsSigner.open("alias/nobody", region="eu-central-1"))
    boto3.client("kms", region_name="eu-central-1").schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    signer._key_id = "2b6f4b4e-0000-4000-8000-000000000000"
    seen.fails(lambda: signer.sign_transaction(transaction()))
    assert_nothing_got_out(seen)


def test_web3signer(seen: Seen) -> None:
    key = PrivateKey(KEY)
    wallet = LocalSigner.from_key(KEY).address
    with Web3SignerDouble([key]) as server:
        url = server.url.replace("://", f"://user:{URL_PASSWORD}@")
        signer = Web3Signer.open(url, wallet, headers={"Authorization": f"Bearer {TOKEN}"})
        use(signer, seen)
        seen.note(signer._server)
        for status in (400, 401, 404, 429, 500, 503):
            server.wrong = (status, f"{TOKEN} {KEY.hex()}")
            seen.fails(lambda: signer.sign_transaction(transaction()))
        server.wrong = (200, KEY.hex())
        seen.fails(lambda: signer.sign_transaction(transaction()))
        seen.fails(lambda: Web3Signer.open(url, wallet))
    seen.fails(lambda: Web3Signer.open(f"ftp://user:{URL_PASSWORD}@localhost", wallet))
    assert_nothing_got_out(seen)


def test_a_mark_holds_no_secret(tmp_path: Path) -> None:
    signer = LocalSigner.from_key(KEY, marks=NonceMarks(tmp_path / "marks"))
    signer._marks.begin(signer.address)  # type: ignore[union-attr]
    signer.sign_transaction(transaction(5))
    (mark,) = (tmp_path / "marks").iterdir()
    text = mark.read_text()
    assert signer.address in text
    assert not any(secret in text for secret in SECRETS)
