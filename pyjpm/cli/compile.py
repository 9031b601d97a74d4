"""``pyjpm compile``: make the artifacts, or say whether they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pyjpm.contracts import artifacts, layouts, sources
from pyjpm.errors.artifacts import CompileFailed


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Compile nothing; fail if the artifacts do not match the sources.")
    ] = False,
    root: Annotated[
        Path | None, typer.Option(help="The checkout with contracts/ and node_modules/.", show_default="this one")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Where the artifacts are.", show_default="in the package")
    ] = artifacts.FOLDER,
    keep_layouts: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Keep the storage layouts as those of a version deployed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    root = (root or sources.project_root()).resolve()
    if check:
        key = artifacts.check(root, output)
        if output == artifacts.FOLDER:
            layouts.require_all_continued()
        result = {"key": key, "fresh": True}
        text = f"The artifacts match the sources ({key[:12]})."
    else:
        from pyjpm.contracts import compiler

        try:
            names = compiler.compile_project(root, output)
        except CompileFailed as error:
            print("\n\n".join(error.details.get("diagnostics", [])), file=sys.stderr)
            raise
        key = artifacts.check(root, output)
        result = {"key": key, "contracts": list(names), "output": str(output)}
        text = f"Compiled {len(names)} contracts with solc {sources.SOLC_VERSION} into {output} ({key[:12]})."
    if keep_layouts is not None:
        layouts.commit(keep_layouts)
    print(json.dumps(result) if as_json else text)
