"""Messages written, judged by XSDs of others, and read again: nothing lost, nothing changed to the cent."""

from __future__ import annotations

import datetime
import random
import subprocess
import sys
import uuid
from dataclasses import dataclass, replace

import pytest
from judges import assert_valid
from samples import CREDITOR_IBAN, DEBTOR_IBAN, LEI, UETR, Pay, file_of

from pyjpm import Money
from pyjpm.errors.iso20022 import InvalidBankIdentifier, MalformedMessage, MessageNotWritable
from pyjpm.iso20022 import (
    Account,
    Agent,
    CreditTransfer,
    Original,
    Party,
    Recall,
    Return,
    StatusLine,
    check_bic,
    check_iban,
    check_lei,
    parse,
    read_bank_message,
    read_mt103,
    read_mt940,
    read_payment_file,
    read_recalls,
    read_returns,
    read_status,
    read_transfers,
    write_mt103,
    write_mt940,
    write_payment_file,
    write_recalls,
    write_returns,
    write_statement,
    write_status,
    write_transfers,
)
from pyjpm.remittance import DocumentKind, Remittance, RemittanceDocument

NOW = datetime.datetime(2026, 11, 29, 12, 30, 1, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 30)
BANK, NEXT = Agent(bic="COBADEFF"), Agent(bic="NWBKGB2L")
DEBTOR = Party(name="Contoso AG", lei=LEI, country="DE", town="Köln", address=("Straße 1",))
CREDITOR = Party(name="Smith & Söhne <Ltd>")
REMITTANCE = Remittance(
    end_to_end_id="E2E-1",
    uetr=uuid.UUID(UETR),
    documents=(
        RemittanceDocument(
            kind=DocumentKind.INVOICE,
            number="4711",
            amount=Money("200.00", "USD"),
            tax=Money("32.00", "USD"),
            discount=Money("4.00", "USD"),
            remitted=Money("196.00", "USD"),
            issued=datetime.date(2026, 10, 1),
        ),
        RemittanceDocument(kind=DocumentKind.CREDIT_NOTE, number="C-1", amount=Money("70.50", "USD")),
    ),
    text="thank you",
)
TRANSFER = CreditTransfer(
    end_to_end_id="E2E-1",
    uetr=uuid.UUID(UETR),
    instruction_id="I-1",
    transaction_id="T-1",
    amount=Money("125.50", "USD"),
    settle_on=DAY,
    debtor=DEBTOR,
    debtor_account=Account(iban=DEBTOR_IBAN),
    debtor_agent=BANK,
    creditor=CREDITOR,
    creditor_account=Account(iban=CREDITOR_IBAN),
    creditor_agent=NEXT,
    remittance=REMITTANCE,
)


# --- pain.001, pacs.008 ----------------------------------------------------------------------------------------------


def test_a_payment_file_that_is_written_reads_as_it_was_meant() -> None:
    other = replace(TRANSFER, end_to_end_id="E2E-2", instruction_id=None, amount=Money("0.01", "USD"), remittance=None)
    data = write_payment_file([TRANSFER, other], message_id="M-1", sender=DEBTOR, created=NOW)
    assert assert_valid(data) == "pain.001.001.09"
    file = read_payment_file(data, today=NOW)
    assert (file.problems, file.control_sum, file.sender_key) == ((), "125.51", f"LEI:{LEI}")
    first, second = file.instructions
    assert first.remittance == REMITTANCE
    assert (first.creditor, first.debtor) == (CREDITOR, DEBTOR)
    assert (first.uetr, second.amount.minor) == (TRANSFER.uetr, 1)


def test_a_transfer_between_banks_reads_as_it_was_meant() -> None:
    later = replace(TRANSFER, settle_on=datetime.date(2026, 12, 1), end_to_end_id="E2E-2", remittance=None)
    for transfers in ([TRANSFER], [TRANSFER, later]):
        data = write_transfers(transfers, message_id="M-1", instructing=BANK, instructed=NEXT, created=NOW)
        assert assert_valid(data) == "pacs.008.001.08"
        found = [line.transfer for line in read_transfers(data).lines]
        assert found[0] == TRANSFER
        assert [each.settle_on for each in found if each] == [each.settle_on for each in transfers]


