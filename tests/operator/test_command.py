"""``pyjpm outbox``: what it prints, what it refuses, and that it looks while a service holds the leases."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from operator_support import usd

from pyjpm import Platform
from pyjpm.cli import main
from pyjpm.custody import Keystore
from pyjpm.errors.chain import NodeUnreachable
from pyjpm.errors.outbox import WalletNotPermitted
from pyjpm.sending import SubmissionState as State
from pyjpm.sending.outcomes import Alarm, Findings
from pyjpm.testing import new_company

LANE = {
    *("wallet", "state", "next_nonce", "chain_nonce", "recover_to", "in_flight", "waiting", "unsettled"),
    *("oldest_age", "alarms"),
}
ROW = {"id", "wallet", "key", "kind", "reference", "nonce", "tx_hash", "created_at", "not_before", "state", "why"}


def test_looking_takes_no_lease_and_says_why_something_waits(
    payer: Platform, seller: Platform, command: Any, chain: Any
) -> None:
    done = payer.payments.create(seller.session.wallet, usd("1.00"), idempotency_key="done").wait(20)
    later = payer.payments.create(
        seller.session.wallet, usd("2.00"), idempotency_key="later", not_before=int(time.time()) + 3600
    )
    told = command("status", "--rpc", chain.url)
    (lane,) = told["lanes"]
    assert set(lane) == LANE
    assert (lane["state"], lane["waiting"], lane["in_flight"]) == ("OK", 1, 0)
    assert lane["next_nonce"] == lane["chain_nonce"] == 1
    (row,) = command("list")
    assert set(row) == ROW
    assert (row["id"], row["state"]) == (later.id, "SCHEDULED")
    assert row["why"].startswith("waits for its value date, 20")
    assert [each["id"] for each in command("list", "--all")] == [done.id, later.id]
    life = command("show", done.id)
    (attempt,) = life["attempts"]
    assert (attempt["kind"], attempt["state"], attempt["tx_hash"]) == ("call", "FINAL", done.tx_hash)
    # The service that holds the lease goes on as before.
    assert payer.payments.create(seller.session.wallet, usd("1.00"), idempotency_key="more").wait(20).tx_hash


def test_a_decision_beside_the_service_is_carried_out_by_it(payer: Platform, seller: Platform, command: Any) -> None:
    later = payer.payments.create(
        seller.session.wallet, usd("2.00"), idempotency_key="later", not_before=int(time.time()) + 3600
    )
    assert command("cancel", later.id, decides=True)[0]["state"] == "CANCELLED"
    code, said = command("cancel", later.id, decides=True, fails=True)
    assert (code, said.split(":")[0]) == (1, "NOT_DECIDABLE")
    assert "pyjpm outbox show" in said
    (row,) = command("trail")
    assert (row["who"], row["act"], row["target"], row["reason"]) == ("Ada", "cancel", later.id, "because")
    assert command("show", later.id)["decisions"] == [row]
    payer.payments.create(seller.session.wallet, usd("1.00"), idempotency_key="more").wait(20)


def test_alarms_are_shown_until_somebody_acknowledges_them(payer: Platform, command: Any) -> None:
    wallet = payer.session.wallet
    error = WalletNotPermitted("Nobody takes it.", wallet=wallet)
    payer.session.journal.outcomes.write(Findings(alarms=[Alarm(error, wallet)]), head=0, now=7)
    (alarm,) = command("alarms")
    assert (alarm["code"], alarm["wallet"], alarm["at"], alarm["cleared_at"]) == (error.code, wallet, 7, None)
    assert command("status")["alarms"] == [alarm]
    command("acknowledge", str(alarm["seq"]), "--who", "Ada", "--reason", "seen")
    assert command("alarms") == []
    (cleared,) = command("alarms", "--all")
    assert cleared["cleared_at"] is not None
    code, said = command("acknowledge", str(alarm["seq"]), "--who", "Ada", "--reason", "seen", fails=True)
    assert (code, said.split(":")[0]) == (1, "NOT_DECIDABLE")


def test_nothing_is_made_where_there_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "no" / "journal.db"
    assert main(["outbox", "status", "--journal", str(missing)]) == 1
    assert capsys.readouterr().err.startswith("JOURNAL_NOT_FOUND")
    assert not missing.parent.exists()


def test_an_empty_database_is_no_journal(postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outbox", "status", "--journal", postgres_url]) == 1
    said = capsys.readouterr().err
    assert said.startswith("JOURNAL_NOT_FOUND")
    assert ":" + postgres_url.split("@")[0].rsplit(":", 1)[1] not in said, "no password is shown"


def test_run_carries_on_with_all_keys_until_nothing_moves(
    bank: Platform, seller: Platform, chain: Any, record: Path, journal_url: str | Path, tmp_path: Path
) -> None:
    store = Keystore(tmp_path / "keys", kdf_work=2)
    store.create("payer", "secret of the tests")
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("secret of the tests\n")
    signer = store.load("payer", "secret of the tests")
    new_company(bank, deposit="100.00", signer=signer)
    with Platform.connect(chain.connection(), record, signer=signer, journal=journal_url) as payer:
        soon = payer.payments.create(
            seller.session.wallet, usd("2.00"), idempotency_key="soon", not_before=int(time.time()) + 2
        )
        assert payer.session.journal.get(soon.id).state is State.SCHEDULED
        time.sleep(2.1)
        arguments = ["--journal", str(journal_url), "--rpc", chain.url, "--record", str(record)]
        keys = ["--keystore", str(tmp_path / "keys"), "--passphrase-file", str(secret), "--until-idle"]
        assert main(["outbox", "run", *arguments, *keys]) == 0
        assert payer.session.journal.get(soon.id).state is State.FINAL
        assert str(seller.deposits.balance(currency="USD").balance.amount) == "2.00"


def test_a_node_that_is_not_there_is_an_error_with_its_remedy(payer: Platform, record: Path, command: Any) -> None:
    code, said = command("status", "--rpc", "http://127.0.0.1:9", fails=True)
    assert (code, said.split(":")[0]) == (1, NodeUnreachable.code)
    assert "secret" not in said
