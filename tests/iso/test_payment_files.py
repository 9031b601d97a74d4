"""A corporate's file becomes payments on a real chain, once each, is answered, and is found again in statements."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from companies import Company
from judges import assert_valid
from samples import CREDITOR_IBAN, DEBTOR_IBAN, LEI, OTHER_IBAN, UETR, Block, File, Pay, file_of

from pyjpm import LocalSigner, Money, Platform
from pyjpm.errors.chain import ChainError
from pyjpm.errors.iso20022 import DuplicateMessage, MessageNotTaken
from pyjpm.iso20022 import Account, Agent, Party, PaymentFiles, read_bank_message, read_status, write_statement
from pyjpm.ledger import Ledger
from pyjpm.remittance import RemittanceKey

Make = Callable[..., Company]


class Directory:
    """Whom identifiers name, as a directory answers."""

    def __init__(self, names: dict[tuple[str, str], int]) -> None:
        self.names = names
        self.asked: list[tuple[str, str]] = []

    def __call__(self, scheme: str, identifier: str) -> int | None:
        self.asked.append((scheme, identifier))
        return self.names.get((scheme, identifier))


@pytest.fixture
def payer(company: Make) -> Company:
    return company(deposit="1000.00")


@pytest.fixture
def payee(company: Make) -> Company:
    return company()


@pytest.fixture
def directory(payer: Company, payee: Company) -> Directory:
    return Directory({("IBAN", DEBTOR_IBAN): payer.id, ("IBAN", CREDITOR_IBAN): payee.id, ("LEI", LEI): payee.id})


@pytest.fixture
def files(journal_url: Any, payer: Company, directory: Directory) -> Any:
    """On SQLite, and on PostgreSQL."""
    with PaymentFiles(journal_url, [payer.platform], resolve=directory, bics=["COBADEFF"]) as opened:
        yield opened


def day_to_come() -> datetime.date:
    """One that has not begun when a test ends, even if midnight passes during it."""
    return datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)


def settled(files: PaymentFiles, name: str, payer: Company) -> list[str]:
    """The statuses of a file's instructions, once what was sent has its end on the chain."""
    for each in files.find(name).instructions:
        if each.submission is not None and each.status == "ACSP":
            payer.platform.payments.get(each.submission).wait()
    return [each.status for each in files.find(name).instructions]


def test_a_file_is_paid_answered_and_found_again_by_its_references(
    bank: Platform, files: PaymentFiles, payer: Company, payee: Company, tmp_path: Path
) -> None:
    others = [str(uuid.uuid4()) for _ in range(3)]
    data = file_of(
        Pay("E2E-1", "125.50", uetr=UETR),
        *(Pay(f"E2E-{n}", f"{n}.0{n}", uetr=each) for n, each in enumerate(others, 2)),
        Pay("E" * 35, "0.01"),
        Pay("E2E-LEI", "10.00", iban=None, bic=None, lei=LEI),
    )
    taken = files.take(data)
    assert settled(files, taken.id, payer) == ["ACSC"] * 6
    total = 12_550 + 202 + 303 + 404 + 1 + 1_000
    assert (payer.balance(), payee.balance()) == (100_000 - total, total)

    report = files.report(files.find(taken.id), bank=Party(name="Bank"))
    assert assert_valid(report) == "pain.002.001.12"
    answer = read_status(report)
    assert (answer.original_message_id, answer.group_status) == ("MSG-1", "ACSC")
    assert [(each.end_to_end_id, each.status) for each in answer.lines][:2] == [("E2E-1", "ACSC"), ("E2E-2", "ACSC")]

    # Payer and payee each find every payment in their statement by what the file called it, to the cent.
    ids = [each.end_to_end_id for each in taken.file.instructions]
    amounts = {each.end_to_end_id: each.amount for each in taken.file.instructions}
    for side, credit in ((payer, False), (payee, True)):
        with Ledger(tmp_path / f"{side.id}.db", bank, keys=[side.key]) as ledger:
            ledger.sync()
            found = ledger.statement(side.id, "USD")
        for kind in ("camt.053", "camt.054", "camt.052"):
            written = write_statement(
                kind,
                message_id=f"STMT-{side.id}",
                account=Account(number=f"PYJPM-{side.id}"),
                owner=Party(name=f"Company {side.id}"),
                currency="USD",
                entries=found.entries,
                since=datetime.datetime.fromtimestamp(0, datetime.UTC),
                until=datetime.datetime.now(datetime.UTC),
                opening=Money.from_minor(found.opening, "USD"),
                closing=Money.from_minor(found.closing, "USD"),
                servicer=Agent(bic="COBADEFF"),
            )
            assert assert_valid(written) == f"{kind}.001.08"
            (account,) = read_bank_message(written).reports
            assert (account.problems, account.rejected) == ((), ())
            by_id = {entry.transactions[0].end_to_end_id: entry for entry in account.entries if entry.credit == credit}
            assert [each for each in ids if each in by_id] == ids
            assert {each: by_id[each].amount for each in ids} == amounts
            assert by_id["E2E-1"].transactions[0].uetr == uuid.UUID(UETR)
            remittance = by_id["E2E-1"].transactions[0].remittance
            assert remittance is not None
            assert remittance.text == "invoice 4711"