def test_a_wrong_payment_among_banks_payments_is_named_and_the_others_stand() -> None:
    data = write_transfers([TRANSFER] * 2, message_id="M-1", instructing=BANK, instructed=NEXT)
    wrong = data.replace(CREDITOR_IBAN.encode(), b"GB83WEST12345698765432", 1)
    first, second = read_transfers(wrong).lines
    assert [each.code for each in first.problems] == ["AC03"]
    assert first.problems[0].path.endswith("/CdtTrfTxInf[1]/CdtrAcct/Id/IBAN")
    assert second.transfer == TRANSFER


@pytest.mark.parametrize(
    "wrong",
    [
        {"end_to_end_id": ""},
        {"end_to_end_id": "x" * 36},
        {"charge_bearer": "MINE"},
        {"uetr": None},
        {"transaction_id": "x" * 36},
        {"creditor_agent": Agent(bic="no BIC")},
    ],
)
def test_what_the_standard_does_not_allow_is_not_written(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageNotWritable) as caught:
        write_transfers([replace(TRANSFER, **wrong)], message_id="M", instructing=BANK, instructed=NEXT)
    assert caught.value.details["name"].startswith("pacs.008")


def test_payments_of_two_debtors_make_no_payment_file() -> None:
    other = replace(TRANSFER, debtor=CREDITOR)
    with pytest.raises(MessageNotWritable):
        write_payment_file([TRANSFER, other], message_id="M-1", sender=DEBTOR)


# --- pain.002 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "answer"), [("03", "03"), ("09", "12"), ("11", "12")])
def test_a_report_answers_in_the_version_that_belongs_to_the_file(version: str, answer: str) -> None:
    uetr = None if version == "03" else UETR
    file = read_payment_file(file_of(Pay("A", uetr=uetr), Pay("B", instruction_id="I"), version=version), today=NOW)
    lines = [
        StatusLine(payment_id="BLOCK-1", instruction_id=None, end_to_end_id="A", uetr=uetr, status="ACSC"),
        StatusLine(
            payment_id="BLOCK-1",
            instruction_id="I",
            end_to_end_id="B",
            uetr=None,
            status="RJCT",
            reasons=(("AC03", "long " * 60), ("NARR", "and this")),
        ),
    ]
    data = write_status(
        file.name,
        message_id="S-1",
        original_message_id=file.message_id,
        count=2,
        control_sum="251.00",
        lines=lines,
        sender=Party(name="Bank"),
        created=NOW,
    )
    assert assert_valid(data) == f"pain.002.001.{answer}"
    found = read_status(data)
    assert (found.original_message_id, found.group_status) == ("MSG-1", "PART")
    assert list(found.lines) == lines


def test_a_status_report_that_is_not_what_the_standard_allows_decides_nothing() -> None:
    data = write_status(
        read_payment_file(file_of(Pay()), today=NOW).name,
        message_id="S",
        original_message_id="M",
        count=1,
        control_sum=None,
        lines=[StatusLine(payment_id="B", instruction_id=None, end_to_end_id="A", uetr=None, status="RJCT")],
    )
    with pytest.raises(MalformedMessage) as caught:
        read_status(data.replace(b"OrgnlEndToEndId", b"OrgnlEndToEnd"))
    assert caught.value.details["problems"]


# --- pacs.004, camt.056 ----------------------------------------------------------------------------------------------


def named(data: bytes) -> str:
    """No package has the standard's whole XSD of these two. What judges them is what refuses to write them wrong, which
    test_checking.py holds against the XSDs of the others."""
    return str(parse(data).name)


ORIGINAL = Original(
    message_id="M-1",
    message_name="pacs.008.001.08",
    end_to_end_id="E2E-1",
    transaction_id="T-1",
    uetr=uuid.UUID(UETR),
    amount=Money("125.50", "USD"),
    settled_on=DAY,
)


