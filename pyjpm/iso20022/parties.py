"""Who is named in a message: parties, their accounts, the banks that keep them.

Decisions that govern this module:

* What identifies somebody is a pair of scheme and identifier, most certain first. A name identifies nobody.
* Check digits are checked where a party is read; what is wrong is a problem of that instruction, with its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyjpm.errors.iso20022 import InvalidBankIdentifier
from pyjpm.iso20022.identifiers import BIC, IBAN, LEI, check_bic, check_iban, check_lei
from pyjpm.iso20022.reading import Problem, find, find_all, problem, text

if TYPE_CHECKING:
    from lxml.etree import _Element

CUSTOMER: Final = "CUSTOMER"
"""The scheme of what only means something at one bank: its customer numbers, and account numbers that are no IBAN."""
_LONGEST_NAME: Final = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A debtor, creditor or sender.

    Attributes:
        name: at most 140 characters.
        lei, bic: of the institution; checked.
        customer: its number at the bank, or another identifier of its own.
        country: ISO 3166-1, two letters.
        town: of its address.
        address: lines of it.
    """

    name: str = ""
    lei: str | None = None
    bic: str | None = None
    customer: str | None = None
    country: str | None = None
    town: str | None = None
    address: tuple[str, ...] = ()

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """(scheme, identifier), most certain first."""
        found = ((LEI, self.lei), (BIC, self.bic), (CUSTOMER, self.customer))
        return tuple((scheme, identifier) for scheme, identifier in found if identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account: an IBAN, or another number (at most 34 characters)."""

    iban: str | None = None
    number: str | None = None

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """(scheme, identifier)."""
        found = ((IBAN, self.iban), (CUSTOMER, self.number))
        return tuple((scheme, identifier) for scheme, identifier in found if identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A bank.

    Attributes:
        bic: 8 or 11 characters; checked in form.
        lei: checked.
        clearing, member: its number in a clearing system, such as ``USABA`` and nine digits.
        name: of it.
    """

    bic: str | None = None
    lei: str | None = None
    clearing: str | None = None
    member: str | None = None
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.bic or self.lei or self.member or self.name)


NO_PARTY: Final = Party()
NO_ACCOUNT: Final = Account()
NO_AGENT: Final = Agent()


# --- reading ---------------------------------------------------------------------------------------------------------


def read_party(element: _Element | None, found: list[Problem]) -> Party:
    """A party's element; what is wrong goes to ``found``."""
    if element is None:
        return NO_PARTY
    inner = find(element, "Pty")
    here = element if inner is None else inner
    lei = _checked(here, "Id/OrgId/LEI", check_lei, "RR04", found)
    any_bic = "Id/OrgId/AnyBIC" if find(here, "Id/OrgId/AnyBIC") is not None else "Id/OrgId/BICOrBEI"
    return Party(
        name=text(here, "Nm") or "",
        lei=lei,
        bic=_checked(here, any_bic, check_bic, "RC01", found),
        customer=text(here, "Id/OrgId/Othr/Id", "Id/PrvtId/Othr/Id"),
        country=text(here, "PstlAdr/Ctry", "CtryOfRes"),
        town=text(here, "PstlAdr/TwnNm"),
        address=tuple(each.text or "" for each in find_all(here, "PstlAdr/AdrLine")),
    )


def read_account(element: _Element | None, code: str, found: list[Problem]) -> Account:
    """An account's element; a wrong IBAN goes to ``found`` under this code."""
    if element is None:
        return NO_ACCOUNT
    return Account(
        iban=_checked(element, "Id/IBAN", check_iban, code, found),
        number=text(element, "Id/Othr/Id", "Id/PrtryAcct/Id"),
    )


def read_agent(element: _Element | None, code: str, found: list[Problem]) -> Agent:
    """A bank's element; a wrong BIC goes to ``found`` under this code."""
    if element is None:
        return NO_AGENT
    path = "FinInstnId/BICFI" if find(element, "FinInstnId/BICFI") is not None else "FinInstnId/BIC"
    return Agent(
        bic=_checked(element, path, check_bic, code, found),
        lei=_checked(element, "FinInstnId/LEI", check_lei, code, found),
        clearing=text(element, "FinInstnId/ClrSysMmbId/ClrSysId/Cd", "FinInstnId/ClrSysMmbId/ClrSysId/Prtry"),
        member=text(element, "FinInstnId/ClrSysMmbId/MmbId"),
        name=text(element, "FinInstnId/Nm") or "",
    )


def _checked(element: _Element, path: str, check: Callable[[str], str], code: str, found: list[Problem]) -> str | None:
    said = text(element, path)
    if said is None:
        return None
    try:
        return check(said)
    except InvalidBankIdentifier as error:
        found.append(problem(code, error.message, element, path))
        return None


# --- writing ---------------------------------------------------------------------------------------------------------


def party_plain(party: Party) -> dict[str, Any]:
    """A party by element names."""
    return {
        "Nm": party.name[:_LONGEST_NAME] or None,
        "PstlAdr": {
            "TwnNm": party.town,
            "Ctry": party.country,
            "AdrLine": [line[:70] for line in party.address[:7]],
        },
        "Id": {
            "OrgId": {
                "AnyBIC": party.bic,
                "LEI": party.lei,
                "Othr": [{"Id": party.customer}] if party.customer else [],
            }
        },
    }


def account_plain(account: Account, currency: str | None = None) -> dict[str, Any]:
    """An account by element names."""
    if account.iban:
        identified: dict[str, Any] = {"IBAN": account.iban}
    elif account.number:
        identified = {"Othr": {"Id": account.number}}
    else:
        return {}
    return {"Id": identified, "Ccy": currency}


def agent_plain(agent: Agent, *, needed: bool = False) -> dict[str, Any]:
    """A bank by element names; where the standard needs one and none is known, it says so."""
    if not agent:
        return {"FinInstnId": {"Othr": {"Id": "NOTPROVIDED"}}} if needed else {}
    system = {"Cd": agent.clearing} if agent.clearing and len(agent.clearing) <= 5 else {"Prtry": agent.clearing}
    return {
        "FinInstnId": {
            "BICFI": agent.bic,
            "LEI": agent.lei,
            "Nm": agent.name[:_LONGEST_NAME] or None,
            "ClrSysMmbId": {"ClrSysId": system, "MmbId": agent.member} if agent.member else {},
        }
    }
