"""Keys in an HSM, by PKCS#11: made in it, never seen outside of it. Needs the extra ``hsm``.

Decisions that govern this module:

* A key is made inside the token, non-extractable and sensitive; one that the token would hand out is refused.
* The token signs the 32-byte digest (mechanism ECDSA). It knows neither low s nor recovery ids: s is folded, the id is
  found by recovery, and the recovered key must be the wallet's, for every signature.
* A key is named by its label; two keys of one label are nobody's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from coincurve import PublicKey

from pyjpm.errors.custody import (
    CustodyError,
    DeviceSupportMissing,
    KeyExists,
    KeyNotFound,
    KeyUnsuitable,
    SignatureNotOurs,
)

try:
    import pkcs11
except ModuleNotFoundError:
    raise DeviceSupportMissing("The library for PKCS#11 is not installed.", extra="hsm") from None

from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import AttributeTypeInvalid, MultipleObjectsReturned, NoSuchKey

from pyjpm.custody.curve import address_of, recoverable
from pyjpm.custody.marks import NonceMarks
from pyjpm.custody.pkcs11_session import Pkcs11Session
from pyjpm.custody.signer import WalletSigner

if TYPE_CHECKING:
    from pkcs11.types import Session

T = TypeVar("T")

_CURVE: Final = bytes.fromhex("06052b8104000a")
"""secp256k1, 1.3.132.0.10, as DER."""
_POINT: Final = bytes.fromhex("0441")
"""DER header of an uncompressed point in an octet string; some tokens leave it out."""


class Pkcs11Token:
    """A token of an HSM. Any number of threads may use it and its signers; a forked process opens its own.

    Args:
        module: the shared library of the HSM's maker.
        token: the token's label.
        pin: the user's PIN; see ``read_passphrase`` for where it may come from.

    Raises:
        ModuleNotLoaded, TokenNotFound, WrongPin, PinLocked, DeviceUnreachable
    """

    def __init__(self, module: Path, token: str, *, pin: str) -> None:
        self._session = Pkcs11Session(module, token, pin)

    def __repr__(self) -> str:
        return f"Pkcs11Token({self._session.device})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Logs out; signers of this token stop signing."""
        self._session.close()

    def create(self, name: str, *, marks: NonceMarks | None = None) -> str:
        """Make a new key in the token and return its address, checksummed.

        Args:
            marks: where its mark begins; None to keep none.

        Raises:
            KeyExists, KeyUnsuitable (the token does not keep it inside), MarkNotWritten, DeviceRefused,
            DeviceUnreachable
        """
        if any(found == name for found, _ in self._session.run(_public_keys)):
            device = self._session.device
            raise KeyExists(f"There is a key {name!r} in {device} already.", name=name, device=device)
        return self._session.run_writing(lambda session: self._create(session, name, marks))

    def addresses(self) -> dict[str, str]:
        """The addresses of the token's keys for secp256k1 by name, sorted. Raises DeviceUnreachable."""
        found = self._session.run(_public_keys)
        return {name: address_of(key) for name, key in sorted(found, key=lambda each: each[0]) if key is not None}

    def signer(self, name: str, *, marks: NonceMarks | None = None) -> Pkcs11Signer:
        """The signer of a key.

        Args:
            marks: where its highest nonces are kept; None to keep none.

        Raises:
            KeyNotFound, KeyUnsuitable, DeviceUnreachable
        """
        keys = [key for found, key in self._session.run(_public_keys) if found == name]
        device = self._session.device
        if not keys:
            raise KeyNotFound(f"There is no key {name!r} in {device}.", name=name, device=device)
        if len(keys) > 1:
            raise self._unsuitable(name, "its name is given twice")
        if keys[0] is None:
            raise self._unsuitable(name, "it is not a key of secp256k1")
        signer = Pkcs11Signer(self._session, name, keys[0], marks)
        if problem := signer.with_key(_exposed):
            raise self._unsuitable(name, problem)
        return signer

    def _create(self, session: Session, name: str, marks: NonceMarks | None) -> str:
        parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: _CURVE}, local=True)
        public, private = parameters.generate_keypair(
            store=True,
            label=name,
            id=secrets.token_bytes(16),
            mechanism=Mechanism.EC_KEY_PAIR_GEN,
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            private_template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
            },
        )
        try:
            if problem := _exposed(private):
                raise self._unsuitable(name, problem)
            key = _point(public)
            if key is None:
                raise self._unsuitable(name, "it is not a key of secp256k1")
            if marks is not None:
                marks.begin(address_of(key))
        except CustodyError:
            # It never signed anything, and nobody knows its address yet.
            private.destroy()
            public.destroy()
            raise
        return address_of(key)

    def _unsuitable(self, name: str, problem: str) -> KeyUnsuitable:
        device = self._session.device
        return KeyUnsuitable(
            f"The key {name!r} in {device} is not usable: {problem}.", name=name, device=device, problem=problem
        )


class Pkcs11Signer(WalletSigner):
    """The signer of a key in a token; made by ``Pkcs11Token.signer``."""

    def __init__(self, session: Pkcs11Session, name: str, key: PublicKey, marks: NonceMarks | None) -> None:
        super().__init__(address_of(key), marks)
        self._session = session
        self._name = name
        self._key = key
        self._private_key = session.cached(self, self._find)

    def _sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        # Each alone, so that other wallets of the token need not wait for a long list.
        return [self._sign(digest) for digest in digests]

    def _sign(self, digest: bytes) -> bytes:
        raw: bytes = self.with_key(lambda key: key.sign(digest, mechanism=Mechanism.ECDSA))
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        signature = recoverable(self._key, digest, r, s) if len(raw) == 64 else None
        if signature is None:
            device = self._session.device
            raise SignatureNotOurs(
                f"The signature by {device} is not that of {self.address}.", wallet=self.address, device=device
            )
        return signature

    def _find(self, session: Session) -> Any:
        return session.get_key(object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC, label=self._name)

    def with_key(self, work: Callable[[Any], T]) -> T:
        """Does something with the private key's handle. Raises KeyNotFound, and as ``Pkcs11Session.run``."""
        try:
            return self._session.run(lambda session: work(self._private_key(session)))
        except (NoSuchKey, MultipleObjectsReturned):
            device = self._session.device
            raise KeyNotFound(
                f"There is no one private key {self._name!r} in {device}.", name=self._name, device=device
            ) from None


def _public_keys(session: Session) -> list[tuple[str, PublicKey | None]]:
    """Names and points of all elliptic-curve keys; None in place of the points of other curves."""
    found = session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: KeyType.EC})
    return [(key[Attribute.LABEL], _point(key)) for key in found]


def _point(key: Any) -> PublicKey | None:
    if key[Attribute.EC_PARAMS] != _CURVE:
        return None
    return PublicKey(bytes(key[Attribute.EC_POINT]).removeprefix(_POINT))


def _exposed(key: Any) -> str:
    """Why this private key is not kept inside its token; empty if it is."""
    try:
        if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
            return "the token would hand it out"
        return "" if key[Attribute.SIGN] else "it is not for signing"
    except AttributeTypeInvalid:
        return "the token does not say whether it would hand it out"
