"""``README.md`` of a network's folder: for whoever starts it, and for whoever is handed a part of it."""

from __future__ import annotations

from collections.abc import Sequence

from pyjpm.chain.network.containers import NAMESPACE, SUBNET
from pyjpm.chain.network.description import Description
from pyjpm.chain.network.plan import RPC_PORT, NetworkPlan, Place


def readme(plan: NetworkPlan, places: Sequence[Place], described: Description, root: str) -> str:
    """The page, for this very network."""
    dead = (plan.validators - 1) // 3
    return "\n\n".join(
        [
            f"# Network {plan.chain_id}",
            f"{plan.validators} QBFT validators and {plan.rpc_nodes} RPC nodes; a block every {plan.block_period} s; "
            f"{plan.gas_limit:,} gas a block; gas costs nothing. It goes on while {dead} of the validators "
            f"{'is' if dead == 1 else 'are'} dead and stops with one more, losing nothing.\n"
            "Besu must be a release after 26.8.0: until then choosing transactions under Shanghai and Cancun took up "
            "to 5 s a block under load.",
            _nodes(places, described),
            _by_hand(places, root),
            _compose(plan),
            _kubernetes(places),
            _asking(described),
            _senders(plan, described),
            _secrets(plan),
            _files(plan),
        ]
    )


def _nodes(places: Sequence[Place], described: Description) -> str:
    rows = ["| node | host | p2p (TCP) | RPC | metrics | address |", "| --- | --- | --- | --- | --- | --- |"]
    for place, node in zip(places, described.nodes, strict=True):
        address = node.address if place.role == "validator" else "–"
        rows.append(
            f"| {place.name} | {place.host} | {place.p2p_port} | {node.rpc} | {place.metrics_port} | {address} |"
        )
    return "\n".join(rows)


def _by_hand(places: Sequence[Place], root: str) -> str:
    starts = "\n".join(f"besu --config-file={root}/nodes/{place.name}/besu.toml" for place in places)
    return (
        "## Start by hand\n\n"
        "Each command on its node's machine, together: they look for each other at their start and then every minute."
        f"\n\n```sh\n{starts}\n```\n\n"
        "The first block comes after 10 to 40 s. Where several nodes share a machine, "
        "`BESU_OPTS=-Xmx512m` keeps each from taking a quarter of its memory. "
        f"The configurations have full paths below `{root}`: a node's folder must lie there on its machine "
        "(`pyjpm network init --root` names another place). Peers must reach each other's p2p port over TCP, from and "
        "at exactly these addresses: a node behind address translation is refused by the others' allowlists."
    )


def _compose(plan: NetworkPlan) -> str:
    ports = ", ".join(f"127.0.0.1:{RPC_PORT + number}" for number in range(plan.rpc_nodes)) or "none"
    return (
        "## Start with docker compose\n\nAll nodes on one machine, to try it out:\n\n"
        "```sh\ncd compose && BESU_IMAGE=hyperledger/besu:VERSION docker compose up -d\n```\n\n"
        f"RPC nodes answer at {ports}. The nodes have a network of their own, {SUBNET}.0/24, and keep their data in "
        "`nodes/*/data`, as those started by hand do: never start both."
    )


def _kubernetes(places: Sequence[Place]) -> str:
    return (
        "## Start in Kubernetes\n\n"
        "```sh\nkubectl apply -f kubernetes/00-namespace.yaml && kubectl apply -f kubernetes/\n```\n\n"
        f"{len(places)} StatefulSets in the namespace `{NAMESPACE}`, each with its Secret, ConfigMap and headless "
        "Service; applications within the cluster ask "
        f"`rpc-1.{NAMESPACE}.svc:{RPC_PORT}`. The manifests hold keys: apply them from a safe place, or put the "
        "Secrets into your vault and leave them out. A node that started while a peer had no address yet (its pod was "
        "not scheduled within two minutes) has to be restarted once that peer is up."
    )


def _asking(described: Description) -> str:
    urls = " ".join(described.rpc_urls()) or described.nodes[0].rpc
    return (
        "## Ask how it does\n\n"
        "In this folder:\n\n```sh\n(umask 077; pyjpm network token . --expires 12h > token)\n"
        f"pyjpm network check {urls} --jwt token --expect .\n```\n\n"
        "Validators answer on their own machine only (`qbft_*` to vote, `perm_*` for lists), with a token that permits "
        "it: `--permissions 'qbft:*,perm:*'`."
    )


def _senders(plan: NetworkPlan, described: Description) -> str:
    if plan.open_accounts:
        return (
            "## Who may send\n\nAny account: `permissions-accounts-config-file-enabled` is off. "
            "Who may hold and move money is decided by the contracts."
        )
    listed = "\n".join(
        f"- `{account}`{' (rescue)' if account == described.rescue else ''}" for account in described.accounts
    )
    return (
        f"## Who may send\n\nOnly these accounts:\n\n{listed}\n\n"
        "Every other sender, a client's wallet too, is refused (-32007). Add one with `pyjpm network allow . ADDRESS` "
        "here and in every handed-over folder, and restart the nodes one after another, or have each validator read "
        "its list again with `perm_reloadPermissionsFromFile`. "
        "The list protects the nodes; who may hold and move money is decided by the contracts."
    )


def _secrets(plan: NetworkPlan) -> str:
    return (
        "## Secrets\n\n"
        "| file | whose | what to do |\n| --- | --- | --- |\n"
        "| `nodes/*/node.key` | the operator of that node, nobody else | hand it over with its folder, delete here |\n"
        "| `tokens/jwt-private.pem` | who gives out tokens | no node needs it |\n"
        + (
            "| `clients/client.key` | the application | with `client.pem` and `ca.pem` |\n"
            "| `clients/ca.key` | who gives out certificates | delete it once your own authority is in place |\n"
            "| `nodes/rpc-*/server.p12`, `server.password` | the operator of that node | with its folder |\n"
            if plan.tls and plan.rpc_nodes
            else ""
        )
        + "| `accounts/rescue.json` | two officers, offline | see below |\n"
        "| `accounts/passphrase`, if it is there | as the keys beside it | move it away from them |\n"
        "| `kubernetes/*.yaml` | who applies them | hold the nodes' keys |\n\n"
        "**The rescue account** is the only one with money. If a transaction was ever signed with a price above zero, "
        "its sender is jammed for good: the transaction is accepted, never mined, and no zero-fee one takes its nonce. "
        "Send that sender, from this account, as much as the jammed transaction offers (gas × price + value): it is "
        "mined, and the sender goes on. Nothing else needs this account."
    )


def _files(plan: NetworkPlan) -> str:
    return (
        "## Files\n\n"
        "`nodes/NAME/`: all that one node needs. `besu.toml` its options, `genesis.json` the first block (the same "
        "everywhere), `node.key`, `data/static-nodes.json` whom to connect to, `nodes-allowlist.toml` whom to hear, "
        + ("" if plan.open_accounts else "`accounts-allowlist.toml` who may send, ")
        + "`jwt-public.pem` which tokens to believe"
        + (", `known-clients.txt` which clients' certificates (name and SHA-256 fingerprint)" if plan.tls else "")
        + "; its database will be in `data`.\n"
        "`compose/`, `kubernetes/`: the same nodes in containers. `network.json`: what `pyjpm network check --expect` "
        "compares with. `genesis.json`: for a node that joins later."
        + (
            "\n\nTo use certificates of your own authority, replace `server.p12` (PKCS#12) and `server.password` of "
            "each RPC node, list your clients in `known-clients.txt`, and restart the node."
            if plan.tls and plan.rpc_nodes
            else ""
        )
    ) + "\n"
