"""``pyjpm orders watch`` and what goes with it: binding orders, listing events, deciding about them.

Results are one line an event, or with ``--json`` one JSON object a line. ``events``, ``bind`` and ``decide`` need the
intake's database and the deployment record alone, and may run beside a watch.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.cli.chains import connected_platform
from pyjpm.custody import Keystore, LocalSigner, read_passphrase
from pyjpm.documents import Document
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.intake import SourceUnavailable, WatchInvalid
from pyjpm.orders.connectors.connector import Problem, printable
from pyjpm.orders.connectors.sources import SourceSettings, open_source
from pyjpm.orders.connectors.webhook import WebhookSecrets, WebhookServer
from pyjpm.orders.intake import Decision, EventState, Intake, Receipt, Triggers, Verdict
from pyjpm.orders.intake.desk import Desk
from pyjpm.orders.intake.mapping import load_intake_mapping
from pyjpm.orders.intake.scripts import BUILT_IN, load_script
from pyjpm.orders.intake.watch import INTERVAL, Told, Watch
from pyjpm.record import DeploymentRecord

DatabaseOption = Annotated[
    str, typer.Option(help="The intake's database: a file, or a postgresql:// URL.", envvar="PYJPM_INTAKE")
]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
SourceArgument = Annotated[str, typer.Argument(help="The source, as its events name it.")]
OrderArgument = Annotated[str, typer.Argument(help="The order's id there.")]
WEBHOOK = "webhook"


def register(app: typer.Typer) -> None:
    """Adds these commands to ``pyjpm orders``."""
    for name, command in (("watch", watch), ("bind", bind), ("events", events), ("decide", decide)):
        app.command(name)(command)


def watch(
    source: Annotated[
        str,
        typer.Option(
            help="csv, json, stdin, webhook, odoo, tryton, tryton-purchases, or a Python file with connect(settings)."
        ),
    ],
    mapping: Annotated[Path, typer.Option(help="Which status means which milestone, a TOML file.")],
    database: DatabaseOption,
    rpc: Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")],
    record: RecordOption,
    keystore: Annotated[Path, typer.Option(help="Keystore folder with the keys of sender and attesters.")],
    passphrase_file: Annotated[Path, typer.Option(help="File with the keystore's passphrase.")],
    journal: Annotated[
        str, typer.Option(help="The journal of the wallet that sends: a file, or a URL.", envvar="PYJPM_JOURNAL")
    ] = "intake-journal.sqlite",
    key: Annotated[str, typer.Option(help="Name of the key that sends.")] = "intake",
    attester: Annotated[list[str] | None, typer.Option(help="Name of an attester's key; repeat it.")] = None,
    name: Annotated[
        str | None, typer.Option(help="The source's name in events; that of --source if not given.")
    ] = None,
    script: Annotated[
        str | None, typer.Option(help="Order-status script, a Python file; or release-as-agreed, hold-for-approval.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="csv, json: the folder.")] = None,
    url: Annotated[str | None, typer.Option(help="odoo, tryton, tryton-purchases: the server.")] = None,
    erp_database: Annotated[
        str | None, typer.Option(help="odoo, tryton, tryton-purchases: the database there.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="odoo, tryton, tryton-purchases: the login.")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="odoo, tryton, tryton-purchases: file of mode 0600 with the password or API key."),
    ] = None,
    listen: Annotated[str, typer.Option(help="webhook: HOST:PORT.")] = "127.0.0.1:8788",
    secret_file: Annotated[
        list[Path] | None, typer.Option(help="webhook: file of mode 0600 with a secret; twice while it changes.")
    ] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the connector; repeat it.")] = None,
    interval: Annotated[float, typer.Option(help="Seconds between polls.", min=0.05)] = INTERVAL,
    once: Annotated[bool, typer.Option("--once", help="End once there is nothing more to do.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Watch a source: store its events once, attest what they mean, send it. Goes on where it stopped."""
    if source == WEBHOOK and once:
        raise WatchInvalid("A webhook server does not end by itself.", option="once")
    described = load_intake_mapping(mapping)
    called = name or Path(source).stem
    settings = SourceSettings(
        source=called,
        fields=described.fields(called),
        layout=described.file.layout(),
        folder=folder,
        url=url,
        database=erp_database,
        user=user,
        password=None if password_file is None else partial(read_passphrase, file=password_file),
        options=_options(option or []),
    )
    secrets = WebhookSecrets(*(read_passphrase(file=path) for path in secret_file or [])) if source == WEBHOOK else None
    connector = None if secrets else open_source(source, settings)
    with (
        connected_platform(rpc, _place(journal), record, keystore, key, passphrase_file) as platform,
        Intake(
            platform,
            _place(database),
            described,
            attesters=_attesters(keystore, attester or [], passphrase_file),
            triggers=_triggers(script, described.statuses),
        ) as intake,
    ):
        running = Watch(intake, connector, tell=partial(_tell, as_json=as_json), interval=interval)
        with _stopping(running):
            if secrets is None:
                running.run(once=once)
                return
            host, port = _address(listen)
            with WebhookServer(intake, settings.fields, secrets, host=host, port=port, arrived=running.wake) as server:
                print(f"listening on {server.url}", file=sys.stderr, flush=True)
                running.run()


