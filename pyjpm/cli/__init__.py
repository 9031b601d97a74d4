"""The ``pyjpm`` command.

Decisions:

* A command's module is imported only when that command is invoked, so `pyjpm --help` stays quick. ``COMMANDS`` is the
  whole list: a module of this package exposes ``command`` (a function) or ``app`` (a ``typer.Typer`` of several).
* What a user can cause ends as one line on standard error and exit code 1, or 2 for a command line that makes no sense;
  a traceback means a defect of ours.
* Results go to standard output, everything else to standard error. Commands that print results take ``--json``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from pyjpm.errors.base import PyjpmError
from pyjpm.version import __version__

# Name of the command and of its module here, and the line that `pyjpm --help` shows.
COMMANDS: Final = {
    "demo": "Replay 830 real orders on a local chain, and settle a DvP and a PvP.",
    "orders": "Replay an order log, or watch an ERP.",
    "keys": "Make keys in an encrypted keystore or an HSM, and list them.",
    "signer": "Run a signer with a policy, check a policy, approve what it asks for.",
    "outbox": "See what waits in the outbox and why, decide about it, and carry on.",
    "bank": "Turn deposits into tokens and redemptions into payouts, decide about suspense and recalls.",
    "ledger": "Keep the platform's books in SQL: balances, statements, open items.",
    "reconcile": "Compare ledger, chain and bank, and name each break.",
    "directory": "Map IBAN, BIC, LEI and customer numbers to participants, and check payees by name.",
    "screening": "Screen names, and decide what screening holds.",
    "iso": "Check bank messages, pay payment files (pain.001), write statements (camt.053).",
    "rails": "Say by which rail a payment goes and why, pay it, and change its rail.",
    "treasury": "See a group's accounts, and what it saves against correspondent banks.",
    "network": "Make the files of a Besu network, and check one that runs.",
    "compile": "Compile the contracts into the package, or check that what is there is up to date.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (that of the process if none is given) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    invoked = next((argument for argument in given if not argument.startswith("-")), None)
    try:
        _application(invoked)(args=given, prog_name="pyjpm")
    except PyjpmError as error:
        print(one_line(error), file=sys.stderr)
        return 1
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _application(invoked: str | None) -> typer.Typer:
    application = typer.Typer(
        name="pyjpm", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    application.callback()(_root)
    for name, summary in COMMANDS.items():
        if name != invoked:
            application.command(name, help=summary)(_not_invoked)
            continue
        module = importlib.import_module(f"{__name__}.{name}")
        if hasattr(module, "app"):
            application.add_typer(module.app, name=name, help=summary)
        else:
            application.command(name, help=summary)(module.command)
    return application


def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Bank money on a private EVM chain that moves when business says so."""
    if version:
        print(__version__)
        raise typer.Exit


def _not_invoked() -> None:
    """Holds a command's place in the help; the module of the one invoked is imported instead."""


def one_line(error: PyjpmError) -> str:
    """An error as the command line shows it: its code, what happened, what to do."""
    return " ".join(f"{error.code}: {error}".split())
