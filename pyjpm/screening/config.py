"""The file that says how to screen, and the one that says who the participants are.

Decisions that govern this module:

* What is named must be there and be read whole, or nothing is screened. Unknown members are refused: a slip in a name
  must not switch a rule off.
* Paths are relative to the file that names them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pyjpm.custody.files import read_private
from pyjpm.directory import Directory
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.remittance import InvalidEncryptionKey
from pyjpm.errors.screening import InvalidScreeningConfig, ScreeningError
from pyjpm.four_eyes import Staff
from pyjpm.money import Money, minor_units
from pyjpm.remittance import RemittanceKey
from pyjpm.screening import fuzzy, logic
from pyjpm.screening.lists import Kind, load_list
from pyjpm.screening.party import Party, Screener
from pyjpm.screening.queue import Queue
from pyjpm.screening.rules import Structuring, Velocity
from pyjpm.screening.screening import WEEK, Policy, Screening

_SCREENERS: Final[Mapping[str, tuple[Callable[..., Screener], int]]] = {
    "fuzzy": (fuzzy.FuzzyScreener, fuzzy.CUTOFF),
    "logic": (logic.LogicScreener, logic.CUTOFF),
}
_REQUIRED: Final = {"queue", "staff", "parties", "lists"}
_OPTIONAL: Final = {
    *("screener", "cutoff", "oldest", "directory", "directory_staff", "keys"),
    *("travel_rule", "velocity", "structuring"),
}


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says, read whole. Times in seconds.

    Attributes:
        queue, directory: files or ``postgresql://`` URLs.
        keys: files with the bank's encryption keys, 32 bytes in hexadecimal, mode 0600.
    """

    queue: str
    staff: Staff
    parties: Mapping[int, Party]
    lists: tuple[Path, ...]
    policy: Policy
    screener: str
    cutoff: int
    directory: str | None
    directory_staff: Staff | None
    keys: tuple[Path, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a TOML file of the form in docs/screening.md.

        Raises:
            InvalidScreeningConfig: it, or a file that it names, is missing or says something else.
        """
        said = _toml(path)
        try:
            if missing := _REQUIRED - said.keys():
                raise ValueError(f"{sorted(missing)} is missing")
            if unknown := said.keys() - _REQUIRED - _OPTIONAL:
                raise ValueError(f"{sorted(unknown)} is unknown")
            screener = said.get("screener", "fuzzy")
            cutoff = _number(said.get("cutoff", _SCREENERS[screener][1]), 1, 100)
            directory, people = said.get("directory"), said.get("directory_staff")
            if (directory is None) != (people is None):
                raise ValueError("directory and directory_staff go together")
            return cls(
                queue=_place(path, said["queue"]),
                staff=Staff.load(path.parent / said["staff"]),
                parties=load_parties(path.parent / said["parties"]),
                lists=tuple(path.parent / each for each in _list(said["lists"])),
                policy=_policy(said),
                screener=screener,
                cutoff=cutoff,
                directory=None if directory is None else _place(path, directory),
                directory_staff=None if people is None else Staff.load(path.parent / people),
                keys=tuple(path.parent / each for each in said.get("keys", [])),
            )
        except (KeyError, ValueError, TypeError, AttributeError, PyjpmError) as error:
            raise _invalid(path, error) from error

    def open_queue(self) -> Queue:
        """The queue; close it."""
        return Queue(self.queue, staff=self.staff)

    @contextmanager
    def opened(self) -> Iterator[Screening]:
        """Screening as configured; its queue and directory are closed afterwards.

        Raises:
            MalformedSanctionsList, ScreeningSupportMissing; what opening queue and directory raises.
        """
        lists = [load_list(each) for each in self.lists]
        if len({each.name for each in lists}) < len(lists):
            raise InvalidScreeningConfig("One list is named twice.", path=", ".join(map(str, self.lists)))
        screener = _SCREENERS[self.screener][0](lists, cutoff=self.cutoff)
        with ExitStack() as stack:
            queue = stack.enter_context(self.open_queue())
            directory = None
            if self.directory is not None:
                directory = stack.enter_context(Directory(self.directory, staff=self.directory_staff))
            yield Screening(queue, lists, [screener], self.parties.get, policy=self.policy, directory=directory)

    def read_keys(self) -> tuple[RemittanceKey, ...]:
        """The bank's encryption keys.

        Raises:
            InvalidScreeningConfig: one is missing or none. KeystoreTooOpen: others may read it.
        """
        return tuple(_key(path) for path in self.keys)


def load_parties(path: Path) -> dict[int, Party]:
    """Who the participants are: a TOML file of tables ``[participant.7]`` with ``name``, ``kind`` (person,
    organisation), ``country`` (two letters) and ``birth``; all but the name may be left out.

    Raises:
        InvalidScreeningConfig
    """
    said = _toml(path)
    try:
        if said.keys() != {"participant"}:
            raise ValueError("there are no tables [participant.N]")
        return {int(number): _party(given) for number, given in said["participant"].items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _invalid(path, error) from error


def _policy(said: Mapping[str, Any]) -> Policy:
    default = Policy()
    thresholds = dict(default.thresholds)
    for currency, amount in said.get("travel_rule", {}).items():
        thresholds[currency] = Money(amount, currency).minor
    if thresholds["USD"] > default.thresholds["USD"]:
        raise ValueError("the travel rule's threshold in USD is 3000.00 at most")
    rules: list[Velocity | Structuring] = [_velocity(dict(each)) for each in said.get("velocity", [])]
    rules += [_structuring(dict(each)) for each in said.get("structuring", [])]
    if len({rule.name for rule in rules}) < len(rules):
        raise ValueError("two rules have one name")
    oldest = _number(said.get("oldest", WEEK), 1, 10 * WEEK)
    return Policy(thresholds=thresholds, rules=tuple(rules), oldest=oldest)


def _velocity(given: dict[str, Any]) -> Velocity:
    if "most" in given:
        given["most"] = Money(given["most"], given["currency"]).minor
    made = Velocity(**given)
    _require_rule(made)
    if made.most is None and made.count is None:
        raise ValueError(f"the rule {made.name!r} has neither most nor count")
    if made.count is not None:
        _number(made.count, 0, 1_000_000)
    return made


def _structuring(given: dict[str, Any]) -> Structuring:
    for name in ("threshold", "near"):
        if name in given:
            given[name] = Money(given[name], given["currency"]).minor
    made = Structuring(**given)
    _require_rule(made)
    if not 0 < made.near < made.threshold:
        raise ValueError(f"the rule {made.name!r} is near nothing")
    _number(made.count, 2, 1_000)
    if type(made.same_payee) is not bool:
        raise ValueError(f"{made.same_payee!r} is neither true nor false")
    return made


def _require_rule(rule: Velocity | Structuring) -> None:
    if not isinstance(rule.name, str) or not rule.name.strip() or len(rule.name) > 100:
        raise ValueError("a rule has a name of 1 to 100 characters")
    _number(rule.window, 1, 366 * 86_400)
    minor_units(rule.currency)


def _party(given: Mapping[str, Any]) -> Party:
    if given.keys() - {"name", "kind", "country", "birth"} or not given["name"].strip():
        raise ValueError(f"{sorted(given)} is no party")
    kind = Kind(given.get("kind", Kind.OTHER).upper())
    return Party(given["name"].strip(), kind, given.get("country", ""), str(given.get("birth", "")))


def _key(path: Path) -> RemittanceKey:
    try:
        return RemittanceKey(bytes.fromhex(read_private(path).decode().strip()))
    except OSError as error:
        raise _invalid(path, error) from error
    except (ValueError, InvalidEncryptionKey):
        # Without the cause, which could quote the key.
        raise _invalid(path, ValueError("it is no key of 32 bytes in hexadecimal")) from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _invalid(path, error) from error


def _place(path: Path, said: str) -> str:
    return said if "://" in said else str(path.parent / said)


def _list(said: Any) -> list[str]:
    if not isinstance(said, list) or not said:
        raise ValueError("lists names no list")
    return said


def _number(said: Any, least: int, most: int) -> int:
    if type(said) is not int or not least <= said <= most:
        raise ValueError(f"{said!r} is no whole number from {least} to {most}")
    return said


def _invalid(path: Path, error: Exception) -> ScreeningError:
    said = str(error.message if isinstance(error, PyjpmError) else error)
    return InvalidScreeningConfig(f"{path} is not usable: {said}.", path=str(path))
