"""``network.json``: what the files say a network is, for whoever has to compare it with what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.network import NetworkFolderUnreadable

FILE: Final = "network.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class DescribedNode:
    """One node: ``address`` is a validator's, ``rpc`` the URL it answers at (a validator's on its own machine only)."""

    name: str
    role: str
    address: str
    enode: str
    rpc: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a network of ours is to be like. Times in seconds; ``genesis`` are fields of the first block's header."""

    chain_id: int
    genesis: Mapping[str, str]
    block_period: int
    request_timeout: int
    gas_limit: int
    pool: str
    batch_limit: int
    open_accounts: bool
    accounts: tuple[str, ...]
    rescue: str
    nodes: tuple[DescribedNode, ...]

    def validators(self) -> frozenset[str]:
        """Addresses of the validators the chain starts with."""
        return frozenset(node.address for node in self.nodes if node.role == "validator")

    def rpc_urls(self) -> tuple[str, ...]:
        """Where the nodes for applications answer."""
        return tuple(node.rpc for node in self.nodes if node.role == "rpc")

    def to_json(self) -> str:
        """The file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


def read_description(folder: Path) -> Description:
    """The description of the network whose files are in ``folder``. Raises NetworkFolderUnreadable."""
    path = folder / FILE
    try:
        return _described(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NetworkFolderUnreadable(f"{path} does not describe a network.", path=str(path)) from None


def _described(content: dict[str, Any]) -> Description:
    if content.pop("format") != FORMAT:
        raise ValueError
    nodes = tuple(DescribedNode(**{key: str(value) for key, value in node.items()}) for node in content.pop("nodes"))
    genesis = {str(key): str(value) for key, value in content.pop("genesis").items()}
    accounts = tuple(str(account) for account in content.pop("accounts"))
    for key in ("chain_id", "block_period", "request_timeout", "gas_limit", "batch_limit"):
        if type(content[key]) is not int:
            raise TypeError
    return Description(nodes=nodes, genesis=genesis, accounts=accounts, **content)
