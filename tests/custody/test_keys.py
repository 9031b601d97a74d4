"""Keys: what signers sign, what they refuse, and that no key gets out."""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_keys.datatypes import Signature
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody import Keystore, LocalSigner, Signer, read_passphrase
from pyjpm.errors.chain import InvalidAddress
from pyjpm.errors.custody import (
    InvalidKey,
    InvalidKeyName,
    KeyExists,
    KeyFileCorrupt,
    KeyNotExportable,
    KeyNotFound,
    KeystoreTooOpen,
    PassphraseMissing,
    SigningRefused,
    WrongPassphrase,
)
from pyjpm.sending import TransactionSigner

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
OTHER = "0x" + "11" * 20
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
WORK = 2


def transaction(**changes: Any) -> dict[str, Any]:
    fields = {
        "type": 2,
        "chainId": 31_337,
        "nonce": 0,
        "to": OTHER,
        "value": 0,
        "gas": 100_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "data": b"\x01\x02",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


# --- signing -------------------------------------------------------------------------------------------------------


def test_a_local_signer_satisfies_both_protocols() -> None:
    signer = LocalSigner.from_key(KEY)
    assert isinstance(signer, Signer)
    assert isinstance(signer, TransactionSigner)
    assert signer.address == ADDRESS == LocalSigner.from_key("0x" + KEY).address
    assert LocalSigner.from_key(bytes.fromhex(KEY)).address == ADDRESS
    assert LocalSigner.generate().address != LocalSigner.generate().address


@settings(max_examples=600, deadline=None)
@given(
    nonce=st.sampled_from([0, 1, 127, 128, 255, 256, 2**64 - 2]) | st.integers(0, 2**64 - 2),
    gas=st.sampled_from([0, 21_000, 2**64 - 1]) | st.integers(21_000, 2**40),
    chain=st.integers(1, 2**63),
    data=st.sampled_from([b"", b"\0", b"\x7f", b"\x80", bytes(54), bytes(55), bytes(56), bytes(70_000)])
    | st.binary(max_size=300),
    creates=st.booleans(),
    key=st.binary(min_size=32, max_size=32).filter(lambda key: 0 < int.from_bytes(key, "big") < 2**255),
)
def test_transactions_are_byte_for_byte_those_of_eth_account(
    nonce: int, gas: int, chain: int, data: bytes, creates: bool, key: bytes
) -> None:
    fields = transaction(nonce=nonce, gas=gas, chainId=chain, data=data, to=None if creates else OTHER)
    ours = LocalSigner.from_key(key).sign_transaction(fields)
    theirs = Account.from_key(key).sign_transaction(fields)
    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == bytes(theirs.hash)


def test_at_least_8000_signatures_a_second_of_a_processor(record_property: Callable[[str, object], None]) -> None:
    signer = LocalSigner.from_key(KEY)
    asked = [transaction(nonce=nonce, data=bytes(260)) for nonce in range(2_000)]
    best = 0.0
    for _ in range(5):
        busy = time.thread_time()
        assert len(signer.sign_transactions(asked)) == 2_000
        best = max(best, 2_000 / (time.thread_time() - busy))
    record_property("figure", f"{best:,.0f} transactions signed a second of a processor by a key in this process")
    assert best >= 8_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"maxFeePerGas": 1}, "maxFeePerGas"),
        ({"maxPriorityFeePerGas": 1}, "maxPriorityFeePerGas"),
        ({"chainId": None}, "chainId"),
        ({"chainId": 0}, "chainId"),
        ({"type": 0}, "type"),
        ({"type": None}, "type"),
        ({"nonce": -1}, "nonce"),
        ({"nonce": True}, "nonce"),
        ({"nonce": 2**64 - 1}, "nonce"),
        ({"gas": 1.5}, "gas"),
        ({"value": 1 << 256}, "value"),
        ({"data": "0x01"}, "data"),
        ({"accessList": [{"address": OTHER, "storageKeys": []}]}, "accessList"),
    ],
)
def test_what_no_wallet_of_ours_signs_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SigningRefused) as caught:
        LocalSigner.from_key(KEY).sign_transaction(transaction(**changes))
    assert caught.value.details["field"] == field


