"""MT103: one customer's transfer, where a bank still wants it. Written and read with swiftlib.

Decisions that govern this module:

* What does not fit SWIFT's fields is said to, not cut where it identifies: references, accounts, amounts. Names and
  texts are put into SWIFT's characters and lengths.
* The UETR is in block 3 (``121``), the payer's reference in field 70 (``/ROC/``).
"""

from __future__ import annotations

import datetime
import re
import uuid
from typing import Any, Final

from pyjpm.errors.iso20022 import InvalidBankIdentifier, Iso20022ExtraMissing, MalformedMessage, MessageNotWritable
from pyjpm.errors.money import MoneyError
from pyjpm.iso20022.identifiers import check_bic, check_iban
from pyjpm.iso20022.initiation import NOT_PROVIDED
from pyjpm.iso20022.parties import NO_AGENT, Account, Agent, Party
from pyjpm.iso20022.swift_text import amount_text, day_text, lines, plain_text
from pyjpm.iso20022.transfers import CreditTransfer
from pyjpm.money import Money
from pyjpm.remittance import Remittance

_CHARGES: Final = {"DEBT": "OUR", "CRED": "BEN", "SHAR": "SHA", "SLEV": "SHA"}
_BEARERS: Final = {"OUR": "DEBT", "BEN": "CRED", "SHA": "SHAR"}
_REFERENCE: Final = 16
_WIDTH: Final = 35
_CODE: Final = "/ROC/"
_MORE: Final = "//"


def write_mt103(transfer: CreditTransfer, *, sender: str, receiver: str) -> str:
    """An MT103.

    Args:
        transfer: its ``transaction_id`` (else ``instruction_id``) is field 20: 1 to 16 characters.
        sender, receiver: BICs.

    Raises:
        MessageNotWritable: no such reference, no UETR, or an account or BIC is missing.
        InvalidBankIdentifier, Iso20022ExtraMissing
    """
    swift = _swiftlib()
    reference = transfer.transaction_id or transfer.instruction_id or ""
    wrong = [
        said
        for said, is_wrong in (
            ("field 20: 1 to 16 characters of SWIFT's set", not _is_reference(reference)),
            ("the UETR is missing", transfer.uetr is None),
            ("the debtor's name is missing", not transfer.debtor.name),
            ("the creditor's account is missing", not transfer.creditor_account.identifiers),
            ("the creditor's bank has no BIC", transfer.creditor_agent.bic is None),
            ("field 32A: the amount has more than 15 characters", len(amount_text(transfer.amount)) > 15),
        )
        if is_wrong
    ]
    if wrong:
        raise MessageNotWritable(
            f"This makes no MT103: {wrong[0]}.", name="MT103", problems=[{"text": each} for each in wrong]
        )
    builder = swift["builder"](swift["mt103"])
    builder.set_block1(swift["block1"](lt_address=_terminal(sender)))
    builder.set_block2(swift["block2"](message_type="103", receiver_address=_terminal(receiver)))
    fields = {
        "20": reference,
        "23B": "CRED",
        "32A": day_text(transfer.settle_on) + transfer.amount.currency + amount_text(transfer.amount),
        "33B": transfer.amount.currency + amount_text(transfer.amount),
        "50K": "\n".join(_customer(transfer.debtor_account, transfer.debtor)),
        "52A": transfer.debtor_agent.bic,
        "57A": transfer.creditor_agent.bic,
        "59": "\n".join(_customer(transfer.creditor_account, transfer.creditor)),
        "70": "\n".join(_purpose(transfer)),
        "71A": _CHARGES[transfer.charge_bearer],
    }
    for tag, value in fields.items():
        if value:
            builder.set_field(tag, value)
    message = builder.build()
    message.block3 = swift["block3"](fields={"121": str(transfer.uetr)})
    return str(message.to_swift())


