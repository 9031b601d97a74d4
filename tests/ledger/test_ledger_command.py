"""``pyjpm ledger`` and ``pyjpm reconcile``, run as a user runs them."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from planted import UNKNOWN, Entries, bank_side, write
from scene import Scene, usd

from pyjpm.cli import main
from pyjpm.errors.ledger import InvalidBankFile
from pyjpm.ledger import BankEntry, Ledger, read_bank_file
from pyjpm.money import Money

WHERE = str | Path


@dataclasses.dataclass
class Desk:
    """A scene's ledger, record and bank file, by their paths."""

    scene: Scene
    where: WHERE
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        self.record = self.folder / "deployment.json"
        self.scene.bank.record.save(self.record)
        self.chain = ["--rpc", self.scene.bank.connection.where, "--record", str(self.record)]

    def run(self, *arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--ledger", str(self.where), "--json"])
        said = self.capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    def file(self, entries: Entries) -> str:
        path = self.folder / "deposits.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["booked_on", "direction", "amount", "currency", "reference", "end_to_end_id"])
            for each in entries:
                amount = Money.from_minor(each.amount_minor, each.currency).amount
                direction = "credit" if each.credit else "DBIT"
                rows.writerow([each.booked_on, direction, amount, each.currency, each.reference, each.end_to_end_id])
        return str(path)


@pytest.fixture
def desk(scene: Scene, ledger_url: WHERE, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(scene, ledger_url, tmp_path, capsys)


def test_synced_and_read(desk: Desk) -> None:
    code, told = desk.run("ledger", "sync", *desk.chain)
    assert (code, told["taken_back"]) == (0, 0)
    assert told["block"] == desk.scene.bank.connection.head().number
    alice = desk.scene.alice.session.participant
    code, rows = desk.run("ledger", "balances", "--participant", str(alice), "--currency", "USD")
    balance = desk.scene.alice.deposits.balance(currency="USD")
    assert code == 0
    (row,) = rows
    assert Money(row["balance"], "USD") == balance.balance
    assert Money(row["held"], "USD") == balance.held
    code, told = desk.run("ledger", "statement", str(alice), "USD", "--since", "2000-01-01")
    assert (code, told["opening"]) == (0, "0.00")
    assert sum(Money(each["amount"], "USD").minor for each in told["entries"]) == balance.balance.minor
    code, said = desk.run("ledger", "statement", str(alice), "USD", "--since", "2000-01-01T12:00:00")
    assert (code, "time zone" in said) == (1, True)


def test_open_items_from_a_file(desk: Desk) -> None:
    bob, alice = desk.scene.bob.session.participant, desk.scene.alice.session.participant
    key = desk.folder / "key"
    key.write_text("no key")
    key.chmod(0o600)
    code, said = desk.run("ledger", "sync", *desk.chain, "--remittance-key", str(key))
    assert (code, said.split(":")[0]) == (1, "INVALID_ENCRYPTION_KEY")
    key.write_text(_secret(desk, bob))
    key.chmod(0o600)
    code, said = desk.run("ledger", "sync", *desk.chain, "--remittance-key", str(key))
    assert code == 0, said
    items = desk.folder / "items.csv"
    rows = f"{bob},{alice},invoice,INV-1,12.00,USD\n{bob},{alice},invoice,INV-2,5.00,USD\n"
    items.write_text("creditor,debtor,kind,number,amount,currency\n" + rows)
    code, told = desk.run("ledger", "open-items", str(bob), "--items", str(items))
    assert code == 0
    assert [(each["number"], each["open"]) for each in told["items"]] == [("INV-1", "2.00"), ("INV-2", "5.00")]


def test_reconciled(desk: Desk) -> None:
    entries = bank_side(desk.scene)
    code, told = desk.run("reconcile", *desk.chain, "--deposits", desk.file(entries))
    assert (code, told["clean"], told["entries"]) == (0, True, len(entries))
    code, told = desk.run("reconcile", *desk.chain, "--statement", desk.file([*entries[1:], UNKNOWN]))
    assert code == 1
    assert sorted(each["kind"] for each in told["breaks"]) == ["MINT_WITHOUT_DEPOSIT", "UNKNOWN_BANK_ENTRY"]
    assert all(each["remedy"] and each["where"] for each in told["breaks"])
    write(desk.where, "UPDATE ledger_posting SET amount = amount + 1 WHERE kind = 'SEIZED'")
    code, told = desk.run("reconcile", *desk.chain, "--no-sync")
    assert (code, [each["kind"] for each in told["breaks"]]) == (1, ["LEDGER_ROW_ALTERED"])


def test_a_bank_file_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "deposits.csv"
    header = "booked_on,direction,amount,currency,reference\n"
    good = "2026-11-29,credit,10.00,USD,one\n"
    path.write_text(header + good)
    assert read_bank_file(path) == [BankEntry("one", 1_000, "USD", True, read_bank_file(path)[0].booked_on)]
    for row, field in (
        ("29.11.2026,credit,1,USD,x", "booked_on"),
        ("2026-11-29,in,1,USD,x", "direction"),
        ("2026-11-29,credit,1.001,USD,x", "amount"),
        ("2026-11-29,credit,-1,USD,x", "amount"),
        ("2026-11-29,credit,1e3,USD,x", "amount"),
        ("2026-11-29,credit,1,DOGE,x", "currency"),
        ("2026-11-29,credit,1,USD,", "reference"),
        ("2026-11-29", "direction"),
    ):
        path.write_text(header + good + row + "\n")
        with pytest.raises(InvalidBankFile) as caught:
            read_bank_file(path)
        assert (caught.value.details["line"], caught.value.details["field"]) == (3, field)
    path.write_text("booked_on,amount\n")
    with pytest.raises(InvalidBankFile):
        read_bank_file(path)
    with pytest.raises(InvalidBankFile):
        read_bank_file(tmp_path / "nothing.csv")


def test_a_statement_of_the_banks_own_format_is_read(desk: Desk) -> None:
    """A camt.053 with one deposit that was never minted, and nothing of those that were."""
    path = desk.folder / "statement.xml"
    path.write_text(CAMT_053)
    with Ledger(desk.where, desk.scene.bank) as ledger:
        ledger.sync()
    code, told = desk.run("reconcile", *desk.chain, "--statement", str(path), "--since", "2030-01-01")
    assert code == 1
    (found,) = told["breaks"]
    assert (found["kind"], found["where"]) == ("UNKNOWN_BANK_ENTRY", "bank credit BANKREF1")
    assert found["found"] == usd("250.00").minor


def _secret(desk: Desk, participant: int) -> str:
    key = desk.scene.keys[participant]
    return bytes(key._RemittanceKey__secret).hex()  # type: ignore[attr-defined]


CAMT_053 = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-29T20:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2026-11-29T20:00:00Z</CreDtTm><Acct><Id><Othr><Id>1</Id></Othr></Id><Ccy>USD</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>
<Amt Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-29</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>
<Amt Ccy="USD">250.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-29</Dt></Dt></Bal>
<Ntry><NtryRef>1</NtryRef><Amt Ccy="USD">250.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-29</Dt></BookgDt><AcctSvcrRef>BANKREF1</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""