def test_a_legacy_transaction_with_a_gas_price_is_refused() -> None:
    fields = {"chainId": 1, "nonce": 0, "to": OTHER, "value": 0, "gas": 21_000, "gasPrice": 0, "data": b""}
    with pytest.raises(SigningRefused):
        LocalSigner.from_key(KEY).sign_transaction(fields)


def test_a_malformed_recipient_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        LocalSigner.from_key(KEY).sign_transaction(transaction(to="0x12"))


@given(st.binary(min_size=32, max_size=32))
def test_signatures_over_digests_recover_to_the_wallet_with_low_s(digest: bytes) -> None:
    signature = LocalSigner.from_key(KEY).sign_digest(digest)
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
    recovered = Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(digest)
    assert recovered.to_checksum_address() == ADDRESS


def test_a_digest_has_32_bytes() -> None:
    with pytest.raises(SigningRefused):
        LocalSigner.from_key(KEY).sign_digest(b"short")


def test_a_structured_message_is_signed_by_its_digest() -> None:
    signer = LocalSigner.from_key(KEY)
    domain = Domain("Settlement", 31_337, OTHER)
    message = TypedMessage(domain, "CancelTrade", {"tradeId": b"\x07" * 32, "deadline": 1})
    assert keccak(message.preimage) == message.digest
    assert signer.sign_typed_data(message) == signer.sign_digest(message.digest)
    assert to_checksum_address(recover(message.digest, signer.sign_typed_data(message))) == ADDRESS


# --- keys stay inside ----------------------------------------------------------------------------------------------


def test_no_text_of_a_signer_has_its_key() -> None:
    signer = LocalSigner.from_key(KEY)
    texts = [repr(signer), str(signer), f"{signer!r}", repr(vars(type(signer)))]
    assert repr(signer) == f"LocalSigner({ADDRESS})"
    assert not any(KEY in text for text in texts)
    assert not hasattr(signer, "__dict__")