def bind(
    source: SourceArgument,
    order: OrderArgument,
    document: Annotated[Path, typer.Argument(help="The order document that both parties signed.")],
    database: DatabaseOption,
    record: RecordOption,
    part: Annotated[
        list[str] | None, typer.Option(help="NAME=INDEX: which milestone the source's part is; repeat it.")
    ] = None,
    rebind: Annotated[bool, typer.Option("--rebind", help="Replace a binding to other terms.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say which order on the chain an order of a source is; the whole order is its first milestone unless parts say."""
    parts = {}
    for name, index in _options(part or []).items():
        if not index.isdigit():
            raise InvalidRequest(f"--part {name}={index} names no milestone by its index.")
        parts[name] = int(index)
    with Desk(DeploymentRecord.load(record), _place(database)) as desk:
        bound = desk.book.bind(
            source, order, Document.load(document), rebind=rebind, **({"parts": parts} if parts else {})
        )
    if as_json:
        print(json.dumps(bound.to_dict()))
    else:
        print(f"{source} {order} is {bound.chain_order}")


def events(
    database: DatabaseOption,
    record: RecordOption,
    state: Annotated[list[EventState] | None, typer.Option(help="Only events in this state; repeat it.")] = None,
    order: Annotated[str | None, typer.Option(help="Only events of this order.")] = None,
    problems: Annotated[bool, typer.Option("--problems", help="What could not be used, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List events and how far they are, or what could not be used of what sources said."""
    with Desk(DeploymentRecord.load(record), _place(database)) as desk:
        rows = (
            desk.stored.problems() if problems else [each.to_dict() for each in desk.events(states=state, order=order)]
        )
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    from pyjpm.cli.rows import print_rows

    shown = ("source", "order", "milestone", "seq", "status", "state", "code", "detail")
    print_rows(rows if problems else [{name: row[name] for name in shown} for row in rows])


def decide(
    source: SourceArgument,
    order: OrderArgument,
    seq: Annotated[int, typer.Argument(help="The event's seq.")],
    verdict: Annotated[Verdict, typer.Argument(help="What is to happen.", case_sensitive=False)],
    database: DatabaseOption,
    record: RecordOption,
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why; stays with the event.")],
    milestone: Annotated[str, typer.Option(help="What the source calls the part of the order.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Decide about an event that is held, waits, was ignored or refused; a watch carries it out."""
    with Desk(DeploymentRecord.load(record), _place(database)) as desk:
        receipt = desk.decide((source, order, milestone, seq), Decision(verdict, reason), by=by)
    _tell(receipt, as_json=as_json)


def _tell(told: Told, *, as_json: bool) -> None:
    if isinstance(told, Receipt):
        line = " ".join(filter(None, (told.place, told.order, told.status, told.state.value, told.code, told.detail)))
        data: dict[str, Any] = {"event": told.to_dict()}
    elif isinstance(told, Problem):
        line = f"{told.place} UNREADABLE {told.message}"
        data = {"problem": {"place": told.place, "message": told.message}}
    else:
        assert isinstance(told, SourceUnavailable)
        line = f"{told.code} {told.message}"
        data = {"source": told.to_dict()}
    print(json.dumps(data) if as_json else printable(line), flush=True)


def _attesters(keystore: Path, names: list[str], passphrase_file: Path) -> list[LocalSigner]:
    if not names:
        return []
    passphrase, keys = read_passphrase(file=passphrase_file), Keystore(keystore)
    return [keys.load(name, passphrase) for name in names]


def _triggers(script: str | None, statuses: dict[str, int]) -> Triggers:
    if script is None:
        return Triggers(known=statuses)
    functions = (BUILT_IN[script],) if script in BUILT_IN else load_script(Path(script))
    return Triggers(*functions, known=statuses, path=script)


def _options(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise InvalidRequest(f"{each!r} is not NAME=VALUE.")
        found[name] = value
    return found


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise WatchInvalid(f"{text!r} is not HOST:PORT.", option="listen")
    return host, int(port)


def _place(text: str) -> str | Path:
    return text if "://" in text else Path(text)


@contextmanager
def _stopping(running: Watch) -> Iterator[None]:
    """A first signal ends the run after the step that is under way."""
    before = {each: signal.signal(each, lambda *_: running.stop()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
