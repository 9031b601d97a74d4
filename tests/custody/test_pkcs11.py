"""Keys in a token (SoftHSM, the real library): made inside, never seen, every signature checked."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from custody.softhsm import PIN, SoftHsm
from custody.transactions import transaction
from eth_account import Account
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.exceptions import AttributeSensitive

from pyjpm.chain.raw import decode_raw
from pyjpm.cli import main
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody import NonceMarks, Signer
from pyjpm.custody import pkcs11_session as sessions
from pyjpm.custody.curve import HALF_ORDER
from pyjpm.custody.pkcs11 import Pkcs11Signer, Pkcs11Token
from pyjpm.errors.custody import (
    DeviceRefused,
    DeviceUnreachable,
    KeyExists,
    KeyNotExportable,
    KeyNotFound,
    KeyUnsuitable,
    MarkNotWritten,
    ModuleNotLoaded,
    PinLocked,
    SignatureNotOurs,
    SigningRefused,
    TokenNotFound,
    WrongPin,
)

CHAIN = 31_337
DOMAIN = Domain("Settlement", CHAIN, "0x" + "11" * 20)
CANCEL = TypedMessage(DOMAIN, "CancelTrade", {"tradeId": b"\7" * 32, "deadline": 1})


@pytest.fixture
def token(softhsm: SoftHsm) -> Iterator[Pkcs11Token]:
    with softhsm.open("bank") as opened:
        yield opened


@pytest.fixture
def signer(token: Pkcs11Token) -> Pkcs11Signer:
    token.create("payments")
    return token.signer("payments")


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_is_made_in_the_token_and_stays_there(softhsm: SoftHsm, token: Pkcs11Token) -> None:
    address = token.create("payments")
    assert token.addresses() == {"payments": address}
    with softhsm.open("bank") as again:
        assert again.signer("payments").address == address
    session = pkcs11.lib(str(softhsm.module)).get_token(token_label="bank").open()
    private: Any = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label="payments")
    said = [Attribute.EXTRACTABLE, Attribute.SENSITIVE, Attribute.NEVER_EXTRACTABLE, Attribute.ALWAYS_SENSITIVE]
    assert [private[attribute] for attribute in said] == [False, True, True, True]
    assert (private[Attribute.DERIVE], private[Attribute.UNWRAP], private[Attribute.PRIVATE]) == (False, False, True)
    with pytest.raises(AttributeSensitive):
        private[Attribute.VALUE]
    session.close()


def test_names_are_given_once(token: Pkcs11Token) -> None:
    token.create("payments")
    with pytest.raises(KeyExists):
        token.create("payments")
    with pytest.raises(KeyNotFound):
        token.signer("receipts")


def test_of_two_keys_with_one_name_neither_is_used(softhsm: SoftHsm, token: Pkcs11Token) -> None:
    token.create("payments")
    make_key(softhsm, "payments")
    with pytest.raises(KeyUnsuitable, match="given twice"):
        token.signer("payments")


@pytest.mark.parametrize(
    ("template", "curve", "problem"),
    [
        ({Attribute.EXTRACTABLE: True}, "06052b8104000a", "hand it out"),
        ({Attribute.SENSITIVE: False}, "06052b8104000a", "hand it out"),
        ({Attribute.SIGN: False}, "06052b8104000a", "not for signing"),
        ({}, "06082a8648ce3d030107", "not a key of secp256k1"),
    ],
)
def test_a_key_that_is_no_wallet_of_ours_is_refused(
    softhsm: SoftHsm, token: Pkcs11Token, template: dict[Attribute, Any], curve: str, problem: str
) -> None:
    make_key(softhsm, "theirs", template, curve)
    with pytest.raises(KeyUnsuitable, match=problem):
        token.signer("theirs")


def end_login(token: Pkcs11Token) -> None:
    """As an HSM that restarts does it: the session is gone, and with it the login of the whole process."""
    session = token._session._session
    assert session is not None
    session.close()


def make_key(
    softhsm: SoftHsm, label: str, template: dict[Attribute, Any] | None = None, curve: str = "06052b8104000a"
) -> None:
    """As some other tool might have made it."""
    with pkcs11.lib(str(softhsm.module)).get_token(token_label="bank").open(rw=True) as session:
        fields = {Attribute.EC_PARAMS: bytes.fromhex(curve)}
        parameters = session.create_domain_parameters(KeyType.EC, fields, local=True)
        safe = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True, Attribute.SIGN: True}
        parameters.generate_keypair(store=True, label=label, private_template={**safe, **(template or {})})


# --- signatures ----------------------------------------------------------------------------------------------------


def test_it_is_a_signer_like_any_other(signer: Pkcs11Signer) -> None:
    assert isinstance(signer, Signer)
    assert repr(signer) == f"Pkcs11Signer({signer.address})"
    with pytest.raises(KeyNotExportable):
        copy.copy(signer)


def test_signatures_are_low_and_recover_to_the_wallet(signer: Pkcs11Signer) -> None:
    wallet = bytes.fromhex(signer.address[2:])
    parities = set()
    for number in range(64):
        digest = number.to_bytes(32, "big")
        signature = signer.sign_digest(digest)
        assert len(signature) == 65
        assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
        assert recover(digest, signature) == wallet
        parities.add(signature[64])
    assert parities == {27, 28}
    assert recover(CANCEL.digest, signer.sign_typed_data(CANCEL)) == wallet


def test_transactions_are_the_wallets(signer: Pkcs11Signer) -> None:
    asked = [transaction(nonce, data=bytes([nonce]) * nonce) for nonce in range(40)]
    signed = signer.sign_transactions(asked)
    for fields, each in zip(asked, signed, strict=True):
        assert Account.recover_transaction(each.raw) == signer.address
        said = decode_raw(each.raw)
        assert (said.nonce, said.data, said.hash) == (fields["nonce"], fields["data"], "0x" + each.hash.hex())


def test_what_no_wallet_of_ours_signs_reaches_no_token(signer: Pkcs11Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pkcs11Signer, "_sign_digests", lambda *_: pytest.fail("the token was asked"))
    with pytest.raises(SigningRefused):
        signer.sign_transactions([transaction(0), transaction(1, maxFeePerGas=1)])
    with pytest.raises(SigningRefused):
        signer.sign_digest(b"short")


def test_a_signature_of_another_key_is_thrown_away(token: Pkcs11Token, signer: Pkcs11Signer) -> None:
    token.create("other")
    other = token.signer("other")
    signer._private_key = other._private_key  # a token that mixes up its keys
    with pytest.raises(SignatureNotOurs) as caught:
        signer.sign_transaction(transaction(0))
    assert caught.value.details == {"wallet": signer.address, "device": "token 'bank'"}


def test_the_mark_of_a_key_in_a_token(token: Pkcs11Token, tmp_path: Path) -> None:
    marks = NonceMarks(tmp_path / "marks")
    token.create("payments", marks=marks)
    signer = token.signer("payments", marks=marks)
    assert signer.highest_nonce(CHAIN) == -1
    signer.sign_transactions([transaction(nonce) for nonce in range(5)])
    assert signer.highest_nonce(CHAIN) == 4
    assert token.signer("payments").highest_nonce(CHAIN) is None


def test_a_key_whose_mark_cannot_begin_is_not_left_behind(
    token: Pkcs11Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = NonceMarks(tmp_path / "marks")
    (tmp_path / "marks").rmdir()
    with pytest.raises(MarkNotWritten):
        token.create("payments", marks=marks)
    assert token.addresses() == {}


def test_threads_share_a_token(token: Pkcs11Token) -> None:
    signers = []
    for name in ("a", "b", "c", "d"):
        token.create(name)
        signers.append(token.signer(name))
    failed: list[BaseException] = []

    def work(own: Pkcs11Signer) -> None:
        try:
            for each in own.sign_transactions([transaction(nonce) for nonce in range(60)]):
                assert Account.recover_transaction(each.raw) == own.address
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in signers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_at_least_800_signed_transactions_a_second(
    token: Pkcs11Token, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    marks = NonceMarks(tmp_path / "marks")
    token.create("payments", marks=marks)
    signer = token.signer("payments", marks=marks)
    best = of_cpu = 0.0
    for round_ in range(5):
        asked = [transaction(400 * round_ + nonce, data=bytes(260)) for nonce in range(400)]
        start, busy = time.perf_counter(), time.thread_time()
        assert len(signer.sign_transactions(asked)) == 400
        best = max(best, 400 / (time.perf_counter() - start))
        of_cpu = max(of_cpu, 400 / (time.thread_time() - busy))
    record_property(
        "figure",
        f"{best:,.0f} transactions signed a second through PKCS#11, checked and marked, best of 5 times 400; "
        f"{of_cpu:,.0f} a second of a processor",
    )
    assert of_cpu >= 800  # the other figure is this one on a machine that has nothing else to do


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_wrong_pin_is_tried_once(softhsm: SoftHsm) -> None:
    with pytest.raises(WrongPin) as caught:
        softhsm.open("bank", pin="wrong-canary-pin")
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.to_dict()}"


def test_a_pin_that_was_changed_meanwhile_is_not_tried_twice(
    softhsm: SoftHsm, token: Pkcs11Token, signer: Pkcs11Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pkcs11.lib(str(softhsm.module)).get_token(token_label="bank").open(rw=True) as session:
        session.set_pin(PIN, "another-pin")
    tried: list[str] = []
    refuse = sessions.Pkcs11Session._refuse
    monkeypatch.setattr(
        sessions.Pkcs11Session, "_refuse", lambda self, error: (tried.append(type(error).__name__), refuse(self, error))
    )
    end_login(token)
    for _ in range(3):
        with pytest.raises(WrongPin):
            signer.sign_digest(b"\1" * 32)
    assert tried == ["PinIncorrect"]


def test_a_locked_pin(softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch) -> None:
    # SoftHSM never locks: the token's answer is put in its mouth.
    with monkeypatch.context() as patch:
        patch.setattr(sessions.pkcs11, "lib", lambda path: Answering(pkcs11.exceptions.PinLocked))
        with pytest.raises(PinLocked):
            softhsm.open("bank")


class Answering:
    """A module whose token answers every login with an error."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def get_token(self, **_: Any) -> Any:
        raise self._error

    def reinitialize(self) -> None: ...

    def finalize(self) -> None: ...


