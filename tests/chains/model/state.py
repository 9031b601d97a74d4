"""What a chain knows at the end of a block, as layers of changes.

Decisions that govern this module:

* A block's state is its parent's with changes on top and never changes again: old heights, lagging nodes and orphaned
  branches keep reading theirs, at no cost. Every few layers all is copied into one, so that reads stay short.
* A transaction writes into a ``Draft`` that is thrown away where it reverts.
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 16


class State:
    """Values by key, immutable. Keys are tuples that begin with what they name."""

    __slots__ = ("_changes", "_depth", "_parent")

    def __init__(self, changes: dict[tuple[Any, ...], Any], parent: State | None = None) -> None:
        self._changes = changes
        self._parent = parent
        self._depth: int = 0 if parent is None else parent._depth + 1

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """The value of a key."""
        layer: State | None = self
        while layer is not None:
            found = layer._changes.get(key)
            if found is not None:
                return found
            layer = layer._parent
        return default

    def with_changes(self, changes: dict[tuple[Any, ...], Any]) -> State:
        """This state with changes on top."""
        if not changes:
            return self
        if self._depth < _DEEPEST:
            return State(changes, self)
        return State({**self.items(), **changes})

    def items(self) -> dict[tuple[Any, ...], Any]:
        """Everything."""
        layers = []
        layer: State | None = self
        while layer is not None:
            layers.append(layer._changes)
            layer = layer._parent
        merged: dict[tuple[Any, ...], Any] = {}
        for changes in reversed(layers):
            merged.update(changes)
        return merged


class Draft:
    """Changes on top of a state or of another draft, not yet kept."""

    __slots__ = ("_below", "changes")

    def __init__(self, below: State | Draft) -> None:
        self._below = below
        self.changes: dict[tuple[Any, ...], Any] = {}

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """The value of a key as changed so far."""
        found = self.changes.get(key)
        return self._below.get(key, default) if found is None else found

    def set(self, key: tuple[Any, ...], value: Any) -> None:
        """Change a value; None is no value."""
        self.changes[key] = value

    def keep(self) -> None:
        """Put the changes into the draft below."""
        assert isinstance(self._below, Draft)
        self._below.changes.update(self.changes)
