"""YAML for people: what compose and kubectl read, written without a library.

Decisions that govern this module:

* Only mappings, lists, strings, numbers and booleans. A string of several lines is a literal block, any other is
  quoted as JSON does, so nothing is ever taken for another type (``no``, ``1:30``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def to_yaml(value: Mapping[str, Any], title: str = "") -> str:
    """One document; ``title`` as a comment before it."""
    head = "".join(f"# {line}\n" for line in title.splitlines())
    return head + "\n".join(_mapping(value, 0)) + "\n"


def documents(values: Sequence[Mapping[str, Any]], title: str = "") -> str:
    """Several documents in one file."""
    head = "".join(f"# {line}\n" for line in title.splitlines())
    return head + "---\n".join(to_yaml(value) for value in values)


def _mapping(value: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for key, entry in value.items():
        lines += _entry(f"{'  ' * depth}{_key(key)}:", entry, depth + 1)
    return lines


def _list(value: Sequence[Any], depth: int) -> list[str]:
    lines = []
    for entry in value:
        if isinstance(entry, Mapping) and entry:
            first, *rest = _mapping(entry, depth + 1)
            lines += [f"{'  ' * depth}- {first.lstrip()}", *rest]
        else:
            lines += _entry(f"{'  ' * depth}-", entry, depth + 1)
    return lines


def _entry(start: str, value: Any, depth: int) -> list[str]:
    if isinstance(value, Mapping):
        return [start, *_mapping(value, depth)] if value else [f"{start} {{}}"]
    if isinstance(value, (list, tuple)):
        return [start, *_list(value, depth)] if value else [f"{start} []"]
    if isinstance(value, str) and _is_block(value):
        body = value[:-1].split("\n")
        return [f"{start} |", *(f"{'  ' * depth}{line}" if line else "" for line in body)]
    return [f"{start} {json.dumps(value)}"]


def _is_block(text: str) -> bool:
    # A literal block keeps exactly one line end at its end, and takes its depth from its first line.
    return text.endswith("\n") and not text.endswith("\n\n") and "\n" in text[:-1] and not text.startswith((" ", "\n"))


def _key(key: str) -> str:
    plain = key.replace("-", "").replace("_", "").replace(".", "").replace("/", "").isalnum() and not key[0].isdigit()
    return (
        key
        if plain and key.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
        else json.dumps(key)
    )
