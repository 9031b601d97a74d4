"""What each node is started with: Besu's options, as its configuration file has them.

Decisions that govern this module:

* Every key is a Besu command line option without its dashes ("Configure Besu" in its documentation); Besu refuses to
  start on a key it does not know, and a test holds every key against a list of those it does.
* One file is the whole configuration, with paths spelled out in full, so a node starts from any working directory.
* Nothing is opened to everybody: no ``*`` for hosts, no CORS, and a named list of APIs. A validator answers its
  operator on the loopback only; applications ask RPC nodes.
* Never here: ``tx-pool-price-bump`` (refused together with zeroBaseFee) and, beside the sequenced pool,
  ``tx-pool-enable-balance-check`` (an option of the layered one; a sequenced node does not start with it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from pyjpm.chain.network.plan import NetworkPlan, Place, is_ip

Value = str | int | float | bool | tuple[str, ...]

BATCH_LIMIT: Final = 256
POOL_SIZE: Final = 20_000
SHARE_OF_ONE_SENDER: Final = 0.15
FUTURE_NONCES: Final = 3_000  # that share of that size; what the layered pool is told as a number

# Names of the files in a node's folder, the same wherever it runs.
CONFIG: Final = "besu.toml"
GENESIS: Final = "genesis.json"
KEY: Final = "node.key"
STATIC_NODES: Final = "static-nodes.json"
NODES: Final = "nodes-allowlist.toml"
ACCOUNTS: Final = "accounts-allowlist.toml"
JWT: Final = "jwt-public.pem"
SERVER_STORE: Final = "server.p12"
SERVER_PASSWORD: Final = "server.password"  # noqa: S105 (a file's name)
KNOWN_CLIENTS: Final = "known-clients.txt"


@dataclass(frozen=True, slots=True)
class Setting:
    """One option. ``why`` stands as a comment above it, where it is not plain."""

    key: str
    value: Value
    why: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs between starting a node by hand, in a container and in a cluster.

    Attributes:
        files: absolute path of the folder with the node's files.
        data: absolute path of its database.
        static_nodes: absolute path of its list of peers.
        address: the IPv4 address it tells its peers; None where it is only known when the node starts.
        metrics_host: where metrics are served.
        rpc_host: where JSON-RPC is served.
        host_names: names under which its RPC may be called.
        names_in_enodes: peers are named, not numbered.
        names_change: their addresses change while they run, as pods' do.
    """

    files: PurePosixPath
    data: PurePosixPath
    static_nodes: PurePosixPath
    address: str | None
    metrics_host: str
    rpc_host: str
    host_names: tuple[str, ...]
    names_in_enodes: bool
    names_change: bool = False


def settings(plan: NetworkPlan, place: Place, around: Surroundings) -> list[Setting]:
    """All options of one node."""
    return [
        *_chain(around),
        *_peers(place, around),
        *_pool(plan),
        *_blocks(),
        *_permissions(plan, around),
        *_metrics(place, around),
        *_rpc(plan, place, around),
    ]


def to_toml(wanted: Sequence[Setting], title: str) -> str:
    """The options as a configuration file."""
    lines = [f"# {title}"]
    for setting in wanted:
        if setting.why:
            lines += ["", *(f"# {line}" for line in setting.why.splitlines())]
        lines.append(f"{setting.key} = {toml_value(setting.value)}")
    return "\n".join(lines) + "\n"


