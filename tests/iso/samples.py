"""Payment files as a corporate's treasury system writes them: by hand, not by what is tested."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DEBTOR_IBAN = "DE89370400440532013000"
CREDITOR_IBAN = "GB82WEST12345698765432"
OTHER_IBAN = "FR1420041010050500013M02606"
LEI = "529900T8BM49AURSDO55"
UETR = "eb6305c9-1f7f-49de-aed0-16487c27b42d"


@dataclass
class Pay:
    """One CdtTrfTxInf. ``inner`` replaces what stands between PmtId and the creditor."""

    end_to_end_id: str = "E2E-1"
    amount: str = "125.50"
    currency: str = "USD"
    instruction_id: str | None = None
    uetr: str | None = None
    iban: str | None = CREDITOR_IBAN
    bic: str | None = "NWBKGB2L"
    name: str = "Northwind Supplies Ltd"
    lei: str | None = None
    extra: str = ""
    remittance: str = "<Ustrd>invoice 4711</Ustrd>"

    def xml(self, version: str) -> str:
        old = version == "03"
        bic = "BIC" if old else "BICFI"
        instruction = f"<InstrId>{self.instruction_id}</InstrId>" if self.instruction_id else ""
        uetr = f"<UETR>{self.uetr}</UETR>" if self.uetr else ""
        agent = f"<CdtrAgt><FinInstnId><{bic}>{self.bic}</{bic}></FinInstnId></CdtrAgt>" if self.bic else ""
        lei = f"<Id><OrgId><LEI>{self.lei}</LEI></OrgId></Id>" if self.lei else ""
        account = f"<CdtrAcct><Id><IBAN>{self.iban}</IBAN></Id></CdtrAcct>" if self.iban else ""
        return (
            f"\n   <CdtTrfTxInf>\n    <PmtId>{instruction}<EndToEndId>{self.end_to_end_id}</EndToEndId>{uetr}</PmtId>"
            f'\n    <Amt><InstdAmt Ccy="{self.currency}">{self.amount}</InstdAmt></Amt>{self.extra}'
            f"\n    {agent}<Cdtr><Nm>{self.name}</Nm>{lei}</Cdtr>{account}"
            f"\n    <RmtInf>{self.remittance}</RmtInf>\n   </CdtTrfTxInf>"
        )


@dataclass
class Block:
    payments: list[Pay]
    payment_id: str = "BLOCK-1"
    date: str = "2026-11-20"
    count: str | None = None
    control_sum: str | None = None
    iban: str = DEBTOR_IBAN
    method: str = "TRF"

    def xml(self, version: str) -> str:
        old = version == "03"
        bic = "BIC" if old else "BICFI"
        day = (
            self.date
            if old
            else f"<{'DtTm' if 'T' in self.date else 'Dt'}>{self.date}</{'DtTm' if 'T' in self.date else 'Dt'}>"
        )
        count = f"<NbOfTxs>{self.count}</NbOfTxs>" if self.count else ""
        control = f"<CtrlSum>{self.control_sum}</CtrlSum>" if self.control_sum else ""
        return (
            f"\n  <PmtInf>\n   <PmtInfId>{self.payment_id}</PmtInfId><PmtMtd>{self.method}</PmtMtd>{count}{control}"
            f"\n   <ReqdExctnDt>{day}</ReqdExctnDt><Dbtr><Nm>Contoso AG</Nm></Dbtr>"
            f"<DbtrAcct><Id><IBAN>{self.iban}</IBAN></Id></DbtrAcct>"
            f"<DbtrAgt><FinInstnId><{bic}>COBADEFF</{bic}></FinInstnId></DbtrAgt>"
            + "".join(each.xml(version) for each in self.payments)
            + "\n  </PmtInf>"
        )


@dataclass
class File:
    blocks: list[Block]
    message_id: str = "MSG-1"
    version: str = "09"
    count: str | None = None
    control_sum: str | None = None
    sender: str = "Contoso AG"
    options: dict[str, Any] = field(default_factory=dict)

    def xml(self) -> bytes:
        count = self.count or str(sum(len(block.payments) for block in self.blocks))
        control = f"<CtrlSum>{self.control_sum}</CtrlSum>" if self.control_sum else ""
        body = "".join(block.xml(self.version) for block in self.blocks)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.{self.version}">\n <CstmrCdtTrfInitn>\n'
            f"  <GrpHdr><MsgId>{self.message_id}</MsgId><CreDtTm>2026-11-29T10:00:00Z</CreDtTm>"
            f"<NbOfTxs>{count}</NbOfTxs>{control}<InitgPty><Nm>{self.sender}</Nm></InitgPty></GrpHdr>{body}\n"
            " </CstmrCdtTrfInitn>\n</Document>\n"
        ).encode()


def file_of(*payments: Pay, **options: Any) -> bytes:
    """A file of one block."""
    return File([Block(list(payments))], **options).xml()
