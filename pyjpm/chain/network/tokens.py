"""Tokens that let an application speak to a node: JWT signed by a key that no node has.

Decisions that govern this module:

* RS256; the claims are ``permissions`` and ``exp`` (docs, Authenticate and authorize JSON-RPC). Besu refuses a token
  without ``exp``. There is no ``iat``: a node whose clock is behind ours would refuse the token for it.
* A permission is ``api:method``, ``api:*`` or ``*:*``, spelled as Besu does: ``eth:*``, ``net:version``.
* A token cannot be called back before it expires, so none lives longer than a year and the usual one a day.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pyjpm.errors.network import InvalidNetworkPlan, NetworkFolderUnreadable

APPLICATION: Final = ("eth:*", "net:*", "web3:*", "txpool:*", "rpc:modules")
"""What pyjpm asks nodes for."""

LONGEST: Final = 366 * 86_400
_BITS: Final = 3072
_PERMISSION: Final = re.compile(r"(\*|[a-z][a-z0-9]*):(\*|[A-Za-z][A-Za-z0-9_]*)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def new_token_keys() -> tuple[bytes, bytes]:
    """A private and a public key, PEM (PKCS#8, SubjectPublicKeyInfo)."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def issue_token(private_key: bytes, permissions: Sequence[str], expires: int) -> str:
    """A token.

    Args:
        private_key: PEM, as ``new_token_keys`` made it.
        permissions: such as ``eth:*``.
        expires: seconds since 1970.

    Raises InvalidNetworkPlan (a permission is not one), NetworkFolderUnreadable (the key is not one).
    """
    for permission in permissions:
        if not _PERMISSION.fullmatch(permission):
            raise InvalidNetworkPlan(
                f"permissions: {permission!r} is not api:method or api:*.", field="permissions", value=permission
            )
    if not permissions:
        raise InvalidNetworkPlan("permissions: a token without any permits nothing.", field="permissions", value=[])
    try:
        key = serialization.load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NetworkFolderUnreadable("The key that signs tokens is not an RSA key.", path="")
    head = _part({"alg": "RS256", "typ": "JWT"})
    signed = f"{head}.{_part({'permissions': list(permissions), 'exp': expires})}"
    return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def read_duration(text: str) -> int:
    """Seconds of ``90s``, ``15m``, ``12h``, ``30d``. Raises InvalidNetworkPlan, also above a year."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST:
        raise InvalidNetworkPlan(
            f"expires: {text!r} is not a time such as 12h or 30d, up to a year.", field="expires", value=text
        )
    return seconds


def _part(claims: dict[str, object]) -> str:
    return _encoded(json.dumps(claims, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