def test_a_return_reads_as_it_was_meant() -> None:
    back = Return(return_id="R-1", original=ORIGINAL, amount=Money("120.00", "USD"), reason="AC04", settle_on=DAY)
    data = write_returns([back, replace(back, return_id="R-2")], message_id="M", instructing=NEXT, instructed=BANK)
    assert named(data) == "pacs.004.001.11"
    assert [line.item for line in read_returns(data).lines] == [back, replace(back, return_id="R-2")]
    wrong = data.replace(b">120.00<", b">120.001<", 1)
    first, second = read_returns(wrong).lines
    assert ([each.code for each in first.problems], second.item is not None) == (["AM12"], True)


def test_a_recall_reads_as_it_was_meant() -> None:
    recall = Recall(recall_id="C-1", original=ORIGINAL, reason="FRAD", information="not theirs")
    data = write_recalls([recall], message_id="M-1", assigner=NEXT, assignee=BANK, created=NOW)
    assert named(data) == "camt.056.001.08"
    assert [line.item for line in read_recalls(data).lines] == [recall]


# --- camt.052, camt.053, camt.054, MT940 -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """As a ledger has it."""

    block: int
    log_index: int
    amount_minor: int
    end_to_end_id: str | None
    at: int = 1_795_953_600
    tx_hash: str = "0x" + "ab" * 32
    kind: str = "PAYMENT"
    counterparty: int | None = 7
    reference: str | None = "0x" + "cd" * 32
    uetr: uuid.UUID | None = None
    deposit_reference: str | None = None
    remittance: Remittance | None = None


SINCE = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
ENTRIES = [
    Entry(12, 0, 50_000_000, None, deposit_reference="DEP-1", kind="DEPOSIT", counterparty=None),
    Entry(13, 4, -12_550, "E2E-1", uetr=uuid.UUID(UETR), remittance=REMITTANCE),
    Entry(14, 9, 1, "E" * 35),
]


def statement(kind: str, entries: list[Entry] = ENTRIES, opening: int = 100, currency: str = "USD") -> bytes:
    moved = sum(each.amount_minor for each in entries)
    return write_statement(
        kind,
        message_id="STMT-1",
        account=Account(number="PYJPM-7-USD"),
        owner=DEBTOR,
        currency=currency,
        entries=entries,
        since=SINCE,
        until=UNTIL,
        opening=Money.from_minor(opening, currency),
        closing=Money.from_minor(opening + moved, currency),
        servicer=BANK,
        created=NOW,
    )


@pytest.mark.parametrize("kind", ["camt.052", "camt.053", "camt.054"])
def test_a_statement_reads_as_it_was_meant(kind: str) -> None:
    data = statement(kind)
    assert assert_valid(data) == f"{kind}.001.08"
    message = read_bank_message(data)
    (report,) = message.reports
    assert (report.problems, report.rejected, report.currency) == ((), (), "USD")
    assert report.account == Account(number="PYJPM-7-USD")
    signed = [each.amount.minor if each.credit else -each.amount.minor for each in report.entries]
    assert signed == [each.amount_minor for each in ENTRIES]
    assert [each.reference for each in report.entries] == ["12-0", "13-4", "14-9"]
    transactions = [each.transactions[0] for each in report.entries]
    assert [each.end_to_end_id for each in transactions] == ["NOTPROVIDED", "E2E-1", "E" * 35]
    assert (transactions[1].uetr, transactions[1].remittance) == (uuid.UUID(UETR), REMITTANCE)
    assert (transactions[1].creditor.customer, transactions[1].debtor) == ("7", DEBTOR)
    codes = {"camt.052": {"OPBD", "ITBD"}, "camt.053": {"OPBD", "CLBD"}, "camt.054": set()}
    assert set(report.balances) == codes[kind]


