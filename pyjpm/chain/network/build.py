"""All files of a new network, in memory: keys made, everything derived from them, nothing written yet.

Decisions that govern this module:

* A node's folder is all that node needs and nothing of another's: it can be handed to whoever runs it.
* Only keys, certificates and the chain id are random; the rest follows from them and from the plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from pyjpm.chain.network import containers
from pyjpm.chain.network.accounts import DEPLOYER, RESCUE, SCRYPT_WORK, new_account, new_passphrase
from pyjpm.chain.network.certificates import Authority, Client
from pyjpm.chain.network.description import FILE, DescribedNode, Description
from pyjpm.chain.network.genesis import genesis, header
from pyjpm.chain.network.keys import NodeKey
from pyjpm.chain.network.options import (
    ACCOUNTS,
    BATCH_LIMIT,
    CONFIG,
    GENESIS,
    JWT,
    KEY,
    KNOWN_CLIENTS,
    NODES,
    SERVER_PASSWORD,
    SERVER_STORE,
    STATIC_NODES,
    Surroundings,
    local_surroundings,
    settings,
    to_toml,
)
from pyjpm.chain.network.peers import accounts_allowlist, nodes_allowlist, static_nodes
from pyjpm.chain.network.plan import P2P_PORT, NetworkPlan, Place, is_ip
from pyjpm.chain.network.readme import readme
from pyjpm.chain.network.tokens import new_token_keys

PASSPHRASE: Final = "passphrase"  # noqa: S105 (a file's name)
TOKEN_KEY: Final = "tokens/jwt-private.pem"  # noqa: S105 (a file's name)
CLIENT_CERTIFICATES: Final = ("clients/ca.pem", "clients/client.pem", "clients/client.key")

PUBLIC_MODE: Final = 0o644
SECRET_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written, and who may read it."""

    content: bytes = field(repr=False)
    mode: int


@dataclass(frozen=True, slots=True)
class NewNetwork:
    """A network's files by their path below its folder, and what they describe."""

    files: Mapping[str, NewFile] = field(repr=False)
    description: Description


def build_network(
    plan: NetworkPlan,
    root: PurePosixPath,
    owner: tuple[int, int],
    passphrase: str | None = None,
    kdf_work: int = SCRYPT_WORK,
) -> NewNetwork:
    """Make all keys and files.

    Args:
        root: absolute path of the network's folder on the nodes' machines.
        owner: user and group whom the files will belong to.
        passphrase: for the accounts made here; None makes one, which is then a file too.
        kdf_work: scrypt's N for these accounts' keys.
    """
    maker = _Maker(plan, root, owner, passphrase, kdf_work)
    return NewNetwork(maker.files(), maker.description)


