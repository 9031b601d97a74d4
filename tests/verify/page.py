"""The page that says which property is held by what: written by the campaign from its own record, never by hand.

Its section on mutants is written by their own run (mutation.py) and kept by the campaign.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HELD_BY = (
    ("E1, E2, E3, E4, E5, E8 of orders", "EscrowInvariant, by that name"),
    ("E6: the highest seq counts, not the order of arrival", "EscrowOrderOfArrival, every scenario in random orders"),
    ("E7: stops change timing, never entitlement", "EscrowStops in `make test`: each life of an order under each stop"),
    (
        "D1 to D8 of trades and nets",
        "SettlementInvariant, by that name; hostile and re-entrant tokens among the assets",
    ),
    (
        "balances sum to the supply; held and frozen",
        "TokenInvariant; TokenMachine; the packed words for all inputs: WordsProof",
    ),
    ("supply changes only by mint and burn, references once", "TokenInvariant; ReserveInvariant; TokenMachine"),
    ("nothing moves that `check` refuses", "TokenInvariant, TokenCheckFuzz: asked before every act, and held to it"),
    ("a stop bites in the same block", "TokenInvariant, RegistryInvariant: asked at once after each stop"),
    (
        "a reference pays once per participant",
        "TokenInvariant over wallets and recoveries; ReferencesProof for all inputs",
    ),
    (
        "no flagged participant's money moves without a clearance; a clearance moves it once",
        "ClearanceInvariant: every way, with good, late, foreign and used clearances, to the cent",
    ),
    ("preview is execution; a period pays once", "RulesInvariant, with two rule contracts that run the same rules"),
    ("events rebuild balances, holds and supply", "TokenReplay; TokenMachine at the end of every run"),
    ("clocks skip stopped time, once", "RegistryInvariant; ClockProof for all intervals"),
)

OFTEN = "## How often each row of the state tables was taken"
MUTANTS = "## What the tests of the contracts notice"


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
        "## Which rule is held by what",
        "",
        "| rule | held by |",
        "| --- | --- |",
        *(f"| {rule} | {by} |" for rule, by in HELD_BY),
        "",
        "forge draws acts of many actors (handlers); halmos proves a property for every input, so it has no seed and "
        "its runs are paths; hypothesis sends the same acts to a model in Python and to the contracts on Anvil.",
        "",
        "## Every property",
        "",
        "| property | tool | runs | calls | seconds | seed | result |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for found in whole["properties"]:
        lines.append(
            f"| {found['name'].replace('_', ' ')} | {found['tool']} | {found['runs']:,} | {found['calls']:,} "
            f"| {found['seconds']:,.0f} | {found['seed'] or '–'} | {found['result'][:200]} |"
        )
    lines += ["", *_mutants(_mutant_rows(path)), OFTEN, "", "By a successful call of a handler."]
    for table, rows in whole["hits"].items():
        lines += ["", f"### {table}", "", "| row | times |", "| --- | ---: |"]
        lines += [f"| {row} | {times:,} |" for row, times in rows.items()]
    if whole["lacking"]:
        lines += ["", "## What it lacks", ""] + [f"- {line}" for line in whole["lacking"]]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def write_mutants(path: Path, found: dict[str, Any]) -> None:
    """Write one run of the mutants into docs/verification.md, in place of an earlier one of the same name."""
    rows = _mutant_rows(path)
    explained = sum(survivor["why"] is not None for survivor in found["survivors"])
    run = f"`{found['run']}`"
    rows[run] = (
        f"| {run} | {found['drawn']:,} of {found['of']:,} | {found['killed']:,} of {found['mutants']:,} "
        f"| {found['share']:.1%} | {explained} | {len(found['survivors']) - explained} "
        f"| {found['date']} | {found['commit']} |"
    )
    before, after = path.read_text().split(OFTEN)
    before = before.split(MUTANTS)[0]
    path.write_text(before + "\n".join([*_mutants(rows), OFTEN]) + after)


def _mutant_rows(path: Path) -> dict[str, str]:
    """The rows that stand there, by the run that each is of."""
    if not path.exists():
        return {}
    lines = [line for line in path.read_text().splitlines() if line.startswith("| `make mutants")]
    return {line.split("|")[1].strip(): line for line in lines}


def _mutants(rows: dict[str, str]) -> list[str]:
    if not rows:
        return []
    return [
        MUTANTS,
        "",
        "Each mutant is one small wrong edit of a contract. It counts where it compiles, and to other code than the "
        "original; it is killed where a forge test fails. The drawn ones are a sample of all there are, not all. Each "
        "survivor is explained in tests/verify/survivors.toml.",
        "",
        "| run | drawn | killed | share | survivors explained | unexplained | date | sources as of |",
        "| --- | --- | --- | ---: | ---: | ---: | --- | --- |",
        *rows.values(),
        "",
    ]
