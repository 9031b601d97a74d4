"""Keys in AWS KMS, by AWS's own client: against moto, and against errors in KMS's form where moto raises none."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from custody.aws import REGION, SECRET
from custody.transactions import CHAIN, transaction
from eth_account import Account

from pyjpm.contracts.eip712 import recover
from pyjpm.custody import NonceMarks, Signer
from pyjpm.custody.curve import HALF_ORDER
from pyjpm.custody.kms import KmsSigner
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import (
    DeviceAccessDenied,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
    KeyDisabled,
    KeyNotFound,
    KeyUnsuitable,
    SignatureNotOurs,
    SigningRefused,
)

pytestmark = pytest.mark.usefixtures("credentials")


def new_key(kms: Any, spec: str = "ECC_SECG_P256K1", usage: str = "SIGN_VERIFY") -> str:
    return str(kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"])


# --- signatures ----------------------------------------------------------------------------------------------------


def test_it_is_a_signer_like_any_other(kms: Any) -> None:
    signer = KmsSigner.open(new_key(kms), region=REGION)
    assert isinstance(signer, Signer)
    assert repr(signer) == f"KmsSigner({signer.address})"


def test_signatures_are_low_and_recover_to_the_wallet(kms: Any) -> None:
    signer = KmsSigner.open(new_key(kms), region=REGION)
    parities = set()
    for number in range(40):
        digest = number.to_bytes(32, "big")
        signature = signer.sign_digest(digest)
        assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER
        assert recover(digest, signature) == bytes.fromhex(signer.address[2:])
        parities.add(signature[64])
    assert parities == {27, 28}


def test_transactions_keep_their_order_and_their_mark(kms: Any, tmp_path: Path) -> None:
    key = new_key(kms)
    kms.create_alias(AliasName="alias/bank", TargetKeyId=key)
    marks = NonceMarks(tmp_path / "marks")
    signer = KmsSigner.open("alias/bank", region=REGION, marks=marks)
    marks.begin(signer.address)
    asked = [transaction(nonce, data=bytes([nonce])) for nonce in range(30)]
    for fields, signed in zip(asked, signer.sign_transactions(asked), strict=True):
        assert Account.recover_transaction(signed.raw) == signer.address
        assert fields["data"] in signed.raw
    assert signer.highest_nonce(CHAIN) == 29


def test_what_no_wallet_of_ours_signs_reaches_no_kms(kms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = KmsSigner.open(new_key(kms), region=REGION)
    monkeypatch.setattr(KmsSigner, "_sign_digests", lambda *_: pytest.fail("KMS was asked"))
    with pytest.raises(SigningRefused):
        signer.sign_transaction(transaction(chainId=0))


def test_a_signature_of_another_key_or_none_is_thrown_away(kms: Any) -> None:
    signer, other = (KmsSigner.open(new_key(kms), region=REGION) for _ in range(2))
    signer._key_id = other._key_id  # an alias that was pointed elsewhere meanwhile
    with pytest.raises(SignatureNotOurs) as caught:
        signer.sign_transactions([transaction(nonce) for nonce in range(3)])
    assert caught.value.details == {"wallet": signer.address, "device": "AWS KMS"}


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_there(kms: Any) -> None:
    for key_id in ("alias/nobody", "2b6f4b4e-0000-4000-8000-000000000000"):
        with pytest.raises(KeyNotFound) as caught:
            KmsSigner.open(key_id, region=REGION)
        assert caught.value.details == {"name": key_id, "device": "AWS KMS"}


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048"])
def test_a_key_of_another_kind(kms: Any, spec: str) -> None:
    with pytest.raises(KeyUnsuitable, match="secp256k1") as caught:
        KmsSigner.open(new_key(kms, spec), region=REGION)
    assert caught.value.details["problem"] == f"SIGN_VERIFY with {spec}"


# --- what AWS answers ----------------------------------------------------------------------------------------------


class Refusing(ThreadingHTTPServer):
    """Answers every request as KMS answers an error: a status, and JSON with the code in ``__type``."""

    daemon_threads = True

    def __init__(self, code: str, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = json.dumps(
            {"__type": code, "message": f"arn:aws:iam::123456789012:user/canary {SECRET}"}
        ).encode()
        self.status = status
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Refusing:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Refusing

    def do_POST(self) -> None:
        self.server.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.parametrize(
    ("code", "status", "error", "requests"),
    [
        ("ThrottlingException", 400, DeviceBusy, 2),
        ("AccessDeniedException", 400, DeviceAccessDenied, 1),
        ("ExpiredTokenException", 400, DeviceAccessDenied, 1),
        ("UnrecognizedClientException", 400, DeviceAccessDenied, 1),
        ("NotFoundException", 400, KeyNotFound, 1),
        ("DisabledException", 400, KeyDisabled, 1),
        ("KMSInvalidStateException", 400, KeyDisabled, 1),
        ("KMSInternalException", 500, DeviceUnreachable, 2),
        ("InvalidGrantTokenException", 400, DeviceRefused, 1),
    ],
)
def test_what_kms_answers(code: str, status: int, error: type[PyjpmError], requests: int) -> None:
    with Refusing(code, status) as server:
        with pytest.raises(error) as caught:
            KmsSigner.open("alias/bank", region=REGION, endpoint=server.url, attempts=2)
        assert server.requests == requests
    shown = f"{caught.value} {caught.value!r} {caught.value.to_dict()}"
    assert "canary" not in shown
    assert "123456789012" not in shown


def test_a_kms_that_is_not_there() -> None:
    with Refusing("none", 500) as server:
        url = server.url
    with pytest.raises(DeviceUnreachable) as caught:
        KmsSigner.open("alias/bank", region=REGION, endpoint=url, attempts=1)
    assert caught.value.details == {"device": "AWS KMS", "reason": "EndpointConnectionError"}


def test_without_region_or_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceUnreachable, match="NoRegion"):
        KmsSigner.open("alias/bank")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DeviceAccessDenied, match="NoCredentials"):
        KmsSigner.open("alias/bank", region=REGION)
