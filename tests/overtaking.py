"""Another thread, or another process, that is faster: what it does between two steps of whoever is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def overtake(monkeypatch: pytest.MonkeyPatch, where: type, name: str, by: Callable[[], None]) -> None:
    """Right after the next call of this method has its answer, something else happens."""
    method, before = getattr(where, name), [by]

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        answer = method(*args, **kwargs)
        if before:
            before.pop()()
        return answer

    monkeypatch.setattr(where, name, overtaken)
