"""``pyjpm rails``, against a real chain, a real directory and a folder."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from judges import assert_valid
from rails.rails_support import IBAN, instruction, usd

from pyjpm import LocalSigner, Platform
from pyjpm.cli import main
from pyjpm.custody import Keystore
from pyjpm.directory import Directory, Entry, Staff
from pyjpm.rails import parse_rulebook
from pyjpm.testing import new_company

PAGE = Path(__file__).parents[2] / "docs" / "rails.md"


@pytest.fixture
def run(
    bank: Platform, chain: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    keystore = Keystore(Path("keys"), kdf_work=2**12)
    keystore.create("wallet", "pass")
    Path("passphrase").touch(0o600)
    Path("passphrase").write_text("pass")
    new_company(bank, deposit="1000.00", signer=keystore.load("wallet", "pass"))
    bank.record.save(Path("record.json"))
    where = f"--rpc {chain.url} --record record.json --keystore keys --passphrase-file passphrase --journal j.db"

    def command(line: str, staff: str = "--staff staff.toml") -> tuple[int, str, str]:
        asked = f"rails {line} --rules rails.toml --directory d.db --gateway swift {where} {staff}"
        words = re.findall(r"'[^']*'|\S+", asked)
        code = main([word.strip("'") for word in words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def payment(name: str, amount: str, **more: Any) -> None:
    asked = instruction(amount, **more)
    plain = {**asdict(asked), "amount": amount, "requested": asked.requested.isoformat()}
    Path(name).write_text(json.dumps(plain))


def test_explain_pay_change_and_resume(bank: Platform, run: Callable[..., Any], payee: Platform) -> None:
    maker, checker = LocalSigner.generate(), LocalSigner.generate()
    Path("staff.toml").write_text(f'makers = ["{maker.address}"]\ncheckers = ["{checker.address}"]\n')
    staff = Staff.load(Path("staff.toml"))
    with Directory("d.db", staff=staff) as directory:
        entry = Entry.of("IBAN", IBAN, payee.session.participant, "Payee", int(time.time()) - 60, None)
        change = directory.propose(entry, maker=maker, reason="onboarded", idempotency_key="payee")
        directory.approve(change.id, checker=checker, reason="checked")
    Path("rails.toml").write_text('otherwise="SWIFT"\n[[rule]]\nname="on chain"\nrail="TOKEN"\non_chain=true\n')
    payment("small.json", "USD 10.00")
    payment("large.json", "USD 5000.00")
    code, _, err = run("pay small.json --once 'invoice 1'", staff="")
    assert code == 2
    assert "--staff" in err
    code, out, err = run("explain small.json")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "TOKEN (on chain)"
    code, out, _ = run("explain small.json --json")
    assert json.loads(out)["rule"] == "on chain"

    code, out, _ = run("pay small.json --once 'invoice 1' --json")
    assert code == 0
    assert (json.loads(out)["rail"], json.loads(out)["status"]) == ("TOKEN", "PAID")
    assert usd(bank, payee) == 1_000
    code, _, err = run("pay large.json --once 'invoice 2'")
    assert code == 1
    assert "INSUFFICIENT" in err
    code, out, _ = run("change 'invoice 2' --who ada --reason 'no funds on chain'")
    assert code == 0
    assert out.startswith("SWIFT (on chain): SENT, USD 5000.00, reference ")
    assert "TOKEN to LOCKING: ada, no funds on chain" in out
    (message,) = Path("swift/out").iterdir()
    assert assert_valid(message.read_bytes()) == "pacs.008.001.08"
    code, out, _ = run("resume --json")
    assert (code, json.loads(out)) == (0, [])
    payment("wrong.json", "USD 10.00", charges="OUR")
    Path("broken.json").write_text("{}")
    asked = json.loads(Path("small.json").read_text())
    # Unix seconds: no day, though Python would make 1796 of them.
    Path("seconds.json").write_text(json.dumps({**asked, "requested": "1796012767"}))
    for name in ("wrong.json", "broken.json", "seconds.json", "missing.json"):
        code, _, err = run(f"explain {name}")
        assert code == 1
        assert err.startswith("INVALID_INSTRUCTION")


def test_nobody_is_paid_whom_strangers_put_into_the_directory(
    bank: Platform, run: Callable[..., Any], payee: Platform
) -> None:
    """Whoever can write to its database can make two keys."""
    one, other, maker, checker = (LocalSigner.generate() for _ in range(4))
    with Directory("d.db", staff=Staff(frozenset({one.address}), frozenset({other.address}))) as directory:
        entry = Entry.of("IBAN", IBAN, payee.session.participant, "Payee", int(time.time()) - 60, None)
        change = directory.propose(entry, maker=one, reason="why not", idempotency_key="payee")
        directory.approve(change.id, checker=other, reason="why not")
    Path("staff.toml").write_text(f'makers = ["{maker.address}"]\ncheckers = ["{checker.address}"]\n')
    Path("rails.toml").write_text('otherwise = "TOKEN"\n')
    payment("small.json", "USD 10.00")
    code, _, err = run("pay small.json --once 'invoice 1'")
    assert code == 1
    assert err.startswith("BOOK_ALTERED")
    assert usd(bank, payee) == 0


def test_the_pages_rules_are_rules() -> None:
    (rules,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [rule.name for rule in parse_rulebook(rules.encode()).rule][-1] == "regular suppliers"