@pytest.mark.parametrize("export", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_signer_is_not_copied(export: Any) -> None:
    with pytest.raises(KeyNotExportable):
        export(LocalSigner.from_key(KEY))


@pytest.mark.parametrize(
    "key", [b"", b"\0" * 32, b"\xff" * 32, KEY[:-2], KEY + "00", "zz" * 32, bytes.fromhex(KEY) + b"\0"]
)
def test_a_bad_key_is_refused_without_repeating_it(key: bytes | str) -> None:
    with pytest.raises(InvalidKey) as caught:
        LocalSigner.from_key(key)
    shown = "".join(traceback.format_exception(caught.value))
    text = key if isinstance(key, str) else key.hex()
    assert not text or text not in shown
    assert caught.value.__context__ is None


# --- the keystore --------------------------------------------------------------------------------------------------


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keys", kdf_work=WORK)


def test_a_key_is_created_and_loaded(keystore: Keystore, tmp_path: Path) -> None:
    address = keystore.create("buyer", "correct horse")
    assert keystore.load("buyer", "correct horse").address == address == keystore.address("buyer")
    assert Keystore(tmp_path / "keys").load("buyer", "correct horse").address == address
    assert keystore.names() == ["buyer"]
    keystore.create("a.seller_2", "x")
    assert keystore.names() == ["a.seller_2", "buyer"]


def test_files_are_private_whole_and_readable_by_others_tools(keystore: Keystore, tmp_path: Path) -> None:
    address = keystore.create("buyer", "correct horse")
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = json.loads(file.read_text())
    assert (content["version"], content["crypto"]["kdf"], content["crypto"]["kdfparams"]["n"]) == (3, "scrypt", WORK)
    key = Account.decrypt(content, "correct horse")
    assert Account.from_key(key).address == address
    assert bytes(key).hex() not in file.read_text()


def test_keys_are_strong_by_default(tmp_path: Path) -> None:
    Keystore(tmp_path / "keys").create("buyer", "correct horse")
    content = json.loads((tmp_path / "keys" / "buyer.json").read_text())
    assert content["crypto"]["kdfparams"]["n"] == 1 << 18


def test_a_key_is_never_overwritten(keystore: Keystore, tmp_path: Path) -> None:
    keystore.create("buyer", "one")
    before = (tmp_path / "keys" / "buyer.json").read_bytes()
    with pytest.raises(KeyExists):
        keystore.create("buyer", "two")
    assert (tmp_path / "keys" / "buyer.json").read_bytes() == before


def test_wrong_passphrases_and_missing_keys_are_told_apart(keystore: Keystore) -> None:
    keystore.create("buyer", "correct horse")
    with pytest.raises(WrongPassphrase) as caught:
        keystore.load("buyer", "battery staple")
    assert "battery" not in f"{caught.value} {caught.value!r} {caught.value.to_dict()}"
    with pytest.raises(KeyNotFound):
        keystore.load("seller", "correct horse")
    with pytest.raises(PassphraseMissing):
        keystore.create("seller", "")
    assert keystore.names() == ["buyer"]


@pytest.mark.parametrize("name", ["", "../buyer", "a/b", ".hidden", "-x", "a\0b", "x" * 65, "ä"])
def test_a_name_stays_inside_its_folder(keystore: Keystore, name: str) -> None:
    with pytest.raises(InvalidKeyName):
        keystore.create(name, "x")
    with pytest.raises(InvalidKeyName):
        keystore.load(name, "x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_touch_is_refused(keystore: Keystore, tmp_path: Path, mode: int) -> None:
    keystore.create("buyer", "x")
    (tmp_path / "keys" / "buyer.json").chmod(mode)
    with pytest.raises(KeystoreTooOpen):
        keystore.load("buyer", "x")


def test_a_folder_that_others_may_enter_is_refused(keystore: Keystore, tmp_path: Path) -> None:
    keystore.create("buyer", "x")
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(KeystoreTooOpen):
        Keystore(tmp_path / "keys")
    with pytest.raises(KeystoreTooOpen):
        keystore.load("buyer", "x")
    with pytest.raises(KeystoreTooOpen):
        keystore.create("seller", "x")


def test_a_link_to_a_key_is_not_followed(keystore: Keystore, tmp_path: Path) -> None:
    keystore.create("buyer", "x")
    os.symlink(tmp_path / "keys" / "buyer.json", tmp_path / "keys" / "thief.json")
    with pytest.raises(KeyFileCorrupt):
        keystore.load("thief", "x")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: "not json",
        lambda content: "[]",
        lambda content: json.dumps({**content, "version": 4}),
        lambda content: json.dumps({**content, "address": "22" * 20}),
        lambda content: json.dumps({"version": 3, "address": content["address"]}),
        lambda content: json.dumps({**content, "crypto": {**content["crypto"], "kdf": "none"}}),
    ],
)
def test_a_damaged_file_is_refused(keystore: Keystore, tmp_path: Path, damage: Any) -> None:
    keystore.create("buyer", "x")
    file = tmp_path / "keys" / "buyer.json"
    file.write_text(damage(json.loads(file.read_text())))
    with pytest.raises(KeyFileCorrupt):
        keystore.load("buyer", "x")


# --- passphrases ---------------------------------------------------------------------------------------------------


def test_a_passphrase_comes_from_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "passphrase"
    file.write_text("from file\r\n")
    file.chmod(0o600)
    monkeypatch.setenv("KEY_PASSPHRASE", "from environment")
    assert read_passphrase(value="itself") == "itself"
    assert read_passphrase(environment="KEY_PASSPHRASE") == "from environment"
    assert read_passphrase(file=file) == "from file"
    for sources in ({}, {"value": "a", "file": file}, {"environment": "NOT_SET_ANYWHERE"}, {"file": tmp_path / "none"}):
        with pytest.raises(PassphraseMissing):
            read_passphrase(**sources)  # type: ignore[arg-type]
    file.chmod(0o644)
    with pytest.raises(KeystoreTooOpen):
        read_passphrase(file=file)
