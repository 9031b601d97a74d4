"""Certificates with which RPC nodes and their clients know each other: an authority of this network's own.

Decisions that govern this module:

* It gets a network going on its first day. A bank replaces it by certificates of its own authority; which files those
  are is in the network's README.
* A node has a PKCS#12 store and its password in a file; clients are listed by common name and SHA-256 fingerprint
  (docs, Configure client TLS). The clients' names are their own: a new one is a new line in ``known-clients.txt``.
* RSA, because every Java that runs Besu reads it in PKCS#12 without asking.
"""

from __future__ import annotations

import datetime
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyjpm.chain.network.plan import is_ip

CLIENT: Final = "pyjpm"
_BITS: Final = 2048
_DAYS: Final = 825
_AUTHORITY_DAYS: Final = 3650


@dataclass(frozen=True, slots=True)
class Store:
    """A node's certificate and key: a PKCS#12 store, and the password that opens it."""

    content: bytes = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """A client's certificate and key, PEM, and how a node's list of known clients names it."""

    certificate: bytes
    key: bytes = field(repr=False)
    known_as: str


class Authority:
    """A certificate authority made for one network."""

    def __init__(self, chain_id: int) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
        self._name = _name(f"pyjpm network {chain_id} development authority")
        builder = _builder(self._name, self._name, self._key.public_key(), _AUTHORITY_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    def certificate(self) -> bytes:
        """What clients trust, PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def key(self) -> bytes:
        """What signs further certificates, PEM."""
        return _pem(self._key)

    def server(self, name: str, hosts: Sequence[str]) -> Store:
        """A node's store, good for all the names and addresses it is called by."""
        key, certificate = self._issue(name, hosts, ExtendedKeyUsageOID.SERVER_AUTH)
        password = secrets.token_urlsafe(24)
        protection = serialization.BestAvailableEncryption(password.encode())
        content = pkcs12.serialize_key_and_certificates(b"besu", key, certificate, [self._certificate], protection)
        return Store(content, password)

    def client(self, name: str = CLIENT) -> Client:
        """A client's certificate."""
        key, certificate = self._issue(name, (), ExtendedKeyUsageOID.CLIENT_AUTH)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        return Client(certificate.public_bytes(serialization.Encoding.PEM), _pem(key), f"{name} {fingerprint}")

    def _issue(
        self, name: str, hosts: Sequence[str], usage: x509.ObjectIdentifier
    ) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
        builder = _builder(_name(name), self._name, key.public_key(), _DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if hosts:
            names = [
                x509.IPAddress(ipaddress.ip_address(host)) if is_ip(host) else x509.DNSName(host) for host in hosts
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return key, builder.sign(self._key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
