"""``pyjpm keys``: keys in an encrypted keystore or an HSM, and the marks of what they signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pyjpm.cli import keys_hsm
from pyjpm.custody import Keystore, NonceMarks, read_passphrase

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys_hsm.app, name="hsm")

KeystoreOption = Annotated[Path, typer.Option(help="The keystore's folder.")]
MarksOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the keys' marks, never restored from a backup; the keystore's if not given."),
]


@app.callback()
def keys() -> None:
    """Keys in an encrypted keystore or an HSM; a passphrase comes from a file of mode 0600, never as an argument."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the new key.")],
    keystore: KeystoreOption,
    passphrase_file: Annotated[Path, typer.Option(help="File with the passphrase.")],
    marks: MarksOption = None,
) -> None:
    """Make a new key and print its address."""
    print(Keystore(keystore, marks=marks).create(name, read_passphrase(file=passphrase_file)))


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


@app.command()
def mark(
    name: Annotated[str, typer.Argument(help="Name of a key of the keystore, or the address of any wallet.")],
    chain_id: Annotated[int, typer.Option(help="The chain.", min=1)],
    nonce: Annotated[int, typer.Option(help="The highest nonce the wallet ever signed there; -1 for never.", min=-1)],
    keystore: Annotated[Path | None, typer.Option(help="The keystore's folder.")] = None,
    marks: MarksOption = None,
) -> None:
    """Set a key's mark after it was lost, or raise it. Nothing may have been signed above it."""
    if keystore is not None:
        store = Keystore(keystore, marks=marks)
        store.marks.restore(store.address(name), {chain_id: nonce})
    elif marks is not None:
        NonceMarks(marks).restore(name, {chain_id: nonce})
    else:
        raise typer.BadParameter("Give --keystore, or --marks and the wallet's address.")
