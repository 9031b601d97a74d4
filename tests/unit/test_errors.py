"""Every error class is reachable under one roof, has a code of its own, and says what to do."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
from collections import Counter

import pytest

from pyjpm import errors
from pyjpm.errors.base import PyjpmError


def defined() -> list[type[PyjpmError]]:
    """Every error class of every module of the package, where it is defined."""
    modules = [
        importlib.import_module(f"{errors.__name__}.{found.name}") for found in pkgutil.iter_modules(errors.__path__)
    ]
    return [
        member
        for module in modules
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, PyjpmError) and member.__module__ == module.__name__
    ]


CLASSES = defined()


def test_no_two_errors_share_a_name_or_a_code() -> None:
    twice = [name for name, times in Counter(error.__name__ for error in CLASSES).items() if times > 1]
    assert twice == []
    codes = [error.code for error in CLASSES]
    assert [code for code, times in Counter(codes).items() if times > 1] == []


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_an_error_is_reachable_coded_explained_and_survives_a_process_boundary(error: type[PyjpmError]) -> None:
    assert getattr(errors, error.__name__) is error
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", error.code)
    assert error.__doc__
    assert error.hint or error.__subclasses__() or error is PyjpmError, "an error that is raised says what to do"
    raised = pickle.loads(pickle.dumps(error("What happened.", amount=1)))
    assert type(raised) is error
    assert raised.to_dict() == {
        "code": error.code,
        "message": "What happened.",
        "hint": error.hint,
        "details": {"amount": 1},
    }
