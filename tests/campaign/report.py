"""The campaign's phases and what they come to: kills, histories, mutants; a report in ``build/``.

Decisions that govern this module:

* Nothing is passed over: a failpoint at which no run could be killed, a mutant that was not caught, a copy that died
  fail the campaign like a payment made twice.
* A mutant is caught by a history that ends well without it: otherwise the finding is the engine's own.
* Histories that are done are noted in a file beside the report, with a digest of what they judged; a campaign that was
  stopped goes on there.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from campaign import histories, killer
from campaign.killer import Kill, Stage
from campaign.mutants import MUTANTS, PieceMissing
from campaign.spread import spread
from campaign.stores import postgresql

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SEEDS_FOR_A_MUTANT = 500
WRONG = ("duplicates", "lost", "unresolved", "negative_but_paid", "quarantined", "unbalanced", "unapproved")


@dataclass
class Totals:
    """What the report counts. Findings are kept whole."""

    failpoints: int = 0
    failpoints_killed: int = 0
    sigkills: int = 0
    histories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)
    mutants: dict[str, Any] = field(default_factory=dict)
    disasters: Counter[str] = field(default_factory=Counter)
    unkilled: list[str] = field(default_factory=list)

    def judged(self, where: str, result: dict[str, Any]) -> bool:
        """Count one judgement; whether nothing was found."""
        for name in ("payments", "final", "reverted", "planted"):
            self.counts[name] += result.get(name, 0)
        for kind, found in result["findings"].items():
            self.findings.setdefault(kind, []).extend(f"{where}: {each}" for each in found)
        return not result["findings"]


class Campaign:
    """All phases, one after the other, over all cores.

    Args:
        jobs: how many processes work.
        first, count: seeds of the histories.
        keeps: under which name histories that are done are noted, to go on there; None for nowhere.
        say: for progress.
    """

    def __init__(self, *, jobs: int, first: int, count: int, keeps: str | None, say: Callable[[str], None]) -> None:
        self._jobs, self._first, self._count, self._keeps, self._say = jobs, first, count, keeps, say
        self.totals = Totals()
        self._started = time.monotonic()

    # --- kills -----------------------------------------------------------------------------------------------------

    def kills(self) -> None:
        """SIGKILL at every failpoint."""
        for name, store, part in (("SQLite", None, 1), ("PostgreSQL", postgresql, 4)):
            with killer.staged(store) as stage:
                points = killer.failpoints(stage)
            chosen = points[::part] if part > 1 else points
            self.totals.failpoints += len(chosen)
            self._say(f"{name}: {len(points)} failpoints, {len(chosen)} of them to be killed at")
            tool = partial(_killing, store, self._first)
            for done, (task, result) in enumerate(self._spread((asdict(each) for each in chosen), tool), 1):
                kill = _kill(task)
                self.totals.sigkills += result["kills"]
                self.totals.failpoints_killed += bool(result["reached"])
                if not result["reached"]:
                    self.totals.unkilled.append(f"{name}: {kill}")
                if not self.totals.judged(f"{name}, killed at {kill}", result):
                    self._say(f"WRONG at {kill}: {result['findings']}")
                self._progress(f"{name} kills", done, len(chosen))

    # --- histories -------------------------------------------------------------------------------------------------

    def histories(self) -> None:
        """Random histories."""
        path = None if self._keeps is None else BUILD / f"{self._keeps}.progress"
        done = Done(path, f"{_digest()} {self._first} {self._count}")
        for result in done.results.values():
            self._count_history(result)
        seeds = [seed for seed in range(self._first, self._first + self._count) if seed not in done.results]
        tool = partial(nullcontext, histories.run)
        for number, (_, result) in enumerate(self._spread(seeds, tool), 1):
            done.note(result)
            self._count_history(result)
            self._progress("histories", number, len(seeds))
        done.over()

    def _count_history(self, result: dict[str, Any]) -> None:
        self.totals.histories += 1
        self.totals.disasters.update(set(result["disasters"]))
        if not self.totals.judged(f"seed {result['seed']}", result):
            kinds = ", ".join(result["findings"])
            self._say(f"WRONG: {kinds}; replay: make faults SEED={result['seed']}")

    # --- mutants ---------------------------------------------------------------------------------------------------

    def mutants(self, names: Iterable[str] = MUTANTS) -> None:
        """Engines with a mistake, each until it is caught."""
        for name in names:
            caught = self._catch(name)
            self.totals.mutants[name] = {"why": MUTANTS[name].why, "caught": caught}
            self._say(f"mutant {name}: {caught or 'NOT CAUGHT'}")

    def _catch(self, name: str) -> dict[str, Any] | None:
        for seed, result in self._spread(
            range(1, SEEDS_FOR_A_MUTANT + 1), partial(nullcontext, partial(_mutated, name))
        ):
            if not result["findings"]:
                continue
            control = histories.run(seed, mutant=name, planted=False)
            if not self.totals.judged(f"seed {seed} with the disasters of {name}", control):
                self._say(f"WRONG without a mistake: replay: make faults SEED={seed} MUTANT={name} PLANTED=0")
                continue
            kind, found = next(iter(result["findings"].items()))
            return {"seed": seed, "by": sorted(result["findings"]), kind: found[0]}
        return None

    # --- the end ---------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """What is written of it."""
        totals = self.totals
        wrong = {kind: len(totals.findings.get(kind, [])) for kind in WRONG}
        return {
            "failpoints": totals.failpoints,
            "failpoints_killed": totals.failpoints_killed,
            "sigkills": totals.sigkills,
            "histories": totals.histories,
            "payments": totals.counts["payments"],
            "final": totals.counts["final"],
            "reverted": totals.counts["reverted"],
            "quarantined": totals.counts["planted"] + wrong["quarantined"],
            "unresolved": wrong["unresolved"],
            "duplicates": wrong["duplicates"] + wrong["unbalanced"],
            "lost": wrong["lost"],
            "negative_but_paid": wrong["negative_but_paid"],
            "unapproved": wrong["unapproved"],
            "mutants": len(totals.mutants),
            "mutants_caught": sum(each["caught"] is not None for each in totals.mutants.values()),
            "seconds": round(time.monotonic() - self._started, 1),
            "seeds": [self._first, self._first + self._count - 1],
            "details": {
                "quarantined_without_a_thief": wrong["quarantined"],
                "findings": totals.findings,
                "failpoints_not_killed": totals.unkilled,
                "disasters": dict(totals.disasters.most_common()),
                "mutants": totals.mutants,
            },
        }

    def failed(self) -> list[str]:
        """Why the campaign fails; empty where it does not."""
        totals = self.totals
        why = [f"{kind}: {len(found)}" for kind, found in totals.findings.items()]
        why += [f"not killed at {point}" for point in totals.unkilled]
        why += [f"mutant {name} was not caught" for name, each in totals.mutants.items() if each["caught"] is None]
        return why

    def _spread(self, tasks: Iterable[Any], tool: Callable[[], AbstractContextManager[Any]]) -> Iterator[Any]:
        return spread(tasks, tool, jobs=self._jobs)

    def _progress(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if done == 1:
            self._since = now
        if done == of or done % max(1, of // 20) == 0:
            rate = (done - 1) / (now - self._since) if now > self._since else 0.0
            left = (of - done) / rate if rate else 0.0
            self._say(f"{what}: {done} of {of}, {rate:.1f} a second, {left:.0f} s to go")


class Done:
    """The histories that a campaign has behind it, in a file; of another campaign's nothing is kept."""

    def __init__(self, path: Path | None, campaign: str) -> None:
        self._path = path
        self.results: dict[int, dict[str, Any]] = {}
        if path is None:
            return
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or lines[0] != campaign:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(campaign + "\n")
            lines = []
        for line in lines[1:]:
            try:
                result = json.loads(line)
            except ValueError:
                continue  # it was being written when the campaign was stopped
            self.results[result["seed"]] = result

    def note(self, result: dict[str, Any]) -> None:
        """One more."""
        if self._path is not None:
            with self._path.open("a") as file:
                print(json.dumps(result), file=file)

    def over(self) -> None:
        """All are done: the next campaign starts over."""
        if self._path is not None:
            self._path.unlink()


