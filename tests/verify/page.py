"""The page that says which property is held by what: written by the campaign from its own record, never by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_page(path: Path, whole: dict[str, Any]) -> None:
    """Write docs/verification.md from the record of a campaign."""
    kind = "make verify-long" if whole["long"] else "make verify"
    size = f"{len(whole['properties'])} properties, {whole['calls']:,} handler calls, {whole['seconds']:,.0f} s"
    lines = [
        "# What is verified, and by what",
        "",
        f"Written by `{kind}` on {whole['date']}: {size}. `{kind} SEED={whole['seed']}` replays it. "
        "Each property ran alone, with the seed beside it; the same record is in build/verify.json. "
        + ("It fell short where the end of the page says." if whole["lacking"] else "Nothing broke."),
        "",
        "| property | tool | runs | calls | seconds | seed | result |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for found in whole["properties"]:
        lines.append(
            f"| {found['name'].replace('_', ' ')} | {found['tool']} | {found['runs']:,} | {found['calls']:,} "
            f"| {found['seconds']:,.0f} | {found['seed']} | {found['result'][:200]} |"
        )
    lines += ["", "## How often each row of the state tables was taken", "", "By a successful call of a handler."]
    for table, rows in whole["hits"].items():
        lines += ["", f"### {table}", "", "| row | times |", "| --- | ---: |"]
        lines += [f"| {row} | {times:,} |" for row, times in rows.items()]
    if whole["lacking"]:
        lines += ["", "## What it lacks", ""] + [f"- {line}" for line in whole["lacking"]]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
