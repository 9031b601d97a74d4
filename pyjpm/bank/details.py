"""What a redemption is to be paid to: agreed by hash on the chain, told to the bank beside it.

Decisions that govern this module:

* The chain has a salted hash alone: accounts and names are nobody else's business. The details travel to the bank by
  any channel, and are believed only if they hash to what the chain has.
* The names under which a payout goes out, its outside reference and its UETR, follow from the redemption on its chain,
  never from a counter of ours: after any loss it is asked for by the same names.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from eth_utils.crypto import keccak

from pyjpm.bank.channel import party_from, party_plain_of
from pyjpm.errors.bank import PayoutMismatch
from pyjpm.iso20022.parties import NO_AGENT, Account, Agent, Party

_VERSION: Final = 1
_SALT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutDetails:
    """Where a redemption's money is to go.

    Attributes:
        creditor: usually the client itself.
        account: at ``agent``, its bank.
        text: what the creditor should read, without line ends.
        salt: at least 16 random bytes, made here if None is given.
    """

    creditor: Party
    account: Account
    agent: Agent = NO_AGENT
    text: str = ""
    salt: bytes

    @classmethod
    def make(cls, creditor: Party, account: Account, agent: Agent = NO_AGENT, *, text: str = "") -> Self:
        """With a salt of its own."""
        return cls(creditor=creditor, account=account, agent=agent, text=text, salt=secrets.token_bytes(_SALT))

    @property
    def hash(self) -> bytes:
        """What ``deposits.request_redemption(payout=…)`` takes, 32 bytes."""
        return keccak(json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode())

    def to_dict(self) -> dict[str, Any]:
        """The details as JSON-able data, for the bank."""
        return {
            "version": _VERSION,
            "creditor": party_plain_of(self.creditor),
            "account": account_plain_of(self.account),
            "agent": agent_plain_of(self.agent),
            "text": self.text,
            "salt": self.salt.hex(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Reads :meth:`to_dict`. Raises ``PayoutMismatch`` where it is none."""
        try:
            if plain["version"] != _VERSION:
                raise ValueError("version")
            made = cls(
                creditor=party_from(plain["creditor"]),
                account=Account(**plain["account"]),
                agent=Agent(**plain["agent"]),
                text=str(plain["text"]),
                salt=bytes.fromhex(plain["salt"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PayoutMismatch("These are no payout details of this version.", reference=None) from error
        if len(made.salt) < _SALT:
            raise PayoutMismatch("The details are not salted enough to be secret.", reference=None)
        return made


def account_plain_of(account: Account) -> dict[str, Any]:
    """An account as an effect's content has it."""
    return {"iban": account.iban, "number": account.number}


def agent_plain_of(agent: Agent) -> dict[str, Any]:
    """A bank as an effect's content has it."""
    return {
        "bic": agent.bic,
        "lei": agent.lei,
        "clearing": agent.clearing,
        "member": agent.member,
        "name": agent.name,
    }


def outside_name(tag: str, *parts: object) -> str:
    """A name of 32 characters that follows from what it is for."""
    return tag + hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[: 32 - len(tag)]


def payout_name(chain_id: int, token: str, participant: int, reference: str) -> str:
    """What the payout of a redemption is called outside: its EndToEndId. ``reference`` is the redemption's."""
    return outside_name("P", chain_id, token, participant, reference)


def uetr_of(outside: str) -> uuid.UUID:
    """The UETR of an order: ever the same."""
    return uuid.UUID(bytes=hashlib.sha256(f"uetr\n{outside}".encode()).digest()[:16], version=4)