def test_the_same_file_again_is_the_same_payments(
    files: PaymentFiles, payer: Company, payee: Company, journal_url: Any, directory: Directory
) -> None:
    data = file_of(Pay("A", "10.00"), Pay("B", "20.00"))
    first = files.take(data)
    settled(files, first.id, payer)
    again = files.take(data)
    assert [each.submission for each in again.instructions] == [each.submission for each in first.instructions]
    # Not even under another spelling of the sender's name, or after our own tables were lost.
    renamed = files.take(File([Block([Pay("A", "10.00"), Pay("B", "20.00")])], sender="CONTOSO Ag").xml())
    with PaymentFiles(None, [payer.platform], resolve=directory) as fresh:
        lost = fresh.take(data)
    for other in (renamed, lost):
        assert [each.submission for each in other.instructions] == [each.submission for each in first.instructions]
    assert payee.balance() == 3_000


def test_an_id_that_was_used_for_other_content_is_refused(files: PaymentFiles, payee: Company, payer: Company) -> None:
    settled(files, files.take(file_of(Pay("A", "10.00"))).id, payer)
    with pytest.raises(DuplicateMessage):
        files.take(file_of(Pay("A", "11.00")))
    with pytest.raises(DuplicateMessage):
        files.take(file_of(Pay("A", "10.00"), Pay("B", "11.00")))
    # Nor does another sender's file of that id pay under the first one's names.
    other = files.take(file_of(Pay("A", "11.00"), sender="Fabrikam"))
    assert [each.status for each in other.instructions] == ["RJCT"]
    assert other.instructions[0].reasons[0][0] == "AM05"
    assert payee.balance() == 1_000


def test_the_good_go_on_and_each_wrong_one_is_told_why_and_where(
    files: PaymentFiles, payer: Company, payee: Company
) -> None:
    data = file_of(
        Pay("good", "10.00"),
        Pay("decimals", "10.001"),
        Pay("digits", "10.00", iban="GB83WEST12345698765432"),
        Pay("too much", "5000.00"),
        Pay("good", "10.00"),
        Pay("no such currency", "10.00", currency="CHF"),
        Pay("also good", "0.02"),
    )
    taken = files.take(data)
    assert settled(files, taken.id, payer) == ["ACSC", "RJCT", "RJCT", "RJCT", "RJCT", "RJCT", "ACSC"]
    assert payee.balance() == 1_002
    answer = read_status(files.report(files.find(taken.id)))
    assert answer.group_status == "PART"
    assert [each.reasons[0][0] if each.reasons else "" for each in answer.lines] == [
        *("", "AM12", "AC03", "AM04", "DU04", "AM03", "")
    ]
    decimals = taken.file.lines[1].problems[0]
    assert f"line {decimals.line}" in answer.lines[1].reasons[0][1]
    assert b"10.001" in data.splitlines()[decimals.line - 1]


def test_a_file_that_does_not_add_up_pays_nothing_and_may_be_sent_anew(files: PaymentFiles, payee: Company) -> None:
    wrong = files.take(file_of(Pay("A", "10.00"), control_sum="10.01"))
    assert wrong.refused
    answer = read_status(files.report(wrong))
    assert (answer.group_status, [each.status for each in answer.lines]) == ("RJCT", ["RJCT"])
    assert answer.group_reasons[0][0] == "AM16"
    assert payee.balance() == 0
    right = files.take(file_of(Pay("A", "10.00"), control_sum="10.00"))
    assert [each.state for each in right.instructions] == ["SENT"]


