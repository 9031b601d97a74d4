"""The policy in front of real devices: an HSM, a Web3Signer, AWS KMS."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from custody.aws import REGION, credentials, kms
from custody.softhsm import PIN, SoftHsm, softhsm
from custody.web3signer_double import Web3SignerDouble
from policy.house import CHAIN, House, address_of, pay, transaction

from pyjpm.cli.signer import _from_kms
from pyjpm.custody import LocalSigner, NonceMarks
from pyjpm.custody.policy import read_policy
from pyjpm.custody.signer_process import SignerProcess
from pyjpm.errors.custody import KeyNotFound, SignerMarkLost
from pyjpm.errors.policy import AmountAboveLimit

__all__ = ["credentials", "kms", "softhsm"]


def serve(house: House, options: Iterable[str]) -> None:
    command = [sys.executable, "-m", "pyjpm.cli", "signer", "serve", "--policy", str(house.policy)]
    house.start([*command, "--socket", str(house.socket), "--book", str(house.book), *options])


def takes_only(house: House, wallet: str) -> None:
    house.wallets = [wallet]
    house.write_policy(house.default_policy())


def signs_what_it_may(house: House, wallet: str) -> None:
    remote = house.remote(wallet)
    assert len(remote.sign_transactions([transaction(nonce, pay(10, str(nonce))) for nonce in range(3)])) == 3
    with pytest.raises(AmountAboveLimit):
        remote.sign_transaction(transaction(3, pay(100_001)))


def test_keys_in_an_hsm(house: House, softhsm: SoftHsm) -> None:
    marks = house.folder / "marks"
    with softhsm.open("bank") as token:
        wallet = token.create("payments", marks=NonceMarks(marks))
    takes_only(house, wallet)
    pin = house.folder / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    options = ["--pkcs11", str(softhsm.module), "--token", "bank", "--pin-file", str(pin), "--marks", str(marks)]
    serve(house, options)
    signs_what_it_may(house, wallet)
    assert house.remote(wallet).highest_nonce(CHAIN) == 2


def test_keys_behind_a_web3signer(house: House) -> None:
    key = PrivateKey(b"\x17" * 32)
    wallet = LocalSigner.from_key(key.secret).address
    takes_only(house, wallet)
    with Web3SignerDouble([key]) as double:
        serve(house, ["--web3signer", double.url])
        signs_what_it_may(house, wallet)
        assert len([each for each in double.asked if each[0] == "POST"]) == 3, "what is refused the device never sees"
    # nobody said what this key signed before
    with pytest.raises(SignerMarkLost):
        house.remote(wallet).highest_nonce(CHAIN)


def test_keys_in_kms(house: House, kms: Any, tmp_path: Path) -> None:
    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signers = _from_kms([key], REGION)
    (wallet,) = signers
    takes_only(house, wallet)
    process = SignerProcess.open(read_policy(house.policy), signers, house.book, marks=None)
    row = [CHAIN, 0, 200_000, address_of("EUR"), 0, pay(10).hex()]
    answer = process.handle({"op": "sign_transactions", "wallet": wallet, "transactions": [row]}, 0)
    assert len(answer["ok"][0]) == 130
    process.close()


def test_a_device_that_fails_leaves_the_count_and_is_no_refusal(house: House) -> None:
    key = PrivateKey(b"\x17" * 32)
    wallet = LocalSigner.from_key(key.secret).address
    takes_only(house, wallet)
    with Web3SignerDouble([key]) as double:
        serve(house, ["--web3signer", double.url])
        remote = house.remote(wallet)
        double.wrong = (404, "")
        with pytest.raises(KeyNotFound):
            remote.sign_transaction(transaction(0, pay(10)))
        double.wrong = None
        assert remote.sign_transaction(transaction(0, pay(10))).raw
    from pyjpm.custody.remote_socket import status

    assert status(house.socket)["wallets"][wallet]["moved"] == {"EUR": 10}
