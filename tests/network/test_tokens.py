"""Tokens are what Besu takes: RS256, permissions and an end, verified by the key that nodes have."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from pyjpm.chain.network import issue_token
from pyjpm.chain.network.tokens import new_token_keys, read_duration
from pyjpm.cli import main
from pyjpm.errors.network import InvalidNetworkPlan, NetworkFolderUnreadable


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, public: bytes) -> dict[str, object]:
    """The claims of a token that the holder of the public key believes."""
    head, claims, signature = token.split(".")
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT"}
    key = serialization.load_pem_public_key(public)
    key.verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(decoded(claims))


def test_a_token_is_believed_by_every_node(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = int(time.time())
    assert main(["network", "token", str(network), "--permissions", "eth:*,net:version", "--expires", "15m"]) == 0
    token = capsys.readouterr().out.strip()
    keys = [path.read_bytes() for path in network.glob("nodes/*/jwt-public.pem")]
    assert len(keys) == 6
    for public in keys:
        claims = verified(token, public)
        assert set(claims) == {"permissions", "exp"}
        assert claims["permissions"] == ["eth:*", "net:version"]
        assert before + 900 <= claims["exp"] <= time.time() + 900


def test_by_default_it_permits_what_pyjpm_asks(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "token", str(network)]) == 0
    claims = verified(capsys.readouterr().out.strip(), (network / "nodes/rpc-1/jwt-public.pem").read_bytes())
    assert claims["permissions"] == ["eth:*", "net:*", "web3:*", "txpool:*", "rpc:modules"]
    assert claims["exp"] == pytest.approx(time.time() + 43_200, abs=5)


def test_another_networks_key_does_not_believe_it() -> None:
    private, _ = new_token_keys()
    _, other = new_token_keys()
    with pytest.raises(InvalidSignature):
        verified(issue_token(private, ["eth:*"], 1), other)


@pytest.mark.parametrize("permissions", [[], ["eth"], ["eth:"], ["eth:*;"], ["*"], [""], ["eth:call net:*"]])
def test_a_permission_that_is_none_is_refused(permissions: list[str]) -> None:
    private, _ = new_token_keys()
    with pytest.raises(InvalidNetworkPlan, match="permissions"):
        issue_token(private, permissions, 1)


@pytest.mark.parametrize("text", ["", "12", "h", "0h", "-1h", "1.5h", "367d", "9999999999s", "1w", " 1h"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidNetworkPlan, match="expires"):
        read_duration(text)


def test_times_are_seconds() -> None:
    assert [read_duration(text) for text in ("90s", "15m", "12h", "30d")] == [90, 900, 43_200, 2_592_000]


def test_without_the_key_there_is_no_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "token", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("NETWORK_FOLDER_UNREADABLE: ")
    with pytest.raises(NetworkFolderUnreadable):
        issue_token(b"-----BEGIN PRIVATE KEY-----\nbad\n-----END PRIVATE KEY-----\n", ["eth:*"], 1)
