"""Who may speak to whom, and who may send: the lists that nodes read.

Decisions that govern this module:

* The keys are ``nodes-allowlist`` and ``accounts-allowlist`` (docs, Use local permissioning; Besu's
  ``PermissioningConfigurationBuilder``).
* The allowlist names every node, the node itself included; the list of static nodes leaves it out, since nobody keeps
  a connection to himself. Besu does not start where a static node is not in the allowlist.
* RPC nodes keep connections to all validators, so what one of them is sent reaches more than two validators' pools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pyjpm.chain.network.options import toml_value


def static_nodes(enodes: Mapping[str, str], name: str) -> str:
    """``static-nodes.json`` of the node ``name``; ``enodes`` by name of node."""
    return json.dumps([enode for other, enode in enodes.items() if other != name], indent=1) + "\n"


def nodes_allowlist(enodes: Mapping[str, str]) -> str:
    """The nodes permission file."""
    return _list("nodes-allowlist", list(enodes.values()))


def accounts_allowlist(accounts: Sequence[str]) -> str:
    """The accounts permission file."""
    return _list("accounts-allowlist", accounts)


def _list(key: str, entries: Sequence[str]) -> str:
    # One entry a line is easier to compare. No comma after the last, as in Besu's own files of several lines.
    return f"{key} = [\n" + ",\n".join(f"  {toml_value(entry)}" for entry in entries) + "\n]\n"
