"""docs/gas.md: written by `make gas UPDATE=--update` from what it measured, never by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budgets import BUDGETS, LARGEST_CONTRACT, PASSED, verdict
from compiled import version

from pyjpm.contracts.sources import SETTINGS, SOLC_VERSION

TOKEN_ROWS = ("transfer_existing", "transfer_new", "transfer_from")
TOOLS = ("@foundry-rs/anvil", "@openzeppelin/contracts", "solady", "@tokenysolutions/t-rex")
METHOD = """\
Receipt `gasUsed` of whole transactions on Anvil, calldata included, on the contracts as they are deployed: registry and
tokens behind ERC-1967 proxies, every check on. Everybody has moved money on an earlier day, so balance, reference,
consent and hold words exist; before each measured transaction the chain's day changes, so nothing was written today.
Rows named `_first` are the first-ever ones, which also write those words. Keys, times and nonces are fixed: the same
code gives the same figures. Peers run in the same run on the same chain: OpenZeppelin and solady compiled with our
settings, T-REX with the bytecode its package ships, its contracts behind its own proxies (its identities without)."""


def write_page(path: Path, found: Mapping[str, Any], date: str) -> None:
    optimizer: Mapping[str, Any] = SETTINGS["optimizer"]
    made = f"solc {SOLC_VERSION}, optimizer {optimizer['runs']}, no viaIR, {SETTINGS['evmVersion']}"
    versions = ", ".join(f"{tool.removeprefix('@')} {version(tool)}" for tool in TOOLS)
    lines = [
        "# What operations cost",
        "",
        f"Written by `make gas UPDATE=--update` on {date}. {made}; {versions}.",
        "",
        METHOD,
        "",
        *_ours(found["ours"]),
        *_passed(),
        *_peers(found["ours"], found["peers"]),
        *_sizes(found["sizes"]),
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _ours(rows: Mapping[str, int]) -> list[str]:
    lines = ["## Operations", "", "| operation | gas | budget | |", "| --- | ---: | ---: | --- |"]
    for row, gas in rows.items():
        budget = f"{BUDGETS[row]:,}" if row in BUDGETS else ""
        lines.append(f"| {row} | {gas:,} | {budget} | {verdict(row, gas)} |")
    return [*lines, ""]


def _passed() -> list[str]:
    if not PASSED:
        return ["Every budget is met.", ""]
    lines = [f"- `{row}` may cost {most:,}: {why}" for row, (most, why) in PASSED.items()]
    return ["Budgets that are not met, and why:", "", *lines, ""]


def _peers(ours: Mapping[str, int], peers: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = [
        "## Beside other tokens",
        "",
        "In gas, and ours divided by theirs.",
        "",
        "| token | " + " | ".join(f"{row} | ours / theirs" for row in TOKEN_ROWS) + " |",
        "| --- |" + " ---: | ---: |" * len(TOKEN_ROWS),
        "| **ours** | " + " | ".join(f"{ours[row]:,} | " for row in TOKEN_ROWS) + " |",
    ]
    for name, rows in peers.items():
        cells = (f"{rows[row]:,} | {ours[row] / rows[row]:.2f}" for row in TOKEN_ROWS)
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _sizes(sizes: Mapping[str, int]) -> list[str]:
    lines = [
        "## Code sizes",
        "",
        f"Bytes of deployed code; EIP-170 allows {LARGEST_CONTRACT:,}.",
        "",
        "| contract | bytes | left |",
        "| --- | ---: | ---: |",
    ]
    return lines + [f"| {name} | {size:,} | {LARGEST_CONTRACT - size:,} |" for name, size in sizes.items()]
