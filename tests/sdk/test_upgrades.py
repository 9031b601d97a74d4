"""Replacing code: announced, tested in its own transaction, and everything is where it was."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from pyjpm import LocalSigner, Money, Platform
from pyjpm.chain import DevClock
from pyjpm.contracts import artifacts, layouts
from pyjpm.contracts.artifacts import Artifact
from pyjpm.errors.contracts import ContractError
from pyjpm.errors.deployment import CodeDiffers
from pyjpm.errors.openzeppelin import AccessManagerNotReady, AccessManagerNotScheduled, MissingRole
from pyjpm.errors.upgrades import LayoutBroken, LayoutUnknown, NotUpgradable, UpgradeChangedAnswer, UpgradeNotNewer
from pyjpm.testing import backed_platform, new_company
from pyjpm.upgrades import Implementation

DELAY = 3600


def versioned(name: str, version: str) -> Artifact:
    """The code of this release under another version that ends with 0: solc leaves out its last four bits."""
    code = artifacts.load(name)
    old, new = (f"640{text.encode().hex().removesuffix('0')}" for text in ("1.0.0", version))
    assert len(old) == len(new)
    assert code.bytecode.count(old) == 1
    return dataclasses.replace(code, bytecode=code.bytecode.replace(old, new))


def shifted(code: Artifact) -> Artifact:
    """The same code, reading its storage one slot off."""
    name = keccak(text=f"pyjpm.storage.{code.name}")
    root = keccak((int.from_bytes(name, "big") - 1).to_bytes(32, "big"))[:31] + b"\0"
    assert code.bytecode.count(root.hex()) > 0
    return dataclasses.replace(code, bytecode=code.bytecode.replace(root.hex(), (root[:31] + b"\1").hex()))


@pytest.fixture(scope="module")
def guarded(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A platform whose upgrades are announced an hour before."""
    journal = tmp_path_factory.mktemp("guarded") / "journal.sqlite"
    with backed_platform(chain.connection(), LocalSigner.generate(), journal=journal) as platform:
        yield platform


@pytest.fixture(scope="module")
def client(guarded: Platform) -> Platform:
    """Who has money, and has paid, before anything changes; from here on the delay is in force."""
    company, payee = new_company(guarded, deposit="100.00"), new_company(guarded)
    company.payments.create(payee.session.wallet, Money("1.00", "USD"), idempotency_key="paid before").wait()
    guarded.governance.freeze_amount(
        company.session.wallet, Money("7.00", "USD"), order="order", idempotency_key="freeze"
    ).wait()
    guarded.governance.grant("UPGRADER", guarded.session.wallet, delay=DELAY, idempotency_key="slow").wait()
    return company


def announced(platform: Platform, new: Implementation) -> None:
    platform.upgrades.schedule(new, idempotency_key=f"announce {new.address}").wait()
    DevClock(platform.connection).advance(DELAY)


@pytest.mark.parametrize("contract", ["ParticipantRegistry", "Reserve", "USD"])
def test_what_reads_its_storage_wrongly_never_happened(guarded: Platform, client: Platform, contract: str) -> None:
    name = "DepositToken" if contract == "USD" else contract
    lie = guarded.upgrades.deploy(contract, code=shifted(versioned(name, "1.9.0")), idempotency_key=f"lie {contract}")
    announced(guarded, lie)
    with pytest.raises(UpgradeChangedAnswer):
        guarded.upgrades.execute(lie, idempotency_key=f"do lie {contract}")
    assert guarded.session.call(contract, "version") == "1.0.0"
    guarded.record.verify(guarded.connection)


