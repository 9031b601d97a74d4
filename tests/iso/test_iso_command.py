"""``pyjpm iso`` on the command line, on a real chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from companies import Company
from judges import assert_valid
from samples import CREDITOR_IBAN, DEBTOR_IBAN, OTHER_IBAN, Pay, file_of

from pyjpm import LocalSigner, Platform
from pyjpm.cli import main
from pyjpm.custody import Keystore
from pyjpm.directory import Directory, Entry, Scheme
from pyjpm.four_eyes import Staff
from pyjpm.iso20022 import read_bank_message, read_status
from pyjpm.ledger import Ledger

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: Any) -> tuple[int, str]:
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_check_says_what_is_wrong_and_where(run: Run, tmp_path: Path) -> None:
    good, wrong = tmp_path / "good.xml", tmp_path / "wrong.xml"
    good.write_bytes(file_of(Pay()))
    wrong.write_bytes(file_of(Pay(), Pay("B", "1.001")))
    assert run("iso", "check", good) == (0, "pain.001.001.09\n")
    code, said = run("iso", "check", wrong, "--json")
    (problem,) = json.loads(said)["problems"]
    assert (code, problem["code"]) == (1, "AM12")
    assert problem["path"] == "/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf[2]/Amt/InstdAmt"
    wrong.write_bytes(b"<!DOCTYPE a><a/>")
    code, said = run("iso", "check", wrong)
    assert (code, said.split(":")[0]) == (1, "MESSAGE_FORBIDDEN")


def test_a_file_is_paid_answered_and_stated(
    run: Run, bank: Platform, chain: Any, company: Callable[..., Company], tmp_path: Path
) -> None:
    keystore = Keystore(tmp_path / "keys", kdf_work=2**12)
    keystore.create("treasury", "pass")
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text("pass")
    payer, payee = company(deposit="100.00", signer=keystore.load("treasury", "pass")), company()
    bank.record.save(tmp_path / "record.json")
    maker, checker = LocalSigner.generate(), LocalSigner.generate()
    staff = Staff(frozenset({maker.address}), frozenset({checker.address}))
    with Directory(tmp_path / "directory.db", staff=staff) as directory:
        for iban, who in ((DEBTOR_IBAN, payer), (CREDITOR_IBAN, payee)):
            entry = Entry(scheme=Scheme.IBAN, identifier=iban, participant=who.id, name="somebody", valid_from=0)
            change = directory.propose(entry, maker=maker, reason="contract", idempotency_key=iban)
            directory.approve(change.id, checker=checker, reason="seen")
    message, report = tmp_path / "run.xml", tmp_path / "answer.xml"
    message.write_bytes(file_of(Pay("A", "12.34"), Pay("B", "1.001"), Pay("C", "5.00", iban=OTHER_IBAN)))
    where = [
        *("--book", tmp_path / "iso.db", "--directory", tmp_path / "directory.db", "--rpc", chain.url),
        *("--record", tmp_path / "record.json", "--keystore", tmp_path / "keys", "--key", "treasury"),
        *("--passphrase-file", tmp_path / "passphrase", "--journal", tmp_path / "treasury.journal", "--json"),
    ]
    code, said = run("iso", "pay", message, *where)
    assert code == 1  # one was refused
    told = json.loads(said)
    assert [each["state"] for each in told["instructions"]] == ["SENT", "REJECTED", "UNROUTED"]
    # Once more, and asked: the same payment.
    run("iso", "pay", message, *where)
    for _ in range(50):
        code, said = run("iso", "status", "MSG-1", *where, "--report", report)
        if json.loads(said)["instructions"][0]["status"] == "ACSC":
            break
    assert_valid(report.read_bytes())
    answer = read_status(report.read_bytes())
    assert [each.status for each in answer.lines] == ["ACSC", "RJCT", "PDNG"]
    assert payee.balance() == 1_234

    with Ledger(tmp_path / "ledger.db", bank) as ledger:
        ledger.sync()
    output = tmp_path / "statement.xml"
    code, said = run(
        *("iso", "statement", "--ledger", tmp_path / "ledger.db", "--participant", payee.id, "--currency", "USD"),
        *("--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z", "--message-id", "S-1"),
        *("--output", output, "--bic", "COBADEFF"),
    )
    assert (code, said) == (0, f"{output}: 1 entries\n")
    assert_valid(output.read_bytes())
    (entry,) = read_bank_message(output.read_bytes()).entries
    assert (entry.amount.minor, entry.credit) == (1_234, True)
