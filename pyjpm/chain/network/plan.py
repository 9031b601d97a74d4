"""What a network is to be: how many nodes, where they live, what their chain is like.

Decisions that govern this module:

* At least four validators: QBFT goes on while more than two thirds of them do, so three survive no failure.
* At most sixteen nodes: every node keeps a connection to every other, and Besu lets others open only 60 % of its 25
  (``max-peers``, ``remote-connections-max-percentage``, their defaults); the last to start opens none itself.
* Nodes on one machine differ by their ports, counted up from Besu's defaults in the order of the nodes; nodes on
  machines of their own all have the defaults.
* A host is an IPv4 address or a DNS name. Addresses are the rule: Besu compares a peer's address with its allowlist,
  and names in enode URLs are an early access feature there.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pyjpm.chain.values import check_address
from pyjpm.errors.chain import InvalidAddress
from pyjpm.errors.network import InvalidNetworkPlan

Role = Literal["validator", "rpc"]
Pool = Literal["sequenced", "layered"]

MIN_VALIDATORS: Final = 4
MAX_NODES: Final = 16
LOOPBACK: Final = "127.0.0.1"

# Besu's defaults (docs, CLI options: p2p-port, rpc-http-port, metrics-port).
P2P_PORT: Final = 30303
RPC_PORT: Final = 8545
METRICS_PORT: Final = 9545

# Ten digits within 31 bits: above the ids of nearly all public networks, and a plain integer in every client.
CHAIN_IDS: Final = range(1_000_000_000, 2**31)
MAX_CHAIN_ID: Final = 2**53 - 1  # beyond it JavaScript rounds

_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one node is: its name, what it does, its host and ports."""

    name: str
    role: Role
    host: str
    p2p_port: int
    rpc_port: int
    metrics_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """A network to be written to files.

    Attributes:
        validators: how many nodes make blocks.
        rpc_nodes: how many nodes answer applications; 0 for none.
        chain_id: which chain the signatures are for; None picks one at random.
        block_period: seconds between blocks.
        request_timeout: seconds of a consensus round before the next one starts. 4 by measurement: with one of four
            validators dead every fourth block takes 5 s; 2 makes that 3 s, but on starved machines rounds storm up to
            16 s and the batched rate falls to a third.
        gas_limit: gas a block holds.
        hosts: one for all nodes, or one for each, validators first.
        pool: Besu's transaction pool.
        accounts: who may send transactions, beside the rescue account.
        open_accounts: anybody may send: the contracts' own checks are the gate.
        tls: RPC nodes speak https and know their clients by certificate.
        image: container image of Besu.
    Raises InvalidNetworkPlan.
    """

    validators: int = MIN_VALIDATORS
    rpc_nodes: int = 2
    chain_id: int = 0
    block_period: int = 1
    request_timeout: int = 4
    gas_limit: int = 100_000_000
    hosts: tuple[str, ...] = (LOOPBACK,)
    pool: Pool = "sequenced"
    accounts: tuple[str, ...] = ()
    open_accounts: bool = False
    tls: bool = True
    image: str = "hyperledger/besu:latest"

    def __post_init__(self) -> None:
        _require(self.validators >= MIN_VALIDATORS, "validators", self.validators, f"is below {MIN_VALIDATORS}")
        _require(self.rpc_nodes >= 0, "rpc_nodes", self.rpc_nodes, "is below 0")
        nodes = self.validators + self.rpc_nodes
        _require(nodes <= MAX_NODES, "validators", self.validators, f"makes {nodes} nodes, above {MAX_NODES}")
        _require(0 <= self.chain_id <= MAX_CHAIN_ID, "chain_id", self.chain_id, "is not between 1 and 2^53 - 1")
        _require(1 <= self.block_period <= 60, "block_period", self.block_period, "is not between 1 and 60 seconds")
        longer = self.block_period < self.request_timeout <= 600
        _require(longer, "request_timeout", self.request_timeout, "is not longer than the block period, up to 600 s")
        # The largest of our contracts costs about five million gas to create.
        _require(10_000_000 <= self.gas_limit <= 2**40, "gas_limit", self.gas_limit, "is not between 10^7 and 2^40")
        _require(self.pool in ("sequenced", "layered"), "pool", self.pool, "is neither sequenced nor layered")
        _require(bool(_IMAGE.fullmatch(self.image)), "image", self.image, "is not the name of a container image")
        few = f"names {len(self.hosts)} hosts: give one for all, or one for each of the {nodes} nodes"
        _require(len(self.hosts) in (1, nodes), "hosts", list(self.hosts), few)
        for host in self.hosts:
            _check_host(host)
        object.__setattr__(self, "accounts", tuple(dict.fromkeys(check_account(account) for account in self.accounts)))
        _require(not (self.accounts and self.open_accounts), "open_accounts", True, "contradicts a list of accounts")
        if self.chain_id == 0:
            object.__setattr__(self, "chain_id", secrets.choice(CHAIN_IDS))

    def places(self) -> tuple[Place, ...]:
        """Every node's place, validators first."""
        names: list[tuple[str, Role]] = [(f"validator-{number + 1}", "validator") for number in range(self.validators)]
        names += [(f"rpc-{number + 1}", "rpc") for number in range(self.rpc_nodes)]
        hosts = self.hosts if len(self.hosts) > 1 else self.hosts * len(names)
        before: Counter[str] = Counter()
        places = []
        for (name, role), host in zip(names, hosts, strict=True):
            shift = before[host]
            before[host] += 1
            places.append(Place(name, role, host, P2P_PORT + shift, RPC_PORT + shift, METRICS_PORT + shift))
        return tuple(places)


def is_ip(host: str) -> bool:
    """Whether a host is an IPv4 address and not a name."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def read_hosts(text: str) -> tuple[str, ...]:
    """The hosts of a hosts file: one a line, in the order of the nodes; ``#`` begins a comment."""
    lines: Sequence[str] = [line.partition("#")[0].strip() for line in text.splitlines()]
    return tuple(line for line in lines if line)


def _check_host(host: str) -> None:
    digits = host.replace(".", "").isdigit()  # 1.2.3 or 300.1.1.1: meant as an address
    usable = is_ip(host) and not ipaddress.IPv4Address(host).is_unspecified
    _require(
        usable or (not digits and bool(_NAME.fullmatch(host))), "hosts", host, "is no IPv4 address and no DNS name"
    )


def check_account(account: str) -> str:
    """An account's address in lower case, as permission files have it. Raises InvalidNetworkPlan."""
    try:
        return check_address(account).lower()
    except InvalidAddress:
        raise InvalidNetworkPlan(
            f"accounts: {account!r} is not an account address.", field="accounts", value=account
        ) from None


def _require(holds: bool, field: str, value: object, why: str) -> None:
    if not holds:
        raise InvalidNetworkPlan(f"{field}: {value!r} {why}.", field=field, value=value)