def toml_value(value: Value) -> str:
    """A value as TOML writes it; its strings and arrays of strings are JSON's."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def local_surroundings(place: Place, root: PurePosixPath, names_in_enodes: bool) -> Surroundings:
    """A node started by hand on its own machine, its files below ``root``."""
    files = root / "nodes" / place.name
    loopback = place.host == "127.0.0.1" or place.role == "validator"
    return Surroundings(
        files=files,
        data=files / "data",
        static_nodes=files / "data" / STATIC_NODES,
        address=place.host if is_ip(place.host) else None,
        metrics_host="127.0.0.1",
        rpc_host="127.0.0.1" if loopback else "0.0.0.0",  # noqa: S104 (behind TLS, tokens and a list of hosts)
        host_names=tuple(dict.fromkeys((place.host, "localhost", "127.0.0.1"))),
        names_in_enodes=names_in_enodes,
    )


def _chain(around: Surroundings) -> list[Setting]:
    return [
        Setting("data-path", str(around.data)),
        Setting("genesis-file", str(around.files / GENESIS)),
        Setting("node-private-key-file", str(around.files / KEY)),
        Setting("sync-mode", "FULL", "Every block is executed by this node itself."),
        Setting(
            "data-storage-format",
            "FOREST",
            "FOREST keeps all old state, for auditors (Bonsai drops what is older than 512 blocks), and measured 1.7\n"
            "times as fast as Bonsai here. It grows without pruning: give it disk.",
        ),
    ]


def _peers(place: Place, around: Surroundings) -> list[Setting]:
    wanted = []
    if around.address is not None:
        why = "What peers have in their allowlists; an option that takes addresses only, no names (docs, p2p-host)."
        wanted.append(Setting("p2p-host", around.address, why))
    wanted += [
        Setting("p2p-port", place.p2p_port),
        Setting(
            "discovery-enabled",
            False,
            "The set is closed: every node knows the others from this list, and none is looked for.",
        ),
        Setting("static-nodes-file", str(around.static_nodes)),
        Setting("nat-method", "NONE", "Addresses are as configured; nothing is guessed or asked of a router."),
    ]
    if around.names_in_enodes:
        why = (
            "Peers are named in enode URLs and in the allowlist: an early access feature, hence the X\n"
            "(docs, Use local permissioning: --Xdns-enabled, --Xdns-update-enabled)."
        )
        wanted += [
            Setting("Xdns-enabled", True, why),
            # Without updates a name that does not resolve stops the node at its start, where somebody sees it.
            Setting("Xdns-update-enabled", around.names_change),
        ]
    return wanted


def _pool(plan: NetworkPlan) -> list[Setting]:
    wanted = [
        Setting("min-gas-price", 0, "Nobody pays for gas here."),
        Setting("tx-pool", plan.pool),
    ]
    if plan.pool == "sequenced":
        share = (
            f"How far ahead of its last mined nonce one sender may be: {SHARE_OF_ONE_SENDER} of {POOL_SIZE:,}.\n"
            "Besu's default of 0.001 allows a handful, which any bank exceeds within a second."
        )
        wanted += [
            Setting("tx-pool-max-size", POOL_SIZE),
            Setting("tx-pool-limit-by-account-percentage", SHARE_OF_ONE_SENDER, share),
        ]
    else:
        wanted += [
            Setting("tx-pool-max-future-by-sender", FUTURE_NONCES, "How far ahead one sender's nonces may be."),
            Setting("tx-pool-enable-balance-check", True, "A transaction that cannot pay its price blocks no other."),
        ]
    return [
        *wanted,
        Setting("tx-pool-no-local-priority", True, "Who asks this node first is served no earlier."),
        Setting("tx-pool-enable-save-restore", True, "What waits survives an orderly restart."),
        Setting("strict-tx-replay-protection-enabled", True, "EIP-155: signed for this chain, or not taken."),
    ]


def _blocks() -> list[Setting]:
    return [
        Setting(
            "poa-block-txs-selection-max-time",
            50,
            "Per cent of the block period that choosing transactions may take.",
        ),
        Setting("revert-reason-enabled", True, "Receipts say why a transaction reverted."),
    ]


def _permissions(plan: NetworkPlan, around: Surroundings) -> list[Setting]:
    nodes = "Only these nodes are spoken to."
    wanted = [
        Setting("permissions-nodes-config-file-enabled", True, nodes),
        Setting("permissions-nodes-config-file", str(around.files / NODES)),
    ]
    if plan.open_accounts:
        return [
            *wanted,
            Setting("permissions-accounts-config-file-enabled", False, "Any account may send: contracts decide."),
        ]
    return [
        *wanted,
        Setting("permissions-accounts-config-file-enabled", True, "Only these accounts may send transactions."),
        Setting("permissions-accounts-config-file", str(around.files / ACCOUNTS)),
    ]


def _metrics(place: Place, around: Surroundings) -> list[Setting]:
    return [
        Setting("metrics-enabled", True),
        Setting("metrics-host", around.metrics_host),
        Setting("metrics-port", place.metrics_port),
    ]


def _rpc(plan: NetworkPlan, place: Place, around: Surroundings) -> list[Setting]:
    validator = place.role == "validator"
    apis = ("ETH", "NET", "WEB3", "TXPOOL", "QBFT", "PERM") if validator else ("ETH", "NET", "WEB3", "TXPOOL")
    why = (
        "For its operator on this machine: votes (QBFT) and lists of accounts and nodes (PERM). Not for applications."
        if validator
        else "For applications."
    )
    wanted = [
        Setting("rpc-http-enabled", True, why),
        Setting("rpc-http-host", around.rpc_host),
        Setting("rpc-http-port", place.rpc_port),
        Setting("rpc-http-api", apis),
        Setting("host-allowlist", around.host_names),
        Setting("rpc-http-max-batch-size", BATCH_LIMIT),
        Setting("rpc-http-authentication-enabled", True, "A token per request; `pyjpm network token` makes them."),
        Setting("rpc-http-authentication-jwt-public-key-file", str(around.files / JWT)),
        Setting("rpc-http-authentication-jwt-algorithm", "RS256"),
    ]
    if validator or not plan.tls:
        return wanted
    clients = "Clients are known by their certificates' names and SHA-256 fingerprints (docs, Configure client TLS)."
    return [
        *wanted,
        Setting("rpc-http-tls-enabled", True),
        Setting("rpc-http-tls-keystore-file", str(around.files / SERVER_STORE)),
        Setting("rpc-http-tls-keystore-password-file", str(around.files / SERVER_PASSWORD)),
        Setting("rpc-http-tls-client-auth-enabled", True, clients),
        Setting("rpc-http-tls-known-clients-file", str(around.files / KNOWN_CLIENTS)),
    ]
