"""Twenty payments through a wire and nodes that misbehave: each FINAL, each once, by the token's own events."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chains.proxy import ANVIL, BESU, Fault, Manners, Proxy
from pyjpm import Money, Payment, Platform, Status
from pyjpm.chain import LocalAnvil
from pyjpm.contracts.codec import codec
from pyjpm.custody import LocalSigner, Signer
from pyjpm.errors.chain import TransportFault
from pyjpm.testing import backed_platform, new_company

USD = "USD"
PAYMENTS = 20
ASKED = 5  # times for each, at most
LOST = {Fault.DROP_REQUEST: 0.02, Fault.DROP_RESPONSE: 0.02, Fault.RESET: 0.04, Fault.RESET_AFTER: 0.04}
TWICE = {Fault.DUPLICATE: 0.1, Fault.DUPLICATE_LATER: 0.1}
WRONG = {Fault.WRONG_HASH: 0.15, Fault.WRONG_ERROR: 0.1, Fault.TRUNCATED: 0.05, Fault.OVERLOADED_AFTER: 0.05}
MIXED = {Fault.DELAY: 0.05, Fault.REORDER: 0.05, Fault.CROSSED: 0.05, Fault.OVERTAKEN: 0.02}


class Bank(NamedTuple):
    """A platform on an Anvil of its own, with one that pays and one that is paid."""

    anvil: LocalAnvil
    platform: Platform
    payer: Signer
    payee: int
    payee_wallet: str


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    # Seconds are short here: no block that is asked about may lose its state while faults have it asked for again.
    with LocalAnvil(history_blocks=1_000) as anvil:
        journal = tmp_path_factory.mktemp("bank") / "journal.sqlite"
        with backed_platform(
            anvil.connection(), LocalSigner.generate(), journal=journal, currencies=(USD,)
        ) as platform:
            payer, payee = new_company(platform, deposit="100000.00"), new_company(platform)
            signer = payer.session.signer
            assert signer is not None
            yield Bank(anvil, platform, signer, payee.session.participant, payee.session.wallet)


def paid(bank: Bank, since: int) -> list[dict[str, Any]]:
    """Every payment the token says it made, read from Anvil itself."""
    connection = bank.anvil.connection()
    token = codec("DepositToken")
    logs = connection.logs(bank.platform.session.address(USD), [token.topic("Paid")], from_block=since + 1)
    events = [token.decode_log(log) for log in logs]
    return [dict(event.arguments) for event in events if event is not None]


def judge(bank: Bank, since: int, done: Sequence[Payment]) -> None:
    """Each of these was paid, once, to whom it was meant for, and nothing else was."""
    events = paid(bank, since)
    assert Counter(event["amount"] for event in events) == Counter(range(100, 100 + PAYMENTS))
    assert {event["to"] for event in events} == {bank.payee_wallet}
    assert sorted("0x" + event["ref"].hex() for event in events) == sorted(payment.reference for payment in done)


def pay(bank: Bank, payer: Platform, keys: str) -> list[Payment]:
    """Twenty payments, accepted: what no node was reached for is asked for again, by the same key."""

    def accepted(minor: int) -> Payment:
        for _ in range(ASKED):
            with contextlib.suppress(TransportFault):
                return payer.payments.create(
                    bank.payee, Money.from_minor(minor, USD), idempotency_key=f"{keys}/{minor}"
                )
        raise AssertionError(f"asked {ASKED} times, and none could ask the chain")

    return [accepted(100 + each) for each in range(PAYMENTS)]


@pytest.mark.parametrize(
    ("manners", "rates"),
    [
        pytest.param(BESU, LOST, id="lost"),
        pytest.param(BESU, TWICE, id="twice"),
        pytest.param(BESU, WRONG, id="wrong"),
        pytest.param(BESU, MIXED, id="mixed"),
        pytest.param(BESU, {**LOST, **TWICE, **WRONG}, id="all"),
        pytest.param(ANVIL, {**LOST, **TWICE, **WRONG}, id="all on Anvil"),
    ],
)
def test_each_is_final_and_none_is_paid_twice(
    bank: Bank, tmp_path: Path, manners: Manners, rates: dict[Fault, float]
) -> None:
    direct = bank.anvil.connection()
    if manners is ANVIL:
        direct.development_request("evm_setAutomine", True)
    since = direct.head().number
    with Proxy(bank.anvil.url, seed=20, manners=manners, second=0.05, patience=2, delay=0.1) as proxy:
        connection = proxy.connection(0, timeout=0.3, max_retries=6)
        journal = tmp_path / "journal.sqlite"
        with Platform.connect(connection, bank.platform.record, signer=bank.payer, journal=journal) as payer:
            proxy.disturb(rates)
            payments = pay(bank, payer, str(tmp_path))
            done = [payment.wait(60) for payment in payments]
            assert {payment.status for payment in done} == {Status.FINAL}
            assert sum(proxy.given.values()) > 5, proxy.given
            assert proxy.refused == []
            proxy.disturb({})
            proxy.wait_for_blocks(2) if manners is BESU else None  # what comes later finds nothing to do
        judge(bank, since, done)


def test_two_minutes_without_a_quorum_and_nodes_that_forget_are_waited_out(bank: Bank, tmp_path: Path) -> None:
    since = bank.anvil.connection().head().number
    with Proxy(bank.anvil.url, seed=21, second=0.02, patience=2) as proxy:
        proxy.wait_for_blocks(2)
        connection = proxy.connection(0, timeout=1, max_retries=3)
        journal = tmp_path / "journal.sqlite"
        with Platform.connect(connection, bank.platform.record, signer=bank.payer, journal=journal) as payer:
            proxy.lose_quorum(seconds=120)
            payments = pay(bank, payer, str(tmp_path))
            assert len(proxy.waiting(0)) == PAYMENTS
            proxy.forget_everywhere()
            done = [payment.wait(60) for payment in payments]
            assert {payment.status for payment in done} == {Status.FINAL}
            assert max(seconds for _, seconds, _ in proxy.made) > 120
        judge(bank, since, done)


def test_a_restart_that_takes_and_forgets_loses_no_payment(bank: Bank, tmp_path: Path) -> None:
    since = bank.anvil.connection().head().number
    with Proxy(bank.anvil.url, seed=22, second=0.05, patience=2) as proxy:
        connection = proxy.connection(0, timeout=1, max_retries=3)
        journal = tmp_path / "journal.sqlite"
        with Platform.connect(connection, bank.platform.record, signer=bank.payer, journal=journal) as payer:
            proxy.restart(0, behind=40, forgets=20)
            payments = pay(bank, payer, str(tmp_path))
            assert proxy.forgotten(0)
            done = [payment.wait(60) for payment in payments]
            assert {payment.status for payment in done} == {Status.FINAL}
        judge(bank, since, done)
