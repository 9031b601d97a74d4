"""``pyjpm screening``: what lists say of a name, what waits in the queue, and decisions about it by two people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.cli.rows import print_rows
from pyjpm.custody import Keystore, LocalSigner, read_passphrase
from pyjpm.screening import Config, Kind, Party, State, open_travel

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class Outcome(StrEnum):
    """What a maker proposes of a hit."""

    RELEASE = "release"
    CONFIRM = "confirm"


_OUTCOMES = {Outcome.RELEASE: State.RELEASED, Outcome.CONFIRM: State.CONFIRMED}

ConfigOption = Annotated[Path, typer.Option(help="How to screen, a TOML file.", envvar="PYJPM_SCREENING")]
HitArgument = Annotated[str, typer.Argument(help="Id of a hit.")]
KeystoreOption = Annotated[Path, typer.Option(help="Keystore with the key of whoever decides.")]
KeyOption = Annotated[str, typer.Option(help="Its name there.")]
PassphraseOption = Annotated[Path, typer.Option(help="File with its passphrase.")]
ReasonOption = Annotated[str, typer.Option(help="Why; stays in the trail.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def screening() -> None:
    """Sanctions lists, the queue of hits, and decisions by a maker and a checker."""


@app.command()
def lists(config: ConfigOption, as_json: JsonOption = False) -> None:
    """The lists as they are read: version, date, entries."""
    with Config.load(config).opened() as opened:
        rows = [
            {
                "list": each.name,
                "version": each.version,
                "published": datetime.fromtimestamp(each.published, UTC).isoformat(),
                "entries": len(each.entries),
            }
            for each in opened.lists
        ]
    _print(rows, as_json)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="The name to screen.")],
    config: ConfigOption,
    kind: Annotated[Kind, typer.Option(help="What it is.", case_sensitive=False)] = Kind.OTHER,
    as_json: JsonOption = False,
) -> None:
    """Who on the lists may be of this name; enters nothing. Exit code 1 where somebody may be."""
    with Config.load(config).opened() as opened:
        rows = [hit.to_dict() for hit in opened.screen(Party(name, kind))]
    if as_json:
        _print_json(rows)
    else:
        print_rows([{part: row[part] for part in ("source", "entry", "name", "score", "about")} for row in rows])
    if rows:
        raise typer.Exit(1)


@app.command()
def queue(
    config: ConfigOption,
    state: Annotated[State | None, typer.Option(help="Only in this state.", case_sensitive=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Hits and alerts, oldest first."""
    with Config.load(config).open_queue() as opened:
        rows = [each.to_dict() for each in opened.list(state=state)]
    if as_json:
        _print_json(rows)
        return
    shown = [{**row, "party": row["party"]["name"]} for row in rows]
    print_rows([{part: row[part] for part in ("id", "state", "party", "source", "name", "score")} for row in shown])


@app.command()
def show(hit: HitArgument, config: ConfigOption, as_json: JsonOption = False) -> None:
    """All of one hit, with every word that was said about it."""
    with Config.load(config).open_queue() as opened:
        told = {**opened.get(hit).to_dict(), "trail": [each.to_dict() for each in opened.trail(hit)]}
    if as_json:
        _print_json(told)
        return
    for name, value in told.items():
        if name != "trail":
            print(f"{name:10} {json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")
    print_rows(told["trail"])


@app.command()
def propose(
    hit: HitArgument,
    outcome: Annotated[Outcome, typer.Argument(help="release: somebody else; confirm: it is the one.")],
    config: ConfigOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """A maker's proposal on an open hit, signed."""
    maker = _signer(keystore, key, passphrase_file)
    with Config.load(config).open_queue() as opened:
        told = opened.propose(hit, _OUTCOMES[outcome], maker=maker, reason=reason)
    _print([{"id": told.id, "state": told.state.value}], as_json)


@app.command()
def approve(
    hit: HitArgument,
    config: ConfigOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """A checker's yes to what was proposed, signed."""
    checker = _signer(keystore, key, passphrase_file)
    with Config.load(config).open_queue() as opened:
        told = opened.approve(hit, checker=checker, reason=reason)
    _print([{"id": told.id, "state": told.state.value}], as_json)


@app.command()
def reject(
    hit: HitArgument,
    config: ConfigOption,
    keystore: KeystoreOption,
    key: KeyOption,
    passphrase_file: PassphraseOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """A checker's no, signed: the hit is open again."""
    checker = _signer(keystore, key, passphrase_file)
    with Config.load(config).open_queue() as opened:
        told = opened.reject(hit, checker=checker, reason=reason)
    _print([{"id": told.id, "state": told.state.value}], as_json)


@app.command()
def trail(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Every word that was said of any hit, oldest first."""
    with Config.load(config).open_queue() as opened:
        _print([each.to_dict() for each in opened.trail()], as_json)


@app.command()
def travel(
    movement: Annotated[str, typer.Argument(help="The movement, as the queue and the desk name it.")],
    config: ConfigOption,
    as_json: JsonOption = False,
) -> None:
    """The travel data that was stored of a movement, opened with the bank's keys."""
    loaded = Config.load(config)
    with loaded.open_queue() as opened:
        told = open_travel(opened, movement, loaded.read_keys()).to_dict()
    if as_json:
        _print_json(told)
        return
    for name, value in told.items():
        print(f"{name:18} {value}")


def _signer(keystore: Path, key: str, passphrase_file: Path) -> LocalSigner:
    return Keystore(keystore).load(key, read_passphrase(file=passphrase_file))


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _print_json(rows)
    else:
        print_rows(rows)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))
