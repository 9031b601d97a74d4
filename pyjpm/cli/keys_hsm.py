"""``pyjpm keys hsm``: keys made in an HSM, by PKCS#11."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyjpm.custody import NonceMarks, read_passphrase

if TYPE_CHECKING:
    from pyjpm.custody.pkcs11 import Pkcs11Token

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ModuleOption = Annotated[
    Path, typer.Option(help="The HSM maker's PKCS#11 library.", envvar="PYJPM_PKCS11_MODULE", show_envvar=True)
]
TokenOption = Annotated[str, typer.Option(help="The token's label.")]
PinFileOption = Annotated[Path | None, typer.Option(help="File of mode 0600 with the user's PIN.")]
PinVariableOption = Annotated[str | None, typer.Option(help="Environment variable with the PIN, in place of a file.")]


@app.callback()
def hsm() -> None:
    """Keys in an HSM. They are made in it and never leave it; the PIN never stands on the command line."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Label of the new key.")],
    module: ModuleOption,
    token: TokenOption,
    marks: Annotated[Path, typer.Option(help="Folder of the keys' marks, never restored from a backup.")],
    pin_file: PinFileOption = None,
    pin_env: PinVariableOption = None,
) -> None:
    """Make a new key in the token and print its address."""
    with _opened(module, token, pin_file, pin_env) as opened:
        print(opened.create(name, marks=NonceMarks(marks)))


@app.command("list")
def list_keys(
    module: ModuleOption,
    token: TokenOption,
    pin_file: PinFileOption = None,
    pin_env: PinVariableOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List names and addresses of the token's keys."""
    with _opened(module, token, pin_file, pin_env) as opened:
        found = opened.addresses()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for name, address in found.items():
        print(f"{address}  {name}")


def _opened(module: Path, token: str, pin_file: Path | None, pin_env: str | None) -> Pkcs11Token:
    pin = read_passphrase(file=pin_file, environment=pin_env)
    # Here, because the library is an extra.
    from pyjpm.custody.pkcs11 import Pkcs11Token

    return Pkcs11Token(module, token, pin=pin)
