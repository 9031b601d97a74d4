"""Mutation testing: how many of the mutants of the contracts (mutants.py) do the forge tests tell from the original?

    python tests/verify/mutation.py [--sample N] [--seed N] [--only TEXT] [--fresh]

Method. Two workers, each in a copy of the tree, edit one file at a time, compile what that changes (without the
optimizer, which is twice as fast) and run the tests of its area, then all others, then the invariants, up to the first
failure. A mutant that does not compile is none; one that no test tells from the original but that compiles to the same
code is none either. What was killed stays killed while its source is the same (build/mutants/results.jsonl), so a run
that was ended goes on where it was; survivors are tried again with every change of the tests.

Each survivor must be explained in tests/verify/survivors.toml: one that is not, and an explanation of what did not
survive, fail the run, as does a share of killed mutants below ``LEAST_KILLED``. Writes build/mutants.json, and what a
run found that was not narrowed down by ``--only`` to docs/verification.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from typing import Any

from mutants import AREAS, ROOT, Mutant, area_of, mutants
from page import write_mutants

WORK = ROOT / "build" / "mutants"
RESULTS = WORK / "results.jsonl"
RECORD = ROOT / "build" / "mutants.json"
PAGE = ROOT / "docs" / "verification.md"
EXPLAINED = ROOT / "tests" / "verify" / "survivors.toml"
LEAST_KILLED = 0.95
SECONDS = 900
OF_SIZE = "(every_contract_fits|what_it_was_made_with)"  # the optimizer is off
KILLED, SURVIVED, STILLBORN, SAME_CODE = "killed", "survived", "does not compile", "same code"
COPIED = ("contracts", "tests/contracts", "tests/halmos", "pyjpm/contracts", "foundry.toml", "build/solc")


def forge() -> str:
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    if not found:
        sys.exit("forge is not here: run `make setup`")
    return str(found[0])


class Worker:
    """A copy of the tree in which one mutant at a time lives."""

    def __init__(self, number: int) -> None:
        self.root = WORK / f"worker{number}"
        self.environment = os.environ | {
            "FOUNDRY_OPTIMIZER": "false",
            "FOUNDRY_FUZZ_RUNS": "64",
            "FOUNDRY_INVARIANT_RUNS": "8",
            "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
        }

    def prepare(self) -> None:
        """Bring the copy up to date, compile it, and see that its tests pass as they are."""
        for name in COPIED:
            source, target = ROOT / name, self.root / name
            if target.is_dir():
                shutil.rmtree(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy2(source, target)
        if not (self.root / "node_modules").exists():
            (self.root / "node_modules").symlink_to(ROOT / "node_modules")
        done = self._forge("--no-match-contract", "Invariant")
        if done.returncode:
            sys.exit(f"the tests fail without a mutant:\n{(done.stdout + done.stderr)[-3000:]}")
        self.original = self._code()

    def judge(self, mutant: Mutant) -> str:
        """Killed, survived, or none."""
        path = self.root / mutant.file
        source = path.read_bytes()
        path.write_bytes(mutant.apply(source))
        try:
            return self._judge(mutant)
        except subprocess.TimeoutExpired:
            return KILLED
        finally:
            path.write_bytes(source)

    def _judge(self, mutant: Mutant) -> str:
        near = AREAS[str(area_of(mutant.file))][0]
        for options in (
            ("--match-contract", near, "--no-match-contract", "Invariant"),
            ("--no-match-contract", f"({near}|Invariant)"),
            ("--match-contract", "Invariant"),
        ):
            done = self._forge(*options)
            if "Compiler run failed" in done.stdout + done.stderr:
                return STILLBORN
            if done.returncode:
                return KILLED
            if self._code() == self.original:
                return SAME_CODE
        return SURVIVED

    def _forge(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = [
            forge(),
            "test",
            "--fail-fast",
            "--threads",
            "1",
            "--fuzz-seed",
            "0x5eed",
            "--no-match-test",
            OF_SIZE,
        ]
        return subprocess.run(
            [*command, *options],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def _code(self) -> str:
        """A digest of what all contracts compile to."""
        digest = hashlib.sha256()
        for source in sorted((self.root / "contracts").rglob("*.sol")):
            for file in sorted((self.root / "build" / "forge" / source.name).glob("*.json")):
                digest.update(json.loads(file.read_bytes())["deployedBytecode"]["object"].encode())
        return digest.hexdigest()


def tests_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "tests" / "contracts").rglob("*.sol")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def source_digest(file: str) -> str:
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:16]


def known(tests: str) -> dict[str, str]:
    """What earlier runs found and still holds."""
    if not RESULTS.exists():
        return {}
    found = {}
    for line in RESULTS.read_text().splitlines():
        said = json.loads(line)
        if said["source"] == source_digest(said["file"]) and (said["result"] != SURVIVED or said["tests"] == tests):
            found[said["key"]] = said["result"]
    return found


def hunt(wanted: list[Mutant], jobs: int, tests: str) -> dict[str, str]:
    """Judge each mutant that no earlier run has."""
    results = {key: result for key, result in known(tests).items() if key in {mutant.key for mutant in wanted}}
    left = [mutant for mutant in wanted if mutant.key not in results]
    print(f"{len(wanted)} mutants, {len(results)} of them known", flush=True)
    if not left:
        return results
    idle: queue.Queue[Worker] = queue.Queue()
    workers = [Worker(number) for number in range(jobs)]
    for worker in workers:
        worker.prepare()
        idle.put(worker)
    writing = threading.Lock()

    def judge(mutant: Mutant) -> tuple[Mutant, str]:
        worker = idle.get()
        try:
            result = worker.judge(mutant)
        finally:
            idle.put(worker)
        row = {"key": mutant.key, "file": mutant.file, "source": source_digest(mutant.file)}
        with writing, RESULTS.open("a") as out:
            out.write(json.dumps({**row, "tests": tests, "result": result}) + "\n")
        return mutant, result

    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        for number, job in enumerate(as_completed([pool.submit(judge, mutant) for mutant in left]), 1):
            mutant, result = job.result()
            results[mutant.key] = result
            if result == SURVIVED or number % 20 == 0 or number == len(left):
                pace = (time.monotonic() - started) / number
                print(f"{number:5}/{len(left)} {pace:5.1f} s each  {result}: {mutant.line}: {mutant.key}", flush=True)
    return results


def explanations() -> dict[str, str]:
    """Why a mutant survives, by its key."""
    if not EXPLAINED.exists():
        return {}
    return {row["mutant"]: row["why"] for row in tomllib.loads(EXPLAINED.read_text()).get("survivor", [])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sample", type=int, default=0, help="so many, drawn by the seed; 0: all")
    parser.add_argument("--seed", type=lambda text: int(text, 0), default=None)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed
    WORK.mkdir(parents=True, exist_ok=True)
    if arguments.fresh:
        RESULTS.unlink(missing_ok=True)
    started = time.monotonic()
    wanted = list({mutant.key: mutant for mutant in mutants() if arguments.only in mutant.key}.values())
    origin = {"run": "make mutants", "of": len(wanted), "commit": commit()}
    if arguments.sample and arguments.sample < len(wanted):
        wanted = random.Random(seed).sample(wanted, arguments.sample)
        origin["run"] = f"make mutants SAMPLE={arguments.sample} SEED={seed:#x}"
        print(f"seed {seed:#x}: `{origin['run']}` draws these again", flush=True)
    results = hunt(wanted, arguments.jobs, tests_digest())
    return report(results, explanations(), origin, started, whole=not arguments.only)


def commit() -> str:
    """The commit that last changed a contract or its tests; ``+`` where there are changes since."""

    def git(*words: str) -> str:
        command = ["git", *words, "--", "contracts", "tests/contracts"]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()

    return git("log", "-1", "--format=%h") + ("+" if git("status", "--porcelain") else "")


def report(results: dict[str, str], why: dict[str, str], origin: dict[str, Any], started: float, whole: bool) -> int:
    survivors = [key for key, result in results.items() if result == SURVIVED]
    killed = sum(result == KILLED for result in results.values())
    judged = killed + len(survivors)
    share = killed / judged if judged else 1.0
    lacking = [f"survives unexplained: {key}" for key in survivors if key not in why]
    lacking += [f"explained, but killed: {key}" for key, result in results.items() if key in why and result == KILLED]
    if whole and share < LEAST_KILLED:
        lacking.append(f"{share:.1%} killed, not {LEAST_KILLED:.0%}")
    record: dict[str, Any] = {
        **origin,
        "date": datetime.now(UTC).date().isoformat(),
        "drawn": len(results),
        "mutants": judged,
        "killed": killed,
        "share": round(share, 4),
        "survivors": [{"mutant": key, "why": why.get(key)} for key in survivors],
        "same_code": sum(result == SAME_CODE for result in results.values()),
        "seconds": round(time.monotonic() - started, 1),
        "lacking": lacking,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if whole:
        write_mutants(PAGE, record)
    print(f"{killed} of {judged} mutants killed ({share:.1%}): {RECORD.relative_to(ROOT)}")
    for line in lacking:
        print(f"LACKING {line}")
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main())