def test_a_module_that_is_none(softhsm: SoftHsm, tmp_path: Path) -> None:
    text = tmp_path / "no-module.so"
    text.write_text("no library")
    for path in (tmp_path / "missing.so", text):
        with pytest.raises(ModuleNotLoaded) as caught:
            Pkcs11Token(path, "bank", pin=PIN)
        assert caught.value.details == {"path": str(path)}


def test_tokens_that_are_not_there_or_twice(softhsm: SoftHsm) -> None:
    with pytest.raises(TokenNotFound):
        softhsm.open("branch")
    softhsm.new_token("bank")
    with pytest.raises(TokenNotFound, match="more than one"):
        softhsm.open("bank")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library's, of a search cut short
def test_a_token_made_later_is_found(softhsm: SoftHsm, token: Pkcs11Token) -> None:
    softhsm.new_token("branch")
    with softhsm.open("branch") as branch:
        branch.create("payments")
        assert len(branch.signer("payments").sign_digest(b"\1" * 32)) == 65
    token.create("payments")  # its login was lost meanwhile, and is renewed
    assert token.signer("payments").address


@pytest.mark.parametrize("loss", ["logged out by another login", "module restarted", "session closed"])
def test_a_lost_session_is_opened_anew(softhsm: SoftHsm, token: Pkcs11Token, signer: Pkcs11Signer, loss: str) -> None:
    before = signer.sign_digest(b"\1" * 32)
    library = pkcs11.lib(str(softhsm.module))
    if loss == "logged out by another login":
        with softhsm.open("bank") as other:  # found the process logged in
            end_login(token)
            assert other.signer("payments").address == signer.address  # logged in anew, by this one
        # and out again at its end
    elif loss == "module restarted":
        library.reinitialize()
    else:
        end_login(token)
    after = signer.sign_digest(b"\1" * 32)
    assert recover(b"\1" * 32, after) == recover(b"\1" * 32, before) == bytes.fromhex(signer.address[2:])


