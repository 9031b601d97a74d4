"""Deploying, connecting, and what is refused before anything is sent."""

from __future__ import annotations

import dataclasses
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from orders import key

from pyjpm import DeploymentRecord, LocalAnvil, LocalSigner, Money, Platform
from pyjpm.errors.chain import NodeUnreachable, NotADevelopmentChain
from pyjpm.errors.deployment import (
    CodeDiffers,
    InvalidRequest,
    MalformedRecord,
    ReadOnlyClient,
    RecordExists,
    RecordNotFound,
    RecordOfOtherChain,
    VersionUnsupported,
)
from pyjpm.errors.sending import StillPending
from pyjpm.testing import backed_platform, new_company


def test_the_platform_stands_on_the_chain_that_was_asked_for(chain: Any, bank: Platform) -> None:
    assert bank.connection.genesis_hash == chain.connection().genesis_hash


def test_a_record_is_written_and_found_again(bank: Platform, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    bank.record.save(path)
    assert DeploymentRecord.load(path) == bank.record
    with pytest.raises(RecordExists):
        bank.record.save(path)
    with Platform.connect(bank.connection, path) as reader:
        assert reader.deposits.supply("USD") == bank.deposits.supply("USD")
        with pytest.raises(ReadOnlyClient):
            reader.payments.create(1, Money("1.00", "USD"), idempotency_key="x")


def test_a_record_that_does_not_fit_is_refused(bank: Platform, tmp_path: Path) -> None:
    record, connection = bank.record, bank.connection

    def connect(changed: DeploymentRecord) -> None:
        Platform.connect(connection, changed)

    with pytest.raises(RecordOfOtherChain):
        connect(dataclasses.replace(record, chain_id=1))
    with pytest.raises(RecordOfOtherChain):
        connect(dataclasses.replace(record, genesis_hash="0x" + 64 * "1"))
    escrow = record.contracts["OrderEscrow"]
    with pytest.raises(CodeDiffers):
        connect(
            dataclasses.replace(
                record,
                contracts={**record.contracts, "OrderEscrow": dataclasses.replace(escrow, code_hash="0x" + 64 * "2")},
            )
        )
    moved = dataclasses.replace(escrow, address=LocalSigner.generate().address)
    with pytest.raises(CodeDiffers):
        connect(dataclasses.replace(record, contracts={**record.contracts, "OrderEscrow": moved}))
    with pytest.raises(RecordNotFound):
        Platform.connect(connection, tmp_path / "none.json")
    for text in ("{", "{}", '{"format": 99}', json.dumps({**record.to_dict(), "extra": 1})):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(MalformedRecord):
            Platform.connect(connection, tmp_path / "bad.json")


def test_contract_versions_outside_the_range_are_refused(bank: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjpm.record.SUPPORTED_VERSIONS", ((2, 0, 0), (3, 0, 0)))
    with pytest.raises(VersionUnsupported):
        Platform.connect(bank.connection, bank.record)


def test_every_contract_has_code_and_stands_under_its_roles(bank: Platform) -> None:
    for deployed in [*bank.record.contracts.values(), *bank.record.tokens.values()]:
        assert bank.connection.web3.eth.get_code(deployed.address)
    assert bank.governance.has_role("ISSUER", bank.session.wallet)
    assert not bank.governance.has_role("ISSUER", LocalSigner.generate().address)
    for contract in ("OrderEscrow", "Settlement", "PaymentRules"):
        assert bank.governance.notary_state("USD", bank.record.address(contract)) == "ACTIVE"


def test_the_way_down_reads_the_same(bank: Platform, buyer: Platform) -> None:
    token = bank.contract("USD")
    assert token.functions.decimals().call() == 2
    balance = token.functions.balanceOf(buyer.session.wallet).call()
    assert balance == buyer.deposits.balance(currency="USD").balance.minor


def test_limits_of_patience_are_per_client_and_per_call(bank: Platform) -> None:
    impatient = bank.with_options(timeout=0.5, max_retries=0)
    assert impatient.session.timeout == 0.5
    assert bank.session.timeout != 0.5
    assert impatient.deposits.supply("USD") == bank.deposits.supply("USD")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_node_that_is_down_is_said_to_be_down(bank: Platform, free_port: int) -> None:
    with pytest.raises(NodeUnreachable) as caught:
        Platform.connect(f"http://user:secret@127.0.0.1:{free_port}", bank.record, max_retries=0)
    assert "secret" not in str(caught.value)
    assert str(free_port) in str(caught.value)


class TestOnAnvil:
    """What needs a chain that outlives its client, or that does not mine at once."""

    @pytest.fixture(scope="class")
    @classmethod
    def anvil(cls) -> Any:
        with LocalAnvil() as started:
            yield started

    def test_deploying_writes_a_record_that_others_connect_with(self, anvil: LocalAnvil, tmp_path: Path) -> None:
        path, signer = tmp_path / "record.json", LocalSigner.generate()
        with backed_platform(anvil.url, signer, record=path) as bank:
            company = new_company(bank, deposit="5.00")
            wallet, participant = company.session.signer, company.session.participant
        with pytest.raises(RecordExists):
            Platform.deploy(anvil.url, signer, record=path)
        with Platform.connect(anvil.url, path, signer=wallet, journal=tmp_path / "company.sqlite") as again:
            assert again.session.participant == participant
            assert again.deposits.balance(currency="USD").available == Money("5.00", "USD")

    def test_acting_without_a_journal_is_refused(self, anvil: LocalAnvil) -> None:
        with pytest.raises(InvalidRequest):
            Platform.deploy(anvil.url, LocalSigner.generate())

    def test_an_interrupted_deployment_goes_on(self, anvil: LocalAnvil, tmp_path: Path) -> None:
        signer, steps = LocalSigner.generate(), []

        def stop_half_way(step: str) -> None:
            steps.append(step)
            if len(steps) == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Platform.deploy(anvil.url, signer, record=tmp_path / "r.json", progress=stop_half_way)
        sent = anvil.connection().transaction_count(signer.address)
        with Platform.deploy(anvil.url, signer, record=tmp_path / "r.json") as bank:
            submissions = list(bank.session.journal.list())
            assert len({each.nonce for each in submissions}) == len(submissions)
            assert anvil.connection().transaction_count(signer.address) == len(submissions) > sent

    def test_waiting_for_a_chain_that_does_not_mine_is_no_failure(self, anvil: LocalAnvil, tmp_path: Path) -> None:
        with backed_platform(anvil.url, LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank:
            buyer, seller = new_company(bank, deposit="5.00"), new_company(bank)
            clock = anvil.clock()
            clock.automine(False)
            payment = buyer.payments.create(seller.session.wallet, Money("1.00", "USD"), idempotency_key=key("p"))
            assert payment.status == "ACCEPTED"
            with pytest.raises(StillPending):
                payment.wait(timeout=0.3)
            clock.automine(True)
            assert payment.wait().status == "FINAL"
            assert bank.deposits.balance(seller.session.wallet, currency="USD").balance == Money("1.00", "USD")

    def test_the_clock_is_for_development_chains_only(self, anvil: LocalAnvil, monkeypatch: pytest.MonkeyPatch) -> None:
        from pyjpm import DevClock
        from pyjpm.chain import ClientKind

        connection = anvil.connection()
        connection.kind = ClientKind.BESU
        with pytest.raises(NotADevelopmentChain):
            DevClock(connection)
