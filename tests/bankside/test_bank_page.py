"""docs/bank.md: its examples run as they stand, and its commands do on a real chain what the page says."""

from __future__ import annotations

import json
import re
import shlex
import uuid
from pathlib import Path
from typing import Any

import pytest
from bank_messages import CLIENT_IBAN, STRANGER_IBAN, Entry, notice
from house import House, dollars

from pyjpm import LocalSigner, Platform
from pyjpm.bank import PayoutDetails
from pyjpm.bank.config import accounts_from, channel_from
from pyjpm.cli import main
from pyjpm.contracts.sources import project_root
from pyjpm.custody import Keystore
from pyjpm.directory import Directory, Staff
from pyjpm.directory import Entry as Mapping
from pyjpm.errors.bank import BankConfigInvalid
from pyjpm.iso20022 import Account, Agent, Original, Party, Recall, write_recalls
from pyjpm.testing import backed_platform, new_company

PAGE = (project_root() / "docs" / "bank.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(CONFIG,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^pyjpm bank ([a-z-]+)", PAGE, re.MULTILINE)


class Mapped:
    def __init__(self, names: dict[str, int]) -> None:
        self.names = names

    def resolve(self, scheme: str, identifier: str) -> int | None:
        return self.names.get(identifier)


def test_its_examples_run_as_they_stand(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    reference = uuid.uuid4().hex
    given: dict[str, Any] = {
        "platform": house.bank,
        "treasury": house.treasury,
        "client": house.client,
        "participant": house.participant,
        "amount": dollars("1.25"),
        "directory": Mapped(house.names),
        "camt054": notice(
            "M-1", Entry(reference, "10.00"), Entry(reference[:9], "5.00", debtor_iban=STRANGER_IBAN, number="2")
        ),
    }
    taking, redeeming = EXAMPLES
    exec(taking, given)
    assert f"{reference[:9]} USD 5.00 UNMATCHED" in capsys.readouterr().out
    exec(redeeming, given)
    assert capsys.readouterr().out.strip() in ("INSTRUCTING", "TOLD")


class Bench:
    """The commands, on a platform of their own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, line: str, *, code: int = 0) -> Any:
        said = main(["bank", *shlex.split(line), "--config", str(self.folder / "bank.toml"), "--json"])
        told = self._capsys.readouterr()
        assert said == code, told
        return json.loads(told.out) if told.out else told.err

    def carry_on(self) -> None:
        assert main(["bank", "carry-on", "--config", str(self.folder / "bank.toml")]) == 0

    def until(self, command: str, name: str, state: str) -> dict[str, Any]:
        for _ in range(40):
            self.carry_on()
            found: list[dict[str, Any]] = [each for each in self(command) if name in each.values()]
            if found and found[0]["state"] == state:
                return found[0]
        raise AssertionError(found)


def test_its_commands_work(chain: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = Keystore(tmp_path / "keys", kdf_work=2**12)
    for name in ("bank", "treasury"):
        keys.create(name, "pass")
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text("pass")
    signer = keys.load("bank", "pass")
    with backed_platform(
        chain.url, signer, record=tmp_path / "deployment.json", journal=tmp_path / "bank.journal", currencies=("USD",)
    ) as platform:
        new_company(platform, signer=keys.load("treasury", "pass"))
        client = new_company(platform)
        participant = client.session.participant
        with Platform.connect(
            chain.url, tmp_path / "deployment.json", signer=client.session.signer, journal=tmp_path / "client.journal"
        ) as own:
            details = PayoutDetails.make(Party(name="Contoso"), Account(iban=CLIENT_IBAN), Agent(bic="NWBKGB2L"))
            maker, checker = LocalSigner.generate(), LocalSigner.generate()
            staff = Staff(frozenset({maker.address}), frozenset({checker.address}))
            with Directory(tmp_path / "directory.db", staff=staff) as directory:
                change = directory.propose(
                    Mapping.of("IBAN", CLIENT_IBAN, participant, "Contoso", valid_from=0),
                    maker=maker,
                    reason="contract",
                    idempotency_key="1",
                )
                directory.approve(change.id, checker=checker, reason="seen")
            platform.close()
            work(Bench(tmp_path, capsys), own, participant, details, chain.url)


def work(bench: Bench, client: Platform, participant: int, details: PayoutDetails, url: str) -> None:
    """A day at the bank, by commands alone."""
    folder = bench.folder
    (folder / "bank.toml").write_text(CONFIG.replace("http://127.0.0.1:8545", url))

    def taken(data: bytes, *, code: int = 0) -> Any:
        (folder / "message.xml").write_bytes(data)
        return bench(f"take {folder / 'message.xml'}", code=code)

    uetr = str(uuid.uuid4())
    taken(
        notice(
            "M-1",
            Entry("DEP-1", "100.00", uetr=uetr),
            Entry("DEP-2", "5.00", debtor_iban=STRANGER_IBAN, number="2"),
            Entry("DEP-3", "6.00", debtor_iban=STRANGER_IBAN, number="3"),
            Entry("FEE-1", "1.00", credit=False, number="4"),
        )
    )
    bench.until("entries", "DEP-1", "DONE")
    assert {each["reference"]: each["reason_code"] for each in bench("suspense")} == {
        "DEP-2": "UNMATCHED",
        "DEP-3": "UNMATCHED",
        "FEE-1": "UNKNOWN_DEBIT",
    }
    bench(f"assign DEP-2 {participant} --who ops --reason letter")
    bench.until("entries", "DEP-2", "DONE")
    (back,) = bench("send-back DEP-3 --who ops --reason unknown")
    bench("close FEE-1 --who ops --reason fee")
    assert "ENTRY_NOT_IN_SUSPENSE" in bench("close FEE-1 --who ops --reason fee", code=1)
    assert client.deposits.balance(currency="USD").balance == dollars("105.00")

    redemption = client.deposits.request_redemption(
        dollars("5.00"), payout=details.hash, idempotency_key="redeem"
    ).wait()
    (folder / "details.json").write_text(json.dumps(details.to_dict()))
    (ordered,) = bench(
        f"payout {participant} {redemption.reference} --details {folder / 'details.json'} --currency USD"
    )
    bench.until("payouts", ordered["outside"], "TOLD")
    taken(
        notice(
            "D-1",
            Entry("DEB-1", "5.00", credit=False, end_to_end_id=ordered["outside"]),
            Entry("DEB-2", "6.00", credit=False, end_to_end_id=back["payout"], number="2"),
        )
    )
    bench.until("payouts", ordered["outside"], "SETTLED")
    assert "PAYOUT_NOT_STUCK" in bench(f"retry {ordered['outside']} --who ops --reason again", code=1)
    bench.until("entries", "DEP-3", "RETURNED")
    names = sorted(path.stem for path in (folder / "to-bank" / "outgoing").glob("*.xml"))
    assert names == sorted([ordered["outside"], back["payout"]])

    recall = Recall(recall_id="CXL-1", original=Original(uetr=uuid.UUID(uetr)), reason="FRAD")
    taken(write_recalls([recall], message_id="R-1", assigner=Agent(bic="NWBKGB2L"), assignee=Agent(bic="COBADEFF")))
    bench.until("recalls", "CXL-1", "FROZEN")
    bench("lift CXL-1 --who ops --reason theirs")
    bench.until("recalls", "CXL-1", "LIFTED")
    assert "RECALL_NOT_OPEN" in bench("reverse CXL-1 --who ops --reason fraud", code=1)
    (told,) = taken(notice("X-1", Entry("DEP-1", "99.00")), code=1)
    assert [each["code"] for each in told["problems"]] == ["REFERENCE_USED"]
    assert [each["act"] for each in bench("decisions")] == [f"assign to {participant}", "send back", "close", "lift"]


def test_it_names_every_command() -> None:
    from pyjpm.cli import bank

    named = {
        command.name or (command.callback.__name__ if command.callback else "")
        for command in bank.app.registered_commands
    }
    assert set(COMMANDS) == named


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"account": []},
        {"account": [{"iban": "DE88370400440532013000", "currency": "USD"}]},
        {"account": [{"iban": "DE89370400440532013000"}]},
        {"account": [{"number": "1", "currency": "XXQ"}]},
        {"account": [{"number": "1", "currency": "USD", "bic": "DEUTXXFF"}]},
        {"account": [{"number": "1", "currency": "USD", "colour": "red"}]},
    ],
)
def test_a_wrong_account_is_named(said: dict[str, Any]) -> None:
    with pytest.raises(BankConfigInvalid):
        accounts_from(said)


def test_a_wrong_channel_is_named(tmp_path: Path) -> None:
    assert channel_from({}, tmp_path) is None
    for said in (
        {},
        {"folder": "a", "message": "MT103"},
        {"folder": "a", "message": "pacs.008"},
        {"folder": "a", "x": 1},
    ):
        with pytest.raises(BankConfigInvalid):
            channel_from({"channel": said}, tmp_path)