def test_who_is_not_mapped_waits_for_another_rail(files: PaymentFiles, directory: Directory, payee: Company) -> None:
    # The creditor has a LEI that is here, and wants the money in an account that is not: no guess.
    data = file_of(Pay("out", "10.00", iban=OTHER_IBAN, lei=LEI), Pay("out too", "20.00", iban=OTHER_IBAN))
    taken = files.take(data)
    assert [each.status for each in taken.instructions] == ["PDNG", "PDNG"]
    assert [(name, each.end_to_end_id) for name, each in files.unrouted()] == [(taken.id, "out"), (taken.id, "out too")]
    files.conclude(taken.id, 0, rejected=False, code="NARR", text="SWIFT, M-1")
    files.conclude(taken.id, 1, rejected=True, code="AG01", text="no rail")
    assert [each.status for each in files.find(taken.id).instructions] == ["ACSP", "RJCT"]
    assert files.unrouted() == []
    with pytest.raises(MessageNotTaken):
        files.conclude(taken.id, 0, rejected=True, code="AG01", text="twice")
    # It stays with that rail, also where the creditor is mapped later.
    directory.names[("IBAN", OTHER_IBAN)] = payee.id
    assert [each.state for each in files.take(data).instructions] == ["CONCLUDED", "REJECTED"]
    assert payee.balance() == 0


def test_a_number_of_another_bank_names_nobody_here(files: PaymentFiles, directory: Directory, payee: Company) -> None:
    directory.names[("CUSTOMER", "12345")] = payee.id
    data = file_of(Pay("A", "10.00"), Pay("B", "20.00", bic="COBADEFF"))
    data = data.replace(f"<IBAN>{CREDITOR_IBAN}</IBAN>".encode(), b"<Othr><Id>12345</Id></Othr>")
    assert [each.state for each in files.take(data).instructions] == ["UNROUTED", "SENT"]


def test_only_money_of_whom_we_act_for_is_moved(files: PaymentFiles, directory: Directory, payee: Company) -> None:
    directory.names[("IBAN", OTHER_IBAN)] = payee.id
    strangers = File([Block([Pay("A")], iban=OTHER_IBAN), Block([Pay("B")], "TWO", iban="DE02120300000000202051")])
    taken = files.take(strangers.xml())
    assert [each.reasons[0][0] for each in taken.instructions] == ["AC02", "AC02"]


def test_a_value_date_is_waited_for(files: PaymentFiles, bank: Platform, payee: Company) -> None:
    later = day_to_come()
    data = File([Block([Pay("later", "10.00")], date=later.isoformat())]).xml()
    taken = files.take(data)
    (waiting,) = taken.instructions
    assert (waiting.state, waiting.status) == ("SENT", "PDNG")
    submission = files._platforms[waiting.payer or 0].session.journal.get(waiting.submission or "")
    assert submission.state.value == "SCHEDULED"
    begins = datetime.datetime.combine(later, datetime.time(), datetime.UTC)
    assert submission.not_before == int(begins.timestamp())
    assert payee.balance() == 0


def test_checks_and_unknown_banks_refuse_before_anything_is_signed(
    payer: Company, payee: Company, directory: Directory
) -> None:
    with PaymentFiles(
        None,
        [payer.platform],
        resolve=directory,
        check=lambda each, payee: ("AG01", "listed") if each.end_to_end_id == "bad" else None,
        knows_bank=lambda bic: bic == "NWBKGB2L",
    ) as files:
        taken = files.take(
            file_of(
                Pay("bad", "1.00"),
                Pay("unknown bank", "1.00", iban=OTHER_IBAN, bic="DEUTDEFF"),
                Pay("known bank", "1.00", iban=OTHER_IBAN),
                Pay("good", "1.00"),
            )
        )
        states = [(each.state, each.reasons[0][0] if each.reasons else "") for each in taken.instructions]
    assert states == [("REJECTED", "AG01"), ("REJECTED", "RC04"), ("UNROUTED", "NARR"), ("SENT", "")]


