"""camt.052, camt.053 and camt.054 written: a participant's account on chain, as its bank would report it.

Decisions that govern this module:

* It takes plain values, such as a ledger's statement has them, and asks no chain.
* A statement whose entries do not lead from its opening to its closing balance is not written.
* An entry is named by block and log index, which no other entry has, ever. The payer's EndToEndId and UETR stand where
  the standard has them; ``NOTPROVIDED`` where a payment carried none that we can read.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from pyjpm.errors.iso20022 import MessageNotWritable
from pyjpm.iso20022.amounts import date_text, money_plain, time_text
from pyjpm.iso20022.initiation import NOT_PROVIDED
from pyjpm.iso20022.names import written
from pyjpm.iso20022.parties import NO_AGENT, Account, Agent, Party, account_plain, agent_plain, party_plain
from pyjpm.iso20022.remitting import remittance_plain
from pyjpm.iso20022.writing import render
from pyjpm.money import Money
from pyjpm.remittance import Remittance

_PARTS: Final = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}
_REFERENCE: Final = 35


class StatementEntry(Protocol):
    """An entry as a ledger has it. ``amount_minor`` is below zero for what went out; ``at`` in unix seconds."""

    @property
    def block(self) -> int: ...
    @property
    def tx_hash(self) -> str: ...
    @property
    def log_index(self) -> int: ...
    @property
    def at(self) -> int: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def counterparty(self) -> int | None: ...
    @property
    def reference(self) -> str | None: ...
    @property
    def end_to_end_id(self) -> str | None: ...
    @property
    def uetr(self) -> uuid.UUID | str | None: ...
    @property
    def deposit_reference(self) -> str | None: ...
    @property
    def remittance(self) -> Remittance | None: ...


def numbered(participant: int) -> Party:
    """A participant by its number alone."""
    return Party(name=f"Participant {participant}", customer=str(participant))


def write_statement(
    kind: str,
    *,
    message_id: str,
    account: Account,
    owner: Party,
    currency: str,
    entries: Sequence[StatementEntry],
    since: datetime.datetime,
    until: datetime.datetime,
    opening: Money | None = None,
    closing: Money | None = None,
    servicer: Agent = NO_AGENT,
    created: datetime.datetime | None = None,
    sequence: int | None = None,
    party_of: Callable[[int], Party] = numbered,
) -> bytes:
    """A report of the day so far (``camt.052``), a statement (``camt.053``) or a notice (``camt.054``).

    Args:
        kind: which of the three.
        message_id: unique for its receiver, 1 to 35 characters; it names the statement too.
        account: of the participant, and ``owner`` who it is.
        entries: of this account, in their order.
        since, until: what it covers.
        opening, closing: of the booked balance; required but for a notice, which has none.
        servicer: the bank.
        created: now if None.
        sequence: which statement of the account it is.
        party_of: how counterparties are named.

    Raises:
        MessageNotWritable: it does not add up, or something does not fit the standard.
    """
    now = created or datetime.datetime.now(datetime.UTC)
    balances = [] if kind == "camt.054" else _balances(kind, opening, closing, entries, since, until)
    part = {
        "Id": message_id,
        "ElctrncSeqNb": None if sequence is None else str(sequence),
        "CreDtTm": time_text(now),
        "FrToDt": {"FrDtTm": time_text(since), "ToDtTm": time_text(until)},
        "Acct": {
            **account_plain(account, currency),
            "Ownr": party_plain(owner),
            "Svcr": agent_plain(servicer),
        },
        "Bal": balances,
        "TxsSummry": _summary(entries, currency),
        "Ntry": [_entry(each, currency, owner, party_of) for each in entries],
    }
    body = {"GrpHdr": {"MsgId": message_id, "CreDtTm": time_text(now)}, _PARTS[kind]: [part]}
    return render(written(kind), body)


def _balances(
    kind: str,
    opening: Money | None,
    closing: Money | None,
    entries: Sequence[StatementEntry],
    since: datetime.datetime,
    until: datetime.datetime,
) -> list[dict[str, Any]]:
    if opening is None or closing is None:
        raise MessageNotWritable(f"A {kind} has an opening and a closing balance.", name=kind, problems=[])
    moved = sum(entry.amount_minor for entry in entries)
    if opening.minor + moved != closing.minor:
        raise MessageNotWritable(
            "The entries do not lead from the opening to the closing balance.",
            name=kind,
            problems=[{"opening": opening.minor, "moved": moved, "closing": closing.minor}],
        )
    codes = ("OPBD", "CLBD") if kind == "camt.053" else ("OPBD", "ITBD")
    return [
        {
            "Tp": {"CdOrPrtry": {"Cd": code}},
            "Amt": money_plain(amount),
            "CdtDbtInd": "CRDT" if amount.minor >= 0 else "DBIT",
            "Dt": {"Dt": date_text(at)},
        }
        for code, amount, at in zip(codes, (opening, closing), (since, until), strict=True)
    ]


def _summary(entries: Sequence[StatementEntry], currency: str) -> dict[str, Any]:
    def summed(chosen: list[int]) -> dict[str, Any]:
        amount = Money.from_minor(sum(chosen), currency)
        return {"NbOfNtries": str(len(chosen)), "Sum": str(amount.amount)}

    credits = [entry.amount_minor for entry in entries if entry.amount_minor >= 0]
    debits = [-entry.amount_minor for entry in entries if entry.amount_minor < 0]
    return {"TtlCdtNtries": summed(credits), "TtlDbtNtries": summed(debits)}


def _entry(entry: StatementEntry, currency: str, owner: Party, party_of: Callable[[int], Party]) -> dict[str, Any]:
    amount = Money.from_minor(abs(entry.amount_minor), currency)
    at = datetime.datetime.fromtimestamp(entry.at, datetime.UTC)
    side = "CRDT" if entry.amount_minor >= 0 else "DBIT"
    name = f"{entry.block}-{entry.log_index}"
    other = {"Pty": party_plain(party_of(entry.counterparty))} if entry.counterparty else {}
    own = {"Pty": party_plain(owner)}
    parties = {"Dbtr": other, "Cdtr": own} if side == "CRDT" else {"Dbtr": own, "Cdtr": other}
    deposit = entry.deposit_reference
    said = [f"tx {entry.tx_hash}"]
    if entry.reference:
        said.append(f"reference {entry.reference}")
    if deposit and len(deposit) > _REFERENCE:
        said.append(f"deposit {deposit}")
    return {
        "NtryRef": name,
        "Amt": money_plain(amount),
        "CdtDbtInd": side,
        "Sts": {"Cd": "BOOK"},
        "BookgDt": {"DtTm": time_text(at)},
        "ValDt": {"Dt": date_text(at)},
        "AcctSvcrRef": name,
        "BkTxCd": {"Prtry": {"Cd": entry.kind[:_REFERENCE], "Issr": "pyjpm"}},
        "NtryDtls": [
            {
                "TxDtls": [
                    {
                        "Refs": {
                            "AcctSvcrRef": name,
                            "EndToEndId": entry.end_to_end_id or NOT_PROVIDED,
                            "UETR": None if entry.uetr is None else str(entry.uetr),
                            "Prtry": [{"Tp": "DEPOSIT", "Ref": deposit}]
                            if deposit and len(deposit) <= _REFERENCE
                            else [],
                        },
                        "Amt": money_plain(amount),
                        "CdtDbtInd": side,
                        "RltdPties": parties if other else {},
                        "RmtInf": remittance_plain(entry.remittance),
                        "AddtlTxInf": " ".join(said)[:500],
                    }
                ]
            }
        ],
    }
