"""What `pyjpm network check` says of a network that is right, of each thing that can be wrong, of what is none."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from besu_double import Chain, Node, Server, VirtualClock
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from pyjpm.chain.network import CheckReport, Description, Level, check_network, read_description
from pyjpm.cli import main

TOKEN = "a.b.c"
WATCH = 3.0


@pytest.fixture
def described(network: Path) -> Description:
    return read_description(network)


class Asked:
    """The findings of a check, by name."""

    def __init__(self, report: CheckReport) -> None:
        self.report = report

    def levels(self, name: str) -> set[Level]:
        return {finding.level for finding in self.report.findings if finding.name == name}

    def said(self, name: str) -> str:
        return " / ".join(finding.seen for finding in self.report.findings if finding.name == name)

    def bad(self) -> dict[str, Level]:
        """What is wrong or not right, the worst of each name."""
        worst: dict[str, Level] = {}
        for level in (Level.WARN, Level.FAIL):
            worst |= {finding.name: level for finding in self.report.of(level)}
        return worst


@pytest.fixture
def ask(described: Description) -> Iterator[Callable[..., Asked]]:
    """Check a network of nodes, each a healthy one with the given fields."""
    with ExitStack() as stack:

        def run(
            *nodes: dict[str, Any], token: str | None = TOKEN, watch: float = WATCH, expect: bool = True, **chain: Any
        ) -> Asked:
            clock = VirtualClock()
            common = Chain(described, clock, **chain)
            servers = [stack.enter_context(Server(Node(common, **{"token": TOKEN, **fields}))) for fields in nodes]
            urls = [server.url for server in servers]
            expected = described if expect else None
            return Asked(
                check_network(urls, token=token, expected=expected, watch_seconds=watch, timeout=5, clock=clock)
            )

        yield run


def test_a_network_that_is_right(ask: Callable[..., Asked]) -> None:
    asked = ask({}, {})
    assert asked.bad() == {}
    assert asked.report.usable
    assert {finding.name for finding in asked.report.of(Level.UNKNOWN)} == {
        "zero_fee_sending",
        "future_nonces",
        "replay_protection",
        "allowed_senders",
    }
    for name in ("genesis", "cancun", "block_makers", "clock", "head", "heads", "one_chain", "authentication"):
        assert asked.levels(name) == {Level.OK}, name
    assert "as written" in asked.said("genesis")
    assert all(finding.remedy for finding in asked.report.of(Level.UNKNOWN))


def test_nothing_is_sent_and_syncing_is_not_believed(described: Description) -> None:
    node = Node(Chain(described))
    with Server(node) as server:
        check_network([server.url], expected=described, watch_seconds=0.3)
    assert not {"eth_sendRawTransaction", "eth_sendTransaction", "eth_syncing"} & set(node.asked)
    assert len(node.asked) > 300


@pytest.mark.parametrize(
    ("fields", "name", "level", "said"),
    [
        ({"version": "besu/v26.8.0/linux-x86_64/openjdk-java-25"}, "client", Level.WARN, "26.8.0"),
        ({"version": "besu/bank/v25.1.0/x"}, "client", Level.WARN, "25.1.0"),
        ({"version": "Geth/v1.16.0/linux"}, "client", Level.WARN, "Geth"),
        ({"chain_id": 1}, "chain_id", Level.FAIL, "1, expected"),
        ({"genesis": {"stateRoot": "0x12"}}, "genesis", Level.FAIL, "stateRoot"),
        ({"strange": {"eth_call": "0x"}}, "cancun", Level.UNKNOWN, "'0x'"),
        ({"base_fee": 7}, "base_fee", Level.FAIL, "7 wei"),
        ({"gas_price": 1000}, "gas_price", Level.FAIL, "1000 wei"),
        ({"miner": "0x" + "00" * 20}, "block_makers", Level.UNKNOWN, "do not say"),
        ({"peers": 4}, "peers", Level.WARN, "4 of 5"),
        ({"peers": 1}, "peers", Level.FAIL, "1 of 5"),
        ({"pool_size": 4096}, "pool", Level.WARN, "4096"),
        ({"batch_limit": 100}, "batch_limit", Level.FAIL, "256 requests"),
        ({"batch_limit": 5000}, "batch_limit", Level.WARN, "1,025 requests"),
        ({"token": None}, "authentication", Level.FAIL, "without a token"),
        ({"permitted": lambda method: method != "net_peerCount"}, "peers", Level.UNKNOWN, "401"),
    ],
)
def test_what_is_wrong_with_one_node_is_said_of_it(
    ask: Callable[..., Asked], fields: dict[str, Any], name: str, level: Level, said: str
) -> None:
    asked = ask(fields, {})
    own = next(iter(asked.report.findings)).node
    findings = [finding for finding in asked.report.findings if finding.name == name and finding.node == own]
    assert [finding.level for finding in findings] == [level]
    assert said in findings[0].seen
    assert findings[0].remedy
    assert asked.report.usable is (level is not Level.FAIL)


def test_another_hash_of_the_same_first_block_is_no_fault(ask: Callable[..., Asked]) -> None:
    asked = ask({"genesis": {"hash": "0x" + "11" * 32, "baseFeePerGas": "0x0"}})
    assert asked.levels("genesis") == {Level.OK}
    assert "in this client's own way" in asked.said("genesis")


def test_cancun_is_seen_where_creating_returns_nothing(ask: Callable[..., Asked]) -> None:
    assert ask({"creation_returns": False}).levels("cancun") == {Level.OK}


def test_a_dead_validator_is_named_and_the_slow_blocks_are_seen(
    ask: Callable[..., Asked], described: Description
) -> None:
    dead = next(node for node in described.nodes if node.name == "validator-3")
    asked = ask({}, {}, dead=frozenset({dead.address}))
    assert asked.levels("block_makers") == {Level.WARN}
    assert "validator-3 made none of the last 41 blocks" in asked.said("block_makers")
    assert asked.levels("block_period") == {Level.WARN}
    assert re.search(r"(1\.9|2\.0)\d s on average, 5 s at most", asked.said("block_period"))
    assert asked.report.usable


def test_no_block_at_all_fails(ask: Callable[..., Asked]) -> None:
    asked = ask({}, {}, stopped=True)
    assert asked.levels("head") == {Level.FAIL}
    assert "no block: stays at" in asked.said("head")
    assert not asked.report.usable


@pytest.mark.parametrize(("behind", "level"), [(1, Level.OK), (4, Level.WARN), (20, Level.FAIL)])
def test_a_node_behind_is_found_by_its_head(ask: Callable[..., Asked], behind: int, level: Level) -> None:
    asked = ask({}, {"behind": behind})
    heads = [finding for finding in asked.report.findings if finding.name == "heads"]
    assert [finding.level for finding in heads] == [Level.OK, level]
    assert heads[1].seen == f"{behind} blocks behind the first"


def test_a_split_chain_fails(ask: Callable[..., Asked]) -> None:
    asked = ask({}, {"fork": 1})
    assert asked.levels("one_chain") == {Level.FAIL}
    assert "2 different blocks" in asked.said("one_chain")


@pytest.mark.parametrize(("off", "level"), [(-6.0, Level.WARN), (6.0, Level.WARN), (-60.0, Level.FAIL)])
def test_a_clock_that_is_off_is_seen(ask: Callable[..., Asked], off: float, level: Level) -> None:
    assert ask({}, clock_off=off).levels("clock") == {level}


def test_changed_validators_may_be_right(network: Path, described: Description) -> None:
    import dataclasses

    nodes = tuple(
        dataclasses.replace(node, address="0x" + "77" * 20) if node.name == "validator-1" else node
        for node in described.nodes
    )
    chain = Chain(dataclasses.replace(described, nodes=nodes))
    with Server(Node(chain)) as server:
        asked = Asked(check_network([server.url], expected=described, watch_seconds=0.3))
    assert asked.levels("validators") == {Level.WARN}
    assert "not those" in asked.said("validators")


def test_without_an_expectation_the_usual_is_expected(ask: Callable[..., Asked]) -> None:
    asked = ask({"peers": 3}, {"peers": 3}, expect=False)
    assert asked.bad() == {}


# --- nodes that are none -------------------------------------------------------------------------------------------


def test_a_token_that_is_refused_and_one_that_is_missing(ask: Callable[..., Asked]) -> None:
    refused, missing = ask({}, token="x.y.z"), ask({}, token=None)
    for asked, said in ((refused, "refuses this token"), (missing, "wants a token")):
        assert asked.bad() == {"reachable": Level.FAIL}
        assert said in asked.report.findings[0].remedy
        assert len(asked.report.findings) == 1
        assert "x.y.z" not in json.dumps(asked.report.to_dict())


def test_a_node_that_is_down_does_not_hide_the_others(described: Description) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Server(Node(Chain(described))) as server:
            asked = Asked(check_network([down, server.url], expected=described, watch_seconds=0.3, timeout=1))
    assert asked.report.findings[0].node == down
    assert asked.levels("reachable") == {Level.FAIL, Level.OK}
    assert asked.levels("cancun") == {Level.OK}
    assert not asked.report.usable


STRANGE: tuple[Any, ...] = (None, "", "0xzz", [], {}, [[]], {"a": 1}, -1, 1.5, True, "💥", "0x" + "f" * 500)
METHODS = (
    "web3_clientVersion",
    "eth_chainId",
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_gasPrice",
    "net_peerCount",
    "txpool_besuStatistics",
    "rpc_modules",
    "eth_call",
    "qbft_getValidatorsByBlockNumber",
)


@pytest.mark.parametrize("method", METHODS)
def test_strange_answers_are_findings(ask: Callable[..., Asked], method: str) -> None:
    for answer in STRANGE:
        report = ask({"strange": {method: answer}}, {}, watch=0.0).report
        assert report.findings[0].node, answer
        assert len({finding.node for finding in report.findings} - {""}) == 2, answer


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null", b'{"id": [], "result": 1}', b"\xff\xfe"])
def test_answers_that_are_no_json_rpc_are_findings(described: Description, body: bytes) -> None:
    for method in ("web3_clientVersion", "eth_gasPrice", "eth_blockNumber"):
        with Server(Node(Chain(described), raw={method: body})) as server:
            report = check_network([server.url], expected=described, watch_seconds=0, timeout=2)
        assert not report.usable


# --- on the command line -------------------------------------------------------------------------------------------


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


def test_the_command_says_what_is_wrong_and_exits_so(
    network: Path, described: Description, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = Node(Chain(described), token=TOKEN), Node(Chain(described), token=TOKEN, base_fee=1)
    with Server(right) as one, Server(wrong) as other:
        more = ["--jwt", str(token_file), "--expect", str(network), "--watch", "1.3"]
        assert main(["network", "check", one.url, *more, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert main(["network", "check", one.url, other.url, *more]) == 1
        printed = capsys.readouterr().out
    assert report["usable"] is True
    assert report["fail"] == 0
    assert {"name", "level", "seen", "remedy", "node"} == set(report["findings"][0])
    assert "NOT usable: " in printed
    first = next(line for line in printed.splitlines() if line.startswith("fail"))
    assert "base_fee" in first
    assert TOKEN not in printed


def tls_of(node: Path, authority: Path, folder: Path) -> ssl.SSLContext:
    """How a node with this folder speaks https: with its store, to clients whose certificates the authority signed."""
    store, password = (node / "server.p12").read_bytes(), (node / "server.password").read_bytes()
    key, certificate, _ = pkcs12.load_key_and_certificates(store, password)
    assert key is not None
    assert certificate is not None
    pem = folder / "server.pem"
    unprotected = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(key.private_bytes(*unprotected) + certificate.public_bytes(serialization.Encoding.PEM))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(pem)
    return tls


def test_the_networks_own_certificates_open_its_nodes_to_its_client_only(
    network: Path, described: Description, token_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = tls_of(network / "nodes" / "rpc-1", network / "clients" / "ca.pem", tmp_path)
    with Server(Node(Chain(described), token=TOKEN), tls) as server:
        arguments = ["network", "check", server.url, "--jwt", str(token_file), "--watch", "1.3", "--json"]
        assert main([*arguments, "--expect", str(network)]) == 0
        right = json.loads(capsys.readouterr().out)
        assert main([*arguments, "--tls-ca", str(network / "clients" / "ca.pem")]) == 1
        nameless = json.loads(capsys.readouterr().out)
        assert main(arguments) == 1
        untrusting = json.loads(capsys.readouterr().out)
    assert "TLS" in [finding["seen"] for finding in right["findings"] if finding["name"] == "encryption"]
    for refused in (nameless, untrusting):
        assert [finding["name"] for finding in refused["findings"]] == ["reachable"]


def test_what_is_asked_wrongly_is_an_error_with_a_code(
    tmp_path: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, empty = tmp_path / "bad.pem", tmp_path / "empty"
    bad.write_text("no certificate")
    empty.write_text("\n")
    url = "http://127.0.0.1:1"
    for arguments, code in (
        ([], "INVALID_NETWORK_PLAN"),
        ([url, "--expect", str(tmp_path)], "NETWORK_FOLDER_UNREADABLE"),
        ([url, "--jwt", str(empty)], "TOKEN_UNREADABLE"),
        ([url, "--jwt", str(tmp_path / "none")], "TOKEN_UNREADABLE"),
        ([url, "--tls-ca", str(bad)], "TLS_FILES_UNREADABLE"),
        ([url, "--tls-cert", str(bad)], "INVALID_NETWORK_PLAN"),
        (["not a url"], "INVALID_NODE_URL"),
    ):
        assert main(["network", "check", *arguments]) == 1
        assert capsys.readouterr().err.startswith(f"{code}: "), arguments
    assert main(["network", "check", "--expect", str(network), "--watch", "0"]) == 1
    assert "rpc-1" in capsys.readouterr().out  # those of the folder are asked, and do not run


def test_an_application_connects_as_the_documentation_says(
    network: Path, described: Description, token_file: Path, tmp_path: Path
) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "network.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    assert "Connection.open(" in code
    server_tls = tls_of(network / "nodes" / "rpc-2", network / "clients" / "ca.pem", tmp_path)
    with Server(Node(Chain(described), token=TOKEN), server_tls) as server:
        code = code.replace("https://10.0.0.5:8545", server.url).replace("'token'", repr(str(token_file)))
        names: dict[str, Any] = {}
        exec(code.replace("net/clients", str(network / "clients")), names)
        assert names["chain"].chain_id == described.chain_id