def test_a_payee_that_publishes_no_key_is_refused_rather_than_paid_without_its_references(
    company: Make, payer: Company, directory: Directory
) -> None:
    directory.names[("IBAN", OTHER_IBAN)] = company(sealed=False).id
    with PaymentFiles(None, [payer.platform], resolve=directory) as files:
        (refused,) = files.take(file_of(Pay("A", iban=OTHER_IBAN))).instructions
    assert (refused.status, refused.reasons[0][0]) == ("RJCT", "NARR")
    assert "NO_ENCRYPTION_KEY" in refused.reasons[0][1]


def test_the_banks_key_opens_what_it_was_sealed_to(
    bank: Platform, payer: Company, directory: Directory, tmp_path: Path
) -> None:
    key = RemittanceKey.generate()
    with PaymentFiles(None, [payer.platform], resolve=directory, readers=[key.public]) as files:
        settled(files, files.take(file_of(Pay("A", "1.00"))).id, payer)
    with Ledger(tmp_path / "bank.db", bank, keys=[key]) as ledger:
        ledger.sync()
        entries = ledger.statement(payer.id, "USD").entries
    assert [each.end_to_end_id for each in entries if each.amount_minor < 0] == ["A"]


class Dies(ChainError):
    """The way to the chain ends."""

    code = "DIES"
    hint = "none"


@pytest.mark.parametrize("accepted", [False, True])
def test_a_file_is_gone_on_with_after_a_fault_and_nothing_is_paid_twice(
    files: PaymentFiles, payer: Company, payee: Company, monkeypatch: pytest.MonkeyPatch, accepted: bool
) -> None:
    create = payer.platform.payments.create
    calls: list[str] = []

    def dies(*arguments: Any, **options: Any) -> Any:
        calls.append(options["idempotency_key"])
        if len(calls) == 2:
            if accepted:
                create(*arguments, **options)
            raise KeyboardInterrupt if accepted else Dies("gone")
        return create(*arguments, **options)

    monkeypatch.setattr(payer.platform.payments, "create", dies)
    data = file_of(Pay("A", "1.00"), Pay("B", "2.00"), Pay("C", "4.00"))
    with pytest.raises(KeyboardInterrupt if accepted else Dies):
        files.take(data)
    monkeypatch.setattr(payer.platform.payments, "create", create)
    states = [each.state for each in files.find("MSG-1").instructions]
    assert states == ["SENT", "RECEIVED", "RECEIVED"]
    (taken,) = files.carry_on()
    assert settled(files, taken.id, payer) == ["ACSC"] * 3
    assert payee.balance() == 700
    assert files.carry_on() == []


def test_what_ends_badly_on_the_chain_is_reported_as_refused(
    bank: Platform, files: PaymentFiles, payer: Company, payee: Company
) -> None:
    later = day_to_come()
    taken = files.take(File([Block([Pay("A", "1.00")], date=later.isoformat())]).xml())
    payer.platform.outbox.decisions.cancel(
        taken.instructions[0].submission or "", who="ops", reason="the file was wrong"
    )
    (ended,) = files.find(taken.id).instructions
    assert ended.status == "RJCT"
    assert payee.balance() == 0


def test_two_that_take_the_same_file_at_once_pay_it_once(
    journal_url: Any, payer: Company, payee: Company, directory: Directory
) -> None:
    data = file_of(*(Pay(f"E{n}", "1.00") for n in range(6)))

    def take(_: int) -> list[str | None]:
        with PaymentFiles(journal_url, [payer.platform], resolve=directory) as files:
            taken = files.take(data)
            settled(files, taken.id, payer)
            return [each.submission for each in files.find(taken.id).instructions]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(take, range(4)))
    assert [each for each in found if each != found[0]] == []
    assert None not in found[0]
    assert payee.balance() == 600


def test_a_payee_that_has_another_wallet_by_now_is_not_told_that_it_was_not_paid(
    bank: Platform, payer: Company, payee: Company, directory: Directory
) -> None:
    data = file_of(Pay("A", "1.00"))
    with PaymentFiles(None, [payer.platform], resolve=directory) as files:
        first = files.take(data)
        settled(files, first.id, payer)
    new = bank.acting(LocalSigner.generate())
    identity = bank.session.call("ParticipantRegistry", "participantOf", payee.id)["identityHash"]
    unique = new.session.wallet
    bank.participants.link_wallet(
        payee.id, new.participants.wallet_link(identity), idempotency_key=f"link {unique}"
    ).wait()
    change = payee.platform.participants.wallet_change(unique)
    bank.participants.change_wallet(change, idempotency_key=f"change {unique}").wait()
    assert bank.session.wallet_of(payee.id) == unique
    with PaymentFiles(None, [payer.platform], resolve=directory) as lost:
        again = lost.take(data)
    assert [(each.state, each.submission) for each in again.instructions] == [
        ("SENT", first.instructions[0].submission)
    ]
    assert payee.balance() == 100


