"""AWS for the tests: moto in place of KMS.

moto hashes once more what it is given as a digest; that fault of the stand-in is mended here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto.kms.utils
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from moto import mock_aws

REGION = "eu-central-1"
SECRET = "canary-aws-secret"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def kms(credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
        assert len(message) == 32
        assert signing_algorithm == "ECDSA_SHA_256"
        signature: bytes = self.private_key.sign(message, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return signature

    monkeypatch.setattr(moto.kms.utils.ECDSAPrivateKey, "sign", sign)
    with mock_aws():
        yield boto3.client("kms", region_name=REGION)
