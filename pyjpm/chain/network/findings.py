"""What a check found: one fact each, how bad it is, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad: OK; WARN works, not as it should; FAIL pyjpm cannot rely on it; UNKNOWN cannot be seen from outside."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact.

    Attributes:
        name: which question, stable: ``chain_id``, ``cancun``.
        seen: what was seen.
        remedy: what to do; empty where there is nothing to.
        node: whose fact, the public form of its URL; empty for the network's as a whole.
    """

    name: str
    level: Level
    seen: str
    remedy: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that was found."""

    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing failed."""
        return not self.of(Level.FAIL)

    def of(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data: ``usable``, how many of each level, and ``findings``."""
        counts = Counter(finding.level for finding in self.findings)
        return {
            "usable": self.usable,
            **{level.value: counts[level] for level in Level},
            "findings": [asdict(finding) for finding in self.findings],
        }


def found(name: str, node: str, level: Level, seen: str, remedy: str = "") -> Finding:
    """A finding whose remedy is dropped where all is well."""
    return Finding(name, level, seen, "" if level is Level.OK else remedy, node)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """As people want to read them."""
    order = {Level.FAIL: 0, Level.WARN: 1, Level.UNKNOWN: 2, Level.OK: 3}
    return sorted(findings, key=lambda finding: order[finding.level])
