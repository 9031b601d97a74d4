"""The check against Besu's manners before a real Anvil: what lies, lags, refuses or stands still is seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chains.proxy import BESU, Proxy

from pyjpm.chain import LocalAnvil
from pyjpm.chain.network import CheckReport, Level, check_network

SECOND = 0.1  # how long a second of the chain takes


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with (
        LocalAnvil(mining="none") as anvil,
        Proxy(anvil.url, seed=7, nodes=2, manners=BESU, second=SECOND) as proxy,
    ):
        proxy.wait_for_blocks(12)
        yield proxy


def levels(report: CheckReport, name: str) -> list[Level]:
    return [finding.level for finding in report.findings if finding.name == name]


def test_a_node_that_lags_and_says_it_is_not_syncing(proxy: Proxy) -> None:
    proxy.lag(1, blocks=10)
    assert proxy.connection(1).web3.eth.syncing is False
    report = check_network(proxy.urls, watch_seconds=1.0)
    assert levels(report, "heads") == [Level.OK, Level.FAIL]
    assert levels(report, "one_chain") == [Level.OK]
    for name in ("cancun", "code_size", "base_fee", "gas_price", "batch_limit", "pool"):
        assert levels(report, name) == [Level.OK, Level.OK], name
    assert levels(report, "client") == [Level.WARN, Level.WARN]  # its release is 26.8.0


def test_a_lost_quorum_is_seen_as_no_block(proxy: Proxy) -> None:
    proxy.lose_quorum(seconds=120)
    report = check_network(proxy.urls, watch_seconds=1.5)
    assert levels(report, "head") == [Level.FAIL, Level.FAIL]
    assert not report.usable


def test_tokens_are_asked_for_and_their_permissions_kept(proxy: Proxy) -> None:
    proxy.ask_tokens({"ours": ["eth:*", "web3:*"], "other": ["net:*"]})
    report = check_network(proxy.urls[:1], token="ours", watch_seconds=1.0)
    assert levels(report, "authentication") == [Level.OK]
    assert levels(report, "cancun") == [Level.OK]
    assert levels(report, "peers") == [Level.UNKNOWN]
    for token in (None, "other", "made up"):
        refused = check_network(proxy.urls[:1], token=token, watch_seconds=0)
        assert [finding.name for finding in refused.findings] == ["reachable"], token
        assert not refused.usable
