"""Travel data: who pays and who is paid, in full, with their banks: 31 CFR 1010.410(f), in the elements of Fedwire.

Decisions that govern this module:

* What must be there is what Fedwire's ``Dbtr``, ``DbtrAcct``, ``DbtrAgt``, ``CdtrAgt``, ``Cdtr`` and ``CdtrAcct`` hold:
  name, street, town and country, an account, and an agent by BIC or routing number. Incomplete data may be made, and
  says itself what is missing; no payment passes with it.
* It is stored and sent sealed only, in the envelope of a remittance. The payment's remittance has its salted hash, and
  the chain has the remittance's: so the chain commits to the data and tells nothing of it.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self

import cbor2
from eth_utils.crypto import keccak

from pyjpm.directory.identifiers import Scheme, normal
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.screening import MalformedTravelData
from pyjpm.money import Money
from pyjpm.remittance import RemittanceKey, open_bytes, seal_bytes

VERSION: Final = 1
_SALT: Final = 32
_LENGTHS: Final = {"name": 140, "street": 70, "town": 35, "postcode": 16, "country": 2, "account": 34}
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ROUTING: Final = re.compile(r"[0-9]{9}")
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
# What must not be empty, by its ISO 20022 element.
_ELEMENTS: Final = {
    "name": "{0}/Nm",
    "street": "{0}/PstlAdr/StrtNm",
    "town": "{0}/PstlAdr/TwnNm",
    "country": "{0}/PstlAdr/Ctry",
    "account": "{0}Acct/Id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Originator or beneficiary. Members may be empty; :attr:`TravelData.missing` says which must not.

    Attributes:
        country: ISO 3166-1 alpha-2.
        account: an IBAN, or the bank's number of the account.
    """

    name: str = ""
    street: str = ""
    town: str = ""
    postcode: str = ""
    country: str = ""
    account: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name, most in _LENGTHS.items():
            value = getattr(self, name)
            if type(value) is not str or len(value) > most or not (value.isprintable() and value == value.strip()):
                raise MalformedTravelData(f"{name} has at most {most} printable characters.", field=name)
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise MalformedTravelData(f"{self.country!r} is no country of two letters.", field="country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A bank: by its BIC, or its nine-digit routing number (ABA) of the Fedwire directory.

    Raises:
        MalformedTravelData: a check digit is wrong.
    """

    bic: str = ""
    routing: str = ""

    def __post_init__(self) -> None:
        if self.bic:
            try:
                normal(Scheme.BIC, self.bic)
            except PyjpmError as error:
                raise MalformedTravelData(f"{self.bic!r} is no BIC.", field="bic") from error
        if self.routing and not _is_routing(self.routing):
            raise MalformedTravelData(f"{self.routing!r} is no routing number.", field="routing")

    @property
    def is_named(self) -> bool:
        """Whether it says which bank it is."""
        return bool(self.bic or self.routing)


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelData:
    """What travels with one payment.

    Attributes:
        amount: of the payment, exactly.
        execution: its date.
        salt: 32 random bytes, part of the data and of its hash.
    """

    originator: Customer
    originator_agent: Agent
    beneficiary: Customer
    beneficiary_agent: Agent
    amount: Money
    execution: datetime.date
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(_SALT), repr=False)

    def __post_init__(self) -> None:
        if len(self.salt) != _SALT:
            raise MalformedTravelData(f"A salt has {_SALT} bytes.", field="salt")

    @property
    def missing(self) -> tuple[str, ...]:
        """The ISO 20022 elements that must be there and are not, in their order."""
        found = [
            element.format(role)
            for role, customer in (("Dbtr", self.originator), ("Cdtr", self.beneficiary))
            for name, element in _ELEMENTS.items()
            if not getattr(customer, name)
        ]
        for role, agent in (("DbtrAgt", self.originator_agent), ("CdtrAgt", self.beneficiary_agent)):
            if not agent.is_named:
                found.append(f"{role}/FinInstnId")
        return tuple(found)

    @property
    def commitment(self) -> bytes:
        """The salted hash that the payment's remittance has as ``travel``, 32 bytes."""
        return keccak(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Itself as CBOR, not yet sealed."""
        plain = {
            "version": VERSION,
            "originator": asdict(self.originator),
            "originator_agent": asdict(self.originator_agent),
            "beneficiary": asdict(self.beneficiary),
            "beneficiary_agent": asdict(self.beneficiary_agent),
            "amount": [self.amount.currency, self.amount.minor],
            "execution": self.execution.isoformat(),
            "salt": self.salt,
        }
        return cbor2.dumps(plain, canonical=True)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Reads :meth:`to_bytes`.

        Raises:
            MalformedTravelData: these bytes are something else.
        """
        try:
            found = cbor2.loads(data)
            if found["version"] != VERSION:
                raise MalformedTravelData(f"The travel data has version {found['version']!r}.", field="version")
            currency, minor = found["amount"]
            made = cls(
                originator=_made(Customer, found["originator"]),
                originator_agent=_made(Agent, found["originator_agent"]),
                beneficiary=_made(Customer, found["beneficiary"]),
                beneficiary_agent=_made(Agent, found["beneficiary_agent"]),
                amount=Money.from_minor(minor, currency),
                execution=datetime.date.fromisoformat(found["execution"]),
                salt=bytes(found["salt"]),
            )
        except MalformedTravelData:
            raise
        except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError, OverflowError, PyjpmError) as error:
            raise MalformedTravelData("These bytes are no travel data.", field="") from error
        if made.to_bytes() != data:
            raise MalformedTravelData("The travel data has parts that this version does not know.", field="")
        return made

    def seal(self, readers: Iterable[bytes]) -> bytes:
        """Itself, readable by these X25519 keys alone, such as the bank's.

        Raises:
            NoEncryptionKey, InvalidEncryptionKey
        """
        return seal_bytes(self.to_bytes(), readers)

    @classmethod
    def open(cls, sealed: bytes, keys: RemittanceKey | Sequence[RemittanceKey]) -> Self:
        """What was sealed.

        Raises:
            MalformedTravelData; RemittanceNotForThisKey, RemittanceAltered and the like: the envelope is that of a
                remittance.
        """
        return cls.from_bytes(open_bytes(sealed, keys))

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data, in clear; the salt is left out."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "salt"}
        for name in ("originator", "originator_agent", "beneficiary", "beneficiary_agent"):
            told[name] = asdict(told[name])
        return {**told, "amount": self.amount.to_dict(), "execution": self.execution.isoformat()}


def _made(kind: type[Any], given: Mapping[str, Any]) -> Any:
    return kind(**given)


def _is_routing(number: str) -> bool:
    return bool(_ROUTING.fullmatch(number)) and (
        sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=True)) % 10 == 0
    )
