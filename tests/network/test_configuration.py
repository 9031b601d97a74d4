"""Every file a node is started with: options Besu knows, values as on the network that ran, paths that exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyjpm.chain.network import read_description

KNOWN = {
    line
    for line in Path(__file__).with_name("besu_options.txt").read_text().splitlines()
    if line and not line.startswith("#")
}
VALIDATORS = [f"validator-{number}" for number in range(1, 5)]
NODES = [*VALIDATORS, "rpc-1", "rpc-2"]
ENODE = re.compile(r"enode://([0-9a-f]{128})@([^:/]+):([0-9]+)")

# The flags of the network that ran, and their values.
AS_RUN = {
    "sync-mode": "FULL",
    "data-storage-format": "FOREST",
    "min-gas-price": 0,
    "tx-pool": "sequenced",
    "tx-pool-max-size": 20_000,
    "tx-pool-limit-by-account-percentage": 0.15,
    "tx-pool-no-local-priority": True,
    "tx-pool-enable-save-restore": True,
    "poa-block-txs-selection-max-time": 50,
    "revert-reason-enabled": True,
    "strict-tx-replay-protection-enabled": True,
    "permissions-nodes-config-file-enabled": True,
    "permissions-accounts-config-file-enabled": True,
    "metrics-enabled": True,
    "discovery-enabled": False,
}


def by_hand(folder: Path, node: str) -> dict[str, Any]:
    return tomllib.loads((folder / "nodes" / node / "besu.toml").read_text())


def manifests(folder: Path, node: str) -> dict[str, Any]:
    return {part["kind"]: part for part in yaml.safe_load_all((folder / "kubernetes" / f"{node}.yaml").read_text())}


def configurations(folder: Path) -> dict[str, dict[str, Any]]:
    """Every node's configuration, by hand, in compose and in Kubernetes."""
    found = {str(path.relative_to(folder)): tomllib.loads(path.read_text()) for path in folder.rglob("besu.toml")}
    for path in (folder / "kubernetes").glob("*-[0-9].yaml"):
        config = manifests(folder, path.stem)["ConfigMap"]["data"]["besu.toml"]
        found[str(path.relative_to(folder))] = tomllib.loads(config)
    return found


def test_every_option_is_one_besu_knows(network: Path, make: Callable[..., Path]) -> None:
    for folder in (network, make(pool="layered", hosts=("node.bank.example",), open_accounts=True, tls=False)):
        found = configurations(folder)
        assert len(found) == 18
        for where, options in found.items():
            assert set(options) <= KNOWN, where
            assert "tx-pool-price-bump" not in options, where
            assert "*" not in json.dumps(options), where


def test_every_node_has_the_flags_that_ran(network: Path) -> None:
    for where, options in configurations(network).items():
        assert AS_RUN.items() <= options.items(), where
        assert "tx-pool-enable-balance-check" not in options, where


def test_the_layered_pool_has_its_own_options_and_none_of_the_other(make: Callable[..., Path]) -> None:
    for where, options in configurations(make(pool="layered")).items():
        assert options["tx-pool"] == "layered", where
        assert options["tx-pool-max-future-by-sender"] == 3_000, where
        assert options["tx-pool-enable-balance-check"] is True, where
        assert not {"tx-pool-max-size", "tx-pool-limit-by-account-percentage"} & set(options), where


def test_rpc_nodes_answer_applications_and_validators_their_own_machine(network: Path) -> None:
    for where, options in configurations(network).items():
        rpc = "rpc-" in where
        assert options["rpc-http-authentication-enabled"] is True, where
        assert options["rpc-http-authentication-jwt-algorithm"] == "RS256", where
        assert options["rpc-http-max-batch-size"] == 256, where
        assert options.get("rpc-http-tls-enabled", False) is rpc, where
        assert options.get("rpc-http-tls-client-auth-enabled", False) is rpc, where
        if rpc:
            assert options["rpc-http-api"] == ["ETH", "NET", "WEB3", "TXPOOL"], where
        else:
            assert options["rpc-http-host"] == "127.0.0.1", where
            assert "ADMIN" not in options["rpc-http-api"], where


def test_every_file_named_by_hand_is_there(network: Path) -> None:
    for node in NODES:
        options = by_hand(network, node)
        for key, value in options.items():
            if key.endswith("-file") and isinstance(value, str):
                assert Path(value).is_file(), (node, key)
        assert Path(options["data-path"]).is_dir()
        assert Path(options["static-nodes-file"]) == Path(options["data-path"], "static-nodes.json")


