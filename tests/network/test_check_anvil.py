"""The check on a real node of another kind: what Anvil is not, and that cancun is executed and not believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyjpm.chain import LocalAnvil
from pyjpm.chain.network import Level, check_network, rules
from pyjpm.chain.network.findings import CheckReport
from pyjpm.chain.network.probe import Probe
from pyjpm.chain.transport import HttpProvider


@pytest.fixture(scope="module")
def anvil() -> Iterator[LocalAnvil]:
    with LocalAnvil(mining=1) as chain:
        yield chain


def levels(report: CheckReport, name: str) -> list[Level]:
    return [finding.level for finding in report.findings if finding.name == name]


def said(report: CheckReport, name: str) -> str:
    return " / ".join(finding.seen for finding in report.findings if finding.name == name)


def test_an_anvil_is_a_chain_of_one_and_no_production(anvil: LocalAnvil) -> None:
    report = check_network([anvil.url], watch_seconds=2.5)
    assert not report.usable
    assert {finding.name for finding in report.of(Level.FAIL)} == {"validators", "peers"}
    warned = {"client", "gas_price", "batch_limit", "authentication", "heads"}
    assert {finding.name for finding in report.of(Level.WARN)} == warned
    for name in ("reachable", "chain_id", "genesis", "cancun", "base_fee", "gas_limit", "code_size", "head", "clock"):
        assert levels(report, name) == [Level.OK], name
    assert "1000000000 wei" in said(report, "gas_price")


def test_cancun_is_executed() -> None:
    for hardfork, level in (("shanghai", Level.FAIL), ("cancun", Level.OK)):
        with LocalAnvil(hardfork=hardfork) as chain:
            report = check_network([chain.url], watch_seconds=0)
        assert levels(report, "cancun") == [level], hardfork


def test_cancun_is_executed_by_code_lent_to_an_address_too() -> None:
    for hardfork, expected in (("shanghai", "0x"), ("cancun", rules._MARKED)):
        with LocalAnvil(hardfork=hardfork) as chain:
            assert rules._lent(Probe(chain.url, token=None, tls=None)) == expected, hardfork


def test_a_base_fee_fails() -> None:
    with LocalAnvil() as chain:
        provider = HttpProvider(chain.url, timeout=5)
        provider.make_request("anvil_setNextBlockBaseFeePerGas", ["0x3b9aca00"])
        provider.make_request("evm_mine", [])
        report = check_network([chain.url], watch_seconds=0)
    assert levels(report, "base_fee") == [Level.FAIL]
    assert said(report, "base_fee") == "1000000000 wei"


def test_a_chain_that_makes_no_block_by_itself_fails() -> None:
    with LocalAnvil() as chain:
        report = check_network([chain.url], watch_seconds=0.5)
    assert levels(report, "head") == [Level.FAIL]


def test_two_chains_are_told_apart(anvil: LocalAnvil) -> None:
    with LocalAnvil(chain_id=31338, mining=1, timestamp=1_700_000_000) as other:
        HttpProvider(other.url, timeout=5).make_request("anvil_mine", ["0x20"])
        report = check_network([anvil.url, other.url], watch_seconds=1.5)
    together = {finding.name: finding.level for finding in report.findings if not finding.node}
    assert together["chain_id"] is Level.FAIL
    assert together["genesis"] is Level.FAIL
    assert together["one_chain"] is Level.FAIL
    assert Level.FAIL in levels(report, "heads")
    assert Level.FAIL in levels(report, "clock")  # the other's is years behind


def test_a_clock_of_years_ago_fails() -> None:
    with LocalAnvil(mining=1, timestamp=1_700_000_000) as chain:
        report = check_network([chain.url], watch_seconds=2.2)
    assert levels(report, "clock") == [Level.FAIL]
