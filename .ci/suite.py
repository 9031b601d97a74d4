"""Run the groups of `make test` one after the other, show what they print, and close with a summary.

Groups joined by `+` run side by side: those that mostly keep one core busy, as a compiler that knows no threads does.
A group that fails does not stop the others, so one run shows all that is wrong. What the run left behind fails it too.
The last line is the count of all tests, in the form that build servers read.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from leftovers import Leftovers

PYTEST = re.compile(r"^=+ .*?(?=\d+ \w+).* in [\d.]+s.*=+$|^\d+ \w+.* in [\d.]+s.*$")
FORGE = re.compile(r"^Ran \d+ test suites? in .*: (\d+) tests? passed, (\d+) failed, (\d+) skipped")
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def counts(line: str) -> dict[str, int]:
    """How many tests passed, failed and were skipped, if this is a test runner's closing line."""
    line = COLOUR.sub("", line).strip()
    if found := FORGE.match(line):
        return dict(zip(("passed", "failed", "skipped"), map(int, found.groups()), strict=True))
    if not PYTEST.match(line):
        return {}
    named = {name: int(number) for number, name in COUNT.findall(line)}
    failed = named.get("failed", 0) + named.get("error", 0) + named.get("errors", 0)
    return {"passed": named.get("passed", 0), "failed": failed, "skipped": named.get("skipped", 0)}


def run(group: str, beside: bool = False) -> tuple[bool, float, dict[str, int]]:
    """Run one make target: whether it succeeded, its seconds, and the tests it counted.

    What it prints is shown at once, or when it has ended where another group runs ``beside`` it.
    """
    heading = f"\n──── {group} " + "─" * (100 - len(group))
    lines = [heading]
    if not beside:
        print(heading, flush=True)
    started = time.monotonic()
    total = {"passed": 0, "failed": 0, "skipped": 0}
    command = ["make", "--no-print-directory", group]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if beside:
                lines.append(line.rstrip("\n"))
            else:
                print(line, end="", flush=True)
            for name, number in counts(line).items():
                total[name] += number
    if beside:
        print("\n".join(lines), flush=True)
    return process.returncode == 0, time.monotonic() - started, total


def run_beside(groups: list[str]) -> dict[str, tuple[bool, float, dict[str, int]]]:
    """Run several make targets at the same time."""
    if len(groups) == 1:
        return {groups[0]: run(groups[0])}
    with ThreadPoolExecutor(len(groups)) as pool:
        return dict(zip(groups, pool.map(lambda group: run(group, beside=True), groups), strict=True))


def main(batches: list[str]) -> int:
    leftovers = Leftovers()
    started = time.monotonic()
    results = {group: result for batch in batches for group, result in run_beside(batch.split("+")).items()}
    seconds_in_all = time.monotonic() - started
    print("\n──── summary " + "─" * 93)
    for group, (succeeded, seconds, total) in results.items():
        tests = ", ".join(f"{number} {name}" for name, number in total.items() if number)
        print(f"{'ok  ' if succeeded else 'FAIL'}  {group:16} {seconds:7.1f} s   {tests}")
    print(f"{'':6}{'all':16} {seconds_in_all:7.1f} s")
    counted = {name: sum(total[name] for _, _, total in results.values()) for name in ("passed", "failed", "skipped")}
    # A group that ended badly without counting a failure (a lint, a crash) is a failure all the same.
    counted["failed"] += sum(not succeeded and not total["failed"] for succeeded, _, total in results.values())
    left = leftovers.found()
    for each in left:
        print(f"LEFT BEHIND  {each}")
    counted["failed" if left else "passed"] += 1  # that nothing is left behind is a test too
    skipped = f", {counted['skipped']} skipped" if counted["skipped"] else ""
    print(f"{counted['passed']} passed, {counted['failed']} failed{skipped}")
    return 0 if not left and all(succeeded for succeeded, _, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