@pytest.mark.parametrize("contract", ["ParticipantRegistry", "Reserve", "EUR"])
def test_an_upgrade_keeps_everything_and_makes_a_new_record(
    guarded: Platform, client: Platform, contract: str, tmp_path: Path
) -> None:
    name = "DepositToken" if contract == "EUR" else contract
    before = client.deposits.balance(currency="EUR"), guarded.reserve.backing("EUR").attested
    new = guarded.upgrades.deploy(contract, code=versioned(name, "1.1.0"), idempotency_key=f"new {contract}")
    assert new.version == "1.1.0"
    with pytest.raises(AccessManagerNotScheduled):
        guarded.upgrades.execute(new, idempotency_key=f"unannounced {contract}")
    guarded.upgrades.schedule(new, idempotency_key=f"announce {contract}").wait()
    due = guarded.governance.due(guarded.session.wallet, contract, "upgradeToAndCall", new.address, b"")
    assert due is not None
    clock = DevClock(guarded.connection)
    clock.mine_at(due - 1)
    with pytest.raises(AccessManagerNotReady):
        guarded.upgrades.execute(new, idempotency_key=f"early {contract}")
    clock.mine_at(due)
    guarded.upgrades.execute(new, idempotency_key=f"upgrade {contract}").wait()
    assert guarded.session.call(contract, "version") == "1.1.0"
    assert (client.deposits.balance(currency="EUR"), guarded.reserve.backing("EUR").attested) == before
    with pytest.raises(CodeDiffers):
        guarded.record.verify(guarded.connection)
    record = guarded.upgrades.record(new)
    record.save(tmp_path / "new.json")
    with Platform.connect(guarded.connection, tmp_path / "new.json") as reader:
        assert reader.session.call(contract, "version") == "1.1.0"


def test_payments_go_on_over_the_new_code(guarded: Platform, client: Platform) -> None:
    payee = new_company(guarded).session.wallet
    client.payments.create(payee, Money("2.00", "EUR"), idempotency_key="paid after").wait()
    assert guarded.deposits.balance(payee, currency="EUR").balance == Money("2.00", "EUR")
    assert client.deposits.balance(currency="USD").frozen == Money("7.00", "USD")


def test_a_broken_layout_is_refused_before_anything_is_sent(guarded: Platform, client: Platform) -> None:
    layout: Any = copy.deepcopy(layouts.current()["DepositToken"])
    layout["types"]["struct TokenState"]["members"][3]["label"] = "balances"
    sent = guarded.connection.transaction_count(guarded.session.wallet)
    with pytest.raises(LayoutBroken) as caught:
        guarded.upgrades.deploy("USD", code=versioned("DepositToken", "1.1.0"), layout=layout, idempotency_key="broken")
    assert caught.value.details["member"] == "accounts"
    assert guarded.connection.transaction_count(guarded.session.wallet) == sent


def test_what_cannot_be_upgraded_is_said(
    guarded: Platform, client: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(NotUpgradable):
        guarded.upgrades.check("OrderEscrow")
    with pytest.raises(UpgradeNotNewer):
        guarded.upgrades.deploy("USD", idempotency_key="the same again")
    with pytest.raises(UpgradeNotNewer):
        guarded.upgrades.deploy("USD", code=versioned("DepositToken", "0.9.0"), idempotency_key="back")
    guarded.upgrades.check("USD")
    monkeypatch.setattr(layouts.committed, "__defaults__", (tmp_path,))
    with pytest.raises(LayoutUnknown):
        guarded.upgrades.check("USD")


def test_only_the_upgrader_and_not_against_a_guardian(guarded: Platform, client: Platform) -> None:
    new = guarded.upgrades.deploy("USD", code=versioned("DepositToken", "1.2.0"), idempotency_key="to be cancelled")
    with pytest.raises(ContractError):
        client.upgrades.schedule(new, idempotency_key="client announces")
    with pytest.raises(MissingRole):
        client.upgrades.execute(new, idempotency_key="client executes")
    guarded.upgrades.schedule(new, idempotency_key="announce cancelled").wait()
    guardian = guarded.acting(LocalSigner.generate())
    guarded.governance.grant("GUARDIAN", guardian.session.wallet, idempotency_key="guardian").wait()
    guardian.governance.cancel(
        guarded.session.wallet, "USD", "upgradeToAndCall", new.address, b"", idempotency_key="cancel upgrade"
    ).wait()
    DevClock(guarded.connection).advance(DELAY)
    with pytest.raises(AccessManagerNotScheduled):
        guarded.upgrades.execute(new, idempotency_key="cancelled")
