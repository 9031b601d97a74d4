"""Keys in AWS KMS: made there, never seen outside of it. Needs the extra ``kms``.

Decisions that govern this module:

* KMS signs the 32-byte digest (``MessageType=DIGEST``), answers in DER, and knows neither low s nor recovery ids: s is
  folded, the id is found by recovery, and the recovered key must be the wallet's, for every signature.
* The key is checked when the signer is opened: secp256k1, for signing. Its public key is asked for once.
* Whoever asks is named by the environment as for every AWS client (role, profile, variables); this module is given no
  credentials. Of AWS's errors only the code goes on: their texts name principals and accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, Self

from coincurve import PublicKey
from coincurve.ecdsa import der_to_cdata, serialize_compact

from pyjpm.custody.curve import address_of, recoverable
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.parallel import in_parallel
from pyjpm.custody.signer import WalletSigner
from pyjpm.errors.custody import (
    DeviceAccessDenied,
    DeviceBusy,
    DeviceRefused,
    DeviceSupportMissing,
    DeviceUnreachable,
    KeyDisabled,
    KeyNotFound,
    KeyUnsuitable,
    SignatureNotOurs,
)

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
except ModuleNotFoundError:
    raise DeviceSupportMissing("The library for AWS KMS is not installed.", extra="kms") from None

_DEVICE: Final = "AWS KMS"
_ALGORITHM: Final = "ECDSA_SHA_256"
_POINT: Final = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")
"""What precedes the point of a key of secp256k1 in its DER (SubjectPublicKeyInfo)."""

_BUSY: Final = frozenset({"ThrottlingException", "LimitExceededException", "TooManyRequestsException"})
_DENIED: Final = frozenset(
    {
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "OptInRequired",
    }
)
_DISABLED: Final = frozenset({"DisabledException", "KMSInvalidStateException"})
_AWAY: Final = frozenset(
    {
        "InternalFailure",
        "KMSInternalException",
        "ServiceUnavailable",
        "DependencyTimeoutException",
        "KeyUnavailableException",
    }
)


class KmsSigner(WalletSigner):
    """The signer of a key in AWS KMS. Any number of threads may use it.

    Made by ``open``.
    """

    def __init__(self, client: Any, key_id: str, key: PublicKey, marks: NonceMarks | None) -> None:
        super().__init__(address_of(key), marks)
        self._client = client
        self._key_id = key_id
        self._key = key

    @classmethod
    def open(
        cls,
        key_id: str,
        *,
        marks: NonceMarks | None = None,
        region: str | None = None,
        endpoint: str | None = None,
        timeout: float = 10.0,
        attempts: int = 5,
    ) -> Self:
        """The signer of a key.

        Args:
            key_id: its id, ARN or alias.
            marks: where its highest nonces are kept; None to keep none.
            region, endpoint: as for every AWS client; None is what the environment says.
            timeout: seconds to connect, and to wait for an answer.
            attempts: how often a request is made that was throttled or got no answer.

        Raises:
            KeyNotFound, KeyUnsuitable, KeyDisabled, DeviceAccessDenied, DeviceBusy, DeviceUnreachable, DeviceRefused
        """
        settings = Config(
            connect_timeout=timeout, read_timeout=timeout, retries={"mode": "standard", "total_max_attempts": attempts}
        )
        # A session of its own: boto3's default one is not for several threads.
        session = boto3.session.Session()
        client = _asked(
            key_id, lambda: session.client("kms", region_name=region, endpoint_url=endpoint, config=settings)
        )
        said = _asked(key_id, lambda: client.get_public_key(KeyId=key_id))
        encoded = bytes(said["PublicKey"])
        if said["KeyUsage"] != "SIGN_VERIFY" or not encoded.startswith(_POINT):
            raise KeyUnsuitable(
                f"The key {key_id} in {_DEVICE} does not sign with secp256k1.",
                name=key_id,
                device=_DEVICE,
                problem=f"{said['KeyUsage']} with {said.get('KeySpec') or said.get('CustomerMasterKeySpec')}",
            )
        return cls(client, key_id, PublicKey(encoded.removeprefix(_POINT)), marks)

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        return in_parallel(self._sign, digests)

    def _sign(self, digest: bytes) -> bytes:
        said = _asked(
            self._key_id,
            lambda: self._client.sign(
                KeyId=self._key_id, Message=digest, MessageType="DIGEST", SigningAlgorithm=_ALGORITHM
            ),
        )
        signature = None
        try:
            compact = serialize_compact(der_to_cdata(bytes(said["Signature"])))
        except ValueError:
            compact = b""
        if compact:
            r, s = int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:], "big")
            signature = recoverable(self._key, digest, r, s)
        if signature is None:
            raise SignatureNotOurs(
                f"The signature by {_DEVICE} is not that of {self.address}.", wallet=self.address, device=_DEVICE
            )
        return signature


def _asked(key_id: str, request: Callable[[], Any]) -> Any:
    try:
        return request()
    except ClientError as error:
        _refuse(key_id, str(error.response.get("Error", {}).get("Code", "unknown")))
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _denied(type(error).__name__) from None
    except BotoCoreError as error:
        raise _away(type(error).__name__) from None


def _refuse(key_id: str, code: str) -> NoReturn:
    if code in _BUSY:
        raise DeviceBusy(f"{_DEVICE} turns requests away: {code}.", device=_DEVICE) from None
    if code in _DENIED:
        raise _denied(code) from None
    if code == "NotFoundException":
        raise KeyNotFound(f"There is no key {key_id} in {_DEVICE}.", name=key_id, device=_DEVICE) from None
    if code in _DISABLED:
        raise KeyDisabled(f"The key {key_id} in {_DEVICE} may not sign: {code}.", name=key_id, device=_DEVICE) from None
    if code in _AWAY:
        raise _away(code) from None
    raise DeviceRefused(f"{_DEVICE} refused: {code}.", device=_DEVICE, reason=code) from None


def _denied(reason: str) -> DeviceAccessDenied:
    return DeviceAccessDenied(f"{_DEVICE} does not accept who asks: {reason}.", device=_DEVICE, reason=reason)


def _away(reason: str) -> DeviceUnreachable:
    return DeviceUnreachable(f"{_DEVICE} cannot be asked: {reason}.", device=_DEVICE, reason=reason)