def test_nodes_of_one_machine_do_not_meet_at_a_port(network: Path) -> None:
    ports = [by_hand(network, node)[key] for node in NODES for key in ("p2p-port", "rpc-http-port", "metrics-port")]
    assert len(set(ports)) == len(ports) == 18


def test_everybody_knows_everybody_else_and_nobody_else(network: Path) -> None:
    described = read_description(network)
    enodes = {node.name: node.enode for node in described.nodes}
    for node in NODES:
        folder, options = network / "nodes" / node, by_hand(network, node)
        own = f"@{options['p2p-host']}:{options['p2p-port']}"
        assert enodes[node].endswith(own)
        allowed = tomllib.loads((folder / "nodes-allowlist.toml").read_text())
        assert allowed == {"nodes-allowlist": list(enodes.values())}
        static = json.loads((folder / "data" / "static-nodes.json").read_text())
        assert static == [enode for name, enode in enodes.items() if name != node]
        assert all(ENODE.fullmatch(enode) for enode in static)


def test_machines_of_their_own_have_the_usual_ports(make: Callable[..., Path]) -> None:
    hosts = tuple(f"10.1.0.{number}" for number in range(1, 7))
    folder = make(hosts=hosts)
    for node, host in zip(NODES, hosts, strict=True):
        options = by_hand(folder, node)
        assert (options["p2p-host"], options["p2p-port"], options["rpc-http-port"]) == (host, 30303, 8545)
        assert "Xdns-enabled" not in options
    assert by_hand(folder, "rpc-1")["rpc-http-host"] == "0.0.0.0"
    assert by_hand(folder, "rpc-1")["host-allowlist"] == ["10.1.0.5", "localhost", "127.0.0.1"]
    assert by_hand(folder, "validator-1")["rpc-http-host"] == "127.0.0.1"


def test_names_need_the_early_access_option_and_never_stand_where_an_address_must(make: Callable[..., Path]) -> None:
    options = by_hand(make(hosts=("node.bank.example",)), "validator-2")
    assert options["Xdns-enabled"] is True
    assert options["Xdns-update-enabled"] is False
    assert "p2p-host" not in options


def test_senders_are_those_named_beside_the_rescue_account(make: Callable[..., Path]) -> None:
    account = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    folder = make(accounts=(account, account.lower()))
    described = read_description(folder)
    for node in NODES:
        allowed = tomllib.loads((folder / "nodes" / node / "accounts-allowlist.toml").read_text())
        assert allowed == {"accounts-allowlist": [account.lower(), described.rescue]}
    assert not (folder / "accounts" / "deployer.json").exists()


def test_without_a_sender_named_somebody_can_deploy(network: Path) -> None:
    described = read_description(network)
    deployer = "0x" + json.loads((network / "accounts" / "deployer.json").read_text())["address"].lower()
    assert described.accounts == (described.rescue, deployer)


def test_open_accounts_have_no_list(make: Callable[..., Path]) -> None:
    folder = make(open_accounts=True)
    assert not list(folder.rglob("accounts-allowlist.toml"))
    for options in configurations(folder).values():
        assert options["permissions-accounts-config-file-enabled"] is False
        assert "permissions-accounts-config-file" not in options


# --- containers ----------------------------------------------------------------------------------------------------


def test_compose_mounts_exactly_the_files_that_were_made(network: Path) -> None:
    compose = yaml.safe_load((network / "compose" / "docker-compose.yml").read_text())
    assert list(compose["services"]) == NODES
    for node, service in compose["services"].items():
        mounts = dict(reversed(volume.removesuffix(":ro").rsplit(":", 1)) for volume in service["volumes"])
        assert mounts.pop("/data") == f"../nodes/{node}/data"
        for inside, outside in mounts.items():
            assert (network / "compose" / outside).resolve().is_file(), outside
            assert f"{outside}:{inside}:ro" in service["volumes"]
        config = tomllib.loads((network / "compose" / mounts["/network/besu.toml"]).read_text())
        named = {str(value) for key, value in config.items() if key.endswith("-file") and isinstance(value, str)}
        assert named | {"/network/besu.toml"} == set(mounts)
        by_hand_files = {path.name for path in (network / "nodes" / node).rglob("*") if path.is_file()}
        assert {Path(inside).name for inside in mounts} == by_hand_files
        assert service["command"] == ["--config-file=/network/besu.toml"]
        assert service["environment"]["BESU_RPC_HTTP_HOST"] == config["rpc-http-host"]


