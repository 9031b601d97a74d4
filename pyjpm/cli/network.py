"""``pyjpm network``: the files of a Besu network, and questions to one that runs."""

from __future__ import annotations

import json
import ssl
import time
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import typer

from pyjpm.chain.network import (
    CheckReport,
    Description,
    Level,
    NetworkPlan,
    allow_accounts,
    check_network,
    client_tls,
    issue_token,
    read_description,
    read_token,
    write_network,
)
from pyjpm.chain.network.build import CLIENT_CERTIFICATES, PASSPHRASE, TOKEN_KEY
from pyjpm.chain.network.check import WATCH
from pyjpm.chain.network.findings import worst_first
from pyjpm.chain.network.plan import read_hosts
from pyjpm.chain.network.tokens import APPLICATION, read_duration
from pyjpm.custody import read_passphrase
from pyjpm.errors.network import InvalidNetworkPlan, NetworkFolderUnreadable

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FolderArgument = Annotated[Path, typer.Argument(help="The folder that `pyjpm network init` wrote.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def network() -> None:
    """The files of a Besu network, and questions to one that runs."""


@app.command()
def init(
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist, or be empty.")],
    validators: Annotated[int, typer.Option(help="Nodes that make blocks, at least 4.")] = 4,
    rpc_nodes: Annotated[int, typer.Option(help="Nodes that answer applications.")] = 2,
    chain_id: Annotated[int, typer.Option(help="Chain id; 0 picks one at random.")] = 0,
    block_period: Annotated[int, typer.Option(help="Seconds between blocks.")] = 1,
    request_timeout: Annotated[int, typer.Option(help="Seconds until a dead validator's turn is over.")] = 4,
    gas_limit: Annotated[int, typer.Option(help="Gas a block holds.")] = 100_000_000,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Where the nodes live, addresses or names: one for all, or one for each, validators first."),
    ] = None,
    hosts_file: Annotated[Path | None, typer.Option(help="The same from a file, one a line.")] = None,
    root: Annotated[str | None, typer.Option(help="Where the folder will lie on the nodes' machines.")] = None,
    pool: Annotated[Literal["sequenced", "layered"], typer.Option(help="Besu's transaction pool.")] = "sequenced",
    account: Annotated[
        list[str] | None,
        typer.Option(help="Address that may send transactions; without any, a first one called deployer is made."),
    ] = None,
    open_accounts: Annotated[bool, typer.Option("--open-accounts", help="Let any account send.")] = False,
    tls: Annotated[bool, typer.Option(help="RPC nodes speak https, to clients with certificates.")] = True,
    image: Annotated[str, typer.Option(help="Container image of Besu.")] = "hyperledger/besu:latest",
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Passphrase for the rescue account's key; without one it is made and written.")
    ] = None,
    passphrase_env: Annotated[str | None, typer.Option(help="The same from an environment variable, by name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write genesis, keys, permissions, configurations, a compose file and manifests. Nothing is overwritten."""
    if host and hosts_file:
        raise InvalidNetworkPlan("hosts: give --host or --hosts-file, not both.", field="hosts", value=list(host))
    hosts = _hosts(hosts_file) if hosts_file else tuple(host or ["127.0.0.1"])
    if root is not None and not PurePosixPath(root).is_absolute():
        raise InvalidNetworkPlan(f"root: {root!r} is not an absolute path.", field="root", value=root)
    plan = NetworkPlan(
        validators=validators,
        rpc_nodes=rpc_nodes,
        chain_id=chain_id,
        block_period=block_period,
        request_timeout=request_timeout,
        gas_limit=gas_limit,
        hosts=hosts,
        pool=pool,
        accounts=tuple(account or ()),
        open_accounts=open_accounts,
        tls=tls,
        image=image,
    )
    given = passphrase_file is not None or passphrase_env is not None
    secret = read_passphrase(file=passphrase_file, environment=passphrase_env) if given else None
    made = write_network(plan, out, root=PurePosixPath(root) if root else None, passphrase=secret)
    described = made.description
    if as_json:
        print(json.dumps({"folder": str(out.absolute()), **json.loads(described.to_json())}, indent=1))
        return
    print(f"{out}: network {described.chain_id}, first block {described.genesis['hash']}")
    for node in described.nodes:
        print(f"{node.name:12} {node.address}  {node.rpc}")
    print(f"rescue       {described.rescue}  {out}/accounts/rescue.json")
    if secret is None:
        print(f"its passphrase was made here: move {out}/accounts/{PASSPHRASE} away from it")
    if described.open_accounts:
        print("any account may send transactions")
    else:
        print(f"may send transactions: {', '.join(described.accounts)}")
    print(f"how to start it, and whom to hand what: {out}/README.md")


@app.command()
def token(
    folder: FolderArgument,
    permissions: Annotated[
        list[str] | None, typer.Option(help="Such as eth:*, several by commas; default is what pyjpm asks for.")
    ] = None,
    expires: Annotated[str, typer.Option(help="How long it is good for: 90s, 15m, 12h, 30d.")] = "12h",
) -> None:
    """Print a token with which an application may ask the nodes. Whoever has it may do what it permits: hide it."""
    wanted = [part.strip() for text in permissions or APPLICATION for part in text.split(",")]
    path = folder / TOKEN_KEY
    try:
        key = path.read_bytes()
    except OSError:
        raise NetworkFolderUnreadable(f"{path} cannot be read.", path=str(path)) from None
    print(issue_token(key, wanted, int(time.time()) + read_duration(expires)))


@app.command()
def check(
    urls: Annotated[list[str] | None, typer.Argument(help="Nodes; those of --expect for applications if none.")] = None,
    jwt: Annotated[Path | None, typer.Option(help="File with a token, as `pyjpm network token` prints.")] = None,
    expect: Annotated[Path | None, typer.Option(help="Folder of the network it is to be.")] = None,
    watch: Annotated[float, typer.Option(help="Seconds to watch blocks come.", min=0, max=600)] = WATCH,
    tls_ca: Annotated[Path | None, typer.Option(help="Authority of the nodes' certificates, PEM.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Our certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask running nodes whether they are what pyjpm needs; exit code 1 if something fails. Nothing is sent."""
    expected = read_description(expect) if expect else None
    nodes = urls or (list(expected.rpc_urls()) if expected else [])
    if not nodes:
        raise InvalidNetworkPlan("urls: give the addresses of nodes, or --expect DIR.", field="urls", value=[])
    report = check_network(
        nodes,
        token=read_token(jwt) if jwt else None,
        tls=_tls(expect, tls_ca, tls_cert, tls_key),
        expected=expected,
        watch_seconds=watch,
    )
    if as_json:
        print(json.dumps(report.to_dict(), indent=1))
    else:
        _print_report(report, expected)
    if not report.usable:
        raise typer.Exit(1)


@app.command()
def allow(
    folder: FolderArgument,
    accounts: Annotated[list[str], typer.Argument(help="Addresses that may send transactions.")],
) -> None:
    """Let more accounts send transactions. Nodes read their list when they start."""
    after = allow_accounts(folder, accounts)
    print(f"may send transactions once the nodes were restarted: {', '.join(after.accounts)}")


def _tls(
    expect: Path | None, authority: Path | None, certificate: Path | None, key: Path | None
) -> ssl.SSLContext | None:
    """The certificates given, else those in the network's folder, else the system's trust."""
    if authority is None and (certificate or key):
        raise InvalidNetworkPlan("tls: give --tls-ca too.", field="tls_ca", value=None)
    if authority is None and expect and all((expect / path).is_file() for path in CLIENT_CERTIFICATES):
        authority, certificate, key = (expect / path for path in CLIENT_CERTIFICATES)
    return client_tls(authority, certificate, key) if authority else None


def _print_report(report: CheckReport, expected: Description | None) -> None:
    from rich.table import Table

    from pyjpm.cli.tables import console

    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "node", "seen", "what to do"):
        table.add_column(column, overflow="fold")
    names = {node.rpc: node.name for node in expected.nodes} if expected else {}
    for finding in worst_first(report.findings):
        node = names.get(finding.node, finding.node)
        table.add_row(finding.level.value, finding.name, node, finding.seen, finding.remedy)
    out = console()
    out.print(table)
    counts = ", ".join(f"{len(report.of(level))} {level.value}" for level in Level)
    out.print(f"{'usable' if report.usable else 'NOT usable'}: {counts}")


def _hosts(path: Path) -> tuple[str, ...]:
    try:
        return read_hosts(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InvalidNetworkPlan(f"hosts: {path} cannot be read.", field="hosts_file", value=str(path)) from None
