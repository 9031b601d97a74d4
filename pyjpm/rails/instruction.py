"""What a rail is asked to do: who pays whom how much, in the words of ISO 20022."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.rails import InvalidInstruction
from pyjpm.iso8601 import parse_date
from pyjpm.money import Money

SCHEMES: Final = ("IBAN", "BIC", "LEI", "CUSTOMER", "ACCOUNT")
CHARGES: Final = ("SHAR", "DEBT", "CRED", "SLEV")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_UETR: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LONGEST: Final = {"name": 140, "identifier": 140, "street": 70, "town": 35}


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Debtor or creditor.

    Attributes:
        name: as its bank knows it.
        country: ISO 3166-1 alpha-2, of its residence.
        scheme, identifier: of its account or of itself, by one of :data:`SCHEMES`; ``CUSTOMER`` is the bank's own
            number of it, ``ACCOUNT`` an account number that is no IBAN, which no directory maps.
        agent: BIC of the bank that keeps its account; empty where none is needed (a payee on chain).
        street, town: its address, where a message asks for it.
    """

    name: str
    country: str
    scheme: str
    identifier: str
    agent: str = ""
    street: str = ""
    town: str = ""

    def check(self, who: str) -> None:
        """Raises InvalidInstruction at the first field that no message could carry."""
        if self.scheme not in SCHEMES:
            raise _invalid(f"{who}.scheme", f"is none of {', '.join(SCHEMES)}")
        for field in ("name", "identifier"):
            _text(getattr(self, field), f"{who}.{field}", _LONGEST[field])
        for field in ("street", "town"):
            _text(getattr(self, field), f"{who}.{field}", _LONGEST[field], least=0)
        if not isinstance(self.country, str) or not _COUNTRY.fullmatch(self.country):
            raise _invalid(f"{who}.country", "is no ISO 3166-1 alpha-2 code")
        if self.agent and (not isinstance(self.agent, str) or not _BIC.fullmatch(self.agent)):
            raise _invalid(f"{who}.agent", "is no BIC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One payment that is asked for.

    Attributes:
        requested: the day on which the creditor is to have it; by token not before it, a past day is today.
        end_to_end_id: the debtor's own reference, kept to the end; at most 35 characters.
        uetr: the debtor's, a UUID of version 4; made from the payment's key where empty.
        remittance: what it is for, at most 140 characters.
        charges: who bears them: SHAR, DEBT, CRED or SLEV.
        purpose: ISO 20022 external purpose code, such as ``SUPP``.
    """

    amount: Money
    debtor: Party
    creditor: Party
    requested: date
    end_to_end_id: str = "NOTPROVIDED"
    uetr: str = ""
    remittance: str = ""
    charges: str = "SHAR"
    purpose: str = ""

    @property
    def creditor_key(self) -> str:
        """What "the same creditor" is: scheme and identifier."""
        return f"{self.creditor.scheme}:{self.creditor.identifier}"

    def check(self) -> Instruction:
        """Itself, if it could be carried out.

        Raises:
            InvalidInstruction, AmountNotPositive
        """
        self.amount.require_positive()
        self.debtor.check("debtor")
        self.creditor.check("creditor")
        _text(self.end_to_end_id, "end_to_end_id", 35)
        _text(self.remittance, "remittance", 140, least=0)
        _text(self.purpose, "purpose", 4, least=0)
        if self.charges not in CHARGES:
            raise _invalid("charges", f"is none of {', '.join(CHARGES)}")
        if self.uetr and not (isinstance(self.uetr, str) and _UETR.fullmatch(self.uetr)):
            raise _invalid("uetr", "is no UUID of version 4 in lower case")
        if type(self.requested) is not date:
            raise _invalid("requested", "is no day")
        return self

    def to_content(self) -> dict[str, Any]:
        """As plain values: what an idempotency key stands for."""
        return {
            **asdict(self),
            "amount": self.amount.minor,
            "currency": self.amount.currency,
            "requested": self.requested.isoformat(),
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Instruction:
        """The reverse of :meth:`to_content`."""
        plain = dict(content)
        currency = plain.pop("currency")
        return cls(
            **{
                **plain,
                "amount": Money.from_minor(plain["amount"], currency),
                "debtor": Party(**plain["debtor"]),
                "creditor": Party(**plain["creditor"]),
                "requested": date.fromisoformat(plain["requested"]),
            }
        )


def load_instruction(path: Path) -> Instruction:
    """An instruction of a JSON file: the members of :class:`Instruction`, with ``amount`` as ``"USD 125.00"`` and
    ``requested`` as ``"2026-11-30"``.

    Raises:
        InvalidInstruction: it cannot be read, or a member is missing, unknown or wrong; and what the amount raises.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInstruction(f"The payment {path} is no JSON file: {error}.", field=str(path)) from None
    try:
        parts = dict(given)
        return Instruction(
            **{
                **parts,
                "amount": Money.parse(parts["amount"]),
                "debtor": Party(**parts["debtor"]),
                "creditor": Party(**parts["creditor"]),
                "requested": parse_date(parts["requested"]),
            }
        ).check()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInstruction(f"The payment {path} is not understood: {error!r}.", field=str(error)) from None


def _text(value: object, field: str, longest: int, *, least: int = 1) -> None:
    if not isinstance(value, str) or not least <= len(value) <= longest or not value.isprintable():
        raise _invalid(field, f"has not {least} to {longest} printable characters")


def _invalid(field: str, problem: str) -> InvalidInstruction:
    return InvalidInstruction(f"The payment's {field} {problem}.", field=field)
