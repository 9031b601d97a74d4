"""What a bank sends, written by hand: notices and statements of an account, answers, returns, recalls."""

from __future__ import annotations

from dataclasses import dataclass

RESERVE_IBAN = "DE89370400440532013000"
CLIENT_IBAN = "GB82WEST12345698765432"
VIRTUAL_IBAN = "DE02120300000000202051"
STRANGER_IBAN = "FR1420041010050500013M02606"
NS = "urn:iso:std:iso:20022:tech:xsd:"


@dataclass
class Entry:
    """One ``Ntry``. ``reference`` None: the bank gives none."""

    reference: str | None
    amount: str
    credit: bool = True
    end_to_end_id: str = "NOTPROVIDED"
    uetr: str | None = None
    status: str = "BOOK"
    debtor_iban: str | None = CLIENT_IBAN
    creditor_iban: str = RESERVE_IBAN
    debtor: str = "Contoso"
    reversal: bool = False
    currency: str = "USD"
    number: str = "1"

    def xml(self) -> str:
        side = "CRDT" if self.credit else "DBIT"
        reference = f"<AcctSvcrRef>{self.reference}</AcctSvcrRef>" if self.reference else ""
        uetr = f"<UETR>{self.uetr}</UETR>" if self.uetr else ""
        account = f"<DbtrAcct><Id><IBAN>{self.debtor_iban}</IBAN></Id></DbtrAcct>" if self.debtor_iban else ""
        amount = f'<Amt Ccy="{self.currency}">{self.amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        return (
            f"\n<Ntry><NtryRef>{self.number}</NtryRef>{amount}"
            f"{'<RvslInd>true</RvslInd>' if self.reversal else ''}<Sts><Cd>{self.status}</Cd></Sts>"
            f"<BookgDt><Dt>2026-11-29</Dt></BookgDt>{reference}<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>"
            f"<NtryDtls><TxDtls><Refs><EndToEndId>{self.end_to_end_id}</EndToEndId>{uetr}</Refs>{amount}"
            f"<RltdPties><Dbtr><Pty><Nm>{self.debtor}</Nm></Pty></Dbtr>{account}"
            f"<CdtrAcct><Id><IBAN>{self.creditor_iban}</IBAN></Id></CdtrAcct></RltdPties>"
            "</TxDtls></NtryDtls></Ntry>"
        )


def notice(
    message_id: str, *entries: Entry, kind: str = "camt.054", iban: str = RESERVE_IBAN, currency: str = "USD"
) -> bytes:
    root, part = {
        "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
        "camt.053": ("BkToCstmrStmt", "Stmt"),
        "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[kind]
    balance = (
        "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">0</Amt>'
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-29</Dt></Dt></Bal>"
            for code in ("ITBD",)
        )
        if kind == "camt.053"
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NS}{kind}.001.08"><{root}>'
        f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>2026-11-29T10:00:00Z</CreDtTm></GrpHdr>"
        f"<{part}><Id>{message_id}</Id><CreDtTm>2026-11-29T10:00:00Z</CreDtTm>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balance}"
        + "".join(each.xml() for each in entries)
        + f"\n</{part}></{root}></Document>"
    ).encode()


def rejection(message_id: str, outside: str) -> bytes:
    """A pain.002 that refuses the order of this name."""
    return (
        f'<Document xmlns="{NS}pain.002.001.12"><CstmrPmtStsRpt><GrpHdr><MsgId>{message_id}</MsgId>'
        "<CreDtTm>2026-11-29T10:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{outside}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        "<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{outside}</OrgnlPmtInfId><TxInfAndSts>"
        f"<OrgnlEndToEndId>{outside}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn>"
        "<AddtlInf>closed</AddtlInf></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()