def test_in_compose_peers_are_at_the_addresses_they_have(network: Path) -> None:
    compose = yaml.safe_load((network / "compose" / "docker-compose.yml").read_text())
    addresses = {node: service["networks"]["besu"]["ipv4_address"] for node, service in compose["services"].items()}
    assert len(set(addresses.values())) == 6
    ids = {node.name: node.enode.partition("@")[0] for node in read_description(network).nodes}
    expected = [f"{ids[node]}@{addresses[node]}:30303" for node in NODES]
    for node in NODES:
        folder = network / "compose" / node
        assert tomllib.loads((folder / "nodes-allowlist.toml").read_text())["nodes-allowlist"] == expected
        config = tomllib.loads((folder / "besu.toml").read_text())
        assert (config["p2p-host"], config["p2p-port"]) == (addresses[node], 30303)
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:8545:8545", "127.0.0.1:8546:8545"]


def test_compose_runs_as_whom_the_files_belong_to(network: Path) -> None:
    compose = yaml.safe_load((network / "compose" / "docker-compose.yml").read_text())
    for node, service in compose["services"].items():
        status = (network / "nodes" / node / "node.key").stat()
        assert service["user"] == f"{status.st_uid}:{status.st_gid}"
        assert ("entrypoint" in service) is (status.st_uid == 0)


def test_kubernetes_carries_the_very_files(network: Path) -> None:
    import base64

    for node in NODES:
        parts = manifests(network, node)
        assert set(parts) == {"ConfigMap", "Secret", "Service", "StatefulSet"}
        held = {name: text.encode() for name, text in parts["ConfigMap"]["data"].items()}
        held |= {name: base64.b64decode(text) for name, text in parts["Secret"]["data"].items()}
        files = {path.name: path.read_bytes() for path in (network / "nodes" / node).rglob("*") if path.is_file()}
        assert set(held) == set(files)
        rewritten = {"besu.toml", "static-nodes.json", "nodes-allowlist.toml"}
        assert {name for name in files if held[name] != files[name]} == rewritten
        assert not {"node.key", "server.p12", "server.password"} & set(parts["ConfigMap"]["data"])
        config = tomllib.loads(parts["ConfigMap"]["data"]["besu.toml"])
        named = {Path(value).name for key, value in config.items() if key.endswith("-file") and isinstance(value, str)}
        assert named | {"besu.toml"} == set(held)
        pod = parts["StatefulSet"]["spec"]["template"]["spec"]
        mounted = {
            item["path"]
            for source in pod["volumes"][0]["projected"]["sources"]
            for item in source.get("configMap", source.get("secret"))["items"]
        }
        assert mounted == set(held)
        assert config["data-path"] == "/data"
        assert parts["StatefulSet"]["spec"]["serviceName"] == parts["Service"]["metadata"]["name"] == node
        assert parts["Service"]["spec"]["publishNotReadyAddresses"] is True


def test_in_kubernetes_peers_are_named_as_their_pods_are(network: Path) -> None:
    parts = manifests(network, "validator-3")
    data = parts["ConfigMap"]["data"]
    hosts = [ENODE.fullmatch(enode)[2] for enode in tomllib.loads(data["nodes-allowlist.toml"])["nodes-allowlist"]]
    assert hosts == [f"{node}-0.{node}.pyjpm-besu.svc.cluster.local" for node in NODES]
    waits = parts["StatefulSet"]["spec"]["template"]["spec"]["initContainers"][0]["command"][2]
    assert all(host in waits for host in hosts)
    config = tomllib.loads(data["besu.toml"])
    assert (config["Xdns-enabled"], config["Xdns-update-enabled"]) == (True, True)
    assert "p2p-host" not in config
    variables = {item["name"] for item in parts["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert "BESU_P2P_HOST" in variables


@pytest.mark.parametrize("text", ["a\nb\n", "no", "1:30", "", " lead\nb\n", "tail\n\n", "a\n\n  b\n", "°\n€\n", "\n"])
def test_yaml_says_what_was_meant(text: str) -> None:
    from pyjpm.chain.network.yaml_text import documents, to_yaml

    value = {"on": text, "list": [text, {"a": [1, True, {}], "b": text}, []], "deep": {"er": {"x-y": [{"k": text}]}}}
    assert yaml.safe_load(to_yaml(value, "title")) == value
    assert list(yaml.safe_load_all(documents([value, value]))) == [value, value]
