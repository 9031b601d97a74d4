"""XSDs that others made, to judge messages by: they sit in the packages pacs008, camt053 and pain001."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from lxml import etree

PREFIX = "urn:iso:std:iso:20022:tech:xsd:"


def folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None, f"the test extra {package} is not installed"
    assert found.origin is not None
    return Path(found.origin).parent


@cache
def schema(name: str) -> etree.XMLSchema:
    """The schema of a message such as ``pain.001.001.09``."""
    places = [path for package in ("pacs008", "camt053", "pain001") for path in folder(package).rglob(f"{name}.xsd")]
    assert places, f"no package has an XSD of {name}"
    # A few are short forms of the packages' own making: those judge nothing.
    assert places[0].stat().st_size > 30_000, f"{places[0]} is not the standard's"
    return etree.XMLSchema(etree.parse(str(places[0])))


def assert_valid(data: bytes) -> str:
    """The name of a message that its XSD allows."""
    root = etree.fromstring(data)
    name = etree.QName(root).namespace.removeprefix(PREFIX)
    judge = schema(name)
    assert judge.validate(root), [f"{error.line}: {error.message}" for error in judge.error_log]
    return name