def test_amounts_come_through_to_the_last_unit_in_every_currency() -> None:
    seed = 20_261_129
    print("seed", seed)
    chance = random.Random(seed)
    for currency in ("JPY", "USD", "BHD", "CLF"):
        most = 10**17
        entries = [Entry(n, n, chance.randint(-most, most) // 40, f"E{n}") for n in range(40)]
        data = statement("camt.053", entries, opening=-7, currency=currency)
        assert_valid(data)
        (report,) = read_bank_message(data).reports
        assert report.problems == ()
        signed = [each.amount.minor if each.credit else -each.amount.minor for each in report.entries]
        assert signed == [each.amount_minor for each in entries]


def test_a_statement_that_does_not_add_up_is_not_written_and_is_said_when_read() -> None:
    with pytest.raises(MessageNotWritable):
        write_statement(
            "camt.053",
            message_id="S",
            account=Account(number="1"),
            owner=DEBTOR,
            currency="USD",
            entries=ENTRIES,
            since=SINCE,
            until=UNTIL,
            opening=Money("1.00", "USD"),
            closing=Money("1.00", "USD"),
        )
    altered = statement("camt.053").replace(b">125.50<", b">125.51<")
    (report,) = read_bank_message(altered).reports
    assert [each.code for each in report.problems] == ["AM10"]


def test_an_entry_that_cannot_be_used_is_named_and_the_others_stand() -> None:
    data = statement("camt.053").replace(b'<Amt Ccy="USD">125.50</Amt>', b'<Amt Ccy="USD">125.501</Amt>', 1)
    (report,) = read_bank_message(data).reports
    assert [each.reference for each in report.entries] == ["12-0", "14-9"]
    assert [each.code for each in report.rejected[0].problems] == ["AM12"]
    assert report.rejected[0].path == "/Document/BkToCstmrStmt/Stmt/Ntry[2]"


def test_transactions_that_do_not_come_to_their_entry_are_said() -> None:
    data = statement("camt.054")
    start, end = data.index(b"<TxDtls>"), data.index(b"</TxDtls>") + len(b"</TxDtls>")
    twice = data[:end] + data[start:end] + data[end:]
    assert_valid(twice)
    (report,) = read_bank_message(twice).reports
    assert [each.code for each in report.rejected[0].problems] == ["AM09"]


def test_a_mt940_reads_as_it_was_meant() -> None:
    moved = sum(each.amount_minor for each in ENTRIES)
    arguments = {
        "reference": "STMT-1",
        "account": Account(iban=DEBTOR_IBAN),
        "opening": Money.from_minor(100, "USD"),
        "closing": Money.from_minor(100 + moved, "USD"),
        "since": SINCE,
        "until": UNTIL,
    }
    said = write_mt940(ENTRIES, **arguments)
    assert all(len(line) <= 65 for line in said.split("\r\n") if not line.startswith(":"))
    report = read_mt940(said)
    assert report.problems == ()
    signed = [each.amount.minor if each.credit else -each.amount.minor for each in report.entries]
    assert signed == [each.amount_minor for each in ENTRIES]
    assert [each.transactions[0].end_to_end_id for each in report.entries] == [None, "E2E-1", "E" * 35]
    assert [each.reference for each in report.entries] == ["12-0", "13-4", "14-9"]
    assert report.balances["CLBD"] == arguments["closing"]
    altered = read_mt940(said.replace("D125,50", "D125,51"))
    assert [each.code for each in altered.problems] == ["AM10"]
    with pytest.raises(MalformedMessage) as caught:
        read_mt940(said.replace("D125,50", "D125,5A"))
    assert said.split("\r\n")[caught.value.details["line"] - 1].startswith(":61:2611291129D125,50")
    for text in ("", "/etc/passwd", "a\nb", said + said, said.replace(":62F:", ":99F:")):
        with pytest.raises(MalformedMessage):
            read_mt940(text)


# --- MT103 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["E2E-1", "E" * 30, "E" * 35, "NOTPROVIDED"])
@pytest.mark.parametrize("amount", [Money("125.50", "USD"), Money(7, "JPY")])
def test_a_mt103_reads_as_it_was_meant(reference: str, amount: Money) -> None:
    said = write_mt103(
        replace(TRANSFER, end_to_end_id=reference, amount=amount), sender="COBADEFF", receiver="NWBKGB2LXXX"
    )
    assert "{121:" + UETR + "}" in said
    assert all(len(line) <= 39 for line in said.split("\n")[1:])
    found = read_mt103(said)
    assert (found.end_to_end_id, found.uetr, found.transaction_id) == (reference, uuid.UUID(UETR), "T-1")
    assert (found.amount, found.settle_on) == (amount, DAY)
    assert (found.debtor_account, found.creditor_account) == (Account(iban=DEBTOR_IBAN), Account(iban=CREDITOR_IBAN))
    assert (found.debtor.name, found.creditor.name) == ("Contoso AG", "Smith + Sohne .Ltd.")
    assert (found.debtor_agent.bic, found.creditor_agent.bic) == ("COBADEFF", "NWBKGB2L")
    assert found.remittance is not None
    assert found.remittance.text == "/INV/4711\n/INV/C-1" + ("\nthank you" if reference != "E" * 35 else "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"transaction_id": "x" * 17},
        {"transaction_id": "a//b"},
        {"transaction_id": "ü"},
        {"uetr": None},
        {"creditor_account": Account()},
        {"creditor_agent": Agent()},
    ],
)
def test_what_does_not_fit_a_mt103_is_not_cut(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageNotWritable):
        write_mt103(replace(TRANSFER, **wrong), sender="COBADEFF", receiver="NWBKGB2L")


def test_no_mt103_is_said_to_be_none() -> None:
    said = write_mt103(TRANSFER, sender="COBADEFF", receiver="NWBKGB2L")
    for text in ("", "garbage", said.replace(":32A:", ":99A:"), said.replace("USD125,50", "XXQ125,50")):
        with pytest.raises(MalformedMessage):
            read_mt103(text)
    with pytest.raises(InvalidBankIdentifier):
        read_mt103(said.replace(CREDITOR_IBAN, "GB83WEST12345698765432"))


# --- identifiers -----------------------------------------------------------------------------------------------------


def test_identifiers_are_checked_and_never_quoted() -> None:
    assert check_iban("GB82 WEST 1234 5698 7654 32") == CREDITOR_IBAN
    for given, found in (
        ("CHASUS33", "CHASUS33"),
        ("DEUTDEFFXXX", "DEUTDEFF"),
        ("DEUT DEFF XXX", "DEUTDEFF"),
        ("DEUTDEFF500", "DEUTDEFF500"),
        ("ABCDMXXX", "ABCDMXXX"),  # of Mexico: no branch
    ):
        assert check_bic(given) == found
    assert check_lei(LEI) == LEI
    for check, wrong in ((check_iban, "GB83WEST12345698765432"), (check_bic, "DEUTXXFF"), (check_lei, LEI[:-1] + "6")):
        with pytest.raises(InvalidBankIdentifier) as caught:
            check(wrong)
        assert wrong not in str(caught.value.to_dict())


# --- without the extra -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("lxml", "iso.parse(b'<a/>')"),
        ("lxml", "iso.write_returns([], message_id='M', instructing=iso.Agent(), instructed=iso.Agent())"),
        ("pyiso20022", "iso.parse(b'<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"/>')"),
        ("schwifty", "iso.check_iban('GB82WEST12345698765432')"),
        ("stdnum", "iso.check_lei('529900T8BM49AURSDO55')"),
        ("swiftlib", "iso.read_mt103('')"),
        ("mt940", "iso.read_mt940('')"),
    ],
)
def test_without_the_extra_it_says_what_to_install(module: str, call: str) -> None:
    script = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import pyjpm.iso20022 as iso\nfrom pyjpm.errors.iso20022 import Iso20022ExtraMissing\n"
        f"try:\n    {call}\nexcept Iso20022ExtraMissing as error:\n    print(error.hint)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "pip install 'pyjpm[iso20022]'"
