"""``pyjpm keys``: keys in an encrypted keystore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pyjpm.custody import Keystore, read_passphrase

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

KeystoreOption = Annotated[Path, typer.Option(help="The keystore's folder.")]


@app.callback()
def keys() -> None:
    """Keys in an encrypted keystore; a passphrase comes from a file of mode 0600, never from the command line."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the new key.")],
    keystore: KeystoreOption,
    passphrase_file: Annotated[Path, typer.Option(help="File with the passphrase.")],
) -> None:
    """Make a new key and print its address."""
    print(Keystore(keystore).create(name, read_passphrase(file=passphrase_file)))


@app.command("list")
def list_keys(
    keystore: KeystoreOption, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List names and addresses."""
    store = Keystore(keystore)
    found = {name: store.address(name) for name in store.names()}
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for name, address in found.items():
        print(f"{address}  {name}")
