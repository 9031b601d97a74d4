"""Who works at the directory in the tests."""

from __future__ import annotations

from pyjpm.custody import LocalSigner
from pyjpm.directory import Directory, Entry
from pyjpm.directory.change import Change
from pyjpm.four_eyes import Staff

MAKER, CHECKER, BOTH, STRANGER = (LocalSigner.from_key(bytes([number]) * 32) for number in range(1, 5))
STAFF = Staff(frozenset({MAKER.address, BOTH.address}), frozenset({CHECKER.address, BOTH.address}))
NOON = 1_800_000_000

IBAN = "DE89 3704 0044 0532 0130 00"
OTHER_IBAN = "GB82 WEST 1234 5698 7654 32"
LEI = "5493001KJTIIGC8Y1R12"


def mapped(directory: Directory, entry: Entry, key: str) -> Change:
    """A change that was proposed by the one and approved by the other."""
    proposed = directory.propose(entry, maker=MAKER, reason="contract signed", idempotency_key=key)
    return directory.approve(proposed.id, checker=CHECKER, reason="seen the contract")
