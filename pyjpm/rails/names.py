"""The names of a payment on either rail: pure functions of who pays and of its idempotency key.

Decisions that govern this module:

* A payment has *legs*: within one, the token rail comes first and SWIFT only once the token reference is voided. A new
  leg, with new names on both rails, begins only once the gateway has refused the message of the leg before for good.
* The first leg's token payment has the client's own key, so that it is the payment that ``payments.create`` makes.
* These formulas are final, as those of ``pyjpm.sending.reference``: other names could be paid a second time.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from pyjpm.sending import payment_reference

_SWIFT: Final = keccak(text="pyjpm swift reference 1")
_UETR: Final = keccak(text="pyjpm uetr 1")
_LEG: Final = keccak(text="pyjpm token leg 1")


@dataclass(frozen=True, slots=True)
class Names:
    """What one leg of a payment is called.

    Args:
        registry: the platform's participant registry, as participants are counted by platform.
        genesis_hash: of its chain.
        participant: who pays.
        key: the client's idempotency key.
        leg: from 0.
    """

    registry: str
    genesis_hash: str
    participant: int
    key: str
    leg: int

    @property
    def token_key(self) -> str:
        """The idempotency key of the token payment."""
        return self.key if self.leg == 0 else f"rails {self.leg} {self._hash(_LEG).hex()}"

    @property
    def reference(self) -> bytes:
        """The reference that a token payment of this leg spends, 32 bytes; voided, it is the lock."""
        return payment_reference(self.participant, self.token_key)

    @property
    def lock_key(self) -> str:
        """The idempotency key under which the token reference is voided."""
        return f"rails lock {self.leg} {self._hash(_LEG).hex()}"

    @property
    def message_reference(self) -> str:
        """The message's own reference: 16 characters, A to Z and 2 to 7, as field 20 of an MT103 takes them."""
        return base64.b32encode(self._hash(_SWIFT)[:10]).decode()

    @property
    def effect(self) -> str:
        """The outside reference of the message among the journal's effects."""
        return f"swift/{self.message_reference}"

    def uetr(self, given: str) -> str:
        """The message's UETR: the debtor's for the first leg, where it gave one; else made here."""
        if given and self.leg == 0:
            return given
        return str(uuid.UUID(bytes=self._hash(_UETR)[:16], version=4))

    def _hash(self, tag: bytes) -> bytes:
        place = bytes.fromhex(self.genesis_hash.removeprefix("0x")) + to_canonical_address(self.registry).rjust(
            32, b"\0"
        )
        numbers = self.participant.to_bytes(32, "big") + self.leg.to_bytes(32, "big")
        return keccak(tag + place + numbers + keccak(text=self.key))