def read_mt103(source: str) -> CreditTransfer:
    """Reads an MT103.

    Raises:
        MalformedMessage: no MT103, or one without what every MT103 has.
        InvalidBankIdentifier: a wrong IBAN or BIC.
        Iso20022ExtraMissing
    """
    swift = _swiftlib()
    try:
        # Whatever it stumbles over, these bytes are no MT103.
        message = swift["parser"]().parse(source.replace("\r\n", "\n"))
        fields = {each.tag: each.value for each in message.block4.fields}
        kind = None if message.block2 is None else message.block2.message_type
    except Exception as error:
        raise MalformedMessage("This is no SWIFT message.", line=0) from error
    tags = {tag[:2] if tag[:2] in ("50", "59") else tag for tag in fields}
    missing = {"20", "23B", "32A", "50", "59", "71A"} - tags
    if kind != "103" or missing:
        raise MalformedMessage("This is no complete MT103.", line=0, missing=sorted(missing))
    dated = re.fullmatch(r"([0-9]{6})([A-Z]{3})([0-9]+),([0-9]*)", fields["32A"].strip())
    if dated is None:
        raise MalformedMessage("Field 32A has no date, currency and amount.", line=0, field="32A")
    try:
        day = datetime.datetime.strptime(dated[1], "%y%m%d").date()
        amount = Money(f"{dated[3]}.{dated[4] or 0}", dated[2]).require_positive()
    except (ValueError, MoneyError) as error:
        raise MalformedMessage("Field 32A has no date, currency and amount.", line=0, field="32A") from error
    said_uetr = None if message.block3 is None else message.block3.get("121")
    end_to_end_id, text = _said_purpose(fields.get("70", ""))
    identity = _uetr(said_uetr)
    debtor_account, debtor = _read_customer(next(value for tag, value in fields.items() if tag[:2] == "50"))
    creditor_account, creditor = _read_customer(next(value for tag, value in fields.items() if tag[:2] == "59"))
    return CreditTransfer(
        end_to_end_id=end_to_end_id,
        uetr=identity,
        transaction_id=fields["20"],
        amount=amount,
        settle_on=day,
        debtor=debtor,
        debtor_account=debtor_account,
        debtor_agent=_agent(fields.get("52A")),
        creditor=creditor,
        creditor_account=creditor_account,
        creditor_agent=_agent(fields.get("57A")),
        charge_bearer=_BEARERS.get(fields["71A"].strip(), "SHAR"),
        remittance=Remittance(end_to_end_id=end_to_end_id, uetr=identity, text=text),
    )


def _swiftlib() -> dict[str, Any]:
    try:
        from swiftlib.core.block import Block1, Block2Input, Block3
        from swiftlib.mt.messages.base import MTMessageBuilder
        from swiftlib.mt.messages.mt103 import MT103
        from swiftlib.mt.parser import MTParser
    except ModuleNotFoundError as error:
        raise Iso20022ExtraMissing("swiftlib is not installed.", module=str(error.name)) from error
    return {
        "builder": MTMessageBuilder,
        "mt103": MT103,
        "block1": Block1,
        "block2": Block2Input,
        "block3": Block3,
        "parser": MTParser,
    }


def _is_reference(text: str) -> bool:
    # No slash at either end and none doubled: SWIFT refuses them.
    plain = 0 < len(text) <= _REFERENCE and plain_text(text) == text
    return plain and not (text.startswith("/") or text.endswith("/") or "//" in text)


def _terminal(bic: str) -> str:
    checked = check_bic(bic)
    return f"{checked[:8]}X{checked[8:] or 'XXX'}"


def _customer(account: Account, party: Party) -> list[str]:
    number = account.iban or account.number
    address = [*party.address, " ".join(each for each in (party.country, party.town) if each)]
    return [
        *([f"/{plain_text(number)}"] if number else []),
        *lines("\n".join([party.name[:70], *address]), 35, 4),
    ]


def _purpose(transfer: CreditTransfer) -> list[str]:
    start: list[str] = []
    if transfer.end_to_end_id != NOT_PROVIDED:
        # Never cut: what the first line has no room for goes on in the second, as SWIFT has it.
        whole = _CODE + plain_text(transfer.end_to_end_id)
        start = [whole[:_WIDTH], *([_MORE + whole[_WIDTH:]] if len(whole) > _WIDTH else [])]
    said: list[str] = []
    if transfer.remittance is not None:
        said += [f"/INV/{document.number}" for document in transfer.remittance.documents]
        said += [line.lstrip("/") for line in transfer.remittance.text.splitlines()]
    return [*start, *lines("\n".join(said), _WIDTH, 4 - len(start))]


def _said_purpose(value: str) -> tuple[str, str]:
    first, *rest = value.split("\n")
    if not first.startswith(_CODE):
        return NOT_PROVIDED, value.strip()
    reference = first.removeprefix(_CODE)
    if rest and rest[0].startswith(_MORE):
        reference += rest.pop(0).removeprefix(_MORE)
    return reference[:35] or NOT_PROVIDED, "\n".join(rest).strip()


def _read_customer(value: str) -> tuple[Account, Party]:
    found = value.split("\n")
    account = Account()
    if found[0].startswith("/"):
        number = found.pop(0)[1:]
        try:
            account = Account(iban=check_iban(number))
        except InvalidBankIdentifier:
            # A country code and two digits make it an IBAN that is wrong; anything else is another number.
            if re.match(r"[A-Z]{2}[0-9]{2}", number):
                raise
            account = Account(number=number)
    return account, Party(name=found[0] if found else "", address=tuple(found[1:]))


def _agent(value: str | None) -> Agent:
    if value is None:
        return NO_AGENT
    return Agent(bic=check_bic(value.strip().splitlines()[-1]))


def _uetr(said: str | None) -> uuid.UUID | None:
    if said is None:
        return None
    try:
        found = uuid.UUID(said)
    except ValueError as error:
        raise MalformedMessage("The UETR of block 3 is none.", line=0, field="121") from error
    return found if found.version == 4 else None
