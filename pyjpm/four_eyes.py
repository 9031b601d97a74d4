"""Four eyes: what a maker proposes and a checker decides, each by a signature over exactly that content.

Decisions that govern this module:

* A word is a signature over the book, what is done, to what, and the hash of the content. It serves for nothing else,
  and not in another book. Who merely can write to the database cannot make one.
* Maker and checker are two: the same key never does both, whatever lists it is on.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyjpm.chain.values import check_address
from pyjpm.contracts.eip712 import Domain, TypedMessage, recover
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.books import InvalidStaff, SayWhy, WordRefused
from pyjpm.errors.documents import MalformedSignature
from pyjpm.sending.approvals import CheckingSigner as CheckingSigner

PROPOSE: Final = "propose"
APPROVE: Final = "approve"
REJECT: Final = "reject"
_TYPE: Final = "Word(bytes32 book,string act,string subject,bytes32 content)"
_NOWHERE: Final = Domain("pyjpm four eyes", 0, "0x" + 40 * "0")  # no contract and no chain judges it


class _Word(TypedMessage):
    """A structure that no contract knows."""

    @property
    def struct_hash(self) -> bytes:
        said = self.message
        members = [keccak(text=_TYPE), said["book"], keccak(text=said["act"]), keccak(text=said["subject"])]
        return keccak(encode(["bytes32"] * 5, [*members, said["content"]]))


def word(book: bytes, act: str, subject: str, content: bytes) -> TypedMessage:
    """What a person signs: ``act`` upon ``subject``, whose content has this hash, in the book of this identity."""
    return _Word(_NOWHERE, "Word", {"book": book, "act": act, "subject": subject, "content": content})


def is_signed_by(who: str, said: TypedMessage, signature: bytes) -> bool:
    """Whether the signature over a word is this address's."""
    try:
        return to_checksum_address(recover(said.digest, signature)) == who
    except MalformedSignature:
        return False


def signed(signer: CheckingSigner, said: TypedMessage, subject: str) -> bytes:
    """A person's signature over a word; raises WordRefused where it is not that of the key it claims to be."""
    signature = signer.sign_typed_data(said)
    if not is_signed_by(signer.address, said, signature):
        raise WordRefused(f"The signature is not that of {signer.address}.", who=signer.address, subject=subject)
    return signature


def require_reason(reason: str, subject: str) -> None:
    """Raises SayWhy for a word without a reason."""
    if not reason.strip():
        raise SayWhy("A word needs its reason.", subject=subject)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who may propose and who may decide, by the addresses of their keys (checksummed).

    Attributes:
        former: who may no more, but whose earlier words stand.
    """

    makers: frozenset[str]
    checkers: frozenset[str]
    former: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: Path) -> Self:
        """From a TOML file with lists of addresses: ``makers``, ``checkers``, and ``former`` where there are some.

        Raises:
            InvalidStaff: it is missing, says something else, or nobody could ever decide what somebody proposes.
        """
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
            if unknown := given.keys() - {"makers", "checkers", "former"}:
                raise InvalidStaff(f"The staff file {path} has unknown lists {sorted(unknown)}.", path=str(path))
            makers, checkers = _addresses(given["makers"]), _addresses(given["checkers"])
            former = _addresses(given.get("former", []))
        except InvalidStaff:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, PyjpmError) as error:
            raise InvalidStaff(f"The staff file {path} is not usable: {error}.", path=str(path)) from None
        if any(not checkers - {maker} for maker in makers) or not makers:
            raise InvalidStaff(f"By the staff file {path} nobody checks what somebody makes.", path=str(path))
        return cls(makers, checkers, former)

    def require_maker(self, who: str, subject: str) -> None:
        """Raises WordRefused for anybody who may not propose."""
        if who not in self.makers:
            raise WordRefused(f"{who} is no maker.", who=who, subject=subject)

    def require_checker(self, who: str, maker: str, subject: str) -> None:
        """Raises WordRefused for anybody who may not decide what this maker proposed."""
        if who not in self.checkers:
            raise WordRefused(f"{who} is no checker.", who=who, subject=subject)
        if who == maker:
            raise WordRefused(f"{who} proposed it: maker and checker are two.", who=who, subject=subject)

    def knew(self, maker: str, checker: str) -> bool:
        """Whether these two are two, and may be or might have been maker and checker."""
        return maker != checker and maker in self.makers | self.former and checker in self.checkers | self.former


def _addresses(given: list[str]) -> frozenset[str]:
    return frozenset(check_address(each) for each in given)
