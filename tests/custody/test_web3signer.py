"""Keys behind a Web3Signer: over real HTTP and TLS, against a double of its API (see web3signer_double)."""

from __future__ import annotations

import datetime
import json
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from coincurve import PrivateKey
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from custody.transactions import CHAIN, OTHER, transaction
from custody.web3signer_double import Web3SignerDouble, identifier

from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.custody import LocalSigner, NonceMarks, Signer
from pyjpm.custody.web3signer import Web3Signer
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import InvalidNodeUrl
from pyjpm.errors.custody import (
    DeviceAccessDenied,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
    KeyNotFound,
    SignatureNotOurs,
    SigningRefused,
)

KEY = PrivateKey(b"\x17" * 32)
SAME = LocalSigner.from_key(b"\x17" * 32)
WALLET = SAME.address
MESSAGE = TypedMessage(Domain("Settlement", CHAIN, OTHER), "CancelTrade", {"tradeId": b"\7" * 32, "deadline": 1})


@pytest.fixture
def server() -> Iterator[Web3SignerDouble]:
    with Web3SignerDouble([PrivateKey(b"\x18" * 32), KEY]) as running:
        yield running


@pytest.fixture
def signer(server: Web3SignerDouble) -> Web3Signer:
    return Web3Signer.open(server.url, WALLET)


# --- signatures ----------------------------------------------------------------------------------------------------


def test_it_is_a_signer_like_any_other(signer: Web3Signer) -> None:
    assert isinstance(signer, Signer)
    assert (signer.address, repr(signer)) == (WALLET, f"Web3Signer({WALLET})")


def test_it_signs_what_the_key_itself_would_sign(server: Web3SignerDouble, signer: Web3Signer) -> None:
    asked = [transaction(nonce, data=bytes(nonce), to=OTHER if nonce else None) for nonce in range(20)]
    assert signer.sign_transactions(asked) == SAME.sign_transactions(asked)
    assert signer.sign_typed_data(MESSAGE) == SAME.sign_typed_data(MESSAGE)
    paths = {path for method, path, _, _ in server.asked if method == "POST"}
    assert paths == {f"/api/v1/eth1/sign/{identifier(KEY)}"}


def test_a_high_s_is_folded(server: Web3SignerDouble, signer: Web3Signer) -> None:
    server.high_s = True
    assert signer.sign_transaction(transaction()) == SAME.sign_transaction(transaction())
    assert recover(MESSAGE.digest, signer.sign_typed_data(MESSAGE)) == bytes.fromhex(WALLET[2:])


def test_a_bare_digest_is_refused(server: Web3SignerDouble, signer: Web3Signer) -> None:
    before = len(server.asked)
    with pytest.raises(SigningRefused, match="hashes"):
        signer.sign_digest(MESSAGE.digest)
    assert len(server.asked) == before


def test_the_mark_of_a_key_behind_it(server: Web3SignerDouble, tmp_path: Path) -> None:
    marks = NonceMarks(tmp_path / "marks")
    marks.begin(WALLET)
    signer = Web3Signer.open(server.url, WALLET, marks=marks)
    server.wrong = (500, "")
    with pytest.raises(DeviceRefused):
        signer.sign_transaction(transaction(7))
    assert signer.highest_nonce(CHAIN) == 7, "nobody knows what the device did with it"


# --- wrong answers -------------------------------------------------------------------------------------------------


def test_a_signature_of_another_key_is_thrown_away(server: Web3SignerDouble, signer: Web3Signer) -> None:
    server.keys[identifier(KEY)] = PrivateKey(b"\x19" * 32)
    with pytest.raises(SignatureNotOurs) as caught:
        signer.sign_transaction(transaction())
    assert caught.value.details == {"wallet": WALLET, "device": f"Web3Signer {server.url}"}


def test_a_signature_over_something_else_is_thrown_away(server: Web3SignerDouble, signer: Web3Signer) -> None:
    server.wrong = (200, "0x" + SAME.sign_digest(b"\5" * 32).hex())
    with pytest.raises(SignatureNotOurs):
        signer.sign_transaction(transaction())


