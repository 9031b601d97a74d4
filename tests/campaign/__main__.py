"""``make faults``: kills, histories and mistakes planted on purpose, judged by the chain's events; build/faults.json.

    python -m campaign [--histories N] [--first N] [--jobs N] [--seed N]

1. A paying process is killed by SIGKILL at every failpoint, and started again (``killer``).
2. Random histories on the in-process chain (``histories``); ``--seed`` replays one, and tells every event.
3. Each mistake of ``mutants`` must be caught by one of the histories that it is given.

What was done is kept in build/faults.jsonl, so that a run that was ended goes on where it was, as long as the engine
and the campaign are the same. Fails on any duplicate, loss, open end, wrong "no", quarantine without a thief, failpoint
that was not reached, or mistake that was not caught; each with the command that replays it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from campaign import histories
from campaign.killer import Kill, failpoints, staged
from campaign.mutants import MUTANTS
from campaign.spread import spread

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "build" / "faults.json"
DONE = ROOT / "build" / "faults.jsonl"
KILL_SEED = 1
TRIES_OF_A_MISTAKE = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--histories", type=int, default=2_000, help="how many random histories")
    parser.add_argument("--first", type=lambda text: int(text, 0), default=0, help="the first history's seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=lambda text: int(text, 0), help="replay this history, and tell all of it")
    parser.add_argument("--mistake", choices=sorted(MUTANTS), help="replay it with this mistake planted")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.seed is not None:
        told = histories.run(arguments.seed, print, mutant=arguments.mistake)
        print(json.dumps(told, indent=1))
        return int(bool(told["findings"]))
    return Campaign(arguments.jobs, arguments.histories, arguments.first).run()


class Campaign:
    """All three parts, with progress, kept as they come."""

    def __init__(self, jobs: int, wanted: int, first: int) -> None:
        self._jobs, self._wanted, self._first = jobs, wanted, first
        self._source = _source()
        self._done = _read_done(self._source)

    def run(self) -> int:
        started = time.monotonic()
        before = sum(each["took"] for each in self._done.values())
        kills = self._kills()
        told = self._histories()
        mistakes = self._mistakes()
        record = _record(kills, told, mistakes, before + time.monotonic() - started)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        failures = record["details"]["failures"]
        for failure in failures:
            print(f"FAILED  {failure}")
        figures = ", ".join(f"{name} {value}" for name, value in record.items() if isinstance(value, int))
        print(f"{figures}: {RECORD.relative_to(ROOT)}")
        return int(bool(failures))

    # --- the parts -------------------------------------------------------------------------------------------------

    def _kills(self) -> list[dict[str, Any]]:
        with staged() as stage:
            points = failpoints(stage)
        tasks = [{"kill": asdict(point)} for point in points]
        return self._through("kills", tasks, _killing)

    def _histories(self) -> list[dict[str, Any]]:
        seeds = range(self._first, self._first + self._wanted)
        return self._through("histories", [{"seed": seed} for seed in seeds], _telling)

    def _mistakes(self) -> list[dict[str, Any]]:
        return self._through("mistakes", [{"mistake": name} for name in MUTANTS], _erring)

    def _through(self, what: str, tasks: list[dict[str, Any]], tool: Any) -> list[dict[str, Any]]:
        keys = [json.dumps(task, sort_keys=True) for task in tasks]
        missing = [task for key, task in zip(keys, tasks, strict=True) if key not in self._done]
        started, told_at = time.monotonic(), 0.0
        with DONE.open("a") as kept:
            for number, (task, result) in enumerate(spread(missing, tool, jobs=self._jobs), 1):
                self._done[json.dumps(task, sort_keys=True)] = result
                kept.write(json.dumps({"source": self._source, "task": task, "result": result}) + "\n")
                kept.flush()
                passed = time.monotonic() - started
                if passed - told_at >= 10.0 or number == len(missing):
                    told_at = passed
                    left = passed / number * (len(missing) - number)
                    print(f"{what}: {number}/{len(missing)}, {number / passed:.1f}/s, {left:.0f} s to go", flush=True)
        return [self._done[key] for key in keys]


# --- what each copy of the process does ------------------------------------------------------------------------------


@contextmanager
def _killing() -> Iterator[Callable[[Any], Any]]:
    with staged() as stage:

        def kill(task: Any) -> Any:
            started = time.monotonic()
            anchor = task["kill"]["anchor"]
            point = Kill(**{**task["kill"], "anchor": tuple(anchor) if anchor else None})
            result = stage.kill(point, KILL_SEED)
            for _ in range(2):
                if result["reached"]:
                    break
                again = stage.kill(point, KILL_SEED)  # a poll more or less changes who passes what
                again["kills"] += result["kills"]
                again["findings"] = result["findings"] or again["findings"]
                result = again
            return {**result, "point": str(point), "took": time.monotonic() - started}

        yield kill


@contextmanager
def _telling() -> Iterator[Callable[[Any], Any]]:
    def tell(task: Any) -> Any:
        return _quietly(task["seed"], None)

    yield tell


@contextmanager
def _erring() -> Iterator[Callable[[Any], Any]]:
    def err(task: Any) -> Any:
        started = time.monotonic()
        name = task["mistake"]
        for seed in range(TRIES_OF_A_MISTAKE):
            result = _quietly(seed, name)
            if result["findings"]:
                took = time.monotonic() - started
                return {"mistake": name, "seed": seed, "by": result["findings"], "took": took}
        return {"mistake": name, "seed": None, "by": {}, "took": time.monotonic() - started}

    yield err


def _quietly(seed: int, mistake: str | None) -> dict[str, Any]:
    """One history. What it leaves to the collector (connections of a process that died) is collected at once."""
    started = time.monotonic()
    result = histories.run(seed, mutant=mistake)
    gc.collect()
    return {**result, "took": time.monotonic() - started}


# --- the record ------------------------------------------------------------------------------------------------------


def _record(
    kills: list[dict[str, Any]], told: list[dict[str, Any]], mistakes: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    found: Counter[str] = Counter()
    failures = []
    for each in kills:
        found.update({kind: len(names) for kind, names in each["findings"].items()})
        if each["findings"] or not each["reached"]:
            failures.append(f"kill {each['point']}: {each['findings'] or 'not reached'}")
    for each in told:
        found.update({kind: len(names) for kind, names in each["findings"].items()})
        if each["findings"]:
            failures.append(f"make faults SEED={each['seed']}: {each['findings']}")
    failures += [f"{each['mistake']}: not caught" for each in mistakes if each["seed"] is None]
    everything = [*kills, *told]
    return {
        "failpoints": len(kills),
        "failpoints_killed": sum(each["reached"] for each in kills),
        "sigkills": sum(each["kills"] for each in kills),
        "histories": len(told),
        "payments": sum(each["payments"] for each in everything),
        "final": sum(each["final"] for each in everything),
        "reverted": sum(each["reverted"] for each in everything),
        "quarantined": found["quarantined"] + sum(each["planted"] for each in told),
        **{kind: found[kind] for kind in ("unresolved", "duplicates", "lost", "negative_but_paid")},
        "mutants": len(mistakes),
        "mutants_caught": sum(each["seed"] is not None for each in mistakes),
        "seconds": round(seconds, 1),
        "seeds": {"kills": KILL_SEED, "histories": [told[0]["seed"], told[-1]["seed"]] if told else []},
        "details": {
            "failures": failures,
            "mistakes": {
                each["mistake"]: {"why": MUTANTS[each["mistake"]].why, "seed": each["seed"], "by": each["by"]}
                for each in mistakes
            },
            "disasters": Counter(kind for each in told for kind in each["disasters"]),
            "quarantined_by_thieves": sum(each["planted"] for each in told),
        },
    }


def _source() -> str:
    """Of the engine, the chain and the campaign: a result of others says nothing."""
    digest = hashlib.sha256()
    for folder in ("pyjpm", "tests/campaign", "tests/chains"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _read_done(source: str) -> dict[str, dict[str, Any]]:
    DONE.parent.mkdir(exist_ok=True)
    if not DONE.exists():
        return {}
    kept = [json.loads(line) for line in DONE.read_text().splitlines() if line.endswith("}")]
    return {json.dumps(each["task"], sort_keys=True): each["result"] for each in kept if each["source"] == source}


if __name__ == "__main__":
    sys.exit(main())