def test_a_token_that_is_gone(softhsm: SoftHsm, token: Pkcs11Token, signer: Pkcs11Signer) -> None:
    (softhsm.folder / "tokens").rename(softhsm.folder / "elsewhere")
    (softhsm.folder / "tokens").mkdir()
    pkcs11.lib(str(softhsm.module)).reinitialize()
    with pytest.raises(TokenNotFound):
        signer.sign_transaction(transaction(0))
    (softhsm.folder / "tokens").rmdir()
    (softhsm.folder / "elsewhere").rename(softhsm.folder / "tokens")
    assert signer.sign_transaction(transaction(0)).raw


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (pkcs11.exceptions.DeviceError, DeviceUnreachable),
        (pkcs11.exceptions.DeviceRemoved, DeviceUnreachable),
        (pkcs11.exceptions.GeneralError, DeviceUnreachable),
        (pkcs11.exceptions.MechanismInvalid, DeviceRefused),
        (pkcs11.exceptions.FunctionRejected, DeviceRefused),
    ],
)
def test_a_device_that_fails_for_good(
    token: Pkcs11Token, signer: Pkcs11Signer, said: type[Exception], error: type[Exception]
) -> None:
    asked = []

    def failing(session: Any) -> bytes:
        asked.append(session)
        raise said

    with pytest.raises(error) as caught:
        token._session.run(failing)
    assert caught.value.details == {"device": "token 'bank'", "reason": said.__name__}
    assert len(asked) == 2
    assert signer.sign_digest(b"\1" * 32), "it works again when the device does"