@contextmanager
def _killing(store: Any, seed: int) -> Iterator[Callable[[Any], Any]]:
    with killer.staged(store) as stage:
        yield partial(_kill_until_reached, stage, seed)


def _kill_until_reached(stage: Stage, seed: int, task: Any) -> dict[str, Any]:
    kill = _kill(task)
    kills, results = 0, []
    for again in range(killer.TRIES):
        result = stage.kill(kill, seed + again)
        kills += result["kills"]
        results.append(result)
        if result["reached"] or result["findings"]:
            break
    return {**results[-1], "kills": kills}


def _kill(task: Any) -> Kill:
    anchor = task["anchor"]
    return Kill(**{**task, "anchor": None if anchor is None else tuple(anchor)})


def _mutated(name: str, seed: int) -> dict[str, Any]:
    try:
        return histories.run(seed, mutant=name)
    except PieceMissing:
        raise
    except Exception:  # an engine with a mistake may break down, which is no judgement
        return {"findings": {}}


def _digest() -> str:
    digest = hashlib.sha256()
    for folder in (ROOT / "pyjpm", ROOT / "tests" / "campaign", ROOT / "tests" / "chains"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def write(report: dict[str, Any], name: str) -> Path:
    """The report where it belongs."""
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"{name}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    return path


def say(text: str) -> None:
    """To the terminal, at once."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
