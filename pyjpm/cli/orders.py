"""``pyjpm orders``: an order log replayed against a platform; what ERPs say, watched (``orders_watch``)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pyjpm.cli import orders_watch
from pyjpm.cli.chains import connected_platform, local_platform
from pyjpm.cli.progress import ProgressLine
from pyjpm.cli.tables import print_replay
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.errors.orders import InvalidShift
from pyjpm.iso8601 import parse_datetime
from pyjpm.orders.filling import fingerprint, open_queue
from pyjpm.orders.mapping import OrderMapping, load_mapping
from pyjpm.orders.replay import QUEUE_FILE, ReplayReport, replay
from pyjpm.terms import DAY

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def orders() -> None:
    """Order logs and ERPs: money that moves as the orders say."""


@app.command("replay")
def replay_command(
    log: Annotated[Path, typer.Argument(help="The order log, a CSV file.")],
    mapping: Annotated[Path, typer.Option(help="What the log's columns and statuses mean, a TOML file.")],
    rpc: Annotated[
        str | None, typer.Option(help="URL of a node; a local Anvil is started for the replay if none is given.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Deployment record of the platform on that node.")] = None,
    keystore: Annotated[Path | None, typer.Option(help="Keystore folder of the bank that acts.")] = None,
    key: Annotated[str, typer.Option(help="Name of the bank's key in the keystore.")] = "bank",
    passphrase_file: Annotated[Path | None, typer.Option(help="File with the keystore's passphrase.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder of this replay's own files; the same folder goes on where it stopped.")
    ] = None,
    shift_to: Annotated[
        str | None,
        typer.Option(
            help="RFC 3339 time at which the first event happens; needed where the chain's clock is not ours."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--json", help="Also write the report to this JSON file.")] = None,
) -> None:
    """Replay an order log: onboard its parties, mint, open, fund, attest, release, refund, cancel, reconcile.

    The mapping's format is described at the top of pyjpm/orders/mapping.py, with an example in examples/northwind.
    """
    described, first = load_mapping(mapping), _time(shift_to)
    with ProgressLine() as line:
        if rpc is None:
            if record or keystore or passphrase_file or work or shift_to:
                raise InvalidRequest(
                    "Without --rpc the replay has a chain of its own, gone afterwards: --record, --keystore, "
                    "--passphrase-file, --work and --shift-to belong to a node."
                )
            report = replay_locally(log, described, line)
        else:
            folder = work or Path("build") / "replay" / fingerprint(log, described)[:16]
            folder.mkdir(parents=True, exist_ok=True)
            journal = folder / "journal.sqlite"
            with connected_platform(rpc, journal, record, keystore, key, passphrase_file) as platform:
                report = replay(platform.session, log, described, work=folder, shift_to=first, progress=line.update)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")
    print_replay(report)
    if not report.reconciliation.events_match_chain or report.reconciliation.unequal:
        print("The events do not match the chain: see the report.", file=sys.stderr)
        raise typer.Exit(1)


def replay_locally(log: Path, mapping: OrderMapping, line: ProgressLine) -> ReplayReport:
    """A replay on a chain of its own, whose clock starts before the log does."""
    with TemporaryDirectory(prefix="pyjpm-replay-") as name:
        folder = Path(name)
        with open_queue(log, mapping, folder / QUEUE_FILE, lambda rows: line.update("reading rows", rows, 0)) as queue:
            span = queue.span()
            currencies = sorted({total.currency for _, total in queue.buyer_totals()})
        start = None if span is None else span[0] - DAY
        with local_platform(folder, start, currencies or ["USD"], line.step) as platform:
            return replay(platform.session, log, mapping, work=folder, progress=line.update)


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError as error:
        raise InvalidShift(f"{text!r} is no RFC 3339 time.", given=text) from error
    if moment.tzinfo is None:
        raise InvalidShift(f"{text!r} has no time zone.", given=text)
    return int(moment.timestamp())


orders_watch.register(app)