def test_a_key_that_was_deleted_meanwhile(softhsm: SoftHsm, token: Pkcs11Token, signer: Pkcs11Signer) -> None:
    with pkcs11.lib(str(softhsm.module)).get_token(token_label="bank").open(rw=True) as session:
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label="payments").destroy()
    with pytest.raises(KeyNotFound):
        signer.sign_digest(b"\1" * 32)


def test_a_closed_token_signs_nothing(token: Pkcs11Token, signer: Pkcs11Signer) -> None:
    token.close()
    token.close()
    with pytest.raises(DeviceUnreachable, match="closed"):
        signer.sign_digest(b"\1" * 32)


def test_a_forked_process_opens_its_own(signer: Pkcs11Signer) -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        try:
            signer.sign_digest(b"\1" * 32)
        except DeviceUnreachable as error:
            sender.send(error.details["reason"])
        os._exit(0)

    process = context.Process(target=child)
    process.start()
    assert receiver.poll(10)
    assert receiver.recv() == "forked"
    process.join()
    assert signer.sign_digest(b"\1" * 32)


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_makes_and_lists_keys(
    softhsm: SoftHsm, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    where = ["--module", str(softhsm.module), "--token", "bank"]
    marks = ["--marks", str(tmp_path / "marks")]
    assert main(["keys", "hsm", "create", "payments", *where, *marks, "--pin-file", str(pin)]) == 0
    address = capsys.readouterr().out.strip()
    monkeypatch.setenv("HSM_PIN", PIN)
    assert main(["keys", "hsm", "list", *where, "--pin-env", "HSM_PIN", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"payments": address}
    assert NonceMarks(tmp_path / "marks").highest(address, CHAIN) == -1
    monkeypatch.setenv("HSM_PIN", "wrong-canary-pin")
    assert main(["keys", "hsm", "list", *where, "--pin-env", "HSM_PIN"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("WRONG_PIN: ")
    assert "canary" not in said
    assert main(["keys", "hsm", "list", *where]) == 1
    assert capsys.readouterr().err.startswith("PASSPHRASE_MISSING: ")