def test_a_journal_that_was_lost_is_no_refusal_and_the_file_again_pays_nothing_twice(
    bank: Platform, company: Make, payee: Company, directory: Directory, tmp_path: Path
) -> None:
    signer = LocalSigner.generate()
    payer = company(deposit="10.00", signer=signer)
    directory.names[("IBAN", DEBTOR_IBAN)] = payer.id
    later = day_to_come()
    waits = Block([Pay("later", "2.00")], "TWO", date=later.isoformat())
    data = File([Block([Pay("now", "1.00")]), waits]).xml()
    book = tmp_path / "iso.db"
    with PaymentFiles(book, [payer.platform], resolve=directory) as files:
        taken = files.take(data)
        assert settled(files, taken.id, payer) == ["ACSC", "PDNG"]
    fresh = Platform.connect(bank.connection, bank.record, signer=signer, journal=tmp_path / "fresh.db")
    with fresh, PaymentFiles(book, [fresh], resolve=directory) as files:
        lost = files.find(taken.id)
        assert [(each.state, each.status) for each in lost.instructions] == [("SENT", "PDNG")] * 2
        assert all("SUBMISSION_NOT_FOUND" in each.reasons[0][1] for each in lost.instructions)
        read_status(files.report(lost))
        again = files.take(data)
        assert [each.status for each in again.instructions] == ["ACSC", "PDNG"]
        assert again.instructions[1].reasons == ()
    assert payee.balance() == 100


@pytest.mark.parametrize("since", ["nobody is mapped", "no payer is mapped", "screened"])
def test_what_was_accepted_before_a_crash_is_neither_refused_nor_left_to_another_rail(
    payer: Company, payee: Company, directory: Directory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, since: str
) -> None:
    create = payer.platform.payments.create

    def dies(*arguments: Any, **options: Any) -> Any:
        create(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(payer.platform.payments, "create", dies)
    book = tmp_path / "iso.db"
    with PaymentFiles(book, [payer.platform], resolve=directory) as files, pytest.raises(KeyboardInterrupt):
        files.take(file_of(Pay("A", "1.00")))
    monkeypatch.setattr(payer.platform.payments, "create", create)
    check = None
    if since == "screened":
        check = lambda each, payee: ("AG01", "listed")  # noqa: E731
    else:
        del directory.names[("IBAN", DEBTOR_IBAN if since == "no payer is mapped" else CREDITOR_IBAN)]
    with PaymentFiles(book, [payer.platform], resolve=directory, check=check) as files:
        (taken,) = files.carry_on()
        assert (taken.instructions[0].state, taken.instructions[0].payee) == ("SENT", payee.id)
        assert settled(files, taken.id, payer) == ["ACSC"]
    assert payee.balance() == 100


@pytest.mark.parametrize("last", ["who pays", "who refuses"])
def test_of_two_that_take_the_same_file_the_one_that_pays_is_right(
    payer: Company, payee: Company, directory: Directory, tmp_path: Path, last: str
) -> None:
    data, book = file_of(Pay("A", "1.00")), tmp_path / "iso.db"

    def refuses(each: Any, payee: int) -> tuple[str, str]:
        if last == "who refuses":
            other.take(data)
        return "AG01", "listed"

    def pays(each: Any, payee: int) -> None:
        if last == "who pays":
            one.take(data)

    with (
        PaymentFiles(book, [payer.platform], resolve=directory, check=refuses) as one,
        PaymentFiles(book, [payer.platform], resolve=directory, check=pays) as other,
    ):
        taken = (one if last == "who refuses" else other).take(data)
        assert taken.instructions[0].state == "SENT"
        assert settled(other, taken.id, payer) == ["ACSC"]
    assert payee.balance() == 100
