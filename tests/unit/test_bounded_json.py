"""JSON of others, nested however deeply, ends in an error: read by json alone it would end the process."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from pyjpm.bounded_json import read_json

DEEP = """
from pyjpm import Platform
from pyjpm.documents import Document
from pyjpm.errors.documents import MalformedDocument
for text in ("[" * 1_000_000, '{"a":' * 1_000_000, '{"pyjpm": 1, "body": ' + "[" * 500_000 + "]" * 500_000 + "}"):
    try:
        Document.from_json(text)
    except MalformedDocument as error:
        print(error.code)
"""


def test_a_document_of_another_company_does_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "MALFORMED_DOCUMENT\n" * 3), done.stderr


def test_what_is_sound_is_read_as_by_json() -> None:
    assert read_json(b'{"a": [1, 2.50, "x", null, true]}') == {"a": [1, 2.5, "x", None, True]}
    assert read_json("[2.50]", parse_float=Decimal) == [Decimal("2.50")]
    assert read_json(str(2**256)) == 2**256


def test_depth_is_a_value_error_by_either_limit() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        with pytest.raises(ValueError, match="deeply"):
            read_json("[" * 1_020 + "]" * 1_020)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "[" * 1_025 + "]" * 1_025, b"\xff"])
def test_what_is_not_is_refused(text: str | bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json(text)
