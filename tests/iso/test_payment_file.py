"""A payment file read: what is taken over, what is refused, and where it is said to be wrong."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from judges import assert_valid
from samples import LEI, UETR, Block, File, Pay, file_of

from pyjpm import Money
from pyjpm.errors.iso20022 import MalformedMessage, MessageForbidden, MessageUnexpected, MessageUnknown
from pyjpm.iso20022 import parse, read_payment_file
from pyjpm.remittance import DocumentKind

NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
STRUCTURED = (
    "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>4711</Nb><RltdDt>2026-10-01</RltdDt>"
    '</RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy="USD">200.00</DuePyblAmt></RfrdDocAmt></Strd>'
    "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CREN</Cd></CdOrPrtry></Tp><Nb>C-1</Nb></RfrdDocInf>"
    '<RfrdDocAmt><CdtNoteAmt Ccy="USD">74.50</CdtNoteAmt></RfrdDocAmt></Strd>'
    "<Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd>"
)


def read(data: bytes):
    return read_payment_file(data, today=NOW)


def codes(data: bytes) -> list[list[str]]:
    """By instruction, what is wrong with it."""
    return [[each.code for each in line.problems] for line in read(data).lines]


@pytest.mark.parametrize("version", ["03", "09", "10", "11"])
def test_what_a_file_says_is_taken_over(version: str) -> None:
    uetr = None if version == "03" else UETR
    data = file_of(Pay(uetr=uetr, remittance=STRUCTURED, instruction_id="I-1"), version=version, control_sum="125.5")
    assert assert_valid(data) == f"pain.001.001.{version}"  # the sample itself is what others allow
    file = read(data)
    assert (file.message_id, file.problems, file.count) == ("MSG-1", (), 1)
    (paid,) = file.instructions
    assert paid.amount == Money("125.50", "USD")
    assert (paid.end_to_end_id, paid.instruction_id, paid.uetr) == ("E2E-1", "I-1", uetr and uuid.UUID(uetr))
    assert paid.execute_on == datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
    assert paid.creditor.name == "Northwind Supplies Ltd"
    assert paid.creditor_account.identifiers == (("IBAN", "GB82WEST12345698765432"),)
    assert (paid.creditor_agent.bic, paid.debtor_agent.bic) == ("NWBKGB2L", "COBADEFF")
    invoice, note = paid.remittance.documents
    assert (invoice.kind, invoice.number, invoice.issued) == (
        DocumentKind.INVOICE,
        "4711",
        datetime.date(2026, 10, 1),
    )
    assert (note.kind, note.amount) == (DocumentKind.CREDIT_NOTE, Money("74.50", "USD"))
    assert paid.remittance.total == paid.amount
    assert paid.remittance.text == "RF18539007547034"
    assert (paid.remittance.end_to_end_id, paid.remittance.uetr) == ("E2E-1", paid.uetr)


def test_the_newest_version_whose_documents_are_said_otherwise_keeps_them_as_text() -> None:
    newer = (
        "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>4711</Nb></RfrdDocInf><RfrdDocAmt>"
        '<RmtAmtAndTp><Tp><Cd>DUPA</Cd></Tp><Amt Ccy="USD">125.50</Amt></RmtAmtAndTp></RfrdDocAmt></Strd>'
    )
    data = file_of(Pay(remittance=newer), version="12")
    assert_valid(data)
    remittance = read(data).instructions[0].remittance
    assert (remittance.documents, remittance.text) == ((), "CINV 4711")


def test_an_execution_date_begins_in_the_banks_zone() -> None:
    paid = read_payment_file(file_of(Pay()), zone=ZoneInfo("America/New_York"), today=NOW).instructions[0]
    assert paid.execute_on == datetime.datetime(2026, 11, 20, 5, tzinfo=datetime.UTC)
    exact = File([Block([Pay()], date="2026-11-30T14:00:00+01:00")]).xml()
    assert read(exact).instructions[0].execute_on == datetime.datetime(2026, 11, 30, 13, tzinfo=datetime.UTC)


# --- one wrong instruction among good ones ---------------------------------------------------------------------------

WRONG = {
    "too many decimals": (Pay("B", amount="1.005"), "AM12", "/Amt/InstdAmt"),
    "decimals of a yen": (Pay("B", amount="100.5", currency="JPY"), "AM12", "/Amt/InstdAmt"),
    "more digits than the standard has": (Pay("B", amount="1.123456"), "AM12", "/Amt/InstdAmt"),
    "no number": (Pay("B", amount="1e3"), "AM12", "/Amt/InstdAmt"),
    "nothing": (Pay("B", amount="0.00"), "AM01", "/Amt/InstdAmt"),
    "below nothing": (Pay("B", amount="-5.00"), "AM12", "/Amt/InstdAmt"),
    "a currency that is none": (Pay("B", currency="XXQ"), "AM03", "/Amt/InstdAmt"),
    "an IBAN's check digits": (Pay("B", iban="GB83WEST12345698765432"), "AC03", "/CdtrAcct/Id/IBAN"),
    "an IBAN of no country": (Pay("B", iban="XX82WEST12345698765432"), "AC03", "/CdtrAcct/Id/IBAN"),
    "a LEI's check digits": (Pay("B", lei="529900T8BM49AURSDO56"), "RR04", "/Cdtr/Id/OrgId/LEI"),
    "a BIC of no country": (Pay("B", bic="NWBKZZ2L"), "RC04", "/CdtrAgt/FinInstnId/BICFI"),
    "nobody but a name": (Pay("B", iban=None), "AC03", "/Cdtr"),
    "an element of no standard": (Pay("B", extra="<Bonus>1</Bonus>"), "FF01", "/Bonus"),
    "elements in the wrong order": (Pay("B", remittance="<Strd/><Ustrd>a</Ustrd>"), "FF01", "/RmtInf/Ustrd"),
    "a text that is too long": (Pay("B", remittance=f"<Ustrd>{'a' * 141}</Ustrd>"), "FF01", "/RmtInf/Ustrd"),
    "an EndToEndId that is too long": (Pay("B" * 36), "FF01", "/PmtId/EndToEndId"),
    "a UETR of another version": (Pay("B", uetr=UETR.replace("-49", "-19")), "FF01", "/PmtId/UETR"),
    "an exchange": (Pay("B", extra="<XchgRateInf><XchgRate>1.1</XchgRate></XchgRateInf>"), "FF05", "/XchgRateInf"),
    "the id of another": (Pay("A"), "DU04", "/PmtId/EndToEndId"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_one_is_said_of_that_one_with_its_place(what: str) -> None:
    wrong, code, path = WRONG[what]
    data = file_of(Pay("A", amount="10.00"), wrong, Pay("C", amount="20.00"))
    file = read(data)
    assert file.problems == ()
    assert [each.end_to_end_id for each in file.instructions] == ["A", "C"]
    problems = file.lines[1].problems
    assert code in [each.code for each in problems], problems
    place = next(each for each in problems if each.code == code)
    assert place.path == f"/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf[2]{path}"
    found = data.decode().splitlines()[place.line - 1]
    assert f"<{path.rpartition('/')[2]}" in found
    # A report names places; it does not carry accounts and names into logs.
    assert all("WEST" not in each.text and "Northwind" not in each.text for each in problems)


def test_unnamed_instructions_are_known_by_their_place() -> None:
    file = read(file_of(Pay("NOTPROVIDED"), Pay("NOTPROVIDED"), Pay("NOTPROVIDED", instruction_id="I")))
    assert [each.key for each in file.instructions] == ["BLOCK-1/#0", "BLOCK-1/#1", "BLOCK-1/I/I"]


# --- a block, the file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (Block([Pay("B")], "TWO", control_sum="125.51"), "AM17"),
        (Block([Pay("B")], "TWO", count="2"), "AM20"),
        (Block([Pay("B")], "BLOCK-1"), "DU02"),
        (Block([Pay("B")], "TWO", method="CHK"), "FF05"),
        (Block([Pay("B")], "TWO", iban="DE88370400440532013000"), "AC02"),
        (Block([Pay("B")], "TWO", date="2029-01-01"), "CH03"),
        (Block([Pay("B")], "TWO", date="2026-02-30"), "DT01"),
    ],
)
def test_a_wrong_block_refuses_itself_alone(block: Block, code: str) -> None:
    file = read(File([Block([Pay("A")]), block, Block([Pay("C")], "THREE")], control_sum="376.50").xml())
    assert file.problems == ()
    assert [each.end_to_end_id for each in file.instructions] == ["A", "C"]
    assert code in [each.code for each in file.lines[1].problems]


@pytest.mark.parametrize(
    ("options", "code", "element"),
    [({"control_sum": "125.49"}, "AM16", "CtrlSum"), ({"count": "2"}, "AM19", "NbOfTxs")],
)
def test_sums_that_do_not_add_up_refuse_the_file(options: dict[str, str], code: str, element: str) -> None:
    file = read(file_of(Pay(), **options))
    assert [each.code for each in file.problems] == [code]
    assert file.problems[0].path == f"/Document/CstmrCdtTrfInitn/GrpHdr/{element}"
    assert file.instructions == ()


def test_control_sums_are_exact_over_any_number_of_decimals() -> None:
    amounts = ["0.1", "0.20", "99999999999999.70"]
    total = str(sum(Decimal(each) for each in amounts))
    file = read(file_of(*(Pay(f"E{n}", amount=each) for n, each in enumerate(amounts)), control_sum=total))
    assert file.problems == ()
    assert sum(each.amount.minor for each in file.instructions) == 10_000_000_000_000_000


# --- what is no message at all ---------------------------------------------------------------------------------------

GOOD = file_of(Pay())
BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>&e;</CstmrCdtTrfInitn></Document>"""


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (GOOD[:-20], MalformedMessage),
        (b"", MalformedMessage),
        (b"\x00\xff\xfe", MalformedMessage),
        (GOOD.replace(b"Contoso AG", b"Contoso \xff AG"), MalformedMessage),
        (GOOD.replace(b"<MsgId>MSG-1</MsgId>", b""), MalformedMessage),
        (b"<?xml version='1.0'?>" + GOOD, MalformedMessage),
        (GOOD.replace(b"Contoso AG", b"&amp;&undefined;"), MalformedMessage),
        (BOMB, MessageForbidden),
        (BOMB.decode().encode("utf-16"), MessageForbidden),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', MessageForbidden),
        (b"<a>" * 300 + b"</a>" * 300, MessageForbidden),
        (GOOD.replace(b"pain.001.001.09", b"pain.001.001.99"), MessageUnknown),
        (GOOD.replace(b"urn:iso:std:iso:20022:tech:xsd:pain", b"urn:example:pain"), MessageUnknown),
        (GOOD.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"', b""), MessageUnknown),
        (GOOD.replace(b"pain.001.001.09", b"camt.053.001.08"), MessageUnexpected),
        (GOOD.replace(b"CstmrCdtTrfInitn", b"CstmrPmtStsRpt"), MalformedMessage),
    ],
)
def test_what_is_no_payment_file_is_refused_by_its_cause(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        read(data)
    assert "passwd" not in str(caught.value)


def test_a_message_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(MessageForbidden):
        parse(GOOD, most_bytes=len(GOOD) - 1)
    assert str(parse(GOOD, most_bytes=len(GOOD)).name) == "pain.001.001.09"


def test_a_lei_and_its_check_digits_are_taken_over() -> None:
    paid = read(file_of(Pay(lei=LEI))).instructions[0]
    assert paid.creditor.identifiers == (("LEI", LEI),)