@pytest.mark.parametrize(
    "text", ["", "0x", "0x12", "canary no hex", "0x" + "zz" * 65, '"0x' + "11" * 65 + '"', "ä" * 65, "0x" + "11" * 97]
)
def test_what_is_no_signature(server: Web3SignerDouble, signer: Web3Signer, text: str) -> None:
    server.wrong = (200, text)
    with pytest.raises(DeviceRefused) as caught:
        signer.sign_transaction(transaction())
    assert caught.value.details["reason"] == "no signature"
    assert "canary" not in f"{caught.value} {caught.value.to_dict()}"


@pytest.mark.parametrize("text", ["", "OK", "{}1", "[1]", '["0x12"]', "[null]", "7"])
def test_what_is_no_list_of_keys(server: Web3SignerDouble, text: str) -> None:
    server.wrong = (200, text)
    with pytest.raises(DeviceRefused):
        Web3Signer.open(server.url, WALLET)


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (400, DeviceRefused, 1),
        (401, DeviceAccessDenied, 1),
        (403, DeviceAccessDenied, 1),
        (404, KeyNotFound, 1),
        (429, DeviceBusy, 1),
        (500, DeviceRefused, 1),
        (301, DeviceRefused, 1),
        (502, DeviceUnreachable, 3),
        (503, DeviceUnreachable, 3),
    ],
)
def test_what_it_answers(
    server: Web3SignerDouble, signer: Web3Signer, status: int, error: type[PyjpmError], requests: int
) -> None:
    before = len(server.asked)
    server.wrong = (status, "canary")
    with pytest.raises(error) as caught:
        signer.sign_transaction(transaction())
    assert len(server.asked) - before == requests
    assert "canary" not in f"{caught.value} {caught.value.to_dict()}"


def test_one_answer_that_is_lost_is_asked_for_again(server: Web3SignerDouble, signer: Web3Signer) -> None:
    server.wrong, server.times_wrong = (503, ""), 1
    assert signer.sign_transaction(transaction()) == SAME.sign_transaction(transaction())


def test_a_wallet_it_does_not_know(server: Web3SignerDouble) -> None:
    with pytest.raises(KeyNotFound) as caught:
        Web3Signer.open(server.url, OTHER)
    assert caught.value.details == {"name": OTHER, "device": f"Web3Signer {server.url}"}


def test_one_that_is_not_there_or_does_not_answer(server: Web3SignerDouble) -> None:
    server.hang = 0.5
    with pytest.raises(DeviceUnreachable, match="Timeout"):
        Web3Signer.open(server.url, WALLET, timeout=0.1)
    server.shutdown()
    server.server_close()
    with pytest.raises(DeviceUnreachable):
        Web3Signer.open(server.url, WALLET)
    with pytest.raises(InvalidNodeUrl):
        Web3Signer.open("ftp://localhost", WALLET)


def test_credentials_go_there_and_nowhere_else(
    server: Web3SignerDouble, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    caplog.set_level(logging.DEBUG, logger="pyjpm")
    url = server.url.replace("://", "://user:canary-password@") + "/canary-path"
    server.wrong = (503, "")
    with pytest.raises(DeviceUnreachable) as caught:
        Web3Signer.open(url, WALLET, headers={"X-Token": "canary-token"})
    _, path, headers, _ = server.asked[-1]
    assert path == "/canary-path/api/v1/eth1/publicKeys"
    assert headers["X-Token"] == "canary-token"
    assert headers["authorization"].startswith("Basic ")
    assert "canary" not in json.dumps(caught.value.to_dict()) + str(caught.value) + caplog.text


# --- TLS -----------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


def test_tls_both_ways(tmp_path: Path) -> None:
    server_pem, server_key = certificate(tmp_path, "localhost")
    client_pem, client_key = certificate(tmp_path, "client")
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(server_pem, server_key)
    there.load_verify_locations(client_pem)
    there.verify_mode = ssl.CERT_REQUIRED
    here = ssl.create_default_context(cafile=str(server_pem))
    with Web3SignerDouble([KEY], there) as server:
        with pytest.raises(DeviceUnreachable):  # it does not know us
            Web3Signer.open(server.url, WALLET, tls=here, timeout=2)
        here.load_cert_chain(client_pem, client_key)
        signer = Web3Signer.open(server.url, WALLET, tls=here)
        assert signer.sign_transaction(transaction()) == SAME.sign_transaction(transaction())
        with pytest.raises(DeviceUnreachable, match="SSLError"):  # we do not know it
            Web3Signer.open(server.url, WALLET)
