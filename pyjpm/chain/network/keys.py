"""Keys of nodes: each node's identity to its peers and, for a validator, what it signs blocks with.

Decisions that govern this module:

* A key leaves an object of this module only as the bytes of its file; no repr shows it.
* The file is one line of 0x-hex, as Besu's own generator writes it (``KeyPairUtil`` reads exactly one line).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from eth_keys.datatypes import PrivateKey

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class NodeKey:
    """One node's key pair.

    Attributes:
        address: of a validator, 0x-lower-case.
        node_id: the uncompressed public key without its prefix, 128 hex digits, as enode URLs have it.
    """

    address: str
    node_id: str
    _secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> NodeKey:
        """A new key from the system's randomness."""
        secret = (1 + secrets.randbelow(_ORDER - 1)).to_bytes(32, "big")
        public = PrivateKey(secret).public_key
        return cls(public.to_address(), public.to_bytes().hex(), secret)

    def file(self) -> bytes:
        """What the key's file holds."""
        return f"0x{self._secret.hex()}\n".encode()

    def enode(self, host: str, port: int) -> str:
        """The URL under which peers find the node. Without ``discport``: nothing is discovered here."""
        return f"enode://{self.node_id}@{host}:{port}"