class _Maker:
    def __init__(
        self, plan: NetworkPlan, root: PurePosixPath, owner: tuple[int, int], passphrase: str | None, kdf_work: int
    ) -> None:
        self._plan, self._root, self._owner = plan, root, owner
        self._places = plan.places()
        self._keys = {place.name: NodeKey.generate() for place in self._places}
        self._passphrase, self._made_passphrase = passphrase or new_passphrase(), not passphrase
        wanted = [RESCUE] if plan.accounts or plan.open_accounts else [RESCUE, DEPLOYER]
        self._accounts = [new_account(name, self._passphrase, kdf_work) for name in wanted]
        self._token_private, self._token_public = new_token_keys()
        self._authority = Authority(plan.chain_id) if plan.tls and plan.rpc_nodes else None
        self._client = self._authority.client() if self._authority else None
        self._named = not all(is_ip(host) for host in plan.hosts)
        self.description = self._described()

    def files(self) -> dict[str, NewFile]:
        made: dict[str, NewFile] = {FILE: _public(self.description.to_json()), GENESIS: _public(self._genesis())}
        made["README.md"] = _public(readme(self._plan, self._places, self.description, str(self._root)))
        self._add_keys(made)
        by_hand = {place.name: self._node_files(place) for place in self._places}
        for place in self._places:
            for name, content in by_hand[place.name].items():
                where = f"nodes/{place.name}/{'data/' if name == STATIC_NODES else ''}{name}"
                made[where] = NewFile(content, SECRET_MODE if name in containers.SECRET else PUBLIC_MODE)
        self._add_compose(made, by_hand)
        self._add_kubernetes(made, by_hand)
        return made

    def _add_keys(self, made: dict[str, NewFile]) -> None:
        for account in self._accounts:
            made[f"accounts/{account.name}.json"] = _secret(account.content)
        if self._made_passphrase:
            made[f"accounts/{PASSPHRASE}"] = _secret(f"{self._passphrase}\n".encode())
        made[TOKEN_KEY] = _secret(self._token_private)
        if self._authority and self._client:
            made["clients/ca.key"] = _secret(self._authority.key())
            certificates = (self._authority.certificate(), self._client.certificate, self._client.key)
            for path, content in zip(CLIENT_CERTIFICATES, certificates, strict=True):
                made[path] = _secret(content)

    def _node_files(self, place: Place) -> dict[str, bytes]:
        """What a node started by hand needs, its peers where they were said to be."""
        plan, around = self._plan, local_surroundings(place, self._root, self._named)
        made = {
            GENESIS: self._genesis(),
            KEY: self._keys[place.name].file(),
            JWT: self._token_public,
            **self._rewritten(place, around, self._enodes(lambda other: (other.host, other.p2p_port))),
        }
        if not plan.open_accounts:
            made[ACCOUNTS] = accounts_allowlist(self.description.accounts).encode()
        if self._authority and self._client and place.role == "rpc":
            made |= self._tls_files(place, self._authority, self._client)
        return made

    def _tls_files(self, place: Place, authority: Authority, client: Client) -> dict[str, bytes]:
        number = self._places.index(place)
        names = (*local_surroundings(place, self._root, False).host_names, containers.compose_address(number))
        names += (*containers.service_names(place.name), containers.pod_host(place.name))
        store = authority.server(place.name, tuple(dict.fromkeys(names)))
        return {
            SERVER_STORE: store.content,
            SERVER_PASSWORD: store.password.encode(),
            KNOWN_CLIENTS: f"{client.known_as}\n".encode(),
        }

    def _rewritten(self, place: Place, around: Surroundings, enodes: Mapping[str, str]) -> dict[str, bytes]:
        title = f"{place.name} of network {self._plan.chain_id}. Start: besu --config-file={around.files / CONFIG}"
        return {
            CONFIG: to_toml(settings(self._plan, place, around), title).encode(),
            STATIC_NODES: static_nodes(enodes, place.name).encode(),
            NODES: nodes_allowlist(enodes).encode(),
        }

    def _add_compose(self, made: dict[str, NewFile], by_hand: Mapping[str, dict[str, bytes]]) -> None:
        numbers = {place.name: number for number, place in enumerate(self._places)}
        enodes = self._enodes(lambda place: (containers.compose_address(numbers[place.name]), P2P_PORT))
        for place in self._places:
            around = containers.compose_surroundings(place, numbers[place.name])
            for name, content in self._rewritten(containers.inside(place), around, enodes).items():
                made[f"compose/{place.name}/{name}"] = NewFile(content, PUBLIC_MODE)
        text = containers.compose_file(self._plan, self._places, by_hand, self._owner)
        made["compose/docker-compose.yml"] = _public(text)

    def _add_kubernetes(self, made: dict[str, NewFile], by_hand: Mapping[str, dict[str, bytes]]) -> None:
        enodes = self._enodes(lambda place: (containers.pod_host(place.name), P2P_PORT))
        inside = {}
        for place in self._places:
            around = containers.kubernetes_surroundings(place)
            inside[place.name] = by_hand[place.name] | self._rewritten(containers.inside(place), around, enodes)
        for name, text in containers.kubernetes_files(self._plan, self._places, inside).items():
            made[f"kubernetes/{name}"] = _secret(text.encode())

    def _enodes(self, where: Callable[[Place], tuple[str, int]]) -> dict[str, str]:
        return {place.name: self._keys[place.name].enode(*where(place)) for place in self._places}

    def _genesis(self) -> bytes:
        return (json.dumps(genesis(self._plan, self._validators(), self._rescue()), indent=1) + "\n").encode()

    def _validators(self) -> list[str]:
        return [self._keys[place.name].address for place in self._places if place.role == "validator"]

    def _rescue(self) -> str:
        return self._accounts[0].address

    def _described(self) -> Description:
        plan = self._plan
        senders = () if plan.open_accounts else (*plan.accounts, *(account.address for account in self._accounts))
        return Description(
            chain_id=plan.chain_id,
            genesis=header(plan, self._validators(), self._rescue()),
            block_period=plan.block_period,
            request_timeout=plan.request_timeout,
            gas_limit=plan.gas_limit,
            pool=plan.pool,
            batch_limit=BATCH_LIMIT,
            open_accounts=plan.open_accounts,
            accounts=tuple(dict.fromkeys(senders)),
            rescue=self._rescue(),
            nodes=tuple(self._described_node(place) for place in self._places),
        )

    def _described_node(self, place: Place) -> DescribedNode:
        key = self._keys[place.name]
        host = "127.0.0.1" if place.role == "validator" else place.host
        scheme = "https" if place.role == "rpc" and self._plan.tls else "http"
        return DescribedNode(
            name=place.name,
            role=place.role,
            address=key.address,
            enode=key.enode(place.host, place.p2p_port),
            rpc=f"{scheme}://{host}:{place.rpc_port}",
        )


def _public(content: str | bytes) -> NewFile:
    return NewFile(content.encode() if isinstance(content, str) else content, PUBLIC_MODE)


def _secret(content: bytes) -> NewFile:
    return NewFile(content, SECRET_MODE)
